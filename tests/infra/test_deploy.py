"""The deploy, against an emulator of AWS: what it makes, what it refuses, and how it goes on after a mishap."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.stub import Stubber

from infra import account as accounts
from infra import artifacts, cloudformation, deploy, layer, template
from infra.local import PROJECT
from infra.troubles import Trouble, explained
from tests.infra.conftest import PATIENCE_S, Account
from tests.infra.deployments import HELD, small

PROVIDER = ("OidcIssuer=https://id.example.com", "OidcAudience=ops")


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What `chalice package` makes of all there is."""
    return template.merged("prod")


def parameters(account: Account, stage: str) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in account.stack(stage)["Parameters"]}


def outputs(account: Account, stage: str) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in account.stack(stage)["Outputs"]}


def waiting_plans(account: Account, stage: str) -> list[Any]:
    found = account.client("cloudformation").list_change_sets(StackName=f"groundcrew-{stage}")["Summaries"]
    return [each for each in found if each["ExecutionStatus"] == "AVAILABLE"]


def planned(said: str) -> set[tuple[str, str]]:
    """What a plan does, and to which resources."""
    plan = said.partition("The plan for ")[2].partition("Deploying:")[0]
    return set(re.findall(r"^  (\S.*?)  +AWS::\S+ +(\S+)$", plan, re.MULTILINE))


def test_all_of_it_is_deployed_and_deployed_again(account: Account, whole: dict[str, Any]) -> None:
    status, said = account.deploy(whole, "dev", *PROVIDER)
    assert status == 0, said
    assert said.startswith(f"Deploying dev to AWS account {account.id}, region {account.region}.\n")
    assert planned(said) >= {("add", "APIHandler"), ("add", "Incidents"), ("add", "Dashboard")}
    assert "\n  CREATE_COMPLETE  AWS::DynamoDB::Table             Incidents\n" in said
    key = parameters(account, "dev")["IngestKey"]
    assert re.search(
        rf"^  Dsn +https://{key}@\w+\.execute-api\.{account.region}\.amazonaws\.com/api/1$", said, re.MULTILINE
    )
    shown = re.findall(r"^  (\w+) +\S+$", said.partition("groundcrew-dev is deployed (")[2], re.MULTILINE)
    assert shown == list(template.load()["Outputs"])
    assert account.stack("dev")["Tags"] == [{"Key": "groundcrew", "Value": "dev"}]
    assert not account.stack("dev")["EnableTerminationProtection"]

    status, again = account.deploy(whole, "dev")
    assert status == 0
    assert "Nothing has changed since the last deployment.\n" in again
    assert again.count("is there already") == 2
    assert again.partition("is deployed")[2].splitlines()[1:] == said.partition("is deployed")[2].splitlines()[1:]


def test_without_a_provider_there_is_a_pool_of_users(account: Account, whole: dict[str, Any]) -> None:
    status, said = account.deploy(whole, "dev")
    assert status == 0, said
    (pool,) = account.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
    (client,) = account.client("cognito-idp").list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"]
    issuer = f"https://cognito-idp.{account.region}.amazonaws.com/{pool['Id']}"
    assert re.search(rf"^  Issuer +{issuer}$", said, re.MULTILINE)
    assert re.search(rf"^  Audience +{client['ClientId']}$", said, re.MULTILINE)
    told = account.client("lambda").list_functions()["Functions"][0]["Environment"]["Variables"]
    assert (told["OIDC_ISSUER"], told["OIDC_AUDIENCE"]) == (issuer, client["ClientId"])


def test_artifacts_are_kept_in_a_bucket_that_is_private_and_encrypted(account: Account) -> None:
    account.deploy(small(), "dev")
    s3, name = account.client("s3"), f"groundcrew-artifacts-{account.id}-{account.region}"
    private = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert list(private.values()) == [True] * 4
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == account.region
    files = {found["Key"] for found in s3.list_objects_v2(Bucket=name)["Contents"]}
    assert {re.sub(r"[0-9a-f]{16}", "", file) for file in files} == {"code-0.zip", "ffmpeg-0.zip", "template-.json"}
    policy = artifacts._tls_only(accounts.signed_in(), name)
    assert policy["Statement"][0]["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    account.deploy(small(), "other")
    assert len([bucket for bucket in account.buckets() if "artifacts" in bucket]) == 1


@pytest.mark.parametrize(
    ("arguments", "complaints"),
    [
        (["dev", "LogLevl=DEBUG", "RetentionDays=0"], ["did you mean LogLevel?", "RetentionDays must be at least 1"]),
        (["Dev"], ["STAGE cannot be 'Dev'"]),
        ([], ["Say which stage"]),
        (["dev", "LogLevel"], ["write Name=value"]),
        (["dev", PROVIDER[0]], ["OidcIssuer and OidcAudience go together"]),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_made(
    account: Account, arguments: list[str], complaints: list[str]
) -> None:
    status, said = account.deploy(small(), *arguments)
    assert status == 2
    for complaint in complaints:
        assert complaint in said
    assert (account.stacks(), account.buckets()) == ([], [])


def test_make_passes_on_what_it_is_told(account: Account) -> None:
    def make(*arguments: str) -> tuple[int, str]:
        # Whatever their age: neither .venv nor the pages are made again here.
        old = ("--old-file=.venv/ready", "--old-file=chalicelib/console/static/demo/index.html")
        command = ["make", *old, *arguments]
        made = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        return made.returncode, made.stdout + made.stderr

    status, said = make("deploy", "STAGE=dev", "PARAMETERS=LogLevl=DEBUG 'AlarmEmail=a b' AllowedOrigins=https://a=b,c")
    assert status == 2
    assert "did you mean LogLevel?" in said
    assert "AlarmEmail cannot be 'a b'" in said
    assert "AllowedOrigins" not in said
    assert "PARAMETERS cannot be read (No closing quotation)." in make("deploy", "STAGE=dev", "PARAMETERS='")[1]
    assert "There is nothing of dev in AWS account" in make("destroy", "STAGE=dev")[1]
    assert account.buckets() == []


def test_a_stage_is_brought_up_to_date_in_place(account: Account) -> None:
    secret = "StorageSecretAccessKey=a = b, c"
    account.deploy(small(), "dev", *PROVIDER, "LogLevel=DEBUG", secret)
    before = outputs(account, "dev")
    item = {"pk": {"S": "a"}}
    account.client("dynamodb").put_item(TableName="groundcrew-dev-answers", Item=item)
    status, said = account.deploy(small(Topic={"Type": "AWS::SNS::Topic", "Properties": {}}), "dev", "RetentionDays=7")
    assert status == 0, said
    assert planned(said) == {("add", "Topic")}
    now = parameters(account, "dev")
    assert (now["LogLevel"], now["RetentionDays"], now["OidcAudience"]) == ("DEBUG", "7", "ops")
    assert outputs(account, "dev") == before
    assert before["Secret"] == "a = b, c"
    assert account.client("dynamodb").scan(TableName="groundcrew-dev-answers")["Items"] == [item]

    status, said = account.deploy(small(), "dev", "OidcAudience=")
    assert (status, "OidcIssuer and OidcAudience go together" in said) == (2, True)
    assert parameters(account, "dev")["OidcAudience"] == "ops"


def test_parameters_come_and_go_with_the_template(account: Account) -> None:
    older = small()
    older["Parameters"] |= {"Retired": {"Type": "String", "Default": "x"}}
    del older["Parameters"]["RawEventDays"]
    older["Resources"]["EventsBucket"]["Properties"].pop("LifecycleConfiguration")
    declared = template.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(template, "load", lambda: declared | {"Parameters": older["Parameters"]})
        assert account.deploy(older, "dev", "Retired=y")[0] == 0
    assert parameters(account, "dev")["Retired"] == "y"
    status, said = account.deploy(small(), "dev", "LogLevel=DEBUG")
    assert status == 0, said
    assert "Retired" not in parameters(account, "dev")
    assert parameters(account, "dev")["RawEventDays"] == "30"


def moved() -> dict[str, Any]:
    """The template with another key in a table, which would be a new table."""
    changed = small()
    properties = changed["Resources"]["Answers"]["Properties"]
    properties["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
    properties["AttributeDefinitions"] = [{"AttributeName": "id", "AttributeType": "S"}]
    return changed


def renamed() -> dict[str, Any]:
    changed = small()
    changed["Resources"]["EventsBucket"]["Properties"]["BucketName"] = {
        "Fn::Sub": "groundcrew-${Stage}-raw-${AWS::AccountId}"
    }
    return changed


def lacking(name: str) -> dict[str, Any]:
    changed = small(Topic={"Type": "AWS::SNS::Topic", "Properties": {}})
    del changed["Resources"][name]
    return changed


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        (moved, ("modify or REPLACE", "Answers")),
        (renamed, ("modify or REPLACE", "EventsBucket")),
        (lambda: lacking("Answers"), ("let go", "Answers")),
    ],
)
def test_a_plan_that_would_take_data_away_is_refused(
    account: Account, changed: Callable[[], dict[str, Any]], lost: tuple[str, str]
) -> None:
    account.deploy(small(), "dev")
    status, said = account.deploy(changed(), "dev")
    assert status == 1
    assert lost in planned(said)
    assert f"Nothing was changed: the plan would take away {lost[1]} (groundcrew-dev-" in said
    assert waiting_plans(account, "dev") == []
    assert account.stacks() == ["groundcrew-dev CREATE_COMPLETE"]


def test_what_goes_is_shown_last_and_loudly(account: Account) -> None:
    account.deploy(small(ATopic={"Type": "AWS::SNS::Topic", "Properties": {}}), "dev")
    status, said = account.deploy(small(ZTopic={"Type": "AWS::SNS::Topic", "Properties": {}}), "dev")
    assert status == 0
    plan = said.partition("The plan for groundcrew-dev:\n")[2].partition("Deploying:")[0]
    assert plan == "  add     AWS::SNS::Topic  ZTopic\n  REMOVE  AWS::SNS::Topic  ATopic\n"


@contextmanager
def running(directory: Path, of: dict[str, Any], *arguments: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """A deploy as a process of its own, which says what it says in `directory`."""
    (directory / "template.json").write_text(json.dumps(of))
    command = [sys.executable, "-m", "tests.infra.deployments", str(directory / "template.json"), *arguments]
    with (directory / "said").open("w") as said:
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=said, stderr=subprocess.STDOUT, text=True, start_new_session=True, **streams
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def wait_for(process: subprocess.Popen[str], directory: Path, text: str) -> str:
    """What a process has said when it says that."""
    deadline = time.monotonic() + PATIENCE_S
    while text not in (said := (directory / "said").read_text()):
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.02)
    return said


def let_go(account: Account, stage: str, status: str = "SUCCESS") -> None:
    """Let a deployment go on that is HELD."""
    handle = account.client("cloudformation").describe_stack_resource(
        StackName=f"groundcrew-{stage}", LogicalResourceId="Handle"
    )["StackResourceDetail"]["PhysicalResourceId"]
    signalled = {"Status": status, "UniqueId": "1", "Data": "", "Reason": "somebody said so"}
    httpx.put(handle, content=json.dumps(signalled), trust_env=False).raise_for_status()


ANSWERS = "  CREATE_COMPLETE  AWS::DynamoDB::Table             Answers\n"
GOES_ON = "What CloudFormation has begun goes on by itself; the same command follows it.\nStopped.\n"


@pytest.mark.parametrize(
    ("signum", "status", "last"),
    [
        (signal.SIGKILL, -signal.SIGKILL, "Handle\n"),
        (signal.SIGINT, 130, GOES_ON),
    ],
)
def test_a_deploy_that_is_interrupted_can_be_run_again(
    account: Account, tmp_path: Path, signum: signal.Signals, status: int, last: str
) -> None:
    held = small(**HELD)
    with running(tmp_path, held, "dev") as process:
        wait_for(process, tmp_path, ANSWERS)
        process.send_signal(signum)
        assert process.wait(PATIENCE_S) == status
    assert (tmp_path / "said").read_text().endswith(last)
    assert account.stacks() == ["groundcrew-dev CREATE_IN_PROGRESS"]
    key = parameters(account, "dev")["IngestKey"]

    with running(tmp_path, held, "dev") as process:
        wait_for(process, tmp_path, "The stack is CREATE_IN_PROGRESS; that comes first:\n")
        let_go(account, "dev")
        assert process.wait(PATIENCE_S) == 0, (tmp_path / "said").read_text()
    said = (tmp_path / "said").read_text()
    assert "CREATE_COMPLETE  AWS::CloudFormation::WaitCondition  Held\n" in said
    assert "Nothing has changed since the last deployment.\n" in said
    assert parameters(account, "dev")["IngestKey"] == key


def test_a_deploy_that_was_killed_before_its_plan_was_carried_out_can_be_run_again(account: Account) -> None:
    account.client("cloudformation").create_change_set(
        StackName="groundcrew-dev",
        ChangeSetName="deploy-killed",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}),
    )
    assert account.stacks() == ["groundcrew-dev REVIEW_IN_PROGRESS"]
    status, said = account.deploy(small(), "dev")
    assert status == 0, said
    assert account.stacks() == ["groundcrew-dev CREATE_COMPLETE"]


@pytest.mark.parametrize("answer", ["", "yse", "YES"])
def test_whoever_sits_at_a_terminal_is_asked(account: Account, tmp_path: Path, answer: str) -> None:
    terminal, theirs = os.openpty()
    try:
        with running(tmp_path, small(), "dev", stdin=theirs) as process:
            said = wait_for(process, tmp_path, "Deploy this? [y/N] ")
            assert planned(said) == {
                ("add", "Answers"),
                ("add", "EventsBucket"),
            }
            assert account.stacks() == ["groundcrew-dev REVIEW_IN_PROGRESS"]
            os.write(terminal, f"{answer}\n".encode())
            status = process.wait(PATIENCE_S)
    finally:
        os.close(terminal)
        os.close(theirs)
    if answer.lower() in {"y", "yes"}:
        assert (status, account.stacks()) == (0, ["groundcrew-dev CREATE_COMPLETE"])
    else:
        assert (status, account.stacks()) == (1, [])
        assert (tmp_path / "said").read_text().endswith("Nothing was changed.\n")


def test_a_ctrl_c_at_the_question_changes_nothing(account: Account, tmp_path: Path) -> None:
    account.deploy(small(), "dev")
    terminal, theirs = os.openpty()
    try:
        changed = small(Topic={"Type": "AWS::SNS::Topic", "Properties": {}})
        with running(tmp_path, changed, "dev", stdin=theirs) as process:
            wait_for(process, tmp_path, "Deploy this? [y/N] ")
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
    finally:
        os.close(terminal)
        os.close(theirs)
    assert waiting_plans(account, "dev") == []
    assert account.stacks() == ["groundcrew-dev CREATE_COMPLETE"]


# It fails when its turn comes, not before.
BROKEN = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": ["Answers", "Nothing"]}}}
WHOLE = {"Type": "AWS::SNS::Topic", "Properties": {}}


def test_a_first_deployment_that_fails_says_why_and_can_be_run_again(account: Account) -> None:
    status, said = account.deploy(small(Topic=BROKEN), "dev")
    assert status == 1
    verdict = said.partition("The stack is ROLLBACK_COMPLETE.\n")[2].splitlines()
    assert verdict == [
        "  Topic: Requested attribute Nothing does not exist in schema for AWS::DynamoDB::Table",
        "Nothing is left of it but its record. Mend the cause, then run the same command.",
    ]
    assert account.client("dynamodb").list_tables()["TableNames"] == []

    status, said = account.deploy(small(Topic=WHOLE), "dev")
    assert status == 0, said
    assert "The stack is ROLLBACK_COMPLETE; what is left of it is removed first:\n" in said
    assert account.stacks() == ["groundcrew-dev CREATE_COMPLETE"]


def test_an_update_that_fails_leaves_what_there_was(account: Account) -> None:
    account.deploy(small(), "dev", "LogLevel=DEBUG")
    status, said = account.deploy(small(Topic=BROKEN), "dev", "LogLevel=ERROR")
    assert status == 1
    assert "The stack is UPDATE_ROLLBACK_COMPLETE.\n  Topic: Requested attribute Nothing " in said
    assert said.endswith("What was there before is back. Mend the cause, then run the same command.\n")
    assert parameters(account, "dev")["LogLevel"] == "DEBUG"
    assert account.deploy(small(Topic=WHOLE), "dev", "LogLevel=ERROR")[0] == 0
    assert parameters(account, "dev")["LogLevel"] == "ERROR"


def event(number: int, status: str, name: str, reason: str = "") -> dict[str, str]:
    """An event of a stack as CloudFormation tells it."""
    return {
        "EventId": str(number),
        "ResourceStatus": status,
        "ResourceType": "AWS::SNS::Topic",
        "LogicalResourceId": name,
        "PhysicalResourceId": "arn:stack" if name == "groundcrew-dev" else "",
        "ResourceStatusReason": reason,
    }


def followed(monkeypatch: pytest.MonkeyPatch, *looks: tuple[str, list[dict[str, str]]]) -> list[str]:
    """What is told of a stack that has these states and events whenever it is looked at."""
    there = accounts.Account(boto3.Session(region_name="eu-central-1"), "1", "eu-central-1", emulated=False)
    events = iter([events for _, events in looks])
    monkeypatch.setattr(cloudformation, "_events", lambda *_: next(events))
    monkeypatch.setattr(cloudformation, "_details", lambda *_, **__: [])
    monkeypatch.setattr(cloudformation, "_FIRST_LOOK_S", 0)
    told: list[str] = []
    with Stubber(there.client("cloudformation")) as stubber:
        for status, _ in looks:
            stack = {"StackName": "groundcrew-dev", "CreationTime": datetime(2026, 1, 1, tzinfo=UTC)}
            stubber.add_response("describe_stacks", {"Stacks": [{**stack, "StackStatus": status}]})
        cloudformation._follow(there, "arn:stack", "0", told.append, ("UPDATE_COMPLETE",))
        stubber.assert_no_pending_responses()
    return told


def test_only_what_failed_first_is_told_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        event(1, "CREATE_FAILED", "First", "User: x is not authorized to perform: sns:CreateTopic"),
        event(2, "CREATE_FAILED", "Second", "Resource creation cancelled"),
        event(3, "CREATE_FAILED", "Third", "The maximum number of topics has been reached."),
        event(4, "ROLLBACK_COMPLETE", "groundcrew-dev"),
    ]
    with pytest.raises(cloudformation.Failed) as failed:
        followed(monkeypatch, ("ROLLBACK_COMPLETE", events))
    assert str(failed.value).splitlines() == [
        "The stack is ROLLBACK_COMPLETE.",
        "  First: User: x is not authorized to perform: sns:CreateTopic",
        "  Ask whoever administers the account for that permission, then run the same command.",
        "  Third: The maximum number of topics has been reached.",
        "  Ask for more of it in the console at Service Quotas, then run the same command.",
    ]


def test_a_stack_that_has_not_begun_yet_is_not_taken_for_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told = followed(
        monkeypatch,
        ("UPDATE_COMPLETE", []),
        ("UPDATE_COMPLETE", [event(1, "UPDATE_IN_PROGRESS", "groundcrew-dev")]),
        ("UPDATE_IN_PROGRESS", [event(2, "UPDATE_IN_PROGRESS", "Topic"), event(3, "UPDATE_COMPLETE", "Topic")]),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", []),
        ("UPDATE_COMPLETE", []),
        ("UPDATE_COMPLETE", [event(4, "UPDATE_COMPLETE", "groundcrew-dev")]),
    )
    assert told == ["  UPDATE_COMPLETE  AWS::SNS::Topic                  Topic"]


def test_a_stack_that_never_rests_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudformation, "WITHIN_S", -1)
    with pytest.raises(Trouble, match=r"UPDATE_IN_PROGRESS for an hour\. The same command follows it further"):
        followed(monkeypatch, ("UPDATE_IN_PROGRESS", []))


def test_a_plan_that_cloudformation_refuses_leaves_nothing(account: Account) -> None:
    attributes = {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    account.client("dynamodb").create_table(TableName="taken", **attributes)
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "taken", **attributes}}
    status, said = account.deploy(small(Table=table), "dev")
    assert status == 1
    assert "CloudFormation refuses the plan:\n" in said
    assert "The affected resources are Table ({TableName=taken})" in said
    assert account.stacks() == []


def test_a_new_account_cannot_reserve_the_transcoder(account: Account) -> None:
    status, said = account.deploy(small(), "dev", "TranscoderConcurrency=11")
    assert status == 1
    assert "11 concurrent executions cannot be set aside for the transcoder" in said
    assert "ReserveTranscoder=false" in said
    assert (account.stacks(), account.buckets()) == ([], [])
    assert account.deploy(small(), "dev", "TranscoderConcurrency=11", "ReserveTranscoder=false")[0] == 0
    assert account.deploy(small(), "dev", "TranscoderConcurrency=10", "ReserveTranscoder=true")[0] == 0


def test_what_is_reserved_already_is_not_asked_for_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(accounts, "require_room", lambda there, more: asked.append(more))
    told = {"Fn::Sub": "${LogLevel} ${TranscoderConcurrency} ${ReserveTranscoder}"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": told}}
    for arguments in (
        ["TranscoderConcurrency=5"],
        ["LogLevel=DEBUG"],
        ["TranscoderConcurrency=7"],
        ["ReserveTranscoder=false"],
        ["ReserveTranscoder=true", "TranscoderConcurrency=4"],
    ):
        assert account.deploy(small(Topic=topic), "dev", *arguments)[0] == 0
    assert asked == [5, 2, 4]


def test_a_stage_lives_in_one_region(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.deploy(small(), "dev")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    status, said = account.deploy(small(), "dev")
    assert status == 1
    assert f"The stage dev lives in {account.region}, not in us-east-1: its bucket groundcrew-dev-events-" in said
    assert f"Set AWS_DEFAULT_REGION={account.region}, or choose another STAGE." in said
    assert account.deploy(small(), "other")[0] == 0


def test_what_lambda_cannot_run_is_not_deployed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    there = dataclasses.replace(accounts.signed_in(), emulated=False)
    monkeypatch.setattr(accounts, "signed_in", lambda: there)
    monkeypatch.setattr(layer, "runs_on", lambda runtime: False)
    status, said = account.deploy(small(), "dev")
    assert (status, account.stacks(), account.buckets()) == (1, [], [])
    (version,) = re.findall(r"rm -rf \.venv && make deploy STAGE=dev PYTHON=(python3\.\d+)\n", said)
    monkeypatch.undo()
    assert layer.runs_on(version)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "No AWS credentials were found."),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "The AWS credentials are incomplete: "),
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found. `aws configure list-profiles`"),
        ({"AWS_DEFAULT_REGION": ""}, "No AWS region is chosen. Choose one by AWS_DEFAULT_REGION"),
        ({"AWS_DEFAULT_REGION": "eu-centrall-1"}, "There is no AWS region eu-centrall-1. Did you mean eu-central-1?"),
        ({"AWS_DEFAULT_REGION": "moon"}, "There is no AWS region moon. Choose one by AWS_DEFAULT_REGION"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS does not answer: Could not connect to the endpoint URL"),
    ],
)
def test_who_deploys_and_where_to_must_be_known(
    account: Account, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], complaint: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
        if not value:
            monkeypatch.delenv(name)
    status, said = account.deploy(small(), "dev")
    assert status == 1
    assert said.startswith(complaint)
    assert said.count("\n") == 1


def test_somebody_elses_bucket_is_not_written_to(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    there = accounts.signed_in()
    with Stubber(there.client("s3")) as stubber:
        expected = {"Bucket": artifacts.bucket(there), "ExpectedBucketOwner": account.id}
        stubber.add_client_error("head_bucket", "403", "Forbidden", 403, expected_params=expected)
        with pytest.raises(Trouble, match=r"^AWS does not permit HeadBucket: Forbidden\. "), explained():
            artifacts.prepare(there)


def test_an_update_that_could_not_be_undone_is_undone_first(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = cloudformation.Stack("arn:stack", "UPDATE_ROLLBACK_FAILED", {}, {}, protected=False)
    there = accounts.Account(boto3.Session(region_name="eu-central-1"), "1", "eu-central-1", emulated=False)
    monkeypatch.setattr(cloudformation, "_newest", lambda *_: "0")
    ends = iter(["UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"])

    def follow(there: Any, stack_id: str, since: str, tell: Any, fine: tuple[str, ...]) -> None:
        if (status := next(ends)) not in fine:
            raise cloudformation.Failed(status, [])

    monkeypatch.setattr(cloudformation, "_follow", follow)
    with Stubber(there.client("cloudformation")) as stubber:
        for _ in range(2):
            stubber.add_response("continue_update_rollback", {}, {"StackName": "arn:stack"})
        deploy._clear(there, stuck)
        with pytest.raises(Trouble, match=r"(?s)UPDATE_ROLLBACK_FAILED.*Continue update rollback in the"):
            deploy._clear(there, stuck)
        stubber.assert_no_pending_responses()


def test_a_protected_pool_goes_with_the_first_deployment_that_failed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cognito = account.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="groundcrew-prod", DeletionProtection="ACTIVE")["UserPool"]["Id"]
    asked = []

    def remaining(there: Any, stack: cloudformation.Stack, kind: str) -> list[str]:
        asked.append((stack.status, kind))
        return [pool]

    monkeypatch.setattr(cloudformation, "remaining", remaining)
    monkeypatch.setattr(cloudformation, "delete", lambda *_: None)
    # A destroy that failed may have left users in it.
    for status, left in (("DELETE_FAILED", [pool]), ("ROLLBACK_FAILED", [])):
        deploy._clear(accounts.signed_in(), cloudformation.Stack("arn:stack", status, {}, {}, protected=False))
        assert [each["Id"] for each in cognito.list_user_pools(MaxResults=10)["UserPools"]] == left
    assert asked == [("ROLLBACK_FAILED", "AWS::Cognito::UserPool")]


def test_what_a_stack_has_deleted_does_not_remain() -> None:
    there = accounts.Account(boto3.Session(region_name="eu-central-1"), "1", "eu-central-1", emulated=False)
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    resources = [
        {"LogicalResourceId": "Users", "ResourceType": kind, "ResourceStatus": status, "Timestamp": moment}
        | ({"PhysicalResourceId": physical} if physical else {})
        for kind, status, physical in (
            ("AWS::Cognito::UserPool", "DELETE_FAILED", "eu-central-1_a"),
            ("AWS::Cognito::UserPool", "DELETE_COMPLETE", "eu-central-1_b"),
            ("AWS::Cognito::UserPool", "CREATE_FAILED", None),
            ("AWS::SNS::Topic", "DELETE_FAILED", "arn:topic"),
        )
    ]
    stack = cloudformation.Stack("arn:stack", "ROLLBACK_FAILED", {}, {}, protected=False)
    with Stubber(there.client("cloudformation")) as stubber:
        stubber.add_response("describe_stack_resources", {"StackResources": resources}, {"StackName": "arn:stack"})
        assert cloudformation.remaining(there, stack, "AWS::Cognito::UserPool") == ["eu-central-1_a"]


def test_a_plan_may_change_no_resource(capsys: pytest.CaptureFixture[str]) -> None:
    deploy._show(cloudformation.Plan("arn:plan", "arn:stack", first=False, changes=[]))
    assert capsys.readouterr().out == "  no resource changes, only what the stack tells of them\n"
