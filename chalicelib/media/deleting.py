"""Deleting: a media goes with its objects and its job. Hidden from every reader first, so that it may be cut off."""

from datetime import datetime

from chalicelib import storage
from chalicelib.errors import JobRunning
from chalicelib.jobs import requests
from chalicelib.media import keys, listing, models
from chalicelib.media.models import Media
from chalicelib.observability import correlation_id, logger


def delete(media_id: str, actor: str, now: datetime) -> None:
    """Delete a media with its objects. Safe to repeat; nothing happens to one that is not there.

    Raises Unavailable where the store does not let go of them: the media is hidden all the same, and a sweep goes on.
    """
    media = models.find(media_id) if models.is_media_id(media_id) else None
    if media is None:
        return
    change = {"file_name": media.file_name, "owner_id": media.owner_id}
    audit = models.audit(media_id, actor, "delete", now, correlation_id=correlation_id(), change=change)
    models.begin_delete(media, audit)
    finish(media, actor, now)


def finish(media: Media, actor: str, now: datetime) -> None:
    """Delete what a media that is hidden already consists of, its row last. Safe to repeat.

    While a worker holds its job the row stays, hidden: when the run ends, or a sweep finds its lease run out, what it
    may have made meanwhile goes too.
    """
    own = keys.original(media.media_id)
    if media.upload_id is not None:
        storage.abort_parts(own, media.upload_id)
    storage.delete([own, *storage.keys_under(keys.variants(media.media_id))])
    try:
        requests.delete(listing.job_id(media), actor, now)
    except JobRunning:
        logger.info("a delete waits for a run to end", media_id=media.media_id)
        return
    models.end_delete(media)
