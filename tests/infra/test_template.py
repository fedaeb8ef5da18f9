"""What a package would declare: the handlers of app.py and the resources that they name, wired to each other."""

import json
import re
from typing import Any

import pytest
from chalice.utils import serialize_to_json

from app import app
from chalicelib.config import config
from infra import template
from infra.local import PROJECT

SERVICES = {
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::S3::Bucket": "s3",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
}
SENDERS = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*"
PREFIXES = ("/attachments/*", "/events/*", "/originals/*", "/variants/*")


@pytest.fixture(scope="module")
def merged() -> dict[str, Any]:
    # As CloudFormation gets it: Chalice puts objects of its own into the template.
    found: dict[str, Any] = json.loads(serialize_to_json(template.merged("prod")))
    return found


def functions(merged: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of every function."""
    return {
        name: resource["Properties"]
        for name, resource in merged["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def queues_of(function: dict[str, Any]) -> list[str]:
    """The queues whose messages a function is handed."""
    events = [event["Properties"] for event in function.get("Events", {}).values() if event["Type"] == "SQS"]
    return [event["Queue"]["Fn::Sub"].removeprefix("${").removesuffix(".Arn}") for event in events]


def statements(merged: dict[str, Any], role: str) -> list[dict[str, Any]]:
    (policy,) = merged["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
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
    for word in ("c0ffee", "laptop", "AWS_ENDPOINT_URL"):
        assert word not in json.dumps(merged)


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
    for function in functions(merged).values():
        for name in queues_of(function):
            assert merged["Resources"][name]["Properties"]["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_what_no_handler_takes_ends_among_the_dead_letters(merged: dict[str, Any]) -> None:
    queues = {
        name: resource["Properties"]
        .get("RedrivePolicy", {})
        .get("deadLetterTargetArn", {})
        .get("Fn::GetAtt", [None])[0]
        for name, resource in merged["Resources"].items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    assert queues == {
        "ReportsOverflow": "DeadLetters",
        "Uploads": "UploadsDeadLetters",
        "UploadsDeadLetters": "DeadLetters",
        "DueTasks": "DeadLetters",
        "AlertDeliveries": "DeadLetters",
        "DeadLetters": None,
    }


def test_every_function_has_a_policy_of_its_own(merged: dict[str, Any]) -> None:
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions(merged).values()]
    assert len(roles) == len(set(roles))
    for role in roles:
        for statement in statements(merged, role):
            assert statement["Effect"] == "Allow"
            assert statement["Resource"] != "*"
            assert not [action for action in statement["Action"] if "*" in action]
            assert statement["Action"] == sorted(set(statement["Action"]))


def test_a_policy_grants_what_its_resource_knows(merged: dict[str, Any]) -> None:
    granted = [
        (statement["Action"], resource["Fn::Sub"])
        for function in functions(merged).values()
        for statement in statements(merged, function["Role"]["Fn::GetAtt"][0])
        if statement["Sid"] != "Logs"
        for resource in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]
    assert granted
    for actions, arn in granted:
        if arn == SENDERS:
            assert actions == ["ses:SendEmail"]
            continue
        named = re.fullmatch(r"\$\{(\w+)(?:\.Arn)?}(.*)", arn)
        assert named
        resource = merged["Resources"][named[1]]
        kind, indexes = resource["Type"], resource["Properties"].get("GlobalSecondaryIndexes", [])
        assert {action.split(":")[0] for action in actions} == {SERVICES[kind]}
        parts = PREFIXES if kind == "AWS::S3::Bucket" else [f"/index/{index['IndexName']}" for index in indexes]
        assert named[2] in ("", *parts)


def test_a_consumer_reads_its_queue_and_no_other(merged: dict[str, Any]) -> None:
    for function in functions(merged).values():
        reads = [
            statement["Resource"]["Fn::Sub"]
            for statement in statements(merged, function["Role"]["Fn::GetAtt"][0])
            if {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= set(statement["Action"])
        ]
        assert reads == [f"${{{name}.Arn}}" for name in queues_of(function)]


@pytest.mark.parametrize("name", ["EventsBucket", "MediaBucket"])
def test_a_bucket_is_private_encrypted_and_ours(merged: dict[str, Any], name: str) -> None:
    bucket = merged["Resources"][name]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (tls,) = merged["Resources"][f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", "s3:*")
    assert tls["Resource"] == [{"Fn::Sub": f"${{{name}.Arn}}"}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_the_bucket_sends_to_the_queue_of_uploads(merged: dict[str, Any]) -> None:
    resources = merged["Resources"]
    (grant,) = resources["UploadsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (grant["Principal"], grant["Action"]) == ({"Service": "s3.amazonaws.com"}, "sqs:SendMessage")
    bucket = resources["MediaBucket"]["Properties"]["BucketName"]["Fn::Sub"]
    assert grant["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{bucket}"}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }
    # In this order they can be created: S3 refuses to notify a queue that does not take its events.
    assert resources["MediaBucket"]["DependsOn"] == "UploadsPolicy"


def test_one_function_has_ffmpeg_and_a_disk_for_the_largest_upload(merged: dict[str, Any]) -> None:
    transcoder = functions(merged)["TranscodeUpload"]
    assert [name for name, function in functions(merged).items() if function.get("Layers")] == ["TranscodeUpload"]
    assert transcoder["Layers"] == [{"Ref": "FfmpegLayer"}]
    disk_bytes = transcoder["EphemeralStorage"]["Size"] * 1024**2
    assert disk_bytes >= 2 * merged["Parameters"]["MaxUploadBytes"]["MaxValue"]


def test_every_parameter_reaches_the_functions_or_a_resource(merged: dict[str, Any]) -> None:
    text = json.dumps({key: part for key, part in merged.items() if key != "Parameters"})
    for name in merged["Parameters"]:
        assert f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text, name


def test_a_limit_is_the_same_wherever_it_is_left_unsaid(merged: dict[str, Any]) -> None:
    limits = (
        "max_upload_bytes",
        "max_video_minutes",
        "max_photo_megapixels",
        "uploads_per_customer_per_day",
        "uploads_per_day",
    )
    for limit in limits:
        name = "".join(word.capitalize() for word in limit.split("_"))
        assert merged["Parameters"][name]["Default"] == getattr(config(), limit)
        assert merged["Globals"]["Function"]["Environment"]["Variables"][limit.upper()] == {"Ref": name}


def test_gateway_errors_have_the_form_of_every_error(merged: dict[str, Any]) -> None:
    refusals = merged["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} <= refusals.keys()
    for refusal in refusals.values():
        body = refusal["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"text"')
        assert json.loads(body).keys() == {"Code", "Message"}
        assert refusal["ResponseParameters"]["Headers"]["Access-Control-Allow-Origin"] == "'*'"
    assert refusals["THROTTLED"]["ResponseParameters"]["Headers"]["Retry-After"] == "'1'"


def test_what_holds_data_outlives_the_stack(merged: dict[str, Any]) -> None:
    kinds = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool")
    holding = [resource for resource in merged["Resources"].values() if resource["Type"] in kinds]
    assert len(holding) == 9 + 2 + 1
    for resource in holding:
        # A first deploy that fails leaves nothing in the way of the next.
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_tables_are_protected_in_production(merged: dict[str, Any]) -> None:
    assert merged["Conditions"]["Production"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    tables = [each["Properties"] for each in merged["Resources"].values() if each["Type"] == "AWS::DynamoDB::Table"]
    assert len(tables) == 9
    for table in tables:
        assert table["DeletionProtectionEnabled"] == {"Fn::If": ["Production", True, False]}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"


def alarms(merged: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in merged["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_every_alarm_is_heard(merged: dict[str, Any]) -> None:
    assert alarms(merged)
    for name, alarm in alarms(merged).items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Alarms"}]
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
        assert alarm["AlarmName"] == {"Fn::Sub": f"groundcrew-${{Stage}}-{kebab}"}
        assert len(alarm["AlarmDescription"]) > 20


def watched(merged: dict[str, Any], metric: str) -> set[str]:
    """The functions and queues of which an alarm watches a metric."""
    found = [alarm["Dimensions"][0]["Value"] for alarm in alarms(merged).values() if alarm["MetricName"] == metric]
    return {value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0] for value in found}


def test_every_function_and_queue_is_watched(merged: dict[str, Any]) -> None:
    queues = {queue for function in functions(merged).values() for queue in queues_of(function)}
    assert watched(merged, "ApproximateAgeOfOldestMessage") == queues
    assert watched(merged, "ApproximateNumberOfMessagesVisible") == {"DeadLetters"}
    assert watched(merged, "ApproximateNumberOfMessagesNotVisible") == {"ReportsOverflow", "UploadsDeadLetters"}
    # What the API fails in is a 5xx; what the others are refused comes again by itself.
    assert watched(merged, "Errors") == functions(merged).keys() - {"APIHandler"}
    assert watched(merged, "Throttles") == {"APIHandler"}
    assert watched(merged, "Invocations") == {"CreateDueInstances"}
    assert alarms(merged)["SchedulerStopped"]["TreatMissingData"] == "breaching"


def test_the_dashboard_shows_every_alarm_function_queue_and_table(merged: dict[str, Any]) -> None:
    text = merged["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    status, *graphs = json.loads(text)["widgets"]
    assert set(status["properties"]["alarms"]) == {f"${{{name}.Arn}}" for name in alarms(merged)}
    for name, resource in merged["Resources"].items():
        match resource["Type"]:
            case "AWS::Serverless::Function":
                assert f'"${{{name}}}"' in text
            case "AWS::SQS::Queue":
                assert f"${{{name}.QueueName}}" in text
            case "AWS::DynamoDB::Table":
                assert resource["Properties"]["TableName"]["Fn::Sub"] in text
    # Twelve of the grid's 24 columns or less, none over another.
    taken = [(graph["x"] + x, graph["y"]) for graph in graphs for x in range(graph["width"])]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_alarms_of_our_own_watch_metrics_that_exist(merged: dict[str, Any]) -> None:
    own = [alarm for alarm in alarms(merged).values() if alarm["Namespace"] == "Groundcrew"]
    sources = "".join(path.read_text() for path in (PROJECT / "chalicelib").rglob("*.py"))
    assert {alarm["MetricName"] for alarm in own} == {"AlertsUndeliverable", "NoticesFailed"}
    for alarm in own:
        assert f'("{alarm["MetricName"]}"' in sources
        assert alarm["Dimensions"] == [
            {"Name": "service", "Value": "groundcrew"},
            {"Name": "stage", "Value": {"Ref": "Stage"}},
        ]


def test_the_dashboard_shows_metrics_that_exist(merged: dict[str, Any]) -> None:
    widgets = json.loads(merged["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]
    own = [row for graph in widgets for row in graph["properties"].get("metrics", []) if row[0] == "Groundcrew"]
    sources = "".join(path.read_text() for path in (PROJECT / "chalicelib").rglob("*.py"))
    assert own
    for _, name, *dimensions in own:
        assert f'("{name}"' in sources
        assert dimensions[:4] == ["service", "groundcrew", "stage", "${Stage}"]


def test_a_pool_of_users_is_made_only_without_an_issuer(merged: dict[str, Any]) -> None:
    cognito = {name for name, each in merged["Resources"].items() if each["Type"].startswith("AWS::Cognito::")}
    assert cognito == {name for name, each in merged["Resources"].items() if each.get("Condition") == "OwnUsers"}
    told = merged["Globals"]["Function"]["Environment"]["Variables"]
    assert told["OIDC_ISSUER"]["Fn::If"] == [
        "OwnUsers",
        {"Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${Users}"},
        {"Ref": "OidcIssuer"},
    ]
    assert told["OIDC_AUDIENCE"]["Fn::If"] == ["OwnUsers", {"Ref": "ConsoleClient"}, {"Ref": "OidcAudience"}]
    # Nobody signs up by himself, and a browser keeps no secret.
    assert merged["Resources"]["Users"]["Properties"]["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    client = merged["Resources"]["ConsoleClient"]["Properties"]
    assert (client["GenerateSecret"], client["AllowedOAuthFlows"]) == (False, ["code"])
    assert client["LogoutURLs"] == client["CallbackURLs"]
    for page, url in zip(("console", "demo"), client["CallbackURLs"], strict=True):
        assert url["Fn::If"] == ["OwnDomain", {"Fn::Sub": f"${{PublicUrl}}/{page}"}, f"http://localhost:8000/{page}"]
        assert f"/{page}" in app.routes
    # It is asked for tokens elsewhere than at the issuer.
    told = functions(merged)["APIHandler"]["Environment"]["Variables"]
    domain = merged["Resources"]["UsersDomain"]["Properties"]["Domain"]["Fn::Sub"]
    assert told["COGNITO_URL"]["Fn::If"] == [
        "OwnUsers",
        {"Fn::Sub": f"https://{domain}.auth.${{AWS::Region}}.amazoncognito.com"},
        {"Ref": "CognitoUrl"},
    ]


def test_a_deployment_says_where_it_is(merged: dict[str, Any]) -> None:
    assert {"Url", "Dsn", "Console", "Issuer", "Audience", "Dashboard", "AlarmTopic"} <= merged["Outputs"].keys()
    assert merged["Outputs"]["Dsn"]["Condition"] == "Reporting"


def test_the_transcoder_has_its_share_of_executions(merged: dict[str, Any]) -> None:
    transcoder = functions(merged)["TranscodeUpload"]
    share = {"Fn::If": ["Reserving", {"Ref": "TranscoderConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert transcoder["ReservedConcurrentExecutions"] == share
    event = transcoder["Events"]["TranscodeUploadSqsEventSource"]["Properties"]
    assert event["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "TranscoderConcurrency"}}
