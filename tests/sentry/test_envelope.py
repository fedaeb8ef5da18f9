"""Envelopes: the framing of Sentry's SDKs, as they send it and as nobody should."""

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import encodings
from chalicelib.errors import InvalidBody, PayloadTooLarge
from chalicelib.sentry import envelope
from chalicelib.sentry.envelope import MAX_HEADER_BYTES, MOST_ITEMS, Envelope, Item

SAMPLES: Final = Path(__file__).parents[1] / "data" / "envelopes"
ID: Final = "9ec79c33ec9942ab8353589fcb2e04dc"

# What of the samples has line breaks within payloads, or bytes that are none: type and size of every item.
BY_LENGTH: Final = {
    "030-py-attachment": [("event", 4378), ("attachment", 33), ("attachment", 0), ("attachment", 12328)],
    "092-node-attachment": [("event", 18731), ("attachment", 6), ("attachment", 12)],
    "125-web-attachment": [("event", 3708), ("attachment", 6), ("attachment", 8)],
    "131-web-replay": [("replay_event", 1035), ("replay_recording", 1038)],
    "synthetic-spec-empty-attachments-eof": [("attachment", 0), ("attachment", 0)],
    "synthetic-spec-two-items-crlf-attachment": [("attachment", 10), ("event", 41)],
}
REFUSED: Final = {
    "synthetic-gzip-corrupt": "The body is not what Content-Encoding says, or it is cut off.",
    "synthetic-length-too-short": "Item 1 has more bytes than the 5 that its header says.",
}


def sample(name: str) -> bytes:
    """The envelope of a captured request, as it was before its SDK compressed it."""
    headers = {key.lower(): value for key, value in json.loads((SAMPLES / f"{name}.json").read_text())["headers"]}
    return encodings.inflate((SAMPLES / f"{name}.bin").read_bytes(), headers.get("content-encoding"), 2**21)


def sample_names() -> list[str]:
    captured = {path.stem: json.loads(path.read_text()) for path in sorted(SAMPLES.glob("*.json"))}
    return [name for name, request in captured.items() if "/envelope/" in request["path"] and request["body_len"]]


@pytest.mark.parametrize("name", [name for name in sample_names() if name not in REFUSED])
def test_what_sdks_send_is_read(name: str) -> None:
    raw = sample(name)
    found = envelope.parse(raw)
    if name in BY_LENGTH:
        assert [(item.type, len(item.payload)) for item in found.items] == BY_LENGTH[name]
        return
    # Where no payload has a line break, lines are all there is to an envelope.
    header, *lines = raw.removesuffix(b"\n").split(b"\n")
    assert found.header == json.loads(header)
    assert [item.header for item in found.items] == [json.loads(line) for line in lines[::2]]
    assert [item.payload for item in found.items] == lines[1::2]
    assert all(item.type for item in found.items)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_broken_is_refused(name: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        envelope.parse(sample(name))
    assert refused.value.message == REFUSED[name]


def test_bytes_within_a_payload_mean_nothing() -> None:
    found = envelope.parse(sample("030-py-attachment"))
    assert found.items[1].payload == b'line1\nline2\r\n\x00\xff\xfe{"type":"event"}\n'
    assert found.items[2].header["filename"] == "empty.txt"
    found = envelope.parse(sample("synthetic-spec-two-items-crlf-attachment"))
    assert [item.payload for item in found.items] == [
        b"\xef\xbb\xbfHello\r\n",
        b'{"message":"hello world","level":"error"}',
    ]


@pytest.mark.parametrize(
    ("raw", "types_and_payloads"),
    [
        (b"{}", []),
        (b"{}\n", []),
        (b"\n{}\n\n\n", []),
        (b"\xef\xbb\xbf{}\r\n", []),
        (b"{}\n{}\n", [("", b"")]),
        (b"{}\n{}\n{}", [("", b"{}")]),
        (b'{}\n{"type":"not known yet"}\nany bytes \xff\x00', [("not known yet", b"any bytes \xff\x00")]),
        (b'{}\n{"type":7}\n', [("", b"")]),
        (b'{}\n{"type":"a"}', [("a", b"")]),
        (b'{}\n{"type":"a"}\n\n{"type":"b"}\nc', [("a", b""), ("b", b"c")]),
        (b'{}\n{"type":"a","length":0}', [("a", b"")]),
        (b'{}\n{"type":"a","length":null}\nb\n', [("a", b"b")]),
        (b'{}\n{"type":"a","length":2}\nb\n', [("a", b"b\n")]),
        (b'{}\r\n{"type":"a","length":3}\r\nb\r\n\n\r\n{"type":"c"}\r\nd\r\n', [("a", b"b\r\n"), ("c", b"d\r")]),
        (b'{}\n{"type":"a"}\n \t{"not": "a header"}\n', [("a", b' \t{"not": "a header"}')]),
    ],
)
def test_framing_is_read_forgivingly(raw: bytes, types_and_payloads: list[tuple[str, bytes]]) -> None:
    assert [(item.type, item.payload) for item in envelope.parse(raw).items] == types_and_payloads


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "The envelope's header is not valid JSON"),
        (b" \n\n", "The envelope's header is not valid JSON"),
        (b"[]", "The envelope's header must be a JSON object."),
        (b"null\n", "The envelope's header must be a JSON object."),
        (b"{} {}\n", "The envelope's header is not valid JSON"),
        (b"[" * 60_000, "The envelope's header is nested too deeply"),
        (b'{"a":' * 12_000, "The envelope's header is nested too deeply"),
        (b'{}\n{"type":"a"\n', "The header of item 1 is not valid JSON"),
        (b'{}\n{"type":"a"}\nb\nc\n', "The header of item 2 is not valid JSON"),
        (b'{}\n{"type":"a","length":2}\nb', "Item 1 has fewer bytes than the 2 that its header says."),
        (b'{}\n{"type":"a","length":1}', "Item 1 has fewer bytes than the 1 that its header says."),
        (b'{}\n{"type":"a","length":1}\nbc\n', "Item 1 has more bytes than the 1 that its header says."),
        (b'{}\n{"type":"a","length":1}\nb\r\n', "Item 1 has more bytes than the 1 that its header says."),
        (b'{}\n{"length":1}\nb\n{"length":9}\nb', "Item 2 has fewer bytes than the 9 that its header says."),
        *(
            (b'{}\n{"length":%s}\nb\n' % length, "The length of item 1 must be a whole number of bytes.")
            for length in (b"-1", b"1.0", b'"1"', b"true", b"[]", b"NaN", b"1e400", b"9" * 5000)
        ),
        (b'{}\n{"length":%s}\nb\n' % (b"9" * 100), "Item 1 has fewer bytes than the 999"),
        (b'{"a":"%s"}' % (b"b" * MAX_HEADER_BYTES), "The envelope's header has more than 65536 bytes."),
        (b'{}\n{"a":"%s"}' % (b"b" * MAX_HEADER_BYTES), "The header of item 1 has more than 65536 bytes."),
    ],
)
def test_broken_framing_is_said_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(InvalidBody) as refused:
        envelope.parse(raw)
    assert refused.value.message.startswith(words)
    assert refused.value.message.endswith(".")


def test_one_odd_value_in_a_header_loses_nothing() -> None:
    found = envelope.parse(b'{"trace":{"transaction":"\xff\\ud83d\\u0000","rate":NaN}}\n{"type":"event","x":1e999}\n{}')
    assert found.header == {"trace": {"transaction": "\ufffd\ud83d\x00", "rate": "NaN"}}
    assert found.items == [Item({"type": "event", "x": "1e999"}, b"{}")]


def test_a_header_and_items_up_to_their_bounds_are_read() -> None:
    longest = b'{"a":"%s"}' % (b"b" * (MAX_HEADER_BYTES - 8))
    assert len(envelope.parse(longest + b"\n").header) == 1
    assert len(envelope.parse(b"{}\n" + b"{}\n\n" * MOST_ITEMS).items) == MOST_ITEMS
    with pytest.raises(PayloadTooLarge):
        envelope.parse(b"{}\n" + b"{}\n\n" * (MOST_ITEMS + 1))


HOSTILE: Final = {
    "line breaks": b"\n" * 2**20,
    "line breaks after a header": b"{}" + b"\n" * 2**20,
    "line breaks between items": b"{}\n" + (b"{}\n" + b"\n" * 1000) * 1000 + b"\n" * 2**20,
    "spaces": b" " * 2**20,
    "empty objects in lines": b"{}\n" * 2**18,
    "empty objects in a line": b"{}" * 2**19,
    "an item without an end": b"{}\n{}\n" + b"x" * 2**20,
    "items that end with the envelope": b"{}\n" + b'{"length":0}\n\n' * 999 + b"{}\n" + b"x" * 2**20,
    "items of one byte and a long tail": b"{}\n" + b'{"length":1}\nx\n' * 999 + b'{"length":1}\nx' + b"\n" * 2**20,
    "brackets": b"[" * 2**20,
    "nines": b"9" * 2**20,
    "a long number": b"{}\n" + b'{"length":%s}\n' % (b"9" * 60_000) * 16,
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_bytes_cost_little(kind: str) -> None:
    started = time.process_time()
    with contextlib.suppress(InvalidBody, PayloadTooLarge):
        envelope.parse(HOSTILE[kind])
    assert time.process_time() - started < 0.5


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
headers = st.dictionaries(
    st.text().filter(lambda key: key != "length"), values | st.lists(values, max_size=3), max_size=4
)
payloads = st.binary() | st.lists(st.sampled_from([b"\n", b"\r\n", b"{}", b"\x00", b'{"type":"event"}'])).map(b"".join)
packed_items = st.lists(st.tuples(headers, payloads, st.booleans()), max_size=5)


def line(header: dict[str, Any]) -> bytes:
    return json.dumps(header).encode()


def pack(header: dict[str, Any], items: Sequence[Item], *, last_line_ends: bool) -> bytes:
    lines = [line(header), *(each for item in items for each in (line(item.header), item.payload))]
    return b"\n".join(lines) + (b"\n" if last_line_ends else b"")


def sized(header: dict[str, Any], payload: bytes, *, told: bool) -> Item:
    return Item(header | {"length": len(payload)} if told or b"\n" in payload else header, payload)


@settings(deadline=None)
@given(header=headers, packed=packed_items, last_line_ends=st.booleans())
def test_what_is_packed_is_unpacked(
    header: dict[str, Any], packed: list[tuple[dict[str, Any], bytes, bool]], *, last_line_ends: bool
) -> None:
    items = [sized(each, payload, told=told) for each, payload, told in packed]
    assert envelope.parse(pack(header, items, last_line_ends=last_line_ends)) == Envelope(header, items)


@settings(deadline=None)
@given(headers, packed_items, st.data())
def test_a_cut_envelope_is_refused_or_ends_earlier(
    header: dict[str, Any], packed: list[tuple[dict[str, Any], bytes, bool]], data: st.DataObject
) -> None:
    items = [sized(each, payload, told=True) for each, payload, _ in packed]
    raw = pack(header, items, last_line_ends=True)
    cut = raw[: data.draw(st.integers(0, len(raw) - 1), "bytes kept")]
    try:
        found = envelope.parse(cut)
    except InvalidBody:
        return
    assert found == Envelope(header, items[: len(found.items)])


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"{}\n", b'{"length":3}\n', b"abc", b"\n", b"\r\n", b"{", b"\xff"]) | st.binary(max_size=9)
    )
)
def test_any_pieces_are_read_or_refused(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    try:
        found = envelope.parse(raw)
    except InvalidBody:
        return
    rest = raw
    for item in found.items:
        # What was read stands there, in this order.
        assert item.payload in rest
        rest = rest[rest.index(item.payload) + len(item.payload) :]


@settings(deadline=None)
@given(st.integers(0, 5), st.data())
def test_a_length_that_ends_within_a_line_is_refused(others: int, data: st.DataObject) -> None:
    payload = data.draw(st.text("ab", min_size=2)).encode()
    length = data.draw(st.integers(0, len(payload) - 1))
    items = [Item({}, b"")] * others + [Item({"length": length}, payload)]
    with pytest.raises(InvalidBody, match=f"Item {others + 1} has more bytes"):
        envelope.parse(pack({}, items, last_line_ends=True))


@pytest.mark.parametrize(
    "said", [ID, ID.upper(), "9ec79c33-ec99-42ab-8353-589fcb2e04dc", "9EC79C33-EC99-42AB-8353-589FCB2E04DC"]
)
def test_an_event_id_is_dashed_or_plain(said: str) -> None:
    assert envelope.event_id(said) == ID


@pytest.mark.parametrize(
    "said", [None, 7, [ID], "", ID[1:], ID + "0", f" {ID}", f"{ID}\n", f"{{{ID}}}", "g" * 32, "-" * 32, "٣" * 32]
)
def test_what_is_no_event_id_is_none(said: object) -> None:
    assert envelope.event_id(said) is None
