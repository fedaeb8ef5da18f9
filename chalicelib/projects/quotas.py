"""Quotas: how many reports a project may send in a minute, over all containers, at the price of almost no writes.

A container takes reports out of the minute's shared count in leases, of one report at first and twice as many each time
one is used up, at most a twentieth of the quota. So all containers together never accept more than the quota, what idle
containers hold back is no more than they used, and a quota of 6,000 costs some thirty writes. Once the count is used up
a container refuses without asking again until the minute is over.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib import memory
from chalicelib.alerts import noticing
from chalicelib.alerts.notice import Notice
from chalicelib.dynamodb import Busy
from chalicelib.projects import models

LARGEST_LEASE: Final = 20
TELL_REFUSED_EVERY: Final = timedelta(seconds=1)
NOTICED_FOR: Final = timedelta(days=1)
TRY_NOTICE_AGAIN: Final = timedelta(minutes=1)


@dataclass(slots=True)
class Allowance:
    """What this container may still accept of a project's minute."""

    minute: str = ""
    left: int = 0
    lease: int = 1
    spent: bool = False


@dataclass(slots=True)
class Refusals:
    """What this container refused and has not told yet."""

    count: int = 0
    told_at: datetime | None = None


_allowances: dict[str, Allowance] = {}
_refusals: dict[str, Refusals] = {}
_lock = threading.Lock()


def admit(project_id: str, quota: int, reports: int, now: datetime) -> int:
    """How many of `reports` the quota lets in now; the others are counted as refused. A quota of 0 is none."""
    if not quota:
        return reports
    # One at a time: the local server answers in threads, and a lease must not be spent twice.
    with _lock:
        admitted = _admit(project_id, quota, reports, now)
        if admitted < reports:
            waiting = _refusals.setdefault(project_id, Refusals())
            waiting.count += reports - admitted
            if waiting.told_at is None or now - waiting.told_at >= TELL_REFUSED_EVERY:
                _tell(project_id, waiting, now)
    if admitted < reports:
        _notice(project_id, quota, now)
    return admitted


def refused_today(project_id: str, now: datetime) -> int:
    """How many reports were refused since midnight UTC: exact but for the last second of other containers."""
    with _lock:
        waiting = _refusals.get(project_id)
        if waiting is not None:
            _tell(project_id, waiting, now)
    return models.refused(project_id, _date(now))


def retry_after(now: datetime) -> int:
    """Seconds until the next minute's quota."""
    return 60 - now.second


def forget() -> None:
    """Begin as a fresh container does."""
    _allowances.clear()
    _refusals.clear()


def _admit(project_id: str, quota: int, reports: int, now: datetime) -> int:
    minute = now.strftime("%Y-%m-%dT%H:%M")
    allowance = _allowances.setdefault(project_id, Allowance())
    if allowance.minute != minute:
        _allowances[project_id] = allowance = Allowance(minute)
    while allowance.left < reports and not allowance.spent:
        wanted = max(allowance.lease, reports - allowance.left)
        try:
            taken = models.take(project_id, minute, wanted, now)
        except Busy:
            # A quota that cannot be counted must not cost a report.
            return reports
        over = max(0, taken - quota)
        allowance.left += max(0, wanted - over)
        allowance.spent = over > 0
        allowance.lease = min(allowance.lease * 2, max(1, quota // LARGEST_LEASE))
    admitted = min(reports, allowance.left)
    allowance.left -= admitted
    return admitted


def _notice(project_id: str, quota: int, now: datetime) -> None:
    """Give notice that a quota was reached, once a day. Whoever reports is not to wait for it, or to fail."""
    date = _date(now)
    mark = ("told", f"quota:{project_id}", date)
    if not memory.due(mark, now):
        return
    reached = Notice(
        kind="quota",
        key="quota",
        severity="WARNING",
        project_id=project_id,
        environment=None,
        subject=f"quota:{project_id}",
        title=f"Project {project_id} has reached its quota of {quota} reports a minute",
        lines=("What comes beyond it is refused until the next minute. It is told once a day.",),
        once=f"quota:{date}",
    )
    try:
        noticing.notice([reached], now)
    except Busy:
        memory.written(mark, now, TRY_NOTICE_AGAIN)
    else:
        memory.written(mark, now, NOTICED_FOR)


def _tell(project_id: str, waiting: Refusals, now: datetime) -> None:
    if waiting.count:
        try:
            models.add_refused(project_id, _date(now), waiting.count, now)
        except Busy:
            return
    waiting.count, waiting.told_at = 0, now


def _date(now: datetime) -> str:
    return now.strftime("%Y-%m-%d")
