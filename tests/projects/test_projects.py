"""Projects, through the public door: settings, keys, origins, quotas, and that they stay apart."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.dynamodb import Busy
from chalicelib.projects import ingest, models, quotas
from tests.conftest import INGEST_KEY, Door

Freeze = Callable[[str], None]


def make(door: Door, name: str = "web", **settings: Any) -> dict[str, Any]:
    answer = door.admin("POST", "/projects", {"name": name, **settings})
    assert answer.status == 201, answer
    made: dict[str, Any] = answer.json
    return made


def report(door: Door, key: str, **headers: str) -> int:
    return door.call("POST", "/incidents", {"error_key": "x", "description": {}}, x_ingest_key=key, **headers).status


def test_the_first_project_is_there_from_the_start(door: Door) -> None:
    first = door.admin("GET", "/projects/1").json
    assert (first["project_id"], first["keys"]) == ("1", [INGEST_KEY])
    assert first["dsn"] == f"https://{INGEST_KEY}@ops.example.com/api/1"
    assert (first["quota_per_minute"], first["allowed_origins"], first["retention_days"]) == (0, ["*"], 90)
    assert first["scrub"] == {"emails": "keep", "ips": "keep"}
    assert [each["project_id"] for each in door.admin("GET", "/projects").json["items"]] == ["1"]


def test_projects_are_made_listed_and_changed(door: Door) -> None:
    made = make(door, "app", quota_per_minute=100, allowed_origins=["https://app.example"], retention_days=7)
    assert made["project_id"] == "2"
    assert len(made["keys"]) == 1
    assert made == door.admin("GET", "/projects/2").json
    change = {"name": "App", "scrub": {"emails": "hash"}, "quota_per_minute": 5}
    changed = door.admin("PATCH", "/projects/2", change).json
    assert changed["scrub"] == {"emails": "hash", "ips": "keep"}
    assert (changed["name"], changed["quota_per_minute"], changed["retention_days"]) == ("App", 5, 7)
    page = door.admin("GET", "/projects?limit=1").json
    assert [each["project_id"] for each in page["items"]] == ["1"]
    rest = door.admin("GET", f"/projects?limit=1&cursor={page['next_cursor']}").json
    assert ([each["name"] for each in rest["items"]], rest["next_cursor"]) == (["App"], None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a", "quota_per_minute": -1}, "quota_per_minute"),
        ({"name": "a", "quota_per_minute": "9"}, "quota_per_minute"),
        ({"name": "a", "allowed_origins": "*"}, "allowed_origins"),
        ({"name": "a", "allowed_origins": ["ftp://x"]}, "allowed_origins[0]"),
        ({"name": "a", "retention_days": 0}, "retention_days"),
        ({"name": "a", "scrub": {"emails": "shred"}}, "scrub.emails"),
        ({"name": "a", "project_id": "9"}, "project_id"),
        ({"name": "a", "scrub": {"names": "keep"}}, "scrub.names"),
    ],
)
def test_bad_settings_are_refused(door: Door, body: dict[str, Any], field: str) -> None:
    answer = door.admin("POST", "/projects", body)
    assert (answer.status, answer.json["Details"][0]["field"]) == (400, field)
    assert len(door.admin("GET", "/projects").json["items"]) == 1


@pytest.mark.parametrize("project_id", ["2", "0", "01", "x", "9" * 40, "%00"])
def test_an_unknown_project_is_a_404(door: Door, project_id: str) -> None:
    for method, path, body in (
        ("GET", "", b""),
        ("PATCH", "", {"name": "x"}),
        ("POST", "/keys", b""),
        ("DELETE", f"/keys/{'0' * 32}", b""),
    ):
        answer = door.admin(method, f"/projects/{project_id}{path}", body)
        assert (answer.status, answer.json["Code"]) == (404, "ProjectNotFound")


def test_projects_do_not_see_each_other(door: Door) -> None:
    other = make(door)
    door.report("mine")
    assert report(door, other["keys"][0]) == 202
    mine = door.admin("GET", "/incidents").json["items"]
    others = door.admin("GET", "/incidents?project_id=2").json["items"]
    assert [each["error_key"] for each in mine] == ["mine"]
    assert [(each["error_key"], each["project_id"]) for each in others] == [("x", "2")]


def test_keys_are_made_and_revoked(door: Door, frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:00Z")
    answer = door.admin("POST", "/projects/1/keys")
    key = answer.json["key"]
    assert answer.status == 201
    assert sorted(door.admin("GET", "/projects/1").json["keys"]) == sorted([key, INGEST_KEY])
    assert report(door, key) == 202
    for _ in range(2):
        assert door.admin("DELETE", f"/projects/1/keys/{key}").status == 204
    assert report(door, key) == 401
    assert report(door, INGEST_KEY) == 202
    assert door.admin("DELETE", "/projects/1/keys/nonsense").status == 204


def test_a_container_refuses_a_revoked_key_within_a_minute(door: Door, frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:00Z")
    assert report(door, INGEST_KEY) == 202
    remembered = dict(ingest._remembered)
    door.admin("DELETE", f"/projects/1/keys/{INGEST_KEY}")
    ingest._remembered.update(remembered)  # as another container does
    frozen("2026-03-01T10:00:59Z")
    assert report(door, INGEST_KEY) == 202
    frozen("2026-03-01T10:01:00Z")
    assert report(door, INGEST_KEY) == 401


def test_a_key_of_another_project_cannot_be_revoked_here(door: Door) -> None:
    other = make(door)
    door.admin("DELETE", f"/projects/1/keys/{other['keys'][0]}")
    assert report(door, other["keys"][0]) == 202


def test_a_project_has_at_most_twenty_keys(door: Door) -> None:
    for _ in range(19):
        assert door.admin("POST", "/projects/1/keys").status == 201
    answer = door.admin("POST", "/projects/1/keys")
    assert (answer.status, answer.json["Code"]) == (409, "Conflict")


def test_only_pages_of_allowed_origins_may_report(door: Door) -> None:
    key = make(door, allowed_origins=["https://app.example", "http://localhost:*"])["keys"][0]
    assert report(door, key) == 202
    assert report(door, key, origin="https://app.example") == 202
    assert report(door, key, origin="http://localhost:5173") == 202
    for origin in ("https://evil.example", "https://app.example.evil.example", "null"):
        answer = door.call("POST", "/incidents", {}, x_ingest_key=key, origin=origin)
        assert (answer.status, answer.json["Code"]) == (403, "OriginNotAllowed")
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_quota_refuses_what_is_over_it_and_says_until_when(door: Door, frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:15Z")
    key = make(door, quota_per_minute=50)["keys"][0]
    statuses = [report(door, key) for _ in range(80)]
    assert statuses == [202] * 50 + [429] * 30
    answer = door.call("POST", "/incidents", {"error_key": "x", "description": {}}, x_ingest_key=key)
    assert (answer.json["Code"], answer.headers["retry-after"]) == ("QuotaExceeded", "45")
    assert door.admin("GET", "/projects/2").json["refused_today"] == 31
    assert door.admin("GET", "/incidents?project_id=2").json["items"][0]["count"] == 50
    assert report(door, INGEST_KEY) == 202
    frozen("2026-03-01T10:01:00Z")
    assert report(door, key) == 202


def test_a_batch_is_let_in_as_far_as_the_quota_goes(door: Door, frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:15Z")
    key = make(door, quota_per_minute=7)["keys"][0]
    batch = {"reports": [{"error_key": "x", "description": {}}] * 10}
    answer = door.call("POST", "/incidents", batch, x_ingest_key=key)
    assert answer.status == 202
    assert [each.get("Code") for each in answer.json["results"]] == [None] * 7 + ["QuotaExceeded"] * 3
    assert door.call("POST", "/incidents", batch, x_ingest_key=key).status == 429


def test_several_containers_together_keep_a_quota_and_write_little(
    door: Door, frozen: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    take = models.take

    def counted(project_id: str, *rest: Any) -> int:
        writes.append(project_id)
        return take(project_id, *rest)

    monkeypatch.setattr(models, "take", counted)
    now = clock.parse("2026-03-01T10:00:15Z")
    containers: list[dict[str, quotas.Allowance]] = [{} for _ in range(5)]
    admitted = 0
    for n in range(3000):
        monkeypatch.setattr(quotas, "_allowances", containers[n % 5])
        admitted += quotas.admit("7", 1000, 1, now)
    assert admitted == 1000
    assert len(writes) <= 60
    monkeypatch.setattr(quotas, "_allowances", {})
    assert quotas.admit("7", 1000, 1, now + timedelta(minutes=1)) == 1
    assert quotas.admit("7", 10**9, 30, now + timedelta(minutes=2)) == 30


def test_an_idempotency_key_makes_once(door: Door) -> None:
    first = door.admin("POST", "/projects", {"name": "once"}, idempotency_key="k1")
    again = door.admin("POST", "/projects", {"name": "once"}, idempotency_key="k1")
    assert (first.status, first.json) == (again.status, again.json)
    assert len(door.admin("GET", "/projects").json["items"]) == 2
    other = door.admin("POST", "/projects", {"name": "twice"}, idempotency_key="k1")
    assert (other.status, other.json["Code"]) == (409, "Conflict")
    assert door.admin("POST", "/projects", {"name": "once"}, idempotency_key="k2").json != first.json
    keys = [door.admin("POST", "/projects/1/keys", idempotency_key="k1").json["key"] for _ in range(2)]
    assert keys[0] == keys[1]
    assert door.admin("POST", "/projects", {"name": "x"}, idempotency_key="k" * 129).status == 400
    bad = door.admin("POST", "/projects", {}, idempotency_key="k3")
    assert bad.status == 400
    assert door.admin("POST", "/projects", {"name": "fine"}, idempotency_key="k3").status == 201


def test_a_project_keeps_its_reports_for_its_own_retention(door: Door, frozen: Freeze) -> None:
    frozen("2026-03-01T10:00:00Z")
    key = make(door, retention_days=7)["keys"][0]
    assert report(door, key) == 202
    door.report("x")
    frozen("2026-03-08T10:01:00Z")
    assert door.admin("GET", "/incidents?project_id=2").json["items"] == []
    assert door.admin("GET", "/incidents/count?project_id=2").json == {"count": 0}
    assert len(door.admin("GET", "/incidents").json["items"]) == 1


def test_a_busy_database_does_not_cost_a_report_its_project(
    door: Door, frozen: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen("2026-03-01T10:00:00Z")
    other = make(door)["keys"][0]
    assert report(door, other) == 202

    def busy(_: str) -> None:
        raise Busy("throttled")

    monkeypatch.setattr(models, "owner", busy)
    frozen("2026-03-01T11:00:00Z")
    assert (report(door, other), report(door, INGEST_KEY)) == (202, 202)
    assert report(door, "0" * 32) == 503
