"""The projects table: its rows, and every DynamoDB expression of the area.

pk / sk                          holds
PROJECTS / <id, 10 digits>       Project: settings and keys
KEY#<key> / META                 IngestKey: whose key it is
USE#<project> / M#<minute>       Minute: reports taken out of the minute's quota
USE#<project> / D#<date>         Day: reports refused
PRJ#<project> / L#<at>#<id>      Audit: what an operator did
SEQUENCE / PROJECT               Sequence: the last project id given
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pynamodb.attributes import (
    Attribute,
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.expressions.condition import size
from pynamodb.transactions import TransactWrite

from chalicelib import rows
from chalicelib.clock import rfc3339
from chalicelib.config import FIRST_PROJECT, config
from chalicelib.dynamodb import Connection, committed, find_row, patiently
from chalicelib.rows import AuditRow

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

_PROJECT_ID: Final = re.compile(r"[1-9][0-9]{0,9}")
_KEY: Final = re.compile(r"[0-9a-f]{32}")
MINUTE_KEPT_FOR: Final = timedelta(hours=1)
DAY_KEPT_FOR: Final = timedelta(days=90)


class Row(rows.Row):
    """What every row of the table has."""

    class Meta(Connection):
        table_name = config().resource("projects")


table = Row.table
table()


class Project(Row):
    name = UnicodeAttribute()
    ingest_keys = UnicodeSetAttribute(null=True)
    quota_per_minute = NumberAttribute(default=0)
    allowed_origins: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    retention_days = NumberAttribute()
    scrub: Attribute[Any] = JSONAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()

    @property
    def project_id(self) -> str:
        return str(int(self.sk))


class IngestKey(Row):
    project_id = UnicodeAttribute()


class Minute(Row):
    taken = NumberAttribute(default=0)


class Day(Row):
    refused = NumberAttribute(default=0)


class Audit(Row, AuditRow):
    pass


class Sequence(Row):
    last = NumberAttribute()


# -- projects ---------------------------------------------------------------------------------------------------------


def find(project_id: str) -> Project | None:
    """A project as it is now."""
    return find_row(Project, "PROJECTS", position(project_id))


def page(after: str | None, most: int) -> list[Project]:
    """Projects in the order of their ids, from above the position `after`. One query."""
    condition = None if after is None else Project.sk > after
    return patiently(lambda: list(Project.query("PROJECTS", condition, limit=most, consistent_read=True)))


def next_id() -> str:
    """A project id that was never given before."""
    sequence = Sequence("SEQUENCE", "PROJECT")
    patiently(lambda: sequence.update([Sequence.last.set((Sequence.last | int(FIRST_PROJECT)) + 1)]))
    return str(int(sequence.last))


def make(project: Project, key: str, audit: Audit) -> bool:
    """Write a project with its first key; returns False, having written nothing, where the project or key exists."""

    def fill(transaction: TransactWrite) -> None:
        transaction.save(project, condition=Project.pk.does_not_exist())
        transaction.save(_key(key, project.project_id), condition=IngestKey.pk.does_not_exist())
        transaction.save(audit)

    return committed(table(), fill)


def change(project: Project, changes: Mapping[str, Any], audit: Audit, now: datetime) -> bool:
    """Set fields of a project; returns False where it is gone."""
    actions: list[Action] = [getattr(Project, name).set(value) for name, value in changes.items()]

    def fill(transaction: TransactWrite) -> None:
        transaction.save(audit)
        transaction.update(project, [*actions, Project.updated_at.set(rfc3339(now))], condition=Project.pk.exists())

    return committed(table(), fill)


def add_key(project: Project, key: str, most: int, audit: Audit) -> bool:
    """Give a project one more key; returns False where it has `most` already."""
    held = size(Project.ingest_keys)  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    room = Project.pk.exists() & (Project.ingest_keys.does_not_exist() | (held < most))

    def fill(transaction: TransactWrite) -> None:
        transaction.save(_key(key, project.project_id), condition=IngestKey.pk.does_not_exist())
        transaction.save(audit)
        transaction.update(project, [Project.ingest_keys.add({key})], condition=room)

    return committed(table(), fill)


def revoke_key(project: Project, key: str, audit: Audit) -> bool:
    """Take a key from a project; returns False where it is not one of its keys."""

    def fill(transaction: TransactWrite) -> None:
        transaction.delete(_key(key, project.project_id), condition=IngestKey.project_id == project.project_id)
        transaction.save(audit)
        transaction.update(project, [Project.ingest_keys.delete({key})])

    return committed(table(), fill)


def owner(key: str) -> str | None:
    """The id of the project that a key belongs to."""
    found = find_row(IngestKey, f"KEY#{key}", "META")
    return found.project_id if found else None


def audit(project_id: str, actor: str, action: str, now: datetime, *, correlation_id: str, change: object) -> Audit:
    """The audit row of an operator's change."""
    return Audit.of(f"PRJ#{project_id}", actor, action, now, correlation_id=correlation_id, change=change)


def is_project_id(text: str) -> bool:
    """Whether an id has the form of a project's."""
    return _PROJECT_ID.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether a text has the form of an ingest key: 32 hex digits."""
    return _KEY.fullmatch(text) is not None


def position(project_id: str) -> str:
    """Where a project stands among the projects: its id in ten digits, so that they sort as numbers."""
    return f"{int(project_id):010d}"


# -- quotas -----------------------------------------------------------------------------------------------------------


def take(project_id: str, minute: str, many: int, now: datetime) -> int:
    """Take reports out of a minute's quota; returns how many all containers have taken."""
    row = Minute(f"USE#{project_id}", f"M#{minute}")
    ttl = int((now + MINUTE_KEPT_FOR).timestamp())
    patiently(lambda: row.update([Minute.taken.add(many), Minute.ttl.set(ttl)]))
    return int(row.taken)


def add_refused(project_id: str, date: str, many: int, now: datetime) -> None:
    """Count refused reports."""
    row = Day(f"USE#{project_id}", f"D#{date}")
    patiently(lambda: row.update([Day.refused.add(many), Day.ttl.set(int((now + DAY_KEPT_FOR).timestamp()))]))


def refused(project_id: str, date: str) -> int:
    """How many reports were refused on a date (UTC)."""
    found = find_row(Day, f"USE#{project_id}", f"D#{date}", consistent=False)
    return int(found.refused) if found else 0


def _key(key: str, project_id: str) -> IngestKey:
    return IngestKey(f"KEY#{key}", "META", project_id=project_id)
