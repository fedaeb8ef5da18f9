"""The table: figures beside their floors, as Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = "| figure | unit | median (min-max) | floor, same run | floor is |\n| --- | --- | --- | --- | --- |"


@dataclass(frozen=True)
class Figure:
    """One figure: every run's value, those of its floor, and what the floor is."""

    name: str
    unit: str
    values: Sequence[float]
    floors: Sequence[float] = ()
    floor: str = ""

    def row(self) -> str:
        return f"| {self.name} | {self.unit} | {_spread(self.values)} | {_spread(self.floors)} | {self.floor} |"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    least, middle, most = (_number(value) for value in (min(values), statistics.median(values), max(values)))
    return middle if least == most else f"{middle} ({least}-{most})"


def _number(value: float) -> str:
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
