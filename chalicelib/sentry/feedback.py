"""Feedback: what people say of an event, as Sentry's SDKs send it: new (`feedback`), and old (`user_report`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib import clock
from chalicelib.dynamodb import Busy
from chalicelib.incidents import extras, overflow, own, recording
from chalicelib.incidents.extras import Feedback
from chalicelib.incidents.report import Origin
from chalicelib.observability import logger
from chalicelib.personal import treat
from chalicelib.scrubbing import scrub
from chalicelib.sentry import events
from chalicelib.sentry.envelope import event_id as id_of
from chalicelib.storable import storable

Body = Mapping[str, object]

# It is the error_key of what becomes an incident of its own.
LOGGER: Final = "feedback"
LONGEST: Final = {"message": 4096, "name": 200, "email": 200, "url": 2048}

# What would make more of a feedback's event than one person's words.
_OF_FAILURES: Final = ("exception", "fingerprint", "logentry", "stacktrace", "threads", "type")


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said: of which event, None where that is unknown, and told as an event of its own."""

    event_id: str
    about: str | None
    texts: Mapping[str, str | None]
    event: dict[str, object]


def is_feedback(body: Body) -> bool:
    """Whether an event is feedback, whatever its item calls it."""
    return body.get("type") == "feedback" and isinstance(_object(body.get("contexts")).get("feedback"), dict)


def read(kind: str, body: Body, event_id: str, beside: str | None, origin: Origin) -> Said:
    """What a `feedback` or `user_report` says, read forgivingly, scrubbed and bounded.

    `event_id` is that of a `feedback`; `beside` is the event in the same envelope, if there is one.
    """
    old = kind == "user_report"
    given = body if old else _object(_object(body.get("contexts")).get("feedback"))
    texts = {
        "message": given.get("comments" if old else "message"),
        "name": given.get("name"),
        "email": given.get("email" if old else "contact_email"),
        "url": given.get("url"),
    }
    clean: dict[str, Any] = treat(scrub(storable(texts, [])), origin.scrub, origin.project_id)
    bounded = {part: _text(clean[part], most) for part, most in LONGEST.items()}
    about = id_of(given.get("event_id" if old else "associated_event_id")) or beside
    if old:
        # It has no id of its own, and who says more of the same event says something else.
        event_id = own.event_id("/".join([about or event_id, *(text or "" for text in bounded.values())]))
    return Said(event_id, about, bounded, _event({} if old else body, bounded))


def keep(said: Said, origin: Origin, now: datetime) -> list[str]:
    """Keep what was said beside its event, or as an incident of its own; returns where files that came along belong.

    The event may come later, and of a storm's events not all are kept: where it is not kept in a quarter of an hour,
    what was said of it becomes an incident of its own, so that somebody reads it. Raises Unavailable.
    """
    report = events.read(said.event, said.event_id, origin, now)
    try:
        if said.about is not None and extras.add_feedback(origin, said.about, _shown(said, now), now):
            if extras.kept(origin.project_id, said.about):
                return [said.about]
            overflow.send_later(report, said.about)
            return [said.about, said.event_id]
    except Busy:
        logger.warning("feedback becomes an incident, as its event cannot be reached", about=said.about)
    recording.record([report], now)
    return [said.event_id]


def _shown(said: Said, now: datetime) -> Feedback:
    texts = said.texts
    return Feedback(texts["message"] or "", texts["name"], texts["email"], texts["url"], clock.rfc3339(now))


def _event(body: Body, texts: Mapping[str, str | None]) -> dict[str, object]:
    """What was said as an event: a message of no severity, with all else that came with it."""
    event = {name: value for name, value in body.items() if name not in _OF_FAILURES}
    who = {part: texts[part] for part in ("name", "email") if texts[part]}
    return {
        **({"user": who} if who else {}),
        **event,
        "contexts": {**_object(event.get("contexts")), "feedback": texts},
        "logger": LOGGER,
        "level": "info",
        "message": texts["message"] or "",
    }


def _object(found: object) -> Mapping[str, object]:
    return found if isinstance(found, dict) else {}


def _text(found: Any, most: int) -> str | None:
    return found.strip()[:most] or None if isinstance(found, str) else None
