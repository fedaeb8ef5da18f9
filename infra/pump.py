"""The pump: calls the queue and schedule handlers on one machine, as Lambda's event sources do in a deployment."""

import logging
import re
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config as AwsConfig
from chalice.app import Chalice, ScheduledEventConfig, ScheduleExpression, SQSEventConfig
from chalice.config import Config
from chalice.constants import DEFAULT_LAMBDA_MEMORY_SIZE, DEFAULT_LAMBDA_TIMEOUT
from chalice.local import LambdaContext

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

Invoke = Callable[[dict[str, Any]], Any]

POLL_S: Final = 1  # also the longest that an idle pump takes to stop

_AT_ONCE: Final = 10  # messages that one call to SQS gives or deletes
_MINUTE: Final = timedelta(minutes=1)
_MINUTES: Final = {"minute": 1, "hour": 60, "day": 24 * 60}
_LOWEST: Final = (0, 0, 1, 1, 1, 1970)  # of a cron expression's minute, hour, day, month, weekday, year
_NAMES: Final = {
    name: str(number)
    for names in ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT")
    for number, name in enumerate(names.split(), start=1)
}

logger = logging.getLogger(__name__)


def start(app: Chalice, config: Config, session: boto3.Session, stop: threading.Event) -> list[threading.Thread]:
    """Drive every queue and schedule handler of `app`, each in a thread of its own, until `stop` is set."""
    threads = []
    for source in app.event_sources:
        invoke = _invocation(app, config, source.name)
        match source:
            case SQSEventConfig():
                target: Callable[[], None] = _consumer(source, invoke, session, stop)
            case ScheduledEventConfig():
                target = _timer(source, invoke, stop)
            case _:
                raise NotImplementedError(f"{source.name}: nothing here raises the events of a {type(source).__name__}")
        threads.append(threading.Thread(target=target, name=source.name, daemon=True))
    for thread in threads:
        thread.start()
    return threads


def _invocation(app: Chalice, config: Config, name: str) -> Invoke:
    scoped = config.scope(config.chalice_stage, name)
    handler = app.handler_map[name]

    def invoke(event: dict[str, Any]) -> Any:
        memory_mb = scoped.lambda_memory_size or DEFAULT_LAMBDA_MEMORY_SIZE
        timeout_s = scoped.lambda_timeout or DEFAULT_LAMBDA_TIMEOUT
        return handler(event, LambdaContext(name, memory_mb, timeout_s * 1000))

    return invoke


def _consumer(
    source: SQSEventConfig, invoke: Invoke, session: boto3.Session, stop: threading.Event
) -> Callable[[], None]:
    sqs = session.client("sqs", config=AwsConfig(retries={"total_max_attempts": 1}))  # it tries again by itself
    url = sqs.get_queue_url(QueueName=source.queue or str(source.queue_arn).rpartition(":")[2])["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def consume() -> None:
        while not stop.is_set():
            try:
                messages = receive(sqs, url, source.batch_size)
                if messages:
                    deliver(sqs, url, arn, invoke, messages)
            except Exception:
                # As in Lambda, a handler that fails gets its messages again; the pump outlives it.
                logger.exception("%s: will try again", source.name)
                stop.wait(POLL_S)

    return consume


def receive(sqs: "SQSClient", url: str, most: int, wait_s: int = POLL_S) -> list["MessageTypeDef"]:
    """Up to `most` messages of a queue; waits for the first, never for more of them."""
    messages: list[MessageTypeDef] = []
    while len(messages) < most:
        found = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_AT_ONCE, most - len(messages)),
            WaitTimeSeconds=0 if messages else wait_s,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not found:
            break
        messages += found
    return messages


def deliver(sqs: "SQSClient", url: str, arn: str, invoke: Invoke, messages: Sequence["MessageTypeDef"]) -> None:
    """Hand messages to a handler as one event, and delete those that it did not report as failed.

    An exception of the handler is raised, with nothing deleted: the messages come again when their visibility timeout
    is over.
    """
    failed = failures(invoke(sqs_event(messages, arn)), {message["MessageId"] for message in messages})
    done = [message for message in messages if message["MessageId"] not in failed]
    for first in range(0, len(done), _AT_ONCE):
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
            for index, message in enumerate(done[first : first + _AT_ONCE])
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)  # type: ignore[arg-type]  # a literal of its TypedDict


def failures(result: Any, batch: set[str]) -> set[str]:
    """The messages of `batch` that a handler reports as failed: all of them where Lambda could not make sense of it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    if not result or result.get("batchItemFailures") is None:
        return set()
    try:
        failed = {item["itemIdentifier"] for item in result["batchItemFailures"]}
    except (KeyError, TypeError):
        return batch
    return batch if failed - batch else failed


def sqs_event(messages: Sequence["MessageTypeDef"], arn: str) -> dict[str, Any]:
    """Messages in the shape in which Lambda hands them to a function."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {
                    name: {key[0].lower() + key[1:]: value for key, value in attribute.items()}
                    for name, attribute in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": arn.split(":")[3],
            }
            for message in messages
        ]
    }


def _timer(source: ScheduledEventConfig, invoke: Invoke, stop: threading.Event) -> Callable[[], None]:
    expression = source.schedule_expression
    text = expression.to_string() if isinstance(expression, ScheduleExpression) else expression
    since = datetime.now(UTC).replace(second=0, microsecond=0)
    due(text, since, since)  # an expression that is not understood stops the start, not a thread at some later minute

    def keep_time() -> None:
        minute = since
        while True:
            # After a slow handler or a laptop's sleep the minutes missed stay missed, as on a schedule that was off.
            minute = max(minute + _MINUTE, datetime.now(UTC).replace(second=0, microsecond=0))
            if stop.wait((minute - datetime.now(UTC)).total_seconds()):
                return
            if due(text, minute, since):
                try:
                    invoke(schedule_event(source.name, minute))
                except Exception:
                    # A schedule fires again whatever became of the last time.
                    logger.exception("%s failed", source.name)

    return keep_time


def due(expression: str, minute: datetime, since: datetime) -> bool:
    """Whether a schedule that exists since `since` fires in `minute`, both UTC.

    Understands `rate(...)`, and `cron(...)` without L, W and #. Raises ValueError for any other expression.
    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    """
    if found := re.fullmatch(r"rate\(([1-9]\d*) (minute|hour|day)s?\)", expression):
        return (minute - since) // _MINUTE % (int(found[1]) * _MINUTES[found[2]]) == 0
    if found := re.fullmatch(r"cron\((\S+ \S+ \S+ \S+ \S+ \S+)\)", expression):
        weekday = minute.isoweekday() % 7 + 1  # Sunday is 1
        values = (minute.minute, minute.hour, minute.day, minute.month, weekday, minute.year)
        matches = [_matches(*field) for field in zip(found[1].split(), values, _LOWEST, strict=True)]
        return all(matches)
    raise ValueError(f"not a schedule that is understood here: {expression}")


def _matches(field: str, value: int, lowest: int) -> bool:
    covers = [_covers(part, value, lowest) for part in field.split(",")]
    return any(covers)


def _covers(part: str, value: int, lowest: int) -> bool:
    span, _, step = re.sub("[A-Z]{3}", lambda name: _NAMES.get(name[0], name[0]), part).partition("/")
    first, _, last = span.replace("*", str(lowest)).replace("?", str(lowest)).partition("-")
    open_ended = step or span in {"*", "?"}
    end = int(last) if last else value if open_ended else int(first)
    return int(first) <= value <= end and (value - int(first)) % int(step or 1) == 0


def schedule_event(name: str, minute: datetime) -> dict[str, Any]:
    """What EventBridge hands to the function of a scheduled rule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": minute.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [f"arn:aws:events:us-east-1:000000000000:rule/{name}"],
        "detail": {},
    }
