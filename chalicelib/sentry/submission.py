"""Submissions: what an SDK sends in a request, from its encoded bytes to what is kept of it."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from msgspec import Struct

from chalicelib import encodings, http
from chalicelib.errors import ApiError, InvalidIngestKey, SentryKeyRefused, TooMany
from chalicelib.operations import Caller
from chalicelib.projects import ingest
from chalicelib.projects.settings import Terms
from chalicelib.sentry import credentials, envelope, items
from chalicelib.sentry.credentials import Credentials
from chalicelib.sentry.envelope import Envelope, Item

# An event of 2 MiB, which is what API.md takes, and what frames it.
MAX_BYTES: Final = 2 * 1024 * 1024 + 64 * 1024
MAX_LINE: Final = 500

_UNPRINTABLE: Final = re.compile(r"[^ -~]")


class Taken(Struct, frozen=True):
    """The id of the event, which SDKs show to users and tell support."""

    id: str


def take_envelope(shown: Credentials | None, project_id: str, now: datetime) -> Taken:
    """Keep what is in an envelope.

    Raises SentryKeyRefused, OriginNotAllowed, InvalidBody, PayloadTooLarge, UnsupportedMediaType, QuotaExceeded and
    Unavailable, each with the headers that SDKs read.
    """
    return _take(shown, project_id, envelope.parse, now)


def take_event(shown: Credentials | None, project_id: str, now: datetime) -> Taken:
    """Keep a single event, as SDKs before envelopes sent it. Raises what `take_envelope` does."""
    return _take(shown, project_id, _envelope_of_event, now)


def _take(shown: Credentials | None, project_id: str, parse: Callable[[bytes], Envelope], now: datetime) -> Taken:
    with _told():
        # A key that is shown outside of the body is judged before that is read.
        terms = _terms(shown, project_id, now) if shown else None
        sent = parse(http.body(MAX_BYTES))
        if terms is None:
            terms = _terms(credentials.find(None, None, None, sent.header.get("dsn")), project_id, now)
        return Taken(items.take(sent, terms, http.header("user-agent"), now))


def _terms(shown: Credentials | None, project_id: str, now: datetime) -> Terms:
    if shown is None:
        raise SentryKeyRefused("Send the project's key: the DSN has it before the @.")
    try:
        terms = ingest.terms_of(shown.key, now)
    except InvalidIngestKey as error:
        raise SentryKeyRefused(error.message) from error
    if project_id != terms.project_id or shown.project_id not in (None, project_id):
        raise SentryKeyRefused("The key is another project's: the DSN's last part is its project.")
    return terms


def _envelope_of_event(raw: bytes) -> Envelope:
    # The oldest SDKs compress and write it in base64, which no JSON begins like.
    if raw.lstrip()[:1] != b"{":
        # What it is where it is not even that, is told by whoever reads it.
        with suppress(binascii.Error):
            raw = encodings.inflate(base64.b64decode(raw, validate=True), "deflate", MAX_BYTES)
    return Envelope({}, [Item({"type": "event"}, raw)])


@contextmanager
def _told() -> Iterator[None]:
    """Tell an SDK of an error in the headers that it reads."""
    try:
        yield
    except ApiError as error:
        # One line of what a header may hold.
        line = _UNPRINTABLE.sub("?", " ".join(error.message.split()))
        error.headers["X-Sentry-Error"] = line[:MAX_LINE] or type(error).__name__
        if isinstance(error, TooMany):
            # Seconds, every category, and of what: the whole project.
            error.headers["X-Sentry-Rate-Limits"] = f"{error.headers['Retry-After']}::project"
        raise


key: Final = Caller(
    "holders of an ingest key",
    lambda: credentials.find(
        http.header("x-sentry-auth"), http.header("authorization"), http.parameter("sentry_key"), None
    ),
    ("sentry_auth", "sentry_key"),
    (SentryKeyRefused,),
)
