"""Reporting a failure, through the public door: forgiving where API.md says so, clear where it refuses."""

import json
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.dynamodb import Busy
from chalicelib.errors import Unavailable
from chalicelib.incidents import models, overflow, recording
from tests.conftest import INGEST_KEY, Door


def latest(door: Door, taken: dict[str, Any]) -> dict[str, Any]:
    return door.incident(taken["incident_id"])


def test_the_founding_case_is_a_line_in_a_list(door: Door) -> None:
    taken = door.report(
        "homework_proof",
        {"customer_id": 68, "file_name": "IMG_2392.mov", "error_message": "Upload of IMG_2392.mov failed"},
        event_id="0" * 32,
    )
    assert taken == {"incident_id": taken["incident_id"], "event_id": "0" * 32}
    incident = latest(door, taken)
    assert incident["count"] == 1
    assert incident["title"] == "homework_proof: Upload of IMG_2392.mov failed"
    assert incident["description"]["customer_id"] == 68
    assert incident["status"] == "ACTIVE"
    assert incident["severity"] == "MEDIUM"
    assert incident["trend"] == [0] * 23 + [1]
    listed = door.admin("GET", "/incidents?q=img_2392").json
    assert [each["incident_id"] for each in listed["items"]] == [taken["incident_id"]]
    assert listed["next_cursor"] is None


def test_every_field_is_kept(door: Door) -> None:
    fields: dict[str, Any] = {
        "severity": "HIGH",
        "environment": "production",
        "release": "web@2.3.1",
        "url": "https://school.example/homework/9",
        "route_name": "/homework/:id",
        "endpoint": "PUT /proofs",
        "http_status": 507,
        "error_message": "No space left",
        "actor_type": "customer",
        "user_id": "68",
        "user_agent": "Mozilla/5.0 (iPhone)",
        "stack_trace": "Error: x\n  at upload (proofs.js:3)",
        "request_data": {"size": 5},
        "response_data": {"error": "disk"},
        "was_bypassed": True,
        "bypass_reason": "exam week",
        "user_notified": False,
    }
    incident = latest(door, door.report(description={"student_id": 7}, **fields))
    shown = {name: incident.get(name) for name in fields if name not in ("environment", "release")}
    assert shown == {name: value for name, value in fields.items() if name not in ("environment", "release")}
    assert incident["environments"] == ["production"]
    assert incident["first_release"] == incident["last_release"] == "web@2.3.1"
    assert incident["user_count"] == 1
    assert incident["ingest_notes"] == []
    assert "No space left" in incident["grouped_by"]


def test_the_same_failure_is_one_incident_and_another_is_another(door: Door) -> None:
    first = door.report(description={"error_message": "Upload 123 failed"}, severity="LOW", environment="beta")
    again = door.report(description={"error_message": "Upload 456 failed"}, severity="HIGH", environment="live")
    lower = door.report(description={"error_message": "Upload 789 failed"}, severity="LOW", environment="live")
    other = door.report(description={"error_message": "Login failed"})
    assert first["incident_id"] == again["incident_id"] == lower["incident_id"] != other["incident_id"]
    incident = latest(door, first)
    assert (incident["count"], incident["severity"]) == (3, "HIGH")
    assert incident["environments"] == ["beta", "live"]
    assert incident["description"] == {"error_message": "Upload 789 failed"}


def test_a_fingerprint_replaces_the_grouping(door: Door) -> None:
    one = door.report("a", {"error_message": "x"}, fingerprint=["payments", "stripe"])
    two = door.report("b", {"error_message": "y"}, fingerprint=["payments", "stripe"])
    assert one["incident_id"] == two["incident_id"]


def test_an_event_counts_once_however_often_it_is_sent(door: Door) -> None:
    taken = [door.report(description={"n": n}, event_id="a" * 32) for n in range(3)]
    assert len({each["incident_id"] for each in taken}) == 1
    assert latest(door, taken[0])["count"] == 1
    occurrences = door.admin("GET", f"/incidents/{taken[0]['incident_id']}/occurrences").json
    assert len(occurrences["items"]) == 1


def test_an_event_that_comes_again_elsewhere_is_answered_with_its_first_incident(door: Door) -> None:
    first = door.report("one", event_id="b" * 32)
    again = door.report("two", event_id="b" * 32)
    assert again["incident_id"] == first["incident_id"]
    assert len(door.admin("GET", "/incidents").json["items"]) == 1


def test_text_plain_and_a_key_in_the_url_as_send_beacon_sends_them(door: Door) -> None:
    body = json.dumps({"error_key": "beacon", "description": {}}).encode()
    answer = door.call(
        "POST",
        f"/incidents?key={INGEST_KEY}",
        body,
        content_type="text/plain;charset=UTF-8",
        origin="https://any.example",
    )
    assert answer.status == 202
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("field", "value", "default"),
    [
        ("severity", "URGENT", "MEDIUM"),
        ("http_status", "teapot", None),
        ("http_status", True, None),
        ("was_bypassed", "yes", None),
        ("actor_type", "robot", None),
        ("request_data", ["a"], None),
        ("url", {"href": "x"}, None),
        ("user_id", 1.5, None),
    ],
)
def test_a_bad_optional_field_falls_back_to_its_default(door: Door, field: str, value: Any, default: Any) -> None:
    taken = door.report(description={"kept": 1}, **{field: value})
    assert any(field in note for note in taken["notes"])
    incident = latest(door, taken)
    assert incident[field] == default
    assert incident["description"] == {"kept": 1}
    assert incident["ingest_notes"] == taken["notes"]


@pytest.mark.parametrize("bad", ["xyz", "", 7, ["0" * 32], "0" * 31])
def test_a_bad_event_id_is_made(door: Door, bad: Any) -> None:
    taken = door.report(event_id=bad)
    assert len(taken["event_id"]) == 32
    int(taken["event_id"], 16)


def test_a_dashed_upper_case_event_id_is_the_same_event(door: Door) -> None:
    taken = door.report(event_id="FC6D8C0C-43FC-4630-AD85-0EE518F1B9D0")
    assert taken["event_id"] == "fc6d8c0c43fc4630ad850ee518f1b9d0"
    assert "notes" not in taken


@pytest.mark.parametrize("fingerprint", ["text", [], ["a", 1], [["a"]], ["x"] * 21])
def test_a_bad_fingerprint_leaves_the_default_grouping(door: Door, fingerprint: Any) -> None:
    assert door.report(fingerprint=fingerprint)["incident_id"] == door.report()["incident_id"]


def test_unknown_fields_are_kept_and_named(door: Door) -> None:
    taken = door.report(description={"a": 1}, colour="red", shape={"sides": 3})
    assert latest(door, taken)["description"] == {"a": 1, "_extra": {"colour": "red", "shape": {"sides": 3}}}
    assert "colour" in taken["notes"][0]


def test_a_large_description_is_trimmed_by_its_longest_texts(door: Door) -> None:
    taken = door.report(description={"log": "x" * 150_000, "file_name": "IMG_1.mov", "list": ["y" * 20_000]})
    kept = latest(door, taken)["description"]
    assert 60_000 < len(json.dumps(kept)) <= 65_600
    assert kept["file_name"] == "IMG_1.mov"
    assert kept["list"] == ["y" * 20_000]
    assert kept["log"].endswith("characters cut]")
    assert "trimmed" in taken["notes"][0]


def test_a_description_of_too_many_small_values_is_cut_at_its_end(door: Door) -> None:
    taken = door.report(description={f"k{n}": n for n in range(15_000)})
    assert list(latest(door, taken)["description"]) == ["_trimmed"]


def test_deep_nesting_is_cut_and_hostile_nesting_refused(door: Door) -> None:
    deep: Any = "bottom"
    for _ in range(100):
        deep = {"d": deep}
    taken = door.report(description=deep)
    assert "nested" in taken["notes"][0]
    hostile = b'{"error_key": "x", "description": ' + b'{"d":' * 10_000 + b"1" + b"}" * 10_001
    answer = door.ingest(hostile)
    assert (answer.status, answer.json["Code"]) == (400, "InvalidBody")


def test_awkward_values_survive(door: Door) -> None:
    body = (
        b'{"error_key": "awkward", "description": {"nul": "a\\u0000b", "lone": "\\ud800", "pair": "\\ud83d\\ude00",'
        b' "nan": NaN, "inf": -Infinity, "huge": ' + b"9" * 5000 + b', "big": 1e999, "latin": "\xe9"}}'
    )
    answer = door.ingest(body)
    assert answer.status == 202
    kept = latest(door, answer.json)["description"]
    assert kept["nul"] == "a\x00b"
    assert kept["lone"] == kept["latin"] == "\ufffd"
    assert kept["pair"] == "😀"
    assert (kept["nan"], kept["inf"], kept["big"]) == ("NaN", "-Infinity", "1e999")
    assert kept["huge"] == "9" * 5000


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "yesterday", 5, "99999-01-01", "0001-01-01T00:00:00+14:00"])
def test_an_impossible_time_falls_back(door: Door, moment: Any) -> None:
    taken = door.report(occurred_at=moment)
    assert "occurred_at" in taken["notes"][0]


def test_an_ancient_time_is_kept(door: Door) -> None:
    taken = door.report(occurred_at="1999-12-31T23:59:59.5Z")
    (kept,) = door.admin("GET", f"/incidents/{taken['incident_id']}/occurrences").json["items"]
    assert kept["occurred_at"] == "1999-12-31T23:59:59.500Z"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "InvalidBody"),
        (b"{", 400, "InvalidBody"),
        (b"[]", 400, "InvalidBody"),
        (b"null", 400, "InvalidBody"),
        (b'{"description": {}}', 400, "InvalidRequest"),
        (b'{"error_key": "", "description": {}}', 400, "InvalidRequest"),
        (b'{"error_key": 5, "description": {}}', 400, "InvalidRequest"),
        (b'{"error_key": "a b", "description": {}}', 400, "InvalidRequest"),
        (b'{"error_key": "a\\n", "description": {}}', 400, "InvalidRequest"),
        (json.dumps({"error_key": "x" * 101, "description": {}}).encode(), 400, "InvalidRequest"),
        (b'{"error_key": "x"}', 400, "InvalidRequest"),
        (b'{"error_key": "x", "description": []}', 400, "InvalidRequest"),
        (json.dumps({"error_key": "x", "description": {"a": "x" * 300_000}}).encode(), 413, "PayloadTooLarge"),
        (b'{"reports": []}', 400, "InvalidRequest"),
        (json.dumps({"reports": [{"error_key": "x", "description": {}}] * 31}).encode(), 400, "InvalidRequest"),
        (b'{"reports": {}}', 400, "InvalidRequest"),
    ],
)
def test_what_is_refused_is_refused_clearly_and_stores_nothing(door: Door, body: bytes, status: int, code: str) -> None:
    answer = door.ingest(body)
    assert (answer.status, answer.json["Code"]) == (status, code)
    assert answer.json["Message"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert door.admin("GET", "/incidents").json["items"] == []


def test_a_batch_answers_each_in_its_order(door: Door) -> None:
    good = {"error_key": "batch", "description": {"error_message": "same"}}
    answer = door.ingest({"reports": [good, {"error_key": "!"}, "text", {**good, "event_id": "c" * 32}, good]})
    assert answer.status == 202
    first, bad, text, named, last = answer.json["results"]
    assert first["incident_id"] == named["incident_id"] == last["incident_id"]
    assert (bad["Code"], text["Code"], named["event_id"]) == ("InvalidRequest", "InvalidRequest", "c" * 32)
    assert latest(door, first)["count"] == 3


@pytest.mark.parametrize("key", [None, "", "0" * 32, "ключ", INGEST_KEY.upper()])
def test_a_wrong_or_missing_ingest_key_is_a_401(door: Door, key: str | None) -> None:
    headers = {} if key is None else {"x_ingest_key": key}
    answer = door.call("POST", "/incidents", {"error_key": "x", "description": {}}, **headers)
    assert answer.status == 401
    assert answer.json["Code"] in ("MissingCredentials", "InvalidIngestKey")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert door.admin("GET", "/incidents").json["items"] == []


def test_another_content_type_is_a_415(door: Door) -> None:
    answer = door.ingest({"error_key": "x", "description": {}}, content_type="application/xml")
    assert (answer.status, answer.json["Code"]) == (415, "UnsupportedMediaType")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_secrets_are_scrubbed_before_they_are_stored(door: Door) -> None:
    taken = door.report(
        description={
            "password": "hunter2",
            "note": "card 4111 1111 1111 1111",
            "error_message": "Bearer abc.def-123456",
        },
        url="https://user:hunter2@school.example/?access_token=hunter2",
    )
    shown = json.dumps(latest(door, taken)) + json.dumps(door.admin("GET", "/incidents").json)
    assert "hunter2" not in shown
    assert "4111 1111" not in shown


def test_users_are_counted_once_each(door: Door) -> None:
    for user in ("1", "2", "2", 3, None, "1"):
        taken = door.report(user_id=user)
    assert latest(door, taken)["user_count"] == 3


def test_at_most_ten_environments_of_64_characters_are_named(door: Door) -> None:
    for n in range(12):
        taken = door.report(environment=f"env-{n:02d}")
    assert latest(door, taken)["environments"] == [f"env-{n:02d}" for n in range(10)]
    long = door.report("long", environment="e" * 300)
    assert latest(door, long)["environments"] == ["e" * 64]


def test_the_caller_may_name_the_correlation_id(door: Door) -> None:
    answer = door.ingest({"error_key": "x", "description": {}}, x_correlation_id="upload:68.1-a")
    assert answer.headers["x-correlation-id"] == "upload:68.1-a"
    assert latest(door, answer.json)["correlation_id"] == "upload:68.1-a"
    made = door.ingest({"error_key": "x", "description": {}}, x_correlation_id="bad id\t!")
    assert len(made.headers["x-correlation-id"]) == 32


def test_part_of_a_batch_that_nothing_takes_is_said_so(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    add = models.add

    def busy_for_one(incident: models.Incident, *args: Any, **kwargs: Any) -> models.Incident:
        if incident.error_key == "unlucky":
            raise Busy("throttled")
        return add(incident, *args, **kwargs)

    def refuse(*_: object) -> None:
        raise Unavailable("The queue is down too.")

    monkeypatch.setattr(models, "add", busy_for_one)
    monkeypatch.setattr(overflow, "send", refuse)
    lucky, unlucky = {"error_key": "lucky", "description": {}}, {"error_key": "unlucky", "description": {}}
    answer = door.ingest({"reports": [unlucky, lucky]})
    assert answer.status == 202
    assert answer.json["results"][0]["Code"] == "Unavailable"
    assert latest(door, answer.json["results"][1])["count"] == 1
    alone = door.ingest(unlucky)
    assert (alone.status, alone.json["Code"]) == (503, "Unavailable")
    assert int(alone.headers["retry-after"]) > 0


def test_a_batch_of_named_and_unnamed_reports_counts_once_when_its_answer_is_lost(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, waiting = models.find, []
    lost = iter([True])

    def busy_once(incident_id: str) -> models.Incident | None:
        if next(lost, False):
            raise Busy("throttled")
        return find(incident_id)

    monkeypatch.setattr(models, "find", busy_once)
    monkeypatch.setattr(overflow, "send", lambda reports, done="nothing": waiting.extend(reports))
    same = {"error_key": "mixed", "description": {}}
    taken = door.ingest({"reports": [{**same, "event_id": "d" * 32}, same, same]}).json["results"][0]
    recording.fold(waiting, clock.now())
    assert latest(door, taken)["count"] == 3
