"""Detecting: what tracked events give notice of, as they come in: each by its name, attempts to sign in, endpoints."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

from chalicelib import clock
from chalicelib.alerts import cascade, lockout, noticing
from chalicelib.alerts.alert import SEVERITIES, cut
from chalicelib.alerts.lockout import Suspect
from chalicelib.alerts.notice import Notice, subject
from chalicelib.analytics.event import Event
from chalicelib.dynamodb import Busy
from chalicelib.projects.settings import Terms

# Whole words of a name in lower case whose words `_` divides.
SIGN_IN: Final = "login|log_in|signin|sign_in|auth|authentication|mfa|otp|password"
FAILED: Final = "fail|failed|failure|invalid|denied|rejected"
_HAS_SIGN_IN, _HAS_FAILED = (re.compile(rf"(?<![^_])(?:{words})(?![^_])") for words in (SIGN_IN, FAILED))
_IS_SIGN_IN: Final = re.compile(rf"(?:{SIGN_IN})(?:_attempt)?")
_IS_FAILED: Final = re.compile(FAILED)
# What data calls those who sign in, as `facts` reads it.
NAMES: Final[dict[Literal["account", "address"], tuple[str, ...]]] = {
    "account": ("account", "email", "username"),
    "address": ("ip", "ip_address"),
}
ERRORS: Final = ("error", "error_message", "message")
MAX_SHOWN: Final = 100
MAX_LINE: Final = 200


def detect(events: Sequence[Event], terms: Terms, now: datetime) -> None:
    """Give notice of what a project's events, which came together, tell. Raises Busy, having done what can be."""
    steps: list[Callable[[], None]] = [
        partial(noticing.notice, list(_happened(events)), now),
        *(partial(lockout.failed, suspect, ids, now) for suspect, ids in _attempts(events, now)),
        *(
            partial(cascade.failed, terms.project_id, environment, endpoints, now)
            for environment, endpoints in _failing(events, now).items()
        ),
    ]
    missed: Busy | None = None
    for step in steps:
        try:
            step()
        except Busy as error:
            missed = error
    if missed is not None:
        raise missed


def _happened(events: Sequence[Event]) -> Iterator[Notice]:
    """A notice for the events of one name, severity and environment, the most severe first."""
    groups: dict[tuple[int, str, str | None], list[Event]] = {}
    for event in events:
        groups.setdefault((SEVERITIES.index(event.severity), event.event, event.environment), []).append(event)
    for (_, name, environment), group in sorted(groups.items(), key=lambda each: each[0][0]):
        # Of those that say no time the last was sent last.
        newest = max(reversed(group), key=lambda event: event.timestamp)
        said = {
            "Endpoint": newest.facts.endpoint,
            "Status": newest.facts.status,
            "Feature": newest.facts.feature,
            "Provider": newest.facts.provider,
            "Error": next((newest.data[key] for key in ERRORS if key in newest.data), None),
        }
        yield Notice(
            kind="event",
            key=name,
            severity=newest.severity,
            project_id=newest.project_id,
            environment=environment,
            subject=subject("event", newest.project_id, name, environment or ""),
            title=name,
            lines=tuple(cut(f"{what}: {text}", MAX_LINE) for what, text in said.items() if isinstance(text, str | int)),
            count=len(group),
        )


def _attempts(events: Sequence[Event], now: datetime) -> Iterator[tuple[Suspect, list[str]]]:
    """Accounts and addresses for which attempts to sign in failed just now, each with the events that tell so."""
    for kind, names in NAMES.items():
        groups: dict[str, list[Event]] = {}
        for event in events:
            digest = event.facts.account if kind == "account" else event.facts.address
            if digest and _is_failed_attempt(event) and _is_new(event, lockout.WINDOW, now):
                groups.setdefault(digest, []).append(event)
        for digest, group in groups.items():
            first = group[0]
            known = next((first.data[name] for name in names if first.data.get(name)), None)
            if known is None and kind == "account":
                known = first.user_id
            shown = None if known is None else cut(str(known), MAX_SHOWN)
            suspect = Suspect(first.project_id, first.environment, kind, digest, shown, first.event)
            yield suspect, [event.event_id for event in group]


def _failing(events: Sequence[Event], now: datetime) -> dict[str | None, set[str]]:
    """The endpoints that fail now, by environment."""
    found: dict[str | None, set[str]] = {}
    for event in events:
        status, endpoint = event.facts.status, event.facts.endpoint
        failed = event.failed if status is None else status >= 500
        if endpoint and failed and _is_new(event, cascade.WINDOW, now):
            found.setdefault(event.environment, set()).add(endpoint)
    return found


def _is_failed_attempt(event: Event) -> bool:
    """Whether its name says so, as `login.failed` and `invalidPassword` do, or data does of what is but an attempt."""
    name = re.sub(r"[ .:/-]|(?<=[a-z])(?=[A-Z])", "_", event.event).lower()
    if _HAS_SIGN_IN.search(name) and _HAS_FAILED.search(name):
        return True
    failed = event.facts.success is False or _IS_FAILED.fullmatch((event.facts.outcome or "").lower())
    return bool(failed and _IS_SIGN_IN.fullmatch(name))


def _is_new(event: Event, window: timedelta, now: datetime) -> bool:
    """Whether it happened within the window; what is older was kept by a caller that was offline."""
    return now - clock.parse(event.timestamp) < window
