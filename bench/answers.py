"""DynamoDB's answers: recorded once, then given again without a store, at the level of botocore's sending."""

import base64
import json
import re
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.httpsession import URLLib3Session

Answers = dict[str, str]
Responder = Callable[[str, dict[str, Any]], str]

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*")
_INCIDENT: Final = re.compile(r"INC#[0-9a-f]{32}")


class _Raw(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


class Spent:
    """CPU seconds that went into answering, which are the store's and not ours."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        self.bytes = 0


@contextmanager
def answering(respond: Responder) -> Iterator[Spent]:
    """Let `respond` (operation, parameters) -> JSON stand in for the network, for every AWS client of this process."""
    spent = Spent()

    def send(_: URLLib3Session, request: Any) -> AWSResponse:
        began = time.process_time()
        # Only DynamoDB names what it is asked for there; an object that is put is answered by nothing.
        target = request.headers.get("X-Amz-Target", b"").decode()
        content = respond(target.rpartition(".")[2], json.loads(request.body)).encode() if target else b""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "content-length": str(len(content)),
            "x-amzn-requestid": "0" * 52,
            "x-amz-crc32": str(zlib.crc32(content)),
        }
        answer = AWSResponse(request.url, 200, HeadersDict(headers), _Raw(content))  # type: ignore[arg-type]  # as botocore itself does
        spent.calls += 1
        spent.bytes += len(content)
        spent.seconds += time.process_time() - began
        return answer

    # Not by unittest.mock, as in bench/bare.py.
    over_the_network = URLLib3Session.send
    URLLib3Session.send = send  # type: ignore[assignment, method-assign]
    try:
        yield spent
    finally:
        URLLib3Session.send = over_the_network  # type: ignore[method-assign]


def replay(answers: Answers) -> Responder:
    """Recorded answers by the kind of call, with the incident that the call names; `{}` where none was recorded."""

    def respond(operation: str, parameters: dict[str, Any]) -> str:
        answer = answers.get(kind(operation, parameters), "{}")
        named = _INCIDENT.search(json.dumps(parameters))
        return _INCIDENT.sub(named[0], answer) if named else answer

    return respond


@contextmanager
def recording(answers: Answers) -> Iterator[None]:
    """Keep the newest answer to each kind of DynamoDB call."""
    from tests.faults import Call, tapped

    def keep(call: Call) -> Any:
        answer = call.make()
        answers[kind(call.operation, call.parameters)] = encoded(
            {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        )
        return answer

    with tapped(keep):
        yield


def encoded(answer: Any) -> str:
    """What botocore parsed, as DynamoDB sends it."""
    return json.dumps(answer, default=lambda raw: base64.b64encode(raw).decode())


def kind(operation: str, parameters: dict[str, Any]) -> str:
    """What a call is about: its operation, and table and key without what tells rows of a kind apart."""
    row = parameters.get("Key") or parameters.get("Item") or {}
    # Of a query the first value is that of its partition.
    keys = (
        [row[name] for name in ("pk", "sk") if name in row]
        if operation != "Query"
        else [parameters["ExpressionAttributeValues"][":0"]]
    )
    words = [_TIME.sub("", str(key["S"]).partition("#")[0]) for key in keys]
    return " ".join([operation, parameters.get("TableName", ""), *words])
