"""Incidents: a believable week of a school's failures, as its frontends reported them and its people saw to them."""

import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from chalicelib.incidents import recording, report, triage
from chalicelib.observability import metrics
from infra.scenes import Scene
from infra.telling import Progress

DAYS: Final = 7
SCHOOL_HOURS: Final = (7, 21)


@dataclass(frozen=True)
class Failure:
    """One way in which the school's software fails: how often a day it is reported, by whom, and what was done."""

    error_key: str
    message: str
    severity: str
    per_day: tuple[int, ...]
    route_name: str
    customers: tuple[int, ...]
    endpoint: str | None = None
    http_status: int | None = None
    description: dict[str, Any] = field(default_factory=dict)
    triage: tuple[tuple[float, dict[str, str]], ...] = ()


WEEK: Final = (
    Failure(
        "homework_proof",
        "Upload of IMG_{n}.mov failed: the connection was lost after {mb} MB",
        "HIGH",
        (2, 3, 2, 9, 14, 11, 6),
        "/homework/:id/proofs",
        (68, 12, 91, 44, 7, 103, 55),
        "PUT /proofs",
        description={"file_type": "video/quicktime", "attempt": 2},
    ),
    Failure(
        "homework_proof",
        "HEIC photo could not be read",
        "MEDIUM",
        (4, 5, 4, 3, 0, 0, 0),
        "/homework/:id/proofs",
        (31, 12, 77),
        triage=(
            (3.2, {"status": "INVESTIGATING"}),
            (
                3.9,
                {
                    "status": "FIXED",
                    "fix_commit_hash": "9f3c2ab",
                    "fix_notes": "Tiled HEIC is decoded as a whole now.",
                    "fixed_in_release": "web@2.4.0",
                },
            ),
        ),
    ),
    Failure(
        "payments.checkout",
        "Card declined by the bank: do_not_honor",
        "MEDIUM",
        (1, 0, 2, 1, 1, 0, 2),
        "/checkout",
        (19, 20, 88, 140),
        "POST /payments",
        402,
        {"provider": "stripe"},
    ),
    Failure(
        "payments.checkout",
        "Timeout after 30000 ms waiting for the payment provider",
        "CRITICAL",
        (0, 0, 0, 0, 0, 3, 17),
        "/checkout",
        (5, 9, 14, 19, 20, 33, 47, 58, 61, 72, 88, 93, 101),
        "POST /payments",
        504,
        {"provider": "stripe", "amount_cents": 4900},
    ),
    Failure(
        "attendance.save",
        "409: schedule {n} was changed by somebody else",
        "LOW",
        (3, 2, 4, 3, 2, 0, 1),
        "/schedules/:id/attendance",
        (901, 902),
        "PUT /attendance",
        409,
    ),
    Failure(
        "login",
        "Token expired {n} s ago",
        "LOW",
        (6, 7, 6, 8, 5, 2, 4),
        "/login",
        tuple(range(200, 240)),
        "POST /sessions",
        401,
    ),
    Failure(
        "video.player",
        "MediaError 4: no supported source was found",
        "MEDIUM",
        (5, 6, 1, 0, 0, 2, 3),
        "/lessons/:id",
        (68, 70, 71, 72),
        triage=((2.1, {"status": "FIXED", "fix_notes": "Lessons are served as MP4.", "fix_commit_hash": "41d07be"}),),
    ),
)


def play(now: datetime, days: int, progress: Progress) -> Scene:
    """Report the last so many days of a week that ends now; what an earlier one left of its incidents goes first."""
    random_ = random.Random(68)
    begin = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    since = begin + timedelta(days=DAYS - days)
    events = sorted((event for event in _events(begin, now, random_) if event[0] >= since), key=lambda event: event[0])
    forgotten: set[str] = set()
    reports = 0
    for moment, failure, change in events:
        if change is None:
            origin = report.Origin("1", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)", uuid.uuid4().hex)
            told = report.read(_body(failure, moment, begin, random_), origin, moment)
            if told.incident_id not in forgotten:
                triage.delete(told.incident_id, "demo", now)
                forgotten.add(told.incident_id)
            recording.record([told], moment)
            metrics.clear_metrics()  # else a hundred reports' are printed, though they are switched off
            reports += 1
        else:
            sample = report.read(_body(failure, moment, begin, random.Random(0)), report.Origin("1", None, ""), moment)
            triage.change(sample.incident_id, msgspec.convert(change, triage.Triage), "ada@school.example", moment)
        progress(f"{moment:%A}, {reports * 100 // sum(change is None for _, _, change in events)} %")
    return Scene(
        f"{reports} reports of failures became {len(forgotten)} incidents.",
        (("/incidents", "what fails, how often, for how many, and since when"),),
        (
            ("/incidents", "newest first"),
            ("/incidents?severity=CRITICAL", "what burns"),
            ("/incidents/stats", "how many, by status and severity"),
        ),
    )


def _events(
    begin: datetime, now: datetime, random_: random.Random
) -> Iterator[tuple[datetime, Failure, dict[str, str] | None]]:
    first, last = SCHOOL_HOURS
    for failure in WEEK:
        for day, often in enumerate(failure.per_day):
            for _ in range(often):
                hour = random_.triangular(first, last, 16)
                moment = begin + timedelta(days=day, hours=hour)
                if moment <= now:
                    yield moment.replace(microsecond=0), failure, None
        for day_of, change in failure.triage:
            moment = begin + timedelta(days=day_of)
            if moment <= now:
                yield moment, failure, change
    # The founding case, a moment ago.
    yield now, WEEK[0], None


_numbers = itertools.count(2392)


def _body(failure: Failure, moment: datetime, begin: datetime, random_: random.Random) -> dict[str, Any]:
    number = next(_numbers)
    day = (moment - begin).days
    customer = failure.customers[0] if failure is WEEK[0] and day == DAYS - 1 else random_.choice(failure.customers)
    message = failure.message.format(n=number, mb=random_.randint(3, 240))
    return {
        "error_key": failure.error_key,
        "severity": failure.severity,
        "environment": "production" if random_.random() < 0.9 else "beta",
        "release": "web@2.3.7" if day < 4 else "web@2.4.0",
        "route_name": failure.route_name,
        "endpoint": failure.endpoint,
        "http_status": failure.http_status,
        "actor_type": "customer",
        "user_id": str(customer),
        "url": f"https://school.example{failure.route_name.replace(':id', str(number))}",
        "was_bypassed": random_.random() < 0.1,
        "description": {"customer_id": customer, "error_message": message, **failure.description},
    }
