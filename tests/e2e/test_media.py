"""Media and jobs from outside: a plain HTTP client uploads by signed URLs, waits, and plays what became of it."""

import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from chalicelib.media import ffmpeg, probing
from chalicelib.media.transcoding import LocalFile

SAMPLES = Path(__file__).parents[1] / "data/media"
MIB = 1024**2
READY_WITHIN_S = 120
LOOK_EVERY_S = 0.2


@pytest.fixture
def web() -> Any:
    """A client that knows nothing of us: it has only the URLs that it is given."""
    with httpx.Client(trust_env=False, timeout=READY_WITHIN_S) as client:
        yield client


def begin(customer: httpx.Client, name: str, size_bytes: int, content_type: str = "video/quicktime") -> dict[str, Any]:
    answer = customer.post("/media", json={"file_name": name, "content_type": content_type, "size_bytes": size_bytes})
    assert answer.status_code == 201, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def settled(customer: httpx.Client, media_id: str) -> dict[str, Any]:
    """The media, once its work is over."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        media: dict[str, Any] = customer.get(f"/media/{media_id}").json()
        if media["status"] in ("ready", "failed"):
            return media
        assert time.monotonic() < deadline, media
        time.sleep(LOOK_EVERY_S)


def send(customer: httpx.Client, web: httpx.Client, path: Path, content_type: str) -> dict[str, Any]:
    """Upload a small file and wait for what becomes of it. Nothing but its storage event says that it is there."""
    begun = begin(customer, path.name, path.stat().st_size, content_type)
    assert begun["upload"]["kind"] == "single"
    answer = web.put(begun["upload"]["url"], content=path.read_bytes(), headers=begun["upload"]["headers"])
    assert answer.is_success, answer.text
    return settled(customer, begun["media_id"])


def plays(web: httpx.Client, variant: dict[str, Any], tmp_path: Path) -> probing.Facts:
    """Fetch a variant by its signed URL and decode all of it; returns its facts."""
    answer = web.get(variant["url"])
    assert (answer.status_code, len(answer.content)) == (200, variant["size_bytes"])
    assert answer.headers["content-type"] == variant["content_type"]
    path = tmp_path / variant["name"]
    path.write_bytes(answer.content)
    decode = [ffmpeg.binary(), "-v", "error", "-xerror", "-i", path, "-f", "null", "-"]
    assert subprocess.run(decode, check=True, capture_output=True).stderr == b""
    return probing.probe(LocalFile(path))


def test_a_phones_video_becomes_one_that_plays_everywhere(
    customer: httpx.Client, admin: httpx.Client, web: httpx.Client, tmp_path: Path
) -> None:
    media = send(customer, web, SAMPLES / "small.mov", "video/quicktime")
    assert (media["status"], media["error"]) == ("ready", None)
    original, video, poster = media["variants"]
    facts = plays(web, video, tmp_path)
    assert (facts.video_codec, facts.audio_codec, facts.width, facts.height) == ("h264", "aac", 540, 960)
    assert plays(web, poster, tmp_path).content_type == "image/jpeg"
    handed_back = web.get(original["url"])
    assert handed_back.content == (SAMPLES / "small.mov").read_bytes()
    assert handed_back.headers["content-disposition"].startswith("attachment")

    job = admin.get(f"/jobs/{media['job_id']}").json()
    assert (job["status"], job["attempts"], job["progress"]) == ("succeeded", 1, 1)
    assert job["correlation_id"] == media["correlation_id"]
    again = admin.post(f"/media/{media['media_id']}/optimise")
    assert (again.status_code, again.json()["Code"]) == (409, "AlreadyOptimised")


def test_a_phones_photo_becomes_upright(customer: httpx.Client, web: httpx.Client, tmp_path: Path) -> None:
    media = send(customer, web, SAMPLES / "grid.heic", "image/heic")
    assert [variant["name"] for variant in media["variants"]] == ["original", "photo", "thumbnail"]
    facts = plays(web, media["variants"][1], tmp_path)
    assert (facts.width, facts.height) == (1512, 2016)


def test_a_file_that_is_none_fails_and_is_run_again_when_asked(
    customer: httpx.Client, admin: httpx.Client, web: httpx.Client
) -> None:
    media = send(customer, web, SAMPLES / "text.mov", "video/quicktime")
    assert (media["status"], media["variant_count"]) == ("failed", 1)
    path = f"/jobs/{media['job_id']}"
    assert admin.get(path).json()["error"] == media["error"]
    assert admin.post(f"{path}/retry").status_code == 202
    deadline = time.monotonic() + READY_WITHIN_S
    while (job := admin.get(path).json())["status"] != "failed":
        assert time.monotonic() < deadline, job
        time.sleep(LOOK_EVERY_S)
    assert [each["outcome"] for each in job["attempts_log"]] == ["failed", "failed"]
    assert [each["action"] for each in job["audit"]] == ["retry"]
    found = admin.get("/incidents", params={"error_key": "transcode_failed"}).json()["items"]
    assert sum(incident["count"] for incident in found) >= 2
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    assert customer.get(f"/media/{media['media_id']}").json()["status"] == "uploaded"


def test_a_large_file_goes_in_parts_and_is_resumed(customer: httpx.Client, web: httpx.Client, tmp_path: Path) -> None:
    large = tmp_path / "large.mov"
    noise = ["-f", "lavfi", "-i", "nullsrc=s=640x360:d=2:r=10,geq=random(1)*255:128:128", "-c:v", "mjpeg", "-q:v", "1"]
    subprocess.run([ffmpeg.binary(), "-v", "error", *noise, large], check=True)
    with large.open("ab") as file:
        # A box that holds nothing makes it as large as is wanted.
        padding = 17 * MIB
        file.write(padding.to_bytes(4, "big") + b"free" + os.urandom(padding - 8))
    content = large.read_bytes()
    begun = begin(customer, large.name, len(content))
    upload, path = begun["upload"], f"/media/{begun['media_id']}"
    pieces = [content[at : at + upload["part_size_bytes"]] for at in range(0, len(content), upload["part_size_bytes"])]
    assert [part["part_number"] for part in upload["parts"]] == list(range(1, len(pieces) + 1))
    assert web.put(upload["parts"][0]["url"], content=pieces[0]).is_success
    assert customer.post(f"{path}/complete").json()["Code"] == "UploadIncomplete"

    stored = {part["part_number"] for part in customer.get(f"{path}/parts").json()["parts"]}
    missing = [number for number in range(1, len(pieces) + 1) if number not in stored]
    assert missing == list(range(2, len(pieces) + 1))
    for part in customer.post(f"{path}/parts", json={"part_numbers": missing}).json()["parts"]:
        assert web.put(part["url"], content=pieces[part["part_number"] - 1]).is_success
    completed = customer.post(f"{path}/complete")
    assert (completed.status_code, completed.json()["size_bytes"]) == (200, len(content))
    media = settled(customer, begun["media_id"])
    assert (media["status"], media["error"]) == ("ready", None)
    assert plays(web, media["variants"][1], tmp_path).video_codec == "h264"


def test_media_are_nobody_elses(customer: httpx.Client, admin: httpx.Client, stack: Any, web: httpx.Client) -> None:
    from tests.e2e.conftest import signed_in

    media_id = begin(customer, "a.mov", 9)["media_id"]
    with signed_in(stack, "customer", f"customer-{uuid.uuid4().hex}") as another:
        assert another.get(f"/media/{media_id}").status_code == 404
        assert another.post(f"/media/{media_id}/complete").status_code == 404
        assert another.get("/media").json()["items"] == []
    assert admin.get(f"/media/{media_id}").status_code == 200
    assert customer.delete(f"/media/{media_id}").status_code == 403


def test_a_deleted_media_is_gone(customer: httpx.Client, admin: httpx.Client, web: httpx.Client) -> None:
    media = send(customer, web, SAMPLES / "noaudio.mp4", "video/mp4")
    for _ in range(2):
        assert admin.delete(f"/media/{media['media_id']}").status_code == 204
    assert customer.get(f"/media/{media['media_id']}").status_code == 404
    assert [web.get(variant["url"]).status_code for variant in media["variants"]] == [404] * len(media["variants"])


def test_the_webhook_is_closed_to_strangers(customer: httpx.Client) -> None:
    assert customer.post("/storage/events", json={"Records": []}).status_code == 401
