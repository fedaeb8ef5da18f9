"""Lists in pages: limits, and cursors that only the list that made them accepts."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Final

from chalicelib.config import config
from chalicelib.errors import InvalidCursor, InvalidRequest

DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 100
_SIGNATURE_BYTES: Final = 12


def limit(text: str | None) -> int:
    """The page size that a caller asked for. Raises InvalidRequest unless it is a whole number from 1 to 100."""
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidRequest("limit must be a whole number from 1 to 100.", [("limit", f"must be 1 to {MAX_LIMIT}")])


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


def _sign(scope: str, position: str) -> bytes:
    message = json.dumps([scope, position]).encode()
    return hmac.digest(config().cursor_key.encode(), message, hashlib.sha256)[:_SIGNATURE_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
