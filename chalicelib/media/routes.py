"""`/media`: customers upload proofs; owners and operators see them; operators have them converted and deleted."""

from typing import Any

from chalice.app import Blueprint
from msgspec import Struct

from chalicelib import clock, http
from chalicelib.errors import (
    AlreadyOptimised,
    AlreadyUploaded,
    Conflict,
    InvalidBody,
    InvalidCursor,
    JobInFlight,
    MediaNotFound,
    PayloadTooLarge,
    TooManyUploads,
    UploadIncomplete,
)
from chalicelib.identity import Identity, admin, customer
from chalicelib.media import deleting, events, listing, messages, optimising, uploads
from chalicelib.media.listing import MediaQuery, MediaView
from chalicelib.media.optimising import RequestedJob
from chalicelib.media.uploads import BegunUpload, Completion, NewMedia, PartNumbers, PartUrls, StoredParts
from chalicelib.operations import operation
from chalicelib.paging import Page

media = Blueprint(__name__)


class TakenEvents(Struct, frozen=True):
    """How many objects an event named that are ours to work on."""

    accepted: int


@media.route("/media", methods=["POST"])
@operation(customer, status=201, raises=[PayloadTooLarge, TooManyUploads], idempotent=True)
def begin_upload(identity: Identity, body: NewMedia) -> BegunUpload:
    """The file then goes straight to the store: in one PUT up to 16 MiB, above that in parts."""
    return uploads.begin(body, identity.subject, clock.now())


@media.route("/media", methods=["GET"])
@operation(customer, raises=[InvalidCursor])
def list_media(identity: Identity, query: MediaQuery) -> Page[MediaView]:
    """The newest first: all for admins, their own for customers."""
    return listing.page(query, query.limit, query.cursor, identity, clock.now())


@media.route("/media/{media_id}", methods=["GET"])
@operation(customer, raises=[MediaNotFound])
def get_media(identity: Identity, media_id: str) -> MediaView:
    """With signed URLs of its variants."""
    now = clock.now()
    found = uploads.find(media_id, now) if identity.admin else uploads.find_own(media_id, identity, now)
    return listing.show(found)


@media.route("/media/{media_id}/upload", methods=["POST"])
@operation(customer, raises=[MediaNotFound, AlreadyUploaded, UploadIncomplete])
def renew_upload(identity: Identity, media_id: str) -> BegunUpload:
    """Fresh URLs, for a day after the upload was begun."""
    now = clock.now()
    return uploads.renew(uploads.find_own(media_id, identity, now), now)


@media.route("/media/{media_id}/parts", methods=["GET"])
@operation(customer, raises=[MediaNotFound, AlreadyUploaded, UploadIncomplete, Conflict])
def list_parts(identity: Identity, media_id: str) -> StoredParts:
    """The parts stored so far, to resume from."""
    now = clock.now()
    return uploads.parts(uploads.find_own(media_id, identity, now), now)


@media.route("/media/{media_id}/parts", methods=["POST"])
@operation(customer, raises=[MediaNotFound, AlreadyUploaded, UploadIncomplete, Conflict])
def sign_parts(identity: Identity, media_id: str, body: PartNumbers) -> PartUrls:
    now = clock.now()
    return uploads.sign_parts(uploads.find_own(media_id, identity, now), body.part_numbers, now)


@media.route("/media/{media_id}/complete", methods=["POST"])
@operation(customer, raises=[MediaNotFound, UploadIncomplete])
def complete_upload(identity: Identity, media_id: str, body: Completion | None) -> MediaView:
    """The server completes it from the parts that the store lists. Safe to repeat."""
    now = clock.now()
    found = uploads.find_own(media_id, identity, now)
    return listing.show(uploads.complete(found, body.parts if body else None, now))


@media.route("/media/{media_id}/abort", methods=["POST"])
@operation(customer, raises=[MediaNotFound, AlreadyUploaded])
def abort_upload(identity: Identity, media_id: str) -> None:
    """Give an upload up, and forget it."""
    uploads.abort(uploads.find_own(media_id, identity, clock.now()))


@media.route("/media/{media_id}/optimise", methods=["POST"])
@operation(admin, status=202, raises=[MediaNotFound, UploadIncomplete, AlreadyOptimised, JobInFlight])
def optimise_media(identity: Identity, media_id: str) -> RequestedJob:
    """Asked twice at once, it runs once."""
    return optimising.optimise(media_id, identity.subject, clock.now())


@media.route("/media/{media_id}", methods=["DELETE"])
@operation(admin)
def delete_media(identity: Identity, media_id: str) -> None:
    """With its objects. Safe to repeat."""
    deleting.delete(media_id, identity.subject, clock.now())


@media.route("/storage/events", methods=["POST"])
@operation(events.store, status=202, raises=[InvalidBody, PayloadTooLarge], reads=lambda: dict[str, Any])
def take_storage_events(_: None) -> TakenEvents:
    """Events of stores that cannot reach the queue, in MinIO's and R2's shapes."""
    keys = events.read(http.json_object())
    for key in keys:
        messages.announce(key)
    return TakenEvents(len(keys))
