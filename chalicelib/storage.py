"""Storage: one bucket of an S3-compatible store (S3, R2, MinIO). Files stream; none is ever held in memory.

What a customer uploads goes to the store and comes from it by signed URLs, never through a function. Only what comes
with a request, and is as small, is written as it is: to the bucket of events.
"""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import botocore.config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws
from chalicelib.config import Storage, config
from chalicelib.errors import Unavailable
from chalicelib.observability import logger

PIECE_BYTES: Final = 1024 * 1024
READ_TRIES: Final = 3

_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchUpload"})
_CHANGED: Final = frozenset({"412", "PreconditionFailed", "416", "InvalidRange"})


class StoreUnavailable(Unavailable):
    """The store did not answer, or refused what it should do."""

    def __init__(self) -> None:
        super().__init__("The files cannot be reached at the moment; try again shortly.")


class Absent(Exception):
    """The store has no such object or upload."""


class Changed(Exception):
    """The object is not, or no longer, the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says of an object: its size in bytes, and the tag that changes with its content."""

    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload that the store holds."""

    number: int
    size: int
    etag: str


# -- objects ----------------------------------------------------------------------------------------------------------


def head(key: str) -> Stored | None:
    """What is stored under a key."""
    try:
        found = _call("head_object", Key=key)
    except Absent:
        return None
    return Stored(int(found["ContentLength"]), _tag(found["ETag"]))


def read(key: str, etag: str, offset: int, length: int) -> bytes:
    """A range of an object, shorter only at its end. Raises Absent and Changed."""
    tries = READ_TRIES
    while True:
        found = _call("get_object", Key=key, IfMatch=f'"{etag}"', Range=f"bytes={offset}-{offset + length - 1}")
        try:
            return bytes(found["Body"].read(length))
        except BotoCoreError as error:
            # botocore tries again until there is an answer, not while that is read.
            tries -= 1
            if not tries:
                raise StoreUnavailable from error


def download(key: str, etag: str, to: Path, tick: Callable[[int], None]) -> None:
    """Stream an object into a file; `tick` is told the bytes so far, piece by piece. Raises Absent and Changed.

    A connection that breaks is taken up again where it broke, as long as it got further.
    """
    with to.open("wb") as file:
        while True:
            begun = file.tell()
            found = _call("get_object", Key=key, IfMatch=f'"{etag}"', Range=f"bytes={begun}-")
            try:
                while piece := found["Body"].read(PIECE_BYTES):
                    file.write(piece)
                    tick(file.tell())
            except BotoCoreError as error:
                if file.tell() == begun:
                    raise StoreUnavailable from error
            else:
                return


def upload(path: Path, key: str, content_type: str, tick: Callable[[int], None]) -> Stored:
    """Stream a file into an object, and make sure by the store's own word that it is there; returns that word.

    An answer that was lost is no failure.
    """
    refused: StoreUnavailable | None = None
    try:
        with _Ticking(path, tick) as file:
            _call("put_object", Key=key, Body=file, ContentType=content_type)
    except StoreUnavailable as error:
        refused = error
    stored = head(key)
    if stored is None or stored.size != path.stat().st_size:
        logger.error("the store does not hold what was written to it", key=key)
        raise refused or StoreUnavailable
    return stored


def write(store: Storage, key: str, body: bytes, content_type: str) -> None:
    """Make an object of a few bytes in another bucket than that of media."""
    _call("put_object", store, Key=key, Body=body, ContentType=content_type)


def load(store: Storage, key: str) -> bytes:
    """An object of a few bytes in another bucket than that of media. Raises Absent."""
    with _translated():
        return bytes(_client(store).get_object(Bucket=store.bucket, Key=key)["Body"].read())


def keys_under(prefix: str, store: Storage | None = None) -> Iterator[str]:
    """The keys that begin with `prefix`, in their order."""
    listed = store or config().storage
    with _translated():
        pages = _client(listed).get_paginator("list_objects_v2").paginate(Bucket=listed.bucket, Prefix=prefix)
        for page in pages:
            yield from (found["Key"] for found in page.get("Contents", []))


def delete(keys: Sequence[str]) -> None:
    """Delete objects; those already gone are no matter. One by one: there are few, and not every store takes a list."""
    for key in keys:
        _call("delete_object", Key=key)


# -- uploads in parts -------------------------------------------------------------------------------------------------


def begin_parts(key: str) -> str:
    """Begin an upload in parts; returns its id."""
    return str(_call("create_multipart_upload", Key=key)["UploadId"])


def parts(key: str, upload_id: str) -> list[Part] | None:
    """The parts that the store holds, by number; None where there is no such upload (any more)."""
    media = config().storage
    pages = _client(media).get_paginator("list_parts").paginate(Bucket=media.bucket, Key=key, UploadId=upload_id)
    try:
        with _translated():
            found = [part for page in pages for part in page.get("Parts", [])]
    except Absent:
        return None
    return [Part(int(part["PartNumber"]), int(part["Size"]), _tag(part["ETag"])) for part in found]


def complete_parts(key: str, upload_id: str, parts: Sequence[Part]) -> Stored:
    """Make an object of parts; returns what is stored then.

    Safe to repeat: whatever is answered, what the store holds then decides. Raises Absent where that is nothing.
    """
    listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
    refused: StoreUnavailable | None = None
    try:
        _call("complete_multipart_upload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed})
    except StoreUnavailable as error:
        refused = error
    except Absent:
        logger.info("an upload was completed before", key=key)
    stored = head(key)
    if stored is None:
        raise refused or Absent(f"{key} was neither made nor can be any more")
    return stored


def abort_parts(key: str, upload_id: str) -> None:
    """Give up an upload in parts; one that is gone is no matter."""
    with contextlib.suppress(Absent):
        _call("abort_multipart_upload", Key=key, UploadId=upload_id)


# -- signed URLs ------------------------------------------------------------------------------------------------------


def sign_put(key: str, size: int, seconds: int) -> str:
    """A URL that takes exactly `size` bytes, once: with the header `If-None-Match: *`."""
    return _sign("put_object", {"Key": key, "ContentLength": size, "IfNoneMatch": "*"}, seconds)


def sign_part(key: str, upload_id: str, number: int, size: int, seconds: int) -> str:
    """A URL that takes exactly the `size` bytes of a part."""
    given = {"Key": key, "UploadId": upload_id, "PartNumber": number, "ContentLength": size}
    return _sign("upload_part", given, seconds)


def sign_get(key: str, content_type: str, disposition: str, seconds: int, store: Storage | None = None) -> str:
    """A URL that gives an object, under headers that we choose and not its uploader."""
    given = {"Key": key, "ResponseContentType": content_type, "ResponseContentDisposition": disposition}
    return _sign("get_object", given, seconds, store)


def origin() -> str:
    """Where the signed URLs of media lead: scheme and host."""
    signed = urlsplit(_sign("get_object", {"Key": "originals/any"}, 1))
    return f"{signed.scheme}://{signed.netloc}"


class _Ticking(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, tick: Callable[[int], None]) -> None:
        super().__init__(path)
        self._tick = tick

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._tick(self.tell())
        return piece


@cache
def _client(storage: Storage) -> Any:
    settings = botocore.config.Config(
        # All tries together end before the API's function does.
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 2},
        signature_version="s3v4",
        s3={
            "addressing_style": _addressing_style(storage),
            # TLS keeps a body whole; signing it, too, would read each file twice.
            "payload_signing_enabled": bool(storage.endpoint_url and storage.endpoint_url.startswith("http:")),
        },
        # Not every store knows S3's newer checksums, and a signed URL must not ask for one.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return aws.session().create_client(
        "s3",
        region_name=storage.region,
        endpoint_url=storage.endpoint_url,
        aws_access_key_id=storage.access_key_id,
        aws_secret_access_key=storage.secret_access_key,
        config=settings,
    )


def _addressing_style(storage: Storage) -> Literal["path", "virtual"]:
    # A store of one's own has no host name per bucket.
    automatic = "path" if storage.endpoint_url else "virtual"
    style = automatic if storage.path_style == "auto" else storage.path_style
    return "path" if style == "path" else "virtual"


def _call(operation: str, store: Storage | None = None, **parameters: Any) -> Any:
    called = store or config().storage
    with _translated():
        return getattr(_client(called), operation)(Bucket=called.bucket, **parameters)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """What the store refuses, in our words."""
    try:
        yield
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code in _ABSENT:
            raise Absent(code) from error
        if code in _CHANGED:
            raise Changed(code) from error
        logger.exception("the store refused")
        raise StoreUnavailable from error
    except BotoCoreError as error:
        logger.exception("the store did not answer")
        raise StoreUnavailable from error


def _sign(operation: str, parameters: dict[str, Any], seconds: int, store: Storage | None = None) -> str:
    called = store or config().storage
    given = {"Bucket": called.bucket, **parameters}
    return str(_client(called).generate_presigned_url(operation, Params=given, ExpiresIn=seconds))


def _tag(etag: str) -> str:
    return etag.strip('"')
