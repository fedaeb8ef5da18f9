"""What reports are about, hour by hour, and what was fixed when: the rows that the hub's own reports are made of."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import app
from chalicelib import clock
from chalicelib.incidents import fixes, impact
from chalicelib.incidents.impact import Hit
from tests import store as stores
from tests.conftest import Door
from tests.faults import Gateway, forget, no_pauses, points, survives

NOW, NEXT_HOUR, NEXT_DAY = "2026-03-01T22:50:00.000Z", "2026-03-01T23:10:00.000Z", "2026-03-02T00:10:00.000Z"
ABOUT = {"endpoint": "POST https://shop.example.com/orders/68?x=1", "user_id": "7"}
WIDE = "\N{FULL MOON WITH FACE}"
MANY = 1000

Freeze = Callable[[str], None]


@pytest.fixture
def shop(frozen: Freeze) -> Iterator[Door]:
    forget()
    frozen(NOW)
    with stores.installed(), no_pauses():
        yield Door(Gateway(app.app))
    forget()


def hits(since: str = NOW, until: str = NEXT_DAY, most: int = MANY, project_id: str = "1") -> list[Hit]:
    return impact.between(project_id, clock.parse(since), clock.parse(until), most)


def test_a_report_counts_for_its_user_and_endpoint(shop: Door, frozen: Freeze) -> None:
    shop.report("Proof", **ABOUT)
    shop.report("Other", **ABOUT, was_bypassed=True)
    shop.report("Proof", user_id="8", was_bypassed=False)
    shop.report("Proof", endpoint="/b", was_bypassed=True)
    shop.report("Proof")
    frozen(NEXT_HOUR)
    shop.report("Proof", **ABOUT)
    found = sorted(hits(), key=lambda hit: (hit.last_seen, hit.endpoint or "", hit.user_id or ""))
    assert found == [
        Hit(None, "8", 1, 0, NOW),
        Hit("/b", None, 1, 1, NOW),
        Hit("POST /orders/*", "7", 2, 1, NOW),
        Hit("POST /orders/*", "7", 1, 0, NEXT_HOUR),
    ]
    assert hits(project_id="2") == []


def test_a_batch_is_added_up_first(shop: Door) -> None:
    bodies = [{"error_key": "Proof", "description": {}, "endpoint": "/a", "user_id": n % 2} for n in range(30)]
    shop.ingest({"reports": bodies})
    assert sorted((hit.user_id, hit.reports) for hit in hits()) == [("0", 15), ("1", 15)]


def test_an_event_that_comes_again_and_a_stale_report_count_for_nothing_more(shop: Door, frozen: Freeze) -> None:
    for _ in range(3):
        forget()
        incident_id = shop.report("Proof", **ABOUT, event_id="a" * 32)["incident_id"]
    shop.admin("PATCH", f"/incidents/{incident_id}", {"status": "FIXED"})
    frozen(NEXT_HOUR)
    shop.report("Proof", **ABOUT, occurred_at="2026-03-01T20:00:00Z")
    assert [hit.reports for hit in hits()] == [1]


def test_a_container_that_dies_is_off_by_its_own_report_at_most(shop: Door) -> None:
    body = {"error_key": "Proof", "description": {}, "event_id": "b" * 32, **ABOUT}
    found = set()
    for point in points():
        with stores.installed():
            if survives(point, lambda: shop.ingest(body)):
                break
            assert shop.ingest(body).status == 202
            found.add(sum(hit.reports for hit in hits()))
    assert found == {0, 1}


def test_hours_and_days_are_cut_where_asked(shop: Door, frozen: Freeze) -> None:
    for moment in (NOW, NEXT_HOUR, NEXT_DAY):
        frozen(moment)
        shop.report("Proof", **ABOUT)
    seen = [NEXT_DAY, NEXT_HOUR, NOW]
    assert [hit.last_seen for hit in hits()] == seen
    assert [hit.last_seen for hit in hits(most=2)] == seen[:2]
    assert [hit.last_seen for hit in hits(since=NEXT_HOUR, until=NEXT_HOUR)] == [NEXT_HOUR]
    assert [hit.last_seen for hit in hits(since=NOW, until=NOW)] == [NOW]
    assert hits(since="2026-01-01T00:00:00Z", until="2026-02-28T23:59:59Z") == []


def test_what_is_past_its_retention_is_hidden(shop: Door) -> None:
    shop.admin("PATCH", "/projects/1", {"retention_days": 1})
    forget()
    shop.report("Proof", **ABOUT)
    assert len(hits(until="2026-03-02T22:49:59Z")) == 1
    assert hits(until="2026-03-02T22:50:01Z") == []


@pytest.mark.parametrize("endpoint", ["#", "//", "?x=1", "a#b", WIDE * 500, "|" * 500, "\x00\n\u202e", "/%00"])
def test_whatever_an_endpoint_is_called_it_is_found_again(shop: Door, endpoint: str) -> None:
    shop.report("Proof", endpoint=endpoint, user_id=WIDE * 200)
    shop.report("Proof", endpoint=endpoint, user_id="#")
    found = hits()
    assert sum(hit.reports for hit in found) == 2
    assert {hit.user_id for hit in found} == {WIDE * 100, "#"}


# -- fixes -------------------------------------------------------------------------------------------------------------


def fixed(since: str = NOW, until: str = NEXT_DAY, most: int = MANY) -> list[Any]:
    found = fixes.between("1", clock.parse(since), clock.parse(until), most)
    return [(fix.error_key, fix.at) for fix in found]


def test_a_fix_is_noted_with_its_key_and_only_where_it_is_one(shop: Door, frozen: Freeze) -> None:
    paths = [f"/incidents/{shop.report(key)['incident_id']}" for key in ("Proof", "Other")]
    for moment, path, status in (
        (NOW, paths[0], "INVESTIGATING"),
        (NOW, paths[0], "FIXED"),
        (NEXT_HOUR, paths[0], "FIXED"),
        (NEXT_HOUR, paths[1], "FIXED"),
    ):
        frozen(moment)
        assert shop.admin("PATCH", path, {"status": status}).status == 200
    assert fixed() == [("Other", NEXT_HOUR), ("Proof", NOW)]
    frozen(NEXT_DAY)
    shop.report("Proof")
    assert fixed() == [("Other", NEXT_HOUR), ("Proof", NOW)]
    shop.admin("PATCH", paths[0], {"status": "FIXED"})
    assert fixed() == [("Proof", NEXT_DAY), ("Other", NEXT_HOUR), ("Proof", NOW)]
    assert fixed(most=1) == [("Proof", NEXT_DAY)]
    assert fixed(since=NEXT_HOUR, until=NEXT_HOUR) == [("Other", NEXT_HOUR)]


def test_a_fix_whose_container_died_is_noted_once(shop: Door) -> None:
    for point in points():
        with stores.installed():
            path = f"/incidents/{shop.report('Proof')['incident_id']}"
            if survives(point, lambda path=path: shop.admin("PATCH", path, {"status": "FIXED"})):  # type: ignore[misc]
                break
            assert shop.admin("PATCH", path, {"status": "FIXED"}).status == 200
            assert fixed() == [("Proof", NOW)], point
    assert point.nth > 0
