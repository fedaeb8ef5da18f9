"""Rules: of what somebody is told, how often, and by which channels. Three are always there, unless changed.

Those three apply to what no rule of an operator's matches, but for rules that count, which tell besides: `critical` is
told by email at once, `warning` by the channels it is given, and `rest`, which takes warnings too until then, in a
digest every morning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from chalicelib import paging, zones
from chalicelib.alerts import channels, models
from chalicelib.alerts.alert import Happening, Severity
from chalicelib.alerts.channels import Channel, ChannelView
from chalicelib.alerts.models import Audit, StoredRule
from chalicelib.alerts.notice import Notice
from chalicelib.clock import Time, rfc3339
from chalicelib.dynamodb import Busy
from chalicelib.errors import Conflict, InvalidRequest, RuleNotFound, Unavailable
from chalicelib.fields import LocalTime, ProjectId, Zone
from chalicelib.observability import correlation_id, logger

Watched = Literal["error_rate", "latency"]

MOST_RULES: Final = 100
# Each of them costs every report and event that it matches a write.
MOST_COUNTING: Final = 10
MOST_CHANNELS: Final = 5
ROUNDS: Final = 5
REMEMBERED_FOR: Final = timedelta(seconds=10)

HAPPENINGS: Final[tuple[Happening, ...]] = get_args(Happening)
WATCHED: Final[frozenset[Happening]] = frozenset(get_args(Watched))
# What happens by the thousand is told of only where a rule says so.
_FREQUENT: Final = frozenset({"report", "event"})
_COUNTED: Final = WATCHED | _FREQUENT
_RARE: Final = [each for each in HAPPENINGS if each not in _COUNTED]
MOST_HOURS: Final = 168
MOST_PER_CENT: Final = 100

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Key = Annotated[
    str,
    Meta(
        min_length=1, max_length=200, description="An error key, an event or an endpoint; `abc*` is any that begins so."
    ),
]
Environment = Annotated[str, Meta(min_length=1, max_length=64)]
On = Annotated[list[Happening], Meta(min_length=1, max_length=len(HAPPENINGS))]
Threshold = Annotated[
    int, Meta(ge=1, le=1_000_000, description="Per cent for `error_rate`, milliseconds (p95) for `latency`.")
]
Window = Annotated[int, Meta(ge=1, le=MOST_HOURS * 60, description="Whole hours for `error_rate` and `latency`.")]
Suppress = Annotated[int, Meta(ge=1, le=7 * 24 * 60)]
Channels = Annotated[list[Channel], Meta(max_length=MOST_CHANNELS)]


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule applies to: all that is named must fit."""

    key: Key | None = None
    severity: Severity | None = None
    environment: Environment | None = None
    project_id: ProjectId | None = None


class DailyDigest(Struct, frozen=True, forbid_unknown_fields=True):
    """Once a day, all of it together, at a local time."""

    local_time: LocalTime = "08:00"
    timezone: Zone = "UTC"


class NewRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule to be made. Without `channels` whoever is told by default is told by email.

    `threshold` is how often it has to happen to one subject within `window_minutes` (default 5, or 60 for rates); after
    that a rule is silent about the subject for `suppress_minutes`. Unless `on` is given, it is all but `report`,
    `event`, `error_rate` and `latency`, or with a threshold above 1 `report` and `event`, as the rest happens once.
    """

    name: Name
    enabled: bool = True
    on: On | UnsetType = UNSET
    match: Match = Match()
    threshold: Threshold = 1
    window_minutes: Window | UnsetType = UNSET
    suppress_minutes: Suppress = 60
    digest: DailyDigest | None = None
    channels: Channels = []


class RuleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change of a rule: what is absent stays as it is. `channels` replace all that there are."""

    name: Name | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    on: On | UnsetType = UNSET
    match: Match | UnsetType = UNSET
    threshold: Threshold | UnsetType = UNSET
    window_minutes: Window | UnsetType = UNSET
    suppress_minutes: Suppress | UnsetType = UNSET
    digest: DailyDigest | UnsetType | None = UNSET
    channels: Channels | UnsetType = UNSET


class Rule(Struct, frozen=True):
    """A rule, with what is secret of its channels. It is stored as JSON; `RuleView` is what is shown."""

    rule_id: str
    name: str
    enabled: bool
    on: list[Happening]
    match: Match
    threshold: int
    window_minutes: int
    suppress_minutes: int
    digest: DailyDigest | None
    channels: list[Channel]
    created_at: str | None = None
    updated_at: str | None = None


class RuleView(Struct, frozen=True):
    """A rule as it is shown. One of those that are always there has no `created_at`."""

    rule_id: str
    name: str
    enabled: bool
    on: list[Happening]
    match: Match
    threshold: int
    window_minutes: int
    suppress_minutes: int
    digest: DailyDigest | None
    channels: list[ChannelView]
    created_at: Time | None
    updated_at: Time | None


@dataclass(frozen=True, slots=True)
class Known:
    """The enabled rules: those that operators made, and of those that are always there what is left of them."""

    made: tuple[Rule, ...]
    defaults: tuple[Rule, ...]


def _default(rule_id: str, name: str, on: Sequence[Happening], severity: Severity, digest: DailyDigest | None) -> Rule:
    return Rule(rule_id, name, True, [*on], Match(severity=severity), 1, 5, 60, digest, [])  # noqa: FBT003  # enabled


CRITICAL, WARNING, REST = "critical", "warning", "rest"
DEFAULTS: Final = {
    CRITICAL: _default(CRITICAL, "Anything critical", [*_RARE, "report", "event"], "CRITICAL", None),
    WARNING: _default(WARNING, "Warnings", [*_RARE, "event"], "WARNING", None),
    REST: _default(REST, "The rest, every morning", _RARE, "INFO", DailyDigest()),
}

_known: tuple[datetime, list[Rule]] | None = None


# -- what applies -----------------------------------------------------------------------------------------------------


def known(now: datetime) -> Known:
    """The rules that apply, as they are, or were ten seconds ago, or last while they cannot be read.

    Raises Busy while they never could.
    """
    enabled = [rule for rule in _remembered(now) if rule.enabled]
    return Known(
        tuple(rule for rule in enabled if rule.rule_id not in DEFAULTS),
        tuple(rule for rule in enabled if rule.rule_id in DEFAULTS),
    )


def watched(kind: Watched, now: datetime) -> list[Rule]:
    """The enabled rules on a rate that somebody has to compute. Raises Busy."""
    return [rule for rule in known(now).made if rule.on == [kind]]


def find(rule_id: str) -> Rule | None:
    """A rule as it is now, enabled or not. Raises Busy."""
    if not models.is_rule_id(rule_id):
        return None
    return _visible(rule_id, models.find_rule(rule_id))


def matches(rule: Rule, notice: Notice) -> bool:
    """Whether a rule applies to what happened."""
    wanted = rule.match
    return (
        notice.kind in rule.on
        and wanted.severity in (None, notice.severity)
        and wanted.environment in (None, notice.environment)
        and wanted.project_id in (None, notice.project_id)
        and (wanted.key is None or _fits(wanted.key, notice.key))
    )


def forget() -> None:
    """Begin as a fresh container does."""
    global _known  # noqa: PLW0603  # one per container
    _known = None


def _fits(wanted: str, key: str) -> bool:
    return key.startswith(wanted[:-1]) if wanted.endswith("*") else key == wanted


def _remembered(now: datetime) -> list[Rule]:
    global _known  # noqa: PLW0603  # as above
    if _known is not None and timedelta() <= now - _known[0] < REMEMBERED_FOR:
        return _known[1]
    try:
        _known = (now, _all())
    except Busy:
        # What held a while ago tells more than nothing.
        if _known is None:
            raise
    return _known[1]


def _all() -> list[Rule]:
    """Every rule that is shown: those that are always there, then the others, the oldest first."""
    stored = {row.sk: row for row in models.rules()}
    found = [_visible(rule_id, stored.get(rule_id)) for rule_id in (*DEFAULTS, *(stored.keys() - DEFAULTS.keys()))]
    return sorted((rule for rule in found if rule is not None), key=_position)


def _position(rule: Rule) -> str:
    return f"{rule.created_at or ''}#{rule.rule_id}"


def _visible(rule_id: str, stored: StoredRule | None) -> Rule | None:
    if stored is None:
        return DEFAULTS.get(rule_id)
    if stored.hidden:
        return None
    try:
        return msgspec.json.decode(stored.rule, type=Rule)
    except msgspec.DecodeError:
        # A later version wrote it. Of the others it is none of the business.
        logger.exception("an alert rule cannot be read", rule_id=rule_id)
        return DEFAULTS.get(rule_id)


# -- what operators do ------------------------------------------------------------------------------------------------


def page(limit: int, cursor: str | None) -> paging.Page[RuleView]:
    """A page of rules: those that are always there, then the others, the oldest first. Raises InvalidCursor."""
    scope = paging.scope("rules", {})
    after = paging.position(scope, cursor) or ""
    found = [rule for rule in _all() if _position(rule) > after]
    more = len(found) > limit
    return paging.Page(
        [show(rule) for rule in found[:limit]], paging.cursor(scope, _position(found[limit - 1])) if more else None
    )


def existing(rule_id: str) -> Rule:
    """A rule. Raises RuleNotFound."""
    rule = find(rule_id)
    if rule is None:
        raise RuleNotFound("There is no alert rule with this id; it may have been deleted.")
    return rule


def make(new: NewRule, actor: str, now: datetime, rule_id: str) -> RuleView:
    """Make a rule. Raises InvalidRequest, also where ten count already, and Conflict where there are a hundred.

    Where there is one of that id already, it was made by the same request, and is what is returned.
    """
    on = new.on
    if on is UNSET:
        on = list(_RARE) if new.threshold == 1 else ["report", "event"]
    window = new.window_minutes
    if window is UNSET:
        window = 60 if WATCHED.intersection(on) else 5
    given = asdict(new) | {"on": on, "window_minutes": window}
    rule = Rule(rule_id, created_at=rfc3339(now), updated_at=rfc3339(now), **given)
    _check(rule)
    stored = models.rules()
    if any(row.sk == rule_id for row in stored):
        return show(existing(rule_id))
    if len(stored) >= MOST_RULES:
        raise Conflict(f"There are {MOST_RULES} alert rules, which is as many as there may be; delete one first.")
    _require_countable(rule)
    change = _told(rule, given)
    if models.put_rule(_row(rule, 1), None, _audit(rule_id, actor, "make", change, now)):
        return show(rule)
    return show(existing(rule_id))


def change(rule_id: str, change: RuleChange, actor: str, now: datetime) -> RuleView:
    """Change a rule; containers follow within seconds. A default that was deleted is there again.

    Raises RuleNotFound, InvalidRequest, and Unavailable while others keep changing it.
    """
    given = {name: value for name, value in asdict(change).items() if value is not UNSET}
    for _ in range(ROUNDS):
        stored = models.find_rule(rule_id) if models.is_rule_id(rule_id) else None
        hidden = stored is not None and stored.hidden
        rule = DEFAULTS[rule_id] if hidden else existing(rule_id)
        if not given and not hidden:
            return show(rule)
        was, rule = rule, replace(rule, **given, updated_at=rfc3339(now))
        _check(rule)
        if not _counts(was):
            _require_countable(rule)
        audit = _audit(rule_id, actor, "change", _told(rule, given), now)
        if models.put_rule(_row(rule, int(stored.version) + 1 if stored else 1), stored, audit):
            return show(rule)
    raise Unavailable("The rule is being changed by others; try again.")


def delete(rule_id: str, actor: str, now: datetime) -> None:
    """Delete a rule; a default applies no more, until it is changed. Safe to repeat.

    Raises Unavailable while others keep changing it.
    """
    for _ in range(ROUNDS):
        stored = models.find_rule(rule_id) if models.is_rule_id(rule_id) else None
        gone = stored.hidden if stored else rule_id not in DEFAULTS
        if gone:
            return
        audit = _audit(rule_id, actor, "delete", None, now)
        if stored is None or rule_id in DEFAULTS:
            row = _row(DEFAULTS[rule_id], int(stored.version) + 1 if stored else 1)
            row.hidden = True
            done = models.put_rule(row, stored, audit)
        else:
            done = models.delete_rule(stored, audit)
        if done:
            return
    raise Unavailable("The rule is being changed by others; try again.")


def show(rule: Rule) -> RuleView:
    """A rule as its owners are shown it."""
    return RuleView(**asdict(rule) | {"channels": [channels.show(each) for each in rule.channels]})


def _check(rule: Rule) -> None:
    """Raise InvalidRequest for what no field alone tells."""
    if len(set(rule.on)) < len(rule.on):
        raise InvalidRequest.of("on", "must name each happening once")
    if WATCHED.intersection(rule.on):
        _check_rate(rule)
    elif rule.threshold > 1 and not _COUNTED.issuperset(rule.on):
        raise InvalidRequest.of(
            "threshold", "must be 1 unless `on` names nothing but report and event: the rest happens once"
        )
    if rule.digest is not None and rule.digest.timezone not in zones.names():
        raise InvalidRequest.of("digest.timezone", zones.UNKNOWN)
    for nth, channel in enumerate(rule.channels):
        channels.require_sendable(channel, f"channels[{nth}]")


def _check_rate(rule: Rule) -> None:
    """The same, for a rule on a rate."""
    if rule.rule_id in DEFAULTS:
        raise InvalidRequest.of("on", "must not name error_rate or latency in a rule that is always there: make one")
    if len(rule.on) > 1:
        raise InvalidRequest.of("on", "must name nothing besides error_rate or latency")
    if rule.window_minutes % 60:
        raise InvalidRequest.of("window_minutes", "must be whole hours, such as 60")
    if rule.on == ["error_rate"] and rule.threshold > MOST_PER_CENT:
        raise InvalidRequest.of("threshold", f"must be at most {MOST_PER_CENT} per cent")


def _counts(rule: Rule) -> bool:
    """Whether it costs what it matches a write."""
    return rule.enabled and rule.threshold > 1 and not WATCHED.intersection(rule.on)


def _require_countable(rule: Rule) -> None:
    """Raise InvalidRequest for another rule that counts where there are ten. Of two made at once both may pass."""
    if _counts(rule) and sum(_counts(each) for each in _all() if each.rule_id != rule.rule_id) >= MOST_COUNTING:
        message = f"must be 1, as {MOST_COUNTING} enabled rules count reports and events already: disable one first"
        raise InvalidRequest.of("threshold", message)


def _told(rule: Rule, given: dict[str, Any]) -> dict[str, Any]:
    """Settings of a rule as they may be told: channels without what is secret."""
    shown = asdict(show(rule))
    told: dict[str, Any] = msgspec.to_builtins({name: shown[name] for name in given})
    return told


def _row(rule: Rule, version: int) -> StoredRule:
    return StoredRule(models.RULES, rule.rule_id, rule=msgspec.json.encode(rule).decode(), version=version)


def _audit(rule_id: str, actor: str, action: str, change: object, now: datetime) -> Audit:
    return models.audit(rule_id, actor, action, now, correlation_id=correlation_id(), change=change)
