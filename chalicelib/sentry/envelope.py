"""Envelopes: how Sentry's SDKs pack what they send, framed by bytes.

A line with the envelope's header, then for each item a line with its header and a payload: of as many bytes as the
header's `length` says, or else up to the end of the line. Source: https://develop.sentry.dev/sdk/data-model/envelopes/
"""

import re
from dataclasses import dataclass
from typing import Final

from chalicelib import untrusted
from chalicelib.errors import InvalidBody, PayloadTooLarge

MOST_ITEMS: Final = 1000
MAX_HEADER_BYTES: Final = 64 * 1024

_NOT_BLANK: Final = re.compile(rb"\S")
_EVENT_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in an envelope; its payload is as it was sent, and may be anything."""

    header: dict[str, object]
    payload: bytes

    @property
    def type(self) -> str:
        """What its header says it is, such as `event`; empty where that is no text."""
        found = self.header.get("type")
        return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What came in one request. Header and items may be empty, and of types and keys that nobody knows."""

    header: dict[str, object]
    items: list[Item]


def parse(raw: bytes) -> Envelope:
    """The envelope that `raw` is; the last line need not end, and blank lines before a header do not count.

    Raises InvalidBody, which says where the framing breaks, and PayloadTooLarge for more than MOST_ITEMS items.
    """
    header, offset = _header(raw, _skip_blank(raw, 0), "The envelope's header")
    items: list[Item] = []
    while (offset := _skip_blank(raw, offset)) < len(raw):
        if len(items) == MOST_ITEMS:
            raise PayloadTooLarge(f"The envelope has more than {MOST_ITEMS} items; send them in several.")
        item, offset = _item(raw, offset, len(items) + 1)
        items.append(item)
    return Envelope(header, items)


def event_id(found: object) -> str | None:
    """An event's id as 32 hex digits, which SDKs write dashed or plain; None for anything else."""
    text = found.lower() if isinstance(found, str) else ""
    return text.replace("-", "") if _EVENT_ID.fullmatch(text) else None


def _skip_blank(raw: bytes, offset: int) -> int:
    found = _NOT_BLANK.search(raw, offset)
    return found.start() if found else len(raw)


def _header(raw: bytes, offset: int, what: str) -> tuple[dict[str, object], int]:
    """The header at `offset`, and where the next line begins."""
    end = _end_of_line(raw, offset)
    if end - offset > MAX_HEADER_BYTES:
        raise InvalidBody(f"{what} has more than {MAX_HEADER_BYTES} bytes.")
    return untrusted.json_object(raw[offset:end], what), min(end + 1, len(raw))


def _item(raw: bytes, offset: int, number: int) -> tuple[Item, int]:
    """The item at `offset`, and where it ends."""
    header, start = _header(raw, offset, f"The header of item {number}")
    length = header.get("length")
    if length is None:
        end = _end_of_line(raw, start)
    elif not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise InvalidBody(f"The length of item {number} must be a whole number of bytes.")
    elif start + length > len(raw):
        raise InvalidBody(f"Item {number} has fewer bytes than the {length} that its header says.")
    else:
        end = start + length
        if raw[end : end + 1] not in (b"", b"\n"):
            raise InvalidBody(f"Item {number} has more bytes than the {length} that its header says.")
    return Item(header, raw[start:end]), end


def _end_of_line(raw: bytes, offset: int) -> int:
    end = raw.find(b"\n", offset)
    return len(raw) if end == -1 else end
