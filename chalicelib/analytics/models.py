"""The analytics table: its rows, and every DynamoDB expression of the area.

pk / sk                                          holds
R#<project>#<metric> / <period>                  Tallies of a metric: counters of all dimensions, each its own attribute
B#<project>#<endpoint> / <period>                Bins: how many requests took how long, and `n` in all
U#<project>#<metric>#<dimension> / <period>      Users: a sketch of distinct users
F#<project> / <received_at>#<batch>              Batch: events that came together, for the feed
WATCH / <subject>                                Open: what a watch told of, and has not ended
NIGHT / <period>                                 Made: when the nightly run made an hour anew, or summed up a day

A period is an hour, `H2026-11-22T14`, or a day, `D2026-11-22`. In a row of tallies a counter is `<field>|<dimension>`;
those without a dimension count all of them, and `dims` how many there are. What the fields of each metric are
`tallying` says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from pynamodb.attributes import BinaryAttribute, BinarySetAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.operand import Path

from chalicelib import rows
from chalicelib.clock import parse, rfc3339
from chalicelib.config import config
from chalicelib.dynamodb import Connection, Key, RawRow, deleted, patiently, query_rows, read_rows, updated, written

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

Metric = Literal["events", "endpoints", "features", "trials", "ai", "cache", "registered"]

MOST_DIMENSIONS: Final = 50
# Of which there is but a name and a number.
MOST_REGISTERED: Final = 500
# What those beyond them count as; it is none of them.
OTHER: Final = "other"
# So many counters fit into one expression, in DynamoDB and in what stands in for it.
MOST_COUNTERS: Final = 100
ROLLUPS_KEPT_FOR: Final = timedelta(days=100)
FEED_KEPT_FOR: Final = timedelta(days=7)
OPEN_KEPT_FOR: Final = timedelta(days=30)


class Row(rows.Row):
    """What every row of the table has. Counters have names of their own making, so no attributes here."""

    class Meta(Connection):
        table_name = config().resource("analytics")


table = Row.table
table()


class Counted(Row):
    """A row of counters. Every write of it adds to `n`."""

    n = NumberAttribute(default=0)
    dims = NumberAttribute(default=0)


class Users(Row):
    """`hashes` are those below 2^-halvings of the hash space; `chalicelib.distinct` explains."""

    hashes = BinarySetAttribute(legacy_encoding=False, null=True)
    halvings = NumberAttribute(default=0)


class Batch(Row):
    """`events` are a JSON list, compressed by zlib."""

    events = BinaryAttribute(legacy_encoding=False)


class Open(Row):
    """`last` is when a watch last found it so."""

    last = UnicodeAttribute()

    @property
    def subject(self) -> str:
        return self.sk


class Made(Row):
    """`at` is when the run began."""

    at = UnicodeAttribute()


# -- keys -------------------------------------------------------------------------------------------------------------


def tally_key(project_id: str, metric: Metric) -> str:
    return f"R#{project_id}#{metric}"


def bins_key(project_id: str, endpoint: str) -> str:
    return f"B#{project_id}#{endpoint}"


def users_key(project_id: str, metric: str, dimension: str) -> str:
    return f"U#{project_id}#{metric}#{dimension}"


def feed_key(project_id: str) -> str:
    return f"F#{project_id}"


def hour_key(moment: datetime) -> str:
    """`H2026-11-22T14`. `moment` is in UTC."""
    return f"H{moment:%Y-%m-%dT%H}"


def day_key(day: date) -> str:
    """`D2026-11-22`."""
    return f"D{day:%Y-%m-%d}"


def expires(period: str) -> int:
    """The TTL, in epoch seconds, of a roll-up: so long from the beginning of its hour or day."""
    day, _, hour = period[1:].partition("T")
    return int((datetime.fromisoformat(f"{day}T{hour or '00'}:00Z") + ROLLUPS_KEPT_FOR).timestamp())


def most_dimensions(metric: Metric) -> int:
    """How many dimensions of a metric have counters of their own in an hour, or a day."""
    return MOST_REGISTERED if metric == "registered" else MOST_DIMENSIONS


class _Attribute(Path):
    """An attribute of any name: PynamoDB's own Path takes brackets for an index."""

    def _serialize_value(self, value: list[str], placeholder_names: dict[str, str], _: dict[str, Any]) -> str:
        return placeholder_names.setdefault(value[0], f"#{len(placeholder_names)}")


# -- counters ---------------------------------------------------------------------------------------------------------


def add(pk: str, sk: str, amounts: Mapping[str, int], *, admitted: int = 0, found: int = 0) -> bool:
    """Add amounts, by attribute, to a row of counters; returns whether it was done.

    `admitted` of its dimensions are new, which takes that the row still has the `found` dimensions that it was found
    with: so nobody else admitted one meanwhile, and all get in or none. A write takes `MOST_COUNTERS`; the first must
    have one of each new dimension. Where an answer was lost, amounts may be added twice. Raises Busy.
    """
    names = list(amounts)
    for start in range(0, len(names), MOST_COUNTERS):
        actions: list[Action] = [_Attribute([name]).add(amounts[name]) for name in names[start : start + MOST_COUNTERS]]
        actions.append(Row.ttl.set(expires(sk)))
        condition: Condition | None = None
        if admitted and not start:
            actions.append(Counted.dims.add(admitted))
            condition = Counted.dims == found if found else Counted.dims.does_not_exist()
        if not written(lambda a=actions, c=condition: table().update_item(pk, sk, a, c)):  # type: ignore[misc]  # bound now
            return False
    return True


def overwrite(pk: str, sk: str, amounts: Mapping[str, int], *, found: int | None) -> bool:
    """Put a row of counters in place of one whose `n` is still `found`, None being no row; returns whether it was.

    Raises Busy.
    """
    dimensions = {name.partition("|")[2] for name in amounts if "|" in name} - {OTHER}
    row: RawRow = {name: {"N": str(amount)} for name, amount in amounts.items()}
    row["ttl"] = {"N": str(expires(sk))}
    if dimensions:
        row["dims"] = {"N": str(len(dimensions))}
    unchanged: Condition = Counted.n.does_not_exist() if found is None else Counted.n == found
    return written(lambda: table().put_item(pk, sk, row, unchanged))


def numbers(row: RawRow) -> dict[str, int]:
    """The counters of a row as the store returns it, by attribute, without `dims`."""
    return {name: int(value["N"]) for name, value in row.items() if "N" in value and name not in ("ttl", "dims")}


# -- users ------------------------------------------------------------------------------------------------------------


def add_users(pk: str, sk: str, hashes: set[bytes]) -> tuple[set[bytes], int]:
    """Put users' hashes into a sketch, in one write; returns the hashes that it holds then, and its halvings.

    Raises Busy.
    """
    users = Users(pk, sk)
    patiently(lambda: users.update([Users.hashes.add(hashes), Users.ttl.set(expires(sk))]))
    return set(users.hashes or ()), int(users.halvings)


def thin_users(pk: str, sk: str, dropped: set[bytes], *, before: int, halvings: int) -> None:
    """Drop hashes from a sketch that was halved `before` times, and is `halvings` times now. Raises Busy.

    Nothing happens where another did so first.
    """
    unhalved = Users.halvings == before if before else Users.halvings.does_not_exist()
    updated(Users(pk, sk), [Users.hashes.delete(dropped), Users.halvings.set(halvings)], unhalved)


def overwrite_users(pk: str, sk: str, hashes: set[bytes], halvings: int) -> None:
    """Put a sketch in place of what is there. Raises Busy."""
    patiently(lambda: Users(pk, sk, hashes=hashes, halvings=halvings, ttl=expires(sk)).save())


def sketch(row: RawRow) -> tuple[set[bytes], int]:
    """The hashes and halvings of a row of users as the store returns it."""
    hashes = row["hashes"]["BS"] if "hashes" in row else []
    return set(hashes), int(row["halvings"]["N"]) if "halvings" in row else 0


# -- reading roll-ups -------------------------------------------------------------------------------------------------


def between(pk: str, first: str, last: str, *, consistent: bool = False) -> Iterator[RawRow]:
    """A partition's rows from one sort key to another, both included, in their order, as the store returns them.

    Raises Busy.
    """
    return query_rows(table(), pk, Row.sk.between(first, last), consistent=consistent)


def read(keys: Sequence[Key], *, consistent: bool = False) -> dict[Key, RawRow]:
    """Rows of any kind, by key, as the store returns them. Raises Busy."""
    return read_rows(table(), keys, consistent=consistent)


# -- the feed ---------------------------------------------------------------------------------------------------------


def keep_batch(project_id: str, received_at: str, batch_id: str, events: bytes) -> None:
    """Keep a batch for the feed. Safe to repeat. Raises Busy."""
    ttl = int((parse(received_at) + FEED_KEPT_FOR).timestamp())
    batch = Batch(feed_key(project_id), f"{received_at}#{batch_id}", events=events, ttl=ttl)
    patiently(batch.save)


def batches(project_id: str, since: str, until: str, most: int) -> list[Batch]:
    """At most so many batches of a project, the newest first, from sort key to sort key, both included. One query.

    Raises Busy.
    """
    reach = Batch.sk.between(since, until)
    return patiently(lambda: list(Batch.query(feed_key(project_id), reach, scan_index_forward=False, limit=most)))


# -- watching ---------------------------------------------------------------------------------------------------------


def keep_open(subject: str, now: datetime) -> None:
    """Note that a watch finds something of a subject now. Raises Busy."""
    patiently(Open("WATCH", subject, last=rfc3339(now), ttl=int((now + OPEN_KEPT_FOR).timestamp())).save)


def opened() -> list[Open]:
    """Everything that watches told of, and that has not ended, as it is now. Raises Busy."""
    return patiently(lambda: list(Open.query("WATCH", consistent_read=True)))


def close(seen: Open) -> None:
    """Note that it has ended, unless a watch found it so again since. Raises Busy."""
    deleted(Open(seen.pk, seen.sk), Open.last == seen.last)


# -- nights -----------------------------------------------------------------------------------------------------------


def keep_made(period: str, now: datetime) -> None:
    """Note that an hour is made anew, or a day summed up. Safe to repeat. Raises Busy."""
    patiently(Made("NIGHT", period, at=rfc3339(now), ttl=expires(period)).save)


def made(periods: Iterable[str]) -> dict[str, datetime]:
    """When hours were made anew, and days summed up, of those that ever were. Raises Busy."""
    found = read([("NIGHT", period) for period in periods], consistent=True)
    return {period: parse(row["at"]["S"]) for (_, period), row in found.items()}
