"""Attachments: files that come in an event's envelope. What they are called and said to be is not believed."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.incidents import extras
from chalicelib.incidents.extras import BYTES, File
from chalicelib.incidents.report import Origin
from chalicelib.observability import count, logger
from chalicelib.personal import treat
from chalicelib.scrubbing import scrub
from chalicelib.sentry.envelope import Item
from chalicelib.storable import storable

MAX_NAME: Final = 200
UNNAMED: Final = "attachment"
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")


def keep(items: Sequence[Item], event_ids: Sequence[str], origin: Origin, now: datetime) -> None:
    """Keep files beside each of the events, as far as there is room. Raises Busy and StoreUnavailable."""
    files = [_file(item, origin) for item in items]
    left_out = sum(extras.add_files(origin, event_id, files, now) for event_id in event_ids) if files else 0
    if left_out:
        count("SentryAttachmentsDropped", left_out)
        logger.warning("attachments beyond what an event may have", left_out=left_out)


def _file(item: Item, origin: Origin) -> File:
    said = item.header.get("content_type")
    content_type = said.partition(";")[0].strip().lower() if isinstance(said, str) else ""
    return File(
        _name(item.header.get("filename"), origin),
        content_type if _TYPE.fullmatch(content_type) else BYTES,
        item.payload,
    )


def _name(found: object, origin: Origin) -> str:
    """The last part of a path, without what could make it look like another in a list or on a disk."""
    if not isinstance(found, str):
        return UNNAMED
    clean: Any = treat(scrub(storable(found[-4 * MAX_NAME :], [])), origin.scrub, origin.project_id)
    # Controls, marks that turn the direction of writing, and what is no character at all.
    seen = "".join(each for each in str(clean) if not unicodedata.category(each).startswith("C"))
    last = re.split(r"[/\\]", seen)[-1].strip(" .")
    return last[-MAX_NAME:] or UNNAMED
