"""A local stack whose clock a test moves: `python -m tests.e2e.moved` in the place of `python -m infra.stack`.

The clock stands at the moment that the file `clock`, among the stack's files, names. However it is moved, schedules
fire a few times a second.
"""

import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from chalice.app import ScheduledEventConfig

from chalicelib import clock
from infra import local, pump, stack

COMMAND = (sys.executable, "-m", "tests.e2e.moved")
TICK_S = 0.2


def stand(directory: Path, moment: str) -> None:
    """Set the clock of the stack whose files are in `directory` to a moment, as RFC 3339."""
    draft = directory / "clock.draft"
    draft.write_text(moment)
    draft.replace(directory / "clock")


def _now() -> datetime:
    return clock.parse((local.directory() / "clock").read_text())


def _timer(source: ScheduledEventConfig, invoke: pump.Invoke, stop: threading.Event) -> Callable[[], None]:
    def keep_time() -> None:
        while not stop.wait(TICK_S):
            invoke(pump.schedule_event(source.name, _now()))

    return keep_time


if __name__ == "__main__":
    clock.now = _now
    pump._timer = _timer
    sys.exit(stack.main())
