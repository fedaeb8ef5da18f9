"""Noticing: who is told of what, and when, as the rules have it; on a store in memory, where time is ours."""

import contextlib
import contextvars
import itertools
import logging
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import http, zones
from chalicelib.alerts import channels, claiming, digest, models, noticing, outbox, rules, silences, sweeping
from chalicelib.alerts.alert import Alert, Happening, Severity
from chalicelib.alerts.channels import Channel, Email, PagerDuty, Slack, Webhook
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.outcome import Delivered, Outcome
from chalicelib.alerts.rules import DailyDigest, Match, NewRule, RuleChange
from chalicelib.clock import parse
from chalicelib.config import config
from chalicelib.dynamodb import TRIES, Busy
from tests import store as stores
from tests.alerts import telling
from tests.alerts.telling import CRITICAL, NOW
from tests.faults import Call, lost_answers, no_pauses, recorded, storm, tapped

SLACK = Slack("https://hooks.slack.com/services/T000/B000/XXXXXXXXyyyy")
PAGER = PagerDuty("0123456789abcdef0123456789abcdef")
HOOK = Webhook("https://hooks.example.com/in", ["old-fashioned_secret"])
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def store() -> Iterator[stores.Store]:
    with stores.installed() as store, no_pauses():
        yield store


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Channel, Alert]]:
    """What was sent, by which channel."""
    sent: list[tuple[Channel, Alert]] = []

    def send(channel: Channel, alert: Alert, _: datetime) -> Outcome:
        sent.append((channel, alert))
        return Delivered(200)

    monkeypatch.setattr(channels, "send", send)
    return sent


def notice(kind: Happening, severity: Severity, subject: str = "incident:1", **more: Any) -> Notice:
    return replace(CRITICAL, kind=kind, severity=severity, subject=subject, **more)


def changed(rule_id: str, **settings: Any) -> None:
    rules.change(rule_id, RuleChange(**settings), "admin-1", NOW)
    rules.forget()


def told(store: stores.Store) -> list[tuple[str, list[str]]]:
    """Which rules told, by which channels."""
    return [
        (each["alert"]["delivery_id"].partition(":")[0], each["kinds"])
        for each in telling.told(store)
        if not each["held"]
    ]


def waiting(rule_id: str) -> list[str]:
    return sorted(msgspec.json.decode(each.notice, type=Notice).kind for each in models.waiting(rule_id, "9", 1000))


# -- the defaults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["new_incident", "regression", "cascade", "lockout", "quota", "absence", "review"])
def test_what_happens_rarely_is_told_by_its_severity(kind: Happening, store: stores.Store) -> None:
    noticing.notice([notice(kind, "CRITICAL", "a:1")], NOW)
    noticing.notice([notice(kind, "WARNING", "a:2"), notice(kind, "INFO", "a:3")], NOW)
    assert told(store) == [("critical", ["email"])]
    assert waiting("rest") == [kind, kind]
    changed("warning", channels=[SLACK])
    noticing.notice([notice(kind, "WARNING", "a:4")], NOW + MINUTE)
    assert told(store) == [("critical", ["email"]), ("warning", ["slack"])]


@pytest.mark.parametrize(
    ("kind", "severity", "by", "waits"),
    [
        ("report", "CRITICAL", [("critical", ["email"])], 0),
        ("event", "CRITICAL", [("critical", ["email"])], 0),
        ("report", "WARNING", [], 0),
        ("event", "WARNING", [], 1),
        ("report", "INFO", [], 0),
        ("event", "INFO", [], 0),
    ],
)
def test_what_happens_often_is_told_where_it_matters(
    kind: Happening, severity: Severity, by: list[tuple[str, list[str]]], waits: int, store: stores.Store
) -> None:
    noticing.notice([notice(kind, severity)], NOW)
    assert told(store) == by
    assert len(waiting("rest")) == waits


def test_defaults_are_for_what_no_rule_of_an_operators_matches(store: stores.Store) -> None:
    rule_id = telling.made(NewRule("Payments", match=Match(key="Payment*"), channels=[SLACK, PAGER]))
    noticing.notice([notice("new_incident", "CRITICAL"), notice("new_incident", "CRITICAL", "b:1", key="Other")], NOW)
    assert sorted(told(store)) == [(rule_id, ["slack", "pagerduty"]), ("critical", ["email"])]
    rules.change(rule_id, RuleChange(enabled=False), "admin-1", NOW)
    rules.forget()
    noticing.notice([notice("new_incident", "CRITICAL", "c:1")], NOW)
    assert sorted(told(store)) == [(rule_id, ["slack", "pagerduty"]), ("critical", ["email"]), ("critical", ["email"])]


def test_of_a_subject_a_rule_tells_the_first_it_matches(store: stores.Store) -> None:
    seen = [notice("new_incident", "CRITICAL", once="new"), notice("report", "CRITICAL")]
    noticing.notice(seen, NOW)
    assert [(each["kind"], each["delivery_id"]) for each in telling.sent(store)] == [
        ("new_incident", "critical:incident:1:1")
    ]
    assert telling.held(store) == 0


def test_every_rule_that_matches_tells(store: stores.Store) -> None:
    first = telling.made(NewRule("One", channels=[SLACK]), 1)
    second = telling.made(NewRule("Two", channels=[HOOK]), 2)
    noticing.notice([notice("regression", "INFO")], NOW)
    assert sorted(told(store)) == [(first, ["slack"]), (second, ["webhook"])]


def test_what_is_hidden_tells_nothing(store: stores.Store) -> None:
    for rule_id in rules.DEFAULTS:
        rules.delete(rule_id, "admin-1", NOW)
    for severity in ("CRITICAL", "WARNING", "INFO"):
        noticing.notice([notice("new_incident", severity)], NOW)
    assert told(store) == []
    assert [row for row in store.rows("alerts") if row["pk"]["S"].startswith("DIGEST#")] == []


@pytest.mark.parametrize("how", ["deleted", "disabled"])
def test_without_a_digest_for_them_warnings_are_told_by_channels_of_their_own_alone(
    how: str, store: stores.Store
) -> None:
    if how == "deleted":
        rules.delete("rest", "admin-1", NOW)
    else:
        changed("rest", enabled=False)
    noticing.notice([notice("new_incident", "WARNING")], NOW)
    assert telling.told(store) == []
    assert waiting("rest") == []
    # But for those that nobody would hear of otherwise.
    noticing.notice([notice("new_incident", "WARNING", "b:1", key=outbox.UNDELIVERABLE)], NOW)
    assert told(store) == [("warning", ["email"])]
    changed("warning", channels=[SLACK])
    noticing.notice([notice("new_incident", "WARNING", "c:1")], NOW + MINUTE)
    assert told(store) == [("warning", ["email"]), ("warning", ["slack"])]


def test_a_rule_that_counts_tells_besides_the_defaults(store: stores.Store) -> None:
    rule_id = telling.made(NewRule("Volume", on=["report", "event"], threshold=2, channels=[SLACK]))
    for nth in range(2):
        noticing.notice([notice("event", "CRITICAL", "event:1"), notice("report", "CRITICAL")], NOW + nth * MINUTE)
    assert sorted(told(store)) == [(rule_id, ["slack"])] * 2 + [("critical", ["email"])] * 2


def test_notices_of_a_subject_and_kind_count_together(store: stores.Store) -> None:
    telling.made(NewRule("Often", on=["event"], threshold=90, channels=[SLACK]))
    noticing.notice(
        [
            notice("event", "WARNING", count=1),
            notice("new_incident", "INFO", count=9),
            notice("event", "INFO", count=90),
        ],
        NOW,
    )
    (alert,) = telling.sent(store)
    assert (alert["severity"], alert["count"]) == ("WARNING", 91)


def test_a_watch_tells_by_its_rule_alone(store: stores.Store) -> None:
    rule_id = telling.made(NewRule("Rate", on=["error_rate"], threshold=20, channels=[PAGER]))
    (rule,) = rules.watched("error_rate", NOW)
    for minutes in (0, 30, 61):
        noticing.notice_for(rule, notice("error_rate", "WARNING", "error_rate:1"), NOW + minutes * MINUTE)
    assert told(store) == [(rule_id, ["pagerduty"])] * 2
    assert telling.held(store) == 1


# -- floods ------------------------------------------------------------------------------------------------------------


def flood(many: int, minutes: float = 0, **more: Any) -> None:
    """That many subjects, each for the first time."""
    for nth in range(many):
        noticing.notice([replace(CRITICAL, subject=f"incident:{minutes}:{nth}", **more)], NOW + minutes * MINUTE)


def floods(store: stores.Store) -> list[dict[str, Any]]:
    return [each for each in telling.sent(store) if ":flood:" in each["delivery_id"]]


def test_a_flood_is_told_as_one(store: stores.Store) -> None:
    flood(100, once="new")
    titles = [each["title"] for each in telling.sent(store)]
    assert len(titles) == claiming.MOST_AN_HOUR + 1
    assert titles.count(CRITICAL.title) == claiming.MOST_AN_HOUR
    assert telling.held(store) >= (100 - len(titles)) / 2
    noticing.notice([replace(CRITICAL, subject="incident:later", once="new")], NOW + 60 * MINUTE)
    assert len(telling.sent(store)) == len(titles) + 1


def test_a_flood_is_told_once_an_hour_however_short_a_rule_is_silent(store: stores.Store) -> None:
    changed("critical", suppress_minutes=1)
    for minutes in (0, 2, 4, 30, 44, 45, 46, 50):
        flood(80, minutes)
        # Also by another container.
        telling.forget()
    assert [(each["at"][11:16], each["delivery_id"]) for each in floods(store)] == [
        ("09:15", "critical:flood:1:1"),
        ("10:00", "critical:flood:1:2"),
    ]
    assert len(telling.sent(store)) == 2 * (claiming.MOST_AN_HOUR + 1)
    assert floods(store)[1]["suppressed"] >= (5 * 80 - claiming.MOST_AN_HOUR) / 2


def test_a_flood_of_one_project_keeps_no_other_from_being_told(store: stores.Store) -> None:
    flood(70)
    flood(70, 1, project_id="2")
    assert [each["project_id"] for each in floods(store)] == ["1", "2"]
    assert len(telling.sent(store)) == 2 * (claiming.MOST_AN_HOUR + 1)


def test_anybody_may_claim_that_alerts_do_not_arrive(store: stores.Store) -> None:
    """So of that there are few, and those are not among the others."""
    changed("critical", channels=[SLACK])
    flood(50, key=outbox.UNDELIVERABLE)
    assert told(store) == [("critical", ["email"])] * (claiming.MOST_OWN_AN_HOUR + 1)
    assert [each["title"] for each in floods(store)] == ["More than 10 alerts within an hour"]
    flood(50, 1)
    assert len(telling.sent(store)) == claiming.MOST_OWN_AN_HOUR + 1 + 50


def test_what_is_too_much_costs_nothing(store: stores.Store) -> None:
    flood(claiming.MOST_AN_HOUR + 1)
    with recorded() as ledger:
        flood(1000, 0.05)
        flood(1000, 0.1)
    assert ledger.operations.count("UpdateItem") == len(ledger.operations) <= 15
    # Where another container finds that it is too much, it asks once.
    telling.forget()
    telling.ready()
    with recorded() as ledger:
        flood(1000, 0.15)
    assert ledger.operations[:3] == ["GetItem", "UpdateItem", "GetItem"]
    assert len(ledger.operations) <= 15


def test_who_has_to_decide_anew_is_counted_once(store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    advance, refused = models.advance, iter([True] * 5)
    monkeypatch.setattr(models, "advance", lambda *args: not next(refused, False) and advance(*args))
    noticing.notice([CRITICAL], NOW)
    assert [row["n"]["N"] for row in store.rows("alerts") if row["pk"]["S"].startswith("TOLD#")] == ["1"]


def test_a_rule_that_counts_tells_of_a_flood(store: stores.Store) -> None:
    telling.made(NewRule("Often", on=["report"], threshold=3, window_minutes=7 * 24 * 60, channels=[SLACK]))
    flood(claiming.MOST_AN_HOUR + 1, severity="INFO", count=3)
    assert len(floods(store)) == 1
    assert {row["n"]["N"] for row in store.rows("alerts") if row["pk"]["S"].startswith("WINDOW#")} == {"3"}


def test_a_link_leads_to_the_console(store: stores.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    noticing.notice([CRITICAL], NOW)
    found = config()
    monkeypatch.setattr(http, "config", lambda: replace(found, public_url=""))
    # Outside of any request, whatever was answered in this thread before.
    contextvars.Context().run(noticing.notice, [replace(CRITICAL, subject="b:1")], NOW)
    noticing.notice([replace(CRITICAL, subject="c:1", path=None)], NOW)
    assert sorted(str(each["link"]) for each in telling.sent(store)) == [
        "None",
        "None",
        "https://ops.example.com/api/console/incidents/9f2c51d07be4",
    ]


anything = st.text(st.characters(), max_size=400) | st.text("<>\r\n\t\0 \u202e\ud83d\ude00é", max_size=4000)


@given(anything, st.lists(anything, max_size=60), st.none() | anything)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_told_and_digested(title: str, lines: list[str], environment: str | None) -> None:
    with stores.installed() as store:
        telling.forget()
        hostile = replace(CRITICAL, title=title, lines=tuple(lines), environment=environment)
        noticing.notice([hostile, replace(hostile, severity="INFO", kind="review", subject="b:1")], NOW)
        assert len(telling.sent(store)) == 1
        assert len(waiting("rest")) == 1
        assert max(len(str(row)) for row in store.rows("alerts")) < 20_000


# -- suppression -------------------------------------------------------------------------------------------------------


def test_a_storm_costs_a_few_writes(store: stores.Store) -> None:
    telling.ready()
    with recorded() as first:
        noticing.notice([CRITICAL], NOW)
    with recorded() as ledger:
        for nth in range(1000):
            noticing.notice([CRITICAL], NOW + nth * timedelta(milliseconds=50))
    assert first.units <= 9
    assert first.operations == ["GetItem", "UpdateItem", "TransactWriteItems", "SendMessage"]
    assert ledger.units <= 12
    assert {*ledger.operations} == {"Query", "UpdateItem"}
    assert ledger.operations.count("Query") == 4
    assert 500 <= telling.held(store) <= 1000
    noticing.notice([CRITICAL], NOW + HOUR)
    (_, again) = telling.sent(store)
    # Those that this container had not told yet, too.
    assert again["suppressed"] == telling.held(store) == 1000


def test_what_is_held_back_is_seen_once_a_window(store: stores.Store) -> None:
    for minutes in (0, 1, 2, 59, 60, 61, 62):
        noticing.notice([CRITICAL], NOW + minutes * MINUTE)
    assert [(each["alert"]["delivery_id"].rpartition(":")[2], each["held"]) for each in telling.told(store)] == [
        ("1", 0),
        ("1-held", 3),
        ("2", 0),
        ("2-held", 2),
    ]
    assert [each["suppressed"] for each in telling.sent(store)] == [0, 3]


def test_what_waits_to_be_counted_is_counted_where_it_belongs(
    store: stores.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another container told again before this one had counted all that it held back."""
    mine, others = telling.PerContainer(), telling.PerContainer()
    for container, seconds in ((mine, 0), (mine, 1), (mine, 2), (others, 3600), (mine, 3601)):
        monkeypatch.setattr(silences, "_silences", container)
        noticing.notice([CRITICAL], NOW + timedelta(seconds=seconds))
    assert [each["held"] for each in telling.told(store)] == [0, 2, 0, 1]


def test_a_happening_is_told_once_whatever_was_told(store: stores.Store) -> None:
    noticing.notice([CRITICAL], NOW)
    for minutes, once in ((1, "a"), (2, "a"), (3, "b"), (200, "a"), (201, "b")):
        telling.forget()
        noticing.notice([replace(CRITICAL, once=once)], NOW + minutes * MINUTE)
    assert len(telling.sent(store)) == 3
    # It was told of the subject, so that others are held back.
    noticing.notice([CRITICAL], NOW + 62 * MINUTE)
    assert (len(telling.sent(store)), telling.held(store)) == (3, 1)


def test_a_subject_has_a_bounded_memory(store: stores.Store) -> None:
    for nth in range(120):
        noticing.notice([replace(CRITICAL, once=f"fix {nth}")], NOW + nth * MINUTE)
    (claim,) = [row for row in store.rows("alerts") if row["pk"]["S"].startswith("CLAIM#")]
    assert len(str(claim)) < 2000
    noticing.notice([replace(CRITICAL, once="fix 119")], NOW)
    assert len(telling.sent(store)) == 120


def test_another_rule_and_another_subject_have_windows_of_their_own(store: stores.Store) -> None:
    telling.made(NewRule("One", on=["report"], channels=[SLACK]), 1)
    telling.made(NewRule("Two", on=["report"], channels=[SLACK], suppress_minutes=5), 2)
    for minutes, subject in itertools.product((0, 6), ("a:1", "a:2")):
        noticing.notice([replace(CRITICAL, subject=subject)], NOW + minutes * MINUTE)
    assert len(telling.sent(store)) == 6


# -- thresholds --------------------------------------------------------------------------------------------------------


def reports(counts: list[tuple[float, int]], threshold: int, window: int = 5) -> None:
    telling.made(NewRule("Often", on=["report"], threshold=threshold, window_minutes=window, channels=[SLACK]))
    for seconds, count in counts:
        noticing.notice([notice("report", "INFO", count=count)], NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("offset", [0, 17, 29.9])
def test_as_many_as_the_threshold_within_the_window_are_told_once(offset: float, store: stores.Store) -> None:
    reports([(offset + nth * 33, 1) for nth in range(10)], 10)
    assert [each["count"] for each in telling.sent(store)] == [10]


def test_too_few_or_too_slow_ones_are_not_told(store: stores.Store) -> None:
    reports([(nth * 34 * 1.1, 1) for nth in range(100)], 10)
    assert telling.sent(store) == []
    assert telling.held(store) == 0


def test_a_notice_counts_as_often_as_it_happened(store: stores.Store) -> None:
    reports([(0, 4), (1, 5), (2, 30)], 10)
    assert [each["count"] for each in telling.sent(store)] == [39]


def test_what_was_held_back_counts_for_the_next(store: stores.Store) -> None:
    """A container that is silent goes on counting what the next window may need."""
    reports([(nth * 25, 1) for nth in range(160)], 10)
    assert [each["at"][11:19] for each in telling.sent(store)] == ["09:19:15", "10:19:15"]


def test_a_storm_is_not_counted_while_nothing_can_come_of_it(store: stores.Store) -> None:
    reports([(0, 10)], 10)
    with recorded() as ledger:
        for nth in range(1000):
            noticing.notice([notice("report", "INFO")], NOW + nth * timedelta(milliseconds=50))
    assert ledger.units <= 12


def test_what_is_counted_is_summed_up_once_in_a_tenth(store: stores.Store) -> None:
    telling.made(NewRule("Often", on=["report"], threshold=100, window_minutes=10, channels=[SLACK]))
    telling.ready()
    with recorded() as ledger:
        for nth in range(40):
            noticing.notice([notice("report", "INFO")], NOW + nth * timedelta(milliseconds=5))
    assert ledger.operations == ["UpdateItem", "Query", *["UpdateItem"] * 39]


def test_another_window_counts_anew(store: stores.Store) -> None:
    """Its tenths have other numbers, of which none is that of another time."""
    reports([(-day * 86_400, 33) for day in (3, 2, 1)], 100, window=5)
    changed(f"{1:032x}", window_minutes=60)
    noticing.notice([notice("report", "INFO")], NOW)
    assert telling.sent(store) == []
    noticing.notice([notice("report", "INFO", count=99)], NOW)
    assert [each["count"] for each in telling.sent(store)] == [100]


# -- what has ended ----------------------------------------------------------------------------------------------------


def test_what_has_ended_is_told_where_it_can_be_closed(store: stores.Store, mail: list[tuple[Channel, Alert]]) -> None:
    rule_id = telling.made(NewRule("Payments", on=["report"], channels=[SLACK, PAGER, HOOK, Email()]))
    noticing.notice([CRITICAL], NOW)
    noticing.notice([CRITICAL], NOW + MINUTE)
    telling.work(store, NOW + MINUTE)
    for _ in range(2):
        noticing.resolve(CRITICAL.subject, NOW + MINUTE)
    telling.work(store, NOW + MINUTE)
    # At once, though this container was sure that the rule is silent.
    noticing.notice([CRITICAL], NOW + MINUTE)
    telling.work(store, NOW + MINUTE)
    assert [(type(channel).__name__, alert.state, alert.delivery_id[33:]) for channel, alert in mail] == [
        ("Slack", "trigger", "incident:9f2c51d07be4:1"),
        ("PagerDuty", "trigger", "incident:9f2c51d07be4:1"),
        ("Webhook", "trigger", "incident:9f2c51d07be4:1"),
        ("Email", "trigger", "incident:9f2c51d07be4:1"),
        ("PagerDuty", "resolve", "incident:9f2c51d07be4:2"),
        ("Webhook", "resolve", "incident:9f2c51d07be4:2"),
        ("Slack", "trigger", "incident:9f2c51d07be4:3"),
        ("PagerDuty", "trigger", "incident:9f2c51d07be4:3"),
        ("Webhook", "trigger", "incident:9f2c51d07be4:3"),
        ("Email", "trigger", "incident:9f2c51d07be4:3"),
    ]
    assert {alert.thread for _, alert in mail} == {f"{rule_id}:{CRITICAL.subject}"}
    assert (mail[4][1].title, mail[4][1].lines, mail[4][1].suppressed) == (CRITICAL.title, (), 1)


def test_what_has_ended_under_a_rule_that_is_gone_is_told_nobody(store: stores.Store) -> None:
    rule_id = telling.made(NewRule("Payments", on=["report"], channels=[PAGER]))
    noticing.notice([CRITICAL], NOW)
    rules.delete(rule_id, "admin-1", NOW)
    noticing.resolve(CRITICAL.subject, NOW + MINUTE)
    noticing.resolve("incident:unknown", NOW + MINUTE)
    assert len(telling.sent(store)) == 1


# -- digests -----------------------------------------------------------------------------------------------------------


def digests(store: stores.Store) -> list[dict[str, Any]]:
    return [each for each in telling.sent(store) if each["kind"] == "digest"]


def test_the_rest_is_told_every_morning(store: stores.Store, mail: list[tuple[Channel, Alert]]) -> None:
    sweeping.sweep(NOW)
    for nth in range(3):
        noticing.notice([notice("new_incident", "INFO", f"incident:{nth}", title=f"Slow {nth}")], NOW + nth * MINUTE)
    noticing.notice([notice("regression", "WARNING", "incident:9", title="Again")], NOW + HOUR)
    noticing.notice([notice("regression", "WARNING", "incident:9", title="Again")], NOW + 2 * HOUR)
    for moment in ("2026-01-26T07:59:59Z", "2026-01-26T08:00:00Z", "2026-01-26T08:01:00Z", "2026-01-27T08:00:00Z"):
        sweeping.sweep(parse(moment))
    telling.work(store, parse("2026-01-27T08:00:00Z"))
    ((channel, alert),) = mail
    assert channel == Email()
    assert (alert.title, alert.kind, alert.severity) == ("2026-01-26: 1 WARNING, 3 INFO", "digest", "WARNING")
    assert alert.lines == (
        "[WARNING] Again (production)",
        *(f"[INFO] Slow {nth} (production)" for nth in range(3)),
    )
    assert (alert.delivery_id, alert.count, alert.at) == ("rest:digest:2026-01-26", 4, parse("2026-01-26T08:00:00Z"))
    assert waiting("rest") == []
    # The next of the same is in the next digest.
    noticing.notice([notice("regression", "WARNING", "incident:9", title="Again")], parse("2026-01-27T09:00:00Z"))
    sweeping.sweep(parse("2026-01-28T08:00:00Z"))
    assert [each["count"] for each in digests(store)] == [4, 1]


def test_a_long_digest_says_how_much_more_there_is(store: stores.Store) -> None:
    sweeping.sweep(NOW)
    noticing.notice([notice("review", "INFO", f"a:{nth}") for nth in range(100)], NOW)
    sweeping.sweep(NOW + DAY)
    ((found),) = digests(store)
    assert (len(found["lines"]), found["lines"][-1], found["count"]) == (40, "… and 61 more", 100)


def test_a_digest_that_was_missed_is_told_late(store: stores.Store) -> None:
    sweeping.sweep(NOW)
    noticing.notice([notice("review", "INFO")], NOW)
    sweeping.sweep(parse("2026-01-27T03:00:00Z"))
    assert [each["delivery_id"] for each in digests(store)] == ["rest:digest:2026-01-26"]


def test_a_digest_knows_one_project_or_all(store: stores.Store) -> None:
    sweeping.sweep(NOW)
    noticing.notice([notice("review", "INFO", project_id="7")], NOW)
    sweeping.sweep(NOW + DAY)
    noticing.notice([notice("review", "INFO", project_id="7"), notice("review", "INFO", "b:1")], NOW + DAY)
    sweeping.sweep(NOW + 2 * DAY)
    assert [each["project_id"] for each in digests(store)] == ["7", "all"]


def test_a_digest_that_fails_keeps_no_other(store: stores.Store) -> None:
    settings = {"digest": DailyDigest(), "on": ["review"]}
    telling.made(NewRule("One", **settings), 1)  # type: ignore[arg-type]  # as they are
    telling.made(NewRule("Two", **settings), 2)  # type: ignore[arg-type]  # as above
    sweeping.sweep(NOW)
    noticing.notice([notice("review", "INFO")], NOW)
    broken = models.Waiting(models.digest_key(f"{1:032x}"), "b:1", at="2026-01-25T09:00:00.000Z", notice="{")
    models.wait(broken)
    sweeping.sweep(NOW + DAY)
    assert [each["rule"] for each in digests(store)] == ["Two"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo", "America/Nuuk"])
@pytest.mark.parametrize("at", ["00:30", "02:30", "23:30"])
def test_each_local_date_has_one_digest(zone: str, at: str) -> None:
    """Through a year in which clocks are set, in most of these zones twice, and Samoa had no 30 December."""
    told, now = [digest.period(DailyDigest(at, zone), parse("2010-12-31T00:00:00Z"))], parse("2010-12-31T00:00:00Z")
    while now < parse("2012-01-10T00:00:00Z"):
        now += 30 * MINUTE
        found = digest.period(DailyDigest(at, zone), now)
        if found > told[-1]:
            told.append(found)
        assert found == told[-1], "the last date that is due goes back"
    days = [told[0] + nth * DAY for nth in range((told[-1] - told[0]).days + 1)]
    assert told == [day for day in days if zone != "Pacific/Apia" or day != date(2011, 12, 30)]


@pytest.mark.parametrize(
    ("now", "at", "day"),
    [
        ("2026-03-29T01:29:59Z", "02:30", date(2026, 3, 28)),  # skipped: an hour later
        ("2026-03-29T01:30:00Z", "02:30", date(2026, 3, 29)),
        ("2026-10-25T00:29:59Z", "02:30", date(2026, 10, 24)),  # twice: at the first
        ("2026-10-25T00:30:00Z", "02:30", date(2026, 10, 25)),
        ("2026-10-25T01:15:00Z", "02:30", date(2026, 10, 25)),
        ("2026-06-01T05:59:59Z", "08:00", date(2026, 5, 31)),
        ("2026-06-01T06:00:00Z", "08:00", date(2026, 6, 1)),
    ],
)
def test_a_digest_is_due_at_a_local_time(now: str, at: str, day: date) -> None:
    assert digest.period(DailyDigest(at, "Europe/Berlin"), parse(now)) == day


# -- alerts about alerting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "place", "kinds"),
    [
        ({"channels": [SLACK, PAGER]}, [-1], ["email"]),
        ({"channels": [SLACK, Email(["ops@example.com"])]}, [1], ["email"]),
        ({"channels": [Email(["ops@example.com"])], "digest": DailyDigest()}, [0], ["email"]),
        ({"channels": [SLACK], "digest": DailyDigest()}, [-1], ["email"]),
        ({}, [-1], ["email"]),
    ],
)
def test_of_alerting_itself_only_emails_tell_at_once(
    settings: dict[str, Any], place: list[int], kinds: list[str], store: stores.Store
) -> None:
    rule_id = telling.made(NewRule("All", on=["new_incident"], **settings))
    noticing.notice([notice("new_incident", "WARNING", key=outbox.UNDELIVERABLE, once="new")], NOW)
    assert told(store) == [(rule_id, kinds)]
    rows = [row for row in store.rows("alerts") if row["sk"]["S"].startswith("D#")]
    # Whoever is told by default is in no rule, and has no hash.
    assert ["channel" in row for row in rows] == [each >= 0 for each in place]
    noticing.resolve("incident:1", NOW)
    assert len(told(store)) == 1


def test_by_default_of_alerting_itself_is_told_at_once(store: stores.Store) -> None:
    noticing.notice([notice("new_incident", "WARNING", key=outbox.UNDELIVERABLE, once="new")], NOW)
    assert [kinds for _, kinds in told(store)] == [["email"]]


# -- a store that is busy ----------------------------------------------------------------------------------------------


def test_a_busy_database_is_said_and_keeps_no_other_rule(store: stores.Store) -> None:
    telling.made(NewRule("One", on=["report"], channels=[SLACK]), 1)
    telling.made(NewRule("Two", on=["report"], channels=[SLACK]), 2)
    telling.ready()

    def refuse(call: Call) -> Any:
        if f"{1:032x}" in str(call.parameters) and call.operation == "TransactWriteItems":
            return storm(random.Random(1), 1.0)(call)
        return call.make()

    with tapped(refuse), pytest.raises(Busy):
        noticing.notice([CRITICAL], NOW)
    assert [each["rule"] for each in telling.sent(store)] == ["Two"]
    noticing.notice([CRITICAL], NOW)
    assert sorted(each["rule"] for each in telling.sent(store)) == ["One", "Two"]


def test_who_finds_the_database_busy_twice_gives_up(store: stores.Store) -> None:
    for nth in range(1, 9):
        telling.made(NewRule(f"Rule {nth}", on=["report"], channels=[SLACK]), nth)
    telling.ready()
    calls: list[str] = []

    def lose(call: Call) -> Any:
        calls.append(call.operation)
        raise ReadTimeoutError(endpoint_url="https://dynamodb.example")

    with tapped(lose), pytest.raises(Busy):
        noticing.notice([CRITICAL], NOW)
    assert len(calls) == 2 * TRIES


def test_rules_that_cannot_be_read_are_as_they_were(store: stores.Store) -> None:
    rule_id = telling.made(NewRule("One", on=["report"], channels=[SLACK]))

    def lose(call: Call) -> Any:
        if call.operation == "Query":
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")
        return call.make()

    with tapped(lose):
        with pytest.raises(Busy):
            noticing.notice([CRITICAL], NOW)
        rules._known = (NOW - HOUR, [])
        noticing.notice([CRITICAL], NOW)
    assert told(store) == []
    noticing.notice([CRITICAL], NOW)
    assert told(store) == [(rule_id, ["slack"])]


def test_a_rule_that_nobody_understands_keeps_no_other(store: stores.Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, logger="groundcrew")
    rule_ids = [telling.made(NewRule(f"Rule {nth}", on=["report"], channels=[SLACK]), nth) for nth in (1, 2)]
    changed("critical", channels=[SLACK])
    for rule_id in (rule_ids[0], "critical"):
        stored = models.find_rule(rule_id)
        assert stored
        stored.rule = stored.rule.replace('"report"', '"of_a_later_version"')
        stored.save()
    rules.forget()
    noticing.notice([CRITICAL, replace(CRITICAL, kind="review", subject="b:1")], NOW)
    # One that is always there is as it was at first.
    assert sorted(told(store)) == [(rule_ids[1], ["slack"]), ("critical", ["email"])]
    assert caplog.messages == ["an alert rule cannot be read"] * 2
    for rule_id in (rule_ids[0], "critical"):
        rules.delete(rule_id, "admin-1", NOW)
        assert rules.find(rule_id) is None


def test_a_mistake_of_ours_costs_no_report(
    store: stores.Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, logger="groundcrew")
    failed: list[str] = []
    monkeypatch.setattr(noticing, "count", failed.append)
    # A zone that was renamed since.
    monkeypatch.setattr(zones, "names", lambda: {"Mars/Olympus"})
    telling.made(NewRule("One", on=["report"], digest=DailyDigest(timezone="Mars/Olympus")), 1)
    other = telling.made(NewRule("Two", on=["report"], channels=[SLACK]), 2)
    noticing.notice([CRITICAL], NOW)
    assert told(store) == [(other, ["slack"])]
    assert caplog.messages == ["a notice was not told"]
    monkeypatch.setattr(rules, "known", lambda _: 1 / 0)
    monkeypatch.setattr(claiming, "close", lambda *_: 1 / 0)
    noticing.notice([CRITICAL], NOW)
    noticing.resolve(CRITICAL.subject, NOW)
    assert failed == ["NoticesFailed"] * 3


def test_an_answer_that_is_lost_doubles_nothing(store: stores.Store) -> None:
    with tapped(lost_answers(random.Random(2), 0.7)):
        for nth in range(40):
            with contextlib.suppress(Busy):
                noticing.notice([replace(CRITICAL, subject=f"a:{nth % 20}", once="new")], NOW)
    assert len(telling.sent(store)) == 20


def test_without_the_queue_a_sweep_sends(store: stores.Store, mail: list[tuple[Channel, Alert]]) -> None:
    def lose(call: Call) -> Any:
        if call.operation.startswith("SendMessage"):
            raise EndpointConnectionError(endpoint_url="https://sqs.example")
        return call.make()

    with tapped(lose):
        noticing.notice([CRITICAL], NOW)
    sweeping.sweep(NOW + outbox.LOOK_AFTER - timedelta(seconds=1))
    assert telling.work(store, NOW + MINUTE) == 0
    sweeping.sweep(NOW + outbox.LOOK_AFTER + timedelta(seconds=1))
    sweeping.sweep(NOW + outbox.LOOK_AFTER + timedelta(seconds=2))
    assert telling.work(store, NOW + outbox.LOOK_AFTER + MINUTE) == 1
    assert len(mail) == 1


def test_a_sweep_sends_all_that_is_overdue(store: stores.Store) -> None:
    for nth in range(230):
        noticing.notice([replace(CRITICAL, subject=f"a:{nth}")], NOW + nth * MINUTE)
    store.sent.clear()
    sweeping.sweep(NOW + 5 * HOUR)
    assert len({*store.messages(outbox.QUEUE)}) == len(store.messages(outbox.QUEUE)) == 230
