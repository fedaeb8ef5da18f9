"""What becomes of each thing in an envelope: kept, counted, or refused as a whole."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.dynamodb import Busy
from chalicelib.errors import ApiError, InvalidBody, PayloadTooLarge, QuotaExceeded, Unavailable
from chalicelib.incidents import models, overflow
from chalicelib.projects import settings as project_settings
from chalicelib.sentry import items
from tests.conftest import Door
from tests.sentry.conftest import Cloud
from tests.sentry.taking import EVENT, OTHER, error, feedback, packed, taken

Freeze = Callable[[str], None]


@pytest.fixture
def door(cloud_in_memory: Cloud, frozen: Freeze) -> Door:
    frozen("2026-03-01T10:00:20Z")
    return cloud_in_memory.door


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The metrics of an envelope."""
    found = Counter[str]()
    monkeypatch.setattr(items, "count", lambda name, value=1: found.update({name: value}))
    return found


def incidents(door: Door) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.admin("GET", "/incidents?limit=100").json["items"]
    return found


def occurrences(door: Door, incident_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.admin("GET", f"/incidents/{incident_id}/occurrences?limit=100").json["items"]
    return found


# -- events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(items.EVENTS))
def test_an_event_is_an_incident_under_the_id_of_its_envelope(door: Door, kind: str) -> None:
    dashed = "AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    assert taken(packed((kind, error(event_id=OTHER)), event_id=dashed)) == EVENT
    (incident,) = incidents(door)
    assert (incident["error_key"], incident["count"]) == ("ValueError", 1)
    assert [each["event_id"] for each in occurrences(door, incident["incident_id"])] == [EVENT]


def test_an_event_that_comes_again_counts_once(door: Door) -> None:
    for _ in range(3):
        taken(packed(("event", error()), event_id=EVENT))
    assert [each["count"] for each in incidents(door)] == [1]


@pytest.mark.parametrize("header", [{}, {"event_id": None}, {"event_id": 7}, {"event_id": "xyz"}])
def test_without_the_envelopes_id_the_events_counts_or_one_is_made(door: Door, header: dict[str, Any]) -> None:
    assert taken(packed(("event", error(event_id=EVENT)), **header)) == EVENT
    made = taken(packed(("event", error()), **header))
    assert made != EVENT
    assert len(made) == len(EVENT)
    (incident,) = incidents(door)
    assert {each["event_id"] for each in occurrences(door, incident["incident_id"])} == {EVENT, made}


def test_several_events_in_one_envelope_are_as_many(door: Door) -> None:
    same, nameless = error(event_id=EVENT), error()
    raw = packed(
        ("event", same), ("event", error(event_id=OTHER)), ("event", same), ("event", nameless), event_id=EVENT
    )
    for _ in range(2):
        assert taken(raw) == EVENT
    (incident,) = incidents(door)
    assert incident["count"] == 4
    assert {EVENT, OTHER} < {each["event_id"] for each in occurrences(door, incident["incident_id"])}


def test_more_reports_than_fit_a_batch_are_refused_before_any_is_kept(door: Door) -> None:
    with pytest.raises(PayloadTooLarge):
        taken(packed(*[("event", error())] * (items.MAX_REPORTS + 1)))
    assert incidents(door) == []


def test_an_event_that_cannot_be_read_is_said(door: Door) -> None:
    for payload in (b"", b"{", b"[]", b"[" * 100_000):
        with pytest.raises(InvalidBody):
            taken(packed(("event", payload), ("session", {}), event_id=EVENT))


def test_what_cannot_be_read_does_not_take_an_event_along(door: Door, counted: Counter[str]) -> None:
    taken(packed(("user_report", b"{"), ("event", error()), ("check_in", b"7"), ("session", b"{"), event_id=EVENT))
    assert [each["error_key"] for each in incidents(door)] == ["ValueError"]
    assert counted["SentryItemsUnreadable"] == 2


def test_a_busy_table_costs_no_event(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> Any:
        raise Busy("throttled")

    sent: list[str] = []
    monkeypatch.setattr(models, "add", busy)
    monkeypatch.setattr(overflow, "send", lambda reports, *_: sent.extend(each.event_id for each in reports))
    assert taken(packed(("event", error()), event_id=EVENT)) == EVENT
    assert sent == [EVENT]


def test_an_event_that_not_even_the_queue_takes_is_said(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> Any:
        raise Unavailable("down")

    add = models.add

    def half(incident: Any, *rest: Any, **more: Any) -> Any:
        return add(incident, *rest, **more) if "KeyError" in incident.g2s else busy()

    def busy() -> Any:
        raise Busy("throttled")

    monkeypatch.setattr(models, "add", half)
    monkeypatch.setattr(overflow, "send", down)
    other = {"exception": {"values": [{"type": "KeyError", "value": "x"}]}}
    with pytest.raises(Unavailable):
        taken(packed(("event", error()), ("event", other), ("feedback", feedback()), event_id=EVENT))
    # All that could be kept is.
    assert [each["error_key"] for each in incidents(door)] == ["KeyError"]
    assert models.pieces("1", [EVENT])


# -- quotas -----------------------------------------------------------------------------------------------------------


def test_a_quota_lets_in_so_many_and_says_when_it_is_over(door: Door) -> None:
    terms = dataclasses.replace(project_settings.default_terms(), quota_per_minute=2)
    events = [("event", error(event_id=f"{nth:032x}")) for nth in range(3)]
    with pytest.raises(QuotaExceeded) as refused:
        taken(packed(*events), terms)
    assert refused.value.headers["Retry-After"] == "50"
    assert [each["count"] for each in incidents(door)] == [2]
    for kind in sorted(items.REPORTS):
        with pytest.raises(QuotaExceeded):
            taken(packed((kind, error())), terms)
    with pytest.raises(QuotaExceeded):
        taken(packed(("attachment", b"x"), event_id=EVENT), terms)
    assert len(incidents(door)) == 1


def test_what_is_only_counted_takes_nothing_of_the_quota(door: Door) -> None:
    terms = dataclasses.replace(project_settings.default_terms(), quota_per_minute=1)
    taken(packed(("session", {}), ("client_report", {}), ("transaction", {}), event_id=EVENT), terms)
    taken(packed(("event", error()), ("attachment", b"1"), ("attachment", b"2"), event_id=EVENT), terms)
    with pytest.raises(QuotaExceeded):
        taken(packed(("event", error())), terms)
    taken(packed(("session", {}), ("span", {})), terms)


# -- what is only counted ---------------------------------------------------------------------------------------------


def test_nothing_at_all_is_answered(cloud_in_memory: Cloud, counted: Counter[str]) -> None:
    assert taken(packed(event_id=EVENT)) == EVENT
    assert len(taken(packed())) == len(EVENT)
    assert not counted


@pytest.mark.parametrize(
    ("item", "sessions"),
    [
        ({"sid": "1", "init": True, "status": "ok"}, 1),
        ({"sid": "1", "init": False, "status": "exited"}, 0),
        ({"aggregates": [{"exited": 2, "errored": 1}, {"crashed": 3, "abnormal": 1}]}, 7),
        ({"aggregates": [{"exited": "2", "errored": -5, "crashed": 10**30}, 7, None]}, items.MAX_COUNT),
        ({"aggregates": {"exited": 2}, "init": "true"}, 0),
    ],
)
def test_sessions_are_counted(
    cloud_in_memory: Cloud, counted: Counter[str], item: dict[str, Any], sessions: int
) -> None:
    taken(packed(("session" if "sid" in item else "sessions", item)))
    assert counted["SentrySessions"] == sessions


def test_what_clients_discarded_is_counted(
    cloud_in_memory: Cloud, counted: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    said = [
        {"reason": "before_send", "category": "error", "quantity": 3},
        {"reason": "before_send", "category": "error", "quantity": 1},
        {"reason": "x\ninjected", "category": ["error"], "quantity": 2},
        {"reason": "none", "category": "error", "quantity": True},
        {"reason": "none", "category": "error", "quantity": -1},
        "nonsense",
    ]
    taken(packed(("client_report", {"discarded_events": said}), ("client_report", {"discarded_events": 7})))
    assert counted == {"SentryEventsDiscarded": 7}
    assert logged(caplog)["discarded"] == {"error/before_send": 4, "other/other": 2, "error/none": 1}


DROPPED = (
    "",
    "log",
    "nel",
    "otel_log",
    "profile",
    "profile_chunk",
    "raw_security",
    "replay_event",
    "replay_recording",
    "security",
    "span",
    "statsd",
    "trace_metric",
    "transaction",
)


def test_what_means_nothing_here_is_dropped_and_counted_by_type(
    door: Door, counted: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    hostile = [("x" * 5000, b""), ("\x1b[31mred\n", b"\xff"), *((f"t{nth}", b"{") for nth in range(50))]
    taken(packed(*((kind, b"anything") for kind in DROPPED), *hostile))
    assert counted == {"SentryItemsDropped": len(DROPPED) + len(hostile)}
    dropped = logged(caplog)["dropped"]
    assert dropped["other"] == 3  # the empty and the hostile names
    assert len(dropped) == items.MAX_NAMES
    assert incidents(door) == []


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (found,) = [vars(record) for record in caplog.records if record.message == "sentry items"]
    return found


# -- whatever comes ---------------------------------------------------------------------------------------------------

KINDS = st.sampled_from(sorted({*items.REPORTS, *DROPPED, "attachment", "client_report", "session", "sessions"}))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
KEYS = st.text(max_size=4) | st.sampled_from(
    [
        "aggregates",
        "associated_event_id",
        "check_in_id",
        "comments",
        "contexts",
        "discarded_events",
        "duration",
        "event_id",
        "exited",
        "feedback",
        "init",
        "message",
        "monitor_config",
        "monitor_slug",
        "quantity",
        "schedule",
        "status",
        "timezone",
        "type",
        "unit",
        "user",
        "value",
    ]
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
PAYLOADS = st.dictionaries(KEYS, JSON, max_size=6) | st.binary(max_size=20)
HEADERS = st.dictionaries(st.sampled_from(["filename", "content_type", "attachment_type"]), JSON, max_size=3)


@given(st.lists(st.tuples(KINDS, PAYLOADS, HEADERS), max_size=4), JSON)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_taken_or_refused(cloud_in_memory: Cloud, sent: list[Any], event_id: Any) -> None:
    try:
        assert len(taken(packed(*sent, event_id=event_id))) == len(EVENT)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017  # it may be taken, too
