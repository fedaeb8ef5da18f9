"""An AWS account for what deploys: on a real emulator, and new for every test."""

import functools
import itertools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import create_loader

from infra import deploy, destroy, local, package, stack
from tests.infra.deployments import packaged

REGION = "eu-central-1"
PATIENCE_S = 30

_numbers = itertools.count(1)
_create_loader = functools.cache(create_loader)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an emulator of all of AWS."""
    directory = tmp_path_factory.mktemp("aws")
    url = f"http://127.0.0.1:{stack._free_port('UNSAID', 0)}"
    command, environment = stack._cloud(local.Stack("", "", "", "", "", "", "", cloud_url=url), directory)
    all_of_it = {"SERVICES": "", "PERSIST_STATE": "0", "S3_PERSIST": "0", "LAMBDA_ACCOUNT_CONCURRENCY": "110"}
    with (
        (directory / "lock").open("w") as lock,
        stack._process((command, environment | all_of_it), directory / "log", lock),
    ):
        deadline = time.monotonic() + PATIENCE_S
        while not stack._answers(f"{url}/_ministack/health"):
            assert time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.05)
        yield url


@dataclass(frozen=True)
class Account:
    """An account that nobody else has, and what people type who have it."""

    id: str
    region: str
    session: Any
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def client(self, service: str) -> Any:
        return self.session.client(service)

    def deploy(self, template: dict[str, Any], *arguments: str) -> tuple[int, str]:
        """Exit status of a deploy, and what it said."""
        self.monkeypatch.setattr(package, "build", packaged(template))
        return deploy.main(arguments), self._said()

    def destroy(self, stage: str, **environment: str) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return destroy.main([stage]), self._said()

    def stack(self, stage: str) -> Any:
        (found,) = self.client("cloudformation").describe_stacks(StackName=f"groundcrew-{stage}")["Stacks"]
        return found

    def stacks(self) -> list[str]:
        """The stacks that there are, and what state they are in."""
        found = self.client("cloudformation").list_stacks()["StackSummaries"]
        return [f"{each['StackName']} {each['StackStatus']}" for each in found if "DELETE_C" not in each["StackStatus"]]

    def buckets(self) -> list[str]:
        return [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]

    def _said(self) -> str:
        captured = self.capsys.readouterr()
        return captured.out + captured.err


@pytest.fixture
def account(
    emulator: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Account]:
    """It is this process's, and of those that it starts."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("STAGE", "PARAMETERS", "DATA", "SURE"):
        monkeypatch.delenv(name, raising=False)
    number = f"{os.getpid():08}{next(_numbers):04}"
    settings = {
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ACCESS_KEY_ID": number,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # Each command has a session of its own, which would read all from disk again.
    monkeypatch.setattr(botocore.session, "create_loader", _create_loader)
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield Account(number, REGION, boto3.Session(), monkeypatch, capsys)
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
