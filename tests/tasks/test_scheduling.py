"""The scheduled function, through the public door: what it makes, passes over and survives."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib import observability
from chalicelib.clock import parse, rfc3339
from chalicelib.dynamodb import Busy
from chalicelib.tasks import models, scheduling
from tests.faults import Call, no_pauses, points, storm, survives, tapped
from tests.tasks.conftest import TABLE, Planner, deliver, following, meanwhile, plant, received, stored

TODAY, DAY_2, DAY_3 = "2026-03-01", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"


def skipped(planner: Planner, task_id: str) -> list[tuple[str, str, str]]:
    """What was passed over, the newest first."""
    return [(each["first_date"], each["last_date"], each["reason"]) for each in planner.task(task_id)["skipped"]]


def spoil(task_id: str, name: str, value: dict[str, Any]) -> None:
    """Change a task's row as none of ours does."""
    boto3.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": models.task_key(task_id)}, "sk": {"S": "META"}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


def refusing(operation: str, error: Exception | dict[str, Any]) -> Callable[[Call], Any]:
    """A service that refuses one of its calls, or answers as it must not."""

    def refuse(call: Call) -> Any:
        if call.operation != operation:
            return call.make()
        if isinstance(error, Exception):
            raise error
        return error

    return refuse


# -- one instance a day ------------------------------------------------------------------------------------------------


def test_a_week_of_ticks_makes_an_instance_a_day_however_often_they_come(planner: Planner) -> None:
    task_id, once = planner.daily(local_time="07:30"), planner.daily(recurrence="none")
    for day in following("2026-03-01", 7):
        planner.tick(f"{day}T07:29:59.999Z")
        assert planner.task(task_id)["next_date"] == day
        for moment in ("07:30:00Z", "07:30:00Z", "07:31:10Z", "23:59:59Z"):
            planner.tick(f"{day}T{moment}")
        assert planner.dates(task_id)[-1] == day
    assert planner.dates(task_id) == following("2026-02-28", 8)
    assert planner.dates(once) == ["2026-03-01"]
    assert planner.task(task_id)["skipped"] == planner.task(once)["skipped"] == []
    last = planner.instances(task_id)[-1]
    assert (last["created_at"], last["done"], last["title"]) == ("2026-03-08T07:30:00.000Z", False, "Water the plants")


def test_a_task_of_next_week_gets_its_first_day_once_and_nothing_before(planner: Planner) -> None:
    task_id = planner.daily(start_date="2026-03-10")
    for day in following("2026-03-01", 10):
        planner.tick(f"{day}T00:00:00Z")
    assert planner.dates(task_id) == ["2026-03-10", "2026-03-11"]
    assert planner.task(task_id)["skipped"] == []


def test_every_rule_is_kept(busy_planner: Planner) -> None:
    wanted = {
        "none": ["2026-03-01"],
        "weekly": ["2026-03-01", "2026-03-08", "2026-03-15"],
        "FREQ=WEEKLY;BYDAY=TU,SA": ["2026-03-01", "2026-03-03", "2026-03-07", "2026-03-10", "2026-03-14"],
        "RRULE:FREQ=MONTHLY;BYDAY=2TH": ["2026-03-01", "2026-03-12"],
        "FREQ=DAILY;COUNT=3": ["2026-03-01", "2026-03-02", "2026-03-03"],
        "FREQ=DAILY;INTERVAL=5;UNTIL=20260311": ["2026-03-01", "2026-03-06", "2026-03-11"],
    }
    ids = {recurrence: busy_planner.daily(recurrence=recurrence) for recurrence in wanted}
    for day in following("2026-03-01", 15):
        busy_planner.tick(f"{day}T00:00:10Z")
    assert {recurrence: busy_planner.dates(task_id) for recurrence, task_id in ids.items()} == wanted
    tasks = {recurrence: busy_planner.task(task_id) for recurrence, task_id in ids.items()}
    assert [task["skipped"] for task in tasks.values()] == [[]] * len(wanted)
    assert {recurrence: task["next_date"] for recurrence, task in tasks.items()} == {
        "none": None,
        "weekly": "2026-03-22",
        "FREQ=WEEKLY;BYDAY=TU,SA": "2026-03-17",
        "RRULE:FREQ=MONTHLY;BYDAY=2TH": "2026-04-09",
        "FREQ=DAILY;COUNT=3": None,
        "FREQ=DAILY;INTERVAL=5;UNTIL=20260311": None,
    }


def test_a_day_is_a_day_of_the_tasks_zone(busy_planner: Planner) -> None:
    due = {
        "Pacific/Kiritimati": "2026-03-01T10:30:00Z",
        "Pacific/Auckland": "2026-03-01T11:30:00Z",
        "Asia/Kathmandu": "2026-03-01T18:45:00Z",
        "America/Los_Angeles": "2026-03-02T08:30:00Z",
        "Pacific/Niue": "2026-03-02T11:30:00Z",
    }
    ids = {
        zone: busy_planner.daily(timezone=zone, local_time="00:30", start_date="2026-03-01", end_date="2026-03-02")
        for zone in due
    }
    for zone, moment in due.items():
        busy_planner.tick(rfc3339(parse(moment) - timedelta(milliseconds=1)))
        assert busy_planner.dates(ids[zone]) == ["2026-03-01"], zone
        busy_planner.tick(moment)
        assert busy_planner.dates(ids[zone]) == ["2026-03-01", "2026-03-02"], zone
        assert busy_planner.scheduler()["oldest_due"] == rfc3339(parse(moment)), zone


def test_a_date_that_never_was_is_recorded_and_passed_over(planner: Planner) -> None:
    planner.freeze("2011-12-29T20:00:00Z")
    task_id = planner.daily(timezone="Pacific/Apia")
    assert planner.task(task_id)["start_date"] == "2011-12-29"
    for moment in ("2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"):
        planner.tick(moment)
    assert planner.dates(task_id) == ["2011-12-29", "2011-12-31", "2012-01-01"]
    assert skipped(planner, task_id) == [("2011-12-30", "2011-12-30", "nonexistent")]


def test_a_midnight_that_clocks_skip_is_an_hour_late(planner: Planner) -> None:
    planner.freeze("2018-11-03T12:00:00Z")
    task_id = planner.daily(timezone="America/Sao_Paulo")
    # 4 November began at one o'clock, which was 03:00 UTC; so did midnight before, and 02:00 UTC after.
    planner.tick("2018-11-04T02:59:59.999Z")
    assert planner.dates(task_id) == ["2018-11-03"]
    planner.tick("2018-11-04T03:00:00Z")
    planner.tick("2018-11-05T02:00:00Z")
    assert planner.dates(task_id) == ["2018-11-03", "2018-11-04", "2018-11-05"]


# -- what was missed ---------------------------------------------------------------------------------------------------


def test_of_the_days_that_the_scheduler_missed_only_today_is_made(planner: Planner) -> None:
    task_id = planner.daily()
    planner.tick("2026-03-06T09:00:00Z")
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-06"]
    planner.tick("2026-03-07T00:00:00Z")
    planner.tick("2026-03-09T23:59:59Z")
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-06", "2026-03-07", "2026-03-09"]
    assert planner.task(task_id)["skipped"] == [
        {
            "first_date": "2026-03-08",
            "last_date": "2026-03-08",
            "reason": "missed",
            "noted_at": "2026-03-09T23:59:59.000Z",
        },
        {
            "first_date": "2026-03-02",
            "last_date": "2026-03-05",
            "reason": "missed",
            "noted_at": "2026-03-06T09:00:00.000Z",
        },
    ]


def test_what_is_due_late_in_the_evening_is_made_until_an_hour_later(planner: Planner) -> None:
    evening = planner.daily(local_time="23:59")
    planner.tick("2026-03-02T00:58:59.999Z")
    assert planner.dates(evening) == ["2026-03-01"]
    planner.tick("2026-03-03T00:58:59.999Z")
    assert planner.dates(evening) == ["2026-03-01", "2026-03-02"]
    planner.tick("2026-03-04T00:59:00Z")
    assert planner.dates(evening) == ["2026-03-01", "2026-03-02"]
    assert skipped(planner, evening) == [("2026-03-03", "2026-03-03", "missed")]


def test_an_instance_that_is_there_already_stays_and_the_cursor_passes_it(planner: Planner) -> None:
    task_id = planner.daily()
    plant(task_id, ["2026-03-02"], title="planted", done=True, done_at="2026-03-01T11:00:00.000Z")
    planner.tick(DAY_2)
    assert planner.task(task_id)["next_date"] == "2026-03-03"
    planner.tick(DAY_3)
    made = [(each["date"], each["title"], each["done"]) for each in planner.instances(task_id)]
    assert made == [
        ("2026-03-01", "Water the plants", False),
        ("2026-03-02", "planted", True),
        ("2026-03-03", "Water the plants", False),
    ]
    assert planner.incidents() == []


# -- pauses and ends ---------------------------------------------------------------------------------------------------


def test_a_paused_task_makes_nothing_and_goes_on_today(planner: Planner) -> None:
    task_id = planner.daily(local_time="08:00")
    assert planner.change(task_id, paused=True)["paused"]
    for day in following("2026-03-01", 3):
        planner.tick(f"{day}T08:00:00Z")
    assert planner.dates(task_id) == ["2026-03-01"]
    planner.freeze("2026-03-05T12:00:00Z")
    changed = planner.change(task_id, paused=False, title="Water the ficus")
    assert (changed["paused"], changed["next_date"]) == (False, "2026-03-05")
    assert planner.dates(task_id) == ["2026-03-01"]
    planner.tick("2026-03-05T12:01:00Z")
    planner.tick("2026-03-06T08:00:00Z")
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-05", "2026-03-06"]
    assert planner.instances(task_id)[1]["title"] == "Water the ficus"
    assert skipped(planner, task_id) == [("2026-03-02", "2026-03-04", "paused")]


def test_a_pause_over_the_due_time_of_one_day_misses_nothing(planner: Planner) -> None:
    task_id = planner.daily(local_time="08:00")
    planner.freeze("2026-03-02T07:00:00Z")
    planner.change(task_id, paused=True)
    planner.tick("2026-03-02T08:00:00Z")
    assert planner.dates(task_id) == ["2026-03-01"]
    planner.freeze("2026-03-02T09:00:00Z")
    planner.change(task_id, paused=False)
    planner.tick("2026-03-02T09:00:00Z")
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02"]
    assert skipped(planner, task_id) == []


def test_an_end_ends_and_can_be_moved(planner: Planner) -> None:
    task_id = planner.daily(end_date="2026-03-03")
    for day in following("2026-03-01", 5):
        planner.tick(f"{day}T00:00:00Z")
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert planner.task(task_id)["next_date"] is None
    assert planner.change(task_id, end_date="2026-03-07")["next_date"] == "2026-03-06"
    planner.tick()
    planner.tick("2026-03-07T00:00:00Z")
    assert planner.change(task_id, end_date="2026-03-07", title="b")["next_date"] is None
    planner.tick("2026-03-08T00:00:00Z")
    assert planner.dates(task_id) == [*following("2026-02-28", 3), "2026-03-06", "2026-03-07"]
    assert skipped(planner, task_id) == [("2026-03-04", "2026-03-05", "ended")]


def test_an_end_moved_to_before_the_next_date_ends_at_once(planner: Planner) -> None:
    task_id = planner.daily()
    planner.tick(DAY_2)
    assert planner.change(task_id, end_date="2026-03-01")["next_date"] is None
    planner.tick(DAY_3)
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02"]
    assert planner.scheduler()["oldest_due"] is None
    assert planner.change(task_id, end_date=None)["next_date"] == "2026-03-03"
    planner.tick(DAY_3)
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert skipped(planner, task_id) == []


def test_what_passes_in_a_pause_beyond_the_end_is_no_gap(planner: Planner) -> None:
    task_id = planner.daily(end_date="2026-03-03")
    planner.change(task_id, paused=True)
    planner.freeze("2026-03-09T00:00:00Z")
    assert planner.change(task_id, paused=False)["next_date"] is None
    planner.tick()
    assert planner.dates(task_id) == ["2026-03-01"]
    assert skipped(planner, task_id) == [("2026-03-02", "2026-03-03", "paused")]


# -- others at the same time -------------------------------------------------------------------------------------------


def test_what_an_operator_does_between_the_look_and_the_making_counts(planner: Planner) -> None:
    paused, ended, edited, gone = "paused", "ended", "edited", "gone"
    ids = {name: planner.daily(start_date=TODAY, title=name) for name in (paused, ended, edited, gone)}
    acts: dict[str, Callable[[], object]] = {
        paused: partial(planner.change, ids[paused], paused=True),
        ended: partial(planner.change, ids[ended], end_date=TODAY),
        edited: partial(planner.change, ids[edited], title="New"),
        gone: partial(planner.delete, ids[gone]),
    }
    planner.freeze(DAY_2)
    for name, act in acts.items():
        with tapped(meanwhile(act)):
            assert deliver(json.dumps({"task_ids": [ids[name]]})) == []
    planner.tick()
    assert [planner.dates(ids[name]) for name in (paused, ended)] == [[TODAY]] * 2
    assert planner.task(ids[paused])["paused"]
    assert [each["title"] for each in planner.instances(ids[edited])] == ["edited", "New"]
    assert [key for key in stored() if ids[gone] in key[0] and not key[1].startswith("L#")] == []
    assert planner.incidents() == []


def test_two_schedulers_at_once_make_one_instance(planner: Planner) -> None:
    task_id = planner.daily()
    for day in following(TODAY, 3, every=2):
        planner.freeze(f"{day}T09:00:00Z")
        with tapped(meanwhile(planner.tick)):
            planner.tick()
    assert planner.dates(task_id) == [TODAY, "2026-03-03", "2026-03-05", "2026-03-07"]
    assert skipped(planner, task_id) == [(day, day, "missed") for day in ("2026-03-06", "2026-03-04", "2026-03-02")]
    assert planner.task(task_id)["next_date"] == "2026-03-08"


# -- many tasks, and the queue -----------------------------------------------------------------------------------------


def test_a_batch_of_tasks_is_made_by_the_tick_itself(busy_planner: Planner) -> None:
    ids = busy_planner.many(scheduling.BATCH)
    busy_planner.tick(DAY_2)
    assert received() == []
    assert {tuple(busy_planner.dates(task_id)) for task_id in ids} == {("2026-03-01", "2026-03-02")}


def test_more_are_handed_over_in_batches_and_each_is_made_once(busy_planner: Planner) -> None:
    ids = busy_planner.many(105)
    busy_planner.tick(DAY_2)
    assert len(busy_planner.listed("/instances?date=2026-03-02")[0]) == 0
    assert busy_planner.scheduler()["oldest_due"] == "2026-03-02T00:00:00.000Z"
    # While they wait, nobody hands them over again.
    busy_planner.tick("2026-03-02T00:01:00Z")
    messages = received()
    batches = [json.loads(body)["task_ids"] for body in messages]
    assert sorted(len(batch) for batch in batches) == [5, 25, 25, 25, 25]
    assert sorted(task_id for batch in batches for task_id in batch) == sorted(ids)
    assert deliver(*messages[:2]) == []
    # What was lost on the way is still due, and handed over anew.
    busy_planner.tick("2026-03-02T00:02:00Z")
    again = received()
    assert sum(len(json.loads(body)["task_ids"]) for body in again) == 105 - sum(map(len, batches[:2]))
    assert deliver(*again, *again[:1], messages[0]) == []
    busy_planner.tick("2026-03-02T00:03:00Z")
    assert received() == []
    made = [each["task_id"] for page in busy_planner.listed("/instances?date=2026-03-02") for each in page]
    assert made == sorted(ids)
    assert busy_planner.scheduler()["oldest_due"] is None


def test_messages_that_come_twice_late_or_for_nothing_do_nothing(planner: Planner) -> None:
    task_id, paused, gone = planner.many(3)
    body = json.dumps({"task_ids": [task_id, paused, gone, "0" * 32, "", task_id]})
    planner.change(paused, paused=True)
    planner.delete(gone)
    assert deliver(body) == []
    assert [planner.dates(each) for each in (task_id, paused)] == [["2026-03-01"]] * 2
    planner.freeze(DAY_2)
    assert deliver(body, body) == []
    assert deliver(body) == []
    planner.freeze(DAY_3)
    assert deliver(body, json.dumps({"task_ids": []})) == []
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert planner.dates(paused) == ["2026-03-01"]
    assert [key for key in stored() if gone in key[0] and not key[1].startswith("L#")] == []
    assert planner.incidents() == []


def test_garbage_comes_again_and_holds_up_no_other_message(planner: Planner) -> None:
    task_id = planner.daily()
    planner.freeze(DAY_2)
    garbage = ["", "no JSON", "[]", "7", "{}", '{"task_ids": 7}', '{"task_ids": null}', "[" * 100_000]
    assert deliver(*garbage, json.dumps({"task_ids": [task_id]})) == garbage
    assert planner.dates(task_id) == ["2026-03-01", "2026-03-02"]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("GetQueueAttributes", EndpointConnectionError(endpoint_url="https://sqs.example")),
        ("SendMessageBatch", ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "SendMessageBatch")),
        ("SendMessageBatch", {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}),
    ],
)
def test_a_queue_that_is_down_costs_time_and_nothing_else(
    busy_planner: Planner, operation: str, error: Exception | dict[str, Any]
) -> None:
    ids = busy_planner.many(scheduling.BATCH + 1)
    with tapped(refusing(operation, error)):
        busy_planner.tick(DAY_2)
    assert received() == []
    busy_planner.freeze("2026-03-02T00:01:30Z")
    assert busy_planner.scheduler() == {
        "last_tick": "2026-03-02T00:00:00.000Z",
        "oldest_due": "2026-03-02T00:00:00.000Z",
        "lag_seconds": 0,
        "stopped": False,
    }
    busy_planner.tick()
    assert busy_planner.scheduler()["lag_seconds"] == 90
    assert deliver(*received()) == []
    assert {tuple(busy_planner.dates(task_id)) for task_id in ids} == {("2026-03-01", "2026-03-02")}


# -- what fails --------------------------------------------------------------------------------------------------------


def test_a_task_that_fails_is_an_incident_and_stands_in_nobodys_way(planner: Planner) -> None:
    good, *bad = planner.many(6)
    spoil(bad[0], "zone", {"S": "Mars/Olympus"})
    spoil(bad[1], "rule", {"S": "FREQ=HOURLY"})
    spoil(bad[2], "at", {"S": "noon"})
    spoil(bad[3], "title", {"N": "7"})
    spoil(bad[4], "version", {"S": "two"})
    planner.tick(DAY_2)
    planner.tick("2026-03-02T00:01:00Z")
    assert planner.dates(good) == ["2026-03-01", "2026-03-02"]
    assert [planner.door.admin("GET", f"/instances?date=2026-03-0{n}").status for n in (1, 2)] == [200, 200]
    assert len(planner.listed("/instances?date=2026-03-02")[0]) == 1
    incidents = planner.incidents()
    assert {(each["error_key"], each["severity"]) for each in incidents} == {("task_scheduling_failed", "HIGH")}
    assert sum(each["count"] for each in incidents) == len(bad)  # each once an hour
    assert all(each["description"]["task_id"] in bad for each in incidents)
    assert "HOURLY" in " ".join(each["description"]["error_message"] for each in incidents)
    planner.tick("2026-03-02T01:00:00Z")
    assert sum(each["count"] for each in planner.incidents()) == 2 * len(bad)


def test_a_task_that_fails_in_a_message_does_not_bring_the_message_back(planner: Planner) -> None:
    good, bad = planner.many(2)
    spoil(bad, "zone", {"S": "Mars/Olympus"})
    planner.freeze(DAY_2)
    assert deliver(json.dumps({"task_ids": [bad, good]})) == []
    assert planner.dates(good) == ["2026-03-01", "2026-03-02"]
    (incident,) = planner.incidents()
    assert incident["description"]["task_id"] == bad


def test_a_busy_store_is_no_incident_and_the_next_tick_goes_on(planner: Planner) -> None:
    ids = planner.many(3)

    def only(call: Call) -> bool:
        return call.operation == "TransactWriteItems" and ids[1] in json.dumps(call.parameters)

    with no_pauses(), tapped(storm(random.Random(0), share=1, only=only)):
        planner.tick(DAY_2)
    assert [len(planner.dates(task_id)) for task_id in ids] == [2, 1, 2]
    assert planner.incidents() == []
    planner.tick("2026-03-02T00:01:00Z")
    assert {tuple(planner.dates(task_id)) for task_id in ids} == {("2026-03-01", "2026-03-02")}
    assert planner.scheduler()["lag_seconds"] == 60


def test_a_tick_that_cannot_look_has_not_run(planner: Planner) -> None:
    planner.tick(DAY_2)
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")
    with no_pauses(), tapped(refusing("Query", throttled)), pytest.raises(Busy):
        planner.tick("2026-03-02T00:10:00Z")
    assert planner.scheduler()["stopped"]


def test_a_tick_that_dies_anywhere_leaves_both_rows_or_neither_and_the_next_one_goes_on(busy_planner: Planner) -> None:
    ids = [busy_planner.daily(), busy_planner.daily(), busy_planner.daily()]
    day = "2026-03-01"
    for point in points():
        before, (day,) = [busy_planner.dates(task_id) for task_id in ids], following(day, 1, every=2)
        survived = survives(point, partial(busy_planner.tick, f"{day}T06:00:00Z"))
        for task_id, dates in zip(ids, before, strict=True):
            made = busy_planner.dates(task_id) == [*dates, day]
            assert made or busy_planner.dates(task_id) == dates
            assert busy_planner.task(task_id)["next_date"] == following(day if made else dates[-1], 1)[0]
            gap = following(dates[-1], 1)[0]
            assert (skipped(busy_planner, task_id)[:1] == [(gap, gap, "missed")]) == made
        busy_planner.tick(f"{day}T06:01:00Z")
        assert [busy_planner.dates(task_id) for task_id in ids] == [[*dates, day] for dates in before]
        if survived:
            break
    # Three tasks, and the heartbeat.
    assert point.nth == 4


# -- the heartbeat -----------------------------------------------------------------------------------------------------


def test_a_scheduler_that_does_not_run_is_noticed(planner: Planner) -> None:
    never = {"last_tick": None, "oldest_due": None, "lag_seconds": 0, "stopped": True}
    assert planner.scheduler() == never
    planner.daily()
    planner.tick()
    idle = {"last_tick": "2026-03-01T10:00:00.000Z", "oldest_due": None, "lag_seconds": 0, "stopped": False}
    assert planner.scheduler() == idle
    planner.freeze("2026-03-01T10:05:00Z")
    assert planner.scheduler() == idle
    planner.freeze("2026-03-01T10:05:00.001Z")
    assert planner.scheduler() == idle | {"stopped": True}
    planner.tick("2026-03-02T00:00:40Z")
    assert planner.scheduler() == {
        "last_tick": "2026-03-02T00:00:40.000Z",
        "oldest_due": "2026-03-02T00:00:00.000Z",
        "lag_seconds": 40,
        "stopped": False,
    }
    planner.tick("2026-03-02T00:01:40Z")
    assert planner.scheduler()["oldest_due"] is None


def test_metrics_say_how_long_the_oldest_task_is_due_and_what_was_made(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner.many(2)
    noted: dict[str, float] = {}

    def note(name: str, unit: object, value: float) -> None:
        noted[name] = noted.get(name, 0) + value

    monkeypatch.setattr(observability.metrics, "add_metric", note)
    planner.tick("2026-03-01T23:59:00Z")
    assert noted == {"OldestDueTaskSeconds": 0}
    noted.clear()
    planner.tick("2026-03-02T00:01:30Z")
    assert noted == {"OldestDueTaskSeconds": 90, "InstancesMade": 2}
