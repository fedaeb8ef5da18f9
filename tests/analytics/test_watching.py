"""What is watched: rates against the thresholds of rules, heartbeats, and the ends of both."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

import app
from chalicelib import clock
from chalicelib.alerts import rules
from chalicelib.alerts.channels import PagerDuty
from chalicelib.alerts.rules import Match, NewRule, RuleChange
from chalicelib.analytics import watching
from chalicelib.dynamodb import Busy
from chalicelib.incidents.report import Origin
from chalicelib.projects import settings
from chalicelib.projects.settings import NewProject
from chalicelib.sentry import checkins
from chalicelib.tasks import heartbeat
from infra.pump import schedule_event
from tests import store as stores
from tests.alerts import telling
from tests.analytics import happened
from tests.faults import forget, no_pauses, points, recorded, survives

NOW = clock.parse("2026-11-22T14:20:00Z")
MINUTE = timedelta(minutes=1)
PAGER = PagerDuty("0123456789abcdef0123456789abcdef")
DAILY = {"type": "crontab", "value": "0 12 * * *"}

Freeze = Callable[[str], None]


class Watch:
    """A store, rules, and what is told when it is looked at."""

    def __init__(self, store: stores.Store, frozen: Freeze) -> None:
        self.store = store
        self._frozen = frozen
        heartbeat.beat(NOW, None)
        self._rules = 0

    def rule(self, *on: Any, **more: Any) -> str:
        self._rules += 1
        return telling.made(NewRule(f"On {on}", on=[*on], channels=[PAGER], **more), nth=self._rules, now=NOW)

    def look(self, after: timedelta = timedelta()) -> list[str]:
        """Look as a fresh container does; returns all that was ever told."""
        forget()
        heartbeat.beat(NOW + after, None)
        self._frozen(clock.rfc3339(NOW + after))
        app.watch_failures(schedule_event("watch_failures", NOW + after), None)
        return self.told()

    def told(self) -> list[str]:
        return [f"{each['state']}: {each['title']}" for each in telling.sent(self.store)]

    def open(self) -> int:
        return sum(row["pk"]["S"] == "WATCH" for row in self.store.rows("analytics"))


@pytest.fixture
def watch(frozen: Freeze) -> Iterator[Watch]:
    forget()
    with happened.quick() as store, no_pauses():
        yield Watch(store, frozen)
    forget()


def requests(n: int, failures: int = 0, *, at: datetime = NOW, **given: Any) -> None:
    about: dict[str, Any] = {"endpoint": "/a", "duration_ms": 10} | given
    statuses = [500] * failures + [200] * (n - failures)
    happened.happen([happened.one(at, status=status, **about) for status in statuses], at)


def check_in(monitor: str = "nightly", project_id: str = "1", at: str = "2026-11-22T12:00:05Z", **more: Any) -> None:
    body = {"monitor_slug": monitor, "status": "ok", "monitor_config": {"schedule": DAILY}, **more}
    checkins.keep(body, Origin(project_id, None, "", 90), clock.parse(at))


# -- rates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "failures", "told"), [(19, 19, False), (20, 4, False), (20, 5, True), (40, 10, True), (40, 9, False)]
)
def test_a_rate_is_told_where_it_reaches_the_threshold(watch: Watch, n: int, failures: int, told: bool) -> None:  # noqa: FBT001  # a parameter
    watch.rule("error_rate", threshold=25)
    requests(n, failures)
    assert watch.look() == (["trigger: 25.0 % of the requests to /a fail"] if told else [])


def test_a_latency_is_the_95th_percentile(watch: Watch) -> None:
    watch.rule("latency", threshold=1000)
    requests(95, endpoint="/quick")
    requests(5, endpoint="/quick", duration_ms=9000)
    requests(18, endpoint="/slow")
    requests(2, endpoint="/slow", duration_ms=9000)
    (told,) = watch.look()
    assert told.startswith("trigger: /slow takes")


def test_a_rule_is_about_what_it_matches(watch: Watch) -> None:
    two = settings.make(NewProject("Two"), "admin-1", NOW).project_id
    match = Match(key="/a*", project_id="1", environment="live", severity="CRITICAL")
    watch.rule("error_rate", threshold=50, match=match)
    watch.rule("error_rate", threshold=90, match=Match(project_id=two))
    requests(20, 20, endpoint="/a")
    requests(20, 20, endpoint="/ab")
    requests(20, 20, endpoint="/b")
    requests(20, 17, endpoint="/a", project_id=two)
    requests(20, 18, endpoint="/b", project_id=two)
    assert sorted(watch.look()) == [
        "trigger: 100.0 % of the requests to /a fail",
        "trigger: 100.0 % of the requests to /ab fail",
        "trigger: 90.0 % of the requests to /b fail",
    ]
    alerts = sorted(telling.sent(watch.store), key=lambda each: str(each["title"]))
    assert [(each["severity"], each["environment"], each["project_id"]) for each in alerts] == [
        ("CRITICAL", "live", "1"),
        ("CRITICAL", "live", "1"),
        ("WARNING", None, two),
    ]


def test_rules_that_watch_the_same_are_told_by_themselves(watch: Watch) -> None:
    watch.rule("error_rate", threshold=5)
    watch.rule("error_rate", threshold=60)
    requests(20, 10)
    assert len(watch.look()) == 1
    requests(40, 40)
    assert len(watch.look(5 * MINUTE)) == 2


def test_a_rate_that_stays_is_told_again_after_the_rules_silence(watch: Watch) -> None:
    watch.rule("error_rate", threshold=25, window_minutes=180, suppress_minutes=60)
    requests(20, 20)
    for minutes in (0, 5, 55):
        assert len(watch.look(minutes * MINUTE)) == 1
    assert len(watch.look(60 * MINUTE)) == 2


def test_a_rate_ends_once_it_has_been_calm_for_a_while(watch: Watch) -> None:
    watch.rule("error_rate", threshold=25)
    requests(20, 5)
    watch.look()
    requests(20)
    assert watch.look(5 * MINUTE) == watch.look(10 * MINUTE) == ["trigger: 25.0 % of the requests to /a fail"]
    assert watch.open() == 1
    assert watch.look(15 * MINUTE)[1:] == ["resolve: 25.0 % of the requests to /a fail"]
    assert watch.open() == 0
    assert len(watch.look(20 * MINUTE)) == 2


def test_an_endpoint_that_always_fails_is_told_once_for_all_its_hours(watch: Watch) -> None:
    watch.rule("error_rate", threshold=50, window_minutes=60, suppress_minutes=240)
    for minutes in range(0, 160, 5):
        requests(2, 2, at=NOW + minutes * MINUTE)
        watch.look(minutes * MINUTE)
    assert watch.told() == ["trigger: 100.0 % of the requests to /a fail"]


@pytest.mark.parametrize("more", [0, 19])
def test_few_requests_or_none_end_no_rate_for_a_day(watch: Watch, more: int) -> None:
    watch.rule("error_rate", threshold=25)
    requests(20, 20)
    found = len(watch.look())
    for hours in (2, 23):
        requests(more, at=NOW + timedelta(hours=hours))
        assert len(watch.look(timedelta(hours=hours))) == found
    assert watch.look(timedelta(hours=24))[found:] == ["resolve: 100.0 % of the requests to /a fail"]
    assert watch.open() == 0


def test_what_nobody_watches_any_more_has_ended(watch: Watch) -> None:
    rule_id = watch.rule("error_rate", threshold=25)
    requests(20, 20)
    watch.look()
    rules.change(rule_id, RuleChange(enabled=False), "admin-1", NOW)
    watch.look(15 * MINUTE)
    assert watch.open() == 0


def test_a_window_is_as_long_as_the_rule_says(watch: Watch) -> None:
    watch.rule("error_rate", threshold=25, window_minutes=60)
    watch.rule("error_rate", threshold=25, window_minutes=120, match=Match(key="/b"))
    for endpoint in ("/a", "/b"):
        requests(20, 20, endpoint=endpoint, at=NOW - 120 * MINUTE)
    assert watch.look() == ["trigger: 100.0 % of the requests to /b fail"]


# -- absences ----------------------------------------------------------------------------------------------------------


def test_a_monitor_that_misses_its_run_is_told_once_and_when_it_is_back(watch: Watch) -> None:
    watch.rule("absence")
    check_in(at="2026-11-21T12:00:05Z", environment="live")
    check_in("other")
    check_in("unplanned", monitor_config={}, at="2026-11-01T12:00:00Z")
    gone = ["trigger: nightly has stopped"]
    assert watch.look() == watch.look(5 * MINUTE) == gone
    (alert,) = telling.sent(watch.store)
    assert (alert["kind"], alert["severity"], alert["environment"]) == ("absence", "WARNING", "live")
    assert alert["lines"] == ["It was last heard of at 2026-11-21T12:00:05.000Z."]
    check_in(at="2026-11-22T14:26:00Z", environment="live")
    back = [*gone, "resolve: nightly has stopped"]
    assert watch.look(10 * MINUTE) == back
    assert watch.open() == 0
    a_day = timedelta(days=1)
    assert sorted(watch.look(a_day)[2:]) == ["trigger: nightly has stopped", "trigger: other has stopped"]


def test_every_project_and_page_is_looked_at(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MONITORS_IN_PAGE", 2)
    monkeypatch.setattr(settings, "MOST_IN_PAGE", 1)
    projects = ["1", *(settings.make(NewProject(name), "admin-1", NOW).project_id for name in "bc")]
    watch.rule("absence")
    for project_id in projects:
        for nth in range(3):
            check_in(f"m{nth}", project_id, at="2026-11-20T12:00:05Z")
    assert len(watch.look()) == 9


@pytest.mark.parametrize(("silent", "told"), [(10, 0), (11, 1)])
def test_a_scheduler_that_stopped_is_told(watch: Watch, silent: int, told: int) -> None:
    watch.rule("absence")
    heartbeat.beat(NOW - silent * MINUTE, None)
    for _ in range(2):
        forget()
        watching.watch(NOW)
    assert len(watch.told()) == told
    if told:
        (alert,) = telling.sent(watch.store)
        assert (alert["severity"], alert["environment"], alert["title"]) == (
            "CRITICAL",
            "test",
            "The scheduler of recurring tasks has stopped",
        )
        assert watch.look(5 * MINUTE)[1:] == ["resolve: The scheduler of recurring tasks has stopped"]


def test_a_scheduler_that_never_ran_is_not_told() -> None:
    with happened.quick() as store:
        watching.watch(NOW)
        assert telling.sent(store) == []


# -- when it is looked at ----------------------------------------------------------------------------------------------


def test_the_scheduled_function_looks_every_five_minutes(watch: Watch, frozen: Freeze) -> None:
    watch.rule("absence")
    check_in(at="2026-11-21T12:00:05Z")
    told = []
    for minute in ("14:21", "14:24", "14:25"):
        frozen(f"2026-11-22T{minute}:30Z")
        app.watch_failures(schedule_event("watch_failures", clock.now()), None)
        told.append(len(watch.told()))
    assert told == [0, 0, 1]


def test_a_container_that_dies_leaves_all_to_the_next(watch: Watch) -> None:
    watch.rule("error_rate", threshold=25)
    watch.rule("absence")
    requests(20, 20)
    check_in(at="2026-11-21T12:00:05Z")
    begin = watch.store.bookmark()
    for point in points():
        begin()
        if survives(point, lambda: watching.watch(NOW)):
            break
        assert len(watch.look()) == 2, point
        check_in(at="2026-11-22T14:26:00Z")
        requests(200)
        told = watch.store.bookmark()
        for end in points():
            told()
            heartbeat.beat(NOW + 15 * MINUTE, None)
            if survives(end, lambda: watching.watch(NOW + 15 * MINUTE)):
                break
            assert len(watch.look(20 * MINUTE)) == 4, (point, end)
            assert watch.open() == 0
        assert end.nth > 1
    assert point.nth > 3


def test_rates_that_cannot_be_read_keep_no_absence_from_being_told(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.rule("absence")
    check_in(at="2026-11-21T12:00:05Z")

    def busy(*_: object) -> None:
        raise Busy("injected")

    monkeypatch.setattr(rules, "watched", busy)
    with pytest.raises(Busy):
        watching.watch(NOW)
    assert watch.told() == ["trigger: nightly has stopped"]


def test_looking_costs_little_where_all_is_well(watch: Watch) -> None:
    watch.rule("error_rate", threshold=25)
    requests(20)
    check_in()
    with recorded() as ledger:
        watching.watch(NOW)
    assert ledger.writes == []
    assert len(ledger.operations) <= 10
