"""What a report and a page cost, counted from the calls: emulators' ConsumedCapacity is wrong."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import app
from chalicelib import clock, memory
from chalicelib.alerts import rules
from chalicelib.incidents import models, recording
from chalicelib.projects import ingest
from tests import store as stores
from tests.conftest import INGEST_KEY, Door
from tests.faults import Gateway, Item, Ledger, aimed_at, ministack, recorded, size

Freeze = Callable[[str], None]

WITHIN_A_MINUTE = "2026-03-01T10:00:10Z", "2026-03-01T10:00:40Z"
A_MINUTE_LATER, AN_HOUR_LATER = "2026-03-01T10:01:10Z", "2026-03-01T11:00:10Z"

# 700 bytes of JSON that compress about as badly as a report can.
DESCRIPTION = {f"k{n:02d}": f"{n * 2654435761 % 2**32:08x}{n * 40503 % 2**16:04x}" for n in range(35)}
REPORT = {"environment": "production", "release": "web@2.3.1", "user_id": "68", "severity": "HIGH"}
EVENT = {"event_id": "a" * 32}
COUNT, CLAIM_AND_COUNT = "UpdateItem", "TransactWriteItems"
KEEP, NOTE, LOOK = "PutItem", "UpdateItem", "GetItem"
WAIT_FOR_DIGEST, ADD_IMPACT = "PutItem", "UpdateItem"


def cost(door: Door, **report: Any) -> Ledger:
    """What one report costs."""
    with recorded() as ledger:
        door.report(description=DESCRIPTION, **report)
    return ledger


@pytest.fixture
def door(door: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    """The door of a container that has looked up the ingest key and the rules, as it does at times."""
    terms, known = ingest._project_of(INGEST_KEY, clock.now()), rules.known(clock.now())
    monkeypatch.setattr(ingest, "_project_of", lambda *_: terms)
    monkeypatch.setattr(rules, "known", lambda _: known)
    return door


@pytest.fixture
def known(door: Door, frozen: Freeze) -> Door:
    """The door, with an incident that REPORT is no news to."""
    frozen(WITHIN_A_MINUTE[0])
    door.report(description=DESCRIPTION, **REPORT)
    frozen(WITHIN_A_MINUTE[1])
    return door


# -- reports -----------------------------------------------------------------------------------------------------------


def test_items_are_sized_as_dynamodb_documents_it() -> None:
    item: Item = {
        "pk": {"S": "é"},
        "n": {"N": "-1200.50"},
        "t": {"BOOL": True},
        "b": {"B": b"123"},
        "s": {"SS": ["ab", "c"]},
        "l": {"L": [{"S": "a"}, {"NULL": True}]},
        "m": {"M": {"k": {"N": "7"}}},
    }
    pk, number, flag, binary, texts, values, mapping = 2 + 2, 1 + 5, 1 + 1, 1 + 3, 1 + 3, 1 + 3 + 4, 1 + 3 + 1 + 1 + 2
    assert size(item) == pk + number + flag + binary + texts + values + mapping


def test_the_first_report_of_a_failure(door: Door) -> None:
    ledger = cost(door, **REPORT, **EVENT)
    assert ledger.operations == [CLAIM_AND_COUNT, LOOK, NOTE, KEEP, WAIT_FOR_DIGEST, ADD_IMPACT]
    assert ledger.units <= 10


def test_a_report_of_a_known_failure(known: Door) -> None:
    ledger = cost(known)
    assert ledger.operations == [COUNT, KEEP]
    assert ledger.units <= 3


def test_a_report_of_a_known_failure_with_all_that_is_known(known: Door) -> None:
    ledger = cost(known, **REPORT)
    assert ledger.operations == [COUNT, KEEP, ADD_IMPACT]
    assert ledger.units <= 3


def test_an_event_of_a_known_failure(known: Door) -> None:
    ledger = cost(known, **REPORT, **EVENT)
    assert ledger.operations == [CLAIM_AND_COUNT, LOOK, KEEP, ADD_IMPACT]
    assert ledger.units <= 6


def test_a_fresh_container_notes_the_user_and_tells_of_a_new_failure_once_more(known: Door, frozen: Freeze) -> None:
    memory.forget()
    assert cost(known, **REPORT).units <= 3 + 2
    memory.forget()
    assert cost(known, **REPORT, **EVENT).units <= 6 + 2
    frozen(AN_HOUR_LATER)
    known.report(description=DESCRIPTION)
    memory.forget()
    assert cost(known, **REPORT).operations == [COUNT, NOTE, NOTE, KEEP, ADD_IMPACT]


def test_what_a_report_is_about_costs_one_unit_whatever_it_says(known: Door) -> None:
    about: dict[str, Any] = {**REPORT, "user_id": WIDE * 200, "endpoint": "/" + WIDE * 499, "was_bypassed": True}
    known.report(description=DESCRIPTION, **about)
    ledger = cost(known, **about)
    assert (ledger.operations[-1], ledger.writes[-1].units) == (ADD_IMPACT, 1)


def test_an_event_that_comes_again(known: Door) -> None:
    known.report(description=DESCRIPTION, **REPORT, **EVENT)
    assert cost(known, **REPORT, **EVENT).units <= 6


def test_a_report_beyond_the_first_hundred(known: Door, frozen: Freeze) -> None:
    many_more(known, 120)
    memory.forget()
    first, second = cost(known), cost(known)
    assert (first.operations, second.operations) == ([COUNT, KEEP, WAIT_FOR_DIGEST], [COUNT])
    assert (first.units, second.units) == (3, 1)
    frozen(A_MINUTE_LATER)
    assert cost(known).operations == [COUNT, KEEP]


def test_the_indexes_are_touched_once_a_minute(known: Door, frozen: Freeze) -> None:
    frozen(A_MINUTE_LATER)
    first, second = cost(known), cost(known)
    both_indexes_moved = 4
    assert first.units == second.units + both_indexes_moved <= 7


def test_an_hour_begins_with_one_write(known: Door, frozen: Freeze) -> None:
    frozen(AN_HOUR_LATER)
    assert cost(known).operations == [COUNT, NOTE, KEEP]
    assert cost(known).operations == [COUNT, KEEP]


def test_a_batch_of_one_failure_is_counted_at_once(known: Door) -> None:
    many_more(known, 120)
    report = {"error_key": "homework_proof", "description": DESCRIPTION}
    with recorded() as plain:
        known.ingest({"reports": [report] * 30})
    with recorded() as named:
        known.ingest({"reports": [{**report, "event_id": f"{n:032x}"} for n in range(30)]})
    assert plain.operations[0] == COUNT
    assert set(plain.operations[1:]) == {KEEP}
    assert plain.units <= 1 + 30 // 10 + 1
    assert named.operations[:2] == [CLAIM_AND_COUNT, LOOK]
    assert named.units <= 2 * 31 + 30 // 10 + 1


def many_more(door: Door, reports: int) -> None:
    report = {"error_key": "homework_proof", "description": {}}
    for _ in range(reports // 30):
        assert door.ingest({"reports": [report] * 30}).status == 202


# -- the hot row -------------------------------------------------------------------------------------------------------

WIDE = "\N{FULL MOON WITH FACE}"  # four bytes
ROOM_FOR_COUNTS = 3 * 5  # their digits after years


@pytest.mark.parametrize("error_key", ["k", "k" * 100])
@pytest.mark.parametrize(
    "environments", [[WIDE * 64], [f"{n:02}" + "e" * 24 for n in range(15)]], ids=["one wide", "many"]
)
def test_the_hot_row_stays_under_1_kb_whatever_is_reported(
    door: Door, frozen: Freeze, error_key: str, environments: list[str]
) -> None:
    frozen(WITHIN_A_MINUTE[0])
    longest = {"severity": "CRITICAL", "description": {"error_message": WIDE * 8000}, "user_id": WIDE * 200}
    for environment in environments:
        report = door.report(error_key, **longest, environment=environment, release=environment[0] + WIDE * 199)
    path = f"/incidents/{report['incident_id']}"
    fix = {"fix_commit_hash": WIDE * 64, "fix_notes": WIDE * 4000, "fixed_in_release": "1.0.0-" + "x" * 58}
    door.admin("PATCH", path, {"status": "FIXED", **fix})
    door.report(error_key, **longest, occurred_at="2020-01-01T00:00:00Z")
    door.admin("PATCH", path, {"status": "INVESTIGATING", **fix})
    key = models.incident_key(report["incident_id"]), "META"
    hot = models.read([key])[key]
    assert {name: size({name: hot[name]}) for name in hot if size(hot) + ROOM_FOR_COUNTS >= 1024} == {}


# -- pages -------------------------------------------------------------------------------------------------------------

INCIDENTS = 250
QUERY, READ = ["Query"], ["BatchGetItem"]

PAGES = {
    "status=ACTIVE": QUERY + READ,
    "status=ACTIVE&limit=1": QUERY + READ,
    "status=ACTIVE&limit=33": QUERY + READ,
    "status=ACTIVE&limit=34": QUERY + 2 * READ,
    "status=ACTIVE&limit=100": QUERY + 3 * READ,
    "status=FIXED&limit=100": QUERY + READ,
    "": 3 * QUERY + READ,
    "limit=100": 3 * QUERY + 3 * READ,
    "error_key=fail&limit=100": QUERY + 3 * READ,
    # Under a filter that the index does not know, the hot rows first, then all of those that match.
    "status=ACTIVE&severity=HIGH&limit=100": QUERY + READ + 3 * READ,
    "severity=HIGH&limit=100": 3 * QUERY + READ + 3 * READ,
    "severity=LOW": 3 * QUERY + READ,
    "environment=live": 3 * QUERY + READ + READ,
    "q=failure-1&environment=live&status=ACTIVE": QUERY + READ + READ,
    "error_key=failure&status=ACTIVE": QUERY + READ + READ,
    "q=nothing": 3 * QUERY + READ,
}


@pytest.fixture
def crowd() -> Iterator[Door]:
    """The door of 250 incidents, some of them being looked into or fixed."""
    with ministack() as url, aimed_at(url):
        door = Door(Gateway(app.app))
        bring_in(door)
        yield door


def bring_in(door: Door) -> None:
    reports: list[dict[str, Any]] = [
        {"error_key": f"failure-{n}", "description": {}, "environment": "live" if n % 2 else "beta", "severity": "HIGH"}
        for n in range(INCIDENTS)
    ]
    for start in range(0, INCIDENTS, 25):
        results = door.ingest({"reports": reports[start : start + 25]}).json["results"]
        status = ("INVESTIGATING", "FIXED")[start // 25 % 2]
        assert door.admin("PATCH", f"/incidents/{results[0]['incident_id']}", {"status": status}).status == 200


def test_a_page_costs_few_calls_at_any_size(crowd: Door) -> None:
    found = {}
    for parameters in PAGES:
        with recorded() as ledger:
            assert crowd.admin("GET", f"/incidents?{parameters}").status == 200
        found[parameters] = ledger.operations
    assert found == PAGES

    cursor, walked = "", 0
    while cursor is not None:
        with recorded() as ledger:
            page = crowd.admin("GET", f"/incidents?limit=100{cursor and f'&cursor={cursor}'}").json
        reads = math.ceil(3 * len(page["items"]) / 100)
        assert ledger.operations == 3 * QUERY + reads * READ
        cursor, walked = page["next_cursor"], walked + len(page["items"])
    assert walked == INCIDENTS


def test_an_incident_with_its_latest_report_is_read_in_three_calls(known: Door) -> None:
    incident_id = known.report()["incident_id"]
    with recorded() as ledger:
        known.incident(incident_id)
    assert ledger.operations == ["GetItem", "BatchGetItem", "Query"]
    with recorded() as ledger:
        known.admin("GET", f"/incidents/{incident_id}/occurrences")
    assert ledger.operations == ["GetItem", "Query"]


def test_a_sketch_of_very_many_users_stays_small() -> None:
    with stores.installed() as store:
        incident_id = Door(Gateway(app.app)).report(user_id="0")["incident_id"]
        incident = models.find(incident_id)
        assert incident is not None
        for nth in range(1, 1000):
            reported: Any = SimpleNamespace(user_id=str(nth))
            recording._note_users(incident, [reported], clock.now())
        (row,) = [each for each in store.rows("incidents") if each["sk"]["S"] == "USERS"]
        incident = models.find(incident_id)
    assert incident is not None
    assert size(row) <= 4096
    assert incident.user_count == pytest.approx(1000, rel=0.2)
