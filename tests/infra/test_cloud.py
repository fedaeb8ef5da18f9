"""The local cloud's bucket: it holds uploads to what was signed, and tells the queue of them, as S3 does."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import boto3
import httpx
import pytest
from botocore.config import Config

from infra import local, resources, stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

BUCKET = "groundcrew-test-media"
KEY = "originals/0a b/ü+1"
PART_BYTES = 5 * 1024**2
PATIENCE_S = 30


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boto3.Session]:
    directory = tmp_path_factory.mktemp("cloud")
    url = f"http://127.0.0.1:{stack._free_port('UNSAID', 0)}"
    command = stack._cloud(local.Stack("", "", "", "", "", "", "", cloud_url=url), directory)
    with (
        pytest.MonkeyPatch.context() as patch,
        (directory / "lock").open("w") as lock,
        stack._process(command, directory / "log", lock),
    ):
        deadline = time.monotonic() + PATIENCE_S
        while not stack._answers(f"{url}/_ministack/health"):
            assert time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.05)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("NO_PROXY", "*")
        session = boto3.Session()
        resources.create("test", session)
        resources.create("test", session)
        yield session


@pytest.fixture
def s3(cloud: boto3.Session) -> "S3Client":
    return cloud.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))


@pytest.fixture
def events(cloud: boto3.Session) -> "Events":
    return Events(cloud.client("sqs"))


class Events:
    """What the bucket tells its queue from now on."""

    def __init__(self, sqs: "SQSClient") -> None:
        self._sqs = sqs
        self._url = sqs.get_queue_url(QueueName="groundcrew-test-uploads")["QueueUrl"]
        sqs.purge_queue(QueueUrl=self._url)

    def next(self) -> tuple[str, str, int]:
        """Kind, key and size of the next event."""
        (message,) = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=20)["Messages"]
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        (record,) = json.loads(message["Body"])["Records"]
        assert record["s3"]["bucket"]["name"] == BUCKET
        made = record["s3"]["object"]
        return record["eventName"], unquote_plus(made["key"]), made["size"]


def put(url: str, body: bytes, **headers: str) -> int:
    return httpx.put(url, content=body, headers=headers, trust_env=False, timeout=PATIENCE_S).status_code


def test_a_signed_upload_takes_what_was_declared_and_only_once(s3: "S3Client", events: Events) -> None:
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": KEY, "ContentLength": 5, "IfNoneMatch": "*"}
    )
    once = {"If-None-Match": "*"}
    assert put(url, b"hello") == 403
    assert put(url, b"hello!", **once) == 403
    assert put(url, b"hell", **once) == 403
    assert put(url, b"hello", **once) == 200
    assert put(url, b"hellO", **once) == 412
    assert events.next() == ("ObjectCreated:Put", KEY, 5)


def test_an_upload_in_parts_is_told_when_it_is_complete(s3: "S3Client", events: Events) -> None:
    key = "originals/parts"
    upload_id = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    for number, size in enumerate((PART_BYTES, 1), start=1):
        declared = {"PartNumber": number, "ContentLength": size}
        url = s3.generate_presigned_url(
            "upload_part", Params={"Bucket": BUCKET, "Key": key, "UploadId": upload_id, **declared}
        )
        assert put(url, b" " * (size + 1)) == 403
        assert put(url, b" " * size) == 200
    parts = s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload_id)["Parts"]
    s3.complete_multipart_upload(
        Bucket=BUCKET,
        Key=key,
        UploadId=upload_id,
        MultipartUpload={"Parts": [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]},
    )
    assert events.next() == ("ObjectCreated:CompleteMultipartUpload", key, PART_BYTES + 1)


def test_variants_are_not_told(s3: "S3Client", events: Events) -> None:
    s3.put_object(Bucket=BUCKET, Key="variants/a/1/video.mp4", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="originals/a", Body=b"")
    assert events.next() == ("ObjectCreated:Put", "originals/a", 0)
