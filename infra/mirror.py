"""The mirror: a stage's raw events and incidents as files on this machine, which DuckDB reads.

events/dt=YYYY-MM-DD/h=HH/<name>.jsonl.gz   raw events, as they lie in the bucket
events/none.jsonl                           nothing: what is read where there are none
project-<id>/incidents.jsonl                a project's incidents, a line each; the fields are those of IncidentSummary
project-<id>/incident_reports.jsonl         the reports that are kept of them: the fields of KeptReport, and of which
project-<id>/incident_impact.jsonl          how many reports each user had of each endpoint, by the hour
project-<id>/incident_fixes.jsonl           when which incident was fixed, and how

Both hold what customers did: only their owner may read them, and what the bucket has no more goes here, too.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

AT_ONCE: Final = 10  # what a client of botocore keeps connections for
PAGE: Final = 100
MOST: Final = 1_000_000  # of fixes, and of users' hours at an endpoint
FIXED_FOR: Final = timedelta(days=365)

EVENTS: Final = "events"
NONE: Final = "none.jsonl"
INCIDENTS: Final = "incidents.jsonl"
REPORTS: Final = "incident_reports.jsonl"
IMPACT: Final = "incident_impact.jsonl"
FIXES: Final = "incident_fixes.jsonl"
DRAFT: Final = ".draft"
ABANDONED_AFTER_S: Final = 3600

_KEY: Final = re.compile(r"events/dt=\d{4}-\d\d-\d\d/h=\d\d/[^/]+\.jsonl\.gz", re.ASCII)


@dataclass(frozen=True, slots=True)
class Copied:
    """How many objects were fetched, and their bytes."""

    objects: int
    size: int


def copy_events(s3: Any, bucket: str, since: date, folder: Path) -> Copied:
    """Have the events from `since` on in `folder` and no others; only what is new is fetched.

    Raises botocore's errors.
    """
    (folder / EVENTS).mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / EVENTS / NONE).touch()
    listed = dict(_listed(s3, bucket, since))
    for path in (folder / EVENTS).rglob("*.gz*"):
        if str(path.relative_to(folder)) not in listed and not _is_written(path):
            path.unlink(missing_ok=True)
    new = {key: size for key, size in listed.items() if _size(folder / key) != size}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda key: _fetch(s3, bucket, key, folder / key), new):
            pass
    return Copied(len(new), sum(new.values()))


def export_incidents(project_id: str, since: datetime, now: datetime, folder: Path) -> int:
    """Write a project's incidents with their kept reports, their impact from `since` on, and the fixes of a year.

    Returns how many incidents there are. They are read as the API reads them, page by page over the indexes. Raises
    `dynamodb.Busy` and PynamoDB's errors.
    """
    # Only now: the hub reads its configuration and table names when it is imported.
    from chalicelib.incidents import fixes, impact

    place = folder / f"project-{project_id}"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    incidents = {each["incident_id"]: each for each in _incidents(project_id, now)}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reports = pool.map(
            lambda incident: _reports(incident["incident_id"], incident["error_key"], now), incidents.values()
        )
        _write(place / REPORTS, (report for each in reports for report in each))
    _write(place / IMPACT, (msgspec.to_builtins(hit) for hit in impact.between(project_id, since, now, MOST)))
    fixed = fixes.between(project_id, now - FIXED_FOR, now, MOST)
    _write(place / FIXES, (_fix(each, incidents.get(each.incident_id, {})) for each in fixed))
    _write(place / INCIDENTS, incidents.values())
    return len(incidents)


def _listed(s3: Any, bucket: str, since: date) -> Iterator[tuple[str, int]]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{EVENTS}/", StartAfter=f"{EVENTS}/dt={since}"
    )
    for page in pages:
        for found in page.get("Contents", []):
            if _KEY.fullmatch(found["Key"]):
                yield found["Key"], found["Size"]


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _is_written(path: Path) -> bool:
    """Whether another run may be writing a draft now."""
    try:
        return path.suffix == DRAFT and time.time() - path.stat().st_mtime < ABANDONED_AFTER_S
    except FileNotFoundError:
        return False


def _fetch(s3: Any, bucket: str, key: str, path: Path) -> None:
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _draft(path) as draft:
        draft.write_bytes(body)


def _incidents(project_id: str, now: datetime) -> Iterator[dict[str, Any]]:
    """All of them; one that is reported meanwhile may come twice."""
    from chalicelib.incidents import listing

    filters = listing.Filters(project_id=project_id)
    yield from _pages(lambda cursor: listing.page(filters, PAGE, cursor, now))


def _reports(incident_id: str, error_key: str, now: datetime) -> list[dict[str, Any]]:
    from chalicelib.errors import IncidentNotFound
    from chalicelib.incidents import detail

    belongs = {"incident_id": incident_id, "error_key": error_key}
    try:
        pages = list(_pages(lambda cursor: detail.occurrences(incident_id, PAGE, cursor, now)))
    except IncidentNotFound:  # deleted since it was listed
        return []
    return [belongs | report for report in pages]


def _pages(read: Callable[[str | None], Any]) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = read(cursor)
        yield from msgspec.to_builtins(page.items)
        cursor = page.next_cursor
        if not cursor:
            return


def _fix(fix: Any, incident: Mapping[str, Any]) -> dict[str, Any]:
    """A fix with what is known of its incident, and of how it was fixed if it was not fixed again since."""
    last = incident.get("fixed_at") == fix.at
    return {
        "incident_id": fix.incident_id,
        "error_key": fix.error_key,
        "fixed_at": fix.at,
        "title": incident.get("title"),
        "severity": incident.get("severity"),
        "came_back": bool(incident) and (incident["regressed"] or not last),
        "fixed_in_release": incident["fixed_in_release"] if last else None,
        "commit_hash": incident["fix_commit_hash"] if last else None,
        "notes": incident["fix_notes"] if last else None,
    }


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with _draft(path) as draft, draft.open("wb") as file:
        for row in rows:
            file.write(msgspec.json.encode(row) + b"\n")


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file of the caller's own that becomes the one at `path`: whoever reads that finds all of it or nothing."""
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}{DRAFT}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
