"""Support: an operator who has run again what failed, is stuck or never began, as its customers would call about it."""

from collections import Counter
from collections.abc import Collection
from http import HTTPStatus

import httpx

from infra import local
from soak import system


def ready(stack: local.Stack, admin: httpx.Client, media_ids: Collection[str], asked: Counter[str]) -> bool:
    """Whether all these media are ready; notes in `asked` what had to be run again, and why."""
    media = [each for each in system.walk(admin, "/media") if each["media_id"] in media_ids]
    for each in media:
        if each["status"] == "failed" and each["error"]:
            _ask(admin, each["media_id"], "failed, and said so", asked)
    for job in system.walk(admin, "/jobs", kind="transcode", status="stuck"):
        if job["subject_id"] in media_ids:
            _ask(admin, job["subject_id"], "was cut off", asked)
    busy = any(each["status"] == "processing" for each in media)
    if not busy and not system.visible(stack, "uploads"):
        for each in media:
            if each["status"] == "uploaded":
                _ask(admin, each["media_id"], "never began", asked)
    return all(each["status"] == "ready" for each in media)


def _ask(admin: httpx.Client, media_id: str, why: str, asked: Counter[str]) -> None:
    if admin.post(f"/media/{media_id}/optimise").status_code == HTTPStatus.ACCEPTED:
        asked[why] += 1
