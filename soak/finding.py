"""A finding: what a part did or counted, beside what it must be."""

from dataclasses import dataclass
from typing import Final

HEADER: Final = "| what | found | must be |\n| --- | --- | --- |"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. Of one that `must` be nothing in particular, nothing is asked."""

    what: str
    found: str
    must: str = ""
    holds: bool = True

    def row(self) -> str:
        return f"| {self.what} | {self.found}{'' if self.holds else ' **wrong**'} | {self.must} |"


def exactly(what: str, found: object, wanted: object) -> Finding:
    """Something that must be one thing and no other; numbers and texts are shown as they are."""
    return Finding(what, _shown(found), _shown(wanted), found == wanted)


def at_most(what: str, found: float, most: float, unit: str) -> Finding:
    """A measure with an upper bound."""
    return Finding(what, f"{_shown(found)} {unit}", f"at most {_shown(most)} {unit}", found <= most)


def at_least(what: str, found: int, least: int) -> Finding:
    """A count with a lower bound: that a fault did happen."""
    return Finding(what, _shown(found), f"at least {_shown(least)}", found >= least)


def figure(what: str, value: float, unit: str) -> Finding:
    """A measure of which nothing is asked."""
    return Finding(what, f"{_shown(value)} {unit}")


def _shown(value: object) -> str:
    match value:
        case int() | float():
            return f"{value:,.1f}" if isinstance(value, float) and value < 100 and value % 1 else f"{value:,.0f}"
    return str(value)
