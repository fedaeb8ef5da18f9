"""An alert: what somebody is told, whichever way."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from chalicelib import clock

Happening = Literal[
    "new_incident",
    "regression",
    "cascade",
    "lockout",
    "quota",
    "report",
    "event",
    "error_rate",
    "latency",
    "absence",
    "review",
]
Kind = Literal[Happening, "digest", "test"]
Severity = Literal["CRITICAL", "WARNING", "INFO"]

# The most severe first.
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
MOST_LINES: Final = 40
MOST_IN_LINE: Final = 300
MOST_IN_TITLE: Final = 200

# Ends of lines, what controls a terminal or the direction of writing, and halves of characters, which cannot be sent.
_BREAKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody is told: that something begins (`trigger`) or has ended (`resolve`).

    `delivery_id` is `<rule>:<group>:<seq>`: the same for every try and channel, so that receivers can tell repetitions.
    `rule` is the rule's name. `link` leads to the console. `count` is how often it happened, `suppressed` how many
    alerts of the same rule and group were held back since the last one.
    """

    delivery_id: str
    rule: str
    kind: Kind
    severity: Severity
    state: Literal["trigger", "resolve"]
    title: str
    lines: tuple[str, ...]
    environment: str | None
    project_id: str
    link: str | None
    at: datetime
    count: int
    suppressed: int

    @property
    def thread(self) -> str:
        """`<rule>:<group>`: what a trigger, those that follow and their resolve have in common."""
        return self.delivery_id.rpartition(":")[0]


def title(alert: Alert) -> str:
    """The title on one line, and how it stands: `[CRITICAL] …` or `[RESOLVED] …`."""
    standing = alert.severity if alert.state == "trigger" else "RESOLVED"
    return f"[{standing}] {cut(alert.title, MOST_IN_TITLE)}"


def lines(alert: Alert) -> list[str]:
    """The text, a bounded number of bounded lines."""
    shown = [cut(each, MOST_IN_LINE) for each in alert.lines[:MOST_LINES]]
    left = len(alert.lines) - len(shown)
    return [*shown, f"… and {left} more"] if left else shown


def facts(alert: Alert) -> list[tuple[str, str]]:
    """What is known besides, each by its name."""
    found = [
        ("Rule", cut(alert.rule, 100)),
        ("Environment", cut(alert.environment or "", 64)),
        ("Project", alert.project_id),
        ("Count", str(alert.count)),
        ("Suppressed since the last alert", str(alert.suppressed or "")),
        ("At", clock.rfc3339(alert.at)),
    ]
    return [(name, value) for name, value in found if value]


def cut(text: str, most: int) -> str:
    """A text on one line of at most that many characters, without any that control something."""
    line = _BREAKS.sub(" ", text).strip()
    return line if len(line) <= most else f"{line[: most - 1]}…"
