"""What events come to, and that it gets into the roll-ups: whole, bounded, whoever else writes at once."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import clock, distinct, memory
from chalicelib.alerts.alert import Severity
from chalicelib.analytics import bins, facts, models, tallying
from chalicelib.analytics.event import Event
from chalicelib.analytics.models import OTHER
from tests import store as stores
from tests.faults import Race, forget, outcomes, recorded, size

NOW = clock.parse("2026-11-22T14:05:00Z")
HOUR = "H2026-11-22T14"


def happened(
    name: str = "x",
    severity: Severity = "INFO",
    user: str | None = None,
    at: str = "2026-11-22T14:00:00.000Z",
    **data: Any,
) -> Event:
    return Event("", name, severity, at, at, "1", user, None, data, facts.read(data))


def counters(metric: models.Metric) -> dict[str, int]:
    (row,) = models.between(models.tally_key("1", metric), HOUR, HOUR)
    return models.numbers(row)


# -- what events come to -----------------------------------------------------------------------------------------------


def test_events_are_tallied_under_all_that_they_speak_of() -> None:
    timed = happened(
        "slow", "WARNING", "68", endpoint="/a/1", duration_ms=1.5, feature="crop", provider="Acme", cache="hit"
    )
    known = happened(
        "slow", "WARNING", "68", endpoint="/a/2", status=200, duration_ms=0.5, trial="annual", cache_hit=False
    )
    plain = happened("seen", "INFO", "7", feature="crop", status=500, trial="annual", outcome="won", provider="Acme")
    made = happened("feature_registered", feature="zoom")
    (key, hour), *others = tallying.tally([timed, known, plain, made]).items()
    assert (key, others) == (("1", HOUR), [])
    assert hour.metrics == {
        "events": {
            "n": 4, "err": 3, "n|WARNING|slow": 2, "us|WARNING|slow": 2000, "timed|WARNING|slow": 2, "n|INFO|seen": 1,
            "n|INFO|feature_registered": 1,
        },
        "endpoints": {"n": 2, "n|/a/*": 2, "err|/a/*": 2},
        "features": {"n": 2, "n|crop": 2, "us|crop": 1500, "timed|crop": 1, "err|crop": 2},
        "registered": {"n": 1, "n|zoom": 1},
        "trials": {"n": 1, "n|annual|won": 1},
        "ai": {"n": 2, "n|Acme|crop": 2, "err|Acme|crop": 2},
        "cache": {"n": 2, "hit": 1, "miss": 1},
    }  # fmt: skip
    assert hour.bins == {"/a/*": {"n": 2, bins.attribute(1.5): 1, bins.attribute(0.5): 1}}
    users = {place: sketch.hashes for place, sketch in hour.users.items()}
    ada, bob = distinct.user_hash("1", "68"), distinct.user_hash("1", "7")
    assert users == {("events", "WARNING|slow"): {ada}, ("failed", "all"): {ada, bob}, ("features", "crop"): {ada, bob}}


def test_events_are_tallied_by_project_and_hour() -> None:
    late = happened(at="2026-11-22T13:59:59.999Z")
    found = tallying.tally(each for each in [happened(), late])
    assert {key: hour.metrics["events"]["n"] for key, hour in found.items()} == {
        ("1", HOUR): 1,
        ("1", "H2026-11-22T13"): 1,
    }


def test_names_without_end_are_few_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "MOST_TALLIED", 3)
    monkeypatch.setattr(distinct, "MOST_KEPT", 4)
    events = [
        happened(feature=f"f{nth % 7}", user=str(nth), endpoint=f"/{'abcdefg'[nth % 7]}", duration_ms=1)
        for nth in range(70)
    ]
    hour = tallying.tally(events)["1", HOUR]
    assert hour.metrics["features"] | {} == {
        "n": 70, "us|other": 40_000, "timed|other": 40, "n|other": 40,
        **{f"{field}|f{nth}": 10_000 if field == "us" else 10 for nth in range(3) for field in ("n", "us", "timed")},
    }  # fmt: skip
    assert {endpoint: counts["n"] for endpoint, counts in hour.bins.items()} == {
        "/a": 10,
        "/b": 10,
        "/c": 10,
        OTHER: 40,
    }
    assert max(len(sketch.hashes) for sketch in hour.users.values()) <= 4
    assert 10 <= distinct.estimate(hour.users["features", OTHER].hashes, hour.users["features", OTHER].halvings) <= 160


AMOUNTS = st.dictionaries(
    st.sampled_from(["n", "err", "n|a", "us|a", "n|b|c", "err|b|c", "n|other", "n|d", "us|d"]), st.integers(1, 9)
)


@given(AMOUNTS, st.sets(st.sampled_from(["a", "b|c", "d"])))
def test_a_limit_loses_no_count(amounts: dict[str, int], admitted: set[str]) -> None:
    limited = tallying.limited(amounts, admitted)

    def by_field(counted: dict[str, int]) -> Counter[tuple[str, bool]]:
        found: Counter[tuple[str, bool]] = Counter()
        for name, amount in counted.items():
            found[name.partition("|")[0], "|" in name] += amount
        return found

    assert by_field(limited) == by_field(amounts)
    assert {name.partition("|")[2] for name in limited if "|" in name} <= admitted | {OTHER}
    assert tallying.limited(limited, admitted) == limited


# -- writing -----------------------------------------------------------------------------------------------------------


def test_a_row_admits_fifty_dimensions_and_the_most_frequent_first(store: stores.Store) -> None:
    rare = [happened(feature=f"rare {nth:02}", duration_ms=1, user=str(nth)) for nth in range(60)]
    often = [happened(feature="often", duration_ms=1)] * 2
    tallying.record(rare + often, NOW)
    row = counters("features")
    assert len([name for name in row if name.startswith("n|")]) == 51
    assert (row["n"], row["n|often"], row["n|other"], row["us|other"]) == (62, 2, 11, 11_000)
    assert sum(amount for name, amount in row.items() if name.startswith("n|")) == 62
    (other,) = models.between(models.users_key("1", "features", OTHER), HOUR, HOUR)
    assert len(models.sketch(other)[0]) == 11
    assert len([item for item in store.rows("analytics") if item["pk"]["S"].startswith("U#")]) == 50


@pytest.mark.parametrize("forgetful", [False, True])
def test_what_comes_to_a_full_row_is_other(store: stores.Store, forgetful: bool) -> None:  # noqa: FBT001  # a case
    first = [happened(endpoint=f"/{nth}x", duration_ms=1) for nth in range(50)]
    tallying.record(first, NOW)
    if forgetful:
        memory.forget()
    tallying.record([happened("y", "CRITICAL", "68", endpoint="/new", duration_ms=1), first[0]], NOW)
    row = counters("endpoints")
    assert (row["n|/0x"], row["n|other"], "n|/new" in row) == (2, 1, False)
    partitions = {item["pk"]["S"] for item in store.rows("analytics")}
    assert "B#1#/new" not in partitions
    assert models.numbers(next(models.between("B#1#other", HOUR, HOUR))) == {"n": 1, bins.attribute(1): 1}


def test_a_dimension_in_brackets_is_one_of_its_own(store: stores.Store) -> None:
    names = ["/users/[id]", "[0]", "a[0]", "a.b", "#n", ":n", "n", "é[", "tags[1]x"]
    tallying.record([happened(feature=name) for name in names], NOW)
    assert {name[2:] for name in counters("features") if name.startswith("n|")} == set(names)


def test_five_hundred_registered_features_are_told_apart(store: stores.Store) -> None:
    for start in range(0, 510, 100):
        tallying.record([happened("feature_registered", feature=f"f{nth}") for nth in range(start, start + 100)], NOW)
    row = counters("registered")
    assert len([name for name in row if name.startswith("n|f")]) == 500
    assert (row["n"], row["n|other"]) == (600, 100)


def test_no_name_makes_a_row_large(store: stores.Store) -> None:
    """A row is written, and paid for, as a whole."""
    names = [f"{nth:02}{chr(0x1F600) * 98}" for nth in range(60)]
    tallying.record(
        [
            happened(endpoint=name, feature=name, trial=name, outcome=name, provider=name, duration_ms=5, success=False)
            for name in names
        ],
        NOW,
    )
    assert max(size(row) for row in store.rows("analytics")) < 25_000


def test_of_a_backlog_the_newest_hours_are_recorded_at_once(store: stores.Store) -> None:
    """The others the nightly run makes from the raw events."""
    days = [f"2026-11-{day}T{hour:02}:30:00.000Z" for day in (20, 21, 22) for hour in range(24)]
    with recorded() as ledger:
        tallying.record([happened("x", "CRITICAL", "68", at, endpoint="/a", duration_ms=1) for at in days[:62]], NOW)
    assert {row["sk"]["S"] for row in store.rows("analytics")} == {f"H{at[:13]}" for at in days[14:62]}
    assert len(ledger.operations) <= 48 * 8


def test_known_dimensions_are_not_looked_up_again(store: stores.Store) -> None:
    events = [happened(f"e{nth}", "CRITICAL", "68", feature="f", endpoint="/x", duration_ms=2) for nth in range(3)]
    tallying.record(events, NOW)
    with recorded() as ledger:
        tallying.record(events, NOW)
    # Events, endpoints, features and the bins; all users are known.
    assert ledger.operations == ["UpdateItem"] * 4


def test_roll_ups_expire_a_hundred_days_after_their_hour(store: stores.Store) -> None:
    tallying.record([happened("x", "CRITICAL", "68", endpoint="/x", duration_ms=1)], NOW)
    expiry = int(clock.parse("2027-03-02T14:00:00Z").timestamp())
    assert {item["ttl"]["N"] for item in store.rows("analytics")} == {str(expiry)}
    assert models.expires("D2026-11-22") == expiry - 14 * 3600


def test_a_sketch_stays_small_and_true(store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "MOST_KEPT", 16)
    everyone = {distinct.user_hash("1", str(nth)) for nth in range(400)}
    key = models.users_key("1", "failed", "all")
    for start in range(0, 400, 20):
        tallying.record([happened("x", "CRITICAL", str(nth)) for nth in range(start, start + 20)], NOW)
        if start % 100 == 0:
            memory.forget()
        (row,) = models.between(key, HOUR, HOUR)
        assert len(models.sketch(row)[0]) <= 16
    hashes, halvings = models.sketch(row)
    assert halvings >= 4
    assert distinct.kept(hashes, halvings) == distinct.kept(everyone, halvings)
    above = [nth for nth in range(400, 500) if not distinct.kept([distinct.user_hash("1", str(nth))], halvings)]
    with recorded() as ledger:
        tallying.record([happened("x", "CRITICAL", str(nth)) for nth in [399, *above]], NOW)
    # Neither those that it has nor those that are above its threshold are sent: of the failed ones, and of the event.
    assert ledger.operations == ["UpdateItem"]


def test_containers_that_admit_at_once_admit_no_more_than_fit(
    store: stores.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MOST_DIMENSIONS", 3)
    monkeypatch.setattr(models, "MOST_COUNTERS", 3)
    empty = store.bookmark()

    def race() -> Race:
        empty()
        forget()
        batches = [
            [happened(feature=name, success=name in "bd") for name in names] for names in (["a", "b"], ["b", "c", "d"])
        ]
        programs = [lambda batch=batch: tallying.record(batch, NOW) for batch in batches]

        def outcome() -> list[dict[str, int]]:
            (row,) = models.between(models.tally_key("1", "features"), HOUR, HOUR)
            return [models.numbers(row), {"dims": int(row["dims"]["N"])}]

        return Race(programs, outcome)

    found = outcomes(race)
    assert found.runs > 5
    for outcome in found.interleaved:
        _, (row, counted) = json.loads(outcome)
        dimensions = {name for name in row if name.startswith("n|")} - {"n|other"}
        assert sum(amount for name, amount in row.items() if name.startswith("n|")) == row["n"] == 5
        assert len(dimensions) == counted["dims"] == 3


def test_containers_that_halve_at_once_keep_every_user_below_the_threshold(
    store: stores.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distinct, "MOST_KEPT", 3)
    users = [str(nth) for nth in range(40)]
    everyone = {distinct.user_hash("1", user) for user in users}
    key, empty = models.users_key("1", "failed", "all"), store.bookmark()

    def race() -> Race:
        empty()
        forget()

        def add(mine: list[str]) -> None:
            tallying._add_users(key, HOUR, {distinct.user_hash("1", user) for user in mine}, NOW)

        def kept() -> bool:
            hashes, halvings = models.sketch(next(models.between(key, HOUR, HOUR)))
            return distinct.kept(hashes, halvings) == distinct.kept(everyone, halvings)

        return Race([lambda: add(users[:6]), lambda: add(users[4:]), lambda: add(users[30:])], kept)

    found = outcomes(race)
    assert found.runs > 5
    assert set(found.interleaved) == {"[[null, null, null], true]"}
