"""The terminal: what a command says to whoever typed it, what it asks them, and how it ends."""

import signal
import sys
from collections.abc import Callable

from infra.parameters import ParameterError
from infra.troubles import Trouble


def run(command: Callable[[], object], *, failed: str = "", stopped: str = "Stopped.") -> int:
    """Run a command; returns its exit status, having said why it is not 0.

    That is 1 for Trouble, 2 when it was asked for in a wrong way, which is a ParameterError, and 130 when it was
    stopped by Ctrl-C, SIGTERM or SIGHUP. `failed` begins what is said of trouble.
    """
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        command()
    except ParameterError as error:
        print(error, file=sys.stderr)
        return 2
    except Trouble as error:
        print(f"{failed}{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130
    return 0


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def agrees(question: str, fits: Callable[[str], bool]) -> bool:
    """Whether whoever sits at the terminal gives an answer that fits; without a terminal nobody is asked."""
    if not sys.stdin.isatty():
        return True
    try:
        return fits(input(question).strip())
    except EOFError:
        return False
