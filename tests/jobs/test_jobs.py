"""Jobs, through the public door; what workers do, by the functions that workers call."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from pynamodb.transactions import TransactWrite

from app import app
from chalicelib import clock
from chalicelib.errors import Unavailable
from chalicelib.incidents import recording
from chalicelib.jobs import dead, failures, leases, listing, models, requests, sweeping
from chalicelib.jobs.leases import LEASE, Lease, LeaseLost, SubjectChanged
from chalicelib.jobs.sweeping import STUCK_FOR
from infra.pump import schedule_event
from tests.conftest import Door
from tests.faults import Call, tapped

Freeze = Callable[[str], None]

NOW, LATER = "2026-03-01T10:00:00Z", "2026-03-01T10:00:30Z"
# Just after a lease of NOW ran out, and when a sweep gives it up.
STUCK, GIVEN_UP = "2026-03-01T10:02:00.001Z", "2026-03-01T10:12:00.001Z"
UNKNOWN = "0" * 32
QUEUE = "groundcrew-test-uploads"


@pytest.fixture(autouse=True)
def morning(frozen: Freeze) -> None:
    frozen(NOW)


def sweep() -> None:
    """Run the function that sweeps every minute."""
    app.handler_map["sweep_jobs"](schedule_event("sweep_jobs", clock.now()), None)


def started(subject: str = "m1", kind: str = "transcode") -> Lease:
    """A run that an event began."""
    job_id = leases.first_id(kind, subject)
    lease = leases.start(kind, subject, job_id, correlation_id="c-1", requested_by="customer-68", now=clock.now())
    assert lease is not None
    return lease


def failed(subject: str = "m1", error: str = "The file is damaged.") -> str:
    lease = started(subject)
    leases.fail(lease, error, {"media_id": subject}, clock.now())
    return lease.job_id


def asked(subject: str = "m1") -> str:
    """A job that waits for a worker."""
    job_id = leases.first_id("transcode", subject)
    assert requests.make(
        "transcode", subject, job_id, correlation_id="c-1", requested_by="admin-1", now=clock.now(), also=None
    )
    return job_id


def finished(subject: str = "m1") -> str:
    lease = started(subject)
    leases.finish(lease, clock.now(), nothing)
    return lease.job_id


def nothing(_: TransactWrite) -> None:
    """What a run with nothing to publish adds to its finish."""


def messages() -> list[Any]:
    """What was sent to the workers since this was asked last."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    found = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in received:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    # The bucket's own first message is there, too.
    return [each for each in found if "job_id" in each]


def show(door: Door, job_id: str) -> dict[str, Any]:
    answer = door.admin("GET", f"/jobs/{job_id}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def incidents(door: Door) -> list[dict[str, Any]]:
    return [door.incident(each["incident_id"]) for each in door.admin("GET", "/incidents").json["items"]]


# -- one job -----------------------------------------------------------------------------------------------------------


def test_a_job_is_shown_from_its_start_to_its_end(door: Door, frozen: Freeze) -> None:
    lease = started()
    assert show(door, lease.job_id) == {
        "job_id": leases.first_id("transcode", "m1"),
        "kind": "transcode",
        "subject_id": "m1",
        "status": "running",
        "attempts": 1,
        "stuck": False,
        "error": None,
        "requested_by": "customer-68",
        "correlation_id": "c-1",
        "created_at": "2026-03-01T10:00:00.000Z",
        "started_at": "2026-03-01T10:00:00.000Z",
        "finished_at": None,
        "progress": 0,
        "attempts_log": [
            {
                "attempt": 1,
                "started_at": "2026-03-01T10:00:00.000Z",
                "ended_at": None,
                "outcome": "running",
                "error": None,
            }
        ],
        "audit": [],
    }
    frozen(LATER)
    leases.beat(lease, 1 / 3, clock.now())
    assert show(door, lease.job_id)["progress"] == 0.333
    leases.finish(lease, clock.now(), nothing)
    shown = show(door, lease.job_id)
    assert (shown["status"], shown["progress"]) == ("succeeded", 1)
    assert shown["finished_at"] == shown["attempts_log"][0]["ended_at"] == "2026-03-01T10:00:30.000Z"
    assert shown["attempts_log"][0]["outcome"] == "succeeded"


@pytest.mark.parametrize("job_id", [UNKNOWN, "x", "%00", "META", "A" * 32, "a" * 5000])
def test_what_is_not_there_is_a_404(door: Door, job_id: str) -> None:
    for method, path in (("GET", f"/jobs/{job_id}"), ("POST", f"/jobs/{job_id}/retry")):
        answer = door.admin(method, path)
        assert (answer.status, answer.json["Code"]) == (404, "JobNotFound")
    assert door.admin("DELETE", f"/jobs/{job_id}").status == 204


def test_only_admins_see_or_steer_jobs(door: Door) -> None:
    job_id = failed()
    for method, path in (("GET", ""), ("GET", f"/{job_id}"), ("POST", f"/{job_id}/retry"), ("DELETE", f"/{job_id}")):
        assert door.call(method, f"/jobs{path}").status == 401
    assert show(door, job_id)["status"] == "failed"


def test_a_repeated_event_starts_nothing(door: Door) -> None:
    def again(job_id: str) -> Lease | None:
        return leases.start("transcode", "m", job_id, correlation_id="c-2", requested_by="x", now=clock.now())

    for job_id in (started().job_id, failed("m2"), asked("m3"), finished("m4")):
        assert again(job_id) is None
    deleted = leases.first_id("transcode", "m4")
    door.admin("DELETE", f"/jobs/{deleted}")
    assert again(deleted) is None


def test_ids_of_first_jobs_differ_by_kind_and_subject() -> None:
    pairs = [("transcode", "m1"), ("transcode", "m2"), ("transcodem", "1"), ("scan", "m1")]
    ids = {leases.first_id(*pair) for pair in pairs}
    assert len(ids) == len(pairs)
    assert all(models.is_job_id(each) for each in ids)
    assert leases.first_id("transcode", "m1") == leases.first_id("transcode", "m1")


def test_progress_stays_within_its_bounds(door: Door) -> None:
    lease = started()
    for said, shown in ((-1.0, 0), (0.0, 0), (1.00001, 1), (0.00001, 0), (0.5, 0.5)):
        leases.beat(lease, said, clock.now())
        assert show(door, lease.job_id)["progress"] == shown


# -- failing -----------------------------------------------------------------------------------------------------------


def test_a_failed_job_says_why_and_is_an_incident(door: Door, frozen: Freeze) -> None:
    lease = started()
    frozen(LATER)
    leases.fail(lease, "The file is damaged.", {"media_id": "m1", "detail": "moov", "job_id": "forged"}, clock.now())
    shown = show(door, lease.job_id)
    assert (shown["status"], shown["error"], shown["stuck"]) == ("failed", "The file is damaged.", False)
    assert shown["attempts_log"] == [
        {
            "attempt": 1,
            "started_at": "2026-03-01T10:00:00.000Z",
            "ended_at": "2026-03-01T10:00:30.000Z",
            "outcome": "failed",
            "error": "The file is damaged.",
        }
    ]
    (incident,) = incidents(door)
    assert (incident["error_key"], incident["severity"], incident["count"]) == ("transcode_failed", "HIGH", 1)
    assert (incident["actor_type"], incident["environments"]) == ("system", ["test"])
    assert incident["title"] == "transcode_failed: The file is damaged."
    assert incident["description"] == {
        "error_message": "The file is damaged.",
        "job_id": lease.job_id,
        "subject_id": "m1",
        "attempt": 1,
        "media_id": "m1",
        "detail": "moov",
    }
    kept = door.admin("GET", f"/incidents/{incident['incident_id']}/occurrences").json["items"]
    assert kept[0]["correlation_id"] == "c-1"


@pytest.mark.parametrize("error", [Unavailable("full"), RuntimeError("a bug in the hub")])
def test_a_job_is_failed_even_where_the_hub_cannot_be_told(door: Door, error: Exception) -> None:
    with mock.patch.object(recording, "record", side_effect=error):
        job_id = failed()
    assert show(door, job_id)["status"] == "failed"


def test_long_words_are_cut(door: Door) -> None:
    assert len(show(door, failed(error="x" * 5000))["error"]) == models.MAX_ERROR


def test_a_run_that_lost_its_job_can_do_nothing(door: Door, frozen: Freeze) -> None:
    def taken() -> Iterator[Lease]:
        for n, take in enumerate((retried, deleted, swept)):
            frozen(NOW)
            lease = started(f"m{n}")
            take(lease)
            yield lease

    def retried(lease: Lease) -> None:
        frozen(STUCK)
        assert door.admin("POST", f"/jobs/{lease.job_id}/retry").status == 202
        assert leases.claim(lease.job_id, 2, clock.now()) is not None

    def deleted(lease: Lease) -> None:
        frozen(STUCK)
        assert door.admin("DELETE", f"/jobs/{lease.job_id}").status == 204

    def swept(_: Lease) -> None:
        frozen(GIVEN_UP)
        sweep()

    for lease in taken():
        row, told = models.find(lease.job_id), len(incidents(door))
        assert row is not None
        with pytest.raises(LeaseLost):
            leases.beat(lease, 0.9, clock.now())
        with pytest.raises(LeaseLost):
            leases.finish(lease, clock.now(), nothing)
        with pytest.raises(LeaseLost):
            leases.fail(lease, "Too late.", {}, clock.now())
        leases.drop(lease, "Too late.", clock.now())
        after = models.find(lease.job_id)
        assert after is not None
        assert after.serialize() == row.serialize()
        assert len(incidents(door)) == told


# -- finishing, with what it adds of its subject -----------------------------------------------------------------------


class Subject(models.Row):
    """A row of another area, as far as jobs know."""

    class Meta(models.Row.Meta):
        table_name = "groundcrew-test-media"


def published(lease: Lease) -> Callable[[TransactWrite], None]:
    def also(transaction: TransactWrite) -> None:
        transaction.save(Subject(lease.subject_id, "META"), condition=Subject.pk.does_not_exist())

    return also


def subjects() -> list[str]:
    return [str(row["pk"]) for row in boto3.resource("dynamodb").Table("groundcrew-test-media").scan()["Items"]]


def test_a_finish_and_what_it_publishes_are_one(door: Door) -> None:
    lease = started()
    leases.finish(lease, clock.now(), published(lease))
    assert (show(door, lease.job_id)["status"], subjects()) == ("succeeded", ["m1"])
    leases.finish(lease, clock.now(), published(lease))


def test_a_finish_whose_subject_changed_says_so_and_keeps_the_lease(door: Door) -> None:
    lease = started()
    Subject("m1", "META").save()
    with pytest.raises(SubjectChanged):
        leases.finish(lease, clock.now(), published(lease))
    assert show(door, lease.job_id)["status"] == "running"
    leases.drop(lease, "The media was deleted.", clock.now())
    assert door.admin("GET", f"/jobs/{lease.job_id}").status == 404


def test_a_job_is_made_with_what_it_is_for_or_not_at_all(door: Door) -> None:
    def make(job_id: str) -> bool:
        def also(transaction: TransactWrite) -> None:
            transaction.save(Subject(job_id, "META"), condition=Subject.pk.does_not_exist())

        return requests.make(
            "transcode", "m1", job_id, correlation_id="c-1", requested_by="admin-1", now=clock.now(), also=also
        )

    assert make("a" * 32)
    assert not make("a" * 32)
    Subject("b" * 32, "META").save()
    with pytest.raises(SubjectChanged):
        make("b" * 32)
    assert door.admin("GET", f"/jobs/{'b' * 32}").status == 404
    assert messages() == [{"job_id": "a" * 32, "attempt": 1}]
    assert [each["action"] for each in show(door, "a" * 32)["audit"]] == ["make"]


# -- stuck jobs --------------------------------------------------------------------------------------------------------


def test_a_job_whose_worker_stopped_is_stuck_at_once_and_failed_ten_minutes_later(door: Door, frozen: Freeze) -> None:
    lease = started()
    frozen("2026-03-01T10:02:00Z")
    sweep()
    assert not show(door, lease.job_id)["stuck"]
    frozen(STUCK)
    sweep()
    shown = show(door, lease.job_id)
    assert (shown["status"], shown["stuck"]) == ("running", True)
    assert shown["attempts_log"][0]["outcome"] == "stuck"
    frozen("2026-03-01T10:12:00Z")
    sweep()
    assert show(door, lease.job_id)["status"] == "running"
    frozen(GIVEN_UP)
    for _ in range(2):
        sweep()
    shown = show(door, lease.job_id)
    assert (shown["status"], shown["stuck"], shown["error"]) == ("failed", False, failures.STOPPED)
    (incident,) = incidents(door)
    assert (incident["count"], incident["description"]["attempt"]) == (1, 1)


def test_a_run_that_goes_on_is_not_stuck_any_more(door: Door, frozen: Freeze) -> None:
    lease = started()
    frozen(STUCK)
    assert show(door, lease.job_id)["stuck"]
    leases.beat(lease, 0.5, clock.now())
    assert not show(door, lease.job_id)["stuck"]
    frozen(GIVEN_UP)
    leases.beat(lease, 0.6, clock.now())
    sweep()
    assert show(door, lease.job_id)["status"] == "running"


def test_a_sweep_counts_what_is_stuck(cloud: None, frozen: Freeze) -> None:
    for n in range(3):
        started(f"m{n}")
    frozen(STUCK)
    leases.beat(started("m4"), 0, clock.now())
    with mock.patch.object(sweeping, "measure") as measure:
        sweep()
    measure.assert_called_once_with("JobsStuck", 3)


def test_a_sweep_takes_any_number_of_jobs(door: Door, frozen: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "READ_AT_ONCE", 2)
    for n in range(5):
        started(f"m{n}")
    frozen(GIVEN_UP)
    sweep()
    assert len(door.admin("GET", "/jobs?status=failed").json["items"]) == 5


def test_one_job_does_not_keep_a_sweep_from_the_others(door: Door, frozen: Freeze) -> None:
    asked("m0")
    unknown = models.find(leases.first_id("transcode", "m0"))
    assert unknown is not None
    unknown.update([models.Job.kind.set("unknown"), models.Job.send_at.set(NOW)])
    for n in range(1, 4):
        started(f"m{n}")
    frozen(GIVEN_UP)
    give_up = models.give_up

    def fail_on_one(job: models.Job, *rest: Any) -> bool:
        if job.subject_id == "m2":
            raise RuntimeError
        return give_up(job, *rest)

    with mock.patch.object(models, "give_up", fail_on_one):
        sweep()
    assert [each["subject_id"] for each in door.admin("GET", "/jobs?status=failed").json["items"]] == ["m3", "m1"]


# -- retrying ----------------------------------------------------------------------------------------------------------


def test_a_retry_runs_a_failed_job_again(door: Door, frozen: Freeze) -> None:
    job_id = failed()
    frozen(LATER)
    answer = door.admin("POST", f"/jobs/{job_id}/retry", x_correlation_id="retry-1")
    assert answer.status == 202
    shown = show(door, job_id)
    assert answer.json == {name: shown[name] for name in answer.json}
    assert (shown["status"], shown["attempts"], shown["error"], shown["progress"]) == ("pending", 2, None, 0)
    assert (shown["started_at"], shown["finished_at"], shown["correlation_id"]) == (None, None, "c-1")
    assert [each["attempt"] for each in shown["attempts_log"]] == [1]
    assert shown["audit"] == [
        {
            "at": "2026-03-01T10:00:30.000Z",
            "actor": "admin-1",
            "action": "retry",
            "correlation_id": "retry-1",
            "change": {"attempt": 2},
        }
    ]
    (message,) = messages()
    assert message == {"job_id": job_id, "attempt": 2}
    assert leases.claim(job_id, 1, clock.now()) is None
    lease = leases.claim(job_id, 2, clock.now())
    assert lease is not None
    assert (lease.attempt, lease.subject_id, lease.correlation_id) == (2, "m1", "c-1")
    assert leases.claim(job_id, 2, clock.now()) is None
    leases.finish(lease, clock.now(), nothing)
    log = show(door, job_id)["attempts_log"]
    assert [(each["attempt"], each["outcome"], each["error"]) for each in log] == [
        (2, "succeeded", None),
        (1, "failed", "The file is damaged."),
    ]


def test_a_stuck_job_can_be_retried(door: Door, frozen: Freeze) -> None:
    lease = started()
    frozen(STUCK)
    assert door.admin("POST", f"/jobs/{lease.job_id}/retry").json["attempts"] == 2
    assert leases.claim(lease.job_id, 2, clock.now()) is not None
    log = show(door, lease.job_id)["attempts_log"]
    assert [(each["attempt"], each["outcome"], each["ended_at"]) for each in log] == [
        (2, "running", None),
        (1, "stuck", None),
    ]
    # Nobody else will tell of the worker that stopped.
    (incident,) = door.admin("GET", "/incidents?error_key=transcode_failed").json["items"]
    assert (incident["count"], failures.STOPPED in incident["title"]) == (1, True)


def test_what_neither_failed_nor_is_stuck_cannot_be_retried(door: Door) -> None:
    retried = failed("m4")
    assert door.admin("POST", f"/jobs/{retried}/retry").status == 202
    for job_id in (started("m1").job_id, asked("m2"), finished("m3"), retried):
        answer = door.admin("POST", f"/jobs/{job_id}/retry")
        assert (answer.status, answer.json["Code"]) == (409, "JobNotRetryable")


def test_each_failed_attempt_is_an_event_of_its_own(door: Door) -> None:
    job_id = failed()
    door.admin("POST", f"/jobs/{job_id}/retry")
    lease = leases.claim(job_id, 2, clock.now())
    assert lease is not None
    leases.fail(lease, "The file is damaged.", {}, clock.now())
    assert [each["count"] for each in incidents(door)] == [2]


def test_the_log_keeps_the_latest_twenty_attempts(door: Door) -> None:
    job_id = failed()
    for attempt in range(2, 31):
        assert door.admin("POST", f"/jobs/{job_id}/retry").status == 202
        lease = leases.claim(job_id, attempt, clock.now())
        assert lease is not None
        leases.fail(lease, f"Attempt {attempt}.", {}, clock.now())
    log = show(door, job_id)["attempts_log"]
    assert [each["attempt"] for each in log] == list(range(30, 10, -1))


def test_a_retry_that_cannot_be_sent_is_sent_by_a_sweep(door: Door, frozen: Freeze) -> None:
    def unplugged(call: Call) -> Any:
        if call.operation == "SendMessage":
            raise EndpointConnectionError(endpoint_url="https://sqs.example")
        return call.make()

    job_id = failed()
    with tapped(unplugged):
        assert door.admin("POST", f"/jobs/{job_id}/retry").status == 202
    frozen("2026-03-01T10:00:59.999Z")
    sweep()
    assert messages() == []
    frozen("2026-03-01T10:01:00Z")
    for _ in range(2):
        sweep()
    assert messages() == [{"job_id": job_id, "attempt": 2}]
    assert leases.claim(job_id, 2, clock.now()) is not None


def test_a_message_that_got_lost_is_sent_again_after_a_day(cloud: None, frozen: Freeze) -> None:
    job_id = asked()
    assert len(messages()) == 1
    frozen("2026-03-02T09:59:59Z")
    sweep()
    assert messages() == []
    frozen("2026-03-02T10:00:00Z")
    sweep()
    assert messages() == [{"job_id": job_id, "attempt": 1}]


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_a_deleted_job_is_gone_and_never_runs(door: Door, frozen: Freeze) -> None:
    stuck = started("m3").job_id
    frozen(STUCK)
    for job_id in (asked("m1"), failed("m2"), stuck, finished("m4")):
        for _ in range(2):
            answer = door.admin("DELETE", f"/jobs/{job_id}", x_correlation_id="delete-1")
            assert (answer.status, answer.body) == (204, b"")
        assert door.admin("GET", f"/jobs/{job_id}").status == 404
        assert door.admin("POST", f"/jobs/{job_id}/retry").status == 404
        assert leases.claim(job_id, 1, clock.now()) is None
        found = listing.find(job_id)
        assert found is not None
        assert found.state == "DELETED"
    assert door.admin("GET", "/jobs").json["items"] == []
    _, trail = models.find_with_audit(stuck, 10)
    (audit,) = trail
    assert (audit.actor, audit.action, audit.correlation_id) == ("admin-1", "delete", "delete-1")
    assert audit.change == {"state": "running", "attempt": 1}
    frozen(GIVEN_UP)
    sweep()
    assert door.admin("GET", "/jobs").json["items"] == []


def test_a_job_that_a_worker_holds_cannot_be_deleted(door: Door) -> None:
    lease = started()
    answer = door.admin("DELETE", f"/jobs/{lease.job_id}")
    assert (answer.status, answer.json["Code"]) == (409, "JobRunning")
    leases.beat(lease, 0.5, clock.now())


def test_a_job_whose_subject_is_gone_is_dropped(door: Door) -> None:
    lease = started()
    leases.drop(lease, "The media was deleted.", clock.now())
    assert door.admin("GET", f"/jobs/{lease.job_id}").status == 404
    _, (audit,) = models.find_with_audit(lease.job_id, 10)
    assert (audit.actor, audit.action, audit.correlation_id) == ("groundcrew", "drop", "c-1")
    assert audit.change == {"reason": "The media was deleted."}


def test_what_is_past_its_time_is_hidden(door: Door, frozen: Freeze) -> None:
    succeeded, waiting = finished("m1"), failed("m2")
    frozen("2026-05-30T09:59:59Z")
    assert show(door, succeeded)["status"] == "succeeded"
    frozen("2026-05-30T10:00:01Z")
    assert door.admin("GET", f"/jobs/{succeeded}").status == 404
    assert door.admin("DELETE", f"/jobs/{succeeded}").status == 204
    assert [each["job_id"] for each in door.admin("GET", "/jobs").json["items"]] == [waiting]


# -- dead letters ------------------------------------------------------------------------------------------------------


def test_a_dead_letter_of_a_job_fails_it(door: Door) -> None:
    job_id = asked()
    for _ in range(2):
        dead.bury(job_id, 1, "No worker could take it.", clock.now())
    shown = show(door, job_id)
    assert (shown["status"], shown["error"]) == ("failed", "No worker could take it.")
    (entry,) = shown["attempts_log"]
    assert (entry["started_at"], entry["outcome"]) == (None, "failed")
    assert [each["count"] for each in incidents(door)] == [1]
    assert door.admin("POST", f"/jobs/{job_id}/retry").json["attempts"] == 2
    dead.bury(job_id, 1, "No worker could take it.", clock.now())
    assert show(door, job_id)["status"] == "pending"


def test_a_dead_letter_of_what_went_on_changes_nothing(door: Door) -> None:
    for job_id in (started("m1").job_id, finished("m2"), failed("m3")):
        before = show(door, job_id)
        dead.bury(job_id, 1, "No worker could take it.", clock.now())
        dead.bury_unstarted("transcode", "m", job_id, "Nobody came.", correlation_id="c", now=clock.now())
        assert show(door, job_id) == before
    dead.bury(UNKNOWN, 1, "No worker could take it.", clock.now())
    dead.bury("x" * 5000, 1, "No worker could take it.", clock.now())


def test_a_dead_letter_of_an_event_leaves_a_failed_job(door: Door) -> None:
    job_id = leases.first_id("transcode", "m1")
    for _ in range(2):
        dead.bury_unstarted("transcode", "m1", job_id, "Nobody came.", correlation_id="c-9", now=clock.now())
    shown = show(door, job_id)
    assert (shown["status"], shown["error"], shown["attempts"]) == ("failed", "Nobody came.", 1)
    assert (shown["requested_by"], shown["correlation_id"]) == ("groundcrew", "c-9")
    assert [each["count"] for each in incidents(door)] == [1]
    door.admin("POST", f"/jobs/{job_id}/retry")
    assert leases.claim(job_id, 2, clock.now()) is not None


# -- lists -------------------------------------------------------------------------------------------------------------


def listed(door: Door, query: str) -> list[list[str]]:
    """The subjects of all pages of a list."""
    pages: list[list[str]] = []
    cursor = ""
    while cursor is not None:
        answer = door.admin("GET", f"/jobs?{query}{cursor and f'&cursor={cursor}'}")
        assert answer.status == 200, answer
        pages.append([each["subject_id"] for each in answer.json["items"]])
        cursor = answer.json["next_cursor"]
    return pages


@pytest.fixture
def crowd(door: Door, frozen: Freeze) -> Door:
    """Ten jobs, a minute apart: two in each state, the stuck ones the oldest."""
    makers: Sequence[Callable[[str], object]] = (started, failed, asked, finished, started)
    start = clock.parse(NOW)
    for n in range(10):
        frozen(clock.rfc3339(start + timedelta(minutes=n)))
        makers[n // 2](f"m{n}")
    return door


def test_jobs_are_listed_newest_first_in_every_state(crowd: Door) -> None:
    everything = [f"m{n}" for n in reversed(range(10))]
    assert listed(crowd, "limit=100") == [everything]
    assert listed(crowd, "limit=4") == [everything[:4], everything[4:8], everything[8:]]
    for status, expected in {
        "pending": ["m5", "m4"],
        "running": ["m9", "m8"],
        "stuck": ["m1", "m0"],
        "failed": ["m3", "m2"],
        "succeeded": ["m7", "m6"],
    }.items():
        assert listed(crowd, f"status={status}") == [expected]
        assert [each for page in listed(crowd, f"status={status}&limit=1") for each in page] == expected
        assert listed(crowd, f"status={status}&kind=transcode&limit=100") == [expected]
    assert listed(crowd, "kind=other") == [[]]
    shown = crowd.admin("GET", "/jobs?status=stuck").json["items"][0]
    assert (shown["status"], shown["stuck"], "audit" in shown) == ("running", True, False)


def test_a_walk_holds_while_jobs_move_on(crowd: Door, frozen: Freeze) -> None:
    first = crowd.admin("GET", "/jobs?limit=3").json
    frozen("2026-03-01T11:00:00Z")
    started("newcomer")
    crowd.admin("POST", f"/jobs/{leases.first_id('transcode', 'm2')}/retry")
    crowd.admin("POST", f"/jobs/{leases.first_id('transcode', 'm0')}/retry")
    crowd.admin("DELETE", f"/jobs/{leases.first_id('transcode', 'm6')}")
    assert leases.claim(leases.first_id("transcode", "m4"), 1, clock.now()) is not None
    rest = crowd.admin("GET", f"/jobs?limit=100&cursor={first['next_cursor']}").json
    seen = [each["subject_id"] for each in first["items"] + rest["items"]]
    assert seen == ["m9", "m8", "m7", "m5", "m4", "m3", "m2", "m1", "m0"]


def test_a_rare_match_is_found_by_following_cursors(door: Door, frozen: Freeze) -> None:
    started("needle")
    frozen(STUCK)
    for n in range(120):
        started(f"m{n}")
    assert listed(door, "status=stuck&limit=5") == [[], ["needle"]]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "status=done", "status=PENDING", "status=", "kind=A", "kind=%00"]
)
def test_a_bad_parameter_is_a_400_that_names_it(door: Door, query: str) -> None:
    answer = door.admin("GET", f"/jobs?{query}")
    assert (answer.status, answer.json["Code"]) == (400, "InvalidRequest")
    assert answer.json["Details"][0]["field"] == query.partition("=")[0]


def test_forged_and_foreign_cursors_are_refused(crowd: Door) -> None:
    cursor = crowd.admin("GET", "/jobs?limit=1").json["next_cursor"]
    assert crowd.admin("GET", f"/jobs?limit=2&cursor={cursor}").status == 200
    for query in (f"status=failed&cursor={cursor}", f"kind=transcode&cursor={cursor}", f"cursor={cursor}A", "cursor="):
        answer = crowd.admin("GET", f"/jobs?{query}")
        assert (answer.status, answer.json["Code"]) == (400, "InvalidCursor"), query


def test_what_the_index_still_says_is_checked(crowd: Door) -> None:
    """The index follows the rows by some milliseconds."""
    job_id = leases.first_id("transcode", "m2")
    positions = models.positions
    late = {state: positions(state, None, 100) for state in listing.STATES}
    crowd.admin("POST", f"/jobs/{job_id}/retry")
    with mock.patch.object(models, "positions", lambda state, *_: late[state]):
        assert listed(crowd, "status=failed&limit=100") == [["m3"]]
        assert listed(crowd, "status=pending&limit=100") == [["m5", "m4"]]
        assert len(listed(crowd, "limit=100")[0]) == 10
        crowd.admin("DELETE", f"/jobs/{job_id}")
        assert len(listed(crowd, "limit=100")[0]) == 9


def test_other_areas_find_jobs_deleted_ones_too(door: Door) -> None:
    made = {failed("m1"): "FAILED", asked("m2"): "PENDING", finished("m3"): "SUCCEEDED"}
    gone = asked("m4")
    door.admin("DELETE", f"/jobs/{gone}")
    found = listing.find_many([*made, gone, gone, UNKNOWN])
    assert {job_id: job.state for job_id, job in found.items()} == {**made, gone: "DELETED"}
    assert all(listing.find(job_id) == job for job_id, job in found.items())
    assert listing.find(UNKNOWN) is None


def test_a_lease_outlasts_some_heartbeats() -> None:
    assert 3 * leases.BEAT_EVERY < LEASE < STUCK_FOR
