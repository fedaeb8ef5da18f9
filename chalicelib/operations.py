"""Operations: what a view takes, answers and refuses, said once in its signature, held to, and described from it.

`operation` reads the annotations of a view: `query` and `body` are Structs that it is handed filled, the first argument
is what its caller was recognised as, and the Struct it returns is encoded as it is. `about.openapi` describes the same.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from chalice.app import Response

from chalicelib import http, idempotency
from chalicelib.errors import ApiError

View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who may call: how they are recognised, by which credentials, and how others are refused."""

    name: str
    recognise: Callable[[], Any]
    credentials: tuple[str, ...]
    refusals: tuple[type[ApiError], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a view says of itself."""

    name: str
    area: str
    description: str
    caller: Caller | None
    query: Any
    body: Callable[[], Any] | None
    answer: Any
    status: int
    raises: tuple[type[ApiError], ...]
    idempotent: bool
    media_type: str


OPERATIONS: Final[dict[View, Operation]] = {}


def either(*shapes: type[msgspec.Struct]) -> msgspec.Meta:
    """What annotates a field that holds one of several Structs of the description: msgspec describes no such union."""
    return msgspec.Meta(extra_json_schema={"anyOf": [{"$ref": f"#/components/schemas/{it.__name__}"} for it in shapes]})


def operation(
    caller: Caller | None = None,
    *,
    status: int = 200,
    raises: Sequence[type[ApiError]] = (),
    idempotent: bool = False,
    reads: Callable[[], Any] | None = None,
    media_type: str = "application/json",
) -> Callable[[View], Callable[..., Response]]:
    """Make a view an operation for `caller`, None being anyone.

    `raises` are the errors of its own logic; those of credentials, parameters, bodies and keys come by themselves.
    `idempotent` lets it run once per Idempotency-Key. `reads` gives the model of a body that the view reads by itself.
    """

    def decorate(view: View) -> Callable[..., Response]:
        takes = view.__annotations__
        query, body, answer = takes.get("query"), takes.get("body"), takes["return"]
        answered = 204 if answer is None else status

        def run(recognised: Sequence[Any], given: dict[str, Any]) -> Response:
            if query:
                given["query"] = http.query(query)
            if body:
                given["body"] = http.model(body)
            found = view(*recognised, **given)
            if isinstance(found, Response):
                return found
            return Response("" if found is None else msgspec.json.encode(found).decode(), status_code=answered)

        @functools.wraps(view)
        def respond(**path: str) -> Response:
            recognised = [caller.recognise()] if caller else []
            if idempotent:
                return idempotency.once(lambda: run(recognised, path), recognised[0].subject)
            return run(recognised, path)

        OPERATIONS[respond] = Operation(
            name=view.__name__,
            area=view.__module__.split(".")[-2],
            description=view.__doc__ or "",
            caller=caller,
            query=query,
            body=reads or (body and (lambda: body)),
            answer=answer,
            status=answered,
            raises=tuple(raises),
            idempotent=idempotent,
            media_type=media_type,
        )
        return respond

    return decorate
