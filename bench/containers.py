"""Containers: processes that answer what Lambda would hand to them, started with a deployment's settings."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bench import door
from bench.answers import Answers
from bench.table import Places

PROJECT: Final = Path(__file__).parents[1]
EVENTS: Final = 60
ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Warm:
    """What a container that is up took: CPU in ms of a request, by round; of its calls alone; and where it went."""

    spent: list[float]
    floors: list[float]
    calls: float
    places: Mapping[str, float]

    def each(self, many: int) -> "Warm":
        """The same of each of what a request brings many of."""
        spent, floors = ([value / many for value in values] for values in (self.spent, self.floors))
        return Warm(spent, floors, self.calls / many, self.places)

    def went(self, what: str) -> Places:
        return Places(f"{what}, {statistics.median(self.spent):.1f} ms of CPU", self.places)


def warm(
    request: Callable[[int], dict[str, Any]],
    answers: Answers,
    now: datetime,
    pace_s: float,
    *,
    events: int = EVENTS,
    rounds: int = ROUNDS,
    sample: bool = False,
) -> Warm:
    """Have a container answer requests, so many seconds apart by its clock: the nth is `request(nth)`.

    The first round warms up, and of the second the calls are noted; `rounds` follow.
    """
    starts = range(0, events * (rounds + 2), events)
    order = {
        "answers": answers,
        "rounds": [json.dumps([request(start + nth) for nth in range(events)]) for start in starts],
        "pace_s": pace_s,
        "sample": sample,
        "now": now.isoformat(),
    }
    return Warm(**start("many", order))


def start(what: str, order: dict[str, Any], *flags: str, path: tuple[Path, ...] = ()) -> Any:
    """Run what bench/container.py has by that name; returns what it tells."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(order, file)
        file.flush()
        # No `-m`: runpy's import is not the container's.
        done = run("from bench.container import main; main()", what, file.name, flags=flags, path=path)
    return json.loads(done.stdout)


def run(
    code: str,
    *arguments: str,
    flags: tuple[str, ...] = (),
    path: tuple[Path, ...] = (),
    settings: Mapping[str, str] = door.ENVIRONMENT,
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that has a deployment's settings and nothing else of this one.

    With a path it finds modules there, the standard library's and the bench's, and nothing that is installed here.
    """
    environment = {**settings, "PATH": os.environ["PATH"], "OIDC_ISSUER": "https://issuer.example.com"}
    if path:
        flags = ("-P", "-S", *flags)
        environment["PYTHONPATH"] = os.pathsep.join(map(str, (*path, PROJECT)))
    done = subprocess.run(
        [sys.executable, *flags, "-c", code, *arguments],
        cwd=PROJECT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done
