"""Uploads: a customer's file goes straight to the store, by signed URLs that take what was declared and nothing else.

A file is one PUT up to 16 MiB, above that parts that can be resumed. Its key says nothing of its owner or its name.
"""

import math
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from chalicelib import clock, storage
from chalicelib.clock import Time
from chalicelib.errors import AlreadyUploaded, Conflict, InvalidRequest, MediaNotFound, UploadIncomplete
from chalicelib.identity import Identity
from chalicelib.media import keys, limits, models
from chalicelib.media.models import UPLOAD_WITHIN, Media
from chalicelib.observability import correlation_id, logger
from chalicelib.storable import bounded
from chalicelib.storage import Part, Stored

MAX_SINGLE_BYTES: Final = 16 * 1024**2
PART_BYTES: Final = 16 * 1024**2
MOST_PARTS: Final = 64
URL_LIFE_S: Final = 3600
MAX_CONTEXT_BYTES: Final = 2048
MIB: Final = 1024**2

# Recorders in browsers name their codecs, too.
CONTENT_TYPE: Final = r"^(image|video)/[A-Za-z0-9][A-Za-z0-9.+-]{0,99}( ?;[ -~]{0,100})?(?!\n)$"

PartNumber = Annotated[int, Meta(ge=1, le=MOST_PARTS)]


class NewMedia(Struct, frozen=True):
    """A file that a customer is about to upload. `context` is the caller's own: ids of homework, student and so on.

    A caller that knows a video's `duration_seconds` is told before the upload that it is too long, not after.
    """

    file_name: Annotated[str, Meta(min_length=1, max_length=255)]
    content_type: Annotated[str, Meta(pattern=CONTENT_TYPE)]
    size_bytes: Annotated[int, Meta(ge=1, le=5 * 1024**4)]
    context: dict[str, Any] | None = None
    duration_seconds: Annotated[float, Meta(ge=0)] | None = None


class PartUrl(Struct, frozen=True):
    """Where to PUT one part."""

    part_number: int
    url: str


class Single(Struct, frozen=True, tag_field="kind", tag="single"):
    """Send the whole file to `url` in one PUT, with these headers."""

    url: str
    headers: dict[str, str]
    expires_at: Time


class Multipart(Struct, frozen=True, tag_field="kind", tag="multipart"):
    """Cut the file into parts of `part_size_bytes` (the last one is what is left), PUT each to its URL, complete."""

    upload_id: str
    part_size_bytes: int
    parts: list[PartUrl]
    expires_at: Time


class BegunUpload(Struct, frozen=True):
    """A media that awaits its file, and how to send it."""

    media_id: str
    status: str
    upload: Single | Multipart


class StoredPart(Struct, frozen=True):
    """A part that the store holds."""

    part_number: int
    size_bytes: int
    etag: str


class StoredParts(Struct, frozen=True):
    """How far an upload in parts is."""

    upload_id: str
    part_size_bytes: int
    parts: list[StoredPart]


class PartNumbers(Struct, frozen=True):
    """The parts for which fresh URLs are asked."""

    part_numbers: Annotated[list[PartNumber], Meta(min_length=1, max_length=MOST_PARTS)]


class PartUrls(Struct, frozen=True):
    """Fresh URLs."""

    parts: list[PartUrl]
    expires_at: Time


class ClaimedPart(Struct, frozen=True):
    """A part, as its sender remembers it."""

    part_number: int
    etag: str


class Completion(Struct, frozen=True):
    """`parts` may be left out; what is said is held against what the store lists."""

    parts: Annotated[list[ClaimedPart], Meta(max_length=10_000)] | None = None


def begin(new: NewMedia, owner_id: str, now: datetime) -> BegunUpload:
    """Make a media and the URLs to upload it by. Raises InvalidRequest, PayloadTooLarge and TooManyUploads."""
    if new.content_type.lower().startswith("image/svg"):
        raise InvalidRequest("content_type: SVG is not taken.", [("content_type", "SVG is not taken")])
    context = bounded("context", new.context, MAX_CONTEXT_BYTES)
    limits.require_within(new.size_bytes, new.duration_seconds)
    limits.take_upload(owner_id, now)
    media_id = uuid.uuid4().hex
    media = models.new(
        media_id,
        owner_id,
        now,
        file_name=new.file_name,
        content_type=new.content_type.lower().partition(";")[0].strip(),
        size_bytes=new.size_bytes,
        context=context,
        correlation_id=correlation_id(),
        # One that a crash leaves behind here is aborted by the bucket's lifecycle.
        upload_id=storage.begin_parts(keys.original(media_id)) if new.size_bytes > MAX_SINGLE_BYTES else None,
    )
    models.save(media)
    return BegunUpload(media_id, "awaiting_upload", _sign(media, now))


def renew(media: Media, now: datetime) -> BegunUpload:
    """Fresh URLs for an upload that is not complete. Raises AlreadyUploaded and UploadIncomplete."""
    _require_awaited(media, now)
    return BegunUpload(media.media_id, "awaiting_upload", _sign(media, now))


def parts(media: Media, now: datetime) -> StoredParts:
    """The parts stored so far. Raises AlreadyUploaded, UploadIncomplete, and Conflict where there are no parts."""
    _require_awaited(media, now)
    upload_id = _upload_id(media)
    listed = [StoredPart(part.number, part.size, part.etag) for part in _stored_parts(media)]
    return StoredParts(upload_id, _part_size(int(media.size_bytes)), listed)


def sign_parts(media: Media, numbers: Sequence[int], now: datetime) -> PartUrls:
    """Fresh URLs for some parts. Raises as `parts` does, and InvalidRequest for parts that the file has not."""
    _require_awaited(media, now)
    _upload_id(media)
    most = len(_part_sizes(int(media.size_bytes)))
    if max(numbers) > most:
        message = f"the file has {most} parts"
        raise InvalidRequest(f"part_numbers: {message}.", [("part_numbers", message)])
    return PartUrls(_sign_parts(media, sorted(set(numbers))), _expiry(now))


def complete(media: Media, claimed: Sequence[ClaimedPart] | None, now: datetime) -> Media:
    """Make sure that the file is stored whole; returns the media, uploaded. Safe to repeat.

    Raises UploadIncomplete, which says what is missing.
    """
    if media.uploaded_at is not None:
        return media
    stored = storage.head(keys.original(media.media_id))
    if stored is None and media.upload_id is None:
        raise UploadIncomplete("The file has not arrived yet; send it to the upload's URL first.")
    return note(media, stored or _join(media, claimed), now)


def abort(media: Media) -> None:
    """Give an upload up. Raises AlreadyUploaded once the file is there."""
    if media.uploaded_at is not None or not models.remove(media):
        raise AlreadyUploaded("The file has been uploaded; it cannot be given up any more.")
    if media.upload_id is not None:
        storage.abort_parts(keys.original(media.media_id), media.upload_id)
    # A file that arrives by a URL that is still good is not ours any more: its event has it removed.
    storage.delete([keys.original(media.media_id)])


def note(media: Media, stored: Stored, now: datetime) -> Media:
    """Note that a file has arrived, once: from then on this object counts. Raises MediaNotFound if it is going."""
    if media.uploaded_at is not None:
        return media
    models.mark_uploaded(media, stored.etag, stored.size, now)
    noted = models.find(media.media_id)
    if noted is None or noted.deleting:
        raise MediaNotFound("There is no media with this id; it may have been deleted.")
    return noted


def find(media_id: str, now: datetime) -> Media:
    """A media. Raises MediaNotFound, also for one that is being deleted or whose upload never came."""
    media = models.find(media_id) if models.is_media_id(media_id) else None
    if media is None or not alive(media, now):
        raise MediaNotFound("There is no media with this id; it may have been deleted.")
    return media


def find_own(media_id: str, caller: Identity, now: datetime) -> Media:
    """A media of the caller's. Raises MediaNotFound for another's, too: that it exists is nobody else's business."""
    media = find(media_id, now)
    if media.owner_id != caller.subject:
        raise MediaNotFound("There is no media with this id; it may have been deleted.")
    return media


def alive(media: Media, now: datetime) -> bool:
    """Whether a media is neither being deleted nor past the time in which its upload was awaited."""
    return not media.deleting and (media.ttl is None or media.ttl > now.timestamp())


def _part_size(size_bytes: int) -> int:
    """How large the parts of a file are: 16 MiB, or whole MiB that make at most 64 parts."""
    return max(PART_BYTES, math.ceil(size_bytes / MOST_PARTS / MIB) * MIB)


def _part_sizes(size_bytes: int) -> list[int]:
    each = _part_size(size_bytes)
    whole, rest = divmod(size_bytes, each)
    return [each] * whole + [rest] * (rest > 0)


def _sign(media: Media, now: datetime) -> Single | Multipart:
    size = int(media.size_bytes)
    if media.upload_id is None:
        url = storage.sign_put(keys.original(media.media_id), size, URL_LIFE_S)
        return Single(url, {"If-None-Match": "*"}, _expiry(now))
    numbers = range(1, len(_part_sizes(size)) + 1)
    return Multipart(media.upload_id, _part_size(size), _sign_parts(media, numbers), _expiry(now))


def _sign_parts(media: Media, numbers: Sequence[int]) -> list[PartUrl]:
    sizes = _part_sizes(int(media.size_bytes))
    own, upload_id = keys.original(media.media_id), _upload_id(media)
    return [
        PartUrl(number, storage.sign_part(own, upload_id, number, sizes[number - 1], URL_LIFE_S)) for number in numbers
    ]


def _expiry(now: datetime) -> str:
    return clock.rfc3339(now + timedelta(seconds=URL_LIFE_S))


def _require_awaited(media: Media, now: datetime) -> None:
    if media.uploaded_at is not None:
        raise AlreadyUploaded("The file has been uploaded already.")
    if now > clock.parse(media.created_at) + UPLOAD_WITHIN:
        raise UploadIncomplete("The upload was not completed within a day; begin a new one.")


def _upload_id(media: Media) -> str:
    if media.upload_id is None:
        raise Conflict("This file is sent in one piece, not in parts.")
    return media.upload_id


def _stored_parts(media: Media) -> list[Part]:
    found = storage.parts(keys.original(media.media_id), _upload_id(media))
    if found is None:
        raise UploadIncomplete("The upload is no longer open: it was completed just now, or given up.")
    return found


def _join(media: Media, claimed: Sequence[ClaimedPart] | None) -> Stored:
    """Complete an upload in parts from what the store lists, once that is exactly what was declared."""
    stored = _stored_parts(media)
    if not stored:
        raise UploadIncomplete("No part has arrived yet; send the parts first.")
    held = {part.number: part for part in stored}
    wanted = dict(enumerate(_part_sizes(int(media.size_bytes)), start=1))
    wrong = sorted(number for number, size in wanted.items() if number not in held or held[number].size != size)
    wrong += sorted(set(held) - set(wanted))
    for part in claimed or ():
        if part.part_number not in held or held[part.part_number].etag != part.etag.strip('"'):
            wrong.append(part.part_number)
    if wrong:
        numbers = ", ".join(map(str, sorted(set(wrong))[:20]))
        raise UploadIncomplete(f"Parts are missing or differ from what was sent: {numbers}. Send them again.")
    try:
        return storage.complete_parts(keys.original(media.media_id), _upload_id(media), stored)
    except storage.Absent as error:
        logger.warning("an upload vanished while it was completed", media_id=media.media_id)
        raise UploadIncomplete("The upload was given up; begin a new one.") from error
