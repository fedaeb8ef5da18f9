"""The alerts table: its rows, and every DynamoDB expression of the area.

pk / sk                              holds
RULES / <rule>                       StoredRule: a rule of an operator's, or what one made of a default
RULE#<rule> / L#<at>#<id>            Audit: what an operator did
CLAIM#<subject> / <rule>             Claim: when a rule told of a subject last; its `seq` elects who tells
WINDOW#<rule>#<subject> / <tenth>    Bucket: how often it happened in a tenth of the window, `<seconds>#<number>`
TOLD#<rule>#<flood> / <hour>         Bucket: how much was told in an hour of a project
DIGEST#<rule> / #STATE               Digest: when it was composed last; its `seq` elects who composes
DIGEST#<rule> / <subject>[#<once>]   Waiting: what the next digest tells of, or a happening that one has told of
WAITS#<rule> / <date>#<severity>     Bucket: how much waits for a digest, more or less
ALERT#<id> / META                    Record: an alert, or what was held back after one
ALERT#<id> / D#<n>                   Delivery: of an alert by one channel, in the outbox while it is pending
LOCK#<subject> / META                Attempts: to sign in that failed, of one account or from one address
CASC#<project>#<digest> / <minute>   Failing: the endpoints of an environment that failed in a minute
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from pynamodb.attributes import (
    Attribute,
    BinarySetAttribute,
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.expressions.condition import Condition, size
from pynamodb.transactions import TransactWrite

from chalicelib.clock import rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import (
    Busy,
    Connection,
    Key,
    committed,
    deleted,
    find_row,
    patiently,
    read_rows,
    saved,
    updated,
)
from chalicelib.rows import AuditRow, FirstIndex, KeysOnly, SecondIndex, TwiceIndexed

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

DeliveryState = Literal["pending", "sent", "failed"]

RULES: Final = "RULES"
STATE: Final = "#STATE"
ALERT_KEPT_FOR: Final = timedelta(days=90)
# Longer than alerts, so that no delivery id is given twice while anybody can tell.
CLAIM_KEPT_FOR: Final = timedelta(days=180)
WAITING_KEPT_FOR: Final = timedelta(days=14)
_RULE_ID: Final = re.compile(r"[0-9a-f]{32}|critical|warning|rest")


class ByTime(FirstIndex):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    class Meta(KeysOnly):
        index_name = "by_time"


class ByNextTry(SecondIndex):  # type: ignore[no-untyped-call]  # as above
    class Meta(KeysOnly):
        index_name = "by_next_try"


class Row(TwiceIndexed):
    """What every row of the table has; also what its indexes return."""

    class Meta(Connection):
        table_name = config().resource("alerts")

    by_time = ByTime()
    by_next_try = ByNextTry()


table = Row.table
table()


class StoredRule(Row):
    """`rule` is JSON, with what is secret of its channels. A default that was deleted stays, `hidden`."""

    rule = UnicodeAttribute()
    version = NumberAttribute()
    hidden = BooleanAttribute(default=False)


class Audit(Row, AuditRow):
    pass


class Claim(Row):
    """`told` are hashes of the happenings that were told, the newest last; `open` says that a resolve is due.

    `last_sent` is null once what was told has ended.
    """

    seq = NumberAttribute()
    last_sent = UnicodeAttribute(null=True)
    told: Attribute[Any] = JSONAttribute(null=True)
    open = BooleanAttribute(default=False)


class Bucket(Row):
    n = NumberAttribute(default=0)


class Digest(Row):
    """`date` is the local date of the last digest. Until that is `cleared`, what waits since `cut` was told by it."""

    seq = NumberAttribute()
    date = UnicodeAttribute()
    cut = UnicodeAttribute()
    cleared = BooleanAttribute(default=True)


class Waiting(Row):
    """`notice` is the JSON of the first of its subject, null once it was told and is never to be told again."""

    at = UnicodeAttribute()
    notice = UnicodeAttribute(null=True)


class Record(Row):
    """`alert` is JSON. Of one that was held back `held` counts how often, and there are no deliveries.

    `own` is one about alerting itself.
    """

    alert = UnicodeAttribute()
    rule_id = UnicodeAttribute()
    subject = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    deliveries = NumberAttribute(default=0)
    held = NumberAttribute(default=0)
    own = BooleanAttribute(default=False)

    @property
    def alert_id(self) -> str:
        return self.pk.removeprefix("ALERT#")


class Delivery(Row):
    """`channel` is the hash of the channel, null for the email to whoever is told by default.

    While it is pending, `next_try` is when it may be tried again, its index key when a sweep looks at it. Who tries it
    holds it until `lease_until`, by a `fence` of its own.
    """

    channel = UnicodeAttribute(null=True)
    kind = UnicodeAttribute()
    state = UnicodeAttribute()
    tries = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    at = UnicodeAttribute()
    next_try = UnicodeAttribute(null=True)
    lease_until = UnicodeAttribute(null=True)
    fence = UnicodeAttribute(null=True)

    @property
    def nth(self) -> int:
        return int(self.sk.removeprefix("D#"))


def is_rule_id(text: str) -> bool:
    """Whether an id has the form of a rule's; others are in no row."""
    return _RULE_ID.fullmatch(text) is not None


def alert_key(alert_id: str) -> str:
    return f"ALERT#{alert_id}"


def expires(now: datetime, kept_for: timedelta) -> int:
    """The TTL, in epoch seconds, of what is written now."""
    return int((now + kept_for).timestamp())


def in_history(alert_id: str, at: datetime) -> dict[str, Any]:
    """The attributes by which an alert is listed."""
    return {"g1p": "ALERTS", "g1s": f"{rfc3339(at)}#{alert_id}"}


def in_outbox(alert_id: str, nth: int, look_at: datetime) -> dict[str, Any]:
    """The attributes by which a sweep finds a delivery from that moment on."""
    return {"g2p": "OUTBOX", "g2s": f"{rfc3339(look_at)}#{alert_id}#{nth}"}


# -- rules ------------------------------------------------------------------------------------------------------------


def rules() -> list[StoredRule]:
    """Every rule that an operator made or changed. One query."""
    return patiently(lambda: list(StoredRule.query(RULES, consistent_read=True)))


def find_rule(rule_id: str) -> StoredRule | None:
    """A rule as it is now."""
    return find_row(StoredRule, RULES, rule_id)


def put_rule(rule: StoredRule, seen: StoredRule | None, audit: Audit) -> bool:
    """Write a rule in place of the one that was seen; returns False where it is another by now."""

    def fill(transaction: TransactWrite) -> None:
        transaction.save(rule, condition=_as_seen(seen))
        transaction.save(audit)

    return committed(table(), fill)


def delete_rule(seen: StoredRule, audit: Audit) -> bool:
    """Delete a rule as it was seen; returns False where it is another by now."""

    def fill(transaction: TransactWrite) -> None:
        transaction.delete(StoredRule(RULES, seen.sk), condition=_as_seen(seen))
        transaction.save(audit)

    return committed(table(), fill)


def audit(rule_id: str, actor: str, action: str, now: datetime, *, correlation_id: str, change: object) -> Audit:
    """The audit row of an operator's change; `change` holds nothing secret."""
    return Audit.of(f"RULE#{rule_id}", actor, action, now, correlation_id=correlation_id, change=change)


def _as_seen(seen: StoredRule | None) -> Condition:
    unchanged: Condition = StoredRule.pk.does_not_exist() if seen is None else StoredRule.version == seen.version
    return unchanged


# -- who tells --------------------------------------------------------------------------------------------------------


def find_claim(subject: str, rule_id: str) -> Claim | None:
    """What a rule told of a subject, as it is now."""
    return find_row(Claim, f"CLAIM#{subject}", rule_id)


def find_claims(subject: str) -> list[Claim]:
    """What any rule told of a subject, as it is now. One query."""
    return patiently(lambda: list(Claim.query(f"CLAIM#{subject}", consistent_read=True)))


def advance(row: Claim | Digest, seen: Claim | Digest | None, others: Sequence[Record | Delivery]) -> bool:
    """Write who tells, in place of what was seen, with what they tell; returns False where others were first."""
    unchanged = type(row).pk.does_not_exist() if seen is None else type(row).seq == seen.seq

    def fill(transaction: TransactWrite) -> None:
        transaction.save(row, condition=unchanged)
        for other in others:
            transaction.save(other)

    return committed(table(), fill)


def hold(record: Record, many: int) -> None:
    """Count what was held back, in a record that is made here if it is the first. Its `held` is the count after."""
    actions: list[Action] = [Record.held.add(many)]
    for name in ("alert", "rule_id", "subject", "correlation_id", "ttl", "g1p", "g1s"):
        attribute = getattr(Record, name)
        actions.append(attribute.set(attribute | getattr(record, name)))
    patiently(lambda: record.update(actions))


def count(rule_id: str, subject: str, tenth: tuple[int, int], many: int, ttl: int) -> int:
    """Count what happened into a tenth of a window, by its seconds and number; returns how much is in it then."""
    return _add(Bucket(_window_key(rule_id, subject), _tenth(*tenth)), many, ttl)


def counted(rule_id: str, subject: str, seconds: int, first: int, last: int) -> dict[int, int]:
    """How often it happened in tenths of a window, by their numbers. One query.

    That after the last is among them, as others' clocks are a little ahead.
    """
    between = Bucket.sk.between(_tenth(seconds, first), _tenth(seconds, last + 1))
    found = patiently(lambda: list(Bucket.query(_window_key(rule_id, subject), between, consistent_read=True)))
    return {int(row.sk.partition("#")[2]): int(row.n) for row in found}


def count_told(rule_id: str, flood: str, hour: int, ttl: int) -> int:
    """Count one more alert of a rule into an hour; returns how many are in it then."""
    return _add(Bucket(f"TOLD#{rule_id}#{flood}", f"{hour:012}"), 1, ttl)


def _add(row: Bucket, many: int, ttl: int) -> int:
    patiently(lambda: row.update([Bucket.n.add(many), Bucket.ttl.set(ttl)]))
    return int(row.n)


def _window_key(rule_id: str, subject: str) -> str:
    return f"WINDOW#{rule_id}#{subject}"


def _tenth(seconds: int, number: int) -> str:
    return f"{seconds:06}#{number:012}"


# -- digests ----------------------------------------------------------------------------------------------------------


def wait(waiting: Waiting) -> bool:
    """Let a notice wait for a digest; returns False where one of its subject does already."""
    return saved(waiting, Waiting.pk.does_not_exist())


def digest_key(rule_id: str) -> str:
    return f"DIGEST#{rule_id}"


def find_digest(rule_id: str) -> Digest | None:
    """When a rule's digest was composed, as it is now."""
    return find_row(Digest, digest_key(rule_id), STATE)


def waiting(rule_id: str, until: str, most: int) -> list[Waiting]:
    """What waits for a rule's digest since that moment or longer, no more than so much of it."""
    untold = (Waiting.at <= until) & Waiting.notice.exists()
    place = Waiting.sk > f"{STATE}~"
    return patiently(lambda: list(Waiting.query(digest_key(rule_id), place, untold, consistent_read=True, limit=most)))


def forget_waiting(told: Waiting, *, once: bool) -> None:
    """Delete what a digest told; of what is told once it stays that it was. Another of its place is left alone."""
    row, unchanged = Waiting(told.pk, told.sk), Waiting.at == told.at
    if once:
        updated(row, [Waiting.notice.remove()], unchanged)
    else:
        deleted(row, unchanged)


def count_waiting(rule_id: str, what: str, many: int, ttl: int) -> int:
    """Count what waits for one digest of a rule; returns how much was counted."""
    return _add(Bucket(f"WAITS#{rule_id}", what), many, ttl)


def clear_digest(digest: Digest) -> None:
    """Note that what a digest told is forgotten."""
    updated(Digest(digest.pk, digest.sk), [Digest.cleared.set(True)], Digest.seq == digest.seq)


# -- the outbox -------------------------------------------------------------------------------------------------------


def find_record(alert_id: str) -> Record | None:
    """An alert as it is now."""
    return find_row(Record, alert_key(alert_id), "META")


def lease(alert_id: str, nth: int, now: datetime, *, until: datetime, fence: str) -> Delivery | None:
    """Take hold of a delivery and count the try; None where it is not its time, or another has it."""
    row = Delivery(alert_key(alert_id), f"D#{nth}")
    free = Delivery.lease_until.does_not_exist() | (Delivery.lease_until <= rfc3339(now))
    actions: list[Action] = [
        Delivery.tries.add(1),
        Delivery.lease_until.set(rfc3339(until)),
        Delivery.fence.set(fence),
        Delivery.at.set(rfc3339(now)),
        *(getattr(Delivery, name).set(value) for name, value in in_outbox(alert_id, nth, until).items()),
    ]
    due = Delivery.next_try.does_not_exist() | (Delivery.next_try <= rfc3339(now))
    condition = (Delivery.state == "pending") & due & free
    return row if updated(row, actions, condition) else None


def settle(held: Delivery, state: DeliveryState, reason: str | None, now: datetime, next_try: datetime | None) -> bool:
    """Let go of a delivery: it is over, or due again at `next_try`. False where another has taken hold of it since."""
    actions: list[Action] = [
        Delivery.state.set(state),
        Delivery.at.set(rfc3339(now)),
        Delivery.lease_until.remove(),
        Delivery.fence.remove(),
        Delivery.reason.remove() if reason is None else Delivery.reason.set(reason),
    ]
    if next_try is None:
        actions += [Delivery.g2p.remove(), Delivery.g2s.remove(), Delivery.next_try.remove()]
    else:
        actions += [
            Delivery.next_try.set(rfc3339(next_try)),
            Delivery.g2s.set(in_outbox(held.pk.removeprefix("ALERT#"), held.nth, next_try)["g2s"]),
        ]
    return updated(Delivery(held.pk, held.sk), actions, Delivery.fence == held.fence)


def deliveries_of(alert_id: str) -> list[Delivery]:
    """The deliveries of an alert, as they are now. One query."""
    condition = Delivery.sk.startswith("D#")
    return patiently(lambda: list(Delivery.query(alert_key(alert_id), condition, consistent_read=True)))


def overdue(now: datetime, most: int) -> list[tuple[str, str, int]]:
    """Deliveries that a sweep is to look at, the longest due first: position, alert and number. One query."""
    condition = ByNextTry.g2s < f"{rfc3339(now)}#~"
    found = patiently(lambda: list(Row.by_next_try.query("OUTBOX", condition, limit=most)))
    return [(str(row.g2s), row.pk.removeprefix("ALERT#"), int(row.sk.removeprefix("D#"))) for row in found]


def look_again(alert_id: str, nth: int, position: str, at: datetime) -> bool:
    """Let a sweep look at a delivery again later; returns False where it moved on meanwhile."""
    row = Delivery(alert_key(alert_id), f"D#{nth}")
    return updated(row, [Delivery.g2s.set(in_outbox(alert_id, nth, at)["g2s"])], Delivery.g2s == position)


# -- the history ------------------------------------------------------------------------------------------------------


def positions(before: str | None, most: int) -> list[str]:
    """Index positions (`<at>#<id>`) of alerts, the newest first, from below `before`. One query."""
    condition = None if before is None else ByTime.g1s < before
    found = patiently(lambda: list(Row.by_time.query("ALERTS", condition, scan_index_forward=False, limit=most)))
    return [str(row.g1s) for row in found]


def find_records(alert_ids: Sequence[str]) -> dict[str, Record]:
    """Alerts by their ids, as they are, or were some milliseconds ago."""
    found = read_rows(table(), [(alert_key(each), "META") for each in alert_ids])
    return {record.alert_id: record for record in map(Record.from_raw_data, found.values())}


def find_deliveries(records: Iterable[Record]) -> dict[str, list[Delivery]]:
    """The deliveries of alerts by these's ids, in the order of their channels."""
    keys: list[Key] = [(each.pk, f"D#{nth}") for each in records for nth in range(int(each.deliveries))]
    found: dict[str, list[Delivery]] = {}
    for _, row in sorted(read_rows(table(), keys).items()):
        delivery = Delivery.from_raw_data(row)
        found.setdefault(delivery.pk.removeprefix("ALERT#"), []).append(delivery)
    return found


# -- detectors --------------------------------------------------------------------------------------------------------


COUNTING_ROUNDS: Final = 5


class Attempts(Row):
    """Failed attempts to sign in, of one account or from one address: the hashes of their events, until `ends`."""

    events = BinarySetAttribute(legacy_encoding=False, null=True)
    ends = UnicodeAttribute()


class Failing(Row):
    """The endpoints of an environment that failed in a minute."""

    endpoints = UnicodeSetAttribute(null=True)


def add_attempts(who: str, events: set[bytes], now: datetime, ends: datetime, most: int) -> tuple[int, str]:
    """Count failed attempts in the window that is open, or in a new one until `ends`.

    Returns how many are in it, and when it ends; of a window that has `most` no more are counted. Safe to repeat.
    Raises Busy.
    """
    row, stamp = Attempts(f"LOCK#{who}", "META"), rfc3339(now)
    ttl = Attempts.ttl.set(int(ends.timestamp()) + 60)
    held = size(Attempts.events)  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    begin: list[Action] = [Attempts.events.set(events), Attempts.ends.set(rfc3339(ends)), ttl]
    for _ in range(COUNTING_ROUNDS):
        if updated(row, [Attempts.events.add(events)], (Attempts.ends > stamp) & (held < most)):
            return len(row.events or ()), row.ends
        if updated(row, begin, Attempts.pk.does_not_exist() | (Attempts.ends <= stamp)):
            return len(events), row.ends
        found = patiently(lambda: list(Attempts.query(row.pk, consistent_read=True)))
        if found and found[0].ends > stamp and len(found[0].events or ()) >= most:
            return len(found[0].events or ()), found[0].ends
    raise Busy(f"failed attempts were counted {COUNTING_ROUNDS} times by others at once")


def add_failing(where: str, minute: str, endpoints: set[str], most: int, expires: datetime) -> None:
    """Note endpoints that failed in a minute, `2026-11-22T14:05`, while fewer than `most` are noted. Raises Busy."""
    held = size(Failing.endpoints)  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    room = Failing.endpoints.does_not_exist() | (held < most)
    actions: list[Action] = [Failing.endpoints.add(endpoints), Failing.ttl.set(int(expires.timestamp()))]
    updated(Failing(f"CASC#{where}", minute), actions, room)


def failing(where: str, first: str) -> set[str]:
    """The endpoints that failed from a minute on, as it is now. Raises Busy."""
    found = patiently(lambda: list(Failing.query(f"CASC#{where}", Failing.sk >= first, consistent_read=True)))
    return {endpoint for row in found for endpoint in row.endpoints or ()}
