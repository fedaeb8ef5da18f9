"""The tasks table: its rows, and every DynamoDB expression of the area.

pk / sk                            holds
TD#<task> / META                   Task: what recurs, and the cursor, which is the next date to be made
TD#<task> / L#<at>#<id>            Audit: what an operator did
TI#<task> / D#<date>               Instance: the key is what makes it one per task and date
TI#<task> / S#<date>               Skipped: dates that were passed over, from this one on, and why
PU#<purge> / META                  Purge: who purged, and when
PU#<purge> / C#<task>#<date>       Copy of an instance that was purged
SCHEDULER / HEARTBEAT              Heartbeat of the scheduled function
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pynamodb.attributes import Attribute, BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.clock import parse, rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import (
    Connection,
    RawRow,
    committed,
    delete_rows,
    deleted,
    find_row,
    patiently,
    query_rows,
    read_rows,
)
from chalicelib.rows import AuditRow, FirstIndex, KeysOnly, SecondIndex, TwiceIndexed

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

# One partition of an index takes 1,000 writes a second, a new table 4,000. The first digit of an id tells its shard.
DUE_SHARDS: Final = 16
DAY_SHARDS: Final = 4
# A transaction holds 100 items: the task, its audit row, and two for each instance.
PURGED_AT_ONCE: Final = 49
PURGES_KEPT_FOR: Final = timedelta(days=90)
_PAGE: Final = 500

_TASK_ID: Final = re.compile(r"[0-9a-f]{32}")
_INSTANCE_ID: Final = re.compile(r"([0-9a-f]{32})-([0-9]{4}-[0-9]{2}-[0-9]{2})")


class Cursor(NamedTuple):
    """The next date of a task to be made, and when that is due; None where the scheduled function is to leave it."""

    next_date: date | None
    due_at: datetime | None


class ByDue(FirstIndex):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    class Meta(KeysOnly):
        index_name = "by_due"


class ByList(SecondIndex):  # type: ignore[no-untyped-call]  # as above
    class Meta(KeysOnly):
        index_name = "by_list"


class Row(TwiceIndexed):
    """What every row of the table has; also what its indexes return."""

    class Meta(Connection):
        table_name = config().resource("tasks")

    by_due = ByDue()
    by_list = ByList()


table = Row.table
table()


class Task(Row):
    """A task. Dates are local to its `zone`, as ISO 8601; `at` is HH:MM.

    `rule` and `until` are what `recurrence`, the caller's own words, was read as. While the task is active its index
    key says when `next_date`, the cursor, is due; there is none while it is paused, past its `end` or out of dates.
    `version` grows with every change of an operator's. Once `deleting`, the index key stays until all of it is gone.
    """

    title = UnicodeAttribute()
    payload: Attribute[Any] = JSONAttribute(null=True)
    recurrence = UnicodeAttribute()
    rule = UnicodeAttribute()
    until = UnicodeAttribute(null=True)
    zone = UnicodeAttribute()
    at = UnicodeAttribute()
    start = UnicodeAttribute()
    end = UnicodeAttribute(null=True)
    next_date = UnicodeAttribute(null=True)
    paused = BooleanAttribute(default=False)
    deleting = BooleanAttribute(null=True)
    version = NumberAttribute(default=1)
    created_at = UnicodeAttribute()

    @property
    def task_id(self) -> str:
        return self.pk.removeprefix("TD#")

    @property
    def due_at(self) -> datetime | None:
        """When the scheduled function is to see to it."""
        return None if self.g1s is None else parse(self.g1s.rpartition("#")[0])


class Instance(Row):
    """One date's instance of a task, with the task's title and payload as they were when it was made."""

    title = UnicodeAttribute()
    payload: Attribute[Any] = JSONAttribute(null=True)
    at = UnicodeAttribute()
    done = BooleanAttribute(default=False)
    done_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()

    @property
    def task_id(self) -> str:
        return self.pk.removeprefix("TI#")

    @property
    def date(self) -> str:
        return self.sk.removeprefix("D#")


class Skipped(Row):
    """Dates that were not made, from that of the key up to `last`."""

    last = UnicodeAttribute()
    reason = UnicodeAttribute()
    at = UnicodeAttribute()

    @property
    def first(self) -> str:
        return self.sk.removeprefix("S#")


class Purge(Row):
    actor = UnicodeAttribute()
    at = UnicodeAttribute()


class Copy(Row):
    """What an instance was when it was purged. None that was done ever is."""

    title = UnicodeAttribute()
    payload: Attribute[Any] = JSONAttribute(null=True)
    at = UnicodeAttribute()
    created_at = UnicodeAttribute()

    @property
    def task_id(self) -> str:
        return self.sk.split("#")[1]

    @property
    def date(self) -> str:
        return self.sk.split("#")[2]


class Heartbeat(Row):
    """When the scheduled function ran last, and since when the oldest task that it then found was due."""

    last_tick = UnicodeAttribute()
    oldest_due = UnicodeAttribute(null=True)


class Audit(Row, AuditRow):
    pass


def is_task_id(text: str) -> bool:
    """Whether an id has the form of a task's; others are in no row, and may be too long for a key."""
    return _TASK_ID.fullmatch(text) is not None


def instance_key(instance_id: str) -> tuple[str, str] | None:
    """The task and the date that an instance's id names, None where it has not the form of one."""
    found = _INSTANCE_ID.fullmatch(instance_id)
    return (found[1], found[2]) if found else None


def instance(task: Task, day: date, now: datetime) -> Instance:
    """The instance of a task for a date, not written yet."""
    return _instance(task.task_id, day.isoformat(), task, rfc3339(now))


def copy(found: Instance, purge_id: str, now: datetime) -> Copy:
    """The copy of an instance that is to be purged, not written yet."""
    return Copy(
        purge_key(purge_id),
        f"C#{found.task_id}#{found.date}",
        title=found.title,
        payload=found.payload,
        at=found.at,
        created_at=found.created_at,
        ttl=_purge_ttl(now),
    )


def skipped(task: Task, first: date, last: date, reason: str, now: datetime) -> Skipped:
    """What says that dates of a task were passed over, not written yet."""
    key = f"S#{first.isoformat()}"
    return Skipped(f"TI#{task.task_id}", key, last=last.isoformat(), reason=reason, at=rfc3339(now))


def audit(pk: str, actor: str, action: str, now: datetime, *, correlation_id: str, change: object = None) -> Audit:
    """The audit row of what an operator did to the subject of a partition."""
    return Audit.of(pk, actor, action, now, correlation_id=correlation_id, change=change)


def task_key(task_id: str) -> str:
    return f"TD#{task_id}"


def purge_key(purge_id: str) -> str:
    return f"PU#{purge_id}"


def due_key(task_id: str, due_at: datetime | None) -> dict[str, Any]:
    """The attributes by which the scheduled function finds a task once it is due; never, for None."""
    if due_at is None:
        return {"g1p": None, "g1s": None}
    return {"g1p": _due_shard(int(task_id[0], 16)), "g1s": f"{rfc3339(due_at)}#{task_id}"}


def list_key(task_id: str, created_at: str) -> dict[str, Any]:
    """The attributes by which a task is listed."""
    return {"g2p": "TASKS", "g2s": f"{created_at}#{task_id}"}


def _instance(task_id: str, day: str, like: Task | Copy, created_at: str) -> Instance:
    return Instance(
        f"TI#{task_id}",
        f"D#{day}",
        title=like.title,
        payload=like.payload,
        at=like.at,
        created_at=created_at,
        g2p=_day_shard(int(task_id[0], 16)),
        g2s=f"{day}#{like.at}#{task_id}",
    )


def _due_shard(number: int) -> str:
    return f"DUE#{number % DUE_SHARDS:02}"


def _day_shard(number: int) -> str:
    return f"DAY#{number % DAY_SHARDS}"


# -- writing: each returns whether it was done, having written nothing where it was not --------------------------------


def insert(task: Task, others: Sequence[Row]) -> bool:
    """Write a task, unless there is one of its id, with the rows that come with it."""

    def fill(transaction: TransactWrite) -> None:
        transaction.save(task, condition=Task.pk.does_not_exist())
        for other in others:
            transaction.save(other)

    return committed(table(), fill)


def advance(task: Task, cursor: Cursor, made: Instance | None, passed: Sequence[Skipped]) -> bool:
    """Move a task's cursor, with the instance that is made and the dates that are passed over.

    Refused where the task is not as it was read any more, or there is that instance.
    """

    def fill(transaction: TransactWrite) -> None:
        if made is not None:
            transaction.save(made, condition=Instance.pk.does_not_exist())
        for each in passed:
            transaction.save(each)
        transaction.update(_meta(task.task_id), _moved(task.task_id, cursor), condition=_still(task))

    return committed(table(), fill)


def change(task: Task, values: dict[str, Any], cursor: Cursor, others: Sequence[Row]) -> bool:
    """Change a task and its cursor as an operator asked, with the rows that come with it, if it is as it was read."""
    actions: list[Action] = [*_moved(task.task_id, cursor), Task.version.set(int(task.version) + 1)]
    actions += [_assigned(getattr(Task, name), value) for name, value in values.items()]

    def fill(transaction: TransactWrite) -> None:
        transaction.update(_meta(task.task_id), actions, condition=_still(task))
        for other in others:
            transaction.save(other)

    return committed(table(), fill)


def finish_instance(found: Instance, done_at: str | None, audit: Audit) -> bool:
    """Mark an instance as done at a time, or as not done while its task is there, if it is as it was read."""
    actions = [Instance.done.set(done_at is not None), _assigned(Instance.done_at, done_at)]

    def fill(transaction: TransactWrite) -> None:
        transaction.update(Instance(found.pk, found.sk), actions, condition=Instance.done == found.done)
        transaction.save(audit)
        if done_at is None:
            transaction.condition_check(Task, task_key(found.task_id), "META", condition=_present())

    return committed(table(), fill)


def begin_purge(purge_id: str, actor: str, now: datetime) -> None:
    """Note that a purge begins, so that what it copies can be found."""
    purge = Purge(purge_key(purge_id), "META", actor=actor, at=rfc3339(now), ttl=_purge_ttl(now))
    patiently(purge.save)


def purge(task: Task, cursor: Cursor, found: Sequence[Instance], copies: Sequence[Copy], audit: Audit) -> bool:
    """Delete instances of a task that are not done, keep copies of them, and move the task's cursor.

    At most PURGED_AT_ONCE. Refused where the task is not as it was read any more, or one of them is done or gone.
    """

    def fill(transaction: TransactWrite) -> None:
        transaction.update(_meta(task.task_id), _moved(task.task_id, cursor), condition=_still(task))
        transaction.save(audit)
        for copy in copies:
            transaction.save(copy)
        for each in found:
            transaction.delete(Instance(each.pk, each.sk), condition=_open())

    return committed(table(), fill)


def restore(copy: Copy) -> bool:
    """Put a purged instance back, unless its task is gone or there is one for its date."""

    def fill(transaction: TransactWrite) -> None:
        transaction.condition_check(Task, task_key(copy.task_id), "META", condition=_present())
        transaction.save(
            _instance(copy.task_id, copy.date, copy, copy.created_at), condition=Instance.pk.does_not_exist()
        )
        transaction.delete(Copy(copy.pk, copy.sk))

    return committed(table(), fill)


def note(audit: Audit) -> None:
    """Write an audit row by itself."""
    patiently(audit.save)


def forget(copy: Copy) -> None:
    """Remove the copy of a purged instance."""
    patiently(copy.delete)


def begin_delete(task: Task, audit: Audit, now: datetime) -> bool:
    """Hide a task from every reader, and have the scheduled function see to the rest, unless it is gone or going."""
    actions: list[Action] = [
        Task.deleting.set(value=True),
        *_due(task.task_id, now),
        Task.g2p.remove(),
        Task.g2s.remove(),
    ]

    def fill(transaction: TransactWrite) -> None:
        transaction.update(_meta(task.task_id), actions, condition=_present())
        transaction.save(audit)

    return committed(table(), fill)


def drop(found: Instance) -> bool:
    """Delete an instance that is not done."""
    return deleted(Instance(found.pk, found.sk), _open())


def drop_skipped(task_id: str) -> None:
    """Delete what says that dates of a task were passed over."""
    found = query_rows(table(), f"TI#{task_id}", Row.sk.between("S#", "S#~"))
    delete_rows(table(), [(row["pk"]["S"], row["sk"]["S"]) for row in found])


def end_delete(task_id: str) -> None:
    """Remove the row of a task whose open instances are gone. Safe to repeat."""
    patiently(_meta(task_id).delete)


def beat(now: datetime, oldest_due: str | None) -> None:
    """Note that the scheduled function ran."""
    patiently(Heartbeat("SCHEDULER", "HEARTBEAT", last_tick=rfc3339(now), oldest_due=oldest_due).save)


def _meta(task_id: str) -> Task:
    return Task(task_key(task_id), "META")


def _purge_ttl(now: datetime) -> int:
    return int((now + PURGES_KEPT_FOR).timestamp())


def _moved(task_id: str, cursor: Cursor) -> "list[Action]":
    next_date = None if cursor.next_date is None else cursor.next_date.isoformat()
    return [_assigned(Task.next_date, next_date), *_due(task_id, cursor.due_at)]


def _due(task_id: str, due_at: datetime | None) -> "list[Action]":
    return [_assigned(getattr(Task, name), value) for name, value in due_key(task_id, due_at).items()]


def _assigned(attribute: Attribute[Any], value: Any) -> "Action":
    return attribute.remove() if value is None else attribute.set(value)


def _present() -> Condition:
    present: Condition = Task.pk.exists() & Task.deleting.does_not_exist()
    return present


def _still(task: Task) -> Condition:
    """The task is as it was read, so that what was decided upon it is right."""
    cursor = Task.next_date.does_not_exist() if task.next_date is None else Task.next_date == task.next_date
    still: Condition = (Task.version == task.version) & cursor & Task.deleting.does_not_exist()
    return still


def _open() -> Condition:
    found: Condition = Instance.done == False  # noqa: E712  # PynamoDB makes an expression of it
    return found


# -- reading ----------------------------------------------------------------------------------------------------------


def find(task_id: str) -> Task | None:
    """A task as it is now, one that is being deleted too."""
    return find_row(Task, task_key(task_id), "META")


def is_there(task_id: str) -> bool:
    """Whether there is a task that is not being deleted."""
    task = find(task_id)
    return task is not None and not task.deleting


def find_many(task_ids: Iterable[str]) -> dict[str, Task]:
    """Tasks by their ids, those being deleted too; as they are, or were some milliseconds ago."""
    return {task_id: read(row) for task_id, row in find_rows(task_ids).items()}


def find_rows(task_ids: Iterable[str]) -> dict[str, RawRow]:
    """The same, each to be read by itself: one that cannot be is in nobody's way."""
    raw = read_rows(table(), [(task_key(each), "META") for each in dict.fromkeys(task_ids)])
    return {pk.removeprefix("TD#"): row for (pk, _), row in raw.items()}


def read(row: RawRow) -> Task:
    """The task of a row. Raises whatever PynamoDB does for one that is none of ours."""
    return Task.from_raw_data(row)


def find_instance(task_id: str, day: str) -> Instance | None:
    """An instance as it is now."""
    return find_row(Instance, f"TI#{task_id}", f"D#{day}")


def find_instances(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Instance]:
    """Instances as they are now, by task and date."""
    raw = read_rows(table(), [(f"TI#{task_id}", f"D#{day}") for task_id, day in keys], consistent=True)
    found = [Instance.from_raw_data(row) for row in raw.values()]
    return {(each.task_id, each.date): each for each in found}


def find_skipped(task_id: str, most: int) -> list[Skipped]:
    """Dates of a task that were passed over, the newest first."""
    raw = patiently(
        lambda: table().query(f"TI#{task_id}", Row.sk.startswith("S#"), scan_index_forward=False, limit=most)["Items"]
    )
    return [Skipped.from_raw_data(row) for row in raw]


def find_purge(purge_id: str) -> Purge | None:
    """A purge, while its copies are kept or some time longer."""
    return find_row(Purge, purge_key(purge_id), "META")


def find_heartbeat() -> Heartbeat | None:
    """The heartbeat, as it is or was some milliseconds ago; None where the scheduled function has never run."""
    return find_row(Heartbeat, "SCHEDULER", "HEARTBEAT", consistent=False)


def copies(purge_id: str) -> Iterator[Copy]:
    """All copies of purged instances, by task and date."""
    for row in query_rows(table(), purge_key(purge_id), Row.sk.between("C#", "C#~")):
        yield Copy.from_raw_data(row)


def instances(task_id: str, before: str | None, most: int) -> list[Instance]:
    """A task's instances, the latest date first, from below `before`. One query, and one more for each megabyte."""
    condition = Instance.sk < f"D#{before or '~'}"
    return patiently(
        lambda: list(
            Instance.query(f"TI#{task_id}", condition, consistent_read=True, scan_index_forward=False, limit=most)
        )
    )


def instances_after(task_id: str, day: str | None) -> Iterator[Instance]:
    """All instances of a task that are dated after a day, or simply all, the earliest first."""
    first = "D#" if day is None else f"D#{day}~"
    for row in query_rows(table(), f"TI#{task_id}", Row.sk.between(first, "D#~")):
        yield Instance.from_raw_data(row)


def due(shard: int, now: datetime, most: int) -> list[str]:
    """Index positions (`<due at>#<id>`) of a shard's tasks that are due, the longest due first. One query."""
    condition = ByDue.g1s < f"{rfc3339(now)}#~"
    found = patiently(lambda: list(Row.by_due.query(_due_shard(shard), condition, limit=most)))
    return [str(row.g1s) for row in found]


def positions(before: str | None, most: int) -> list[str]:
    """Index positions (`<created at>#<id>`) of tasks, the newest first, from below `before`. One query."""
    condition = None if before is None else ByList.g2s < before
    found = patiently(lambda: list(Row.by_list.query("TASKS", condition, scan_index_forward=False, limit=most)))
    return [str(row.g2s) for row in found]


def day_positions(shard: int, after: str, until: str, most: int) -> list[str]:
    """Index positions (`<date>#<local time>#<task id>`) of a shard's instances, from above `after` up to `until`."""
    # Nothing lies between a position and itself with a space.
    condition = ByList.g2s.between(f"{after} ", until)
    found = patiently(lambda: list(Row.by_list.query(_day_shard(shard), condition, limit=most)))
    return [str(row.g2s) for row in found]


def positions_after(shard: int, day: str) -> Iterator[str]:
    """All index positions of a shard's instances that are dated after a day, in as many queries as it takes."""
    after = f"{day}#~"
    while found := day_positions(shard, after, "~", _PAGE):
        yield from found
        after = found[-1]
