"""Burying: a message that no worker could take becomes a failed job, which says so and can be run again."""

from datetime import datetime
from typing import Final

from chalicelib import storage
from chalicelib.errors import MediaNotFound
from chalicelib.jobs import dead
from chalicelib.jobs.dispatching import Message as Attempt
from chalicelib.media import keys, listing, messages, models, uploads
from chalicelib.observability import correlate, count, logger

REASON: Final = "No worker could begin with this file, in several tries; it can be run again."


def bury(body: str, now: datetime) -> None:
    """Fail the job of a dead letter. Safe to repeat. Raises ValueError for what is no message, and Unavailable."""
    count("DeadLetters")
    message = messages.read(body)
    if isinstance(message, Attempt):
        dead.bury(message.job_id, message.attempt, REASON, now)
        return
    for key in message:
        _bury_upload(key, now)


def _bury_upload(key: str, now: datetime) -> None:
    media_id = keys.media_id(key)
    media = models.find(media_id) if media_id else None
    stored = storage.head(key) if media_id else None
    if media is None or stored is None or media.deleting:
        logger.info("a dead letter about what is gone", key=key)
        return
    correlate(media.correlation_id)
    try:
        media = uploads.note(media, stored, now)
    except MediaNotFound:
        return
    dead.bury_unstarted(
        listing.KIND,
        media.media_id,
        listing.job_id(media),
        REASON,
        correlation_id=media.correlation_id,
        now=now,
    )
