"""The artifacts: what deployments are made of, in a bucket that all stages of an account share in a region."""

import hashlib
import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.account import Account


def bucket(account: Account) -> str:
    """The bucket's name, which no other account or region has."""
    return f"groundcrew-artifacts-{account.id}-{account.region}"


def prepare(account: Account) -> None:
    """Make the bucket if there is none, private, encrypted, and for TLS only."""
    s3, name = account.client("s3"), bucket(account)
    if not _exists(s3.head_bucket, Bucket=name, ExpectedBucketOwner=account.id):
        # S3 takes the name of any region but of its first, which is meant where none is named.
        where = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
        s3.create_bucket(Bucket=name, **({} if account.region == "us-east-1" else where))
    # Each time, as whoever made it may have been interrupted here.
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        ),
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    stale = {
        "ID": "stale-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [stale]})
    if s3.meta.endpoint_url.startswith("https:"):  # an emulator speaks none
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(_tls_only(account, name)))


def upload(account: Account, file: Path) -> bool:
    """Put a file that is named by its content into the bucket; returns False when it is there already."""
    s3, name = account.client("s3"), bucket(account)
    if _exists(s3.head_object, Bucket=name, Key=file.name, ExpectedBucketOwner=account.id):
        return False
    s3.upload_file(str(file), name, file.name, ExtraArgs={"ExpectedBucketOwner": account.id})
    return True


def upload_template(account: Account, template: dict[str, Any], directory: Path) -> str:
    """Put a template into the bucket, named by its content; returns its URL."""
    text = json.dumps(template)
    file = directory / f"template-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    file.write_text(text)
    upload(account, file)
    return f"{account.client('s3').meta.endpoint_url}/{bucket(account)}/{file.name}"


def _exists(head: Any, **what: str) -> bool:
    try:
        head(**what)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        return False
    return True


def _tls_only(account: Account, name: str) -> dict[str, Any]:
    arn = f"arn:{account.session.get_partition_for_region(account.region)}:s3:::{name}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
