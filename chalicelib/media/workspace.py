"""The workspace: a folder of its own for each run, gone when the run is over or its worker has died."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SPARE_BYTES: Final = 64 * 1024**2

_PREFIX: Final = "groundcrew-run-"


class NoRoom(Exception):
    """The disk is too small for a file and what is made of it."""


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder. What killed runs have left behind goes first: a warm worker keeps its disk."""
    root = Path(tempfile.gettempdir())
    for left in root.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        # A process does one run at a time, so one of its own is left over too.
        if not owner.isdecimal() or int(owner) == os.getpid() or not _lives(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def require_room(folder: Path, needed_bytes: int) -> None:
    """Raises NoRoom unless the disk holds `needed_bytes` and 64 MiB to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise NoRoom(f"{free} bytes are free, {needed_bytes} and {SPARE_BYTES} to spare are needed")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
