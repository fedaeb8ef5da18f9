"""Resources: creates the tables, queues, buckets and topic that the template declares, on any AWS endpoint.

Tests and the local stack call this, so that they run on what a deployment would create.
"""

import contextlib
import json
import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import boto3

from chalicelib.config import config
from infra import template

# Declared for the cloud alone: what the code talks to is the same without them. Emulators let everybody do everything,
# and what a layer brings is installed.
_CLOUD_ONLY = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::LayerVersion",
)

# Ends the name of a bucket, as all accounts of the cloud share one room of names. Here there is only one.
_ACCOUNT = "-${AWS::AccountId}"


class ResourceError(Exception):
    """The template says something that is not understood here, or what exists differs from what it says."""


def create(stage: str, session: boto3.Session | None = None) -> None:
    """Create what `stage` lacks; every resource can be used on return.

    Nothing is ever deleted. A queue or bucket that exists takes the template's settings; a table that exists with other
    keys or indexes raises ResourceError. What AWS refuses is raised as botocore does.
    """
    session = session or boto3.Session()
    declared = template.load()
    # A resource without a Type is one of Chalice's that the template adds to.
    wanted = {
        name: resource
        for name, resource in declared["Resources"].items()
        if "Type" in resource and resource["Type"] not in _CLOUD_ONLY
    }
    known = _Known(
        parameters={name: term.get("Default", "") for name, term in declared.get("Parameters", {}).items()}
        | {"Stage": stage, "AllowedOrigins": ",".join(config().allowed_origins)},
        conditions=declared.get("Conditions", {}),
        arns={},
    )
    for name in TopologicalSorter({name: _needs(resource) for name, resource in wanted.items()}).static_order():
        resource = wanted[name]
        if resource["Type"] not in _CREATE:
            raise ResourceError(f"{name}: nothing here creates a {resource['Type']}")
        known.arns[name] = _CREATE[resource["Type"]](session, _resolve(resource["Properties"], known))


@dataclass(frozen=True, slots=True)
class _Known:
    """What an intrinsic function may name: parameters' values, conditions' terms, and the ARNs of resources."""

    parameters: dict[str, str]
    conditions: dict[str, Any]
    arns: dict[str, str]


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


def _resolve(value: Any, known: _Known) -> Any:
    """`value` with its intrinsic functions replaced by what they stand for, as CloudFormation would."""
    match value:
        case dict() if any(str(key) == "Ref" or str(key).startswith("Fn::") for key in value):
            return _intrinsic(value, known)
        case dict():
            resolved = {key: _resolve(item, known) for key, item in value.items()}
            return {key: item for key, item in resolved.items() if item is not None}
        case list():
            return [_resolve(item, known) for item in value]
    return value


def _intrinsic(function: dict[str, Any], known: _Known) -> Any:
    """What an intrinsic function stands for; None is no value at all."""
    match function:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": str(name)} if name in known.parameters:
            return known.parameters[name]
        case {"Fn::Sub": str(text)} if set(re.findall(r"\$\{(.*?)}", text.removesuffix(_ACCOUNT))) <= {"Stage"}:
            return text.removesuffix(_ACCOUNT).replace("${Stage}", known.parameters["Stage"])
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return known.arns[name]
        case {"Fn::Split": [str(separator), text]}:
            return _resolve(text, known).split(separator)
        case {"Fn::If": [str(name), then, otherwise]}:
            return _resolve(then if _holds(known.conditions[name], known) else otherwise, known)
    raise ResourceError(f"not understood here: {function}")


def _holds(term: Any, known: _Known) -> bool:
    match term:
        case {"Fn::Not": [negated]}:
            return not _holds(negated, known)
        case {"Fn::Equals": [left, right]}:
            return bool(_resolve(left, known) == _resolve(right, known))
    raise ResourceError(f"not understood here: {term}")


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


def _create_bucket(session: boto3.Session, properties: dict[str, Any]) -> str:
    s3: Any = session.client("s3")
    name = properties["BucketName"]
    # S3 takes the name of any region but of its first, which is meant where none is named.
    region = {"LocationConstraint": s3.meta.region_name}
    elsewhere = {} if region["LocationConstraint"] == "us-east-1" else {"CreateBucketConfiguration": region}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, **elsewhere)
    # Encryption and ownership are what every new bucket has; a laptop need not keep versions of what it deletes. The
    # template and the API name the same things differently.
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"])
    if cors := properties.get("CorsConfiguration"):
        names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
        rules = [{names.get(key, key): value for key, value in rule.items()} for rule in cors["CorsRules"]]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    rules = [_lifecycle(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    queues = [
        {
            "QueueArn": queue["Queue"],
            "Events": [queue["Event"]],
            "Filter": {"Key": {"FilterRules": queue["Filter"]["S3Key"]["Rules"]}},
        }
        for queue in properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    ]
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": queues})
    return f"arn:aws:s3:::{name}"


def _lifecycle(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule of a bucket's lifecycle, in the form that the API takes."""
    names = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
    expires = {names[key]: value for key, value in rule.items() if key in names}
    others = {"ID" if key == "Id" else key: value for key, value in rule.items() if key not in names}
    return {"Prefix": ""} | others | ({"Expiration": expires} if expires else {})


def _create_topic(session: boto3.Session, properties: dict[str, Any]) -> str:
    return session.client("sns").create_topic(Name=properties["TopicName"])["TopicArn"]


_CREATE = {
    "AWS::DynamoDB::Table": _create_table,
    "AWS::S3::Bucket": _create_bucket,
    "AWS::SNS::Topic": _create_topic,
    "AWS::SQS::Queue": _create_queue,
}
