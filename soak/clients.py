"""Clients: they report, upload and plan without a pause, and send each thing again until it is taken."""

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from bench.report import name, report
from infra import local
from soak import system
from tests.e2e.conftest import Run, signed_in

PAUSE_S: Final = 0.25
PATIENCE_S: Final = 60
WITNESS: Final = "witness"
FAILURES: Final = 10
PHOTO: Final = local.PROJECT / "tests/data/media/gps.jpg"


@dataclass
class Load:
    """What clients did, and were answered. `sent` has the incident of each event that was taken.

    `unadvised` are answers that say less than they must, `vanished` those that do not know what was answered before.
    """

    stack: local.Stack
    error_key: str
    over: threading.Event = field(default_factory=threading.Event)
    statuses: Counter[int] = field(default_factory=Counter)
    unadvised: int = 0
    given_up: int = 0
    vanished: int = 0
    slowest_s: float = 0
    sent: dict[str, str] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)
    witnessed: list[str] = field(default_factory=list)


def prepare(stack: local.Stack) -> None:
    """Make the witness's table."""
    system.aws(stack, "dynamodb").create_table(
        TableName=WITNESS,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def loaded(run: Run, error_key: str) -> Iterator[Load]:
    """Clients that go on until the end of the block, and then until what they have begun is taken or given up."""
    load = Load(run.stack, error_key)
    customer, admin = signed_in(run.stack, "customer", "customer-soak"), system.admin(run)
    witness = partial(_witness, system.aws(run.stack, "dynamodb"))
    works = [
        partial(_report, admin),
        partial(_report, admin),
        partial(_plan, admin),
        partial(_upload, customer),
        witness,
    ]
    with customer, admin, ThreadPoolExecutor(len(works)) as pool:
        done = [pool.submit(_go_on, load, work) for work in works]
        try:
            yield load
        finally:
            load.over.set()
    for each in done:
        each.result()


def _go_on(load: Load, work: Callable[[Load, int], None]) -> None:
    for nth in itertools.count():
        if load.over.is_set():
            return
        work(load, nth)


def _report(client: httpx.Client, load: Load, nth: int) -> None:
    event_id = uuid.uuid4().hex
    body = report(nth, name(nth % FAILURES)) | {"error_key": load.error_key, "event_id": event_id}
    taken = insist(load, client, "/incidents", body, {"X-Ingest-Key": load.stack.ingest_key})
    if taken:
        load.sent[event_id] = taken["incident_id"]


def _plan(client: httpx.Client, load: Load, nth: int) -> None:
    key = uuid.uuid4().hex
    task = insist(load, client, "/tasks", {"title": f"{load.error_key} {nth}"}, {"Idempotency-Key": key})
    if task:
        load.tasks.append(task["task_id"])


def _upload(client: httpx.Client, load: Load, nth: int) -> None:
    content = PHOTO.read_bytes()
    asked = {"file_name": f"{nth}.jpg", "content_type": "image/jpeg", "size_bytes": len(content)}
    begun = insist(load, client, "/media", asked, {"Idempotency-Key": uuid.uuid4().hex})
    # Whoever has sent a file says so: it is noticed though the store's event was lost.
    sent = begun and _stored(begun["upload"], content)
    if sent and insist(load, client, f"/media/{begun['media_id']}/complete", {}, {}):
        load.media.append(begun["media_id"])


def _stored(upload: dict[str, Any], content: bytes) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    with httpx.Client(trust_env=False, timeout=PATIENCE_S) as web:
        while time.monotonic() < deadline:
            try:
                answer = web.put(upload["url"], content=content, headers=upload["headers"])
            except httpx.TransportError:
                time.sleep(PAUSE_S)
                continue
            # That it is there already says that only the answer was lost.
            if answer.is_success or answer.status_code == httpx.codes.PRECONDITION_FAILED:
                return True
            time.sleep(PAUSE_S)
    return False


def _witness(dynamodb: Any, load: Load, nth: int) -> None:
    pk = f"{load.error_key} {nth}"
    try:
        dynamodb.put_item(TableName=WITNESS, Item={"pk": {"S": pk}})
        load.witnessed.append(pk)
    except (BotoCoreError, ClientError):
        time.sleep(PAUSE_S)


def insist(load: Load, client: httpx.Client, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    """Send a request until it is taken; returns the answer's body, None for one given up or about what is gone."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        began = time.monotonic()
        try:
            answer = client.post(path, json=body, headers=headers)
        except httpx.TransportError:
            load.statuses[0] += 1
            continue
        finally:
            load.slowest_s = max(load.slowest_s, time.monotonic() - began)
        load.statuses[answer.status_code] += 1
        if answer.is_success:
            return answer.json()
        if answer.status_code == httpx.codes.NOT_FOUND:
            load.vanished += 1
            return None
        if answer.status_code in (500, 502) or (answer.is_server_error and "retry-after" not in answer.headers):
            load.unadvised += 1
        time.sleep(PAUSE_S)
    load.given_up += 1
    return None
