"""Envelopes as SDKs pack them, taken as the route does once it knows whose they are."""

import json
from datetime import datetime
from typing import Any

from chalicelib import clock
from chalicelib.projects import settings
from chalicelib.projects.settings import Terms
from chalicelib.sentry import envelope, items

NOW = clock.parse("2026-03-01T10:00:10Z")
EVENT, OTHER = "a" * 32, "b" * 32

Payload = dict[str, Any] | bytes


def packed(*sent: tuple[str, Payload] | tuple[str, Payload, dict[str, Any]], **header: Any) -> bytes:
    """An envelope of items, each a type, a payload and more of its header."""
    raw = json.dumps(header).encode() + b"\n"
    for kind, payload, *more in sent:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        raw += (
            json.dumps({"type": kind, "length": len(body), **(more[0] if more else {})}).encode() + b"\n" + body + b"\n"
        )
    return raw


def taken(raw: bytes, terms: Terms | None = None, now: datetime = NOW) -> str:
    return items.take(envelope.parse(raw), terms or settings.default_terms(), "sentry.python/2.75.0", now)


def error(text: str = "boom", **more: Any) -> dict[str, Any]:
    return {"exception": {"values": [{"type": "ValueError", "value": text}]}, **more}


def feedback(message: str = "It broke", about: str | None = EVENT, **more: Any) -> dict[str, Any]:
    said = {"message": message, "contact_email": "ann@example.com", "name": "Ann", "associated_event_id": about}
    return {"type": "feedback", "level": "info", "contexts": {"feedback": said}, **more}
