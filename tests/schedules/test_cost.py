"""What schedules cost, counted from the calls: emulators' ConsumedCapacity is wrong."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib import clock
from chalicelib.errors import ScheduleNotFound
from chalicelib.paging import PageQuery
from chalicelib.schedules import attendance, deleting, models, planning, sweeping
from chalicelib.schedules.attendance import Mark, RollCall, StudentMark
from chalicelib.schedules.planning import NewSchedule
from tests import store
from tests.faults import recorded, size

NOW = "2026-03-01T10:00:00.123Z"
# As long as a subject (of an issuer) may be, and as a note is as a rule.
ADMIN, NOTE = "a" * 255, "n" * 200


@pytest.fixture(autouse=True)
def morning(frozen: Callable[[str], None]) -> Iterator[None]:
    frozen(NOW)
    with store.installed():
        yield


def made() -> str:
    new = NewSchedule("t" * 200, clock.parse("2026-03-02T09:00:00Z"), clock.parse("2026-03-02T10:00:00Z"))
    return planning.make(new, ADMIN, clock.now()).schedule_id


def roll(first: int, last: int) -> RollCall:
    return RollCall([StudentMark(f"s-{n:04}", "present", NOTE) for n in range(first, last)])


def marked(n: int) -> str:
    schedule_id = made()
    for start in range(0, n, 99):
        attendance.call_roll(schedule_id, roll(start, min(start + 99, n)), ADMIN, clock.now())
    return schedule_id


def test_a_schedule_costs_five_units() -> None:
    with recorded() as ledger:
        made()
    # It and its audit row in a transaction, and its row in the index.
    assert (ledger.operations, ledger.units) == (["TransactWriteItems"], 2 + 2 + 1)


def test_a_mark_costs_two_units_and_two_for_the_check() -> None:
    schedule_id = made()
    for _ in range(2):
        with recorded() as ledger:
            attendance.mark(schedule_id, "s-1", Mark("late", NOTE), ADMIN, clock.now())
        assert (ledger.operations, ledger.units) == (["TransactWriteItems"], 2 + 2)


@pytest.mark.parametrize("n", [1, 30, 99])
def test_a_roll_costs_two_units_a_student_and_two_for_the_check(n: int) -> None:
    schedule_id = made()
    with recorded() as ledger:
        attendance.call_roll(schedule_id, roll(0, n), ADMIN, clock.now())
    assert (ledger.operations, ledger.units) == (["TransactWriteItems"], 2 + 2 * n)


@pytest.mark.parametrize("n", [0, 1, 99])
def test_a_delete_of_up_to_99_is_two_transactions(n: int) -> None:
    schedule_id = marked(n)
    with recorded() as ledger:
        deleting.delete(schedule_id, ADMIN, clock.now())
    assert ledger.operations == ["GetItem", "TransactWriteItems", "Query", "TransactWriteItems"]
    # The schedule and the audit row, from one index to the other; then each row, and the schedule out of the index.
    assert ledger.units == 2 + 2 + 2 + 2 * n + 2 + 1


@pytest.mark.parametrize(("n", "stages"), [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_a_delete_of_more_is_batches_at_half_the_price(n: int, stages: list[int]) -> None:
    schedule_id = marked(n)
    with recorded() as ledger:
        deleting.delete(schedule_id, ADMIN, clock.now())
    removing = [each for stage in stages for each in [*["BatchWriteItem"] * -(-stage // 25), "Query"]]
    # It is found, hidden, listed and counted first.
    assert ledger.operations == ["GetItem", "TransactWriteItems", "Query", "Query", *removing, "DeleteItem"]
    assert ledger.units == 2 + 2 + 2 + n + 1 + 1


def test_a_second_delete_costs_a_look() -> None:
    schedule_id = marked(1)
    deleting.delete(schedule_id, ADMIN, clock.now())
    with recorded() as ledger, pytest.raises(ScheduleNotFound):
        deleting.delete(schedule_id, ADMIN, clock.now())
    assert (ledger.operations, ledger.units) == (["GetItem"], 0)


def test_a_sweep_that_finds_nothing_costs_a_query() -> None:
    marked(3)
    with recorded() as ledger:
        sweeping.sweep(clock.now())
    assert (ledger.operations, ledger.units) == (["Query"], 0)


def test_a_page_costs_two_calls() -> None:
    schedule_id = marked(198)
    for _ in range(30):
        made()
    for query in (PageQuery(), PageQuery(limit=100)):
        with recorded() as ledger:
            planning.page(query)
        assert ledger.operations == ["Query", "BatchGetItem"]
        with recorded() as ledger:
            attendance.page(schedule_id, query)
        assert ledger.operations == ["Query", "GetItem"]


def test_rows_of_usual_length_stay_under_1_kb() -> None:
    schedule_id = marked(1)
    with recorded() as ledger:
        assert models.begin_delete(
            schedule_id,
            "o" * 32,
            models.audit(schedule_id, ADMIN, "delete", clock.now(), correlation_id="c" * 128, change={}),
            clock.now(),
        )
    sizes = [size(write.after) for write in ledger.writes if write.after]
    assert len(sizes) == 2
    assert max(sizes) < 1024
    (mark,) = models.attendance(schedule_id, None, 1)
    assert size(mark.serialize()) < 1024
