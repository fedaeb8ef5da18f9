"""Resources: creates the tables and queues that the template declares, on any AWS endpoint.

Tests and the local stack call this, so that they run on what a deployment would create.
"""

import json
import re
from graphlib import TopologicalSorter
from typing import Any

import boto3

from infra import template

# Declared for the cloud alone: what the code talks to is the same without them.
_CLOUD_ONLY = ("AWS::CloudWatch::Alarm",)


class ResourceError(Exception):
    """The template says something that is not understood here, or what exists differs from what it says."""


def create(stage: str, session: boto3.Session | None = None) -> None:
    """Create what `stage` lacks; every resource can be used on return.

    Nothing is ever deleted. A queue that exists takes the template's settings; a table that exists with other keys or
    indexes raises ResourceError. What AWS refuses is raised as botocore does.
    """
    session = session or boto3.Session()
    # A resource without a Type is one of Chalice's that the template adds to.
    declared = {
        name: resource
        for name, resource in template.load()["Resources"].items()
        if "Type" in resource and resource["Type"] not in _CLOUD_ONLY
    }
    arns: dict[str, str] = {}
    for name in TopologicalSorter({name: _needs(resource) for name, resource in declared.items()}).static_order():
        resource = declared[name]
        if resource["Type"] not in _CREATE:
            raise ResourceError(f"{name}: nothing here creates a {resource['Type']}")
        arns[name] = _CREATE[resource["Type"]](session, _resolve(resource["Properties"], stage, arns))


def _needs(value: Any) -> set[str]:
    """The resources whose attributes `value` mentions, and which must therefore exist before it."""
    match value:
        case {"Fn::GetAtt": [str(name), _]}:
            return {name}
        case dict():
            return set().union(*map(_needs, value.values()))
        case list():
            return set().union(*map(_needs, value))
    return set()


def _resolve(value: Any, stage: str, arns: dict[str, str]) -> Any:
    """`value` with its intrinsic functions replaced by what they stand for, as CloudFormation would."""
    match value:
        case {"Ref": "Stage"}:
            return stage
        case {"Fn::Sub": str(text)} if set(re.findall(r"\$\{(.*?)}", text)) <= {"Stage"}:
            return text.replace("${Stage}", stage)
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return arns[name]
        case dict() if any(str(key) == "Ref" or str(key).startswith("Fn::") for key in value):
            raise ResourceError(f"not understood here: {value}")
        case dict():
            return {key: _resolve(item, stage, arns) for key, item in value.items()}
        case list():
            return [_resolve(item, stage, arns) for item in value]
    return value


def _create_table(session: boto3.Session, properties: dict[str, Any]) -> str:
    dynamodb = session.client("dynamodb")
    name = properties["TableName"]
    time_to_live = properties.pop("TimeToLiveSpecification")
    recovery = properties.pop("PointInTimeRecoverySpecification")
    try:
        table = dynamodb.create_table(**properties)["TableDescription"]
    except dynamodb.exceptions.ResourceInUseException:
        table = dynamodb.describe_table(TableName=name)["Table"]
        if _shape(table) != _shape(properties):
            raise ResourceError(f"table {name} has other keys or indexes than {template.PATH.name} declares") from None
    if table["TableStatus"] != "ACTIVE":
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    # AWS refuses to switch on what is on already.
    if dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=time_to_live)
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    return table["TableArn"]


def _shape(table: Any) -> dict[str, Any]:
    """What of a table cannot be changed behind the code's back, in a form that compares."""
    keys = {"": table["KeySchema"]} | {
        index["IndexName"]: [*index["KeySchema"], index["Projection"]]
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    return {"keys": keys, "types": types}


def _create_queue(session: boto3.Session, properties: dict[str, Any]) -> str:
    sqs = session.client("sqs")
    url = sqs.create_queue(QueueName=properties.pop("QueueName"))["QueueUrl"]
    # The API takes every attribute as text, and a structure as JSON.
    attributes: Any = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in properties.items()
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


_CREATE = {"AWS::DynamoDB::Table": _create_table, "AWS::SQS::Queue": _create_queue}
