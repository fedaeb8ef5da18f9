"""SQL over a stage's raw events and incidents, by DuckDB on this machine. `make sql` opens a prompt.

QUERY is a question, or a file that holds one. STAGE is a deployment in the AWS account of this environment's
credentials; without it the local stack is asked. DAYS is how many days of events are copied, 30 unless said otherwise,
PROJECT whose, and FORMAT how answers look: table or csv.
"""

import csv
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import boto3
import duckdb
from botocore.exceptions import ClientError, NoCredentialsError
from duckdb import DuckDBPyConnection, DuckDBPyRelation
from pynamodb.exceptions import PynamoDBException

from chalicelib.config import FIRST_PROJECT, LAPTOP_STAGE
from chalicelib.errors import Unavailable
from infra import account, local, mirror, parameters, template
from infra.troubles import Trouble, explained

MOST_DAYS: Final = 3650
MOST_ROWS: Final = 1000  # that a table shows; csv has all
_UNBOUNDED: Final = 100_000  # the width of what is no terminal

_WELCOME: Final = """\
analytics_logs (event, severity, timestamp, user_id, data) has the events, `events` all that is known of them;
`incidents`, `incident_reports`, `incident_impact` and `incident_fixes` are of the hub. DESCRIBE names their columns.
A statement ends with `;`. The name of a file such as sql/slowest_endpoints.sql asks what it holds. Ctrl-D ends."""

_EVENTS: Final = {
    "event_id": "VARCHAR",
    "event": "VARCHAR",
    "severity": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "received_at": "TIMESTAMPTZ",
    "project_id": "VARCHAR",
    "user_id": "VARCHAR",
    "environment": "VARCHAR",
    "data": "JSON",
}

_INCIDENTS: Final = {
    "incident_id": "VARCHAR",
    "project_id": "VARCHAR",
    "error_key": "VARCHAR",
    "title": "VARCHAR",
    "severity": "VARCHAR",
    "status": "VARCHAR",
    "count": "BIGINT",
    "user_count": "BIGINT",
    "first_seen": "TIMESTAMPTZ",
    "last_seen": "TIMESTAMPTZ",
    "created_at": "TIMESTAMPTZ",
    "updated_at": "TIMESTAMPTZ",
    "environments": "VARCHAR[]",
    "first_release": "VARCHAR",
    "last_release": "VARCHAR",
    "regressed": "BOOLEAN",
    "stale_hits": "BIGINT",
    "fix_commit_hash": "VARCHAR",
    "fix_notes": "VARCHAR",
    "fixed_in_release": "VARCHAR",
    "fixed_at": "TIMESTAMPTZ",
    "trend": "BIGINT[]",
}

_REPORTS: Final = {
    "incident_id": "VARCHAR",
    "error_key": "VARCHAR",
    "event_id": "VARCHAR",
    "received_at": "TIMESTAMPTZ",
    "occurred_at": "TIMESTAMPTZ",
    "severity": "VARCHAR",
    "environment": "VARCHAR",
    "release": "VARCHAR",
    "description": "JSON",
    "error_message": "VARCHAR",
    "request_data": "JSON",
    "response_data": "JSON",
    "stack_trace": "VARCHAR",
    "url": "VARCHAR",
    "route_name": "VARCHAR",
    "endpoint": "VARCHAR",
    "http_status": "INTEGER",
    "actor_type": "VARCHAR",
    "user_id": "VARCHAR",
    "user_agent": "VARCHAR",
    "was_bypassed": "BOOLEAN",
    "bypass_reason": "VARCHAR",
    "user_notified": "BOOLEAN",
    "correlation_id": "VARCHAR",
    "fingerprint": "VARCHAR[]",
    "ingest_notes": "VARCHAR[]",
    "feedback": "JSON",
    "attachments": "JSON",
}

_IMPACT: Final = {
    "endpoint": "VARCHAR",
    "user_id": "VARCHAR",
    "reports": "BIGINT",
    "bypassed": "BIGINT",
    "last_seen": "TIMESTAMPTZ",
}

_FIXES: Final = {
    "incident_id": "VARCHAR",
    "error_key": "VARCHAR",
    "fixed_at": "TIMESTAMPTZ",
    "title": "VARCHAR",
    "severity": "VARCHAR",
    "came_back": "BOOLEAN",
    "fixed_in_release": "VARCHAR",
    "commit_hash": "VARCHAR",
    "notes": "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a question or the file of one, none being a prompt; of whom; and how answers look."""

    query: str
    stage: str
    project_id: str
    days: int
    csv: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stage's events are, and how messages call it."""

    s3: Any
    bucket: str
    name: str


def main() -> int:
    """Answer QUERY, or what is typed; returns the exit status."""
    try:
        asked = _asked(os.environ)
        query = _text(asked.query)
        with _explained():
            connection = opened(_mirrored(asked), asked.project_id)
        if not query:
            return converse(connection, as_csv=asked.csv)
        answer(connection, query, as_csv=asked.csv)
    except (Trouble, local.NotRunning, parameters.ParameterError) as error:
        print(error, file=sys.stderr)
        return 1
    except duckdb.Error as error:
        print(f"{asked.query}: {error}" if asked.query.endswith(".sql") else error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def opened(folder: Path, project_id: str) -> DuckDBPyConnection:
    """A connection with the views of a project, over what `folder` mirrors."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.execute("SET TimeZone = 'UTC'")
    # An event may have come twice, or its batch. What is no event at all reads as nulls, and is of no project.
    events = _read(folder / mirror.EVENTS / "**/*.jsonl*", _EVENTS, "ignore_errors = true, hive_partitioning = false")
    connection.execute(
        f"CREATE VIEW events AS SELECT DISTINCT ON (event_id) * FROM {events} "  # noqa: S608  # quoted below
        f"WHERE project_id = {_quoted(project_id)} ORDER BY event_id, received_at"
    )
    connection.execute("CREATE VIEW analytics_logs AS SELECT event, severity, timestamp, user_id, data FROM events")
    exported = {mirror.INCIDENTS: _INCIDENTS, mirror.REPORTS: _REPORTS, mirror.IMPACT: _IMPACT, mirror.FIXES: _FIXES}
    for file, columns in exported.items():
        source = _read(folder / f"project-{project_id}" / file, columns)
        connection.execute(f"CREATE VIEW {Path(file).stem} AS SELECT * FROM {source}")  # noqa: S608  # quoted below
    return connection


def answer(connection: DuckDBPyConnection, text: str, *, as_csv: bool) -> None:
    """Print what each statement of `text` finds. Raises duckdb.Error."""
    for statement in connection.extract_statements(text):
        try:
            found = connection.sql(statement)
            if found is not None:
                _show(found, as_csv=as_csv)
        except RuntimeError as error:
            if not isinstance(error.__cause__, KeyboardInterrupt):
                raise
            # DuckDB has given up waiting, no more: the next statement would wait for the end of this one.
            connection.interrupt()
            raise KeyboardInterrupt from error


def _show(found: DuckDBPyRelation, *, as_csv: bool) -> None:
    if as_csv:
        # As text: that is what a file takes, and DuckDB knows how to write all its types.
        rows = found.project("COLUMNS(*)::VARCHAR").fetchall()
        csv.writer(sys.stdout, lineterminator="\n").writerows([found.columns, *rows])
    else:
        found.show(max_width=shutil.get_terminal_size((_UNBOUNDED, 0)).columns, max_rows=MOST_ROWS)


def converse(connection: DuckDBPyConnection, *, as_csv: bool) -> int:
    """Answer what is typed until Ctrl-D; returns the exit status, which tells only of what was piped in."""
    typed = sys.stdin.isatty()
    if typed:
        import readline  # noqa: F401  # input() then edits lines, and knows the ones before

        print(_WELCOME)
    failed = False
    for text in _statements(typed=typed):
        try:
            answer(connection, _text(text), as_csv=as_csv)
        except (Trouble, duckdb.Error) as error:
            print(error, file=sys.stderr)
            failed = True
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
    return int(failed and not typed)


def _statements(*, typed: bool) -> Iterator[str]:
    lines: list[str] = []
    while True:
        try:
            lines.append(input(("...> " if lines else "sql> ") if typed else ""))
        except KeyboardInterrupt:  # what was begun is given up
            lines = []
            print()
            continue
        except EOFError:
            if typed:
                print()
            if any(lines):
                yield "\n".join(lines)
            return
        text = "\n".join(lines).strip()
        if text in {"exit", "exit;", "quit", "quit;"}:
            return
        if text.endswith(";") or (len(lines) == 1 and _is_file(text)):
            lines = []
            yield text
        elif not text:
            lines = []


def _asked(environment: Mapping[str, str]) -> Asked:
    """What the environment asks. Raises Trouble."""
    days = environment.get("DAYS") or "30"
    if not re.fullmatch("[1-9][0-9]{0,3}", days) or int(days) > MOST_DAYS:
        raise Trouble(f"DAYS must be a number from 1 to {MOST_DAYS}; it is {days!r}.")
    project_id = environment.get("PROJECT") or FIRST_PROJECT
    if not re.fullmatch("[1-9][0-9]{0,9}", project_id):
        raise Trouble(f"PROJECT must be the number of a project; it is {project_id!r}.")
    form = environment.get("FORMAT") or "table"
    if form not in {"table", "csv"}:
        raise Trouble(f"FORMAT must be table or csv; it is {form!r}.")
    return Asked(
        environment.get("QUERY", "").strip(), environment.get("STAGE", ""), project_id, int(days), form == "csv"
    )


def _is_file(text: str) -> bool:
    return re.fullmatch(r"\S+\.sql", text) is not None


def _text(query: str) -> str:
    """The question that is meant: a file's, or itself. Raises Trouble."""
    if not _is_file(query):
        return query
    try:
        return Path(query).read_text()
    except (OSError, ValueError) as error:
        raise Trouble(f"{query} cannot be read: {getattr(error, 'strerror', error)}.") from error


def _mirrored(asked: Asked) -> Path:
    """The folder with what is asked about. Raises Trouble, NotRunning, botocore's errors and PynamoDB's."""
    source = _deployed(asked.stage) if asked.stage else _laptop()
    folder = local.directory() / "sql" / source.bucket
    now = datetime.now(UTC)
    since = now - timedelta(days=asked.days - 1)
    try:
        copied = mirror.copy_events(source.s3, source.bucket, since.date(), folder)
        incidents = mirror.export_incidents(asked.project_id, since, now, folder)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise Trouble(f"There is no {source.name}.") from error
        raise
    new = f"new files of events: {copied.objects:,} ({copied.size / 1e6:,.1f} MB)"
    print(f"Copied from {source.name}: {new}, incidents: {incidents:,}.", file=sys.stderr)
    return folder


def _laptop() -> Source:
    """The local stack; this process is its own from here on. Raises NotRunning."""
    os.environ |= local.environment(local.running())
    return Source(boto3.client("s3"), f"groundcrew-{LAPTOP_STAGE}-events", "the local stack")


def _deployed(stage: str) -> Source:
    """A stage in an account; this process is its own from here on.

    Raises ParameterError, Trouble and botocore's errors.
    """
    parameters.require_known(template.load(), stage, {})
    there = account.signed_in()
    credentials = there.session.get_credentials()
    if not credentials:
        raise NoCredentialsError
    # The hub's session reads keys alone: a function has no other sign-in.
    keys = credentials.get_frozen_credentials()
    given = {
        "STAGE": stage,
        "AWS_DEFAULT_REGION": there.region,
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        "AWS_SESSION_TOKEN": keys.token,
    }
    os.environ.pop("AWS_PROFILE", None)
    os.environ |= {name: value for name, value in given.items() if value}
    name = f"stage {stage} in AWS account {there.id}, region {there.region}"
    return Source(there.client("s3"), f"groundcrew-{stage}-events-{there.id}", name)


@contextmanager
def _explained() -> Iterator[None]:
    """Raise as Trouble what AWS, DynamoDB or a disk refuses in this block."""
    try:
        with explained():
            try:
                yield
            except PynamoDBException as error:
                raise (error.cause or error) from error
    except Unavailable as error:
        raise Trouble(str(error)) from error
    except OSError as error:
        raise Trouble(f"{error.filename or 'A file'} cannot be written: {error.strerror}.") from error


def _read(path: Path, columns: Mapping[str, str], more: str = "") -> str:
    """The table function that reads JSON lines, compressed or not, and makes nothing of what it finds but `columns`."""
    typed = ", ".join(f"{name}: {_quoted(kind)}" for name, kind in columns.items())
    options = ", ".join(filter(None, ["format = 'newline_delimited'", f"columns = {{{typed}}}", more]))
    return f"read_json({_quoted(str(path))}, {options})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    sys.exit(main())
