"""The feed: the newest events of a project, as a live view shows them, for a week.

Events that came together lie in one row, so a page reads about as many rows as it shows batches.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec

from chalicelib import paging
from chalicelib.alerts.alert import Severity
from chalicelib.analytics import models
from chalicelib.analytics.event import Kept
from chalicelib.analytics.models import Batch
from chalicelib.clock import rfc3339
from chalicelib.config import FIRST_PROJECT
from chalicelib.fields import ProjectId
from chalicelib.incidents.report import trimmed
from chalicelib.paging import Page, PageQuery

MAX_DATA_BYTES: Final = 1024
ROWS_AT_ONCE: Final = 10
# A page under a filter that hardly anything passes ends here, empty perhaps.
MOST_ROWS: Final = 100


class FeedQuery(PageQuery, frozen=True):
    """Which events to show. `event` is the whole name of one."""

    event: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    severity: Severity | None = None
    project_id: ProjectId = FIRST_PROJECT


def keep(events: Sequence[Kept], batch_id: str) -> None:
    """Keep events of a project that were received together. Safe to repeat. Raises Busy."""
    # Of those that say no time the last was sent last.
    newest_first = sorted(events, key=lambda event: event.timestamp)[::-1]
    shown = [
        {**msgspec.structs.asdict(event), "data": trimmed(event.data, MAX_DATA_BYTES, "data", [])}
        for event in newest_first
    ]
    stored = zlib.compress(msgspec.json.encode(shown))
    models.keep_batch(events[0].project_id, events[0].received_at, batch_id, stored)


def page(query: FeedQuery, now: datetime) -> Page[Kept]:
    """A page of events, the last received first, and of those that came together the last that happened.

    Raises InvalidCursor.
    """
    filters = {"event": query.event, "severity": query.severity, "project_id": query.project_id}
    scope = paging.scope("feed", filters)
    last = paging.position(scope, query.cursor)
    until, _, passed = (last or "~#-1").rpartition("#")
    items: list[Kept] = []
    for read, batch in enumerate(_batches(query.project_id, rfc3339(now - models.FEED_KEPT_FOR), until)):
        events = _DECODER.decode(zlib.decompress(batch.events))
        for place, event in enumerate(events):
            if batch.sk == until and place <= int(passed):
                continue
            if len(items) == query.limit or read == MOST_ROWS:
                return Page(items, paging.cursor(scope, str(last)))
            last = f"{batch.sk}#{place}"
            if query.event in (None, event.event) and query.severity in (None, event.severity):
                items.append(event)
    return Page(items, None)


def _batches(project_id: str, since: str, until: str) -> Iterator[Batch]:
    """The batches from `until` back to `since`, that of `until` included."""
    passed = None
    while True:
        found = models.batches(project_id, since, until, ROWS_AT_ONCE)
        yield from (batch for batch in found if batch.sk != passed)
        if len(found) < ROWS_AT_ONCE:
            return
        passed = until = found[-1].sk


_DECODER: Final = msgspec.json.Decoder(list[Kept])
