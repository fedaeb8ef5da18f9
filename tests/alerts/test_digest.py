"""Digests: how much waits, and what becomes of it when it was told, when nobody tells it, and when rules change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.alerts import digest, models, noticing, outbox, rules, sweeping
from chalicelib.alerts.alert import Severity
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.rules import DailyDigest, NewRule, RuleChange
from chalicelib.clock import parse
from tests import store as stores
from tests.alerts import telling
from tests.alerts.telling import CRITICAL
from tests.faults import no_pauses, recorded

DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SEVEN, EIGHT = parse("2026-01-26T07:00:00Z"), parse("2026-01-26T08:00:00Z")


@pytest.fixture
def store() -> Iterator[stores.Store]:
    """A store in which the digest of yesterday was told."""
    with stores.installed() as store, no_pauses():
        sweeping.sweep(SEVEN)
        yield store


def notice(subject: str = "incident:1", severity: Severity = "INFO", once: str | None = None) -> Notice:
    return replace(CRITICAL, kind="review", severity=severity, subject=subject, once=once)


def digests(store: stores.Store) -> list[dict[str, Any]]:
    return [each for each in telling.sent(store) if each["kind"] == "digest"]


def counts(store: stores.Store) -> list[int]:
    return [each["count"] for each in digests(store)]


def rows(store: stores.Store) -> int:
    return len([row for row in store.rows("alerts") if row["pk"]["S"] == "DIGEST#rest"]) - 1


def sweep(since: datetime, minutes: int) -> None:
    for nth in range(minutes):
        sweeping.sweep(since + nth * MINUTE)


# -- how much ----------------------------------------------------------------------------------------------------------


def test_no_more_than_so_much_waits_for_a_digest(store: stores.Store) -> None:
    for nth in range(700):
        noticing.notice([notice(f"a:{nth}")], SEVEN)
    # What is more severe has room of its own.
    for nth in range(25):
        noticing.notice([notice(f"b:{nth}", "WARNING")], SEVEN)
    # Another container has let nothing wait yet, and learns from the first few.
    telling.forget()
    with recorded() as ledger:
        for nth in range(700, 800):
            noticing.notice([notice(f"a:{nth}")], SEVEN)
    assert ledger.units <= 2 * digest.COUNTED_AT_ONCE
    assert rows(store) == digest.MOST_WAITING + 25 + digest.COUNTED_AT_ONCE
    sweep(EIGHT, 5)
    (found,) = digests(store)
    assert found["lines"][0] == "[WARNING] PaymentError: the card was declined (production)"
    assert found["lines"][-1] == "… and at least 606 more"
    assert rows(store) == 0
    # And the next has room again.
    noticing.notice([notice("a:0"), notice("a:1")], EIGHT + HOUR)
    sweep(EIGHT + DAY, 1)
    assert counts(store) == [645, 2]


def test_a_digest_reads_and_forgets_so_much_at_a_time(store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "MOST_TOLD", 50)
    monkeypatch.setattr(digest, "MOST_CLEARED", 20)
    for nth in range(90):
        noticing.notice([notice(f"a:{nth:02}")], SEVEN)
    left = []
    for nth in range(5):
        # The same again is of the next, and is not forgotten with what was told.
        noticing.notice([notice("a:00")] if nth == 2 else [], EIGHT + nth * MINUTE)
        sweeping.sweep(EIGHT + nth * MINUTE)
        left.append(rows(store))
    assert left == [70, 50, 31, 11, 1]
    sweep(EIGHT + DAY, 1)
    assert counts(store) == [50, 1]


def test_deliveries_come_before_digests(store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def compose(*_: object) -> None:
        raise Killed

    noticing.notice([CRITICAL], SEVEN)
    store.sent.clear()
    monkeypatch.setattr(digest, "compose", compose)
    with pytest.raises(Killed):
        sweeping.sweep(SEVEN + 10 * MINUTE)
    assert len(store.messages(outbox.QUEUE)) == 1


# -- once --------------------------------------------------------------------------------------------------------------


def test_what_is_told_once_is_not_told_again_the_next_day(store: stores.Store) -> None:
    happened = notice(once="new:2026-01-26T07:50")
    noticing.notice([happened], EIGHT - 10 * MINUTE)
    sweep(EIGHT, 2)
    # By a fresh container, which does not know.
    telling.forget()
    noticing.notice([happened], EIGHT + 5 * MINUTE)
    sweep(EIGHT + DAY, 2)
    assert counts(store) == [1]
    # Another happening of the same subject is another.
    noticing.notice([replace(happened, once="new:later")], EIGHT + DAY + HOUR)
    sweep(EIGHT + 2 * DAY, 2)
    assert counts(store) == [1, 1]
    assert not any("notice" in row for row in store.rows("alerts"))


def test_what_happens_again_while_it_is_forgotten_waits_for_the_next(
    store: stores.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget = models.forget_waiting

    def meanwhile(told: models.Waiting, *, once: bool) -> None:
        noticing.notice([notice()], EIGHT + SECOND)
        forget(told, once=once)

    noticing.notice([notice()], SEVEN)
    monkeypatch.setattr(models, "forget_waiting", meanwhile)
    sweeping.sweep(EIGHT)
    monkeypatch.undo()
    noticing.notice([notice()], EIGHT + digest.AGAIN_AFTER)
    assert rows(store) == 0, "it was tried a second too early"
    noticing.notice([notice()], EIGHT + digest.AGAIN_AFTER + SECOND)
    sweep(EIGHT + DAY, 1)
    assert counts(store) == [1, 1]


def test_what_another_forgot_and_happened_again_stays(store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    forget = models.forget_waiting

    def late(told: models.Waiting, *, once: bool) -> None:
        forget(told, once=once)
        telling.forget()
        noticing.notice([notice()], EIGHT + SECOND)
        forget(told, once=once)

    noticing.notice([notice()], SEVEN)
    monkeypatch.setattr(models, "forget_waiting", late)
    sweeping.sweep(EIGHT)
    assert rows(store) == 1


def test_what_comes_with_the_digest_is_in_the_next(store: stores.Store) -> None:
    for nth, moment in enumerate((EIGHT - digest.LATE, EIGHT - digest.LATE + SECOND, EIGHT)):
        noticing.notice([notice(f"a:{nth}")], moment)
    sweep(EIGHT, 5)
    assert counts(store) == [1]
    sweep(EIGHT + DAY, 1)
    assert counts(store) == [1, 2]


# -- rules that change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swept", [True, False])
def test_a_rule_that_tells_at_once_from_now_on_tells_what_waits(swept: bool, store: stores.Store) -> None:  # noqa: FBT001  # a case
    rule_id = telling.made(NewRule("T", on=["review"], digest=DailyDigest()), now=SEVEN)
    if swept:
        noticing.notice([notice("a:0")], SEVEN)
        sweep(SEVEN + MINUTE, 1)
        noticing.notice([notice("a:0")], EIGHT - HOUR)
        sweep(EIGHT, 2)
    noticing.notice([notice("a:1"), notice("a:2", once="x")], EIGHT + MINUTE)
    telling.ready(EIGHT + 2 * MINUTE)
    rules.change(rule_id, RuleChange(digest=None), "admin-1", EIGHT + 2 * MINUTE)
    # A container that does not know yet.
    noticing.notice([notice("a:3")], EIGHT + 2 * MINUTE + SECOND)
    rules.forget()
    before = [1] if swept else []
    sweep(EIGHT + 3 * MINUTE, 3)
    assert counts(store) == before
    sweep(EIGHT + 6 * MINUTE, 5)
    telling.forget()
    sweep(EIGHT + DAY, 2)
    assert counts(store) == [*before, 3]
    assert len({each["delivery_id"] for each in digests(store)}) == len(before) + 1


def test_a_rule_that_never_had_a_digest_is_looked_at_once(store: stores.Store) -> None:
    telling.made(NewRule("T", on=["review"]), now=SEVEN)
    sweep(SEVEN, 10)
    with recorded() as ledger:
        sweep(SEVEN + 30 * MINUTE, 1)
    assert [each for each in ledger.operations if each == "GetItem"] == []
