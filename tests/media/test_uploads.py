"""Uploads, through the public door: what may be declared, what is signed, and what it takes to be complete."""

import dataclasses
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app import app
from chalicelib import clock, storage
from chalicelib.config import config
from chalicelib.media import uploads
from infra.pump import schedule_event
from tests.conftest import Door
from tests.faults import tapped
from tests.media.conftest import BUCKET, Customer, down

MIB = 1024**2
GOOD = {"file_name": "a.mov", "content_type": "video/quicktime", "size_bytes": 9}
NESTED: list[Any] = []
for _ in range(90):
    NESTED = [NESTED]
FIRST, LAST = b"a" * 16 * MIB, b"b" * 4


def signed(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def unsigned(shown: dict[str, Any]) -> dict[str, Any]:
    """A media without its signed URLs, in which every second is another."""
    return shown | {"variants": [variant | {"url": None} for variant in shown["variants"]]}


def test_a_small_file_is_one_put_that_signs_its_length(door: Door, customer: Customer) -> None:
    begun = customer.begin(context={"homework_id": 7})
    assert (begun["status"], begun["upload"]["kind"]) == ("awaiting_upload", "single")
    assert begun["upload"]["headers"] == {"If-None-Match": "*"}
    terms = signed(begun["upload"]["url"])
    assert terms["X-Amz-SignedHeaders"] == "content-length;host;if-none-match"
    assert int(terms["X-Amz-Expires"]) <= 3600
    assert "IMG" not in begun["upload"]["url"]
    assert customer.media(begun["media_id"])["status"] == "awaiting_upload"
    path = f"/media/{begun['media_id']}"
    answer = door.customer("POST", f"{path}/complete")
    assert (answer.status, answer.json["Code"]) == (409, "UploadIncomplete")

    customer.put(begun["media_id"])
    shown = door.customer("POST", f"{path}/complete").json
    again = door.customer("POST", f"{path}/complete").json
    assert unsigned(shown) == unsigned(again) == unsigned(customer.media(begun["media_id"]))
    assert (shown["status"], shown["variant_count"], shown["eligible_for_optimisation"]) == ("uploaded", 1, True)
    assert shown["context"] == {"homework_id": 7}
    (original,) = shown["variants"]
    assert (original["name"], original["size_bytes"]) == ("original", 9)
    assert signed(original["url"])["response-content-disposition"] == "attachment; filename*=UTF-8''IMG_2392.mov"
    assert [unsigned(item) for item in door.customer("GET", "/media").json["items"]] == [unsigned(shown)]


def test_a_large_file_is_parts_that_can_be_resumed(door: Door, customer: Customer) -> None:
    begun = customer.begin(size_bytes=len(FIRST) + len(LAST))
    upload, path = begun["upload"], f"/media/{begun['media_id']}"
    assert (upload["kind"], upload["part_size_bytes"]) == ("multipart", 16 * MIB)
    assert [part["part_number"] for part in upload["parts"]] == [1, 2]
    assert all("content-length" in signed(part["url"])["X-Amz-SignedHeaders"] for part in upload["parts"])
    bodies: list[Any] = [b"", {}, {"parts": []}]
    for body in bodies:
        assert door.customer("POST", f"{path}/complete", body).json["Code"] == "UploadIncomplete"
    customer.put_part(begun, 1, FIRST)
    stored = door.customer("GET", f"{path}/parts").json
    assert [(part["part_number"], part["size_bytes"]) for part in stored["parts"]] == [(1, len(FIRST))]
    assert "2" in door.customer("POST", f"{path}/complete").json["Message"]
    fresh = door.customer("POST", f"{path}/parts", {"part_numbers": [2]}).json
    assert [part["part_number"] for part in fresh["parts"]] == [2]
    etag = customer.put_part(begun, 2, LAST)

    lies = [{"part_number": 2, "etag": "0" * 32}], [{"part_number": 3, "etag": etag}]
    for lie in lies:
        assert door.customer("POST", f"{path}/complete", {"parts": lie}).json["Code"] == "UploadIncomplete"
    answer = door.customer("POST", f"{path}/complete", {"parts": [{"part_number": 2, "etag": etag}]})
    assert (answer.status, answer.json["status"]) == (200, "uploaded")
    assert unsigned(door.customer("POST", f"{path}/complete").json) == unsigned(answer.json)
    for call in (("GET", "parts"), ("POST", "upload"), ("POST", "abort")):
        assert door.customer(call[0], f"{path}/{call[1]}").status == 409


@pytest.mark.parametrize("sizes", [{1: 5 * MIB, 2: 4}, {1: 16 * MIB, 2: 5}, {1: 16 * MIB, 2: 4, 3: 4}, {2: 4}])
def test_parts_that_are_not_the_declared_file_are_not_completed(
    door: Door, customer: Customer, sizes: dict[int, int]
) -> None:
    begun = customer.begin(size_bytes=len(FIRST) + len(LAST))
    for number, size in sizes.items():
        customer.put_part(begun, number, b"x" * size)
    answer = door.customer("POST", f"/media/{begun['media_id']}/complete")
    assert (answer.status, answer.json["Code"]) == (409, "UploadIncomplete")
    assert customer.objects == []


def test_a_complete_whose_answer_was_lost_is_checked(
    door: Door, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = customer.begin(size_bytes=len(FIRST) + len(LAST))
    customer.put_part(begun, 1, FIRST)
    customer.put_part(begun, 2, LAST)
    call = storage._call

    def lost(operation: str, **given: Any) -> Any:
        answer = call(operation, **given)
        if operation == "complete_multipart_upload":
            raise storage.StoreUnavailable
        return answer

    monkeypatch.setattr(storage, "_call", lost)
    assert door.customer("POST", f"/media/{begun['media_id']}/complete").status == 200


def test_an_upload_that_was_given_up_is_forgotten(door: Door, customer: Customer) -> None:
    begun = customer.begin(size_bytes=len(FIRST) + len(LAST))
    path = f"/media/{begun['media_id']}"
    customer.put_part(begun, 1, FIRST)
    assert door.customer("POST", f"{path}/abort").status == 204
    assert door.customer("GET", path).status == 404
    assert customer.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_an_upload_that_the_store_gave_up_says_so(door: Door, customer: Customer) -> None:
    begun = customer.begin(size_bytes=len(FIRST) + len(LAST))
    customer.s3.abort_multipart_upload(
        Bucket=BUCKET, Key=f"originals/{begun['media_id']}", UploadId=begun["upload"]["upload_id"]
    )
    for method, call in (("GET", "parts"), ("POST", "complete")):
        answer = door.customer(method, f"/media/{begun['media_id']}/{call}")
        assert (answer.status, answer.json["Code"]) == (409, "UploadIncomplete")


def test_an_upload_is_renewed_for_a_day(door: Door, frozen: Callable[[str], None], customer: Customer) -> None:
    frozen("2026-01-25T08:00:00Z")
    path = f"/media/{customer.begin()['media_id']}"
    frozen("2026-01-26T07:00:00Z")
    fresh = door.customer("POST", f"{path}/upload").json
    assert fresh["upload"]["expires_at"] == "2026-01-26T08:00:00.000Z"
    assert door.customer("POST", f"{path}/parts", {"part_numbers": [1]}).status == 409
    frozen("2026-01-26T08:00:01Z")
    assert door.customer("POST", f"{path}/upload").status == 409
    frozen("2026-01-27T08:00:01Z")
    assert door.customer("GET", path).status == 404
    assert door.customer("GET", "/media").json["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_bytes": 0},
        {"size_bytes": -1},
        {"size_bytes": "9"},
        {"size_bytes": 1.5},
        {"content_type": "image/svg+xml"},
        {"content_type": "IMAGE/SVG+XML"},
        {"content_type": "application/pdf"},
        {"content_type": "video/"},
        {"content_type": "video/mp4\n"},
        {"content_type": "video/mp4\r\nX: y"},
        {"content_type": None},
        {"file_name": ""},
        {"file_name": "x" * 256},
        {"context": []},
        {"context": {"x": "y" * 2048}},
        {"context": {"x": NESTED}},
    ],
)
def test_what_cannot_be_an_upload_is_refused(door: Door, wrong: dict[str, Any]) -> None:
    answer = door.customer("POST", "/media", GOOD | wrong)
    assert answer.status == 400
    assert next(iter(wrong)) in answer.json["Message"]
    assert answer.json["Details"][0]["field"] == next(iter(wrong))


def test_a_file_over_the_limit_is_too_large(door: Door) -> None:
    assert door.customer("POST", "/media", GOOD | {"size_bytes": 2 * 1024**3}).status == 201
    answer = door.customer("POST", "/media", GOOD | {"size_bytes": 2 * 1024**3 + 1})
    assert (answer.status, answer.json["Code"]) == (413, "PayloadTooLarge")
    assert door.customer("POST", "/media", GOOD | {"duration_seconds": 1800}).status == 201
    answer = door.customer("POST", "/media", GOOD | {"duration_seconds": 1801.5})
    assert (answer.status, answer.json["Code"]) == (413, "PayloadTooLarge")


def test_uploads_of_a_day_are_limited_for_each_and_for_all(
    door: Door, frozen: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPLOADS_PER_CUSTOMER_PER_DAY", "2")
    monkeypatch.setenv("UPLOADS_PER_DAY", "3")
    config.cache_clear()
    frozen("2026-01-25T23:59:00Z")

    def statuses(sub: str) -> list[int]:
        return [door.customer("POST", "/media", GOOD, sub=sub).status for _ in range(3)]

    try:
        assert statuses("one") == [201, 201, 429]
        assert statuses("two") == [201, 429, 429]
        refused = door.customer("POST", "/media", GOOD, sub="two")
        assert (refused.json["Code"], refused.headers["retry-after"]) == ("TooManyUploads", "61")
        frozen("2026-01-26T00:00:00Z")
        assert statuses("one") == [201, 201, 429]
    finally:
        monkeypatch.undo()
        config.cache_clear()


def test_media_are_their_owners_and_the_admins(door: Door, customer: Customer) -> None:
    media_id = customer.uploaded()
    path = f"/media/{media_id}"
    calls = [("GET", ""), ("POST", "/upload"), ("GET", "/parts"), ("POST", "/complete"), ("POST", "/abort")]
    for method, call in calls:
        assert door.customer(method, path + call, sub="another").status == 404
        assert door.call(method, path + call).status == 401
    assert door.customer("POST", f"{path}/parts", {"part_numbers": [1]}, sub="another").status == 404
    assert door.customer("GET", "/media", sub="another").json["items"] == []
    assert door.admin("GET", path).json["owner_id"] == "customer-68"
    assert [each["media_id"] for each in door.admin("GET", "/media").json["items"]] == [media_id]
    for method, call in (("POST", "/optimise"), ("DELETE", "")):
        assert door.customer(method, path + call).status == 403


@pytest.mark.parametrize("media_id", ["0" * 32, "x", "..%2F..", "%00", "A" * 3000])
def test_media_that_are_nobodys_are_not_found(door: Door, media_id: str) -> None:
    for method, call in (("GET", ""), ("POST", "/complete"), ("POST", "/abort"), ("POST", "/upload")):
        assert door.customer(method, f"/media/{media_id}{call}").status == 404
    assert door.admin("POST", f"/media/{media_id}/optimise").status == 404
    assert door.admin("DELETE", f"/media/{media_id}").status == 204


def test_the_same_key_begins_one_upload(door: Door) -> None:
    one, two = (door.customer("POST", "/media", GOOD, idempotency_key="k") for _ in range(2))
    assert one.json == two.json
    assert len(door.customer("GET", "/media").json["items"]) == 1


def test_parts_whose_sender_died_are_joined_by_a_sweep(
    door: Door, customer: Customer, frozen: Callable[[str], None]
) -> None:
    frozen("2026-01-25T08:00:00Z")
    whole, half = (customer.begin(size_bytes=len(FIRST) + len(LAST)) for _ in range(2))
    for begun in (whole, half):
        customer.put_part(begun, 1, FIRST)
    customer.put_part(whole, 2, LAST)
    frozen("2026-01-25T08:15:01Z")
    app.handler_map["sweep_uploads"](schedule_event("sweep_uploads", clock.now()), None)
    assert customer.media(whole["media_id"])["status"] == "uploaded"
    assert customer.media(half["media_id"])["status"] == "awaiting_upload"
    assert door.customer("GET", f"/media/{whole['media_id']}/parts").json["Code"] == "AlreadyUploaded"


def test_lists_are_narrowed_and_paged(door: Door, frozen: Callable[[str], None], customer: Customer) -> None:
    made = []
    for minute in range(6):
        frozen(f"2026-01-25T08:0{minute}:00Z")
        made.append(customer.uploaded() if minute % 2 else customer.begin()["media_id"])

    def walk(query: str, call: Callable[..., Any] = door.admin) -> list[str]:
        items, cursor = [], ""
        while True:
            page = call("GET", f"/media?limit=2{query}{cursor}").json
            assert len(page["items"]) <= 2
            items += [each["media_id"] for each in page["items"]]
            if page["next_cursor"] is None:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    newest_first = made[::-1]
    assert walk("") == walk("", door.customer) == newest_first
    for call in (door.admin, door.customer):
        assert walk("&status=uploaded", call) == walk("&eligible=true", call) == newest_first[::2]
        assert walk("&status=awaiting_upload", call) == walk("&eligible=false", call) == newest_first[1::2]
        assert walk("&status=ready", call) == walk("&status=failed", call) == []
    cursor = door.admin("GET", "/media?limit=2").json["next_cursor"]
    assert door.customer("GET", f"/media?limit=2&cursor={cursor}").status == 400
    assert door.admin("GET", f"/media?limit=2&eligible=true&cursor={cursor}").status == 400
    assert door.admin("GET", "/media?status=done").status == 400


def test_parts_stay_few_whatever_the_size() -> None:
    for size in (16 * MIB + 1, 2 * 1024**3, 5 * 1024**4):
        sizes = uploads._part_sizes(size)
        assert sum(sizes) == size
        assert len(sizes) <= 64
        assert min(sizes[:-1]) >= 5 * MIB
        assert 0 < sizes[-1] <= sizes[0]


def test_a_store_that_is_down_is_no_fault_of_the_caller(door: Door, customer: Customer) -> None:
    media_id = customer.begin()["media_id"]
    with tapped(down):
        assert door.customer("POST", "/media", GOOD | {"size_bytes": 17 * MIB}).status == 503
        assert "retry-after" in door.customer("POST", "/media", GOOD | {"size_bytes": 17 * MIB}).headers
    assert customer.media(media_id)["status"] == "awaiting_upload"


@pytest.mark.parametrize(
    ("path_style", "endpoint_url", "url"),
    [
        ("auto", None, "https://photos.s3.amazonaws.com/originals/1"),
        ("path", None, "https://s3.amazonaws.com/photos/originals/1"),
        ("auto", "https://store.example.com", "https://store.example.com/photos/originals/1"),
        ("virtual", "https://store.example.com", "https://photos.store.example.com/originals/1"),
    ],
)
def test_a_signed_url_names_the_bucket_where_the_store_looks_for_it(
    monkeypatch: pytest.MonkeyPatch, path_style: str, endpoint_url: str | None, url: str
) -> None:
    told = dataclasses.replace(
        config(),
        storage=dataclasses.replace(
            config().storage, bucket="photos", endpoint_url=endpoint_url, region="us-east-1", path_style=path_style
        ),
    )
    monkeypatch.setattr(storage, "config", lambda: told)
    monkeypatch.setattr(storage, "_client", storage._client.__wrapped__)
    assert storage.sign_put("originals/1", 1, 60).partition("?")[0] == url
