"""Those whose SDKs report, and what comes of it, on a store in memory: there are many cases."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib import memory, queues
from chalicelib.incidents import overflow
from chalicelib.projects import ingest, quotas
from infra.pump import sqs_event
from tests import store
from tests.conftest import Answer, Door
from tests.faults import Call, tapped

ARN = f"arn:aws:sqs:eu-central-1:000000000000:groundcrew-test-{overflow.QUEUE}"


@dataclass(frozen=True)
class Cloud:
    """The door of a new cloud, and what lies behind it."""

    door: Door
    store: store.Store
    files: dict[str, bytes] = field(default_factory=dict)

    def absorb(self) -> int:
        """Let the queue's consumer take what was ever sent there; returns how many messages that was."""
        messages: Any = [
            {"MessageId": str(nth), "ReceiptHandle": "", "Body": body, "Attributes": {}, "MD5OfBody": ""}
            for nth, body in enumerate(self.store.messages(overflow.QUEUE))
        ]
        taken = app.handler_map["absorb_overflow"](sqs_event(messages, ARN), None)
        assert taken == {"batchItemFailures": []}
        return len(messages)


@dataclass(frozen=True)
class Shop:
    """A project, as those know it who have its DSN, and what operators see of it."""

    cloud: Cloud
    project_id: str
    key: str

    @property
    def door(self) -> Door:
        return self.cloud.door

    @property
    def auth(self) -> dict[str, str]:
        pairs = f"sentry_key={self.key}, sentry_version=7, sentry_client=sentry.python/2.75.0"
        return {"x-sentry-auth": f"Sentry {pairs}"}

    def send(self, body: bytes, to: str = "envelope/", headers: Mapping[str, str] | None = None) -> Answer:
        """Send bytes with the project's key, or with exactly these headers."""
        sent = self.auth if headers is None else dict(headers)
        return self.door.send("POST", f"/api/{self.project_id}/{to}", sent, body)

    def incidents(self) -> list[dict[str, Any]]:
        """All of them, in detail."""
        return [self.door.incident(each["incident_id"]) for each in self._listed()]

    def counts(self) -> dict[str, int]:
        """How often each failure was seen, by its title."""
        return {each["title"]: each["count"] for each in self._listed()}

    def kept(self, incident_id: str) -> list[dict[str, Any]]:
        """The kept reports of an incident, the newest first."""
        page = self.door.admin("GET", f"/incidents/{incident_id}/occurrences?limit=100").json
        found: list[dict[str, Any]] = page["items"]
        return found

    def _listed(self) -> list[dict[str, Any]]:
        page = self.door.admin("GET", f"/incidents?limit=100&project_id={self.project_id}").json
        assert page["next_cursor"] is None
        found: list[dict[str, Any]] = page["items"]
        return found


@pytest.fixture
def cloud_in_memory() -> Iterator[Cloud]:
    for found_out in (memory.forget, ingest.forget, quotas.forget, queues._url.cache_clear):
        found_out()
    with store.installed() as held, Client(app, stage_name="none") as client:
        cloud = Cloud(Door(client), held)

        def write(call: Call) -> Any:
            if call.operation != "PutObject":
                return call.make()
            cloud.files[call.parameters["Key"]] = call.parameters["Body"]
            return {}

        with tapped(write):
            yield cloud


def founded(cloud: Cloud, **settings: Any) -> Shop:
    """A new project."""
    answer = cloud.door.admin("POST", "/projects", {"name": "shop", **settings})
    assert answer.status == 201, answer
    return Shop(cloud, answer.json["project_id"], answer.json["keys"][0])


@pytest.fixture
def shop(cloud_in_memory: Cloud) -> Shop:
    return founded(cloud_in_memory)
