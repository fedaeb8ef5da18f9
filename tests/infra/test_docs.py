"""The documentation says of the system what is there: alarms, parameters, targets, routes, names, files."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3
import pytest
from chalice.app import SQSEventConfig

from app import app
from infra import deploy, template
from infra.local import PROJECT

DOCS = sorted((PROJECT / "docs").glob("*.md"))
PAGES = [*DOCS, PROJECT / "README.md"]
RUNBOOK, DEPLOYING, RESTORE = (
    (PROJECT / f"docs/{name}.md").read_text() for name in ("runbook", "deploying", "upgrade-and-restore")
)
TEMPLATE = template.load()
OUTPUTS_OF_CHALICE = {"EndpointURL", "RestAPIId"}
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(text: str, language: str) -> list[str]:
    return [dedent(body) for kind, body in FENCE.findall(text) if kind == language]


def spans(text: str) -> list[str]:
    """What stands in backticks within sentences."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))


def code(text: str) -> str:
    """Everything that is code, a piece a line."""
    return "\n".join([*(body for _, body in FENCE.findall(text)), *spans(text)])


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the template's resources of a type, by their logical ids."""
    return {
        name: resource["Properties"]
        for name, resource in TEMPLATE["Resources"].items()
        if resource.get("Type") == f"AWS::{kind}"
    }


def anchors(text: str) -> set[str]:
    """Where a page's headings can be linked to, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def parts(name: Any) -> str:
    """A name without the stage and the account in it."""
    text: str = name["Fn::Sub"]
    return text.removeprefix("groundcrew-${Stage}").removeprefix("-").removesuffix("-${AWS::AccountId}")


# -- the runbook ------------------------------------------------------------------------------------------------------


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    alarms = {parts(alarm["AlarmName"]) for alarm in of_type("CloudWatch::Alarm").values()}
    sections = re.findall(r"^## (.*)$", RUNBOOK, re.MULTILINE)
    assert sections[0] == "Before anything"
    assert sorted(sections[1:]) == sorted(alarms)


def test_every_section_of_an_alarm_says_what_to_do() -> None:
    for section in RUNBOOK.split("\n## ")[2:]:
        for said in ("**Means:**", "**Felt by:**", "**First five minutes:**", "**Causes and cures:**"):
            assert section.count(said) == 1, section[:40]


def test_what_is_said_of_queues_is_so() -> None:
    queues = {parts(queue["QueueName"]): queue for queue in of_type("SQS::Queue").values()}
    assert set(re.findall(r"^\| `([\w-]+)` \|", RUNBOOK, re.MULTILINE)) == set(queues)
    readers = [source for source in app.event_sources if isinstance(source, SQSEventConfig)]
    reads = {str(reader.queue).removeprefix("groundcrew-test-"): reader for reader in readers}
    for name, queue in queues.items():
        (row,) = re.findall(rf"^\| `{name}` \|(.*)\|$", RUNBOOK, re.MULTILINE)
        if name == "dead-letters":
            assert f"{queue['MessageRetentionPeriod'] // 86400} days" in row
            continue
        assert reads[name].name in row
        size = reads[name].batch_size
        assert ("one at a time" if size == 1 else f"{size} at once") in row
        assert f"{queue['RedrivePolicy']['maxReceiveCount']} times" in row
        end = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert f"`{parts(TEMPLATE['Resources'][end]['Properties']['QueueName'])}`" in row


def test_the_shell_asks_for_what_the_stack_has() -> None:
    chalice = json.loads((PROJECT / ".chalice/config.json").read_text())["lambda_functions"]
    functions = {"".join(word.capitalize() for word in name.split("_")) for name in chalice} - {"ApiHandler"} | {
        "APIHandler"
    }
    queues = {parts(queue["QueueName"]) for queue in of_type("SQS::Queue").values()}
    text = code(RUNBOOK)
    assert set(re.findall(r"\b(?:fn|errors|crashes) ([A-Z]\w+)", text)) == functions
    assert set(re.findall(r"\b(?:queue|arn|depth) ([a-z][\w-]+)", text)) <= queues
    for page in PAGES:
        assert set(re.findall(r"\$\(output (\w+)\)", code(page.read_text()))) <= {
            *TEMPLATE["Outputs"],
            *OUTPUTS_OF_CHALICE,
        }


# -- deploying --------------------------------------------------------------------------------------------------------


def test_every_parameter_is_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*) \|$", DEPLOYING, re.MULTILINE)
    declared = {name: str(each["Default"]) or '""' for name, each in TEMPLATE["Parameters"].items() if name != "Stage"}
    assert {name: default for name, default, _ in rows} == declared
    assert len(rows) == len(declared)


@PAGE
def test_every_parameter_that_is_given_exists_and_may_have_that_value(page: Path) -> None:
    text = code(page.read_text())
    given = [pair for words in re.findall(r"PARAMETERS=(['\"])(.*?)\1", text, re.DOTALL) for pair in words[1].split()]
    given += [span for span in spans(page.read_text()) if re.fullmatch(r"[A-Z][a-z]\w+=\S*", span)]
    for name, _, value in (pair.partition("=") for pair in given if pair != "\\"):
        assert name in TEMPLATE["Parameters"], name
        known = value and not re.search(r"[$<…]", value)
        if known and (allowed := TEMPLATE["Parameters"][name].get("AllowedValues")):
            assert value in allowed
        if known and (pattern := TEMPLATE["Parameters"][name].get("AllowedPattern")):
            assert re.fullmatch(pattern, value), value


def test_every_output_is_named() -> None:
    assert set(TEMPLATE["Outputs"]) <= set(spans(DEPLOYING))


def test_the_policy_of_the_deploying_user_reaches_everything_that_is_made() -> None:
    (policy,) = (json.loads(block) for block in blocks(DEPLOYING, "json"))
    granted = {action.split(":")[0] for each in policy["Statement"] for action in [*_listed(each["Action"])]}
    services = {
        "DynamoDB": "dynamodb",
        "S3": "s3",
        "SQS": "sqs",
        "SNS": "sns",
        "CloudWatch": "cloudwatch",
        "Cognito": "cognito-idp",
    }
    made = {str(resource["Type"]).split("::")[1] for resource in TEMPLATE["Resources"].values() if "Type" in resource}
    # Of a serverless template come functions, their roles, logs and rules, and the API.
    assert {services[kind] for kind in made - {"Serverless"}} <= granted
    assert {"lambda", "iam", "logs", "events", "apigateway", "cloudformation", "sts"} <= granted
    assert deploy.name("x") == "groundcrew-x"


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


# -- every page -------------------------------------------------------------------------------------------------------


@PAGE
def test_every_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for line in re.findall(r"\bmake ((?:[a-z][a-z-]*(?: |$))+)", code(page.read_text()), re.MULTILINE)
        for word in line.split()
    }
    assert named <= targets


@PAGE
def test_every_route_that_is_named_exists(page: Path) -> None:
    text = code(page.read_text())
    routes = {re.sub(r"\{\w+\}", "{}", path): methods for path, methods in app.routes.items()}
    for method, path in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/{}.-]+)", text):
        assert method in routes[re.sub(r"\{\w+\}", "{}", path)], (method, path)
    for path in re.findall(r"(?:\$URL|\$\{env\.GROUNDCREW_URL\}|\.example\.com)(/[^\s'\"?`)#]+)", text):
        # A page, API Gateway's stage, and the project that a DSN ends with.
        if path not in {"/console", "/api", "/1"}:
            known = any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), path) for route in app.routes)
            assert known, path


@PAGE
def test_every_name_of_a_resource_is_one_of_the_template(page: Path) -> None:
    names = {"TableName", "QueueName", "BucketName", "AlarmName", "TopicName", "DashboardName"}
    declared = {
        parts(value)
        for resource in TEMPLATE["Resources"].values()
        for key, value in resource["Properties"].items()
        if key in names
    }
    found = re.findall(r"groundcrew-(?:prod|\$STAGE|<stage>)((?:-[a-z]+)*)", code(page.read_text()))
    # A name of the shell's own may follow, or one that an operator makes.
    assert {name.removeprefix("-").removesuffix("-restored") for name in found} <= declared


@PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text()), target


@PAGE
def test_every_file_that_is_named_exists(page: Path) -> None:
    for span in spans(page.read_text()):
        if re.fullmatch(r"(?:bench|chalicelib|docs|infra|tests|\.chalice)(?:/[\w./-]*)?|requirements[\w-]*\.txt", span):
            assert (PROJECT / span).exists(), span


@PAGE
def test_what_is_data_can_be_read(page: Path) -> None:
    text = page.read_text()
    for block in blocks(text, "json"):
        json.loads(block)
    for block in blocks(text, "toml"):
        tomllib.loads(block)
    for block in blocks(text, "python"):
        compile(block, page.name, "exec")
    for block in blocks(text, "sh"):
        assert subprocess.run(["bash", "-n"], input=block, text=True, check=False).returncode == 0, block


def test_readme_leads_to_every_page() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert sorted(set(re.findall(r"\]\(docs/([\w-]+\.md)\)", readme))) == [page.name for page in DOCS]


def test_the_picture_has_every_queue_and_function() -> None:
    (picture,) = blocks((PROJECT / "docs/architecture.md").read_text(), "mermaid")
    assert picture.startswith("flowchart ")
    for source in app.event_sources:
        assert source.name in picture
        queue = getattr(source, "queue", "").removeprefix("groundcrew-test-")
        assert queue in picture


# -- restoring --------------------------------------------------------------------------------------------------------


@pytest.fixture
def tables(cloud: None) -> Any:
    """A tasks table that lost a row and spoilt another, and beside it the same as it was."""
    dynamodb: Any = boto3.resource("dynamodb")
    target = dynamodb.Table("groundcrew-test-tasks")
    source = dynamodb.create_table(
        TableName="restored",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=target.key_schema,
        AttributeDefinitions=[each for each in target.attribute_definitions if each["AttributeName"] in {"pk", "sk"}],
    )
    rows: tuple[dict[str, Any], ...] = (
        {"pk": "TI#1", "sk": "D#2026-11-20", "title": "lost"},
        {"pk": "TI#1", "sk": "D#2026-11-21", "title": "as it was"},
        {"pk": "TI#1", "sk": "D#2026-11-22", "title": "expired", "ttl": 1},
        {"pk": "TD#1", "sk": "META", "title": "of another prefix"},
    )
    for row in rows:
        source.put_item(Item=row)
    target.put_item(Item={"pk": "TI#1", "sk": "D#2026-11-21", "title": "spoilt"})
    target.put_item(Item={"pk": "TI#2", "sk": "D#2026-11-21", "title": "newer"})
    return target


@pytest.mark.parametrize(
    ("which", "titles", "told"),
    [
        ("missing", ["lost", "spoilt", "newer"], "1 rows copied, 1 were there"),
        ("all", ["lost", "as it was", "newer"], "2 rows copied, 0 were there"),
    ],
)
def test_rows_are_copied_back_by_the_script_of_the_page(
    tables: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    which: str,
    titles: list[str],
    told: str,
) -> None:
    (script,) = blocks(RESTORE, "python")
    file = tmp_path / "copy_rows.py"
    file.write_text(script)
    monkeypatch.setattr(sys, "argv", [file.name, "restored", tables.name, which, "TI#"])
    runpy.run_path(str(file))
    rows = sorted(tables.scan()["Items"], key=lambda row: (row["pk"], row["sk"]))
    assert [row["title"] for row in rows] == titles
    assert capsys.readouterr().out.strip() == told
