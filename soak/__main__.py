"""The soak: faults, end to end, on local stacks of its own. `make soak`, or `python -m soak kills fuzz` for parts.

Each part says what was done and counted, beside what must be. The exit status is 1 if anything was otherwise.
"""

import argparse
import importlib
import os
import platform
import random
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Final

from soak.finding import HEADER, Finding, exactly

PARTS: Final = ("reports", "kills", "cloud", "messages", "fuzz")


def main() -> int:
    """Run the parts that are named, or all, and print their table."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all without any")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="what happens when; any without it")
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each part: 0.1 takes about a minute")
    given = parser.parse_args()
    parts = given.parts or PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")

    began = time.monotonic()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, seed {given.seed}, scale {given.scale:g}")
    found = [
        finding for part in parts for finding in _shown(part, random.Random(f"{given.seed} {part}"), given.scale, began)
    ]
    wrong = sum(not finding.holds for finding in found)
    print(f"\n{time.monotonic() - began:.0f} s, {wrong or 'nothing'} wrong\n")
    print(HEADER, *(finding.row() for finding in found), sep="\n")
    return 1 if wrong else 0


def _shown(part: str, chance: random.Random, scale: float, began: float) -> Iterator[Finding]:
    """Pass findings on, and tell a person at a terminal each as it comes."""
    for finding in _whole(importlib.import_module(f"soak.{part}").measure(chance, scale)):
        wanted = f" (must be {finding.must})" if finding.must else ""
        mark = " " if finding.holds else "!"
        print(f"{time.monotonic() - began:4.0f} s {mark} {part}: {finding.what}: {finding.found}{wanted}", flush=True)
        yield Finding(f"{part}: {finding.what}", finding.found, finding.must, finding.holds)


def _whole(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Findings to the end; what breaks a part off is one of them, and in nobody else's way."""
    try:
        yield from findings
    except Exception as error:  # noqa: BLE001  # whatever it is
        traceback.print_exc()
        yield exactly("broken off by", repr(error), "nothing")


if __name__ == "__main__":
    sys.exit(main())
