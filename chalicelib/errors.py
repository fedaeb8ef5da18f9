"""Errors that a client sees. Any layer raises them; `http.middleware` alone renders them.

ApiError
├── Invalid (400)
│   ├── InvalidBody          not JSON, not an object, too deep
│   ├── InvalidRequest       fields or parameters at fault; `details` name them
│   └── InvalidCursor
├── Unauthorized (401)
│   ├── MissingCredentials
│   ├── InvalidToken
│   └── InvalidIngestKey
├── Forbidden (403)
│   ├── OriginNotAllowed
│   └── SentryKeyRefused     none, unknown or another project's, in the status that SDKs expect
├── NotFound (404)
│   ├── IncidentNotFound
│   ├── InstanceNotFound
│   ├── JobNotFound
│   ├── MediaNotFound
│   ├── ProjectNotFound
│   ├── PurgeNotFound
│   ├── RuleNotFound         an alert rule
│   ├── ScheduleNotFound
│   └── TaskNotFound
├── Conflict (409)
│   ├── AlreadyOptimised
│   ├── AlreadyUploaded
│   ├── JobInFlight
│   ├── JobNotRetryable      neither failed nor stuck
│   ├── JobRunning
│   └── UploadIncomplete     or given up, or too late: the message says which
├── PayloadTooLarge (413)
├── UnsupportedMediaType (415)
├── TooMany (429)            says when to come again
│   ├── QuotaExceeded        of a project's reports
│   └── TooManyUploads       today
└── Unavailable (503)        try again later; says when
    ├── dynamodb.Busy
    ├── ScheduleNotDeleted   or not yet wholly: the message says what stopped it
    └── storage.StoreUnavailable

An error's `Code` in the answer is the name of its class.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import msgspec
from chalice.app import ChaliceUnhandledError


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one field, parameter or header."""

    field: str
    message: str


class Error(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """Any answer that is an error. `Details` are there where fields are at fault."""

    code: str
    message: str
    details: list[Fault] = []


class ApiError(ChaliceUnhandledError):
    """An answer that is an error: `status`, one sentence for the caller, the fields at fault, extra headers.

    Chalice lets a ChaliceUnhandledError through to the middleware; its own view errors can carry no details or headers.
    """

    status: ClassVar[int]

    def __init__(
        self, message: str, details: Sequence[tuple[str, str]] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.headers = dict(headers or {})

    def body(self) -> Error:
        """The error as a caller is shown it."""
        return Error(type(self).__name__, self.message, [Fault(*detail) for detail in self.details])


class Invalid(ApiError):
    status = 400


class InvalidBody(Invalid):
    pass


class InvalidRequest(Invalid):
    @classmethod
    def of(cls, field: str, message: str) -> Self:
        """That one field, parameter or header is at fault; `message` says what it must be: `must be an object`."""
        return cls(f"{field} {message}.", [(field, message)])


class InvalidCursor(Invalid):
    pass


class Unauthorized(ApiError):
    status = 401


class MissingCredentials(Unauthorized):
    pass


class InvalidToken(Unauthorized):
    pass


class InvalidIngestKey(Unauthorized):
    pass


class Forbidden(ApiError):
    status = 403


class OriginNotAllowed(Forbidden):
    pass


class SentryKeyRefused(Forbidden):
    pass


class NotFound(ApiError):
    status = 404


class IncidentNotFound(NotFound):
    pass


class InstanceNotFound(NotFound):
    pass


class JobNotFound(NotFound):
    pass


class MediaNotFound(NotFound):
    pass


class ProjectNotFound(NotFound):
    pass


class PurgeNotFound(NotFound):
    pass


class RuleNotFound(NotFound):
    pass


class ScheduleNotFound(NotFound):
    pass


class TaskNotFound(NotFound):
    pass


class Conflict(ApiError):
    status = 409


class AlreadyOptimised(Conflict):
    pass


class AlreadyUploaded(Conflict):
    pass


class JobInFlight(Conflict):
    pass


class JobNotRetryable(Conflict):
    pass


class JobRunning(Conflict):
    pass


class UploadIncomplete(Conflict):
    pass


class PayloadTooLarge(ApiError):
    status = 413


class UnsupportedMediaType(ApiError):
    status = 415


class TooMany(ApiError):
    status = 429


class TooManyUploads(TooMany):
    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class QuotaExceeded(TooMany):
    def __init__(self, retry_after: int) -> None:
        super().__init__("The project's quota for this minute is used up.", headers={"Retry-After": str(retry_after)})


class Unavailable(ApiError):
    status = 503

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Retry-After": "5"})


class ScheduleNotDeleted(Unavailable):
    pass
