"""Windows: the hours that a report is of, and which of them are read as whole days.

Hours and days are those of UTC. A window of N hours begins with the hour in which N hours ago lies, all of it, so that
it has N + 1 of them, the last of which is not over. Over a window of more than three days, the whole days in it are
read from the rows that the nightly run sums up, as far as it has come; the rest, today and what began amid a day above
all, hour by hour.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from chalicelib.config import FIRST_PROJECT
from chalicelib.fields import ProjectId

DEFAULT_HOURS: Final = 24
MAX_HOURS: Final = 2160
HOURS_ALONE: Final = 72
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

Hours = Annotated[int, Meta(ge=1, le=MAX_HOURS, description="How many hours, from the beginning of the first of them.")]
Dimension = Annotated[str, Meta(min_length=1, max_length=100, description="The one that the report is narrowed to.")]


class ReportQuery(Struct, frozen=True):
    """What a report is of."""

    hours: Hours = DEFAULT_HOURS
    dimension: Dimension | None = None
    project_id: ProjectId = FIRST_PROJECT


@dataclass(frozen=True, slots=True)
class Window:
    """The hours from `first` to `last`, each by its beginning. `now` lies in the last."""

    first: datetime
    last: datetime
    now: datetime

    @property
    def hours(self) -> list[datetime]:
        """Every hour, the oldest first."""
        return [self.first + nth * HOUR for nth in range((self.last - self.first) // HOUR + 1)]

    @property
    def days(self) -> list[date]:
        """The days that may be read as such, the oldest first: those that are over and lie wholly in a long window."""
        if self.last - self.first <= HOURS_ALONE * HOUR:
            return []
        whole = -(-(self.first - _midnight(self.first)) // DAY)
        first = _midnight(self.first) + whole * DAY
        return [(first + nth * DAY).date() for nth in range((_midnight(self.last) - first) // DAY)]


def window(hours: int, now: datetime) -> Window:
    """The last `hours` hours, and what came before them in the first one."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Window(last - hours * HOUR, last, now)


def runs(window: Window, summed: Iterable[date]) -> list[tuple[datetime, datetime]]:
    """The hours of a window that lie in no day of `summed`: from which to which, the oldest first."""
    found: list[tuple[datetime, datetime]] = []
    days = set(summed)
    for hour in window.hours:
        if hour.date() in days:
            continue
        if found and found[-1][1] == hour - HOUR:
            found[-1] = found[-1][0], hour
        else:
            found.append((hour, hour))
    return found


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0)
