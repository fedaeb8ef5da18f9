"""The rehearsal: deploys, updates and destroys a stage by the very commands for it, in a cloud of its own.

The end-to-end tests run against what was deployed. The cloud (MiniStack) runs on this machine and is gone afterwards.
It holds the functions to their IAM policies, and to what is in the package: as in Lambda, what is missing there is
missing.
"""

import base64
import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra import archive, deploy, destroy, local, package, terminal
from infra.terminal import say
from infra.token import token
from infra.troubles import Trouble

STAGE: Final = "rehearsal"
NAME: Final = deploy.name(STAGE)

START_WITHIN_S: Final = 30
STOP_WITHIN_S: Final = 10
LOOK_EVERY_S: Final = 0.2
LOG_SHOWN: Final = 4000  # characters

# MiniStack starts functions with the interpreter that it takes for its own: not that of .venv, which has every package.
_BARE: Final = (
    "import runpy, sys; sys.executable = sys._base_executable; "
    "runpy.run_module('infra.leash', run_name='__main__', alter_sys=True)"
)


# What of each service a deployment consists of: the calls that list it, and where in their answers.
_LISTS: Final = (
    ("apigateway", "get_rest_apis", "items"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("cloudwatch", "list_dashboards", "DashboardEntries"),
    ("dynamodb", "list_tables", "TableNames"),
    ("events", "list_rules", "Rules"),
    ("iam", "list_roles", "Roles"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings"),
    ("lambda", "list_functions", "Functions"),
    ("lambda", "list_layers", "Layers"),
    ("logs", "describe_log_groups", "logGroups"),
    ("s3", "list_buckets", "Buckets"),
    ("sns", "list_topics", "Topics"),
    ("sqs", "list_queues", "QueueUrls"),
)


class RehearsalError(Trouble):
    """Why a deployment would not work, or could not be rehearsed."""


def main() -> int:
    """Rehearse; returns the exit status, as `terminal.run` has it: 0 when a deployment would work."""
    return terminal.run(_rehearse, failed="The rehearsal failed: ", stopped="The rehearsal was stopped.")


def rehearse(directory: Path) -> None:
    """Deploy, test, update and destroy, with every file in `directory`.

    Raises PackageError, LayerError, Trouble, RehearsalError, and botocore's errors for what the cloud refuses.
    """
    cloud, issuer = (f"http://localhost:{port}" for port in _free_ports(2))
    _adopt(cloud)
    key, secret, audience = secrets.token_hex(16), secrets.token_hex(16), "groundcrew"
    with _cloud(cloud, directory), _provider(issuer, directory):
        _wait_for(f"{cloud}/_ministack/health", directory)
        _wait_for(f"{issuer}/.well-known/openid-configuration", directory)
        given = {
            "IngestKey": key,
            "OidcIssuer": issuer,
            "OidcAudience": audience,
            "AllowedOrigins": "http://localhost:*",
            "StorageWebhookSecret": secret,
            "DemoPage": "true",
            "TranscoderConcurrency": "2",
        }
        deployed = deploy.deploy(STAGE, given, lambda _: _packaged(directory), _unasked)
        _mend()
        url = _open(cloud, deployed.outputs)
        _wait_for(f"{url}/health", directory)
        stack = local.Stack(
            url=url,
            dsn=f"{url.replace('://', f'://{key}@')}/1",
            ingest_key=key,
            issuer=issuer,
            audience=audience,
            groups_claim="cognito:groups",
            storage_webhook_secret=secret,
            cloud_url=cloud,
        )
        _test(stack, directory)
        _update(stack, directory)
        destroy.destroy(STAGE, _unasked, data=True)
        _require_empty()


def _rehearse() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{NAME}-") as directory:
        try:
            rehearse(Path(directory))
        except (BotoCoreError, ClientError) as error:
            raise RehearsalError(str(error)) from error
    say(f"The rehearsal went well ({time.monotonic() - began:.0f} s).")


@functools.cache
def _packaged(directory: Path) -> package.Package:
    built = package.build(directory)
    template = directory / "template.json"
    template.write_text(json.dumps(built.located("s3://place")))
    _lint(template)
    return built


def _unasked() -> bool:
    return True


def _update(stack: local.Stack, directory: Path) -> None:
    """Deploy other code and another parameter into the stack that runs, in which what was reported stays."""
    built = _packaged(directory)
    with zipfile.ZipFile(built.code) as code:
        files = {name: code.read(name) for name in code.namelist()}
    other = archive.write(directory, "code", files | {"rehearsed.txt": b"other code"})
    digest = base64.b64encode(hashlib.sha256(other.read_bytes()).digest()).decode()
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=START_WITHIN_S) as api:
        admin = {"Authorization": f"Bearer {token(stack, 'admin', 'admin-1')}"}
        report = {"error_key": "rehearsed", "description": {"seen": "before the update"}}
        reported = _answer(api.post("/incidents", json=report, headers={"X-Ingest-Key": stack.ingest_key}), 202)
        changed = dataclasses.replace(built, code=other)
        deployed = deploy.deploy(STAGE, {"MaxUploadBytes": "68"}, lambda _: changed, _unasked)
        _mend()
        _open(stack.cloud_url, deployed.outputs)
        functions = boto3.client("lambda").list_functions()["Functions"]
        for function in functions:
            if function["CodeSha256"] != digest:
                raise RehearsalError(f"{function['FunctionName']} does not run the code of the update.")
        found = _answer(api.get(f"/incidents/{reported['incident_id']}", headers=admin), 200)
        if found["description"] != report["description"]:
            raise RehearsalError(f"what was reported before the update is {found} after it.")
        upload = {"file_name": "a.jpg", "content_type": "image/jpeg", "size_bytes": 69}
        customer = {"Authorization": f"Bearer {token(stack, 'customer', 'customer-68')}"}
        _answer(api.post("/media", json=upload, headers=customer), 413)
    say(f"After the update {len(functions)} functions run the new code and its parameter, on the data from before.")


def _answer(response: httpx.Response, expected: int) -> Any:
    if response.status_code != expected:
        raise RehearsalError(
            f"{response.request.method} {response.request.url} answered {response.status_code}, not {expected}: "
            f"{response.text}"
        )
    return response.json()


def _require_empty() -> None:
    """Raise RehearsalError when anything is left of the stage."""
    session: Any = boto3.Session()
    left = [
        f"{service} {found}"
        for service, operation, key in _LISTS
        for found in getattr(session.client(service), operation)().get(key, [])
        if "groundcrew-artifacts-" not in str(found)
    ]
    if left:
        raise RehearsalError("\n  ".join(["after the destroy there still is", *left]))


def _mend() -> None:
    """Undo what MiniStack would stumble over: it keeps a parameter that is a number as text, and speaks no TLS."""
    lambdas = boto3.client("lambda")
    for source in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        if "ScalingConfig" in source:
            most = int(source["ScalingConfig"]["MaximumConcurrency"])
            lambdas.update_event_source_mapping(UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": most})
    cloudformation = boto3.client("cloudformation")
    for name in ("EventsBucket", "MediaBucket"):
        found = cloudformation.describe_stack_resource(StackName=NAME, LogicalResourceId=name)
        bucket = found["StackResourceDetail"]["PhysicalResourceId"]
        boto3.client("s3").delete_bucket_policy(Bucket=bucket)


def _open(cloud: str, outputs: Mapping[str, str]) -> str:
    """The URL of the API, once it answers as API Gateway would.

    MiniStack overlooks the gateway responses in the definition of an API, so they are set again, one by one.
    """
    api_id, stage = outputs["RestAPIId"], urlsplit(outputs["EndpointURL"]).path.strip("/")
    template = boto3.client("cloudformation").get_template(StackName=NAME, TemplateStage="Processed")["TemplateBody"]
    definition = template["Resources"]["RestAPI"]["Properties"]["Body"]
    apigateway = boto3.client("apigateway")
    for kind, response in definition["x-amazon-apigateway-gateway-responses"].items():
        apigateway.put_gateway_response(restApiId=api_id, responseType=kind, **response)
    apigateway.create_deployment(restApiId=api_id, stageName=stage)
    return f"{cloud}/_aws/execute-api/{api_id}/{stage}"


def _test(stack: local.Stack, directory: Path) -> None:
    os.environ |= {"GROUNDCREW_URL": stack.url, "GROUNDCREW_LOCAL_DIR": str(directory)}
    local.announce(stack)
    say(f"Testing {stack.url}:")
    tested = subprocess.run([sys.executable, "-m", "pytest", "tests/e2e"], cwd=local.PROJECT, check=False)
    if tested.returncode:
        raise RehearsalError(f"end-to-end tests failed. What the functions logged as errors:\n{_errors()}")


def _errors() -> str:
    """What the functions logged last as errors."""
    logs = boto3.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    errors = [logs.filter_log_events(logGroupName=group["logGroupName"], filterPattern="ERROR") for group in groups]
    return "\n".join(event["message"] for found in errors for event in found["events"])[-LOG_SHOWN:] or "nothing"


def _lint(template: Path) -> None:
    command = [Path(sys.executable).with_name("cfn-lint"), template]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    if checked.returncode:
        raise RehearsalError(f"cfn-lint objects to the packaged template:\n{checked.stdout}{checked.stderr}")


def _adopt(cloud: str) -> None:
    """Work with the rehearsal's cloud, out of reach of whatever AWS account the user works with."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ENDPOINT_URL": cloud,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    # Packages may well come through a proxy, but what runs here does not.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "localhost"]))


def _cloud(url: str, directory: Path) -> contextlib.AbstractContextManager[None]:
    """MiniStack. The functions inherit its environment, so there is next to nothing in it."""
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": url.rpartition(":")[2],
        "AUTH": "true",
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(directory),
        "PYTHONNOUSERSITE": "1",
    }
    return _process(["-c", _BARE, "ministack"], environment, directory / "cloud.log")


def _provider(url: str, directory: Path) -> contextlib.AbstractContextManager[None]:
    command = ["-m", "infra.leash", "infra.issuer", "--port", url.rpartition(":")[2]]
    return _process(command, {"NO_COLOR": "1"}, directory / "oidc.log")


@contextlib.contextmanager
def _process(arguments: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Python as a process, in a session of its own: a Ctrl-C is this process's to handle, in order."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=local.PROJECT,
            env={"PATH": os.environ["PATH"]} | environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(url: str, directory: Path) -> None:
    """Wait until something answers there, and raise RehearsalError unless it is content."""
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            answer = httpx.get(url, timeout=START_WITHIN_S)
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                logs = "".join(log.read_text()[-LOG_SHOWN:] for log in sorted(directory.glob("*.log")))
                raise RehearsalError(f"nothing answered at {url} within {START_WITHIN_S} s.\n{logs}") from error
            time.sleep(LOOK_EVERY_S)
        else:
            if answer.is_success:
                return
            raise RehearsalError(f"{url} answered {answer.status_code}: {answer.text}")


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as sockets:
        listeners = [sockets.enter_context(socket.socket()) for _ in range(number)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


if __name__ == "__main__":
    sys.exit(main())
