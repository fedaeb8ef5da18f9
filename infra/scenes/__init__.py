"""Scenes of the demo, one of each area, and each clears away what it left before.

What happens now is done over HTTP, as a stranger's programs would; what happened in the past cannot come in that way,
and is played with the areas' own functions and the clock of its moment. Those read the hub's configuration when they
are imported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.paging import Page

T = TypeVar("T")

Links = tuple[tuple[str, str], ...]
"""Paths, each with what it shows."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What happened, for a person, and where to look: pages of the console, and paths of the API."""

    account: str
    pages: Links
    look: Links


def walk(page: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Every item of a list, given its page at a cursor."""
    cursor = None
    while True:
        found = page(cursor)
        yield from found.items
        if found.next_cursor is None:
            return
        cursor = found.next_cursor
