"""HTTP: bodies, parameters, CORS, and the middleware that every request passes."""

import base64
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import msgspec
from chalice.app import Request, Response

from chalicelib import encodings, untrusted
from chalicelib.config import config
from chalicelib.errors import ApiError, InvalidBody, InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from chalicelib.observability import correlate, flush, logger

T = TypeVar("T")

MAX_BODY_BYTES: Final = 256 * 1024

ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, Content-Encoding, X-Ingest-Key, X-Correlation-Id, X-Sentry-Auth, Idempotency-Key, "
    "sentry-trace, baggage"
)
EXPOSED_HEADERS: Final = "X-Correlation-Id, Retry-After"
SENTRY_HEADERS: Final = "X-Sentry-Error, X-Sentry-Rate-Limits"
PREFLIGHT_SECONDS: Final = 7200

# Pages of any origin may call these and read the answer: their key is public and can only report.
SENTRY: Final = frozenset({"POST /api/{project_id}/envelope", "POST /api/{project_id}/store"})
# The same bytes for everyone, which caches may keep without asking who wants them.
ASSETS: Final = {f"{method} /{page}/assets/{{name}}" for method in ("GET", "HEAD") for page in ("console", "demo")}
ANY_ORIGIN: Final = (
    SENTRY | ASSETS | {"GET /health", "GET /openapi.json", "GET /docs", "POST /analytics/track", "POST /incidents"}
)

_request: ContextVar[Request] = ContextVar("request")
# How msgspec names the place of a mistake, and a field that is missing or unknown there.
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"field `([^`]*)`$")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_TOO_DEEP: Final = "The body is nested too deeply; send at most a few dozen levels."


class Bytes(Response):
    """An answer of bytes, whatever their type: Chalice itself knows bytes only of types that it was told."""

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:  # noqa: ARG002  # Chalice's signature
        return super().to_dict() | {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


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


def base_url() -> str:
    """Where callers reach this deployment: as configured, or as the request came.

    Raises LookupError where it is not configured, and there is no request.
    """
    if config().public_url:
        return config().public_url
    context = request().context
    if "domainName" not in context:
        return f"http://{header('host')}"
    # Only API Gateway's own domains carry the stage in the path.
    own = str(context["domainName"]).endswith(".amazonaws.com")
    return f"https://{context['domainName']}" + (f"/{context['stage']}" if own else "")


def query(shape: type[T]) -> T:
    """The query parameters as a model; others are ignored. Raises InvalidRequest that names the one at fault."""
    given: dict[str, str | int] = {}
    for field in msgspec.structs.fields(shape):  # type: ignore[arg-type]  # a Struct, which T cannot say
        text = parameter(field.name)
        if text is not None:
            whole = getattr(field.type, "__origin__", None) is int and _WHOLE.fullmatch(text)
            given[field.name] = int(text) if whole else text
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def body_text() -> str:
    """The body as text; bytes that are no UTF-8 are replaced."""
    return _sent().decode("utf-8-sig", "replace")


def body(most: int) -> bytes:
    """The body without what Content-Encoding names. As it is sent, too, it has at most `most` bytes.

    Raises PayloadTooLarge as soon as there are more, UnsupportedMediaType, and InvalidBody.
    """
    return encodings.inflate(_sent(), header("content-encoding"), most)


def json_object() -> dict[str, object]:
    """The body as a JSON object, read forgivingly: bytes that are no UTF-8 are replaced, NaN becomes text.

    What is plain is read whatever Content-Encoding says. Raises PayloadTooLarge before anything is parsed,
    UnsupportedMediaType, and InvalidBody.
    """
    try:
        plain = body(MAX_BODY_BYTES)
    except (InvalidBody, UnsupportedMediaType) as error:
        try:
            return untrusted.json_object(_sent(), "The body")
        except InvalidBody:
            raise error from None
    return untrusted.json_object(plain, "The body")


def model(shape: type[T]) -> T:
    """The body as a request model; an empty one is null.

    Raises PayloadTooLarge, InvalidBody, and InvalidRequest that names the field at fault.
    """
    size = len(_sent())
    if size > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body has {size} bytes; send at most {MAX_BODY_BYTES}.")
    try:
        return msgspec.json.decode(body_text() or "null", type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except RecursionError as error:
        raise InvalidBody(_TOO_DEEP) from error
    except msgspec.DecodeError as error:
        raise InvalidBody(f"The body is not valid JSON: {error}.") from error


def middleware(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Around every view: the correlation id, rendered errors, CORS headers, one log line, the metrics."""
    started = time.perf_counter()
    correlation = correlate(event.headers.get("x-correlation-id"))
    _request.set(event)
    try:
        response = get_response(event)
    except ApiError as error:
        response = Response(msgspec.to_builtins(error.body()), headers=dict(error.headers), status_code=error.status)
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


def origin_matches(origin: str, pattern: str) -> bool:
    """Whether a page's origin is one that `pattern` names: an origin, one with the port `*`, or `*` for all."""
    host, any_port, _ = pattern.rpartition(":*")
    if not any_port:
        return pattern in ("*", origin)
    prefix, _, port = origin.rpartition(":")
    return origin == host or (prefix == host and port.isdigit())


def _sent() -> bytes:
    """The body as it came: Chalice decodes it once, into bytes, whatever its types say."""
    return cast("bytes", request().raw_body)


def _invalid(error: msgspec.ValidationError) -> ApiError:
    message = _PATH.sub("", str(error))
    found = [*_PATH.findall(str(error)), *_NAMED.findall(message)]
    field = ".".join(filter(None, found))
    return InvalidRequest(f"{field}: {message}.", [(field, message)]) if field else InvalidBody(f"{message}.")


def _cors(event: Request) -> dict[str, str]:
    method = event.headers.get("access-control-request-method") if event.method == "OPTIONS" else event.method
    call = f"{method} {event.path}"
    names = f"{EXPOSED_HEADERS}, {SENTRY_HEADERS}" if call in SENTRY else EXPOSED_HEADERS
    exposed = {"Access-Control-Expose-Headers": names}
    if call in ANY_ORIGIN:
        return {"Access-Control-Allow-Origin": "*", **exposed}
    origin, allowed = event.headers.get("origin"), config().allowed_origins
    if origin and any(origin_matches(origin, pattern) for pattern in allowed):
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **exposed}
    if allowed:
        # Another origin is told which one may read this, and so may not read it.
        return {"Access-Control-Allow-Origin": allowed[0].removesuffix(":*"), "Vary": "Origin", **exposed}
    return exposed


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
