"""`/api/{project_id}`: where the DSN of a Sentry SDK points; `/heartbeats`: what its cron monitors say."""

from typing import Annotated, Any, Final

from chalice.app import Blueprint
from msgspec import Meta

from chalicelib import clock
from chalicelib.config import FIRST_PROJECT
from chalicelib.errors import InvalidCursor, OriginNotAllowed, QuotaExceeded
from chalicelib.fields import ProjectId
from chalicelib.identity import Identity, admin
from chalicelib.operations import operation
from chalicelib.paging import Page, PageQuery
from chalicelib.sentry import checkins, submission
from chalicelib.sentry.checkins import HeartbeatView
from chalicelib.sentry.credentials import Credentials
from chalicelib.sentry.submission import Taken

sentry = Blueprint(__name__)

REFUSALS: Final = (OriginNotAllowed, QuotaExceeded)

# SDKs say so many types, or none, that a type tells nothing.
ANYTHING: Final = ["*/*"]
Bytes = Annotated[Any, Meta(description="As the SDK sends it: plain, or encoded as gzip, deflate or br.")]


class HeartbeatQuery(PageQuery, frozen=True):
    project_id: ProjectId = FIRST_PROJECT


@sentry.route("/api/{project_id}/envelope", methods=["POST"], content_types=ANYTHING)
@operation(submission.key, raises=REFUSALS, reads=lambda: Bytes)
def take_envelope(shown: Credentials | None, project_id: str) -> Taken:
    """Events become incidents, as reports do; feedback, files and check-ins are kept too; the rest is counted."""
    return submission.take_envelope(shown, project_id, clock.now())


@sentry.route("/api/{project_id}/store", methods=["POST"], content_types=ANYTHING)
@operation(submission.key, raises=REFUSALS, reads=lambda: Bytes)
def take_event(shown: Credentials | None, project_id: str) -> Taken:
    """One event, as SDKs before envelopes sent it."""
    return submission.take_event(shown, project_id, clock.now())


@sentry.route("/heartbeats", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_heartbeats(_: Identity, query: HeartbeatQuery) -> Page[HeartbeatView]:
    """By the names of their monitors."""
    return checkins.page(query.project_id, query.limit, query.cursor, clock.now())
