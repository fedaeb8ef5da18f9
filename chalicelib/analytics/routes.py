"""`/analytics`: events come in; operators read the feed and reports of what they come to."""

from chalice.app import Blueprint

from chalicelib import clock, http
from chalicelib.analytics import feed, hub, overview, reports, tracking
from chalicelib.analytics.event import Kept
from chalicelib.analytics.feed import FeedQuery
from chalicelib.analytics.hub import BypassLine, FixLine, HubReport, UserLine
from chalicelib.analytics.overview import Overview
from chalicelib.analytics.reports import EndpointLine, ErrorLine, FeatureLine, Report, TrialLine
from chalicelib.analytics.tracking import Tracked, TrackedBatch
from chalicelib.analytics.windows import ReportQuery
from chalicelib.errors import InvalidCursor, QuotaExceeded
from chalicelib.identity import Identity, admin
from chalicelib.operations import operation
from chalicelib.paging import Page
from chalicelib.projects import ingest
from chalicelib.projects.settings import Terms

analytics = Blueprint(__name__)


@analytics.route("/analytics/track", methods=["POST"], content_types=["application/json", "text/plain"])
@operation(ingest.key, status=202, raises=[QuotaExceeded], reads=tracking.bodies)
def track_events(terms: Terms) -> Tracked | TrackedBatch:
    """A field that is of no use never loses an event: it is left out, and `notes` say so. A 202 means kept."""
    return tracking.take(http.json_object(), terms, clock.now())


@analytics.route("/analytics/feed", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_events(_: Identity, query: FeedQuery) -> Page[Kept]:
    """The latest events, newest first, for a week; data is cut to 1 KB each."""
    return feed.page(query, clock.now())


@analytics.route("/analytics/overview", methods=["GET"])
@operation(admin)
def analytics_overview(_: Identity, query: ReportQuery) -> Overview:
    """Events and errors of each hour, the failure rate of endpoints, the most frequent errors, affected users."""
    return overview.overview(query, clock.now())


@analytics.route("/analytics/errors", methods=["GET"])
@operation(admin)
def errors_report(_: Identity, query: ReportQuery) -> Report[ErrorLine]:
    """Severe events: how often, for how many users, how long they took. `dimension` is an event."""
    return reports.errors(query, clock.now())


@analytics.route("/analytics/endpoints", methods=["GET"])
@operation(admin)
def endpoints_report(_: Identity, query: ReportQuery) -> Report[EndpointLine]:
    """Requests, failure rate and response times, the latter within 2 %. `dimension` is an endpoint."""
    return reports.endpoints(query, clock.now())


@analytics.route("/analytics/features", methods=["GET"])
@operation(admin)
def features_report(_: Identity, query: ReportQuery) -> Report[FeatureLine]:
    """How often and by how many users features were used. `dimension` is a feature."""
    return reports.features(query, clock.now())


@analytics.route("/analytics/trials", methods=["GET"])
@operation(admin)
def trials_report(_: Identity, query: ReportQuery) -> Report[TrialLine]:
    """What became of trials, in per cent of each type. `dimension` is a type."""
    return reports.trials(query, clock.now())


@analytics.route("/analytics/bypasses", methods=["GET"])
@operation(admin)
def bypasses_report(_: Identity, query: ReportQuery) -> HubReport[BypassLine]:
    """The share of reports of each endpoint whose failure was bypassed. `dimension` is an endpoint."""
    return hub.bypasses(query, clock.now())


@analytics.route("/analytics/fixes", methods=["GET"])
@operation(admin)
def fixes_report(_: Identity, query: ReportQuery) -> HubReport[FixLine]:
    """What was fixed on each day, with the error keys. `dimension` is an error key."""
    return hub.fixes(query, clock.now())


@analytics.route("/analytics/users", methods=["GET"])
@operation(admin)
def users_report(_: Identity, query: ReportQuery) -> HubReport[UserLine]:
    """The users most affected. `dimension` is a user."""
    return hub.users(query, clock.now())
