"""A store: DynamoDB in memory, with its conditions, indexes and transactions, for tests that try every order of calls.

It answers botocore's calls in place of the network, in microseconds; what this project does not send is NotUnderstood.
Not here: throttling and TransactionConflict (`faults.storm` injects both), TTL (which deletes days late), indexes that
lag behind their table, batches and pages of which others see a part, limits on the size of a page or a request, and
tokens that are forgotten after ten minutes.
"""

import operator
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Final, TypeVar
from unittest import mock

from botocore.client import BaseClient

from chalicelib.config import config
from infra import template
from tests import faults
from tests.expressions import Expressions, Invalid, Item, Node, NotUnderstood, Refused, Unfit, copied, taken

T = TypeVar("T")
Keys = tuple[str, ...]
Answer = dict[str, Any]

MAX_ITEM: Final = 409_600
MAX_KEYS: Final = (2048, 1024)
MAX_TRANSACTION: Final = 100
MAX_BATCH_WRITE: Final = 25
MAX_BATCH_READ: Final = 100
MAX_BATCH_SEND: Final = 10

_QUEUE_URL: Final = "https://sqs.eu-central-1.amazonaws.com/123456789012/"


@dataclass(frozen=True, slots=True)
class _View:
    """A table's items, or those that one of its indexes has, by partition and by their place in it.

    `keys` are the view's own. `order` tells its items apart, too: in an index, the table's keys follow.
    """

    keys: Keys
    order: Keys
    partitions: dict[str, dict[Keys, Item]] = field(default_factory=dict)

    def at(self, item: Item) -> tuple[str, Keys] | None:
        """Where an item belongs; None where it lacks a key, so that an index leaves it out."""
        if any(name not in item for name in self.keys):
            return None
        partition, *place = (item[name]["S"] for name in self.order)
        return partition, tuple(place)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table and its indexes. Items in it are never changed, only replaced."""

    name: str
    base: _View
    indexes: dict[str, _View]

    def get(self, key: Item) -> Item | None:
        partition, *place = (key[name]["S"] for name in self.base.keys)
        return self.base.partitions.get(partition, {}).get(tuple(place))

    def replace(self, old: Item | None, new: Item | None) -> None:
        for view in (self.base, *self.indexes.values()):
            if old is not None and (at := view.at(old)):
                del view.partitions[at[0]][at[1]]
            if new is not None and (at := view.at(new)):
                view.partitions.setdefault(at[0], {})[at[1]] = new


@dataclass(slots=True)
class Store:
    """Tables and queues. A call is atomic, whichever thread makes it."""

    tables: dict[str, _Table]
    queues: frozenset[str]
    sent: list[tuple[str, str]] = field(default_factory=list)
    committed: dict[str, list[Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rows(self, noun: str) -> list[Item]:
        """The items of this stage's table of that noun ("tasks"), in the order of their keys."""
        partitions = self.tables[config().resource(noun)].base.partitions.items()
        return [copied(item) for _, places in sorted(partitions) for _, item in sorted(places.items())]

    def messages(self, noun: str) -> list[str]:
        """The bodies that were sent to this stage's queue of that noun ("due-tasks"), in the order of sending."""
        return [body for queue, body in self.sent if queue == config().resource(noun)]

    def received(self, noun: str) -> list[Any]:
        """The messages in this stage's queue of that noun, as SQS hands them out; the queue is empty then."""
        bodies, name = self.messages(noun), config().resource(noun)
        self.sent[:] = [each for each in self.sent if each[0] != name]
        attributes = {"ApproximateReceiveCount": "1"}
        return [
            {"MessageId": str(nth), "ReceiptHandle": "x", "Body": body, "Attributes": attributes, "MD5OfBody": ""}
            for nth, body in enumerate(bodies)
        ]

    def bookmark(self) -> Callable[[], None]:
        """What brings it back to what it holds now, as often as it is called."""
        views = [view for table in self.tables.values() for view in (table.base, *table.indexes.values())]
        kept = [{name: dict(places) for name, places in view.partitions.items()} for view in views]
        sent, committed = list(self.sent), dict(self.committed)

        def restore() -> None:
            for view, partitions in zip(views, kept, strict=True):
                view.partitions.clear()
                view.partitions.update({name: dict(places) for name, places in partitions.items()})
            self.sent[:] = sent
            self.committed.clear()
            self.committed.update(committed)

        return restore


@contextmanager
def installed() -> Iterator[Store]:
    """Answer every AWS call of this process from a new store: the template's tables, empty, and its queues.

    `faults.tapped` goes on top. Queues only note what is sent. Errors are raised as botocore raises them.
    """
    schemas, queues = _declared()
    store = Store({name: _table_of(name, schema) for name, schema in schemas.items()}, queues)

    def answer(client: Any, operation: str, parameters: dict[str, Any]) -> Answer:
        if operation not in _OPERATIONS:
            raise NotUnderstood(operation)
        take, known = _OPERATIONS[operation]
        _understand(operation, parameters, known)
        try:
            with store.lock:
                return take(store, parameters)
        except Refused as refused:
            raise client.exceptions.from_code(refused.code)(refused.response, operation) from None

    with mock.patch.object(BaseClient, "_make_api_call", answer):
        yield store


def _understand(what: str, parameters: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := parameters.keys() - known:
        raise NotUnderstood(f"{what}: {sorted(unknown)}")


# -- what the template declares ---------------------------------------------------------------------------------------

# The keys of a table, and those of its indexes by their names.
_Schema = tuple[Keys, dict[str, Keys]]


@cache
def _declared() -> tuple[dict[str, _Schema], frozenset[str]]:
    """The tables by name, and the queues' names."""
    resources = [each for each in template.load()["Resources"].values() if "Type" in each]
    tables = [each["Properties"] for each in resources if each["Type"] == "AWS::DynamoDB::Table"]
    queues = [each["Properties"] for each in resources if each["Type"] == "AWS::SQS::Queue"]
    return (
        {_resolved(table["TableName"]): _schema(table) for table in tables},
        frozenset(_resolved(queue["QueueName"]) for queue in queues),
    )


def _schema(table: dict[str, Any]) -> _Schema:
    indexes = table.get("GlobalSecondaryIndexes", [])
    if {each["AttributeType"] for each in table["AttributeDefinitions"]} != {"S"}:
        raise NotUnderstood(f"keys that are no strings: {table}")
    if any(index["Projection"] != {"ProjectionType": "KEYS_ONLY"} for index in indexes):
        raise NotUnderstood(f"an index of more than keys: {table}")
    return _keys(table), {index["IndexName"]: _keys(index) for index in indexes}


def _keys(declared: dict[str, Any]) -> Keys:
    hash_first = sorted(declared["KeySchema"], key=operator.itemgetter("KeyType"))
    return tuple(key["AttributeName"] for key in hash_first)


def _resolved(name: dict[str, str]) -> str:
    return name["Fn::Sub"].replace("${Stage}", config().stage)


def _table_of(name: str, schema: _Schema) -> _Table:
    keys, indexes = schema
    return _Table(name, _View(keys, keys), {index: _View(own, own + keys) for index, own in indexes.items()})


# -- writes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Write:
    """A write of one item whose request is in order. `item` is what is put, if it is a put."""

    kind: str
    table: _Table
    key: Item
    item: Item | None
    given: Expressions
    tells: bool

    def outcome(self) -> tuple[Item | None, Item | None]:
        """The item before and after. Raises Unfit; nothing is written yet."""
        old = self.table.get(self.key)
        if not self.given.hold("ConditionExpression", old or {}):
            told = {"Item": copied(old)} if self.tells and old else {}
            raise Unfit("The conditional request failed", "ConditionalCheckFailedException", **told)
        if self.kind == "Update":
            return old, self._updated(old)
        return old, old if self.kind == "ConditionCheck" else self.item

    def _updated(self, old: Item | None) -> Item | None:
        new = self.given.update(old, self.key)
        if new is not None:
            _check_index_keys(self.table, new)
            if faults.size(new) > MAX_ITEM:
                raise Unfit("Item size to update has exceeded the maximum allowed size")
        return new


def _write(store: Store, kind: str, parameters: Mapping[str, Any]) -> _Write:
    """Raises Invalid where the request is wrong, Unfit where only the item's keys are."""
    table, given = _table(store, parameters["TableName"]), Expressions.of(parameters)
    item = taken(parameters["Item"]) if kind == "Put" else None
    key = _key(table, parameters["Key"]) if item is None else _put_key(table, item)
    touched = given.touched
    if len(set(touched)) < len(touched):
        raise Invalid("Invalid UpdateExpression: Two document paths overlap with each other")
    if not key.keys().isdisjoint(touched):
        raise Invalid("One or more parameter values were invalid: Cannot update an attribute that is part of the key")
    tells = _choice(parameters, "ReturnValuesOnConditionCheckFailure", "ALL_OLD") == "ALL_OLD"
    return _Write(kind, table, key, item, given, tells)


def _table(store: Store, name: str) -> _Table:
    if name not in store.tables:
        raise Refused("ResourceNotFoundException", "Requested resource not found")
    return store.tables[name]


def _key(table: _Table, key: Item) -> Item:
    if key.keys() != {*table.base.keys} or any("S" not in value for value in key.values()):
        raise Unfit("The provided key element does not match the schema")
    _check_lengths(table.base.keys, key)
    return taken(key)


def _put_key(table: _Table, item: Item) -> Item:
    if missing := [name for name in table.base.keys if name not in item]:
        raise Invalid(f"One or more parameter values were invalid: Missing the key {missing[0]} in the item")
    _check_types(table.base.keys, item)
    _check_lengths(table.base.keys, item)
    _check_index_keys(table, item)
    if faults.size(item) > MAX_ITEM:
        raise Invalid("Item size has exceeded the maximum allowed size")
    return {name: item[name] for name in table.base.keys}


def _check_index_keys(table: _Table, item: Item) -> None:
    for index in table.indexes.values():
        _check_types(index.keys, item)
        _check_lengths(index.keys, item)


def _check_types(names: Keys, item: Item) -> None:
    if wrong := [name for name in names if name in item and "S" not in item[name]]:
        raise Unfit(f"One or more parameter values were invalid: Type mismatch for key {wrong[0]}")


def _check_lengths(names: Keys, item: Item) -> None:
    for name, most in zip(names, MAX_KEYS, strict=False):
        if name in item and not 1 <= len(item[name]["S"].encode()) <= most:
            raise Invalid(f"One or more parameter values are not valid: the key {name} is empty or too long")


def _choice(parameters: Mapping[str, Any], name: str, *choices: str) -> str:
    """What was chosen of a parameter's choices, NONE if nothing was."""
    chosen = str(parameters.get(name, "NONE"))
    if chosen not in ("NONE", *choices):
        raise NotUnderstood(f"{name}: {chosen}")
    return chosen


def _put_item(store: Store, parameters: dict[str, Any]) -> Answer:
    return _made(_write(store, "Put", parameters), _choice(parameters, "ReturnValues", "ALL_OLD"))


def _delete_item(store: Store, parameters: dict[str, Any]) -> Answer:
    return _made(_write(store, "Delete", parameters), _choice(parameters, "ReturnValues", "ALL_OLD"))


def _update_item(store: Store, parameters: dict[str, Any]) -> Answer:
    return _made(_write(store, "Update", parameters), _choice(parameters, "ReturnValues", "ALL_OLD", "ALL_NEW"))


def _made(write: _Write, returned: str) -> Answer:
    old, new = write.outcome()
    write.table.replace(old, new)
    item = {"NONE": None, "ALL_OLD": old, "ALL_NEW": new}[returned]
    return {"Attributes": copied(item)} if item else {}


def _batch_write_item(store: Store, parameters: dict[str, Any]) -> Answer:
    writes = [
        _write(store, kind.removesuffix("Request"), {"TableName": table, **action})
        for table, requests in parameters["RequestItems"].items()
        for request in requests
        for kind, action in request.items()
    ]
    _check_many(writes, MAX_BATCH_WRITE)
    _check_distinct(writes, "Provided list of item keys contains duplicates")
    for write in writes:
        write.table.replace(*write.outcome())
    return {"UnprocessedItems": {}}


def _transact_write_items(store: Store, parameters: dict[str, Any]) -> Answer:
    items, token = parameters["TransactItems"], parameters.get("ClientRequestToken")
    _check_many(items, MAX_TRANSACTION)
    if token in store.committed:
        if store.committed[token] != items:
            raise Refused("IdempotentParameterMismatchException", "The token was used with other parameters")
        return {}
    actions = [each for item in items for each in item.items()]
    # Keys of a wrong type cancel before any condition is looked at.
    writes = _all_or_cancelled([partial(_action, store, *action) for action in actions], at_once=True)
    _check_distinct(writes, "Transaction request cannot include multiple operations on one item")
    outcomes = _all_or_cancelled([write.outcome for write in writes])
    for write, (old, new) in zip(writes, outcomes, strict=True):
        write.table.replace(old, new)
    if token is not None:
        store.committed[token] = items
    return {}


def _action(store: Store, kind: str, action: dict[str, Any]) -> _Write:
    if kind not in _ACTIONS:
        raise NotUnderstood(kind)
    _understand(kind, action, _ACTIONS[kind])
    if kind == "ConditionCheck" and "ConditionExpression" not in action:
        raise Invalid("The expression can not be empty: ConditionExpression")
    return _write(store, kind, action)


def _all_or_cancelled(steps: Sequence[Callable[[], T]], *, at_once: bool = False) -> list[T]:
    """What each step of a transaction returns. Raises Refused with what is Unfit; `at_once`, with the first."""
    done: list[T] = []
    reasons: list[dict[str, Any]] = []
    for step in steps:
        try:
            done.append(step())
            reasons.append({"Code": "None"})
        except Unfit as unfit:
            reasons.append(unfit.reason)
            if at_once:
                reasons += [{"Code": "None"}] * (len(steps) - len(reasons))
                break
    if len(done) == len(steps):
        return done
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    raise Refused("TransactionCanceledException", message, CancellationReasons=reasons)


def _check_many(requests: Sequence[object], most: int) -> None:
    if not 1 <= len(requests) <= most:
        raise Invalid(f"1 validation error detected: Member must have length from 1 to {most}")


def _check_distinct(writes: Sequence[_Write], message: str) -> None:
    if len({(write.table.name, write.table.base.at(write.key)) for write in writes}) < len(writes):
        raise Invalid(message)


# -- reads ------------------------------------------------------------------------------------------------------------


def _get_item(store: Store, parameters: dict[str, Any]) -> Answer:
    table, given = _table(store, parameters["TableName"]), Expressions.of(parameters)
    found = table.get(_key(table, parameters["Key"]))
    return {} if found is None else {"Item": given.project(found)}


def _batch_get_item(store: Store, parameters: dict[str, Any]) -> Answer:
    requests = parameters["RequestItems"].items()
    _check_many([key for _, request in requests for key in request["Keys"]], MAX_BATCH_READ)
    return {"Responses": {name: _found(store, name, request) for name, request in requests}, "UnprocessedKeys": {}}


def _found(store: Store, name: str, request: dict[str, Any]) -> list[Item]:
    _understand("BatchGetItem", request, frozenset(_READ - {"TableName"} | {"Keys"}))
    table, given = _table(store, name), Expressions.of(request)
    keys = [_key(table, key) for key in request["Keys"]]
    if len({table.base.at(key) for key in keys}) < len(keys):
        raise Invalid("Provided list of item keys contains duplicates")
    return [given.project(found) for key in keys if (found := table.get(key)) is not None]


def _query(store: Store, parameters: dict[str, Any]) -> Answer:
    given, limit = Expressions.of(parameters), parameters.get("Limit")
    view, names = _viewed(_table(store, parameters["TableName"]), parameters)
    counts = _choice(parameters, "Select", "COUNT") == "COUNT"
    if limit is not None and limit < 1:
        raise Invalid("1 validation error detected: Member must have value greater than or equal to 1")
    items: list[Item] = []
    scanned, last = 0, None
    for item in _in_order(view, given, parameters):
        seen = {name: item[name] for name in names or item}
        scanned += 1
        if given.hold("FilterExpression", seen):
            items.append(given.project(seen))
        if scanned == limit:
            # Even where nothing follows: DynamoDB stops before it looks.
            last = copied({name: item[name] for name in view.order})
            break
    answer = {"Count": len(items), "ScannedCount": scanned}
    return answer | ({} if counts else {"Items": items}) | ({} if last is None else {"LastEvaluatedKey": last})


def _viewed(table: _Table, parameters: Mapping[str, Any]) -> tuple[_View, Keys]:
    """What a query reads, and the attributes that are there: all of them where none are named."""
    if "IndexName" not in parameters:
        return table.base, ()
    if parameters["IndexName"] not in table.indexes:
        raise Invalid("The table does not have the specified index")
    if parameters.get("ConsistentRead"):
        raise Invalid("Consistent reads are not supported on global secondary indexes")
    index = table.indexes[parameters["IndexName"]]
    return index, index.order


def _in_order(view: _View, given: Expressions, parameters: Mapping[str, Any]) -> Iterator[Item]:
    """The items that fulfil a query's key condition, in its order, from where it starts."""
    partition = _partition(view, given)
    backward = not parameters.get("ScanIndexForward", True)
    places = view.partitions.get(partition, {})
    start = parameters.get("ExclusiveStartKey")
    after = None if start is None else _start(view, partition, start)
    for place in sorted(places, reverse=backward):
        follows = after is None or (place < after if backward else place > after)
        if follows and given.hold("KeyConditionExpression", places[place]):
            yield places[place]


def _start(view: _View, partition: str, start: Item) -> Keys:
    at = view.at(start) if start.keys() == {*view.order} else None
    if at is None or at[0] != partition:
        raise Invalid("The provided starting key is invalid")
    return at[1]


def _partition(view: _View, given: Expressions) -> str:
    """The partition that a query is about; its other condition, if it has one, is on the sort key."""
    condition = given.nodes["KeyConditionExpression"]
    parts: list[Node] = [*condition.operands] if condition.operator == "AND" else [condition]
    for part, name, operators in zip(parts, view.keys, ({"="}, _RANGES), strict=False):
        attribute, *bounds = part.operands
        if part.operator not in operators or given.named(attribute) != name:
            raise Invalid(f"Query key condition not supported: {condition}")
        if any(not given.values[bound.operands[0]].get("S") for bound in bounds):
            raise Invalid("One or more parameter values were invalid: a key is no string, or empty")
    value = given.values[parts[0].operands[1].operands[0]]
    # Bounds in the wrong order are refused even where there is nothing to compare.
    given.hold("KeyConditionExpression", {view.keys[0]: value})
    return str(value["S"])


# -- queues, and all operations ----------------------------------------------------------------------------------------


def _get_queue_url(store: Store, parameters: dict[str, Any]) -> Answer:
    if parameters["QueueName"] not in store.queues:
        raise Refused("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    return {"QueueUrl": _QUEUE_URL + parameters["QueueName"]}


def _send_message(store: Store, parameters: dict[str, Any]) -> Answer:
    queue = parameters["QueueUrl"].rpartition("/")[2]
    _get_queue_url(store, {"QueueName": queue})
    store.sent.append((queue, parameters["MessageBody"]))
    return {"MessageId": str(len(store.sent))}


def _send_message_batch(store: Store, parameters: dict[str, Any]) -> Answer:
    if len(parameters["Entries"]) > MAX_BATCH_SEND:
        raise Refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "There are too many entries in the batch.")
    for entry in parameters["Entries"]:
        _send_message(store, {"QueueUrl": parameters["QueueUrl"], "MessageBody": entry["MessageBody"]})
    return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]]}


def _get_queue_attributes(store: Store, parameters: dict[str, Any]) -> Answer:
    queue = parameters["QueueUrl"].rpartition("/")[2]
    known = {
        "ApproximateNumberOfMessages": str(sum(name == queue for name, _ in store.sent)),
        "ApproximateNumberOfMessagesNotVisible": "0",
    }
    if not known.keys() >= set(parameters["AttributeNames"]):
        raise NotUnderstood(f"attributes of a queue: {parameters['AttributeNames']}")
    return {"Attributes": {name: known[name] for name in parameters["AttributeNames"]}}


_RANGES: Final = {"=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"}

_PLACEHOLDERS: Final = {"TableName", "ExpressionAttributeNames", "ExpressionAttributeValues"}
_CONDITIONAL: Final = _PLACEHOLDERS | {"ConditionExpression", "ReturnValuesOnConditionCheckFailure"}
# In a transaction, by the kind of action.
_ACTIONS: Final = {
    "ConditionCheck": frozenset(_CONDITIONAL | {"Key"}),
    "Delete": frozenset(_CONDITIONAL | {"Key"}),
    "Put": frozenset(_CONDITIONAL | {"Item"}),
    "Update": frozenset(_CONDITIONAL | {"Key", "UpdateExpression"}),
}
# Consumed capacity is asked for by every call of PynamoDB, and read by none.
_ALONE: Final = {"ReturnValues", "ReturnConsumedCapacity"}
_READ: Final = _PLACEHOLDERS | {"ConsistentRead", "ProjectionExpression"}
_WINDOW: Final = {"ScanIndexForward", "Limit", "ExclusiveStartKey", "Select"}
_QUERY: Final = {"IndexName", "KeyConditionExpression", "FilterExpression", "ReturnConsumedCapacity"}

# How each operation is answered, and which parameters of it are understood.
_OPERATIONS: Final[dict[str, tuple[Callable[[Store, dict[str, Any]], Answer], frozenset[str]]]] = {
    "BatchGetItem": (_batch_get_item, frozenset({"RequestItems", "ReturnConsumedCapacity"})),
    "BatchWriteItem": (_batch_write_item, frozenset({"RequestItems", "ReturnConsumedCapacity"})),
    "DeleteItem": (_delete_item, _ACTIONS["Delete"] | _ALONE),
    "GetItem": (_get_item, frozenset(_READ | {"Key", "ReturnConsumedCapacity"})),
    "GetQueueAttributes": (_get_queue_attributes, frozenset({"QueueUrl", "AttributeNames"})),
    "GetQueueUrl": (_get_queue_url, frozenset({"QueueName"})),
    "PutItem": (_put_item, _ACTIONS["Put"] | _ALONE),
    "Query": (_query, frozenset(_READ | _WINDOW | _QUERY)),
    "SendMessage": (_send_message, frozenset({"QueueUrl", "MessageBody", "DelaySeconds"})),
    "SendMessageBatch": (_send_message_batch, frozenset({"QueueUrl", "Entries"})),
    "TransactWriteItems": (
        _transact_write_items,
        frozenset({"TransactItems", "ClientRequestToken", "ReturnConsumedCapacity"}),
    ),
    "UpdateItem": (_update_item, _ACTIONS["Update"] | _ALONE),
}
