"""Noticing: what happened becomes alerts, as the rules have it. Called on the write of reports and events."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from chalicelib.alerts import claiming, digest, outbox, rules
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.outbox import Letter
from chalicelib.alerts.rules import REST, WARNING, Rule
from chalicelib.dynamodb import Busy
from chalicelib.observability import count, logger

# Whoever waits for a database that is busy gives up on the rules that are left.
MOST_BUSY: Final = 2


def notice(notices: Sequence[Notice], now: datetime) -> None:
    """Tell of what happened whom the rules name. Of several notices of a subject a rule tells of the first it matches.

    Rules that count tell besides those that are always there, others in their place. Safe to repeat, but for what a
    threshold counts. Raises Busy alone.
    """
    if not notices:
        return
    with _busy_alone():
        _tell(list(_pairs(notices, rules.known(now))), now)


def notice_for(rule: Rule, happened: Notice, now: datetime) -> None:
    """Tell of what a watch found for one rule alone, whatever it matches. Safe to repeat. Raises Busy alone."""
    _tell([(rule, happened)], now)


def resolve(subject: str, now: datetime) -> None:
    """What was told of a subject has ended: channels that can close are told, and the next of it is told at once.

    Another container may stay silent about it for up to a minute. Safe to repeat. Raises Busy alone.
    """
    with _busy_alone(subject=subject):
        outbox.send(claiming.close(subject, now))


def _pairs(notices: Sequence[Notice], known: rules.Known) -> Iterator[tuple[Rule, Notice]]:
    """What each rule has to tell."""
    taken: set[int] = set()
    for rule in known.made:
        matched = [each for each in notices if rules.matches(rule, each)]
        if rule.threshold == 1:
            taken |= {id(each) for each in matched}
        yield from ((rule, each) for each in _firsts(matched))
    left = [each for each in notices if id(each) not in taken]
    rest = next((each for each in known.defaults if each.rule_id == REST), None)
    for rule in known.defaults:
        for each in _firsts(each for each in left if rules.matches(rule, each)):
            teller = _told_by(rule, rest, each)
            if teller is not None:
                yield teller, each


def _firsts(notices: Iterable[Notice]) -> list[Notice]:
    """The first notice of each subject, which counts for those of its kind that follow."""
    firsts: dict[str, Notice] = {}
    for each in notices:
        first = firsts.setdefault(each.subject, each)
        if first is not each and first.kind == each.kind:
            firsts[each.subject] = replace(first, count=first.count + each.count)
    return [*firsts.values()]


def _told_by(rule: Rule, rest: Rule | None, happened: Notice) -> Rule | None:
    """The rule that tells in place of a default: warnings without a channel of their own are among the rest, if any.

    That alerts do not arrive somebody learns in any case.
    """
    if rule.rule_id != WARNING or rule.channels or rule.digest or (rest is None and _is_own(happened)):
        return rule
    return rest


def _is_own(happened: Notice) -> bool:
    return happened.key == outbox.UNDELIVERABLE


def _tell(pairs: Sequence[tuple[Rule, Notice]], now: datetime) -> None:
    """Tell by each rule what it has to tell; what goes wrong with one keeps no other from it."""
    written: list[Letter] = []
    busy: list[Busy] = []
    for rule, happened in pairs:
        try:
            with _busy_alone(rule_id=rule.rule_id, subject=happened.subject):
                letter = _told(rule, happened, now)
                written += [letter] if letter else []
        except Busy as error:
            busy.append(error)
            if len(busy) == MOST_BUSY:
                break
    outbox.send(written)
    if busy:
        raise busy[0]


def _told(rule: Rule, happened: Notice, now: datetime) -> Letter | None:
    own = _is_own(happened)
    # That alerts do not arrive nobody should learn tomorrow.
    if rule.digest is None or own:
        return claiming.tell(rule, happened, now, own=own)
    digest.wait(rule, rule.digest, happened, now)
    return None


@contextmanager
def _busy_alone(rule_id: str | None = None, subject: str | None = None) -> Iterator[None]:
    """Whatever else goes wrong is a mistake of ours, which must not cost the report that is told of."""
    try:
        yield
    except Busy:
        raise
    except Exception:  # noqa: BLE001  # as above
        logger.exception("a notice was not told", rule_id=rule_id, subject=subject)
        count("NoticesFailed")
