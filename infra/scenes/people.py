"""People: programs of strangers that call the API over HTTP, signed in as somebody or holding the ingest key."""

from collections.abc import Iterator
from typing import Any, Final

import httpx

from infra import local
from infra.token import token
from infra.troubles import Trouble

CUSTOMER: Final = "customer-68"
OPERATOR: Final = "admin-1"
PATIENCE_S: Final = 30


def customer(stack: local.Stack) -> httpx.Client:
    """Whoever hands in homework."""
    return _client(stack, {"Authorization": f"Bearer {token(stack, 'customer', CUSTOMER)}"})


def operator(stack: local.Stack) -> httpx.Client:
    """Whoever sees to what fails."""
    return _client(stack, {"Authorization": f"Bearer {token(stack, 'admin', OPERATOR)}"})


def frontend(stack: local.Stack) -> httpx.Client:
    """A page of the school: it may report, and no more."""
    return _client(stack, {"X-Ingest-Key": stack.ingest_key})


def said(answer: httpx.Response) -> Any:
    """The JSON of an answer, None of an empty one. Raises Trouble in the words of one that refuses."""
    if not answer.is_success:
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise Trouble(f"{asked} was answered {answer.status_code}: {answer.text[:500]}")
    return answer.json() if answer.content else None


def every(client: httpx.Client, path: str, **params: str) -> Iterator[dict[str, Any]]:
    """Every item of a list."""
    while True:
        page = said(client.get(path, params={"limit": "100", **params}))
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        params["cursor"] = page["next_cursor"]


def forget_incidents(operator: httpx.Client, **params: str) -> None:
    """Delete the incidents that a filter finds."""
    for incident in list(every(operator, "/incidents", **params)):
        said(operator.delete(f"/incidents/{incident['incident_id']}"))


def forget_media(operator: httpx.Client, context: dict[str, str]) -> None:
    """Delete the media of this context, with their objects and jobs."""
    for media in list(every(operator, "/media")):
        if media["context"] == context:
            said(operator.delete(f"/media/{media['media_id']}"))


def _client(stack: local.Stack, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=stack.url, headers=headers, trust_env=False, timeout=PATIENCE_S)
