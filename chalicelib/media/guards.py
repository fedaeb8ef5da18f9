"""Guards: what a file may be, once its facts are known. Before it is downloaded, let alone decoded."""

from typing import Final

from chalicelib.config import config
from chalicelib.media.probing import Facts, Unreadable

MEGAPIXEL: Final = 1_000_000
# What is decoded at most where the limit is none: ffmpeg's own bound.
UNBOUNDED: Final = 2**31 - 1


def max_pixels() -> int:
    """The pixels of the largest picture that is decoded."""
    return config().max_photo_megapixels * MEGAPIXEL or UNBOUNDED


def max_seconds() -> float | None:
    """How long a video may be."""
    return config().max_video_minutes * 60 or None


def require_within(facts: Facts) -> None:
    """Raises Unreadable, in words for its owner, for a file that is longer or larger than the limits."""
    most_s = max_seconds()
    if most_s and facts.duration_s is not None and facts.duration_s > most_s:
        raise Unreadable(f"The video is longer than {most_s // 60} minutes; send a shorter one.")
    if facts.width * facts.height > max_pixels():
        most = max_pixels() // MEGAPIXEL
        raise Unreadable(f"The picture has {facts.width} x {facts.height} pixels; at most {most} megapixels are taken.")
