"""Crashes, races and lost answers, on the real steps: workers, operators and sweeps take turns in every order.

What must come out is what would have come out of the same calls one after the other. And whatever happened, it comes to
rest: nobody's run is doubled, nothing waits for ever, and who lost a job has published nothing.
"""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.attributes import UnicodeAttribute
from pynamodb.transactions import TransactWrite

import app
from chalicelib import clock
from chalicelib.dynamodb import Busy
from chalicelib.errors import Unavailable
from chalicelib.incidents import own, recording
from chalicelib.jobs import dead, failures, leases, models, requests, sweeping
from chalicelib.jobs.leases import LEASE, Lease, LeaseLost
from chalicelib.jobs.sweeping import STUCK_FOR
from infra import pump
from tests import store as stores
from tests.conftest import Door
from tests.faults import (
    Call,
    Gateway,
    Program,
    Race,
    forget,
    no_pauses,
    outcomes,
    points,
    storm,
    survives,
    tapped,
)

NOW = clock.parse("2100-03-01T10:00:00Z")
STUCK, GIVEN_UP = LEASE + timedelta(seconds=1), LEASE + STUCK_FOR + timedelta(seconds=1)
KIND = "transcode"

Programs = tuple[Program, Program]
_subjects = count()


class Subject(models.Row):
    """A row of another area: what a run publishes, under the run's fence, and the job that is the subject's."""

    class Meta(models.Row.Meta):
        table_name = "groundcrew-test-media"

    fence = UnicodeAttribute(null=True)


class World:
    """A job of a subject that was not there before, on a store of its own, with a clock that stands still.

    Runs are known by their attempts: `leases` holds those that began, whether they still hold the job or not.
    """

    def __init__(self, store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.door = Door(Gateway(app.app))
        self.store = store
        self._empty = store.bookmark()
        self.now = NOW
        self.subject, self.job_id = "", ""
        self.leases: list[Lease] = []
        self.sent: list[int] = []
        self.told: list[str] = []
        self._settled: dict[str, list[str]] = {}
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def begin(self) -> None:
        """Begin anew: another subject, an empty store, a container that remembers nothing, the same time."""
        self._empty()
        forget()
        self.now = NOW
        self.subject = f"subject-{next(_subjects)}"
        self.job_id = leases.first_id(KIND, self.subject)
        self.leases, self.sent, self.told = [], [], []

    def after(self, time: timedelta) -> None:
        self.now += time

    def note(self, call: Call) -> Any:
        """Note the messages that are sent."""
        answer = call.make()
        if call.operation == "SendMessage":
            message = json.loads(call.parameters["MessageBody"])
            if message.get("job_id") == self.job_id:
                self.sent.append(message["attempt"])
        return answer

    # -- what may happen ----------------------------------------------------------------------------------------------

    def start(self) -> str:
        lease = leases.start(
            KIND, self.subject, self.job_id, correlation_id="c", requested_by="customer", now=clock.now()
        )
        return self._began(lease)

    def make(self) -> bool:
        return requests.make(
            KIND,
            self.subject,
            self.job_id,
            correlation_id="c",
            requested_by="admin-1",
            now=clock.now(),
            also=lambda transaction: transaction.save(Subject(self.subject, "JOB")),
        )

    def claim(self, attempt: int) -> str:
        return self._began(leases.claim(self.job_id, attempt, clock.now()))

    def beat(self) -> str:
        return self._lost_or(lambda lease: leases.beat(lease, 0.5, clock.now()))

    def finish(self) -> str:
        return self._lost_or(lambda lease: leases.finish(lease, clock.now(), self._publish(lease)))

    def fail(self) -> str:
        return self._lost_or(lambda lease: leases.fail(lease, "The file is damaged.", {}, clock.now()))

    def drop(self) -> str:
        return self._lost_or(lambda lease: leases.drop(lease, "The subject is gone.", clock.now()))

    def retry(self) -> int:
        return self.door.admin("POST", f"/jobs/{self.job_id}/retry").status

    def delete(self) -> int:
        return self.door.admin("DELETE", f"/jobs/{self.job_id}").status

    def sweep(self) -> None:
        sweeping.sweep(clock.now())

    def bury(self, attempt: int) -> None:
        dead.bury(self.job_id, attempt, "Nobody came.", clock.now())

    def bury_unstarted(self) -> None:
        dead.bury_unstarted(KIND, self.subject, self.job_id, "Nobody came.", correlation_id="c", now=clock.now())

    def _began(self, lease: Lease | None) -> str:
        if lease is None:
            return "not mine"
        self.leases.append(lease)
        return f"began {lease.attempt}"

    def _lost_or(self, step: Callable[[Lease], None]) -> str:
        """What the first run does: it may be a zombie by now."""
        try:
            step(self.leases[0])
        except LeaseLost:
            return "lost"
        return "done"

    def _publish(self, lease: Lease) -> Callable[[TransactWrite], None]:
        return lambda transaction: transaction.save(Subject(self.subject, "META", fence=lease.fence))

    # -- what it came to ----------------------------------------------------------------------------------------------

    def row(self) -> dict[str, Any]:
        """The job, without what is different each time."""
        job, trail = models.find_with_audit(self.job_id, 100)
        if job is None:
            return {"state": "none"}
        return {
            "state": job.state,
            "attempt": int(job.attempt),
            "holder": [lease.attempt for lease in self.leases if lease.fence == job.fence and job.state == "RUNNING"],
            "error": job.error,
            "earlier": [(each["attempt"], each["outcome"]) for each in job.earlier or []],
            "audit": sorted(audit.action for audit in trail),
            "times": (job.started_at, job.lease_until, job.send_at, job.finished_at, job.ttl, job.g1p),
        }

    def published(self) -> list[int]:
        """The attempt of the run whose work is published."""
        try:
            fence = Subject.get(self.subject, "META").fence
        except Subject.DoesNotExist:
            return []
        return [lease.attempt for lease in self.leases if lease.fence == fence]

    def incidents(self) -> int:
        """How often a failure was counted, once what waits in the hub's queue has been, too."""
        event = pump.sqs_event(self.store.received("reports-overflow"), "arn:aws:sqs:::")
        assert app.absorb_overflow(event, None) == {"batchItemFailures": []}
        return sum(each["count"] for each in self.door.admin("GET", "/incidents").json["items"])

    def settle(self) -> dict[str, Any]:
        """What it is like now, and what it comes to when a sweep has come by and every message was delivered twice."""
        row, published = self.row(), self.published()
        known = json.dumps([row, published, sorted(self.sent), [lease.attempt for lease in self.leases]])
        if known not in self._settled:
            self._settled[known] = self._settle(row)
        return {"row": row, "published": published, "runs": self._settled[known]}

    def _settle(self, row: dict[str, Any]) -> list[str]:
        self._check()
        self.after(timedelta(seconds=60))
        self.sweep()
        runs = [self.claim(attempt) for attempt in sorted(self.sent + self.sent)]
        began = [run for run in runs if run != "not mine"]
        assert len(began) == (row["state"] == "PENDING")
        attempts = [lease.attempt for lease in self.leases]
        assert len(attempts) == len(set(attempts)), "no attempt is run twice"
        self._check()
        assert self.row()["state"] != "PENDING", "nothing waits for ever"
        return began

    def _check(self) -> None:
        """Every zombie goes on, and nothing comes of it."""
        before, published = self.row(), self.published()
        for lease in self.leases:
            job = models.find(self.job_id)
            if job is None or job.fence != lease.fence or job.state != "RUNNING":
                with suppress(LeaseLost):
                    leases.finish(lease, clock.now(), self._publish(lease))
                with pytest.raises(LeaseLost):
                    leases.beat(lease, 0.9, clock.now())
                with pytest.raises(LeaseLost):
                    leases.fail(lease, "Too late.", {}, clock.now())
                leases.drop(lease, "Too late.", clock.now())
        assert (self.row(), self.published()) == (before, published)
        if published:
            assert before["state"] in ("SUCCEEDED", "DELETED")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with stores.installed() as store, no_pauses():
        world = World(store, monkeypatch)
        with tapped(world.note):
            world.begin()
            yield world


@pytest.fixture
def briefly(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with a hub that only notes what it is told: its own races are tested by themselves."""

    def note(reports: list[Any], _: datetime) -> None:
        world.told += [report.event_id for report in reports]

    monkeypatch.setattr(recording, "record", note)
    return world


# -- how a job gets where something happens to it ----------------------------------------------------------------------


def running(world: World) -> None:
    world.start()


def stuck(world: World) -> None:
    world.start()
    world.after(STUCK)


def given_up(world: World) -> None:
    """It is stuck for so long that a sweep fails it."""
    world.start()
    world.after(GIVEN_UP)


def failed(world: World) -> None:
    world.start()
    world.fail()


def waiting(world: World) -> None:
    """Its second attempt waits for a worker; its message was sent."""
    failed(world)
    world.retry()


def unsent(world: World) -> None:
    """Its second attempt waits for a worker; whoever was to send its message died."""
    failed(world)
    for point in points():
        if point == (1, "before"):
            assert not survives(point, world.retry)
            break
    world.after(timedelta(seconds=61))


def absent(_: World) -> None:
    """There is none yet."""


# -- two at once -------------------------------------------------------------------------------------------------------

PAIRS: dict[Callable[[World], None], list[tuple[str, str]]] = {
    absent: [
        ("start", "start"),
        ("start", "make"),
        ("make", "make"),
        ("start", "bury_unstarted"),
        ("make", "bury_unstarted"),
        ("start", "delete"),
        ("make", "delete"),
        ("make", "sweep"),
        ("make", "claim 1"),
    ],
    running: [("finish", "retry"), ("finish", "delete"), ("fail", "retry"), ("fail", "delete"), ("beat", "finish")],
    stuck: [
        ("beat", "retry"),
        ("beat", "delete"),
        ("finish", "retry"),
        ("finish", "delete"),
        ("fail", "retry"),
        ("fail", "delete"),
        ("drop", "retry"),
        ("drop", "delete"),
        ("retry", "retry"),
        ("retry", "delete"),
        ("delete", "delete"),
        ("retry", "start"),
    ],
    given_up: [
        ("beat", "sweep"),
        ("finish", "sweep"),
        ("fail", "sweep"),
        ("drop", "sweep"),
        ("retry", "sweep"),
        ("delete", "sweep"),
        ("sweep", "sweep"),
    ],
    failed: [("retry", "retry"), ("retry", "delete"), ("delete", "delete"), ("retry", "claim 2"), ("retry", "sweep")],
    waiting: [
        ("claim 2", "claim 2"),
        ("claim 2", "delete"),
        ("claim 2", "bury 2"),
        ("claim 2", "retry"),
        ("delete", "bury 2"),
        ("retry", "bury 2"),
        ("bury 1", "claim 2"),
    ],
    unsent: [
        ("sweep", "sweep"),
        ("sweep", "claim 2"),
        ("sweep", "delete"),
        ("sweep", "bury 2"),
        ("sweep", "retry"),
    ],
}


def program(world: World, name: str) -> Program:
    step, _, attempt = name.partition(" ")
    act = getattr(world, step)
    return lambda: act(int(attempt)) if attempt else act()


@pytest.mark.parametrize(
    ("arrange", "pair"),
    [
        pytest.param(arrange, pair, id=f"{arrange.__name__}: {pair[0]}, {pair[1]}")
        for arrange, pairs in PAIRS.items()
        for pair in pairs
    ],
)
def test_at_once_is_as_one_after_the_other(
    briefly: World, arrange: Callable[[World], None], pair: tuple[str, str]
) -> None:
    world = briefly

    def prepare() -> Race:
        world.begin()
        arrange(world)
        return Race((program(world, pair[0]), program(world, pair[1])), outcome)

    def outcome() -> object:
        came_to = world.settle()
        job = models.find(world.job_id)
        if job is not None and job.state == "FAILED":
            assert own.event_id(failures.event(job)) in world.told
        return came_to

    found = outcomes(prepare)
    assert found.runs >= 2
    assert {str(order): outcome for outcome, order in found.interleaved.items() if outcome not in found.serial} == {}


def test_two_clicks_at_once_make_one_run(briefly: World) -> None:
    def prepare() -> Race:
        briefly.begin()
        failed(briefly)
        return Race((briefly.retry, briefly.retry), briefly.settle)

    for outcome in outcomes(prepare).interleaved:
        clicks, came_to = json.loads(outcome)
        assert (sorted(clicks), came_to["runs"]) == ([202, 409], ["began 2"])


def test_a_click_is_for_the_attempt_that_it_saw(world: World) -> None:
    """While it was on its way, the job was run again, and failed again."""
    failed(world)
    late = iter([world.retry])

    def overtake(call: Call) -> Any:
        if call.operation == "TransactWriteItems":
            for retry in late:
                assert retry() == 202
                lease = leases.claim(world.job_id, 2, clock.now())
                assert lease is not None
                leases.fail(lease, "The file is damaged.", {}, clock.now())
        return call.make()

    with tapped(overtake):
        assert world.retry() == 409
    row = world.row()
    assert (row["state"], row["attempt"], row["audit"]) == ("FAILED", 2, ["retry"])


# -- whoever does it dies ----------------------------------------------------------------------------------------------


def comes_to(world: World) -> dict[str, Any]:
    """What it comes to without anybody who holds a lease: the last worker's lease runs out, and is given up."""
    world.after(timedelta(seconds=61))
    world.sweep()
    for attempt in world.sent + world.sent:
        if world.claim(attempt) != "not mine":
            leases.finish(world.leases[-1], clock.now(), world._publish(world.leases[-1]))
    world.after(GIVEN_UP)
    world.sweep()
    world._check()
    return {"row": world.row(), "published": world.published(), "incidents": world.incidents()}


@pytest.mark.parametrize(
    ("arrange", "step", "writes"),
    [
        pytest.param(failed, "retry", 3, id="a retry"),
        pytest.param(stuck, "retry", 6, id="a retry of what is stuck"),
        pytest.param(absent, "make", 3, id="a make"),
        pytest.param(failed, "delete", 1, id="a delete"),
        pytest.param(given_up, "sweep", 4, id="a sweep that fails"),
        pytest.param(unsent, "sweep", 2, id="a sweep that sends"),
        pytest.param(waiting, "bury 2", 4, id="a dead letter of a job"),
        pytest.param(absent, "bury_unstarted", 4, id="a dead letter of an event"),
    ],
)
def test_what_died_half_way_is_completed_by_its_repetition(
    world: World, arrange: Callable[[World], None], step: str, writes: int
) -> None:
    arrange(world)
    program(world, step)()
    clean = comes_to(world)
    assert "PENDING" not in str(clean)
    for point in points():
        world.begin()
        arrange(world)
        if survives(point, program(world, step)):
            break
        again = program(world, step)()
        assert again in (None, True, False, 202, 204, 409)
        assert comes_to(world) == clean, point
    assert point.nth == writes


def test_a_retry_that_died_and_is_not_repeated_runs_once_or_not_at_all(world: World) -> None:
    for point in points():
        world.begin()
        failed(world)
        if survives(point, world.retry):
            break
        done = comes_to(world)
        if point == (0, "before"):
            assert (done["row"]["state"], done["published"]) == ("FAILED", [])
        else:
            assert (done["row"]["state"], done["published"]) == ("SUCCEEDED", [2])
            assert done["row"]["audit"] == ["retry"]
    assert point.nth == 3


def test_a_worker_that_died_failing_its_job_is_one_incident(world: World) -> None:
    """A sweep fails the job instead, and reports the same event."""
    for point in points():
        world.begin()
        running(world)
        if survives(point, world.fail):
            break
        done = comes_to(world)
        assert (done["row"]["state"], done["incidents"]) == ("FAILED", 1), point
        assert world.retry() == 202
    assert point.nth == 4


@pytest.mark.parametrize("step", ["start", "beat", "finish", "drop", "claim 2"])
def test_a_worker_that_died_anywhere_leaves_a_job_that_can_be_run_again(world: World, step: str) -> None:
    for point in points():
        world.begin()
        if step == "claim 2":
            waiting(world)
            world.sent.clear()
        elif step != "start":
            running(world)
        if survives(point, program(world, step)):
            break
        assert world.start() == "not mine" or (step, point) == ("start", (0, "before"))
        world.after(GIVEN_UP)
        world.sweep()
        row, published = world.row(), world.published()
        assert (row["state"], published) in (
            ("FAILED", []),
            ("SUCCEEDED", [1]),
            ("DELETED", []),
            ("PENDING", []),
        ), point
        if row["state"] == "FAILED":
            assert world.retry() == 202
            assert comes_to(world)["published"] == [row["attempt"] + 1]
    assert point.nth == 1


# -- answers get lost --------------------------------------------------------------------------------------------------


def losing(nth: int, times: int) -> Callable[[Call], Any]:
    """Do every write, but close the connection before some answers: from the nth write on, that many."""
    writes = count()

    def lose(call: Call) -> Any:
        answer = call.make()
        if call.writes and nth <= next(writes) < nth + times:
            raise ConnectionClosedError(endpoint_url="https://aws.example")
        return answer

    return lose


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("arrange", "step"),
    [
        (absent, "start"),
        (absent, "make"),
        (waiting, "claim 2"),
        (running, "beat"),
        (running, "finish"),
        (running, "fail"),
        (running, "drop"),
        (failed, "retry"),
        (failed, "delete"),
        (given_up, "sweep"),
        (unsent, "sweep"),
        (waiting, "bury 2"),
        (absent, "bury_unstarted"),
    ],
)
def test_what_was_done_counts_though_its_answer_was_lost(
    world: World, arrange: Callable[[World], None], step: str, times: int
) -> None:
    arrange(world)
    clean = [program(world, step)(), comes_to(world)]
    for nth in range(6):
        world.begin()
        arrange(world)
        with tapped(losing(nth, times)):
            done = program(world, step)()
        assert [done, comes_to(world)] == clean, nth


def test_a_finish_of_which_no_answer_comes_is_finished_all_the_same(world: World) -> None:
    running(world)
    with tapped(losing(0, 4)):
        assert world.finish() == "done"
    assert world.published() == [1]


def test_a_finish_that_the_database_is_too_busy_for_can_be_repeated(world: World) -> None:
    running(world)
    with tapped(storm(random.Random(0), share=1)), pytest.raises(Busy):
        world.finish()
    assert (world.finish(), world.published()) == ("done", [1])


@pytest.mark.parametrize("seed", range(8))
def test_a_life_in_a_storm_ends_as_one_in_the_sun(world: World, seed: int) -> None:
    """Half of all writes are refused; everybody tries again until it is done."""

    def insist(step: str, until: Callable[[], bool]) -> None:
        with tapped(storm(random.Random(seed), share=0.5)):
            while not until():
                with suppress(Unavailable):
                    program(world, step)()

    def state(state: str, attempt: int) -> Callable[[], bool]:
        return lambda: (world.row()["state"], world.row().get("attempt")) == (state, attempt)

    insist("start", state("RUNNING", 1))
    insist("fail", state("FAILED", 1))
    insist("retry", state("PENDING", 2))
    insist("claim 2", state("RUNNING", 2))
    world.leases = world.leases[-1:]
    insist("finish", state("SUCCEEDED", 2))
    done = comes_to(world)
    assert (done["published"], done["row"]["audit"], done["incidents"]) == ([2], ["retry"], 1)


# -- any life of a job -------------------------------------------------------------------------------------------------


class Model:
    """What a job is to do, without a store: the words of its contract."""

    def __init__(self) -> None:
        self.state, self.attempt, self.holder, self.until = "none", 0, 0, timedelta()

    def expect(self, step: str, now: timedelta) -> object:  # noqa: C901, PLR0911, PLR0912  # a line for each rule
        stuck = self.state == "RUNNING" and self.until < now
        first = self.state == "RUNNING" and self.holder == 1
        match step.split():
            case ["start"] if self.state == "none":
                self.state, self.attempt, self.holder, self.until = "RUNNING", 1, 1, now + LEASE
                return "began 1"
            case ["make"] if self.state == "none":
                self.state, self.attempt = "PENDING", 1
                return True
            case ["make"]:
                return False
            case ["claim", n] if (self.state, self.attempt) == ("PENDING", int(n)):
                self.state, self.holder, self.until = "RUNNING", int(n), now + LEASE
                return f"began {n}"
            case ["start" | "claim", *_]:
                return "not mine"
            case ["beat"] if first:
                self.until = now + LEASE
                return "done"
            case ["finish" | "fail" as end] if first:
                self.state = {"finish": "SUCCEEDED", "fail": "FAILED"}[end]
                return "done"
            case ["finish"] if self.state == "SUCCEEDED" and self.holder == 1:
                return "done"
            case ["beat" | "finish" | "fail"]:
                return "lost"
            case ["retry"] if self.state == "FAILED" or stuck:
                self.state, self.attempt = "PENDING", self.attempt + 1
                return 202
            case ["retry"]:
                return 404 if self.state in ("none", "DELETED") else 409
            case ["delete"] if self.state == "RUNNING" and not stuck:
                return 409
            case ["delete"]:
                self.state = "none" if self.state == "none" else "DELETED"
                return 204
            case ["bury", n] if (self.state, self.attempt) == ("PENDING", int(n)):
                self.state = "FAILED"
            case ["sweep"] if self.state == "RUNNING" and self.until + STUCK_FOR < now:
                self.state = "FAILED"
        return None


STEPS = ["start", "make", "beat", "finish", "fail", "retry", "delete", "sweep"]
ATTEMPTS = [f"{step} {attempt}" for step in ("claim", "bury") for attempt in (1, 2, 3)]
TIMES = [timedelta(seconds=seconds) for seconds in (0, 40, 130, 800)]


@given(st.lists(st.tuples(st.sampled_from(STEPS + ATTEMPTS), st.sampled_from(TIMES)), max_size=12))
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_job_does_what_is_said_of_it_in_any_life(briefly: World, steps: list[tuple[str, timedelta]]) -> None:
    briefly.begin()
    model = Model()
    for step, pause in steps:
        briefly.after(pause)
        if step in ("beat", "finish", "fail") and not (briefly.leases and briefly.leases[0].attempt == 1):
            continue
        expected = model.expect(step, briefly.now - NOW)
        assert program(briefly, step)() == expected, step
        row = briefly.row()
        assert row["state"] == model.state, step
        assert row["state"] == "none" or row["attempt"] == model.attempt
