"""Raw events: gzipped JSON lines in the bucket of events, an object for each hour of a batch.

`events/dt=2026-11-22/h=14/<project>-<received at>-<batch>.jsonl.gz`: partitioned by the hour in which they happened, as
SQL engines know partitions. An event is answered for only once it lies here.
"""

import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from chalicelib import storage
from chalicelib.analytics.event import Event, Kept, of
from chalicelib.config import config
from chalicelib.observability import logger

CONTENT_TYPE: Final = "application/gzip"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_DECODER: Final = msgspec.json.Decoder(Kept)


def key(event: Kept, batch_id: str) -> str:
    """The key of the object that an event of a batch lies in."""
    happened, received = (datetime.fromisoformat(moment) for moment in (event.timestamp, event.received_at))
    return f"{_prefix(happened.date(), happened.hour)}{event.project_id}-{received:{_STAMP}}-{batch_id}.jsonl.gz"


def project_of(key: str) -> str:
    """Whose events an object holds."""
    return key.rpartition("/")[2].partition("-")[0]


def received_at(key: str) -> datetime:
    """When the batch of an object was received."""
    return datetime.strptime(key.rpartition("/")[2].split("-")[1], _STAMP).replace(tzinfo=UTC)


def write(events: Sequence[Event], batch_id: str) -> None:
    """Keep events that were received together. Safe to repeat. Raises StoreUnavailable."""
    objects: dict[str, list[Kept]] = defaultdict(list)
    for event in events:
        objects[key(event, batch_id)].append(event.kept)
    for name, lines in objects.items():
        body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        storage.write(config().events, name, gzip.compress(body, compresslevel=6, mtime=0), CONTENT_TYPE)


def keys(day: date, hour: int) -> Iterator[str]:
    """The keys of an hour's objects. Raises StoreUnavailable."""
    return storage.keys_under(_prefix(day, hour), config().events)


def events_of(key: str) -> Iterator[Event]:
    """The events of an object; what is gone or cannot be read is left out. Raises StoreUnavailable."""
    try:
        lines = gzip.decompress(storage.load(config().events, key)).splitlines()
    except storage.Absent:
        return
    except (OSError, EOFError, zlib.error):
        logger.warning("an object of raw events cannot be read", key=key)
        return
    for line in lines:
        try:
            yield of(_DECODER.decode(line))
        except msgspec.DecodeError:
            logger.warning("a raw event cannot be read", key=key)


def _prefix(day: date, hour: int) -> str:
    return f"events/dt={day:%Y-%m-%d}/h={hour:02d}/"
