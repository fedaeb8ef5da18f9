"""Canaries: things of others that hold words which nobody else may ever be shown."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from infra import local
from soak import system
from soak.patience import eventually
from tests.e2e.conftest import Run, signed_in

SAMPLE: Final = local.PROJECT / "tests/data/media/text.mov"
FAILS_WITHIN_S: Final = 60


@dataclass(frozen=True, slots=True)
class Canaries:
    """What was planted.

    `words`, each with what it is, are shown to admins alone, and `secrets` to nobody. `ids` are those of what was
    planted, by the names that paths have for them; the media among them are of somebody else.
    """

    words: dict[str, str]
    secrets: dict[str, str]
    ids: dict[str, str]


def plant(run: Run) -> Canaries:
    words = {
        what: f"canary{uuid.uuid4().hex}"
        for what in ("a customer", "a file", "a context", "an incident", "a task", "a schedule", "a student", "a rule")
    }
    hook = {"the secret of a webhook": f"canary{uuid.uuid4().hex}"}
    with system.admin(run) as admin, signed_in(run.stack, "customer", words["a customer"]) as another:
        asked = {
            "file_name": f"{words['a file']}.mov",
            "content_type": "video/quicktime",
            "size_bytes": SAMPLE.stat().st_size,
            "context": {"homework_id": words["a context"]},
        }
        begun = _made(another, "/media", asked)
        media_id, upload = begun["media_id"], begun["upload"]
        httpx.put(
            upload["url"], content=SAMPLE.read_bytes(), headers=upload["headers"], trust_env=False
        ).raise_for_status()
        eventually(lambda: another.get(f"/media/{media_id}").json()["status"] == "failed", FAILS_WITHIN_S)
        job_id = another.get(f"/media/{media_id}").json()["job_id"]
        report = {"error_key": "soak_canary", "description": {"error_message": words["an incident"]}}
        key = {"X-Ingest-Key": run.stack.ingest_key}
        incident_id = _made(admin, "/incidents", report, **key)["incident_id"]
        project = _made(admin, "/projects", {"name": "Soak"})
        channel = {"type": "webhook", "url": "https://ops.example.com/hook", "secrets": list(hook.values())}
        rule = _made(admin, "/alerts/rules", {"name": words["a rule"], "match": {"key": "none"}, "channels": [channel]})
        task = _made(admin, "/tasks", {"title": words["a task"], "recurrence": "daily"})
        now = datetime.now(UTC)
        lesson = {
            "title": words["a schedule"],
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
        }
        schedule_id = _made(admin, "/schedules", lesson)["schedule_id"]
        mark = {"status": "late", "note": words["a student"]}
        admin.put(f"/schedules/{schedule_id}/attendance/student", json=mark).raise_for_status()
    return Canaries(
        words | {"an ingest key": project["keys"][0], "a media": media_id, "a job": job_id},
        hook | {"the secret of the store's webhook": run.stack.storage_webhook_secret},
        {
            "media_id": media_id,
            "job_id": job_id,
            "incident_id": incident_id,
            "project_id": project["project_id"],
            "key": project["keys"][0],
            "rule_id": rule["rule_id"],
            "task_id": task["task_id"],
            "instance_id": task["instances"][0]["instance_id"],
            "schedule_id": schedule_id,
            "student_id": "student",
        },
    )


def _made(admin: httpx.Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return admin.post(path, json=body, headers=headers).raise_for_status().json()
