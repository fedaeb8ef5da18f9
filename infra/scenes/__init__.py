"""Scenes of the demo, one of each area: played with the areas' own functions, and each clears away what it left before.

They read the hub's configuration when they are imported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.paging import Page

T = TypeVar("T")


@dataclass(frozen=True)
class Scene:
    """What happened, for a person, and where to look: paths of the API, each with what it shows."""

    account: str
    look: tuple[tuple[str, str], ...]


def walk(page: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Every item of a list, given its page at a cursor."""
    cursor = None
    while True:
        found = page(cursor)
        yield from found.items
        if found.next_cursor is None:
            return
        cursor = found.next_cursor
