"""Rows of this area, in the incidents table, as what fails here becomes an incident there.

pk / sk                                  holds
MON#<project> / <monitor>#<environment>  Heartbeat: the last check-ins of one monitor in one environment
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib import rows
from chalicelib.config import config
from chalicelib.dynamodb import Connection, patiently, updated

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action


OF_THE_MONITOR: Final = ("schedule", "timezone", "margin", "longest")


class Row(rows.Row):
    """What every row of the area has."""

    class Meta(Connection):
        table_name = config().resource("incidents")


table = Row.table
table()


class Heartbeat(Row):
    """`schedule` is a crontab line, or `every <n> <unit>`; `margin` and `longest` are minutes, `duration` seconds."""

    status = UnicodeAttribute()
    check_in_id = UnicodeAttribute(null=True)
    last_check_in = UnicodeAttribute()
    last_started = UnicodeAttribute(null=True)
    last_ok = UnicodeAttribute(null=True)
    last_error = UnicodeAttribute(null=True)
    duration = NumberAttribute(null=True)
    schedule = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    margin = NumberAttribute(null=True)
    longest = NumberAttribute(null=True)
    release = UnicodeAttribute(null=True)

    @property
    def monitor(self) -> str:
        return self.sk.partition("#")[0]

    @property
    def environment(self) -> str:
        return self.sk.partition("#")[2]


def beat(project_id: str, monitor: str, environment: str, facts: Mapping[str, Any], expires: datetime) -> None:
    """Note a check-in; facts that it does not name stay. Safe to repeat. Raises Busy.

    A run that has ended stays so when the news of its beginning comes after that of its end. What that says of the
    monitor itself counts all the same: some SDKs say it only when a run begins.
    """
    row = Heartbeat(f"MON#{project_id}", f"{monitor}#{environment}")
    if facts["status"] != "in_progress" or not facts["check_in_id"]:
        patiently(lambda: row.update(_actions(facts, expires)))
        return
    begun: Condition = Heartbeat.check_in_id.does_not_exist() | (Heartbeat.check_in_id != facts["check_in_id"])
    if not updated(row, _actions(facts, expires), begun):
        patiently(lambda: row.update(_actions({name: facts[name] for name in OF_THE_MONITOR}, expires)))


def _actions(facts: Mapping[str, Any], expires: datetime) -> "list[Action]":
    actions: list[Action] = [getattr(Heartbeat, name).set(value) for name, value in facts.items() if value is not None]
    return [*actions, Heartbeat.ttl.set(int(expires.timestamp()))]


def page(project_id: str, after: str | None, most: int) -> list[Heartbeat]:
    """Heartbeats by the names of their monitors, from above the position `after`. One query."""
    condition = None if after is None else Heartbeat.sk > after
    return patiently(lambda: list(Heartbeat.query(f"MON#{project_id}", condition, limit=most)))
