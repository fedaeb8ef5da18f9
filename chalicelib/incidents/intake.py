"""Intake: reports as they come in, alone or in batches, each answered by itself."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, get_type_hints

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from chalicelib.errors import ApiError, Error
from chalicelib.incidents import recording, report
from chalicelib.incidents.recording import Receipt
from chalicelib.observability import correlation_id
from chalicelib.operations import either
from chalicelib.projects import ingest
from chalicelib.projects.settings import Terms

MAX_BATCH: Final = 30

Result = Annotated[Any, either(Receipt, Error)]


class Receipts(Struct, frozen=True):
    """What became of each report of a batch, in its order."""

    results: list[Result]


def take(body: Mapping[str, object], terms: Terms, user_agent: str | None, now: datetime) -> Receipt | Receipts:
    """Record a report or a batch, as far as the quota lets it in. Raises InvalidRequest and QuotaExceeded."""
    origin = report.Origin(terms.project_id, user_agent, correlation_id(), terms.retention_days, terms.scrub)
    if "reports" in body and "error_key" not in body:
        return Receipts(_take_batch(body["reports"], origin, terms, now))
    ingest.admit(terms, 1, now)
    (receipt,) = recording.record([report.read(body, origin, now)], now)
    if isinstance(receipt, ApiError):
        raise receipt
    return receipt


@cache
def bodies() -> Any:
    """The model of what `take` reads, made of the fields that the reader knows. Of optional ones it takes any value."""
    stored = get_type_hints(report.Report, include_extras=True)
    optional = [
        (name, Annotated[stored[name] | UnsetType | None, Meta(description=f"Must be {expected}.")], UNSET)
        for name, (_, expected) in report.FIELDS.items()
    ]
    error_key = Annotated[str, Meta(pattern=f"^{report.ERROR_KEY.pattern}$")]
    one = defstruct("NewReport", [("error_key", error_key), ("description", dict[str, Any]), *optional])
    batch = Annotated[list[one], Meta(min_length=1, max_length=MAX_BATCH)]  # type: ignore[valid-type]  # made above
    return one | defstruct("NewReports", [("reports", batch)])


def _take_batch(bodies: object, origin: report.Origin, terms: Terms, now: datetime) -> list[Receipt | Error]:
    read = ingest.admit_batch(
        bodies, "reports", MAX_BATCH, terms, now, read=lambda body: report.read(body, origin, now)
    )
    reports = [each for each in read if isinstance(each, report.Report)]
    receipts = iter(recording.record(reports, now) if reports else [])
    results = [next(receipts) if isinstance(each, report.Report) else each for each in read]
    return [each.body() if isinstance(each, ApiError) else each for each in results]
