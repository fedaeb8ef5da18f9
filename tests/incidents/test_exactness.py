"""Exact under concurrency: what 16 containers report at once is counted to the last one.

Each container is a process that answers one request at a time, as on Lambda, with clients and a memory of its own. They
share a MiniStack, which makes one call at a time, as DynamoDB does for one row.
"""

import json
import multiprocessing
import os
import random
from collections.abc import Iterator, Sequence
from multiprocessing.pool import Pool
from typing import Any

import boto3
import pytest
from chalice.config import Config
from chalice.local import LocalGateway

import app
from chalicelib.incidents import models
from chalicelib.incidents.recording import worth_keeping
from infra import pump
from tests.conftest import Door
from tests.faults import Gateway, aimed_at, ministack, no_pauses, storm, tapped

CONTAINERS = 16
# Of each container; fewer where a report takes several calls. EXACTNESS=500 makes it 8,000 everywhere, in some minutes.
FEWER_REPORTS = int(os.environ.get("EXACTNESS", "30"))
REPORTS = max(100, FEWER_REPORTS)
CONSUMERS = 4
USERS = 20
QUEUE, DEAD_LETTERS = "groundcrew-test-reports-overflow", "groundcrew-test-dead-letters"

Events = Sequence[str | None]


# -- what a container does ---------------------------------------------------------------------------------------------


def report(url: str, container: int, events: Events, share_refused: float) -> set[str]:
    """Report once per event, None being a report without an id; returns the incidents that were answered."""
    refuse = storm(random.Random(container), share_refused)
    with aimed_at(url), tapped(refuse), no_pauses():
        gateway = LocalGateway(app.app, Config.create())
        return {_report(gateway, f"user-{(container + n) % USERS}", event) for n, event in enumerate(events)}


def _report(gateway: LocalGateway, user: str, event: str | None) -> str:
    body = {"error_key": "storm", "description": {"error_message": "Upload failed"}, "user_id": user, "event_id": event}
    headers = {"content-type": "application/json", "x-ingest-key": os.environ["INGEST_KEY"]}
    answer = gateway.handle_request("POST", "/incidents", headers, json.dumps(body).encode())
    assert answer["statusCode"] == 202, answer
    return str(json.loads(answer["body"])["incident_id"])


def absorb(url: str, container: int) -> None:
    """Empty the queue, as Lambda does: what fails comes again, and at times what did not."""
    chance = random.Random(container)
    with aimed_at(url), no_pauses():
        sqs = boto3.client("sqs")
        queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        while messages := pump.receive(sqs, queue, 100, wait_s=0):
            event = pump.sqs_event(messages, f"arn:aws:sqs:eu-central-1:000000000000:{QUEUE}")
            # What comes too often becomes a dead letter, so it meets faults and is repeated the first time only.
            first = all(message["Attributes"]["ApproximateReceiveCount"] == "1" for message in messages)
            with tapped(storm(chance, share=0.5 if first else 0)):
                answer = app.absorb_overflow(event, None)
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            repeated = first and chance.random() < 0.25
            for message in messages:
                handle = message["ReceiptHandle"]
                if repeated or message["MessageId"] in failed:
                    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
                else:
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)


# -- what comes of it --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def containers() -> Iterator[Pool]:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["pytest", "app", __name__])
    with processes.Pool(CONTAINERS) as pool:
        yield pool


@pytest.fixture
def url() -> Iterator[str]:
    with ministack() as url, aimed_at(url):
        yield url


def send(containers: Pool, url: str, events: Sequence[Events], share_refused: float = 0) -> None:
    work = [(url, container, each, share_refused) for container, each in enumerate(events)]
    answered = containers.starmap(report, work, chunksize=1)
    assert len(set().union(*answered)) == 1


def picked(distinct: int, reports: int) -> list[list[str]]:
    """Event ids for each container, picked at random from the same few."""
    chance = random.Random(0)
    return [[f"{chance.randrange(distinct):032x}" for _ in range(reports)] for _ in range(CONTAINERS)]


def only_incident() -> dict[str, Any]:
    door = Door(Gateway(app.app))
    (listed,) = door.admin("GET", "/incidents").json["items"]
    return door.incident(listed["incident_id"])


def waiting(queue: str) -> int:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


def test_simultaneous_reports_are_counted_exactly(containers: Pool, url: str) -> None:
    send(containers, url, [[None] * REPORTS] * CONTAINERS)
    incident, reports = only_incident(), CONTAINERS * REPORTS
    assert (incident["count"], sum(incident["trend"]), incident["user_count"]) == (reports, reports, USERS)
    assert waiting(QUEUE) == 0
    kept = models.Row.query(models.incident_key(incident["incident_id"]), models.Row.sk.startswith("OCC#"))
    assert len(list(kept)) == sum(map(worth_keeping, range(1, reports + 1)))


def test_retried_events_are_counted_once_each(containers: Pool, url: str) -> None:
    events = picked(FEWER_REPORTS * 6, FEWER_REPORTS)
    send(containers, url, events)
    distinct = len(set().union(*events))
    assert distinct < CONTAINERS * FEWER_REPORTS / 2
    incident = only_incident()
    assert (incident["count"], sum(incident["trend"]), incident["user_count"]) == (distinct, distinct, USERS)
    assert waiting(QUEUE) == 0


def test_a_store_that_refuses_half_of_all_writes_changes_nothing(containers: Pool, url: str) -> None:
    named = picked(FEWER_REPORTS * 3, FEWER_REPORTS)[::2]
    unnamed = [[None] * FEWER_REPORTS] * (CONTAINERS // 2)
    send(containers, url, [*named, *unnamed], share_refused=0.5)
    assert waiting(QUEUE) > 0
    containers.starmap(absorb, [(url, container) for container in range(CONSUMERS)], chunksize=1)
    expected = len(set().union(*named)) + sum(map(len, unnamed))
    incident = only_incident()
    assert (incident["count"], sum(incident["trend"]), incident["user_count"]) == (expected, expected, USERS)
    assert (waiting(QUEUE), waiting(DEAD_LETTERS)) == (0, 0)
