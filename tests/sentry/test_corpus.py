"""The captured requests of real SDKs, through the public door: each is taken or refused as its meaning demands."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from chalicelib import clock, encodings
from chalicelib.projects import settings
from chalicelib.projects.settings import NewProject
from chalicelib.scrubbing import scrub
from chalicelib.sentry import envelope
from chalicelib.sentry.envelope import Envelope
from chalicelib.storable import storable
from tests.conftest import Answer
from tests.sentry.conftest import Cloud, Shop
from tests.sentry.taking import packed

SAMPLES: Final = Path(__file__).parents[1] / "data" / "envelopes"
NAMES: Final = sorted(path.stem for path in SAMPLES.glob("*.json"))
# Whose DSN the SDKs had.
PROJECT_ID, KEY = "42", "0123456789abcdef0123456789abcdef"
# Where a proxy stands before the project that takes this away, and where a page's own server hands on what it gets.
PREFIX, TUNNEL = "/prod/hub", "/tunnel"

# What is not answered 200.
STATUSES: Final = {
    "137-web-custom_transport_headers": 204,
    "synthetic-csp-report": 403,  # the test client's answer to a path that nobody serves
    "synthetic-gzip-corrupt": 400,
    "synthetic-length-too-short": 400,
}
# What becomes an incident: its error key, title, severity, innermost function and attachments.
CHARGE: Final = "PaymentError: charge failed for user "
UNICODE: Final = "Ошибка 支払い 🚨"
USER: Final = "user {0} not found at 10.0.0.{1} req 7f3c9a52-1b7e-4c44-9a5e-0d8a6d1f{0:0>4}"
EVENTS: Final[dict[str, tuple[str, str, str, str | None, int]]] = {
    "001-py-exception_chained": ("PaymentError", f"{CHARGE}u-1001", "HIGH", "charge", 0),
    "002-py-exception_context_implicit": ("RuntimeError", "RuntimeError: while handling", "HIGH", "f", 0),
    "003-py-message": ("message", "message: Something happened", "LOW", None, 0),
    "005-py-message_fatal": ("message", "message: We are down", "CRITICAL", None, 0),
    "006-py-tags_user_breadcrumbs": ("PaymentError", f"{CHARGE}u-1001", "HIGH", "charge", 0),
    "007-py-fingerprint_custom": ("PaymentError", f"{CHARGE}u-1", "HIGH", "charge", 0),
    "008-py-fingerprint_default_plus": ("PaymentError", f"{CHARGE}u-2", "HIGH", "charge", 0),
    "009-py-fingerprint_nonstring": ("message", "message: weird fp", "HIGH", None, 0),
    "021-py-large_event": ("ValueError", f"ValueError: {'z' * 107}…", "HIGH", "f", 0),
    "024-py-non_ascii": ("ValueError", "ValueError: Ошибка 支払い失敗 🚨 émoji", "HIGH", "f", 0),
    "025-py-lone_surrogate": ("message", "message: lone \ufffd surrogate and \x00 nul", "HIGH", None, 0),
    "026-py-nan_infinity": ("message", "message: nan", "HIGH", None, 0),
    "028-py-brotli": ("PaymentError", f"{CHARGE}u-5", "HIGH", "charge", 0),
    "029-py-uncompressed": ("PaymentError", f"{CHARGE}u-5", "HIGH", "charge", 0),
    "030-py-attachment": ("PaymentError", f"{CHARGE}u-6", "HIGH", "charge", 3),
    "031-py-user_report_handmade": ("message", "message: feedback target", "LOW", None, 0),
    "033-py-feedback_handmade": ("feedback", "feedback: love it", "LOW", None, 0),
    "037-py-logging_integration": (
        "shop.orders",
        "shop.orders: order o-77 failed for {'id': 5}",
        "HIGH",
        None,
        0,
    ),
    "038-py-logging_exception": ("PaymentError", f"{CHARGE}u-8", "HIGH", "charge", 0),
    "039-py-exception_group": ("ExceptionGroup", "ExceptionGroup: many", "HIGH", "f", 0),
    "040-py-recursion": (
        "RecursionError",
        "RecursionError: maximum recursion depth exceeded",
        "HIGH",
        "r",
        0,
    ),
    "041-py-no_message_exception": ("AssertionError", "AssertionError", "HIGH", "f", 0),
    "042-py-multiline_value": ("ValueError", "ValueError: first line id=123", "HIGH", "f", 0),
    "043-py-uncaught": ("PaymentError", "PaymentError: uncaught in main, order 8731", "HIGH", "c_uncaught", 0),
    "044-py-thread_uncaught": ("PaymentError", f"{CHARGE}u-thread", "HIGH", "charge", 0),
    "045-py-attach_stacktrace_message": (
        "message",
        "message: message with stack",
        "LOW",
        "c_attach_stacktrace_message",
        0,
    ),
    "046-py-wsgi_request": ("PaymentError", f"{CHARGE}u-wsgi", "HIGH", "charge", 0),
    "047-py-dsn_path_prefix": ("PaymentError", f"{CHARGE}u-prefix", "HIGH", "charge", 0),
    "048-py-dsn_legacy_secret": ("PaymentError", f"{CHARGE}u-secret", "HIGH", "charge", 0),
    "049-py-no_release_env": ("PaymentError", f"{CHARGE}u-bare", "HIGH", "charge", 0),
    "050-py-dup_event_id": ("message", "message: duplicate id", "HIGH", None, 0),
    "051-py-dup_event_id": ("message", "message: duplicate id", "HIGH", None, 0),
    "052-py-store_style_capture_event": ("message", "message: Hello bob 3", "HIGH", None, 0),
    "053-py-group_ids": ("LookupError", f"LookupError: {USER.format(1, 1)}", "HIGH", "load", 0),
    "054-py-group_ids": ("LookupError", f"LookupError: {USER.format(22, 22)}", "HIGH", "load", 0),
    "055-py-group_ids": ("LookupError", f"LookupError: {USER.format(333, 83)}", "HIGH", "load", 0),
    "056-py-group_ids": ("LookupError", f"LookupError: {USER.format(4444, 194)}", "HIGH", "load", 0),
    "057-py-group_same_value_diff_place": ("ValueError", "ValueError: invalid input", "HIGH", "a", 0),
    "058-py-group_same_value_diff_place": ("ValueError", "ValueError: invalid input", "HIGH", "b", 0),
    "066-node-exception_cause": ("PaymentError", f"{CHARGE}u-1", "HIGH", "charge", 0),
    "068-node-aggregate_error": (
        "AggregateError",
        "AggregateError: many failed",
        "HIGH",
        "Object.aggregate_error",
        0,
    ),
    "070-node-message": ("message", "message: Something happened", "MEDIUM", "Object.message", 0),
    "072-node-non_error_object": (
        "Error",
        "Error: Object captured as exception with keys: code, reason",
        "HIGH",
        "Object.non_error_object",
        0,
    ),
    "074-node-non_error_string": ("Error", "Error: just a string", "HIGH", "Object.non_error_string", 0),
    "076-node-no_message_error": ("Error", "Error", "HIGH", "Object.no_message_error", 0),
    "078-node-tags_user_breadcrumbs": ("PaymentError", f"{CHARGE}u-2", "HIGH", "charge", 0),
    "088-node-large_gzip": ("Error", f"Error: big {'y' * 108}…", "HIGH", "Object.large_gzip", 0),
    "090-node-non_ascii": ("Error", f"Error: {UNICODE}", "HIGH", "?", 0),
    "092-node-attachment": ("PaymentError", f"{CHARGE}u-5", "HIGH", "charge", 2),
    "095-node-feedback": ("message", "message: target", "LOW", "Object.feedback", 0),
    "098-node-unhandled_rejection": (
        "PaymentError",
        "PaymentError: rejected promise 8731",
        "HIGH",
        "Object.unhandled_rejection",
        0,
    ),
    "101-node-uncaught": ("PaymentError", f"{CHARGE}u-uncaught", "CRITICAL", "charge", 0),
    "104-node-http_request": ("PaymentError", f"{CHARGE}u-http", "HIGH", "charge", 0),
    "106-node-tunnel": ("PaymentError", f"{CHARGE}u-8", "HIGH", "charge", 0),
    "109-node-group_ids": ("RangeError", f"RangeError: {USER.format(22, 22)}", "HIGH", "load", 0),
    "110-node-group_ids": ("RangeError", f"RangeError: {USER.format(1, 1)}", "HIGH", "load", 0),
    "112-node-group_ids": ("RangeError", f"RangeError: {USER.format(333, 83)}", "HIGH", "load", 0),
    "115-web-uncaught_error": ("PaymentError", f"{CHARGE}u-uncaught", "HIGH", "tt", 0),
    "116-web-unhandled_rejection": (
        "PaymentError",
        "PaymentError: rejected 8731",
        "HIGH",
        "Object.unhandled_rejection",
        0,
    ),
    "117-web-rejection_nonerror": (
        "UnhandledRejection",
        "UnhandledRejection: Object captured as promise rejection with keys: status, url",
        "HIGH",
        None,
        0,
    ),
    "118-web-message": ("message", "message: hello from browser", "LOW", "br", 0),
    "119-web-message_stack": ("message", "message: with stack", "MEDIUM", "br", 0),
    "120-web-tags_user_breadcrumbs": ("PaymentError", f"{CHARGE}u-2", "HIGH", "tt", 0),
    "122-web-fingerprint_custom": ("PaymentError", f"{CHARGE}u-3", "HIGH", "tt", 0),
    "123-web-feedback": ("message", "message: feedback target", "LOW", "br", 0),
    "125-web-attachment": ("PaymentError", f"{CHARGE}u-4", "HIGH", "tt", 2),
    "127-web-non_ascii": ("Error", f"Error: {UNICODE}", "HIGH", "Object.non_ascii", 0),
    "130-web-replay": ("PaymentError", f"{CHARGE}u-replay", "HIGH", "tt", 0),
    "135-web-tunnel": ("PaymentError", f"{CHARGE}u-6", "HIGH", "tt", 0),
    "136-web-dsn_path_prefix": ("PaymentError", f"{CHARGE}u-7", "HIGH", "tt", 0),
    "139-web-group_ids": ("RangeError", "RangeError: user 1 not found at 10.0.0.1 order 1001", "HIGH", "e", 0),
    "140-web-group_ids": ("RangeError", "RangeError: user 22 not found at 10.0.0.22 order 1022", "HIGH", "e", 0),
    "141-web-group_ids": ("RangeError", "RangeError: user 333 not found at 10.0.0.83 order 1333", "HIGH", "e", 0),
    "synthetic-event-id-dashed": ("message", "message: synthetic", "HIGH", None, 0),
    "synthetic-gzip-header-but-plain-body": ("message", "message: synthetic", "HIGH", None, 0),
    "synthetic-spec-two-items-crlf-attachment": ("message", "message: hello world", "HIGH", None, 1),
    "synthetic-store-legacy": ("message", "message: synthetic", "HIGH", None, 0),
}
# What becomes a heartbeat.
RUNS: Final = {
    "019-py-check_in": ("nightly-job", "in_progress"),
    "020-py-check_in": ("nightly-job", "ok"),
    "085-node-check_in": ("nightly", "in_progress"),
    "086-node-check_in": ("nightly", "ok"),
}
# What people said of events that may come later: it waits for these.
SAID: Final = {"032-py-user_report_handmade", "093-node-feedback", "124-web-feedback"}
# What is taken and counted, and kept nowhere.
COUNTED: Final = {
    *("010-py-transaction", "012-py-transaction_with_error", "013-py-transaction_profile", "014-py-span_stream"),
    *("016-py-session_application", "018-py-sessions_request", "034-py-client_report", "035-py-logs", "036-py-metrics"),
    *("061-py-rate_limit_429_backoff", "065-node-exception_cause", "081-node-transaction", "082-node-session"),
    *("096-node-client_report", "097-node-logs", "113-web-init_session", "129-web-pageload_transaction"),
    *("131-web-replay", "133-web-logs", "134-web-client_report"),
    *("synthetic-header-only", "synthetic-spec-implicit-eof"),
}
# What is kept beside an event that may come later: twice the same file.
BESIDE: Final = {"synthetic-spec-empty-attachments-eof": 1}


@pytest.fixture
def shop(cloud_in_memory: Cloud, frozen: Callable[[str], None]) -> Shop:
    """The project that the SDKs reported to, on the day after."""
    frozen("2026-11-22T12:00:00Z")
    settings._make(PROJECT_ID, KEY, NewProject("captured"), "test", clock.now())
    return Shop(cloud_in_memory, PROJECT_ID, KEY)


def request(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def replayed(shop: Shop, name: str) -> Answer:
    """The answer to a captured request, byte for byte, behind the proxy that it was sent through."""
    sent = request(name)
    path = sent["path"].removeprefix(PREFIX)
    if path == TUNNEL:
        path = f"/api/{PROJECT_ID}/envelope/"
    headers = {name.lower(): value for name, value in sent["headers"]}
    return shop.door.send(sent["method"], path, headers, (SAMPLES / f"{name}.bin").read_bytes())


def opened(name: str) -> Envelope:
    """The envelope of a captured request."""
    headers = {name.lower(): value for name, value in request(name)["headers"]}
    raw = encodings.inflate((SAMPLES / f"{name}.bin").read_bytes(), headers.get("content-encoding"), 2**21)
    return envelope.parse(raw)


def payload(name: str) -> dict[str, Any]:
    if "/store/" in request(name)["path"]:
        found: dict[str, Any] = json.loads((SAMPLES / f"{name}.bin").read_text())
        return found
    (found,) = (json.loads(item.payload) for item in opened(name).items if item.type == "event")
    return found


def numbered(*numbers: str) -> list[str]:
    return [name for name in NAMES if name[:3] in numbers]


def frames(description: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the outermost exception, or of the message."""
    found: list[dict[str, Any]] = description.get("stack") or description.get("exceptions", [{}])[-1].get("frames", [])
    return found


def test_each_request_has_a_meaning() -> None:
    assert sorted({*STATUSES, *EVENTS, *RUNS, *SAID, *COUNTED, *BESIDE}) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_request_is_taken_or_refused_as_its_meaning_demands(shop: Shop, name: str) -> None:
    answer = replayed(shop, name)
    assert answer.status == STATUSES.get(name, 200)
    assert answer.headers.get("access-control-allow-origin", "*") == "*"
    kept = [
        (
            incident["error_key"],
            incident["title"],
            incident["severity"],
            frames(incident["description"])[-1].get("function") if frames(incident["description"]) else None,
            len(incident["attachments"]),
        )
        for incident in shop.incidents()
    ]
    assert kept == ([EVENTS[name]] if name in EVENTS else [])
    runs = shop.door.admin("GET", f"/heartbeats?project_id={PROJECT_ID}").json["items"]
    assert [(each["monitor"], each["status"]) for each in runs] == ([RUNS[name]] if name in RUNS else [])
    assert len(shop.cloud.store.messages("reports-overflow")) == (name in SAID)
    assert len(shop.cloud.files) == sum(incident[-1] for incident in kept) + BESIDE.get(name, 0)


@pytest.mark.parametrize("name", sorted(EVENTS.keys() - {"033-py-feedback_handmade"}))
def test_what_an_sdk_said_of_an_event_is_read_back(shop: Shop, name: str) -> None:
    answer = replayed(shop, name)
    sent = payload(name)
    (incident,) = shop.incidents()
    (kept,) = shop.kept(incident["incident_id"])
    said, whole = incident["description"], incident["ingest_notes"] == []
    assert answer.json["id"] == kept["event_id"] == sent.get("event_id", answer.json["id"])
    assert incident["first_release"] == kept["release"] == sent.get("release")
    assert incident["environments"] == ([sent["environment"]] if "environment" in sent else [])
    for part in ("environment", "platform", "transaction", "server_name", "modules", "contexts", "request", "extra"):
        if whole or part != "extra":
            assert said.get(part, {}) == clean(sent.get(part) or {}), part
    user = {field: value for field, value in (sent.get("user") or {}).items() if value != "{{auto}}"}
    assert said.get("user", {}) == user
    assert kept["user_id"] == (str(user.get("id", user.get("email"))) if user.keys() & {"id", "email"} else None)
    assert said.get("tags", {}) == {
        field: value if isinstance(value, str) else json.dumps(value)
        for field, value in dict(sent.get("tags", {})).items()
    }
    assert untimed(said.get("breadcrumbs", [])) == clean(untimed(values(sent.get("breadcrumbs"))))
    raised = [each for each in values(sent.get("exception")) if each.get("type")]
    for shown, each in zip(said.get("exceptions", []), raised, strict=True):
        assert shown["type"] == each["type"]
        assert shown.get("value", "") == clean(each["value"]) if whole else shown["value"][:60] == each["value"][:60]
        assert shown.get("handled") == each.get("mechanism", {}).get("handled")
        traced = each.get("stacktrace", {}).get("frames", [])
        if whole:
            assert shown.get("frames", []) == clean([known(frame) for frame in traced])
    for frame in frames(said)[-3:]:
        assert frame.get("function", "?").removeprefix("?") in incident["stack_trace"]


def test_what_does_not_fit_is_said(shop: Shop) -> None:
    for name in numbered("021", "040", "088"):
        replayed(shop, name)
    assert {incident["error_key"]: incident["ingest_notes"] for incident in shop.incidents()} == {
        "ValueError": [
            "error_message was cut to 8192 characters.",
            "The event was too large: of its texts 8192 characters are kept at most.",
        ],
        "RecursionError": ["948 frames were left out: of a long stack, its ends are kept."],
        "Error": ["extra had 182391 bytes and was trimmed to 16384: the longest texts first."],
    }


def test_feedback_alone_says_who_said_what_and_where(shop: Shop) -> None:
    replayed(shop, "033-py-feedback_handmade")
    (incident,) = shop.incidents()
    said = incident["description"]["contexts"]["feedback"]
    assert said == {"message": "love it", "name": "A", "email": "a@b.c", "url": "https://x/"}


def clean(sent: Any) -> Any:
    """What may be stored of it: without secrets."""
    return scrub(storable(sent, []))


def values(sent: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent.get("values", []) if isinstance(sent, dict) else sent or []
    return found


def untimed(crumbs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{field: value for field, value in crumb.items() if field != "timestamp"} for crumb in crumbs]


def known(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame without what only Sentry itself makes use of."""
    return {field: value for field, value in frame.items() if field not in ("module_metadata", "debug_id")}


# -- what is one failure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [("053", "054", "055", "056"), ("109", "110", "112"), ("139", "140", "141")])
def test_ids_and_addresses_in_the_text_make_one_incident(shop: Shop, numbers: tuple[str, ...]) -> None:
    names = numbered(*numbers)
    for name in names:
        replayed(shop, name)
    (incident,) = shop.incidents()
    assert incident["count"] == len({EVENTS[name][1] for name in names}) == len(numbers)
    assert "type" in incident["grouped_by"]
    assert "function" in incident["grouped_by"]


def test_the_same_text_from_two_functions_makes_two_incidents(shop: Shop) -> None:
    for name in numbered("057", "058"):
        replayed(shop, name)
    one, other = shop.incidents()
    assert one["title"] == other["title"]
    assert (one["count"], other["count"]) == (1, 1)
    assert {one["grouped_by"], other["grouped_by"]} == {
        f"type ValueError, function {function}, in gen_python.py" for function in "ab"
    }


def test_one_bug_with_free_text_in_its_message_makes_one_incident(shop: Shop) -> None:
    event = payload("043-py-uncaught")
    (raised,) = event["exception"]["values"]
    texts = ("Zoe's card expired", "no such shop: Größe 42", "", "first\nsecond", None)
    for nth, text in enumerate(texts):
        several = {**event, "event_id": f"{nth:032x}", "exception": {"values": [{**raised, "value": text}]}}
        assert shop.send(packed(("event", several))).status == 200
    assert [incident["count"] for incident in shop.incidents()] == [len(texts)]


def test_an_event_that_comes_again_counts_once(shop: Shop) -> None:
    first, again = (replayed(shop, name).json for name in numbered("050", "051"))
    assert first == again
    assert shop.counts() == {"message: duplicate id": 1}


def test_all_of_them_together_are_as_many_incidents_as_there_are_failures(shop: Shop) -> None:
    for name in NAMES:
        replayed(shop, name)
    # The two of 050 and 051 are one; the id of the synthetic ones is the same.
    synthetic = [name for name in EVENTS if name.startswith("synthetic")]
    incidents = shop.incidents()
    assert sum(incident["count"] for incident in incidents) == len(EVENTS) - 1 - (len(synthetic) - 1)
    counts = {incident["grouped_by"]: incident["count"] for incident in incidents}
    # Whatever SDK option, encoding, proxy or credential it came by.
    assert counts["type PaymentError, function charge, in gen_python.py"] == 11
    assert counts["type PaymentError, function charge, in gen_node"] == 6
    assert counts["type PaymentError, function tt, in assets/app.js"] == 6


# -- what comes beside an event ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if event[-1]])
def test_attachments_are_stored_byte_for_byte(shop: Shop, name: str) -> None:
    replayed(shop, name)
    sent = [item for item in opened(name).items if item.type == "attachment"]
    (incident,) = shop.incidents()
    shown = {(each["name"], each["size_bytes"]) for each in incident["attachments"]}
    assert shown == {(item.header["filename"], len(item.payload)) for item in sent}
    assert sorted(shop.cloud.files.values()) == sorted(item.payload for item in sent)


@pytest.mark.parametrize("numbers", [("031", "032"), ("123", "124"), ("095", "093"), ("093", "095")])
def test_what_people_say_is_shown_beside_its_event(shop: Shop, numbers: tuple[str, str]) -> None:
    for number in numbers:
        replayed(shop, *numbered(number))
    # By then the event is there, so that it is no incident of its own.
    shop.cloud.absorb()
    (incident,) = shop.incidents()
    (feedback,) = incident["feedback"]
    assert feedback["message"]
    assert feedback["email"]
    assert incident["error_key"] == "message"
