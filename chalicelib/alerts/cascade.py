"""Cascade: several endpoints of an environment fail within minutes, so what they share has failed.

A container notes an endpoint once a minute, and only then looks at what others noted: whoever notes last sees all. Time
is taken by the minute, so that endpoints which failed up to six minutes apart may count as one cascade.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from chalicelib import memory
from chalicelib.alerts import models, noticing
from chalicelib.alerts.notice import Notice
from chalicelib.endpoints import MAX_NAME, cut

WINDOW: Final = timedelta(minutes=5)
ENDPOINTS: Final = 3
MOST_ENDPOINTS: Final = 50
MINUTE: Final = timedelta(minutes=1)
KEPT_FOR: Final = timedelta(minutes=15)


def failed(project_id: str, environment: str | None, endpoints: Collection[str], now: datetime) -> None:
    """Note endpoints that fail, and tell where three have within five minutes. Safe to repeat. Raises Busy."""
    # Whatever an environment is called, its name makes a key.
    digest = hashlib.sha256((environment or "").encode("utf-8", "replace")).hexdigest()[:16]
    where, minute = f"{project_id}#{digest}", _minute(now)
    names = {cut(endpoint, MAX_NAME) for endpoint in endpoints}
    marks = {name: ("failing", where, minute, name) for name in sorted(names - {""})[:MOST_ENDPOINTS]}
    fresh = {name for name, mark in marks.items() if memory.due(mark, now)}
    if not fresh:
        return
    models.add_failing(where, minute, fresh, MOST_ENDPOINTS, now + KEPT_FOR)
    # Without an end: where the minute ends, others note the next one already.
    failing = models.failing(where, _minute(now - WINDOW))
    if len(failing) >= ENDPOINTS:
        noticing.notice([_notice(project_id, environment, digest, sorted(failing))], now)
    for name in fresh:
        memory.written(marks[name], now, MINUTE)


def _notice(project_id: str, environment: str | None, digest: str, failing: list[str]) -> Notice:
    return Notice(
        kind="cascade",
        key="cascade",
        severity="CRITICAL",
        project_id=project_id,
        environment=environment,
        subject=f"cascade:{project_id}:{digest}",
        title=f"{len(failing)} endpoints failed within {WINDOW.seconds // 60} minutes",
        lines=tuple(failing),
    )


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")
