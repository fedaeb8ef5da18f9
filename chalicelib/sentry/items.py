"""Items: what becomes of each thing in an envelope. After a 200 it is kept, or counted where it means nothing here."""

import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from chalicelib import untrusted
from chalicelib.errors import InvalidBody, PayloadTooLarge, QuotaExceeded, Unavailable
from chalicelib.incidents import own, recording
from chalicelib.incidents.report import Origin
from chalicelib.observability import correlation_id, count, logger
from chalicelib.projects import ingest, quotas
from chalicelib.projects.settings import Terms
from chalicelib.sentry import attachments, checkins, events, feedback
from chalicelib.sentry.envelope import Envelope, Item
from chalicelib.sentry.envelope import event_id as id_of

MAX_REPORTS: Final = 30
MAX_NAMES: Final = 20
MAX_COUNT: Final = 10**9

# SDKs send `event`; the others are what an event may call itself.
EVENTS: Final = frozenset({"event", "error", "default"})
FEEDBACK: Final = frozenset({"feedback", "user_report"})
REPORTS: Final = EVENTS | FEEDBACK | {"check_in"}
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,40}")

Body = dict[str, object]


def take(envelope: Envelope, terms: Terms, user_agent: str | None, now: datetime) -> str:
    """Keep what is in an envelope, as far as the quota lets it in; returns the id of its event.

    Of what comes again with the same ids nothing counts twice. Raises InvalidBody where nothing that would be kept can
    be read, PayloadTooLarge, QuotaExceeded once what the quota let in is kept, and Unavailable where not all was kept.
    """
    origin = Origin(terms.project_id, user_agent, correlation_id(), terms.retention_days, terms.scrub)
    reports = _reports(envelope.items)
    files = [item for item in envelope.items if item.type == "attachment"]
    _count(envelope.items)
    named = [envelope.header.get("event_id"), *(body.get("event_id") for _, body in reports)]
    event_id = next(filter(None, map(id_of, named)), None) or uuid.uuid4().hex
    if not reports and not files:
        return event_id
    # Files come with their event; alone, they are one report as well.
    wanted = max(1, len(reports))
    admitted = ingest.admit(terms, wanted, now)
    homes = _keep(reports[:admitted], event_id, origin, now)
    attachments.keep(files, homes or [event_id], origin, now)
    if admitted < wanted:
        raise QuotaExceeded(quotas.retry_after(now))
    return event_id


def _reports(items: Sequence[Item]) -> list[tuple[str, Body]]:
    """What is to be kept, events first; what cannot be read is left out, unless it is all there is."""
    wanted = [item for item in items if item.type in REPORTS]
    if len(wanted) > MAX_REPORTS:
        raise PayloadTooLarge(f"The envelope has {len(wanted)} reports; send at most {MAX_REPORTS} at once.")
    read: list[tuple[str, Body]] = []
    unreadable: list[InvalidBody] = []
    for item in wanted:
        try:
            body = untrusted.json_object(item.payload, f"The payload of the {item.type}")
        except InvalidBody as error:
            unreadable.append(error)
        else:
            read.append(("feedback" if feedback.is_feedback(body) else item.type, body))
    if unreadable and not read:
        raise unreadable[0]
    if unreadable:
        count("SentryItemsUnreadable", len(unreadable))
        logger.warning("items of an envelope cannot be read", items=len(unreadable))
    return sorted(read, key=lambda each: each[0] not in EVENTS)


def _keep(reports: Sequence[tuple[str, Body]], event_id: str, origin: Origin, now: datetime) -> list[str]:
    """Keep reports; returns the events that the envelope's files belong to."""
    named = _named(reports, event_id)
    read = [events.read(body, own_id, origin, now) for kind, body, own_id in named if kind in EVENTS]
    receipts = recording.record(read, now) if read else []
    homes: list[str] = []
    for kind, body, own_id in named:
        if kind in FEEDBACK:
            said = feedback.read(kind, body, own_id, event_id if read else None, origin)
            kept = feedback.keep(said, origin, now)
            # Beside each of them, a small envelope's files would be hundreds of writes.
            homes = homes or kept
        elif kind == "check_in":
            checkins.keep(body, origin, now)
    for receipt in receipts:
        if isinstance(receipt, Unavailable):
            raise receipt
    # What comes with an event is about it; what comes with feedback alone, about what that is about.
    return [event_id] if read else homes


def _named(reports: Sequence[tuple[str, Body]], event_id: str) -> list[tuple[str, Body, str]]:
    """Reports with the ids of their events: the first has the envelope's, the others have their own or made ones."""
    named: list[tuple[str, Body, str]] = []
    given: set[str] = set()
    for nth, (kind, body) in enumerate(reports):
        said = id_of(body.get("event_id"))
        made = own.event_id(f"{event_id}/{nth}")
        own_id = event_id if not nth else made if said is None or said in given else said
        named.append((kind, body, own_id))
        given.add(own_id)
    return named


# -- what is only counted ---------------------------------------------------------------------------------------------


def _count(items: Sequence[Item]) -> None:
    """Count what is not kept: metrics of few names, as each name costs, and one log line for what they leave out."""
    sessions, discarded, dropped = 0, Counter[str](), Counter[str]()
    for item in items:
        if item.type in ("session", "sessions"):
            sessions += _sessions(_object(item))
        elif item.type == "client_report":
            discarded += _discarded(_object(item))
        elif item.type not in REPORTS and item.type != "attachment":
            dropped[_name(item.type)] += 1
    if sessions:
        count("SentrySessions", sessions)
    if discarded:
        count("SentryEventsDiscarded", discarded.total())
    if dropped:
        count("SentryItemsDropped", dropped.total())
    if discarded or dropped:
        logger.info(
            "sentry items",
            discarded=dict(discarded.most_common(MAX_NAMES)),
            dropped=dict(dropped.most_common(MAX_NAMES)),
        )


def _sessions(body: Body) -> int:
    """How many sessions an item says have begun, or, of the aggregated ones, were."""
    aggregates = _objects(body.get("aggregates"))
    ends = ("exited", "errored", "crashed", "abnormal")
    return int(body.get("init") is True) + sum(_quantity(each.get(end)) for each in aggregates for end in ends)


def _discarded(body: Body) -> Counter[str]:
    """What a client says it threw away itself, by category and reason."""
    discarded = Counter[str]()
    for each in _objects(body.get("discarded_events")):
        discarded[f"{_name(each.get('category'))}/{_name(each.get('reason'))}"] += _quantity(each.get("quantity"))
    return +discarded


def _object(item: Item) -> Body:
    try:
        return untrusted.json_object(item.payload, "The item")
    except InvalidBody:
        return {}


def _objects(found: object) -> list[Mapping[str, object]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _quantity(found: object) -> int:
    return min(max(0, found), MAX_COUNT) if isinstance(found, int) else 0


def _name(found: object) -> str:
    return found if isinstance(found, str) and _NAME.fullmatch(found) else "other"
