"""Sweeping: uploads whose event never came, and deletes that were cut off, are found and set right."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from chalicelib import storage
from chalicelib.clock import rfc3339
from chalicelib.errors import Unavailable
from chalicelib.jobs import listing as jobs
from chalicelib.media import deleting, keys, listing, messages, models
from chalicelib.media.models import AWAITED_FOR, DELETING, OPEN, Media
from chalicelib.observability import correlate, count, logger

SWEEPER: Final = "groundcrew"
LATE_AFTER: Final = timedelta(minutes=15)
# An event may wait in a queue that is long; it need not be sent again each time.
AGAIN_AFTER: Final = timedelta(hours=6)
READ_AT_ONCE: Final = 100


def sweep(now: datetime) -> None:
    """Announce uploads whose events are late, and go on with deletes. Safe to repeat.

    What one media is in the way of is logged; the next sweep tries it again. Raises Busy.
    """
    for media in _all(DELETING, rfc3339(now), ""):
        _try(media, lambda media: deleting.finish(media, SWEEPER, now))
    for media in _late(now):
        _try(media, lambda media: _announce(media, now))


def _late(now: datetime) -> Iterator[Media]:
    """Media old enough to have a job, and young enough to wait for one, that have none."""
    for media in _all(OPEN, rfc3339(now - LATE_AFTER), rfc3339(now - AWAITED_FOR)):
        announced = media.announced_at or ""
        if announced <= rfc3339(now - AGAIN_AFTER) and jobs.find(listing.job_id(media)) is None:
            yield media


def _announce(media: Media, now: datetime) -> None:
    if media.uploaded_at is None and storage.head(keys.original(media.media_id)) is None:
        return
    logger.warning("an upload whose event is late", media_id=media.media_id)
    count("EventsLate")
    messages.announce(keys.original(media.media_id))
    models.mark_announced(media, now)


def _try(media: Media, step: Callable[[Media], None]) -> None:
    correlate(media.correlation_id)
    try:
        step(media)
    except Unavailable:
        logger.exception("a media is left to the next sweep", media_id=media.media_id)


def _all(partition: str, before: str, since: str) -> Iterator[Media]:
    """The media in a partition of the index that were made in a span of time, as they are now."""
    position = before
    while positions := models.by_completeness(partition, position, READ_AT_ONCE):
        found = models.find_many([each.rpartition("#")[2] for each in positions if each >= since])
        yield from (media for media in found.values() if media.g2p == partition)
        if positions[-1] < since:
            return
        position = positions[-1]
