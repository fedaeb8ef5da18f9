"""Customers who upload, and the store that they upload to."""

import hashlib
import mimetypes
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from app import app
from infra.pump import sqs_event
from tests.conftest import Door
from tests.faults import Call

BUCKET = "groundcrew-test-media"
# The queue whose messages each function takes.
QUEUES = {"transcode_upload": "uploads", "fail_dead_uploads": "uploads-dead-letters"}


def guess(path: Path) -> str:
    """What a browser says of a file by its name."""
    return {".heic": "image/heic", ".webp": "image/webp"}.get(path.suffix) or str(mimetypes.guess_type(path.name)[0])


def transcode(*bodies: str, function: str = "transcode_upload") -> list[str]:
    """Hand messages to the worker, as Lambda does; returns the bodies of those that are to come again."""
    messages: list[Any] = [
        {
            "MessageId": str(uuid.uuid4()),
            "ReceiptHandle": "x",
            "Body": body,
            "Attributes": {},
            "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        }
        for body in bodies
    ]
    event = sqs_event(messages, f"arn:aws:sqs:eu-central-1:000000000000:groundcrew-test-{QUEUES[function]}")
    failed = {each["itemIdentifier"] for each in app.handler_map[function](event, None)["batchItemFailures"]}
    return [message["Body"] for message in messages if message["MessageId"] in failed]


def down(call: Call) -> Any:
    """A store that does not answer, while all else does."""
    if "Bucket" in call.parameters:
        raise EndpointConnectionError(endpoint_url="https://store.example")
    return call.make()


class Customer:
    """A customer with a browser. Its PUTs go to the store itself, under a signed URL's terms."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.s3 = boto3.client("s3")
        self.sqs = boto3.client("sqs")

    def begin(self, **given: Any) -> dict[str, Any]:
        """Begin an upload and expect it to be let in."""
        body = {"file_name": "IMG_2392.mov", "content_type": "video/quicktime", "size_bytes": 9} | given
        answer = self.door.customer("POST", "/media", body)
        assert answer.status == 201, answer
        begun: dict[str, Any] = answer.json
        return begun

    def put(self, media_id: str, content: bytes = b"123456789") -> None:
        self.s3.put_object(Bucket=BUCKET, Key=f"originals/{media_id}", Body=content)

    def put_part(self, begun: dict[str, Any], number: int, content: bytes) -> str:
        answer = self.s3.upload_part(
            Bucket=BUCKET,
            Key=f"originals/{begun['media_id']}",
            UploadId=begun["upload"]["upload_id"],
            PartNumber=number,
            Body=content,
        )
        etag: str = answer["ETag"]
        return etag

    def uploaded(self, **given: Any) -> str:
        """Upload and complete; returns the media's id."""
        media_id: str = self.begin(**given)["media_id"]
        self.put(media_id, b"x" * given.get("size_bytes", 9))
        assert self.door.customer("POST", f"/media/{media_id}/complete").status == 200
        return media_id

    def media(self, media_id: str) -> dict[str, Any]:
        answer = self.door.customer("GET", f"/media/{media_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json
        return found

    def received(self) -> list[str]:
        """The messages that wait for the worker, but for the store's own test."""
        url = self.sqs.get_queue_url(QueueName="groundcrew-test-uploads")["QueueUrl"]
        bodies: list[str] = []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [body for body in bodies if "s3:TestEvent" not in body]

    def send(self, path: Path, content_type: str = "application/octet-stream") -> str:
        """Upload a file and have it worked on; returns the media's id."""
        kind = content_type if content_type != "application/octet-stream" else guess(path)
        content = path.read_bytes()
        begun = self.begin(file_name=path.name, content_type=kind, size_bytes=max(len(content), 1))
        self.put(begun["media_id"], content)
        self.work()
        media_id: str = begun["media_id"]
        return media_id

    def work(self) -> None:
        """Have the worker take all messages that wait."""
        for body in self.received():
            assert transcode(body) == []

    def fetch(self, media_id: str, name: str) -> bytes:
        """What the signed URL of a variant gives."""
        (variant,) = [each for each in self.media(media_id)["variants"] if each["name"] == name]
        parts = urlsplit(variant["url"])
        key = parts.path.partition(f"/{BUCKET}/")[2] or parts.path.lstrip("/")
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    @property
    def objects(self) -> list[str]:
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.fixture
def customer(door: Door) -> Customer:
    return Customer(door)
