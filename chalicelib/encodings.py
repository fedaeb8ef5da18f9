"""Encodings: a body as it was before its client compressed it, bounded while it inflates."""

import zlib
from collections.abc import Callable, Mapping
from typing import Final

from chalicelib.errors import InvalidBody, PayloadTooLarge, UnsupportedMediaType

MOST_ENCODINGS: Final = 3
MOST_MEMBERS: Final = 100

# Words that SDKs have sent and that encode nothing: Ruby's an empty one, Android's the character set.
_PLAIN: Final = frozenset({"", "identity", "utf-8"})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_BROTLI_CHUNK: Final = 64 * 1024


def inflate(body: bytes, content_encoding: str | None, most: int) -> bytes:
    """The body without what Content-Encoding names: gzip, x-gzip, deflate (with and without zlib's header) or br.

    Several are undone from the last to the first. `most` bounds the bytes of the body and of every step; memory stays
    at a few times that, with 16 MiB for brotli, whatever they would inflate to. A gzip may have several members, and a
    body that is said to be gzip and does not begin like one is taken as it is: a proxy has inflated it. Raises
    PayloadTooLarge, UnsupportedMediaType, and InvalidBody for what is corrupt, cut off or followed by something else.
    """
    _require_at_most(most, len(body))
    names = [name.strip() for name in (content_encoding or "").lower().split(",")]
    applied = [name for name in names if name not in _PLAIN]
    if not all(name in _INFLATERS for name in applied):
        taken = "gzip, deflate, br"
        raise UnsupportedMediaType(f"Send the body plain, or encoded as {taken}.", headers={"Accept-Encoding": taken})
    if len(applied) > MOST_ENCODINGS:
        raise InvalidBody(f"The body is encoded {len(applied)} times; encode it at most {MOST_ENCODINGS} times.")
    for name in reversed(applied):
        body = _INFLATERS[name](body, most)
    return body


def _require_at_most(most: int, size: int) -> None:
    if size > most:
        raise PayloadTooLarge(f"The body is too large; send at most {most} bytes, counted without encoding.")


def _gzip(body: bytes, most: int) -> bytes:
    return _zlib(body, _GZIP_WINDOW, most) if body.startswith(_GZIP_MAGIC) else body


def _deflate(body: bytes, most: int) -> bytes:
    # Many clients leave out zlib's header, which names the method; what they begin with instead has those bits unset.
    wrapped = bool(body) and body[0] & 15 == zlib.DEFLATED
    return _zlib(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, most)


def _zlib(body: bytes, window: int, most: int) -> bytes:
    inflated = b""
    # Bounded, since each member costs a copy of what follows it.
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(window)
        try:
            inflated += member.decompress(body, most + 1 - len(inflated))
        except zlib.error as error:
            raise _corrupt() from error
        _require_at_most(most, len(inflated))
        if not member.eof:
            raise _corrupt()
        body = member.unused_data
        if not body:
            return inflated
    raise InvalidBody(f"The body is compressed in pieces; send at most {MOST_MEMBERS}.")


def _brotli(body: bytes, most: int) -> bytes:
    # Only Python's SDK sends it, and only where this package is installed.
    import brotli

    stream = brotli.Decompressor()
    inflated = bytearray()
    while not stream.is_finished():
        try:
            # It gives up to twice what it is asked for, so it is asked for little.
            piece = stream.process(body, output_buffer_limit=_BROTLI_CHUNK)
        except brotli.error as error:
            raise _corrupt() from error
        if not piece and not stream.is_finished():
            raise _corrupt()
        inflated += piece
        _require_at_most(most, len(inflated))
        body = b""
    return bytes(inflated)


def _corrupt() -> InvalidBody:
    return InvalidBody("The body is not what Content-Encoding says, or it is cut off.")


_INFLATERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
}
