"""Schedules and attendance, through the public door; what sweeps and crashes do, by the functions that they call."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from chalice.test import Client

from app import app
from chalicelib import clock, memory
from chalicelib.errors import ScheduleNotFound
from chalicelib.incidents import recording
from chalicelib.observability import correlate
from chalicelib.schedules import attendance, deleting, models, sweeping
from infra.pump import schedule_event
from tests import store
from tests.conftest import Answer, Door
from tests.faults import Call, Tap, no_pauses, points, survives, tapped

Freeze = Callable[[str], None]

NOW, SWEPT = "2026-03-01T10:00:00.000Z", "2026-03-01T10:02:00.000Z"
UNKNOWN = "0" * 32
TABLE = "groundcrew-test-schedules"
LESSON = {"title": "Lesson 7", "starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T10:30:00Z"}
PRESENT = {"status": "present"}
DENIED, THROTTLED = "AccessDeniedException", "ThrottlingException"
NESTED: list[Any] = []
for _ in range(90):
    NESTED = [NESTED]


@pytest.fixture(autouse=True)
def morning(frozen: Freeze) -> None:
    frozen(NOW)


def sweep() -> None:
    """Run the function that sweeps every minute."""
    app.handler_map["sweep_schedules"](schedule_event("sweep_schedules", clock.now()), None)


@pytest.fixture
def quick() -> Iterator[Door]:
    """The door on a store in memory: where there are many cases, rows or lives."""
    memory.forget()
    with store.installed(), Client(app, stage_name="none") as client:
        yield Door(client)


def made(door: Door, **fields: Any) -> str:
    answer = door.admin("POST", "/schedules", LESSON | fields)
    assert answer.status == 201, answer
    schedule_id: str = answer.json["schedule_id"]
    return schedule_id


def student(n: int) -> str:
    return f"s-{n:04}"


def marked(door: Door, n: int, **fields: Any) -> str:
    """A schedule with that many records of attendance."""
    schedule_id = made(door, **fields)
    for start in range(0, n, 99):
        records = [{"student_id": student(each)} | PRESENT for each in range(start, min(start + 99, n))]
        answer = door.admin("PUT", f"/schedules/{schedule_id}/attendance", {"records": records})
        assert answer.status == 200, answer
    return schedule_id


def listed(door: Door, path: str, limit: int = 100) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    pages: list[list[dict[str, Any]]] = []
    cursor = ""
    while cursor is not None:
        answer = door.admin("GET", f"{path}?limit={limit}{cursor and f'&cursor={cursor}'}")
        assert answer.status == 200, answer
        pages.append(answer.json["items"])
        cursor = answer.json["next_cursor"]
    return pages


def rows(schedule_id: str) -> dict[str, dict[str, Any]]:
    """What is stored of a schedule, by sort key, whoever may see it."""
    found = models.table().query(models.schedule_key(schedule_id), consistent_read=True)
    assert "LastEvaluatedKey" not in found
    return {row["sk"]["S"]: {name: next(iter(value.values())) for name, value in row.items()} for row in found["Items"]}


def kept(schedule_id: str) -> list[str]:
    """What is stored of a schedule beside what was done to it."""
    return [sk for sk in rows(schedule_id) if not sk.startswith("L#")]


def acts(schedule_id: str) -> list[str]:
    return [str(row["action"]) for sk, row in rows(schedule_id).items() if sk.startswith("L#")]


def not_found(answer: Answer) -> bool:
    return (answer.status, answer.json["Code"]) == (404, "ScheduleNotFound")


def require_gone(door: Door, schedule_id: str) -> None:
    """Nobody sees or marks anything of a schedule."""
    path = f"/schedules/{schedule_id}"
    for method, call, body in (
        ("GET", path, b""),
        ("GET", f"{path}/attendance", b""),
        ("PUT", f"{path}/attendance/s-1", PRESENT),
        ("PUT", f"{path}/attendance", {"records": [{"student_id": "s-1"} | PRESENT]}),
        ("DELETE", path, b""),
    ):
        assert not_found(door.admin(method, call, body)), (method, call)
    assert schedule_id not in [each["schedule_id"] for page in listed(door, "/schedules") for each in page]


def require_whole(door: Door, schedule_id: str, n: int) -> None:
    """A schedule is there with all of its attendance."""
    assert door.admin("GET", f"/schedules/{schedule_id}").status == 200
    pages = listed(door, f"/schedules/{schedule_id}/attendance")
    assert [each["student_id"] for page in pages for each in page] == [student(each) for each in range(n)]


def incidents(door: Door) -> list[dict[str, Any]]:
    return [door.incident(each["incident_id"]) for each in door.admin("GET", "/incidents").json["items"]]


def refused(code: str, only: Callable[[Call], bool]) -> Tap:
    """Refuse some calls on schedules."""

    def refuse(call: Call) -> Any:
        if TABLE in str(call.parameters) and only(call):
            answer: dict[str, Any] = {"Error": {"Code": code, "Message": "you shall not"}}
            if code == "TransactionCanceledException":
                answer["CancellationReasons"] = [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * 99]
            raise ClientError(answer, call.operation)  # type: ignore[arg-type]  # the stub knows no CancellationReasons
        return call.make()

    return refuse


def hides(call: Call) -> bool:
    return call.operation == "TransactWriteItems" and any("Update" in each for each in call.parameters["TransactItems"])


def removes_whole(call: Call) -> bool:
    return call.operation == "TransactWriteItems" and not hides(call)


def is_a(operation: str, **parameters: Any) -> Callable[[Call], bool]:
    return lambda call: (
        call.operation == operation and all(call.parameters.get(name) == value for name, value in parameters.items())
    )


# -- schedules ---------------------------------------------------------------------------------------------------------


def test_a_schedule_is_made_and_shown(door: Door) -> None:
    context = {"room": "B 12", "ß": [1, 2.5, None, {"deep": True}], "huge": 10**400}
    sent = {
        "title": "Lesson 7",
        "starts_at": "2026-03-02T09:00:00+02:00",
        "ends_at": "2026-03-02T09:00:00.1239-05:30",
        "timezone": "Europe/Berlin",
        "context": context,
    }
    answer = door.admin("POST", "/schedules", sent, x_correlation_id="c-1")
    assert answer.status == 201
    schedule_id = answer.json["schedule_id"]
    assert answer.json == {
        "schedule_id": schedule_id,
        "title": "Lesson 7",
        "starts_at": "2026-03-02T07:00:00.000Z",
        "ends_at": "2026-03-02T14:30:00.123Z",
        "timezone": "Europe/Berlin",
        "context": context,
        "created_at": NOW,
    }
    assert door.admin("GET", f"/schedules/{schedule_id}").json == answer.json
    (audit,) = [row for sk, row in rows(schedule_id).items() if sk.startswith("L#")]
    assert (audit["actor"], audit["action"], audit["correlation_id"]) == ("admin-1", "make", "c-1")


def test_what_may_be_left_out(quick: Door) -> None:
    shown = quick.admin("GET", f"/schedules/{made(quick)}").json
    assert (shown["timezone"], shown["context"]) == ("UTC", {})


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"title": ""}, "title", "length >= 1"),
        ({"title": "x" * 201}, "title", "length <= 200"),
        ({"title": None}, "title", "str"),
        ({"starts_at": "2026-03-02T09:00:00"}, "starts_at", "timezone"),
        ({"ends_at": "2026-03-02T09:00:00"}, "ends_at", "timezone"),
        ({"starts_at": "2026-02-30T09:00:00Z"}, "starts_at", "Invalid RFC3339"),
        ({"starts_at": "2026-03-02T09:00:60Z"}, "starts_at", "Invalid RFC3339"),
        ({"starts_at": "2026-03-02"}, "starts_at", "Invalid RFC3339"),
        ({"starts_at": "tomorrow"}, "starts_at", "Invalid RFC3339"),
        ({"starts_at": 1772442000}, "starts_at", "datetime"),
        ({"starts_at": None}, "starts_at", "datetime"),
        ({"starts_at": "1970-01-01T00:00:00+00:01"}, "starts_at", "1970"),
        ({"starts_at": "0001-01-01T00:00:00+23:59"}, "starts_at", "1970"),
        ({"ends_at": "2200-01-01T00:00:00Z"}, "ends_at", "2199"),
        ({"ends_at": "9999-12-31T23:59:59-23:59"}, "ends_at", "2199"),
        ({"ends_at": LESSON["starts_at"]}, "ends_at", "after"),
        ({"ends_at": "2026-03-02T09:00:00.0009Z"}, "ends_at", "after"),
        ({"ends_at": "2026-03-02T10:00:00+02:00"}, "ends_at", "after"),
        ({"timezone": "Mars/Olympus"}, "timezone", "IANA"),
        ({"timezone": ""}, "timezone", "IANA"),
        ({"timezone": "../../etc/passwd"}, "timezone", "IANA"),
        ({"timezone": "Europe/Berlin\x00"}, "timezone", "IANA"),
        ({"timezone": "x" * 65}, "timezone", "length <= 64"),
        ({"context": []}, "context", "object"),
        ({"context": {"x": "y" * 8190}}, "context", "8192"),
        ({"context": {"x": NESTED}}, "context", "nested"),
        ({"colour": "red"}, "colour", "unknown field"),
    ],
)
def test_a_bad_schedule_is_refused_and_not_made(quick: Door, fields: dict[str, Any], field: str, says: str) -> None:
    answer = quick.admin("POST", "/schedules", LESSON | fields)
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")
    assert answer.json["Details"][0]["field"] == field
    assert says in answer.json["Details"][0]["message"]
    assert listed(quick, "/schedules") == [[]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"title": "\\ud800", "starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T10:00:00Z"}',
        b'{"title": "x", "context": {"n": 1e999}}',
        b'{"context": ' + b"[" * 5000,
    ],
)
def test_a_body_that_is_no_schedule_is_a_400(quick: Door, body: bytes) -> None:
    assert quick.admin("POST", "/schedules", body).status == 400


def test_what_is_odd_but_allowed_is_kept(door: Door) -> None:
    fields = {
        "title": "\x00 \U0001f9ea" + "ß" * 197,
        "starts_at": "1970-01-01T00:00:00Z",
        "ends_at": "2199-12-31T23:59:59.999Z",
        "context": {"x": "ß" * 4092},
    }
    shown = door.admin("GET", f"/schedules/{made(door, **fields)}").json
    assert {name: shown[name] for name in ("title", "context")} == {name: fields[name] for name in ("title", "context")}
    assert (shown["starts_at"], shown["ends_at"]) == ("1970-01-01T00:00:00.000Z", "2199-12-31T23:59:59.999Z")


def test_a_schedule_that_is_sent_again_is_made_once(door: Door) -> None:
    answers = [door.admin("POST", "/schedules", LESSON, idempotency_key="k").json for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(listed(door, "/schedules")[0]) == 1


@pytest.mark.parametrize("schedule_id", [UNKNOWN, "x", "%00", "%23META", "A" * 32, "a" * 5000, "a" * 31 + "%0A"])
def test_what_is_not_there_is_a_404(quick: Door, schedule_id: str) -> None:
    require_gone(quick, schedule_id)


def test_only_admins_see_or_change_schedules(quick: Door) -> None:
    schedule_id = marked(quick, 1)
    path = f"/schedules/{schedule_id}"
    for method, call, body in (
        ("POST", "/schedules", LESSON),
        ("GET", "/schedules", b""),
        ("GET", path, b""),
        ("GET", f"{path}/attendance", b""),
        ("PUT", f"{path}/attendance/s-2", PRESENT),
        ("PUT", f"{path}/attendance", {"records": [{"student_id": "s-2"} | PRESENT]}),
        ("DELETE", path, b""),
    ):
        assert quick.call(method, call, body).status == 401
        assert quick.customer(method, call, body).status == 403
    require_whole(quick, schedule_id, 1)


# -- lists -------------------------------------------------------------------------------------------------------------


def test_schedules_are_listed_with_the_latest_start_first(door: Door) -> None:
    ids = [made(door, starts_at=f"2026-03-02T{hour:02}:00:00Z") for hour in (3, 1, 4, 0, 5, 9, 2, 6)]
    expected = [ids[n] for n in (5, 7, 4, 2, 0, 6, 1, 3)]
    for limit, sizes in ((100, [8]), (3, [3, 3, 2]), (4, [4, 4]), (1, [1] * 8)):
        pages = listed(door, "/schedules", limit)
        assert [each["schedule_id"] for page in pages for each in page] == expected
        assert [len(page) for page in pages] == sizes


def test_a_walk_holds_while_schedules_come_and_go(quick: Door) -> None:
    ids = [made(quick, starts_at=f"2026-03-02T0{hour}:00:00Z") for hour in range(6)]
    first = quick.admin("GET", "/schedules?limit=2").json
    made(quick, starts_at="2026-03-02T09:30:00Z")
    for gone in (ids[5], ids[3], ids[2]):
        assert quick.admin("DELETE", f"/schedules/{gone}").status == 200
    rest = quick.admin("GET", f"/schedules?cursor={first['next_cursor']}").json
    seen = [each["schedule_id"] for each in first["items"] + rest["items"]]
    assert seen == [ids[5], ids[4], ids[1], ids[0]]


def test_what_the_index_still_says_is_checked(quick: Door) -> None:
    """The index follows the rows by some milliseconds."""
    hidden, gone, there = (made(quick) for _ in range(3))
    late = models.positions(None, 100)
    with tapped(refused(DENIED, removes_whole)):
        quick.admin("DELETE", f"/schedules/{hidden}")
    quick.admin("DELETE", f"/schedules/{gone}")
    assert (kept(hidden), kept(gone)) == (["#META"], [])
    with mock.patch.object(models, "positions", return_value=late):
        assert [each["schedule_id"] for each in listed(quick, "/schedules")[0]] == [there]


def test_attendance_is_listed_by_student(door: Door) -> None:
    # Those that begin alike, and the first and last of what an id may hold.
    ids = ["a", "a-", "a-a", "a.", "a:", "a@", "a_", "aa", "A", "@", "-", "z" * 128, "z" * 127, "0", "_:.@-"]
    schedule_id, other = made(door), made(door)
    path = f"/schedules/{schedule_id}/attendance"
    for each in ids:
        assert door.admin("PUT", f"{path}/{each}", PRESENT).status == 200
    door.admin("PUT", f"/schedules/{other}/attendance/b", PRESENT)
    for limit in (1, 2, 14, 15, 100):
        pages = listed(door, path, limit)
        assert [each["student_id"] for page in pages for each in page] == sorted(ids)
        assert len(pages) == -(-len(ids) // limit)
    assert listed(door, f"/schedules/{made(door)}/attendance") == [[]]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor="])
def test_a_bad_parameter_is_a_400(quick: Door, query: str) -> None:
    schedule_id = marked(quick, 2)
    for path in ("/schedules", f"/schedules/{schedule_id}/attendance"):
        assert quick.admin("GET", f"{path}?{query}").status == 400


def test_foreign_cursors_are_refused(door: Door) -> None:
    first, second = marked(door, 2), marked(door, 2)
    paths = ["/schedules", f"/schedules/{first}/attendance", f"/schedules/{second}/attendance"]
    cursors = [door.admin("GET", f"{path}?limit=1").json["next_cursor"] for path in paths]
    for path, cursor in itertools.product(paths, cursors):
        answer = door.admin("GET", f"{path}?cursor={cursor}")
        if paths.index(path) == cursors.index(cursor):
            assert len(answer.json["items"]) == 1
        else:
            assert (answer.status, answer.json["Code"]) == (400, "InvalidCursor")


# -- attendance --------------------------------------------------------------------------------------------------------


def test_a_student_is_marked_and_marked_again(door: Door, frozen: Freeze) -> None:
    schedule_id = made(door)
    path = f"/schedules/{schedule_id}/attendance"
    late = {"status": "late", "note": "Missed the bus. \U0001f68c\x00"}
    answer = door.admin("PUT", f"{path}/s-7", late, x_correlation_id="c-2")
    record = {"student_id": "s-7", **late, "marked_by": "admin-1", "marked_at": NOW}
    assert (answer.status, answer.json) == (200, record)
    assert listed(door, path) == [[record]]
    assert rows(schedule_id)["ATT#s-7"]["correlation_id"] == "c-2"
    frozen(SWEPT)
    for note in ("", None):
        again = door.admin("PUT", f"{path}/s-7", {"status": "excused", "note": note}).json
        assert again == {**record, "status": "excused", "note": note, "marked_at": SWEPT}
        assert listed(door, path) == [[again]]


@pytest.mark.parametrize("status", ["present", "absent", "late", "excused"])
def test_every_status_is_kept(quick: Door, status: str) -> None:
    path = f"/schedules/{made(quick)}/attendance"
    assert quick.admin("PUT", f"{path}/s", {"status": status}).json["status"] == status
    assert listed(quick, path)[0][0]["status"] == status


@pytest.mark.parametrize(
    ("encoded", "plain"),
    [("user%40example.com", "user@example.com"), ("a%3Ab", "a:b"), ("%61", "a"), ("A.b_c-@:", "A.b_c-@:")],
)
def test_a_students_id_may_be_encoded(quick: Door, encoded: str, plain: str) -> None:
    path = f"/schedules/{made(quick)}/attendance"
    assert quick.admin("PUT", f"{path}/{encoded}", PRESENT).json["student_id"] == plain
    assert [each["student_id"] for each in listed(quick, path)[0]] == [plain]


@pytest.mark.parametrize(
    "student_id", ["%20", "a%0A", "a%2Fb", "%23META", "%00", "x" * 129, "%C3%9F", "%FF", "%ED%A0%80", "%"]
)
def test_a_bad_students_id_is_refused(quick: Door, student_id: str) -> None:
    schedule_id = made(quick)
    answer = quick.admin("PUT", f"/schedules/{schedule_id}/attendance/{student_id}", PRESENT)
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")
    assert answer.json["Details"][0]["field"] == "student_id"
    assert kept(schedule_id) == ["#META"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "PRESENT"}, "status"),
        ({"status": "ill"}, "status"),
        ({"status": None}, "status"),
        ({"status": "late", "note": "x" * 1001}, "note"),
        ({"status": "late", "note": 5}, "note"),
        ({"status": "late", "marked_by": "me"}, "marked_by"),
    ],
)
def test_a_bad_mark_is_refused(quick: Door, body: dict[str, Any], field: str) -> None:
    schedule_id = made(quick)
    path = f"/schedules/{schedule_id}/attendance"
    single = quick.admin("PUT", f"{path}/s", body)
    assert (single.status, single.json["Details"][0]["field"]) == (400, field)
    good = {"student_id": "a"} | PRESENT
    roll = quick.admin("PUT", path, {"records": [good, {"student_id": "s"} | body]})
    assert (roll.status, roll.json["Details"][0]["field"]) == (400, f"records[1].{field}")
    assert kept(schedule_id) == ["#META"]


def test_a_roll_is_called_in_one_go(door: Door) -> None:
    schedule_id = made(door)
    path = f"/schedules/{schedule_id}/attendance"
    # The longest that there can be, in an order of their own.
    records = [{"student_id": student(n), "status": "absent", "note": "\U0001f9ea" * 200} for n in reversed(range(99))]
    answer = door.admin("PUT", path, {"records": records})
    expected = [each | {"marked_by": "admin-1", "marked_at": NOW} for each in records]
    assert (answer.status, answer.json) == (200, {"records": expected})
    assert listed(door, path) == [expected[::-1]]
    again = door.admin("PUT", path, {"records": records[:1]}).json["records"]
    assert again == expected[:1]
    assert listed(door, path) == [expected[::-1]]


@pytest.mark.parametrize(
    "records",
    [
        [],
        [{"student_id": student(n)} | PRESENT for n in range(100)],
        [{"student_id": "a b"} | PRESENT],
        [{"student_id": "a\n"} | PRESENT],
        [{"student_id": ""} | PRESENT],
        [{"student_id": "a%40"} | PRESENT],
        [PRESENT],
        {},
        None,
    ],
)
def test_a_bad_roll_is_refused_as_a_whole(quick: Door, records: Any) -> None:
    schedule_id = made(quick)
    answer = quick.admin("PUT", f"/schedules/{schedule_id}/attendance", {"records": records})
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")
    assert answer.json["Details"][0]["field"].startswith("records")
    assert kept(schedule_id) == ["#META"]


def test_a_roll_with_a_student_twice_names_them(quick: Door) -> None:
    schedule_id = made(quick)
    records = [{"student_id": each} | PRESENT for each in ("a", "b", "c", "b", "d", "c", "c")]
    answer = quick.admin("PUT", f"/schedules/{schedule_id}/attendance", {"records": records})
    assert (answer.status, answer.json["Details"][0]["field"]) == (400, "records")
    assert answer.json["Message"].endswith("more often: b, c.")
    assert kept(schedule_id) == ["#META"]


def test_a_mark_waits_until_others_are_done(quick: Door) -> None:
    """Whoever marks a student of the schedule at the same time is in the way, and soon is not."""
    schedule_id = made(quick)
    conflicts = iter(range(7))
    busy = refused("TransactionCanceledException", lambda call: call.writes and next(conflicts, None) is not None)
    with tapped(busy), no_pauses():
        assert quick.admin("PUT", f"/schedules/{schedule_id}/attendance/s-0000", PRESENT).status == 200
    assert next(conflicts, None) is None
    for_ever = refused("TransactionCanceledException", lambda call: call.writes)
    with tapped(for_ever), no_pauses():
        answer = quick.admin("PUT", f"/schedules/{schedule_id}/attendance/s-1", PRESENT)
    assert (answer.status, answer.json["Code"], answer.headers["retry-after"]) == (503, "Busy", "5")
    require_whole(quick, schedule_id, 1)


# -- deleting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 98, 99, 100, 101, 250])
def test_a_schedule_goes_with_all_of_its_attendance(quick: Door, n: int) -> None:
    schedule_id, other = marked(quick, n), marked(quick, 2)
    answer = quick.admin("DELETE", f"/schedules/{schedule_id}", x_correlation_id="c-3")
    assert (answer.status, answer.json) == (200, {"deleted_attendance": n})
    require_gone(quick, schedule_id)
    require_whole(quick, other, 2)
    assert kept(schedule_id) == []
    assert sorted(acts(schedule_id)) == ["delete", "make"]
    (audit,) = [row for row in rows(schedule_id).values() if row["action"] == "delete"]
    assert (audit["actor"], audit["at"], audit["correlation_id"]) == ("admin-1", NOW, "c-3")
    assert "Lesson 7" in audit["change"]
    assert int(audit["ttl"]) == int((clock.now() + timedelta(days=365)).timestamp())
    assert incidents(quick) == []


def test_records_are_counted_to_the_last_page(quick: Door) -> None:
    """A query counts a megabyte at most."""
    schedule_id = marked(quick, 250)
    starts: list[object] = []

    def cut_short(call: Call) -> Any:
        if call.parameters.get("Select") == "COUNT":
            starts.append(call.parameters.get("ExclusiveStartKey"))
            call.parameters["Limit"] = 100
        return call.make()

    with tapped(cut_short):
        assert quick.admin("DELETE", f"/schedules/{schedule_id}").json == {"deleted_attendance": 250}
    assert (len(starts), starts[0], kept(schedule_id)) == (3, None, [])


@contextmanager
def first(only: Callable[[Call], bool], act: Callable[[], object]) -> Iterator[list[object]]:
    """Let something happen just before the first such call; yields what came of it."""
    found: list[object] = []
    before = iter([act])

    def tap(call: Call) -> Any:
        if TABLE in str(call.parameters) and only(call) and (waiting := next(before, None)) is not None:
            found.append(waiting())
        return call.make()

    with tapped(tap):
        yield found


def deleted(schedule_id: str) -> int:
    return deleting.delete(schedule_id, "admin-2", clock.now()).deleted_attendance


def test_of_two_deletes_at_once_one_is_told_it_is_gone(door: Door) -> None:
    for only in (hides, is_a("GetItem")):
        schedule_id = marked(door, 3)
        with first(only, lambda schedule_id=schedule_id: deleted(schedule_id)) as found:  # type: ignore[misc]  # bound at once
            answer = door.admin("DELETE", f"/schedules/{schedule_id}")
        assert (not_found(answer), found) == (True, [3])
        assert sorted(acts(schedule_id)) == ["delete", "make"]
    assert incidents(door) == []


@pytest.mark.parametrize("n", [3, 130])
def test_nobody_marks_what_is_deleted_at_the_same_time(quick: Door, n: int) -> None:
    for path, body in (("/s-1", PRESENT), ("", {"records": [{"student_id": "s-1"} | PRESENT]})):
        schedule_id = marked(quick, n)
        with first(is_a("TransactWriteItems"), lambda schedule_id=schedule_id: deleted(schedule_id)) as found:  # type: ignore[misc]  # bound at once
            answer = quick.admin("PUT", f"/schedules/{schedule_id}/attendance{path}", body)
        assert (not_found(answer), found) == (True, [n])
        assert kept(schedule_id) == []


@pytest.mark.parametrize("operation", ["Query", "GetItem"])
@pytest.mark.parametrize("n", [3, 130])
def test_a_reader_never_sees_a_part(quick: Door, n: int, operation: str) -> None:
    """Whether a delete comes before its first or its second look."""
    schedule_id = marked(quick, n)
    with first(is_a(operation), lambda: deleted(schedule_id)) as found:
        answer = quick.admin("GET", f"/schedules/{schedule_id}/attendance?limit=100")
    assert (not_found(answer), found) == (True, [n])


def test_a_walk_ends_when_its_schedule_is_deleted(quick: Door) -> None:
    schedule_id = marked(quick, 3)
    cursor = quick.admin("GET", f"/schedules/{schedule_id}/attendance?limit=2").json["next_cursor"]
    deleted(schedule_id)
    assert not_found(quick.admin("GET", f"/schedules/{schedule_id}/attendance?cursor={cursor}"))


def test_what_takes_too_long_goes_on_after_the_answer(quick: Door, frozen: Freeze) -> None:
    schedule_id = marked(quick, 250)
    seconds = itertools.count(0, deleting.INLINE_S)
    found = deleting.delete(schedule_id, "admin-1", clock.now(), monotonic=lambda: next(seconds))
    assert found.deleted_attendance == 250
    assert len(kept(schedule_id)) == 151
    require_gone(quick, schedule_id)
    sweep()
    assert len(kept(schedule_id)) == 151
    frozen(SWEPT)
    sweep()
    assert kept(schedule_id) == []
    require_gone(quick, schedule_id)
    assert incidents(quick) == []


def test_a_transaction_in_the_way_of_others_becomes_stages(quick: Door) -> None:
    for n in (0, 1, 99):
        schedule_id = marked(quick, n)
        with tapped(refused("TransactionCanceledException", removes_whole)), no_pauses():
            answer = quick.admin("DELETE", f"/schedules/{schedule_id}")
        assert (answer.status, answer.json) == (200, {"deleted_attendance": n})
        assert kept(schedule_id) == []
    assert incidents(quick) == []


def test_only_the_delete_that_hid_a_schedule_removes_it(quick: Door) -> None:
    schedule_id = left_behind(quick, 2)
    assert models.positions(None, 10) == []
    assert not models.remove_whole(schedule_id, "another", [student(0), student(1)])
    assert not models.remove(schedule_id, "another")
    assert len(kept(schedule_id)) == 3


def test_what_is_read_is_what_is_there_now(quick: Door, frozen: Freeze) -> None:
    """DynamoDB may answer with what was there some milliseconds ago, unless it is told not to; indexes always may."""
    reads: list[Call] = []

    def note(call: Call) -> Any:
        if TABLE in str(call.parameters) and not call.writes and "IndexName" not in call.parameters:
            reads.append(call)
        return call.make()

    schedule_id = marked(quick, 100)
    with tapped(note):
        require_whole(quick, schedule_id, 100)
        listed(quick, "/schedules")
        require_gone(quick, left_behind(quick, 100))
        deleted(schedule_id)
        frozen(SWEPT)
        sweep()
    assert {call.operation for call in reads} == {"GetItem", "BatchGetItem", "Query"}
    for call in reads:
        asked = call.parameters["RequestItems"][TABLE] if call.operation == "BatchGetItem" else call.parameters
        assert asked["ConsistentRead"] is True, call.parameters


# -- deletes that fail -------------------------------------------------------------------------------------------------


def require_told(
    door: Door, schedule_id: str, status: int, code: str, title: str | None = "Lesson 7"
) -> dict[str, Any]:
    """There is one incident, which says who, which schedule, the HTTP status and the raw error; returns it."""
    (incident,) = incidents(door)
    assert (incident["error_key"], incident["severity"], incident["count"]) == ("schedule_delete_failed", "HIGH", 1)
    assert (incident["actor_type"], incident["user_id"]) == ("admin", "admin-1")
    assert (incident["endpoint"], incident["http_status"]) == ("DELETE /schedules/{id}", status)
    assert incident["description"]["schedule_id"] == schedule_id
    assert incident["description"]["title"] == title
    assert incident["description"]["actor"] == "admin-1"
    assert code in incident["description"]["error_message"]
    assert incident["response_data"]["Error"] == {"Code": code, "Message": "you shall not"}
    assert code in incident["stack_trace"]
    kept = door.admin("GET", f"/incidents/{incident['incident_id']}/occurrences").json["items"]
    assert [each["correlation_id"] for each in kept] == ["c-4"]
    return incident


def stopped(door: Door, schedule_id: str, *taps: Tap) -> Answer:
    with no_pauses(), ExitStack() as stack:
        for tap in taps:
            stack.enter_context(tapped(tap))
        return door.admin("DELETE", f"/schedules/{schedule_id}", x_correlation_id="c-4")


@pytest.mark.parametrize("code", [DENIED, THROTTLED])
@pytest.mark.parametrize(
    ("only", "says", "title"),
    [
        (is_a("GetItem"), "Nothing was changed; delete it again.", None),
        (hides, "It is still there with all of its attendance; delete it again.", "Lesson 7"),
    ],
)
def test_a_delete_that_cannot_begin_says_why_and_is_an_incident(
    quick: Door, only: Callable[[Call], bool], says: str, title: str | None, code: str
) -> None:
    schedule_id = marked(quick, 3)
    answer = stopped(quick, schedule_id, refused(code, only))
    assert (answer.status, answer.json["Code"], answer.headers["retry-after"]) == (503, "ScheduleNotDeleted", "5")
    incident = require_told(quick, schedule_id, 503, code, title)
    assert code in answer.json["Message"]
    assert "you shall not" in answer.json["Message"]
    assert answer.json["Message"].endswith(f"{says} This is incident {incident['incident_id']}.")
    require_whole(quick, schedule_id, 3)
    assert acts(schedule_id) == ["make"]
    assert quick.admin("DELETE", f"/schedules/{schedule_id}").json == {"deleted_attendance": 3}


@pytest.mark.parametrize("code", [DENIED, THROTTLED])
@pytest.mark.parametrize(("n", "only"), [(3, is_a("Query")), (130, is_a("Query", Select="COUNT"))])
def test_a_delete_that_cannot_count_says_so_and_goes_on(
    quick: Door, frozen: Freeze, n: int, only: Callable[[Call], bool], code: str
) -> None:
    schedule_id = marked(quick, n)
    answer = stopped(quick, schedule_id, refused(code, only))
    assert (answer.status, answer.json["Code"]) == (503, "ScheduleNotDeleted")
    incident = require_told(quick, schedule_id, 503, code)
    assert "hidden from everybody already" in answer.json["Message"]
    assert answer.json["Message"].endswith(f"This is incident {incident['incident_id']}.")
    require_gone(quick, schedule_id)
    frozen(SWEPT)
    sweep()
    assert kept(schedule_id) == []


@pytest.mark.parametrize(
    ("n", "only", "code"),
    [
        (3, removes_whole, DENIED),
        (130, is_a("BatchWriteItem"), DENIED),
        (130, is_a("BatchWriteItem"), THROTTLED),
        (130, is_a("DeleteItem"), DENIED),
        (130, is_a("DeleteItem"), THROTTLED),
    ],
)
def test_a_delete_that_cannot_end_is_answered_told_and_ended_by_a_sweep(
    quick: Door, frozen: Freeze, n: int, only: Callable[[Call], bool], code: str
) -> None:
    schedule_id = marked(quick, n)
    answer = stopped(quick, schedule_id, refused(code, only))
    assert (answer.status, answer.json) == (200, {"deleted_attendance": n})
    incident = require_told(quick, schedule_id, 200, code)
    assert "hidden from everybody already" in incident["description"]["state"]
    assert "#META" in kept(schedule_id)
    require_gone(quick, schedule_id)
    frozen(SWEPT)
    sweep()
    assert kept(schedule_id) == []
    assert [each["count"] for each in incidents(quick)] == [1]


def test_what_cancelled_a_transaction_is_kept_as_it_came(quick: Door) -> None:
    stopped(quick, marked(quick, 3), refused("TransactionCanceledException", hides))
    (incident,) = incidents(quick)
    assert incident["response_data"]["CancellationReasons"][0] == {"Code": "TransactionConflict"}


def test_rows_that_are_never_taken_are_what_stopped_a_delete(quick: Door) -> None:
    schedule_id = marked(quick, 130)

    def leave(call: Call) -> Any:
        if call.operation == "BatchWriteItem" and TABLE in call.parameters["RequestItems"]:
            return {"UnprocessedItems": call.parameters["RequestItems"]}
        return call.make()

    assert stopped(quick, schedule_id, leave).json == {"deleted_attendance": 130}
    (incident,) = incidents(quick)
    assert incident["description"]["error_message"] == "Busy: 25 rows were left undeleted"


def test_what_stays_unknown_is_said(quick: Door) -> None:
    schedule_id = marked(quick, 3)
    reads = itertools.count()
    answer = stopped(
        quick,
        schedule_id,
        refused(DENIED, hides),
        refused(DENIED, lambda call: call.operation == "GetItem" and next(reads) > 0),
    )
    assert "could not be read; look at it before" in answer.json["Message"]


def test_a_delete_whose_answers_were_all_lost_is_found_to_have_begun(quick: Door, frozen: Freeze) -> None:
    schedule_id = marked(quick, 3)
    made_once = iter([True])

    def lose(call: Call) -> Any:
        if not hides(call) or TABLE not in str(call.parameters):
            return call.make()
        if next(made_once, False):
            call.make()
        raise ConnectionClosedError(endpoint_url="https://dynamodb.example")

    answer = stopped(quick, schedule_id, lose)
    assert (answer.status, answer.json["Code"]) == (503, "ScheduleNotDeleted")
    assert "ConnectionClosedError" in answer.json["Message"]
    assert "hidden from everybody already" in answer.json["Message"]
    require_gone(quick, schedule_id)
    frozen(SWEPT)
    sweep()
    assert kept(schedule_id) == []


def test_a_delete_that_others_end_meanwhile_says_so(quick: Door) -> None:
    schedule_id = marked(quick, 3)

    def others(call: Call) -> Any:
        if hides(call) and TABLE in str(call.parameters):
            models.Schedule(models.schedule_key(schedule_id), "#META").delete()
            raise ClientError({"Error": {"Code": DENIED, "Message": "you shall not"}}, call.operation)
        return call.make()

    assert "It is gone with its attendance" in stopped(quick, schedule_id, others).json["Message"]


def test_a_bug_is_told_like_any_other_failure(quick: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_id = marked(quick, 3)
    monkeypatch.setattr(models, "begin_delete", mock.Mock(side_effect=KeyError("deleting")))
    answer = quick.admin("DELETE", f"/schedules/{schedule_id}")
    assert (answer.status, answer.json["Code"]) == (503, "ScheduleNotDeleted")
    assert "stopped by KeyError: 'deleting'." in answer.json["Message"]
    (incident,) = incidents(quick)
    assert (incident["http_status"], incident["user_id"]) == (503, "admin-1")
    assert "KeyError: 'deleting'" in incident["stack_trace"]


def test_a_failure_that_cannot_be_told_is_answered_all_the_same(quick: Door) -> None:
    schedule_id = marked(quick, 3)
    with mock.patch.object(recording, "record", side_effect=RuntimeError("a bug in the hub")):
        answer = stopped(quick, schedule_id, refused(DENIED, hides))
    assert answer.json["Message"].endswith("This could not be noted as an incident.")


def test_every_try_at_a_delete_counts(quick: Door) -> None:
    schedule_id = marked(quick, 3)
    with mock.patch.object(deleting, "measure") as measure:
        for _ in range(3):
            stopped(quick, schedule_id, refused(DENIED, hides))
    assert measure.mock_calls == [mock.call("ScheduleDeletesFailed")] * 3
    assert [each["count"] for each in incidents(quick)] == [3]


# -- sweeping ----------------------------------------------------------------------------------------------------------


def left_behind(door: Door, n: int, **fields: Any) -> str:
    """A schedule whose delete was cut off as soon as it had begun."""
    schedule_id = marked(door, n, **fields)
    correlate("c-5")
    assert not survives(next(itertools.islice(points(), 1, None)), lambda: deleted(schedule_id))
    assert len(kept(schedule_id)) == n + 1
    return schedule_id


def test_a_sweep_leaves_alone_what_a_request_may_be_at(quick: Door, frozen: Freeze) -> None:
    schedule_id = left_behind(quick, 3)
    for moment, left in (("2026-03-01T10:01:00.000Z", 4), ("2026-03-01T10:01:00.001Z", 0)):
        frozen(moment)
        sweep()
        assert len(kept(schedule_id)) == left


def test_a_sweep_ends_every_delete_but_none_that_was_not_begun(door: Door, frozen: Freeze) -> None:
    begun = [left_behind(door, n) for n in (0, 2, 99, 130)]
    there = marked(door, 3)
    frozen(SWEPT)
    with mock.patch.object(sweeping, "READ_AT_ONCE", 3):
        sweep()
    assert [kept(each) for each in begun] == [[]] * 4
    require_whole(door, there, 3)
    assert incidents(door) == []


def test_what_stops_one_sweep_stops_no_other_and_is_an_incident(quick: Door, frozen: Freeze) -> None:
    first, second = left_behind(quick, 130), left_behind(quick, 2)
    refuse = refused(DENIED, lambda call: call.operation == "BatchWriteItem")
    for minute in (2, 3, 59):
        frozen(f"2026-03-01T10:{minute:02}:00Z")
        with tapped(refuse):
            sweep()
    assert (len(kept(first)), kept(second)) == (131, [])
    (incident,) = incidents(quick)
    assert (incident["error_key"], incident["count"], incident["user_id"]) == ("schedule_delete_failed", 1, "admin-2")
    assert (incident["actor_type"], incident["http_status"]) == ("system", None)
    assert incident["description"]["schedule_id"] == first
    told = quick.admin("GET", f"/incidents/{incident['incident_id']}/occurrences").json["items"]
    assert [each["correlation_id"] for each in told] == ["c-5"]
    assert incident["response_data"]["Error"]["Code"] == DENIED
    frozen("2026-03-01T11:00:00Z")
    with tapped(refuse):
        sweep()
    assert [each["count"] for each in incidents(quick)] == [2]
    sweep()
    assert kept(first) == []


def test_what_stops_the_sweep_itself_is_an_incident_and_raised(quick: Door) -> None:
    with tapped(refused(DENIED, is_a("Query"))), pytest.raises(Exception, match="query"):
        sweep()
    (incident,) = incidents(quick)
    assert (incident["error_key"], incident["count"]) == ("schedule_delete_failed", 1)
    assert incident["response_data"]["Error"]["Code"] == DENIED


def test_a_sweep_stops_in_time_and_the_next_goes_on(quick: Door, frozen: Freeze) -> None:
    ids = [left_behind(quick, 250)]
    frozen("2026-03-01T10:00:00.001Z")
    ids.append(left_behind(quick, 2))
    frozen(SWEPT)
    seconds = itertools.count(0, sweeping.BUDGET_S / 2)
    sweeping.sweep(clock.now(), monotonic=lambda: next(seconds))
    assert [len(kept(each)) for each in ids] == [151, 3]
    sweep()
    assert [kept(each) for each in ids] == [[], []]


def test_what_the_index_still_says_is_checked_by_a_sweep(quick: Door, frozen: Freeze) -> None:
    gone, there = left_behind(quick, 2), marked(quick, 130)
    frozen(SWEPT)
    sweep()
    late = [f"{NOW}#{gone}", f"{NOW}#{there}"]
    with mock.patch.object(models, "hidden_positions", side_effect=[late, []]):
        sweep()
    require_whole(quick, there, 130)
    assert incidents(quick) == []


# -- a container that dies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 3, 99, 100, 130])
def test_a_delete_that_is_cut_off_anywhere_is_all_or_nothing(quick: Door, frozen: Freeze, n: int) -> None:
    for point in points():
        frozen(NOW)
        schedule_id = marked(quick, n)
        over = survives(point, lambda schedule_id=schedule_id: deleted(schedule_id))  # type: ignore[misc]  # bound at once
        began = "delete" in acts(schedule_id)
        (require_gone(quick, schedule_id) if began else require_whole(quick, schedule_id, n))
        frozen(SWEPT)
        sweep()
        if began:
            assert kept(schedule_id) == []
        else:
            assert (point.nth, point.when) == (0, "before")
            require_whole(quick, schedule_id, n)
        if over:
            return


@pytest.mark.parametrize("n", [0, 3, 130])
def test_a_sweep_that_is_cut_off_anywhere_goes_on(quick: Door, frozen: Freeze, n: int) -> None:
    for point in points():
        frozen(NOW)
        schedule_id = left_behind(quick, n)
        frozen(SWEPT)
        over = survives(point, sweep)
        require_gone(quick, schedule_id)
        sweep()
        assert kept(schedule_id) == []
        if over:
            return


def test_marks_that_are_cut_off_are_there_or_not(quick: Door) -> None:
    roll = attendance.RollCall([attendance.StudentMark(student(n), "late") for n in range(2)])
    for point in points():
        schedule_id = made(quick)
        over = survives(point, lambda: attendance.call_roll(schedule_id, roll, "admin-1", clock.now()))  # noqa: B023  # called at once
        require_whole(quick, schedule_id, 0 if point.when == "before" and not over else 2)
        if over:
            return


def test_a_delete_of_what_is_not_there_is_no_failure(quick: Door) -> None:
    for schedule_id in (UNKNOWN, "x"):
        with pytest.raises(ScheduleNotFound):
            deleting.delete(schedule_id, "admin-1", clock.now())
    assert incidents(quick) == []
