"""What a package would declare: the handlers of app.py and the resources that they name, wired to each other."""

import json
from typing import Any

import pytest
from chalice.utils import serialize_to_json

from chalicelib.config import config
from infra import template


@pytest.fixture(scope="module")
def merged() -> dict[str, Any]:
    # As CloudFormation gets it: Chalice puts objects of its own into the template.
    found: dict[str, Any] = json.loads(serialize_to_json(template.merged("prod")))
    return found


def test_every_addition_meets_a_resource_of_chalice(merged: dict[str, Any]) -> None:
    assert all("Type" in resource for resource in merged["Resources"].values())
    for resource in merged["Resources"].values():
        for event in resource["Properties"].get("Events", {}).values():
            assert "Type" in event


def test_nothing_is_named_after_the_stage_that_packaged_it(merged: dict[str, Any]) -> None:
    assert config().stage == "test"
    assert config().resource("") not in json.dumps(merged)


def test_nothing_of_the_laptop_is_packaged(merged: dict[str, Any]) -> None:
    assert "c0ffee" not in json.dumps(merged)
    assert "AWS_ENDPOINT_URL" not in json.dumps(merged)


def test_every_queue_handler_reports_what_failed(merged: dict[str, Any]) -> None:
    events = [
        event["Properties"]
        for resource in merged["Resources"].values()
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert events
    for event in events:
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert list(event["Queue"]) == ["Fn::Sub"]


def test_a_queue_waits_six_times_as_long_as_its_handler(merged: dict[str, Any]) -> None:
    handler = merged["Resources"]["AbsorbOverflow"]["Properties"]
    queue = merged["Resources"]["ReportsOverflow"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * handler["Timeout"]


def test_every_function_has_a_policy_of_its_own(merged: dict[str, Any]) -> None:
    roles = [
        resource["Properties"]["Role"]["Fn::GetAtt"][0]
        for resource in merged["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    assert len(roles) == len(set(roles))
    for role in roles:
        (policy,) = merged["Resources"][role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Resource"] != "*"
            assert not [action for action in statement["Action"] if "*" in action]


def test_gateway_errors_have_the_form_of_every_error(merged: dict[str, Any]) -> None:
    refusals = merged["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} <= refusals.keys()
    for refusal in refusals.values():
        body = refusal["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"text"')
        assert json.loads(body).keys() == {"Code", "Message"}
        assert refusal["ResponseParameters"]["Headers"]["Access-Control-Allow-Origin"] == "'*'"
    assert refusals["THROTTLED"]["ResponseParameters"]["Headers"]["Retry-After"] == "'1'"
