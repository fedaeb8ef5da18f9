"""Telling: steps as a person follows them. Their progress is drawn in place at a terminal, elsewhere line by line."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

import httpx

from infra.troubles import Trouble

T = TypeVar("T")

Progress = Callable[[str], None]
"""Told what a step is at, or how far it is, in a few words."""

LINE_EVERY_S: Final = 3
LOOK_EVERY_S: Final = 0.25
INDENT: Final = "      "
MOST_SAID: Final = 500


def heading(number: str, title: str) -> None:
    """Say that a step begins."""
    print(f"{number:>4}  {title}", flush=True)


def progress() -> Progress:
    """What a step is to tell its progress."""
    last = time.monotonic()

    def show(text: str) -> None:
        nonlocal last
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns - len(INDENT) - 1
            print(f"\r\x1b[K{INDENT}{text[:width]}", end="", flush=True)
        elif time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            print(f"{INDENT}{text}", flush=True)

    return show


def end(mark: str, text: str) -> None:
    """Say how a step ended, in place of its progress."""
    first, *rest = text.splitlines()
    clear = "\r\x1b[K" if sys.stdout.isatty() else ""
    print(f"{clear}    {mark} {first}", *(f"{INDENT}{line}" for line in rest), sep="\n", flush=True)


def wait(look: Callable[[], T | str], within_s: float, progress: Progress) -> T:
    """What `look` finds at last; until then it says what takes so long, such as `converting it`. Raises Trouble."""
    began = time.monotonic()
    while isinstance(found := look(), str):
        waited = time.monotonic() - began
        if waited > within_s:
            raise Trouble(f"Gave up {found} after {waited:.0f} s.")
        progress(f"{found}, {waited:.0f} s")
        time.sleep(LOOK_EVERY_S)
    return found


def words(error: Exception) -> str:
    """Why a step failed, for whoever watched it."""
    match error:
        case Trouble():
            return str(error)
        case httpx.RequestError():
            url = error.request.url
            return f"{url.host}:{url.port} does not answer ({error}): does `make run` still run?"
        case subprocess.CalledProcessError(stderr=bytes() as said):
            return f"{error} {said.decode(errors='replace')[-MOST_SAID:]}"
    return f"{type(error).__name__}: {error}"
