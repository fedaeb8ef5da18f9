"""Patience: waits until something holds, with a bound."""

import time
from collections.abc import Callable
from typing import Final

LOOK_EVERY_S: Final = 0.2


def eventually(holds: Callable[[], bool], within_s: float) -> bool:
    """Whether a condition comes to hold within so many seconds."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
