"""The store is held against moto, call by call and through the public door, and against AWS where moto differs from it."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.update import Action, Update

from chalicelib import queues
from chalicelib.incidents import memory
from chalicelib.projects import ingest, quotas
from tests import store
from tests.conftest import Door
from tests.expressions import NotUnderstood
from tests.faults import Call, recorded, tapped

TABLE = "groundcrew-test-tasks"
JOBS = "groundcrew-test-jobs"
KEYS = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk in ("A", "B") for sk in ("1", "12", "2")]

# What moto says unasked.
UNASKED = ("ConsumedCapacity", "ItemCollectionMetrics", "ResponseMetadata")

Ask = Callable[..., Any]
Step = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class World:
    """The store as a client sees it, and what it holds."""

    client: Any
    held: store.Store

    def ask(self, operation: str, **parameters: Any) -> Any:
        """An answer, or the code of an error; of a cancelled transaction, the codes of its reasons."""
        return _answered(lambda: self.client._make_api_call(operation, parameters))

    def put(self, **attributes: Any) -> Any:
        return self.ask("PutItem", TableName=TABLE, Item=KEYS[0] | attributes)

    def transact(self, *actions: dict[str, Any], **more: Any) -> Any:
        each = [{kind: {"TableName": TABLE} | action} for one in actions for kind, action in one.items()]
        return self.ask("TransactWriteItems", TransactItems=each, **more)


@pytest.fixture
def client(aws: boto3.Session) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def world(client: Any) -> Iterator[World]:
    with store.installed() as held:
        yield World(client, held)


def _answered(call: Callable[[], Any]) -> Any:
    try:
        answer = call()
    except ClientError as error:
        reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # its stub knows none
        return error.response["Error"]["Code"], [(reason["Code"], _plain(reason.get("Item"))) for reason in reasons]
    return _plain({name: part for name, part in answer.items() if name not in UNASKED})


def _plain(part: Any) -> Any:
    """A part of an answer in a form that compares: sets have no order."""
    match part:
        case {"SS": content} | {"NS": content} | {"BS": content}:
            return {"set": sorted(content)}
        case dict():
            return {name: _plain(each) for name, each in part.items()}
        case list():
            return [_plain(each) for each in part]
    return part


# -- call by call, as PynamoDB writes them -----------------------------------------------------------------------------

numbers = st.integers(-2, 3).map(lambda number: {"N": str(number)})
texts = st.sampled_from(["", "a", "ab", "b", "ba"]).map(lambda text: {"S": text})
tags = st.sets(st.sampled_from(["a", "b", "c"]), min_size=1).map(lambda some: {"SS": sorted(some)})
sums = st.sets(st.sampled_from(["1", "2", "10"]), min_size=1).map(lambda some: {"NS": sorted(some)})
blobs = st.sampled_from([b"a", b"ab", b"b"]).map(lambda blob: {"B": blob})
lists = st.lists(numbers | texts, max_size=2).map(lambda elements: {"L": elements})
index_keys = st.sampled_from(["P", "Q"]).map(lambda text: {"S": text})
ATTRIBUTES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "n": numbers,
    "m": numbers,
    "s": texts,
    "t": texts,
    "tags": tags,
    "sums": sums,
    "blob": blobs,
    "list": lists,
    "g1p": index_keys,
    "g1s": index_keys,
    "g2p": index_keys,
    "g2s": index_keys,
}
keys = st.sampled_from(KEYS)
items = st.builds(
    lambda key, attributes: key | attributes, keys, st.fixed_dictionaries({}, optional=ATTRIBUTES)
)


def _typed(kind: str) -> st.SearchStrategy[Any]:
    """A number's or text's attribute, or what is one where an item has it; now and then of the other type."""
    return st.sampled_from([Path("n"), Path("m"), Path("s")] if kind == "N" else [Path("s"), Path("t"), Path("n")])


def _comparisons() -> st.SearchStrategy[Condition]:
    operators = st.sampled_from(["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"])
    sides = st.one_of(
        st.tuples(_typed("N"), numbers.map(Value)),
        st.tuples(_typed("S"), texts.map(Value)),
        st.tuples(st.just(Path("blob")), blobs.map(Value)),
        st.just((Path("n"), Path("m"))),
        st.just((Path("s"), Path("t"))),
    )
    return st.builds(lambda operator, both: getattr(both[0], operator)(both[1]), operators, sides)


def _ranges() -> st.SearchStrategy[Condition]:
    ordered = st.tuples(numbers, numbers).map(lambda both: sorted(both, key=lambda each: int(each["N"])))
    return st.builds(lambda bounds: Path("n").between(Value(bounds[0]), Value(bounds[1])), ordered)


conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(
        st.sampled_from(["pk", *ATTRIBUTES]).map(lambda name: Path(name).exists()),
        st.sampled_from(["pk", *ATTRIBUTES]).map(lambda name: Path(name).does_not_exist()),
        _comparisons(),
        _ranges(),
        st.lists(texts.map(Value), min_size=1, max_size=3).map(lambda values: Path("s").is_in(*values)),
        tags.map(lambda value: Path("tags") == Value(value)),
        lists.map(lambda value: Path("list") == Value(value)),
        texts.map(lambda value: Path("t").startswith(value["S"])),
        st.builds(lambda name, value: Path(name).contains(Value(value)), st.sampled_from(["s", "tags"]), texts),
        st.builds(lambda value: Path("list").contains(Value(value)), numbers),
        st.builds(lambda name, value: size(name) > Value(value), st.sampled_from(["s", "tags", "list", "blob"]), numbers),
    ),
    lambda inner: st.one_of(
        st.builds(lambda left, right: left & right, inner, inner),
        st.builds(lambda left, right: left | right, inner, inner),
        inner.map(lambda negated: ~negated),
    ),
    max_leaves=4,
)
ACTIONS: dict[str, st.SearchStrategy[Action]] = {
    "n": st.one_of(
        numbers.map(lambda value: Path("n").set(Value(value))),
        numbers.map(lambda value: Path("n").set(Path("n") + Value(value))),
        numbers.map(lambda value: Path("n").set(Path("m") - Value(value))),
        numbers.map(lambda value: Path("n").set((Path("n") | Value({"N": "0"})) + Value(value))),
        numbers.map(lambda value: Path("n").add(Value(value))),
    ),
    "m": st.one_of(st.just(Path("m").remove()), st.just(Path("m").set(Path("n") | Path("m")))),
    "s": st.one_of(st.just(Path("s").set(Path("t"))), texts.map(lambda value: Path("s").set(Value(value)))),
    "tags": st.one_of(
        tags.map(lambda value: Path("tags").add(Value(value))),
        tags.map(lambda value: Path("tags").delete(Value(value))),
    ),
    "sums": sums.map(lambda value: Path("sums").add(Value(value))),
    "list": st.one_of(
        lists.map(lambda value: Path("list").set((Path("list") | Value({"L": []})).append(Value(value)))),
        lists.map(lambda value: Path("list").set((Path("list") | Value({"L": []})).prepend(Value(value)))),
    ),
    "g1s": st.one_of(index_keys.map(lambda value: Path("g1s").set(Value(value))), st.just(Path("g1s").remove())),
}
# Not only such as take away: moto makes an item of them.
actions = st.fixed_dictionaries({"sums": ACTIONS["sums"]}, optional=ACTIONS).map(lambda chosen: list(chosen.values()))


def _written(condition: Condition | None, update: list[Action] | None = None) -> dict[str, Any]:
    """Expressions and their placeholders, as PynamoDB sends them."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    if condition is not None:
        sent["ConditionExpression"] = condition.serialize(names, values)
    if update is not None:
        sent["UpdateExpression"] = Update(*update).serialize(names, values)
    if names:
        sent["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
    return sent | ({"ExpressionAttributeValues": values} if values else {})


@st.composite
def one_write(draw: st.DrawFn, kind: str, key: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a write, alone or in a transaction."""
    condition = draw(conditions) if kind == "ConditionCheck" else draw(st.none() | conditions)
    written = _written(condition, draw(actions) if kind == "Update" else None)
    what = {"Item": key | draw(st.fixed_dictionaries({}, optional=ATTRIBUTES))} if kind == "Put" else {"Key": key}
    told = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if condition is not None and draw(st.booleans()) else {}
    return {"TableName": TABLE} | what | written | told


@st.composite
def alone(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from(["Put", "Update", "Delete"]))
    returned = {"Put": ["NONE", "ALL_OLD"], "Update": ["NONE", "ALL_OLD", "ALL_NEW"], "Delete": ["NONE", "ALL_OLD"]}[kind]
    parameters = draw(one_write(kind, draw(keys)))
    return f"{kind}Item", parameters | {"ReturnValues": draw(st.sampled_from(returned))}


@st.composite
def together(draw: st.DrawFn) -> Step:
    chosen = draw(st.lists(keys, min_size=1, max_size=4, unique_by=lambda key: (key["pk"]["S"], key["sk"]["S"])))
    kinds = st.sampled_from(["Put", "Update", "Delete", "ConditionCheck"])
    writes = [(kind := draw(kinds), draw(one_write(kind, key))) for key in chosen]
    return "TransactWriteItems", {"TransactItems": [{kind: parameters} for kind, parameters in writes]}


@st.composite
def in_batch(draw: st.DrawFn) -> Step:
    written = draw(st.lists(items, max_size=3, unique_by=lambda item: (item["pk"]["S"], item["sk"]["S"])))
    deleted = [key for key in draw(st.lists(keys, min_size=1, max_size=3, unique_by=str)) if key not in [
        {"pk": item["pk"], "sk": item["sk"]} for item in written]]
    requests = [{"PutRequest": {"Item": item}} for item in written] + [{"DeleteRequest": {"Key": key}} for key in deleted]
    if not requests:
        return "BatchGetItem", {"RequestItems": {TABLE: {"Keys": KEYS[:1], "ConsistentRead": True}}}
    return "BatchWriteItem", {"RequestItems": {TABLE: requests}}


@st.composite
def window(draw: st.DrawFn) -> Step:
    index, partition, sort, values = draw(
        st.sampled_from([
            (None, "pk", "sk", ["A", "B"]),
            ("by_due", "g1p", "g1s", ["P", "Q"]),
            ("by_list", "g2p", "g2s", ["P", "Q"]),
        ])
    )
    condition = Path(partition) == Value({"S": draw(st.sampled_from(values))})
    bounds = sorted(draw(st.tuples(*[st.sampled_from(["1", "11", "12", "2", "P", "Q"])] * 2)))
    within = draw(st.sampled_from(["", "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]))
    match within:
        case "BETWEEN":
            condition &= Path(sort).between(Value({"S": bounds[0]}), Value({"S": bounds[1]}))
        case "begins_with":
            condition &= Path(sort).startswith(bounds[0])
        case "":
            pass
        case _:
            named = {"=": "__eq__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[within]
            condition &= getattr(Path(sort), named)(Value({"S": bounds[0]}))
    names: dict[str, str] = {}
    placed: dict[str, Any] = {}
    sent: dict[str, Any] = {"TableName": TABLE, "KeyConditionExpression": condition.serialize(names, placed)}
    if draw(st.booleans()):
        sent["FilterExpression"] = draw(conditions).serialize(names, placed)
    sent |= {
        "ExpressionAttributeNames": {placeholder: name for name, placeholder in names.items()},
        "ExpressionAttributeValues": placed,
        "ScanIndexForward": draw(st.booleans()),
    }
    if index is None:
        sent["ConsistentRead"] = True
    else:
        sent["IndexName"] = index
    if draw(st.booleans()):
        sent["Select"] = "COUNT"
    return "Query", sent


steps = st.one_of(alone(), alone(), together(), in_batch(), window())
EVERYTHING: Step = ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": KEYS, "ConsistentRead": True}}})
MOTO: Ask = BaseClient._make_api_call  # type: ignore[attr-defined]  # private


@given(st.lists(steps, max_size=10))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_store_answers_every_call_as_moto_does(cloud: None, client: Any, taken: list[Step]) -> None:
    gone = [{"DeleteRequest": {"Key": key}} for key in KEYS]
    MOTO(client, "BatchWriteItem", {"RequestItems": {TABLE: gone}})
    with store.installed():
        for operation, parameters in taken:
            for step in ((operation, parameters), EVERYTHING):
                expected = _answered(lambda: MOTO(client, *step))
                assert _answered(lambda: client._make_api_call(*step)) == expected, step
