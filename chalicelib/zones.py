"""Time zones: the IANA database as the pinned tzdata package has it, so that every machine tells the same time."""

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


UNKNOWN: Final = "must be an IANA time zone such as Europe/Berlin"


class UnknownZone(ValueError):
    """The database has no zone of this name; the message is for whoever gave it."""


@cache
def zone(name: str) -> "ZoneInfo":
    """The zone of a name, as the database spells it. Raises UnknownZone."""
    # A function that asks for no zone does not pay for these at its cold start.
    from importlib.resources import files
    from zoneinfo import ZoneInfo

    if name not in names():
        raise UnknownZone(UNKNOWN)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def names() -> frozenset[str]:
    """The names of all zones, aliases included."""
    from importlib.resources import files

    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())
