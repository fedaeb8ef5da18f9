"""Events: what SDKs really send, and what nobody should send, read as reports."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import encodings, untrusted
from chalicelib.incidents.report import ERROR_KEY, MAX_DESCRIPTION_BYTES, MAX_NOTES, Origin, Report, pack, unpack
from chalicelib.personal import Scrub
from chalicelib.scrubbing import SCRUBBED
from chalicelib.sentry import envelope, events, exceptions

SAMPLES: Final = Path(__file__).parents[1] / "data" / "envelopes"
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORIGIN: Final = Origin("1", "Browser/1.0", "correlation-1")
ID: Final = "9ec79c33ec9942ab8353589fcb2e04dc"
REFUSED: Final = ("synthetic-gzip-corrupt", "synthetic-length-too-short")


def read(event: Mapping[str, object], origin: Origin = ORIGIN) -> Report:
    report = events.read(event, ID, origin, NOW)
    assert unpack(pack(report)) == report
    assert len(msgspec.json.encode(report.description)) <= MAX_DESCRIPTION_BYTES
    assert ERROR_KEY.fullmatch(report.error_key)
    assert len(report.notes) <= MAX_NOTES
    assert (report.event_id, report.named) == (ID, True)
    return report


@cache
def samples() -> dict[str, dict[str, Any]]:
    """The events of the captured requests, by the names of their files."""
    found = {}
    for path in sorted(SAMPLES.glob("*.json")):
        request = json.loads(path.read_text())
        headers = {name.lower(): value for name, value in request["headers"]}
        if path.stem in REFUSED or "/envelope/" not in request["path"] or not request["body_len"]:
            continue
        raw = encodings.inflate(path.with_suffix(".bin").read_bytes(), headers.get("content-encoding"), 2**21)
        payloads = [item.payload for item in envelope.parse(raw).items if item.type == "event"]
        if payloads:
            (found[path.stem],) = (untrusted.json_object(payload, "The event") for payload in payloads)
    return found


def sample(number: str) -> dict[str, Any]:
    (event,) = (event for name, event in samples().items() if name.startswith(f"{number}-"))
    return event


# -- what SDKs send ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "title", "grouped_by", "severity", "handled"),
    [
        (
            "001",
            "PaymentError: charge failed for user u-1001",
            "type PaymentError, function charge, in gen_python.py",
            "HIGH",
            True,
        ),
        ("003", "message: Something happened", 'message "Something happened"', "LOW", None),
        ("005", "message: We are down", 'message "We are down"', "CRITICAL", None),
        (
            "007",
            "PaymentError: charge failed for user u-1",
            'explicit fingerprint "payment-gateway", "timeout", "504"',
            "HIGH",
            True,
        ),
        (
            "008",
            "PaymentError: charge failed for user u-2",
            'explicit fingerprint type PaymentError, function charge, in gen_python.py, "tenant-acme"',
            "HIGH",
            True,
        ),
        ("009", "message: weird fp", 'explicit fingerprint "x", "42", "true"', "HIGH", None),
        ("025", "message: lone � surrogate and \x00 nul", 'message "lone � surrogate and � nul"', "HIGH", None),
        (
            "037",
            "shop.orders: order o-77 failed for {'id': 5}",
            'logger shop.orders, message "order %s failed for %s"',
            "HIGH",
            None,
        ),
        (
            "038",
            "PaymentError: charge failed for user u-8",
            "type PaymentError, function charge, in gen_python.py",
            "HIGH",
            True,
        ),
        ("039", "ExceptionGroup: many", "type ExceptionGroup, function f, in gen_python.py", "HIGH", True),
        ("041", "AssertionError", "type AssertionError, function f, in gen_python.py", "HIGH", True),
        ("042", "ValueError: first line id=123", "type ValueError, function f, in gen_python.py", "HIGH", True),
        (
            "043",
            "PaymentError: uncaught in main, order 8731",
            "type PaymentError, function c_uncaught, in gen_python.py",
            "HIGH",
            False,
        ),
        ("045", "message: message with stack", 'message "message with stack"', "LOW", None),
        ("052", "message: Hello bob 3", 'message "Hello %s %d"', "HIGH", None),
        (
            "066",
            "PaymentError: charge failed for user u-1",
            "type PaymentError, function charge, in gen_node",
            "HIGH",
            True,
        ),
        (
            "068",
            "AggregateError: many failed",
            "type AggregateError, function aggregate_error, in gen_node",
            "HIGH",
            True,
        ),
        ("070", "message: Something happened", 'message "Something happened"', "MEDIUM", True),
        ("074", "Error: just a string", "type Error, function non_error_string, in gen_node", "HIGH", True),
        ("076", "Error", "type Error, function no_message_error, in gen_node", "HIGH", True),
        ("090", "Error: Ошибка 支払い 🚨", "type Error, function non_ascii > <anonymous>, in gen_node", "HIGH", True),
        (
            "101",
            "PaymentError: charge failed for user u-uncaught",
            "type PaymentError, function charge, in gen_node",
            "CRITICAL",
            False,
        ),
        (
            "115",
            "PaymentError: charge failed for user u-uncaught",
            "type PaymentError, function tt, in assets/app.js",
            "HIGH",
            False,
        ),
        (
            "117",
            "UnhandledRejection: Object captured as promise rejection with keys: status, url",
            'type UnhandledRejection, message "Object captured as promise rejection with keys: status, url"',
            "HIGH",
            False,
        ),
        ("118", "message: hello from browser", 'message "hello from browser"', "LOW", True),
    ],
)
def test_events_of_sdks_become_incidents(
    number: str,
    title: str,
    grouped_by: str,
    severity: str,
    handled: bool | None,  # noqa: FBT001  # a column of the table above
) -> None:
    report = read(sample(number))
    assert (report.title, report.grouped_by, report.severity) == (title, grouped_by, severity)
    assert report.description.get("handled") is handled
    assert report.notes == []


@pytest.mark.parametrize("name", sorted(samples()))
def test_every_captured_event_is_kept_whole_or_says_what_it_lost(name: str) -> None:
    event = samples()[name]
    report = read(event)
    description = report.description
    assert report.notes == [] or len(json.dumps(event)) > MAX_DESCRIPTION_BYTES
    assert report.release == event.get("release")
    assert report.environment == event.get("environment")
    for part in ("tags", "level", "platform", "logger", "transaction"):
        assert bool(description.get(part)) == bool(event.get(part))
    sent = [each for each in event.get("exception", {}).get("values", []) if each.get("type")]
    assert [each["type"] for each in description.get("exceptions", [])] == [each["type"] for each in sent]
    if any(each.get("stacktrace") for each in sent):
        assert all(each["type"] in str(report.stack_trace) for each in sent)


@pytest.mark.parametrize("numbers", [("053", "054", "055", "056"), ("109", "110", "112"), ("139", "140", "141")])
def test_ids_and_addresses_in_the_text_make_one_incident(numbers: tuple[str, ...]) -> None:
    reports = [read(sample(number)) for number in numbers]
    assert len({report.incident_id for report in reports}) == 1
    assert len({report.title for report in reports}) == len(numbers)


def test_the_same_text_from_two_functions_makes_two_incidents() -> None:
    one, other = read(sample("057")), read(sample("058"))
    assert one.title == other.title
    assert one.incident_id != other.incident_id


def test_one_bug_with_free_text_in_its_message_makes_one_incident() -> None:
    event = sample("043")
    words = ("Zoe's card expired", "no such shop: Größe 42", "", "first\nsecond", None)
    reports = []
    for value in words:
        (raised,) = event["exception"]["values"]
        reports.append(read({**event, "exception": {"values": [{**raised, "value": value}]}}))
    assert len({report.incident_id for report in reports}) == 1


def test_a_chain_keeps_its_order_and_its_frames_theirs() -> None:
    cause, outermost = read(sample("001")).description["exceptions"]
    assert (cause["type"], outermost["type"]) == ("KeyError", "PaymentError")
    assert [frame["function"] for frame in cause["frames"]] == ["charge", "lookup"]
    assert cause["frames"][1]["context_line"] == "def lookup(d, k): return d[k]"
    assert cause["frames"][0]["vars"]["password"] == SCRUBBED


def test_whatever_says_that_it_was_not_handled_is_believed() -> None:
    raised = [
        {"type": "A", "mechanism": {"handled": True}},
        {"type": "B", "mechanism": {"handled": False}},
        {"type": "C"},
        {"type": "D", "mechanism": {"handled": "no"}},
    ]
    assert read({"exception": raised}).description["handled"] is False
    assert read({"exception": [raised[0], raised[2]]}).description["handled"] is True
    assert "handled" not in read({"exception": [raised[2], raised[3]]}).description


def test_what_an_operator_looks_for_is_there() -> None:
    report = read(sample("046"))
    assert report.url == "https://shop.example.com/checkout/77"
    assert report.endpoint == "POST /checkout/77"
    assert report.route_name == "generic WSGI request"
    assert report.user_agent == "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"
    assert report.correlation_id == "3ce370803fd744c4b1f851e18d024101"
    assert report.occurred_at == "2026-11-21T20:34:49.986Z"
    assert report.release == "shop-frontend@1.4.2"
    assert report.description["user"] == {"ip_address": "203.0.113.9"}
    assert report.description["request"]["query_string"] == f"a=1&a=2&token={SCRUBBED}"
    assert report.description["sdk"] == {"name": "sentry.python", "version": "2.75.0"}
    breadcrumbs = read(sample("078")).description["breadcrumbs"]
    assert [crumb["timestamp"] for crumb in breadcrumbs] == ["2026-11-21T20:35:39.315Z"]


def test_a_message_keeps_the_stack_it_comes_with() -> None:
    for number, last in (("045", "c_attach_stacktrace_message"), ("070", "Object.message")):
        report = read(sample(number))
        assert "exceptions" not in report.description
        assert report.description["stack"][-1]["function"] == last
        assert report.error_key == "message"
        assert last in str(report.stack_trace)


# -- the same in several forms ----------------------------------------------------------------------------------------

BOOM: Final = {"type": "ValueError", "value": "boom 5"}


@pytest.mark.parametrize("exception", [{"values": [BOOM]}, [BOOM], BOOM, {"values": BOOM}, [None, BOOM]])
def test_exceptions_come_in_several_forms(exception: object) -> None:
    report = read({"exception": exception})
    assert report.description["exceptions"] == [BOOM]
    assert report.title == "ValueError: boom 5"
    assert report.grouped_by == 'type ValueError, message "boom <n>"'
    assert report.notes == []


@pytest.mark.parametrize("exception", [{"values": []}, {"values": None}, [], {}, None, [None]])
def test_no_exception_is_none(exception: object) -> None:
    report = read({"exception": exception, "message": "m"})
    assert report.description == {"error_message": "m", "message": "m"}
    assert report.notes == []


@pytest.mark.parametrize(
    ("event", "message", "template", "params"),
    [
        ({"message": "m 5"}, "m 5", None, None),
        ({"message": {"message": "m %s", "params": ["a"]}}, "m a", "m %s", ["a"]),
        ({"message": {"formatted": "m a", "message": "m %s"}}, "m a", "m %s", None),
        ({"message": {"formatted": "m a"}}, "m a", None, None),
        ({"logentry": {"message": "m"}}, "m", None, None),
        ({"logentry": "m", "message": "n"}, "m", None, None),
        ({"logentry": {"message": "%(a)s %(b)d %c", "params": {"a": 1}}}, "1 %(b)d %c", "%(a)s %(b)d %c", {"a": 1}),
        (
            {"logentry": {"message": "91% full of %s, %d", "params": [None]}},
            "91% full of None, %d",
            "91% full of %s, %d",
            [None],
        ),
        ({"logentry": {"message": "m %s", "params": 5}}, "m %s", "m %s", 5),
        ({"message": ["a", 5]}, '["a", 5]', None, None),
        ({"exception": [{"value": "first"}, {"value": "last"}]}, "last", None, None),
        ({}, None, None, None),
    ],
)
def test_messages_come_in_several_forms(
    event: dict[str, object], message: str | None, template: str | None, params: object
) -> None:
    report = read(event)
    assert report.error_message == message
    found = report.description
    assert (found.get("message"), found.get("template"), found.get("params")) == (message, template, params)
    assert report.error_key == "message"


def test_messages_group_by_logger_and_template() -> None:
    def incident(logger: str | None, message: object) -> str:
        return read({"logger": logger, "message": message}).incident_id

    ann = incident("shop", {"message": "order of %s failed", "params": ["Ann"]})
    assert ann == incident("shop", {"message": "order of %s failed", "formatted": "order of Bob failed"})
    others = {
        incident("shop", {"message": "order of %s was lost", "params": ["Ann"]}),
        incident("media", {"message": "order of %s failed", "params": ["Ann"]}),
        incident(None, {"message": "order of %s failed", "params": ["Ann"]}),
        incident("shop", "order of Ann failed"),
    }
    assert len(others | {ann}) == 5
    assert incident(None, "disk 91% full of 7 files") == incident(None, "disk 92% full of 8 files")


@pytest.mark.parametrize("tags", [{"a": "x", "b": True, "c": 3, "d": None}, [["a", "x"], ["b", True], ["c", 3]]])
def test_tags_come_as_an_object_or_pairs(tags: object) -> None:
    assert read({"tags": tags}).description["tags"] == {"a": "x", "b": "true", "c": "3"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"headers": {"A": "1", "User-Agent": "UA"}}, {"headers": {"A": "1", "User-Agent": "UA"}}),
        ({"headers": [["A", "1"], ["User-Agent", ["UA"]]]}, {"headers": {"A": "1", "User-Agent": "UA"}}),
        ({"headers": {"user-agent": ["UA"], "b": ["1", 2]}}, {"headers": {"user-agent": "UA", "b": "1, 2"}}),
        ({"query_string": [["token", "x"], ["a", "1"]]}, {"query_string": [["token", SCRUBBED], ["a", "1"]]}),
        ({"query_string": {"token": "x", "a": "1"}}, {"query_string": {"token": SCRUBBED, "a": "1"}}),
        ({"query_string": "token=x&a=1"}, {"query_string": f"token={SCRUBBED}&a=1"}),
        ({"cookies": {"sid": "x"}}, {"cookies": SCRUBBED}),
        ({"cookies": "sid=x"}, {"cookies": SCRUBBED}),
        ({"cookies": [["sid", "x"]]}, {"cookies": SCRUBBED}),
        ({"data": '{"password": "x", "a": 1}'}, {"data": f'{{"password": "{SCRUBBED}", "a": 1}}'}),
        ({"data": {"password": "x", "a": 1}}, {"data": {"password": SCRUBBED, "a": 1}}),
        ({"data": None, "url": " "}, None),
    ],
)
def test_requests_come_in_several_forms(request_: dict[str, object], expected: object) -> None:
    report = read({"request": request_})
    assert report.description.get("request") == expected
    assert report.user_agent == ("UA" if "UA" in str(request_) else None)
    assert report.notes == []


@pytest.mark.parametrize(
    ("user", "user_id", "shown"),
    [
        ({"id": 7, "ip_address": "{{auto}}"}, "7", {"id": 7}),
        ({"id": 0}, "0", {"id": 0}),
        ({"id": " u-1 ", "username": "ann"}, "u-1", {"id": " u-1 ", "username": "ann"}),
        ({"id": None, "username": "ann", "email": "a@b.co"}, "ann", {"username": "ann", "email": "a@b.co"}),
        ({"email": "a@b.co"}, "a@b.co", {"email": "a@b.co"}),
        ({"ip_address": "203.0.113.9"}, None, {"ip_address": "203.0.113.9"}),
        ({"ip_address": "{{auto}}"}, None, None),
        (None, None, None),
    ],
)
def test_users_are_told_apart_by_what_identifies_them(user: object, user_id: str | None, shown: object) -> None:
    report = read({"user": user})
    assert report.user_id == user_id
    assert report.description.get("user") == shown
    assert report.notes == []


@pytest.mark.parametrize(
    ("timestamp", "occurred_at"),
    [
        (1795293630.975, "2026-11-21T20:40:30.975Z"),
        (1795293630, "2026-11-21T20:40:30.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        ("1795293630.5", "2026-11-21T20:40:30.500Z"),
        ("2026-11-21T20:33:56.661298Z", "2026-11-21T20:33:56.661Z"),
        ("2026-11-21T20:33:56", "2026-11-21T20:33:56.000Z"),
        (None, None),
    ],
)
def test_times_come_as_numbers_or_texts(timestamp: object, occurred_at: str | None) -> None:
    report = read({"timestamp": timestamp})
    assert report.occurred_at == occurred_at
    assert report.notes == []


@pytest.mark.parametrize("timestamp", [1e300, -1, 10**99, 253402300799.9999999, "soon", [], {}, "9" * 400])
def test_a_time_that_is_none_is_noted(timestamp: object) -> None:
    report = read({"timestamp": timestamp, "message": "m"})
    assert (report.occurred_at, report.error_message) == (None, "m")
    assert len(report.notes) == 1


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("fatal", "CRITICAL"),
        ("error", "HIGH"),
        ("ERROR", "HIGH"),
        ("warning", "MEDIUM"),
        ("info", "LOW"),
        ("debug", "LOW"),
        ("log", "LOW"),
        ("sample", "LOW"),
        (None, "HIGH"),
    ],
)
def test_a_level_is_a_severity_unless_a_tag_says_otherwise(level: str | None, severity: str) -> None:
    assert read({"level": level}).severity == severity
    assert read({"level": level, "tags": {"severity": "critical"}}).severity == "CRITICAL"
    other = read({"level": level, "tags": {"severity": "blocker"}})
    assert other.severity == severity
    assert other.notes == ["The tag severity was left out: it must be one of LOW, MEDIUM, HIGH, CRITICAL."]


@pytest.mark.parametrize(
    ("tags", "was_bypassed", "reason"),
    [
        ({}, None, None),
        ({"bypassed": True}, True, None),
        ({"bypassed": "True"}, True, None),
        ({"bypassed": "false"}, False, None),
        ({"bypassed": "1", "bypass_reason": "known bug"}, True, "known bug"),
        ({"bypassed": "upload is optional"}, True, "upload is optional"),
        ({"beta_error": "true"}, True, "beta"),
        ({"beta_error": True, "bypassed": True}, True, "beta"),
        ({"beta_error": "trial_limit", "bypassed": "yes"}, True, "trial_limit"),
        ({"beta_error": "true", "bypass_reason": "known bug"}, True, "known bug"),
        ({"beta_error": "true", "bypassed": "false"}, False, None),
        ({"beta_error": "false"}, False, None),
        ({"bypass_reason": "alone it says nothing"}, None, None),
    ],
)
def test_tags_say_that_a_failure_was_bypassed(
    tags: dict[str, object],
    was_bypassed: bool | None,  # noqa: FBT001  # a column of the table above
    reason: str | None,
) -> None:
    report = read({"tags": tags, "exception": BOOM})
    assert (report.was_bypassed, report.bypass_reason) == (was_bypassed, reason)
    assert report.error_key == "ValueError"


@pytest.mark.parametrize(
    ("event", "error_key"),
    [
        ({"exception": {"type": "java.lang.Error<T> ", "value": "v"}, "logger": "shop"}, "java.lang.Error_T_"),
        ({"exception": {"type": "é" * 300}}, "_" * 100),
        ({"exception": {"type": " ", "value": "v"}, "logger": "shop.orders"}, "shop.orders"),
        ({"exception": [{"type": "Cause"}, {"value": "no type"}], "logger": "shop"}, "Cause"),
        ({"logger": "my logger"}, "my_logger"),
        ({"logger": ""}, "message"),
    ],
)
def test_the_error_key_is_the_type_or_the_logger(event: dict[str, object], error_key: str) -> None:
    assert read(event).error_key == error_key


def test_a_release_is_trimmed_and_a_status_read_wherever_it_is() -> None:
    assert read({"release": "  shop@1.4.2\n"}).release == "shop@1.4.2"
    assert read({"release": 42}).release == "42"
    long = read({"release": "r" * 300})
    assert (len(str(long.release)), long.notes) == (200, ["release was cut to 200 characters."])
    assert read({"contexts": {"response": {"status_code": 503}}}).http_status == 503
    assert read({"tags": {"http.status_code": "502"}}).http_status == 502


def test_only_a_browser_answers_for_its_user() -> None:
    assert read({"platform": "javascript"}).user_agent == "Browser/1.0"
    assert read({"platform": "python"}).user_agent is None


# -- groups, threads --------------------------------------------------------------------------------------------------


def group_of(*members: Mapping[str, object]) -> dict[str, object]:
    values = [{**each, "mechanism": {"exception_id": nth, "parent_id": 0}} for nth, each in enumerate(members, 1)] + [
        {"type": "ExceptionGroup", "value": "2 failed", "mechanism": {"exception_id": 0, "is_exception_group": True}}
    ]
    return {"exception": {"values": values}}


def test_a_group_of_one_failure_is_that_failure() -> None:
    alone = read({"exception": BOOM})
    assert read(group_of(BOOM)).incident_id == alone.incident_id
    assert read(group_of(BOOM, {**BOOM, "value": "boom 7"})).error_key == "ValueError"
    mixed = read(group_of(BOOM, {"type": "KeyError", "value": "k"}))
    assert mixed.title == "ExceptionGroup: 2 failed"
    assert len(mixed.description["exceptions"]) == 3
    nameless = {"exception": [BOOM, {"type": "ExceptionGroup", "mechanism": {"is_exception_group": True}}]}
    assert read(nameless).error_key == "ExceptionGroup"


def test_the_stack_of_the_crashed_thread_stands_in_for_a_missing_one() -> None:
    threads = [
        {"id": 1, "stacktrace": {"frames": [{"function": "idle", "module": "os"}]}},
        {"id": 2, "crashed": True, "stacktrace": {"frames": [{"function": "pay", "module": "shop"}]}},
        {"id": 3, "current": True, "stacktrace": {"frames": [{"function": "wait", "module": "os"}]}},
    ]
    report = read({"exception": BOOM, "threads": {"values": threads}})
    assert report.grouped_by == "type ValueError, function pay, in shop"
    assert report.description["exceptions"][0]["frames"] == [{"function": "pay", "module": "shop"}]
    own = {**BOOM, "stacktrace": {"frames": [{"function": "own", "module": "shop"}]}}
    assert read({"exception": own, "threads": threads}).grouped_by == "type ValueError, function own, in shop"
    assert "frames" not in read({"exception": [own, BOOM], "threads": threads}).description["exceptions"][1]
    assert read({"message": "m", "threads": threads[::2]}).description["stack"] == [
        {"function": "wait", "module": "os"}
    ]


# -- secrets and personal data ----------------------------------------------------------------------------------------


def test_no_secret_is_kept_wherever_it_stands() -> None:
    password, jwt = "hunter2-correct-horse", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLWl0"
    frame = {
        "function": f"f password={password}",
        "module": f"m {jwt}",
        "context_line": f'password = "{password}"',
        "pre_context": [f"token: {jwt}"],
        "vars": {"password": password, "request": {"authorization": password}, "x": jwt},
    }
    text = f"login failed: password={password} {jwt}"
    event = {
        "message": {"message": text, "params": [jwt]},
        "logger": jwt,
        "transaction": text,
        "release": jwt,
        "server_name": text,
        "fingerprint": [text, jwt],
        "exception": [{"type": jwt, "value": text, "module": jwt, "stacktrace": {"frames": [frame]}}],
        "tags": [["password", password], ["t", jwt]],
        "user": {"id": jwt, "password": password},
        "request": {
            "url": f"https://u:{password}@shop.example.com/?token={jwt}",
            "method": "POST",
            "headers": [["Authorization", password], ["User-Agent", jwt]],
            "query_string": [["password", password]],
            "cookies": {"a": password},
            "data": {"password": password},
        },
        "contexts": {"trace": {"trace_id": "a" * 32, "password": password}},
        "extra": {"secret": password, "list": [["password", password]], jwt: 1},
        "breadcrumbs": [{"message": text, "data": {"password": password}}],
        "custom": {"password": password},
    }
    stored = msgspec.json.encode(read(event)).decode()
    assert password not in stored
    assert jwt not in stored
    assert "login failed" in stored


def test_personal_data_is_kept_or_not_as_the_project_says() -> None:
    event = {
        "user": {"email": "ann@example.com", "ip_address": "203.0.113.9"},
        "message": "ann@example.com from 203.0.113.9",
        "request": {"url": "https://shop.example.com/?q=ann@example.com", "env": {"REMOTE_ADDR": "203.0.113.9"}},
    }
    kept, hashed, removed = (
        msgspec.json.encode(read(event, Origin("1", None, "c", 90, scrub))).decode()
        for scrub in (Scrub(), Scrub("hash", "hash"), Scrub("remove", "remove"))
    )
    assert "ann@example.com" in kept
    assert "203.0.113.9" in kept
    for stored in (hashed, removed):
        assert "ann@example.com" not in stored
        assert "203.0.113.9" not in stored
    assert (
        read(event, Origin("1", None, "c", 90, Scrub("hash"))).user_id
        == read({"user": {"email": "ann@example.com"}}, Origin("1", None, "c", 90, Scrub("hash"))).user_id
    )


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_a_long_recursion_keeps_its_ends() -> None:
    report = read(sample("040"))
    (raised,) = report.description["exceptions"]
    assert (len(raised["frames"]), raised["frames_left_out"]) == (exceptions.MAX_FRAMES, 948)
    assert [raised["frames"][0]["function"], raised["frames"][-1]["function"]] == ["capture", "r"]
    assert raised["frames"][-1]["context_line"]
    assert report.notes == ["948 frames were left out: of a long stack, its ends are kept."]


def frames_of(size: int, lines: int) -> list[dict[str, object]]:
    return [
        {
            "function": f"f{nth}",
            "module": "shop",
            "in_app": nth % 2 == 0,
            "pre_context": [f"line {nth} {line} ".ljust(size, "x") for line in range(lines)],
            "context_line": "raise it",
        }
        for nth in range(50)
    ]


FRAMES: Final = frames_of(40, 5)


@pytest.mark.parametrize(
    ("parts", "lost"),
    [
        ({"extra": {f"k{nth}": "v" * 900 for nth in range(300)}}, "extra"),
        ({"extra": {"one": "v" * 2_000_000}}, "texts"),
        ({"extra": {f"k{nth}": nth for nth in range(40_000)}}, "extra"),
        ({"breadcrumbs": [{"message": "m" * 2000} for _ in range(100)]}, "breadcrumbs"),
        ({"tags": [[f"k{nth}", "v"] for nth in range(9000)], "contexts": {"a": {"b": ["c"] * 40_000}}}, "contexts"),
        ({"custom": ["c"] * 40_000}, "_extra"),
        ({"message": "m" * 500_000}, "texts"),
        ({"exception": {**BOOM, "value": "v" * 500_000, "stacktrace": {"frames": FRAMES}}}, "texts"),
    ],
)
def test_a_large_event_is_accepted_and_trimmed_with_a_note(parts: dict[str, object], lost: str) -> None:
    report = read(
        {"exception": {**BOOM, "stacktrace": {"frames": FRAMES}}, "user": {"id": 7}, "release": "1.0", **parts}
    )
    assert report.error_key == "ValueError"
    assert (report.user_id, report.release) == ("7", "1.0")
    assert any(lost in note for note in report.notes)
    assert report.description["exceptions"][0]["frames"] == FRAMES  # what was not to blame is whole


def test_libraries_lose_their_source_before_the_application_does() -> None:
    raised = [{**BOOM, "stacktrace": {"frames": frames_of(150, 10)}}]
    report = read({"exception": raised})
    frames = report.description["exceptions"][0]["frames"]
    assert all(("pre_context" in frame) == frame["in_app"] for frame in frames)
    assert report.notes == ["The event was too large: frames lost their source lines and variables."]
    worse = read({"exception": [{**BOOM, "stacktrace": {"frames": frames_of(400, 10)}}] * 2})
    for each in worse.description["exceptions"]:
        kept = [frame for frame in each["frames"] if "pre_context" in frame]
        assert 0 < len(kept) <= events.INNERMOST
        assert all(frame["context_line"] == "raise it" for frame in each["frames"])


def test_more_exceptions_breadcrumbs_and_parts_than_anybody_reads() -> None:
    report = read(
        {
            "exception": [{"type": f"E{nth}"} for nth in range(40)],
            "breadcrumbs": [{"message": str(nth)} for nth in range(150)],
            "fingerprint": [str(nth) for nth in range(30)],
        }
    )
    assert [each["type"] for each in report.description["exceptions"]] == [f"E{nth}" for nth in range(30, 40)]
    assert [crumb["message"] for crumb in report.description["breadcrumbs"]] == [str(nth) for nth in range(50, 150)]
    assert report.fingerprint == [str(nth) for nth in range(20)]
    assert len(report.notes) == 3


@pytest.mark.parametrize(
    "event",
    [
        {"tags": [["k", ["v"]]] * 100_000},
        {"exception": [{"type": "E", "stacktrace": {"frames": [{"function": "?", "filename": "a.js"}] * 30_000}}]},
        {"exception": [{"type": "E", "stacktrace": {"frames": [1, {"lineno": "x"}] * 30_000}}]},
        {"message": {"message": "%(a)s" * 100_000, "params": {"a": "x" * 100_000}}},
        {"fingerprint": [["x"]] * 100_000},
        {"exception": [{"type": "E"}] * 100_000},
        {"request": {"headers": [["a", ["b", {}]]] * 30_000}},
    ],
)
def test_a_large_hostile_event_costs_no_more_than_its_size(event: dict[str, object]) -> None:
    started = time.process_time()
    read(event)
    assert time.process_time() - started < 2


# -- what is malformed ------------------------------------------------------------------------------------------------

WHOLE: Final[dict[str, Any]] = {
    "exception": {
        "values": [
            {
                "type": "ValueError",
                "value": "boom",
                "module": "shop",
                "mechanism": {"type": "generic", "handled": False},
                "stacktrace": {"frames": [{"function": "pay", "module": "shop", "lineno": 5, "vars": {"a": "1"}}]},
            }
        ]
    },
    "message": {"message": "pay %s", "params": ["x"]},
    "threads": {"values": [{"id": 1, "stacktrace": {"frames": []}}]},
    "level": "warning",
    "logger": "shop",
    "platform": "python",
    "release": "1.0",
    "environment": "live",
    "transaction": "/pay",
    "server_name": "host-1",
    "dist": "7",
    "timestamp": 1795293630,
    "fingerprint": ["{{ default }}", "x"],
    "sdk": {"name": "sentry.python", "version": "2"},
    "user": {"id": 7, "ip_address": "{{auto}}"},
    "tags": {"severity": "LOW", "bypassed": "true"},
    "request": {"url": "https://a.example/pay", "method": "POST", "headers": {"User-Agent": "UA"}},
    "contexts": {"trace": {"trace_id": "a" * 32}, "response": {"status_code": 500}},
    "extra": {"a": 1},
    "breadcrumbs": {"values": [{"message": "m", "timestamp": 1795293630}]},
    "modules": {"flask": "3"},
}
# Where the one is malformed, others say the same less well.
DEPENDENT: Final = {"message": {"message", "template", "params"}, "exception": {"exceptions", "handled", "stack"}}


@pytest.mark.parametrize("wrong", [5, True, "text", [5], [[]], {"values": 5}, {"frames": 5}, [{"a": []}]], ids=str)
@pytest.mark.parametrize("name", sorted(WHOLE))
def test_one_malformed_field_costs_only_itself(name: str, wrong: object) -> None:
    whole, report = read(WHOLE), read({**WHOLE, name: wrong})
    lost = {name, "error_message"} | DEPENDENT.get(name, set())
    for part, value in whole.description.items():
        assert part in lost or report.description[part] == value
    if name not in {"tags", "level"}:
        assert report.severity == "LOW"
    assert name == "user" or report.user_id == "7"
    assert name == "release" or report.release == "1.0"
    assert name == "timestamp" or report.occurred_at == "2026-11-21T20:40:30.000Z"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, "text") for name in sorted({"exception", "tags", "user", "request", "contexts", "extra", "sdk"})),
        *(
            (name, {"a": 1})
            for name in sorted({"level", "logger", "platform", "release", "environment", "transaction"})
        ),
        ("breadcrumbs", 5),
        ("breadcrumbs", [5]),
        ("tags", [["a", "b", "c"]]),
        ("tags", {"a": [], "b": []}),
        ("fingerprint", "text"),
        ("fingerprint", [[]]),
        ("timestamp", "soon"),
        ("user", {"id": []}),
        ("request", {"url": 5.5, "headers": "A: b"}),
        ("contexts", {"response": {"status_code": 5000}}),
        ("contexts", {"trace": {"trace_id": "not an id"}}),
        ("exception", [{"type": []}]),
        ("exception", [{"type": "E", "mechanism": "m"}]),
        ("exception", [{"type": "E", "stacktrace": {"frames": {}}}]),
        ("exception", [{"type": "E", "stacktrace": [5]}]),
        ("exception", [{"type": "E", "stacktrace": [{"function": 5}]}]),
    ],
)
def test_what_is_malformed_is_noted(name: str, wrong: object) -> None:
    notes = read({name: wrong}).notes
    assert len(notes) == 1
    assert notes[0].endswith(".")


SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(["{{auto}}", "{{ default }}", "true", "error", "%s %(a)s %99999999d", "\ud800", "\x00", "1e999"])
)
KEYS: Final = st.sampled_from(
    str.split("""
        values type value module mechanism handled is_exception_group exception_id parent_id stacktrace frames function
        filename abs_path lineno in_app vars context_line pre_context id email ip_address url method headers cookies
        query_string data message formatted params timestamp trace trace_id response status_code name version severity
        bypassed beta_error user-agent crashed source password
    """)
) | st.text(max_size=5)
JSON: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
KNOWN: Final = sorted({*WHOLE, "logentry", "stacktrace", "culprit", "type", "_meta", "custom", "event_id"})
ORIGINS: Final = st.builds(
    lambda scrub: Origin("1", "UA", "c", 90, scrub),
    st.builds(Scrub, st.sampled_from(["keep", "hash", "remove"]), st.sampled_from(["keep", "hash", "remove"])),
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(KNOWN), JSON, max_size=8), ORIGINS)
def test_no_json_is_too_hostile(event: dict[str, object], origin: Origin) -> None:
    report = read(event, origin)
    assert report.grouped_by.isprintable()
    report.title.encode()


@settings(deadline=None, max_examples=200)
@given(st.data(), JSON, ORIGINS)
def test_any_part_of_a_real_event_may_be_anything(data: st.DataObject, wrong: object, origin: Origin) -> None:
    small = {name: event for name, event in samples().items() if len(json.dumps(event)) < 20_000}
    event: Any = small[data.draw(st.sampled_from(sorted(small)))]
    name = data.draw(st.sampled_from(sorted(event)))
    read({**event, name: _with(event[name], data, wrong)}, origin)


def _with(value: Any, data: st.DataObject, wrong: object) -> Any:
    """A copy of a JSON value in which something, anywhere, is another value."""
    places = sorted(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    if not places or data.draw(st.integers(0, 4)) == 0:
        return wrong
    place = data.draw(st.sampled_from(places))
    if isinstance(value, dict):
        return {**value, place: _with(value[place], data, wrong)}
    return [_with(each, data, wrong) if nth == place else each for nth, each in enumerate(value)]


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_nested_deeply_is_cut(name: str) -> None:
    lists: list[object] = []
    objects: dict[str, object] = {}
    for _ in range(5000):
        lists, objects = [lists], {"message": objects}
    for deep in (lists, objects):
        report = read({"exception": BOOM, name: deep})
        assert report.error_key in {"ValueError", "message"}
