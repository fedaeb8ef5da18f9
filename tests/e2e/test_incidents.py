"""The incident hub from outside, over HTTP alone: the same on the local stack and on a deployment.

Others may use the same hub at the same time, so every test reports under an error_key of its own.
"""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.incidents import overflow, report
from infra import local
from infra.token import token
from tests.e2e.conftest import PATIENCE_S, eventually

ORIGIN = "http://localhost:5173"
UNKNOWN = "0" * 32


@dataclass(frozen=True)
class Hub:
    stack: local.Stack
    anyone: httpx.Client
    admin: httpx.Client

    def report(self, error_key: str, description: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Report, and expect it to be taken."""
        return self.send({"error_key": error_key, "description": description or {}, **fields})

    def send(self, body: Any) -> dict[str, Any]:
        answer = self.anyone.post("/incidents", json=body, headers={"X-Ingest-Key": self.stack.ingest_key})
        assert answer.status_code == 202, answer.text
        taken: dict[str, Any] = answer.json()
        return taken

    def incident(self, incident_id: str) -> dict[str, Any]:
        answer = self.admin.get(f"/incidents/{incident_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def walk(self, path: str = "/incidents", **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            answer = self.admin.get(path, params={**parameters, **cursor})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}


@pytest.fixture(scope="module")
def hub(stack: local.Stack) -> Iterator[Hub]:
    console = {"Authorization": f"Bearer {token(stack, 'admin', 'admin-1')}", "Origin": ORIGIN}
    with client(stack) as anyone, client(stack, console) as admin:
        yield Hub(stack, anyone, admin)


def client(stack: local.Stack, headers: dict[str, str] | None = None) -> httpx.Client:
    return httpx.Client(base_url=stack.url, headers=headers, trust_env=False, timeout=PATIENCE_S)


@pytest.fixture
def key() -> str:
    return f"e2e.{uuid.uuid4().hex}"


def expect_error(answer: httpx.Response, status: int, code: str) -> None:
    """An error as API.md promises it: its form, readable by pages of other origins, and with a correlation id."""
    assert (answer.status_code, answer.json()["Code"]) == (status, code), answer.text
    assert answer.json()["Message"]
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "X-Correlation-Id" in answer.headers["access-control-expose-headers"]
    assert answer.headers["x-correlation-id"]


def test_why_customer_68s_video_did_not_upload_is_a_line_in_a_list_and_a_click(hub: Hub, key: str) -> None:
    description = {"error_message": "Upload of IMG_2392.mov failed", "file_name": "IMG_2392.mov", "password": "hunter2"}
    facts = {
        "severity": "HIGH",
        "environment": "production",
        "release": "1.4.0",
        "user_id": "68",
        "route_name": "/homework/proofs",
        "endpoint": "PUT /proofs/68",
        "http_status": 413,
        "request_data": {"size_bytes": 734003200},
        "response_data": {"error": "EntityTooLarge"},
    }
    incident_id = hub.report(key, description, **facts)["incident_id"]

    (line,) = [found for found in hub.walk(q="img_2392.MOV", status="ACTIVE") if found["incident_id"] == incident_id]
    assert line["title"] == f"{key}: Upload of IMG_2392.mov failed"
    assert (line["severity"], line["count"], line["user_count"]) == ("HIGH", 1, 1)
    assert (line["environments"], sum(line["trend"]), len(line["trend"])) == (["production"], 1, 24)

    detail = hub.incident(incident_id)
    assert detail["description"]["file_name"] == "IMG_2392.mov"
    assert "hunter2" not in json.dumps(detail)
    assert {name: detail[name] for name in facts if name not in ("environment", "release")} == {
        name: value for name, value in facts.items() if name not in ("environment", "release")
    }
    assert key in detail["grouped_by"]

    fix = {
        "status": "FIXED",
        "fix_commit_hash": "a1b2c3d",
        "fix_notes": "100 MB is too low",
        "fixed_in_release": "1.5.0",
    }
    fixed = hub.admin.patch(f"/incidents/{incident_id}", json=fix)
    assert fixed.status_code == 200
    assert {name: fixed.json()[name] for name in fix} == fix
    assert [found["incident_id"] for found in hub.walk(error_key=key, status="FIXED")] == [incident_id]
    assert list(hub.walk(error_key=key, status="ACTIVE")) == []

    hub.report(key, description, **facts)
    old = hub.incident(incident_id)
    assert (old["status"], old["stale_hits"], old["regressed"]) == ("FIXED", 1, False)
    hub.report(key, description, **facts | {"release": "1.5.1"})
    back = hub.incident(incident_id)
    assert (back["status"], back["count"], back["regressed"]) == ("ACTIVE", 2, True)


def test_a_beacon_needs_no_headers(hub: Hub, key: str) -> None:
    body = json.dumps({"error_key": key, "description": {"error_message": "Größe: 5 µm 😀"}}).encode()
    answer = hub.anyone.post(
        "/incidents",
        params={"key": hub.stack.ingest_key},
        content=body,
        headers={"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://any.example"},
    )
    assert answer.status_code == 202
    assert answer.headers["access-control-allow-origin"] == "*"
    assert hub.incident(answer.json()["incident_id"])["description"] == {"error_message": "Größe: 5 µm 😀"}


def test_a_body_may_come_in_chunks_and_without_any_header_of_its_own(hub: Hub, key: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield json.dumps({"error_key": key, "description": {"error_message": "in chunks"}}).encode()

    # A request of this kind has no Accept, no Content-Type and no Content-Length.
    url = httpx.URL(f"{hub.stack.url}/incidents", params={"key": hub.stack.ingest_key})
    answer = hub.anyone.send(httpx.Request("POST", url, content=chunks()))
    assert answer.status_code == 202, answer.text
    assert hub.incident(answer.json()["incident_id"])["error_message"] == "in chunks"


def test_the_case_of_a_header_and_a_final_slash_do_not_matter(hub: Hub, key: str) -> None:
    body = {"error_key": key, "description": {}}
    answer = hub.anyone.post("/incidents/", json=body, headers={"X-INGEST-KEY": hub.stack.ingest_key})
    assert answer.status_code == 202, answer.text
    assert hub.admin.get(f"/incidents/{answer.json()['incident_id']}/").status_code == 200


def test_a_batch_answers_each_report_in_its_order(hub: Hub, key: str) -> None:
    good = {"error_key": key, "description": {"error_message": "same"}}
    results = hub.send({"reports": [good, {"error_key": "!", "description": {}}, "text", good]})["results"]
    assert [result.get("Code") for result in results] == [None, "InvalidRequest", "InvalidRequest", None]
    assert results[0]["incident_id"] == results[3]["incident_id"]
    assert hub.incident(results[0]["incident_id"])["count"] == 2


def test_an_event_that_is_sent_again_counts_once(hub: Hub, key: str) -> None:
    event_id = uuid.uuid4().hex
    with ThreadPoolExecutor(3) as clients:
        taken = list(clients.map(lambda n: hub.report(key, {"n": n}, event_id=event_id), range(3)))
    taken.append(hub.report(key, event_id=event_id))
    assert {each["event_id"] for each in taken} == {event_id}
    (incident_id,) = {each["incident_id"] for each in taken}
    assert hub.incident(incident_id)["count"] == 1
    assert len(list(hub.walk(f"/incidents/{incident_id}/occurrences"))) == 1


def test_the_correlation_id_goes_from_the_request_to_the_report(hub: Hub, key: str) -> None:
    correlation_id = f"upload:{uuid.uuid4().hex}"
    answer = hub.anyone.post(
        "/incidents",
        json={"error_key": key, "description": {}},
        headers={"X-Ingest-Key": hub.stack.ingest_key, "X-Correlation-Id": correlation_id},
    )
    assert answer.headers["x-correlation-id"] == correlation_id
    (kept,) = hub.walk(f"/incidents/{answer.json()['incident_id']}/occurrences")
    assert kept["correlation_id"] == correlation_id


def test_filters_combine_and_cursors_hold_while_reports_come_in(hub: Hub, key: str) -> None:
    for number in range(7):
        severity, environment = ("HIGH", "live") if number % 2 else ("LOW", "beta")
        hub.report(f"{key}-{number}", {"error_message": "It broke"}, severity=severity, environment=environment)
    keys = [f"{key}-{number}" for number in range(7)]

    seen = []
    for incident in hub.walk(error_key=key, limit=3):
        seen.append(incident["error_key"])
        if len(seen) == 4:
            hub.report(f"{key}-9")
    assert seen == [*keys, f"{key}-9"]

    def matching(**filters: str) -> list[str]:
        return [incident["error_key"] for incident in hub.walk(error_key=key, limit=2, **filters)]

    assert matching(severity="HIGH", environment="live") == [keys[1], keys[3], keys[5]]
    assert matching(severity="HIGH", environment="beta") == []
    assert matching(q="IT BROKE") == keys
    newest_first = [found["last_seen"] for found in hub.walk(q=key, limit=4)]
    assert len(newest_first) == 8
    assert [moment[:16] for moment in newest_first] == sorted((moment[:16] for moment in newest_first), reverse=True)


def test_a_cursor_is_good_for_its_own_list_alone(hub: Hub, key: str) -> None:
    for number in range(2):
        hub.report(f"{key}-{number}")
    cursor = hub.admin.get("/incidents", params={"error_key": key, "limit": 1}).json()["next_cursor"]
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    for parameters in ({"error_key": "e2e", "cursor": cursor}, {"error_key": key, "cursor": f"{cursor[:-2]}AA"}):
        expect_error(hub.admin.get("/incidents", params=parameters), 400, "InvalidCursor")


def test_a_parameter_may_hold_any_character(hub: Hub, key: str) -> None:
    hub.report(key, {"error_message": "50 % & more: a+b=c? #1/ü"})
    assert [found["error_key"] for found in hub.walk(error_key=key, q="50 % & more: a+b=c? #1/ü")] == [key]
    assert list(hub.walk(error_key=key, q="50 % & less")) == []


def test_counts_and_stats_tell_of_new_incidents(hub: Hub, key: str) -> None:
    def count() -> int:
        return int(hub.admin.get("/incidents/count", params={"status": "ACTIVE"}).json()["count"])

    before = count()
    for _ in range(3):
        hub.report(key, severity="CRITICAL")
    hub.report(f"{key}-other")
    assert count() >= before + 2

    stats = hub.admin.get("/incidents/stats").json()
    assert stats["by_error_key"][key] == {"incidents": 1, "occurrences": 3}
    assert stats["by_severity"]["CRITICAL"]["occurrences"] >= 3
    assert key in [incident["error_key"] for incident in stats["newest"]]


def test_what_is_deleted_is_gone(hub: Hub, key: str) -> None:
    incident_id = hub.report(key)["incident_id"]
    for _ in range(2):
        answer = hub.admin.delete(f"/incidents/{incident_id}")
        assert (answer.status_code, answer.content) == (204, b"")
    expect_error(hub.admin.get(f"/incidents/{incident_id}"), 404, "IncidentNotFound")
    expect_error(hub.admin.get(f"/incidents/{incident_id}/occurrences"), 404, "IncidentNotFound")
    assert list(hub.walk(error_key=key)) == []


NESTED = b'{"error_key": "e2e", "description": ' + b'{"d":' * 10_000 + b"1" + b"}" * 10_001
LARGE = b'{"error_key": "e2e", "description": {"text": "' + b"x" * 300_000 + b'"}}'


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "InvalidBody"),
        (NESTED, "application/json", 400, "InvalidBody"),
        (b'{"error_key": "not a key", "description": {}}', "application/json", 400, "InvalidRequest"),
        (b'{"error_key": "e2e", "description": []}', "text/plain", 400, "InvalidRequest"),
        (LARGE, "application/json", 413, "PayloadTooLarge"),
        (b'{"error_key": "e2e", "description": {}}', "application/xml", 415, "UnsupportedMediaType"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "image/png", 415, "UnsupportedMediaType"),
    ],
    ids=["malformed", "nested", "error_key", "description", "large", "xml", "image"],
)
def test_a_report_is_refused_in_words(hub: Hub, body: bytes, content_type: str, status: int, code: str) -> None:
    headers = {"X-Ingest-Key": hub.stack.ingest_key, "Content-Type": content_type, "Origin": "https://any.example"}
    answer = hub.anyone.post("/incidents", content=body, headers=headers)
    expect_error(answer, status, code)
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("sent", "code"), [("", "MissingCredentials"), ("0" * 32, "InvalidIngestKey"), ("ключ", "InvalidIngestKey")]
)
def test_a_report_needs_the_ingest_key(hub: Hub, sent: str, code: str) -> None:
    headers = httpx.Headers({"X-Ingest-Key": sent}, encoding="utf-8")
    answer = hub.anyone.post("/incidents", json={"error_key": "e2e", "description": {}}, headers=headers)
    expect_error(answer, 401, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/incidents?limit=101", 400, "InvalidRequest"),
        ("GET", "/incidents?status=OPEN", 400, "InvalidRequest"),
        ("GET", f"/incidents/{UNKNOWN}", 404, "IncidentNotFound"),
        ("GET", "/incidents/%F0%9F%98%80%20%25", 404, "IncidentNotFound"),
        ("PATCH", f"/incidents/{UNKNOWN}", 400, "InvalidBody"),
        ("GET", "/nothing", 404, "NotFound"),
        ("GET", "/", 404, "NotFound"),
        ("POST", "/incidents/a/b/c", 404, "NotFound"),
    ],
)
def test_an_operators_mistake_is_answered_in_words(hub: Hub, method: str, path: str, status: int, code: str) -> None:
    expect_error(hub.admin.request(method, path), status, code)


def test_a_method_that_a_path_lacks_is_refused(hub: Hub) -> None:
    answer = hub.admin.put("/incidents")
    # API Gateway does not let it reach the function, and cannot tell it from a path that does not exist.
    expect_error(answer, *((404, "NotFound") if answer.status_code == 404 else (405, "MethodNotAllowed")))


def forged(good: str, key: Any, algorithm: str) -> str:
    claims = jwt.decode(good, options={"verify_signature": False})
    named = {name: value for name, value in jwt.get_unverified_header(good).items() if name == "kid"}
    return jwt.encode(claims, key, algorithm=algorithm, headers=named)


def tampered(good: str) -> str:
    """The token of another subject, under the signature of this one."""
    header, claims, signature = good.split(".")
    other = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"sub": "admin-2"}
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(other).encode()).rstrip(b'=').decode()}.{signature}"


FORGERIES: dict[str, Callable[[local.Stack], str]] = {
    "unsigned": lambda stack: forged(token(stack, "admin", "admin-1"), None, "none"),
    "signed by a stranger": lambda stack: forged(
        token(stack, "admin", "admin-1"), rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"
    ),
    "signed with a password": lambda stack: forged(token(stack, "admin", "admin-1"), "x" * 64, "HS256"),
    "altered": lambda stack: tampered(token(stack, "admin", "admin-1")),
    "for another audience": lambda stack: token(replace(stack, audience="another"), "admin", "admin-1"),
    "nonsense": lambda _: "a.b.c",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_opens_nothing(hub: Hub, forgery: str) -> None:
    headers = {"Authorization": f"Bearer {FORGERIES[forgery](hub.stack)}", "Origin": ORIGIN}
    expect_error(hub.anyone.get("/incidents", headers=headers), 401, "InvalidToken")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/incidents"),
        ("GET", "/incidents/count"),
        ("GET", "/incidents/stats"),
        ("GET", f"/incidents/{UNKNOWN}"),
        ("GET", f"/incidents/{UNKNOWN}/occurrences"),
        ("PATCH", f"/incidents/{UNKNOWN}"),
        ("DELETE", f"/incidents/{UNKNOWN}"),
    ],
)
def test_operators_calls_are_for_admins(hub: Hub, method: str, path: str) -> None:
    expect_error(hub.anyone.request(method, path, headers={"Origin": ORIGIN}), 401, "MissingCredentials")
    customer = {"Authorization": f"Bearer {token(hub.stack, 'customer', 'customer-68')}", "Origin": ORIGIN}
    expect_error(hub.anyone.request(method, path, headers=customer), 403, "Forbidden")


@pytest.mark.parametrize(
    ("method", "path", "origin", "allowed"),
    [
        ("POST", "/incidents", "https://any.example", "*"),
        ("GET", "/incidents", ORIGIN, ORIGIN),
        ("PATCH", f"/incidents/{UNKNOWN}", ORIGIN, ORIGIN),
    ],
)
def test_a_preflight_says_what_a_page_may_send(hub: Hub, method: str, path: str, origin: str, allowed: str) -> None:
    answer = hub.anyone.options(path, headers={"Origin": origin, "Access-Control-Request-Method": method})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == allowed
    assert method in answer.headers["access-control-allow-methods"]
    for name in ("Authorization", "Content-Type", "X-Ingest-Key", "X-Correlation-Id", "sentry-trace"):
        assert name in answer.headers["access-control-allow-headers"]
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert hub.anyone.options(path, headers=evil).headers["access-control-allow-origin"] not in ("*", evil["Origin"])


def test_reports_of_the_same_instant_lose_nothing(hub: Hub, key: str) -> None:
    def user(number: int) -> set[str]:
        with client(hub.stack) as page:
            mine = replace(hub, anyone=page)
            return {mine.report(key, user_id=str(number))["incident_id"] for _ in range(50)}

    with ThreadPoolExecutor(4) as users:
        (incident_id,) = set().union(*users.map(user, range(4)))
    # A report that found the database busy is counted from the queue.
    assert eventually(lambda: hub.incident(incident_id)["count"] >= 200)
    incident = hub.incident(incident_id)
    assert (incident["count"], incident["user_count"], sum(incident["trend"])) == (200, 4, 200)


def test_reports_that_wait_in_the_queue_become_incidents(hub: Hub, key: str) -> None:
    origin = report.Origin("1", None, f"queued:{key}")
    repeated = {"error_key": key, "description": {"error_message": "queued"}, "event_id": uuid.uuid4().hex}
    fresh = repeated | {"event_id": uuid.uuid4().hex}
    sqs = boto3.client(
        "sqs",
        endpoint_url=hub.stack.cloud_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    (name,) = {url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"] if url.endswith(f"-{overflow.QUEUE}")}
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    for body in (repeated, repeated, fresh):
        queued = report.read(body, origin, datetime.now(UTC))
        sqs.send_message(QueueUrl=url, MessageBody=overflow.body(queued, "nothing"))

    def counts() -> list[int]:
        return [incident["count"] for incident in hub.walk(error_key=key)]

    assert eventually(lambda: counts() == [2])
    (incident,) = hub.walk(error_key=key)
    assert hub.incident(incident["incident_id"])["correlation_id"] == f"queued:{key}"


def test_projects_under_load_at_once_stay_apart(hub: Hub, key: str) -> None:
    quota, users, each = 40, 4, 25
    made = [hub.admin.post("/projects", json={"name": key, "quota_per_minute": most}).json() for most in (quota, 0)]
    began = datetime.now(UTC)

    def user(project: dict[str, Any]) -> list[int]:
        with client(hub.stack, {"X-Ingest-Key": project["keys"][0]}) as page:
            body = {"error_key": key, "description": {}}
            return [page.post("/incidents", json=body).status_code for _ in range(each)]

    with ThreadPoolExecutor(2 * users) as crowd:
        answers = list(crowd.map(user, made * users))
    minutes = int(datetime.now(UTC).timestamp()) // 60 - int(began.timestamp()) // 60 + 1
    starved, calm = [[status for some in answers[n::2] for status in some] for n in (0, 1)]
    assert set(calm) == {202}
    assert set(starved) <= {202, 429}
    assert 0.9 * quota <= starved.count(202) <= quota * minutes

    def counts(project: dict[str, Any]) -> list[int]:
        return [incident["count"] for incident in hub.walk(project_id=project["project_id"])]

    assert eventually(lambda: [counts(each) for each in made] == [[starved.count(202)], [users * each]])
    refused = hub.admin.get(f"/projects/{made[0]['project_id']}").json()["refused_today"]
    assert refused <= starved.count(429)
