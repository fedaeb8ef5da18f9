"""Extras: what comes beside an event, before it or after it: what a person says of it, and files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

import msgspec

from chalicelib import clock, storage
from chalicelib.clock import Time
from chalicelib.config import config
from chalicelib.incidents import models
from chalicelib.incidents.report import Origin, Report

# They bound what one event can cost its readers: everybody may send, and to the events of others.
MAX_FEEDBACK: Final = 10
MAX_ATTACHMENTS: Final = 10
URL_LIFE_S: Final = 15 * 60
# How a store calls bytes that it is to hand back and not to judge.
BYTES: Final = "application/octet-stream"


class Feedback(msgspec.Struct, frozen=True):
    """What a person said of an event."""

    message: str
    name: str | None
    email: str | None
    url: str | None
    received_at: Time


class Attachment(msgspec.Struct, frozen=True):
    """A file that came with an event. `url` gives it for some minutes, and is null once the file has expired."""

    name: str
    content_type: str
    size_bytes: int
    received_at: Time
    url: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file as it came, its name and type bounded and harmless."""

    name: str
    content_type: str
    content: bytes

    @property
    def digest(self) -> str:
        return _digest(self.name.encode(), self.content)


@dataclass(frozen=True, slots=True)
class Extras:
    """What there is beside one event, in the order in which it came."""

    feedback: list[Feedback]
    attachments: list[Attachment]


NONE: Final = Extras([], [])


def add_feedback(origin: Origin, event_id: str, feedback: Feedback, now: datetime) -> bool:
    """Keep feedback beside an event; returns whether there was room for it. Safe to repeat. Raises Busy."""
    said = (feedback.message, feedback.name, feedback.email, feedback.url)
    return models.add_piece(
        origin.project_id,
        event_id,
        "feedback",
        _digest(msgspec.json.encode(said)),
        msgspec.json.encode(feedback).decode(),
        most=MAX_FEEDBACK,
        ttl=models.expires(now, origin.retention_days),
    )


def add_files(origin: Origin, event_id: str, files: Sequence[File], now: datetime) -> int:
    """Keep files beside an event; returns for how many there was no room. Safe to repeat.

    Raises Busy and StoreUnavailable. A file whose row is missing, since its writer died between the two, is seen by
    nobody and expires.
    """
    known = models.pieces(origin.project_id, [event_id]).get(event_id, {})
    fresh = {file.digest: file for file in files if ("attachment", file.digest) not in known}
    held = sum(kind == "attachment" for kind, _ in known)
    kept = 0
    for digest, file in list(fresh.items())[: max(0, MAX_ATTACHMENTS - held)]:
        storage.write(config().events, _key(origin.project_id, event_id, digest), file.content, BYTES)
        shown = Attachment(file.name, file.content_type, len(file.content), clock.rfc3339(now))
        kept += models.add_piece(
            origin.project_id,
            event_id,
            "attachment",
            digest,
            msgspec.json.encode(shown).decode(),
            most=MAX_ATTACHMENTS,
            ttl=models.expires(now, origin.retention_days),
        )
    return len(fresh) - kept


def of(project_id: str, reports: Sequence[Report], now: datetime) -> dict[str, Extras]:
    """What there is beside reports, by event. At most one batch read, and none for reports that no client named."""
    # Whoever sends something beside an event must know its name.
    named = [report.event_id for report in reports if report.named]
    found = models.pieces(project_id, named, now) if named else {}
    return {event_id: _extras(project_id, event_id, pieces, now) for event_id, pieces in found.items()}


def kept(project_id: str, event_id: str) -> bool:
    """Whether an event is among the kept reports, so that what is beside it is shown. Raises Busy."""
    seen = models.find_seen(project_id, event_id)
    incident = models.find(seen.incident_id) if seen else None
    return seen is not None and incident is not None and models.is_kept(incident, seen.at, event_id)


def _extras(project_id: str, event_id: str, pieces: dict[tuple[str, str], str], now: datetime) -> Extras:
    feedback: list[Feedback] = []
    attachments: list[Attachment] = []
    for (kind, digest), piece in sorted(pieces.items()):
        if kind == "feedback":
            feedback.append(msgspec.json.decode(piece, type=Feedback))
        else:
            attachment = msgspec.json.decode(piece, type=Attachment)
            attachments.append(
                msgspec.structs.replace(attachment, url=_url(project_id, event_id, digest, attachment, now))
            )
    return Extras(
        sorted(feedback, key=lambda each: each.received_at), sorted(attachments, key=lambda each: each.received_at)
    )


def _url(project_id: str, event_id: str, digest: str, attachment: Attachment, now: datetime) -> str | None:
    if now - clock.parse(attachment.received_at) >= timedelta(days=config().raw_event_days):
        return None
    # Whatever it says it is, it is saved and never shown in a page.
    disposition = f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}"
    return storage.sign_get(_key(project_id, event_id, digest), BYTES, disposition, URL_LIFE_S, config().events)


def _key(project_id: str, event_id: str, digest: str) -> str:
    return f"attachments/{project_id}/{event_id}/{digest}"


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
