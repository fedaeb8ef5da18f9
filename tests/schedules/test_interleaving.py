"""A delete against those who mark and read at once, in every order of their calls, and deletes that die anywhere.

On a store with DynamoDB's conditions. What must come out is what comes out of the same acts one after the other: no
attendance outlives its schedule, and no reader sees a part of it.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.clock import parse
from chalicelib.errors import ApiError
from chalicelib.observability import correlate
from chalicelib.paging import PageQuery
from chalicelib.schedules import attendance, deleting, planning, sweeping
from chalicelib.schedules.attendance import Mark, RollCall, StudentMark
from chalicelib.schedules.planning import NewSchedule
from tests import store as stores
from tests.faults import Point, Program, Race, outcomes, points, survives

NOW = parse("2026-03-01T10:00:00Z")
SOON = NOW + timedelta(minutes=2)

Act = Callable[["World"], Any]


class World:
    """A schedule of three students on a store of its own."""

    def __init__(self, store: stores.Store) -> None:
        self.schedule_id = ""
        self.store = store
        self._empty = store.bookmark()

    def begin(self) -> None:
        self._empty()
        # Audit rows are told apart by it.
        correlate("request-of-the-school")
        new = NewSchedule("Maths", NOW, NOW + timedelta(hours=1))
        self.schedule_id = planning.make(new, "admin-1", NOW).schedule_id
        self.call_roll("ann", "ben", "cem")

    # -- what may happen ----------------------------------------------------------------------------------------------

    def call_roll(self, *students: str) -> Any:
        roll = RollCall([StudentMark(each, "present") for each in students or ("ann", "dee", "eve")])
        return said(lambda: len(attendance.call_roll(self.schedule_id, roll, "admin-1", NOW).records))

    def mark(self) -> Any:
        return said(lambda: attendance.mark(self.schedule_id, "dee", Mark("late"), "admin-1", NOW).status)

    def mark_again(self) -> Any:
        return said(lambda: attendance.mark(self.schedule_id, "ann", Mark("absent"), "admin-1", NOW).status)

    def read(self) -> Any:
        page = said(lambda: attendance.page(self.schedule_id, PageQuery()))
        return page if isinstance(page, str) else [f"{each.student_id} {each.status}" for each in page.items]

    def show(self) -> Any:
        return said(lambda: planning.existing(self.schedule_id).title)

    def delete(self) -> Any:
        return said(lambda: deleting.delete(self.schedule_id, "admin-1", NOW).deleted_attendance)

    def delete_in_no_time(self) -> Any:
        """A delete that has time for one stage."""
        clock = itertools.count(step=10)
        monotonic = lambda: float(next(clock))  # noqa: E731  # the shape of time.monotonic
        return said(lambda: deleting.delete(self.schedule_id, "admin-1", NOW, monotonic=monotonic).deleted_attendance)

    def sweep(self) -> None:
        sweeping.sweep(SOON, monotonic=time.monotonic)

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def settle(self) -> object:
        """What it comes to once a sweep came by."""
        self.sweep()
        rows = self.store.rows("schedules")
        keys = [row["sk"]["S"] for row in rows]
        assert "#META" in keys or not [key for key in keys if key.startswith("ATT#")], (
            "attendance outlives its schedule"
        )
        assert all("deleting" not in row for row in rows)
        # Each run's schedule and delete have ids of their own.
        return sorted(
            [key[:2], row["action"]["S"]] if key.startswith("L#") else [key, row.get("status", row.get("title"))]
            for key, row in zip(keys, rows, strict=True)
        )


def said(act: Callable[[], Any]) -> Any:
    """What an act returned, or how it was refused."""
    try:
        return act()
    except ApiError as error:
        return type(error).__name__


@pytest.fixture
def world() -> Iterator[World]:
    with stores.installed() as store:
        yield World(store)


@pytest.fixture(params=["whole", "in stages"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether three records are few, which go in one transaction, or many, which go one by one."""
    if request.param == "in stages":
        monkeypatch.setattr(deleting, "MOST_AT_ONCE", 0)
        monkeypatch.setattr(deleting, "PER_STAGE", 1)
    found: str = request.param
    return found


DELETES = (World.delete, World.delete_in_no_time)
OTHERS = (World.call_roll, World.mark, World.mark_again, World.read, World.show)


def names(acts: tuple[Act, ...]) -> str:
    return "-".join(act.__name__ for act in acts)


def raced(world: World, acts: tuple[Act, ...], begin: Callable[[World], object] = World.begin) -> None:
    """Every order of the acts' calls leads where some order of the acts does."""
    begin(world)
    again = world.store.bookmark()

    def program(act: Act, request: str) -> Program:
        def run() -> Any:
            correlate(request)
            return act(world)

        return run

    def prepare() -> Race:
        again()
        return Race([program(act, f"request-{nth}") for nth, act in enumerate(acts)], world.settle)

    found = outcomes(prepare)
    assert found.runs
    assert {str(order): outcome for outcome, order in found.interleaved.items() if outcome not in found.serial} == {}


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("acts", list(itertools.product(DELETES, (*DELETES, *OTHERS))), ids=names)
def test_a_delete_and_another_do_what_they_do_in_turn(world: World, acts: tuple[Act, ...]) -> None:
    raced(world, acts)


@pytest.mark.parametrize(
    "others",
    [(World.mark, World.read), (World.mark, World.mark_again), (World.read, World.show), (World.delete, World.mark)],
    ids=names,
)
def test_a_delete_and_two_others_do_what_they_do_in_turn(world: World, others: tuple[Act, ...]) -> None:
    raced(world, (World.delete, *others))


@pytest.mark.parametrize(
    "acts", list(itertools.combinations_with_replacement((World.call_roll, World.mark, World.mark_again), 2)), ids=names
)
def test_marks_at_once_are_marks_in_turn(world: World, acts: tuple[Act, ...]) -> None:
    raced(world, acts)


@pytest.mark.parametrize("act", DELETES, ids=lambda act: act.__name__)
def test_a_delete_that_dies_is_seen_whole_or_not_at_all(world: World, size: str, act: Act) -> None:
    for point in points():
        world.begin()
        before = world.read()
        over = survives(point, lambda: act(world))
        seen = (world.read(), world.show())
        assert seen in ((before, "Maths"), ("ScheduleNotFound", "ScheduleNotFound")), point
        assert world.mark() == ("late" if seen[1] == "Maths" else "ScheduleNotFound"), point
        kept = json.dumps(world.settle())
        assert ("#META" in kept) == (seen[1] == "Maths"), point
        if over:
            break
    assert seen[1] == "ScheduleNotFound"


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("other", [World.sweep, World.delete, World.mark, World.call_roll, World.read, World.show])
def test_a_sweep_and_another_do_what_they_do_in_turn(world: World, other: Act) -> None:
    def begin(world: World) -> None:
        # It dies once it has hidden the schedule. No request lives until a sweep takes its delete up.
        world.begin()
        assert not survives(Point(0, "after"), world.delete)

    raced(world, (World.sweep, other), begin)


def test_a_sweep_that_dies_leaves_the_rest_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(deleting, "PER_STAGE", 1)
    for point in points():
        world.begin()
        world.delete_in_no_time()
        over = survives(point, world.sweep)
        assert world.read() == "ScheduleNotFound"
        assert "ATT#" not in json.dumps(world.settle())
        if over:
            break
