"""A local stack whose queues are bad ones: `python -m soak.shaken` in the place of `python -m infra.stack`.

Every message comes two to five times, in any order, some of them late. All of it is done by the API of SQS, so that
the handlers see what they would see of a queue in a bad hour. The writes of reports meet a storm, so that many of them
wait in the queue; those of its consumer do not, whose messages would come again only after minutes. SHAKEN_SEED says
what happens when; the file `shaken`, among the stack's files, has a line for each message: its queue, and how many
copies were sent of it.
"""

import contextlib
import json
import os
import random
import sys
import threading
from typing import TYPE_CHECKING, Final

import boto3
from chalice.app import Chalice
from chalice.config import Config

from chalicelib.config import LAPTOP_STAGE
from infra import local, pump, stack

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from tests.faults import Call

COMMAND: Final = (sys.executable, "-m", "soak.shaken")
COPIES: Final = (1, 4)
LATE_S: Final = (1, 10)
LATE: Final = 0.3
REFUSED: Final = 0.8

_start, _receive = pump.start, pump.receive
_writing: Final = threading.Lock()
_chance: Final = random.Random(os.environ.get("SHAKEN_SEED"))
_running: Final = contextlib.ExitStack()


def _stormy(app: Chalice, config: Config, session: boto3.Session, stop: threading.Event) -> list[threading.Thread]:
    # Only now: it reads the configuration when it is imported.
    from tests.faults import storm, tapped

    _running.enter_context(tapped(storm(_chance, REFUSED, _of_reports)))
    return _start(app, config, session, stop)


def _shaken(sqs: "SQSClient", url: str, most: int, wait_s: int = pump.POLL_S) -> list["MessageTypeDef"]:
    """Messages of a queue, of which copies were sent; those that are to be late went back."""
    taken = []
    for message in _receive(sqs, url, most, wait_s):
        if message["Attributes"]["ApproximateReceiveCount"] == "1" and "copy" not in message.get(
            "MessageAttributes", {}
        ):
            _copy(sqs, url, message["Body"])
            if _chance.random() < LATE:
                late_s = _chance.randint(*LATE_S)
                sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=late_s
                )
                continue
        taken.append(message)
    _chance.shuffle(taken)
    return taken


def _copy(sqs: "SQSClient", url: str, body: str) -> None:
    copies = _chance.randint(*COPIES)
    for _ in range(copies):
        sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            DelaySeconds=_chance.randint(0, LATE_S[1]),
            MessageAttributes={"copy": {"DataType": "String", "StringValue": "yes"}},
        )
    with _writing, (local.directory() / "shaken").open("a") as notes:
        notes.write(json.dumps([url.rpartition("/")[2], copies]) + "\n")


def _of_reports(call: "Call") -> bool:
    items = call.parameters.get("TransactItems", [{"only": call.parameters}])
    tables = {action.get("TableName") for item in items for action in item.values()}
    return f"groundcrew-{LAPTOP_STAGE}-incidents" in tables and threading.current_thread().name != "absorb_overflow"


if __name__ == "__main__":
    pump.start = _stormy
    pump.receive = _shaken
    sys.exit(stack.main())
