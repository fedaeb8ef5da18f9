"""Transcoding: an upload becomes small upright files that play everywhere. Remote to disk to ffmpeg to disk to remote.

A run that fails keeps the original, says why, and is not repeated until somebody asks. Its variants and the finish of
its job are one transaction, so that a run which dies anywhere, or is overtaken, has published nothing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from chalicelib import clock, storage
from chalicelib.dynamodb import Busy
from chalicelib.errors import MediaNotFound, Unavailable
from chalicelib.jobs import leases
from chalicelib.jobs.dispatching import Message as Attempt
from chalicelib.jobs.leases import BEAT_EVERY, Lease, LeaseLost, SubjectChanged
from chalicelib.media import (
    deleting,
    ffmpeg,
    guards,
    keys,
    listing,
    messages,
    models,
    probing,
    recipes,
    uploads,
    workspace,
)
from chalicelib.media.models import Media, StoredVariant
from chalicelib.media.probing import Facts, Unreadable
from chalicelib.media.recipes import Output, Recipe
from chalicelib.observability import correlate, count, logger
from chalicelib.rows import SYSTEM
from chalicelib.storage import Stored

INPUT: Final = "input"
# What is left of the function's time for uploading and finishing.
RESERVE_S: Final = 60
# What it takes to say that time is up.
LAST_S: Final = 10
KEPT_ORIGINAL: Final = (
    "The original plays everywhere and is no larger than what was made of it, so it is kept as it is."
)
UNKNOWN: Final = "Something went wrong on our side while converting the file; it can be run again."
# The first that fits; what a file itself is to blame for says so by itself.
REASONS: Final[dict[type[Exception], str]] = {
    ffmpeg.Killed: UNKNOWN,
    ffmpeg.OutOfTime: "Converting the file took longer than it may; send a shorter one.",
    ffmpeg.FfmpegError: "The file is damaged, or of a kind that cannot be converted.",
    storage.Changed: "The file was replaced after its upload; upload it again.",
    storage.Absent: "The file is no longer stored; upload it again.",
    workspace.NoRoom: "The file is too large for the disk that it is converted on.",
}
# How much of a run's progress is over when the file is here, and when it is converted.
HERE: Final = 0.1
CONVERTED: Final = 0.9

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Original:
    """A media's original in the store, read in ranges: a `probing.Source`."""

    key: str
    etag: str
    size: int

    def read(self, offset: int, length: int) -> bytes:
        return storage.read(self.key, self.etag, offset, length)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on disk, read in ranges: a `probing.Source`."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def take(body: str, remaining_s: Callable[[], float]) -> None:
    """Do what a message of the queue asks for: run what was uploaded, or the attempt that an operator wants.

    Messages may come twice, late, in any order, or after their subject is gone. Raises ValueError for one that is
    neither an event nor a job's, and Unavailable where not even a failure could be noted: it comes again then.
    """
    message = messages.read(body)
    if isinstance(message, Attempt):
        _run_again(message.job_id, message.attempt, remaining_s)
        return
    for key in message:
        _run_first(key, remaining_s)


def _run_first(key: str, remaining_s: Callable[[], float]) -> None:
    now = clock.now()
    media_id = keys.media_id(key)
    if media_id is None:
        logger.info("an object that is no upload", key=key)
        return
    media = models.find(media_id)
    if media is None or media.deleting:
        # Uploaded by a URL that outlived its media: whoever deleted that wants this gone, too.
        logger.warning("an upload without a media is removed", media_id=media_id)
        count("OrphansRemoved")
        storage.delete([key])
        return
    correlate(media.correlation_id)
    stored = storage.head(key)
    if stored is None:
        logger.info("an upload that is gone already", media_id=media_id)
        return
    try:
        media = uploads.note(media, stored, now)
    except MediaNotFound:
        logger.info("a media that was deleted just now", media_id=media_id)
        return
    if media.etag != stored.etag:
        _ignore(media, stored, now)
    if media.variants:
        return
    lease = leases.start(
        listing.KIND,
        media_id,
        listing.job_id(media),
        correlation_id=media.correlation_id,
        requested_by=media.owner_id,
        now=now,
    )
    if lease is None:
        logger.info("an event that came before", media_id=media_id)
        return
    _run(lease, remaining_s)


def _run_again(job_id: str, attempt: int, remaining_s: Callable[[], float]) -> None:
    lease = leases.claim(job_id, attempt, clock.now())
    if lease is None:
        logger.info("a run that was made, overtaken or deleted before", job_id=job_id, attempt=attempt)
        return
    correlate(lease.correlation_id)
    _run(lease, remaining_s)


def _ignore(media: Media, stored: Stored, now: datetime) -> None:
    """Note that an object was replaced after its upload. What was uploaded is what counts."""
    logger.warning("an object that was replaced after its upload", media_id=media.media_id)
    change = {"etag": stored.etag, "size_bytes": stored.size}
    audit = models.audit(
        media.media_id, SYSTEM, "ignore replaced object", now, correlation_id=media.correlation_id, change=change
    )
    models.note(audit)


def _run(lease: Lease, remaining_s: Callable[[], float]) -> None:
    """Run a job to its end, good or bad. Raises Unavailable where that end could not be noted."""
    try:
        media = _subject(lease)
        if lease.attempt > 1:
            _remove_leftovers(media, lease.fence)
        _convert(media, lease, _heart(lease, remaining_s), remaining_s)
        count("RunsFinished")
    except LeaseLost:
        logger.warning("a run was overtaken", media_id=lease.subject_id, job_id=lease.job_id)
        _remove_run(lease)
    except SubjectChanged:
        _give_up(lease)
    except Exception as error:  # noqa: BLE001  # whatever it was: it is logged, told to the hub and noted on the job
        _fail(lease, error)


def _subject(lease: Lease) -> Media:
    """The media that a job is about. Raises SubjectChanged where it is gone or going."""
    media = models.find(lease.subject_id)
    if media is None or media.deleting:
        raise SubjectChanged
    return media


def _give_up(lease: Lease) -> None:
    """End the run of a media that was deleted meanwhile, and its delete, which waited for this run."""
    logger.info("a media was deleted while it was converted", media_id=lease.subject_id)
    now = clock.now()
    leases.drop(lease, "The media was deleted.", now)
    _remove_run(lease)
    media = models.find(lease.subject_id)
    if media is not None and media.deleting:
        deleting.finish(media, SYSTEM, now)


def _fail(lease: Lease, error: Exception) -> None:
    words, details = _explained(error)
    logger.exception("a run failed", media_id=lease.subject_id, job_id=lease.job_id, reason=words)
    try:
        media = _subject(lease)
    except SubjectChanged:
        # That its file was gone is no failure then.
        _give_up(lease)
        return
    description = {
        "media_id": media.media_id,
        "owner_id": media.owner_id,
        "file_name": media.file_name,
        "content_type": media.content_type,
        "size_bytes": int(media.size_bytes),
        **details,
    }
    # First, and only then what the run made: a finish whose answer was lost may still come through until then.
    try:
        leases.fail(lease, words, description, clock.now())
    except LeaseLost:
        logger.warning("a run was over, or overtaken", media_id=media.media_id, job_id=lease.job_id)
    else:
        count("RunsFailed")
    _remove_run(lease)


def _convert(media: Media, lease: Lease, tick: Progress, remaining_s: Callable[[], float]) -> None:
    original = Original(keys.original(media.media_id), str(media.etag), int(media.stored_bytes or 0))
    if original.size != media.size_bytes:
        raise Unreadable(f"The file has {original.size} bytes, but {int(media.size_bytes)} were declared.")
    facts = probing.probe(original)
    guards.require_within(facts)
    recipe = recipes.recipe(facts, original.size, guards.max_pixels(), guards.max_seconds())
    with workspace.folder() as folder:
        workspace.require_room(folder, original.size + recipe.expected_bytes)
        storage.download(
            original.key, original.etag, folder / INPUT, lambda done: tick(HERE * done / max(original.size, 1))
        )
        _cook(recipe, facts, folder, tick, remaining_s() - RESERVE_S)
        made = [(output, folder / output.file_name) for step in recipe.steps for output in step.outputs]
        note = _worth_publishing(made, facts, original.size)
        variants = [_upload(output, path, media.media_id, lease, lambda _: tick(CONVERTED)) for output, path in made]
    now = clock.now()
    publish = partial(
        models.publish,
        media=media,
        run=lease.fence,
        variants=variants,
        found=_found(facts),
        note=note,
        now=now,
    )
    leases.finish(lease, now, publish)


def _cook(recipe: Recipe, facts: Facts, folder: Path, tick: Progress, seconds: float) -> None:
    """Run ffmpeg step by step, and hold what it made against what was wanted."""
    length = facts.duration_s or 1.0
    until = clock.now().timestamp() + seconds
    for step in recipe.steps:
        left = until - clock.now().timestamp()
        bounds = ffmpeg.Limits(
            wall_s=left, cpu_s=int(max(left, 1)) * (os.cpu_count() or 1), file_bytes=recipe.expected_bytes
        )
        ffmpeg.run(
            step.arguments,
            folder,
            bounds,
            lambda done: tick(HERE + (CONVERTED - HERE) * min(done / length, 1.0)),
        )
        for output in step.outputs:
            found = probing.probe(LocalFile(folder / output.file_name))
            # Not every file says beforehand how long it is.
            guards.require_within(found)
            recipes.check(found, facts, output)


def _worth_publishing(made: list[tuple[Output, Path]], facts: Facts, original_bytes: int) -> str | None:
    """Drop from `made` what is no smaller than an original that plays everywhere; returns what to say of it then."""
    for output, path in made:
        replaces = output.name in {"video", "photo"}
        if replaces and recipes.plays_everywhere(facts) and path.stat().st_size >= original_bytes:
            made.remove((output, path))
            return KEPT_ORIGINAL
    return None


def _upload(output: Output, path: Path, media_id: str, lease: Lease, tick: Callable[[int], None]) -> StoredVariant:
    key = keys.run(media_id, lease.fence) + output.file_name
    stored = storage.upload(path, key, output.content_type, tick)
    found = probing.probe(LocalFile(path))
    return StoredVariant(
        name=output.name,
        file=output.file_name,
        type=output.content_type,
        size=stored.size,
        width=found.width,
        height=found.height,
        seconds=_seconds(found),
    )


def _found(facts: Facts) -> dict[str, Any]:
    width, height = probing.shown_size(facts)
    return {"content_type": facts.content_type, "width": width, "height": height, "seconds": _seconds(facts)}


def _seconds(facts: Facts) -> float | None:
    return None if facts.duration_s is None else round(facts.duration_s, 3)


def _heart(lease: Lease, remaining_s: Callable[[], float]) -> Progress:
    """Keeps a lease while the work goes on, at most one write in BEAT_EVERY.

    What it returns is told how much is done, from 0 to 1. It raises LeaseLost, and OutOfTime shortly before the
    function would be stopped without another word.
    """
    due = clock.now() + BEAT_EVERY

    def beat(progress: float) -> None:
        nonlocal due
        if remaining_s() < LAST_S:
            raise ffmpeg.OutOfTime("the function's time is up")
        now = clock.now()
        if now < due:
            return
        try:
            leases.beat(lease, progress, now)
        except Busy:
            # The lease outlasts several beats: a busy database must not cost a run.
            logger.warning("a heartbeat was missed", job_id=lease.job_id)
        due = now + BEAT_EVERY

    return beat


def _explained(error: Exception) -> tuple[str, dict[str, Any]]:
    """Why a run failed: in words for its customer's support, and details for engineers."""
    if isinstance(error, Unreadable):
        return str(error), {}
    words = next((words for kind, words in REASONS.items() if isinstance(error, kind)), UNKNOWN)
    return words, {"detail": f"{type(error).__name__}: {error}"}


def _remove_run(lease: Lease) -> None:
    """Remove what a run has uploaded and not published, as far as the store lets us: a later run tries again."""
    media = models.find(lease.subject_id)
    if media is not None and media.run == lease.fence:
        return
    try:
        storage.delete(list(storage.keys_under(keys.run(lease.subject_id, lease.fence))))
    except Unavailable:
        logger.warning("what a run made is left behind", media_id=lease.subject_id)


def _remove_leftovers(media: Media, fence: str) -> None:
    """Remove what earlier runs have uploaded and not published, as far as the store lets us."""
    kept = tuple(keys.run(media.media_id, run) for run in (fence, media.run) if run)
    try:
        found = storage.keys_under(keys.variants(media.media_id))
        storage.delete([key for key in found if not key.startswith(kept)])
    except Unavailable:
        logger.warning("what earlier runs made is left behind", media_id=media.media_id)
