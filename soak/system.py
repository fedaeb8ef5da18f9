"""The system under fault: a stack of its own, looked at from outside, by its API and in its local cloud."""

import contextlib
import fcntl
import socket
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final

import boto3
import httpx
import psutil

from infra import local
from soak.finding import Finding, exactly
from soak.patience import eventually
from tests.e2e.conftest import Run, signed_in

NAME: Final = "groundcrew-dev"
ENDS_WITHIN_S: Final = 60
SETTLES_WITHIN_S: Final = 180
MIB: Final = 1024**2


def free_port() -> int:
    """One that a process started next can have."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def admin(run: Run) -> httpx.Client:
    return signed_in(run.stack, "admin", "admin-soak")


def walk(client: httpx.Client, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = client.get(path, params={"limit": "100", **parameters, **cursor}).raise_for_status().json()
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def counts(client: httpx.Client, error_key: str) -> Counter[str]:
    """How often each incident of an error key was counted."""
    return Counter({each["incident_id"]: each["count"] for each in walk(client, "/incidents", error_key=error_key)})


def aws(stack: local.Stack, service: str) -> Any:
    """A client of the stack's local cloud."""
    settings = local.environment(stack)
    return boto3.client(  # type: ignore[call-overload]  # its overloads want the service's name as a literal
        service,
        endpoint_url=stack.cloud_url,
        region_name=settings["AWS_DEFAULT_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )


def waiting(stack: local.Stack) -> dict[str, int]:
    """The queues that are not empty, and how many messages each has: visible, delayed, or with a handler."""
    sqs = aws(stack, "sqs")
    found = {}
    for url in sqs.list_queues()["QueueUrls"]:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        messages = sum(int(number) for name, number in attributes.items() if name.startswith("ApproximateNumberOf"))
        found[url.rpartition("/")[2].removeprefix(f"{NAME}-")] = messages
    return {name: messages for name, messages in found.items() if messages}


def visible(stack: local.Stack, queue: str) -> int:
    """How many messages of a queue wait for a handler."""
    sqs = aws(stack, "sqs")
    url = sqs.get_queue_url(QueueName=f"{NAME}-{queue}")["QueueUrl"]
    wanted = ["ApproximateNumberOfMessages"]
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"][wanted[0]])


def drained(stack: local.Stack, but: Collection[str] = ()) -> Finding:
    """That queues are empty in the end, those of dead letters too."""
    eventually(lambda: waiting(stack).keys() <= set(but), SETTLES_WITHIN_S)
    left = ", ".join(f"{number} in {name}" for name, number in waiting(stack).items() if name not in but)
    return exactly(f"messages left in the queues{''.join(f' but {name}' for name in but)}", left or "none", "none")


def orphans(stack: local.Stack) -> Finding:
    """That no row of an incident, such as a kept occurrence, is left without its incident."""
    dynamodb = aws(stack, "dynamodb")
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=f"{NAME}-incidents",
        ProjectionExpression="pk, sk",
        FilterExpression="begins_with(pk, :incident)",
        ExpressionAttributeValues={":incident": {"S": "INC#"}},
    )
    keys = [(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]]
    whole = {pk for pk, sk in keys if sk == "META"}
    # Who deleted an incident stays on record.
    left = [pk for pk, sk in keys if pk not in whole and not sk.startswith("L#")]
    return exactly("rows without their incident", len(left), 0)


def memory(run: Run) -> dict[str, float]:
    """Resident memory in MB: of the stack's own process (API and handlers), and of its local cloud."""
    own = psutil.Process(run.process.pid)
    return {"stack": own.memory_info().rss / MIB, "cloud": cloud(run).memory_info().rss / MIB}


def cloud(run: Run) -> psutil.Process:
    """The process of the local cloud. Raises LookupError while there is none."""
    for child in psutil.Process(run.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.cmdline()[-1:] == ["ministack"]:
                return child
    raise LookupError("the local cloud does not run")


def kill(run: Run) -> None:
    """SIGKILL the stack's process: API and handlers at once."""
    run.process.kill()
    run.process.wait()


def await_end(run: Run) -> None:
    """Wait until the local cloud of a stack that was killed has saved, and ended too. Raises TimeoutError."""
    with (run.directory / "lock").open("w") as lock:
        if not eventually(lambda: _free(lock.fileno()), ENDS_WITHIN_S):
            raise TimeoutError("a killed stack left something running")


def _free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(lock, fcntl.LOCK_UN)
    return True
