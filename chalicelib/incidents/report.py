"""A report: what a frontend says about one failure, read forgivingly. One bad field never loses a report."""

import bisect
import re
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from chalicelib import clock
from chalicelib.errors import InvalidRequest
from chalicelib.incidents.grouping import Grouping, group, incident_id
from chalicelib.incidents.models import SEVERITIES, Severity
from chalicelib.personal import KEEP, Scrub, treat
from chalicelib.scrubbing import scrub
from chalicelib.storable import storable

MAX_DESCRIPTION_BYTES: Final = 64 * 1024
MAX_EXCHANGE_BYTES: Final = 32 * 1024
MAX_STACK: Final = 32 * 1024
SHORTEST_CUT: Final = 32
MAX_NOTES: Final = 20
MAX_TITLE: Final = 120
CLOCK_SKEW: Final = timedelta(minutes=5)
COMPRESS_OVER_BYTES: Final = 512

ERROR_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_EVENT_ID: Final = re.compile(r"[0-9a-f]{32}")
_CORRELATION_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_CUT: Final = "… [{} characters cut]"


class Report(msgspec.Struct, omit_defaults=True, frozen=True):
    """One report, scrubbed and bounded. `at` is when it was received, RFC 3339; `notes` say what was changed.

    It carries its incident, so that one which waited in the queue goes where its caller was told.
    """

    project_id: str
    incident_id: str
    grouped_by: str
    error_key: str
    description: dict[str, Any]
    event_id: str
    at: str
    retention_days: int = 90
    severity: Severity = "MEDIUM"
    # Whether the caller named the event, so that it can be recognised when it comes again.
    named: bool = False
    environment: str | None = None
    release: str | None = None
    url: str | None = None
    route_name: str | None = None
    endpoint: str | None = None
    http_status: int | None = None
    error_message: str | None = None
    actor_type: str | None = None
    user_id: str | None = None
    user_agent: str | None = None
    correlation_id: str | None = None
    stack_trace: str | None = None
    request_data: dict[str, Any] | None = None
    response_data: dict[str, Any] | None = None
    fingerprint: list[str] | None = None
    was_bypassed: bool | None = None
    bypass_reason: str | None = None
    user_notified: bool | None = None
    occurred_at: str | None = None
    notes: list[str] = []

    @property
    def message(self) -> str | None:
        """What went wrong, in the words of the description or else of the report."""
        return _message(self.description, self.error_message)

    @property
    def title(self) -> str:
        """One line of at most 120 characters for lists."""
        words = " ".join((self.message or "").split())
        line = f"{self.error_key}: {words}" if words else self.error_key
        return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1] + "…"


@dataclass(frozen=True, slots=True)
class Origin:
    """What the request itself says about a report: the project of its key, and the defaults."""

    project_id: str
    user_agent: str | None
    correlation_id: str
    retention_days: int = 90
    scrub: Scrub = KEEP


def read(body: Mapping[str, object], origin: Origin, now: datetime) -> Report:
    """A report from untrusted JSON. Raises InvalidRequest for what API.md refuses, and only for that."""
    error_key = body.get("error_key")
    if not isinstance(error_key, str) or not ERROR_KEY.fullmatch(error_key):
        raise InvalidRequest.of("error_key", "must be 1 to 100 of A-Z a-z 0-9 and _ . : - characters")
    if not isinstance(body.get("description"), dict):
        raise InvalidRequest.of("description", "must be an object")

    notes: list[str] = []
    clean = cleansed(body, origin, notes)
    description = clean.pop("description")
    fields = accepted(clean, notes)
    unknown = {name: value for name, value in clean.items() if name not in FIELDS and name != "error_key"}
    keep_unknown(unknown, description, "description", notes)
    message = _message(description, fields.get("error_message"))
    grouping = group(error_key, message, fields.get("route_name"), fields.get("fingerprint"))
    return assembled(error_key, description, fields, grouping, origin=origin, notes=notes, now=now)


def cleansed(given: Mapping[str, object], origin: Origin, notes: list[str]) -> dict[str, Any]:
    """A copy of untrusted JSON that may be stored: without secrets, personal data as the project wants it."""
    clean: Any = scrub(storable(dict(given), notes))
    kept: dict[str, Any] = clean if origin.scrub == KEEP else treat(clean, origin.scrub, origin.project_id)
    return kept


def accepted(given: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The known fields whose values are of use; `notes` say what was changed or left out."""
    fields: dict[str, Any] = {}
    for name, (accept, expected) in FIELDS.items():
        raw = given.get(name)
        if raw is None or raw == "":
            continue
        value = accept(raw)
        if value is None:
            notes.append(f"{name} was left at its default: it must be {expected}.")
            continue
        if isinstance(raw, str) and isinstance(value, str) and len(value) < len(raw.strip()) and raw.startswith(value):
            notes.append(f"{name} was cut to {len(value)} characters.")
        fields[name] = value
    return fields


def keep_unknown(unknown: dict[str, Any], inside: dict[str, Any], name: str, notes: list[str]) -> None:
    """Keep cleansed fields that nobody knows under `_extra` of the object of that name, where there are any."""
    if unknown:
        extra = inside.get("_extra")
        inside["_extra"] = {**extra, **unknown} if isinstance(extra, dict) else unknown
        notes.append(f"Unknown fields are kept under {name}._extra: {', '.join(sorted(unknown))[:200]}.")


def assembled(
    error_key: str,
    description: dict[str, Any],
    fields: Mapping[str, Any],
    grouping: Grouping,
    *,
    origin: Origin,
    notes: list[str],
    now: datetime,
) -> Report:
    """The report that cleansed data makes: trimmed to its bounds, defaults where `fields`, as accepted, say nothing."""
    known = dict(fields)
    for name in ("request_data", "response_data"):
        if name in known:
            known[name] = trimmed(known[name], MAX_EXCHANGE_BYTES, name, notes)
    defaults = {
        "event_id": uuid.uuid4().hex,
        "user_agent": _text(512)(scrub(origin.user_agent or "")),
        "correlation_id": origin.correlation_id,
    }
    return Report(
        project_id=origin.project_id,
        retention_days=origin.retention_days,
        incident_id=incident_id(origin.project_id, grouping.fingerprint),
        grouped_by=grouping.grouped_by,
        error_key=error_key,
        description=trimmed(description, MAX_DESCRIPTION_BYTES, "description", notes),
        at=clock.rfc3339(now),
        named="event_id" in known,
        occurred_at=_occurred_at(known.pop("occurred_at", None), now, notes),
        **(defaults | known),
        notes=notes[:MAX_NOTES],
    )


def _message(description: Mapping[str, object], error_message: str | None) -> str | None:
    described = description.get("error_message")
    return described if isinstance(described, str) and described else error_message


def pack(report: Report) -> bytes:
    """A report as stored and queued: JSON, compressed where it is large, so that most rows cost one write unit."""
    raw = msgspec.json.encode(report)
    return raw if len(raw) <= COMPRESS_OVER_BYTES else zlib.compress(raw)


def unpack(stored: bytes) -> Report:
    """The report that `pack` made. Raises msgspec.DecodeError or zlib.error for anything else."""
    return _DECODER.decode(stored if stored.startswith(b"{") else zlib.decompress(stored))


_DECODER = msgspec.json.Decoder(Report)


# -- fields: each accepts a value, changed to what is stored, or says None ---------------------------------------------

Accept = Callable[[Any], Any]


def _text(most: int) -> Accept:
    return lambda given: (given.strip()[:most] or None) if isinstance(given, str) else None


def _one_of(*allowed: str) -> Accept:
    spelled = {value.lower(): value for value in allowed}
    return lambda given: spelled.get(given.strip().lower()) if isinstance(given, str) else None


def _flag(given: Any) -> bool | None:
    return given if isinstance(given, bool) else None


def _object(given: Any) -> dict[str, Any] | None:
    return given if isinstance(given, dict) else None


def _event_id(given: Any) -> str | None:
    plain = given.replace("-", "").lower() if isinstance(given, str) and len(given) <= 36 else ""
    return plain if _EVENT_ID.fullmatch(plain) else None


def _correlation(given: Any) -> str | None:
    return given if isinstance(given, str) and _CORRELATION_ID.fullmatch(given) else None


def _http_status(given: Any) -> int | None:
    number = int(given) if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) == 3 else given
    return number if isinstance(number, int) and not isinstance(number, bool) and 100 <= number <= 599 else None


def _user_id(given: Any) -> str | None:
    text: str | None = _text(200)(str(given) if isinstance(given, int) and not isinstance(given, bool) else given)
    return text


def _fingerprint(given: Any) -> list[str] | None:
    if not isinstance(given, list) or not 1 <= len(given) <= 20:
        return None
    return given if all(isinstance(part, str) and len(part) <= 500 for part in given) else None


def _time(given: Any) -> datetime | None:
    try:
        return clock.parse(given) if isinstance(given, str) and len(given) <= 40 else None
    except ValueError:
        return None


FIELDS: Final[dict[str, tuple[Accept, str]]] = {
    "event_id": (_event_id, "32 hex digits"),
    "severity": (_one_of(*SEVERITIES), "one of LOW, MEDIUM, HIGH, CRITICAL"),
    "environment": (_text(64), "a text"),
    "release": (_text(200), "a text"),
    "url": (_text(2048), "a text"),
    "route_name": (_text(200), "a text"),
    "endpoint": (_text(500), "a text"),
    "http_status": (_http_status, "a number from 100 to 599"),
    "error_message": (_text(8192), "a text"),
    "actor_type": (_one_of("admin", "customer", "system"), "one of admin, customer, system"),
    "user_id": (_user_id, "a text"),
    "user_agent": (_text(512), "a text"),
    "correlation_id": (_correlation, "1 to 128 characters of A-Z a-z 0-9 _ . : -"),
    "stack_trace": (_text(MAX_STACK), "a text"),
    "request_data": (_object, "an object"),
    "response_data": (_object, "an object"),
    "fingerprint": (_fingerprint, "a list of 1 to 20 texts"),
    "was_bypassed": (_flag, "true or false"),
    "bypass_reason": (_text(1000), "a text"),
    "user_notified": (_flag, "true or false"),
    "occurred_at": (_time, "an RFC 3339 time"),
}


def _occurred_at(given: datetime | None, now: datetime, notes: list[str]) -> str | None:
    if given is None:
        return None
    if given > now + CLOCK_SKEW:
        notes.append("occurred_at was left at its default: it lies in the future.")
        return None
    return clock.rfc3339(given)


# -- bounds -----------------------------------------------------------------------------------------------------------


def trimmed(value: dict[str, Any], most: int, name: str, notes: list[str]) -> dict[str, Any]:
    """`value` in at most `most` bytes of JSON: the longest strings are cut first, to one common length."""
    size = encoded(value)
    if size <= most:
        return value
    notes.append(f"{name} had {size} bytes and was trimmed to {most}: the longest texts first.")
    lengths = range(SHORTEST_CUT, max(map(len, _strings(value)), default=0))
    too_long = bisect.bisect_left(lengths, x=True, key=lambda length: encoded(cut(value, length)) > most)
    if too_long:
        return _object(cut(value, lengths[too_long - 1])) or {}
    # Too many small values rather than some large ones: nothing is longer than the rest, so the end goes.
    return {"_trimmed": msgspec.json.encode(value)[: most // 2].decode("utf-8", "ignore")}


def encoded(value: Any) -> int:
    """The size of a storable value as JSON, in bytes."""
    return len(msgspec.json.encode(value))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for child in children for text in _strings(child)]


def cut(value: Any, length: int) -> Any:
    """A copy of a JSON value whose texts have at most so many characters, and say how many more there were."""
    if isinstance(value, str):
        return value if len(value) <= length else value[:length] + _CUT.format(len(value) - length)
    if isinstance(value, list):
        return [cut(item, length) for item in value]
    if isinstance(value, dict):
        return {key: cut(item, length) for key, item in value.items()}
    return value
