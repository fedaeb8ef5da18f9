"""What SDKs send, through the public door: whose it is, how it is encoded and framed, and what they are answered."""

import base64
import gzip
import json
import re
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from botocore.exceptions import ClientError

from app import app
from chalicelib.errors import InvalidBody
from chalicelib.sentry import items, submission
from tests.conftest import Answer
from tests.faults import Call, no_pauses, tapped
from tests.sentry.conftest import Cloud, Shop, founded
from tests.sentry.taking import EVENT, OTHER, error, feedback, packed

Freeze = Callable[[str], None]

GATEWAY_EVENT = Path(__file__).parents[1] / "events" / "api_gateway_envelope.json"
PAGE = "https://shop.example"
UNKNOWN = "0" * 32
# As Sentry documents it and its SDKs take it apart: seconds, categories (none are all), a scope and perhaps a reason.
RATE_LIMIT = re.compile(r"(?P<seconds>[0-9]+):(?P<categories>[a-z_;]*):(?P<scope>[a-z]+)(:[a-z_]+)?")
LINE = re.compile(r"[ -~]{1,500}")

RAW = packed(("event", error()), event_id=EVENT)
SINGLE = json.dumps(error(event_id=EVENT)).encode()
# What there is to send to, and something to send there; a final slash makes no difference.
TARGETS = [("envelope", RAW), ("envelope/", RAW), ("store", SINGLE), ("store/", SINGLE)]
ONCE = {"ValueError: boom": 1}


@pytest.fixture(autouse=True)
def _time_stands_still(frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:20Z")


def accepted(answer: Answer) -> str:
    assert (answer.status, [*answer.json]) == (200, ["id"]), answer
    assert re.fullmatch(r"[0-9a-f]{32}", answer.json["id"])
    assert answer.headers["content-type"] == "application/json"
    return str(answer.json["id"])


def refused(answer: Answer, status: int, code: str) -> str:
    """What a refusal says: the same in JSON, for people, as in the header that SDKs log."""
    assert (answer.status, answer.json["Code"]) == (status, code), answer
    assert answer.headers["access-control-allow-origin"] == "*"
    assert LINE.fullmatch(answer.headers["x-sentry-error"])
    assert answer.headers["x-sentry-error"] == answer.json["Message"]
    return str(answer.json["Message"])


# -- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pairs",
    [
        "Sentry sentry_key={key}, sentry_version=7, sentry_client=sentry.python/2.75.0",
        "Sentry sentry_version=7,sentry_client=raven-node/2.6.4,sentry_timestamp=1,sentry_key={key},sentry_secret=s",
        "sentry_key={key}",
        "sentry   Sentry_Key = {key}  ,sentry_version=7",
        'SENTRY sentry_key="{key}"',
        "Bearer sentry_key={key}",
    ],
)
def test_a_key_in_a_header_is_known_however_it_is_written(shop: Shop, pairs: str) -> None:
    for name in ("Authorization", "X-Sentry-Auth", "x-sentry-auth"):
        for to, body in TARGETS:
            assert accepted(shop.send(body, to, {name: pairs.format(key=shop.key)})) == EVENT
    assert shop.counts() == ONCE


@pytest.mark.parametrize(("to", "body"), TARGETS)
def test_a_key_in_the_query_is_known(shop: Shop, to: str, body: bytes) -> None:
    query = f"?sentry_version=7&sentry_key={shop.key}&sentry_client=sentry.javascript.browser%2F11.12.0"
    assert accepted(shop.send(body, to + query, {})) == EVENT
    assert shop.counts() == ONCE


@pytest.mark.parametrize(
    ("encoding", "encode"), [("identity", bytes), ("gzip", gzip.compress), ("br", brotli.compress)]
)
def test_a_tunnel_hands_on_no_more_than_the_dsn_in_the_envelope(
    shop: Shop, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    for dsn in (
        f"https://{shop.key}@ops.example.com/{shop.project_id}",
        f"https://{shop.key}:secret@ops.example.com/{shop.project_id}",
        f"http://{shop.key}@localhost:8000/behind/a/proxy/{shop.project_id}/",
    ):
        body = encode(packed(("event", error()), event_id=EVENT, dsn=dsn))
        assert accepted(shop.send(body, headers={"content-encoding": encoding})) == EVENT
    assert shop.counts() == ONCE


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?sentry_key=", {}),
        ("?sentry_version=7", {"x-sentry-auth": "Sentry sentry_version=7", "authorization": "Bearer abc"}),
        (f"?sentry_key={UNKNOWN}", {}),
        ("?sentry_key={upper}", {}),
        ("?sentry_key=%D0%BA%0D%0AX-Evil:%201", {}),
        ("", {"x-sentry-auth": "Sentry sentry_key={key}0"}),
        ("", {"authorization": f"Sentry sentry_key={UNKNOWN}"}),
        # What is shown first counts, although the next would do.
        ("?sentry_key={key}", {"x-sentry-auth": f"Sentry sentry_key={UNKNOWN}"}),
        # Where POST /incidents has it there is none, and a secret is none.
        ("?key={key}", {"x-ingest-key": "{key}", "x-sentry-auth": "Sentry sentry_secret={key}"}),
    ],
)
def test_without_the_projects_key_nothing_is_taken(shop: Shop, query: str, headers: dict[str, str]) -> None:
    said = {"key": shop.key, "upper": shop.key.replace("0", "a").replace("1", "a").upper()}
    for to, body in TARGETS:
        shown = {name: text.format(**said) for name, text in headers.items()}
        refused(shop.send(body, to + query.format(**said), shown), 403, "SentryKeyRefused")
    assert shop.counts() == {}


@pytest.mark.parametrize(
    "dsn",
    [
        None,
        7,
        "",
        "https://ops.example.com/{project}",
        f"https://{UNKNOWN}@ops.example.com/{{project}}",
        "https://{key}@ops.example.com/1",
        "https://{key}@[/{project}",
    ],
)
def test_a_dsn_that_is_not_this_projects_opens_nothing(shop: Shop, dsn: object) -> None:
    said = dsn.format(key=shop.key, project=shop.project_id) if isinstance(dsn, str) else dsn
    refused(shop.send(packed(("event", error()), dsn=said), headers={}), 403, "SentryKeyRefused")
    assert shop.counts() == {}


@pytest.mark.parametrize("project_id", ["{other}", "1", "999", "0{own}", "%20{own}", "{own}.", "..", "%00", "²"])
def test_a_key_opens_its_own_project_alone(shop: Shop, project_id: str) -> None:
    other = founded(shop.cloud)
    path = f"/api/{project_id.format(own=shop.project_id, other=other.project_id)}/envelope/"
    refused(shop.door.send("POST", path, shop.auth, RAW), 403, "SentryKeyRefused")
    assert shop.counts() == other.counts() == {}


def test_a_revoked_key_is_refused_within_a_minute(shop: Shop, frozen: Freeze) -> None:
    accepted(shop.send(RAW))
    assert shop.door.admin("DELETE", f"/projects/{shop.project_id}/keys/{shop.key}").status == 204
    frozen("2026-03-01T10:01:20Z")
    for to, body in TARGETS:
        refused(shop.send(body, to), 403, "SentryKeyRefused")
    assert shop.counts() == ONCE


def test_a_wrong_key_is_refused_before_the_body_is_looked_at(shop: Shop) -> None:
    headers = {"x-sentry-auth": f"Sentry sentry_key={UNKNOWN}", "content-encoding": "gzip"}
    refused(shop.send(gzip.compress(bytes(2**22)), headers=headers), 403, "SentryKeyRefused")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("a line\r\nSet-Cookie: a=b", "a line Set-Cookie: a=b"),
        ("\x00\x1b[31mred\x7f\x85\u2028", "??[31mred?"),
        ("Ошибка ☃\tnow", "?????? ? now"),
        (" \t\n", "InvalidBody"),
        ("x" * 9000, "x" * 500),
    ],
)
def test_whatever_an_error_says_its_header_is_one_line_of_ascii(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, message: str, line: str
) -> None:
    def refuse(*_: object) -> None:
        raise InvalidBody(message)

    monkeypatch.setattr(items, "take", refuse)
    answer = shop.send(RAW)
    assert (answer.status, answer.json["Message"]) == (400, message)
    assert answer.headers["x-sentry-error"] == line
    assert LINE.fullmatch(line)


# -- pages of other origins -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("to", "body"), TARGETS)
def test_pages_of_any_origin_may_send_and_read_the_answer(shop: Shop, to: str, body: bytes) -> None:
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-encoding,content-type,x-sentry-auth",
    }
    preflight = shop.door.send("OPTIONS", f"/api/{shop.project_id}/{to}", asked, b"")
    assert (preflight.status, preflight.body) == (204, b"")
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert listed(preflight, "access-control-allow-headers") >= {"content-encoding", "content-type", "x-sentry-auth"}
    answers = [shop.send(body, to, {**keyed, "origin": PAGE}) for keyed in (shop.auth, {})]
    assert [answer.status for answer in answers] == [200, 403]
    for answer in (preflight, *answers):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        exposed = listed(answer, "access-control-expose-headers")
        assert exposed >= {"x-sentry-error", "x-sentry-rate-limits", "retry-after"}


def listed(answer: Answer, name: str) -> set[str]:
    return {each.strip() for each in answer.headers[name].lower().split(",")}


def test_a_project_may_choose_the_pages_that_report_to_it(cloud_in_memory: Cloud) -> None:
    shop = founded(cloud_in_memory, allowed_origins=[PAGE])
    for to, body in TARGETS:
        answer = shop.send(body, to, {**shop.auth, "origin": "https://elsewhere.example"})
        refused(answer, 403, "OriginNotAllowed")
    assert shop.counts() == {}
    accepted(shop.send(RAW, headers={**shop.auth, "origin": PAGE}))
    # Servers have no origin.
    accepted(shop.send(RAW))
    assert shop.counts() == ONCE


# -- quotas -----------------------------------------------------------------------------------------------------------


def test_over_its_quota_an_sdk_is_told_for_how_long_to_be_silent(cloud_in_memory: Cloud, frozen: Freeze) -> None:
    shop = founded(cloud_in_memory, quota_per_minute=2)
    answer = shop.send(packed(("session", {}), *[("event", error())] * 3))
    refused(answer, 429, "QuotaExceeded")
    # The rest of the minute, for all categories.
    assert answer.headers["retry-after"] == "40"
    limit = RATE_LIMIT.fullmatch(answer.headers["x-sentry-rate-limits"])
    assert limit
    assert limit.groupdict() == {"seconds": "40", "categories": "", "scope": "project"}
    # What was let in is kept.
    assert shop.counts() == {"ValueError: boom": 2}
    single = shop.send(SINGLE, "store/")
    refused(single, 429, "QuotaExceeded")
    assert single.headers["x-sentry-rate-limits"] == answer.headers["x-sentry-rate-limits"]
    # Nothing that would be counted against it.
    accepted(shop.send(packed(("session", {}), ("transaction", {}))))
    frozen("2026-03-01T10:01:00Z")
    accepted(shop.send(RAW))
    assert shop.counts() == {"ValueError: boom": 3}


# -- encodings --------------------------------------------------------------------------------------------------------


def raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


ENCODED = {
    "": RAW,
    "identity": RAW,
    "gzip": gzip.compress(RAW),
    "GZip ": gzip.compress(RAW),
    "x-gzip": gzip.compress(RAW),
    "deflate": zlib.compress(RAW),
    " deflate": raw_deflate(RAW),
    "br": brotli.compress(RAW),
    "gzip, br": brotli.compress(gzip.compress(RAW)),
    "deflate,identity,gzip": gzip.compress(zlib.compress(RAW)),
}


@pytest.mark.parametrize("encoding", sorted(ENCODED))
def test_bodies_come_in_many_encodings(shop: Shop, encoding: str) -> None:
    assert accepted(shop.send(ENCODED[encoding], headers={**shop.auth, "content-encoding": encoding})) == EVENT
    assert shop.counts() == ONCE


@pytest.mark.parametrize("encoding", ["compress", "gzip, zstd", "x" * 5000, "gzip;q=1"])
def test_another_encoding_is_refused_by_naming_ours(shop: Shop, encoding: str) -> None:
    answer = shop.send(RAW, headers={**shop.auth, "content-encoding": encoding})
    said = refused(answer, 415, "UnsupportedMediaType")
    assert listed(answer, "accept-encoding") == {"gzip", "deflate", "br"}
    assert "gzip, deflate, br" in said
    assert shop.counts() == {}


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_is_refused_at_the_cost_of_a_large_event(
    shop: Shop, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    bomb = encode(bytes(64 * 1024**2))
    accepted(shop.send(RAW))
    tracemalloc.start()
    try:
        answer = shop.send(bomb, headers={**shop.auth, "content-encoding": encoding})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    refused(answer, 413, "PayloadTooLarge")
    assert peak < 6 * submission.MAX_BYTES


def test_a_body_is_refused_that_is_too_large_as_it_comes(shop: Shop) -> None:
    for to in ("envelope/", "store/"):
        refused(shop.send(bytes(submission.MAX_BYTES + 1), to), 413, "PayloadTooLarge")


CORRUPT = {
    "br": RAW,
    "deflate": RAW,
    "gzip": gzip.compress(RAW)[:-9],
    "gzip,gzip": gzip.compress(gzip.compress(RAW)[:40]),
}


@pytest.mark.parametrize("encoding", sorted(CORRUPT))
def test_a_corrupt_body_is_refused(shop: Shop, encoding: str) -> None:
    answer = shop.send(CORRUPT[encoding], headers={**shop.auth, "content-encoding": encoding})
    refused(answer, 400, "InvalidBody")
    assert shop.counts() == {}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "application/octet-stream", "accept": "image/png"},
        {"content-type": "application/x-sentry-envelope", "accept": "*/*"},
        {"content-type": "multipart/form-data; boundary=x", "accept": "text/html"},
        {"content-type": "nonsense", "accept": "application/json", "content-length": "7"},
        {"content-type": "text/plain;charset=UTF-8"},
    ],
)
def test_types_and_lengths_in_headers_mean_nothing(shop: Shop, headers: dict[str, str]) -> None:
    for to, body in TARGETS:
        accepted(shop.send(body, to, shop.auth | headers))
    assert shop.counts() == ONCE


# -- framing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"no JSON\n",
        b"[]\n",
        b"{}\n7\n{}",
        b'{}\n{"type":"event","length":5}\n{"message":"longer"}\n',
        b'{}\n{"type":"event","length":99}\n{"message":"shorter"}\n',
        b'{}\n{"type":"event","length":-1}\n{}\n',
        b'{}\n{"type":"event","length":"2"}\n{}\n',
        b'{}\n{"type":"event","length":1e400}\n{}\n',
        b'{}\n{"type":"event"}\nno JSON',
        b'{}\n{"type":"event"}\n' + b"[" * 10_000,
    ],
)
def test_an_envelope_that_cannot_be_taken_apart_is_refused(shop: Shop, raw: bytes) -> None:
    refused(shop.send(raw), 400, "InvalidBody")
    assert shop.counts() == {}


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"no JSON", b"{", b"eJwDAAAAAAE=", b"AAAA"])
def test_a_single_event_that_is_none_is_refused(shop: Shop, raw: bytes) -> None:
    refused(shop.send(raw, "store/"), 400, "InvalidBody")
    assert shop.counts() == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"{}\n",
        b'{"event_id":null}\n\n\n',
        b"{}\n{}\n{}\n",
        b'{}\n{"type":null}\n\n',
        b'{}\n{"type":"a type of next year","length":3}\n\n\n\n\n{"type":"session"}\n{}',
    ],
)
def test_an_envelope_may_hold_nothing_or_what_nobody_knows(shop: Shop, raw: bytes) -> None:
    accepted(shop.send(raw))
    assert shop.counts() == {}


def test_the_oldest_sdks_compress_their_event_and_write_it_in_base64(shop: Shop) -> None:
    assert accepted(shop.send(base64.b64encode(zlib.compress(SINGLE)), "store/")) == EVENT
    assert shop.counts() == ONCE


def test_two_mebibytes_of_event_are_taken_and_what_is_cut_is_said(shop: Shop) -> None:
    event = error(extra={"log": "x" * (2 * 1024**2 - 1000)}, release="shop@1")
    headers = {**shop.auth, "content-encoding": "gzip"}
    for to, body in (("envelope/", packed(("event", event))), ("store/", json.dumps(event).encode())):
        accepted(shop.send(gzip.compress(body), to, headers))
    (incident,) = shop.incidents()
    assert (incident["count"], incident["title"]) == (2, "ValueError: boom")
    assert incident["description"]["release"] == "shop@1"
    assert incident["ingest_notes"] == [
        "The event was too large: of its texts 8192 characters are kept at most.",
    ]


# -- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "payload", "event_id"),
    [
        ({"event_id": EVENT}, {}, EVENT),
        ({"event_id": EVENT}, {"event_id": OTHER}, EVENT),
        ({"event_id": "AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA"}, {"event_id": OTHER}, EVENT),
        ({}, {"event_id": "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"}, OTHER),
        ({"event_id": "none"}, {"event_id": OTHER}, OTHER),
        ({"event_id": 7}, {"event_id": ["x"]}, None),
        ({}, {}, None),
    ],
)
def test_an_event_is_called_by_its_envelope_or_itself_or_us(
    shop: Shop, header: dict[str, Any], payload: dict[str, Any], event_id: str | None
) -> None:
    answered = accepted(shop.send(packed(("event", error(**payload)), **header)))
    assert event_id in (None, answered)
    (incident,) = shop.incidents()
    assert [each["event_id"] for each in shop.kept(incident["incident_id"])] == [answered]


def test_what_is_sent_again_counts_once_wherever_it_is_sent(shop: Shop) -> None:
    for to, body in TARGETS * 2:
        assert accepted(shop.send(body, to)) == EVENT
    assert shop.counts() == ONCE


# -- as API Gateway hands it over -------------------------------------------------------------------------------------


def gatewayed(shop: Shop, body: bytes | None, to: str = "envelope/") -> Answer:
    """The answer to an event of API Gateway's, to which every type is binary. A request without a body has null."""
    event = json.loads(GATEWAY_EVENT.read_text().replace("{key}", shop.key))
    encoded = None if body is None else base64.b64encode(body).decode()
    event |= {
        "path": f"/api/{shop.project_id}/{to}",
        "pathParameters": {"project_id": shop.project_id},
        "body": encoded,
        "isBase64Encoded": body is not None,
    }
    answer = app(event, None)
    assert not answer.get("isBase64Encoded")
    headers = {name.lower(): str(value) for name, value in answer["headers"].items()}
    return Answer(answer["statusCode"], headers, answer["body"].encode())


def test_bytes_arrive_through_api_gateway_as_they_were_sent(shop: Shop) -> None:
    body = packed(("event", error()), ("attachment", b"\xff\x00\r\n", {"filename": "raw"}), event_id=EVENT)
    for to in ("envelope", "envelope/"):
        assert accepted(gatewayed(shop, gzip.compress(body), to)) == EVENT
    (incident,) = shop.incidents()
    assert [(each["name"], each["size_bytes"]) for each in incident["attachments"]] == [("raw", 4)]


@pytest.mark.parametrize("body", [None, b"", b"\x1f\x8b\xff\xff"])
def test_refusals_leave_api_gateway_as_text(shop: Shop, body: bytes | None) -> None:
    refused(gatewayed(shop, body), 400, "InvalidBody")


# -- what cannot be written now ---------------------------------------------------------------------------------------

WRITES = ("PutItem", "UpdateItem", "TransactWriteItems")


def busy(*operations: str) -> Callable[[Call], Any]:
    """Refuse every call of some kinds."""

    def refuse(call: Call) -> Any:
        if call.operation in operations:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "injected"}}, call.operation)
        return call.make()

    return refuse


@pytest.mark.parametrize(("to", "body"), TARGETS)
def test_while_the_table_is_busy_events_wait_in_the_queue(shop: Shop, to: str, body: bytes) -> None:
    with no_pauses(), tapped(busy(*WRITES)):
        assert accepted(shop.send(body, to)) == EVENT
        assert accepted(shop.send(body, to)) == EVENT
    assert shop.counts() == {}
    assert shop.cloud.absorb() == 2
    assert shop.counts() == ONCE


def test_what_people_say_waits_as_well(shop: Shop) -> None:
    with no_pauses(), tapped(busy(*WRITES)):
        accepted(shop.send(packed(("feedback", feedback()), event_id=EVENT)))
    assert shop.cloud.absorb() == 1
    assert shop.counts() == {"feedback: It broke": 1}


@pytest.mark.parametrize(("to", "body"), TARGETS)
def test_what_not_even_the_queue_takes_is_refused_for_now(shop: Shop, to: str, body: bytes) -> None:
    with no_pauses(), tapped(busy(*WRITES, "SendMessage")):
        answer = shop.send(body, to)
    refused(answer, 503, "Unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "x-sentry-rate-limits" not in answer.headers
    assert (shop.cloud.absorb(), shop.counts()) == (0, {})


# -- heartbeats -------------------------------------------------------------------------------------------------------


def check_in(shop: Shop, monitor: str) -> None:
    schedule = {"type": "crontab", "value": "0 3 * * *"}
    body = {"check_in_id": EVENT, "monitor_slug": monitor, "status": "ok", "monitor_config": {"schedule": schedule}}
    accepted(shop.send(packed(("check_in", body))))


def test_check_ins_are_heartbeats_that_admins_read_page_by_page(shop: Shop) -> None:
    other = founded(shop.cloud)
    for monitor in ("nightly", "backup", "digest"):
        check_in(shop, monitor)
    check_in(other, "theirs")
    path = f"/heartbeats?limit=2&project_id={shop.project_id}"
    first = shop.door.admin("GET", path).json
    second = shop.door.admin("GET", f"{path}&cursor={first['next_cursor']}").json
    assert second["next_cursor"] is None
    assert [[each["monitor"] for each in page["items"]] for page in (first, second)] == [
        ["backup", "digest"],
        ["nightly"],
    ]
    assert shop.door.admin("GET", f"/heartbeats?project_id={other.project_id}").json["items"] == [
        {
            "monitor": "theirs",
            "environment": "production",
            "status": "ok",
            "overdue": False,
            "last_check_in": "2026-03-01T10:00:20.000Z",
            "last_ok": "2026-03-01T10:00:20.000Z",
            "last_error": None,
            "duration_seconds": None,
            "schedule": "0 3 * * *",
            "timezone": None,
            "release": None,
        }
    ]
    # Nobody named a project: it is the first.
    assert shop.door.admin("GET", "/heartbeats").json == {"items": [], "next_cursor": None}
    answer = shop.door.admin("GET", f"/heartbeats?project_id={other.project_id}&cursor={first['next_cursor']}")
    assert (answer.status, answer.json["Code"]) == (400, "InvalidCursor")


@pytest.mark.parametrize(
    ("query", "code"), [("limit=0", "InvalidRequest"), ("limit=x", "InvalidRequest"), ("cursor=x", "InvalidCursor")]
)
def test_a_page_that_is_none_is_refused(cloud_in_memory: Cloud, query: str, code: str) -> None:
    answer = cloud_in_memory.door.admin("GET", f"/heartbeats?{query}")
    assert (answer.status, answer.json["Code"]) == (400, code)


def test_heartbeats_are_for_admins(shop: Shop) -> None:
    path = f"/heartbeats?project_id={shop.project_id}&sentry_key={shop.key}"
    assert shop.door.send("GET", path, shop.auth, b"").status == 401
    assert shop.door.customer("GET", path).status == 403
    assert shop.door.admin("GET", path).status == 200
