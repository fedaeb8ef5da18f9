"""A local stack whose cloud may die and comes back: `python -m soak.reborn` in the place of `python -m infra.stack`.

What a deployment does every quarter of an hour it does every minute, so that one can wait for it.
"""

import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import boto3
from chalice.app import Chalice
from chalice.config import Config

from infra import local, pump, stack

COMMAND: Final = (sys.executable, "-m", "soak.reborn")
LATE_AFTER: Final = timedelta(seconds=20)

_cloud, _start = stack._cloud, pump.start


def _kept(stack: local.Stack, directory: Path) -> tuple[list[str], dict[str, str]]:
    _, environment = _cloud(stack, directory)
    return ["soak.keeper"], environment


def _hurried(app: Chalice, config: Config, session: boto3.Session, stop: threading.Event) -> list[threading.Thread]:
    # Only now: it reads the names of tables when it is imported.
    from chalicelib.media import sweeping

    sweeping.LATE_AFTER = LATE_AFTER  # type: ignore[misc]  # Final to all others
    return _start(app, config, session, stop)


def _due(expression: str, minute: datetime, since: datetime) -> bool:  # noqa: ARG001  # the pump's signature
    return expression.startswith("rate(")


if __name__ == "__main__":
    stack._cloud = _kept
    pump.start = _hurried
    pump.due = _due
    sys.exit(stack.main())
