"""Who tells, and who delivers: races and crashes on the real steps, in every order of their calls, on a store.

Containers that notice, resolve, deliver, sweep and die take turns at every call. What must come out is what comes out
of the same acts one after the other: one sender a window, nothing lost, nothing told twice.
"""

import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.alerts import channels, claiming, counting, delivering, noticing, outbox, rules, silences, sweeping
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.channels import Channel, PagerDuty
from chalicelib.alerts.outcome import Delivered, Outcome, Postponed
from chalicelib.alerts.rules import NewRule, RuleChange
from tests import store as stores
from tests.alerts import telling
from tests.alerts.telling import CRITICAL, NOW, PerContainer
from tests.faults import Crash, Program, Race, outcomes, points, survives

PAGER = PagerDuty("0123456789abcdef0123456789abcdef")
WARNED = replace(CRITICAL, kind="new_incident", severity="WARNING", key="Slow", subject="incident:slow", once="new")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Act = Callable[["World"], object]


class World:
    """A store, what is sent by channels, and what may happen to both at one moment."""

    def __init__(self, store: stores.Store, patch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.now = NOW
        self.outcome: Outcome = Delivered(200)
        self.sent: list[str] = []
        self.reported: list[str] = []
        self._ids = 0
        # The same ids in every run; each still once.
        patch.setattr(uuid, "uuid4", self._new_id)
        patch.setattr(channels, "send", self._send)
        patch.setattr(silences, "_silences", PerContainer())
        patch.setattr(counting, "_sums", PerContainer())

    def _new_id(self) -> uuid.UUID:
        self._ids += 1
        return uuid.UUID(int=self._ids)

    def _send(self, channel: Channel, alert: Alert, _: datetime) -> Outcome:
        self.sent.append(f"{type(channel).__name__} {alert.state} {alert.delivery_id}")
        return self.outcome

    def bookmark(self) -> Callable[[], None]:
        """What brings the world back to how it is now."""
        restore, sent, ids = self.store.bookmark(), list(self.sent), self._ids

        def again() -> None:
            restore()
            self.sent[:] = sent
            self.reported.clear()
            self._ids = ids
            telling.forget()
            telling.ready(self.now)

        return again

    # -- what may happen ----------------------------------------------------------------------------------------------

    def notice(self) -> None:
        noticing.notice([CRITICAL], self.now)

    def notice_once(self) -> None:
        noticing.notice([replace(CRITICAL, once="fixed in 1.2")], self.now)

    def notice_other(self) -> None:
        noticing.notice([replace(CRITICAL, once="fixed in 1.3")], self.now)

    def resolve(self) -> None:
        noticing.resolve(CRITICAL.subject, self.now)

    def warn(self) -> None:
        noticing.notice([WARNED], self.now)

    def work(self) -> None:
        for body in sorted({*self.store.messages(outbox.QUEUE)}):
            delivering.take(body, self.now, self._report)

    def sweep(self) -> None:
        sweeping.sweep(self.now)

    def work_and_sweep(self) -> None:
        self.work()
        self.sweep()

    def die_at_work(self) -> None:
        """Take a message, and die while it is sent."""
        (body, *_) = self.store.messages(outbox.QUEUE)

        def die(*_: object) -> Outcome:
            raise Crash

        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Crash):
            patch.setattr(channels, "send", die)
            delivering.take(body, self.now, self._report)

    def _report(self, error_key: str, description: dict[str, Any], *, event: str, **fields: Any) -> None:
        self.reported.append(event)

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def at(self, now: datetime) -> None:
        self.now = now

    def settle(self) -> None:
        """Let time pass until there is nothing left to do."""
        for _ in range(6):
            self.now += 10 * MINUTE
            telling.ready(self.now)
            self.sweep()
            self.work()
            self.store.sent.clear()
        assert telling.in_outbox(self.store) == 0

    def history(self) -> list[Any]:
        """What was told, and how often something was held back."""
        told = [[each["delivery_id"], each["state"]] for each in telling.sent(self.store)]
        return [sorted(told), telling.held(self.store)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with stores.installed() as store:
        telling.ready()
        yield World(store, monkeypatch)


def raced(world: World, acts: tuple[Act, ...], come_to: Callable[[], object]) -> set[str]:
    """Every order of the acts' calls leads where some order of the acts does; returns where."""
    begin = world.bookmark()

    def program(act: Act) -> Program:
        return lambda: act(world)

    def prepare() -> Race:
        begin()
        return Race([program(act) for act in acts], come_to)

    found = outcomes(prepare)
    assert found.runs
    assert {str(order): outcome for outcome, order in found.interleaved.items() if outcome not in found.serial} == {}
    return {*found.serial}


# -- where a race may begin --------------------------------------------------------------------------------------------


def new(world: World) -> None:
    """Nothing was told of it."""


def silent(world: World) -> None:
    """It was told a minute ago."""
    noticing.notice([CRITICAL], NOW - MINUTE)


def over(world: World) -> None:
    """It was told an hour ago."""
    noticing.notice([CRITICAL], NOW - HOUR)


def told_once(world: World) -> None:
    """It was told a minute ago, by the name of its happening."""
    noticing.notice([replace(CRITICAL, once="fixed in 1.2")], NOW - MINUTE)


STATES = (new, silent, over, told_once)


def paged(world: World) -> None:
    """Whoever is told of it can be told that it ended."""
    rules.change("critical", RuleChange(channels=[PAGER]), "admin-1", NOW)
    telling.forget()
    telling.ready()


# -- who tells ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "acts",
    [
        (World.notice, World.notice),
        (World.notice_once, World.notice),
        (World.notice_once, World.notice_once),
        (World.notice_once, World.notice_other),
        (World.notice, World.resolve),
        (World.notice_once, World.resolve),
        (World.resolve, World.resolve),
    ],
    ids=lambda acts: "-".join(act.__name__ for act in acts),
)
def test_whoever_notices_at_once_does_what_they_do_in_turn(
    world: World, state: Callable[[World], None], acts: tuple[Act, ...]
) -> None:
    paged(world)
    state(world)
    raced(world, acts, world.history)


def test_one_of_many_tells_and_the_others_are_counted(world: World) -> None:
    (outcome,) = raced(world, (World.notice,) * 3, world.history)
    assert json.loads(outcome)[1] == [[["critical:incident:9f2c51d07be4:1", "trigger"]], 2]


@pytest.mark.parametrize(("reports", "alerts"), [(1, 0), (2, 1)])
def test_what_reaches_a_threshold_is_told_once(world: World, reports: int, alerts: int) -> None:
    rules.delete("critical", "admin-1", NOW)
    telling.made(NewRule("Often", on=["report"], threshold=4, window_minutes=5))
    telling.ready()
    for nth in (1, 2):
        noticing.notice([CRITICAL], NOW - nth * MINUTE)
    (outcome,) = raced(world, (World.notice,) * reports, lambda: len(telling.sent(world.store)))
    assert json.loads(outcome)[1] == alerts


def test_a_flood_is_told_by_one_of_those_who_find_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "MOST_AN_HOUR", 1)
    noticing.notice([replace(CRITICAL, subject="incident:first")], NOW)

    def notice_another(world: World) -> None:
        noticing.notice([replace(CRITICAL, subject="incident:other")], world.now)

    (outcome,) = raced(world, (World.notice, notice_another), world.history)
    told = [["critical:flood:1:1", "trigger"], ["critical:incident:first:1", "trigger"]]
    assert json.loads(outcome)[1] == [told, 1]


@pytest.mark.parametrize("act", [World.notice, World.notice_once, World.resolve], ids=lambda act: act.__name__)
def test_who_dies_telling_has_told_all_of_it_or_nothing(world: World, act: Act) -> None:
    paged(world)
    if act is World.resolve:
        over(world)
        # What has ended before it arrives is not told.
        world.work()
    begin = world.bookmark()
    act(world)
    expected, _ = world.history()
    for point in points():
        begin()
        done = survives(point, lambda: act(world))
        telling.ready()
        act(world)
        # Who tells again may have been told already, and is held back.
        assert world.history()[0] == expected, point
        world.settle()
        assert len(world.sent) == len(expected), point
        if done:
            break


moments = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40 * 60)), min_size=1, max_size=40)


@given(moments)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_window_has_one_alert_however_many_containers_notice(world: World, steps: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch, stores.installed() as store:
        telling.forget()
        containers = [PerContainer() for _ in range(4)]
        now, held = NOW, 0
        expected: list[datetime] = []
        for container, seconds in steps:
            now += timedelta(seconds=seconds)
            patch.setattr(silences, "_silences", containers[container])
            noticing.notice([CRITICAL], now)
            if not expected or now - expected[-1] >= HOUR:
                expected.append(now)
            else:
                held += 1
        assert [each["position"][:24] for each in telling.told(store) if not each["held"]] == [
            f"{each:%Y-%m-%dT%H:%M:%S}.123Z" for each in expected
        ]
        assert held / 2 <= telling.held(store) <= held


# -- who delivers ------------------------------------------------------------------------------------------------------


def pending(world: World) -> None:
    """There is an alert to be delivered, and its message twice."""
    world.notice()
    world.store.sent *= 2


def late(world: World) -> None:
    """A try came to nothing, its next is due, and an old message is still there."""
    pending(world)
    world.outcome = Postponed("Not now.")
    world.work()
    world.outcome = Delivered(200)
    world.sent.clear()
    world.now += MINUTE


def left(world: World) -> None:
    """Whoever was at it has died, and its lease has run out."""
    pending(world)
    world.die_at_work()
    world.now += delivering.LEASE


@pytest.mark.parametrize("state", [pending, late, left])
@pytest.mark.parametrize("acts", [(World.work, World.work), (World.work, World.work, World.sweep)], ids=["2", "sweep"])
def test_two_workers_never_both_send(world: World, state: Callable[[World], None], acts: tuple[Act, ...]) -> None:
    state(world)

    def delivered() -> object:
        now = world.now
        world.settle()
        world.at(now)
        return world.sent

    (outcome,) = raced(world, acts, delivered)
    assert json.loads(outcome)[1] == ["Email trigger critical:incident:9f2c51d07be4:1"]


def test_two_sweeps_send_one_message(world: World) -> None:
    world.notice()
    world.store.sent.clear()
    world.at(NOW + HOUR)
    telling.ready(world.now)
    (outcome,) = raced(world, (World.sweep, World.sweep), lambda: len(world.store.messages(outbox.QUEUE)))
    assert json.loads(outcome)[1] == 1


def test_a_worker_whose_lease_ran_out_settles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was frozen while it sent, and another has delivered meanwhile."""
    world.notice()
    (body,) = world.store.messages(outbox.QUEUE)

    def freeze(channel: Channel, alert: Alert, now: datetime) -> Outcome:
        monkeypatch.setattr(channels, "send", world._send)
        delivering.take(body, now + delivering.LEASE, world._report)
        return Postponed("It froze.")

    monkeypatch.setattr(channels, "send", freeze)
    delivering.take(body, NOW, world._report)
    (found,) = telling.told(world.store)
    assert found["states"] == ["sent"]
    assert telling.in_outbox(world.store) == 0


def test_a_lease_outlasts_whoever_sends(world: World) -> None:
    world.notice()
    (body,) = world.store.messages(outbox.QUEUE)
    world.die_at_work()
    delivering.take(body, NOW + delivering.LEASE - timedelta(milliseconds=1), world._report)
    assert world.sent == []
    delivering.take(body, NOW + delivering.LEASE, world._report)
    assert len(world.sent) == 1


@pytest.mark.parametrize("messages", [0, 1, 2])
def test_who_dies_delivering_loses_nothing(world: World, messages: int) -> None:
    world.notice()
    world.store.sent[:] = world.store.sent * messages
    begin = world.bookmark()
    for point in points():
        begin()
        done = survives(point, world.work_and_sweep)
        telling.ready(world.now)
        world.at(NOW)
        world.settle()
        (found,) = telling.told(world.store)
        assert found["states"] == ["sent"], point
        # Who dies after it was sent, and before that is written, has it sent again under the same id.
        assert 1 <= len(world.sent) <= 2, point
        assert len({*world.sent}) == 1
        assert len(world.sent) == 1 or messages, point
        world.at(NOW)
        if done:
            break


# -- digests -----------------------------------------------------------------------------------------------------------

MORNING = datetime(2026, 1, 26, 8, 0, tzinfo=NOW.tzinfo)


def waiting(world: World) -> None:
    """A warning waits for the digest of tomorrow."""
    world.sweep()
    world.warn()
    world.at(MORNING)
    telling.forget()
    telling.ready(MORNING)


def test_two_sweeps_compose_one_digest(world: World) -> None:
    waiting(world)
    (outcome,) = raced(world, (World.sweep, World.sweep), world.history)
    assert json.loads(outcome)[1] == [[["rest:digest:2026-01-26", "trigger"]], 0]


def test_a_warning_at_the_hour_is_in_one_digest(world: World) -> None:
    """Another's, which comes while the first is composed; and the same again, which is in this one or the next."""
    waiting(world)

    def warn_of_another(world: World) -> None:
        noticing.notice([replace(WARNED, subject="incident:other", title="Other")], world.now)

    def digests() -> object:
        world.at(MORNING + timedelta(days=1))
        telling.forget()
        world.sweep()
        world.at(MORNING)
        return sorted(line for each in telling.sent(world.store) for line in each["lines"])

    (outcome,) = raced(world, (World.sweep, warn_of_another), digests)
    assert json.loads(outcome)[1] == [
        "[WARNING] Other (production)",
        "[WARNING] PaymentError: the card was declined (production)",
    ]


@pytest.mark.parametrize("swept", [True, False])
def test_who_dies_composing_tells_nothing_twice(world: World, swept: bool) -> None:  # noqa: FBT001  # a case
    waiting(world)
    begin = world.bookmark()
    soon = (timedelta(minutes=1), timedelta(minutes=2)) if swept else ()
    for point in points():
        world.at(MORNING)
        begin()
        done = survives(point, world.sweep)
        for later in (*soon, timedelta(days=1), timedelta(days=2)):
            world.at(MORNING + later)
            telling.ready(world.now)
            world.sweep()
            left = [row for row in world.store.rows("alerts") if "notice" in row]
            assert left == [] or later == MINUTE, point
        told = [alert["count"] for alert in telling.sent(world.store)]
        # A digest that nobody composed is composed with the next.
        assert told == [1], point
        if done:
            break


def test_who_dies_letting_wait_has_it_wait_once(world: World) -> None:
    world.sweep()
    begin = world.bookmark()
    for point in points():
        begin()
        done = survives(point, world.warn)
        telling.ready()
        world.warn()
        assert len([row for row in world.store.rows("alerts") if "notice" in row]) == 1
        if done:
            break


def test_containers_remember_each_for_itself() -> None:
    found = PerContainer()
    found["a"] = 1
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(len(found)))
    thread.start()
    thread.join()
    assert (len(found), seen) == (1, [0])
