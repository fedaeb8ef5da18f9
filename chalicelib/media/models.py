"""The media table: its rows, and every DynamoDB expression of the area.

pk / sk                          holds
MED#<id> / META                  Media: what was declared, what was found, and the variants that exist
MED#<id> / L#<at>#<id>           Audit: what an operator did, or what was ignored
DAY#<owner> / <date>             Day: uploads begun on a date (UTC), of a customer or, as `*`, of all
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict

from pynamodb.attributes import Attribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import Connection, committed, deleted, find_row, patiently, read_rows, updated
from chalicelib.rows import AuditRow, FirstIndex, KeysOnly, SecondIndex, TwiceIndexed

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

OPEN: Final = "S#open"
OPTIMISED: Final = "S#optimised"
DELETING: Final = "S#deleting"

UPLOAD_WITHIN: Final = timedelta(hours=24)
# The last URL lives an hour, and what it began may take longer.
AWAITED_FOR: Final = timedelta(hours=48)
DAY_KEPT_FOR: Final = timedelta(days=3)

_MEDIA_ID: Final = re.compile(r"[0-9a-f]{32}")


class StoredVariant(TypedDict):
    """A variant on its media's row, under its run's prefix. `seconds` is None for a picture."""

    name: str
    file: str
    type: str
    size: int
    width: int
    height: int
    seconds: float | None


class ByOwner(FirstIndex):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    class Meta(KeysOnly):
        index_name = "by_owner"


class ByCompleteness(SecondIndex):  # type: ignore[no-untyped-call]  # as above
    class Meta(KeysOnly):
        index_name = "by_completeness"


class Row(TwiceIndexed):
    """What every row of the table has; also what its indexes return."""

    class Meta(Connection):
        table_name = config().resource("media")

    by_owner = ByOwner()
    by_completeness = ByCompleteness()


table = Row.table
table()


class Media(Row):
    """A media. Until it is uploaded it has a `ttl`; `etag` is that of the object that counts from then on.

    `found` are the facts of the original and `run` is the fence of the run whose `variants` these are. `job_id` is
    there once an operator's request replaced a job that was deleted. The owner and the time of creation stand in the
    index keys alone: a row of usual length stays under 1 KB.
    """

    file_name = UnicodeAttribute()
    content_type = UnicodeAttribute()
    size_bytes = NumberAttribute()
    context: Attribute[Any] = JSONAttribute(null=True)
    correlation_id = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    upload_id = UnicodeAttribute(null=True)
    announced_at = UnicodeAttribute(null=True)
    uploaded_at = UnicodeAttribute(null=True)
    stored_bytes = NumberAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    job_id = UnicodeAttribute(null=True)
    found: Attribute[Any] = JSONAttribute(null=True)
    run = UnicodeAttribute(null=True)
    variants: Attribute[Any] = JSONAttribute(null=True)
    note = UnicodeAttribute(null=True)

    @property
    def media_id(self) -> str:
        return self.pk.removeprefix("MED#")

    @property
    def owner_id(self) -> str:
        return str(self.g1p).removeprefix("O#")

    @property
    def created_at(self) -> str:
        return str(self.g2s).partition("#")[0]

    @property
    def deleting(self) -> bool:
        return self.g2p == DELETING


class Audit(Row, AuditRow):
    pass


class Day(Row):
    uploads = NumberAttribute()


def is_media_id(text: str) -> bool:
    """Whether an id has the form of ours; others are in no row."""
    return _MEDIA_ID.fullmatch(text) is not None


def media_key(media_id: str) -> str:
    return f"MED#{media_id}"


def new(media_id: str, owner_id: str, now: datetime, **facts: Any) -> Media:
    """A media that awaits its upload, not written yet."""
    stamp = rfc3339(now)
    position = f"{stamp}#{media_id}"
    return Media(
        media_key(media_id),
        "META",
        g1p=f"O#{owner_id}",
        g1s=position,
        g2p=OPEN,
        g2s=position,
        ttl=int((now + AWAITED_FOR).timestamp()),
        updated_at=stamp,
        **facts,
    )


def save(media: Media) -> None:
    """Write a new media. Safe to repeat."""
    patiently(lambda: media.save(Media.pk.does_not_exist() | (Media.g2s == media.g2s)))


def find(media_id: str) -> Media | None:
    """A media as it is now, in whatever state."""
    return find_row(Media, media_key(media_id), "META")


def find_many(media_ids: Sequence[str]) -> dict[str, Media]:
    """Media by id, as far as they exist."""
    rows = read_rows(table(), [(media_key(media_id), "META") for media_id in media_ids])
    found = [Media.from_raw_data(row) for row in rows.values()]
    return {media.media_id: media for media in found}


def of_owner(owner_id: str, before: str | None, most: int) -> list[str]:
    """Positions (`<created_at>#<id>`) of a customer's media, the newest first. One query."""
    older = None if before is None else Row.g1s < before
    found = patiently(
        lambda: list(Row.by_owner.query(f"O#{owner_id}", older, limit=most, scan_index_forward=False, page_size=most))
    )
    return [str(row.g1s) for row in found]


def by_completeness(partition: str, before: str | None, most: int) -> list[str]:
    """Positions in one partition of the index, the newest first. One query."""
    older = None if before is None else Row.g2s < before
    found = patiently(
        lambda: list(Row.by_completeness.query(partition, older, limit=most, scan_index_forward=False, page_size=most))
    )
    return [str(row.g2s) for row in found]


# -- an upload --------------------------------------------------------------------------------------------------------


def mark_uploaded(media: Media, etag: str, size: int, now: datetime) -> bool:
    """Note the object that counts from now on; returns False where one is noted already, or the media is going."""
    actions: list[Action] = [
        Media.uploaded_at.set(rfc3339(now)),
        Media.updated_at.set(rfc3339(now)),
        Media.etag.set(etag),
        Media.stored_bytes.set(size),
        Media.ttl.remove(),
    ]
    return updated(media, actions, _present() & Media.uploaded_at.does_not_exist())


def mark_announced(media: Media, now: datetime) -> bool:
    """Note that a sweep has announced an upload; returns False where the media is gone or going."""
    return updated(media, [Media.announced_at.set(rfc3339(now))], _present())


def take_upload(owner_id: str, most: int, now: datetime) -> bool:
    """Count an upload of today, unless there were `most`. One whose answer was lost counts twice."""
    date = now.date().isoformat()
    day = Day(f"DAY#{owner_id}", date)
    actions: list[Action] = [Day.uploads.add(1), Day.ttl.set(int((now + DAY_KEPT_FOR).timestamp()))]
    return updated(day, actions, Day.uploads.does_not_exist() | (Day.uploads < most))


def remove(media: Media) -> bool:
    """Remove the row of an upload that was given up; returns False where its file has arrived. Safe to repeat."""
    return deleted(media, Media.uploaded_at.does_not_exist())


# -- a run ------------------------------------------------------------------------------------------------------------


def publish(
    transaction: TransactWrite,
    media: Media,
    run: str,
    variants: Sequence[StoredVariant],
    *,
    found: object,
    note: str | None,
    now: datetime,
) -> None:
    """Give a media the variants of a run, as part of a transaction; it fails where the media is going or gone."""
    actions: list[Action] = [
        Media.run.set(run),
        Media.variants.set([dict(each) for each in variants]),
        Media.found.set(found),
        Media.updated_at.set(rfc3339(now)),
        Media.g2p.set(OPTIMISED),
    ]
    if note:
        actions.append(Media.note.set(note))
    transaction.update(media, actions, condition=_present())


def replace_job(transaction: TransactWrite, media: Media, job_id: str) -> None:
    """Point a media to a new job, as part of a transaction; it fails where another has done so."""
    same = Media.job_id.does_not_exist() if media.job_id is None else Media.job_id == media.job_id
    transaction.update(media, [Media.job_id.set(job_id)], condition=_present() & same)


# -- deleting ---------------------------------------------------------------------------------------------------------


def begin_delete(media: Media, audit: Audit) -> bool:
    """Hide a media from every reader; its objects go after that. Returns False where it is gone, or going already."""

    def fill(transaction: TransactWrite) -> None:
        transaction.save(audit)
        transaction.update(media, [Media.g2p.set(DELETING), Media.g1p.remove()], condition=_present())

    return committed(table(), fill)


def end_delete(media: Media) -> None:
    """Remove the row of a media whose objects are gone. Safe to repeat."""
    patiently(media.delete)


def audit(media_id: str, actor: str, action: str, now: datetime, *, correlation_id: str, change: object) -> Audit:
    """The audit row of what an operator did, or of what was ignored."""
    return Audit.of(media_key(media_id), actor, action, now, correlation_id=correlation_id, change=change)


def note(audit: Audit) -> None:
    """Write an audit row by itself."""
    patiently(audit.save)


def _present() -> Condition:
    present: Condition = Media.pk.exists() & (Media.g2p != DELETING)
    return present
