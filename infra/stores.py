"""The stores: what holds a stage's data, and outlives its stack: tables, buckets, and the pool of its users.

Their names follow from the template, so that they are found when no stack is left to ask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.account import Account
from infra.troubles import Trouble

TABLE: Final = "AWS::DynamoDB::Table"
BUCKET: Final = "AWS::S3::Bucket"
USERS: Final = "AWS::Cognito::UserPool"

_NAMES: Final = {TABLE: "TableName", BUCKET: "BucketName", USERS: "UserPoolName"}


@dataclass(frozen=True, slots=True)
class Store:
    """A table, a bucket or a user pool; `id` is its name but for a pool, whose name others may have too."""

    kind: str
    name: str
    id: str

    def __str__(self) -> str:
        words = {TABLE: "table", BUCKET: "bucket", USERS: "user pool"}
        return f"{words[self.kind]} {self.name}" + (f" ({self.id})" if self.id != self.name else "")


def named(template: Mapping[str, Any], stage: str, account_id: str) -> dict[str, Any]:
    """The template with the names of its stores spelled out.

    Those that an earlier stack left become part of the next one only under names that are no functions.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    resources = {
        logical_id: resource
        | {"Properties": resource["Properties"] | {_NAMES[resource["Type"]]: _name(resource, stage, account_id)}}
        if resource.get("Type") in _NAMES
        else resource
        for logical_id, resource in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def require_home(account: Account, template: Mapping[str, Any], stage: str) -> None:
    """Raise Trouble when a stage has its buckets elsewhere: names of buckets are taken in every region at once."""
    for kind, name in _declared(template, stage, account.id):
        home = _home(account, name) if kind == BUCKET else None
        if home and home != account.region:
            raise Trouble(
                f"The stage {stage} lives in {home}, not in {account.region}: its bucket {name} is there. "
                f"Set AWS_DEFAULT_REGION={home}, or choose another STAGE."
            )


def adoptable(account: Account, template: Mapping[str, Any], stage: str) -> list[Store]:
    """The tables and buckets of the template that the account has in its region, in a stack or not."""
    listed = account.client("dynamodb").get_paginator("list_tables").paginate()
    tables = {name for page in listed for name in page["TableNames"]}
    return [
        Store(kind, name, name)
        for kind, name in _declared(template, stage, account.id)
        if (kind == TABLE and name in tables) or (kind == BUCKET and _home(account, name) == account.region)
    ]


def existing(account: Account, template: Mapping[str, Any], stage: str) -> list[Store]:
    """All of the template's stores that the account has in its region, in a stack or not."""
    declared = _declared(template, stage, account.id)
    listed = account.client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
    pools = [pool for page in listed for pool in page["UserPools"] if (USERS, pool["Name"]) in declared]
    return adoptable(account, template, stage) + [Store(USERS, pool["Name"], pool["Id"]) for pool in pools]


def delete(account: Account, store: Store) -> None:
    """Delete a store with all that it holds, and return when it is gone. It is deleted even when it is protected."""
    _DELETE[store.kind](account, store.id)


def _delete_table(account: Account, name: str) -> None:
    dynamodb = account.client("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    if table.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    if table["TableStatus"] != "DELETING":
        dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})


def _delete_bucket(account: Account, name: str) -> None:
    bucket: Any = account.session.resource("s3").Bucket(name)
    _empty(bucket)
    bucket.delete()


def _empty(bucket: Any) -> None:
    for upload in bucket.multipart_uploads.all():
        upload.abort()
    bucket.object_versions.delete()


def _delete_users(account: Account, pool_id: str) -> None:
    cognito = account.client("cognito-idp")
    if cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"].get("DeletionProtection") == "ACTIVE":
        cognito.update_user_pool(UserPoolId=pool_id, DeletionProtection="INACTIVE")
    cognito.delete_user_pool(UserPoolId=pool_id)


_DELETE: Final = {TABLE: _delete_table, BUCKET: _delete_bucket, USERS: _delete_users}


def _home(account: Account, bucket: str) -> str | None:
    """The region of a bucket, None when there is none of that name."""
    try:
        return str(account.client("s3").head_bucket(Bucket=bucket)["BucketRegion"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        return None


def _declared(template: Mapping[str, Any], stage: str, account_id: str) -> list[tuple[str, str]]:
    """Kind and name of each store."""
    return [
        (resource["Type"], _name(resource, stage, account_id))
        for resource in template["Resources"].values()
        if resource.get("Type") in _NAMES
    ]


def _name(resource: Mapping[str, Any], stage: str, account_id: str) -> str:
    name = resource["Properties"][_NAMES[resource["Type"]]]
    known = {"Stage": stage, "AWS::AccountId": account_id}
    match name:
        case str():
            return name
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(.*?)}", lambda found: known[found[1]], text)
    raise ValueError(f"a store must be named by a text or by Fn::Sub, not by {name}")
