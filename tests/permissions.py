"""Permissions: what each function asks of AWS while the tests run, held against what its policy allows.

A pytest plugin. A call that a function's policy does not allow fails the test that led to it. A run of all tests that
passes fails in the end where a policy allows what no test has seen its function need.

A call is the function's own that code of its entry in app.py makes, in the thread that entered. What a tap or a stub
does in its place (`tests.faults`, `tests.store`) is nobody's.
"""

import functools
import json
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from botocore.handlers import BUILTIN_HANDLERS
from chalice.app import Chalice, EventSourceHandler
from chalice.utils import serialize_to_json

from chalicelib import queues
from infra import template

API: Final = "api_handler"


class Need(NamedTuple):
    """What a function asks for: an IAM action, such as `s3:GetObject`, on a resource, such as `bucket/key`."""

    function: str
    action: str
    resource: str


class Grant(NamedTuple):
    """What a policy allows its function, as the policy has it: an action, and a resource such as `${Tasks.Arn}`."""

    function: str
    action: str
    resource: str


# -- what AWS asks for -------------------------------------------------------------------------------------------------

_OBJECTS: Final = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObject": "DeleteObject",
    "ListParts": "ListMultipartUploadParts",
    "PutObject": "PutObject",
}
_SIGNED: Final = {"GetObject": "GetObject", "PutObject": "PutObject", "UploadPart": "PutObject"}


class Unmapped(Exception):
    """Nobody has written down yet what AWS asks for an operation."""


def needed(service: str, operation: str, parameters: Mapping[str, Any]) -> set[tuple[str, str]]:  # noqa: C901  # a table
    """The actions that AWS asks for before it carries out an operation, and on which resources. Raises Unmapped.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/ (DynamoDB, S3, SES, SNS, SQS) and
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    asked: set[tuple[str, str]]
    match service, operation:
        case "dynamodb", "DeleteItem" | "GetItem" | "PutItem" | "UpdateItem":
            asked = {(operation, parameters["TableName"])}
        case "dynamodb", "Query":
            index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            asked = {(operation, parameters["TableName"] + index)}
        case "dynamodb", "BatchGetItem" | "BatchWriteItem":
            asked = {(operation, table) for table in parameters["RequestItems"]}
        case "dynamodb", "TransactWriteItems":
            acts = [act for item in parameters["TransactItems"] for act in item.items()]
            asked = {(f"{kind}Item", act["TableName"]) for kind, act in acts}
        case "s3", "GetObject" | "HeadObject":
            # Without a look at the bucket, what is absent is forbidden.
            asked = {("GetObject", _key(parameters)), ("ListBucket", parameters["Bucket"])}
        case "s3", "ListObjectsV2":
            asked = {("ListBucket", parameters["Bucket"])}
        case "s3", _ if operation in _OBJECTS:
            asked = {(_OBJECTS[operation], _key(parameters))}
        case "sqs", "GetQueueUrl":
            asked = {(operation, parameters["QueueName"])}
        case "sqs", "ChangeMessageVisibility" | "GetQueueAttributes" | "SendMessage" | "SendMessageBatch":
            asked = {(operation.removesuffix("Batch"), parameters["QueueUrl"].rpartition("/")[2])}
        case "sns", "Publish":
            asked = {(operation, parameters["TopicArn"].rpartition(":")[2])}
        case "sesv2", "SendEmail":
            # The same as of the service's first version, by the same name.
            return {("ses:SendEmail", f"identity/{parameters['FromEmailAddress']}")}
        case _:
            raise Unmapped(f"{service}:{operation}")
    return {(f"{service}:{action}", resource) for action, resource in asked}


def needed_to_sign(operation: str, parameters: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The same for what S3 does for whoever has a URL that the function has signed: the rights are the function's."""
    if operation not in _SIGNED:
        raise Unmapped(f"s3:{operation} by a signed URL")
    return {(f"s3:{_SIGNED[operation]}", _key(parameters))}


def _key(parameters: Mapping[str, Any]) -> str:
    return f"{parameters['Bucket']}/{parameters['Key']}"


# -- what policies allow -----------------------------------------------------------------------------------------------


@functools.cache
def merged() -> dict[str, Any]:
    """The template of a package, as CloudFormation gets it: Chalice puts objects of its own into it."""
    found: dict[str, Any] = json.loads(serialize_to_json(template.merged("prod")))
    return found


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every function, by the name that it has in app.py."""
    found = [
        each["Properties"] for each in merged()["Resources"].values() if each["Type"] == "AWS::Serverless::Function"
    ]
    names = [properties["Handler"].removeprefix("app.") for properties in found]
    return {API if name == "app" else name: each for name, each in zip(names, found, strict=True)}


def statements(function: str) -> list[dict[str, Any]]:
    """Those of a function's policy."""
    role = functions()[function]["Role"]["Fn::GetAtt"][0]
    (policy,) = merged()["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


@functools.cache
def grants() -> tuple[Grant, ...]:
    """All that policies allow, but for logs, which are Lambda's own."""
    return tuple(
        Grant(function, action, resource["Fn::Sub"])
        for function in functions()
        for statement in statements(function)
        if statement["Sid"] != "Logs"
        for resource in _listed(statement["Resource"])
        for action in statement["Action"]
    )


def taken_by_lambda() -> set[Need]:
    """What Lambda does in a function's name: it takes messages from the queue that is the function's event source.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
    """
    sources = [
        (function, event["Properties"]["Queue"]["Fn::Sub"])
        for function, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    return {
        Need(function, f"sqs:{action}", named(queue))
        for function, queue in sources
        for action in ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    }


@functools.cache
def named(resource: str) -> str:
    """A resource of a policy by its name in tests: `${Tasks.Arn}/index/*` is `groundcrew-test-tasks/index/*`."""
    if resource.startswith("arn:"):
        return resource.rpartition(":")[2]
    # What a topic is referred to by is its ARN.
    logical, _, within = resource.replace(".Arn}", "}").removeprefix("${").partition("}")
    properties = merged()["Resources"][logical]["Properties"]
    (name,) = [
        str(properties[each]["Fn::Sub"])
        for each in ("BucketName", "QueueName", "TableName", "TopicName")
        if each in properties
    ]
    return name.replace("${Stage}", "test").removesuffix("-${AWS::AccountId}") + within


def allowing(need: Need, allowed: Sequence[Grant]) -> Grant | None:
    """The first grant that covers a need. What it covers needs no other."""
    for grant in allowed:
        if grant[:2] == need[:2] and fnmatchcase(need.resource, named(grant.resource)):
            return grant
    return None


def _listed(resources: Any) -> list[Any]:
    return resources if isinstance(resources, list) else [resources]


# -- what functions do -------------------------------------------------------------------------------------------------

_function: ContextVar[str | None] = ContextVar("function", default=None)
_last: str | None = None
_needs: set[Need] = set()
_unmapped: set[str] = set()


@contextmanager
def _within(function: str | None) -> Iterator[None]:
    token = _function.set(function)
    try:
        yield
    finally:
        _function.reset(token)


def _entered(enter: Callable[..., Any], name: Callable[[Any], str | None]) -> Callable[..., Any]:
    @functools.wraps(enter)
    def entered(entry: Any, event: Any, context: Any) -> Any:
        global _last  # noqa: PLW0603  # there is one process
        function = name(entry)
        if function is not None and function != _last:
            # No function finds what another has found out: each has containers of its own.
            queues._url.cache_clear()
            _last = function
        with _within(function):
            return enter(entry, event, context)

    return entered


def _of_handler(handler: EventSourceHandler) -> str | None:
    return handler.func.__name__ if handler.func.__module__ == "app" else None


def _of_app(app: Chalice) -> str | None:
    return API if app is getattr(sys.modules.get("app"), "app", None) else None


def _note(find: Callable[..., set[tuple[str, str]]], *call: Any) -> None:
    function = _function.get()
    if function is None:
        return
    try:
        _needs.update(Need(function, *asked) for asked in find(*call))
    except Unmapped as unmapped:
        _unmapped.add(f"{function} calls {unmapped}: say in tests/permissions.py what AWS asks for that.")


class _Recorded:
    """The base of every client before botocore's own, so that whatever else stands in for that comes after it."""

    def _make_api_call(self, operation: str, parameters: dict[str, Any]) -> Any:
        client: Any = self
        _note(needed, client.meta.service_model.service_name, operation, parameters)
        with _within(None):
            return super()._make_api_call(operation, parameters)  # type: ignore[misc]  # botocore's


def _record(class_attributes: dict[str, Any], base_classes: list[type], **_: Any) -> None:
    sign = class_attributes["generate_presigned_url"]

    def noted(client: Any, ClientMethod: str, Params: dict[str, Any], **given: Any) -> Any:  # noqa: N803  # botocore's
        _note(needed_to_sign, client.meta.method_to_api_mapping[ClientMethod], Params)
        return sign(client, ClientMethod, Params, **given)

    class_attributes["generate_presigned_url"] = noted
    base_classes.insert(0, _Recorded)


# -- the plugin --------------------------------------------------------------------------------------------------------

_used: set[Grant] = set()
_ran: set[Path] = set()
_deselected = False
_unused: list[str] = []


def pytest_configure() -> None:
    BUILTIN_HANDLERS.append(("creating-client-class", _record))
    Chalice.__call__ = _entered(Chalice.__call__, _of_app)  # type: ignore[method-assign]  # around every entry
    EventSourceHandler.__call__ = _entered(EventSourceHandler.__call__, _of_handler)  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    try:
        return (yield)
    finally:
        if refused := _settled():
            pytest.fail("\n".join(refused), pytrace=False)


def _settled() -> list[str]:
    """Note what was used since the last time; returns what was not allowed, in words."""
    refused = sorted(_unmapped)
    for need in sorted(_needs):
        if grant := allowing(need, grants()):
            _used.add(grant)
        else:
            refused.append(
                f"{need.function} needs {need.action} on {need.resource}, "
                f"which .chalice/policy-{need.function}.json does not allow."
            )
    _needs.clear()
    _unmapped.clear()
    return refused


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _ran.add(Path(report.location[0]))


def pytest_deselected() -> None:
    global _deselected  # noqa: PLW0603  # there is one run
    _deselected = True


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist has seen; one that crashed has said nothing."""
    global _deselected  # noqa: PLW0603  # as above
    used, deselected = getattr(node, "workeroutput", {}).get("permissions", ([], True))
    _used.update(Grant(*each) for each in used)
    _deselected |= deselected


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["permissions"] = ([list(grant) for grant in _used], _deselected)
    elif session.exitstatus == pytest.ExitCode.OK and not _deselected and _ran >= _files(session.config):
        _unused.extend(unused(_used))
        if _unused:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unused:
        terminalreporter.section("unused permissions", red=True, bold=True)
        for line in _unused:
            terminalreporter.line(line)


def unused(used: set[Grant]) -> list[str]:
    """What policies allow beyond what was used and what Lambda takes, in words."""
    taken = {allowing(need, grants()) for need in taken_by_lambda()}
    return [
        f".chalice/policy-{function}.json allows {action} on {resource}, which no test has seen {function} need: "
        "take it away, or test what needs it."
        for function, action, resource in grants()
        if (function, action, resource) not in used | taken
    ]


def _files(config: pytest.Config) -> set[Path]:
    """All files of tests: a run of fewer does not say what is unused."""
    places = [config.rootpath / place for place in config.getini("testpaths")]
    return {file.relative_to(config.rootpath) for place in places for file in place.rglob("test_*.py")}
