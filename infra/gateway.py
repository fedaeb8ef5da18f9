"""The gateway: serves the API over HTTP on one machine, as API Gateway does in a deployment.

Chalice's own local gateway turns requests into Lambda events. What API Gateway answers by itself it answers here too,
with the texts of the template.
"""

import base64
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from http.client import responses
from typing import TYPE_CHECKING, Any, Final

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LambdaEventConverter, LocalChalice, LocalGateway, RouteMatcher

from infra import template

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
MAX_BODY_BYTES: Final = 10 * 1024 * 1024

Answer = tuple[int, list[tuple[str, str]], bytes]

logger = logging.getLogger(__name__)


class _BinaryConverter(LambdaEventConverter):
    """To the template's API every body is binary, whatever its type."""

    def _is_binary(self, headers: dict[str, Any]) -> bool:  # noqa: ARG002
        return True


def application(app: Chalice, config: Config, access: Callable[[str], object]) -> "WSGIApplication":
    """`app` as a WSGI application, for a server that sets REQUEST_URI, undoes chunking and limits a body's size.

    `access` is given a line per request. It leaves the query out, which may hold an ingest key.
    """
    app.__class__ = LocalChalice  # its current_request is each thread's own
    routes = RouteMatcher(list(app.routes))
    errors = template.load()["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]

    def answer(environ: "WSGIEnvironment", path: str, query: str) -> Answer:
        body = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            return _refusal(errors["REQUEST_TOO_LARGE"])
        try:
            routes.match_route(path)
        except ValueError:
            return _refusal(errors["MISSING_AUTHENTICATION_TOKEN"])
        headers = _headers(environ)
        gateway = LocalGateway(app, config)
        gateway.event_converter = _BinaryConverter(routes)
        gateway.event_converter.LOCAL_SOURCE_IP = environ["REMOTE_ADDR"]
        target = f"{path}?{query}" if query else path
        return _rendered(gateway.handle_request(environ["REQUEST_METHOD"], target, headers, body))

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started = time.perf_counter()
        path, query = _target(environ["REQUEST_URI"])
        try:
            status, headers, content = answer(environ, path, query)
        except Exception:
            # A function that fails is API Gateway's 502; the server goes on for the others.
            logger.exception("no answer to %s %s", environ["REQUEST_METHOD"], path)
            status, headers, content = _refusal(errors["DEFAULT_5XX"] | {"StatusCode": "502"})
        start_response(f"{status} {responses.get(status, '')}", headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            content = b""
        access(f"{environ['REQUEST_METHOD']} {path} {status} {(time.perf_counter() - started) * 1000:.0f} ms")
        return [content]

    return respond


def _target(request_uri: str) -> tuple[str, str]:
    """Path and query of a request line, still encoded: WSGI's PATH_INFO cannot tell `%2F` from `/`."""
    path, _, query = request_uri.partition("?")
    # Chalice parses a path as a whole URL, in which these would begin something else.
    path = path.replace(";", "%3B").replace("#", "%23")
    return ("/%2F" + path[2:] if path.startswith("//") else path), query


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if name in environ:
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def _rendered(response: dict[str, Any]) -> Answer:
    """A Lambda's answer, as API Gateway puts it on the wire."""
    content = response["body"] or ""
    content = base64.b64decode(content) if response.get("isBase64Encoded") else content.encode()
    headers = [(name, str(value)) for name, value in response["headers"].items()]
    headers += [(name, value) for name, values in response["multiValueHeaders"].items() for value in values]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return response["statusCode"], [*headers, ("Content-Length", str(len(content)))], content


def _refusal(response: dict[str, Any]) -> Answer:
    """One of the template's gateway responses."""
    request_id = uuid.uuid4().hex
    headers = {
        name: request_id if value == "context.requestId" else value.strip("'")
        for name, value in response["ResponseParameters"]["Headers"].items()
    }
    content = response["ResponseTemplates"]["application/json"].encode()
    fixed = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    return int(response["StatusCode"]), list((headers | fixed).items()), content
