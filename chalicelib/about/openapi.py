"""The API's description: OpenAPI 3.1, made of the routes and of what their operations say of themselves."""

import functools
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from types import UnionType
from typing import Any, Final, get_args, get_origin

import msgspec
from chalice.app import Chalice, Response, RouteEntry

from chalicelib.config import config
from chalicelib.dynamodb import Busy
from chalicelib.errors import (
    ApiError,
    Conflict,
    Error,
    InvalidBody,
    InvalidRequest,
    PayloadTooLarge,
    Unavailable,
)
from chalicelib.idempotency import MAX_KEY_LENGTH
from chalicelib.operations import OPERATIONS, Operation

Json = dict[str, Any]

REFS: Final = "#/components/schemas/{name}"

INTRODUCTION: Final = """\
Groundcrew is the operations backend that a small product team owns itself.

Every answer carries `X-Correlation-Id`. An error is `Code`, `Message` and, where fields are at fault, `Details`. A path
or method that is neither described here nor a page, such as `/console`, is a 404, or a 405 that names the methods in
`Allow`. What the gateway itself cannot do is a 5xx in the same form. What was answered 429 or 503 may be sent again
after `Retry-After` seconds.
"""

# Codes of errors that are answered before any of our code runs; infra/template.yaml and Chalice hold them.
OUTSIDE: Final = {
    413: "RequestTooLarge",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    503: "InternalServerError",
}

CREDENTIALS: Final[Json] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the OpenID Connect issuer. Members of the group `admin` are admins.",
    },
    "ingest_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Ingest-Key",
        "description": "A project's ingest key. It is public, and can only report.",
    },
    "ingest_key_in_query": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "The same, for `navigator.sendBeacon`, which sends no headers.",
    },
    "sentry_auth": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Sentry-Auth",
        "description": "`Sentry sentry_key=<ingest key>`; also in `Authorization`, or in the envelope's `dsn`.",
    },
    "sentry_key": {
        "type": "apiKey",
        "in": "query",
        "name": "sentry_key",
        "description": "The same, for browsers, which then need not ask first whether they may send it.",
    },
    "storage_secret": {
        "type": "http",
        "scheme": "bearer",
        "description": "The secret that the store was given for its webhook.",
    },
}
PARAMETERS: Final[Json] = {
    "CorrelationId": {
        "name": "X-Correlation-Id",
        "in": "header",
        "description": "1 to 128 characters of `A-Za-z0-9_.:-`; any other is replaced by one that is made.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and body within 24 hours get the same answer, another body a 409.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
    },
}
HEADERS: Final[Json] = {
    "CorrelationId": {
        "description": "Names this request in logs, and in the records that it causes.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds until it is worth trying again.",
        "schema": {"type": "integer", "minimum": 0},
    },
}


@functools.cache
def document(app: Chalice) -> Json:
    """The description of all operations of `app`: neither of pages, nor of CORS preflights, which every path has."""
    served = [
        (path, method.lower(), entry, OPERATIONS[entry.view_function])
        for path, methods in app.routes.items()
        for method, entry in methods.items()
        if entry.view_function in OPERATIONS
    ]
    schemas, components = _schemas([operation for *_, operation in served])
    paths: defaultdict[str, Json] = defaultdict(dict)
    for path, method, entry, operation in served:
        paths[path][method] = _described(entry, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Groundcrew", "version": "1", "description": INTRODUCTION},
        # Without a URL of its own, a deployment is where this document is.
        "servers": [{"url": config().public_url or "."}],
        "tags": [{"name": area} for area in dict.fromkeys(operation.area for *_, operation in served)],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": CREDENTIALS,
            "parameters": PARAMETERS,
            "headers": HEADERS,
        },
    }


Schemas = dict[Any, Json]


def _schemas(operations: list[Operation]) -> tuple[Schemas, Json]:
    """The schema of each model that operations name, and the components that those refer to."""
    shapes: dict[Any, None] = {Error: None}
    for operation in operations:
        for model in (operation.answer, operation.body and operation.body()):
            shapes |= dict.fromkeys(_alternatives(model))
    made, components = msgspec.json.schema_components(shapes, ref_template=REFS)
    return dict(zip(shapes, made, strict=True)), components


def _alternatives(model: Any) -> tuple[Any, ...]:
    """The models of a union, each by itself: msgspec describes no union of Structs."""
    if model in (None, Response):
        return ()
    alternatives = get_args(model) if get_origin(model) is UnionType else (model,)
    return tuple(each for each in alternatives if each is not type(None))


def _described(entry: RouteEntry, operation: Operation, schemas: Schemas) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.name.replace("_", " ").capitalize(),
        "tags": [operation.area],
        "parameters": list(_parameters(entry, operation)),
        "responses": _responses(operation, schemas),
        "security": [{name: []} for name in operation.caller.credentials] if operation.caller else [],
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        required, schema = not _optional(operation.body()), _schema(operation.body(), schemas)
        content = {"schema": schema if required else {"anyOf": [schema, {"type": "null"}]}}
        described["requestBody"] = {"required": required, "content": dict.fromkeys(entry.content_types, content)}
    return described


def _parameters(entry: RouteEntry, operation: Operation) -> Iterator[Json]:
    for name in entry.view_args:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for field in msgspec.structs.fields(operation.query) if operation.query else ():
        # A parameter that may be left out is None in our hands, but cannot be null on the way.
        models = [each for each in get_args(field.type) if each is not type(None)] if _optional(field.type) else []
        (schema,), _ = msgspec.json.schema_components([models[0] if models else field.type])
        parameter: Json = {"name": field.name, "in": "query", "schema": schema}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        if field.default is msgspec.NODEFAULT:
            parameter["required"] = True
        elif field.default is not None:
            schema["default"] = field.default
        yield parameter
    yield {"$ref": "#/components/parameters/CorrelationId"}
    if operation.idempotent:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}


def _optional(model: Any) -> bool:
    return type(None) in get_args(model)


def _responses(operation: Operation, schemas: Schemas) -> Json:
    responses = {str(operation.status): _response(HTTPStatus(operation.status).phrase)}
    if operation.status != HTTPStatus.NO_CONTENT:
        schema = _schema(operation.answer, schemas) if _alternatives(operation.answer) else {"type": "string"}
        responses[str(operation.status)]["content"] = {operation.media_type: {"schema": schema}}
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for error in _errors(operation):
        codes[error.status].append(error.__name__)
    for status, code in OUTSIDE.items():
        if status in (429, 503) or operation.body:
            codes[status].append(code)
    for status, names in sorted(codes.items()):
        retry = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}} if status in (429, 503) else {}
        response = _response(f"{HTTPStatus(status).phrase}: {', '.join(dict.fromkeys(names))}.", retry)
        narrowed = {"properties": {"Code": {"enum": list(dict.fromkeys(names))}}}
        response["content"] = {"application/json": {"schema": {"allOf": [schemas[Error], narrowed]}}}
        responses[str(status)] = response
    return responses


def _errors(operation: Operation) -> Iterator[type[ApiError]]:
    """What an operation may raise: what it names, and what follows from what it takes."""
    if operation.caller:
        yield from operation.caller.refusals
    if operation.query or operation.body or operation.idempotent:
        yield InvalidRequest
    if operation.body:
        yield from (InvalidBody, PayloadTooLarge)
    if operation.idempotent:
        yield Conflict
    yield from operation.raises
    yield from (Unavailable, Busy)


def _response(description: str, headers: Json | None = None) -> Json:
    known = {"X-Correlation-Id": {"$ref": "#/components/headers/CorrelationId"}}
    return {"description": description, "headers": known | (headers or {})}


def _schema(model: Any, schemas: Schemas) -> Json:
    found = [schemas[each] for each in _alternatives(model)]
    return found[0] if len(found) == 1 else {"anyOf": found}
