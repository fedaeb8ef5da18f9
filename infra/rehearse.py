"""The rehearsal: deploys what a deployment would ship to a cloud of its own, and runs the end-to-end tests against it.

The cloud (MiniStack) runs on this machine and is gone afterwards. It holds the functions to their IAM policies, and to
what is in the package: as in Lambda, what is missing there is missing.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

from infra import layer, local, package

STAGE: Final = "rehearsal"
NAME: Final = f"groundcrew-{STAGE}"

START_WITHIN_S: Final = 30
DEPLOY_WITHIN_S: Final = 120
STOP_WITHIN_S: Final = 10
LOOK_EVERY_S: Final = 0.2
LOG_SHOWN: Final = 4000  # characters

# MiniStack starts functions with the interpreter that it takes for its own: not that of .venv, which has every package.
_BARE: Final = (
    "import runpy, sys; sys.executable = sys._base_executable; "
    "runpy.run_module('infra.leash', run_name='__main__', alter_sys=True)"
)


class RehearsalError(Exception):
    """Why a deployment would not work, or could not be rehearsed."""


def main() -> int:
    """Rehearse; 0 when a deployment would work, 1 when not, 130 when stopped by Ctrl-C, SIGTERM or SIGHUP."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix=f"{NAME}-") as directory:
            rehearse(Path(directory))
    except (package.PackageError, layer.LayerError, RehearsalError, BotoCoreError, ClientError) as error:
        print(f"The rehearsal failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("The rehearsal was stopped.", file=sys.stderr)
        return 130
    print(f"The rehearsal went well ({time.monotonic() - began:.0f} s).")
    return 0


def rehearse(directory: Path) -> None:
    """Package, deploy and test, with every file in `directory`.

    Raises PackageError, LayerError, RehearsalError, and botocore's errors for what the cloud refuses.
    """
    cloud, issuer = (f"http://localhost:{port}" for port in _free_ports(2))
    _adopt(cloud)
    _say("Packaging, which takes half a minute when the code has changed:")
    built = package.build(STAGE, directory)
    for file in (built.code, built.layer):
        _say(f"  {file.name}  {file.stat().st_size / 1e6:.1f} MB, unpacked {package.unpacked_bytes(file) / 1e6:.1f} MB")
    if not layer.runs_on(built.runtime):
        _say(f"  Deploy from a newer Python: what Lambda runs {built.runtime} on is too old for ffmpeg.")
    template = directory / "template.json"
    template.write_text(json.dumps(built.located(f"s3://{NAME}")))
    _lint(template)

    key, secret, audience = secrets.token_hex(16), secrets.token_hex(16), "groundcrew"
    with _cloud(cloud, directory), _provider(issuer, directory):
        _wait_for(f"{cloud}/_ministack/health", directory)
        _wait_for(f"{issuer}/.well-known/openid-configuration", directory)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=NAME)
        for file in (built.code, built.layer, template):
            s3.upload_file(str(file), NAME, file.name)
        _say("Deploying:")
        outputs = deploy(
            f"{cloud}/{NAME}/{template.name}",
            {
                "Stage": STAGE,
                "IngestKey": key,
                "OidcIssuer": issuer,
                "OidcAudience": audience,
                "AllowedOrigins": "http://localhost:*",
                "StorageWebhookSecret": secret,
                "TranscoderConcurrency": "2",
            },
        )
        _mend()
        url = _open(cloud, outputs["RestAPIId"], urlsplit(outputs["EndpointURL"]).path.strip("/"))
        _wait_for(f"{url}/health", directory)
        _test(
            local.Stack(
                url=url,
                dsn=f"{url.replace('://', f'://{key}@')}/1",
                ingest_key=key,
                issuer=issuer,
                audience=audience,
                groups_claim="cognito:groups",
                storage_webhook_secret=secret,
                cloud_url=cloud,
            ),
            directory,
        )


def deploy(template_url: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Create the stack, telling of each resource as it is done; returns its outputs. Raises RehearsalError."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName=NAME,
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure="DO_NOTHING",
    )
    deadline = time.monotonic() + DEPLOY_WITHIN_S
    told: set[str] = set()
    reasons: list[str] = []
    while True:
        (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
        for event in reversed(cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]):
            status, resource = event["ResourceStatus"], event["LogicalResourceId"]
            if event["EventId"] in told or status.endswith("_IN_PROGRESS"):
                continue
            told.add(event["EventId"])
            _say(f"  {status}  {event['ResourceType']}  {resource}")
            if status.endswith("_FAILED"):
                reasons.append(f"{resource}: {event.get('ResourceStatusReason', 'no reason given')}")
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if stack["StackStatus"] != "CREATE_IN_PROGRESS":
            raise RehearsalError("\n  ".join([f"the stack is {stack['StackStatus']}:", *reasons]))
        if time.monotonic() > deadline:
            raise RehearsalError(f"the stack was not complete within {DEPLOY_WITHIN_S} s.")
        time.sleep(LOOK_EVERY_S)


def _mend() -> None:
    """Undo what MiniStack would stumble over: it keeps a parameter that is a number as text, and speaks no TLS."""
    lambdas = boto3.client("lambda")
    for source in lambdas.list_event_source_mappings()["EventSourceMappings"]:
        if "ScalingConfig" in source:
            most = int(source["ScalingConfig"]["MaximumConcurrency"])
            lambdas.update_event_source_mapping(UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": most})
    boto3.client("s3").delete_bucket_policy(Bucket=_physical("MediaBucket"))


def _physical(name: str) -> str:
    found = boto3.client("cloudformation").describe_stack_resource(StackName=NAME, LogicalResourceId=name)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _open(cloud: str, api_id: str, stage: str) -> str:
    """The URL of the API, once it answers as API Gateway would.

    MiniStack overlooks the gateway responses in the definition of an API, so they are set again, one by one.
    """
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
    _say(f"Testing {stack.url}:")
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
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(directory),
        "PYTHONNOUSERSITE": "1",
    }
    return _process(["-c", _BARE, "ministack"], environment, directory / "cloud.log")


def _provider(url: str, directory: Path) -> contextlib.AbstractContextManager[None]:
    command = ["-m", "infra.leash", "oidc_provider_mock", "--port", url.rpartition(":")[2]]
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


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
