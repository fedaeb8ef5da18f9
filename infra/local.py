"""The local stack as others see it: where its files lie, and where it answers while it runs."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chalicelib.config import LAPTOP_STAGE

PROJECT: Final = Path(__file__).parents[1]


class NotRunning(Exception):
    """No local stack is running."""

    def __init__(self) -> None:
        super().__init__("No local stack is running: start one with `make run`.")


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack: its URLs, and what callers present."""

    url: str
    dsn: str
    ingest_key: str
    issuer: str
    audience: str
    groups_claim: str
    storage_webhook_secret: str
    cloud_url: str


def directory() -> Path:
    """Where the stack keeps data and logs: `.local` of this clone, or GROUNDCREW_LOCAL_DIR."""
    return Path(os.environ.get("GROUNDCREW_LOCAL_DIR") or PROJECT / ".local").absolute()


def settings() -> dict[str, Any]:
    """`.chalice/config.json`."""
    found: dict[str, Any] = json.loads((PROJECT / ".chalice/config.json").read_text())
    return found


def environment(stack: Stack) -> dict[str, str]:
    """The environment of a process that works with `stack`: what the settings give to the laptop's stage."""
    variables: dict[str, str] = settings()["stages"][LAPTOP_STAGE]["environment_variables"]
    return variables | {"AWS_ENDPOINT_URL": stack.cloud_url, "OIDC_ISSUER": stack.issuer}


def announce(stack: Stack) -> None:
    """Let others find the stack."""
    draft = _path().with_suffix(".draft")
    draft.write_text(json.dumps(asdict(stack), indent=2) + "\n")
    draft.replace(_path())


def withdraw() -> None:
    """Take the announcement back."""
    _path().unlink(missing_ok=True)


def running() -> Stack:
    """The stack that runs. Raises NotRunning."""
    try:
        stack = Stack(**json.loads(_path().read_text()))
        at = urlsplit(stack.url)
        socket.create_connection((at.hostname, at.port), timeout=5).close()  # one that was killed is still announced
    except OSError:
        raise NotRunning from None
    return stack


def _path() -> Path:
    return directory() / "stack.json"
