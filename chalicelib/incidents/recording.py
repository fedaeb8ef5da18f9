"""Recording: a report becomes, or adds to, an incident. Nothing that was answered 202 is lost, nothing counts twice.

First the count, one atomic write. Then what follows it (the kept occurrence, severity, environments, users, the hour,
what is told of it): each step is safe to repeat and to leave out for a while, so that a retry after a crash anywhere
completes the report. Its impact alone is not, and comes last. A report that DynamoDB will not take now waits in the
overflow queue, from which `absorbing` takes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from chalicelib import clock, distinct, memory
from chalicelib.dynamodb import Busy
from chalicelib.endpoints import cut
from chalicelib.errors import Unavailable
from chalicelib.incidents import impact, models, overflow, releases, telling, trend
from chalicelib.incidents.models import SEVERITIES, AlreadySeen, Incident, Moved, Occurrence, Seen
from chalicelib.incidents.report import Report, pack
from chalicelib.observability import correlation_id, logger
from chalicelib.observability import count as measure
from chalicelib.rows import SYSTEM

KEEP_ALL_UP_TO: Final = 100
# In bytes: together with what is always there they keep the hot row under 1 KB, whoever reports.
MAX_HOT_TITLE: Final = 128
MAX_HOT_RELEASE: Final = 64
MAX_HOT_ENVIRONMENT: Final = 64
MAX_HOT_ENVIRONMENTS: Final = 126
ROUNDS: Final = 10
LATEST_EVERY: Final = timedelta(seconds=1)
USER_EVERY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)


class Receipt(Struct, frozen=True, omit_defaults=True):
    """What the caller of a report is told. `notes` say what in it was changed or left out."""

    incident_id: str
    event_id: str
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class Counted:
    """Reports of one incident after their count. `incident` is None when it was deleted since."""

    incident: Incident | None
    fresh: Sequence[Report]
    stale: Sequence[Report]


def record(reports: Sequence[Report], now: datetime) -> list[Receipt | Unavailable]:
    """Record reports; returns, in their order, where each went, or that not even the queue took it.

    Raises Unavailable when none was taken.
    """
    groups: dict[str, list[Report]] = {}
    for report in reports:
        groups.setdefault(report.incident_id, []).append(report)
    homes: dict[str, str] = {}
    refused: dict[str, Unavailable] = {}
    for incident_id, group in groups.items():
        try:
            homes.update(_record_group(incident_id, group, now))
        except Unavailable as error:
            refused[incident_id] = error
            if len(refused) == len(groups):
                raise
    return [
        refused.get(report.incident_id)
        or Receipt(homes.get(report.event_id, report.incident_id), report.event_id, report.notes)
        for report in reports
    ]


def fold(reports: Sequence[Report], now: datetime) -> None:
    """Record named reports of one incident in as few writes as there can be. Safe to repeat. Raises Busy."""
    for start in range(0, len(reports), models.MAX_EVENTS_PER_COUNT):
        counted, repeated = _count(reports[start : start + models.MAX_EVENTS_PER_COUNT], now)
        _start_hour(counted, now)
        complete(counted, now)
        for report in repeated:
            _complete_repeated(report, now)


def complete(counted: Counted, now: datetime) -> None:
    """Do what follows a count. Safe to repeat. Raises Busy."""
    incident = counted.incident
    if incident is None:
        return
    _keep(incident, counted.stale, int(incident.stale_hits), now)
    if counted.fresh:
        _note_and_keep(incident, counted.fresh, now)
        impact.add(incident.project_id, counted.fresh, now)


def _record_group(incident_id: str, reports: Sequence[Report], now: datetime) -> dict[str, str]:
    """Record reports of one incident; returns the incidents of those events that were counted before, elsewhere."""
    try:
        counted, repeated = _count(reports, now)
    except Busy:
        measure("ReportsQueued", len(reports))
        logger.warning("reports wait in the queue", incident_id=incident_id, reports=len(reports))
        overflow.send([replace(report, named=True) for report in reports])
        return {}
    measure("ReportsRecorded", len(counted.fresh) + len(counted.stale))
    try:
        _start_hour(counted, now)
        complete(counted, now)
    except Busy:
        overflow.send(counted.fresh, "fresh")
        overflow.send(counted.stale, "stale")
    homes = {}
    for report in repeated:
        try:
            homes[report.event_id] = _complete_repeated(report, now)
        except Busy:
            overflow.send([report])
    return homes


def _count(reports: Sequence[Report], now: datetime) -> tuple[Counted, list[Report]]:
    """Count reports of one incident: those counted now, and those whose event was counted before. Raises Busy."""
    pending = list({report.event_id: report for report in reports}.values())
    repeated: list[Report] = []
    found: Incident | None = None
    for _ in range(ROUNDS):
        if not pending:
            return Counted(None, [], []), repeated
        stale = [report for report in pending if found is not None and _is_stale(report, found)]
        fresh = [report for report in pending if report not in stale]
        # In a transaction all are claimed: should its answer be lost, those without a name must be known again too.
        claimed = pending if any(report.named for report in pending) else []
        events = [_seen(report, now, stale=report in stale) for report in claimed]
        try:
            incident = models.add(
                _facts(fresh or stale, now), now, count=len(fresh), stale=len(stale), events=events, found=found
            )
        except AlreadySeen as error:
            repeated += [report for report in pending if report.event_id in error.events]
            pending = [report for report in pending if report.event_id not in error.events]
        except Moved:
            found = _found_fixed(pending[0].incident_id, now)
        else:
            return Counted(incident, fresh, stale), repeated
    raise Busy(f"incident {pending[0].incident_id} changed {ROUNDS} times while being counted")


def _found_fixed(incident_id: str, now: datetime) -> Incident | None:
    """The incident if it is FIXED. One past its TTL, which the store has not deleted yet, is deleted first."""
    found = models.find(incident_id)
    if found is not None and found.ttl <= now.timestamp():
        audit = models.audit(incident_id, SYSTEM, "expire", now, correlation_id=correlation_id())
        models.erase(incident_id, audit, expired_at=now)
        return None
    return found if found is not None and found.status == "FIXED" else None


def _is_stale(report: Report, fixed: Incident) -> bool:
    """Whether a report says nothing against a fix: it occurred before it, or in a release from before it."""
    before = (report.occurred_at or report.at) < str(fixed.fixed_at)
    return before or releases.older(report.release, fixed.fixed_in_release)


def _facts(reports: Sequence[Report], now: datetime) -> Incident:
    newest = reports[-1]
    return Incident(
        models.incident_key(newest.incident_id),
        "META",
        ttl=models.expires(now, newest.retention_days),
        g2p=f"P#{newest.project_id}",
        g2s=models.error_key_position(newest.error_key, now, newest.incident_id),
        title=cut(newest.title, MAX_HOT_TITLE),
        severity=_highest(reports),
        first_seen=min(report.at for report in reports),
        environments={cut(newest.environment, MAX_HOT_ENVIRONMENT)} if newest.environment else None,
        last_release=cut(newest.release, MAX_HOT_RELEASE) if newest.release else None,
        user_count=int(any(report.user_id for report in reports)),
    )


def _seen(report: Report, now: datetime, *, stale: bool) -> Seen:
    return Seen(
        models.event_key(report.project_id, report.event_id),
        "META",
        incident_id=report.incident_id,
        at=report.at,
        stale=stale,
        ttl=int((now + models.SEEN_FOR).timestamp()),
    )


def _complete_repeated(report: Report, now: datetime) -> str:
    """Complete a report that was counted before, perhaps by a container that died since; returns its incident."""
    seen = models.find_seen(report.project_id, report.event_id)
    if seen is None:
        return report.incident_id
    # Under the time it was first received, so that it is kept under the same key as then.
    first = replace(report, at=seen.at)
    incident = models.find(seen.incident_id)
    if incident is not None and first.incident_id == seen.incident_id:
        if seen.stale:
            _keep(incident, [first], int(incident.stale_hits), now)
        else:
            _note_and_keep(incident, [first], now, repeated=True)
    return seen.incident_id


def _note_and_keep(incident: Incident, reports: Sequence[Report], now: datetime, *, repeated: bool = False) -> None:
    _raise_severity(incident, reports)
    _note_environments(incident, reports)
    _note_users(incident, reports, now)
    newest_kept = _keep(incident, reports, int(incident.occurrences), now)
    if not newest_kept:
        _keep_latest(incident, reports[-1], now)
    telling.tell(incident, reports, now, repeated=repeated)


def _size(text: str) -> int:
    return len(text.encode())


def _highest(reports: Sequence[Report]) -> models.Severity:
    return max((report.severity for report in reports), key=SEVERITIES.index)


def _raise_severity(incident: Incident, reports: Sequence[Report]) -> None:
    severity = _highest(reports)
    if SEVERITIES.index(severity) > [*SEVERITIES].index(incident.severity):  # type: ignore[arg-type]  # stored as text
        models.raise_severity(incident.incident_id, severity)


def _note_environments(incident: Incident, reports: Sequence[Report]) -> None:
    known = set(incident.environments or ())
    named = [cut(report.environment, MAX_HOT_ENVIRONMENT) for report in reports if report.environment]
    for environment in dict.fromkeys(named):
        grown = known | {environment}
        fits = len(grown) <= models.MAX_ENVIRONMENTS and sum(map(_size, grown)) <= MAX_HOT_ENVIRONMENTS
        if environment not in known and fits:
            models.add_environment(incident.incident_id, environment)
            known = grown


def _note_users(incident: Incident, reports: Sequence[Report], now: datetime) -> None:
    for user_id in dict.fromkeys(report.user_id for report in reports if report.user_id):
        user = distinct.user_hash(incident.project_id, user_id)
        mark = ("user", incident.pk, incident.first_seen, user)
        if not memory.due(mark, now):
            continue
        sketch = models.add_user(incident, user)
        hashes, halvings = set(sketch.hashes or ()), int(sketch.halvings)
        if len(hashes) > distinct.MOST_KEPT:
            # Of containers that know an older threshold there are also hashes above it.
            few, thinner = distinct.thinned(hashes, halvings)
            models.thin_users(sketch, hashes - few, thinner)
        if distinct.estimate(hashes, halvings) > incident.user_count:
            models.raise_user_count(incident.incident_id, distinct.estimate(hashes, halvings))
        memory.written(mark, now, USER_EVERY)


def _start_hour(counted: Counted, now: datetime) -> None:
    incident, hour = counted.incident, trend.hour_of(now)
    if incident is None or not counted.fresh:
        return
    mark = ("hour", incident.pk, incident.first_seen, hour)
    if hour <= trend.hour_of(clock.parse(incident.first_seen)) or not memory.due(mark, now):
        return
    start = trend.packed(hour, int(incident.occurrences) - len(counted.fresh))
    models.start_hour(incident.incident_id, trend.slot(hour), trend.packed(hour, 0), start, int(incident.ttl))
    memory.written(mark, now, HOUR)


def _keep(incident: Incident, reports: Sequence[Report], last_ordinal: int, now: datetime) -> bool:
    """Keep those reports that thinning lets through; returns whether the last one was kept."""
    kept = False
    for ordinal, report in enumerate(reports, start=last_ordinal - len(reports) + 1):
        kept = worth_keeping(ordinal)
        if kept:
            models.keep(incident, _occurrence(report, now))
    return kept


def _keep_latest(incident: Incident, report: Report, now: datetime) -> None:
    mark = ("latest", incident.pk, incident.first_seen)
    if memory.due(mark, now):
        models.keep_latest(incident, _occurrence(report, now))
        memory.written(mark, now, LATEST_EVERY)


def worth_keeping(ordinal: int) -> bool:
    """Whether the report that made the count `ordinal` is kept: all of the first hundred, then 90 of each decade."""
    return ordinal <= KEEP_ALL_UP_TO or ordinal % 10 ** (len(str(ordinal - 1)) - 2) == 0


def _occurrence(report: Report, now: datetime) -> Occurrence:
    return Occurrence(
        "",
        "",
        at=report.at,
        event_id=report.event_id,
        report=pack(report),
        ttl=models.expires(now, report.retention_days),
    )
