"""Lockout: somebody keeps failing to sign in. Told once in a window, when its fifth attempt fails.

A window of 15 minutes begins with the first attempt that fails. What is kept of it are the events, not their number, so
that one which comes again, or is written twice because an answer was lost, counts once. Whoever finds five or more
tells by a name that the window has for all: a container that dies before it tells loses nothing, nobody is told twice.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from chalicelib import clock, memory
from chalicelib.alerts import models, noticing
from chalicelib.alerts.notice import Notice

WINDOW: Final = timedelta(minutes=15)
ATTEMPTS: Final = 5
# When there are so many, another one is no news to anybody.
MOST_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class Suspect:
    """Who fails to sign in: an account, or whoever comes from an address.

    `digest` stands for them in plain characters and is one project's own; `shown` is what may be said of them, if
    anything. `event` is what tells so.
    """

    project_id: str
    environment: str | None
    kind: Literal["account", "address"]
    digest: str
    shown: str | None
    event: str


def failed(suspect: Suspect, event_ids: Collection[str], now: datetime) -> None:
    """Count attempts that failed, by their events, and tell of the fifth. Safe to repeat. Raises Busy."""
    subject = f"lockout:{suspect.kind}:{suspect.digest}"
    told = ("told", subject)
    if not memory.due(told, now):
        return
    events = {hashlib.sha256(event.encode()).digest()[:8] for event in sorted(event_ids)[:MOST_ATTEMPTS]}
    attempts, ends = models.add_attempts(subject, events, now, now + WINDOW, MOST_ATTEMPTS)
    if attempts >= ATTEMPTS:
        noticing.notice([_notice(suspect, subject, ends)], now)
        memory.written(told, now, clock.parse(ends) - now)


def _notice(suspect: Suspect, subject: str, ends: str) -> Notice:
    which = "one account" if suspect.kind == "account" else "one address"
    return Notice(
        kind="lockout",
        key=suspect.event,
        severity="WARNING",
        project_id=suspect.project_id,
        environment=suspect.environment,
        subject=subject,
        title=f"{ATTEMPTS} attempts to sign in failed for {suspect.shown or which}",
        lines=(
            f"All for {which} within {WINDOW.seconds // 60} minutes.",
            f"What fails for it until {ends} is not told again.",
        ),
        count=ATTEMPTS,
        once=f"{subject}:{ends}",
    )
