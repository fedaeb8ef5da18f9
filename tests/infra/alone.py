"""Run in a process that has a package and nothing else: imports all that is ours, and calls AWS's services as it does.

What answers stands in for the network. It tells on standard output which addresses were called, as JSON.
"""

import json
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from typing import Any
from unittest import mock

sys.path.insert(0, sys.argv[1])

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.httpsession import URLLib3Session

ANSWERS = {
    "dynamodb": b"{}",
    "sqs": b'{"MessageId": "1", "MD5OfMessageBody": "900150983cd24fb0d6963f7d28e17f72"}',
    "s3": b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
}
called: list[str] = []


class Raw(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def send(_: URLLib3Session, request: Any) -> AWSResponse:
    called.append(request.url)
    (answer,) = (answer for service, answer in ANSWERS.items() if f"{service}." in request.url)
    return AWSResponse(request.url, 200, HeadersDict({}), Raw(answer))  # type: ignore[arg-type]  # as botocore itself does


mock.patch.object(URLLib3Session, "send", send).start()
import_module("app")
for module in pkgutil.walk_packages(import_module("chalicelib").__path__, "chalicelib."):
    import_module(module.name)

session = import_module("chalicelib.aws").session()
clients = {service: session.create_client(service) for service in session.get_available_services()}
clients["dynamodb"].get_item(TableName="incidents", Key={"pk": {"S": "1"}})
clients["sqs"].send_message(QueueUrl="https://sqs.eu-north-1.amazonaws.com/1/uploads", MessageBody="abc")
list(clients["s3"].get_paginator("list_objects_v2").paginate(Bucket="media"))
# It makes its client by boto3.
answers = DynamoDBPersistenceLayer("answers", key_attr="pk", expiry_attr="ttl").client
answers.get_item(TableName="answers", Key={"pk": {"S": "1"}})
json.dump(called, sys.stdout)
