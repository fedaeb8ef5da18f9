"""Counting: how often something happened to a subject within a rule's window, over all containers."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from chalicelib.alerts import models, rules
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.rules import Rule

# A window moves on by a tenth of itself.
PARTS: Final = 10
MOST_SUMMED: Final = 10_000

# What is in the other tenths of a window, as it was when this container first counted in this one.
_sums: OrderedDict[tuple[str, str, int, int], int] = OrderedDict()


def reached(rule: Rule, happened: Notice, now: datetime) -> int | None:
    """How often it happened within the rule's window, this time included; None while that is below its threshold.

    The window ends with the tenth of it that is running now, and has ten whole ones before. Raises Busy.
    """
    if rule.threshold == 1 or rule.on[0] in rules.WATCHED:
        return max(1, happened.count)
    tenth = rule.window_minutes * 60 // PARTS
    bucket = int(now.timestamp()) // tenth
    ttl = models.expires(now, 2 * span(rule))
    here = models.count(rule.rule_id, happened.subject, (tenth, bucket), happened.count, ttl)
    place = (rule.rule_id, happened.subject, tenth, bucket)
    others = _sums.get(place)
    if others is None:
        found = models.counted(rule.rule_id, happened.subject, tenth, bucket - PARTS, bucket)
        _sums[place] = others = sum(many for each, many in found.items() if each != bucket)
        while len(_sums) > MOST_SUMMED:
            _sums.popitem(last=False)
    return here + others if here + others >= rule.threshold else None


def span(rule: Rule) -> timedelta:
    """How far back what counts towards a rule's threshold may lie."""
    return timedelta(minutes=rule.window_minutes) * (PARTS + 1) / PARTS if rule.threshold > 1 else timedelta()


def forget() -> None:
    """Begin as a fresh container does."""
    _sums.clear()
