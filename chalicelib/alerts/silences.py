"""Silences: that a rule has told of a subject, and tells nothing more of it for a while but how much it held back.

What a container knows of them saves it reads, and has a storm cost a few writes. What elects who tells is the claim.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.alerts import models, outbox
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.rules import Rule
from chalicelib.dynamodb import Busy

# Within it a container does not look whether a rule may tell again, as nothing but a resolve elsewhere lets it.
BELIEVED_FOR: Final = timedelta(minutes=1)
MOST_KNOWN: Final = 10_000
# What the record of those that were held back after an alert is called besides the alert.
HELD: Final = "-held"


@dataclass(slots=True)
class Silence:
    """That a rule is silent about a subject, as this container knows: until `ends`, which it believes until `until`.

    It has counted `counted` as held back after what was told last, `seq`, and not counted `waiting` yet.
    """

    seq: int
    until: datetime
    ends: datetime
    counted: int = 0
    waiting: int = 0


_silences: OrderedDict[tuple[str, str], Silence] = OrderedDict()
_lock = threading.RLock()


def believed(rule_id: str, subject: str, now: datetime) -> Silence | None:
    """The silence that this container need not look for."""
    silence = _silences.get((rule_id, subject))
    return silence if silence is not None and now < silence.until else None


def lasting(rule_id: str, subject: str, now: datetime) -> Silence | None:
    """The silence that has not ended, however long ago this container looked: for floods, which nothing closes."""
    silence = _silences.get((rule_id, subject))
    return silence if silence is not None and now < silence.ends else None


def begin(rule_id: str, subject: str, seq: int, ends: datetime, now: datetime) -> Silence:
    """Believe in a silence, after what was told as `seq`, for a while."""
    until = min(ends, now + BELIEVED_FOR)
    with _lock:
        silence = _silences.get((rule_id, subject))
        if silence is None or silence.seq != seq:
            _silences[rule_id, subject] = silence = Silence(seq, until, ends)
            while len(_silences) > MOST_KNOWN:
                _silences.popitem(last=False)
        silence.until, silence.ends = until, ends
        return silence


def end(rule_id: str, subject: str) -> None:
    """Believe in a silence no more."""
    _silences.pop((rule_id, subject), None)


def hold_back(rule: Rule, happened: Notice, seq: int, ends: datetime, now: datetime) -> None:
    """Count one that was held back: at once if it is the first, then when as many wait as were counted.

    Also when this container looks at the claim again, once a minute. So a storm costs a few writes, and what is counted
    is never less than half of it. Raises Busy.
    """
    with _lock:
        looked = believed(rule.rule_id, happened.subject, now) is None
        before = _silences.get((rule.rule_id, happened.subject))
        silence = begin(rule.rule_id, happened.subject, seq, ends, now) if looked or before is None else before
        silence.waiting += 1
        due = looked or silence.waiting > silence.counted
    if before is not None and before is not silence:
        _count_waiting(rule, happened, before, now)
    if due:
        _count_waiting(rule, happened, silence, now)


def held(rule: Rule, happened: Notice, seq: int, now: datetime) -> int:
    """How many were held back since that number was told, with those that wait to be counted here. Raises Busy."""
    silence = _silences.get((rule.rule_id, happened.subject))
    if silence is not None:
        _count_waiting(rule, happened, silence, now)
    return counted(rule.rule_id, happened.subject, seq)


def counted(rule_id: str, subject: str, seq: int) -> int:
    """How many were counted as held back since that number was told. Raises Busy."""
    found = models.find_record(outbox.id_of(outbox.delivery_id(rule_id, subject, f"{seq}{HELD}")))
    return int(found.held) if found else 0


def forget() -> None:
    """Begin as a fresh container does."""
    _silences.clear()


def _count_waiting(rule: Rule, happened: Notice, silence: Silence, now: datetime) -> None:
    with _lock:
        many, silence.waiting = silence.waiting, 0
    if not many:
        return
    alert = outbox.alert(rule, replace(happened, lines=()), f"{silence.seq}{HELD}", now)
    record = outbox.record(rule, alert, happened.subject, now)
    try:
        models.hold(record, many)
    except Busy:
        with _lock:
            silence.waiting += many
        raise
    with _lock:
        silence.counted += many
