"""The feed: the newest events, page by page."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chalicelib import clock
from chalicelib.analytics import feed
from tests.conftest import INGEST_KEY, Door
from tests.faults import recorded

Freeze = Callable[[str], None]


def track(door: Door, *events: dict[str, Any], key: str = INGEST_KEY) -> None:
    answer = door.call("POST", "/analytics/track", {"events": list(events)}, x_ingest_key=key)
    assert [each for each in answer.json["results"] if "Code" in each] == []


def named(event: str, **fields: Any) -> dict[str, Any]:
    return {"event": event, "data": {}, **fields}


def walk(door: Door, query: str) -> list[str]:
    """The names of all events, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        page = door.admin("GET", f"/analytics/feed?{query}{cursor and f'&cursor={cursor}'}").json
        found += [each["event"] for each in page["items"]]
        cursor = page["next_cursor"]
    return found


@pytest.fixture
def story(swift: Door, frozen: Freeze) -> list[str]:
    """Events of five minutes, some alone and some together; their names, the newest first."""
    names = []
    for minute in range(5):
        frozen(f"2026-11-22T14:0{minute}:00.000Z")
        batch = [
            named(f"e{minute}-{nth}", timestamp=f"2026-11-22T13:00:{nth:02d}Z", severity=["INFO", "WARNING"][nth % 2])
            for nth in range(1 + 2 * minute)
        ]
        track(swift, *batch)
        names += [each["event"] for each in batch]
    return names[::-1]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_following_cursors_shows_every_event_once_the_newest_first(swift: Door, story: list[str], limit: int) -> None:
    assert walk(swift, f"limit={limit}") == story


def test_a_page_reads_on_until_it_is_full(swift: Door) -> None:
    for nth in range(2 * feed.ROWS_AT_ONCE + 1):
        track(swift, named(f"e{nth}"))
    assert sorted(walk(swift, "limit=100")) == sorted(f"e{nth}" for nth in range(2 * feed.ROWS_AT_ONCE + 1))


def test_filters(swift: Door, story: list[str]) -> None:
    severe = [name for name in story if int(name[-1]) % 2]
    assert walk(swift, "severity=WARNING&limit=2") == severe
    assert walk(swift, "event=e3-0") == ["e3-0"]
    assert walk(swift, "event=e3") == walk(swift, "project_id=2") == walk(swift, "severity=CRITICAL") == []


def test_what_comes_during_a_walk_does_not_disturb_it(swift: Door, frozen: Freeze, story: list[str]) -> None:
    page = swift.admin("GET", "/analytics/feed?limit=4").json
    frozen("2026-11-22T14:06:00.000Z")
    track(swift, named("later"))
    rest = swift.admin("GET", f"/analytics/feed?limit=100&cursor={page['next_cursor']}").json
    assert [each["event"] for each in page["items"] + rest["items"]] == story


def test_a_project_shows_its_own_alone(swift: Door) -> None:
    other = swift.admin("POST", "/projects", {"name": "Other"}).json
    track(swift, named("mine"))
    track(swift, named("theirs"), key=other["keys"][0])
    assert walk(swift, "") == ["mine"]
    assert walk(swift, f"project_id={other['project_id']}") == ["theirs"]


def test_a_cursor_of_another_filter_is_refused(swift: Door, story: list[str]) -> None:
    cursor = swift.admin("GET", "/analytics/feed?limit=1").json["next_cursor"]
    for query in ("severity=INFO", "event=x", "project_id=2"):
        assert swift.admin("GET", f"/analytics/feed?{query}&cursor={cursor}").json["Code"] == "InvalidCursor"


def test_only_admins_read_it(swift: Door) -> None:
    assert swift.customer("GET", "/analytics/feed").status == 403
    assert swift.call("GET", "/analytics/feed", x_ingest_key=INGEST_KEY).status == 401
    for query in ("severity=LOW", "project_id=x", "limit=101"):
        assert swift.admin("GET", f"/analytics/feed?{query}").status == 400


def test_events_are_shown_for_a_week(swift: Door, frozen: Freeze) -> None:
    frozen("2026-11-15T14:00:00.000Z")
    track(swift, named("old"))
    frozen("2026-11-22T13:59:59.999Z")
    assert walk(swift, "") == ["old"]
    frozen("2026-11-22T14:00:00.001Z")
    assert walk(swift, "") == []


def test_long_data_is_shown_in_part(swift: Door) -> None:
    track(swift, named("long") | {"data": {"a": "x" * 5000, "b": "kept"}})
    data = swift.admin("GET", "/analytics/feed").json["items"][0]["data"]
    assert data["b"] == "kept"
    assert data["a"].startswith("x" * 500)
    assert len(msgspec.json.encode(data)) <= feed.MAX_DATA_BYTES


def test_a_page_reads_few_rows_whatever_the_filter(
    swift: Door, story: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorded() as ledger:
        swift.admin("GET", "/analytics/feed")
    assert ledger.operations == ["Query"]
    monkeypatch.setattr(feed, "MOST_ROWS", 2)
    monkeypatch.setattr(feed, "ROWS_AT_ONCE", 2)
    query = feed.FeedQuery(event="e0-0")
    pages = 0
    while True:
        page = feed.page(query, clock.parse("2026-11-22T14:10:00Z"))
        pages += 1
        if page.items:
            break
        assert page.next_cursor
        query = feed.FeedQuery(event="e0-0", cursor=page.next_cursor)
    assert pages == 4
