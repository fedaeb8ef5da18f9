"""Costs: what a month of a deployment costs, as a bill.

`make costs` prints that of a deployment that nobody uses and of three that are used; REPORTS=250000 adds one of another
size. What a report, a minute or a video takes is measured (README.md quotes `make bench`), counted from the code (the
tests hold it to that), or estimated, which its name or comment says. docs/costs.md quotes what is printed here.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MILLION: Final = 1_000_000
GB: Final = 10**9
HOURS: Final = 730
MINUTES: Final = 60 * HOURS
SIZES: Final = (10_000, MILLION, 100 * MILLION)

# -- prices -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Price:
    """USD for `per` units; `free` units a month cost an account nothing, for ever. `source` is the price list."""

    unit: str
    usd: float
    per: float
    free: float
    source: str


# us-east-1, without tax, as known in November 2026. Of several tiers the first, so that over 200 million reports are a
# little too dear.
_DYNAMODB: Final = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"
_S3: Final = "https://aws.amazon.com/s3/pricing/"
PRICES: Final[Mapping[str, Price]] = {
    "requests": Price("REST API request", 3.50, MILLION, 0, "https://aws.amazon.com/api-gateway/pricing/"),
    "invocations": Price("Lambda request", 0.20, MILLION, MILLION, _LAMBDA),
    "compute": Price("Lambda GB-second (x86)", 0.0000166667, 1, 400_000, _LAMBDA),
    "disk": Price("Lambda /tmp GB-second above 512 MB", 0.0000000309, 1, 0, _LAMBDA),
    "writes": Price("DynamoDB write request unit", 0.625, MILLION, 0, _DYNAMODB),
    "reads": Price("DynamoDB read request unit", 0.125, MILLION, 0, _DYNAMODB),
    "rows": Price("DynamoDB GB-month", 0.25, 1, 25, _DYNAMODB),
    "recovery": Price("DynamoDB point-in-time recovery GB-month", 0.20, 1, 0, _DYNAMODB),
    "messages": Price("SQS request", 0.40, MILLION, MILLION, "https://aws.amazon.com/sqs/pricing/"),
    "logs": Price("log GB taken in", 0.50, 1, 5, _CLOUDWATCH),
    "kept logs": Price("log GB-month, compressed", 0.03, 1, 0, _CLOUDWATCH),
    "metrics": Price("custom metric", 0.30, 1, 10, _CLOUDWATCH),
    "alarms": Price("alarm", 0.10, 1, 10, _CLOUDWATCH),
    "dashboards": Price("dashboard", 3.00, 1, 3, _CLOUDWATCH),
    "puts": Price("S3 PUT", 0.005, 1000, 0, _S3),
    "gets": Price("S3 GET", 0.0004, 1000, 0, _S3),
    "files": Price("S3 GB-month", 0.023, 1, 0, _S3),
    "traffic": Price("GB to the internet", 0.09, 1, 100, "https://aws.amazon.com/ec2/pricing/on-demand/"),
}

# -- what things take -------------------------------------------------------------------------------------------------

# Of a report with an event_id, in write units: README.md. A user whom a container has not seen that day adds two.
NEW, KNOWN, FIRST_OF_MINUTE, NEW_USER = 10, 6, 11, 2
KNOWN_WITHOUT_EVENT_ID = 3
# With an event_id, in a batch of 30 of one failure that is reported often: 30 claims and a count, twice as they are
# in a transaction, the newest report, and whom it hit.
KNOWN_IN_BATCH = (30 * 2 + 2 + 1 + 1) / 30
# A tracked event in a batch of a hundred (README.md), whose raw lines are one object.
TRACKED_IN_BATCH, TRACKED_BATCH = 0.44, 100
# The row is read again after a transaction, which returns nothing.
READS = 1
# 6 ms of CPU (README.md) of a function with 0.58 of a core, and two answers of DynamoDB: estimated.
API_GB, REPORT_S, PREFLIGHT_S = 1.0, 0.025, 0.002
# 514 ms of CPU (README.md) likewise, and unpacking: estimated. Under steady load few reports start a container.
COLD_S, MOST_COLD = 1.2, 10_000
# Bytes: the request's line and its metric's, and Lambda's own three. Of a preflight there is no metric.
REPORT_LOG, PREFLIGHT_LOG = 250 + 300 + 310, 250 + 310
COMPRESSED = 0.15
# An answer with its headers, encrypted: estimated.
ANSWER_BYTES = 1000

# Assumed of who reports: nothing here is measured.
REPORTS_OF_A_FAILURE = 1000
ACTIVE_FAILURES = 50
NEW_USERS = 0.2
PREFLIGHTS = 0.5
# Kept of a failure's first thousand reports: all of a hundred, then 90 per decade. For three months, by default.
KEPT, KEPT_GB, RETENTION_MONTHS = 190, 1000 / GB, 3
# An event is known again for two days.
EVENT_GB, EVENT_MONTHS = 350 / GB, 2 / 30
# Operators look at this many lists of 25 a month: 39 read units each, and four calls' time.
LISTS, LIST_READS, LIST_S = 10_000, 39, 0.06

# Functions that run by the clock: how often a month; read and write units each time, when there is nothing to do;
# seconds, estimated at 0.29 of a core and 5 ms an answer of DynamoDB.
TICKS: Final[Mapping[str, tuple[float, float, float, float]]] = {
    "create_due_instances": (MINUTES, 8, 1, 0.150),
    "sweep_jobs": (MINUTES, 1, 0, 0.020),
    "sweep_schedules": (MINUTES, 0.5, 0, 0.010),
    "sweep_uploads": (MINUTES // 15, 1, 0, 0.020),
    # Every fifth time it looks at rates and absences, too.
    "watch_failures": (MINUTES, 2, 0, 0.030),
    # In twice the memory, as it works when there is something to do.
    "recompute_rollups": (MINUTES / 1440, 8, 0, 2.0),
}
TICK_GB = 0.5
# Lambda's own three lines, and two functions' metric.
TICK_LOG, METRIC_LOG, TELLING = 310, 305, ("create_due_instances", "sweep_jobs")
# Lambda asks each queue by five connections, each for 20 s; where no maximum concurrency is set, two may do.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
QUEUES, POLLS_A_MINUTE = 5, 5 * 3
ALARMS = 24
# A metric costs only in the hours in which it is told: these even while nobody uses anything, and those of reports.
METRICS_IDLE, METRICS_OF_REPORTS = 2, 2

# A video of 20 s of 1080p HEVC: README.md has its time and write units; its size and its result's are estimated.
VIDEO_S, VIDEO_WRITES, VIDEO_READS = 10, 11 + 4, 20
TRANSCODER_GB, TRANSCODER_DISK_GB = 3008 / 1024, (4096 - 512) / 1024
VIDEO_BYTES, VARIANT_BYTES = 20_000_000, 6_000_000
VIDEO_PUTS, VIDEO_GETS, VIDEO_CALLS, VIDEO_MESSAGES = 6, 6, 4, 3

# Write units: README.md, and tests/schedules/test_cost.py.
INSTANCE_WRITES, ROLL_WRITES, MARK_WRITES = 7, 2, 2

# -- the bill ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of a price, and what for."""

    what: str
    price: str
    units: float

    @property
    def usd(self) -> float:
        """What the line costs where nothing is free."""
        price = PRICES[self.price]
        return self.units / price.per * price.usd


def idling() -> list[Line]:
    """A month of a deployment that nobody uses."""
    ticks = sum(times for times, *_ in TICKS.values())
    log = ticks * TICK_LOG + sum(TICKS[name][0] * METRIC_LOG for name in TELLING)
    return [
        Line("queues: asked by Lambda", "messages", QUEUES * POLLS_A_MINUTE * MINUTES),
        Line("alarms", "alarms", ALARMS),
        Line("dashboard", "dashboards", 1),
        Line("metrics of ticks", "metrics", METRICS_IDLE),
        Line("ticks: Lambda requests", "invocations", ticks),
        Line("ticks: Lambda GB-seconds", "compute", TICK_GB * sum(t * s for t, _, _, s in TICKS.values())),
        Line("ticks: read units", "reads", sum(times * reads for times, reads, _, _ in TICKS.values())),
        Line("ticks: write units", "writes", sum(times * writes for times, _, writes, _ in TICKS.values())),
        Line("ticks: logs", "logs", log / GB),
    ]


def reporting(reports: int) -> list[Line]:
    """What a month of so many reports, one by one and each with an event_id, and of their operators costs besides."""
    if not reports:
        return []
    preflights = PREFLIGHTS * reports
    cold_s = COLD_S * min(reports, MOST_COLD)
    log = (reports + LISTS) * REPORT_LOG + preflights * PREFLIGHT_LOG
    kept = reports / REPORTS_OF_A_FAILURE * KEPT * KEPT_GB * RETENTION_MONTHS + reports * EVENT_GB * EVENT_MONTHS
    return [
        Line("reports: API requests", "requests", reports),
        Line("preflights: API requests", "requests", preflights),
        Line("operators: API requests", "requests", LISTS),
        Line("reports: write units", "writes", reports * writes_a_report(reports)),
        Line("reports: read units", "reads", reports * READS),
        Line("operators: read units", "reads", LISTS * LIST_READS),
        Line("Lambda requests", "invocations", reports + preflights + LISTS),
        Line(
            "Lambda GB-seconds",
            "compute",
            API_GB * (reports * REPORT_S + preflights * PREFLIGHT_S + cold_s + LISTS * LIST_S),
        ),
        Line("logs", "logs", log / GB),
        Line("kept logs", "kept logs", log / GB * COMPRESSED),
        Line("rows kept", "rows", kept),
        Line("rows kept: recovery", "recovery", kept),
        Line("answers' traffic", "traffic", (reports + preflights) * ANSWER_BYTES / GB),
        Line("metrics of reports", "metrics", METRICS_OF_REPORTS),
    ]


def writes_a_report(reports: int) -> float:
    """Write units that one of so many reports a month takes, on average."""
    first = min(1.0, ACTIVE_FAILURES * MINUTES / reports)
    new = 1 / REPORTS_OF_A_FAILURE
    return new * NEW + (1 - new) * (first * FIRST_OF_MINUTE + (1 - first) * KNOWN) + NEW_USERS * NEW_USER


def single(writes: float, *, reads: float = READS, of_a_request: float = 1.0) -> list[Line]:
    """A million reports of known failures by themselves, each `of_a_request` and with that many write units."""
    requests = MILLION * of_a_request
    return [
        Line("API", "requests", requests),
        Line("writes", "writes", MILLION * writes),
        Line("reads", "reads", requests * reads),
        Line("Lambda requests", "invocations", requests),
        Line("Lambda GB-seconds", "compute", API_GB * requests * REPORT_S),
        Line("logs", "logs", requests * REPORT_LOG / GB),
    ]


def tracked(events: int) -> list[Line]:
    """So many tracked events, in batches."""
    batches = events / TRACKED_BATCH
    return [
        Line("API", "requests", batches),
        Line("writes", "writes", events * TRACKED_IN_BATCH),
        Line("raw lines", "puts", batches),
        Line("Lambda requests", "invocations", batches),
        # 50 ms of CPU a batch (README.md), and some thirty answers of DynamoDB: estimated.
        Line("Lambda GB-seconds", "compute", API_GB * batches * 0.25),
        Line("logs", "logs", batches * REPORT_LOG / GB),
    ]


def preflights() -> list[Line]:
    """A million preflights."""
    return [
        Line("API", "requests", MILLION),
        Line("Lambda requests", "invocations", MILLION),
        Line("Lambda GB-seconds", "compute", API_GB * MILLION * PREFLIGHT_S),
        Line("logs", "logs", MILLION * PREFLIGHT_LOG / GB),
    ]


def videos(count: int) -> list[Line]:
    """So many videos from their upload to ready, and a month of keeping them."""
    return [
        Line("Lambda GB-seconds", "compute", count * VIDEO_S * TRANSCODER_GB),
        Line("Lambda disk", "disk", count * VIDEO_S * TRANSCODER_DISK_GB),
        Line("writes", "writes", count * VIDEO_WRITES),
        Line("reads", "reads", count * VIDEO_READS),
        Line("API", "requests", count * VIDEO_CALLS),
        Line("S3 PUT", "puts", count * VIDEO_PUTS),
        Line("S3 GET", "gets", count * VIDEO_GETS),
        Line("SQS", "messages", count * VIDEO_MESSAGES),
        Line("a month's storage", "files", count * (VIDEO_BYTES + VARIANT_BYTES) / GB),
    ]


def instances(count: int) -> list[Line]:
    """So many instances of recurring tasks, made by the tick itself."""
    return [Line("writes", "writes", count * INSTANCE_WRITES)]


def rolls(count: int, students: int) -> list[Line]:
    """So many roll calls of a class."""
    return [
        Line("API", "requests", count),
        Line("writes", "writes", count * (ROLL_WRITES + MARK_WRITES * students)),
    ]


def full(lines: Iterable[Line]) -> float:
    """USD where nothing is free: what a second stage of the same account costs."""
    return sum(line.usd for line in lines)


def due(lines: Sequence[Line]) -> float:
    """USD where the account has nothing else, so that all that is always free is free."""
    total = 0.0
    for name, price in PRICES.items():
        units = sum(line.units for line in lines if line.price == name)
        total += max(0.0, units - price.free) / price.per * price.usd
    return total


# -- printing ---------------------------------------------------------------------------------------------------------


def bill(sizes: Sequence[int]) -> str:
    """The bill of a month in which nothing is reported, and of months of these sizes, as a Markdown table."""
    months = [idling() + reporting(reports) for reports in (0, *sizes)]
    named = list(dict.fromkeys(line.what for month in months for line in month))
    rows = [(what, [sum(line.usd for line in month if line.what == what) for month in months]) for what in named]
    rows.append(("**in full**", [full(month) for month in months]))
    rows.append(("less what is always free", [due(month) - full(month) for month in months]))
    rows.append(("**to pay**", [due(month) for month in months]))
    heads = ["USD a month", "no reports", *(f"{reports:,}" for reports in sizes)]
    return _table(heads, [[what, *map(_usd, found)] for what, found in rows])


def things() -> str:
    """What single things cost where nothing is free, as a Markdown table."""
    found: list[tuple[str, list[Line]]] = [
        ("1,000,000 reports of known failures, with an event_id", single(KNOWN)),
        ("the same without an event_id", single(KNOWN_WITHOUT_EVENT_ID, reads=0)),
        ("the same with an event_id, in batches of 30", single(KNOWN_IN_BATCH, of_a_request=1 / 30)),
        ("1,000,000 tracked events, in batches of 100", tracked(MILLION)),
        ("1,000,000 preflights", preflights()),
        ("1,000 videos of 20 s, 1080p HEVC, and a month of keeping them", videos(1000)),
        ("100,000 instances of recurring tasks", instances(100_000)),
        ("1,000 roll calls of 30 students", rolls(1000, 30)),
    ]
    rows = [[what, _usd(full(lines))] for what, lines in found]
    further = due([*idling(), *idling()]) - due(idling())
    rows.append(["a month of a second stage in the same account, without reports", _usd(further)])
    return _table(["what", "USD"], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rule, *rows))


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"


def main() -> int:
    """Print the bill, with a column for REPORTS where that is given; returns the exit status."""
    wanted = os.environ.get("REPORTS", "")
    if wanted and not wanted.isdecimal():
        print("REPORTS must be a number of reports a month, such as 250000.", file=sys.stderr)
        return 2
    sizes = sorted({*SIZES, *([int(wanted)] if wanted and int(wanted) else [])})
    print(f"{bill(sizes)}\n\n{things()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
