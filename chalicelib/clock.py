"""Time: UTC everywhere, RFC 3339 with milliseconds at every edge."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A moment as it is stored and shown; `rfc3339` makes it."""


def now() -> datetime:
    """The present, cut to the millisecond that is stored and shown. Handlers call it once and pass it down."""
    present = datetime.now(UTC)
    return present.replace(microsecond=present.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """`2026-01-25T08:15:30.123Z`; sorts as text in the order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The moment that an RFC 3339 text names; one without an offset is taken as UTC.

    Raises ValueError (also for moments that UTC cannot hold).
    """
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is outside the calendar") from error
