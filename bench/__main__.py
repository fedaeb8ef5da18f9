"""The bench: every figure that the README quotes, as one table. `make bench`, or `python -m bench cold warm` for parts.

It asserts nothing. Each figure stands beside its floor, measured in the same run; all of it is this machine's.
"""

import argparse
import contextlib
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from bench import cold, door, events, lists, load, package, recordings, table, tracking, warm, writes
from tests import issuer

PARTS: dict[str, Callable[[], Iterator[table.Figure]]] = {
    "cold": lambda: cold.measure(recordings.record().known),
    "package": lambda: package.measure(recordings.record().known),
    "warm": lambda: warm.measure(recordings.record()),
    "events": lambda: events.measure(recordings.record()),
    "tracking": lambda: tracking.measure(recordings.record()),
    "writes": writes.measure,
    "lists": lambda: lists.measure(issuer.token()),
    "load": load.measure,
    # The app's settings, which its modules read when they are imported, must be set by then.
    "media": lambda: importlib.import_module("bench.media").measure(),
    "tasks": lambda: importlib.import_module("bench.tasks").measure(),
    "schedules": lambda: importlib.import_module("bench.schedules").measure(),
}


def main() -> int:
    """Print the table of the parts that are named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all without any")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")

    os.environ.update(door.ENVIRONMENT, OIDC_ISSUER=issuer.URL)
    terminal, began = sys.stdout, time.monotonic()
    figures: list[table.Figure] = []
    # What Lambda would take from standard output, logs and metrics, goes nowhere, but is written.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123  # a device, no path
        for part in parts:
            figures += _shown(part, PARTS[part](), began)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {time.monotonic() - began:.0f} s\n", file=terminal
    )
    print(table.HEADER, *(figure.row() for figure in figures), sep="\n", file=terminal)
    return 0


def _shown(part: str, figures: Iterator[table.Figure], began: float) -> Iterator[table.Figure]:
    """Pass figures on, and tell a person at a terminal how far it is."""
    _progress(sys.stderr, f"{time.monotonic() - began:4.0f} s  {part}")
    for figure in figures:
        _progress(sys.stderr, f"{time.monotonic() - began:4.0f} s  {part}: {figure.name}")
        yield figure
    _progress(sys.stderr, "")


def _progress(terminal: TextIO, line: str) -> None:
    if terminal.isatty():
        print(f"\r\x1b[K{line[:100]}", end="", file=terminal, flush=True)


if __name__ == "__main__":
    sys.exit(main())
