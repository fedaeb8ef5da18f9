"""SQL over the raw events and the incidents: what the shipped questions answer, and what a person is told."""

import builtins
import csv
import functools
import gzip
import io
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

import boto3
import botocore.session
import duckdb
import msgspec
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import create_loader
from pynamodb.exceptions import QueryError

from chalicelib import clock
from chalicelib.analytics import detecting, event, facts, hub, raw, reports, tallying, tracking
from chalicelib.analytics.windows import ReportQuery
from chalicelib.dynamodb import Busy
from chalicelib.incidents import recording, report, triage
from chalicelib.incidents.detail import KeptReport
from chalicelib.incidents.listing import IncidentSummary
from chalicelib.personal import KEEP
from chalicelib.projects.settings import Terms
from infra import mirror, sql
from infra.local import PROJECT
from infra.troubles import Trouble

SHIPPED: Final = sorted((PROJECT / "sql").glob("*.sql"))
BUCKET: Final = "groundcrew-test-events"

_create_loader = functools.cache(create_loader)

Ask = Callable[..., list[dict[str, str]]]
Run = Callable[..., tuple[int, str, str]]


@functools.cache
def s3() -> Any:
    """One client for all: making one takes longer than most tests."""
    return boto3.client("s3")


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each run has a session of its own, which would read all from disk again.
    monkeypatch.setattr(botocore.session, "create_loader", _create_loader)


def terms(project_id: str = "1") -> Terms:
    return Terms(project_id, 1000, (), 90, KEEP)


def track(name: str, *, ago: timedelta = timedelta(), project_id: str = "1", **fields: Any) -> event.Event:
    """An event that was received so long ago, kept as it is and counted nowhere."""
    tracked = event.read({"event": name, "data": {}, **fields}, terms(project_id), clock.now() - ago)
    raw.write([tracked], f"b{tracked.event_id}")
    return tracked


def put(*lines: object, name: str = "1-20261122T140000000Z-b1") -> str:
    """Lay an object of today's first hour into the bucket; returns its key."""
    key = f"events/dt={clock.now():%Y-%m-%d}/h=00/{name}.jsonl.gz"
    body = b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    s3().put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(body))
    return key


def report_failure(error_key: str, now: datetime, **fields: Any) -> str:
    """Report into the hub; returns the incident's id."""
    body = {"error_key": error_key, "description": {"error_message": error_key}, **fields}
    taken = report.read(body, report.Origin("1", None, "c1"), now)
    recording.record([taken], now)
    return taken.incident_id


def mirrored(folder: Path, days: int = 3, project_id: str = "1") -> duckdb.DuckDBPyConnection:
    now = clock.now()
    since = now - timedelta(days=days - 1)
    mirror.copy_events(s3(), BUCKET, since.date(), folder)
    mirror.export_incidents(project_id, since, now, folder)
    return sql.opened(folder, project_id)


@pytest.fixture
def ask(cloud: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Ask a shipped question, or any, of what is in the cloud."""

    def ask(question: str, days: int = 3, project_id: str = "1") -> list[dict[str, str]]:
        text = question if " " in question else (PROJECT / f"sql/{question}.sql").read_text()
        connection = mirrored(tmp_path, days, project_id)
        # What was reported for the question may have been logged.
        capsys.readouterr()
        sql.answer(connection, text, as_csv=True)
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    return ask


class Typed(io.StringIO):
    """What is typed, or piped in."""


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run it with an environment and what is typed; returns its exit status and what it printed to each stream."""
    given = {"GROUNDCREW_LOCAL_DIR": str(tmp_path), "STAGE": "", "AWS_CONFIG_FILE": os.devnull, "DAYS": "2"}

    def run(typed: str = "", **environment: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", Typed(typed))
        with mock.patch.dict(os.environ, given | environment):
            return sql.main(), *capsys.readouterr()

    return run


@pytest.fixture
def deployed(cloud: None) -> str:
    """A stage whose bucket has the account's number in its name."""
    bucket = f"{BUCKET}-123456789012"
    s3().create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return bucket


# -- the questions over events ----------------------------------------------------------------------------------------

STRANGE: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"duration_ms": "abc", "feature": {"a": 1}, "endpoint": ["x"], "trial_type": "", "status": "no"},
    {"duration_ms": None, "feature": None, "endpoint": None, "trial_type": None, "outcome": 5},
    {"duration_ms": {"a": 1}, "feature": [], "endpoint": {}, "trial_type": {}, "status": [500]},
    {"duration_ms": True, "feature": "", "endpoint": "", "success": "no"},
    {"duration_ms": -1, "feature": "  ", "endpoint": " ", "trial_type": []},
    {"duration_ms": "1e999"},
    {"duration_ms": 10**30},
    {"duration_ms": "12\n"},
    {"duration_ms": ".5"},
)


def test_errors_of_the_last_24_hours(ask: Ask) -> None:
    for user, took in (("u1", 10), ("u1", "20.5"), ("u2", 9.5e-10), (None, "abc"), (None, {"ms": 1})):
        track("proof.failed", severity="WARNING", user_id=user, data={"duration_ms": took})
    track("login.failed", severity="CRITICAL", user_id="u1")
    track("proof.failed", severity="CRITICAL")
    track("fine", severity="INFO", user_id="u3", data={"duration_ms": 5})
    track("old", severity="CRITICAL", ago=timedelta(hours=25))
    assert ask("errors_last_24_hours") == [
        line("proof.failed", "WARNING", 5, 2, "10.2"),
        line("login.failed", "CRITICAL", 1, 1, ""),
        line("proof.failed", "CRITICAL", 1, 0, ""),
    ]


def line(name: str, severity: str, errors: int, users: int, mean: str) -> dict[str, str]:
    return {
        "event": name,
        "severity": severity,
        "errors": str(errors),
        "affected_users": str(users),
        "mean_duration_ms": mean,
    }


def test_adoption_of_features(ask: Ask) -> None:
    track("feature_registered", data={"feature": "quiet"}, ago=timedelta(days=10))
    track("feature_registered", data={"feature": "notes"}, ago=timedelta(days=10))
    for user in ("u1", "u1", "u2"):
        track("notes.opened", user_id=user, data={"feature": "notes", "duration_ms": 40})
    track("export", user_id="u3", data={"feature": " export ", "duration_ms": "x"}, ago=timedelta(days=20))
    track("signed in", user_id="u4")
    track("notes.opened", user_id="u5", data={"feature": "notes"}, ago=timedelta(days=31))
    found = [{**row, "last_used": row["last_used"][:10]} for row in ask("feature_adoption", days=60)]
    today, then = (f"{clock.now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 20))
    names = ("feature", "uses", "users", "percent_of_users", "mean_duration_ms", "last_used")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("notes", "3", "2", "50.0", "40.0", today),
        ("export", "1", "1", "25.0", "", then),
        ("quiet", "0", "0", "0.0", "", ""),
    ]


def test_other_names_of_what_data_means_are_read_as_the_reports_read_them(ask: Ask) -> None:
    now = clock.now()
    names = {
        "endpoint": (("endpoint", "route", "path"), "/notes"),
        "duration": ((*facts._DURATIONS,), 20),
        "status": (("status", "status_code", "http_status"), 500),
        "feature": (("feature", "feature_name"), "notes"),
        "trial": (("trial_type", "trial"), "week"),
        "outcome": (("outcome", "result"), "expired"),
    }
    most = max(len(aliases) for aliases, _ in names.values())
    sent: list[dict[str, Any]] = [
        {aliases[min(nth, len(aliases) - 1)]: value for aliases, value in names.values()} for nth in range(most)
    ]
    sent += [{"trial": "week", "converted": True}, {"trial": "week", "converted": False}, {"trial": "week"}]
    events = [{"event": "request", "severity": "WARNING", "data": data} for data in sent]
    tracking.take({"events": events}, terms(), now)
    query = ReportQuery()

    (endpoint,), (row,) = reports.endpoints(query, now).items, ask("slowest_endpoints")
    assert (row["endpoint"], int(row["requests"])) == (endpoint.endpoint, endpoint.requests) == ("/notes", most)
    assert [row[name] for name in ("percent_failed", "p50_ms", "p99_ms")] == ["100.0", "20.0", "20.0"]
    (feature,), (row,) = reports.features(query, now).items, ask("feature_adoption")
    assert (row["feature"], int(row["uses"])) == (feature.feature, feature.uses) == ("notes", most)
    (failed,) = ask("errors_last_24_hours")
    assert (failed["errors"], failed["mean_duration_ms"], row["mean_duration_ms"]) == (str(most + 3), "20.0", "20.0")
    (trial,) = reports.trials(query, now).items
    outcomes = {row["outcome"]: int(row["trials"]) for row in ask("trial_conversion")}
    assert outcomes == {name: each.count for name, each in trial.outcomes.items()}
    assert outcomes == {"expired": most, "converted": 1, "not_converted": 1}


def test_status_is_read_by_its_other_names(ask: Ask) -> None:
    for name in ("status", "status_code", "http_status"):
        track("request", data={"path": "/notes", name: "503"})
    assert [row["percent_failed"] for row in ask("slowest_endpoints")] == ["100.0"]


def test_conversion_of_trials(ask: Ask) -> None:
    for trial, outcome, times in (("week", "converted", 2), ("week", "expired", 1), ("month", "converted", 1)):
        for _ in range(times):
            track("trial.ended", data={"trial_type": trial, "outcome": outcome})
    track("trial.ended", data={"trial_type": "week"})
    assert [tuple(row.values()) for row in ask("trial_conversion")] == [
        ("month", "converted", "1", "100.0"),
        ("week", "converted", "2", "66.7"),
        ("week", "expired", "1", "33.3"),
    ]


def test_percentiles_of_endpoints_are_interpolated(ask: Ask) -> None:
    for nth, took in enumerate((10, 20, 30, 40, 100), start=1):
        track("request", data={"endpoint": f"GET /students/{nth}?full=1", "duration_ms": took, "status": 200})
    track("request", data={"endpoint": "GET /students/0123abcd-89ef/", "status": 503})
    track("request", severity="WARNING", data={"endpoint": "POST /proofs", "duration_ms": 7})
    track("request", data={"endpoint": "POST /proofs", "duration_ms": "7", "success": False, "status": 200})
    track("request", data={"endpoint": "POST /proofs", "status": 499, "success": True})
    track("request", data={"endpoint": "POST /proofs", "status": 500}, ago=timedelta(days=8))
    # Rank q(n-1) of 10, 20, 30, 40, 100: 2, 3.8 and 3.96.
    assert [tuple(row.values()) for row in ask("slowest_endpoints", days=10)] == [
        ("GET /students/*", "5", "0.0", "30.0", "88.0", "97.6"),
        ("POST /proofs", "3", "66.7", "7.0", "7.0", "7.0"),
        ("GET /students/*/", "1", "100.0", "", "", ""),
    ]


def test_what_is_malformed_fails_no_question(cloud: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw.write(
        [
            event.read({"event": "strange", "severity": "CRITICAL", "data": data}, terms(), clock.now())
            for data in STRANGE
        ],
        "b1",
    )
    connection = mirrored(tmp_path)
    for path in SHIPPED:
        sql.answer(connection, path.read_text(), as_csv=True)
        _, *found = capsys.readouterr().out.splitlines()
        assert found == ([f"strange,CRITICAL,{len(STRANGE)},0,"] if path.stem == "errors_last_24_hours" else []), path


def test_it_answers_as_the_reports_do(ask: Ask) -> None:
    now = clock.now()
    sent = [
        {
            "event": "request" if nth % 4 else "request failed",
            "severity": "INFO" if nth % 4 else "WARNING",
            "user_id": f"u{nth % 7}",
            "data": {
                "endpoint": f"/students/{nth}" if nth % 2 else "/notes",
                "duration_ms": nth * 1.37,
                "status": 500 if nth % 5 == 0 else 200,
                "feature": "notes" if nth % 3 else "export",
                "trial_type": "week",
                "outcome": "converted" if nth % 6 else "expired",
            },
        }
        for nth in range(1, 61)
    ]
    tracking.take({"events": sent}, terms(), now)
    query = ReportQuery(hours=24)

    (error,) = reports.errors(query, now).items
    (failed,) = ask("errors_last_24_hours")
    assert (failed["event"], failed["severity"]) == (error.event, error.severity)
    assert (int(failed["errors"]), int(failed["affected_users"])) == (error.count, error.users)
    assert float(failed["mean_duration_ms"]) == pytest.approx(error.mean_duration_ms, abs=0.05)

    endpoints = {row["endpoint"]: row for row in ask("slowest_endpoints")}
    for each in reports.endpoints(query, now).items:
        row = endpoints.pop(each.endpoint)
        assert int(row["requests"]) == each.requests
        assert float(row["percent_failed"]) == pytest.approx(100 * each.failure_rate, abs=0.05)
        for name in ("p50_ms", "p95_ms", "p99_ms"):
            assert float(row[name]) == pytest.approx(getattr(each, name), rel=0.02, abs=0.05)
    assert endpoints == {}

    features = [(row["feature"], int(row["uses"]), int(row["users"])) for row in ask("feature_adoption")]
    assert features == [(each.feature, each.uses, each.users) for each in reports.features(query, now).items]

    (trial,) = reports.trials(query, now).items
    outcomes = {row["outcome"]: (int(row["trials"]), float(row["percent"])) for row in ask("trial_conversion")}
    assert outcomes == {name: (each.count, round(each.percent, 1)) for name, each in trial.outcomes.items()}


# -- the questions over incidents -------------------------------------------------------------------------------------


def test_most_frequent_incidents(ask: Ask) -> None:
    now = clock.now()
    for user in ("u1", "u2", "u2"):
        report_failure("homework_proof", now, user_id=user, severity="HIGH")
    report_failure("login", now)
    found = ask("incidents_most_frequent")
    assert [(row["error_key"], row["severity"], row["status"], row["reports"], row["users"]) for row in found] == [
        ("homework_proof", "HIGH", "ACTIVE", "3", "2"),
        ("login", "MEDIUM", "ACTIVE", "1", "0"),
    ]
    assert found[0]["title"] == "homework_proof: homework_proof"
    assert clock.parse(found[0]["last_seen"]) == now


def test_users_and_endpoints_as_the_reports_have_them(ask: Ask) -> None:
    now = clock.now()
    for endpoint, user, bypassed in (
        ("PUT /proofs/12", "u1", True),
        ("PUT /proofs/13", "u1", None),
        ("PUT /proofs/14", "u2", False),
        ("GET /x", "u1", False),
        ("GET /x", None, True),
        (None, "u3", True),
    ):
        report_failure("homework_proof", now, endpoint=endpoint, user_id=user, was_bypassed=bypassed)
    report_failure("homework_proof", now - timedelta(days=40), endpoint="GET /x", user_id="u1")

    bypasses = [tuple(row.values()) for row in ask("bypass_rate_by_endpoint", days=60)]
    assert bypasses == [("PUT /proofs/*", "3", "1", "33.3"), ("GET /x", "2", "1", "50.0")]
    reported = hub.bypasses(ReportQuery(hours=24), now).items
    assert bypasses == [
        (each.endpoint, str(each.reports), str(each.bypassed), f"{100 * each.bypass_rate:.1f}") for each in reported
    ]

    users = [tuple(row.values())[:4] for row in ask("users_most_affected", days=60)]
    assert users == [
        ("u1", "3", "1", "GET /x, PUT /proofs/*"),
        ("u2", "1", "0", "PUT /proofs/*"),
        ("u3", "1", "1", ""),
    ]
    reported_users = hub.users(ReportQuery(hours=24), now).items
    assert [row[:2] for row in users] == [(each.user_id, str(each.reports)) for each in reported_users]


def test_what_was_fixed_over_time(ask: Ask) -> None:
    now = clock.now()
    for key, ago in (("login", 2), ("homework_proof", 2), ("export", 1)):
        incident_id = report_failure(key, now - timedelta(days=3), release="1.0")
        fix = triage.Triage("FIXED", fix_commit_hash="abc", fixed_in_release="1.1")
        triage.change(incident_id, fix, "admin-1", now - timedelta(days=ago))
    login = report_failure("login", now - timedelta(hours=30), release="1.2")
    triage.change(login, triage.Triage("FIXED", fix_notes="at last"), "admin-1", now - timedelta(days=1))
    report_failure("export", now, release="1.2")
    triage.change(report_failure("gone", now), triage.Triage("FIXED"), "admin-1", now)
    triage.delete(report_failure("gone", now), "admin-1", now)
    report_failure("open", now)
    found = ask("fixed_over_time")
    days = [f"{now - timedelta(days=ago):%Y-%m-%d}" for ago in (0, 1, 2)]
    assert [tuple(row.values()) for row in found] == [
        (days[0], "1", "0", "gone"),
        (days[1], "2", "1", "export, login"),
        (days[2], "2", "1", "homework_proof, login"),
    ]
    reported = hub.fixes(ReportQuery(hours=96), now).items
    assert [(row["day"], row["fixed"]) for row in found] == [(each.date, str(each.fixed)) for each in reported]
    fixes = ask(
        "SELECT error_key, came_back, fixed_in_release, commit_hash, notes FROM incident_fixes"
        " ORDER BY fixed_at, error_key"
    )
    assert [tuple(row.values()) for row in fixes if row["error_key"] in {"login", "export"}] == [
        ("login", "true", "", "", ""),
        ("export", "true", "1.1", "abc", ""),
        ("login", "false", "1.1", "abc", "at last"),
    ]


def test_all_that_is_known_of_incidents_is_exported(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tuple(sql._INCIDENTS) == IncidentSummary.__struct_fields__
    assert set(sql._REPORTS) == {"incident_id", "error_key", *KeptReport.__struct_fields__}
    monkeypatch.setattr(mirror, "PAGE", 2)
    now = clock.now()
    for nth in range(3):
        report_failure(f"key-{nth}", now - timedelta(minutes=nth), environment="production", http_status=500)
    for _ in range(3):
        report_failure("key-0", now, description={"deep": {"a": [1]}}, fingerprint=["a", "b"])
    (counted,) = ask("SELECT COUNT(*) AS n, COUNT(DISTINCT incident_id) AS ids, SUM(count) AS reports FROM incidents")
    assert counted == {"n": "4", "ids": "4", "reports": "6"}
    (counted,) = ask(
        "SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS ids, SUM(http_status) AS statuses,"
        " MAX(fingerprint[2]) AS part, MAX(description->'deep'->'a'->>0) AS deep FROM incident_reports"
    )
    assert counted == {"n": "6", "ids": "6", "statuses": "1500", "part": "b", "deep": "1"}


# -- the views and the copy -------------------------------------------------------------------------------------------


def test_an_event_counts_once_in_its_project(ask: Ask) -> None:
    once = track("once", user_id="u1", environment="production", data={"a": {"b": 1}})
    later = msgspec.structs.replace(once, received_at=clock.rfc3339(clock.now() + timedelta(minutes=1)), event="again")
    raw.write([once, later], "b2")
    track("other", project_id="2")
    found = ask("SELECT * FROM analytics_logs")
    assert found[0]["timestamp"].endswith("+00")
    moment = clock.parse(once.timestamp)
    assert [{**row, "timestamp": clock.parse(row["timestamp"])} for row in found] == [
        {"event": "once", "severity": "INFO", "timestamp": moment, "user_id": "u1", "data": '{"a":{"b":1}}'}
    ]
    (known,) = ask("SELECT * FROM events")
    assert (known["event_id"], known["environment"], known["project_id"]) == (once.event_id, "production", "1")
    assert [row["event"] for row in ask("FROM events", project_id="2")] == ["other"]


def test_where_nothing_happened_views_are_empty(ask: Ask) -> None:
    views = ("analytics_logs", "events", "incidents", "incident_reports", "incident_impact", "incident_fixes")
    (counts,) = ask("SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {view}) AS {view}" for view in views))  # noqa: S608
    assert counts == dict.fromkeys(views, "0")
    types = {row["column_name"]: row["column_type"] for row in ask("DESCRIBE analytics_logs")}
    assert types == {
        "event": "VARCHAR",
        "severity": "VARCHAR",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "user_id": "VARCHAR",
        "data": "JSON",
    }


def test_a_line_that_is_no_event_is_left_out(ask: Ask) -> None:
    put(b"{broken", b"[1]", b'"text"', {"event_id": "e1"}, {"event_id": "e2", "project_id": "1", "event": "fine"})
    assert [row["event"] for row in ask("FROM analytics_logs")] == ["fine"]


def test_only_what_is_new_is_copied(cloud: None, tmp_path: Path) -> None:
    store, since = s3(), clock.now().date()
    first, second = put({"project_id": "1"}), put({"project_id": "1"}, name="1-b2")
    store.put_object(Bucket=BUCKET, Key="events/dt=2999-01-01/h=00/../../../../stray.jsonl.gz", Body=b"x")
    store.put_object(Bucket=BUCKET, Key="attachments/1/x", Body=b"x")
    track("yesterday", ago=timedelta(days=1))

    assert mirror.copy_events(store, BUCKET, since, tmp_path).objects == 2
    assert mirror.copy_events(store, BUCKET, since, tmp_path) == mirror.Copied(0, 0)
    assert not list(tmp_path.parent.glob("stray*"))

    put({"project_id": "1", "event": "more than there was"})
    store.delete_object(Bucket=BUCKET, Key=second)
    left_by_a_crash = (tmp_path / first).with_name("1-b3.jsonl.gz.draft")
    left_by_a_crash.write_bytes(b"half")
    os.utime(left_by_a_crash, (0, 0))
    assert mirror.copy_events(store, BUCKET, since, tmp_path).objects == 1
    assert list(tmp_path.rglob("*.gz*")) == [tmp_path / first]
    assert (tmp_path / first).read_bytes() == store.get_object(Bucket=BUCKET, Key=first)["Body"].read()
    assert (tmp_path / "events").stat().st_mode & 0o077 == 0

    assert mirror.copy_events(store, BUCKET, since - timedelta(days=1), tmp_path).objects == 1
    assert mirror.copy_events(store, BUCKET, since, tmp_path).objects == 0
    assert len(list(tmp_path.rglob("*.gz"))) == 1


def test_two_copies_at_once_are_both_whole(cloud: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track("once")
    again: list[Path] = []
    replace = Path.replace

    def another(draft: Path, path: Path) -> Path:
        if not again:
            again.append(draft)
            mirror.copy_events(s3(), BUCKET, clock.now().date(), tmp_path)
            mirror.export_incidents("1", clock.now(), clock.now(), tmp_path)
        return replace(draft, path)

    monkeypatch.setattr(Path, "replace", another)
    assert mirror.copy_events(s3(), BUCKET, clock.now().date(), tmp_path).objects == 1
    again.clear()
    report_failure("login", clock.now())
    assert mirror.export_incidents("1", clock.now(), clock.now(), tmp_path) == 1
    assert not list(tmp_path.rglob("*.draft"))


# -- the shell --------------------------------------------------------------------------------------------------------


def test_a_file_is_asked_and_its_answer_printed(deployed: str, run: Run) -> None:
    report_failure("login", clock.now(), user_id="u1")
    track("proof.failed", severity="WARNING", data={"note": "red \x1b[31m"})
    (found,) = s3().list_objects_v2(Bucket=BUCKET)["Contents"]
    s3().copy_object(Bucket=deployed, Key=found["Key"], CopySource={"Bucket": BUCKET, "Key": found["Key"]})

    status, printed, said = run(STAGE="test", QUERY=str(PROJECT / "sql/errors_last_24_hours.sql"))
    assert status == 0
    assert re.search(r"^│ proof.failed │ WARNING  │ +1 │", printed, re.MULTILINE)
    where = "stage test in AWS account 123456789012, region eu-central-1"
    assert said == f"Copied from {where}: new files of events: 1 (0.0 MB), incidents: 1.\n"

    status, printed, said = run(STAGE="test", QUERY="SELECT 'first'; SELECT data, NULL AS x FROM events", FORMAT="csv")
    assert (status, "new files of events: 0" in said) == (0, True)
    assert printed.splitlines()[:3] == ["'first'", "first", "data,x"]

    _, printed, _ = run(STAGE="test", QUERY="SELECT data->>'note' AS note FROM events")
    assert "\x1b" not in printed


def test_statements_that_are_piped_in_are_answered(deployed: str, run: Run) -> None:
    typed = "CREATE TEMP VIEW t AS\nSELECT 41 AS n;\n\nSELECT n + 1 AS n\nFROM t;\nselect 'last' AS n"
    assert run(typed, STAGE="test", FORMAT="csv")[:2] == (0, "n\n42\nn\nlast\n")
    status, printed, said = run("selec 1;\nSELECT 1 AS n;\nno.sql\nexit\nSELECT 2;", STAGE="test", FORMAT="csv")
    assert (status, printed) == (1, "n\n1\n")
    assert 'Parser Error: syntax error at or near "selec"' in said
    assert "no.sql cannot be read: No such file or directory." in said


def test_a_person_is_prompted(deployed: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: Iterator[Any] = iter(["SELECT", KeyboardInterrupt(), "SELECT 1 AS n", ";", "nonsense;", EOFError()])
    prompts = []

    def type_next(prompt: str) -> str:
        prompts.append(prompt)
        found = next(lines)
        if isinstance(found, BaseException):
            raise found
        return str(found)

    monkeypatch.setattr(builtins, "input", type_next)
    monkeypatch.setattr(Typed, "isatty", lambda _: True)
    status, printed, said = run(STAGE="test")
    assert (status, prompts) == (0, ["sql> ", "...> ", "sql> ", "...> ", "sql> ", "sql> "])
    assert printed.startswith(sql._WELCOME)
    assert "│     1 │" in printed
    assert "Parser Error" in said


def test_a_question_can_be_stopped(
    cloud: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = mirrored(tmp_path)
    endless = "SELECT COUNT(*) FROM range(100000000000) a(i), range(100) b(j) WHERE i * j % 7 = 3;"
    monkeypatch.setattr(sys, "stdin", Typed(f"{endless}\nSELECT 42 AS n;"))
    # Whoever starts the tests in the background may have them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stop = threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT])
    give_up = threading.Timer(30, connection.interrupt)
    try:
        stop.start()
        give_up.start()
        assert sql.converse(connection, as_csv=True) == 0
    finally:
        give_up.cancel()
        stop.join()
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr() == ("n\n42\n", "Stopped.\n")


def test_ctrl_c_ends_it(deployed: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "answer", mock.Mock(side_effect=KeyboardInterrupt))
    assert run(STAGE="test", QUERY="SELECT 1")[0] == 130


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "No local stack is running: start one with `make run`."),
        ({"QUERY": "sql/none.sql"}, "sql/none.sql cannot be read: No such file or directory."),
        ({"DAYS": "0"}, "DAYS must be a number from 1 to 3650; it is '0'."),
        ({"DAYS": "9999"}, "DAYS must be a number from 1 to 3650; it is '9999'."),
        ({"PROJECT": "x"}, "PROJECT must be the number of a project; it is 'x'."),
        ({"FORMAT": "xml"}, "FORMAT must be table or csv; it is 'xml'."),
        (
            {"STAGE": "prod", "AWS_PROFILE": "nobody", "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
            "The config profile (nobody) could not be found. `aws configure list-profiles` says which there are",
        ),
        ({"STAGE": "prod", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS does not answer: "),
        ({"STAGE": "Prod!"}, "STAGE cannot be 'Prod!'"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_told_in_a_sentence(run: Run, environment: dict[str, str], told: str) -> None:
    status, printed, said = run(**environment)
    assert (status, printed, said.count("\n")) == (1, "", 1)
    assert said.startswith(told)


def test_a_stage_that_is_not_there_is_told(cloud: None, run: Run) -> None:
    told = "There is no stage test in AWS account 123456789012, region eu-central-1.\n"
    assert run(STAGE="test") == (1, "", told)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            QueryError("no", ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no."}}, "Query")),
            "AWS does not permit Query: no. Ask whoever administers the account for that permission.",
        ),
        (Busy("throttled"), "The database is busy; try again shortly."),
        (OSError(28, "No space left on device", "x.jsonl"), "x.jsonl cannot be written: No space left on device."),
    ],
    ids=["refused", "busy", "full"],
)
def test_what_goes_wrong_on_the_way_is_told(error: Exception, told: str) -> None:
    with pytest.raises(Trouble, match=f"^{re.escape(told)}$"), sql._explained():
        raise error


def test_a_mistake_names_its_file(deployed: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.sql"
    file.write_text("SELECT nothing FROM analytics_logs;")
    status, _, said = run(STAGE="test", QUERY=str(file))
    assert status == 1
    assert f'{file}: Binder Error: Referenced column "nothing" not found' in said


def test_nothing_is_fetched_from_the_network(ask: Ask) -> None:
    with pytest.raises(duckdb.Error, match="requires the extension httpfs to be loaded"):
        ask("FROM 'https://example.com/x.csv'")


# -- the files --------------------------------------------------------------------------------------------------------


def test_every_file_says_its_question() -> None:
    assert len(SHIPPED) == 8
    for path in SHIPPED:
        first, second, *_ = path.read_text().splitlines()
        assert re.fullmatch(r"-- .*\?", first), path
        assert not second.startswith("--")


# -- the page ---------------------------------------------------------------------------------------------------------

PAGE: Final = (PROJECT / "docs/analytics.md").read_text()


def test_examples_on_the_page_are_understood() -> None:
    batch, line = (json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    (curl,) = re.findall(r"-d '(\{.*\})'", PAGE)
    now = clock.parse("2026-11-22T14:03:07.512Z")
    read = [event.read(body, terms(), now) for body in (*batch["events"], json.loads(curl))]
    assert [each.notes for each in read] == [[]] * len(read)
    found = [
        {key: value for key, value in msgspec.to_builtins(each.facts).items() if value is not None} for each in read
    ]
    assert [sorted(facts) for facts in found] == [
        ["account", "duration_ms", "endpoint", "status"],
        ["account", "duration_ms", "feature"],
        ["feature"],
        ["account", "outcome", "trial"],
        ["account", "address"],
        ["duration_ms", "feature", "provider", "success"],
        ["cache"],
        ["duration_ms", "endpoint", "status"],
    ]
    assert [each.failed for each in read] == [True, False, False, False, True, True, False, False]
    assert read[2].event == tallying.REGISTERED
    assert detecting._is_failed_attempt(read[4])

    body = {key: value for key, value in line.items() if key not in {"received_at", "project_id"}}
    kept = event.read(body, terms(), now).kept
    assert msgspec.to_builtins(kept) == line
    assert list(line) == list(event.Kept.__struct_fields__)
    (key,) = re.findall(r"^(events/\S+)…\.jsonl\.gz ", PAGE, re.MULTILINE)
    assert raw.key(kept, "9f0c") == f"{key}.jsonl.gz"


@pytest.mark.parametrize("name", ["endpoint", "duration_ms", "status", "feature", "trial_type", "outcome", "provider"])
def test_aliases_on_the_page_are_read(name: str) -> None:
    (row,) = re.findall(rf"^\| .*`{name}`.* \|.*\|.*\|$", PAGE[: PAGE.index("One of each")], re.MULTILINE)
    names, aliases = (re.findall(r"`(\w+)`", cell) for cell in row.split("|")[1:3])
    value = {"duration_ms": 12, "status": 404}.get(name, "x")
    expected = facts.read({name: value})
    assert expected != facts.Facts()
    known = [alias for alias in aliases if facts.read({alias: value}) == expected]
    others = [alias for alias in aliases if alias not in known]
    # Two names share a row, and so do their aliases; whether somebody converted is true or false.
    assert known
    assert set(others) <= ({"trial", "result", "converted"} if len(names) > 1 else set())


def test_views_on_the_page_are_those_that_there_are(cloud: None, tmp_path: Path) -> None:
    connection = mirrored(tmp_path)
    views = connection.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    table = PAGE[PAGE.index("| view |") : PAGE.index("| question |")]
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert {name for (name,) in views} == set(told)
    for view, columns in told.items():
        named = set(re.findall(r"`([a-z_]+)`", columns))
        assert named <= set(connection.table(view).columns), view
    assert set(re.findall(r"`(sql/\w+\.sql)`", PAGE)) == {f"sql/{path.name}" for path in SHIPPED}


def test_athena_would_read_what_is_kept() -> None:
    (table,) = re.findall(r"^CREATE EXTERNAL TABLE.*?;$", PAGE, re.MULTILINE | re.DOTALL)
    assert tuple(re.findall(r"^    `?(\w+)`? string", table, re.MULTILINE)) == event.Kept.__struct_fields__
    (template,) = re.findall(r"'storage.location.template' = 's3://[^/]+/(.*)'", table)
    early = event.read({"event": "early", "data": {}}, terms(), clock.parse("2026-11-22T04:00:00Z"))
    assert raw.key(early, "b1").startswith(template.replace("${dt}", "2026-11-22").replace("${h}", "04"))
