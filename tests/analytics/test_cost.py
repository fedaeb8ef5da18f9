"""What events cost, counted from the calls: emulators' ConsumedCapacity is wrong."""

import random
from collections.abc import Mapping

import pytest

from chalicelib import clock
from chalicelib.analytics import tracking
from chalicelib.projects.settings import default_terms
from tests.analytics.happened import mixed
from tests.faults import Ledger, recorded

NOW = clock.parse("2026-11-22T14:05:06.789Z")


def cost(body: Mapping[str, object]) -> Ledger:
    with recorded() as ledger:
        tracking.take(body, default_terms(), NOW)
    return ledger


def units(ledger: Ledger) -> int:
    """Write units of roll-ups and feed, without those of the alerts that are told."""
    return sum(
        write.units for write in ledger.writes if write.after and write.after["pk"]["S"][:2] in ("R#", "B#", "U#", "F#")
    )


@pytest.mark.parametrize("users", [40, 4000])
@pytest.mark.usefixtures("store", "bucket")
def test_a_batch_of_a_hundred_costs_at_most_seventy_units(users: int) -> None:
    chance = random.Random(68)
    spent = [cost({"events": [mixed(chance, users) for _ in range(100)]}) for _ in range(20)]
    assert [units(each) for each in spent if units(each) > 70] == []
    # Alerts, too, once they were told.
    assert spent[-1].units <= 70


@pytest.mark.usefixtures("store", "bucket")
def test_a_single_event() -> None:
    event = {**mixed(random.Random(68), 1), "severity": "INFO"}
    first, again = cost(event), cost(event)
    # Events, endpoints, features, cache and perhaps another, the bins, the user of a feature, the feed.
    assert units(first) <= 8
    assert units(again) <= 7
    severe = {**event, "severity": "CRITICAL"}
    assert units(cost(severe)) <= 10
    assert cost(severe).units <= 10
    assert again.operations == ["UpdateItem"] * (len(again.operations) - 1) + ["PutItem"]
