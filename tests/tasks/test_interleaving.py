"""Races and crashes on the real steps, in every order of their calls, against a store with DynamoDB's conditions.

Schedulers, operators and containers that die take turns at every call. What must come out is what comes out of the same
acts one after the other; and in the end there is one instance for the date that is due, or none where there is to be
none, whoever came first.
"""

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.clock import parse
from chalicelib.errors import ApiError
from chalicelib.observability import correlate
from chalicelib.tasks import definitions, deleting, instances, models, purging, recurrence, scheduling
from chalicelib.tasks.definitions import NewTask, TaskChange
from chalicelib.tasks.models import Cursor
from chalicelib.tasks.purging import PurgeRequest
from tests import store as stores
from tests.faults import Call, Crash, Point, Program, Race, in_turn, outcomes, points, survives, tapped

# The task is due at 07:30 in Berlin, 06:30 in UTC.
NOW = parse("2026-03-27T10:00:00Z")
TODAY = NOW.date()
DAY = timedelta(days=1)

Act = Callable[["World"], Any]


class World:
    """A task on a store of its own, and what may happen to it at one moment."""

    def __init__(self, store: stores.Store, patch: pytest.MonkeyPatch) -> None:
        self.task_id = ""
        self.store = store
        self._ids = 0
        self._empty = self.bookmark()
        # The same ids in every run; each still once.
        patch.setattr(uuid, "uuid4", self._new_id)

    def _new_id(self) -> uuid.UUID:
        self._ids += 1
        return uuid.UUID(int=self._ids)

    def begin(self, made: datetime, rule: str = "daily") -> None:
        """Begin anew, with a task that was made then."""
        self._empty()
        new = NewTask("Open the school", "07:30", rule, "Europe/Berlin")
        self.task_id = definitions.make(new, "admin-1", made).task_id

    def bookmark(self) -> Callable[[], None]:
        """What brings the world back to how it is now."""
        restore, task_id, ids = self.store.bookmark(), self.task_id, self._ids

        def again() -> None:
            restore()
            self.task_id, self._ids = task_id, ids

        return again

    def plant(self, *days: date) -> None:
        """Make instances that nobody was to make."""
        task = self.task()
        assert task is not None
        for day in days:
            models.instance(task, day, NOW).save()

    def task(self) -> models.Task | None:
        return models.find(self.task_id)

    # -- what may happen ----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        scheduling.create_due_instances(NOW)

    def work(self) -> None:
        scheduling.create_instances([self.task_id], NOW)

    def pause(self) -> object:
        return self._changed(TaskChange(paused=True))

    def resume(self) -> object:
        return self._changed(TaskChange(paused=False))

    def rename(self) -> object:
        return self._changed(TaskChange(title="Close the school"))

    def end_yesterday(self) -> object:
        return self._changed(TaskChange(end_date=TODAY - DAY))

    def delete(self) -> None:
        deleting.delete(self.task_id, "admin-1", NOW)

    def purge(self) -> object:
        request = PurgeRequest(dry_run=False, task_id=self.task_id)
        deleted = said(lambda: purging.purge(request, "admin-1", NOW).deleted)
        # Of a task that goes meanwhile nothing is purged, whether or not it was there at first.
        return 0 if deleted == "TaskNotFound" else deleted

    def purge_all(self) -> object:
        return purging.purge(PurgeRequest(dry_run=False), "admin-1", NOW).deleted

    def undo(self) -> object:
        (purge,) = [row["pk"]["S"] for row in self.store.rows("tasks") if row["pk"]["S"].startswith("PU#")][:1] or [""]
        return said(lambda: bool(purging.undo(purge.removeprefix("PU#"), "admin-1", NOW)))

    def finish_tomorrow(self) -> object:
        return said(lambda: instances.mark(f"{self.task_id}-{TODAY + DAY}", done=True, actor="admin-1", now=NOW).done)

    def _changed(self, change: TaskChange) -> object:
        return said(lambda: definitions.change(self.task_id, change, "admin-1", NOW).paused)

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def settle(self) -> object:
        """What it comes to once the scheduled function has come by again, and again."""
        self.tick()
        rows = self._rows()
        self.tick()
        assert self._rows() == rows, "it does not come to rest"
        self._hold()
        return rows

    def _hold(self) -> None:
        """What holds whatever happened."""
        task = self.task()
        if task is not None:
            assert not task.deleting
            assert task.next_date is not None
            # The cursor is where nothing is made yet that it was to make, and due when the index says.
            rule = definitions.rule_of(task)
            assert task.next_date > TODAY.isoformat() or task.g1s is None
            if task.due_at is not None:
                assert task.due_at == recurrence.due(rule, date.fromisoformat(task.next_date))
            assert (task.g1s is None) == (task.paused or (task.end is not None and task.next_date > task.end))
        made = [row["sk"]["S"] for row in self.store.rows("tasks") if row["pk"]["S"].startswith("TI#")]
        if task is None:
            assert [key for key in made if key.startswith("S#")] == []

    def _rows(self) -> list[Any]:
        found: list[Any] = []
        for row in self.store.rows("tasks"):
            pk, sk = row["pk"]["S"], row["sk"]["S"]
            if pk.startswith("PU#"):
                # A purge that found nothing any more leaves a row, each has another id, and what is left of one whose
                # task went meanwhile is of no use to anybody.
                found += [["PU#", sk]] if sk.startswith("C#") and self.task() else []
            elif sk.startswith("L#"):
                found.append([pk, row["action"]["S"]])
            elif pk != "SCHEDULER":
                found.append(row)
        return sorted(found, key=json.dumps)


def said(act: Callable[[], object]) -> object:
    """What an act returned, or how it was refused."""
    try:
        return act()
    except ApiError as error:
        return type(error).__name__


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with stores.installed() as store:
        yield World(store, monkeypatch)


# -- where a race may begin --------------------------------------------------------------------------------------------


def due(world: World) -> None:
    """Its instance for today is due."""
    world.begin(NOW - DAY)


def behind(world: World) -> None:
    """Three days were missed, and today is due."""
    world.begin(NOW - 4 * DAY)


def paused(world: World) -> None:
    """It has been paused for three days."""
    world.begin(NOW - 4 * DAY)
    definitions.change(world.task_id, TaskChange(paused=True), "admin-1", NOW - 3 * DAY)


def made_ahead(world: World) -> None:
    """Instances for the next two days were made, and the cursor is behind them."""
    _ahead(world, 2)


def _ahead(world: World, days: int) -> None:
    world.begin(NOW)
    world.plant(*(TODAY + nth * DAY for nth in range(1, days + 1)))
    task = world.task()
    assert task is not None
    models.advance(task, Cursor(TODAY + 3 * DAY, parse("2026-03-30T05:30:00Z")), None, [])


def made_already(world: World) -> None:
    """There is an instance for today, done even, which the cursor does not know."""
    world.begin(NOW - DAY)
    world.plant(TODAY)
    instances.mark(f"{world.task_id}-{TODAY}", done=True, actor="admin-1", now=NOW)


def purged(world: World) -> None:
    """Tomorrow's instance was purged. Only one was, as an undo is one by one."""
    _ahead(world, 1)
    world.purge()


STATES = (due, behind, paused, made_ahead, made_already, purged)
OPERATORS: tuple[Act, ...] = (
    World.pause,
    World.resume,
    World.rename,
    World.end_yesterday,
    World.delete,
    World.purge,
    World.undo,
    World.finish_tomorrow,
)
SCHEDULERS = (World.work, World.tick)
ACTS = (World.work, *OPERATORS)
# A tick is sixteen queries more than its work, and a purge of all tasks four.
MORE = (
    (World.tick, World.tick),
    (World.tick, World.work),
    (World.tick, World.purge_all),
    (World.work, World.purge_all),
)
PAIRS = (*itertools.combinations_with_replacement(ACTS, 2), *MORE)


def name(value: object) -> str | None:
    return getattr(value, "__name__", None)


def raced(world: World, state: Callable[[World], None], acts: tuple[Act, ...], alive: tuple[Act, ...] = ()) -> None:
    """Every order of the acts' calls leads where some order of the acts does, or of those `alive` in their place."""
    state(world)
    begin = world.bookmark()
    settled: dict[str, object] = {}

    def program(act: Act, request: str) -> Program:
        def run() -> Any:
            # Audit rows are told apart by it.
            correlate(request)
            return act(world)

        return run

    def settle() -> object:
        """Many orders leave the same rows behind, and what these come to is the same."""
        left = json.dumps(world.store.rows("tasks"), sort_keys=True)
        if left not in settled:
            settled[left] = world.settle()
        return settled[left]

    def prepare(acts: tuple[Act, ...]) -> Race:
        begin()
        return Race([program(act, f"request-{nth}") for nth, act in enumerate(acts)], settle)

    found = outcomes(lambda: prepare(acts))
    expected = {*found.serial, *(in_turn(lambda: prepare(alive)) if alive else ())}
    assert found.runs
    assert {str(order): outcome for outcome, order in found.interleaved.items() if outcome not in expected} == {}


def names(acts: tuple[Act, ...]) -> str:
    return "-".join(act.__name__ for act in acts)


@pytest.mark.parametrize("state", STATES, ids=name)
@pytest.mark.parametrize("acts", PAIRS, ids=names)
def test_two_at_once_do_what_they_do_in_turn(
    world: World, state: Callable[[World], None], acts: tuple[Act, Act]
) -> None:
    raced(world, state, acts)


@pytest.mark.parametrize("state", [due, behind, paused], ids=name)
@pytest.mark.parametrize("third", [World.pause, World.resume, World.rename, World.end_yesterday], ids=name)
def test_two_schedulers_and_an_operator(world: World, state: Callable[[World], None], third: Act) -> None:
    raced(world, state, (World.work, World.work, third))


@pytest.mark.parametrize("act", SCHEDULERS, ids=name)
def test_an_instance_that_is_there_is_left_alone(world: World, act: Act) -> None:
    made_already(world)
    act(world)
    task, found = world.task(), models.find_instance(world.task_id, TODAY.isoformat())
    assert task is not None
    assert found is not None
    assert (task.next_date, found.done) == ((TODAY + DAY).isoformat(), True)


@pytest.mark.parametrize("state", STATES, ids=name)
@pytest.mark.parametrize("act", [World.tick, *ACTS], ids=name)
def test_who_dies_has_done_all_of_it_or_nothing(world: World, state: Callable[[World], None], act: Act) -> None:
    def came_to(*, done: bool) -> object:
        state(world)
        if done:
            act(world)
        return world.settle()

    either = (came_to(done=False), came_to(done=True))
    for point in points():
        state(world)
        over = survives(point, lambda: act(world))
        # An undo is one by one: what is restored is out of the purge.
        assert world.settle() in either or act is World.undo, point
        state(world)
        survives(point, lambda: act(world))
        act(world)
        assert world.settle() == either[1], point
        if over:
            break


@pytest.mark.parametrize("state", [due, behind, paused, made_already], ids=name)
@pytest.mark.parametrize("other", [World.work, *OPERATORS], ids=name)
@pytest.mark.parametrize("nth", [0, 1])
def test_a_scheduler_dies_while_others_go_on(
    world: World, state: Callable[[World], None], other: Act, nth: int
) -> None:
    """It has done all of it or nothing, and so leaves what is left by the other with it, or without."""
    deaths: list[Point] = []
    for when in ("before", "after"):
        with tapped(mortal):
            raced(world, state, (dying(World.work, Point(nth, when), deaths), other), alive=(World.work, other))
    # What is paused has nothing for it to write, unless the other changes that.
    assert deaths or nth or state is paused


def dying(act: Act, point: Point, deaths: list[Point]) -> Act:
    """An act that dies with its container at a point."""

    def die(world: World) -> Any:
        _fate.writes, _fate.point = 0, point
        try:
            return act(world)
        except Crash:
            deaths.append(point)
            return None
        finally:
            _fate.point = None

    return die


_fate = threading.local()


def mortal(call: Call) -> Any:
    """Let whoever is to die die at the write that it is to die at."""
    point = getattr(_fate, "point", None)
    if point is None or not call.writes:
        return call.make()
    _fate.writes += 1
    if _fate.writes <= point.nth:
        return call.make()
    if point.when == "after":
        call.make()
    raise Crash
