"""`/incidents`: reports come in; operators list, read, triage and delete."""

from datetime import datetime, timedelta
from typing import Any, Final, cast

from chalice.app import Blueprint, Response

from chalicelib import clock, http, paging
from chalicelib.config import FIRST_PROJECT
from chalicelib.errors import ApiError, InvalidRequest, QuotaExceeded
from chalicelib.identity import Identity, requires
from chalicelib.incidents import detail, listing, recording, report, stats, triage
from chalicelib.incidents.models import SEVERITIES, STATUSES, Severity, Status
from chalicelib.observability import correlation_id
from chalicelib.projects import ingest, quotas, settings
from chalicelib.projects.settings import Terms

MAX_BATCH: Final = 30

incidents = Blueprint(__name__)


@incidents.route("/incidents", methods=["POST"], content_types=["application/json", "text/plain"])
def report_incidents() -> Response:
    now = clock.now()
    terms = ingest.terms(now)
    body = http.json_object()
    if "reports" in body and "error_key" not in body:
        return Response({"results": _record_batch(body["reports"], terms, now)}, status_code=202)
    ingest.admit(terms, 1, now)
    (receipt,) = recording.record([report.read(body, _origin(terms), now)], now)
    return Response(_shown(receipt), status_code=202)


@incidents.route("/incidents", methods=["GET"])
@requires("admin")
def list_incidents(_: Identity) -> dict[str, Any]:
    filters = listing.Filters(
        project_id=_project_id(),
        status=_status(),
        severity=cast("Severity | None", http.choice("severity", SEVERITIES)),
        environment=http.parameter("environment"),
        error_key=http.parameter("error_key"),
        q=http.parameter("q"),
    )
    return _page(listing.page(filters, _limit(), http.parameter("cursor"), clock.now()))


@incidents.route("/incidents/count", methods=["GET"])
@requires("admin")
def count_incidents(_: Identity) -> dict[str, Any]:
    status, now = _status(), clock.now()
    since = now - timedelta(days=settings.retention_days(_project_id(), now))
    return listing.count(_project_id(), status, since)


@incidents.route("/incidents/stats", methods=["GET"])
@requires("admin")
def incident_stats(_: Identity) -> dict[str, Any]:
    return stats.stats(_project_id(), clock.now())


@incidents.route("/incidents/{incident_id}", methods=["GET"])
@requires("admin")
def get_incident(_: Identity, incident_id: str) -> dict[str, Any]:
    return detail.show(incident_id, clock.now())


@incidents.route("/incidents/{incident_id}/occurrences", methods=["GET"])
@requires("admin")
def list_occurrences(_: Identity, incident_id: str) -> dict[str, Any]:
    return _page(detail.occurrences(incident_id, _limit(), http.parameter("cursor"), clock.now()))


@incidents.route("/incidents/{incident_id}", methods=["PATCH"])
@requires("admin")
def triage_incident(identity: Identity, incident_id: str) -> dict[str, Any]:
    return triage.change(incident_id, http.model(triage.Triage), identity.subject, clock.now())


@incidents.route("/incidents/{incident_id}", methods=["DELETE"])
@requires("admin")
def delete_incident(identity: Identity, incident_id: str) -> Response:
    triage.delete(incident_id, identity.subject, clock.now())
    return Response("", status_code=204)


def _record_batch(bodies: object, terms: Terms, now: datetime) -> list[dict[str, Any]]:
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= MAX_BATCH:
        raise InvalidRequest(
            f"reports must be a list of 1 to {MAX_BATCH} reports.", [("reports", f"must have 1 to {MAX_BATCH} items")]
        )
    admitted = ingest.admit(terms, len(bodies), now)
    read: list[report.Report | ApiError] = [_read(body, _origin(terms), now) for body in bodies[:admitted]]
    read += [QuotaExceeded(quotas.retry_after(now))] * (len(bodies) - admitted)
    receipts = iter(recording.record([each for each in read if isinstance(each, report.Report)], now))
    return [_shown(next(receipts)) if isinstance(each, report.Report) else each.body() for each in read]


def _read(body: object, origin: report.Origin, now: datetime) -> report.Report | ApiError:
    try:
        if not isinstance(body, dict):
            raise InvalidRequest("Each report must be an object.")
        return report.read(body, origin, now)
    except ApiError as error:
        return error


def _origin(terms: Terms) -> report.Origin:
    return report.Origin(
        terms.project_id, terms.retention_days, terms.scrub, http.header("user-agent"), correlation_id()
    )


def _project_id() -> str:
    return http.parameter("project_id") or FIRST_PROJECT


def _shown(receipt: recording.Receipt) -> dict[str, Any]:
    shown: dict[str, Any] = {"incident_id": receipt.incident_id, "event_id": receipt.event_id}
    return shown | {"notes": receipt.notes} if receipt.notes else shown


def _page(page: listing.Page) -> dict[str, Any]:
    return {"items": page.items, "next_cursor": page.next_cursor}


def _status() -> Status | None:
    return cast("Status | None", http.choice("status", STATUSES))


def _limit() -> int:
    return paging.limit(http.parameter("limit"))
