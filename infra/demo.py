"""The demo: fills a running local stack with a believable week at a school. `make demo` tells it.

What happened in the past cannot come in over HTTP, so it is done by the hub's own functions with the clock of its
moment. Telling it again begins the same week anew.
"""

import os
import shlex
import sys
from typing import Final

from infra import local


def main() -> int:
    """Tell the story; returns the exit status."""
    try:
        stack = local.running()
    except local.NotRunning as error:
        print(error, file=sys.stderr)
        return 1
    os.environ |= local.environment(stack) | {"POWERTOOLS_METRICS_DISABLED": "true"}
    _tell(stack)
    return 0


def _tell(stack: local.Stack) -> None:
    # Only now: the hub reads its configuration and table names when it is imported.
    from chalicelib import clock
    from chalicelib.observability import correlate
    from infra.scenes import incidents, schedules, tasks

    now = clock.now()
    look: list[tuple[str, str]] = []
    for play in (incidents.play, tasks.play, schedules.play):
        correlate(None)
        scene = play(now)
        print(scene.account, flush=True)
        look += scene.look
    width = max(len(shlex.quote(path)) for path, _ in look)
    print(_TOUR.format(url=stack.url))
    for path, shown in look:
        print(f"  look {shlex.quote(path):{width}}  # {shown}")


_TOUR: Final = """
Look around:
  TOKEN=$(make token GROUP=admin); look() {{ curl -sH "Authorization: Bearer $TOKEN" "{url}$1"; echo; }}"""


if __name__ == "__main__":
    sys.exit(main())
