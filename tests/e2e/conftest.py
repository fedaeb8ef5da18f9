"""A running system for the end-to-end tests: a local stack of their own, or the deployment that GROUNDCREW_URL names.

A deployment is announced as a local stack is (`infra.local`), in GROUNDCREW_LOCAL_DIR.
"""

import contextlib
import http.server
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from infra import local
from infra.token import token

STACK = (sys.executable, "-m", "infra.stack")
READY_WITHIN_S = 60
STOP_WITHIN_S = 60
PATIENCE_S = 30
LOOK_EVERY_S = 0.05


@dataclass(frozen=True)
class Run:
    """A local stack as a process, with its files in a directory of its own."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def terminal(self) -> str:
        """What it has printed."""
        return (self.directory / "terminal").read_text()

    @property
    def stack(self) -> local.Stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GROUNDCREW_LOCAL_DIR", str(self.directory))
            return local.running()

    def stop(self) -> int:
        """SIGTERM, and the exit status that follows."""
        self.process.terminate()
        return self.process.wait(STOP_WITHIN_S)


@contextlib.contextmanager
def launched(directory: Path, command: Sequence[str] = STACK, **environment: str) -> Iterator[Run]:
    """A stack on free ports that was just started, and is stopped at the end if it still runs."""
    ports = dict.fromkeys(("PORT", "CLOUD_PORT", "OIDC_PORT"), "0")
    with (directory / "terminal").open("w") as terminal:
        process = subprocess.Popen(
            command,
            cwd=local.PROJECT,
            env={"PATH": os.environ["PATH"], **ports, "GROUNDCREW_LOCAL_DIR": str(directory), **environment},
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a process group to send a Ctrl-C to
        )
    with process:
        run = Run(process, directory)
        try:
            yield run
        finally:
            run.stop()


@contextlib.contextmanager
def started(directory: Path, command: Sequence[str] = STACK, **environment: str) -> Iterator[Run]:
    """A stack that is ready."""
    with launched(directory, command, **environment) as run:
        deadline = time.monotonic() + READY_WITHIN_S
        while "Groundcrew is ready" not in run.terminal:
            assert run.process.poll() is None, run.terminal
            assert time.monotonic() < deadline, run.terminal
            time.sleep(0.05)
        yield run


@dataclass(frozen=True)
class Receiver:
    """A receiver of webhooks on this machine, the only one that the local stack may reach, and what it was sent."""

    origin: str
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its signature
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://localhost:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[local.Stack]:
    """The system under test, for all that do not stop it."""
    if "GROUNDCREW_URL" in os.environ:
        yield local.running()
        return
    with started(tmp_path_factory.mktemp("stack"), OUTGOING_ALLOW=receiver.origin) as run:
        yield run.stack


def pages_url(stack: local.Stack) -> str:
    """Where a browser finds the pages.

    The local cloud addresses an API by path, or by a host name as AWS does; below the path, pages would be told of a
    prefix that is not all of it.
    """
    at = urlsplit(stack.url)
    by_path = re.fullmatch(r"/_aws/execute-api/(\w+)(/\w+)", at.path)
    return f"{at.scheme}://{by_path[1]}.execute-api.{at.netloc}{by_path[2]}" if by_path else stack.url


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether a condition, which asks the system, comes to hold while anybody would wait for it."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def signed_in(stack: local.Stack, group: str, subject: str) -> httpx.Client:
    """An HTTP client of the stack's API for somebody, such as an `admin` or a `customer`."""
    headers = {"Authorization": f"Bearer {token(stack, group, subject)}"}
    return httpx.Client(base_url=stack.url, headers=headers, trust_env=False, timeout=PATIENCE_S)


@pytest.fixture
def admin(stack: local.Stack) -> Iterator[httpx.Client]:
    with signed_in(stack, "admin", "admin-1") as client:
        yield client


@pytest.fixture
def customer(stack: local.Stack) -> Iterator[httpx.Client]:
    """One whom no other test knows: nothing is theirs yet."""
    with signed_in(stack, "customer", f"customer-{uuid.uuid4().hex}") as client:
        yield client
