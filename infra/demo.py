"""The demo: fills a running local stack with a school's believable week, and with what happens there now.

`make demo` tells it, step by step, each as `infra.scenes` plays it. A step that fails says why, and the others go on.
Telling it again begins the same anew.
"""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from infra import local, telling
from infra.telling import Progress

if TYPE_CHECKING:
    from infra.scenes import Scene

DAYS: Final = 7
TAKES: Final = 5

Step = tuple[str, Callable[[Progress], "Scene"]]


def main(days: int = DAYS, takes: int = TAKES) -> int:
    """Tell the story of so many days, with a video of so many takes; returns the exit status."""
    try:
        stack = local.running()
    except local.NotRunning as error:
        print(error, file=sys.stderr)
        return 1
    # What is logged is for engineers; what went wrong is said in words.
    quiet = {"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "CRITICAL"}
    os.environ |= local.environment(stack) | quiet
    try:
        return _tell(stack, days, takes)
    except KeyboardInterrupt:
        print("\nStopped. `make demo` begins anew.", file=sys.stderr)
        return 130


def _tell(stack: local.Stack, days: int, takes: int) -> int:
    began = time.monotonic()
    steps = _steps(stack, days, takes)
    scenes = [_play(f"{nth}/{len(steps)}", *step) for nth, step in enumerate(steps, start=1)]
    played = [scene for scene in scenes if scene is not None]
    print(f"\nTold in {time.monotonic() - began:.0f} s.")
    if played:
        print(*_tour(stack, played), sep="\n")
    if len(played) == len(steps):
        return 0
    print(f"\n{len(steps) - len(played)} of {len(steps)} steps failed; why stands above.")
    return 1


def _steps(stack: local.Stack, days: int, takes: int) -> tuple[Step, ...]:
    # Only now: the hub reads its configuration and table names when it is imported.
    from chalicelib.clock import now
    from infra.scenes import alerts, failures, incidents, retries, schedules, sentry, tasks, uploads, video

    return (
        ("A week of incidents at a school", lambda progress: incidents.play(now(), days, progress)),
        ("A week of what its apps track", lambda progress: failures.play(stack, now(), days, progress)),
        ("A customer hands in a video", lambda progress: video.play(stack, takes, progress)),
        ("Another upload fails", lambda progress: uploads.play(stack, progress)),
        ("Failed jobs are run again", lambda progress: retries.play(stack, now(), progress)),
        ("Sentry's SDK reports an exception", lambda progress: sentry.play(stack, progress)),
        ("Somebody is told of what is critical", lambda progress: alerts.play(stack, progress)),
        ("A week of daily tasks", lambda _: tasks.play(now())),
        ("A schedule is deleted with all that hangs on it", lambda _: schedules.play(now())),
    )


def _play(number: str, title: str, play: Callable[[Progress], "Scene"]) -> "Scene | None":
    """Play a scene and tell of it; None where it failed."""
    from chalicelib.observability import correlate

    telling.heading(number, title)
    began = time.monotonic()
    correlate(None)
    try:
        scene = play(telling.progress())
    except Exception as error:  # noqa: BLE001  # whatever it is, the others go on
        telling.end("✗", telling.words(error))
        return None
    telling.end("✓", f"{scene.account} ({time.monotonic() - began:.1f} s)")
    return scene


def _tour(stack: local.Stack, scenes: "Sequence[Scene]") -> Iterator[str]:
    """Where to look, and as whom."""
    yield f"Open {stack.url}/console and sign in as admin-1; no password is asked for. See there:"
    for scene in scenes:
        for path, shown in scene.pages:
            yield f"  {shown}\n    {stack.url}/console{path}"
    yield f"On {stack.url}/demo you are customer-68, and can make uploads fail yourself."
    yield f"""The same by curl:
  TOKEN=$(make token GROUP=admin); look() {{ curl -sH "Authorization: Bearer $TOKEN" "{stack.url}$1"; echo; }}"""
    looks = [(shlex.quote(path), shown) for scene in scenes for path, shown in scene.look]
    width = max((len(path) for path, _ in looks), default=0)
    for path, shown in looks:
        yield f"  look {path:{width}}  # {shown}"


if __name__ == "__main__":
    sys.exit(main())
