"""Transcoding, through the public door: a file is put, its event comes, ffmpeg runs, the media shows what became."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from app import app
from chalicelib import clock, queues, storage
from chalicelib.config import config
from chalicelib.dynamodb import Busy
from chalicelib.jobs import leases
from chalicelib.media import ffmpeg, models, probing, transcoding
from infra.pump import schedule_event
from tests.conftest import Door
from tests.faults import tapped
from tests.media.conftest import BUCKET, Customer, down, transcode
from tests.media.looks import SAMPLES, colours, facts_of

# What must never be in anything that is published.
PRIVATE = (b"Exif", b"GPS", b"ISO6709", b"com.apple", b"\xa9xyz", b"loci", b"+24.71", b"Lavf", b"http://ns.adobe.com")


@pytest.fixture(autouse=True)
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worker's disk, which must be empty after every run."""
    disk = tmp_path / "tmp"
    disk.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    return disk


def job_of(door: Door, media_id: str) -> dict[str, Any]:
    job: dict[str, Any]
    (job,) = [each for each in door.admin("GET", "/jobs").json["items"] if each["subject_id"] == media_id]
    return job


@pytest.mark.parametrize(
    ("name", "size", "seconds", "audio"),
    [
        ("small.mov", (540, 960), 4.0, "aac"),
        ("hevc.mov", (1280, 720), 4.0, "aac"),
        ("small.webm", (1280, 720), 3.0, "aac"),
        ("vfr.mov", (640, 360), 8.0, "aac"),
        ("noaudio.mp4", (640, 360), 4.0, None),
    ],
)
def test_a_video_becomes_one_that_plays_everywhere(
    customer: Customer, tmp_path: Path, disk: Path, name: str, size: tuple[int, int], seconds: float, audio: str | None
) -> None:
    media_id = customer.send(SAMPLES / name)
    media = customer.media(media_id)
    assert (media["status"], media["error"]) == ("ready", None)
    assert media["eligible_for_optimisation"] is False
    names = [variant["name"] for variant in media["variants"]]
    assert names in (["original", "video", "poster"], ["original", "poster"])
    assert (names == ["original", "poster"]) == (media["note"] is not None)
    for variant in media["variants"][1:]:
        content = customer.fetch(media_id, variant["name"])
        assert len(content) == variant["size_bytes"]
        assert not [each for each in PRIVATE if each in content]
        made = tmp_path / variant["name"]
        made.write_bytes(content)
        facts = facts_of(made)
        assert (facts.width, facts.height, facts.rotation) == (variant["width"], variant["height"], 0)
        assert (variant["width"], variant["height"]) == size
        if variant["name"] == "video":
            assert (facts.content_type, facts.video_codec, facts.audio_codec) == ("video/mp4", "h264", audio)
            assert facts.faststart
            assert facts.duration_s == pytest.approx(seconds, abs=0.05)
        else:
            assert facts.content_type == "image/jpeg"
            # The picture that players get to see is not grey, black or green.
            assert max(max(colour) - min(colour) for colour in colours(made, 4, 4)) > 60
    assert customer.fetch(media_id, "original") == (SAMPLES / name).read_bytes()
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize(("name", "size"), [("gps.jpg", (1512, 2016)), ("grid.heic", (1512, 2016))])
def test_a_photo_becomes_an_upright_jpeg_and_a_thumbnail(
    customer: Customer, tmp_path: Path, disk: Path, name: str, size: tuple[int, int]
) -> None:
    media_id = customer.send(SAMPLES / name)
    media = customer.media(media_id)
    assert (media["status"], [each["name"] for each in media["variants"]]) == (
        "ready",
        ["original", "photo", "thumbnail"],
    )
    assert (media["variants"][0]["width"], media["variants"][0]["height"]) == size
    for variant, most in zip(media["variants"][1:], (2048, 400), strict=True):
        content = customer.fetch(media_id, variant["name"])
        assert not [each for each in PRIVATE if each in content]
        made = tmp_path / variant["name"]
        made.write_bytes(content)
        facts = facts_of(made)
        assert (facts.content_type, facts.rotation) == ("image/jpeg", 0)
        assert max(facts.width, facts.height) <= most
        assert facts.width / facts.height == pytest.approx(size[0] / size[1], rel=0.02)
    assert (media["variants"][1]["width"], media["variants"][1]["height"]) == size
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trunc_moovend.mov", "incomplete"),
        ("text.mov", "not a photo or video"),
        ("hls_playlist.mov", "not a photo or video"),
        ("png_bomb.png", "megapixels"),
    ],
)
def test_a_file_that_cannot_be_used_fails_in_words(
    door: Door, customer: Customer, disk: Path, name: str, words: str
) -> None:
    media_id = customer.send(SAMPLES / name)
    media = customer.media(media_id)
    assert media["status"] == "failed"
    assert words in media["error"]
    assert (media["variant_count"], media["eligible_for_optimisation"]) == (1, True)
    assert customer.fetch(media_id, "original") == (SAMPLES / name).read_bytes()
    assert customer.objects == [f"originals/{media_id}"]
    assert list(disk.iterdir()) == []

    job = job_of(door, media_id)
    assert (job["status"], job["error"], job["attempts"]) == ("failed", media["error"], 1)
    (incident,) = door.admin("GET", "/incidents?error_key=transcode_failed").json["items"]
    description = door.incident(incident["incident_id"])["description"]
    assert (description["media_id"], description["error_message"]) == (media_id, media["error"])
    assert incident["count"] == 1

    # Nothing is retried by itself; a human's retry is a second attempt.
    customer.work()
    assert job_of(door, media_id)["attempts"] == 1
    assert door.admin("POST", f"/jobs/{job['job_id']}/retry").status == 202
    assert customer.media(media_id)["status"] == "scheduled"
    customer.work()
    assert (job_of(door, media_id)["attempts"], customer.media(media_id)["status"]) == (2, "failed")


def test_an_empty_object_fails_in_words(door: Door, customer: Customer) -> None:
    media_id = customer.begin()["media_id"]
    customer.put(media_id, b"")
    customer.work()
    assert "0 bytes, but 9 were declared" in customer.media(media_id)["error"]


def test_a_correlation_id_follows_a_file_to_its_job_and_incident(door: Door, customer: Customer) -> None:
    body = {"file_name": "text.mov", "content_type": "video/quicktime", "size_bytes": 1200}
    media_id = door.customer("POST", "/media", body, x_correlation_id="homework-7").json["media_id"]
    customer.put(media_id, (SAMPLES / "text.mov").read_bytes())
    customer.work()
    assert customer.media(media_id)["correlation_id"] == job_of(door, media_id)["correlation_id"] == "homework-7"
    (incident,) = door.admin("GET", "/incidents").json["items"]
    assert door.incident(incident["incident_id"])["correlation_id"] == "homework-7"


# -- events that come twice, late, or after their subject is gone -----------------------------------------------------


def test_an_event_that_comes_again_does_nothing(door: Door, customer: Customer) -> None:
    path = SAMPLES / "noaudio.mp4"
    media_id = customer.begin(size_bytes=path.stat().st_size)["media_id"]
    customer.put(media_id, path.read_bytes())
    (body,) = customer.received()
    records = json.loads(body)
    doubled = json.dumps({"Records": records["Records"] * 2})
    assert transcode(doubled) == transcode(body) == []
    media = customer.media(media_id)
    assert (media["status"], job_of(door, media_id)["attempts"]) == ("ready", 1)
    assert transcode(body) == []
    assert customer.media(media_id)["updated_at"] == media["updated_at"]


def test_messages_about_nothing_of_ours_are_done_with(customer: Customer) -> None:
    for key in ("originals/x", "elsewhere", "originals/" + "0" * 31, "variants/" + "0" * 32):
        assert transcode(json.dumps({"created": key})) == []
    assert transcode(json.dumps({"job_id": "0" * 32, "attempt": 1})) == []
    assert transcode((Path(__file__).parents[1] / "events/s3_test.json").read_text()) == []


def test_only_what_cannot_be_read_comes_again(customer: Customer) -> None:
    bad, good = "no JSON", json.dumps({"created": "elsewhere"})
    assert transcode(bad, good) == [bad]


def test_an_upload_whose_media_is_gone_is_removed(door: Door, customer: Customer) -> None:
    media_id = customer.begin()["media_id"]
    assert door.customer("POST", f"/media/{media_id}/abort").status == 204
    customer.put(media_id)
    customer.work()
    assert customer.objects == []


def test_an_event_whose_object_is_gone_does_nothing(door: Door, customer: Customer) -> None:
    media_id = customer.begin()["media_id"]
    customer.put(media_id)
    customer.s3.delete_object(Bucket=BUCKET, Key=f"originals/{media_id}")
    customer.work()
    assert customer.media(media_id)["status"] == "awaiting_upload"


def test_an_object_that_was_replaced_before_its_download_fails_and_is_audited(door: Door, customer: Customer) -> None:
    media_id = customer.uploaded(size_bytes=9)
    customer.put(media_id, b"987654321")
    customer.work()
    assert "replaced" in customer.media(media_id)["error"]


def test_an_event_that_comes_days_late_loses_nothing(
    door: Door, customer: Customer, frozen: Callable[[str], None]
) -> None:
    frozen("2026-01-25T08:00:00Z")
    path = SAMPLES / "noaudio.mp4"
    media_id = customer.begin(size_bytes=path.stat().st_size)["media_id"]
    customer.put(media_id, path.read_bytes())
    frozen("2026-01-29T08:00:00Z")
    customer.work()
    assert customer.media(media_id)["status"] == "ready"


def test_an_event_that_comes_when_the_job_is_long_gone_does_nothing(door: Door, customer: Customer) -> None:
    media_id = customer.send(SAMPLES / "noaudio.mp4")
    before = customer.objects
    assert door.admin("DELETE", f"/jobs/{job_of(door, media_id)['job_id']}").status == 204
    jobs = boto3.resource("dynamodb").Table("groundcrew-test-jobs")
    for row in jobs.scan()["Items"]:
        jobs.delete_item(Key={"pk": row["pk"], "sk": row["sk"]})
    assert transcode(json.dumps({"created": f"originals/{media_id}"})) == []
    assert customer.objects == before
    assert door.admin("GET", "/jobs").json["items"] == []
    assert customer.media(media_id)["status"] == "ready"


def test_an_object_that_is_replaced_after_it_is_ready_is_ignored(door: Door, customer: Customer) -> None:
    media_id = customer.send(SAMPLES / "noaudio.mp4")
    ready = customer.media(media_id)
    customer.put(media_id, b"987654321")
    customer.work()
    after = customer.media(media_id)
    assert [each["name"] for each in after["variants"]] == [each["name"] for each in ready["variants"]]
    assert (after["status"], after["size_bytes"]) == ("ready", ready["size_bytes"])


# -- runs that fail ---------------------------------------------------------------------------------------------------


def test_a_disk_that_is_too_small_is_known_before_the_download(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=64 * 1024**2))
    monkeypatch.setattr(storage, "download", lambda *_: pytest.fail("it was downloaded"))
    media_id = customer.send(SAMPLES / "noaudio.mp4")
    assert "too large for the disk" in customer.media(media_id)["error"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ffmpeg.OutOfTime("9 s"), "took longer"),
        (ffmpeg.FfmpegError("moov"), "damaged"),
        (storage.StoreUnavailable(), "on our side"),
        (storage.Absent("gone"), "no longer stored"),
        (OSError("no space"), "on our side"),
    ],
)
def test_whatever_fails_is_said_and_can_be_run_again(
    door: Door,
    customer: Customer,
    disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    words: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(ffmpeg, "run", fail)
        media_id = customer.send(SAMPLES / "noaudio.mp4")
    media = customer.media(media_id)
    assert (media["status"], words in media["error"]) == ("failed", True)
    assert list(disk.iterdir()) == []
    job_id = door.admin("POST", f"/media/{media_id}/optimise").json["job_id"]
    assert job_id == job_of(door, media_id)["job_id"]
    assert door.admin("POST", f"/media/{media_id}/optimise").json["Code"] == "JobInFlight"
    customer.work()
    assert customer.media(media_id)["status"] == "ready"
    assert door.admin("POST", f"/media/{media_id}/optimise").json["Code"] == "AlreadyOptimised"
    log = door.admin("GET", f"/jobs/{job_id}").json["attempts_log"]
    assert sorted(each["outcome"] for each in log) == ["failed", "succeeded"]


def test_what_a_run_uploaded_and_did_not_publish_is_removed(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the network is down")

    with monkeypatch.context() as broken:
        broken.setattr(leases, "finish", fail)
        media_id = customer.send(SAMPLES / "noaudio.mp4")
    assert customer.media(media_id)["status"] == "failed"
    assert customer.objects == [f"originals/{media_id}"]


def test_a_finish_whose_answer_was_lost_keeps_what_it_published(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = leases.finish

    def lose(*given: Any, **more: Any) -> None:
        finish(*given, **more)
        raise Busy("the answer was lost")

    monkeypatch.setattr(leases, "finish", lose)
    media_id = customer.send(SAMPLES / "noaudio.mp4")
    media = customer.media(media_id)
    assert (media["status"], job_of(door, media_id)["status"]) == ("ready", "succeeded")
    assert len(customer.objects) == media["variant_count"]


def test_a_run_that_was_overtaken_leaves_nothing_and_is_no_incident(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_: object, **__: object) -> None:
        (job,) = door.admin("GET", "/jobs?status=running").json["items"]
        now = clock.now()
        with monkeypatch.context() as later:
            later.setattr(clock, "now", lambda: now + timedelta(hours=1))
            assert door.admin("DELETE", f"/jobs/{job['job_id']}").status == 204
        raise OSError("the network is down")

    monkeypatch.setattr(leases, "finish", overtaken)
    media_id = customer.send(SAMPLES / "noaudio.mp4")
    assert customer.objects == [f"originals/{media_id}"]
    assert customer.media(media_id)["status"] == "uploaded"


def test_a_store_that_is_down_for_a_moment_does_not_strand_a_retry(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: str) -> None:
        raise storage.StoreUnavailable

    media_id = customer.send(SAMPLES / "text.mov")
    assert door.admin("POST", f"/media/{media_id}/optimise").status == 202
    with monkeypatch.context() as broken:
        broken.setattr(storage, "keys_under", down)
        customer.work()
    assert (customer.media(media_id)["status"], job_of(door, media_id)["attempts"]) == ("failed", 2)


def test_a_function_whose_time_is_up_says_so(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "remaining_s", lambda _: lambda: 9.0)
    media_id = customer.send(SAMPLES / "noaudio.mp4")
    assert "took longer" in customer.media(media_id)["error"]


def test_a_video_that_does_not_say_how_long_it_is_is_limited_too(
    customer: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = tmp_path / "live.webm"
    film = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=5:d=63", "-c:v", "libvpx", "-deadline", "realtime"]
    subprocess.run([ffmpeg.binary(), "-v", "error", *film, "-f", "webm", "-live", "1", live], check=True)
    assert probing.probe(transcoding.LocalFile(live)).duration_s is None
    monkeypatch.setenv("MAX_VIDEO_MINUTES", "1")
    config.cache_clear()
    try:
        assert "longer than 1 minutes" in customer.media(customer.send(live))["error"]
    finally:
        monkeypatch.undo()
        config.cache_clear()


# -- deleting ---------------------------------------------------------------------------------------------------------


def test_a_deleted_media_is_gone_with_its_objects_and_its_job(door: Door, customer: Customer) -> None:
    media_id = customer.send(SAMPLES / "gps.jpg")
    job_id = job_of(door, media_id)["job_id"]
    for _ in range(2):
        assert door.admin("DELETE", f"/media/{media_id}").status == 204
        assert door.admin("GET", f"/media/{media_id}").status == 404
        assert customer.objects == []
        assert door.admin("GET", f"/jobs/{job_id}").status == 404
    assert door.admin("GET", "/media").json["items"] == []


def test_a_media_that_is_deleted_while_it_is_converted_leaves_nothing(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, upload = SAMPLES / "gps.jpg", storage.upload
    media_id = customer.begin(size_bytes=path.stat().st_size, content_type="image/jpeg")["media_id"]
    customer.put(media_id, path.read_bytes())
    job_ids: list[str] = []

    def delete_first(*given: Any) -> Any:
        job_ids.append(job_of(door, media_id)["job_id"])
        assert door.admin("DELETE", f"/media/{media_id}").status == 204
        return upload(*given)

    monkeypatch.setattr(storage, "upload", delete_first)
    customer.work()
    assert customer.objects == []
    assert door.admin("GET", f"/jobs/{job_ids[0]}").status == 404


def test_an_upload_in_parts_that_is_deleted_while_it_is_looked_at_leaves_nothing(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = probing.probe
    parts = [b"a" * 16 * 1024**2, b"b"]
    begun = customer.begin(size_bytes=sum(map(len, parts)))
    for number, part in enumerate(parts, start=1):
        customer.put_part(begun, number, part)
    assert door.customer("POST", f"/media/{begun['media_id']}/complete").status == 200

    def delete_first(*given: Any) -> Any:
        assert door.admin("DELETE", f"/media/{begun['media_id']}").status == 204
        return probe(*given)

    monkeypatch.setattr(probing, "probe", delete_first)
    customer.work()
    assert customer.objects == []
    assert models.find(begun["media_id"]) is None


def test_what_a_run_makes_after_its_media_was_deleted_goes_with_a_sweep(
    door: Door, customer: Customer, frozen: Callable[[str], None]
) -> None:
    frozen("2026-01-25T08:00:00Z")
    media_id = customer.uploaded()
    job_id = leases.first_id("transcode", media_id)
    lease = leases.start("transcode", media_id, job_id, correlation_id="c", requested_by="r", now=clock.now())
    assert lease
    assert door.admin("DELETE", f"/media/{media_id}").status == 204
    assert door.admin("GET", f"/media/{media_id}").status == 404
    customer.s3.put_object(Bucket=BUCKET, Key=f"variants/{media_id}/{lease.fence}/photo.jpg", Body=b"late")
    sweep()
    assert door.admin("GET", f"/jobs/{job_id}").json["status"] == "running"
    customer.s3.put_object(Bucket=BUCKET, Key=f"variants/{media_id}/{lease.fence}/photo.jpg", Body=b"later")
    frozen("2026-01-25T08:03:00Z")
    sweep()
    assert customer.objects == []
    assert door.admin("GET", f"/jobs/{job_id}").status == 404


def test_a_job_that_was_deleted_is_replaced_when_somebody_asks(door: Door, customer: Customer) -> None:
    media_id = customer.send(SAMPLES / "text.mov")
    first = job_of(door, media_id)["job_id"]
    assert door.admin("DELETE", f"/jobs/{first}").status == 204
    media = customer.media(media_id)
    assert (media["status"], media["eligible_for_optimisation"], media["error"]) == ("uploaded", True, None)
    second = door.admin("POST", f"/media/{media_id}/optimise").json["job_id"]
    assert second != first
    assert door.admin("DELETE", f"/jobs/{first}").status == 204
    assert customer.media(media_id)["status"] == "scheduled"
    customer.work()
    assert (customer.media(media_id)["status"], job_of(door, media_id)["job_id"]) == ("failed", second)
    assert door.admin("GET", f"/jobs/{first}").status == 404


# -- sweeping and dead letters ----------------------------------------------------------------------------------------


def sweep() -> None:
    app.handler_map["sweep_uploads"](schedule_event("sweep_uploads", clock.now()), None)


def test_an_upload_whose_event_never_came_is_found(
    door: Door, customer: Customer, frozen: Callable[[str], None]
) -> None:
    frozen("2026-01-25T08:00:00Z")
    never = customer.begin()["media_id"]
    put, completed = customer.begin()["media_id"], customer.uploaded()
    customer.put(put)
    customer.received()
    frozen("2026-01-25T08:14:59Z")
    sweep()
    assert customer.received() == []
    frozen("2026-01-25T08:15:01Z")
    sweep()
    assert sorted(json.loads(body)["created"] for body in customer.received()) == sorted(
        [f"originals/{put}", f"originals/{completed}"]
    )
    sweep()
    assert customer.received() == []
    frozen("2026-01-25T14:15:02Z")
    sweep()
    customer.work()
    assert [customer.media(each)["status"] for each in (never, put, completed)] == [
        "awaiting_upload",
        "failed",
        "failed",
    ]
    sweep()
    assert customer.received() == []


def test_deletes_that_were_cut_off_are_finished(door: Door, customer: Customer) -> None:
    whole, begun = customer.uploaded(), customer.begin(size_bytes=16 * 1024**2 + 1)
    customer.put_part(begun, 1, b"a" * 16 * 1024**2)
    with tapped(down):
        for media_id in (whole, begun["media_id"]):
            assert door.admin("DELETE", f"/media/{media_id}").status == 503
            assert door.admin("GET", f"/media/{media_id}").status == 404
    assert door.admin("GET", "/media").json["items"] == door.customer("GET", "/media").json["items"] == []
    assert customer.objects == [f"originals/{whole}"]
    sweep()
    assert customer.objects == []
    assert "Uploads" not in customer.s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_dead_letter_becomes_a_failed_job(door: Door, customer: Customer) -> None:
    path = SAMPLES / "noaudio.mp4"
    media_id = customer.begin(size_bytes=path.stat().st_size)["media_id"]
    customer.put(media_id, path.read_bytes())
    (body,) = customer.received()
    for _ in range(2):
        assert transcode(body, function="fail_dead_uploads") == []
    media = customer.media(media_id)
    assert (media["status"], "several tries" in media["error"]) == ("failed", True)
    assert door.admin("GET", "/incidents?error_key=transcode_failed").json["items"][0]["count"] == 1
    # The event itself may still come, late: nobody asked for another run.
    assert transcode(body) == []
    assert customer.media(media_id)["status"] == "failed"
    assert door.admin("POST", f"/media/{media_id}/optimise").status == 202
    (message,) = customer.received()
    assert transcode(message, function="fail_dead_uploads") == []
    assert customer.media(media_id)["status"] == "failed"
    assert door.admin("POST", f"/media/{media_id}/optimise").status == 202
    customer.work()
    assert customer.media(media_id)["status"] == "ready"
    assert transcode(body, function="fail_dead_uploads") == []
    assert customer.media(media_id)["status"] == "ready"


def test_a_dead_letter_that_is_none_of_ours_stays_where_it_is(door: Door) -> None:
    assert transcode("no message", function="fail_dead_uploads") == ["no message"]
