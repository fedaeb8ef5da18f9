"""Encodings: bodies as SDKs compress them, and as nobody should."""

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Final

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import encodings
from chalicelib.encodings import MOST_ENCODINGS, MOST_MEMBERS
from chalicelib.errors import InvalidBody, PayloadTooLarge, UnsupportedMediaType

MOST: Final = 2 * 1024 * 1024
BODY: Final = b'{}\n{"type":"event"}\n{"message":"It broke."}\n'


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-zlib.MAX_WBITS)


ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "br": brotli.compress,
    "deflate": zlib.compress,
    "deflate, raw": raw_deflate,
    "gzip": gzip.compress,
}


def inflated(kind: str, body: bytes, most: int = MOST) -> bytes:
    return encodings.inflate(body, kind.partition(",")[0], most)


@pytest.mark.parametrize("header", [None, "", " ", "identity", "Identity", "UTF-8", "utf-8, ,identity"])
def test_a_plain_body_is_taken_as_it_is(header: str | None) -> None:
    assert encodings.inflate(BODY, header, MOST) == BODY


@pytest.mark.parametrize("header", ["gzip", "x-gzip", "GZIP", " gzip ", "gzip,", "identity, gzip", "X-Gzip,identity"])
def test_gzip_goes_by_many_names(header: str) -> None:
    assert encodings.inflate(gzip.compress(BODY), header, MOST) == BODY


def test_encodings_are_undone_from_the_last_to_the_first() -> None:
    assert encodings.inflate(brotli.compress(gzip.compress(BODY)), "gzip, br", MOST) == BODY
    assert encodings.inflate(gzip.compress(zlib.compress(brotli.compress(BODY))), "br,deflate, gzip", MOST) == BODY
    with pytest.raises(InvalidBody):
        encodings.inflate(brotli.compress(zlib.compress(BODY)), "br, deflate", MOST)


@pytest.mark.parametrize("kind", sorted(ENCODERS))
@pytest.mark.parametrize("level", [0, 1, 9])
def test_every_level_is_read(kind: str, level: int) -> None:
    body = bytes(range(256)) * 300
    encode: dict[str, Callable[[], bytes]] = {
        "br": lambda: brotli.compress(body, quality=level),
        "deflate": lambda: zlib.compress(body, level),
        "deflate, raw": lambda: zlib.compress(body, level, -zlib.MAX_WBITS),
        "gzip": lambda: gzip.compress(body, level),
    }
    assert inflated(kind, encode[kind]()) == body


@settings(deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.binary() | st.binary(min_size=1, max_size=9).map(lambda few: few * 20_000))
def test_what_is_compressed_is_inflated(kind: str, body: bytes) -> None:
    compressed = ENCODERS[kind](body)
    # What does not get smaller is longer than it was, and bounded as it came.
    assert inflated(kind, compressed, max(len(body), len(compressed))) == body


@pytest.mark.parametrize("kind", sorted(ENCODERS))
def test_what_is_one_byte_too_large_is_refused(kind: str) -> None:
    for size in (1000, 70_000, 150_000):
        compressed = ENCODERS[kind](b"a" * size)
        assert len(inflated(kind, compressed, size)) == size
        with pytest.raises(PayloadTooLarge):
            inflated(kind, compressed, size - 1)


@pytest.mark.parametrize("header", [None, "gzip", "deflate", "br", "gzip, br"])
def test_a_body_that_is_too_large_already_is_not_inflated(header: str | None) -> None:
    with pytest.raises(PayloadTooLarge):
        encodings.inflate(b"a" * 1001, header, 1000)


def bomb(kind: str) -> bytes:
    """64 MiB of zeros."""
    if kind == "br":
        compressor = brotli.Compressor(quality=1)
        return b"".join([*(compressor.process(bytes(2**20)) for _ in range(64)), compressor.finish()])
    windows = {"deflate": zlib.MAX_WBITS, "deflate, raw": -zlib.MAX_WBITS, "gzip": 16 + zlib.MAX_WBITS}
    stream = zlib.compressobj(9, zlib.DEFLATED, windows[kind])
    return b"".join([*(stream.compress(bytes(2**20)) for _ in range(64)), stream.flush()])


@pytest.mark.parametrize("kind", sorted(ENCODERS))
def test_a_bomb_is_refused_while_it_inflates(kind: str) -> None:
    # Within others too, which make it smaller than what may come in.
    once, header = bomb(kind), kind.partition(",")[0]
    for body, said in (
        (once, header),
        (gzip.compress(once), f"{header}, gzip"),
        (brotli.compress(once), f"{header}, br"),
    ):
        tracemalloc.start()
        with pytest.raises(PayloadTooLarge):
            encodings.inflate(body, said, MOST)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 * MOST


def test_a_gzip_may_have_several_members() -> None:
    halves = [gzip.compress(BODY[:20]), gzip.compress(b""), gzip.compress(BODY[20:])]
    assert encodings.inflate(b"".join(halves), "gzip", MOST) == BODY
    with pytest.raises(PayloadTooLarge):
        encodings.inflate(b"".join(halves), "gzip", len(BODY) - 1)
    assert encodings.inflate(gzip.compress(b"a") * MOST_MEMBERS, "gzip", MOST) == b"a" * MOST_MEMBERS
    with pytest.raises(InvalidBody):
        encodings.inflate(gzip.compress(b"a") * (MOST_MEMBERS + 1), "gzip", MOST)


def test_a_plain_body_that_is_said_to_be_gzip_is_taken_as_it_is() -> None:
    assert encodings.inflate(BODY, "gzip", MOST) == BODY
    assert encodings.inflate(b"", "gzip", MOST) == b""
    assert encodings.inflate(brotli.compress(BODY), "gzip, br", MOST) == BODY


@pytest.mark.parametrize("kind", sorted(ENCODERS))
def test_a_body_that_is_cut_off_is_refused(kind: str) -> None:
    compressed = ENCODERS[kind](BODY)
    # One byte of gzip's two does not make it begin like one.
    for size in range(2 if kind == "gzip" else 0, len(compressed)):
        with pytest.raises(InvalidBody):
            inflated(kind, compressed[:size])


@pytest.mark.parametrize("kind", sorted(ENCODERS))
@pytest.mark.parametrize("rest", [b"\n", b"\0", b"garbage", b"\x1f\x8b"])
@pytest.mark.parametrize("body", [BODY, b"a" * 300_000])
def test_a_body_that_goes_on_after_its_end_is_refused(kind: str, rest: bytes, body: bytes) -> None:
    with pytest.raises(InvalidBody):
        inflated(kind, ENCODERS[kind](body) + rest)


def test_a_wrong_checksum_is_noticed() -> None:
    for kind, size in (("gzip", 8), ("deflate", 4)):
        compressed = ENCODERS[kind](BODY)
        broken = compressed[:-size] + bytes([compressed[-size] ^ 1]) + compressed[len(compressed) - size + 1 :]
        with pytest.raises(InvalidBody):
            inflated(kind, broken)


@pytest.mark.parametrize(
    "header", ["zstd", "compress", "gzip, zstd", "zstd, gzip", "gzip;q=1", "gzip br", "nonsense", "\xff"]
)
def test_another_encoding_is_a_415_that_names_ours(header: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        encodings.inflate(gzip.compress(BODY), header, MOST)
    assert refused.value.headers == {"Accept-Encoding": "gzip, deflate, br"}
    assert refused.value.status == 415


def test_encodings_in_a_row_are_few() -> None:
    body = BODY
    for _ in range(MOST_ENCODINGS):
        body = gzip.compress(body)
    assert encodings.inflate(body, ", ".join(["gzip"] * MOST_ENCODINGS), MOST) == BODY
    with pytest.raises(InvalidBody):
        encodings.inflate(gzip.compress(body), ", ".join(["gzip"] * (MOST_ENCODINGS + 1)), MOST)


@settings(deadline=None)
@given(
    st.sampled_from([None, "gzip", "deflate", "br", "gzip, br", "br, deflate"]),
    st.binary()
    | st.binary().map(lambda rest: b"\x1f\x8b\x08" + rest)
    | st.binary().map(lambda rest: b"\x78\x9c" + rest),
    st.integers(0, 300),
)
def test_any_bytes_are_inflated_or_refused(header: str | None, body: bytes, most: int) -> None:
    with contextlib.suppress(InvalidBody, PayloadTooLarge):
        assert len(encodings.inflate(body, header, most)) <= most


@settings(deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.integers(0), st.binary(min_size=1, max_size=3))
def test_a_damaged_body_is_inflated_or_refused(kind: str, place: int, with_what: bytes) -> None:
    body = ENCODERS[kind](BODY * 9)
    place %= len(body)
    with contextlib.suppress(InvalidBody, PayloadTooLarge):
        assert len(inflated(kind, body[:place] + with_what + body[place + len(with_what) :])) <= MOST


@settings(deadline=None)
@given(st.text())
def test_any_header_is_understood_or_refused(header: str) -> None:
    with contextlib.suppress(InvalidBody, UnsupportedMediaType):
        encodings.inflate(BODY, header, MOST)
