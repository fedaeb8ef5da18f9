"""Idempotency keys: a creating POST that is sent again gets the answer of the first one."""

import functools
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any, Final

from chalice.app import Response

from chalicelib import http
from chalicelib.config import config
from chalicelib.errors import Conflict, InvalidRequest, Unavailable

ANSWERS_KEPT_FOR_S: Final = 24 * 3600
MAX_KEY_LENGTH: Final = 128


def once(run: Callable[[], Response], who: str) -> Response:
    """The answer of `run`, which runs once per caller, path and `Idempotency-Key` within 24 h; it answers JSON.

    Raises InvalidRequest for a key that is too long, Conflict for one that was sent with another body or whose first
    request is still being answered, Unavailable while the answers cannot be read.
    """
    key = http.header("idempotency-key")
    if key is None:
        return run()
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise InvalidRequest.of("Idempotency-Key", f"must have 1 to {MAX_KEY_LENGTH} characters")
    return _kept(run, who, key)


def _kept(run: Callable[[], Response], who: str, key: str) -> Response:
    # Only few requests need this import, and it brings boto3.
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
    from aws_lambda_powertools.utilities.idempotency import exceptions as powertools

    request = http.request()
    settings = IdempotencyConfig(
        event_key_jmespath="[who, what, key]",
        payload_validation_jmespath="body",
        expires_after_seconds=ANSWERS_KEPT_FOR_S,
        hash_function="sha256",
        lambda_context=request.lambda_context,
    )

    @idempotent_function(data_keyword_argument="call", persistence_store=_store(), config=settings)  # type: ignore[untyped-decorator]  # Powertools left it untyped
    def answer(call: dict[str, str]) -> dict[str, Any]:  # noqa: ARG001  # Powertools reads it
        response = run()
        return {"status": response.status_code, "body": response.body}

    call = {
        "who": who,
        "what": f"{request.method} {request.context['path']}",
        "key": key,
        "body": http.body_text(),
    }
    try:
        kept = answer(call=call)
    except powertools.IdempotencyValidationError as error:
        raise Conflict("This Idempotency-Key was sent before with another body; use a new one.") from error
    except powertools.IdempotencyAlreadyInProgressError as error:
        raise Conflict("The first request with this Idempotency-Key is still being answered.") from error
    except (powertools.IdempotencyPersistenceLayerError, powertools.IdempotencyInconsistentStateError) as error:
        raise Unavailable("Earlier answers cannot be read at the moment; try again shortly.") from error
    return Response(kept["body"], status_code=kept["status"])


def id_for(who: str) -> str:
    """An id for what a request makes: with an Idempotency-Key the same each time it is sent, else a new one.

    So what was made stays one, though its maker died before its answer was kept.
    """
    key = http.header("idempotency-key")
    if key is None:
        return uuid.uuid4().hex
    what = json.dumps([who, http.request().method, http.request().context["path"], key, http.body_text()])
    return hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@functools.cache
def _store() -> Any:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return DynamoDBPersistenceLayer(config().resource("answers"), key_attr="pk", expiry_attr="ttl")
