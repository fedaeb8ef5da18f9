"""The store is held against moto, call by call and at the public door, and where moto differs from AWS, against AWS."""

import itertools
import operator
import secrets
import sys
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

from chalicelib import clock, memory, queues
from chalicelib.jobs import leases
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
attributes = st.fixed_dictionaries({}, optional=ATTRIBUTES)


COMPARISONS = st.sampled_from([operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])


def _comparisons() -> st.SearchStrategy[Condition]:
    sides = st.one_of(
        # moto cannot order what has different types.
        st.tuples(st.sampled_from(["n", "m"]).map(Path), numbers.map(Value)),
        st.tuples(st.sampled_from(["s", "t"]).map(Path), texts.map(Value)),
        st.tuples(st.just(Path("blob")), blobs.map(Value)),
    )
    both = st.sampled_from([("n", "m"), ("s", "t")])
    return st.one_of(
        st.builds(lambda compare, sides: compare(*sides), COMPARISONS, sides),
        # moto takes two attributes that are missing for equal ones.
        st.builds(
            lambda compare, names: Path(names[0]).exists() & Path(names[1]).exists() & compare(*map(Path, names)),
            COMPARISONS,
            both,
        ),
    )


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
        st.builds(
            # moto knows no size of what is not there.
            lambda name, value: Path(name).exists() & (size(name) > Value(value)),  # type: ignore[no-untyped-call]
            st.sampled_from(["s", "tags", "list", "blob"]),
            numbers,
        ),
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
    "list": st.one_of(
        lists.map(lambda value: Path("list").set((Path("list") | Value({"L": []})).append(Value(value)))),
        lists.map(lambda value: Path("list").set((Path("list") | Value({"L": []})).prepend(Value(value)))),
    ),
    "g1s": st.one_of(index_keys.map(lambda value: Path("g1s").set(Value(value))), st.just(Path("g1s").remove())),
}
# Not only such as take away: moto makes an item of them.
actions = st.fixed_dictionaries({"sums": sums.map(lambda value: Path("sums").add(Value(value)))}, optional=ACTIONS).map(
    lambda chosen: list(chosen.values())
)


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
    what = {"Item": key | draw(attributes)} if kind == "Put" else {"Key": key}
    told = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if condition is not None and draw(st.booleans()) else {}
    return {"TableName": TABLE} | what | written | told


@st.composite
def alone(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from(["Put", "Update", "Delete"]))
    returned = {"Put": ["NONE", "ALL_OLD"], "Update": ["NONE", "ALL_OLD", "ALL_NEW"], "Delete": ["NONE", "ALL_OLD"]}[
        kind
    ]
    parameters = draw(one_write(kind, draw(keys)))
    return f"{kind}Item", parameters | {"ReturnValues": draw(st.sampled_from(returned))}


@st.composite
def together(draw: st.DrawFn) -> Step:
    chosen = draw(st.lists(keys, min_size=1, max_size=4, unique_by=str))
    kinds = st.sampled_from(["Put", "Update", "Delete", "ConditionCheck"])
    writes = [(kind := draw(kinds), draw(one_write(kind, key))) for key in chosen]
    return "TransactWriteItems", {"TransactItems": [{kind: parameters} for kind, parameters in writes]}


@st.composite
def in_batch(draw: st.DrawFn) -> Step:
    chosen = draw(st.lists(keys, min_size=1, max_size=5, unique_by=str))
    requests = [
        {"DeleteRequest": {"Key": key}} if draw(st.booleans()) else {"PutRequest": {"Item": draw(attributes) | key}}
        for key in chosen
    ]
    return "BatchWriteItem", {"RequestItems": {TABLE: requests}}


@st.composite
def window(draw: st.DrawFn) -> Step:
    index, partition, sort, values = draw(
        st.sampled_from(
            [
                (None, "pk", "sk", ["A", "B"]),
                ("by_due", "g1p", "g1s", ["P", "Q"]),
                ("by_list", "g2p", "g2s", ["P", "Q"]),
            ]
        )
    )
    condition = Path(partition) == Value({"S": draw(st.sampled_from(values))})
    bounds = sorted(draw(st.tuples(*[st.sampled_from(["1", "11", "12", "2", "P", "Q"])] * 2)))
    lower, upper = (Value({"S": bound}) for bound in bounds)
    compare = draw(COMPARISONS.filter(lambda each: each is not operator.ne))
    ranges = [Path(sort).between(lower, upper), Path(sort).startswith(bounds[0]), compare(Path(sort), lower), None]
    within = draw(st.sampled_from(ranges))
    if within is not None:
        condition &= within
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
    return "Query", sent | draw(st.sampled_from([{}, {"Select": "COUNT"}, {"Limit": 1}, {"Limit": 2}]))


@st.composite
def one_read(draw: st.DrawFn) -> Step:
    names = {
        f"#{nth}": name for nth, name in enumerate(draw(st.sets(st.sampled_from(["pk", "n", "tags"]), min_size=1)))
    }
    projected = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    whole = {"TableName": TABLE, "Key": draw(keys), "ConsistentRead": True}
    return "GetItem", whole | (projected if draw(st.booleans()) else {})


steps = st.one_of(alone(), alone(), together(), in_batch(), window(), one_read())
EVERYTHING: Step = ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": KEYS, "ConsistentRead": True}}})


def _as_moto_says(answer: Any) -> Any:
    """A transaction whose update does not fit an item is cancelled, as AWS documents; moto refuses it as a whole."""
    match answer:
        case ("TransactionCanceledException", reasons) if any(code == "ValidationError" for code, _ in reasons):
            return "ValidationException", []
    return answer


def _asked(make: Ask, client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    """An answer; of a query in pages, the items of all pages: moto does not end a page where DynamoDB does."""
    if "Limit" not in parameters:
        # botocore adds to the parameters.
        return _answered(lambda: make(client, operation, dict(parameters)))
    items: list[Any] = []
    start: dict[str, Any] = {}
    while True:
        page = make(client, operation, parameters | start)
        assert page["Count"] <= page["ScannedCount"] <= parameters["Limit"]
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return _plain(items)
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@given(st.lists(steps, min_size=1, max_size=10))
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_store_answers_every_call_as_moto_does(cloud: None, client: Any, taken: list[Step]) -> None:
    client.batch_write_item(RequestItems={TABLE: [{"DeleteRequest": {"Key": key}} for key in KEYS]})
    moto = BaseClient._make_api_call  # type: ignore[attr-defined]  # private
    with store.installed():
        ours = BaseClient._make_api_call  # type: ignore[attr-defined]  # private
        for step in (*taken, EVERYTHING):
            assert _as_moto_says(_asked(ours, client, *step)) == _asked(moto, client, *step), step


# -- through the public door ------------------------------------------------------------------------------------------


def a_job(door: Door) -> Iterator[object]:
    now = clock.now()
    job_id = leases.first_id("transcode", "film")
    lease = leases.start("transcode", "film", job_id, correlation_id="c", requested_by="customer", now=now)
    yield lease
    assert lease is not None
    yield leases.start("transcode", "film", job_id, correlation_id="c", requested_by="customer", now=now)
    leases.beat(lease, 0.5, now)
    yield door.admin("DELETE", f"/jobs/{job_id}").status
    leases.fail(lease, "The film is damaged.", {"codec": "none"}, now)
    yield door.admin("POST", f"/jobs/{job_id}/retry").status
    yield door.admin("POST", f"/jobs/{job_id}/retry").json["Code"]
    second = leases.claim(job_id, 2, now)
    yield second
    assert second is not None
    yield leases.claim(job_id, 2, now)
    leases.finish(second, now, lambda transaction: None)
    yield door.admin("GET", "/jobs?state=SUCCEEDED").json
    yield door.admin("DELETE", f"/jobs/{job_id}").status
    yield door.admin("GET", f"/jobs/{job_id}").json["Code"]


def incidents(door: Door) -> Iterator[object]:
    reports = [door.report(f"key_{nth % 2}", {"n": nth}, event_id=f"event-{nth % 3}") for nth in range(6)]
    yield reports
    incident_id = reports[0]["incident_id"]
    yield door.admin("GET", "/incidents?limit=1").json
    yield door.admin("GET", "/incidents?error_key=key_").json
    yield door.admin("PATCH", f"/incidents/{incident_id}", {"status": "FIXED", "fix_notes": "Done."}).json
    yield door.report("key_0", {"n": 0})
    yield door.incident(incident_id)
    yield door.admin("GET", f"/incidents/{incident_id}/occurrences").json
    yield door.admin("GET", "/incidents/stats").json
    yield door.admin("DELETE", f"/incidents/{incident_id}").status
    yield door.admin("GET", "/incidents/count").json


def projects(door: Door) -> Iterator[object]:
    yield [door.admin("POST", "/projects", {"name": "once"}, idempotency_key="k1").json for _ in range(2)]
    yield door.admin("POST", "/projects", {"name": "other"}, idempotency_key="k1").json["Code"]
    yield door.admin("PATCH", "/projects/2", {"quota_per_minute": 2, "scrub": {"emails": "hash"}}).json
    keys = [door.admin("POST", "/projects/2/keys").json["key"] for _ in range(2)]
    report = {"error_key": "x", "description": {}}
    yield [door.call("POST", "/incidents", report, x_ingest_key=keys[0]).status for _ in range(4)]
    yield door.admin("DELETE", f"/projects/2/keys/{keys[1]}").status
    yield door.admin("GET", "/projects").json


@pytest.mark.parametrize("life", [a_job, incidents, projects], ids=lambda life: life.__name__)
def test_the_same_comes_of_everything_at_the_public_door(
    door: Door, client: Any, frozen: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, life: Callable[[Door], Any]
) -> None:
    frozen("2026-03-01T10:00:00Z")

    def told() -> list[object]:
        numbered = itertools.count()

        def named() -> uuid.UUID:
            # botocore and PynamoDB name each of their calls, too, and do so more often on moto.
            ours = sys._getframe(1).f_globals["__name__"].startswith("chalicelib")
            return uuid.UUID(int=next(numbered)) if ours else uuid.UUID(int=0)

        monkeypatch.setattr(secrets, "token_hex", lambda size: f"{next(numbered):0{2 * size}x}")
        monkeypatch.setattr(uuid, "uuid4", named)
        for module in (memory, ingest, quotas):
            module.forget()
        return list(life(door))

    expected = told()
    kept = [client.scan(TableName=f"groundcrew-test-{noun}")["Items"] for noun in ("incidents", "jobs", "projects")]
    with store.installed() as held:
        assert told() == expected
        rows = [held.rows(noun) for noun in ("incidents", "jobs", "projects")]
    assert _plain(rows) == [sorted(_plain(items), key=lambda row: (row["pk"]["S"], row["sk"]["S"])) for items in kept]
    assert any(rows)


# -- what moto does not do, or does otherwise than AWS -----------------------------------------------------------------
# Sources: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/ and, where it is silent, what was seen there:
# https://github.com/paritysuite/dynamodb-conformance, https://github.com/scylladb/scylladb/tree/master/test/alternator


def _named(text: str) -> dict[str, Any]:
    """What the placeholders of an expression stand for: #n is the attribute n, and :1 the number 1, :a the text a."""
    tokens = text.replace("(", " ").replace(")", " ").replace(",", " ").split()
    names = {token: token[1:] for token in tokens if token[0] == "#"}
    values = {
        token: {"N": token[1:]} if token[1:].isdigit() else {"S": token[1:]} for token in tokens if token[0] == ":"
    }
    return ({"ExpressionAttributeNames": names} if names else {}) | (
        {"ExpressionAttributeValues": values} if values else {}
    )


def _if(text: str) -> dict[str, Any]:
    return {"ConditionExpression": text} | _named(text)


def _do(text: str) -> dict[str, Any]:
    return {"UpdateExpression": text} | _named(text)


A1, A12 = KEYS[:2]
NO = ("None", None)
FAILED = ("ConditionalCheckFailed", None)
UNFIT = ("ValidationError", None)


def test_a_transaction_with_a_token_is_made_once(world: World) -> None:
    add = {"Update": {"Key": A1} | _do("ADD #n :1")}
    assert world.transact(add, ClientRequestToken="one") == {}
    assert world.transact(add, ClientRequestToken="one") == {}
    assert world.held.rows("tasks") == [A1 | {"n": {"N": "1"}}]
    other = {"Update": {"Key": A1} | _do("ADD #n :2")}
    assert world.transact(other, ClientRequestToken="one") == ("IdempotentParameterMismatchException", [])
    assert world.transact(add, ClientRequestToken="two") == {}
    assert world.transact(add) == world.transact(add) == {}
    assert world.held.rows("tasks") == [A1 | {"n": {"N": "4"}}]


def test_a_cancelled_transaction_leaves_its_token_unused(world: World) -> None:
    check = {"ConditionCheck": {"Key": A12} | _if("attribute_exists (#pk)")}
    put = {"Put": {"Item": A1}}
    assert world.transact(put, check, ClientRequestToken="one") == ("TransactionCanceledException", [NO, FAILED])
    assert world.held.rows("tasks") == []
    world.ask("PutItem", TableName=TABLE, Item=A12)
    assert world.transact(put, check, ClientRequestToken="one") == {}
    assert world.held.rows("tasks") == [A1, A12]


LONG = {"S": "x" * store.MAX_ITEM}


@pytest.mark.parametrize(
    ("actions", "answer"),
    [
        ([{"Put": {"Item": A1}}, {"Delete": {"Key": A1}}], ("ValidationException", [])),
        (
            [{"Put": {"Item": {"pk": {"S": str(nth)}, "sk": {"S": "1"}}}} for nth in range(101)],
            ("ValidationException", []),
        ),
        ([], ("ValidationException", [])),
        ([{"ConditionCheck": {"Key": A1}}], ("ValidationException", [])),
        ([{"Put": {"Item": A1 | {"pk": {"S": ""}}}}], ("ValidationException", [])),
        ([{"Delete": {"Key": A1 | {"sk": {"S": ""}}}}], ("ValidationException", [])),
        ([{"Put": {"Item": A1 | {"g1p": {"S": ""}}}}], ("ValidationException", [])),
        ([{"Put": {"Item": A1 | {"s": LONG}}}], ("ValidationException", [])),
        ([{"Update": {"Key": A1} | _do("SET #pk = :a")}], ("ValidationException", [])),
        ([{"Put": {"Item": A1} | _if("#n = :1") | {"ExpressionAttributeNames": {}}}], ("ValidationException", [])),
        # Keys of a wrong type come first, and only the first of them.
        (
            [
                {"ConditionCheck": {"Key": A12} | _if("attribute_exists (#pk)")},
                {"Put": {"Item": A1 | {"pk": {"N": "1"}}}},
                {"Delete": {"Key": A1 | {"sk": {"N": "1"}}}},
            ],
            ("TransactionCanceledException", [NO, UNFIT, NO]),
        ),
        ([{"Put": {"Item": A1 | {"g1s": {"N": "1"}}}}], ("TransactionCanceledException", [UNFIT])),
        ([{"Update": {"Key": A1} | _do("SET #g1s = :1")}], ("TransactionCanceledException", [UNFIT])),
        ([{"Update": {"Key": A1} | _do("SET #n = #m")}], ("TransactionCanceledException", [UNFIT])),
        ([{"Update": {"Key": A1} | _do("SET #s = #n + :1")}], ("TransactionCanceledException", [UNFIT])),
        (
            [
                {"Put": {"Item": A12}},
                {"Update": {"Key": A1} | _do("SET #s = :1") | {"ExpressionAttributeValues": {":1": LONG}}},
            ],
            ("TransactionCanceledException", [NO, UNFIT]),
        ),
        (
            [
                {"Put": {"Item": A12}},
                {"Delete": {"Key": A1} | _if("#n = :1")},
                {"Put": {"Item": KEYS[2]} | _if("#n = :1")},
            ],
            ("TransactionCanceledException", [NO, FAILED, FAILED]),
        ),
    ],
)
def test_a_transaction_is_refused_as_a_whole_or_for_a_reason_each(
    world: World, actions: list[dict[str, Any]], answer: Any
) -> None:
    assert world.transact(*actions) == answer
    assert world.held.rows("tasks") == []


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("PutItem", {"Item": A1 | {"s": LONG}}),
        ("PutItem", {"Item": {"pk": {"S": "A"}}}),
        ("PutItem", {"Item": A1 | {"pk": {"S": "x" * 2049}}}),
        ("PutItem", {"Item": A1 | {"sk": {"S": "x" * 1025}}}),
        ("PutItem", {"Item": A1 | {"g1s": {"N": "1"}}}),
        ("PutItem", {"Item": A1 | {"g1s": {"S": ""}}}),
        ("PutItem", {"Item": A1 | {"tags": {"SS": []}}}),
        ("PutItem", {"Item": A1 | {"tags": {"NS": ["1", "1.0"]}}}),
        ("PutItem", {"Item": A1 | {"n": {"N": "1" * 39}}}),
        ("PutItem", {"Item": A1 | {"n": {"N": "1e126"}}}),
        ("PutItem", {"Item": A1 | {"n": {"N": "1e-131"}}}),
        ("PutItem", {"Item": A1 | {"n": {"N": "1_0"}}}),
        ("PutItem", {"Item": A1 | {"n": {"N": "NaN"}}}),
        ("PutItem", {"Item": A1} | _if("#n BETWEEN :2 AND :1")),
        ("PutItem", {"Item": A1} | _if("attribute_exists (#pk) OR begins_with (#s, :1)")),
        ("PutItem", {"Item": A1} | _if("#n < :1") | {"ExpressionAttributeValues": {":1": {"BOOL": True}}}),
        ("PutItem", {"Item": A1} | _if("#n = :1") | {"ExpressionAttributeNames": {"#n": "n", "#m": "m"}}),
        ("PutItem", {"Item": A1} | _if(" OR ".join(["#n = :1"] * 410))),
        ("UpdateItem", {"Key": A1} | _do("SET #n = :1 ADD #n :1")),
        ("UpdateItem", {"Key": A1} | _do("ADD #n :a")),
        ("UpdateItem", {"Key": {"pk": {"S": "A"}}}),
        ("GetItem", {"Key": A1 | {"n": {"N": "1"}}}),
        ("Query", {"KeyConditionExpression": "#pk = :A AND #sk BETWEEN :b AND :a"} | _named("#pk :A #sk :b :a")),
        ("Query", {"KeyConditionExpression": "#pk = :A AND #sk <> :b"} | _named("#pk :A #sk :b")),
        ("Query", {"KeyConditionExpression": "#pk = :A AND #n = :b"} | _named("#pk :A #n :b")),
        ("Query", {"KeyConditionExpression": "#pk = :1"} | _named("#pk :1")),
        ("Query", {"KeyConditionExpression": "#pk = :A", "Limit": 0} | _named("#pk :A")),
        ("Query", {"KeyConditionExpression": "#pk = :A", "IndexName": "by_none"} | _named("#pk :A")),
        ("Query", {"KeyConditionExpression": "#pk = :A", "ExclusiveStartKey": KEYS[3]} | _named("#pk :A")),
        (
            "Query",
            {"KeyConditionExpression": "#g1p = :A", "IndexName": "by_due", "ConsistentRead": True} | _named("#g1p :A"),
        ),
    ],
)
def test_a_request_that_is_wrong_is_refused_and_changes_nothing(
    world: World, operation: str, parameters: dict[str, Any]
) -> None:
    assert world.ask(operation, TableName=TABLE, **parameters) == ("ValidationException", [])
    assert world.held.rows("tasks") == []


def test_batches_are_bounded_and_name_no_item_twice(world: World) -> None:
    keys = [{"pk": {"S": "A"}, "sk": {"S": str(nth)}} for nth in range(101)]
    for some in (keys, [A1, A1]):
        assert world.ask("BatchGetItem", RequestItems={TABLE: {"Keys": some}}) == ("ValidationException", [])
    for some in (keys[:26], [A1, A1]):
        puts = [{"PutRequest": {"Item": key}} for key in some]
        assert world.ask("BatchWriteItem", RequestItems={TABLE: puts}) == ("ValidationException", [])
    assert world.held.rows("tasks") == []


def test_a_number_comes_back_in_its_plain_form(world: World) -> None:
    for sent, kept in [("1.0", "1"), ("-0", "0"), ("1E2", "100"), ("+.50", "0.5"), ("1e125", "1" + "0" * 125)]:
        world.put(n={"N": sent})
        assert world.held.rows("tasks") == [A1 | {"n": {"N": kept}}], sent
        assert (
            world.ask(
                "DeleteItem",
                TableName=TABLE,
                Key=A1,
                **_if("#n = :1") | {"ExpressionAttributeValues": {":1": {"N": kept}}},
            )
            == {}
        )


def test_a_sum_of_too_many_digits_is_refused(world: World) -> None:
    world.put(n={"N": "9" * 38})
    assert world.ask("UpdateItem", TableName=TABLE, Key=A1, **_do("ADD #n :1")) == {}
    assert world.ask("UpdateItem", TableName=TABLE, Key=A1, **_do("ADD #n :1")) == ("ValidationException", [])


def test_sets_come_back_in_order(world: World) -> None:
    world.put(tags={"SS": ["b", "a"]}, sums={"NS": ["10", "9"]})
    assert world.held.rows("tasks") == [A1 | {"tags": {"SS": ["a", "b"]}, "sums": {"NS": ["9", "10"]}}]


def test_an_update_that_only_takes_away_makes_no_item(world: World) -> None:
    for taking in (
        _do("REMOVE #n"),
        {
            "UpdateExpression": "DELETE #t :t",
            "ExpressionAttributeNames": {"#t": "t"},
            "ExpressionAttributeValues": {":t": {"SS": ["a"]}},
        },
    ):
        assert world.ask("UpdateItem", TableName=TABLE, Key=A1, ReturnValues="ALL_NEW", **taking) == {}
        assert world.held.rows("tasks") == []
    assert world.ask("UpdateItem", TableName=TABLE, Key=A1, **_do("REMOVE #n SET #m = :1")) == {}
    assert world.ask("UpdateItem", TableName=TABLE, Key=A12) == {}
    assert world.held.rows("tasks") == [A1 | {"m": {"N": "1"}}, A12]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("#n <> :1", True),
        ("#n <> #m", True),
        ("#n = #m", False),
        ("#n < #m", False),
        ("NOT #n < #m", True),
        ("size (#n) < :1", False),
        ("NOT size (#n) < :1", True),
        ("#n BETWEEN #m AND :1", False),
        ("contains (#n, :1)", False),
        ("begins_with (#n, :a)", False),
        ("#n IN (:1, :2)", False),
    ],
)
def test_what_is_missing_equals_nothing_and_has_no_order(world: World, condition: str, holds: bool) -> None:  # noqa: FBT001
    expected: Any = {} if holds else ("ConditionalCheckFailedException", [])
    assert world.ask("PutItem", TableName=TABLE, Item=A1, **_if(condition)) == expected


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("#s < :2", False),
        ("#s > :2", False),
        ("#s <> :1", True),
        ("#n = :a", False),
        ("#n BETWEEN :a AND :b", False),
        ("#list < :1", False),
        ("size (#n) < :9", False),
        ("size (#s) = :2", True),
        ("begins_with (#n, :1a)", False),
        ("contains (#s, :1)", False),
        ("contains (#tags, :1)", False),
        ("contains (#sums, :1)", True),
        ("contains (#list, :1)", True),
        ("contains (#list, :a)", False),
        ("#n > :9", True),
        ("#n = :10", True),
    ],
)
def test_types_are_never_mixed(world: World, condition: str, holds: bool) -> None:  # noqa: FBT001
    item = {"s": {"S": "\u00e9"}, "n": {"N": "10"}, "list": {"L": [{"N": "1"}]}}
    world.put(**item, tags={"SS": ["1"]}, sums={"NS": ["1"]})
    expected: Any = {} if holds else ("ConditionalCheckFailedException", [])
    assert world.ask("DeleteItem", TableName=TABLE, Key=A1, **_if(condition)) == expected


@pytest.mark.parametrize("update", ["SET #m = :1 ADD #s :1", "SET #m = :1, #s = #s + :1", "SET #m = :1, #t = #u"])
def test_an_update_that_does_not_fit_leaves_its_item_as_it_was(world: World, update: str) -> None:
    world.put(s={"S": "a"})
    assert world.ask("UpdateItem", TableName=TABLE, Key=A1, **_do(update)) == ("ValidationException", [])
    assert world.held.rows("tasks") == [A1 | {"s": {"S": "a"}}]


def test_a_page_that_ends_at_the_last_item_says_that_more_may_follow(world: World) -> None:
    world.put()
    query = {"TableName": TABLE, "KeyConditionExpression": "#pk = :A", "Limit": 1} | _named("#pk :A")
    assert world.ask("Query", **query) == {"Items": [A1], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": A1}
    assert world.ask("Query", **query, ExclusiveStartKey=A1) == {"Items": [], "Count": 0, "ScannedCount": 0}


# -- the store itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("Scan", {}),
        ("PutItem", {"Item": A1, "Expected": {}}),
        ("PutItem", {"Item": A1, "ReturnValues": "UPDATED_NEW"}),
        ("PutItem", {"Item": A1 | {"n": {"X": "1"}}}),
        ("PutItem", {"Item": A1 | {"n": 1}}),
        ("PutItem", {"Item": A1} | _if("attribute_exists (pk)")),
        ("PutItem", {"Item": A1} | _if("#n.#m = :1")),
        ("PutItem", {"Item": A1} | _if("#n[0] = :1")),
        ("PutItem", {"Item": A1} | _if("#n = :1 and #m = :1")),
        ("PutItem", {"Item": A1} | _if("#n = :1 #m")),
        ("PutItem", {"Item": A1} | _if("(#n = :1")),
        ("PutItem", {"Item": A1} | _if("#n == :1")),
        ("PutItem", {"Item": A1} | _if("attribute_type (#n, :S)")),
        ("UpdateItem", {"Key": A1} | _do("SET #n = :1 SET #m = :1")),
        ("UpdateItem", {"Key": A1} | _do("PUT #n :1")),
    ],
)
def test_what_is_not_understood_is_loud(world: World, operation: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        world.ask(operation, TableName=TABLE, **parameters)


@pytest.mark.parametrize("action", [{"Get": {"Key": A1}}, {"Delete": {"Key": A1, "ReturnValues": "NONE"}}])
def test_an_action_that_is_not_understood_is_loud(world: World, action: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        world.transact(action)


def test_nobody_shares_what_the_store_holds(world: World) -> None:
    def item() -> dict[str, Any]:
        return A1 | {"list": {"L": [{"M": {"a": {"S": "kept"}}}]}, "tags": {"SS": ["a"]}}

    put = item()
    world.ask("PutItem", TableName=TABLE, Item=put)
    found = world.client._make_api_call("GetItem", {"TableName": TABLE, "Key": A1})["Item"]
    returned = {"TableName": TABLE, "Key": A1, "ReturnValues": "ALL_NEW"}
    made = world.client._make_api_call("UpdateItem", returned)["Attributes"]
    (row,) = world.held.rows("tasks")
    for shared in (put, found, made, row):
        shared["list"]["L"][0]["M"]["a"]["S"] = "lost"
        shared["tags"]["SS"].append("b")
        assert world.held.rows("tasks") == [item()]


@pytest.mark.parametrize(
    ("update", "after"),
    [
        ("SET #n = #n - :3", {"n": {"N": "7"}}),
        ("SET #n = :3 - #n", {"n": {"N": "-7"}}),
        ("SET #n = :3, #m = #n", {"n": {"N": "3"}, "m": {"N": "10"}}),
        ("SET #m = if_not_exists (#n, :3)", {"m": {"N": "10"}}),
        ("SET #m = if_not_exists (#m, :3) + :1", {"m": {"N": "4"}}),
        ("REMOVE #s SET #t = #s", {"s": None, "t": {"S": "a"}}),
        ("ADD #n :3, #m :3", {"n": {"N": "13"}, "m": {"N": "3"}}),
        ("SET #list = list_append (#list, #list)", {"list": {"L": [{"N": "1"}, {"N": "1"}]}}),
        ("ADD #tags :some", {"tags": {"SS": ["a", "b", "c"]}}),
        ("DELETE #tags :some", {"tags": {"SS": ["a"]}}),
        ("DELETE #others :some", {}),
        ("DELETE #only :some", {"only": None}),
    ],
)
def test_an_update_reads_the_item_before_it(world: World, update: str, after: dict[str, Any]) -> None:
    item = {"n": {"N": "10"}, "s": {"S": "a"}, "list": {"L": [{"N": "1"}]}, "tags": {"SS": ["a", "b"]}}
    item |= {"only": {"SS": ["b"]}}
    world.put(**item)
    sent = _do(update)
    if ":some" in update:
        sent["ExpressionAttributeValues"] = {":some": {"SS": ["b", "c"]}}
    made = world.ask("UpdateItem", TableName=TABLE, Key=A1, ReturnValues="ALL_NEW", **sent)["Attributes"]
    assert made == _plain({name: value for name, value in (A1 | item | after).items() if value is not None})


def test_a_projection_is_all_that_comes_back(world: World) -> None:
    world.put(n={"N": "1"}, s={"S": "a"})
    wanted = {"ProjectionExpression": "#n, #pk, #t"} | _named("#n #pk #t")
    some = {"n": {"N": "1"}, "pk": {"S": "A"}}
    assert world.ask("GetItem", TableName=TABLE, Key=A1, **wanted) == {"Item": some}
    batch = world.ask("BatchGetItem", RequestItems={TABLE: {"Keys": [A1, A12]} | wanted})
    assert batch == {"Responses": {TABLE: [some]}, "UnprocessedKeys": {}}
    query = {"KeyConditionExpression": "#pk = :A", "ProjectionExpression": "#n"} | _named("#pk :A #n")
    assert world.ask("Query", TableName=TABLE, **query)["Items"] == [{"n": {"N": "1"}}]


def test_a_leaf_is_at_level_32_at_most(world: World) -> None:
    nested: dict[str, Any] = {"S": "leaf"}
    for _ in range(31):
        nested = {"M": {"n": nested}}
    assert world.put(list=nested) == {}
    assert world.put(list={"L": [nested]}) == ("ValidationException", [])


def test_an_item_leaves_an_index_with_one_of_its_keys(world: World) -> None:
    query = {"TableName": TABLE, "IndexName": "by_due", "KeyConditionExpression": "#g1p = :P"} | _named("#g1p :P")
    world.put(g1p={"S": "P"}, g1s={"S": "1"}, n={"N": "1"})
    assert world.ask("Query", **query)["Items"] == [A1 | {"g1p": {"S": "P"}, "g1s": {"S": "1"}}]
    world.ask("UpdateItem", TableName=TABLE, Key=A1, **_do("REMOVE #g1s"))
    assert world.ask("Query", **query)["Items"] == []


def test_errors_are_those_of_botocore(world: World) -> None:
    world.put(n={"N": "1"})
    put = {"TableName": TABLE, "Item": A1} | _if("attribute_not_exists (#pk)")
    asked = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    for more, told in [({}, None), (asked, A1 | {"n": {"N": "1"}})]:
        with pytest.raises(world.client.exceptions.ConditionalCheckFailedException) as refused:
            world.client._make_api_call("PutItem", put | more)
        assert refused.value.response.get("Item") == told
    with pytest.raises(world.client.exceptions.ResourceNotFoundException):
        world.client._make_api_call("GetItem", {"TableName": "groundcrew-test-nothing", "Key": A1})


def test_taps_see_every_call(world: World) -> None:
    operations = []

    def note(call: Call) -> Any:
        operations.append(call.operation)
        return call.make()

    with tapped(note), recorded() as ledger:
        world.put(n={"N": "1"})
        queues.send("due-tasks", "one")
    assert operations[-1] == "SendMessage"
    assert [(write.before, write.after) for write in ledger.writes] == [(None, A1 | {"n": {"N": "1"}})]
    assert (world.held.messages("due-tasks"), world.held.messages("uploads")) == (["one"], [])


def test_messages_are_sent_by_tens_and_counted(world: World, aws: boto3.Session) -> None:
    bodies = [str(nth) for nth in range(11)]
    queues.send_many("due-tasks", bodies)
    assert (world.held.messages("due-tasks"), queues.waiting("due-tasks"), queues.waiting("uploads")) == (bodies, 11, 0)
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="groundcrew-test-due-tasks")["QueueUrl"]
    with pytest.raises(ClientError, match="TooManyEntries"):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": body, "MessageBody": body} for body in bodies])
    assert queues.waiting("due-tasks") == 11


def test_a_queue_that_is_not_declared_is_refused(world: World, aws: boto3.Session) -> None:
    with pytest.raises(ClientError, match="NonExistentQueue"):
        queues.send("nothing", "one")
    with pytest.raises(ClientError, match="NonExistentQueue"):
        aws.client("sqs").send_message(QueueUrl="https://sqs.example.com/1/nothing", MessageBody="one")
    assert world.held.sent == []


def test_each_store_is_new(client: Any) -> None:
    for _ in range(2):
        with store.installed() as held:
            assert (held.rows("tasks"), held.sent) == ([], [])
            client._make_api_call("PutItem", {"TableName": TABLE, "Item": A1})
            queues.send("due-tasks", "one")
