"""Claiming: of all containers that find a rule fits, one tells; the others count what was held back.

A claim's `seq` moves with everything that is told of a subject, in one transaction with it. Whoever has read it tells
only if it has not moved meanwhile, and decides anew if it has.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from chalicelib import memory
from chalicelib.alerts import models, outbox, rules
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.models import Claim
from chalicelib.alerts.notice import Notice, storable
from chalicelib.alerts.outbox import Letter
from chalicelib.alerts.rules import Rule
from chalicelib.clock import parse, rfc3339
from chalicelib.dynamodb import Busy

ROUNDS: Final = 10
# Within it a container does not look whether a rule may tell again, as nothing but a resolve elsewhere lets it.
SILENT_FOR: Final = timedelta(minutes=1)
TOLD_FOR: Final = timedelta(days=1)
MOST_TOLD: Final = 50
MOST_SILENT: Final = 10_000
# A window moves on by a tenth of itself.
PARTS: Final = 10
# Whoever has an ingest key can make up failures; nobody reads more than that of one rule and project.
MOST_AN_HOUR: Final = 60
# And those that claim to be about alerting itself.
MOST_OWN_AN_HOUR: Final = 10
FLOOD: Final = "flood"
MOST_SUMMED: Final = 10_000
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
# What is in the other tenths of a window, as it was when this container first counted in this one.
_sums: OrderedDict[tuple[str, str, int, int], int] = OrderedDict()
_lock = threading.Lock()


def tell(rule: Rule, happened: Notice, now: datetime, *, own: bool = False) -> Letter | None:
    """Tell of what happened, if the rule is not silent about its subject, or has to tell of this happening once.

    Returns what was written to the outbox. Raises Busy.
    """
    once = None if happened.once is None else hashed(happened.once)
    if once is not None and not memory.due(("told", rule.rule_id, happened.subject, once), now):
        return None
    silence = None if once else _believed(rule.rule_id, happened.subject, now)
    # What happens too early to count for what may be told next is not counted.
    if silence is None or silence.ends - now <= _span(rule):
        count = reached(rule, happened, now)
        if count is None:
            return None
        happened = replace(happened, count=count)
    if silence is not None:
        _hold_back(rule, happened, silence.seq, silence.ends, now)
        return None
    return _claim(rule, happened, once, now, own=own)


def reached(rule: Rule, happened: Notice, now: datetime) -> int | None:
    """How often it happened within the rule's window, this time included; None while that is below its threshold.

    The window ends with the tenth of it that is running now, and has ten whole ones before. Raises Busy.
    """
    if rule.threshold == 1 or rule.on[0] in rules.WATCHED:
        return max(1, happened.count)
    tenth = rule.window_minutes * 60 // PARTS
    bucket = int(now.timestamp()) // tenth
    ttl = models.expires(now, 2 * _span(rule))
    here = models.count(rule.rule_id, happened.subject, (tenth, bucket), happened.count, ttl)
    place = (rule.rule_id, happened.subject, tenth, bucket)
    others = _sums.get(place)
    if others is None:
        found = models.counted(rule.rule_id, happened.subject, tenth, bucket - PARTS, bucket)
        _sums[place] = others = sum(many for each, many in found.items() if each != bucket)
        while len(_sums) > MOST_SUMMED:
            _sums.popitem(last=False)
    return here + others if here + others >= rule.threshold else None


def close(subject: str, now: datetime) -> list[Letter]:
    """Let every rule tell of a subject again; returns what was written for those whom a rule told. Raises Busy."""
    closed = (_close(claim, subject, now) for claim in models.find_claims(subject))
    return [each for each in closed if each is not None]


def forget() -> None:
    """Begin as a fresh container does."""
    _silences.clear()
    _sums.clear()


def _claim(rule: Rule, happened: Notice, once: str | None, now: datetime, *, own: bool) -> Letter | None:
    flooded = _silences.get((rule.rule_id, _flood_of(happened, own=own)))
    if flooded is not None and now < flooded.ends:
        return _tell_of_flood(rule, happened, now, own=own)
    counted = False
    for _ in range(ROUNDS):
        seen = models.find_claim(happened.subject, rule.rule_id)
        if once in _told(seen):
            memory.written(("told", rule.rule_id, happened.subject, once), now, TOLD_FOR)
            return None
        ends = _ends(rule, seen)
        if once is None and seen is not None and ends is not None and now < ends:
            _hold_back(rule, happened, int(seen.seq), ends, now)
            return None
        if not counted and _is_too_much(rule, happened, now, own=own):
            return _tell_of_flood(rule, happened, now, own=own)
        counted = True
        letter = _advance(rule, happened, once, seen, now, own=own)
        if letter is not None:
            _note(rule.rule_id, happened.subject, _seq(seen) + 1, now + timedelta(minutes=rule.suppress_minutes), now)
            return letter
    raise Busy(f"{happened.subject} was told {ROUNDS} times meanwhile")


def _advance(
    rule: Rule, happened: Notice, once: str | None, seen: Claim | None, now: datetime, *, own: bool
) -> Letter | None:
    """Tell, unless somebody else has told of the subject since the claim was seen."""
    held = _held(rule, happened, int(seen.seq), now) if seen else 0
    alert = _alert(rule, happened, _seq(seen) + 1, now, held)
    letter = outbox.letter(rule, alert, happened.subject, outbox.places(rule, own=own), now, own=own)
    told = [*_told(seen), once][-MOST_TOLD:] if once else _told(seen)
    claim = _row(happened.subject, rule.rule_id, _seq(seen) + 1, told, now)
    claim.last_sent, claim.open = rfc3339(now), True
    return letter if models.advance(claim, seen, [letter.record, *letter.deliveries]) else None


def _told(seen: Claim | None) -> list[str]:
    return list(seen.told or ()) if seen else []


def _seq(seen: Claim | None) -> int:
    return int(seen.seq) if seen else 0


def _is_too_much(rule: Rule, happened: Notice, now: datetime, *, own: bool) -> bool:
    """Count one more alert of a rule and project; returns whether these are too many within the hour."""
    flood = _flood_of(happened, own=own)
    told = models.count_told(rule.rule_id, flood, _hour(now), models.expires(now, timedelta(hours=2)))
    return told > (MOST_OWN_AN_HOUR if own else MOST_AN_HOUR)


def _tell_of_flood(rule: Rule, happened: Notice, now: datetime, *, own: bool) -> Letter | None:
    """Instead of what is too much for an hour: that it is, once; what comes after that is counted."""
    flood = replace(
        happened,
        subject=_flood_of(happened, own=own),
        environment=None,
        title=f"More than {MOST_OWN_AN_HOUR if own else MOST_AN_HOUR} alerts within an hour",
        lines=("Until the hour is over the others are held back: see what the console has of them.",),
        path="/alerts",
    )
    once, ends = hashed(f"{FLOOD}:{_hour(now)}"), datetime.fromtimestamp((_hour(now) + 1) * 3600, UTC)
    silence = _silences.get((rule.rule_id, flood.subject))
    if silence is not None and now < silence.ends:
        _hold_back(rule, flood, silence.seq, silence.ends, now)
        return None
    for _ in range(ROUNDS):
        seen = models.find_claim(flood.subject, rule.rule_id)
        if seen is not None and once in _told(seen):
            _hold_back(rule, flood, int(seen.seq), ends, now)
            return None
        letter = _advance(rule, flood, once, seen, now, own=own)
        if letter is not None:
            _note(rule.rule_id, flood.subject, _seq(seen) + 1, ends, now)
            return letter
    raise Busy(f"{flood.subject} was told {ROUNDS} times meanwhile")


def _flood_of(happened: Notice, *, own: bool) -> str:
    """What a flood is told under: anybody may flood what is about alerting, which must not silence the rest."""
    return f"{FLOOD}:{happened.project_id}:own" if own else f"{FLOOD}:{happened.project_id}"


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // 3600


def _close(seen: Claim | None, subject: str, now: datetime) -> Letter | None:
    for _ in range(ROUNDS):
        if seen is None or not seen.open:
            return None
        rule_id, seq = seen.sk, int(seen.seq) + 1
        rule = rules.find(rule_id)
        letter = _resolution(rule, subject, int(seen.seq), now) if rule else None
        claim = _row(subject, rule_id, seq, list(seen.told or ()), now)
        if models.advance(claim, seen, [letter.record, *letter.deliveries] if letter else []):
            _silences.pop((rule_id, subject), None)
            return letter
        seen = models.find_claim(subject, rule_id)
    raise Busy(f"{subject} was told {ROUNDS} times meanwhile")


def _resolution(rule: Rule, subject: str, seq: int, now: datetime) -> Letter | None:
    """What tells that the alert of that number has ended; None where nobody can be told so."""
    found = models.find_record(outbox.id_of(outbox.delivery_id(rule.rule_id, subject, seq)))
    places = outbox.closing_places(rule)
    if found is None or found.own or not places:
        return None
    held = models.find_record(_held_id(rule.rule_id, subject, seq))
    alert = replace(
        msgspec.json.decode(found.alert, type=Alert),
        delivery_id=outbox.delivery_id(rule.rule_id, subject, seq + 1),
        state="resolve",
        lines=(),
        at=now,
        suppressed=int(held.held) if held else 0,
    )
    return outbox.letter(rule, alert, subject, places, now)


def _alert(rule: Rule, happened: Notice, seq: int | str, now: datetime, held: int) -> Alert:
    happened = storable(happened)
    return Alert(
        delivery_id=outbox.delivery_id(rule.rule_id, happened.subject, seq),
        rule=rule.name,
        kind=happened.kind,
        severity=happened.severity,
        state="trigger",
        title=happened.title,
        lines=happened.lines,
        environment=happened.environment,
        project_id=happened.project_id,
        link=outbox.link(happened.path),
        at=now,
        count=happened.count,
        suppressed=held,
    )


def _row(subject: str, rule_id: str, seq: int, told: list[str], now: datetime) -> Claim:
    return Claim(
        f"CLAIM#{subject}", rule_id, seq=seq, told=told or None, ttl=models.expires(now, models.CLAIM_KEPT_FOR)
    )


def _ends(rule: Rule, seen: Claim | None) -> datetime | None:
    """When a rule's silence ends, None where there is none."""
    if seen is None or seen.last_sent is None:
        return None
    return parse(seen.last_sent) + timedelta(minutes=rule.suppress_minutes)


def _span(rule: Rule) -> timedelta:
    """How far back what counts towards a threshold may lie."""
    return timedelta(minutes=rule.window_minutes) * (PARTS + 1) / PARTS if rule.threshold > 1 else timedelta()


def hashed(once: str) -> str:
    """What the name of a happening is kept as."""
    return hashlib.sha256(once.encode("utf-8", "replace")).hexdigest()[:16]


# -- what is held back -------------------------------------------------------------------------------------------------


def _believed(rule_id: str, subject: str, now: datetime) -> Silence | None:
    silence = _silences.get((rule_id, subject))
    return silence if silence is not None and now < silence.until else None


def _note(rule_id: str, subject: str, seq: int, ends: datetime, now: datetime) -> Silence:
    """Believe in a rule's silence for a while."""
    silence = _silences.get((rule_id, subject))
    until = min(ends, now + SILENT_FOR)
    if silence is None or silence.seq != seq:
        _silences[rule_id, subject] = silence = Silence(seq, until, ends)
        while len(_silences) > MOST_SILENT:
            _silences.popitem(last=False)
    silence.until, silence.ends = until, ends
    return silence


def _hold_back(rule: Rule, happened: Notice, seq: int, ends: datetime, now: datetime) -> None:
    """Count one that was held back: at once if it is the first, then when as many wait as were counted.

    Also when this container looks at the claim again, once a minute. So a storm costs a few writes, and what is counted
    is never less than half of it.
    """
    with _lock:
        looked = _believed(rule.rule_id, happened.subject, now) is None
        before = _silences.get((rule.rule_id, happened.subject))
        silence = _note(rule.rule_id, happened.subject, seq, ends, now) if looked or before is None else before
        silence.waiting += 1
        due = looked or silence.waiting > silence.counted
    if before is not None and before is not silence:
        _count_waiting(rule, happened, before, now)
    if due:
        _count_waiting(rule, happened, silence, now)


def _held(rule: Rule, happened: Notice, seq: int, now: datetime) -> int:
    """How many were held back since that number was told, with those that wait to be counted here."""
    silence = _silences.get((rule.rule_id, happened.subject))
    if silence is not None:
        _count_waiting(rule, happened, silence, now)
    found = models.find_record(_held_id(rule.rule_id, happened.subject, seq))
    return int(found.held) if found else 0


def _count_waiting(rule: Rule, happened: Notice, silence: Silence, now: datetime) -> None:
    with _lock:
        many, silence.waiting = silence.waiting, 0
    if not many:
        return
    alert = _alert(rule, replace(happened, lines=()), f"{silence.seq}{HELD}", now, 0)
    record = outbox.record(rule, alert, happened.subject, now)
    try:
        models.hold(record, many)
    except Busy:
        with _lock:
            silence.waiting += many
        raise
    with _lock:
        silence.counted += many


def _held_id(rule_id: str, subject: str, seq: int) -> str:
    return outbox.id_of(outbox.delivery_id(rule_id, subject, f"{seq}{HELD}"))
