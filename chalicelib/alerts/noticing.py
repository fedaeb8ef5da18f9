"""Noticing: what happened becomes alerts, as the rules have it. Called on the write of reports and events."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from chalicelib.alerts import claiming, digest, outbox, rules
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.outbox import Letter
from chalicelib.alerts.rules import REST, WARNING, Rule
from chalicelib.dynamodb import Busy


def notice(notices: Sequence[Notice], now: datetime) -> None:
    """Tell of what happened whom the rules name. Of several notices of a subject a rule tells of the first it matches.

    Safe to repeat, but for what a threshold counts. Raises Busy alone.
    """
    if not notices:
        return
    known = rules.known(now)
    found = {rule.rule_id: _matched(rule, notices) for rule in known.made}
    taken = {id(each) for matched in found.values() for each in matched}
    left = [each for each in notices if id(each) not in taken]
    pairs = [(rule, each) for rule in known.made for each in _firsts(found[rule.rule_id])]
    pairs += [(_told_by(rule, known), each) for rule in known.defaults for each in _firsts(_matched(rule, left))]
    _tell(pairs, now)


def notice_for(rule: Rule, happened: Notice, now: datetime) -> None:
    """Tell of what a watch found for one rule alone, whatever it matches. Safe to repeat. Raises Busy alone."""
    _tell([(rule, happened)], now)


def resolve(subject: str, now: datetime) -> None:
    """What was told of a subject has ended: channels that can close are told, and the next of it is told at once.

    Another container may stay silent about it for up to a minute. Safe to repeat. Raises Busy alone.
    """
    outbox.send(claiming.close(subject, now))


def _matched(rule: Rule, notices: Iterable[Notice]) -> list[Notice]:
    return [each for each in notices if rules.matches(rule, each)]


def _firsts(notices: Iterable[Notice]) -> list[Notice]:
    """The first notice of each subject."""
    firsts: dict[str, Notice] = {}
    for each in notices:
        firsts.setdefault(each.subject, each)
    return [*firsts.values()]


def _told_by(rule: Rule, known: rules.Known) -> Rule:
    """The rule that tells in place of a default: warnings without a channel of their own are among the rest."""
    rest = next((each for each in known.defaults if each.rule_id == REST), None)
    return rest if rest and rule.rule_id == WARNING and not (rule.channels or rule.digest) else rule


def _tell(pairs: Sequence[tuple[Rule, Notice]], now: datetime) -> None:
    """Tell by each rule what it has to tell; a rule for which the database is busy keeps no other from it."""
    written: list[Letter] = []
    busy: Busy | None = None
    for rule, happened in pairs:
        try:
            letter = _told(rule, happened, now)
        except Busy as error:
            busy = error
        else:
            written += [letter] if letter else []
    outbox.send(written)
    if busy:
        raise busy


def _told(rule: Rule, happened: Notice, now: datetime) -> Letter | None:
    own = happened.key == outbox.UNDELIVERABLE
    # That alerts do not arrive nobody should learn tomorrow.
    if rule.digest is None or own:
        return claiming.tell(rule, happened, now, own=own)
    digest.wait(rule, rule.digest, happened, now)
    return None
