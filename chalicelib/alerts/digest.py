"""Digest: what waits for a rule, told together once on each local date of its zone."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from chalicelib import memory, zones
from chalicelib.alerts import alert as alerts
from chalicelib.alerts import counting, models, outbox
from chalicelib.alerts.alert import SEVERITIES, Alert
from chalicelib.alerts.models import Digest, Waiting
from chalicelib.alerts.notice import Notice, storable
from chalicelib.alerts.outbox import Letter
from chalicelib.alerts.rules import DailyDigest, Rule
from chalicelib.clock import parse, rfc3339

# Who noticed something has let it wait by then, or never will: functions end sooner. So what waited then is told, and
# what was told can be told from what came meanwhile.
LATE: Final = timedelta(minutes=2)
# Where something waits already, that may have been told just now: it is tried again when that is forgotten.
AGAIN_AFTER: Final = timedelta(minutes=10)
# Whoever has an ingest key can make up failures: of each severity so many wait, and not many more, for a digest.
MOST_WAITING: Final = 600
# A container counts so many at once, which costs little.
COUNTED_AT_ONCE: Final = 20
# So much is read to tell it, and so much forgotten by a sweep.
MOST_TOLD: Final = 2_000
MOST_CLEARED: Final = 500
DAY: Final = timedelta(days=1)
SUBJECT: Final = "digest"
# What a digest of several projects is of.
ALL_PROJECTS: Final = "all"

# How much this container has let wait, for each digest and severity.
_let_wait: Counter[tuple[str, str]] = Counter()


def wait(rule: Rule, settings: DailyDigest, happened: Notice, now: datetime) -> None:
    """Let a notice wait for the rule's digest, one of each subject. Safe to repeat. Raises Busy."""
    place = happened.subject if happened.once_digest is None else f"{happened.subject}#{happened.once_digest}"
    day = period(settings, now)
    mark, full = ("digest", rule.rule_id, place, day), ("full", rule.rule_id, happened.severity, day)
    known = not memory.due(mark, now) or not memory.due(full, now)
    if known or counting.reached(rule, happened, now) is None:
        return
    new = models.wait(
        Waiting(
            models.digest_key(rule.rule_id),
            place,
            at=rfc3339(now),
            notice=msgspec.json.encode(storable(happened)).decode(),
            ttl=models.expires(now, models.WAITING_KEPT_FOR),
        )
    )
    memory.written(mark, now, DAY if new else AGAIN_AFTER)
    if new and _is_full(rule.rule_id, f"{day}#{happened.severity}", now):
        memory.written(full, now, DAY)


def compose(rule: Rule, settings: DailyDigest, now: datetime) -> None:
    """Tell what waits, if the digest of the last date that is due was not told. Safe to repeat. Raises Busy.

    A rule's first date is one that nothing is told of: what waits then waits for the next.
    """
    day = period(settings, now).isoformat()
    mark = ("digested", rule.rule_id, day)
    if not memory.due(mark, now):
        return
    seen = models.find_digest(rule.rule_id)
    if seen is not None and not seen.cleared and not _clear(rule, seen):
        return
    if seen is None or seen.date < day:
        waiting = [] if seen is None else models.waiting(rule.rule_id, rfc3339(now - LATE), MOST_TOLD)
        _tell(rule, waiting, seen, day, now)
    else:
        memory.written(mark, now, DAY)


def finish(rule: Rule, now: datetime) -> None:
    """Tell what still waits for a rule that has no digest any more. Safe to repeat. Raises Busy."""
    changed = rule.updated_at
    # By then nobody lets anything wait, and what does is told.
    if changed is None or now - parse(changed) < 2 * LATE:
        return
    mark = ("digested", rule.rule_id, changed)
    if not memory.due(mark, now):
        return
    seen = models.find_digest(rule.rule_id)
    if seen is not None and not seen.cleared and not _clear(rule, seen):
        return
    waiting = models.waiting(rule.rule_id, rfc3339(now - LATE), MOST_TOLD)
    if waiting:
        # That date may have had its digest, which is another.
        _tell(rule, waiting, seen, now.date().isoformat(), now, again=f"-{_seq(seen) + 1}")
    else:
        memory.written(mark, now, DAY)


def forget() -> None:
    """Begin as a fresh container does."""
    _let_wait.clear()


def period(settings: DailyDigest, now: datetime) -> date:
    """The last local date whose digest is due.

    A time that clocks skip is due as much later as they skip, one that they show twice at the first.
    """
    local = zones.zone(settings.timezone)
    today = now.astimezone(local).date()
    due = datetime.combine(today, time.fromisoformat(settings.local_time), local).astimezone(UTC)
    if now >= due:
        return today
    midnight = datetime.combine(today, time(), local).astimezone(UTC)
    return (midnight - timedelta(milliseconds=1)).astimezone(local).date()


def _is_full(rule_id: str, what: str, now: datetime) -> bool:
    """Count one more that waits; returns whether that is all that may, as far as is known."""
    _let_wait[rule_id, what] += 1
    if _let_wait[rule_id, what] % COUNTED_AT_ONCE:
        return False
    ttl = models.expires(now, 2 * DAY)
    return models.count_waiting(rule_id, what, COUNTED_AT_ONCE, ttl) >= MOST_WAITING


def _tell(
    rule: Rule, waiting: Sequence[Waiting], seen: Digest | None, day: str, now: datetime, *, again: str = ""
) -> None:
    """Tell what waits, unless somebody else has told since the last digest was seen, and then forget it."""
    letter = _letter(rule, waiting, day, now, again) if waiting else None
    row = Digest(
        models.digest_key(rule.rule_id),
        models.STATE,
        seq=_seq(seen) + 1,
        date=day,
        cut=rfc3339(now - LATE),
        cleared=not waiting,
    )
    if models.advance(row, seen, [letter.record, *letter.deliveries] if letter else []) and letter:
        outbox.send([letter])
        _clear(rule, row)


def _clear(rule: Rule, digest: Digest) -> bool:
    """Forget some of what was told; returns whether that was the last of it."""
    told = models.waiting(rule.rule_id, digest.cut, MOST_CLEARED)
    for each in told:
        models.forget_waiting(each, once="#" in each.sk)
    if len(told) == MOST_CLEARED:
        return False
    models.clear_digest(digest)
    return True


def _seq(seen: Digest | None) -> int:
    return int(seen.seq) if seen else 0


def _letter(rule: Rule, waiting: Sequence[Waiting], day: str, now: datetime, again: str) -> Letter:
    found = [msgspec.json.decode(each.notice, type=Notice) for each in sorted(waiting, key=lambda each: each.at)]
    found.sort(key=lambda each: SEVERITIES.index(each.severity))
    counts = Counter(each.severity for each in found)
    lines = [f"[{each.severity}] {each.title}{_where(each)}" for each in found]
    if len(lines) > alerts.MOST_LINES:
        # Where there were so many, others may not have waited, or not been read.
        least = "at least " if len(lines) >= MOST_WAITING else ""
        lines[alerts.MOST_LINES - 1 :] = [f"… and {least}{len(lines) - alerts.MOST_LINES + 1} more"]
    projects = {each.project_id for each in found}
    alert = Alert(
        delivery_id=outbox.delivery_id(rule.rule_id, SUBJECT, day + again),
        rule=rule.name,
        kind="digest",
        severity=found[0].severity,
        state="trigger",
        title=f"{day}: " + ", ".join(f"{many} {severity}" for severity, many in counts.items()),
        lines=tuple(alerts.cut(each, alerts.MOST_IN_LINE) for each in lines),
        environment=None,
        project_id=projects.pop() if len(projects) == 1 else ALL_PROJECTS,
        link=None,
        at=now,
        count=len(found),
        suppressed=0,
    )
    return outbox.letter(rule, alert, SUBJECT, outbox.places(rule), now)


def _where(happened: Notice) -> str:
    return f" ({happened.environment})" if happened.environment else ""
