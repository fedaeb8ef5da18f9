"""`/jobs`: operators see pending, running, stuck, failed and succeeded work, run it again, delete it."""

from chalice.app import Blueprint

from chalicelib import clock
from chalicelib.errors import InvalidCursor, JobNotFound, JobNotRetryable, JobRunning
from chalicelib.identity import Identity, admin
from chalicelib.jobs import listing, requests
from chalicelib.jobs.listing import JobDetail, JobQuery, JobSummary
from chalicelib.operations import operation
from chalicelib.paging import Page

jobs = Blueprint(__name__)


@jobs.route("/jobs", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_jobs(_: Identity, query: JobQuery) -> Page[JobSummary]:
    """The newest `created_at` first."""
    return listing.page(query, clock.now())


@jobs.route("/jobs/{job_id}", methods=["GET"])
@operation(admin, raises=[JobNotFound])
def get_job(_: Identity, job_id: str) -> JobDetail:
    return listing.show(job_id, clock.now())


@jobs.route("/jobs/{job_id}/retry", methods=["POST"])
@operation(admin, status=202, raises=[JobNotFound, JobNotRetryable])
def retry_job(identity: Identity, job_id: str) -> JobSummary:
    """Failed or stuck jobs only. Asked twice at once, it runs once."""
    return requests.retry(job_id, identity.subject, clock.now())


@jobs.route("/jobs/{job_id}", methods=["DELETE"])
@operation(admin, raises=[JobRunning])
def delete_job(identity: Identity, job_id: str) -> None:
    """Any but one that a worker holds; a stuck one goes. Safe to repeat."""
    requests.delete(job_id, identity.subject, clock.now())
