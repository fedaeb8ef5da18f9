"""HTTP: bodies, parameters, CORS, and the middleware that every request passes."""

import json
import math
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
from chalice.app import Request, Response

from chalicelib.config import config
from chalicelib.errors import ApiError, InvalidBody, InvalidRequest, PayloadTooLarge
from chalicelib.observability import correlate, flush, logger
from chalicelib.storable import storable

T = TypeVar("T")

MAX_BODY_BYTES: Final = 256 * 1024

ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, Content-Encoding, X-Ingest-Key, X-Correlation-Id, X-Sentry-Auth, Idempotency-Key, "
    "sentry-trace, baggage"
)
EXPOSED_HEADERS: Final = "X-Correlation-Id, Retry-After"
PREFLIGHT_SECONDS: Final = 7200

# Pages of any origin may call these and read the answer: their key is public and can only report.
ANY_ORIGIN: Final = frozenset({"GET /health", "POST /incidents"})

_request: ContextVar[Request] = ContextVar("request")
# How msgspec names the place of a mistake, and a field that is missing or unknown there.
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"field `([^`]*)`$")


def request() -> Request:
    """The request being answered. A context variable, since the local server answers several at once."""
    return _request.get()


def header(name: str) -> str | None:
    """A request header, whatever its case."""
    value = request().headers.get(name)
    return None if value is None else str(value)


def parameter(name: str) -> str | None:
    """A query parameter; the last one where it is repeated."""
    found = request().query_params
    value = None if found is None else found.get(name)
    return None if value is None else str(value)


def choice(name: str, allowed: tuple[str, ...]) -> str | None:
    """A query parameter that must be one of `allowed` where present. Raises InvalidRequest."""
    value = parameter(name)
    if value is not None and value not in allowed:
        expected = f"must be one of {', '.join(allowed)}"
        raise InvalidRequest(f"{name} {expected}.", [(name, expected)])
    return value


def json_object(max_bytes: int = MAX_BODY_BYTES) -> dict[str, object]:
    """The body as a JSON object, read forgivingly: bytes that are no UTF-8 are replaced, NaN becomes text.

    Raises PayloadTooLarge before anything is parsed, and InvalidBody.
    """
    raw = request().raw_body
    if len(raw) > max_bytes:
        raise PayloadTooLarge(f"The body has {len(raw)} bytes; send at most {max_bytes}.")
    text = raw.decode("utf-8-sig", "replace") if isinstance(raw, bytes) else raw
    try:
        body = _DECODER.decode(text)
    except RecursionError as error:
        raise InvalidBody("The body is nested too deeply; send at most a few dozen levels.") from error
    except ValueError as error:
        raise InvalidBody(f"The body is not valid JSON: {error}.") from error
    if not isinstance(body, dict):
        raise InvalidBody("The body must be a JSON object.")
    return body


def model(shape: type[T]) -> T:
    """The body as a request model. Raises InvalidRequest that names the field at fault."""
    body = storable(json_object(), [])
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        message = _PATH.sub("", str(error))
        found = [*_PATH.findall(str(error)), *_NAMED.findall(message)]
        raise InvalidRequest(f"{message}.", [(".".join(filter(None, found)), message)]) from error


def middleware(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Around every view: the correlation id, rendered errors, CORS headers, one log line, the metrics."""
    started = time.perf_counter()
    correlation = correlate(event.headers.get("x-correlation-id"))
    _request.set(event)
    try:
        response = get_response(event)
    except ApiError as error:
        response = Response(error.body(), headers=dict(error.headers), status_code=error.status)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.body["Code"] = "MethodNotAllowed"
    response.headers.setdefault("Content-Type", "application/json")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Correlation-Id"] = correlation
    response.headers.update(_cors(event))
    _observe(event, response, time.perf_counter() - started)
    return response


def preflight(**_: str) -> Response:
    """The answer to a CORS preflight; `middleware` adds the origin."""
    headers: dict[str, str | list[str]] = {
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
    return Response("", headers=headers, status_code=204)


def _cors(event: Request) -> dict[str, str]:
    method = event.headers.get("access-control-request-method") if event.method == "OPTIONS" else event.method
    exposed = {"Access-Control-Expose-Headers": EXPOSED_HEADERS}
    if f"{method} {event.path}" in ANY_ORIGIN:
        return {"Access-Control-Allow-Origin": "*", **exposed}
    origin, allowed = event.headers.get("origin"), config().allowed_origins
    if origin and any(_matches(origin, pattern) for pattern in allowed):
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **exposed}
    if allowed:
        # Another origin is told which one may read this, and so may not read it.
        return {"Access-Control-Allow-Origin": allowed[0].removesuffix(":*"), "Vary": "Origin", **exposed}
    return exposed


def _matches(origin: str, pattern: str) -> bool:
    host, any_port, _ = pattern.rpartition(":*")
    if not any_port:
        return origin == pattern
    prefix, _, port = origin.rpartition(":")
    return origin == host or (prefix == host and port.isdigit())


def _observe(event: Request, response: Response, seconds: float) -> None:
    # The route, not the path: a query string may hold an ingest key.
    logger.info(
        "request",
        method=event.method,
        route=event.path,
        status=response.status_code,
        duration_ms=round(seconds * 1000, 1),
    )
    flush()


def _bounded_int(digits: str) -> int | str:
    # int() is quadratic in the digits and refuses more than 4,300; nobody counts with 100.
    return int(digits) if len(digits) <= 100 else digits


def _finite_float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_DECODER = json.JSONDecoder(parse_int=_bounded_int, parse_float=_finite_float, parse_constant=str)
