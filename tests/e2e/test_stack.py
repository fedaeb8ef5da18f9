"""The stack as the person who runs it sees it; what does not stop it is asked of a deployment too."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from infra import local
from infra.token import token
from tests.e2e.conftest import STOP_WITHIN_S, Run, launched, started

local_only = pytest.mark.skipif("GROUNDCREW_URL" in os.environ, reason="starts stacks of its own")

REPORT = {"error_key": "proof", "description": {"file_name": "IMG_2392.mov", "note": "naïve 🙂"}}


@pytest.fixture(scope="module")
def http(stack: local.Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=30) as client:
        yield client


def children(run: Run) -> list[int]:
    listing = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="], text=True)
    pairs = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, parent in pairs if parent == str(run.process.pid)]


def wait_until_all_are_gone(run: Run) -> None:
    """A stack's processes hold its lock, each of them."""
    deadline = time.monotonic() + STOP_WITHIN_S
    with (run.directory / "lock").open() as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.monotonic() < deadline, children(run)
                time.sleep(0.05)
            else:
                return


def report(stack: local.Stack) -> str:
    answer = httpx.post(f"{stack.url}/incidents", json=REPORT, headers={"X-Ingest-Key": stack.ingest_key})
    assert answer.status_code == 202, answer.text
    incident_id: str = answer.json()["incident_id"]
    return incident_id


def described(stack: local.Stack, incident_id: str) -> dict[str, str]:
    admin = {"Authorization": f"Bearer {token(stack, 'admin', 'admin-1')}"}
    answer = httpx.get(f"{stack.url}/incidents/{incident_id}", headers=admin)
    assert answer.status_code == 200, answer.text
    description: dict[str, str] = answer.json()["description"]
    return description


def test_health(http: httpx.Client) -> None:
    answer = http.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["X-Correlation-Id"]


def test_a_token_says_who_somebody_is(stack: local.Stack) -> None:
    claims = jwt.decode(token(stack, "customer", "customer-68"), options={"verify_signature": False})
    assert claims["sub"] == "customer-68"
    assert claims[stack.groups_claim] == ["customer"]
    assert (claims["iss"], claims["aud"]) == (stack.issuer, [stack.audience])


def test_a_chunked_body_without_a_type_arrives(http: httpx.Client, stack: local.Stack) -> None:
    body = iter([json.dumps(REPORT).encode()])
    answer = http.post("/incidents", content=body, headers={"X-Ingest-Key": stack.ingest_key})
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("path", ["/nope", "/incidents/1/2/3", "/"])
def test_an_unknown_path_is_a_404_in_the_form_of_every_error(http: httpx.Client, path: str) -> None:
    answer = http.get(path, headers={"Origin": "https://school.example"})
    assert answer.status_code == 404
    assert answer.json()["Code"] == "NotFound"
    assert answer.json()["Message"].endswith(".")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Correlation-Id"]


@local_only
def test_data_survives_a_restart(tmp_path: Path) -> None:
    with started(tmp_path) as run:
        stack = run.stack
        assert run.terminal.startswith(f"Groundcrew is ready on {stack.url} ")
        assert stack.dsn in run.terminal
        incident_id = report(stack)
        processes = children(run)
        assert len(processes) == 2
        assert run.stop() == 0
        assert "POST /incidents 202" in run.terminal
        for pid in processes:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        with pytest.raises(local.NotRunning):
            _ = run.stack
    with started(tmp_path) as run:
        assert described(run.stack, incident_id) == REPORT["description"]
        for pid in children(run):
            os.kill(pid, signal.SIGKILL)
        assert run.process.wait(STOP_WITHIN_S) == 1
        assert "ended by itself" in run.terminal
        wait_until_all_are_gone(run)


@local_only
def test_a_kill_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as run:
        incident_id = report(run.stack)
        run.process.kill()
        run.process.wait()
        wait_until_all_are_gone(run)
        with pytest.raises(local.NotRunning):  # though it is still announced
            _ = run.stack
    with started(tmp_path) as run:
        assert described(run.stack, incident_id) == REPORT["description"]


@local_only
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM to make"])
def test_make_run_leaves_nothing(tmp_path: Path, how: str) -> None:
    own = local.PROJECT / ".venv"
    if Path(sys.prefix) != own or own.is_symlink():
        pytest.skip("make would set up .venv first")
    with started(tmp_path, command=("make", "run")) as run:
        if how == "Ctrl-C":
            os.killpg(run.process.pid, signal.SIGINT)  # as a terminal does: to all in the foreground
        else:
            run.process.terminate()
        run.process.wait(STOP_WITHIN_S)
        wait_until_all_are_gone(run)
        assert not (run.directory / "stack.json").exists()
        assert "Traceback" not in run.terminal


@local_only
@pytest.mark.parametrize("variable", ["PORT", "CLOUD_PORT", "OIDC_PORT"])
def test_a_port_in_use_is_said_in_a_sentence(stack: local.Stack, tmp_path: Path, variable: str) -> None:
    port = str(urlsplit(stack.url).port)
    with launched(tmp_path, **{variable: port}) as run:
        assert run.process.wait(STOP_WITHIN_S) == 1
        (sentence,) = run.terminal.splitlines()
        assert sentence.startswith(f"Port {port} is not free")
        assert sentence.endswith(f" {variable}.")


@local_only
def test_two_stacks_never_share_data(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with launched(tmp_path) as run:
            assert run.process.wait(STOP_WITHIN_S) == 1
            assert run.terminal == f"A local stack is running already on the data in {tmp_path}.\n"


def test_tokens_need_a_running_stack(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "infra.token"],
        cwd=local.PROJECT,
        env={"PATH": os.environ["PATH"], "GROUNDCREW_LOCAL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr == "No local stack is running: start one with `make run`.\n"
