"""Peers: what others take for the same work on the same machine, in turns with us.

Bugsink takes the very events of bench/events.py, at the door of its web server, with its own SQLite. It is installed
into a folder that is gone afterwards; where that fails, the row says so.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import containers
from bench.events import captured, envelope
from bench.recordings import Recordings, record_known
from bench.table import WARM, Figure
from bench.warm import CALM_S

BUGSINK: Final = "2.6.1"
RUNS: Final = 5
EVENTS: Final = 40


def measure(recorded: Recordings) -> Iterator[Figure]:
    answers = record_known(envelope)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as directory:
        code, data = Path(directory, "code"), Path(directory, "data")
        installed = _installed(code)
        for nth in range(RUNS):
            ours += containers.warm(envelope, answers, recorded.at, CALM_S, events=EVENTS, rounds=1).spent
            if installed:
                theirs.append(_bugsink(code, data, nth))
    whole = "all that it does, its SQLite included" if theirs else "which could not be installed here"
    name = "CPU of such an event of a known failure, beside a self-hosted peer"
    yield Figure(WARM, name, "ms", [ours], [theirs] if theirs else [], f"Bugsink {BUGSINK}, {whole}")


def _installed(folder: Path) -> bool:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    done = subprocess.run([*pip, f"bugsink=={BUGSINK}"], capture_output=True, check=False)
    return done.returncode == 0


def _bugsink(code: Path, data: Path, nth: int) -> float:
    """CPU in ms of an event, of a process that took as many before; the database has what earlier ones took."""
    events = data / "events"
    events.mkdir(parents=True, exist_ok=True)
    for each in range(2 * EVENTS):
        (events / f"{each}.gz").write_bytes(captured(nth * 2 * EVENTS + each))
    settings = {"DATABASE_PATH": f"{data}/db.sqlite3", "SNAPPEA_DATABASE_PATH": f"{data}/snappea.sqlite3"}
    done = containers.run("from bench.bugsink import main; main()", str(data), path=(code,), settings=settings)
    told: float = json.loads(done.stdout.splitlines()[-1])
    return told
