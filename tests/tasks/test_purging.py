"""Purging and undoing, through the public door: what goes, what stays, and what the scheduler makes afterwards."""

import itertools
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import clock
from chalicelib.dynamodb import Busy
from chalicelib.tasks import models, purging
from chalicelib.tasks.models import PURGED_AT_ONCE, Cursor
from chalicelib.tasks.purging import PurgeRequest
from tests.conftest import Door
from tests.faults import Call, Point, lost_answers, no_pauses, points, recorded, storm, survives, tapped
from tests.tasks.conftest import NOW, Planner, audits, following, kinds, meanwhile, plant, stored

UNKNOWN = "0" * 32
TODAY = "2026-03-01"
FUTURE = following(TODAY, 5)


def exploded(planner: Planner, days: int, **given: Any) -> str:
    """A task for which somebody made an instance for each of the next days, and moved the cursor along."""
    task_id = planner.daily(**given)
    plant(task_id, following(TODAY, days))
    task = models.find(task_id)
    assert task is not None
    last = date.fromisoformat(following(TODAY, days + 1)[-1])
    assert models.change(task, {}, Cursor(last, datetime(last.year, last.month, last.day, tzinfo=UTC)), [])
    return task_id


# -- what is found -----------------------------------------------------------------------------------------------------


def test_it_only_says_what_it_would_do_unless_told(planner: Planner) -> None:
    task_id = planner.daily()
    ids = plant(task_id, ["2026-03-03", "2026-03-02"])
    listed = planner.instances(task_id)[1:]
    before = stored()
    for body in (b"", b"{}", b"null", {"dry_run": True}, {"task_id": task_id}, {"task_id": None}):
        answer = planner.door.admin("POST", "/tasks/purge-future", body)
        assert answer.status == 200
        assert answer.json == {
            "dry_run": True,
            "matched": 2,
            "deleted": 0,
            "items": listed,
            "purge_id": None,
            "complete": True,
        }
    assert [each["instance_id"] for each in listed] == ids[::-1]
    assert stored() == before


def test_only_what_recurs_and_is_open_and_lies_after_today_goes(planner: Planner) -> None:
    daily, weekly = planner.daily(start_date="2026-02-28"), planner.daily(recurrence="FREQ=WEEKLY;BYDAY=SU")
    once, other = planner.daily(recurrence="none", start_date="2026-03-09"), planner.daily(recurrence="none")
    gone = planner.daily()
    plant(gone, FUTURE)
    planner.delete(gone)
    plant(other, FUTURE)
    plant(daily, ["2026-02-27", TODAY])
    plant(weekly, ["2026-03-05"], done=True, done_at=NOW)
    wrong = [*plant(daily, ["2026-03-02"]), *plant(weekly, ["2026-03-03"]), *plant(daily, ["2199-12-31"])]
    purged = planner.purge(dry_run=False)
    assert [each["instance_id"] for each in purged["items"]] == wrong
    assert (purged["matched"], purged["deleted"]) == (3, 3)
    assert planner.dates(daily) == ["2026-02-27", "2026-02-28", TODAY]
    assert planner.dates(weekly) == [TODAY, "2026-03-05"]
    assert planner.dates(once) == ["2026-03-09"]
    assert planner.dates(other) == [TODAY, *FUTURE]
    before = stored()
    again = planner.purge(dry_run=False)
    assert again == {
        "dry_run": False,
        "matched": 0,
        "deleted": 0,
        "items": [],
        "purge_id": None,
        "complete": True,
    }
    assert stored() == before


@pytest.mark.parametrize("by_id", [False, True])
def test_today_is_that_of_the_tasks_zone(planner: Planner, *, by_id: bool) -> None:
    for moment, today in (
        # In UTC it is 1 March.
        ("2026-03-01T11:30:00Z", {"UTC": 1, "Pacific/Kiritimati": 2, "Pacific/Auckland": 2, "Pacific/Niue": 1}),
        ("2026-03-01T00:30:00Z", {"UTC": 1, "Pacific/Kiritimati": 1, "Asia/Tokyo": 1, "America/New_York": 0}),
    ):
        planner.freeze(moment)
        for zone, day in sorted(today.items()):
            task_id = planner.daily(timezone=zone, start_date="2026-02-20")
            plant(task_id, following("2026-02-27", 6))
            purged = planner.purge(dry_run=False, **({"task_id": task_id} if by_id else {}))
            dates = following("2026-02-27", 6)
            found = [each["date"] for each in purged["items"] if each["task_id"] == task_id]
            assert found == dates[day + 1 :], zone
            assert planner.dates(task_id) == ["2026-02-20", *dates[: day + 1]], zone


def test_one_task_can_be_purged_alone(planner: Planner) -> None:
    one, other, once = planner.daily(), planner.daily(), planner.daily(recurrence="none", start_date="2026-03-09")
    for task_id in (one, other):
        plant(task_id, FUTURE)
    purged = planner.purge(dry_run=False, task_id=one)
    assert (purged["matched"], purged["deleted"]) == (5, 5)
    assert planner.dates(one) == [TODAY]
    assert planner.dates(other) == [TODAY, *FUTURE]
    assert planner.purge(dry_run=False, task_id=once)["matched"] == 0
    assert planner.dates(once) == ["2026-03-09"]


def test_a_purge_that_cannot_be_is_refused_and_changes_nothing(planner: Planner) -> None:
    task_id, gone = planner.many(2)
    plant(task_id, FUTURE)
    planner.delete(gone)
    before = stored()
    for foreign in (UNKNOWN, gone, "", "7", "x" * 3000, task_id.upper(), f"{task_id}-2026-03-02", f"{task_id}\0"):
        answer = planner.door.admin("POST", "/tasks/purge-future", {"dry_run": False, "task_id": foreign})
        assert (answer.status, answer.json["Code"]) == (404, "TaskNotFound"), foreign
    wrong: list[tuple[Any, int]] = [
        ({"dry_run": "no"}, 400),
        ({"dry_run": None}, 400),
        ({"dry_run": 0}, 400),
        ({"dry_run": False, "task_id": 7}, 400),
        ({"dry_run": False, "task_ids": [task_id]}, 400),
        ({"apply": True}, 400),
        ([], 400),
        (b"{", 400),
        (b'{"dry_run": false, "task_id": "\\ud800"}', 400),
        (b'{"dry_run": ' + b"[" * 100_000, 400),
        (b" " * (256 * 1024 + 1), 413),
    ]
    for body, status in wrong:
        assert planner.door.admin("POST", "/tasks/purge-future", body).status == status
    assert stored() == before


# -- many --------------------------------------------------------------------------------------------------------------


def test_hundreds_go_at_once_and_come_back(busy_planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = busy_planner
    monkeypatch.setattr(models, "_PAGE", 40)
    monkeypatch.setattr(purging, "LOOKED_UP_AT_ONCE", 5)
    huge = exploded(planner, 250)
    several = planner.many(12, start_date="2026-02-27")
    for task_id in several:
        plant(task_id, FUTURE)
    shown = [each for task_id in (huge, *several) for each in planner.instances(task_id) if each["date"] > TODAY]
    in_order = sorted(shown, key=lambda each: (each["date"], each["task_id"]))
    assert planner.purge(task_id=huge)["matched"] == 250
    dry = planner.purge()
    found = {"matched": 310, "items": in_order[:100], "complete": True}
    assert dry == found | {"dry_run": True, "deleted": 0, "purge_id": None}
    purged = planner.purge(dry_run=False)
    assert purged == dry | {"dry_run": False, "deleted": 310, "purge_id": purged["purge_id"]}
    assert [planner.dates(task_id)[-1] for task_id in (huge, *several)] == [TODAY, *["2026-02-27"] * 12]
    assert planner.purge(dry_run=False)["matched"] == 0
    undone = planner.undo(purged["purge_id"])
    assert undone == {
        "purge_id": purged["purge_id"],
        "restored": 310,
        "already_there": 0,
        "task_gone": 0,
        "complete": True,
    }
    assert planner.purge() == dry


def test_what_time_does_not_suffice_for_is_left_to_the_same_request(busy_planner: Planner) -> None:
    planner = busy_planner
    task_id = exploded(planner, 120)

    def ticking(each: float) -> Callable[[], float]:
        return partial(next, itertools.count(0, each))

    request, actor, now = PurgeRequest(dry_run=False), "admin-1", clock.now()
    # It is asked once at the start, and after each transaction.
    first = purging.purge(request, actor, now, ticking(purging.WITHIN_S))
    assert (first.matched, first.deleted, first.complete) == (PURGED_AT_ONCE, PURGED_AT_ONCE, False)
    left = 120 - PURGED_AT_ONCE
    second = purging.purge(request, actor, now)
    assert (second.matched, second.deleted, second.complete) == (left, left, True)
    assert planner.task(task_id)["next_date"] == "2026-03-02"
    assert first.purge_id
    part = purging.undo(first.purge_id, actor, now, ticking(purging.WITHIN_S / 10.5))
    assert (part.restored, part.complete) == (10, False)
    rest = purging.undo(first.purge_id, actor, now)
    assert (rest.restored, rest.complete) == (PURGED_AT_ONCE - 10, True)
    assert planner.dates(task_id) == following("2026-02-28", PURGED_AT_ONCE + 1)


# -- the cursor --------------------------------------------------------------------------------------------------------


def test_the_scheduler_makes_what_was_purged_on_its_day(planner: Planner) -> None:
    task_id = exploded(planner, 5)
    assert planner.task(task_id)["next_date"] == "2026-03-07"
    planner.purge(dry_run=False)
    assert planner.task(task_id)["next_date"] == "2026-03-02"
    for day in FUTURE:
        planner.tick(f"{day}T00:00:00Z")
        assert planner.dates(task_id)[-1] == day
    assert planner.dates(task_id) == [TODAY, *FUTURE]
    assert planner.task(task_id)["skipped"] == []


def test_a_task_that_starts_next_week_still_gets_its_first_day(planner: Planner) -> None:
    task_id = planner.daily(start_date="2026-03-09", recurrence="FREQ=WEEKLY;BYDAY=WE", local_time="08:00")
    assert planner.purge(dry_run=False)["deleted"] == 1
    assert planner.dates(task_id) == []
    assert planner.task(task_id)["next_date"] == "2026-03-09"
    for day in following(TODAY, 11):
        planner.tick(f"{day}T08:00:00Z")
    assert planner.dates(task_id) == ["2026-03-09", "2026-03-11"]


def test_dates_that_are_no_occurrences_go_and_stay_away(planner: Planner) -> None:
    task_id = planner.daily(recurrence="weekly")
    plant(task_id, FUTURE)
    assert planner.purge(dry_run=False)["deleted"] == 5
    assert planner.task(task_id)["next_date"] == "2026-03-08"
    for day in following(TODAY, 8):
        planner.tick(f"{day}T00:00:00Z")
    assert planner.dates(task_id) == [TODAY, "2026-03-08"]


def test_a_cursor_that_is_behind_already_stays(planner: Planner) -> None:
    """The scheduler has not run today yet: what it has to make is not passed over."""
    task_id = planner.daily(start_date="2026-02-28")
    plant(task_id, FUTURE)
    planner.purge(dry_run=False)
    assert planner.task(task_id)["next_date"] == TODAY
    planner.tick()
    assert planner.dates(task_id) == ["2026-02-28", TODAY]


def test_a_rule_that_ran_out_goes_on_where_it_was_purged(planner: Planner) -> None:
    task_id = planner.daily(recurrence="FREQ=DAILY;COUNT=3")
    task = models.find(task_id)
    assert task is not None
    plant(task_id, ["2026-03-02", "2026-03-03"])
    assert models.change(task, {}, Cursor(None, None), [])
    assert planner.task(task_id)["next_date"] is None
    planner.purge(dry_run=False)
    for day in FUTURE:
        planner.tick(f"{day}T00:00:00Z")
    assert planner.dates(task_id) == [TODAY, "2026-03-02", "2026-03-03"]


def test_a_paused_task_stays_paused(planner: Planner) -> None:
    task_id = exploded(planner, 5)
    planner.change(task_id, paused=True)
    planner.purge(dry_run=False)
    task = planner.task(task_id)
    assert (task["paused"], task["next_date"]) == (True, "2026-03-02")
    planner.tick("2026-03-03T00:00:00Z")
    assert planner.dates(task_id) == [TODAY]
    planner.freeze("2026-03-04T00:00:00Z")
    planner.change(task_id, paused=False)
    planner.tick()
    assert planner.dates(task_id) == [TODAY, "2026-03-04"]


def test_a_task_that_ended_stays_ended(planner: Planner) -> None:
    task_id = exploded(planner, 5)
    planner.change(task_id, end_date="2026-03-03")
    assert planner.purge(dry_run=False)["deleted"] == 5
    assert planner.task(task_id)["next_date"] == "2026-03-02"
    for day in FUTURE:
        planner.tick(f"{day}T00:00:00Z")
    assert planner.dates(task_id) == [TODAY, "2026-03-02", "2026-03-03"]
    assert planner.task(task_id)["next_date"] is None
    planner.freeze("2026-03-04T00:00:00Z")
    plant(task_id, ["2026-03-06"])
    planner.purge(dry_run=False)
    planner.tick("2026-03-06T00:00:00Z")
    assert planner.dates(task_id) == [TODAY, "2026-03-02", "2026-03-03"]


# -- others at the same time -------------------------------------------------------------------------------------------


def test_what_is_done_meanwhile_stays(planner: Planner) -> None:
    task_id = planner.daily()
    done = plant(task_id, FUTURE)[0]
    with tapped(meanwhile(lambda: planner.mark(done))):
        purged = planner.purge(dry_run=False)
    assert (purged["matched"], purged["deleted"]) == (5, 4)
    assert [(each["date"], each["done"]) for each in planner.instances(task_id)] == [
        (TODAY, False),
        ("2026-03-02", True),
    ]
    # Its date is not made again, and the next one is the first that was purged.
    assert planner.task(task_id)["next_date"] == "2026-03-02"
    assert planner.undo(purged["purge_id"])["restored"] == 4


def test_a_scheduler_that_runs_meanwhile_loses_nothing(planner: Planner) -> None:
    planner.freeze("2026-03-02T00:00:00Z")
    task_id = planner.daily(start_date="2026-03-01")
    plant(task_id, following("2026-03-02", 4))
    with tapped(meanwhile(planner.tick)):
        purged = planner.purge(dry_run=False)
    assert purged["deleted"] == 4
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02"]
    assert planner.task(task_id)["next_date"] == "2026-03-03"


def test_a_task_that_is_deleted_meanwhile_is_left_to_that(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, FUTURE)
    with tapped(meanwhile(lambda: planner.delete(task_id))):
        purged = planner.purge(dry_run=False)
    assert (purged["matched"], purged["deleted"]) == (5, 0)
    assert [kind for kind in kinds() if kind.startswith("TI")] == []
    assert planner.undo(purged["purge_id"])["restored"] == 0


def test_a_task_whose_delete_is_cut_off_meanwhile_is_left_to_that(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, FUTURE)

    def die() -> None:
        assert not survives(Point(0, "after"), partial(planner.delete, task_id))

    with tapped(meanwhile(die)):
        purged = planner.purge(dry_run=False)
    assert (purged["matched"], purged["deleted"]) == (5, 0)
    planner.tick()
    assert [kind for kind in kinds() if kind.startswith("TI")] == []


def test_two_purges_at_once_delete_each_instance_once(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, FUTURE)
    other: list[dict[str, Any]] = []
    with tapped(meanwhile(lambda: other.append(planner.purge(dry_run=False)))):
        mine = planner.purge(dry_run=False)
    assert (mine["deleted"], other[0]["deleted"]) == (0, 5)
    assert planner.dates(task_id) == [TODAY]
    assert [planner.undo(each["purge_id"])["restored"] for each in (mine, *other)] == [0, 5]


# -- crashes, and answers that are lost --------------------------------------------------------------------------------


def purges(task_id: str) -> list[str]:
    """The purges that deleted something of a task, as its audit rows have it."""
    acts = [each["change"]["purge_id"] for each in audits(models.task_key(task_id)) if each["action"] == "purge"]
    return sorted(set(acts))


def test_a_purge_that_dies_anywhere_has_kept_a_copy_of_what_it_deleted(busy_planner: Planner) -> None:
    planner = busy_planner
    for point in points():
        ids = planner.many(3)
        for task_id in ids:
            plant(task_id, FUTURE)
        whole = {task_id: planner.instances(task_id) for task_id in ids}
        survived = survives(point, partial(planner.purge, dry_run=False))
        left = 0
        for task_id in ids:
            dates = planner.dates(task_id)
            kept = [copy for purge_id in purges(task_id) for copy in models.copies(purge_id)]
            copied = [copy.date for copy in kept if copy.task_id == task_id]
            assert (dates, copied) in (([TODAY, *FUTURE], []), ([TODAY], FUTURE))
            assert planner.task(task_id)["next_date"] == "2026-03-02"
            left += len(dates) - 1
        again = planner.purge(dry_run=False)
        assert (again["matched"], again["deleted"]) == (left, left)
        for purge_id in {each for task_id in ids for each in purges(task_id)}:
            planner.undo(purge_id)
        assert {task_id: planner.instances(task_id) for task_id in ids} == whole
        for task_id in ids:
            planner.delete(task_id)
        if survived:
            break
    # That it begins, and three tasks.
    assert point.nth == 4


def test_an_undo_that_dies_anywhere_is_finished_by_the_next(busy_planner: Planner) -> None:
    planner = busy_planner
    task_id = planner.daily()
    plant(task_id, FUTURE[:3])
    whole = planner.instances(task_id)
    for point in points():
        purge_id = planner.purge(dry_run=False)["purge_id"]
        survived = survives(point, partial(planner.undo, purge_id))
        left = [copy.date for copy in models.copies(purge_id)]
        assert sorted([*planner.dates(task_id), *left]) == [TODAY, *FUTURE[:3]]
        undone = planner.undo(purge_id)
        assert (undone["restored"], undone["already_there"], undone["complete"]) == (len(left), 0, True)
        assert planner.instances(task_id) == whole
        assert list(models.copies(purge_id)) == []
        if survived:
            break
    # That it begins, and three instances.
    assert point.nth == 4


@pytest.mark.parametrize("seed", range(4))
def test_in_a_storm_nothing_is_lost_or_doubled(busy_planner: Planner, seed: int) -> None:
    planner = busy_planner
    task_id = exploded(planner, 130)
    whole = planner.instances(task_id)
    chance = random.Random(seed)

    def insist(path: str, body: dict[str, Any], *, until: Callable[[Any], bool]) -> None:
        for _ in range(50):
            answer = planner.door.admin("POST", path, body)
            assert answer.status in (200, 503)
            if answer.status == 200 and until(answer.json):
                return
        raise AssertionError("it never ends")

    with no_pauses(), tapped(lost_answers(chance, 0.3)), tapped(storm(chance, 0.3)):
        insist("/tasks/purge-future", {"dry_run": False}, until=lambda answer: answer["matched"] == 0)
        assert planner.dates(task_id) == [TODAY]
        for purge_id in purges(task_id):
            insist(f"/tasks/purge-future/{purge_id}/undo", {}, until=lambda answer: bool(answer["complete"]))
    assert planner.instances(task_id) == whole


def test_a_purge_that_is_stopped_half_way_says_how_far_it_came(busy_planner: Planner) -> None:
    planner = busy_planner
    task_id = exploded(planner, 120)
    transactions = itertools.count()

    def refuse_all_but_the_first(call: Call) -> Any:
        if call.operation == "TransactWriteItems" and next(transactions):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, call.operation)
        return call.make()

    with no_pauses(), tapped(refuse_all_but_the_first):
        part = planner.purge(dry_run=False)
    assert (part["deleted"], part["complete"]) == (PURGED_AT_ONCE, False)
    assert planner.dates(task_id) == [TODAY, *following(TODAY, 120)[PURGED_AT_ONCE:]]
    rest = planner.purge(dry_run=False)
    assert (rest["deleted"], rest["complete"]) == (120 - PURGED_AT_ONCE, True)
    assert planner.undo(part["purge_id"])["restored"] == PURGED_AT_ONCE


# -- undoing -----------------------------------------------------------------------------------------------------------


def test_an_undo_puts_back_what_there_was_and_can_be_repeated(planner: Planner) -> None:
    task_id = planner.daily(payload={"room": 7}, local_time="07:30")
    plant(task_id, FUTURE)
    whole = planner.instances(task_id)
    planner.freeze("2026-03-01T11:00:00Z")
    planner.change(task_id, title="Water the ficus", payload={})
    purged = planner.purge(dry_run=False)
    undone = planner.undo(purged["purge_id"])
    assert undone == {
        "purge_id": purged["purge_id"],
        "restored": 5,
        "already_there": 0,
        "task_gone": 0,
        "complete": True,
    }
    assert planner.instances(task_id) == whole
    assert planner.door.admin("GET", "/instances?date=2026-03-02").json["items"] == [whole[1]]
    assert planner.undo(purged["purge_id"]) == undone | {"restored": 0}
    # What is there is not made once more, and can be purged again.
    planner.tick("2026-03-02T07:30:00Z")
    assert planner.dates(task_id) == [TODAY, *FUTURE]
    assert planner.purge(dry_run=False)["deleted"] == 4


def test_an_undo_leaves_what_was_made_since_and_what_was_deleted(planner: Planner) -> None:
    task_id, gone = planner.many(2)
    for each in (task_id, gone):
        plant(each, FUTURE[:3])
    purged = planner.purge(dry_run=False)
    planner.delete(gone)
    planner.tick("2026-03-02T00:00:00Z")
    made = planner.instances(task_id)[1]
    undone = planner.undo(purged["purge_id"])
    assert (undone["restored"], undone["already_there"], undone["task_gone"]) == (2, 1, 3)
    assert planner.instances(task_id)[1] == made
    assert planner.dates(task_id) == [TODAY, *FUTURE[:3]]
    assert [key for key in stored() if key[0] == f"TI#{gone}"] == []
    again = planner.undo(purged["purge_id"])
    assert (again["restored"], again["already_there"], again["task_gone"]) == (0, 0, 0)


def test_what_was_never_purged_or_long_ago_cannot_be_undone(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, FUTURE)
    purge_id = planner.purge(dry_run=False)["purge_id"]
    before = stored()

    def refused(purge_id: str) -> bool:
        answer = planner.door.admin("POST", f"/tasks/purge-future/{purge_id}/undo")
        return (answer.status, answer.json["Code"]) == (404, "PurgeNotFound")

    for unknown in (UNKNOWN, task_id, "7", "x" * 3000, purge_id.upper(), f"{purge_id}%0A", "%ED%A0%80"):
        assert refused(unknown), unknown
    planner.freeze("2026-05-30T10:00:00Z")
    assert refused(purge_id)
    assert stored() == before
    planner.freeze("2026-05-30T09:59:59Z")
    assert planner.undo(purge_id)["restored"] == 5


def test_a_purge_and_its_undoing_are_audited(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, FUTURE)
    planner.freeze("2026-03-01T11:00:00Z")
    with recorded() as ledger:
        purge_id = planner.door.admin(
            "POST", "/tasks/purge-future", {"dry_run": False, "task_id": task_id}, x_correlation_id="c-1"
        ).json["purge_id"]
    deletions = [write for write in ledger.writes if write.before and not write.after]
    assert [write.in_transaction for write in deletions] == [True] * 5
    assert ledger.operations.count("TransactWriteItems") == 1
    assert audits(models.task_key(task_id))[-1] == {
        "at": "2026-03-01T11:00:00.000Z",
        "actor": "admin-1",
        "action": "purge",
        "by": "c-1",
        "change": {"purge_id": purge_id, "first": "2026-03-02", "last": "2026-03-06", "instances": 5},
    }
    planner.door.admin("POST", f"/tasks/purge-future/{purge_id}/undo", x_correlation_id="c-2")
    (undone,) = audits(models.purge_key(purge_id))
    assert (undone["action"], undone["actor"], undone["by"]) == ("undo", "admin-1", "c-2")


def test_each_transaction_of_a_purge_has_an_audit_row_of_its_own(busy_planner: Planner) -> None:
    task_id = exploded(busy_planner, 120)
    with recorded() as ledger:
        busy_planner.purge(dry_run=False)
    audited = [write.after["sk"]["S"] for write in ledger.writes if write.after and write.after["sk"]["S"][:2] == "L#"]
    assert len(set(audited)) == 3
    assert busy_planner.dates(task_id) == [TODAY]


def test_a_busy_store_is_a_503_and_the_request_can_be_repeated(door: Door, planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, FUTURE)
    for kind in ("PutItem", "TransactWriteItems"):

        def of_kind(call: Call, kind: str = kind) -> bool:
            return call.operation == kind

        with no_pauses(), tapped(storm(random.Random(0), share=1, only=of_kind)):
            answer = door.admin("POST", "/tasks/purge-future", {"dry_run": False})
        assert (answer.status, answer.json["Code"]) == (503, Busy.__name__), kind
    assert planner.purge(dry_run=False)["deleted"] == 5
