"""Tracking through the public door: what is taken, what is refused, and what of it lies in the bucket then."""

import gzip
import json
import logging
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.exceptions import PutError

from chalicelib import clock
from chalicelib.analytics import event, raw, tracking
from chalicelib.config import config
from chalicelib.dynamodb import Busy
from chalicelib.personal import Scrub
from chalicelib.projects.settings import default_terms
from chalicelib.storage import StoreUnavailable
from tests.conftest import INGEST_KEY, Answer, Door
from tests.faults import Call, tapped
from tests.store import Store

Freeze = Callable[[str], None]
Bucket = dict[str, bytes]

NOW = "2026-11-22T14:05:06.789Z"
SLOW: dict[str, Any] = {"event": "request.slow", "data": {"endpoint": "/orders/68", "duration_ms": 120}}
CARD = "4111 1111 1111 1111"


@pytest.fixture(autouse=True)
def at_five_past_two(frozen: Freeze) -> None:
    frozen(NOW)


def track(door: Door, body: Any, **headers: str) -> Answer:
    return door.call("POST", "/analytics/track", body, x_ingest_key=INGEST_KEY, **headers)


def stored(bucket: Bucket) -> dict[str, list[dict[str, Any]]]:
    """What lies in the bucket: the lines of each object."""
    return {key: [json.loads(line) for line in gzip.decompress(body).splitlines()] for key, body in bucket.items()}


def lines(bucket: Bucket) -> list[dict[str, Any]]:
    return [line for each in stored(bucket).values() for line in each]


# -- what is taken -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_body_may_be_compressed(door: Door, bucket: Bucket, encoding: str, encode: Callable[[bytes], bytes]) -> None:
    body = encode(json.dumps({"events": [SLOW] * 100}).encode())
    assert track(door, body, content_encoding=encoding).status == 202
    assert len(lines(bucket)) == 100


def test_a_bomb_a_broken_body_and_an_unknown_encoding_are_refused(door: Door, bucket: Bucket) -> None:
    bomb = gzip.compress(b'{"event": "' + b"a" * 10**7 + b'"}')
    assert len(bomb) < 2**14
    for body, encoding, status in (
        (bomb, "gzip", 413),
        (gzip.compress(json.dumps(SLOW).encode())[:-9], "gzip", 400),
        (b"\x28\xb5\x2f\xfd" + json.dumps(SLOW).encode(), "zstd", 415),
    ):
        assert track(door, body, content_encoding=encoding).status == status
    assert lines(bucket) == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "none", "application/json", "gzip;q=1"])
def test_what_is_plain_is_read_whatever_it_is_said_to_be(door: Door, bucket: Bucket, encoding: str) -> None:
    assert track(door, json.dumps(SLOW).encode(), content_encoding=encoding).status == 202
    assert len(lines(bucket)) == 1
    assert door.ingest({"error_key": "x", "description": {}}, content_encoding=encoding).status == 202


def test_an_event_is_kept_as_a_line_of_its_hour(door: Door) -> None:
    answer = track(door, {**SLOW, "severity": "WARNING", "user_id": 68, "environment": "live"})
    assert (answer.status, list(answer.json)) == (202, ["event_id"])
    # On an emulator of S3, once.
    s3, name = boto3.client("s3"), config().events.bucket
    (key,) = [each["Key"] for each in s3.list_objects_v2(Bucket=name)["Contents"]]
    (kept,) = stored({key: s3.get_object(Bucket=name, Key=key)["Body"].read()}).values()
    assert key.startswith("events/dt=2026-11-22/h=14/1-20261122T140506.789000Z-")
    assert key.endswith(".jsonl.gz")
    assert kept == [
        {
            "event_id": answer.json["event_id"],
            "event": "request.slow",
            "severity": "WARNING",
            "timestamp": NOW,
            "received_at": NOW,
            "project_id": "1",
            "user_id": "68",
            "environment": "live",
            "data": SLOW["data"],
        }
    ]


def test_what_was_written_is_read_back(door: Door) -> None:
    track(door, {"events": [SLOW, {**SLOW, "severity": "CRITICAL"}]})
    (key,) = raw.keys(clock.parse(NOW).date(), 14)
    assert [each.severity for each in raw.events_of(key)] == ["INFO", "CRITICAL"]
    assert [each.facts.endpoint for each in raw.events_of(key)] == ["/orders/*"] * 2
    assert (raw.project_of(key), raw.received_at(key)) == ("1", clock.parse(NOW))


def test_an_object_that_is_gone_or_broken_has_no_events(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    track(door, SLOW)
    (key,) = raw.keys(clock.parse(NOW).date(), 14)
    assert list(raw.events_of(key + "x")) == []
    bucket = config().events.bucket
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    good = gzip.decompress(body)
    torn = body[:12] + b"\xff\xff\xff\xff" + body[16:]
    for broken, events in ((b"no gzip", 0), (body[:-9], 0), (torn, 0), (gzip.compress(b'{"event": 1}\n' + good), 1)):
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=broken)
        with caplog.at_level(logging.WARNING):
            assert len(list(raw.events_of(key))) == events
    assert len([each for each in caplog.records if "cannot be read" in each.message]) == 4


def test_a_batch_is_answered_one_by_one_in_its_order(swift: Door, bucket: Bucket) -> None:
    bad = [{"event": "x" * 101, "data": {}}, {"event": "ok"}, 7, {**SLOW, "severity": "FATAL"}]
    answer = track(swift, {"events": [SLOW, *bad, {**SLOW, "user_id": []}]})
    assert answer.status == 202
    first, *refused, last = answer.json["results"]
    assert [each["Code"] for each in refused] == ["InvalidRequest"] * 4
    assert [each.get("Details", [{}])[0].get("field") for each in refused] == ["event", "data", None, "severity"]
    assert last["notes"] == ["user_id was left at its default: it must be a text."]
    assert [each["event_id"] for each in lines(bucket)] == [first["event_id"], last["event_id"]]


def test_a_hundred_events_are_one_object_and_a_hundred_and_one_are_refused(swift: Door, bucket: Bucket) -> None:
    assert len(track(swift, {"events": [SLOW] * 100}).json["results"]) == 100
    assert [len(each) for each in stored(bucket).values()] == [100]
    refused: tuple[object, ...] = ([SLOW] * 101, [], {}, None, "x")
    for events in refused:
        answer = track(swift, {"events": events})
        assert (answer.status, answer.json["Details"][0]["field"]) == (400, "events")
    assert len(lines(bucket)) == 100


def test_an_event_that_a_batch_has_twice_is_kept_once(swift: Door, bucket: Bucket) -> None:
    twice = {**SLOW, "event_id": "A" * 32, "user_id": "68"}
    answer = track(swift, {"events": [twice, SLOW, {**twice, "event_id": "-".join(["a" * 16] * 2)}]})
    ids = [each["event_id"] for each in answer.json["results"]]
    assert ids[0] == ids[2] == "a" * 32
    assert [each["event_id"] for each in lines(bucket)] == ids[:2]
    assert swift.admin("GET", "/analytics/overview?hours=1").json["events"] == 2


def test_only_a_batch_of_none_but_refused_events_writes_nothing(swift: Door, bucket: Bucket) -> None:
    assert track(swift, {"events": [{}]}).status == 202
    assert stored(bucket) == {}


def test_text_plain_and_a_key_in_the_query_are_taken_as_beacons_send_them(swift: Door) -> None:
    headers = {"content-type": "text/plain;charset=UTF-8", "origin": "https://anywhere.example"}
    answer = swift.send("POST", f"/analytics/track?key={INGEST_KEY}", headers, json.dumps(SLOW).encode())
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (202, "*")


def test_severities_are_known_whatever_their_case(swift: Door, bucket: Bucket) -> None:
    for severity, kept in (("critical", "CRITICAL"), (" Warning ", "WARNING"), (None, "INFO")):
        assert track(swift, {**SLOW, "severity": severity}).status == 202
        assert lines(bucket)[-1]["severity"] in ("CRITICAL", "WARNING", "INFO")
        assert kept in [line["severity"] for line in lines(bucket)]


# -- what is refused ---------------------------------------------------------------------------------------------------


def nested(levels: int) -> dict[str, Any]:
    data: dict[str, Any] = {"end": 1}
    for _ in range(levels - 1):
        data = {"down": data}
    return data


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event": None}, "event"),
        ({"event": ""}, "event"),
        ({"event": "nul\0"}, "event"),
        ({"event": "é"}, "event"),
        ({"event": ["x"]}, "event"),
        ({"event": "line\n"}, "event"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"data": nested(33)}, "data"),
        ({"data": {"x": "y" * 65536}}, "data"),
        ({"severity": "FATAL"}, "severity"),
        ({"severity": 5}, "severity"),
        ({"severity": {"a": "CRITICAL"}}, "severity"),
    ],
)
def test_what_is_no_event_is_refused_with_the_field_at_fault(swift: Door, change: dict[str, Any], field: str) -> None:
    answer = track(swift, {**SLOW, **change})
    assert (answer.status, [each["field"] for each in answer.json["Details"]]) == (400, [field])


def test_what_is_just_small_and_flat_enough_is_kept_whole(swift: Door, bucket: Bucket) -> None:
    for data in (nested(32), {"x": "y" * (65536 - len('{"x":""}'))}):
        answer = track(swift, {**SLOW, "data": data})
        assert (answer.status, list(answer.json)) == (202, ["event_id"])
        assert data in [line["data"] for line in lines(bucket)]


def test_others_keys_and_too_large_bodies_are_refused(swift: Door, bucket: Bucket) -> None:
    assert swift.call("POST", "/analytics/track", SLOW).status == 401
    assert swift.call("POST", "/analytics/track", SLOW, x_ingest_key="0" * 32).status == 401
    assert track(swift, {**SLOW, "more": "x" * 300_000}).status == 413
    assert track(swift, b"[]").status == 400
    assert stored(bucket) == {}


def test_events_over_the_quota_are_refused(swift: Door, bucket: Bucket) -> None:
    swift.admin("PATCH", "/projects/1", {"quota_per_minute": 3})
    results = track(swift, {"events": [SLOW] * 5}).json["results"]
    assert [each.get("Code") for each in results] == [None] * 3 + ["QuotaExceeded"] * 2
    answer = track(swift, SLOW)
    assert (answer.status, answer.headers["retry-after"], len(lines(bucket))) == (429, "54", 3)


# -- hostile and careless ----------------------------------------------------------------------------------------------


def test_secrets_are_kept_nowhere(swift: Door, store: Store, bucket: Bucket) -> None:
    swift.admin("PATCH", "/projects/1", {"scrub": {"emails": "hash", "ips": "remove"}})
    secrets = {"password": "hunter22", "card": CARD, "ip": "203.0.113.9", "note": "mail to ada@example.com", "token": 5}
    data = {**secrets, "endpoint": "/a?token=hunter22", "error": "password=hunter22"}
    told = {"severity": "CRITICAL", "user_id": "ada@example.com", "pin": "hunter22", "data": data}
    track(swift, {**SLOW, **told})
    track(swift, {**SLOW, **told, "event": "token: hunter22"})
    shown = json.dumps(swift.admin("GET", "/analytics/feed").json) + json.dumps(lines(bucket))
    rolled_up = str(store.rows("analytics") + store.rows("alerts"))
    for secret in ("hunter22", CARD, "203.0.113.9", "ada@example.com"):
        assert secret not in shown
        assert secret not in rolled_up
    full = lines(bucket)[0]
    assert full["data"]["password"] == "[scrubbed]"
    assert "@hashed.invalid" in full["user_id"]


def test_unknown_fields_are_kept_beside_the_data(swift: Door, bucket: Bucket) -> None:
    answer = track(swift, {**SLOW, "data": {"_extra": {"a": 1}}, "release": "1.2", "deep": nested(60)})
    assert answer.json["notes"] == [
        "What was nested deeper than 32 levels was cut.",
        "Unknown fields are kept under data._extra: deep, release.",
    ]
    extra = lines(bucket)[0]["data"]["_extra"]
    assert (extra["a"], extra["release"]) == (1, "1.2")


def test_facts_beside_the_data_are_read_and_stay_where_they_are(swift: Door, bucket: Bucket) -> None:
    track(swift, {"event": "request", "data": {"a": 1}, "endpoint": "/x/68", "status": 502, "duration_ms": 9})
    assert lines(bucket)[0]["data"] == {"a": 1, "_extra": {"endpoint": "/x/68", "status": 502, "duration_ms": 9}}
    report = swift.admin("GET", "/analytics/endpoints").json
    assert [(each["endpoint"], each["failures"]) for each in report["items"]] == [("/x/*", 1)]


def test_what_lies_beside_the_data_is_bounded_with_it(swift: Door, bucket: Bucket) -> None:
    answer = track(swift, {**SLOW, "data": {"x": "y" * 60_000}, "more": "z" * 60_000})
    assert answer.status == 202
    assert any("trimmed to 65536" in note for note in answer.json["notes"])
    assert len(msgspec.json.encode(lines(bucket)[0]["data"])) <= 65536


LEFT = "timestamp was left at its default: "


@pytest.mark.parametrize(
    ("given", "kept", "note"),
    [
        ("2026-11-22T13:59:59+01:00", "2026-11-22T12:59:59.000Z", None),
        (1795356000, "2026-11-22T14:00:00.000Z", None),
        (1795356000123.4, "2026-11-22T14:00:00.123Z", None),
        ("1795356000", "2026-11-22T14:00:00.000Z", None),
        ("2026-11-22T14:15:06.789Z", "2026-11-22T14:15:06.789Z", None),
        ("2026-11-22T14:15:06.790Z", NOW, "more than 10 minutes ahead"),
        ("2026-11-15T14:05:06.789Z", "2026-11-15T14:05:06.789Z", None),
        ("2026-11-15T14:05:06.788Z", NOW, "7 days back"),
        ("9999-12-31T23:59:59-23:00", NOW, "RFC 3339"),
        ("yesterday", NOW, "RFC 3339"),
        (-1e300, NOW, "RFC 3339"),
        (10**99, NOW, "RFC 3339"),
        ("NaN", NOW, "RFC 3339"),
        (True, NOW, "RFC 3339"),
        ([], NOW, "RFC 3339"),
        ("", NOW, None),
        (None, NOW, None),
    ],
)
def test_clocks_are_believed_within_reason(given: object, kept: str, note: str | None) -> None:
    read = event.read({**SLOW, "timestamp": given}, default_terms(), clock.parse(NOW))
    assert read.timestamp == kept
    assert read.received_at == NOW
    assert bool(read.notes) == bool(note)
    assert not note or (LEFT in read.notes[0] and note in read.notes[0])


def test_events_lie_in_the_hours_in_which_they_happened(swift: Door, bucket: Bucket) -> None:
    hours = ["2026-11-22T13:59:59.999Z", "2026-11-22T14:00:00.000Z", "2026-11-20T00:00:00.000Z"]
    track(swift, {"events": [{**SLOW, "timestamp": each} for each in hours]})
    partitions = sorted(key.partition("/1-")[0] for key in stored(bucket))
    assert partitions == ["events/dt=2026-11-20/h=00", "events/dt=2026-11-22/h=13", "events/dt=2026-11-22/h=14"]
    found = swift.admin("GET", "/analytics/overview?hours=1").json
    assert [each["events"] for each in found["items"]] == [1, 1]


ODD = b"""{"event": "odd", "user_id": "\\ud83d", "data": {"endpoint": "\\ud800/\\u0000|", "duration_ms": NaN,
    "feature": "\\ud800", "trial_type": 1%s, "provider": [], "cache": -Infinity, "status": 1e999, "\\udfff": "\xff"}}"""


def test_odd_values_cost_no_event(swift: Door, bucket: Bucket) -> None:
    assert track(swift, ODD % (b"0" * 400)).status == 202
    assert len(lines(bucket)) == 1
    assert swift.admin("GET", "/analytics/feed").json["items"][0]["event"] == "odd"


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["x", "CRITICAL", "\ud800"])
)
JSON = st.recursive(SCALARS, lambda child: st.lists(child) | st.dictionaries(st.text(), child), max_leaves=12)
NAMES = st.sampled_from(
    [*event._KNOWN, "events", "endpoint", "duration_ms", "status", "feature", "trial", "outcome", "account", "ip"]
)
BODIES = st.dictionaries(NAMES, JSON | st.dictionaries(NAMES | st.text(), JSON)) | st.fixed_dictionaries(
    {"event": st.just("x"), "data": st.dictionaries(NAMES, JSON)}, optional={"timestamp": JSON, "user_id": JSON}
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES | st.fixed_dictionaries({"events": st.lists(BODIES | JSON, max_size=5)}))
def test_no_body_is_a_failure_of_ours(swift: Door, body: Any) -> None:
    answer = track(swift, body)
    assert answer.status in (202, 400)
    assert answer.status == 202 or answer.json["Code"] in ("InvalidRequest", "InvalidBody")


# -- who it was --------------------------------------------------------------------------------------------------------


def test_persons_are_known_by_digests_of_what_came(cloud: None) -> None:
    def read(user_id: object = None, **data: object) -> event.Event:
        body = {"event": "login", "data": data, "user_id": user_id}
        return event.read(body, default_terms(), clock.parse(NOW))

    ada = read(email=" Ada@Example.com ", ip="203.0.113.9")
    assert ada.facts.account == read(account="ada@example.com").facts.account
    assert ada.facts.address == read(ip_address="203.0.113.9").facts.address
    assert len(str(ada.facts.account)) == len(str(ada.facts.address)) == 32
    assert read(68).facts.account == read("68").facts.account == read("7", account=68).facts.account
    assert (read().facts.account, read().facts.address) == (None, None)
    assert read(password="x").facts.account is None
    assert event.of(ada.kept).facts.account is None


def test_persons_are_told_apart_although_they_are_removed() -> None:
    terms = replace(default_terms(), scrub=Scrub("remove", "remove"))
    people = [{"email": f"{name}@example.com", "ip": f"203.0.113.{nth}"} for nth, name in enumerate(["ada", "bob"])]
    ada, bob = (event.read({"event": "login", "data": data}, terms, clock.parse(NOW)) for data in people)
    assert ada.data == bob.data == {"email": "[email]", "ip": "[ip]"}
    assert ada.facts.account != bob.facts.account
    assert ada.facts.address != bob.facts.address


# -- faults ------------------------------------------------------------------------------------------------------------


def test_nothing_is_written_while_the_store_is_down(swift: Door, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr("chalicelib.storage.write", refuse)
    for body in (SLOW, {"events": [SLOW]}):
        answer = track(swift, body)
        assert (answer.status, answer.json["Code"], "retry-after" in answer.headers) == (503, "StoreUnavailable", True)
    assert store.rows("analytics") == []


@pytest.mark.parametrize("error", [Busy("throttled"), PutError("no access")])
def test_a_busy_database_costs_no_event(
    swift: Door, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    track(swift, SLOW)
    counted: list[str] = []
    monkeypatch.setattr(tracking, "count", lambda name, _=1: counted.append(name))

    def throttle(call: Call) -> Any:
        if call.parameters.get("TableName") == config().resource("analytics") and call.writes:
            raise error
        return call.make()

    with tapped(throttle):
        assert track(swift, {**SLOW, "severity": "CRITICAL"}).status == 202
    assert len(lines(bucket)) == 2
    assert {"RollupsMissed", "FeedMissed"} <= set(counted)
