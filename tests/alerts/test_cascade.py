"""Cascades: three endpoints that fail within minutes are told, whoever noted them, and in whatever order."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import endpoints
from chalicelib.alerts import cascade, silences
from tests import store as stores
from tests.alerts import telling
from tests.alerts.telling import NOW, PerContainer
from tests.faults import Program, Race, no_pauses, outcomes, points, survives, tapped

MINUTE = timedelta(minutes=1)
HOSTILE = "\N{FULL MOON WITH FACE}#|\x00" * 60


class World:
    """A store, the rules that are always there, and endpoints that fail."""

    def __init__(self, store: stores.Store) -> None:
        self.store = store
        self._empty = store.bookmark()

    def begin(self, *earlier: str) -> None:
        """Begin anew, after endpoints that failed a minute ago."""
        self._empty()
        telling.forget()
        for name in earlier:
            self.fail(name, after=-MINUTE)()
        telling.forget()
        telling.ready()

    def fail(self, *names: str, after: timedelta = timedelta(), environment: str | None = "production") -> Program:
        return lambda: cascade.failed("1", environment, names, NOW + after)

    def told(self) -> list[list[str]]:
        """The endpoints of each alert."""
        return [each["lines"] for each in telling.sent(self.store)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with stores.installed() as store, no_pauses():
        monkeypatch.setattr(silences, "_silences", PerContainer())
        yield World(store)


def test_three_endpoints_are_a_cascade(world: World) -> None:
    world.begin()
    for nth, name in enumerate(["GET /a", "GET /a", "POST /b", "GET /a", "POST /b"]):
        world.fail(name, after=nth * MINUTE)()
    assert world.told() == []
    world.fail("GET /c", after=4 * MINUTE)()
    assert world.told() == [["GET /a", "GET /c", "POST /b"]]
    (alert,) = telling.sent(world.store)
    assert (alert["kind"], alert["severity"], alert["title"]) == (
        "cascade",
        "CRITICAL",
        "3 endpoints failed within 5 minutes",
    )
    world.fail("GET /d", "GET /e", after=5 * MINUTE)()
    assert len(world.told()) == 1


@pytest.mark.parametrize(("apart", "alerts"), [(4, 1), (5, 1), (6, 0)])
def test_it_is_about_the_last_five_minutes(world: World, apart: int, alerts: int) -> None:
    world.begin()
    world.fail("/a")()
    world.fail("/b", "/c", after=apart * MINUTE)()
    assert len(world.told()) == alerts


def test_projects_and_environments_fail_by_themselves(world: World) -> None:
    world.begin()
    for environment in ("production", None, HOSTILE):
        world.fail("/a", "/b", environment=environment)()
        cascade.failed("2", environment, ["/c"], NOW)
    assert world.told() == []
    world.fail("/c", environment=HOSTILE)()
    (alert,) = telling.sent(world.store)
    assert alert["lines"] == ["/a", "/b", "/c"]


def test_a_container_writes_an_endpoint_once_a_minute(world: World) -> None:
    world.begin()
    calls: list[str] = []

    def note(call: Any) -> Any:
        calls.append(call.operation)
        return call.make()

    with tapped(note):
        for _ in range(10):
            world.fail("/a")()
        assert calls == ["UpdateItem", "Query"]
        world.fail("/a", after=MINUTE)()
    assert calls == 2 * ["UpdateItem", "Query"]


def test_hostile_endpoints_make_no_large_row(world: World) -> None:
    world.begin()
    for batch in range(20):
        world.fail(*(f"{nth}{HOSTILE}" for nth in range(batch * 100, batch * 100 + 100)), "")()
    (row,) = [each for each in world.store.rows("alerts") if each["pk"]["S"].startswith("CASC#")]
    assert len(row["endpoints"]["SS"]) == cascade.MOST_ENDPOINTS
    assert max(len(name.encode()) for name in row["endpoints"]["SS"]) <= endpoints.MAX_NAME
    assert len(world.told()) == 1


def the_second_and_the_third(world: World) -> list[Program]:
    world.begin("/a")
    return [world.fail("/b"), world.fail("/c")]


def the_third_and_the_fourth(world: World) -> list[Program]:
    world.begin("/a", "/b")
    return [world.fail("/c"), world.fail("/d")]


def two_where_the_minute_ends(world: World) -> list[Program]:
    world.begin("/a")
    return [world.fail("/b"), world.fail("/c", after=MINUTE)]


def one_endpoint_everywhere(world: World) -> list[Program]:
    world.begin("/a")
    return [world.fail("/b"), world.fail("/b"), world.fail("/a")]


@pytest.mark.parametrize(
    ("arrange", "alerts"),
    [
        (the_second_and_the_third, 1),
        (the_third_and_the_fourth, 1),
        (two_where_the_minute_ends, 1),
        (one_endpoint_everywhere, 0),
    ],
)
def test_who_notes_last_sees_all(world: World, arrange: Callable[[World], list[Program]], alerts: int) -> None:
    found = outcomes(lambda: Race(arrange(world), lambda: len(world.told())))
    assert found.runs > 1
    assert {outcome.rpartition(" ")[2] for outcome in found.interleaved} == {f"{alerts}]"}


def test_a_container_that_dies_leaves_it_to_the_next(world: World) -> None:
    for point in points():
        world.begin("/a", "/b")
        if survives(point, world.fail("/c")):
            break
        telling.ready()
        world.fail("/c")()
        assert world.told() == [["/a", "/b", "/c"]], point
    assert point.nth > 1
