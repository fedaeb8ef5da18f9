"""Events: the shapes of S3, MinIO and R2, and the webhook of stores that cannot reach the queue."""

import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from chalicelib.jobs.dispatching import Message
from chalicelib.media import messages
from chalicelib.media.events import NotAnEvent, created_keys
from tests.conftest import STORAGE_SECRET, Answer, Door
from tests.media.conftest import Customer

EVENTS = Path(__file__).parents[1] / "events"
MEDIA_ID = "0123456789abcdef0123456789abcdef"
KEY = f"originals/{MEDIA_ID}"


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text().replace("{media_id}", MEDIA_ID))


@pytest.mark.parametrize("name", ["s3_put", "minio_put", "r2_put"])
def test_every_store_says_what_was_made(name: str) -> None:
    assert created_keys(event(name)) == [KEY]


def test_what_was_not_made_in_our_bucket_is_nothing() -> None:
    assert created_keys(event("s3_test")) == []
    assert created_keys({"Records": []}) == []
    for name in ("s3_put", "minio_put"):
        other = event(name)
        other["Records"][0]["eventName"] = "ObjectRemoved:Delete"
        assert created_keys(other) == []
        other = event(name)
        other["Records"][0]["s3"]["bucket"]["name"] = "another"
        assert created_keys(other) == []
    assert created_keys(event("r2_put") | {"action": "DeleteObject"}) == []
    assert created_keys(event("r2_put") | {"bucket": "another"}) == []


def test_a_record_that_comes_doubled_is_one_key() -> None:
    records = event("s3_put")["Records"]
    assert created_keys({"Records": records * 2}) == [KEY]


json_values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=5,
)
bent = strategies.sampled_from(
    ["Records", "eventName", "s3", "bucket", "object", "key", "name", "action", "Event", "job_id", "attempt", "created"]
)


@hypothesis.given(strategies.dictionaries(bent, json_values | strategies.dictionaries(bent, json_values)) | json_values)
def test_any_other_text_is_said_to_be_none(body: Any) -> None:
    try:
        found = messages.read(json.dumps(body))
    except ValueError:
        return
    assert isinstance(found, (list, Message))


@pytest.mark.parametrize(
    "body", [{}, {"Records": [{}]}, {"Records": "x"}, {"action": 1}, {"Records": [{"s3": {}}] * 9}]
)
def test_what_is_no_event_is_refused(body: Any) -> None:
    with pytest.raises(NotAnEvent):
        created_keys(body)


def webhook(door: Door, body: Any, secret: str = STORAGE_SECRET) -> Answer:
    return door.call("POST", "/storage/events", body, authorization=f"Bearer {secret}")


@pytest.mark.parametrize("name", ["minio_put", "r2_put"])
def test_the_webhook_queues_what_was_made(door: Door, customer: Customer, name: str) -> None:
    answer = webhook(door, event(name))
    assert (answer.status, answer.json) == (202, {"accepted": 1})
    (body,) = customer.received()
    assert messages.read(body) == [KEY]


def test_the_webhook_wants_its_secret(door: Door, customer: Customer) -> None:
    assert door.call("POST", "/storage/events", event("r2_put")).json["Code"] == "MissingCredentials"
    for secret in ("wrong", STORAGE_SECRET + "x", "é"):
        assert webhook(door, event("r2_put"), secret).status == 401
    assert door.admin("POST", "/storage/events", event("r2_put")).status == 401
    assert webhook(door, {"hello": "you"}).json["Code"] == "InvalidBody"
    assert webhook(door, event("s3_test")).json == {"accepted": 0}
    assert customer.received() == []
