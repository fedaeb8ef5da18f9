"""Storable JSON: what a client may send, made into what every store and encoder takes."""

import math
from typing import Any, Final

import msgspec

from chalicelib.errors import InvalidRequest

MAX_DEPTH: Final = 32


def storable(value: Any, notes: list[str], depth: int = 0) -> Any:
    """A copy without lone surrogates and infinities, of at most MAX_DEPTH levels; `notes` say what was cut."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            note = f"What was nested deeper than {MAX_DEPTH} levels was cut."
            if note not in notes:
                notes.append(note)
            return "[nested too deeply]"
        if isinstance(value, list):
            return [storable(item, notes, depth + 1) for item in value]
        return {storable(key, notes): storable(item, notes, depth + 1) for key, item in value.items()}
    return value


def bounded(field: str, value: dict[str, Any] | None, max_bytes: int) -> dict[str, Any] | None:
    """A storable copy of an object that a caller keeps with us, None for an empty one. Raises InvalidRequest."""
    notes: list[str] = []
    copy: dict[str, Any] | None = storable(value, notes)
    if notes:
        raise InvalidRequest.of(field, "is nested too deeply")
    if len(msgspec.json.encode(copy)) > max_bytes:
        raise InvalidRequest.of(field, f"must have at most {max_bytes} bytes as JSON")
    return copy or None
