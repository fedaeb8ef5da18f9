"""Detail: one incident with its newest report, and the reports that were kept."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from chalicelib import paging
from chalicelib.clock import Time
from chalicelib.errors import IncidentNotFound
from chalicelib.incidents import extras, listing, models
from chalicelib.incidents.extras import Attachment, Extras, Feedback
from chalicelib.incidents.listing import IncidentSummary
from chalicelib.incidents.models import Incident, Occurrence, Severity
from chalicelib.incidents.report import Report, unpack


class IncidentDetail(IncidentSummary, frozen=True):
    """One incident, with what its newest kept report says; all of that is null while no report is kept yet."""

    description: dict[str, Any] | None = None
    error_message: str | None = None
    request_data: dict[str, Any] | None = None
    response_data: dict[str, Any] | None = None
    stack_trace: str | None = None
    url: str | None = None
    route_name: str | None = None
    endpoint: str | None = None
    http_status: int | None = None
    actor_type: str | None = None
    user_id: str | None = None
    user_agent: str | None = None
    was_bypassed: bool | None = None
    bypass_reason: str | None = None
    user_notified: bool | None = None
    correlation_id: str | None = None
    grouped_by: str | None = None
    ingest_notes: list[str] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


class KeptReport(Struct, frozen=True):
    """A report as it was kept: scrubbed, bounded, with notes of what was changed."""

    event_id: str
    received_at: Time
    occurred_at: Time
    severity: Severity
    environment: str | None
    release: str | None
    description: dict[str, Any]
    error_message: str | None
    request_data: dict[str, Any] | None
    response_data: dict[str, Any] | None
    stack_trace: str | None
    url: str | None
    route_name: str | None
    endpoint: str | None
    http_status: int | None
    actor_type: str | None
    user_id: str | None
    user_agent: str | None
    was_bypassed: bool | None
    bypass_reason: str | None
    user_notified: bool | None
    correlation_id: str | None
    fingerprint: list[str] | None
    ingest_notes: list[str]
    feedback: list[Feedback]
    attachments: list[Attachment]


def find(incident_id: str, now: datetime) -> Incident:
    """The incident. Raises IncidentNotFound, also for one past its retention."""
    incident = models.find(incident_id) if models.is_incident_id(incident_id) else None
    if incident is None or not listing.alive(incident, now):
        raise IncidentNotFound("There is no incident with this id; it may have been deleted.")
    return incident


def show(incident_id: str, now: datetime) -> IncidentDetail:
    """One incident with what its newest report says. Raises IncidentNotFound."""
    incident = find(incident_id, now)
    key = models.incident_key(incident_id)
    rows = models.read([(key, "HOURS"), (key, "FIX"), (key, "LATEST")])
    newest = models.occurrences_of(incident_id, incident.first_seen, None, 1)
    if (key, "LATEST") in rows:
        newest.append(Occurrence.from_raw_data(rows[key, "LATEST"]))
    newest = [kept for kept in newest if kept.at >= incident.first_seen or kept.sk != "LATEST"]
    summary = asdict(listing.show(incident, rows, now))
    if not newest:
        return IncidentDetail(**summary)
    report = unpack(max(newest, key=lambda kept: kept.at).report)
    beside = extras.of(incident.project_id, [report], now).get(report.event_id, extras.NONE)
    return IncidentDetail(
        **summary,
        **_facts(report),
        grouped_by=report.grouped_by,
        ingest_notes=report.notes,
        feedback=beside.feedback,
        attachments=beside.attachments,
    )


def occurrences(incident_id: str, limit: int, cursor: str | None, now: datetime) -> paging.Page[KeptReport]:
    """A page of the kept reports, newest first. Raises IncidentNotFound and InvalidCursor."""
    incident = find(incident_id, now)
    scope = paging.scope("occurrences", {"incident_id": incident_id})
    found = models.occurrences_of(incident_id, incident.first_seen, paging.position(scope, cursor), limit + 1)
    reports = [unpack(row.report) for row in found[:limit] if row.ttl > now.timestamp()]
    beside = extras.of(incident.project_id, reports, now)
    items = [_occurrence(report, beside.get(report.event_id, extras.NONE)) for report in reports]
    return paging.Page(items, paging.cursor(scope, found[limit - 1].sk) if len(found) > limit else None)


def _occurrence(report: Report, beside: Extras) -> KeptReport:
    return KeptReport(
        event_id=report.event_id,
        received_at=report.at,
        occurred_at=report.occurred_at or report.at,
        severity=report.severity,
        environment=report.environment,
        release=report.release,
        **_facts(report),
        fingerprint=report.fingerprint,
        ingest_notes=report.notes,
        feedback=beside.feedback,
        attachments=beside.attachments,
    )


def _facts(report: Report) -> dict[str, Any]:
    """What both shapes above say of a report, under the same names as the report itself."""
    shared = set(KeptReport.__struct_fields__) & set(IncidentDetail.__struct_fields__) & set(Report.__struct_fields__)
    facts = {name: getattr(report, name) for name in shared - {"severity"}}
    return facts | {"error_message": report.error_message or report.message}
