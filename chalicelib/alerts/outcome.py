"""Outcomes: what came of telling somebody, and whether to try again."""

from dataclasses import dataclass
from typing import Final

from chalicelib.outgoing import Answered, Failed, Found, Refused

# Longer than this nobody waits for an alert, whatever a server asks for.
MOST_WAIT_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Delivered:
    """It was taken, with this status."""

    status: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """It was not taken and will not be, until somebody changes the channel. The reason is one sentence or two."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """It was not taken, or nobody knows: try again, `after_s` seconds later if the receiver said when."""

    reason: str
    after_s: int | None = None


Outcome = Delivered | Rejected | Postponed

_COME_AGAIN: Final = frozenset({408, 425, 429})


def judge(found: Found, who: str = "The receiver") -> Outcome:
    """What an answer means by its status alone. Nothing of its body is said: who named the URL may not see it."""
    match found:
        case Refused(reason):
            return Rejected(reason)
        case Failed(reason):
            return Postponed(reason)
        case Answered(status) if 200 <= status < 300:
            return Delivered(status)
        case Answered(status) if 300 <= status < 400:
            return Rejected(f"{who} answered with a redirect ({status}), which is not followed: name where it leads.")
        case Answered(status, wait) if status in _COME_AGAIN or status >= 500:
            return Postponed(f"{who} answered {status}.", None if wait is None else min(wait, MOST_WAIT_S))
        case Answered(status):
            return Rejected(f"{who} answered {status}.")
