"""What functions may do: how their calls are held against their policies, and that what rarely happens is allowed."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError
from chalice.app import SQSEventConfig

from app import app
from chalicelib import clock
from chalicelib.alerts import channels, noticing, outbox
from chalicelib.alerts.outcome import Rejected
from chalicelib.incidents import overflow
from chalicelib.jobs import leases
from chalicelib.jobs.sweeping import STUCK_FOR
from chalicelib.tasks import cursor
from infra.local import PROJECT
from infra.pump import receive, schedule_event, sqs_event
from tests import permissions
from tests.alerts.telling import CRITICAL
from tests.conftest import Door
from tests.faults import Call, no_pauses, storm, tapped
from tests.media.conftest import Customer, transcode
from tests.tasks.conftest import deliver

Freeze = Callable[[str], None]

FIRST = datetime(2026, 3, 1, 10, tzinfo=UTC)
# What was reported at first is past its time by then.
LATER = FIRST + timedelta(days=100)
ARN = "arn:aws:sqs:eu-central-1:000000000000:"
INCIDENTS = "groundcrew-test-incidents"
DELIVERIES = f"groundcrew-test-{outbox.QUEUE}"
OVERFLOW = f"groundcrew-test-{overflow.QUEUE}"


# -- what AWS asks for -------------------------------------------------------------------------------------------------

OBJECT = {"Bucket": "b", "Key": "k/1"}
UPLOAD = OBJECT | {"UploadId": "u"}
QUEUE = {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/q"}
ASKED: dict[tuple[str, str], tuple[dict[str, Any], set[str]]] = {
    ("dynamodb", "BatchGetItem"): ({"RequestItems": {"t": {}, "u": {}}}, {"BatchGetItem t", "BatchGetItem u"}),
    ("dynamodb", "BatchWriteItem"): ({"RequestItems": {"t": [{"DeleteRequest": {}}]}}, {"BatchWriteItem t"}),
    ("dynamodb", "DeleteItem"): ({"TableName": "t"}, {"DeleteItem t"}),
    ("dynamodb", "GetItem"): ({"TableName": "t"}, {"GetItem t"}),
    ("dynamodb", "PutItem"): ({"TableName": "t"}, {"PutItem t"}),
    ("dynamodb", "Query"): ({"TableName": "t", "IndexName": "i"}, {"Query t/index/i"}),
    ("dynamodb", "TransactWriteItems"): (
        {
            "TransactItems": [
                {"ConditionCheck": {"TableName": "t"}},
                {"Delete": {"TableName": "t"}},
                {"Put": {"TableName": "t"}},
                {"Put": {"TableName": "u"}},
                {"Update": {"TableName": "t"}},
            ]
        },
        {"ConditionCheckItem t", "DeleteItem t", "PutItem t", "PutItem u", "UpdateItem t"},
    ),
    ("dynamodb", "UpdateItem"): ({"TableName": "t"}, {"UpdateItem t"}),
    ("s3", "AbortMultipartUpload"): (UPLOAD, {"AbortMultipartUpload b/k/1"}),
    ("s3", "CompleteMultipartUpload"): (UPLOAD, {"PutObject b/k/1"}),
    ("s3", "CreateMultipartUpload"): (OBJECT, {"PutObject b/k/1"}),
    ("s3", "DeleteObject"): (OBJECT, {"DeleteObject b/k/1"}),
    ("s3", "GetObject"): (OBJECT, {"GetObject b/k/1", "ListBucket b"}),
    ("s3", "HeadObject"): (OBJECT, {"GetObject b/k/1", "ListBucket b"}),
    ("s3", "ListObjectsV2"): ({"Bucket": "b", "Prefix": "k/"}, {"ListBucket b"}),
    ("s3", "ListParts"): (UPLOAD, {"ListMultipartUploadParts b/k/1"}),
    ("s3", "PutObject"): (OBJECT, {"PutObject b/k/1"}),
    ("sns", "Publish"): ({"TopicArn": "arn:aws:sns:eu-central-1:1:t"}, {"Publish t"}),
    ("sqs", "ChangeMessageVisibility"): (QUEUE, {"ChangeMessageVisibility q"}),
    ("sqs", "GetQueueAttributes"): (QUEUE, {"GetQueueAttributes q"}),
    ("sqs", "GetQueueUrl"): ({"QueueName": "q"}, {"GetQueueUrl q"}),
    ("sqs", "SendMessage"): (QUEUE, {"SendMessage q"}),
    ("sqs", "SendMessageBatch"): (QUEUE, {"SendMessage q"}),
}


@pytest.mark.parametrize(("service", "operation"), sorted(ASKED))
def test_an_operation_asks_for_what_aws_asks_for(service: str, operation: str) -> None:
    parameters, asked = ASKED[service, operation]
    assert permissions.needed(service, operation, parameters) == {
        (f"{service}:{action}", resource) for action, resource in (each.split() for each in asked)
    }


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "UploadPart"])
def test_a_signed_url_asks_for_its_object_alone(operation: str) -> None:
    action = "GetObject" if operation == "GetObject" else "PutObject"
    assert permissions.needed_to_sign(operation, OBJECT) == {(f"s3:{action}", "b/k/1")}


# -- what policies allow -----------------------------------------------------------------------------------------------


def test_every_function_has_a_policy_and_every_policy_a_function() -> None:
    files = {path.name for path in (PROJECT / ".chalice").glob("policy-*.json")}
    assert files == {f"policy-{function}.json" for function in permissions.functions()}


def test_every_function_writes_its_own_log_and_no_other() -> None:
    for function in permissions.functions():
        # CloudFormation names a function after its stack and its logical id, and adds some letters.
        named = "${AWS::StackName}-" + (
            "APIHandler" if function == permissions.API else function.title().replace("_", "")
        )
        groups = f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/lambda/{named}-*"
        assert permissions.statements(function)[0] == {
            "Sid": "Logs",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::Sub": groups},
        }


def test_lambda_may_take_the_messages_that_a_function_is_for() -> None:
    taken = permissions.taken_by_lambda()
    consumers = {source.name for source in app.event_sources if isinstance(source, SQSEventConfig)}
    assert {need.function for need in taken} == consumers
    assert [need for need in sorted(taken) if permissions.allowing(need, permissions.grants()) is None] == []


# -- what rarely happens -----------------------------------------------------------------------------------------------

# Each makes a function fail in a way that it tells the hub of, at a moment or soon after.


def fail_transcode_upload(door: Door, frozen: Freeze, moment: datetime) -> None:
    customer = Customer(door)
    customer.put(customer.begin()["media_id"])
    assert [transcode(body) for body in customer.received()] == [[]]


def fail_fail_dead_uploads(door: Door, frozen: Freeze, moment: datetime) -> None:
    customer = Customer(door)
    customer.put(customer.begin()["media_id"])
    assert [transcode(body, function="fail_dead_uploads") for body in customer.received()] == [[]]


def fail_sweep_jobs(door: Door, frozen: Freeze, moment: datetime) -> None:
    start_run(f"subject-{moment}")
    frozen(clock.rfc3339(moment + leases.LEASE + 2 * STUCK_FOR))
    tick("sweep_jobs")


def fail_sweep_uploads(door: Door, frozen: Freeze, moment: datetime) -> None:
    media_id = Customer(door).uploaded()
    start_run(media_id)
    assert door.admin("DELETE", f"/media/{media_id}").status == 204
    frozen(clock.rfc3339(moment + 2 * leases.LEASE))
    tick("sweep_uploads")


def fail_sweep_schedules(door: Door, frozen: Freeze, moment: datetime) -> None:
    def refuse(call: Call) -> Any:
        if call.parameters.get("IndexName") == "by_deleting":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "you shall not"}}, call.operation)
        return call.make()

    with tapped(refuse), pytest.raises(Exception, match="you shall not"):
        tick("sweep_schedules")


def fail_create_due_instances(door: Door, frozen: Freeze, moment: datetime) -> None:
    with task_that_fails(door, frozen, moment):
        tick("create_due_instances")


def fail_create_instances(door: Door, frozen: Freeze, moment: datetime) -> None:
    with task_that_fails(door, frozen, moment) as task_id:
        assert deliver(f'{{"task_ids": ["{task_id}"]}}') == []


def fail_deliver_alerts(door: Door, frozen: Freeze, moment: datetime) -> None:
    noticing.notice([replace(CRITICAL, subject=f"subject-{moment}")], moment)
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=DELIVERIES)["QueueUrl"]
    with mock.patch.object(channels, "send", return_value=Rejected("Nobody is there.")):
        for message in receive(sqs, url, 10):
            taken = app.handler_map["deliver_alerts"](sqs_event([message], ARN + DELIVERIES), None)
            assert taken == {"batchItemFailures": []}


def tick(function: str) -> None:
    app.handler_map[function](schedule_event(function, clock.now()), None)


def start_run(subject_id: str) -> None:
    job_id = leases.first_id("transcode", subject_id)
    assert leases.start("transcode", subject_id, job_id, correlation_id="c", requested_by="r", now=clock.now())


@contextmanager
def task_that_fails(door: Door, frozen: Freeze, moment: datetime) -> Iterator[str]:
    """A task that is due, alone, and cannot be brought up."""
    due = moment + timedelta(days=1)
    made = door.admin("POST", "/tasks", {"title": "Tidy up", "recurrence": "daily"})
    frozen(clock.rfc3339(due))
    with mock.patch.object(cursor, "advance", side_effect=ArithmeticError("a bug")):
        yield made.json["task_id"]
    assert door.admin("DELETE", f"/tasks/{made.json['task_id']}").status == 204


FAILURES: dict[str, Callable[[Door, Freeze, datetime], None]] = {
    "create_due_instances": fail_create_due_instances,
    "create_instances": fail_create_instances,
    "deliver_alerts": fail_deliver_alerts,
    "fail_dead_uploads": fail_fail_dead_uploads,
    "sweep_jobs": fail_sweep_jobs,
    "sweep_schedules": fail_sweep_schedules,
    "sweep_uploads": fail_sweep_uploads,
    "transcode_upload": fail_transcode_upload,
}


@pytest.mark.parametrize("function", sorted(FAILURES))
def test_a_failing_function_tells_the_hub_though_that_is_full_of_old_rows_or_busy(
    function: str, door: Door, frozen: Freeze
) -> None:
    def counts() -> list[int]:
        return [incident["count"] for incident in door.admin("GET", "/incidents").json["items"]]

    def fail(moment: datetime) -> None:
        frozen(clock.rfc3339(moment))
        FAILURES[function](door, frozen, moment)

    # Somebody wants to be told of it at once, and of every report.
    for on in (["new_incident"], ["report"]):
        rule = {"name": f"Told of {on}", "on": on, "channels": [{"type": "email"}]}
        assert door.admin("POST", "/alerts/rules", rule).status == 201
    fail(FIRST)
    assert counts() == [1]
    # DynamoDB deletes days late: what is past its time is deleted before it is counted anew.
    fail(LATER)
    assert counts() == [1]
    busy = storm(random.Random(0), share=1, only=lambda call: INCIDENTS in {table for table, _ in call.keys})
    with no_pauses(), tapped(busy):
        fail(LATER + timedelta(days=2))
    assert counts() == [1]
    sqs = boto3.client("sqs")
    (message,) = receive(sqs, sqs.get_queue_url(QueueName=OVERFLOW)["QueueUrl"], 2)
    assert app.handler_map["absorb_overflow"](sqs_event([message], ARN + OVERFLOW), None) == {"batchItemFailures": []}
    assert counts() == [2]


# -- a run of tests ----------------------------------------------------------------------------------------------------

SUITE = """
import threading

import pytest
from chalice import Chalice
from chalice.test import Client

from app import app
from chalicelib import clock, queues
from chalicelib.jobs import sweeping as jobs_sweeping
from chalicelib.media import sweeping
from chalicelib.tasks import models
from infra.pump import schedule_event
from tests import faults, store
from tests.expressions import NotUnderstood


@pytest.fixture
def sweeping_does(monkeypatch):
    def does(act):
        monkeypatch.setattr(sweeping, "sweep", lambda now: act())
        run("sweep_uploads")

    with store.installed():
        yield does


def run(function, app=app):
    app.handler_map[function](schedule_event(function, clock.now()), None)


def foreign():
    queues.send("due-tasks", "x")


def own():
    queues.send("uploads", "x")


def meanwhile(act):
    # Just before the next call.
    acts = iter([act])

    def tap(call):
        for each in acts:
            each()
        return call.make()

    return faults.tapped(tap)


def test_own(sweeping_does):
    # What this finds out, a function has to find out by itself.
    own()
    sweeping_does(own)


def test_nobodys(sweeping_does):
    foreign()


def test_in_place_of_a_call(sweeping_does):
    with meanwhile(foreign):
        sweeping_does(own)


def test_another_apps(sweeping_does):
    other = Chalice("other")

    @other.schedule("rate(1 minute)")
    def tick(event):
        foreign()

    @other.route("/")
    def index():
        foreign()
        return {}

    run("tick", other)
    with Client(other) as client:
        assert client.http.get("/").status_code == 200


def test_in_another_thread(sweeping_does):
    def act():
        other = threading.Thread(target=foreign)
        other.start()
        other.join()

    sweeping_does(act)
"""
MORE = """

def swallowed():
    try:
        foreign()
        raise ValueError
    except ValueError:
        pass


def test_foreign(sweeping_does):
    sweeping_does(swallowed)


def test_unmapped(sweeping_does):
    with pytest.raises(NotUnderstood):
        sweeping_does(models.table().scan)


def test_another_functions_in_place_of_a_call(sweeping_does, monkeypatch):
    monkeypatch.setattr(jobs_sweeping, "sweep", lambda now: foreign())
    with meanwhile(lambda: run("sweep_jobs")):
        sweeping_does(own)
"""


def run(directory: Path, suite: str, *options: str) -> tuple[int, str]:
    """Run a suite with the plugin; returns its status and what it says."""
    tests = directory / "tests_of_permissions"
    tests.mkdir(exist_ok=True)
    (directory / "pytest.ini").write_text(f"[pytest]\ntestpaths = {tests.name}\n")
    (tests / "conftest.py").write_text('pytest_plugins = ["tests.permissions"]\n')
    (tests / "test_functions.py").write_text(suite)
    (tests / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist.plugin", *options],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_call_that_no_policy_allows_fails_its_test(tmp_path: Path) -> None:
    status, said = run(tmp_path, SUITE + MORE)
    assert status == 1, said
    assert "9 passed, 3 errors" in said
    refused = "needs sqs:SendMessage on groundcrew-test-due-tasks, which .chalice/policy-"
    assert f"sweep_uploads {refused}sweep_uploads.json does not allow." in said
    assert f"sweep_jobs {refused}sweep_jobs.json does not allow." in said
    assert "sweep_uploads calls dynamodb:Scan: say in tests/permissions.py what AWS asks for that." in said
    assert "unused permissions" not in said


def test_what_no_test_needs_fails_a_run_of_all(tmp_path: Path) -> None:
    status, said = run(tmp_path, SUITE, "--numprocesses", "2")
    assert status == 1, said
    assert "6 passed" in said
    unused = [line for line in said.splitlines() if " allows " in line]
    # What the suite uses, and what Lambda takes.
    assert len(unused) == len(permissions.grants()) - 2 - len(permissions.taken_by_lambda())
    assert (
        ".chalice/policy-sweep_jobs.json allows dynamodb:Query on ${Jobs.Arn}/index/by_state, which no test has seen "
        "sweep_jobs need: take it away, or test what needs it."
    ) in unused


@pytest.mark.parametrize(
    "options",
    [("--numprocesses", "1", "-k", "own or nothing"), ("tests_of_permissions/test_functions.py",)],
    ids=["xdist", "a file"],
)
def test_a_run_of_some_does_not_say_what_is_unused(tmp_path: Path, options: tuple[str, ...]) -> None:
    status, said = run(tmp_path, SUITE, *options)
    assert (status, "unused permissions" in said) == (0, False), said
