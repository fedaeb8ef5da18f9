"""Limits: what an upload may be, so that nobody's costs run away. Each is configured; 0 is none."""

from datetime import datetime, timedelta
from typing import Final

from chalicelib.config import config
from chalicelib.errors import PayloadTooLarge, TooManyUploads
from chalicelib.media import models

EVERYBODY: Final = "*"


def require_within(size_bytes: int, duration_s: float | None) -> None:
    """Raises PayloadTooLarge for what is declared over the limits; what was not, the worker finds out."""
    most, minutes = config().max_upload_bytes, config().max_video_minutes
    if most and size_bytes > most:
        raise PayloadTooLarge(f"The file has {size_bytes} bytes; send at most {most}.")
    if minutes and duration_s is not None and duration_s > minutes * 60:
        raise PayloadTooLarge(f"The video is {duration_s / 60:.0f} minutes long; send at most {minutes}.")


def take_upload(owner_id: str, now: datetime) -> None:
    """Count one more upload of today (UTC). Raises TooManyUploads, until midnight."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    for who, most, whose in (
        (owner_id, config().uploads_per_customer_per_day, "You"),
        (EVERYBODY, config().uploads_per_day, "All customers together"),
    ):
        if most and not models.take_upload(who, most, now):
            message = f"{whose} may begin {most} uploads a day; try again tomorrow (UTC)."
            raise TooManyUploads(message, int((midnight - now).total_seconds()) + 1)
