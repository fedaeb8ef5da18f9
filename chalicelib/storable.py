"""Storable JSON: what a client may send, made into what every store and encoder takes."""

import math
from typing import Any, Final

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
