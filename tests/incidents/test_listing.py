"""Lists of incidents, through the public door: order, filters, cursors, counts, stats."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import paging
from chalicelib.errors import InvalidCursor
from tests.conftest import Door

Freeze = Callable[[str], None]


def walk(door: Door, path: str, limit: int) -> list[list[Any]]:
    """All pages of a list."""
    pages, cursor = [], None
    while True:
        query = f"{'&' if '?' in path else '?'}limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        answer = door.admin("GET", path + query)
        assert answer.status == 200, answer
        pages.append(answer.json["items"])
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return pages


def titles(pages: list[list[Any]]) -> list[str]:
    return [item["error_key"] for page in pages for item in page]


def seed(door: Door, frozen: Freeze, count: int) -> None:
    for n in range(count):
        frozen(f"2026-03-01T10:{n:02d}:30Z")
        door.report(f"key-{n:02d}", {"error_message": f"message {'odd' if n % 2 else 'even'} {chr(97 + n)}"})


def test_the_newest_come_first_and_cursors_yield_each_once(door: Door, frozen: Freeze) -> None:
    seed(door, frozen, 7)
    pages = walk(door, "/incidents", 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert titles(pages) == [f"key-{n:02d}" for n in reversed(range(7))]
    assert [len(page) for page in walk(door, "/incidents", 7)] == [7]


def test_statuses_are_merged_in_order(door: Door, frozen: Freeze) -> None:
    seed(door, frozen, 6)
    ids = {item["error_key"]: item["incident_id"] for item in walk(door, "/incidents", 100)[0]}
    frozen("2026-03-01T11:00:00Z")
    for key, status in (("key-01", "FIXED"), ("key-03", "INVESTIGATING"), ("key-04", "FIXED")):
        assert door.admin("PATCH", f"/incidents/{ids[key]}", {"status": status}).status == 200
    assert titles(walk(door, "/incidents", 2)) == [f"key-{n:02d}" for n in reversed(range(6))]
    assert titles(walk(door, "/incidents?status=FIXED", 1)) == ["key-04", "key-01"]
    assert titles(walk(door, "/incidents?status=ACTIVE", 2)) == ["key-05", "key-02", "key-00"]


def test_a_walk_holds_while_others_report(door: Door, frozen: Freeze) -> None:
    seed(door, frozen, 6)
    first = door.admin("GET", "/incidents?limit=2").json
    frozen("2026-03-01T12:00:00Z")
    door.report("newcomer")
    door.report("key-00", {"error_message": "message even a"})
    seen = [item["error_key"] for item in first["items"]]
    rest = door.admin("GET", f"/incidents?limit=100&cursor={first['next_cursor']}").json
    seen += [item["error_key"] for item in rest["items"]]
    assert seen == ["key-05", "key-04", "key-03", "key-02", "key-01"]


def test_an_error_key_prefix_orders_by_key_then_by_the_newest(door: Door, frozen: Freeze) -> None:
    for moment, key, message in (
        ("2026-03-01T10:00:00Z", "upload.video", "a"),
        ("2026-03-01T10:05:00Z", "upload.photo", "b"),
        ("2026-03-01T10:10:00Z", "upload.photo", "c"),
        ("2026-03-01T10:15:00Z", "uploads", "d"),
        ("2026-03-01T10:20:00Z", "login", "e"),
        ("2026-03-01T10:25:00Z", "upload", "f"),
    ):
        frozen(moment)
        door.report(key, {"error_message": message})
    pages = walk(door, "/incidents?error_key=upload", 2)
    found = [(item["error_key"], item["title"][-1]) for page in pages for item in page]
    assert found == [
        ("upload", "f"),
        ("upload.photo", "c"),
        ("upload.photo", "b"),
        ("upload.video", "a"),
        ("uploads", "d"),
    ]
    assert titles(walk(door, "/incidents?error_key=upload.&q=VIDEO", 2)) == ["upload.video"]
    assert titles(walk(door, "/incidents?error_key=upload&status=FIXED", 2)) == []


def test_filters_combine(door: Door) -> None:
    door.report("a", {"error_message": "disk full"}, severity="HIGH", environment="live")
    door.report("a", {"error_message": "disk gone"}, severity="LOW", environment="live")
    door.report("b", {"error_message": "Disk full"}, severity="HIGH", environment="beta")
    assert len(titles(walk(door, "/incidents?severity=HIGH", 1))) == 2
    assert len(titles(walk(door, "/incidents?environment=live", 1))) == 2
    assert titles(walk(door, "/incidents?severity=HIGH&environment=live&q=FULL", 1)) == ["a"]
    assert titles(walk(door, "/incidents?severity=CRITICAL", 1)) == []
    assert titles(walk(door, "/incidents?project_id=2", 1)) == []


def test_a_rare_match_is_found_by_following_cursors(door: Door) -> None:
    for n in range(120):
        door.report(f"common-{n}")
    door.report("rare", {"error_message": "needle"})
    pages = walk(door, "/incidents?q=needle", 5)
    assert titles(pages) == ["rare"]
    assert len(pages) == 2


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=-1",
        "limit=1.0",
        "status=OPEN",
        "project_id=x",
        "error_key=k%23",
        "error_key=%00",
        "severity=high",
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(door: Door, query: str) -> None:
    answer = door.admin("GET", f"/incidents?{query}")
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")
    assert answer.json["Details"][0]["field"] == query.partition("=")[0]


def test_forged_and_foreign_cursors_are_refused(door: Door, frozen: Freeze) -> None:
    seed(door, frozen, 3)
    cursor = door.admin("GET", "/incidents?limit=1").json["next_cursor"]
    incident_id = door.admin("GET", "/incidents?limit=1").json["items"][0]["incident_id"]
    assert door.admin("GET", f"/incidents?limit=2&cursor={cursor}").status == 200
    for path in (
        f"/incidents?status=ACTIVE&cursor={cursor}",
        f"/incidents?q=x&cursor={cursor}",
        f"/incidents/{incident_id}/occurrences?cursor={cursor}",
        f"/incidents?cursor={cursor}A",
        f"/incidents?cursor={cursor[:-1]}",
        "/incidents?cursor=",
        "/incidents?cursor=%00%ff",
        "/incidents?cursor=AAAA",
    ):
        answer = door.admin("GET", path)
        assert (answer.status, answer.json["Code"]) == (400, "InvalidCursor"), path


@given(st.text(max_size=40), st.text(max_size=60, alphabet=st.characters(codec="utf-8")), st.data())
def test_a_cursor_opens_only_its_own_list_and_only_untouched(scope: str, position: str, data: st.DataObject) -> None:
    cursor = paging.cursor(scope, position)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert paging.position(scope, cursor) == position
    with pytest.raises(InvalidCursor):
        paging.position(scope + "x", cursor)
    index = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("AZaz09-_=. é").filter(lambda c: c != cursor[index]))
    with pytest.raises(InvalidCursor):
        paging.position(scope, cursor[:index] + other + cursor[index + 1 :])


def test_counts(door: Door, frozen: Freeze) -> None:
    seed(door, frozen, 4)
    first = door.admin("GET", "/incidents?limit=1").json["items"][0]["incident_id"]
    door.admin("PATCH", f"/incidents/{first}", {"status": "FIXED"})
    assert door.admin("GET", "/incidents/count?status=ACTIVE").json == {"count": 3}
    assert door.admin("GET", "/incidents/count?status=FIXED").json == {"count": 1}
    assert door.admin("GET", "/incidents/count").json == {"count": 4}
    assert door.admin("GET", "/incidents/count?status=NONE").status == 400


def test_a_count_is_exact_to_its_limit(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.incidents import listing

    monkeypatch.setattr(listing, "MAX_COUNT", 3)
    for n in range(3):
        door.report(f"k{n}")
    assert door.admin("GET", "/incidents/count?status=ACTIVE").json == {"count": 3}
    door.report("k3")
    assert door.admin("GET", "/incidents/count?status=ACTIVE").json == {"count": 3, "more": True}


def test_stats_tell_what_is_open(door: Door, frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:00Z")
    for _ in range(3):
        door.report("often", severity="CRITICAL")
    frozen("2026-03-01T11:00:00Z")
    once = door.report("once", severity="LOW")
    fixed = door.report("fixed")
    door.admin("PATCH", f"/incidents/{once['incident_id']}", {"status": "INVESTIGATING"})
    door.admin("PATCH", f"/incidents/{fixed['incident_id']}", {"status": "FIXED"})
    stats = door.admin("GET", "/incidents/stats").json
    assert stats["open"] == {"incidents": 2, "occurrences": 4}
    assert stats["by_status"]["INVESTIGATING"] == {"incidents": 1, "occurrences": 1}
    assert stats["by_severity"] == {
        "CRITICAL": {"incidents": 1, "occurrences": 3},
        "LOW": {"incidents": 1, "occurrences": 1},
    }
    assert stats["by_error_key"]["often"] == {"incidents": 1, "occurrences": 3}
    assert [each["error_key"] for each in stats["most_frequent"]] == ["often", "once"]
    assert [each["error_key"] for each in stats["newest"]] == ["once", "often"]
    assert stats["more"] is False


def test_the_trend_counts_by_the_hour(door: Door, frozen: Freeze) -> None:
    for moment, reports in (
        ("2026-03-01T08:10:00Z", 1),
        ("2026-03-01T23:59:59.999Z", 2),
        ("2026-03-02T00:00:00Z", 3),
        ("2026-03-02T07:30:00Z", 4),
    ):
        frozen(moment)
        for _ in range(reports):
            taken = door.report()
    frozen("2026-03-02T07:59:00Z")
    expected = [0] * 24
    expected[0], expected[15], expected[16], expected[23] = 1, 2, 3, 4
    assert door.incident(taken["incident_id"])["trend"] == expected
    frozen("2026-03-02T08:00:00Z")
    assert door.incident(taken["incident_id"])["trend"] == [*expected[1:], 0]
    frozen("2026-03-04T08:00:00Z")
    assert door.incident(taken["incident_id"])["trend"] == [0] * 24


def test_occurrences_are_listed_newest_first(door: Door, frozen: Freeze) -> None:
    for n in range(5):
        frozen(f"2026-03-01T10:00:0{n}Z")
        taken = door.report(description={"n": n})
    pages = walk(door, f"/incidents/{taken['incident_id']}/occurrences", 2)
    assert [[item["description"]["n"] for item in page] for page in pages] == [[4, 3], [2, 1], [0]]
    assert pages[0][0]["received_at"] == "2026-03-01T10:00:04.000Z"
    assert door.admin("GET", f"/incidents/{'0' * 32}/occurrences").status == 404
