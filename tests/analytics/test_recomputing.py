"""Recomputing a day: on a bucket as it is, and in every order and with every crash against who tracks meanwhile."""

import itertools
import string
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import app
from chalicelib import clock, config, memory, storage
from chalicelib.analytics import bins, models, overview, raw, recomputing, reports, tallying
from chalicelib.analytics.recomputing import Recomputed, nightly, recompute
from chalicelib.analytics.windows import DAY, HOUR, ReportQuery
from chalicelib.clock import parse, rfc3339
from infra.pump import schedule_event
from tests.analytics.happened import BUCKET, NOW, happen, keep, one, quick
from tests.conftest import Door
from tests.faults import Call, Race, outcomes, points, survives, tapped
from tests.store import Store

YESTERDAY = parse("2026-11-21T10:00:00Z")
SECOND = timedelta(seconds=1)
DAY_BEFORE = parse("2026-11-20T23:59:59.999Z")
AT = YESTERDAY.date()
HOUR_ROW, DAY_ROW = "H2026-11-21T10", "D2026-11-21"

Rows = dict[tuple[str, str], Any]


def rolled_up() -> Rows:
    """What the reports of the hours and of the days are read from."""
    return {(pk, sk): row for pk in partitions() for sk, row in rows_of(pk).items()}


def rows_of(pk: str) -> dict[str, Any]:
    return {row["sk"]["S"]: content(row) for row in models.between(pk, "A", "Z", consistent=True)}


def content(row: Any) -> Any:
    return sorted(models.sketch(row)[0]) if "hashes" in row else models.numbers(row)


def partitions() -> list[str]:
    """The partitions of what happens in `something`."""
    endpoints = ("/upload", "/proofs", models.OTHER)
    users = [("events", "CRITICAL|upload"), ("features", "export"), ("failed", tallying.ALL)]
    return [
        *(models.tally_key("1", metric) for metric in recomputing.METRICS),
        *(models.bins_key("1", endpoint) for endpoint in endpoints),
        *(models.users_key("1", *each) for each in users),
    ]


def something() -> None:
    happen(
        [
            one(YESTERDAY, "upload", severity="CRITICAL", user_id="7", endpoint="/upload", duration_ms=120, status=500),
            one(YESTERDAY, endpoint="/proofs", duration_ms=30, user_id="8", cache="hit", provider="openai"),
            one(YESTERDAY - HOUR, feature="export", user_id="9", duration_ms=7, trial_type="14 days", converted=True),
        ]
    )


@pytest.fixture
def table() -> Iterator[Store]:
    with quick() as store:
        yield store


# -- a bucket as it is ------------------------------------------------------------------------------------------------


def test_roll_ups_that_are_wrong_are_corrected(cloud: None) -> None:
    something()
    right = rolled_up()
    (key, *_) = raw.keys(AT, 10)
    body = storage.load(config.config().events, key)
    # The same batch once more, as a caller sends it whose answer was lost; and as it may lie there twice itself.
    storage.write(config.config().events, key.replace(".jsonl", "x.jsonl"), body + body, raw.CONTENT_TYPE)
    wrong = {"n": 90, "n|INFO|page_viewed": 90, "n|INFO|never": 1, "err": 2}
    models.add(models.tally_key("1", "events"), HOUR_ROW, wrong)
    models.add(models.bins_key("1", "/upload"), HOUR_ROW, {"n": 1, bins.attribute(9999): 1})
    models.add(models.tally_key("1", "registered"), HOUR_ROW, {"n": 5, "n|import": 5})
    models.add_users(models.users_key("1", "failed", tallying.ALL), HOUR_ROW, {b"nobody"})
    assert recompute(AT, NOW) == Recomputed(AT, (9, 10), 3, 4)
    corrected = rolled_up()
    assert {key: row for key, row in corrected.items() if key[1].startswith("H") and row != {"n": 0}} == right
    assert corrected[models.tally_key("1", "registered"), HOUR_ROW] == {"n": 0}
    assert recompute(AT, NOW) == Recomputed(AT, (9, 10), 3, 4)
    assert rolled_up() == corrected


def test_the_nightly_function_makes_yesterday_anew_and_reviews_the_week_on_mondays(
    door: Door, frozen: Callable[[str], None]
) -> None:
    something()
    right = rolled_up()
    models.add(models.tally_key("1", "events"), HOUR_ROW, {"n": 90})
    frozen("2026-11-23T02:20:00Z")
    made = door.admin("POST", "/alerts/rules", {"name": "Weekly", "on": ["review"], "channels": [{"type": "email"}]})
    assert made.status == 201, made
    for _ in range(2):
        app.recompute_rollups(schedule_event("recompute_rollups", clock.now()), None)
        assert {key: row for key, row in rolled_up().items() if key[1].startswith("H")} == right
        assert rows_of(models.tally_key("1", "events"))[DAY_ROW]["n"] == 3
        assert [alert["kind"] for alert in door.admin("GET", "/alerts").json["items"]] == ["review"]


def test_a_line_that_cannot_be_read_is_nobodys_loss_but_its_own(cloud: None) -> None:
    something()
    right = rolled_up()
    storage.write(config.config().events, f"events/dt={AT}/h=10/1-20261121T100000000Z-a.jsonl.gz", b"no gzip", "")
    assert recompute(AT, NOW).events == 3
    assert {key: row for key, row in rolled_up().items() if key[1].startswith("H")} == right


# -- days and hours ---------------------------------------------------------------------------------------------------


def test_a_day_is_the_sum_of_its_hours(table: Store) -> None:
    something()
    recompute(AT, NOW)
    for pk in partitions():
        rows = rows_of(pk)
        day = rows.pop(DAY_ROW, None)
        if "U#" in pk:
            assert day == sorted(itertools.chain(*rows.values()))
        elif rows:
            sums = {name: sum(row.get(name, 0) for row in rows.values()) for row in rows.values() for name in row}
            if pk == models.tally_key("1", "events"):
                sums |= {f"{name}@{sk[-2:]}": row[name] for sk, row in rows.items() for name in ("n", "err")}
            assert day == sums
        else:
            assert day is None


def test_there_are_50_dimensions_and_the_rest_of_them(table: Store) -> None:
    """In an hour as in a day: those that are most frequent."""
    for hour in (8, 9):
        at = parse(f"2026-11-21T{hour:02}:00:00Z")
        # Every other one of 52 happens twice, to two users.
        each = [f"{'x' * hour}-{letter}" for letter in string.ascii_letters]
        names = [*each, *each[::2]]
        keep(
            one(at, name, severity="WARNING", endpoint=f"/{name}", duration_ms=100, user_id=str(nth // 52))
            for nth, name in enumerate(names)
        )
    recompute(AT, NOW)
    # Two are left over in an hour; in a day those four, the 48 of one event that are not, and two of two events.
    for sk, others in (("H2026-11-21T08", 2), ("H2026-11-21T09", 2), (DAY_ROW, 4 + 48 + 2 * 2)):
        counters = rows_of(models.tally_key("1", "endpoints"))[sk]
        counted = {name.partition("|")[2]: n for name, n in counters.items() if name.startswith("n|")}
        assert len(counted) == 51
        assert counted.pop(models.OTHER) == others
        assert sum(counted.values()) == counters["n"] - others
        assert rows_of(models.bins_key("1", models.OTHER))[sk] == {"n": others, bins.attribute(100): others}
        assert len(rows_of(models.users_key("1", "events", models.OTHER))[sk]) == (2 if sk == DAY_ROW else 1)
    assert set(counted) == {f"/{'x' * hour}-{letter}" for hour in (8, 9) for letter in string.ascii_letters[::2]} - {
        f"/{'x' * 9}-{letter}" for letter in "wy"
    }


def test_a_row_that_nobody_knows_of_is_overwritten_too(table: Store) -> None:
    something()
    right = rolled_up()
    models.Row(models.tally_key("1", "endpoints"), HOUR_ROW).delete()
    recompute(AT, NOW)
    assert {key: row for key, row in rolled_up().items() if key[1].startswith("H")} == right


def test_an_object_is_read_once(table: Store) -> None:
    something()
    read: list[str] = []

    def note(call: Call) -> Any:
        if call.operation == "GetItem" and call.parameters["Key"]["pk"]["S"] == BUCKET:
            read.append(call.parameters["Key"]["sk"]["S"])
        return call.make()

    with tapped(note):
        recompute(AT, NOW)
    assert sorted(read) == sorted(key for hour in range(24) for key in raw.keys(AT, hour))


def test_days_without_raw_events_stay_as_they_are(table: Store) -> None:
    models.add(models.tally_key("1", "events"), HOUR_ROW, {"n": 7, "n|INFO|a": 7})
    something()
    before = rolled_up()
    for pk, sk in [(row["pk"]["S"], row["sk"]["S"]) for row in table.rows("analytics") if row["pk"]["S"] == BUCKET]:
        models.Row(pk, sk).delete()
    assert recompute(AT, NOW) == Recomputed(AT, (), 0, 0)
    assert rolled_up() == before
    assert overview.overview(ReportQuery(hours=100), NOW).events == 10


def test_a_day_of_which_the_bucket_may_have_deleted_some_is_left_alone(table: Store) -> None:
    something()
    keep([one(YESTERDAY)])
    before = rolled_up()
    kept_for = config.config().raw_event_days * DAY
    midnight = parse("2026-11-21T00:00:00Z")
    assert recompute(AT, midnight + kept_for + DAY) == Recomputed(AT, (), 0, 0)
    assert rolled_up() == before
    assert recompute(AT, midnight + kept_for + DAY - HOUR).events == 4


def test_hours_that_are_not_over_wait(table: Store) -> None:
    happen([one(NOW), one(NOW - HOUR), one(NOW - HOUR)])
    assert recompute(NOW.date(), NOW) == Recomputed(NOW.date(), (13,), 2, 0)
    assert set(rows_of(models.tally_key("1", "events"))) == {"H2026-11-22T13", "H2026-11-22T14"}


def test_projects_are_apart(table: Store) -> None:
    events = [one(YESTERDAY, endpoint="/a", project_id=project, event_id="a" * 32) for project in ("1", "2", "12")]
    for each in events:
        happen([each])
    assert recompute(AT, NOW).events == 3
    assert rows_of(models.tally_key("12", "endpoints"))[DAY_ROW] == {"n": 1, "n|/a": 1}


# -- every night -------------------------------------------------------------------------------------------------------


def test_every_night_yesterday_the_day_before_and_what_came_late(table: Store) -> None:
    week_ago, old = NOW - 7 * DAY, NOW - 5 * DAY
    happen([one(at) for at in (NOW, YESTERDAY, DAY_BEFORE)])
    happen([one(old - HOUR), one(week_ago)])
    assert nightly(NOW) == [
        Recomputed(AT, (10,), 1, 0),
        Recomputed(DAY_BEFORE.date(), (23,), 1, 0),
        Recomputed(old.date(), (13,), 1, 0),
        Recomputed(week_ago.date(), (14,), 1, 0),
    ]
    assert nightly(NOW + HOUR) == []
    assert overview.overview(ReportQuery(hours=240), NOW).events == 5

    late = {"received_at": rfc3339(NOW), "user_id": "7"}
    happen([one(old, **late), one(week_ago, **late)])
    assert overview.overview(ReportQuery(hours=240), NOW).events == 5, "hours of days that are summed up"
    tomorrow = NOW + DAY
    assert nightly(tomorrow) == [
        Recomputed(NOW.date(), (14,), 1, 0),
        Recomputed(old.date(), (14,), 1, 0),
        Recomputed(week_ago.date(), (14,), 2, 0),
    ]
    assert overview.overview(ReportQuery(hours=240), tomorrow).events == 7
    assert nightly(tomorrow) == []


def test_what_came_as_an_hour_was_made_anew_is_done_once_more(table: Store) -> None:
    happen([one(YESTERDAY, received_at=rfc3339(NOW - recomputing.UNSETTLED))])
    assert nightly(NOW) == nightly(NOW) == [Recomputed(AT, (10,), 1, 0)]
    assert nightly(NOW + DAY) == [Recomputed(AT, (10,), 1, 0)]
    assert nightly(NOW + 2 * DAY) == []


def test_a_night_that_was_killed_goes_on_where_it_was(table: Store) -> None:
    happen([one(YESTERDAY + nth * HOUR, endpoint="/a", duration_ms=5) for nth in range(2)])
    begin = table.bookmark()
    nightly(NOW)
    right, done = rolled_up(), []
    for point in points():
        begin()
        survived = survives(point, lambda: nightly(NOW))
        done += [[each.hours for each in nightly(NOW + HOUR)]]
        assert rolled_up() == right
        if survived:
            break
    assert [hours for hours, _ in itertools.groupby(done)] == [
        [(10, 11)],
        [(11,)],
        # The day alone, and nothing.
        [()],
        [],
    ]


def test_a_retry_across_the_hour_counts_once(table: Store) -> None:
    midnight = parse("2026-11-21T00:00:00Z")
    for at in (YESTERDAY, midnight):
        first = one(at - SECOND, "upload", severity="CRITICAL", endpoint="/upload", duration_ms=5)
        happen([first])
        happen([msgspec.structs.replace(first, timestamp=rfc3339(at + SECOND))])
    assert recompute(AT, NOW) == Recomputed(AT, (0, 9, 10), 1, 2)
    assert recompute(AT - DAY, NOW) == Recomputed(AT - DAY, (23,), 1, 0)
    assert overview.overview(ReportQuery(hours=100), NOW).events == 2
    for pk in (models.tally_key("1", "endpoints"), models.bins_key("1", "/upload")):
        assert rows_of(pk)[HOUR_ROW] == {"n": 0}
    assert recompute(AT, NOW, [10]) == Recomputed(AT, (10,), 0, 1), "though the hour before is not made anew"


def test_what_is_no_more_among_the_most_frequent_of_a_day_is_among_the_others_alone(table: Store) -> None:
    *names, other, last = sorted(string.ascii_letters)[1:]

    def viewed(*which: str) -> None:
        memory.forget()
        keep(
            one(YESTERDAY, name, severity="WARNING", endpoint=f"/{name}", duration_ms=100, user_id=name)
            for name in which
        )
        recompute(AT, NOW)

    viewed(*names, *names, other, last, last)
    assert rows_of(models.bins_key("1", models.OTHER))[DAY_ROW] == {"n": 1, bins.attribute(100): 1}
    viewed(other, other)
    lines = {line.endpoint: line for line in reports.endpoints(ReportQuery(hours=100), NOW).items}
    assert lines[models.OTHER].requests == 2
    assert rows_of(models.bins_key("1", models.OTHER))[DAY_ROW] == {"n": 2, bins.attribute(100): 2}
    assert rows_of(models.bins_key("1", f"/{last}"))[DAY_ROW] == {"n": 0}
    assert rows_of(models.users_key("1", "events", f"WARNING|{last}"))[DAY_ROW] == {"halvings": 0}


# -- who tracks meanwhile ----------------------------------------------------------------------------------------------


def counts() -> tuple[int, int, list[bytes]]:
    """What an hour and its day have, and the users to whom something failed."""
    rows = rows_of(models.tally_key("1", "events"))
    return (
        rows[HOUR_ROW]["n|CRITICAL|upload"],
        rows.get(DAY_ROW, {}).get("n|CRITICAL|upload", 0),
        rows_of(models.users_key("1", "failed", tallying.ALL))[HOUR_ROW],
    )


def upload(user_id: str, **given: Any) -> Any:
    return one(YESTERDAY, "upload", severity="CRITICAL", user_id=user_id, event_id=user_id * 32, **given)


def test_what_comes_while_an_hour_is_overwritten_is_not_lost(table: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # The others are nobody's business here, and many calls.
    monkeypatch.setattr(recomputing, "METRICS", ("endpoints", *recomputing.WITH_USERS))
    happen([upload("1")])
    begin = table.bookmark()

    def late() -> None:
        happen([upload("2")])

    def again() -> None:
        recomputing._recompute_hour(YESTERDAY, recomputing._Seen())

    def settle() -> object:
        at_once = counts()
        recompute(AT, NOW, [10])
        assert counts()[:2] == (2, 2), "the next night it is exact"
        assert len(counts()[2]) == 2
        return at_once[0], len(at_once[2])

    def prepare() -> Race:
        begin()
        return Race([again, late], settle)

    found = outcomes(prepare)
    assert found.runs > 10
    # Listed with the raw events, and added a moment later: that is three until the next night, and never one.
    assert set(found.interleaved) <= {*found.serial, "[[null, null], [3, 2]]"}


def test_another_run_at_any_moment_changes_nothing(table: Store) -> None:
    happen([upload("1", endpoint="/upload", duration_ms=5)])
    keep([upload("2", endpoint="/upload", duration_ms=9, feature="export")])
    begin = table.bookmark()
    recompute(AT, NOW)
    right = rolled_up()
    for nth in itertools.count():
        begin()
        calls = itertools.count()

        def another(call: Call, nth: int = nth, calls: Iterator[int] = calls) -> Any:
            if call.writes and next(calls) == nth:
                recompute(AT, NOW)
            return call.make()

        with tapped(another):
            recompute(AT, NOW)
        assert rolled_up() == right
        if next(calls) <= nth:
            break
    assert nth > 10


def test_a_crash_while_a_day_is_summed_up_changes_no_report(table: Store) -> None:
    something()
    begin = table.bookmark()
    query = ReportQuery(hours=100)
    found = (overview.overview, reports.errors, reports.endpoints, reports.features, reports.trials)
    told = [report(query, NOW) for report in found]
    for point in points():
        begin()
        survived = survives(point, lambda: recompute(AT, NOW))
        assert [report(query, NOW) for report in found] == told
        if survived:
            break
    assert point.nth > 20


def test_a_crash_anywhere_leaves_what_was_or_what_is_right(table: Store) -> None:
    happen([upload("1", endpoint="/upload", duration_ms=5)])
    recompute(AT, NOW)
    happen([upload("2", endpoint="/upload", duration_ms=9, feature="export")])
    models.add(models.tally_key("1", "events"), HOUR_ROW, {"n": 40, "n|CRITICAL|upload": 40})
    begin = table.bookmark()
    recompute(AT, NOW)
    right = rolled_up()
    for point in points():
        begin()
        survived = survives(point, lambda: recompute(AT, NOW))
        hour, day, _ = counts()
        assert (hour, day) in {(42, 1), (2, 1), (2, 2)}
        assert reports.endpoints(ReportQuery(hours=100), NOW).items[0].requests in {1, 2}
        recompute(AT, NOW)
        assert rolled_up() == right
        if survived:
            break
    assert point.nth > 10
