"""One container: a process that takes what Lambda would hand over, and tells the CPU that it took.

It runs on answers from a file, and imports nothing that a deployed container would not, but for what gives the answers.
CPU is user and system time of the whole process since it started, in ms, less what went into giving the answers.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Final

# The first that a stack of frames meets, from the inside, is what a sample is counted for.
PLACES: Final = (
    ("/bench/", "the bench"),
    ("/botocore/", "botocore"),
    ("/pynamodb/", "PynamoDB"),
    ("/aws_lambda_powertools/", "log and metrics"),
    ("/chalicelib/observability", "log and metrics"),
    ("/chalicelib/scrubbing", "reading and scrubbing"),
    ("/chalicelib/incidents/grouping", "grouping"),
    ("/chalicelib/incidents/report", "reading and scrubbing"),
    ("/chalicelib/sentry", "reading and scrubbing"),
    ("/chalicelib/", "the rest of Groundcrew"),
    ("/app.py", "the rest of Groundcrew"),
    ("/chalice/", "Chalice"),
)
SAMPLE_EVERY_S: Final = 0.001


def first(order: dict[str, Any]) -> float:
    """Answer one report."""
    from bench import answers, door

    app = door.app()
    with answers.answering(answers.replay(order["answers"])) as spent:
        answer = app(order["event"], None)
    done = time.process_time() - spent.seconds
    _require(answer)
    return done * 1000


def bare(order: dict[str, Any]) -> float:
    """The floor of `first`: an app of one view, which writes one row by boto3."""
    import boto3

    from bench import answers

    def write() -> dict[str, Any]:
        boto3.client("dynamodb").put_item(TableName="reports", Item={"pk": {"S": "1"}})
        return {}

    app = _one_view(order["event"], write)
    with answers.answering(answers.replay({})) as spent:
        answer = app(order["event"], None)
    done = time.process_time() - spent.seconds
    _require(answer)
    return done * 1000


def message(order: dict[str, Any]) -> float:
    """Take one message of the uploads queue."""
    from bench import door

    answer = door.app().handler_map["transcode_upload"](door.message(order["body"]), None)
    done = time.process_time()
    if answer["batchItemFailures"]:
        raise RuntimeError("the message was not taken")
    return done * 1000


def imports(order: dict[str, Any]) -> float:
    """The floor of `message`: Chalice and boto3 are there, and nothing is done."""
    del order
    import boto3  # noqa: F401
    import chalice  # noqa: F401

    return time.process_time() * 1000


def many(order: dict[str, Any]) -> dict[str, Any]:
    """Answer rounds of requests; of each its part, by round: spent, and what its calls alone would be."""
    import gc

    from bench import answers, door
    from bench import bare as calls_alone
    from chalicelib import clock

    moment = datetime.fromisoformat(order["now"])
    pace = timedelta(seconds=order["pace_s"])

    def tick() -> datetime:
        nonlocal moment
        moment += pace
        return moment

    clock.now = tick
    app = door.app()
    with answers.answering(answers.replay(order["answers"])) as answering:

        def cpu(answer: Callable[[Any, None], object], events: list[Any]) -> float:
            began = time.process_time() - answering.seconds
            for event in events:
                answer(event, None)
            return (time.process_time() - answering.seconds - began) * 1000 / len(events)

        warming, noting, *measured = order["rounds"]
        for event in json.loads(warming):
            _require(app(event, None))
        events = json.loads(noting)
        with calls_alone.noted() as calls:
            for event in events:
                _require(app(event, None))
        make_calls, empty = calls_alone.again(calls), _one_view(events[0], dict)
        _require(empty(events[0], None))
        make_calls()
        gc.collect()
        spent, floors = [], []
        for text in measured:
            # Kept as text until now: what a container does not hold must not make its garbage collection slower.
            events = json.loads(text)
            spent.append(cpu(app, events))
            floors.append(cpu(lambda *_: make_calls(), [None]) / len(events) + cpu(empty, events))
        places: Counter[str] = Counter()
        if order["sample"]:
            events = [event for text in measured for event in json.loads(text)]
            places = _sampled(lambda: [app(event, None) for event in events])
    return {"spent": spent, "floors": floors, "calls": len(calls) / len(events), "places": places}


def _sampled(run: Callable[[], object]) -> Counter[str]:
    """Where the CPU is while `run` runs, looked at by a timer that runs with the CPU."""
    places: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        while frame is not None:
            for part, place in PLACES:
                if part in frame.f_code.co_filename:
                    places[place] += 1
                    return
            frame = frame.f_back

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_EVERY_S, SAMPLE_EVERY_S)
    run()
    signal.setitimer(signal.ITIMER_PROF, 0)
    del places["the bench"]
    return places


def _one_view(event: dict[str, Any], view: Callable[[], object]) -> Any:
    """An app that has the event's route, and nothing else."""
    from chalice.app import Chalice

    app = Chalice("bare", configure_logs=False)
    kind = event["headers"]["content-type"]
    app.route(event["resource"], methods=[event["httpMethod"]], content_types=[kind])(lambda **_: view())
    return app


def _require(answer: dict[str, Any]) -> None:
    if answer["statusCode"] not in (200, 202):
        raise RuntimeError(f"{answer['statusCode']} {answer['body']}")


def main() -> None:
    """One of these functions, with the order in the file that is named; what it tells goes to stdout as JSON."""
    told, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123  # the app's log lines are written, as in Lambda
    order = json.loads(Path(sys.argv[2]).read_bytes())
    does = {each.__name__: each for each in (first, bare, message, imports, many)}
    json.dump(does[sys.argv[1]](order), told)
