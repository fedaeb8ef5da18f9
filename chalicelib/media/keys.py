"""Keys: where the objects of a media lie. They say nothing of its owner or its name."""

from typing import Final

from chalicelib.media import models

# Objects under the first prefix raise events, those under the second raise none.
ORIGINALS: Final = "originals/"
VARIANTS: Final = "variants/"


def original(media_id: str) -> str:
    """The key of a media's original."""
    return ORIGINALS + media_id


def variants(media_id: str) -> str:
    """The prefix of everything that was ever made of a media."""
    return f"{VARIANTS}{media_id}/"


def run(media_id: str, fence: str) -> str:
    """The prefix of what one run makes: another run, however late, cannot write over it."""
    return f"{VARIANTS}{media_id}/{fence}/"


def media_id(key: str) -> str | None:
    """The media whose original a key is of; None for a key that is not of our making."""
    found = key.removeprefix(ORIGINALS)
    return found if key.startswith(ORIGINALS) and models.is_media_id(found) else None
