"""Resources on moto are what the template declares, and a second creation changes nothing but settings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra import resources, template

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def cloud(cloud: None, aws: boto3.Session) -> boto3.Session:
    return aws


def attributes(sqs: "SQSClient", name: str) -> Mapping[Any, str]:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def test_the_table(cloud: boto3.Session) -> None:
    dynamodb = cloud.client("dynamodb")
    table = dynamodb.describe_table(TableName="groundcrew-test-incidents")["Table"]
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [("pk", "HASH"), ("sk", "RANGE")]
    indexes = {
        index["IndexName"]: (*[key["AttributeName"] for key in index["KeySchema"]], index["Projection"])
        for index in table["GlobalSecondaryIndexes"]
    }
    keys_only = {"ProjectionType": "KEYS_ONLY"}
    assert indexes == {"by_status": ("g1p", "g1s", keys_only), "by_error_key": ("g2p", "g2s", keys_only)}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    time_to_live = dynamodb.describe_time_to_live(TableName="groundcrew-test-incidents")["TimeToLiveDescription"]
    assert time_to_live == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    backups = dynamodb.describe_continuous_backups(TableName="groundcrew-test-incidents")[
        "ContinuousBackupsDescription"
    ]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_queues(cloud: boto3.Session) -> None:
    sqs = cloud.client("sqs")
    overflow = attributes(sqs, "groundcrew-test-reports-overflow")
    dead = attributes(sqs, "groundcrew-test-dead-letters")
    assert overflow["VisibilityTimeout"] == "180"
    for queue in (overflow, dead):
        assert queue["MessageRetentionPeriod"] == str(14 * 24 * 3600)
        assert queue["SqsManagedSseEnabled"] == "true"
    assert "RedrivePolicy" not in dead

    source = sqs.get_queue_url(QueueName="groundcrew-test-reports-overflow")["QueueUrl"]
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    for _ in range(101):
        sqs.receive_message(QueueUrl=source, VisibilityTimeout=0)
    target = sqs.get_queue_url(QueueName="groundcrew-test-dead-letters")["QueueUrl"]
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=target)["Messages"]] == ["poison"]


def test_creating_again_keeps_what_is_there(cloud: boto3.Session) -> None:
    dynamodb, sqs = cloud.client("dynamodb"), cloud.client("sqs")
    dynamodb.put_item(TableName="groundcrew-test-incidents", Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    url = sqs.get_queue_url(QueueName="groundcrew-test-reports-overflow")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waiting")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})

    resources.create("test", cloud)

    assert dynamodb.scan(TableName="groundcrew-test-incidents")["Count"] == 1
    assert attributes(sqs, "groundcrew-test-reports-overflow")["ApproximateNumberOfMessages"] == "1"
    assert attributes(sqs, "groundcrew-test-reports-overflow")["VisibilityTimeout"] == "180"


def test_stages_do_not_meet(cloud: boto3.Session) -> None:
    resources.create("other", cloud)
    assert set(cloud.client("dynamodb").list_tables()["TableNames"]) == {
        f"groundcrew-{stage}-{noun}" for stage in ("test", "other") for noun in ("answers", "incidents", "projects")
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
        {"Type": "AWS::SNS::Topic", "Properties": {}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::AccountId}-queue"}}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Join": ["-", ["a", "b"]]}}},
        {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "IngestKey"}}},
    ],
)
def test_what_is_not_understood_is_not_guessed(
    cloud: boto3.Session, monkeypatch: pytest.MonkeyPatch, resource: dict[str, Any]
) -> None:
    monkeypatch.setattr(template, "load", lambda: {"Resources": {"New": resource}})
    with pytest.raises(resources.ResourceError):
        resources.create("test", cloud)
