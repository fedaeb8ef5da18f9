"""The weekly review of a project."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.alerts.channels import Slack
from chalicelib.alerts.rules import NewRule
from chalicelib.analytics import reviewing
from chalicelib.projects import settings
from chalicelib.projects.settings import NewProject
from tests import store as stores
from tests.alerts import telling
from tests.analytics import happened
from tests.faults import forget, no_pauses, points, survives

# A Monday, early.
NOW = clock.parse("2026-11-23T02:20:00Z")
DAY = timedelta(days=1)
SLACK = Slack("https://hooks.slack.com/services/T/B/c")


@pytest.fixture
def store() -> Iterator[stores.Store]:
    forget()
    with happened.quick() as store, no_pauses():
        telling.made(NewRule("Reviews", on=["review"], channels=[SLACK]), now=NOW)
        yield store
    forget()


def events(n: int, name: str = "done", *, days_ago: int = 1, **given: Any) -> None:
    at = NOW - days_ago * DAY
    happened.happen([happened.one(at, name, **given) for _ in range(n)], at)


def reviewed(store: stores.Store, after: timedelta = timedelta()) -> list[dict[str, Any]]:
    forget()
    reviewing.review(NOW + after)
    return telling.sent(store)


def test_a_week_is_told_in_a_few_lines(store: stores.Store) -> None:
    events(40, provider="openai", feature="summaries", success=True)
    events(10, provider="openai", feature="summaries", success=False)
    events(2, provider="anthropic", success=False)
    events(9, provider="mistral")
    events(3, cache="hit")
    events(1, cache="miss")
    events(20, endpoint="/slow/1", duration_ms=2000)
    events(20, endpoint="/quick", duration_ms=900)
    events(1, "feature_registered", feature="summaries", days_ago=60)
    events(1, "feature_registered", feature="exports", days_ago=60)
    events(1, "feature_registered", feature="forgotten", days_ago=91)
    events(5, feature="exports", days_ago=8)
    (alert,) = reviewed(store)
    assert (alert["kind"], alert["severity"], alert["title"]) == (
        "review",
        "INFO",
        "The week of project 1 up to 2026-W48",
    )
    slow = alert["lines"].pop(3)
    assert slow.startswith("Slow: /slow/* takes ")
    assert 1960 <= float(slow.split()[3]) <= 2040
    assert alert["lines"] == [
        "AI: 10 of 50 calls failed for openai, summaries (20.0 %).",
        "AI: 2 of 2 calls failed for anthropic, unknown (100.0 %).",
        "Cache: 75.0 % of 4 look-ups were hits.",
        "Features that nobody used: exports.",
    ]


def test_it_is_told_once_a_week_and_on_mondays(store: stores.Store) -> None:
    events(3, cache="hit")
    events(3, cache="hit", days_ago=-6)
    assert [len(reviewed(store, nth * DAY)) for nth in range(-1, 9)] == [0, 1, 1, 1, 1, 1, 1, 1, 2, 2]
    assert len(reviewed(store, 7 * DAY + timedelta(hours=8))) == 2


def test_each_project_has_its_own_and_none_where_there_is_nothing_to_say(store: stores.Store) -> None:
    projects = [settings.make(NewProject(name), "admin-1", NOW).project_id for name in "bc"]
    events(3, cache="hit", project_id=projects[0])
    events(3, endpoint="/a", duration_ms=5)
    events(3, feature="used")
    events(1, "feature_registered", feature="used")
    events(3, provider="openai", success=True)
    assert [each["project_id"] for each in reviewed(store)] == [projects[0]]


def test_many_are_bounded(store: stores.Store) -> None:
    for nth in range(12):
        events(1, "feature_registered", feature=f"feature {nth:02}")
        events(1, provider=f"p{nth:02}", success=False)
        events(1, endpoint=f"/slow{nth:02}x", duration_ms=5000 + nth)
    (alert,) = reviewed(store)
    assert [sum(line.startswith(what) for line in alert["lines"]) for what in ("AI", "Slow", "Features")] == [10, 10, 1]
    assert alert["lines"][-1].endswith("feature 08, feature 09 and 2 more.")


def test_a_review_whose_container_died_is_told_once(store: stores.Store) -> None:
    events(3, cache="hit")
    begin = store.bookmark()
    for point in points():
        begin()
        if survives(point, lambda: reviewing.review(NOW)):
            break
        assert len(reviewed(store)) == 1, point
    assert point.nth > 0
