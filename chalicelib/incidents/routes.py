"""`/incidents`: reports come in; operators list, read, triage and delete."""

from datetime import timedelta

from chalice.app import Blueprint
from msgspec import Struct

from chalicelib import clock, http
from chalicelib.config import FIRST_PROJECT
from chalicelib.errors import (
    IncidentNotFound,
    InvalidCursor,
    QuotaExceeded,
)
from chalicelib.fields import ProjectId
from chalicelib.identity import Identity, admin
from chalicelib.incidents import detail, intake, listing, stats, triage
from chalicelib.incidents.detail import IncidentDetail, KeptReport
from chalicelib.incidents.intake import Receipts
from chalicelib.incidents.listing import IncidentCount, IncidentQuery, IncidentSummary
from chalicelib.incidents.models import Status
from chalicelib.incidents.recording import Receipt
from chalicelib.incidents.stats import IncidentStats
from chalicelib.incidents.triage import Triage
from chalicelib.operations import operation
from chalicelib.paging import Page, PageQuery
from chalicelib.projects import ingest, settings
from chalicelib.projects.settings import Terms

incidents = Blueprint(__name__)


class StatsQuery(Struct, frozen=True):
    project_id: ProjectId = FIRST_PROJECT


class CountQuery(StatsQuery, frozen=True):
    status: Status | None = None


@incidents.route("/incidents", methods=["POST"], content_types=["application/json", "text/plain"])
@operation(ingest.key, status=202, raises=[QuotaExceeded], reads=intake.bodies)
def report_incidents(terms: Terms) -> Receipt | Receipts:
    """One bad field never loses a report: it is left at its default, and `notes` say so. A 202 means kept."""
    return intake.take(http.json_object(), terms, http.header("user-agent"), clock.now())


@incidents.route("/incidents", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_incidents(_: Identity, query: IncidentQuery) -> Page[IncidentSummary]:
    """The newest `last_seen` first, to the minute; under an `error_key` in the order of the error keys."""
    return listing.page(query, query.limit, query.cursor, clock.now())


@incidents.route("/incidents/count", methods=["GET"])
@operation(admin)
def count_incidents(_: Identity, query: CountQuery) -> IncidentCount:
    """Exact to 10,000."""
    now = clock.now()
    since = now - timedelta(days=settings.retention_days(query.project_id, now))
    return listing.count(query.project_id, query.status, since)


@incidents.route("/incidents/stats", methods=["GET"])
@operation(admin)
def incident_stats(_: Identity, query: StatsQuery) -> IncidentStats:
    return stats.stats(query.project_id, clock.now())


@incidents.route("/incidents/{incident_id}", methods=["GET"])
@operation(admin, raises=[IncidentNotFound])
def get_incident(_: Identity, incident_id: str) -> IncidentDetail:
    return detail.show(incident_id, clock.now())


@incidents.route("/incidents/{incident_id}/occurrences", methods=["GET"])
@operation(admin, raises=[IncidentNotFound, InvalidCursor])
def list_occurrences(_: Identity, incident_id: str, query: PageQuery) -> Page[KeptReport]:
    """The reports that were kept, the newest first."""
    return detail.occurrences(incident_id, query.limit, query.cursor, clock.now())


@incidents.route("/incidents/{incident_id}", methods=["PATCH"])
@operation(admin, raises=[IncidentNotFound])
def triage_incident(identity: Identity, incident_id: str, body: Triage) -> IncidentDetail:
    return triage.change(incident_id, body, identity.subject, clock.now())


@incidents.route("/incidents/{incident_id}", methods=["DELETE"])
@operation(admin)
def delete_incident(identity: Identity, incident_id: str) -> None:
    """With its occurrences. Safe to repeat."""
    triage.delete(incident_id, identity.subject, clock.now())
