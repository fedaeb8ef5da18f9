"""DynamoDB: connection settings, and patience with a table that is busy."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection import TableConnection, base
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib import aws
from chalicelib.errors import Unavailable

# PynamoDB makes a session per table and thread, and takes none from outside.
base.get_session = lambda env_vars=None: aws.session()  # type: ignore[attr-defined]  # noqa: ARG005  # its signature

T = TypeVar("T")
R = TypeVar("R", bound=Model)
Key = tuple[str, str]
RawRow = dict[str, Any]

MAX_BATCH_READ: Final = 100
MAX_BATCH_WRITE: Final = 25

TRIES: Final = 4
FIRST_PAUSE_S: Final = 0.03

_PASSING: Final = frozenset(
    {
        "500",
        "502",
        "503",
        "504",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


class Connection:
    """PynamoDB's Meta for every table. Its own retries are off: they wait up to seconds, `patiently` milliseconds."""

    # All tries together, and the queue after them, end before the function does.
    connect_timeout_seconds = 1
    read_timeout_seconds = 3
    max_retry_attempts = 0
    max_pool_connections = 50


class Busy(Unavailable):
    """DynamoDB kept throttling, conflicting or failing; nothing is known to be wrong with the request."""

    def __init__(self, reason: str) -> None:
        super().__init__("The database is busy; try again shortly.")
        self.reason = reason


def patiently(
    step: Callable[[], T],
    *,
    tries: int = TRIES,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """Run a step that is safe to repeat until it is not in the way of others; full jitter between the tries.

    Raises Busy after the last try; errors that will not pass are raised as they come.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    for attempt in range(tries):
        try:
            return step()
        except (PynamoDBException, Busy) as error:
            if not _passes(error):
                raise
            if attempt == tries - 1:
                raise Busy(str(error)) from error
            sleep(jitter() * FIRST_PAUSE_S * 2**attempt)
    raise AssertionError("unreachable: the last try returns or raises")


def find_row(kind: type[R], pk: str, sk: str, *, consistent: bool = True) -> R | None:
    """A row as it is now, None where there is none. Raises Busy.

    Without `consistent`, at half the price, as it is, or was some milliseconds ago.
    """
    try:
        return patiently(lambda: kind.get(pk, sk, consistent_read=consistent))
    except kind.DoesNotExist:
        return None


def query_rows(table: TableConnection, pk: str, condition: Condition, *, consistent: bool = True) -> Iterator[RawRow]:
    """A partition's rows in a range of sort keys, in their order, as the store returns them. Raises Busy.

    One query for each megabyte: a page ends with that, however few rows it has.
    """
    start: RawRow | None = None

    def next_page() -> RawRow:
        return table.query(pk, condition, consistent_read=consistent, exclusive_start_key=start)

    while True:
        page = patiently(next_page)
        yield from page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return


def read_rows(table: TableConnection, keys: Sequence[Key], *, consistent: bool = False) -> dict[Key, RawRow]:
    """Rows as the store returns them, by key, in as few batch reads as there can be. Raises Busy.

    As they are now if `consistent`, at twice the price; else as they are, or were some milliseconds ago.
    """
    rows: dict[Key, RawRow] = {}
    for start in range(0, len(keys), MAX_BATCH_READ):
        pending = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys[start : start + MAX_BATCH_READ]]

        def read_pending(pending: list[RawRow] = pending) -> None:
            answer = table.batch_get_item(pending, consistent_read=consistent)  # type: ignore[arg-type]  # PynamoDB takes typed keys, says strings
            for row in answer["Responses"].get(table.table_name, []):
                rows[row["pk"]["S"], row["sk"]["S"]] = row
            pending[:] = answer.get("UnprocessedKeys", {}).get(table.table_name, {}).get("Keys", [])
            if pending:
                raise Busy(f"{len(pending)} keys were left unread")

        patiently(read_pending)
    return rows


def delete_rows(table: TableConnection, keys: Sequence[Key]) -> None:
    """Delete rows in batches; those already gone are no matter. Raises Busy."""
    for start in range(0, len(keys), MAX_BATCH_WRITE):
        pending = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys[start : start + MAX_BATCH_WRITE]]

        def delete_pending(pending: list[RawRow] = pending) -> None:
            answer = table.batch_write_item(delete_items=pending)
            left = answer.get("UnprocessedItems", {}).get(table.table_name, [])
            pending[:] = [item["DeleteRequest"]["Key"] for item in left]
            if pending:
                raise Busy(f"{len(pending)} rows were left undeleted")

        patiently(delete_pending)


def saved(row: Model, condition: Condition) -> bool:
    """Write a row whole if the condition holds; returns whether it did, as `written` has it. Raises Busy."""
    return written(lambda: row.save(condition))


def updated(row: Model, actions: list[Action], condition: Condition) -> bool:
    """Update a row if the condition holds; returns whether it did, as `written` has it. Raises Busy."""
    return written(lambda: row.update(actions, condition))


def deleted(row: Model, condition: Condition) -> bool:
    """Delete a row if the condition holds; returns whether it did, as `written` has it. Raises Busy."""
    return written(lambda: row.delete(condition))


def written(write: Callable[[], object]) -> bool:
    """Make a write that may have a condition; returns whether that held. Raises Busy.

    Where an earlier try was made and its answer lost, the condition may hold no more: a caller for whom that differs
    looks at what is there.
    """
    try:
        patiently(write)
    except PynamoDBException as error:
        if _condition_failed(error):
            return False
        raise
    return True


def commit(table: TableConnection, fill: Callable[[TransactWrite], None], *, tries: int = TRIES) -> None:
    """Commit what `fill` adds to a transaction, the same for each try.

    Raises PynamoDB's TransactWriteError where a condition did not hold, and Busy.
    """
    # One token for all tries: a try whose answer was lost is not made twice.
    token = uuid.uuid4().hex

    def attempt() -> None:
        with TransactWrite(connection=table.connection, client_request_token=token) as transaction:
            fill(transaction)

    patiently(attempt, tries=tries)


def committed(table: TableConnection, fill: Callable[[TransactWrite], None], *, tries: int = TRIES) -> bool:
    """Commit what `fill` adds to a transaction; returns False where a condition did not hold. Raises Busy."""
    try:
        commit(table, fill, tries=tries)
    except TransactWriteError as error:
        if _condition_failed(error):
            return False
        raise
    return True


def _condition_failed(error: PynamoDBException) -> bool:
    """Whether a write was refused because its own condition did not hold."""
    if isinstance(error, TransactWriteError):
        return any(failed_conditions(error))
    return error.cause_response_code == "ConditionalCheckFailedException"


def failed_conditions(error: TransactWriteError) -> list[bool]:
    """For each item of a cancelled transaction, whether its condition did not hold."""
    return [bool(reason and reason.code == "ConditionalCheckFailed") for reason in error.cancellation_reasons]


def _passes(error: PynamoDBException | Busy) -> bool:
    if isinstance(error, Busy) or isinstance(error.cause, BotoCoreError):
        return True
    if isinstance(error, TransactWriteError) and error.cause_response_code == "TransactionCanceledException":
        codes = [reason.code for reason in error.cancellation_reasons if reason]
        return any(code in _PASSING for code in codes) and "ConditionalCheckFailed" not in codes
    return isinstance(error.cause, ClientError) and error.cause_response_code in _PASSING
