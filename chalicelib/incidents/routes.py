"""`/incidents`: reports come in; operators list, read, triage and delete."""

import re
from datetime import datetime
from typing import Any, Final, cast

from chalice.app import Blueprint, Response

from chalicelib import clock, http, paging
from chalicelib.errors import ApiError, InvalidRequest, Unavailable
from chalicelib.identity import FIRST_PROJECT, Identity, ingest_project, requires
from chalicelib.incidents import detail, listing, recording, report, stats, triage
from chalicelib.incidents.models import SEVERITIES, STATUSES, Severity, Status
from chalicelib.observability import correlation_id

MAX_BATCH: Final = 30

incidents = Blueprint(__name__)


@incidents.route("/incidents", methods=["POST"], content_types=["application/json", "text/plain"])
def report_incidents() -> Response:
    origin = report.Origin(ingest_project(), http.header("user-agent"), correlation_id())
    body, now = http.json_object(), clock.now()
    if "reports" in body and "error_key" not in body:
        return Response({"results": _record_batch(body["reports"], origin, now)}, status_code=202)
    (receipt,) = recording.record([report.read(body, origin, now)], now)
    return Response(_shown(receipt), status_code=202)


@incidents.route("/incidents", methods=["GET"])
@requires("admin")
def list_incidents(_: Identity) -> dict[str, Any]:
    filters = listing.Filters(
        project_id=_project_id(),
        status=_status(),
        severity=cast("Severity | None", http.choice("severity", SEVERITIES)),
        environment=http.parameter("environment"),
        error_key=_matching("error_key", r"[A-Za-z0-9_.:-]{1,100}", "a part of an error key"),
        q=http.parameter("q"),
    )
    return _page(listing.page(filters, _limit(), http.parameter("cursor"), clock.now()))


@incidents.route("/incidents/count", methods=["GET"])
@requires("admin")
def count_incidents(_: Identity) -> dict[str, Any]:
    return listing.count(_project_id(), _status(), clock.now())


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


def _record_batch(bodies: object, origin: report.Origin, now: datetime) -> list[dict[str, Any]]:
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= MAX_BATCH:
        raise InvalidRequest(
            f"reports must be a list of 1 to {MAX_BATCH} reports.", [("reports", f"must have 1 to {MAX_BATCH} items")]
        )
    read = [_read(body, origin, now) for body in bodies]
    reports = [each for each in read if isinstance(each, report.Report)]
    receipts = iter(recording.record(reports, now) if reports else [])
    results = [next(receipts) if isinstance(each, report.Report) else each for each in read]
    return [each.body() if isinstance(each, ApiError) else _shown(each) for each in results]


def _read(body: object, origin: report.Origin, now: datetime) -> report.Report | ApiError:
    try:
        if not isinstance(body, dict):
            raise InvalidRequest("Each report must be an object.")
        return report.read(body, origin, now)
    except ApiError as error:
        return error


def _shown(receipt: recording.Receipt | Unavailable) -> dict[str, Any]:
    if isinstance(receipt, Unavailable):
        return receipt.body()
    shown: dict[str, Any] = {"incident_id": receipt.incident_id, "event_id": receipt.event_id}
    return shown | {"notes": receipt.notes} if receipt.notes else shown


def _page(page: listing.Page) -> dict[str, Any]:
    return {"items": page.items, "next_cursor": page.next_cursor}


def _project_id() -> str:
    return _matching("project_id", r"[0-9]{1,20}", "digits") or FIRST_PROJECT


def _matching(name: str, pattern: str, expected: str) -> str | None:
    value = http.parameter(name) or None
    if value is not None and not re.fullmatch(pattern, value):
        raise InvalidRequest(f"{name} must be {expected}.", [(name, f"must be {expected}")])
    return value


def _status() -> Status | None:
    return cast("Status | None", http.choice("status", STATUSES))


def _limit() -> int:
    return paging.limit(http.parameter("limit"))
