"""Attachments: bytes in the bucket of events, called by harmless names, handed back and never shown."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import storage
from chalicelib.config import config
from chalicelib.errors import Unavailable
from chalicelib.incidents import extras, report
from chalicelib.personal import Scrub
from chalicelib.sentry import attachments
from chalicelib.sentry.envelope import Item
from tests.conftest import Door
from tests.sentry.taking import EVENT, NOW, OTHER, error, feedback, packed, taken

Freeze = Callable[[str], None]
BUCKET = "groundcrew-test-events"
BYTES = b'line1\nline2\r\n\x00\xff\xfe{"type":"event"}\n'
ORIGIN = report.Origin("1", None, "")


@pytest.fixture
def door(door: Door, frozen: Freeze) -> Door:
    frozen("2026-03-01T10:00:20Z")
    return door


def objects() -> dict[str, bytes]:
    s3: Any = boto3.client("s3")
    found = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found}


def shown(door: Door, error_key: str = "ValueError") -> list[dict[str, Any]]:
    """The attachments of an incident's latest event; its occurrence shows the same but for the signature."""
    (incident,) = door.admin("GET", f"/incidents?error_key={error_key}").json["items"]
    path = f"/incidents/{incident['incident_id']}"
    found: list[dict[str, Any]] = door.admin("GET", path).json["attachments"]
    (kept,) = door.admin("GET", f"{path}/occurrences").json["items"]
    assert [each["name"] for each in kept["attachments"]] == [each["name"] for each in found]
    return found


def attachment(content: bytes = BYTES, **header: Any) -> tuple[str, bytes, dict[str, Any]]:
    return "attachment", content, header


def test_an_attachment_is_stored_and_handed_back(door: Door) -> None:
    raw = packed(
        ("event", error()), attachment(filename="raw.bin", content_type="text/HTML; charset=x"), event_id=EVENT
    )
    for _ in range(2):
        taken(raw)
    (found,) = shown(door)
    assert (found["name"], found["content_type"], found["size_bytes"]) == ("raw.bin", "text/html", len(BYTES))
    assert found["received_at"] == "2026-03-01T10:00:10.000Z"
    ((key, content),) = objects().items()
    assert content == BYTES
    assert key.startswith(f"attachments/1/{EVENT}/")
    url = urlsplit(found["url"])
    assert f"{BUCKET}/{key}" in f"{url.netloc.partition('.')[0]}{url.path}"
    signed = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert signed["response-content-disposition"] == "attachment; filename*=UTF-8''raw.bin"
    assert signed["response-content-type"] == "application/octet-stream"
    assert int(signed["X-Amz-Expires"]) == 900


def test_attachments_lie_in_s3_whatever_the_store_of_media_is(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = dataclasses.replace(config().storage, endpoint_url="https://minio.example.com", access_key_id="m")
    told = dataclasses.replace(config(), storage=elsewhere)
    monkeypatch.setattr(storage, "config", lambda: told)
    url = storage.sign_get("attachments/1/a/b", "a/b", "attachment", 60, config().events)
    assert urlsplit(url).netloc.endswith(".amazonaws.com")


def test_an_attachment_may_come_before_its_event_and_after_it(door: Door) -> None:
    taken(packed(attachment(b"1", filename="before"), event_id=EVENT))
    taken(packed(("event", error()), event_id=EVENT))
    taken(packed(attachment(b"2", filename="after"), event_id=EVENT), now=NOW + timedelta(seconds=1))
    assert [each["name"] for each in shown(door)] == ["before", "after"]


def test_what_comes_with_feedback_is_about_its_event(door: Door) -> None:
    taken(packed(("event", error()), event_id=EVENT))
    taken(packed(("feedback", feedback()), attachment(filename="screenshot.png"), event_id=OTHER))
    assert [each["name"] for each in shown(door)] == ["screenshot.png"]


def test_what_comes_with_feedback_of_no_event_stays_with_it(door: Door) -> None:
    taken(packed(("feedback", feedback(about=None)), attachment(filename="screenshot.png"), event_id=OTHER))
    assert [each["name"] for each in shown(door, "feedback")] == ["screenshot.png"]


def test_files_that_come_with_much_feedback_are_stored_for_the_first(door: Door) -> None:
    said = (("feedback", feedback(about=f"{nth:032x}")) for nth in range(1, 11))
    taken(packed(*said, attachment(b"1", filename="a"), attachment(b"2", filename="b"), event_id=OTHER))
    # Beside the event that it is about and beside itself, as that event may never come.
    assert sorted(key.split("/")[2] for key in objects()) == [f"{1:032x}", f"{1:032x}", OTHER, OTHER]


def test_an_event_has_so_many_attachments(door: Door) -> None:
    files = [attachment(str(nth).encode(), filename=f"{nth:02}") for nth in range(extras.MAX_ATTACHMENTS + 3)]
    taken(packed(("event", error()), *files[:4], event_id=EVENT))
    taken(packed(*files, event_id=EVENT))
    assert len(shown(door)) == len(objects()) == extras.MAX_ATTACHMENTS
    taken(packed(("event", error(), {}), attachment(), event_id=EVENT))
    assert len(objects()) == extras.MAX_ATTACHMENTS


def test_the_same_bytes_under_two_names_are_two_and_empty_ones_are_kept(door: Door) -> None:
    same = [attachment(b"", filename=name) for name in ("a.txt", "b.txt", "a.txt")]
    taken(packed(("event", error()), *same, event_id=EVENT))
    assert sorted((each["name"], each["size_bytes"]) for each in shown(door)) == [("a.txt", 0), ("b.txt", 0)]


def test_an_attachment_that_has_expired_has_no_url(door: Door, frozen: Freeze) -> None:
    taken(packed(("event", error()), attachment(), event_id=EVENT))
    frozen("2026-03-31T10:00:09Z")
    assert shown(door)[0]["url"]
    frozen("2026-03-31T10:00:10Z")
    assert shown(door)[0]["url"] is None


def test_a_store_that_is_down_is_said_and_the_event_is_kept(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> None:
        raise storage.StoreUnavailable

    raw = packed(("event", error()), attachment(), event_id=EVENT)
    with monkeypatch.context() as patched:
        patched.setattr(storage, "write", down)
        with pytest.raises(Unavailable):
            taken(raw)
    assert shown(door) == []
    taken(raw)
    assert len(shown(door)) == 1


# -- names and types --------------------------------------------------------------------------------------------------


def named(name: Any, content_type: Any = None) -> extras.File:
    return attachments._file(Item({"filename": name, "content_type": content_type}, b""), ORIGIN)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("note.txt", "note.txt"),
        ("Überweisung 7.png", "Überweisung 7.png"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\ann\x.log", "x.log"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: [scrubbed]"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("\ud800\x00.bin", "\ufffd.bin".strip(" .")),
        ("..", "attachment"),
        ("a/", "attachment"),
        ("", "attachment"),
        (None, "attachment"),
        (["x"], "attachment"),
        ("x" * 100_000 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_a_name_is_made_harmless(said: Any, name: str) -> None:
    assert named(said).name == name


@pytest.mark.parametrize(
    ("said", "content_type"),
    [
        ("text/plain", "text/plain"),
        (" Image/PNG ;q=1", "image/png"),
        ("text/html\r\nX-Evil: 1", "application/octet-stream"),
        ("text", "application/octet-stream"),
        ("a/" + "b" * 500, "application/octet-stream"),
        (7, "application/octet-stream"),
        (None, "application/octet-stream"),
    ],
)
def test_a_type_is_one_or_none(said: Any, content_type: str) -> None:
    assert named("x", said).content_type == content_type


@given(st.text(st.characters()))
def test_no_name_is_a_path_or_turns_a_line(said: str) -> None:
    name = named(said).name
    assert 0 < len(name) <= attachments.MAX_NAME
    assert not set(name) & set("/\\\n\r\x00\u202e")
    assert name not in (".", "..")
    name.encode()


def test_personal_data_in_a_name_is_treated_as_the_project_says() -> None:
    origin = dataclasses.replace(ORIGIN, scrub=Scrub(emails="remove"))
    file = attachments._file(Item({"filename": "ann@example.com.log"}, b""), origin)
    assert file.name == "[email]"
