"""Lockouts: told once, at the fifth attempt of a window that fails, whatever comes at once, twice, or dies."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from chalicelib import memory
from chalicelib.alerts import lockout, silences
from chalicelib.alerts.channels import Slack
from chalicelib.alerts.lockout import Suspect
from chalicelib.alerts.rules import NewRule
from tests import store as stores
from tests.alerts import telling
from tests.alerts.telling import NOW, PerContainer
from tests.faults import Call, Program, Race, no_pauses, outcomes, points, survives, tapped

SOMEBODY = Suspect("1", "production", "account", "ab" * 16, "a.b@example.com", "login_failed")
SECOND = timedelta(seconds=1)


class World:
    """A store with a rule on lockouts, and attempts that fail, each a container's."""

    def __init__(self, store: stores.Store) -> None:
        self.store = store
        telling.made(NewRule("Lockouts", on=["lockout"], channels=[Slack("https://hooks.slack.com/services/T/B/c")]))
        self._empty = store.bookmark()

    def begin(self, earlier: int = 0) -> None:
        """Begin anew, after attempts that failed a second ago."""
        self._empty()
        telling.forget()
        telling.ready()
        for nth in range(earlier):
            self.fail(f"earlier-{nth}", after=-SECOND)()
        memory.forget()

    def fail(self, *events: str, after: timedelta = timedelta(), who: Suspect = SOMEBODY) -> Program:
        return lambda: lockout.failed(who, events, NOW + after)

    def told(self) -> list[str]:
        return [each["title"] for each in telling.sent(self.store)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with stores.installed() as store, no_pauses():
        monkeypatch.setattr(silences, "_silences", PerContainer())
        yield World(store)


TITLE = "5 attempts to sign in failed for a.b@example.com"


def test_the_fifth_attempt_is_told_and_no_other(world: World) -> None:
    world.begin()
    told = []
    for nth in range(12):
        memory.forget()
        world.fail(f"event-{nth}", after=nth * SECOND)()
        told.append(len(world.told()))
    assert told == [0] * 4 + [1] * 8
    assert world.told() == [TITLE]
    (alert,) = telling.sent(world.store)
    assert (alert["severity"], alert["count"], alert["kind"]) == ("WARNING", 5, "lockout")


def test_a_window_ends_a_quarter_of_an_hour_after_its_first_attempt(world: World) -> None:
    world.begin()
    for nth in range(4):
        world.fail(f"event-{nth}", after=nth * SECOND)()
    almost = lockout.WINDOW - timedelta(milliseconds=1)
    world.fail("late", after=lockout.WINDOW)()
    assert world.told() == []
    world.begin()
    for nth in range(4):
        world.fail(f"event-{nth}", after=nth * SECOND)()
    world.fail("just in time", after=almost)()
    assert world.told() == [TITLE]


def test_each_window_is_told_however_soon_it_follows(world: World) -> None:
    world.begin()
    for start in (timedelta(), lockout.WINDOW):
        for nth in range(7):
            world.fail(f"{start}-{nth}", after=start + nth * SECOND)()
    assert world.told() == [TITLE, TITLE]


def test_accounts_and_addresses_and_projects_count_by_themselves(world: World) -> None:
    world.begin()
    others = [SOMEBODY, replace(SOMEBODY, kind="address"), replace(SOMEBODY, digest="cd" * 16, project_id="2")]
    for who in others:
        for nth in range(4):
            world.fail(f"{who.kind}-{nth}", who=who)()
    assert world.told() == []
    world.fail("fifth", who=replace(SOMEBODY, kind="address", shown=None))()
    assert world.told() == ["5 attempts to sign in failed for one address"]


def test_an_event_that_comes_again_is_no_further_attempt(world: World) -> None:
    world.begin()
    for _ in range(8):
        memory.forget()
        world.fail("one", "two", "three", "four")()
    assert world.told() == []
    world.fail("one", "five")()
    assert world.told() == [TITLE]


def test_a_batch_may_bring_all_of_them(world: World) -> None:
    world.begin()
    world.fail(*(f"event-{nth}" for nth in range(100)))()
    assert world.told() == [TITLE]
    row = next(each for each in world.store.rows("alerts") if each["pk"]["S"].startswith("LOCK#"))
    assert len(row["events"]["BS"]) == lockout.MOST_ATTEMPTS
    memory.forget()
    world.fail("one more")()
    (row,) = [each for each in world.store.rows("alerts") if each["pk"]["S"].startswith("LOCK#")]
    assert len(row["events"]["BS"]) == lockout.MOST_ATTEMPTS
    assert world.told() == [TITLE]


def test_what_was_told_costs_nothing_more(world: World) -> None:
    world.begin(4)
    calls = []

    def note(call: Any) -> Any:
        calls.append(call.operation)
        return call.make()

    with tapped(note):
        world.fail("fifth")()
        first = len(calls)
        for nth in range(20):
            world.fail(f"more-{nth}")()
    assert first == len(calls) > 0


def the_fifth_and_the_sixth(world: World) -> list[Program]:
    world.begin(4)
    return [world.fail("fifth"), world.fail("sixth")]


def the_fourth_and_the_fifth(world: World) -> list[Program]:
    world.begin(3)
    return [world.fail("fourth"), world.fail("fifth")]


def one_event_twice(world: World) -> list[Program]:
    world.begin(3)
    return [world.fail("fourth"), world.fail("fourth")]


def the_fifth_twice(world: World) -> list[Program]:
    world.begin(4)
    return [world.fail("fifth"), world.fail("fifth")]


def two_that_begin_a_window(world: World) -> list[Program]:
    world.begin()
    return [world.fail("one", "two", "three"), world.fail("four", "five")]


def two_that_find_an_old_window(world: World) -> list[Program]:
    world.begin(4)
    old = lockout.WINDOW
    return [world.fail("one", "two", after=old), world.fail("three", "four", after=old + SECOND)]


def three_at_once(world: World) -> list[Program]:
    world.begin(2)
    return [world.fail("three"), world.fail("four"), world.fail("five")]


@pytest.mark.parametrize(
    ("arrange", "alerts"),
    [
        (the_fifth_and_the_sixth, 1),
        (the_fourth_and_the_fifth, 1),
        (one_event_twice, 0),
        (the_fifth_twice, 1),
        (two_that_begin_a_window, 1),
        (two_that_find_an_old_window, 0),
        (three_at_once, 1),
    ],
)
def test_at_once_is_as_one_after_the_other(
    world: World, arrange: Callable[[World], list[Program]], alerts: int
) -> None:
    found = outcomes(lambda: Race(arrange(world), lambda: len(world.told())))
    assert found.runs > 1
    assert {outcome.rpartition(" ")[2] for outcome in found.interleaved} == {f"{alerts}]"}


@pytest.mark.parametrize("earlier", [3, 4, 6])
def test_a_container_that_dies_loses_none(world: World, earlier: int) -> None:
    """It is told by the same event, when that comes again, or by the next."""
    for again in ("this", "next"):
        for point in points():
            world.begin(earlier)
            if survives(point, world.fail("this")):
                break
            telling.ready()
            world.fail(again)()
            world.fail("that")()
            assert world.told() == [TITLE], point
        assert point.nth > 0


def every_first_answer_lost(call: Call) -> Any:
    """Each write is made, and its answer lost; it is tried again with an answer."""
    answer = call.make()
    if call.writes and (seen := str(call.parameters)) not in LOST:
        LOST.add(seen)
        raise ConnectionClosedError(endpoint_url="https://dynamodb.example")
    return answer


LOST: set[str] = set()


@pytest.mark.parametrize("earlier", [0, 3, 4])
def test_an_attempt_whose_answer_is_lost_counts_once(world: World, earlier: int) -> None:
    world.begin(earlier)
    LOST.clear()
    with tapped(every_first_answer_lost):
        world.fail("this")()
    assert LOST
    assert len(world.told()) == (earlier == 4)
