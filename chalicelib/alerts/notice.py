"""Notices: what happened that somebody might want to be told; rules decide whether, and how."""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.alerts import alert as alerts
from chalicelib.alerts.alert import Happening, Severity

# How severe a report of the hub is to whoever is told.
OF_REPORTS: Final[dict[str, Severity]] = {
    "LOW": "INFO",
    "MEDIUM": "INFO",
    "HIGH": "WARNING",
    "CRITICAL": "CRITICAL",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened.

    `key` is what rules name: an error key, an event's or endpoint's name. `subject` is what it happened to, such as
    `incident:<id>`, in `A-Za-z0-9_:.-`: a rule tells of a subject once in its suppression window, however often it
    happens. With `once`, which names the happening itself, a rule tells of it whatever it told of the subject before,
    and never again. `count` is how often it happened since it was last noticed. `path` is where the console shows it.
    """

    kind: Happening
    key: str
    severity: Severity
    project_id: str
    environment: str | None
    subject: str
    title: str
    lines: tuple[str, ...] = ()
    path: str | None = None
    count: int = 1
    once: str | None = None

    @property
    def once_digest(self) -> str | None:
        """What the happening that `once` names is kept as: 16 hex digits."""
        return None if self.once is None else hashlib.sha256(self.once.encode("utf-8", "replace")).hexdigest()[:16]


def subject(kind: str, *parts: str) -> str:
    """The subject that those parts name, whatever is in them: `<kind>:<32 hex digits>`."""
    digest = hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
    return f"{kind}:{digest}"


def storable(happened: Notice) -> Notice:
    """A notice that any store takes, and of a bounded size."""
    return replace(
        happened,
        title=alerts.cut(happened.title, alerts.MOST_IN_TITLE),
        lines=tuple(alerts.cut(each, alerts.MOST_IN_LINE) for each in happened.lines[: alerts.MOST_LINES]),
        environment=happened.environment and alerts.cut(happened.environment, 64),
    )
