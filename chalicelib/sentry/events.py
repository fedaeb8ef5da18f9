"""Events: what a Sentry SDK says of one failure, read as the same report that others send of theirs.

The forms are those of https://develop.sentry.dev/sdk/data-model/event-payloads/, and what SDKs send instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib import clock
from chalicelib.incidents import report
from chalicelib.incidents.grouping import Where, group_exception, group_message
from chalicelib.incidents.report import Origin, Report
from chalicelib.sentry import exceptions, stacks
from chalicelib.sentry.exceptions import Raised
from chalicelib.sentry.shapes import entries, mapping, named, note, text, words

MAX_BREADCRUMBS: Final = 100
MAX_TEXT: Final = 8192
MAX_PARAMETER: Final = 500
MAX_FINGERPRINT: Final = 20
# What each part of a too large event may have: first those alone that make it so, then all alike.
PARTS: Final = ("extra", "_extra", "modules", "breadcrumbs", "contexts", "request", "tags", "user", "params")
PART_BYTES: Final = (16 * 1024, 6 * 1024)
INNERMOST: Final = 5

# Any other level is LOW; an event without one is an error.
SEVERITIES: Final = {
    "fatal": "CRITICAL",
    "critical": "CRITICAL",
    "error": "HIGH",
    "warning": "MEDIUM",
    "warn": "MEDIUM",
}
TEXTS: Final = ("level", "logger", "platform", "release", "environment", "transaction", "server_name", "dist")

# What is read by name, and bookkeeping of SDKs that tells a reader nothing.
_KNOWN: Final = frozenset(TEXTS) | frozenset(
    str.split("""
        _meta breadcrumbs checksum contexts culprit debug_meta errors event_id exception extra fingerprint key_id
        logentry message modules project received request sdk spans stacktrace start_timestamp tags threads time_spent
        timestamp transaction_info type user version
    """)
)
# How an SDK asks for the address of whoever sends. It is no address, and an event has none but what its SDK sends.
_ASKS_FOR_ADDRESS: Final = "{{auto}}"

_FLAGS: Final = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)
_OUTSIDE_KEY: Final = re.compile(r"[^A-Za-z0-9_.:-]")
_PARAMETER: Final = re.compile(r"%(?:\((\w{1,64})\))?[-+#0-9.]{0,8}[sdifrgxcoO]")
_HOST: Final = re.compile(r"\A[A-Za-z][\w+.-]{0,30}://[^/?#]*")


def read(event: Mapping[str, object], event_id: str, origin: Origin, now: datetime) -> Report:
    """The report that an untrusted event is; `event_id` has 32 hex digits. Never raises: what is malformed is noted.

    The description holds, each only where the event says it: `error_message` (one line), `exceptions` (outermost last,
    frames oldest first) or `stack` (of a message), `handled`, `message`, `template`, `params`, TEXTS, `sdk`, `user`,
    `tags`, `request`, `contexts`, `extra`, `breadcrumbs` (oldest first), `modules`, and `_extra` for all else.
    """
    notes: list[str] = []
    raised = exceptions.read(event, notes)
    main = exceptions.main(raised)
    given = {
        "description": _description(event, raised, main, notes),
        "more": {
            "event_id": event_id,
            "culprit": text(event.get("culprit"), "culprit", notes),
            "fingerprint": _fingerprint(event.get("fingerprint"), notes),
            "occurred_at": _moment(event.get("timestamp")),
        },
        "where": asdict(main.where) if main and main.where else None,
    }
    # All at once, so that what is shown, grouped and rendered below is what was cleansed.
    clean = report.cleansed(given, origin, notes)
    description, where = clean["description"], clean["where"]
    told = description["exceptions"][raised.index(main)] if main else {}
    fields = report.accepted(_fields(description, told, clean["more"], notes), notes)
    type_, logger, platform = told.get("type"), description.get("logger"), description.get("platform")
    message, fingerprint = fields.get("error_message"), fields.get("fingerprint")
    if type_:
        grouping = group_exception(type_, message, where and Where(**where), fingerprint)
    else:
        grouping = group_message(logger, description.get("template") or message, fingerprint)
    stack = description.get("exceptions") or [{"value": _first_line(message), "frames": description.get("stack", ())}]
    fields["stack_trace"] = stacks.render(stack, platform)
    if message:
        description = {"error_message": _first_line(message), **description}
    # A server's SDK is nobody's browser.
    sender = origin if platform == "javascript" else replace(origin, user_agent=None)
    key = _OUTSIDE_KEY.sub("_", type_ or logger or "message")[:100]
    fitting = _fitting(description, notes)
    return report.assembled(key, fitting, fields, grouping, origin=sender, notes=notes, now=now)


def _description(
    event: Mapping[str, object], raised: Sequence[Raised], main: Raised | None, notes: list[str]
) -> dict[str, Any]:
    shown = exceptions.shown(raised, notes)
    crumbs = entries(event.get("breadcrumbs"), "breadcrumbs", notes)
    parts = {
        "exceptions": shown if main else None,
        "stack": None if main or not shown else shown[-1].get("frames"),
        "handled": exceptions.handled(raised),
        **_message(event, raised, notes),
        **{name: text(event.get(name), name, notes) for name in TEXTS},
        "sdk": _only(("name", "version"), mapping(event.get("sdk"), "sdk", notes)),
        "user": _user(event, notes),
        "tags": _tags(event, notes),
        "request": _request(event, notes),
        "contexts": mapping(event.get("contexts"), "contexts", notes),
        "extra": mapping(event.get("extra"), "extra", notes),
        "breadcrumbs": [
            {**crumb, "timestamp": _moment(crumb["timestamp"])} if "timestamp" in crumb else crumb
            for crumb in crumbs[-MAX_BREADCRUMBS:]
        ],
        "modules": mapping(event.get("modules"), "modules", notes),
        "_extra": {name: value for name, value in event.items() if name not in _KNOWN},
    }
    if len(crumbs) > MAX_BREADCRUMBS:
        note(notes, f"The newest {MAX_BREADCRUMBS} of {len(crumbs)} breadcrumbs are kept.")
    return {name: part for name, part in parts.items() if part or part is False}


def _fields(
    description: Mapping[str, Any], told: Mapping[str, Any], more: Mapping[str, Any], notes: list[str]
) -> dict[str, object]:
    """The fields of a report, as far as the event has them, in forms that the report's reader judges.

    `told` is the exception that the event is about; what the description does not say is in `more`.
    """
    tags, request, contexts = (description.get(name, {}) for name in ("tags", "request", "contexts"))
    trace, response = (mapping(contexts.get(name), name, []) for name in ("trace", "response"))
    method, url = request.get("method"), request.get("url")
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    return {
        "event_id": more["event_id"],
        "release": description.get("release"),
        "environment": description.get("environment"),
        "url": url,
        "route_name": description.get("transaction") or more["culprit"],
        "endpoint": f"{method} {_path(url)}" if isinstance(method, str) and isinstance(url, str) else None,
        "http_status": response.get("status_code") or tags.get("http.status_code") or tags.get("status_code"),
        "error_message": told.get("value") if told else description.get("message"),
        "user_id": _user_id(description.get("user", {}), notes),
        "user_agent": headers.get("user-agent"),
        "correlation_id": trace.get("trace_id"),
        "fingerprint": more["fingerprint"],
        "occurred_at": more["occurred_at"],
        "severity": _severity(description.get("level"), tags.get("severity"), notes),
        **_bypass(tags),
    }


def _message(event: Mapping[str, object], raised: Sequence[Raised], notes: list[str]) -> dict[str, Any]:
    """What was logged, and the template and parameters that it was made of."""
    logged = event.get("logentry") or event.get("message")
    if not isinstance(logged, dict):
        texts = (logged, *(each.value for each in reversed(raised) if not each.type))
        return {"message": next(filter(None, (words(each, notes) for each in texts)), None)}
    template, params = words(logged.get("message"), notes), logged.get("params")
    message = words(logged.get("formatted"), notes) or (template and _formatted(template, params, notes))
    return {"message": message, "template": template if params or template != message else None, "params": params}


def _formatted(template: str, params: object, notes: list[str]) -> str:
    """A template in the form of Python's `%`, filled in. Of unknown parameters it keeps the place."""
    if not isinstance(params, list | dict):
        return template
    unnamed = iter(params if isinstance(params, list) else ())

    def fill(place: re.Match[str]) -> str:
        value = params.get(place[1], place[0]) if isinstance(params, dict) else next(unnamed, place[0])
        return ("None" if value is None else words(value, notes) or "")[:MAX_PARAMETER]

    return _PARAMETER.sub(fill, template[:MAX_TEXT])


def _tags(event: Mapping[str, object], notes: list[str]) -> dict[str, str]:
    tags = named(event.get("tags"), "tags", notes)
    texts = {name: text(value, "A tag", notes) for name, value in tags.items()}
    return {name: value for name, value in texts.items() if value}


def _user(event: Mapping[str, object], notes: list[str]) -> dict[str, Any]:
    user = mapping(event.get("user"), "user", notes)
    return {name: value for name, value in user.items() if value not in (None, "", _ASKS_FOR_ADDRESS)}


def _user_id(user: Mapping[str, Any], notes: list[str]) -> str | None:
    names = (text(user.get(name), f"user.{name}", notes) for name in ("id", "username", "email"))
    return next(filter(None, names), None)


def _request(event: Mapping[str, object], notes: list[str]) -> dict[str, Any]:
    request = dict(mapping(event.get("request"), "request", notes))
    headers = named(request.get("headers"), "request.headers", notes)
    request["url"] = text(request.get("url"), "request.url", notes)
    request["headers"] = {
        name: ", ".join(words(each, notes) or "" for each in value) if isinstance(value, list) else value
        for name, value in headers.items()
    }
    return {name: value for name, value in request.items() if value}


def _path(url: str) -> str:
    return re.split("[?#]", _HOST.sub("", url), maxsplit=1)[0] or "/"


def _fingerprint(given: object, notes: list[str]) -> object:
    """As a report has it, numbers and flags in it spelled out. Anything else is for the report's reader to judge."""
    if not isinstance(given, list):
        return given
    if len(given) > MAX_FINGERPRINT:
        note(notes, f"Of the fingerprint the first {MAX_FINGERPRINT} parts count.")
    parts = (text(each, "A part of the fingerprint", notes) for each in given[:MAX_FINGERPRINT])
    return [part for part in parts if part] or None


def _severity(level: str | None, tag: str | None, notes: list[str]) -> str:
    accept, expected = report.FIELDS["severity"]
    said = tag and accept(tag)
    if tag and not said:
        note(notes, f"The tag severity was left out: it must be {expected}.")
    return said or SEVERITIES.get((level or "error").lower(), "LOW")


def _bypass(tags: Mapping[str, str]) -> dict[str, object]:
    """What the tags `bypassed`, `beta_error` and `bypass_reason` say: that the user was let past the failure, and why.

    `beta_error` says that it was because users of a beta are. Each of the two may hold the reason itself.
    """
    bypassed, beta = (_flag(tags.get(name)) for name in ("bypassed", "beta_error"))
    was_bypassed = bool(beta) if bypassed is None else bool(bypassed)
    if bypassed is None and beta is None:
        return {}
    reasons = [tags.get("bypass_reason"), *(each for each in (bypassed, beta) if isinstance(each, str))]
    reason = next(filter(None, reasons), "beta" if beta else None)
    return {"was_bypassed": was_bypassed, "bypass_reason": reason if was_bypassed else None}


def _flag(tag: str | None) -> bool | str | None:
    return None if tag is None else _FLAGS.get(tag.lower(), tag)


def _moment(given: object) -> object:
    """Seconds since 1970, also as a text, in RFC 3339; anything else as it is."""
    try:
        seconds = float(given) if isinstance(given, int | float | str) else -1.0
        return clock.rfc3339(datetime.fromtimestamp(seconds, UTC)) if seconds >= 0 else given
    except (ValueError, OverflowError, OSError):
        return given


def _first_line(message: str | None) -> str | None:
    lines = (message or "").lstrip()[: report.MAX_STACK].splitlines()
    return lines[0].rstrip() if lines else None


def _only(names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


# -- bounds -----------------------------------------------------------------------------------------------------------


def _fitting(description: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """A description of a report's size: long texts are cut, large parts trimmed, then frames lose their source.

    What is too large even so is trimmed as any report is.
    """
    if report.encoded(description) > report.MAX_DESCRIPTION_BYTES:
        whole, description = description, report.cut(description, MAX_TEXT)
        if description != whole:
            note(notes, f"The event was too large: of its texts {MAX_TEXT} characters are kept at most.")
    for part_bytes, innermost in zip(PART_BYTES, (None, INNERMOST), strict=True):
        if report.encoded(description) <= report.MAX_DESCRIPTION_BYTES:
            break
        for name in PARTS:
            if name in description:
                part = report.trimmed({name: description[name]}, part_bytes, name, notes)
                description[name] = part.get(name, part)
        if report.encoded(description) <= report.MAX_DESCRIPTION_BYTES:
            break
        note(notes, "The event was too large: frames lost their source lines and variables.")
        for stack in (description, *description.get("exceptions", ())):
            for part in stack.keys() & {"frames", "stack"}:
                stack[part] = stacks.without_source(stack[part], innermost)
    return description
