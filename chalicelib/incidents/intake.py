"""Intake: reports as they come in, alone or in batches, each answered by itself."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, get_type_hints

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from chalicelib.errors import ApiError, Error, InvalidRequest, QuotaExceeded
from chalicelib.incidents import recording, report
from chalicelib.incidents.recording import Receipt
from chalicelib.observability import correlation_id
from chalicelib.projects import ingest, quotas
from chalicelib.projects.settings import Terms

MAX_BATCH: Final = 30

# msgspec describes no union of Structs, so this one says by itself which two there are.
Result = Annotated[
    Any,
    Meta(extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{each.__name__}"} for each in (Receipt, Error)]}),
]


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
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= MAX_BATCH:
        raise InvalidRequest(
            f"reports must be a list of 1 to {MAX_BATCH} reports.", [("reports", f"must have 1 to {MAX_BATCH} items")]
        )
    admitted = ingest.admit(terms, len(bodies), now)
    read: list[report.Report | ApiError] = [_read(body, origin, now) for body in bodies[:admitted]]
    read += [QuotaExceeded(quotas.retry_after(now))] * (len(bodies) - admitted)
    reports = [each for each in read if isinstance(each, report.Report)]
    receipts = iter(recording.record(reports, now) if reports else [])
    results = [next(receipts) if isinstance(each, report.Report) else each for each in read]
    return [each.body() if isinstance(each, ApiError) else each for each in results]


def _read(body: object, origin: report.Origin, now: datetime) -> report.Report | ApiError:
    try:
        if not isinstance(body, dict):
            raise InvalidRequest("Each report must be an object.")
        return report.read(body, origin, now)
    except ApiError as error:
        return error
