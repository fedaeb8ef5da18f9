"""The public door in one process: `chalice.test.Client` on moto, with an issuer of our own."""

import copy
import copyreg
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from tests import issuer

INGEST_KEY = "feedfacefeedfacefeedfacefeedface"
STORAGE_SECRET = "the store and we know this"

pytest_plugins = ["tests.permissions", "tests.receiver"]

os.environ |= {
    "STAGE": "test",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "INGEST_KEY": INGEST_KEY,
    "OIDC_ISSUER": issuer.URL,
    "OIDC_AUDIENCE": issuer.AUDIENCE,
    "ALLOWED_ORIGINS": "https://ops.example.com, http://localhost:*",
    "PUBLIC_URL": "https://ops.example.com/api",
    "CURSOR_KEY": "a key that callers do not know",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "STORAGE_WEBHOOK_SECRET": STORAGE_SECRET,
}


# Their few tests are long.
_LONG: Final = ("test_exactness.py", "test_kills.py", "test_memory.py", "test_pages.py", "test_sdks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take first what takes long: the processes of pytest-xdist get a file at a time, and are to end together."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name not in _LONG, -tests[item.path], item.path))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Door:
    """HTTP into the app. `admin` and `customer` send a good token, `ingest` the project's key."""

    def __init__(self, client: Any) -> None:
        self._http = client.http

    def call(self, method: str, path: str, body: Any = b"", **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.send(method, path, sent, raw)

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send exactly these headers."""
        answer = self._http.request(method=method, path=path, headers=headers, body=body)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, lowered, answer.body)

    def admin(self, method: str, path: str, body: Any = b"", **headers: str) -> Answer:
        return self.call(method, path, body, authorization=f"Bearer {issuer.token()}", **headers)

    def customer(self, method: str, path: str, body: Any = b"", sub: str = "customer-68", **headers: str) -> Answer:
        token = issuer.token(groups=("customer",), sub=sub)
        return self.call(method, path, body, authorization=f"Bearer {token}", **headers)

    def ingest(self, body: Any, **headers: str) -> Answer:
        return self.call("POST", "/incidents", body, x_ingest_key=INGEST_KEY, **headers)

    def report(self, error_key: str = "homework_proof", description: Any = None, **fields: Any) -> dict[str, Any]:
        """Report and expect it to be taken."""
        body = {"error_key": error_key, "description": {} if description is None else description, **fields}
        answer = self.ingest(body)
        assert answer.status == 202, answer
        taken: dict[str, Any] = answer.json
        return taken

    def incident(self, incident_id: str) -> dict[str, Any]:
        answer = self.admin("GET", f"/incidents/{incident_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found


@pytest.fixture(scope="session")
def aws() -> boto3.Session:
    """One session for all tests: it caches what botocore reads from disk."""
    return boto3.Session()


# Where moto keeps what the template declares: a service, and its region, or the partition for a service of all regions.
_PLACES: Final = (("dynamodb", "eu-central-1"), ("sns", "eu-central-1"), ("sqs", "eu-central-1"), ("s3", "aws"))
# A queue's lock is nobody's while it is copied.
copyreg.pickle(threading.Condition, lambda _: (threading.Condition, ()))


@dataclass(frozen=True)
class Created:
    """What moto holds once the template's resources are created."""

    backends: dict[Any, Any]
    buckets: dict[str, tuple[str, str]]


@pytest.fixture(scope="session")
def created(aws: boto3.Session) -> Created:
    """Made once, as it takes half a second; a copy takes milliseconds."""
    from infra import resources

    with mock_aws():
        resources.create("test", aws)
        backends = {place: get_backend(place[0])[DEFAULT_ACCOUNT_ID][place[1]] for place in _PLACES}
        return copy.deepcopy(Created(backends, s3_backends.bucket_accounts))


@pytest.fixture
def cloud(created: Created) -> Iterator[None]:
    """Empty tables and queues on moto, as the template declares them, and a container that remembers nothing."""
    from chalicelib import memory
    from chalicelib.alerts import claiming, digest, rules
    from chalicelib.projects import ingest, quotas

    with mock_aws():
        for (service, region), backend in copy.deepcopy(created.backends).items():
            get_backend(service)[DEFAULT_ACCOUNT_ID][region] = backend
        s3_backends.bucket_accounts |= created.buckets
        memory.forget()
        ingest.forget()
        quotas.forget()
        rules.forget()
        claiming.forget()
        digest.forget()
        yield


@pytest.fixture
def door(cloud: None) -> Iterator[Door]:
    from chalice.test import Client

    from app import app

    with Client(app, stage_name="none") as client:
        yield Door(client)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the clock that handlers read."""
    from chalicelib import clock

    def freeze(moment: str) -> None:
        parsed = clock.parse(moment)
        monkeypatch.setattr(clock, "now", lambda: parsed)

    return freeze
