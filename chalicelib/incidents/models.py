"""The incidents table: its rows, and every DynamoDB expression of the area.

pk / sk                                     holds
INC#<id> / META                             Incident: the hot row, under 1 KB, with the index keys
INC#<id> / LATEST, OCC#<received_at>#<event_id>   Occurrence: a report as it was kept
INC#<id> / HOURS                            Hours: the count at the start of each of the last 24 hours
INC#<id> / USERS                            Users: a sketch of distinct users
INC#<id> / FIX                              Fix: how it was fixed, too wordy for the hot row
INC#<id> / L#<at>#<id>                      Audit: what an operator did
EVT#<project>#<event_id> / META             Seen: makes a retried report count once
EVT#<project>#<event_id> / MORE             More: what came beside the event, each piece an attribute of its own
IMP#<project>#<date> / <hour>#<endpoint>#<user>   Impact: a user's reports of an endpoint in an hour (UTC)
FIX#<project> / <fixed_at>#<id>             Fixed: an incident that was fixed then
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    BinarySetAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import (
    Connection,
    Key,
    RawRow,
    commit,
    committed,
    delete_rows,
    failed_conditions,
    find_row,
    patiently,
    read_rows,
    saved,
    updated,
)
from chalicelib.rows import AuditRow, FirstIndex, KeysOnly, SecondIndex, TwiceIndexed

Severity = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
Status = Literal["ACTIVE", "INVESTIGATING", "FIXED"]
Kind = Literal["feedback", "attachment"]

SEVERITIES: Final[tuple[Severity, ...]] = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
STATUSES: Final[tuple[Status, ...]] = ("ACTIVE", "INVESTIGATING", "FIXED")
_INCIDENT_ID: Final = re.compile(r"[0-9a-f]{32}")
MAX_EVENTS_PER_COUNT: Final = 99
MAX_ENVIRONMENTS: Final = 10
SEEN_FOR: Final = timedelta(hours=48)
FIX_KEPT_FOR: Final = timedelta(days=3650)
FIXED_KEPT_FOR: Final = timedelta(days=365)


class ByStatus(FirstIndex):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    class Meta(KeysOnly):
        index_name = "by_status"


class ByErrorKey(SecondIndex):  # type: ignore[no-untyped-call]  # as above
    class Meta(KeysOnly):
        index_name = "by_error_key"


class Row(TwiceIndexed):
    """What every row of the table has; also what its indexes return."""

    class Meta(Connection):
        table_name = config().resource("incidents")

    ttl = NumberAttribute()
    by_status = ByStatus()
    by_error_key = ByErrorKey()


table = Row.table
table()


class Incident(Row):
    """`g2s` begins with the error key, so that it is stored once."""

    title = UnicodeAttribute()
    severity = UnicodeAttribute()
    status = UnicodeAttribute()
    occurrences = NumberAttribute()
    user_count = NumberAttribute(default=0)
    stale_hits = NumberAttribute(default=0)
    regressed = BooleanAttribute(default=False)
    regressed_at = UnicodeAttribute(null=True)
    environments = UnicodeSetAttribute(null=True)
    first_seen = UnicodeAttribute()
    last_seen = UnicodeAttribute()
    first_release = UnicodeAttribute(null=True)
    last_release = UnicodeAttribute(null=True)
    fixed_at = UnicodeAttribute(null=True)
    fixed_in_release = UnicodeAttribute(null=True)
    triaged_at = UnicodeAttribute(null=True)

    @property
    def incident_id(self) -> str:
        return self.pk.removeprefix("INC#")

    @property
    def project_id(self) -> str:
        return str(self.g2p).removeprefix("P#")

    @property
    def error_key(self) -> str:
        return str(self.g2s).partition("#")[0]


class Occurrence(Row):
    """`report` is the report's JSON, compressed by zlib where that makes it smaller."""

    at = UnicodeAttribute()
    event_id = UnicodeAttribute()
    report = BinaryAttribute(legacy_encoding=False)


class Users(Row):
    """`hashes` are those below 2^-halvings of the hash space; `chalicelib.distinct` explains.

    `life` is the first_seen of the incident they are of: the store may delete an incident before its users, which then
    are not those of the next one of the same name.
    """

    life = UnicodeAttribute()
    hashes = BinarySetAttribute(legacy_encoding=False, null=True)
    halvings = NumberAttribute(default=0)


class Fix(Row):
    """`life` is as that of Users."""

    life = UnicodeAttribute()
    commit_hash = UnicodeAttribute(null=True)
    notes = UnicodeAttribute(null=True)


class Audit(Row, AuditRow):
    before: Attribute[Any] = JSONAttribute(null=True)
    after: Attribute[Any] = JSONAttribute(null=True)


class Seen(Row):
    incident_id = UnicodeAttribute()
    at = UnicodeAttribute()
    stale = BooleanAttribute(default=False)


class More(Row):
    """Each piece is JSON under `<kind>_<digest>`; the counts bound how many there are."""

    feedback = NumberAttribute(default=0)
    attachment = NumberAttribute(default=0)


class Impact(Row):
    """`n` reports, in `bypassed` of which the user was let through."""

    n = NumberAttribute(default=0)
    bypassed = NumberAttribute(default=0)
    user = UnicodeAttribute(null=True)
    last_seen = UnicodeAttribute()

    @property
    def endpoint(self) -> str:
        """Empty where none was named."""
        return self.sk.partition("#")[2].rpartition("#")[0]


class Fixed(Row):
    error_key = UnicodeAttribute()


class Moved(Exception):
    """The incident is not in the state that a write was made for: read it again and decide anew."""


class AlreadySeen(Exception):
    """Some events of a transaction were counted before; `events` are theirs."""

    def __init__(self, events: Sequence[str]) -> None:
        super().__init__(f"{len(events)} events were counted before")
        self.events = frozenset(events)


def expires(since: datetime, days: int) -> int:
    """The TTL, in epoch seconds, of what was last touched at `since` and is kept for `days`."""
    return int((since + timedelta(days=days)).timestamp())


def minute(moment: datetime) -> str:
    """`2026-01-25T08:15`: how fine the list indexes order incidents, so that a storm touches them once a minute."""
    return rfc3339(moment)[:16]


def status_key(project_id: str, status: str) -> str:
    return f"P#{project_id}#{status}"


def is_incident_id(text: str) -> bool:
    """Whether an id has the form that `grouping` gives; others are in no row, and may be too long for a key."""
    return _INCIDENT_ID.fullmatch(text) is not None


def incident_key(incident_id: str) -> str:
    return f"INC#{incident_id}"


def event_key(project_id: str, event_id: str) -> str:
    return f"EVT#{project_id}#{event_id}"


def impact_key(project_id: str, date: str) -> str:
    return f"IMP#{project_id}#{date}"


def fixed_key(project_id: str) -> str:
    return f"FIX#{project_id}"


# -- counting ---------------------------------------------------------------------------------------------------------


def add(
    incident: Incident, now: datetime, *, count: int, stale: int, events: Sequence[Seen], found: Incident | None
) -> Incident:
    """Count reports into an incident, made here if new; returns the incident after it. One atomic write.

    `incident` carries the facts of the newest report. `count` reports are added to `occurrences`, `stale` ones to
    `stale_hits` alone. `found` is the FIXED incident that the caller decided upon: None means that it was taken to be
    open or absent. With `events`, all of them are claimed in the same transaction.
    Raises Moved, AlreadySeen, and `dynamodb.Busy`.
    """
    actions = _actions(incident, now, count, stale, reopen=found is not None)
    condition = _as_found(found, now)
    if events:
        _claim_and_update(incident, actions, condition, events, int(now.timestamp()))
        # A transaction returns nothing. An incident that was deleted meanwhile is answered as it was counted.
        incident.occurrences = count
        return find(incident.incident_id) or incident
    if not updated(incident, actions, condition):
        raise Moved
    return incident


def _actions(incident: Incident, now: datetime, count: int, stale: int, *, reopen: bool) -> list[Action]:
    if not count:
        return [Incident.stale_hits.add(stale)]
    stamp, status_partition = rfc3339(now), status_key(incident.project_id, "ACTIVE")
    actions: list[Action] = [
        Incident.occurrences.add(count),
        Incident.last_seen.set(stamp),
        Incident.g1s.set(f"{minute(now)}#{incident.incident_id}"),
        Incident.g2s.set(error_key_position(incident.error_key, now, incident.incident_id)),
        Incident.ttl.set(incident.ttl),
        Incident.g2p.set(incident.g2p),
        Incident.first_seen.set(Incident.first_seen | incident.first_seen),
        Incident.title.set(Incident.title | incident.title),
        Incident.severity.set(Incident.severity | incident.severity),
    ]
    if reopen:
        actions += [
            Incident.status.set("ACTIVE"),
            Incident.g1p.set(status_partition),
            Incident.regressed.set(True),
            Incident.regressed_at.set(stamp),
        ]
    else:
        actions += [
            Incident.status.set(Incident.status | "ACTIVE"),
            Incident.g1p.set(Incident.g1p | status_partition),
        ]
    if stale:
        actions.append(Incident.stale_hits.add(stale))
    if incident.user_count:
        actions.append(Incident.user_count.set(Incident.user_count | 1))
    if incident.environments:
        actions.append(Incident.environments.set(Incident.environments | incident.environments))
    if incident.last_release:
        actions.append(Incident.first_release.set(Incident.first_release | incident.last_release))
        actions.append(Incident.last_release.set(incident.last_release))
    return actions


def _as_found(found: Incident | None, now: datetime) -> Condition:
    alive: Condition = Incident.ttl > int(now.timestamp())
    if found is None:
        unfixed: Condition = Incident.status != "FIXED"
        countable: Condition = Incident.pk.does_not_exist() | (unfixed & alive)
    else:
        countable = _unchanged(found) & alive
    return countable


def _unchanged(found: Incident) -> Condition:
    unchanged: Condition = Incident.status == found.status
    for attribute, value in (
        (Incident.fixed_at, found.fixed_at),
        (Incident.fixed_in_release, found.fixed_in_release),
    ):
        unchanged &= attribute.does_not_exist() if value is None else attribute == value
    return unchanged


def _claim_and_update(
    incident: Incident, actions: list[Action], condition: Condition, events: Sequence[Seen], now: int
) -> None:
    def fill(transaction: TransactWrite) -> None:
        for event in events:
            transaction.save(event, condition=Seen.pk.does_not_exist() | (Seen.ttl < now))
        transaction.update(incident, actions, condition=condition)

    try:
        commit(table(), fill)
    except TransactWriteError as error:
        # PynamoDB sends the puts first, so the reasons stand in the order of the events, the update's last.
        failed = failed_conditions(error)
        repeated = [event.pk.rpartition("#")[2] for event, refused in zip(events, failed, strict=False) if refused]
        if repeated:
            raise AlreadySeen(repeated) from error
        if any(failed):
            raise Moved from error
        raise


def error_key_position(error_key: str, last_seen: datetime, incident_id: str) -> str:
    """The second index's sort key: error keys from A to Z, the newest first within one."""
    return f"{error_key}#{_LAST_MINUTE - int(last_seen.timestamp()) // 60:09d}#{incident_id}"


_LAST_MINUTE: Final = 999_999_999


# -- what follows a count: each safe to repeat, none making an incident that is not there -----------------------------


def raise_severity(incident_id: str, severity: Severity) -> None:
    """Keep the highest severity seen."""
    lower = SEVERITIES[: SEVERITIES.index(severity)]
    updated(_meta(incident_id), [Incident.severity.set(severity)], Incident.severity.is_in(*lower))


def add_environment(incident_id: str, environment: str) -> None:
    """Note an environment, unless there are ten already."""
    kept = size(Incident.environments)  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    room = Incident.environments.does_not_exist() | (kept < MAX_ENVIRONMENTS)
    updated(_meta(incident_id), [Incident.environments.add({environment})], Incident.pk.exists() & room)


def raise_user_count(incident_id: str, users: int) -> None:
    """Move the count of users, upwards only."""
    lower = Incident.user_count.does_not_exist() | (Incident.user_count < users)
    updated(_meta(incident_id), [Incident.user_count.set(users)], Incident.pk.exists() & lower)


def add_user(incident: Incident, user: bytes) -> Users:
    """Put a user's hash into the sketch; returns the sketch after it."""
    users = Users(incident.pk, "USERS", life=incident.first_seen, ttl=incident.ttl)
    actions: list[Action] = [Users.hashes.add({user}), Users.life.set(users.life), Users.ttl.set(users.ttl)]
    of_this_life = Users.pk.does_not_exist() | (Users.life == users.life)
    if not updated(users, actions, of_this_life):
        users.hashes = {user}
        patiently(lambda: users.save(Users.life != users.life))
    return users


def thin_users(users: Users, dropped: set[bytes], halvings: int) -> None:
    """Drop hashes from a sketch whose threshold is halved that often now, unless another container did so first."""
    actions: list[Action] = [Users.hashes.delete(dropped), Users.halvings.set(halvings)]
    unhalved = Users.halvings.does_not_exist() if not users.halvings else Users.halvings == users.halvings
    updated(users, actions, unhalved)


def keep(incident: Incident, occurrence: Occurrence) -> None:
    """Keep a report under its own key.

    Reports that race, or waited in the queue, may have been received before the one that began the incident; rows from
    before its beginning are those of a deleted one.
    """
    since = max(occurrence.at, incident.first_seen)
    occurrence.pk, occurrence.sk = incident.pk, f"OCC#{since}#{occurrence.event_id}"
    patiently(occurrence.save)


def keep_latest(incident: Incident, occurrence: Occurrence) -> None:
    """Keep a report as the newest, unless a newer one is there."""
    occurrence.pk, occurrence.sk = incident.pk, "LATEST"
    occurrence.at = max(occurrence.at, incident.first_seen)
    saved(occurrence, Occurrence.at.does_not_exist() | (Occurrence.at <= occurrence.at))


def start_hour(incident_id: str, slot: str, floor: int, packed: int, ttl: int) -> None:
    """Set an hour's slot to `packed` unless it holds a value between `floor` and that."""
    hour: Path = Path([slot])
    untouched = hour.does_not_exist() | (hour < floor) | (hour > packed)
    updated(Row(incident_key(incident_id), "HOURS"), [hour.set(packed), Row.ttl.set(ttl)], untouched)


def _meta(incident_id: str) -> Incident:
    return Incident(incident_key(incident_id), "META")


# -- what comes beside an event ---------------------------------------------------------------------------------------


def add_piece(project_id: str, event_id: str, kind: Kind, digest: str, piece: str, *, most: int, ttl: int) -> bool:
    """Keep a piece beside an event; returns whether it is there now: no more than `most` of a kind are kept.

    One write, safe to repeat.
    """
    slot: Path = Path([f"{kind}_{digest}"])
    counted = More.feedback if kind == "feedback" else More.attachment
    room = slot.does_not_exist() & (counted.does_not_exist() | (counted < most))
    actions: list[Action] = [slot.set(piece), counted.add(1), More.ttl.set(ttl)]
    if updated(More(event_key(project_id, event_id), "MORE"), actions, room):
        return True
    return (kind, digest) in pieces(project_id, [event_id], consistent=True).get(event_id, {})


def pieces(
    project_id: str, event_ids: Sequence[str], since: datetime | None = None, *, consistent: bool = False
) -> dict[str, dict[tuple[str, str], str]]:
    """What was kept beside events, by event, then by kind and digest; without what had expired at `since`."""
    rows = read_rows(table(), [(event_key(project_id, each), "MORE") for each in event_ids], consistent=consistent)
    found: dict[str, dict[tuple[str, str], str]] = {}
    for (pk, _), row in rows.items():
        if since is None or int(row["ttl"]["N"]) > since.timestamp():
            slots = {name.partition("_"): value["S"] for name, value in row.items() if "_" in name}
            found[pk.rpartition("#")[2]] = {(kind, digest): piece for (kind, _, digest), piece in slots.items()}
    return found


# -- the hub as a whole -----------------------------------------------------------------------------------------------


def add_impact(impact: Impact) -> None:
    """Add reports to those of a user at an endpoint in an hour. Where an answer was lost, they are added twice."""
    actions: list[Action] = [
        Impact.n.add(impact.n),
        Impact.bypassed.add(impact.bypassed),
        Impact.last_seen.set(impact.last_seen),
        Impact.ttl.set(impact.ttl),
    ]
    if impact.user:
        actions.append(Impact.user.set(impact.user))
    patiently(lambda: Impact(impact.pk, impact.sk).update(actions))


def impacts(project_id: str, date: str, first_hour: str, last_hour: str, most: int) -> list[Impact]:
    """At most so many rows of a date, from one of its hours, `07`, to another, both included, the newest first."""
    hours = Impact.sk.between(f"{first_hour}#", f"{last_hour}$")
    partition = impact_key(project_id, date)
    return patiently(lambda: list(Impact.query(partition, hours, scan_index_forward=False, limit=most)))


def fixed_between(project_id: str, since: str, until: str, most: int) -> list[Fixed]:
    """At most so many fixes from one moment to another, both included, the newest first."""
    moments = Fixed.sk.between(f"{since}#", f"{until}$")
    return patiently(lambda: list(Fixed.query(fixed_key(project_id), moments, scan_index_forward=False, limit=most)))


# -- reading ----------------------------------------------------------------------------------------------------------


def find(incident_id: str) -> Incident | None:
    """The incident as it is now, expired or not."""
    return find_row(Incident, incident_key(incident_id), "META")


def find_seen(project_id: str, event_id: str) -> Seen | None:
    """What was noted when this event was counted."""
    return find_row(Seen, event_key(project_id, event_id), "META")


def read(keys: Sequence[Key]) -> dict[Key, RawRow]:
    """Rows of any kind, by key."""
    return read_rows(table(), keys)


def incidents_of(project_id: str, status: Status, before: str | None, most: int) -> list[str]:
    """Index positions (`<minute>#<id>`) of a status, newest first, from below `before`. One query."""
    condition = None if before is None else ByStatus.g1s < before
    partition = status_key(project_id, status)
    found = patiently(lambda: list(Row.by_status.query(partition, condition, scan_index_forward=False, limit=most)))
    return [str(row.g1s) for row in found]


def incidents_by_error_key(project_id: str, prefix: str, after: str | None, most: int) -> list[str]:
    """Index positions (`<error key>#<age>#<id>`) under a prefix of the error key, from above `after`. One query."""
    # "~" sorts above every character of an error key; nothing lies between a position and itself with a space.
    condition = ByErrorKey.g2s.between(prefix if after is None else after + " ", prefix + "~")
    found = patiently(lambda: list(Row.by_error_key.query(f"P#{project_id}", condition, limit=most)))
    return [str(row.g2s) for row in found]


def count_status(project_id: str, status: Status, since: datetime, most: int) -> int:
    """How many incidents of a status were seen since then, counted up to `most`."""
    found, start = 0, None

    def next_page() -> RawRow:
        return table().query(
            status_key(project_id, status),
            range_key_condition=ByStatus.g1s >= minute(since),
            index_name=ByStatus.Meta.index_name,
            exclusive_start_key=start,
            limit=most - found,
            select="COUNT",
        )

    while found < most:
        page = patiently(next_page)
        found, start = found + int(page["Count"]), page.get("LastEvaluatedKey")
        if not start:
            break
    return found


def is_kept(incident: Incident, at: str, event_id: str) -> bool:
    """Whether the report of an event, received at `at`, is kept under its own key."""
    key = incident.pk, f"OCC#{max(at, incident.first_seen)}#{event_id}"
    return key in read_rows(table(), [key], consistent=True)


def occurrences_of(incident_id: str, since: str, before: str | None, most: int) -> list[Occurrence]:
    """Kept reports, newest first, none older than `since`, from below the position `before`. One query."""
    lower, upper = f"OCC#{since}", "OCC$" if before is None else before
    found = patiently(
        lambda: list(
            Occurrence.query(
                incident_key(incident_id), Occurrence.sk.between(lower, upper), scan_index_forward=False, limit=most + 1
            )
        )
    )
    return [row for row in found if row.sk != before][:most]


# -- what operators do ------------------------------------------------------------------------------------------------


def audit(
    incident_id: str,
    actor: str,
    action: str,
    now: datetime,
    *,
    correlation_id: str,
    before: object = None,
    after: object = None,
) -> Audit:
    """The audit row of an operator's change: who did what when, with the state before and after it."""
    return Audit.of(
        incident_key(incident_id), actor, action, now, correlation_id=correlation_id, before=before, after=after
    )


def triage(
    incident: Incident,
    now: datetime,
    audit: Audit,
    *,
    status: Status,
    fixed_in_release: str | None,
    commit_hash: str | None,
    notes: str | None,
) -> None:
    """Change an incident, its fix and the audit trail at once; what is None stays as it is.

    That it was fixed is noted for the project, too. Raises Moved when the incident is no longer as it was read.
    """
    stamp = rfc3339(now)
    actions: list[Action] = [
        Incident.status.set(status),
        Incident.g1p.set(status_key(incident.project_id, status)),
        Incident.triaged_at.set(stamp),
    ]
    newly_fixed = status == "FIXED" and incident.status != "FIXED"
    if newly_fixed:
        actions += [Incident.fixed_at.set(stamp), Incident.regressed.set(False)]
    if fixed_in_release is not None:
        actions.append(Incident.fixed_in_release.set(fixed_in_release))
    words: list[Action] = [
        attribute.set(value)
        for attribute, value in ((Fix.commit_hash, commit_hash), (Fix.notes, notes))
        if value is not None
    ]
    if words:
        # Longer than the incident without it: nothing else reads it, and the incident's own TTL moves on.
        words += [Fix.life.set(incident.first_seen), Fix.ttl.set(int((now + FIX_KEPT_FOR).timestamp()))]
    fixed = Fixed(
        fixed_key(incident.project_id),
        f"{stamp}#{incident.incident_id}",
        error_key=incident.error_key,
        ttl=int((now + FIXED_KEPT_FOR).timestamp()),
    )

    def fill(transaction: TransactWrite) -> None:
        transaction.save(audit)
        if newly_fixed:
            transaction.save(fixed)
        if words:
            transaction.update(Fix(incident.pk, "FIX"), words)
        transaction.update(incident, actions, condition=_unchanged(incident))

    if not committed(table(), fill):
        raise Moved


def erase(incident_id: str, audit: Audit, expired_at: datetime | None = None) -> None:
    """Delete an incident with all that hangs on it but its audit trail; with `expired_at`, only if it had expired then.

    Safe to repeat. What there is once goes with the hot row in one transaction; from then on the incident is gone for
    every reader, and a report that comes begins it anew. Its kept reports follow with what lies beside their events,
    and those that a crash leaves behind are older than the next incident of the same name, which hides them.
    """
    found = patiently(
        lambda: list(Row.query(incident_key(incident_id), consistent_read=True, attributes_to_get=["pk", "sk", "g2p"]))
    )
    doomed: Condition = Incident.pk.exists()
    if expired_at is not None:
        doomed &= Incident.ttl <= int(expired_at.timestamp())

    def fill(transaction: TransactWrite) -> None:
        transaction.delete(_meta(incident_id), condition=doomed)
        for sk in ("LATEST", "HOURS", "USERS", "FIX"):
            transaction.delete(Row(incident_key(incident_id), sk))
        transaction.save(audit)

    if not committed(table(), fill) and expired_at is not None:
        return
    kept = [(row.pk, row.sk) for row in found if row.sk.startswith("OCC#")]
    projects = [str(row.g2p).removeprefix("P#") for row in found if row.sk == "META"]
    beside = [(event_key(project, sk.rpartition("#")[2]), "MORE") for project in projects for _, sk in kept]
    delete_rows(table(), beside + kept)
