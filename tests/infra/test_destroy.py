"""The destroy, against an emulator of AWS: what goes, what stays, and what has to be said for it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from botocore.stub import Stubber

from infra import account as accounts
from infra import stores
from infra.local import PROJECT
from tests.infra.conftest import PATIENCE_S, Account
from tests.infra.deployments import small

USERS = {
    "Type": "AWS::Cognito::UserPool",
    "DeletionPolicy": "RetainExceptOnCreate",
    "Properties": {"UserPoolName": {"Fn::Sub": "groundcrew-${Stage}"}, "DeletionProtection": "ACTIVE"},
}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "groundcrew-${Stage}-topic"}}}


def deployed(account: Account, stage: str) -> dict[str, Any]:
    """The template of a stage that was deployed, and holds data."""
    template = small(Users=USERS, Topic=TOPIC)
    # As large buckets do: versions, one of them deleted, and an upload that was never completed.
    bucket = template["Resources"]["EventsBucket"]["Properties"]
    bucket["VersioningConfiguration"] = {"Status": "Enabled"}
    status, said = account.deploy(template, stage)
    assert status == 0, said
    account.client("dynamodb").put_item(TableName=f"groundcrew-{stage}-answers", Item={"pk": {"S": "a"}})
    s3, name = account.client("s3"), f"groundcrew-{stage}-events-{account.id}"
    for key in ("a", "a", "b"):
        s3.put_object(Bucket=name, Key=key, Body=b"1")
    s3.delete_object(Bucket=name, Key="b")
    s3.create_multipart_upload(Bucket=name, Key="c")
    return template


def data(account: Account) -> list[str]:
    """Tables, buckets and user pools, but for the bucket of artifacts."""
    pools = account.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    return sorted(
        [
            *account.client("dynamodb").list_tables()["TableNames"],
            *(name for name in account.buckets() if "artifacts" not in name),
            *(pool["Name"] for pool in pools),
        ]
    )


def all_data(account: Account, stage: str) -> list[str]:
    return [f"groundcrew-{stage}", f"groundcrew-{stage}-answers", f"groundcrew-{stage}-events-{account.id}"]


def test_a_stage_goes_with_its_data(account: Account) -> None:
    deployed(account, "dev")
    deployed(account, "other")
    status, said = account.destroy("dev")
    assert status == 0, said
    assert said.startswith(f"Destroying dev in AWS account {account.id}, region {account.region}:\n")
    assert "  goes   stack groundcrew-dev: " in said
    assert "  goes   table groundcrew-dev-answers\n" in said
    assert f"  stays  bucket groundcrew-artifacts-{account.id}-{account.region}, which all stages share\n" in said
    assert "  DELETE_COMPLETE  AWS::SNS::Topic                  Topic\n" in said
    assert said.endswith("Nothing is left of dev.\n")
    assert account.stacks() == ["groundcrew-other CREATE_COMPLETE"]
    assert data(account) == all_data(account, "other")
    assert len(account.buckets()) == 2
    assert account.destroy("dev") == (
        0,
        f"There is nothing of dev in AWS account {account.id}, region {account.region}.\n",
    )


def test_production_keeps_its_data_and_a_new_deployment_adopts_it(account: Account) -> None:
    template = deployed(account, "prod")
    assert account.stack("prod")["EnableTerminationProtection"]
    for table in account.client("dynamodb").list_tables()["TableNames"]:
        assert account.client("dynamodb").describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"]
    status, said = account.destroy("prod")
    assert status == 0, said
    assert account.stacks() == []
    assert data(account) == all_data(account, "prod")
    assert "  stays  table groundcrew-prod-answers\n" in said
    assert "The data of prod stays. `make deploy STAGE=prod` adopts its tables and buckets" in said
    assert "`make destroy STAGE=prod DATA=delete SURE=prod` deletes all of it.\n" in said

    # Again, with nothing to do.
    status, said = account.destroy("prod")
    assert (status, data(account)) == (0, all_data(account, "prod"))
    assert "The data of prod stays." in said

    status, said = account.deploy(template, "prod")
    assert status == 0, said
    assert "  adopt  AWS::DynamoDB::Table    Answers\n" in said
    assert "  adopt  AWS::S3::Bucket         EventsBucket\n" in said
    assert account.client("dynamodb").scan(TableName="groundcrew-prod-answers")["Count"] == 1
    assert account.stack("prod")["EnableTerminationProtection"]
    resources = account.client("cloudformation").list_stack_resources(StackName="groundcrew-prod")
    assert {"Answers", "EventsBucket"} <= {each["LogicalResourceId"] for each in resources["StackResourceSummaries"]}
    # From now on they are deployed like any.
    status, said = account.deploy(template, "prod")
    assert (status, "Nothing has changed" in said) == (0, True)


@pytest.mark.parametrize(
    "environment",
    [
        {"DATA": "delete"},
        {"DATA": "delete", "SURE": "yes"},
        {"DATA": "delete", "SURE": "dev"},
        {"DATA": "all", "SURE": "prod"},
    ],
)
def test_production_must_be_told_twice(account: Account, environment: dict[str, str]) -> None:
    status, said = account.destroy("prod", **environment)
    assert status == 2
    assert "DATA" in said


def test_production_that_was_told_twice_goes_with_its_data(account: Account) -> None:
    deployed(account, "prod")
    status, said = account.destroy("prod", DATA="delete", SURE="prod")
    assert status == 0, said
    assert (account.stacks(), data(account)) == ([], [])
    assert said.endswith("Nothing is left of prod.\n")


def test_a_bucket_is_emptied_of_all_that_it_ever_held(account: Account) -> None:
    deployed(account, "dev")
    s3, name = account.client("s3"), f"groundcrew-dev-events-{account.id}"
    versions = s3.list_object_versions(Bucket=name)
    assert (len(versions["Versions"]), len(versions["DeleteMarkers"])) == (3, 1)
    assert s3.list_multipart_uploads(Bucket=name)["Uploads"]
    stores._empty(account.session.resource("s3").Bucket(name))
    assert not {"Versions", "DeleteMarkers"} & s3.list_object_versions(Bucket=name).keys()
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=name)


def test_users_that_are_protected_are_deleted(account: Account) -> None:
    there, pool = accounts.signed_in(), {"UserPoolId": "eu-central-1_1"}
    with Stubber(there.client("cognito-idp")) as stubber:
        stubber.add_response("describe_user_pool", {"UserPool": {"DeletionProtection": "ACTIVE"}}, pool)
        stubber.add_response("update_user_pool", {}, {**pool, "DeletionProtection": "INACTIVE"})
        stubber.add_response("delete_user_pool", {}, pool)
        stores.delete(there, stores.Store(stores.USERS, "groundcrew-prod", "eu-central-1_1"))
        stubber.assert_no_pending_responses()


def test_what_an_interrupted_destroy_left_goes_the_next_time(account: Account) -> None:
    deployed(account, "dev")
    cloudformation = account.client("cloudformation")
    cloudformation.delete_stack(StackName="groundcrew-dev")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="groundcrew-dev", WaiterConfig={"Delay": 1})
    account.client("dynamodb").delete_table(TableName="groundcrew-dev-answers")
    status, said = account.destroy("dev")
    assert status == 0, said
    assert "goes   stack" not in said
    assert (account.stacks(), data(account)) == ([], [])


def test_what_does_not_go_is_said(account: Account) -> None:
    # Of all that the emulator deletes, this alone it may refuse to.
    repository = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "full"}}
    account.deploy(small(Repository=repository), "dev")
    ecr, manifest = account.client("ecr"), json.dumps({"schemaVersion": 2, "config": {}, "layers": []})
    ecr.put_image(repositoryName="full", imageManifest=manifest, imageTag="a")
    status, said = account.destroy("dev")
    assert status == 1
    assert "The stack is DELETE_FAILED.\n  Repository: " in said
    assert account.stacks() == ["groundcrew-dev DELETE_FAILED"]
    assert "groundcrew-dev-answers" in data(account)

    ecr.batch_delete_image(repositoryName="full", imageIds=[{"imageTag": "a"}])
    status, said = account.deploy(small(), "dev")
    assert status == 0, said
    assert "The stack is DELETE_FAILED; what is left of it is removed first:\n" in said
    assert "adopt  AWS::DynamoDB::Table  Answers\n" in said
    assert account.destroy("dev")[0] == 0
    assert (account.stacks(), data(account)) == ([], [])


@pytest.mark.parametrize("stage", ["", "Dev", "no-stage"])
def test_a_stage_that_cannot_be_is_refused(account: Account, stage: str) -> None:
    status, said = account.destroy(stage)
    assert status == 2
    assert "STAGE" in said


@pytest.mark.parametrize(("answer", "gone"), [("dev", True), ("y", False), ("", False)])
def test_whoever_sits_at_a_terminal_types_the_stage(account: Account, *, answer: str, gone: bool) -> None:
    account.deploy(small(), "dev")
    terminal, theirs = os.openpty()
    try:
        os.write(terminal, f"{answer}\n".encode())
        command = [sys.executable, "-m", "infra.destroy", "dev"]
        done = subprocess.run(
            command, cwd=PROJECT, stdin=theirs, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    finally:
        os.close(terminal)
        os.close(theirs)
    assert "Type dev to go on: " in done.stdout
    if gone:
        assert (done.returncode, account.stacks(), data(account)) == (0, [], [])
    else:
        assert (done.returncode, done.stderr) == (1, "Nothing was changed.\n")
        assert account.stacks() == ["groundcrew-dev CREATE_COMPLETE"]
