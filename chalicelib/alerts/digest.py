"""Digest: what waits for a rule, told together once on each local date of its zone."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from chalicelib import memory, zones
from chalicelib.alerts import alert as alerts
from chalicelib.alerts import claiming, models, outbox
from chalicelib.alerts.alert import Alert, Severity
from chalicelib.alerts.models import Digest, Waiting
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.outbox import Letter
from chalicelib.alerts.rules import DailyDigest, Rule
from chalicelib.clock import parse, rfc3339

# Whoever composed it and has not cleared up by then is dead: functions end sooner.
DEAD_AFTER: Final = timedelta(minutes=5)
DAY: Final = timedelta(days=1)
SUBJECT: Final = "digest"
# What a digest of several projects is of.
ALL_PROJECTS: Final = "all"

_SEVERITIES: Final[tuple[Severity, ...]] = ("CRITICAL", "WARNING", "INFO")


def wait(rule: Rule, settings: DailyDigest, happened: Notice, now: datetime) -> None:
    """Let a notice wait for the rule's digest, one of each subject. Safe to repeat. Raises Busy."""
    place = happened.subject
    if happened.once is not None:
        place += f"#{claiming.hashed(happened.once)}"
    mark = ("digest", rule.rule_id, place, period(settings, now))
    if not memory.due(mark, now) or claiming.reached(rule, happened, now) is None:
        return
    models.wait(
        Waiting(
            models.digest_key(rule.rule_id),
            place,
            at=rfc3339(now),
            notice=msgspec.json.encode(claiming.storable(happened)).decode(),
            ttl=models.expires(now, models.WAITING_KEPT_FOR),
        )
    )
    memory.written(mark, now, DAY)


def compose(rule: Rule, settings: DailyDigest, now: datetime) -> None:
    """Tell what waits, if the digest of the last date that is due was not told. Safe to repeat. Raises Busy.

    A rule's first date is one that nothing is told of: what waits then waits for the next.
    """
    day = period(settings, now).isoformat()
    mark = ("digested", rule.rule_id, day)
    if not memory.due(mark, now):
        return
    seen = models.find_digest(rule.rule_id)
    if seen is None or seen.date < day:
        _compose(rule, seen, day, now)
    elif seen.cleared:
        memory.written(mark, now, DAY)
    elif now - parse(seen.cut) > DEAD_AFTER:
        _clear(seen, [each for each in models.waiting(rule.rule_id) if each.at <= seen.cut])


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


def _compose(rule: Rule, seen: Digest | None, day: str, now: datetime) -> None:
    waiting = [] if seen is None else list(models.waiting(rule.rule_id))
    # What whoever died had told already lies there still, and may have come with it what was told by nobody.
    fresh = [each for each in waiting if seen is not None and (seen.cleared or each.at > seen.cut)]
    letter = _letter(rule, fresh, day, now) if fresh else None
    row = Digest(
        models.digest_key(rule.rule_id),
        models.STATE,
        seq=int(seen.seq) + 1 if seen else 1,
        date=day,
        cut=max([rfc3339(now), *(each.at for each in waiting)]),
        cleared=not waiting,
    )
    if models.advance(row, seen, [letter.record, *letter.deliveries] if letter else []):
        outbox.send([letter] if letter else [])
        if waiting:
            _clear(row, waiting)


def _clear(digest: Digest, told: Sequence[Waiting]) -> None:
    models.forget_waiting(told)
    models.clear_digest(digest)


def _letter(rule: Rule, waiting: Sequence[Waiting], day: str, now: datetime) -> Letter:
    found = [msgspec.json.decode(each.notice, type=Notice) for each in sorted(waiting, key=lambda each: each.at)]
    found.sort(key=lambda each: _SEVERITIES.index(each.severity))
    counts = Counter(each.severity for each in found)
    lines = [f"[{each.severity}] {each.title}{_where(each)}" for each in found]
    if len(lines) > alerts.MOST_LINES:
        lines[alerts.MOST_LINES - 1 :] = [f"… and {len(lines) - alerts.MOST_LINES + 1} more"]
    projects = {each.project_id for each in found}
    alert = Alert(
        delivery_id=outbox.delivery_id(rule.rule_id, SUBJECT, day),
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
