"""The bench: the README's section on what it costs, as one table. `make bench`, or `python -m bench cold` for parts.

It asserts nothing. Each figure stands beside its floor or a peer of the same run; all of it is this machine's.
"""

import argparse
import contextlib
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final, TextIO

from bench import cold, door, events, lists, load, peers, recordings, table, tracking, warm, writes
from tests import issuer

Found = Iterator[table.Figure | table.Places]

PARTS: dict[str, Callable[[], Found]] = {
    "cold": lambda: cold.measure(recordings.record().known),
    "warm": lambda: warm.measure(recordings.record()),
    "writes": writes.measure,
    "events": lambda: events.measure(recordings.record()),
    "peers": lambda: peers.measure(recordings.record()),
    "tracking": lambda: tracking.measure(recordings.record()),
    "lists": lambda: lists.measure(issuer.token()),
    # The app's settings, which its modules read when they are imported, must be set by then.
    "media": lambda: importlib.import_module("bench.media").measure(),
    "tasks": lambda: importlib.import_module("bench.tasks").measure(),
    "schedules": lambda: importlib.import_module("bench.schedules").measure(),
    "load": load.measure,
}
ABOUT: Final = """\
Medians, with the least and the most of the runs; beside each its floor or a peer, in turns with it. `make bench`
measures all of it, and printed this on {machine}. CPU is a process's own, user and system,
without what answers for DynamoDB; units are counted from the calls, as DynamoDB bills them.
"""


def main() -> int:
    """Print the section, of the parts that are named or of all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all without any")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")

    os.environ.update(door.ENVIRONMENT, OIDC_ISSUER=issuer.URL)
    terminal, began = sys.stdout, time.monotonic()
    found: list[table.Figure | table.Places] = []
    # What Lambda would take from standard output, logs and metrics, goes nowhere, but is written.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123  # a device, no path
        for part in parts:
            found += _shown(part, PARTS[part](), began)
    minutes = (time.monotonic() - began) / 60
    machine = f"{os.cpu_count()} cores, with Python {platform.python_version()}, in {minutes:.0f} minutes"
    print(ABOUT.format(machine=machine), table.rendered(found), sep="\n", file=terminal)
    return 0


def _shown(part: str, found: Found, began: float) -> Found:
    """Pass on what is found, and tell a person at a terminal how far it is."""
    _progress(sys.stderr, f"{time.monotonic() - began:4.0f} s  {part}")
    for each in found:
        name = each.name if isinstance(each, table.Figure) else each.what
        _progress(sys.stderr, f"{time.monotonic() - began:4.0f} s  {part}: {name}")
        yield each
    _progress(sys.stderr, "")


def _progress(terminal: TextIO, line: str) -> None:
    if terminal.isatty():
        print(f"\r\x1b[K{line[:100]}", end="", file=terminal, flush=True)


if __name__ == "__main__":
    sys.exit(main())
