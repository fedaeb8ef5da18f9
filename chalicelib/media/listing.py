"""Listing: media as callers see them. The variants that exist and the job say how far one is; nothing else does."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from msgspec import Meta, Struct

from chalicelib import paging, storage
from chalicelib.clock import Time
from chalicelib.identity import Identity
from chalicelib.jobs import leases
from chalicelib.jobs import listing as jobs
from chalicelib.jobs.listing import Job
from chalicelib.media import keys, models, uploads
from chalicelib.media.models import OPEN, OPTIMISED, Media, StoredVariant

KIND: Final = "transcode"
URL_LIFE_S: Final = 3600

Status = Literal["awaiting_upload", "uploaded", "scheduled", "processing", "ready", "failed"]


class Filters(Struct, frozen=True):
    """What a list of media is narrowed to; all of it combines."""

    status: Status | None = None
    eligible: Literal["true", "false"] | None = None

    @property
    def partitions(self) -> tuple[str, ...]:
        """Where in the index what is asked for can be."""
        if self.status == "ready":
            return (OPTIMISED,)
        if self.status is not None or self.eligible == "true":
            return (OPEN,)
        return (OPEN, OPTIMISED)


class MediaQuery(Filters, frozen=True):
    """Which media, and which page of them."""

    limit: paging.Limit = paging.DEFAULT_LIMIT
    cursor: paging.Cursor | None = None


class Variant(Struct, frozen=True):
    """A file of a media: the original, or what a run made of it. What is not known (yet) is null."""

    name: str
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    duration_seconds: float | None
    url: Annotated[str, Meta(description="Signed; good for an hour.")]


class MediaView(Struct, frozen=True):
    """A media. One variant, the original, is eligible for optimisation; more of them are optimised."""

    media_id: str
    owner_id: str
    file_name: str
    content_type: str
    size_bytes: int
    status: Status
    variants: list[Variant]
    variant_count: int
    eligible_for_optimisation: bool
    context: dict[str, Any]
    error: Annotated[str | None, Meta(description="Why the last run failed, in words for the uploader's support.")]
    note: Annotated[str | None, Meta(description="What to know of the result: the original may have needed no other.")]
    job_id: str | None
    correlation_id: str
    created_at: Time
    updated_at: Time


def page(filters: Filters, limit: int, cursor: str | None, caller: Identity, now: datetime) -> paging.Page[MediaView]:
    """One page, the newest first: of all media for an admin, of the caller's own for others. Raises InvalidCursor."""
    whose = None if caller.admin else caller.subject

    def items(positions: Sequence[str]) -> Iterator[MediaView | None]:
        for media, job in _read(positions, now):
            yield _view(media, job) if media is not None and _matches(media, job, filters) else None

    return paging.filtered(
        paging.scope("media", {"status": filters.status, "eligible": filters.eligible, "owner": whose}),
        cursor,
        limit,
        narrow=bool(filters.status or filters.eligible),
        positions=partial(_positions, filters, whose),
        items=items,
    )


def show(media: Media) -> MediaView:
    """One media, as callers see it."""
    return _view(media, jobs.find(job_id(media)) if media.uploaded_at else None)


def job_id(media: Media) -> str:
    """The job that a media's status is read from: its first one, or the one that replaced it."""
    return media.job_id or leases.first_id(KIND, media.media_id)


def status(media: Media, job: Job | None) -> Status:
    """How far a media is, by its variants and the state of its job."""
    if media.variants:
        return "ready"
    if media.uploaded_at is None:
        return "awaiting_upload"
    known: dict[str, Status] = {"PENDING": "scheduled", "RUNNING": "processing", "FAILED": "failed"}
    return known.get(job.state, "uploaded") if job else "uploaded"


def _positions(filters: Filters, owner_id: str | None, position: str | None, most: int) -> list[str]:
    if owner_id is not None:
        return models.of_owner(owner_id, position, most)
    found = [models.by_completeness(partition, position, most) for partition in filters.partitions]
    # One that is optimised meanwhile may stand in both partitions, at the same position.
    return list(dict.fromkeys(merge(*found, reverse=True)))[:most]


def _read(positions: Sequence[str], now: datetime) -> Iterable[tuple[Media | None, Job | None]]:
    """The media at positions, each with its job; None for those that are not shown."""
    ids = [position.rpartition("#")[2] for position in positions]
    media = models.find_many(ids)
    found = jobs.find_many([job_id(each) for each in media.values() if each.uploaded_at])
    for media_id in ids:
        # The index follows the row by some milliseconds, so what is gone or going may still stand in it.
        each = media.get(media_id)
        shown = each if each is not None and uploads.alive(each, now) else None
        yield shown, found.get(job_id(shown)) if shown else None


def _matches(media: Media, job: Job | None, filters: Filters) -> bool:
    eligible = media.uploaded_at is not None and not media.variants
    return filters.status in (None, status(media, job)) and filters.eligible in (None, str(eligible).lower())


def _view(media: Media, job: Job | None) -> MediaView:
    variants = list(_variants(media))
    how_far = status(media, job)
    return MediaView(
        media_id=media.media_id,
        owner_id=media.owner_id,
        file_name=media.file_name,
        content_type=media.content_type,
        size_bytes=int(media.size_bytes),
        status=how_far,
        variants=variants,
        variant_count=len(variants),
        eligible_for_optimisation=len(variants) == 1,
        context=media.context or {},
        error=job.error if job and how_far == "failed" else None,
        note=media.note,
        job_id=job.job_id if job else None,
        correlation_id=media.correlation_id,
        created_at=media.created_at,
        updated_at=max(media.updated_at, (job and job.finished_at) or ""),
    )


def _variants(media: Media) -> Iterable[Variant]:
    if media.uploaded_at is None:
        return
    found = media.found or {}
    content_type = found.get("content_type", media.content_type)
    # What a customer sent is not shown in our name, only handed back.
    attachment = f"attachment; filename*=UTF-8''{quote(media.file_name, safe='')}"
    yield Variant(
        name="original",
        content_type=content_type,
        size_bytes=int(media.stored_bytes or media.size_bytes),
        width=found.get("width"),
        height=found.get("height"),
        duration_seconds=found.get("seconds"),
        url=storage.sign_get(keys.original(media.media_id), content_type, attachment, URL_LIFE_S),
    )
    made: list[StoredVariant] = media.variants or []
    for each in made:
        yield Variant(
            name=each["name"],
            content_type=each["type"],
            size_bytes=each["size"],
            width=each["width"],
            height=each["height"],
            duration_seconds=each["seconds"],
            url=storage.sign_get(
                keys.run(media.media_id, str(media.run)) + each["file"], each["type"], "inline", URL_LIFE_S
            ),
        )
