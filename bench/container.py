"""One container: a process that takes what Lambda would hand over, and tells the CPU that each phase took.

It runs on answers from a file, and imports nothing that a deployed container would not, but for what gives the answers.
CPU is user and system time of the whole process since it started.
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
    ("/chalicelib/analytics/event", "reading and scrubbing"),
    ("/chalicelib/analytics/facts", "reading and scrubbing"),
    ("/chalicelib/analytics/tallying", "tallying"),
    ("/chalicelib/", "the rest of Groundcrew"),
    ("/app.py", "the rest of Groundcrew"),
    ("/chalice/", "Chalice"),
)
SAMPLE_EVERY_S: Final = 0.001


def first(order: dict[str, Any]) -> dict[str, float]:
    """Answer one report; CPU in ms from process start to the import's end, and to the answer."""
    from bench import answers, door

    app = door.app()
    imported = time.process_time()
    with answers.answering(answers.replay(order["answers"])) as spent:
        answer = app(order["events"][0], None)
    done = time.process_time() - spent.seconds
    _require(answer)
    return {"imported": imported * 1000, "answered": done * 1000}


def message(order: dict[str, Any]) -> dict[str, float]:
    """Take one message of the uploads queue; CPU in ms from process start to the import's end, and to the answer."""
    from bench import door

    app = door.app()
    imported = time.process_time()
    answer = app.handler_map["transcode_upload"](door.message(order["body"]), None)
    done = time.process_time()
    if answer["batchItemFailures"]:
        raise RuntimeError("the message was not taken")
    return {"imported": imported * 1000, "answered": done * 1000}


def many(order: dict[str, Any]) -> dict[str, Any]:
    """Answer rounds of reports; CPU in ms per event by round, of them and of the floors, and where it went."""
    import gc

    from bench import answers, door
    from chalicelib import clock

    moment = datetime.fromisoformat(order["now"])
    pace = timedelta(seconds=order["pace_s"])

    def tick() -> datetime:
        nonlocal moment
        moment += pace
        return moment

    clock.now = tick
    app = door.app()
    empty, update = _empty_view(), _bare_update(order["update"])
    with answers.answering(answers.replay(order["answers"])) as spent:

        def cpu(run: Callable[[Any], Any], events: list[Any]) -> float:
            began = time.process_time() - spent.seconds
            for event in events:
                run(event)
            return (time.process_time() - spent.seconds - began) * 1000 / len(events)

        warming, *measured = order["rounds"]
        for event in json.loads(warming):
            _require(app(event, None))
        gc.collect()
        rounds = []
        for text in measured:
            # Kept as text until now: what a container does not hold must not make its garbage collection slower.
            events, calls = json.loads(text), spent.calls
            report = cpu(lambda event: app(event, None), events)
            calls = spent.calls - calls
            rounds.append(
                {
                    "report": report,
                    "calls": calls / len(events),
                    "empty view": cpu(lambda event: empty(event, None), events),
                    "update": cpu(lambda _: update(), events),
                }
            )
        places: Counter[str] = Counter()
        if order["sample"]:
            events = [event for text in measured for event in json.loads(text)]
            places = _sampled(lambda: [app(event, None) for event in events])
    return {"rounds": rounds, "places": places}


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


def _empty_view() -> Any:
    from chalice.app import Chalice

    empty = Chalice("empty", configure_logs=False)
    empty.route("/incidents", methods=["POST"])(dict)
    return empty


def _bare_update(parameters: dict[str, Any]) -> Callable[[], Any]:
    """The very update of the hot row, by botocore alone with its parameters ready."""
    import botocore.config
    import botocore.session

    client: Any = botocore.session.get_session().create_client(
        "dynamodb", config=botocore.config.Config(parameter_validation=False)
    )
    return lambda: client.update_item(**parameters)


def _require(answer: dict[str, Any]) -> None:
    if answer["statusCode"] not in (200, 202):
        raise RuntimeError(f"{answer['statusCode']} {answer['body']}")


def main() -> None:
    """`first`, `message` or `many`, of the order in the file that is named; what it says goes to stdout as JSON."""
    told, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123  # the app's log lines are written, as in Lambda
    order = json.loads(Path(sys.argv[2]).read_bytes())
    json.dump({"first": first, "message": message, "many": many}[sys.argv[1]](order), told)
