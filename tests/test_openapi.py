"""The API's description, through the public door: it is complete, it is true, and it withstands what it invites."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import hypothesis
import jsonschema
import pytest
import schemathesis
from chalice.config import Config
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from app import app
from infra import gateway, template
from infra.pump import schedule_event
from tests import issuer
from tests.conftest import INGEST_KEY, STORAGE_SECRET, Answer, Door
from tests.media.conftest import transcode
from tests.sentry.taking import EVENT, error, feedback, packed

LENIENT = {("POST", "/analytics/track"), ("POST", "/incidents")}
UNKNOWN = "0" * 32
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]

_serve = gateway.application(app, Config(), lambda _: None)


def served(environ: dict[str, Any], start: Any) -> Any:
    """The gateway, told what a server adds to the requests of a test client."""
    uri = f"{environ['REQUEST_URI']}?{environ['QUERY_STRING']}"
    return _serve(environ | {"REMOTE_ADDR": "127.0.0.1", "REQUEST_URI": uri}, start)


api = schemathesis.openapi.from_wsgi("/openapi.json", served)
api.config.update(base_url="http://localhost")
api.config.generation.update(modes=list(GenerationMode), with_security_parameters=False)


MEDIA = {"file_name": "a.mov", "content_type": "video/quicktime", "size_bytes": 9}


def upload_and_work(door: Door) -> None:
    """A file in one piece and one in parts, which come to nothing, and what operators do about it."""
    s3, bucket = boto3.client("s3"), "groundcrew-test-media"
    large = door.customer("POST", "/media", MEDIA | {"size_bytes": 17 * 1024**2}).json
    path = f"/media/{large['media_id']}"
    assert door.customer("GET", f"{path}/parts").status == 200
    assert door.customer("POST", f"{path}/parts", {"part_numbers": [1, 2]}).status == 200
    assert door.customer("POST", f"{path}/complete", {"parts": []}).status == 409
    assert door.customer("POST", f"{path}/abort").status == 204
    media_id = door.customer("POST", "/media", MEDIA).json["media_id"]
    path = f"/media/{media_id}"
    assert door.customer("POST", f"{path}/upload").status == 200
    s3.put_object(Bucket=bucket, Key=f"originals/{media_id}", Body=b"no movie!")
    assert door.customer("POST", f"{path}/complete").status == 200
    assert door.customer("GET", "/media?status=uploaded&eligible=true&limit=1").json["items"]
    event = {"action": "PutObject", "bucket": bucket, "object": {"key": f"originals/{media_id}"}}
    taken = door.call("POST", "/storage/events", event, authorization=f"Bearer {STORAGE_SECRET}")
    assert taken.json == {"accepted": 1}
    assert transcode(json.dumps(event)) == []
    assert door.customer("GET", path).json["status"] == "failed"
    job_id = door.admin("POST", f"{path}/optimise").json["job_id"]
    assert door.admin("POST", f"{path}/optimise").status == 409
    assert door.admin("POST", f"/jobs/{job_id}/retry").status == 409
    assert transcode(json.dumps({"job_id": job_id, "attempt": 2})) == []
    assert door.admin("POST", f"/jobs/{job_id}/retry").status == 202
    assert len(door.admin("GET", f"/jobs/{job_id}").json["audit"]) == 2
    assert door.admin("GET", "/jobs?status=pending&kind=transcode").json["items"]
    assert door.admin("DELETE", f"/jobs/{job_id}").status == 204
    assert door.admin("DELETE", path).status == 204


def plan_and_attend(door: Door) -> None:
    """A task of every day, made, purged and deleted; a lesson and who was there."""
    task = door.admin("POST", "/tasks", {"title": "a", "recurrence": "daily", "start_date": "2026-03-09"}).json
    path = f"/tasks/{task['task_id']}"
    assert door.admin("GET", "/tasks?limit=1").json["items"]
    assert door.admin("PATCH", path, {"payload": {"room": 7}, "end_date": None}).status == 200
    assert door.admin("GET", path).json["skipped"]
    assert door.admin("GET", f"{path}/instances").json["items"]
    assert door.admin("GET", "/instances?date=2026-03-09").json["items"]
    assert door.admin("PATCH", f"/instances/{task['instances'][0]['instance_id']}", {"done": True}).json["done_at"]
    later = door.admin("POST", "/tasks", {"title": "b", "recurrence": "weekly", "start_date": "2199-12-31"}).json
    assert door.admin("POST", "/tasks/purge-future").json["items"]
    purged = door.admin("POST", "/tasks/purge-future", {"dry_run": False, "task_id": later["task_id"]}).json
    assert door.admin("POST", f"/tasks/purge-future/{purged['purge_id']}/undo").json["restored"] == 1
    assert door.admin("GET", "/scheduler").json["stopped"]
    app.handler_map["create_due_instances"](schedule_event("create_due_instances", datetime.now(UTC)), None)
    assert door.admin("GET", "/scheduler").json["last_tick"]
    assert door.admin("DELETE", path).status == 204

    lesson = {"title": "Lesson 7", "starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T09:30:00+01:00"}
    assert door.admin("POST", "/schedules", lesson).status == 400
    schedule = door.admin("POST", "/schedules", lesson | {"ends_at": "2026-03-02T11:30:00+01:00"}).json
    path = f"/schedules/{schedule['schedule_id']}"
    assert door.admin("GET", "/schedules").json["items"] == [schedule] == [door.admin("GET", path).json]
    assert door.admin("PUT", f"{path}/attendance/s-1", {"status": "late", "note": "The bus."}).status == 200
    assert door.admin("PUT", f"{path}/attendance", {"records": [{"student_id": "s-2", "status": "absent"}]}).json
    assert len(door.admin("GET", f"{path}/attendance").json["items"]) == 2
    assert door.admin("DELETE", path).json["deleted_attendance"] == 2
    assert door.admin("DELETE", path).status == 404


def track_and_tell(door: Door) -> None:
    """Events, the reports of what they come to, rules with every channel, alerts that were sent and held back."""
    login = {"event": "login_failed", "severity": "WARNING", "user_id": "68", "data": {"endpoint": "POST /login"}}
    timed = {"event": "request", "data": {"endpoint": "GET /x", "duration_ms": 12, "feature": "x", "trial": "pro"}}
    key = {"x_ingest_key": INGEST_KEY}
    assert door.call("POST", "/analytics/track", login | {"color": "red"}, **key).status == 202
    results = door.call("POST", "/analytics/track", {"events": [timed, {}]}, **key).json["results"]
    assert ["Code" in each for each in results] == [False, True]
    assert door.call("POST", "/analytics/track", {"events": [login] * 101}, **key).status == 400
    reports = ("overview", "errors", "endpoints", "features", "trials", "bypasses", "fixes", "users")
    for report in (*reports, "feed"):
        assert door.admin("GET", f"/analytics/{report}").status == 200
        assert door.admin("GET", f"/analytics/{report}?hours=0&cursor=x").status == 400
    channels = [
        {"type": "email", "to": ["ops@example.com"]},
        {"type": "slack", "url": "https://hooks.slack.example.com/services/T/B/secret"},
        {"type": "pagerduty", "routing_key": "0" * 32},
        {"type": "webhook", "url": "https://ops.example.com/hook", "secrets": ["sixteen-letters!"]},
    ]
    made = door.admin("POST", "/alerts/rules", {"name": "all", "channels": channels, "digest": {}}).json
    path = f"/alerts/rules/{made['rule_id']}"
    assert door.admin("GET", path).json == made
    assert door.admin("PATCH", path, {"channels": [], "match": {"key": "pay*"}}).status == 200
    assert door.admin("POST", f"{path}/test").json["results"]
    assert door.admin("GET", "/alerts/rules?limit=1").json["items"]
    assert door.admin("GET", "/alerts").json["items"]
    assert door.admin("DELETE", path).status == 204
    for method, call in (("GET", path), ("PATCH", path), ("POST", f"{path}/test")):
        assert door.admin(method, call, {}).status == 404
    assert door.admin("POST", "/alerts/rules", {"name": "", "on": ["nothing"]}).status == 400


def report_by_sdk(door: Door) -> None:
    """An envelope with all that is kept, an event alone, what is refused, and what the project's operators see."""
    auth = {"x_sentry_auth": f"Sentry sentry_key={INGEST_KEY}"}
    run = {"monitor_slug": "nightly", "status": "ok", "duration": 0.5}
    said = feedback(about=EVENT)
    raw = packed(("event", error()), ("attachment", b"x"), ("feedback", said), ("check_in", run), event_id=EVENT)
    assert door.call("POST", "/api/1/envelope/", raw, **auth).json == {"id": EVENT}
    assert door.call("POST", "/api/1/store/", error(event_id=EVENT), **auth).json == {"id": EVENT}
    (incident,) = door.admin("GET", "/incidents?error_key=ValueError").json["items"]
    path = f"/incidents/{incident['incident_id']}"
    assert door.admin("GET", path).json["feedback"]
    assert door.admin("GET", f"{path}/occurrences").json["items"][0]["attachments"]
    assert door.admin("GET", "/heartbeats").json["items"]
    assert door.admin("GET", "/heartbeats?cursor=x").status == 400
    for target in ("/api/1/envelope", "/api/1/store"):
        assert door.call("POST", target, raw).status == 403
        assert door.call("POST", target, b"no JSON", **auth).status == 400
        assert door.call("POST", target, b" " * 3 * 1024**2, **auth).status == 413
        assert door.call("POST", target, raw, content_encoding="compress", **auth).status == 415


@pytest.fixture
def document(door: Door) -> dict[str, Any]:
    answer = door.call("GET", "/openapi.json")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    found: dict[str, Any] = answer.json
    return found


def test_it_is_openapi_and_holds_every_route_and_nothing_else(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "https://ops.example.com/api"}]
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    served = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    pages = {(path, method) for path, method in served if path.startswith(("/console", "/demo"))}
    assert described == served - pages - {(path, "options") for path in app.routes}


def test_it_knows_the_errors_of_the_gateway(document: dict[str, Any]) -> None:
    responses = template.load()["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    reporting = document["paths"]["/incidents"]["post"]["responses"]
    for name in ("REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "THROTTLED"):
        error = responses[name]
        schema = reporting[error["StatusCode"]]["content"]["application/json"]["schema"]
        assert json.loads(error["ResponseTemplates"]["application/json"])["Code"] in codes(schema)
    for status in ("429", "503"):
        assert "Retry-After" in reporting[status]["headers"]


def codes(schema: dict[str, Any]) -> list[str]:
    found: list[str] = schema["allOf"][1]["properties"]["Code"]["enum"]
    return found


@pytest.fixture
def described(door: Door, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every answer is held against its description, strictly; the operations that were called."""
    called: set[str] = set()
    call = Door.call

    def watched(door: Door, method: str, path: str, body: Any = b"", **headers: str) -> Answer:
        answer = call(door, method, path, body, **headers)
        parts = urlsplit(path).path.strip("/").split("/")
        fitting = [each for each in document["paths"] if matches(each.strip("/").split("/"), parts)]
        found = min(fitting, key=lambda each: each.count("{"))
        operation = document["paths"][found][method.lower()]
        called.add(operation["operationId"])
        response = operation["responses"][str(answer.status)]
        for name in response["headers"]:
            assert name.lower() in answer.headers
        if "content" not in response:
            assert answer.body == b""
        for media_type, content in response.get("content", {}).items():
            assert answer.headers["content-type"].partition(";")[0] == media_type
            if media_type == "application/json":
                jsonschema.validate(answer.json, strict(content["schema"], document))
        return answer

    monkeypatch.setattr(Door, "call", watched)
    return called


def matches(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        own == given or own.startswith("{") for own, given in zip(template, parts, strict=True)
    )


def strict(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """`schema`, with models that take no properties but those described."""
    closed = {
        name: model | {"additionalProperties": False} for name, model in document["components"]["schemas"].items()
    }
    return {**schema, "components": {"schemas": closed}}


def test_every_answer_is_as_described(door: Door, document: dict[str, Any], described: set[str]) -> None:
    taken = door.report(severity="HIGH", environment="live", user_id="u", http_status=500, color="red")
    assert taken["notes"]
    path = f"/incidents/{taken['incident_id']}"
    door.report("b")
    good, bad = {"error_key": "x", "description": {}}, {"error_key": "x"}
    assert [len(each) for each in door.ingest({"reports": [good, bad]}).json["results"]] == [2, 3]
    page = door.admin("GET", "/incidents?limit=1").json
    door.admin("GET", f"/incidents?limit=1&cursor={page['next_cursor']}")
    door.admin("GET", "/incidents?status=ACTIVE&severity=HIGH&environment=live&error_key=h&q=o&project_id=1")
    for call in (
        "/incidents/count",
        "/incidents/stats",
        path,
        f"{path}/occurrences",
        "/health",
        "/openapi.json",
        "/docs",
    ):
        assert door.admin("GET", call).status == 200
    assert door.admin("PATCH", path, {"status": "FIXED", "fix_notes": "Done."}).status == 200
    door.admin("DELETE", path)
    made = door.admin("POST", "/projects", {"name": "web", "quota_per_minute": 1}, idempotency_key="k").json
    assert made == door.admin("POST", "/projects", {"name": "web", "quota_per_minute": 1}, idempotency_key="k").json
    project = f"/projects/{made['project_id']}"
    door.admin("GET", "/projects?limit=1")
    door.admin("PATCH", project, {"scrub": {"ips": "hash"}})
    key = door.admin("POST", f"{project}/keys").json["key"]
    quota = [door.call("POST", "/incidents", good, x_ingest_key=key).status for _ in range(3)]
    assert quota[-1] == 429
    assert door.call("POST", f"/api/{made['project_id']}/store/?sentry_key={key}", good).status == 429
    for each in (key, *made["keys"]):
        assert door.admin("DELETE", f"{project}/keys/{each}").status == 204
    assert door.admin("GET", project).json["dsn"] is None
    upload_and_work(door)
    plan_and_attend(door)
    report_by_sdk(door)
    door.report("broken", severity="CRITICAL")
    track_and_tell(door)

    refused = [
        door.call("POST", "/incidents", good),
        door.ingest({}),
        door.ingest(b"{"),
        door.ingest([]),
        door.ingest({"reports": []}),
        door.ingest(b'"' + b"x" * 256 * 1024 + b'"'),
        door.ingest(good, content_type="application/xml"),
        door.call("GET", "/incidents"),
        door.admin("GET", "/incidents?limit=0"),
        door.admin("GET", "/incidents?cursor=x"),
        door.admin("GET", path),
        door.admin("GET", "/projects/9"),
        door.admin("PATCH", path, {"status": "FIXED"}),
        door.admin("PATCH", path, {"status": "DONE"}),
        door.admin("PATCH", path, b"["),
        door.admin("PATCH", path, b'{"status": "\\ud800"}'),
        door.admin("POST", "/projects", {"name": "other"}, idempotency_key="k"),
        door.admin("POST", "/projects", {"name": "other"}, idempotency_key="k" * 129),
        door.customer("POST", "/media", MEDIA | {"size_bytes": 0}),
        door.customer("POST", "/media", MEDIA | {"size_bytes": 2**40}),
        door.customer("GET", f"/media/{UNKNOWN}"),
        door.customer("DELETE", f"/media/{UNKNOWN}"),
        door.admin("POST", f"/jobs/{UNKNOWN}/retry"),
        door.admin("GET", f"/jobs/{UNKNOWN}"),
        door.admin("POST", "/tasks", {"title": "a", "timezone": "Mars/Olympus"}),
        door.admin("GET", f"/tasks/{UNKNOWN}"),
        door.admin("PATCH", f"/instances/{UNKNOWN}-2026-03-01", {"done": True}),
        door.admin("GET", "/instances?date=2026-02-30"),
        door.customer("GET", "/tasks"),
        door.admin("POST", "/tasks/purge-future", {"dry_run": False, "task_id": UNKNOWN}),
        door.admin("POST", f"/tasks/purge-future/{UNKNOWN}/undo"),
        door.admin("PUT", f"/schedules/{UNKNOWN}/attendance/s-1", {"status": "present"}),
        door.admin("PUT", f"/schedules/{UNKNOWN}/attendance", {"records": []}),
        door.call("POST", "/storage/events", {}),
        door.call("POST", "/storage/events", {}, authorization=f"Bearer {STORAGE_SECRET}"),
    ]
    assert all(400 <= answer.status < 500 for answer in refused)
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    assert described == {operation["operationId"] for operation in operations}


def test_the_page_shows_all_of_it_and_loads_nothing(door: Door, document: dict[str, Any]) -> None:
    answer = door.call("GET", "/docs")
    page = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in page
    assert "<script" not in page
    assert "src=" not in page
    assert 'href="openapi.json"' in page


@api.parametrize()
@hypothesis.settings(
    max_examples=5,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
@pytest.mark.usefixtures("cloud")
def test_it_withstands_what_it_invites(case: schemathesis.Case[Any]) -> None:
    # Unknown parameters are ignored; a report is taken, with a note, whatever its optional fields hold, and a batch
    # whatever one of its events is.
    unknown = set(case.query or ()) - {parameter.name for parameter in case.operation.query}
    lenient = bool(unknown) or (case.method, case.path) in LENIENT
    case.call_and_validate(
        headers={"X-Ingest-Key": INGEST_KEY, "Authorization": f"Bearer {issuer.token()}"},
        checks=[*CHECKS, *([] if lenient else [checks.negative_data_rejection])],
    )
