"""Lists in pages: limits, and cursors that only the list that made them accepts."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Final, Generic, TypeVar

import msgspec

from chalicelib.config import config
from chalicelib.errors import InvalidCursor

T = TypeVar("T")

DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 100
# Under a filter that hardly anything passes a page ends here, empty perhaps.
EXAMINED_PER_PAGE: Final = 100
_SIGNATURE_BYTES: Final = 12

Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT, description="How many items a page has at most.")]
# Only `position` judges a cursor: whatever its fault, it is an InvalidCursor.
Cursor = Annotated[
    str,
    msgspec.Meta(
        extra_json_schema={"pattern": "^[A-Za-z0-9_-]+$"}, description="`next_cursor` of the page before, unchanged."
    ),
]


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. Without a `next_cursor` it is the last."""

    items: list[T]
    next_cursor: Cursor | None


def scope(list_name: str, filters: Mapping[str, object]) -> str:
    """What a cursor is bound to: one list under one set of filters."""
    return json.dumps([list_name, sorted(filters.items())], default=str)


def cursor(scope: str, position: str) -> str:
    """An opaque, signed cursor (`A-Za-z0-9_-`) for a position within the list that `scope` names."""
    return _encode(_sign(scope, position) + position.encode())


def position(scope: str, cursor: str | None) -> str | None:
    """The position that a cursor holds, None without one.

    Raises InvalidCursor when it was altered, or made for another list or filter.
    """
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        text = raw[_SIGNATURE_BYTES:].decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor("The cursor is not one that this list returned; start again without it.") from error
    # Base64 has several spellings of the same bytes; only ours counts as untouched.
    if _encode(raw) != cursor or not hmac.compare_digest(raw[:_SIGNATURE_BYTES], _sign(scope, text)):
        raise InvalidCursor("The cursor is not one that this list and filter returned; start again without it.")
    return text


def filtered(
    scope: str,
    after: str | None,
    limit: int,
    *,
    narrow: bool,
    positions: Callable[[str | None, int], Sequence[str]],
    items: Callable[[Sequence[str]], Iterable[T | None]],
) -> Page[T]:
    """A page of a list whose index yields positions, not each of which has an item that is asked for.

    `after` is the cursor. `positions` gives so many from behind one, `items` what is at each, None where that is gone
    or does not match. Where a filter is narrower than the index, more positions than items are looked at. Raises
    InvalidCursor.
    """
    most = max(limit, EXAMINED_PER_PAGE) if narrow else limit
    found = positions(position(scope, after), most + 1)
    examined = found[:most]
    kept: list[T] = []
    for nth, item in enumerate(items(examined), start=1):
        if item is not None:
            kept.append(item)
            if len(kept) == limit:
                examined = examined[:nth]
                break
    return Page(kept, cursor(scope, examined[-1]) if len(found) > len(examined) else None)


def _sign(scope: str, position: str) -> bytes:
    message = json.dumps([scope, position]).encode()
    return hmac.digest(config().cursor_key.encode(), message, hashlib.sha256)[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
