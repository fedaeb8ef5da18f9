"""The token: signs somebody in at the local OpenID Connect provider, by the flow that a browser takes.

`make token GROUP=admin`, or `make token GROUP=customer SUB=customer-68`.
"""

import os
import sys
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from infra import local

_CALLBACK: Final = "http://localhost/signed-in"  # nothing listens there: the code is read off the redirect


def token(stack: local.Stack, group: str, subject: str) -> str:
    """An ID token (JWT) of `subject` as a member of `group`, for the API of `stack`. Raises httpx.HTTPError."""
    client = {"client_id": stack.audience, "redirect_uri": _CALLBACK}
    with httpx.Client(base_url=stack.issuer, trust_env=False) as provider:
        provider.put(f"/users/{quote(subject, safe='')}", json={stack.groups_claim: [group]}).raise_for_status()
        redirect = provider.post(
            "/oauth2/authorize",
            params={**client, "response_type": "code", "scope": "openid", "state": "unused"},
            data={"sub": subject},
        )
        code = parse_qs(urlsplit(redirect.headers.get("location", "")).query).get("code", [""])[0]
        answer = provider.post("/oauth2/token", data={**client, "grant_type": "authorization_code", "code": code})
        return str(answer.raise_for_status().json()["id_token"])


def main() -> int:
    """Print a token for SUB in GROUP; returns the exit status."""
    group = os.environ.get("GROUP") or "admin"
    subject = os.environ.get("SUB") or f"{group}-1"
    try:
        print(token(local.running(), group, subject))
    except (local.NotRunning, httpx.HTTPError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
