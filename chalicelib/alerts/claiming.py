"""Claiming: of all containers that find a rule fits, one tells; the others count what was held back.

A claim's `seq` moves with everything that is told of a subject, in one transaction with it. Whoever has read it tells
only if it has not moved meanwhile, and decides anew if it has.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from chalicelib import memory
from chalicelib.alerts import counting, models, outbox, rules, silences
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.models import Claim
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.outbox import Letter
from chalicelib.alerts.rules import Rule
from chalicelib.clock import parse, rfc3339
from chalicelib.dynamodb import Busy

ROUNDS: Final = 10
TOLD_FOR: Final = timedelta(days=1)
MOST_TOLD: Final = 50
# Whoever has an ingest key can make up failures; nobody reads more than that of one rule and project.
MOST_AN_HOUR: Final = 60
# And those that claim to be about alerting itself.
MOST_OWN_AN_HOUR: Final = 10
FLOOD: Final = "flood"


def tell(rule: Rule, happened: Notice, now: datetime, *, own: bool = False) -> Letter | None:
    """Tell of what happened, if the rule is not silent about its subject, or has to tell of this happening once.

    Returns what was written to the outbox. Raises Busy.
    """
    once = happened.once_digest
    if once is not None and not memory.due(("told", rule.rule_id, happened.subject, once), now):
        return None
    silence = None if once else silences.believed(rule.rule_id, happened.subject, now)
    # What happens too early to count for what may be told next is not counted.
    if silence is None or silence.ends - now <= counting.span(rule):
        count = counting.reached(rule, happened, now)
        if count is None:
            return None
        happened = replace(happened, count=count)
    if silence is not None:
        silences.hold_back(rule, happened, silence.seq, silence.ends, now)
        return None
    return _claim(rule, happened, now, own=own)


def close(subject: str, now: datetime) -> list[Letter]:
    """Let every rule tell of a subject again; returns what was written for those whom a rule told. Raises Busy."""
    closed = (_close(claim, subject, now) for claim in models.find_claims(subject))
    return [each for each in closed if each is not None]


def forget() -> None:
    """Begin as a fresh container does."""
    silences.forget()
    counting.forget()


def _claim(rule: Rule, happened: Notice, now: datetime, *, own: bool) -> Letter | None:
    if silences.lasting(rule.rule_id, _flood_of(happened, own=own), now) is not None:
        return _tell_of_flood(rule, happened, now, own=own)
    counted, once = False, happened.once_digest
    for _ in range(ROUNDS):
        seen = models.find_claim(happened.subject, rule.rule_id)
        if once in _told(seen):
            memory.written(("told", rule.rule_id, happened.subject, once), now, TOLD_FOR)
            return None
        ends = _ends(rule, seen)
        if once is None and seen is not None and ends is not None and now < ends:
            silences.hold_back(rule, happened, int(seen.seq), ends, now)
            return None
        if not counted and _is_too_much(rule, happened, now, own=own):
            return _tell_of_flood(rule, happened, now, own=own)
        counted = True
        letter = _advance(rule, happened, seen, now, own=own)
        if letter is not None:
            ends = now + timedelta(minutes=rule.suppress_minutes)
            silences.begin(rule.rule_id, happened.subject, _seq(seen) + 1, ends, now)
            return letter
    raise Busy(f"{happened.subject} was told {ROUNDS} times meanwhile")


def _advance(rule: Rule, happened: Notice, seen: Claim | None, now: datetime, *, own: bool) -> Letter | None:
    """Tell, unless somebody else has told of the subject since the claim was seen."""
    once = happened.once_digest
    held = silences.held(rule, happened, int(seen.seq), now) if seen else 0
    alert = outbox.alert(rule, happened, _seq(seen) + 1, now, held=held)
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
        once=f"{FLOOD}:{_hour(now)}",
    )
    silence = silences.lasting(rule.rule_id, flood.subject, now)
    if silence is not None:
        silences.hold_back(rule, flood, silence.seq, silence.ends, now)
        return None
    ends = datetime.fromtimestamp((_hour(now) + 1) * 3600, UTC)
    for _ in range(ROUNDS):
        seen = models.find_claim(flood.subject, rule.rule_id)
        if seen is not None and flood.once_digest in _told(seen):
            silences.hold_back(rule, flood, int(seen.seq), ends, now)
            return None
        letter = _advance(rule, flood, seen, now, own=own)
        if letter is not None:
            silences.begin(rule.rule_id, flood.subject, _seq(seen) + 1, ends, now)
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
            silences.end(rule_id, subject)
            return letter
        seen = models.find_claim(subject, rule_id)
    raise Busy(f"{subject} was told {ROUNDS} times meanwhile")


def _resolution(rule: Rule, subject: str, seq: int, now: datetime) -> Letter | None:
    """What tells that the alert of that number has ended; None where nobody can be told so."""
    found = models.find_record(outbox.id_of(outbox.delivery_id(rule.rule_id, subject, seq)))
    places = outbox.closing_places(rule)
    if found is None or found.own or not places:
        return None
    alert = replace(
        msgspec.json.decode(found.alert, type=Alert),
        delivery_id=outbox.delivery_id(rule.rule_id, subject, seq + 1),
        state="resolve",
        lines=(),
        at=now,
        suppressed=silences.counted(rule.rule_id, subject, seq),
    )
    return outbox.letter(rule, alert, subject, places, now)


def _row(subject: str, rule_id: str, seq: int, told: list[str], now: datetime) -> Claim:
    return Claim(
        f"CLAIM#{subject}", rule_id, seq=seq, told=told or None, ttl=models.expires(now, models.CLAIM_KEPT_FOR)
    )


def _ends(rule: Rule, seen: Claim | None) -> datetime | None:
    """When a rule's silence ends, None where there is none."""
    if seen is None or seen.last_sent is None:
        return None
    return parse(seen.last_sent) + timedelta(minutes=rule.suppress_minutes)
