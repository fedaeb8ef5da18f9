"""Faults: what can go wrong between a container and AWS, and what it costs, told at the level of botocore's calls.

A tap is handed every AWS call of this process in place of its being made; it may make it, refuse it, lose its answer,
note it, or let another container go first. Taps nest: the one put on last sees a call first.
"""

import contextlib
import itertools
import json
import math
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple
from unittest import mock

import boto3
import httpx
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectionClosedError
from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalGateway
from chalice.test import HTTPResponse

from chalicelib import config, dynamodb, memory, queues, storage
from chalicelib.alerts import claiming, digest, rules
from chalicelib.alerts import models as alerts_models
from chalicelib.analytics import models as analytics_models
from chalicelib.incidents import models as incidents_models
from chalicelib.jobs import models as jobs_models
from chalicelib.media import models as media_models
from chalicelib.projects import ingest, quotas
from chalicelib.projects import models as projects_models
from chalicelib.schedules import models as schedules_models
from chalicelib.sentry import models as sentry_models
from chalicelib.tasks import models as tasks_models
from infra import resources

Item = Mapping[str, Mapping[str, Any]]
Key = Mapping[str, Mapping[str, str]]

INDEXES: Final = (("g1p", "g1s"), ("g2p", "g2s"))
WRITES: Final = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
PATIENCE_S: Final = 60


@dataclass(frozen=True)
class Call:
    """One AWS call. `make` makes it, once more each time."""

    operation: str
    parameters: dict[str, Any]
    make: Callable[[], Any]
    item: Callable[[str, Key], Item | None]

    @property
    def writes(self) -> bool:
        """Whether it changes anything: a table, or the queue."""
        return self.operation in (*WRITES, "SendMessage")

    @property
    def keys(self) -> list[tuple[str, Key]]:
        """Table and key of every item that it writes."""
        match self.operation:
            case "TransactWriteItems":
                actions = [action for item in self.parameters["TransactItems"] for action in item.values()]
                return [(action["TableName"], _key(action)) for action in actions]
            case "BatchWriteItem":
                tables = self.parameters["RequestItems"].items()
                return [(table, _key(action)) for table, items in tables for item in items for action in item.values()]
            case "PutItem" | "UpdateItem" | "DeleteItem":
                return [(self.parameters["TableName"], _key(self.parameters))]
        return []

    @property
    def rows(self) -> set[str]:
        """What it reads or writes, but for a query."""
        match self.operation:
            case "GetItem":
                return {str(self.parameters["Key"])}
            case "BatchGetItem":
                return {str(key) for table in self.parameters["RequestItems"].values() for key in table["Keys"]}
        return {str(key) for _, key in self.keys}

    def conflicts(self, other: "Call") -> bool:
        """Whether it matters which of two calls is made first, as things are."""
        if not (self.writes or other.writes):
            return False
        if "Query" in (self.operation, other.operation):
            query, write = (self, other) if self.operation == "Query" else (other, self)
            return write.reaches(query)
        return not self.rows.isdisjoint(other.rows)

    def reaches(self, query: "Call") -> bool:
        """Whether it writes to the partition of the table, or of the index, that a query reads."""
        condition = re.search(r"#\w+ = (:\w+)", query.parameters["KeyConditionExpression"])
        assert condition
        partition = query.parameters["ExpressionAttributeValues"][condition[1]]["S"]
        if "IndexName" not in query.parameters:
            return any(key["pk"]["S"] == partition for _, key in self.keys)
        before = (self.item(*key) for key in self.keys)
        return partition in _texts(self.parameters) or any(partition in _texts(item) for item in before if item)


Tap = Callable[[Call], Any]


def _texts(value: Any) -> set[str]:
    """All texts within a structure."""
    match value:
        case str():
            return {value}
        case Mapping():
            return set().union(*map(_texts, value.values()))
        case list():
            return set().union(*map(_texts, value))
    return set()


def _key(action: Mapping[str, Any]) -> Key:
    return {name: (action.get("Key") or action["Item"])[name] for name in ("pk", "sk")}


@contextmanager
def tapped(tap: Tap) -> Iterator[None]:
    """Hand every AWS call to `tap`."""
    make: Callable[[Any, str, dict[str, Any]], Any] = BaseClient._make_api_call  # type: ignore[attr-defined]  # private

    def divert(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        def item(table: str, key: Key) -> Item | None:
            found = make(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
            kept: Item | None = found.get("Item")
            return kept

        return tap(Call(operation, parameters, lambda: make(client, operation, parameters), item))

    with mock.patch.object(BaseClient, "_make_api_call", divert):
        yield


# -- what calls there were, and what DynamoDB bills for them -----------------------------------------------------------


@dataclass(frozen=True)
class Write:
    """What a call did to one item."""

    before: Item | None
    after: Item | None
    in_transaction: bool

    @property
    def units(self) -> int:
        """The write capacity units it costs, in the table and its indexes.

        Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html and
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
        """
        larger = max(size(self.before or {}), size(self.after or {}))
        table = max(1, math.ceil(larger / 1024)) * (2 if self.in_transaction else 1)
        return table + sum(self._index_units(*names) for names in INDEXES)

    def _index_units(self, partition: str, sort: str) -> int:
        # An index row holds keys alone, so it never comes near 1 KB, and one whose keys stay is not written.
        before, after = (
            (item[partition], item[sort]) if item and partition in item and sort in item else None
            for item in (self.before, self.after)
        )
        return 0 if before == after else (before is not None) + (after is not None)


@dataclass
class Ledger:
    """The AWS calls that were made, in order, and the writes in them."""

    operations: list[str] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)

    @property
    def units(self) -> int:
        """Write capacity units. A write whose condition failed is billed like one that changed nothing."""
        return sum(write.units for write in self.writes)


@contextmanager
def recorded() -> Iterator[Ledger]:
    """Note every call and what it wrote."""
    ledger = Ledger()

    def note(call: Call) -> Any:
        ledger.operations.append(call.operation)
        before = [call.item(*key) for key in call.keys]
        try:
            return call.make()
        finally:
            transaction = call.operation == "TransactWriteItems"
            after = [call.item(*key) for key in call.keys]
            ledger.writes += [Write(old, new, transaction) for old, new in zip(before, after, strict=True)]

    with tapped(note):
        yield ledger


def size(item: Item) -> int:
    """An item's size in bytes, as DynamoDB bills it.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            length = len(content.encode())
        case "B":
            length = len(content)
        case "N":
            digits = content.lstrip("-").replace(".", "").strip("0")
            length = math.ceil(len(digits) / 2) + 1 + content.startswith("-")
        case "BOOL" | "NULL":
            length = 1
        case "SS" | "BS" | "NS":
            length = sum(_value_size({kind[0]: element}) for element in content)
        case "L":
            length = 3 + sum(1 + _value_size(element) for element in content)
        case _:
            length = 3 + sum(1 + len(name.encode()) + _value_size(element) for name, element in content.items())
    return length


# -- a store that is busy ----------------------------------------------------------------------------------------------


def storm(chance: random.Random, share: float = 0.5, only: Callable[[Call], bool] = lambda call: True) -> Tap:
    """Refuse a share of all writes to DynamoDB: throttled, in conflict with a transaction, or failed inside."""

    def refuse(call: Call) -> Any:
        if call.operation in WRITES and only(call) and chance.random() < share:
            raise _refusal(call, chance)
        return call.make()

    return refuse


def lost_answers(chance: random.Random, share: float = 0.5) -> Tap:
    """Commit every transaction, but close the connection before a share of the answers."""

    def lose(call: Call) -> Any:
        answer = call.make()
        if call.operation == "TransactWriteItems" and chance.random() < share:
            raise ConnectionClosedError(endpoint_url="https://dynamodb.example")
        return answer

    return lose


@contextmanager
def no_pauses() -> Iterator[None]:
    """Try again at once: what a pause is good for, others letting go, does not happen to injected faults."""
    with mock.patch.dict(dynamodb.patiently.__kwdefaults__, {"sleep": lambda seconds: None}):
        yield


def _refusal(call: Call, chance: random.Random) -> ClientError:
    codes = ["ProvisionedThroughputExceededException", "ThrottlingException", "InternalServerError"]
    transaction = call.operation == "TransactWriteItems"
    code = chance.choice([*codes, "TransactionCanceledException" if transaction else "TransactionConflictException"])
    answer: dict[str, Any] = {"Error": {"Code": code, "Message": "injected"}}
    if code == "TransactionCanceledException":
        reasons = [{"Code": "None"} for _ in call.keys]
        chance.choice(reasons)["Code"] = "TransactionConflict"
        answer["CancellationReasons"] = reasons
    return ClientError(answer, call.operation)  # type: ignore[arg-type]  # the stub knows no CancellationReasons


# -- a container that dies ---------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The container is gone. No Exception, as nothing may catch it."""


class Point(NamedTuple):
    """A moment of a container's life: before or after its nth write, from 0."""

    nth: int
    when: Literal["before", "after"]


def points() -> Iterator[Point]:
    """Every such moment; there are as many as a container has writes, so stop where it survives."""
    for nth in itertools.count():
        yield Point(nth, "before")
        yield Point(nth, "after")


def survives(point: Point, life: Callable[[], object]) -> bool:
    """Live until that point and die there; True when life was over before it."""
    writes = itertools.count()

    def die(call: Call) -> Any:
        dies = call.writes and next(writes) == point.nth
        if dies and point.when == "before":
            raise Crash
        try:
            return call.make()
        finally:
            if dies:
                raise Crash

    forget()
    try:
        with tapped(die):
            life()
    except Crash:
        return False
    finally:
        forget()
    return True


# -- containers that run at once ---------------------------------------------------------------------------------------


class Gateway:
    """`chalice.test.Client` for several threads: that one swaps os.environ around every request."""

    def __init__(self, app: Chalice) -> None:
        self._gateway = LocalGateway(app, Config.create())

    @property
    def http(self) -> "Gateway":
        return self

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> HTTPResponse:
        return HTTPResponse.create_from_dict(self._gateway.handle_request(method, path, headers, body))


Program = Callable[[], object]


class _Container(threading.Thread):
    """A container with a memory of its own, that goes on only when told, from one AWS call to the next."""

    def __init__(self, program: Program) -> None:
        super().__init__(daemon=True)
        self._program = program
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._memory: OrderedDict[Hashable, Any] = OrderedDict()
        self._abandoned = False
        self._result: object = None
        self._error: BaseException | None = None
        self.call: Call | None = None

    def run(self) -> None:
        self._wait(self._go)
        try:
            self._result = self._program()
        except BaseException as error:  # noqa: BLE001  # raised again in the thread that asks for the outcome
            self._error = error
        self.call = None
        self._stopped.release()

    def outcome(self) -> object:
        """What the program returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result

    def step(self) -> None:
        """Go on to the next call, or the end."""
        memory._until = self._memory
        self._go.release()
        self._wait(self._stopped)

    def pause(self, call: Call) -> None:
        """Stop before a call, until told to go on."""
        self.call = call
        self._stopped.release()
        self._wait(self._go)
        if self._abandoned:
            raise Crash

    def next_touches(self, call: Call) -> bool:
        """Whether it matters if the call that it stopped before is made before or after another."""
        return self.call is not None and self.call.conflicts(call)

    def abandon(self) -> None:
        """End at once, if it has not ended."""
        self._abandoned = True
        self._go.release()
        self.join()

    @staticmethod
    def _wait(signal: threading.Semaphore) -> None:
        if not signal.acquire(timeout=PATIENCE_S):
            raise TimeoutError("a container hangs between two calls")


class Choice(NamedTuple):
    """Which container took a step, and which others could have instead and have not been tried yet."""

    taken: int
    untried: list[int]


def interleave(
    programs: Sequence[Program], order: Sequence[int], *, then: Sequence[int] = (), prune: bool = True
) -> tuple[list[object] | None, list[Choice]]:
    """Run programs as containers of their own, one AWS call at a time.

    In `order` where it can be, then one program after the other: as `then` has them, else by number.

    Returns their results, and every choice. With `prune` there are no results where a run can tell nothing new: an
    order that differs from one tried before only in calls that do not touch each other's rows is not followed up.
    Source: Godefroid: Partial-Order Methods for the Verification of Concurrent Systems, 1996 (sleep sets).
    """
    containers = [_Container(program) for program in programs]
    choices: list[Choice] = []
    asleep: set[int] = set()
    with tapped(_take_turns):
        for container in containers:
            container.start()
            container.step()
        while awake := {index: each.call for index, each in enumerate(containers) if each.call and index not in asleep}:
            wanted = [*order[len(choices) : len(choices) + 1], *then, *sorted(awake)]
            taken = next(index for index in wanted if index in awake)
            choices.append(Choice(taken, [index for index in awake if index > taken]))
            if prune:
                asleep |= {index for index in awake if index < taken}
                asleep = {index for index in asleep if not containers[index].next_touches(awake[taken])}
            containers[taken].step()
        for container in containers:
            container.abandon()
    forget()
    return None if asleep else [container.outcome() for container in containers], choices


def _take_turns(call: Call) -> Any:
    current = threading.current_thread()
    if isinstance(current, _Container):
        current.pause(call)
    return call.make()


@dataclass(frozen=True)
class Race:
    """Programs that run at once in a world of their own, and what that world looks like afterwards."""

    programs: Sequence[Program]
    outcome: Callable[[], object]


@dataclass
class Outcomes:
    """What a race leads to, as JSON of the programs' results and the race's outcome, each with an order of calls."""

    serial: dict[str, Sequence[int]] = field(default_factory=dict)
    interleaved: dict[str, Sequence[int]] = field(default_factory=dict)
    runs: int = 0


def in_turn(prepare: Callable[[], Race]) -> dict[str, Sequence[int]]:
    """The outcomes of programs one after the other, in any order."""
    found: dict[str, Sequence[int]] = {}
    for serial in itertools.permutations(range(len(prepare().programs))):
        _run(prepare(), found, (), serial)
    return found


def outcomes(prepare: Callable[[], Race]) -> Outcomes:
    """The outcomes of programs one after the other, in any order, and those of their calls interleaved in every way."""
    found = Outcomes(serial=in_turn(prepare))
    order: Sequence[int] | None = ()
    while order is not None:
        choices, told = _run(prepare(), found.interleaved, order)
        found.runs += told
        order = _next_order(choices)
    return found


def _run(
    race: Race, into: dict[str, Sequence[int]], order: Sequence[int], then: Sequence[int] = ()
) -> tuple[list[Choice], bool]:
    """Run a race once, and note its outcome; returns its choices, and whether it told anything new."""
    results, choices = interleave(race.programs, order, then=then, prune=not then)
    if results is None:
        return choices, False
    outcome = json.dumps([results, race.outcome()], sort_keys=True)
    into.setdefault(outcome, [choice.taken for choice in choices])
    return choices, True


def _next_order(choices: list[Choice]) -> list[int] | None:
    while choices:
        _, untried = choices.pop()
        if untried:
            return [choice.taken for choice in choices] + untried[:1]
    return None


# -- an AWS for many processes and threads -----------------------------------------------------------------------------


@contextmanager
def ministack() -> Iterator[str]:
    """A MiniStack of its own, with the template's tables and queues; yields its URL.

    moto lives in the process that it fakes AWS for, is not safe for threads, and is several times slower.
    """
    with socket.create_server(("127.0.0.1", 0)) as free, tempfile.TemporaryDirectory() as directory:
        port = free.getsockname()[1]
        free.close()
        environment = os.environ | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "ERROR",
            "PERSIST_STATE": "0",
            "TMPDIR": directory,
        }
        # It ends with its standard input, so that no way of ending this process leaves it running.
        command = [sys.executable, "-m", "infra.leash", "ministack"]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(f"{url}/_ministack/health", process)
            with aimed_at(url):
                resources.create("test", boto3.Session())
            yield url
            assert process.stdin
            process.stdin.close()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(PATIENCE_S * 20):
        assert process.poll() is None, "MiniStack ended"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.05)
    raise TimeoutError("MiniStack does not answer")


@contextmanager
def aimed_at(url: str) -> Iterator[None]:
    """Make this process talk to the AWS at `url`, as a container that remembers nothing.

    Table names are bound at import and are the same everywhere; the clients, which are made once, must be made anew.
    """
    with contextlib.ExitStack() as aimed:
        aimed.enter_context(mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": url}))
        for area in (
            alerts_models,
            analytics_models,
            incidents_models,
            jobs_models,
            media_models,
            projects_models,
            schedules_models,
            sentry_models,
            tasks_models,
        ):
            aimed.enter_context(mock.patch.object(area.table().connection, "_client", None))
        _forget_all()
        yield
    _forget_all()


def _forget_all() -> None:
    queues._client.cache_clear()
    queues._url.cache_clear()
    storage._client.cache_clear()
    config.config.cache_clear()
    forget()


def forget() -> None:
    """Begin as a fresh container does."""
    memory.forget()
    ingest.forget()
    quotas.forget()
    rules.forget()
    claiming.forget()
    digest.forget()
