"""Sweeping: uploads whose event never came, and deletes that were cut off, are found and set right."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from chalicelib.clock import rfc3339
from chalicelib.errors import MediaNotFound, UploadIncomplete
from chalicelib.jobs import listing as jobs
from chalicelib.media import deleting, keys, listing, messages, models, uploads
from chalicelib.media.models import AWAITED_FOR, DELETING, OPEN, Media
from chalicelib.observability import correlate, count, logger
from chalicelib.rows import SYSTEM

LATE_AFTER: Final = timedelta(minutes=15)
# An event may wait in a queue that is long; it need not be sent again each time.
AGAIN_AFTER: Final = timedelta(hours=6)
# From then on the store is asked once an hour, by the sweep in its first minutes.
OLD_AFTER: Final = timedelta(hours=2)
SELDOM_WITHIN: Final = 15
READ_AT_ONCE: Final = 100


def sweep(now: datetime) -> None:
    """Announce uploads whose events are late, and go on with deletes. Safe to repeat.

    What one media is in the way of is logged; the next sweep tries it again. Raises Busy.
    """
    for media in _late(now):
        _try(media, lambda media: _announce(media, now))
    for page in _pages(DELETING, rfc3339(now), ""):
        for media in page:
            _try(media, lambda media: deleting.finish(media, SYSTEM, now))


def _late(now: datetime) -> Iterator[Media]:
    """Media old enough to have a job, and young enough to wait for one, that have none."""
    for page in _pages(OPEN, rfc3339(now - LATE_AFTER), rfc3339(now - AWAITED_FOR)):
        begun = jobs.find_many([listing.job_id(media) for media in page])
        for media in page:
            announced = (media.announced_at or "") > rfc3339(now - AGAIN_AFTER)
            # Most that wait for long will wait for ever: the store is not asked for those each time.
            seldom = media.created_at < rfc3339(now - OLD_AFTER) and now.minute >= SELDOM_WITHIN
            if not announced and not (seldom and not media.uploaded_at) and listing.job_id(media) not in begun:
                yield media


def _announce(media: Media, now: datetime) -> None:
    try:
        # Notes the file if it is there, and joins parts if all are: whoever sent them may be gone.
        uploads.complete(media, None, now)
    except (MediaNotFound, UploadIncomplete):
        return
    logger.warning("an upload whose event is late", media_id=media.media_id)
    count("EventsLate")
    messages.announce(keys.original(media.media_id))
    models.mark_announced(media, now)


def _try(media: Media, step: Callable[[Media], None]) -> None:
    correlate(media.correlation_id)
    try:
        step(media)
    except Exception:  # noqa: BLE001  # whatever it is, it is this media's alone
        logger.exception("a media is left to the next sweep", media_id=media.media_id)


def _pages(partition: str, before: str, since: str) -> Iterator[list[Media]]:
    """The media in a partition of the index that were made in a span of time, as they are now."""
    position = before
    while positions := models.by_completeness(partition, position, READ_AT_ONCE):
        found = models.find_many([each.rpartition("#")[2] for each in positions if each >= since])
        yield [media for media in found.values() if media.g2p == partition]
        if positions[-1] < since:
            return
        position = positions[-1]
