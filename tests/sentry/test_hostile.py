"""Hostile bytes and hostile JSON, through the public door: no answer is a 500, and what can be read at all is kept."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chalicelib import encodings
from chalicelib.sentry.feedback import is_feedback
from tests.conftest import Answer
from tests.sentry.conftest import Cloud, Shop, founded
from tests.sentry.taking import EVENT, error, feedback, packed

SAMPLES: Final = Path(__file__).parents[1] / "data" / "envelopes"
REFUSALS: Final = {400: "InvalidBody", 413: "PayloadTooLarge", 415: "UnsupportedMediaType"}

quick = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def judged(answer: Answer) -> bool:
    """Whether something was taken, and not refused; a refusal says why."""
    if answer.status == 200:
        return True
    assert answer.json["Code"] == REFUSALS[answer.status], answer
    assert answer.headers["x-sentry-error"] == answer.json["Message"]
    return False


def read_back(shop: Shop) -> list[dict[str, Any]]:
    """All that operators can see of a project, so that what was kept is known to be shown."""
    for path in ("heartbeats", "incidents/stats", "incidents/count"):
        assert shop.door.admin("GET", f"/{path}?project_id={shop.project_id}").status == 200
    found = shop.incidents()
    return [{**incident, "kept": shop.kept(incident["incident_id"])} for incident in found]


# -- framing ----------------------------------------------------------------------------------------------------------


def samples() -> list[bytes]:
    """A few envelopes of each SDK, inflated."""
    names = ("030-py", "031-py", "032-py", "019-py", "078-node", "093-node", "125-web", "131-web", "synthetic-spec")
    found = [path for name in names for path in sorted(SAMPLES.glob(f"{name}*.bin"))]
    return [encodings.inflate(path.read_bytes(), "gzip", 2**21) for path in found]


ENVELOPES: Final = [
    *samples(),
    packed(("event", error()), ("user_report", {"event_id": EVENT, "comments": "x"}), ("session", {}), event_id=EVENT),
    packed(("feedback", feedback()), ("attachment", b"\n{}\n\xff", {"filename": "a"}), event_id=EVENT),
    b'{}\n{"type":"event"}\n{"message":"implicit"}\n{"type":"client_report"}\n{}',
]
ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}
PIECES: Final = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"{}\n",
        b"{",
        b"}",
        b'"',
        b"\x00",
        b"\xff",
        b'{"length":',
        b'{"type":"event","length":2}\n{}',
        b"9",
    ]
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """An envelope that was split, merged, truncated, repeated in part, or had bits flipped and bytes put in."""
    raw = draw(st.sampled_from(ENVELOPES))
    for _ in range(draw(st.integers(1, 4))):
        at, upto = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        match draw(
            st.sampled_from(["truncated", "split", "lost", "merged", "repeated", "flipped", "put in", "nested"])
        ):
            case "truncated":
                raw = raw[:upto]
            case "split":
                raw = raw[at:]
            case "lost":
                raw = raw[:at] + raw[upto:]
            case "merged":
                raw = draw(st.sampled_from([raw, raw + b"\n"])) + draw(st.sampled_from(ENVELOPES))
            case "repeated":
                raw = raw[:upto] + raw[at:]
            case "flipped" if at < len(raw):
                raw = raw[:at] + bytes([raw[at] ^ 1 << draw(st.integers(0, 7))]) + raw[at + 1 :]
            case "put in":
                raw = raw[:at] + draw(PIECES) + raw[at:]
            case "nested":
                raw = raw[:at] + draw(st.sampled_from(ENVELOPES)) + raw[at:]
    return raw


@quick
@given(raw=broken(), encoding=st.sampled_from(sorted(ENCODERS)))
def test_broken_framing_is_taken_or_refused(cloud_in_memory: Cloud, raw: bytes, encoding: str) -> None:
    shop = founded(cloud_in_memory)
    taken = judged(shop.send(ENCODERS[encoding](raw), headers={**shop.auth, "content-encoding": encoding}))
    incidents = read_back(shop)
    assert taken or not incidents
    assert len(incidents) <= raw.count(b"{")


@quick
@given(raw=broken(), cut=st.integers(0, 200), encoding=st.sampled_from(["", "gzip", "deflate", "br", "gzip, br"]))
def test_broken_encodings_are_taken_or_refused(cloud_in_memory: Cloud, raw: bytes, cut: int, encoding: str) -> None:
    shop = founded(cloud_in_memory)
    for body in (gzip.compress(raw)[: -cut or None], zlib.compress(raw)[cut:], raw):
        for to in ("envelope/", "store/"):
            judged(shop.send(body, to, {**shop.auth, "content-encoding": encoding}))
    read_back(shop)


# -- JSON -------------------------------------------------------------------------------------------------------------

TEXTS: Final = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(
    ["\ud800", "\udc00\ud800", "\x00", "1e999", "{{auto}}", "{{ default }}", "%s %(a)s %9999999d", "true", "a" * 300]
)
NUMBERS: Final = (
    st.integers(-(10**40), 10**40)
    | st.floats()
    | st.sampled_from([10**400, -(10**400), 10**4000, float("nan"), float("inf"), 1e308, 5e-324, -0.0, 2**63, 1 << 64])
)
KEYS: Final = st.sampled_from(
    str.split("""
        values type value module mechanism handled is_exception_group exception_id parent_id stacktrace frames function
        filename abs_path lineno in_app vars context_line pre_context id email ip_address url method headers cookies
        query_string data message formatted params timestamp trace trace_id response status_code name version severity
        bypassed beta_error user-agent crashed source password feedback contact_email associated_event_id event_id
        comments monitor_slug status schedule unit timezone checkin_margin max_runtime duration aggregates exited
        discarded_events quantity reason category length filename content_type
    """)
) | st.text(st.characters(exclude_categories=()), max_size=5)
JSON: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
PARTS: Final = str.split("""
    exception message logentry stacktrace threads level logger platform release environment transaction server_name dist
    timestamp fingerprint sdk user tags request contexts extra breadcrumbs modules culprit type _meta custom event_id
    project monitor_config monitor_slug status duration comments name email aggregates init discarded_events
""")
EVENTS: Final = st.dictionaries(st.sampled_from(PARTS) | KEYS, JSON, max_size=8)


@quick
@given(
    event=EVENTS, treatment=st.sampled_from(["keep", "hash", "remove"]), single=st.booleans(), ascii_only=st.booleans()
)
def test_any_event_that_is_json_is_kept(
    cloud_in_memory: Cloud, event: dict[str, Any], treatment: str, *, single: bool, ascii_only: bool
) -> None:
    assume(not is_feedback(event))
    shop = founded(cloud_in_memory, scrub={"emails": treatment, "ips": treatment})
    raw = json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if single:
        assert judged(shop.send(raw, "store/"))
    else:
        assert judged(shop.send(packed(("event", raw), event_id=EVENT)))
    (incident,) = read_back(shop)
    assert incident["count"] == len(incident["kept"]) == 1
    assert single or incident["kept"][0]["event_id"] == EVENT
    assert incident["title"].startswith(incident["error_key"])
    assert incident["grouped_by"].isprintable()


HEADERS: Final = st.dictionaries(KEYS.filter(lambda key: key != "length"), JSON, max_size=3)
KINDS: Final = ("event", "feedback", "user_report", "check_in", "attachment", "session", "sessions", "client_report")


@quick
@given(
    sent=st.lists(st.tuples(st.sampled_from(KINDS) | JSON, EVENTS, HEADERS), max_size=4),
    header=st.dictionaries(st.sampled_from(["event_id", "dsn", "sent_at", "trace", "sdk"]), JSON, max_size=3),
)
def test_any_items_are_taken(cloud_in_memory: Cloud, sent: list[Any], header: dict[str, Any]) -> None:
    shop = founded(cloud_in_memory)
    assert judged(shop.send(packed(*((kind, body, {**more, "type": kind}) for kind, body, more in sent), **header)))
    shop.cloud.absorb()
    events = [body for kind, body, _ in sent if kind == "event" and not is_feedback(body)]
    assert sum(incident["count"] for incident in read_back(shop)) >= len(events)


# -- size and depth ---------------------------------------------------------------------------------------------------


def deep(levels: int) -> bytes:
    return b'{"message":"deep","extra":' + b'{"a":[' * (levels // 2) + b"1" + b"]}" * (levels // 2) + b"}"


@pytest.mark.parametrize("levels", [40, 200, 600])
def test_what_is_nested_is_kept_as_far_as_anybody_reads(shop: Shop, levels: int) -> None:
    assert judged(shop.send(deep(levels), "store/"))
    (incident,) = read_back(shop)
    assert incident["title"] == "message: deep"
    assert "nested deeper" in incident["ingest_notes"][0]


def test_what_is_nested_beyond_reason_is_refused(shop: Shop) -> None:
    for levels in (100_000, 300_000):
        assert not judged(shop.send(deep(levels), "store/"))
        assert not judged(shop.send(packed(("event", deep(levels))), "envelope/"))
    assert read_back(shop) == []


M: Final = 2 * 1024**2 - 4096
LARGE: Final[dict[str, Any]] = {
    "64k keys": {"extra": {f"k{nth}": nth for nth in range(65_536)}},
    "64k keys of its own": {f"k{nth}": nth for nth in range(65_536)},
    "a text": {"extra": {"log": "x" * M}},
    "a text of other letters": {"message": "ы" * (M // 6)},
    "a text of halves of letters": {"release": "\ud800" * (M // 6)},
    "a type": {"exception": {"type": "\x00" * (M // 6), "value": "v"}},
    "a key": {"extra": {"k" * M: 1}},
    "a number": b'{"extra":{"n":' + b"9" * M + b"}}",
    "addresses": {"message": "a@a.aa" * (M // 6)},
    "digits": {"message": "1.1.1.1 " * (M // 8)},
    "frames": {"exception": {"type": "E", "stacktrace": {"frames": [{"function": "f", "vars": {}}] * 50_000}}},
    "exceptions": {"exception": [{"type": "E", "mechanism": {"exception_id": 1}}] * 35_000},
    "breadcrumbs": {"breadcrumbs": [{"message": "m"}] * 100_000},
    "pairs": {"tags": [["k", "v"]] * 150_000},
    "objects": {"contexts": {"a": [{}] * 450_000}},
}


@pytest.mark.parametrize("name", sorted(LARGE))
def test_two_mebibytes_of_anything_are_kept_in_bounded_time(shop: Shop, name: str) -> None:
    event = LARGE[name]
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    assert len(raw) > 500_000
    started = time.process_time()
    assert judged(shop.send(raw, "store/"))
    # Some two seconds; what is not linear would take minutes.
    assert time.process_time() - started < 20
    (incident,) = read_back(shop)
    assert incident["count"] == len(incident["kept"]) == 1
