"""Detail: one incident with its newest report, and the reports that were kept."""

from datetime import datetime
from typing import Any, Final

import msgspec

from chalicelib import paging
from chalicelib.errors import IncidentNotFound
from chalicelib.incidents import listing, models
from chalicelib.incidents.models import Incident, Occurrence
from chalicelib.incidents.report import Report, unpack

_SHOWN: Final = (
    "description",
    "error_message",
    "request_data",
    "response_data",
    "stack_trace",
    "url",
    "route_name",
    "endpoint",
    "http_status",
    "actor_type",
    "user_id",
    "user_agent",
    "was_bypassed",
    "bypass_reason",
    "user_notified",
    "correlation_id",
)


def find(incident_id: str, now: datetime) -> Incident:
    """The incident. Raises IncidentNotFound, also for one past its retention."""
    incident = models.find(incident_id) if models.is_incident_id(incident_id) else None
    if incident is None or not listing.alive(incident, now):
        raise IncidentNotFound("There is no incident with this id; it may have been deleted.")
    return incident


def show(incident_id: str, now: datetime) -> dict[str, Any]:
    """One incident as API.md shows it, with what its newest report says."""
    incident = find(incident_id, now)
    key = models.incident_key(incident_id)
    rows = models.read([(key, "HOURS"), (key, "FIX"), (key, "LATEST")])
    newest = models.occurrences_of(incident_id, incident.first_seen, None, 1)
    if (key, "LATEST") in rows:
        newest.append(Occurrence.from_raw_data(rows[key, "LATEST"]))
    newest = [kept for kept in newest if kept.at >= incident.first_seen or kept.sk != "LATEST"]
    shown = listing.show(incident, rows, now) | dict.fromkeys((*_SHOWN, "grouped_by")) | {"ingest_notes": []}
    if newest:
        report = unpack(max(newest, key=lambda kept: kept.at).report)
        shown |= _facts(report) | {"grouped_by": report.grouped_by, "ingest_notes": report.notes}
    return shown


def occurrences(incident_id: str, limit: int, cursor: str | None, now: datetime) -> listing.Page:
    """A page of the kept reports, newest first. Raises IncidentNotFound and InvalidCursor."""
    incident = find(incident_id, now)
    scope = paging.scope("occurrences", {"incident_id": incident_id})
    found = models.occurrences_of(incident_id, incident.first_seen, paging.position(scope, cursor), limit + 1)
    items = [_occurrence(row) for row in found[:limit] if row.ttl > now.timestamp()]
    return listing.Page(items, paging.cursor(scope, found[limit - 1].sk) if len(found) > limit else None)


def _occurrence(row: Occurrence) -> dict[str, Any]:
    report = unpack(row.report)
    return {
        "event_id": report.event_id,
        "received_at": report.at,
        "occurred_at": report.occurred_at or report.at,
        "severity": report.severity,
        "environment": report.environment,
        "release": report.release,
        **_facts(report),
        "fingerprint": report.fingerprint,
        "ingest_notes": report.notes,
    }


def _facts(report: Report) -> dict[str, Any]:
    facts = msgspec.structs.asdict(report)
    facts["error_message"] = report.error_message or report.message
    return {name: facts[name] for name in _SHOWN}
