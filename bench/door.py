"""The public door: Lambda events into `app.app`, as API Gateway sends them."""

import functools
import json
from typing import Any, Final

INGEST_KEY: Final = "feedfacefeedfacefeedfacefeedface"

# What a deployment's settings would be. No part of the bench talks to an AWS.
ENVIRONMENT: Final = {
    "STAGE": "bench",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "INGEST_KEY": INGEST_KEY,
    "OIDC_AUDIENCE": "groundcrew",
    "ALLOWED_ORIGINS": "https://ops.example.com",
    "PUBLIC_URL": "https://ops.example.com/api",
    "CURSOR_KEY": "bench",
}


@functools.cache
def app() -> Any:
    """The app, imported when it is first asked for: the environment must be set by then."""
    from app import app as imported

    return imported


def event(
    method: str, resource: str, body: str | None = None, *, path: dict[str, str] | None = None, **headers: str
) -> dict[str, Any]:
    """What API Gateway hands to the function; `resource` is the route's path, `path` its parameters."""
    sent = {
        "content-type": "application/json",
        "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "resource": resource,
        "path": resource.format(**path or {}),
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": path,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/api{resource.format(**path or {})}",
            "stage": "api",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def reporting(body: object) -> dict[str, Any]:
    """The event of `POST /incidents`."""
    return event("POST", "/incidents", json.dumps(body), x_ingest_key=INGEST_KEY)


def message(body: str) -> dict[str, Any]:
    """What SQS hands to the transcoder of a message."""
    return {
        "Records": [
            {
                "messageId": "1",
                "receiptHandle": "1",
                "body": body,
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:groundcrew-bench-uploads",
                "awsRegion": "eu-central-1",
            }
        ]
    }


def answered(event: dict[str, Any], status: int) -> Any:
    """Let the app answer. Anything but `status` ends the bench: a figure of a failing call is no figure."""
    answer = app()(event, None)
    if answer["statusCode"] != status:
        raise RuntimeError(f"{event['httpMethod']} {event['path']}: {answer['statusCode']} {answer['body']}")
    return json.loads(answer["body"])
