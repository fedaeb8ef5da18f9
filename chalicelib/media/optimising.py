"""Optimising: an operator wants a media converted whose run failed, was deleted, or never began."""

import uuid
from datetime import datetime
from functools import partial

from msgspec import Struct

from chalicelib.errors import AlreadyOptimised, JobInFlight, JobNotFound, JobNotRetryable, UploadIncomplete
from chalicelib.jobs import listing as jobs
from chalicelib.jobs import requests
from chalicelib.jobs.leases import SubjectChanged
from chalicelib.media import listing, models, uploads


class RequestedJob(Struct, frozen=True):
    """The job that will do it."""

    job_id: str


def optimise(media_id: str, actor: str, now: datetime) -> RequestedJob:
    """Have a media converted; returns its job. Asked twice at once, it runs once, and one of the two is told so.

    Raises MediaNotFound, UploadIncomplete, AlreadyOptimised, and JobInFlight.
    """
    media = uploads.find(media_id, now)
    if media.uploaded_at is None:
        raise UploadIncomplete("The file has not arrived yet.")
    if media.variants:
        raise AlreadyOptimised("This media has been optimised.")
    job = jobs.find(listing.job_id(media))
    if job is not None and job.state == "SUCCEEDED":
        raise AlreadyOptimised("This media has been optimised just now.")
    try:
        if job is not None and job.state != "DELETED":
            return RequestedJob(requests.retry(job.job_id, actor, now).job_id)
        job_id = listing.job_id(media) if job is None else uuid.uuid4().hex
        made = requests.make(
            listing.KIND,
            media_id,
            job_id,
            correlation_id=media.correlation_id,
            requested_by=actor,
            now=now,
            also=partial(models.replace_job, media=media, job_id=job_id),
        )
    except (JobNotFound, JobNotRetryable, SubjectChanged) as error:
        raise JobInFlight("This media is being worked on, or will be soon.") from error
    if not made:
        raise JobInFlight("This media is being worked on, or will be soon.")
    return RequestedJob(job_id)
