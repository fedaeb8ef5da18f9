"""What every call has in common, through the public door: identity, errors, CORS, correlation."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from chalicelib import identity
from chalicelib.incidents import models
from chalicelib.observability import logger
from tests import issuer
from tests.conftest import Door

ADMIN_CALLS = [
    ("GET", "/incidents"),
    ("GET", "/incidents/count"),
    ("GET", "/incidents/stats"),
    ("GET", f"/incidents/{'0' * 32}"),
    ("GET", f"/incidents/{'0' * 32}/occurrences"),
    ("PATCH", f"/incidents/{'0' * 32}"),
    ("DELETE", f"/incidents/{'0' * 32}"),
]


def unsigned(**bent: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': issuer.KID})}.{part(issuer.claims(**bent))}."


BAD_TOKENS: dict[str, Callable[[], str]] = {
    "expired": lambda: issuer.token(exp=int(time.time()) - 1),
    "without expiry": lambda: issuer.token(exp=None),
    "of another audience": lambda: issuer.token(aud="another"),
    "without audience": lambda: issuer.token(aud=None),
    "of another issuer": lambda: issuer.token(iss="https://evil.example"),
    "without subject": lambda: issuer.token(sub=None),
    "alg none": unsigned,
    "signed by a stranger": lambda: issuer.token(key=issuer.STRANGERS_KEY),
    "with an unknown kid": lambda: issuer.token(kid="another"),
    "of another algorithm under our kid": lambda: issuer.token(key=issuer.RSA_KEY, algorithm="RS256"),
    "HMAC with the public key": lambda: issuer.token(key="x" * 64, algorithm="HS256"),
    "nonsense": lambda: "a.b.c",
    "not latin": lambda: "ключ",
    "empty": lambda: " ",
}


@pytest.mark.parametrize(("method", "path"), ADMIN_CALLS)
def test_an_admin_call_needs_an_admin(door: Door, method: str, path: str) -> None:
    anonymous = door.call(method, path)
    assert (anonymous.status, anonymous.json["Code"]) == (401, "MissingCredentials")
    assert anonymous.headers["www-authenticate"].startswith("Bearer")
    customer = issuer.token(groups=["customer"], sub="customer-68")
    refused = door.call(method, path, authorization=f"Bearer {customer}")
    assert (refused.status, refused.json["Code"]) == (403, "Forbidden")
    for answer in (anonymous, refused):
        assert answer.headers["access-control-allow-origin"]
        assert "x-correlation-id" in answer.headers
        assert answer.json["Message"].endswith(".")


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_bad_token_is_a_401(door: Door, kind: str) -> None:
    answer = door.call("GET", "/incidents", authorization=f"Bearer {BAD_TOKENS[kind]()}")
    assert (answer.status, answer.json["Code"]) in [(401, "InvalidToken"), (401, "MissingCredentials")]


@pytest.mark.parametrize("groups", [None, [], ["admins"], "administrator", "Assistant admin", {"admin": 1}, 7])
def test_only_the_group_admin_is_an_admin(door: Door, groups: Any) -> None:
    token = issuer.token(groups=groups)
    assert door.call("GET", "/incidents", authorization=f"Bearer {token}").status == 403


@pytest.mark.parametrize("groups", [["customer", "admin"], "admin"])
def test_groups_may_be_a_list_or_one_name(door: Door, groups: Any) -> None:
    token = issuer.token(groups=groups)
    assert door.call("GET", "/incidents", authorization=f"bearer {token}").status == 200


def test_an_issuer_with_one_key_need_not_name_it(door: Door) -> None:
    assert door.call("GET", "/incidents", authorization=f"Bearer {issuer.token(kid=None)}").status == 200
    stranger = issuer.token(kid=None, key=issuer.STRANGERS_KEY)
    assert door.call("GET", "/incidents", authorization=f"Bearer {stranger}").status == 401


def test_an_ingest_key_opens_nothing_else(door: Door) -> None:
    from tests.conftest import INGEST_KEY

    assert door.call("GET", f"/incidents?key={INGEST_KEY}", x_ingest_key=INGEST_KEY).status == 401


def test_an_unreachable_issuer_is_a_503(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_issuer", identity._Issuer({}, -identity.KEYS_LIFE_S))
    monkeypatch.setattr(issuer._Handler, "do_GET", lambda handler: handler.send_error(500))
    answer = door.admin("GET", "/incidents")
    assert (answer.status, answer.json["Code"]) == (503, "Unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_unknown_keys_are_not_asked_for_at_every_request(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    fetch = identity._fetch_keys

    def counted() -> Any:
        asked.append(1)
        return fetch()

    monkeypatch.setattr(identity, "_fetch_keys", counted)
    monkeypatch.setattr(identity._issuer, "asked_at", -identity.KEYS_LIFE_S)
    for _ in range(5):
        door.call("GET", "/incidents", authorization=f"Bearer {issuer.token(kid='forged')}")
    assert len(asked) == 1


def test_who_comes_while_the_keys_are_fetched_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_issuer", identity._Issuer({}, -identity.KEYS_LIFE_S))
    begun, go = threading.Event(), threading.Event()
    fetch = identity._fetch_keys

    def held() -> Any:
        begun.set()
        assert go.wait(10)
        return fetch()

    monkeypatch.setattr(identity, "_fetch_keys", held)
    with ThreadPoolExecutor() as callers:
        first = callers.submit(identity.identify, f"Bearer {issuer.token()}")
        assert begun.wait(10)
        second = callers.submit(identity.identify, f"Bearer {issuer.token()}")
        wait([second], timeout=0.2)
        go.set()
        assert first.result() == second.result() == identity.Identity("admin-1", admin=True)


@pytest.mark.parametrize(
    ("origin", "echoed"),
    [
        ("https://ops.example.com", "https://ops.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:5173.evil.example", "https://ops.example.com"),
        ("http://localhost.evil.example:80", "https://ops.example.com"),
        ("https://evil.example", "https://ops.example.com"),
        (None, "https://ops.example.com"),
    ],
)
def test_operators_calls_echo_a_configured_origin(door: Door, origin: str | None, echoed: str) -> None:
    headers = {} if origin is None else {"origin": origin}
    answer = door.admin("GET", "/incidents", **headers)
    assert answer.headers["access-control-allow-origin"] == echoed
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["access-control-expose-headers"] == "X-Correlation-Id, Retry-After"


def test_a_preflight_tells_which_calls_are_open_to_any_origin(door: Door) -> None:
    origin = "http://localhost:3000"
    for path, method, allowed in (
        ("/incidents", "POST", "*"),
        ("/incidents", "GET", origin),
        (f"/incidents/{'0' * 32}", "PATCH", origin),
    ):
        answer = door.call("OPTIONS", path, origin=origin, access_control_request_method=method)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == allowed
        assert method in answer.headers["access-control-allow-methods"]
        for name in ("X-Ingest-Key", "Authorization", "sentry-trace", "Idempotency-Key"):
            assert name in answer.headers["access-control-allow-headers"]


def test_a_method_that_a_path_lacks_is_a_405(door: Door) -> None:
    answer = door.admin("PUT", "/incidents")
    assert (answer.status, answer.json["Code"]) == (405, "MethodNotAllowed")
    assert "POST" in answer.headers["allow"]
    assert "access-control-allow-origin" in answer.headers


def test_a_busy_database_is_a_503_and_a_bug_a_bare_500(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.dynamodb import Busy

    def fail(error: Exception) -> Any:
        def raiser(*_: object) -> None:
            raise error

        return raiser

    monkeypatch.setattr(models, "incidents_of", fail(Busy("throttled")))
    busy = door.admin("GET", "/incidents")
    assert (busy.status, busy.json["Code"]) == (503, "Busy")
    assert int(busy.headers["retry-after"]) > 0
    monkeypatch.setattr(models, "incidents_of", fail(RuntimeError("secret detail")))
    bug = door.admin("GET", "/incidents")
    assert (bug.status, bug.json["Code"]) == (500, "InternalServerError")
    assert b"secret detail" not in bug.body
    assert bug.headers["access-control-allow-origin"]


def test_nothing_secret_is_logged(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import INGEST_KEY

    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    token = issuer.token()
    door.call("GET", f"/incidents?key={INGEST_KEY}&q=private", authorization=f"Bearer {token}")
    door.call("POST", f"/incidents?key={INGEST_KEY}", {"error_key": "x", "description": {"password": "hunter2"}})
    door.call("POST", "/incidents?key=wrong-key-1", {"error_key": "x", "description": {}})
    door.call("GET", "/incidents", authorization="Bearer not-a-token-1")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert sum(line["message"] == "request" for line in lines) == 4
    assert all(line["correlation_id"] for line in lines)
    for secret in (INGEST_KEY, token, "hunter2", "private", "wrong-key-1", "not-a-token-1"):
        assert secret not in log.getvalue()


def test_health(door: Door) -> None:
    answer = door.call("GET", "/health")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
