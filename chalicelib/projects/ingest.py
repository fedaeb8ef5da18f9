"""Ingest: which project a report is for, by its public key, and whether it is let in.

A container remembers for a minute what a key belongs to, so a key costs it two reads a minute, and a revoked one is
refused within that minute.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from chalicelib import clock
from chalicelib.config import FIRST_PROJECT, config
from chalicelib.dynamodb import Busy
from chalicelib.errors import (
    ApiError,
    InvalidIngestKey,
    InvalidRequest,
    MissingCredentials,
    OriginNotAllowed,
    QuotaExceeded,
)
from chalicelib.http import header, origin_matches, parameter
from chalicelib.operations import Caller
from chalicelib.projects import models, quotas, settings
from chalicelib.projects.settings import Terms

T = TypeVar("T")

REMEMBERED_FOR: Final = timedelta(seconds=60)
MOST_REMEMBERED: Final = 1000

_remembered: OrderedDict[str, tuple[datetime, Terms | None]] = OrderedDict()


def terms(now: datetime) -> Terms:
    """The terms of the project that the request may report to: by its key, from its page.

    Raises MissingCredentials, InvalidIngestKey, and OriginNotAllowed.
    """
    key = header("x-ingest-key") or parameter("key")
    if not key:
        raise MissingCredentials("Send the project's ingest key in X-Ingest-Key or ?key=.")
    return terms_of(key, now)


def terms_of(key: str, now: datetime) -> Terms:
    """The terms of the project whose key this is, for a request from the page that it comes from.

    Raises InvalidIngestKey and OriginNotAllowed.
    """
    found = _project_of(key, now) if models.is_key(key) else None
    if found is None:
        raise InvalidIngestKey("No project has this ingest key.")
    origin = header("origin")
    if origin and not any(origin_matches(origin, allowed) for allowed in found.allowed_origins):
        raise OriginNotAllowed("The project does not take reports from pages of this origin.")
    return found


def admit(terms: Terms, reports: int, now: datetime) -> int:
    """How many of `reports` the project's quota lets in. Raises QuotaExceeded where it is none."""
    admitted = quotas.admit(terms.project_id, terms.quota_per_minute, reports, now)
    if not admitted:
        raise QuotaExceeded(quotas.retry_after(now))
    return admitted


def admit_batch(
    bodies: object, field: str, most: int, terms: Terms, now: datetime, *, read: Callable[[dict[str, Any]], T]
) -> list[T | ApiError]:
    """Read the bodies of a batch in their order, each by itself, as far as the project's quota lets them in.

    What `read` raises of one, or that it is beyond the quota, stands in its place. `field` is what the batch is called:
    `reports`. Raises InvalidRequest for what is no list of 1 to `most` bodies, and QuotaExceeded where none is let in.
    """
    if not isinstance(bodies, list) or not 1 <= len(bodies) <= most:
        raise InvalidRequest.of(field, f"must be a list of 1 to {most} {field}")
    admitted = admit(terms, len(bodies), now)
    beyond: list[T | ApiError] = [QuotaExceeded(quotas.retry_after(now))] * (len(bodies) - admitted)
    return [_read(body, field.removesuffix("s"), read) for body in bodies[:admitted]] + beyond


def forget() -> None:
    """Begin as a fresh container does."""
    _remembered.clear()


def _read(body: object, what: str, read: Callable[[dict[str, Any]], T]) -> T | ApiError:
    try:
        if not isinstance(body, dict):
            raise InvalidRequest(f"Each {what} must be an object.")
        return read(body)
    except ApiError as error:
        return error


def _project_of(key: str, now: datetime) -> Terms | None:
    since, known = _remembered.get(key, (None, None))
    if since is not None and since <= now < since + REMEMBERED_FOR:
        return known
    try:
        found = _look_up(key, now)
    except Busy:
        # A database that is busy must not cost a report: what was known a while ago still holds, or the first project.
        if known is None and key != config().ingest_key:
            raise
        return known or settings.default_terms()
    _remembered[key] = (now, found)
    _remembered.move_to_end(key)
    if len(_remembered) > MOST_REMEMBERED:
        _remembered.popitem(last=False)
    return found


def _look_up(key: str, now: datetime) -> Terms | None:
    owner = models.owner(key)
    if owner is not None:
        found = models.find(owner)
        return settings.terms(found) if found else None
    if key == config().ingest_key:
        # The first report may come before anybody looked at the projects.
        first = settings.find(FIRST_PROJECT, now)
        return settings.terms(first) if key in (first.ingest_keys or ()) else None
    return None


key: Final = Caller(
    "holders of an ingest key",
    lambda: terms(clock.now()),
    ("ingest_key", "ingest_key_in_query"),
    (MissingCredentials, InvalidIngestKey, OriginNotAllowed),
)
