"""Crontabs: when a line of five fields last said to run. cronsim reads them, which keeps to Debian's cron."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from cronsim import CronSim, CronSimError

MAX_LENGTH: Final = 100

# Names that Sentry's SDKs take, too.
_NAMED: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def last(line: str, before: datetime, zone: tzinfo) -> datetime | None:
    """The latest moment up to `before` that a line names in a zone; None where it names none, or cannot be read."""
    fields = _NAMED.get(line, line)
    if len(fields) > MAX_LENGTH or len(fields.split()) != 5:
        return None
    # It names moments before the one that it is given.
    minute = before.astimezone(zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
    try:
        return next(CronSim(fields, minute, reverse=True), None)
    except CronSimError:
        return None
