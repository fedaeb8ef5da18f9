"""The table: figures beside their floors or peers, as the README has it."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

COLD: Final = "**A cold start**, of the package, in a process of its own"
WARM: Final = "**A report or an event**, in a container that is up"
WRITES: Final = "**What is written**, in write units as DynamoDB bills them"
READS: Final = "**What an operator's look takes**"
MEDIA: Final = "**Media**, through an S3 on this machine"
DAILY: Final = "**Tasks and schedules**, on a store in memory, whose time is in it"
LOAD: Final = "**`make run`**, all of it and its clients on this machine"
GROUPS: Final = (COLD, WARM, WRITES, READS, MEDIA, DAILY, LOAD)

MOST_PLACES: Final = 6
_BESIDE: Final = " · "

Runs = Sequence[float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A row: some measures of a kind, the runs of each, those of their floors or peers, and what these are.

    `name` has as many parts with a dot between them as there are measures; one floor does for all where it is the same.
    """

    group: str
    name: str
    unit: str
    measures: Sequence[Runs]
    floors: Sequence[Runs]
    floor: str

    def row(self) -> str:
        cells = (self.name, _cell(self.measures, self.unit), _cell(self.floors, self.unit), self.floor)
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Places:
    """Where something goes: parts of it, by place, in whatever unit."""

    what: str
    parts: Mapping[str, float]

    def line(self) -> str:
        whole = sum(self.parts.values())
        most = sorted(self.parts.items(), key=lambda each: -each[1])[:MOST_PLACES]
        return f"- {self.what}: {', '.join(f'{place} {part / whole:.0%}' for place, part in most)}."


def rendered(found: Iterable[Figure | Places]) -> str:
    """The table, by groups, and under it where it goes; without what was not measured."""
    rows: dict[str, list[str]] = {}
    lines = []
    for each in found:
        if isinstance(each, Places):
            lines.append(each.line())
        else:
            rows.setdefault(each.group, []).append(each.row())
    table = ["| | measured | floor or peer | which is |", "| --- | --- | --- | --- |"]
    for group in GROUPS:
        table += [f"| {group} | | | |", *rows[group]] if group in rows else []
    parts = [table, ["Where it goes:", "", *lines]] if lines else [table]
    return "\n\n".join("\n".join(part) for part in parts)


def _cell(measures: Sequence[Runs], unit: str) -> str:
    return f"{_BESIDE.join(map(_spread, measures))} {unit}".strip() if measures else ""


def _spread(runs: Runs) -> str:
    """The median, and the least and the most where they can be told from it. What does not vary is given exactly."""
    if min(runs) == max(runs):
        return _exact(runs[0])
    least, middle, most = (_rounded(value) for value in (min(runs), statistics.median(runs), max(runs)))
    return middle if least == most else f"{middle} ({least}-{most})"


def _exact(value: float) -> str:
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def _rounded(value: float) -> str:
    """Two digits, as no more of them come again in the next run, or a whole number."""
    digits = next((digits for digits, least in enumerate((9.95, 0.995)) if value >= least), 2)
    return f"{value:,.{digits}f}"
