"""Resources on moto are what the template declares, and a second creation changes nothing but settings."""

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.config import config
from infra import resources, template

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BUCKET, EVENTS = "groundcrew-test-media", "groundcrew-test-events"


@pytest.fixture
def cloud(cloud: None, aws: boto3.Session) -> boto3.Session:
    return aws


def attributes(sqs: "SQSClient", name: str) -> Mapping[Any, str]:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def url(sqs: "SQSClient", noun: str) -> str:
    return sqs.get_queue_url(QueueName=f"groundcrew-test-{noun}")["QueueUrl"]


@pytest.mark.parametrize(
    ("noun", "indexes"),
    [
        ("incidents", {"by_status": ("g1p", "g1s"), "by_error_key": ("g2p", "g2s")}),
        ("media", {"by_owner": ("g1p", "g1s"), "by_completeness": ("g2p", "g2s")}),
        ("jobs", {"by_state": ("g1p", "g1s")}),
    ],
)
def test_the_tables(cloud: boto3.Session, noun: str, indexes: dict[str, tuple[str, str]]) -> None:
    dynamodb, name = cloud.client("dynamodb"), f"groundcrew-test-{noun}"
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [("pk", "HASH"), ("sk", "RANGE")]
    assert indexes == {
        index["IndexName"]: tuple(key["AttributeName"] for key in index["KeySchema"])
        for index in table["GlobalSecondaryIndexes"]
    }
    for index in table["GlobalSecondaryIndexes"]:
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    time_to_live = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert time_to_live == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.parametrize(
    ("noun", "waits_s", "tries", "dead_letters"),
    [
        ("reports-overflow", 180, 100, "dead-letters"),
        ("uploads", 5400, 10, "uploads-dead-letters"),
        ("uploads-dead-letters", 180, 100, "dead-letters"),
    ],
)
def test_the_queues(cloud: boto3.Session, noun: str, waits_s: int, tries: int, dead_letters: str) -> None:
    sqs = cloud.client("sqs")
    queue, dead = (attributes(sqs, f"groundcrew-test-{each}") for each in (noun, dead_letters))
    assert queue["VisibilityTimeout"] == str(waits_s)
    for each in (queue, dead):
        assert each["MessageRetentionPeriod"] == str(14 * 24 * 3600)
        assert each["SqsManagedSseEnabled"] == "true"

    source = url(sqs, noun)
    sqs.purge_queue(QueueUrl=source)
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    for _ in range(tries + 1):
        sqs.receive_message(QueueUrl=source, VisibilityTimeout=0)
    target = sqs.receive_message(QueueUrl=url(sqs, dead_letters))
    assert [message["Body"] for message in target["Messages"]] == ["poison"]


def test_the_bucket(cloud: boto3.Session) -> None:
    s3 = cloud.client("s3")
    assert config().storage.bucket == BUCKET
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [EVENTS, BUCKET]
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    (cors,) = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert cors["AllowedOrigins"] == ["https://ops.example.com", "http://localhost:*"]
    assert set(cors["AllowedMethods"]) == {"GET", "HEAD", "PUT"}
    assert cors["ExposeHeaders"] == ["ETag"]
    stale, deleted = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert (stale["Status"], stale["AbortIncompleteMultipartUpload"]) == ("Enabled", {"DaysAfterInitiation": 1})
    assert (deleted["Status"], deleted["NoncurrentVersionExpiration"]) == ("Enabled", {"NoncurrentDays": 7})


def test_raw_events_expire(cloud: boto3.Session) -> None:
    s3 = cloud.client("s3")
    assert all(s3.get_public_access_block(Bucket=EVENTS)["PublicAccessBlockConfiguration"].values())
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=EVENTS)["Rules"]
    assert (rule["Status"], rule["Expiration"]) == ("Enabled", {"Days": 30})


def test_without_pages_no_page_may_upload(aws: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = dataclasses.replace(config(), allowed_origins=())
    monkeypatch.setattr(resources, "config", lambda: alone)
    with mock_aws():
        resources.create("test", aws)
        with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
            aws.client("s3").get_bucket_cors(Bucket=BUCKET)


def test_an_original_is_an_event_and_a_variant_is_none(cloud: boto3.Session) -> None:
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    for key in ("originals/a b", "variants/a/1/video.mp4"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    received = sqs.receive_message(QueueUrl=url(sqs, "uploads"), MaxNumberOfMessages=10)["Messages"]
    test, *events = [json.loads(message["Body"]) for message in received]
    assert test["Event"] == "s3:TestEvent"
    assert [unquote_plus(event["Records"][0]["s3"]["object"]["key"]) for event in events] == ["originals/a b"]


def test_creating_again_keeps_what_is_there(cloud: boto3.Session) -> None:
    dynamodb, sqs = cloud.client("dynamodb"), cloud.client("sqs")
    dynamodb.put_item(TableName="groundcrew-test-incidents", Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    url = sqs.get_queue_url(QueueName="groundcrew-test-reports-overflow")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waiting")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    cloud.client("s3").put_object(Bucket=BUCKET, Key="originals/a", Body=b"kept")

    resources.create("test", cloud)

    assert dynamodb.scan(TableName="groundcrew-test-incidents")["Count"] == 1
    assert attributes(sqs, "groundcrew-test-reports-overflow")["ApproximateNumberOfMessages"] == "1"
    assert attributes(sqs, "groundcrew-test-reports-overflow")["VisibilityTimeout"] == "180"
    assert cloud.client("s3").get_object(Bucket=BUCKET, Key="originals/a")["Body"].read() == b"kept"


def test_stages_do_not_meet(cloud: boto3.Session) -> None:
    resources.create("other", cloud)
    assert set(cloud.client("dynamodb").list_tables()["TableNames"]) == {
        f"groundcrew-{stage}-{noun}"
        for stage in ("test", "other")
        for noun in ("alerts", "analytics", "answers", "incidents", "jobs", "media", "projects", "schedules", "tasks")
    }
    buckets = cloud.client("s3").list_buckets()["Buckets"]
    assert {bucket["Name"] for bucket in buckets} == {
        f"groundcrew-{stage}-{noun}" for stage in ("test", "other") for noun in ("events", "media")
    }


def test_a_table_that_differs_is_said(cloud: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = template.load()
    changed["Resources"]["Incidents"]["Properties"]["GlobalSecondaryIndexes"][0]["IndexName"] = "by_mood"
    monkeypatch.setattr(template, "load", lambda: changed)
    with pytest.raises(resources.ResourceError, match="groundcrew-test-incidents"):
        resources.create("test", cloud)


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::Kinesis::Stream", "Properties": {}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::AccountId}-queue"}}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Join": ["-", ["a", "b"]]}}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "IngestKey"}}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::If": ["Or", "a", "b"]}}},
    ],
)
def test_what_is_not_understood_is_not_guessed(
    cloud: boto3.Session, monkeypatch: pytest.MonkeyPatch, resource: dict[str, Any]
) -> None:
    monkeypatch.setattr(
        template, "load", lambda: {"Resources": {"New": resource}, "Conditions": {"Or": {"Fn::Or": []}}}
    )
    with pytest.raises(resources.ResourceError):
        resources.create("test", cloud)
