"""The local stack: the whole system on one machine, in the foreground. `make run` starts it.

The local cloud (MiniStack) and an OpenID Connect provider run as processes of their own. This one serves the API and
drives the queue and schedule handlers, with the environment that `.chalice/config.json` gives to the laptop's stage.
PORT, CLOUD_PORT and OIDC_PORT move it (0 takes a free port), GROUNDCREW_LOCAL_DIR moves its data.
"""

import contextlib
import errno
import fcntl
import importlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import boto3
import psutil
import urllib3
import waitress
from chalice.config import Config

from chalicelib.config import LAPTOP_STAGE
from infra import gateway, local, pump, resources

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

START_WITHIN_S: Final = 30
STOP_WITHIN_S: Final = 30
LOOK_EVERY_S: Final = 0.5

MAX_PORT: Final = 65535
THREADS: Final = 16
# The server itself cuts off what is larger, in its own words; up to here the gateway refuses in those of the template.
MAX_READ_BYTES: Final = 100 * 1024 * 1024

Processes = dict[str, subprocess.Popen[bytes]]


class StackError(Exception):
    """Why the stack cannot start or go on, in a sentence for a person."""


class Stopped(Exception):
    """Somebody asked the stack to stop while it was starting."""


def main() -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP, then 0; 1 when the stack cannot start or go on."""
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: stop.set())
    try:
        with contextlib.ExitStack() as running, contextlib.suppress(Stopped):
            processes = _start(running, stop, sys.stdout)
            while not stop.wait(LOOK_EVERY_S):
                _require_alive(processes)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except resources.ResourceError as error:
        print(f"{error} (`make clean` forgets the data)", file=sys.stderr)
        return 1
    return 0


def _start(running: contextlib.ExitStack, stop: threading.Event, terminal: TextIO) -> Processes:
    """Start everything, announce it, and leave in `running` what stops it again, last started first."""
    began = time.monotonic()
    settings = Config(LAPTOP_STAGE, config_from_disk=local.settings())
    directory = local.directory()
    logs = directory / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    lock = running.enter_context(_sole_use(directory))
    _make_room(directory / "tmp")
    running.callback(_end_work)

    sockets = _listen("PORT", 8000)
    stack = _addresses(settings.environment_variables, sockets[0].getsockname()[1])
    _adopt(local.environment(stack))
    processes = {
        "The local cloud": running.enter_context(_process(_cloud(stack, directory), logs / "cloud.log", lock)),
        "The OpenID Connect provider": running.enter_context(_process(_provider(stack), logs / "oidc.log", lock)),
    }

    # What Lambda would take from standard output, logs and metrics, goes to a file: the terminal is for people.
    output = running.enter_context((logs / "app.jsonl").open("w", buffering=1))
    running.enter_context(contextlib.redirect_stdout(output))
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING)
    app = importlib.import_module("app").app

    def wait_for(url: str) -> None:
        _wait(lambda: _answers(url), url, processes, stop)

    wait_for(f"{stack.cloud_url}/_ministack/health")
    session = boto3.Session()
    resources.create(LAPTOP_STAGE, session)

    server = _serve(gateway.application(app, settings, _access_log(terminal)), sockets)
    running.callback(server.task_dispatcher.shutdown)
    pumps = pump.start(app, settings, session, stop)
    running.callback(_join, pumps, terminal)
    running.callback(stop.set)

    wait_for(f"{stack.issuer}/.well-known/openid-configuration")
    wait_for(f"{stack.url}/health")
    local.announce(stack)
    running.callback(local.withdraw)
    print(_welcome(stack, logs, time.monotonic() - began), file=terminal, flush=True)
    return processes


def _welcome(stack: local.Stack, logs: Path, seconds: float) -> str:
    return f"""Groundcrew is ready on {stack.url} ({seconds:.1f} s)
  console      {stack.url}/console, as admin-1
  demo page    {stack.url}/demo, as customer-68
  Sentry DSN   {stack.dsn}
  sign-in      {stack.issuer}
  local cloud  {stack.cloud_url}
  logs         {logs}
Ctrl-C stops it and keeps its data."""


def _addresses(environment: Mapping[str, str], port: int) -> local.Stack:
    key = environment["INGEST_KEY"]
    return local.Stack(
        url=f"http://localhost:{port}",
        dsn=f"http://{key}@localhost:{port}/1",
        ingest_key=key,
        issuer=f"http://localhost:{_free_port('OIDC_PORT', 9400)}",
        audience=environment["OIDC_AUDIENCE"],
        groups_claim=environment.get("OIDC_GROUPS_CLAIM", "cognito:groups"),
        storage_webhook_secret=environment["STORAGE_WEBHOOK_SECRET"],
        cloud_url=f"http://127.0.0.1:{_free_port('CLOUD_PORT', 4566)}",
    )


def _serve(application: "WSGIApplication", sockets: list[socket.socket]) -> Any:
    """Waitress on these sockets, in threads of its own."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns whenever a request waits for a thread
    server = waitress.create_server(
        application,
        sockets=sockets,
        threads=THREADS,
        connection_limit=1000,
        max_request_body_size=MAX_READ_BYTES,
        asyncore_use_poll=True,
        ident="groundcrew",
    )
    threading.Thread(target=server.run, name="http", daemon=True).start()
    return server


def _access_log(terminal: TextIO) -> Callable[[str], None]:
    def say(line: str) -> None:
        if not line.startswith("GET /health "):
            with contextlib.suppress(OSError):  # a terminal that went away
                terminal.write(f"{time.strftime('%H:%M:%S')} {line}\n")  # in one go, as several threads write
                terminal.flush()

    return say


def _adopt(environment: Mapping[str, str]) -> None:
    """Make this process one of the laptop's stage, out of reach of whatever AWS account its user works with."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(environment)
    os.environ.setdefault("OUTGOING_ALLOW", "http://localhost:9555")  # where a receiver of alerts may listen
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, NO_PROXY="*", no_proxy="*")


@contextlib.contextmanager
def _sole_use(directory: Path) -> Iterator[TextIO]:
    """A lock, as two stacks must not save to the same files; it is free when the last process that has it is gone."""
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"A local stack is running already on the data in {directory}.") from None
        yield lock


def _make_room(directory: Path) -> None:
    """A new folder for what handlers put on disk: on the disk of the data, not in memory as /tmp may be.

    What a killed stack has left in it goes.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    tempfile.tempdir = str(directory)


def _join(pumps: list[threading.Thread], terminal: TextIO) -> None:
    """Let handlers end what they are doing, all within the limit."""
    _await(pumps, 2 * pump.POLL_S)
    if busy := [thread.name for thread in pumps if thread.is_alive()]:
        with contextlib.suppress(OSError):  # a terminal that went away
            print(f"Waiting up to {STOP_WITHIN_S} s for {', '.join(busy)}.", file=terminal, flush=True)
        _await(pumps, STOP_WITHIN_S)


def _await(threads: list[threading.Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))


def _end_work() -> None:
    """Kill what a handler that would not end has started, such as ffmpeg: it would go on without us."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _listen(variable: str, default: int) -> list[socket.socket]:
    """Sockets on the port that a variable names, on loopback alone: of IPv4, and of IPv6 where the machine has it."""
    given = os.environ.get(variable) or str(default)
    if not given.isdecimal() or int(given) > MAX_PORT:
        raise StackError(f"{variable} must be a port number, not {given}.")
    port = int(given)
    sockets = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.ExitStack() as discard:
            try:
                listener = discard.enter_context(socket.socket(family))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host, port))
            except OSError as error:
                if family == socket.AF_INET6 and error.errno != errno.EADDRINUSE:
                    continue
                raise StackError(
                    f"Port {port} is not free ({error.strerror}): choose another by {variable}."
                ) from error
            discard.pop_all()
        port = listener.getsockname()[1]
        sockets.append(listener)
    return sockets


def _free_port(variable: str, default: int) -> int:
    """The port that a variable names, after making sure that a process started next can have it."""
    sockets = _listen(variable, default)
    port: int = sockets[0].getsockname()[1]
    for listener in sockets:
        listener.close()
    return port


def _cloud(stack: local.Stack, directory: Path) -> tuple[list[str], dict[str, str]]:
    """Command and environment of MiniStack: only what the template declares, and no listeners but the gateway."""
    return ["ministack"], {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": stack.cloud_url.rpartition(":")[2],
        "SERVICES": "dynamodb,s3,sns,sqs",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(directory / "cloud"),
        "S3_DATA_DIR": str(directory / "objects"),
        "TMPDIR": str(directory),
        "LOG_LEVEL": "INFO",
    }


def _provider(stack: local.Stack) -> tuple[list[str], dict[str, str]]:
    return ["infra.issuer", "--port", stack.issuer.rpartition(":")[2]], {"NO_COLOR": "1"}


@contextlib.contextmanager
def _process(command: tuple[list[str], dict[str, str]], log: Path, lock: TextIO) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process, in a session of its own: a Ctrl-C is this process's to handle, in order."""
    arguments, environment = command
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.leash", *arguments],
            cwd=local.PROJECT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _require_alive(processes: Processes) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise StackError(f"{name} ended by itself (status {process.returncode}): see {local.directory() / 'logs'}.")


def _wait(ready: Callable[[], bool], what: str, processes: Processes, stop: threading.Event) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while not ready():
        _require_alive(processes)
        if stop.wait(0.05):
            raise Stopped
        if time.monotonic() > deadline:
            raise StackError(f"{what} did not answer within {START_WITHIN_S} s: see {local.directory() / 'logs'}.")


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=5).status == HTTPStatus.OK
    except urllib3.exceptions.HTTPError:
        return False


if __name__ == "__main__":
    sys.exit(main())
