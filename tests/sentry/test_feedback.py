"""Feedback: beside its event in whatever order they come, and never lost."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.dynamodb import Busy
from chalicelib.incidents import absorbing, extras, models
from chalicelib.personal import Scrub
from chalicelib.projects import settings
from tests.conftest import Door
from tests.faults import Call, recorded, tapped
from tests.sentry.conftest import Cloud
from tests.sentry.taking import EVENT, NOW, OTHER, error, feedback, packed, taken

Freeze = Callable[[str], None]
REPORT = {"event_id": EVENT, "name": "Ann", "email": "ann@example.com", "comments": "It broke"}
SHOWN = {"message": "It broke", "name": "Ann", "email": "ann@example.com", "url": None}
RECEIVED = {"received_at": "2026-03-01T10:00:10.000Z"}


@pytest.fixture
def door(cloud_in_memory: Cloud, frozen: Freeze) -> Door:
    frozen("2026-03-01T10:00:20Z")
    return cloud_in_memory.door


def incidents(door: Door) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.admin("GET", "/incidents?limit=100").json["items"]
    return found


def shown(door: Door) -> list[list[dict[str, Any]]]:
    """The feedback of the one incident's latest event, and of each of its occurrences."""
    (incident,) = incidents(door)
    kept = door.admin("GET", f"/incidents/{incident['incident_id']}/occurrences").json["items"]
    return [door.incident(incident["incident_id"])["feedback"], *(each["feedback"] for each in kept)]


@pytest.fixture(autouse=True)
def queue(door: Door) -> Iterator[list[tuple[int, str]]]:
    """What was sent to the queue: after how many seconds it is to be delivered, and the message."""
    sent: list[tuple[int, str]] = []

    def note(call: Call) -> Any:
        if call.operation == "SendMessage":
            sent.append((call.parameters.get("DelaySeconds", 0), call.parameters["MessageBody"]))
        return call.make()

    with tapped(note):
        yield sent


def absorb(queue: list[tuple[int, str]], delay_s: int = 900) -> None:
    """Deliver what waits in the queue, all of it that long."""
    assert {delay for delay, _ in queue} == {delay_s}
    assert absorbing.absorb({str(nth): body for nth, (_, body) in enumerate(queue)}, NOW) == []
    queue.clear()


def storm(events: int) -> None:
    """So many events of one failure."""
    for start in range(0, events, 30):
        sent = [("event", error(event_id=f"{nth:032x}")) for nth in range(start, min(start + 30, events))]
        taken(packed(*sent))


SAID = pytest.mark.parametrize(
    "sent",
    [
        ("feedback", feedback()),
        ("event", feedback()),
        ("user_report", REPORT),
        ("user_report", {**REPORT, "event_id": "AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa"}),
    ],
    ids=["feedback", "feedback in an event", "user_report", "dashed"],
)


@SAID
def test_feedback_stands_beside_its_event(door: Door, sent: tuple[str, Any], queue: list[tuple[int, str]]) -> None:
    taken(packed(("event", error()), event_id=EVENT))
    for _ in range(2):
        taken(packed(sent, event_id=OTHER))
    assert shown(door) == [[SHOWN | RECEIVED]] * 2
    assert queue == []


@SAID
def test_feedback_may_come_before_its_event(door: Door, sent: tuple[str, Any], queue: list[tuple[int, str]]) -> None:
    taken(packed(sent, event_id=OTHER))
    assert incidents(door) == []
    taken(packed(("event", error()), event_id=EVENT))
    assert shown(door) == [[SHOWN | RECEIVED]] * 2
    absorb(queue)
    assert shown(door) == [[SHOWN | RECEIVED]] * 2


@pytest.mark.parametrize("order", [1, -1])
def test_a_user_report_in_its_events_envelope_needs_no_id(door: Door, order: int) -> None:
    nameless = {name: text for name, text in REPORT.items() if name != "event_id"}
    taken(packed(*[("event", error()), ("user_report", nameless)][::order], event_id=EVENT))
    assert shown(door) == [[SHOWN | RECEIVED]] * 2


def test_feedback_of_an_event_that_never_comes_becomes_an_incident(door: Door, queue: list[tuple[int, str]]) -> None:
    for _ in range(2):
        taken(packed(("feedback", feedback()), event_id=OTHER))
        taken(packed(("user_report", {**REPORT, "comments": "Me too"})))
    assert incidents(door) == []
    absorb(queue)
    found = {each["title"]: each for each in incidents(door)}
    assert sorted(found) == ["feedback: It broke", "feedback: Me too"]
    assert {(each["error_key"], each["severity"], each["count"]) for each in found.values()} == {("feedback", "LOW", 1)}
    taken(packed(("event", error()), event_id=EVENT))
    (late,) = [each for each in incidents(door) if each["error_key"] == "ValueError"]
    assert {each["message"] for each in door.incident(late["incident_id"])["feedback"]} == {"It broke", "Me too"}


def test_feedback_of_no_event_is_an_incident_at_once(door: Door, queue: list[tuple[int, str]]) -> None:
    for _ in range(2):
        taken(packed(("feedback", feedback(about=None, release="web@1", environment="staging")), event_id=OTHER))
    (incident,) = incidents(door)
    assert (incident["title"], incident["severity"], incident["count"]) == ("feedback: It broke", "LOW", 1)
    assert (incident["environments"], incident["first_release"]) == (["staging"], "web@1")
    assert "ann@example.com" in json.dumps(door.incident(incident["incident_id"])["description"])
    assert queue == []


def test_feedback_of_an_event_that_was_thinned_out_becomes_an_incident(
    door: Door, queue: list[tuple[int, str]]
) -> None:
    storm(102)
    taken(packed(("feedback", feedback(about=f"{101:032x}")), event_id=OTHER))
    absorb(queue)
    assert sorted(each["error_key"] for each in incidents(door)) == ["ValueError", "feedback"]


def test_an_event_has_so_much_feedback_and_more_becomes_incidents(door: Door) -> None:
    taken(packed(("event", error()), event_id=EVENT))
    for nth in range(extras.MAX_FEEDBACK + 2):
        taken(packed(("user_report", {**REPORT, "comments": f"word{'abcdefghijklm'[nth]}"})))
    found = incidents(door)
    assert sorted(each["error_key"] for each in found) == ["ValueError", "feedback", "feedback"]
    (event,) = [each for each in found if each["error_key"] == "ValueError"]
    assert len(door.incident(event["incident_id"])["feedback"]) == extras.MAX_FEEDBACK


def test_a_busy_table_costs_no_feedback(
    door: Door, monkeypatch: pytest.MonkeyPatch, queue: list[tuple[int, str]]
) -> None:
    def busy(*_: Any, **__: Any) -> Any:
        raise Busy("throttled")

    with monkeypatch.context() as patched:
        patched.setattr(models, "add_piece", busy)
        patched.setattr(models, "add", busy)
        taken(packed(("feedback", feedback()), event_id=OTHER))
    absorb(queue, 0)
    assert [each["title"] for each in incidents(door)] == ["feedback: It broke"]


def test_feedback_is_scrubbed_bounded_and_treated_as_the_project_says(door: Door) -> None:
    said = feedback("password=hunter2 " + "x" * 10_000, name="\x00\ud800Ann" * 100, url="https://a:secret@x/")
    said["contexts"]["feedback"] |= {"name": 7, "url": "https://x/?token=abcdef123"}
    terms = dataclasses.replace(settings.default_terms(), scrub=Scrub(emails="remove"))
    taken(packed(("event", error()), event_id=EVENT), terms)
    taken(packed(("feedback", said), event_id=OTHER), terms)
    (found,) = shown(door)[0]
    assert found["message"].startswith("password=[scrubbed] xxx")
    assert len(found["message"]) == 4096
    assert (found["name"], found["email"], found["url"]) == (None, "[email]", "https://x/?token=[scrubbed]")


@pytest.mark.parametrize("contexts", [None, [], {"feedback": None}, {"feedback": []}, {"feedback": {"message": 7}}])
def test_feedback_without_words_is_no_failure(door: Door, contexts: Any) -> None:
    taken(packed(("feedback", {"contexts": contexts}), event_id=OTHER))
    (incident,) = incidents(door)
    assert incident["error_key"] == "feedback"


def test_feedback_is_of_its_project(door: Door) -> None:
    taken(packed(("event", error()), event_id=EVENT))
    taken(packed(("feedback", feedback())), dataclasses.replace(settings.default_terms(), project_id="2"))
    assert shown(door) == [[], []]


def test_feedback_goes_with_its_event(door: Door) -> None:
    taken(packed(("event", error()), ("user_report", REPORT), event_id=EVENT))
    (incident,) = incidents(door)
    assert models.pieces("1", [EVENT])
    assert door.admin("DELETE", f"/incidents/{incident['incident_id']}").status == 204
    assert models.pieces("1", [EVENT]) == {}


def test_feedback_past_its_retention_is_hidden(door: Door, frozen: Freeze) -> None:
    taken(packed(("user_report", REPORT)), dataclasses.replace(settings.default_terms(), retention_days=1))
    taken(packed(("event", error()), event_id=EVENT))
    assert len(shown(door)[0]) == 1
    frozen("2026-03-02T10:00:11Z")
    assert shown(door) == [[], []]


def test_what_lies_beside_events_costs_one_read_a_page(door: Door) -> None:
    storm(60)
    (incident,) = incidents(door)
    path = f"/incidents/{incident['incident_id']}"
    with recorded() as ledger:
        door.admin("GET", f"{path}/occurrences?limit=60")
    assert ledger.operations == ["GetItem", "Query", "BatchGetItem"]
    with recorded() as ledger:
        door.admin("GET", path)
    assert ledger.operations == ["GetItem", "BatchGetItem", "Query", "BatchGetItem"]
