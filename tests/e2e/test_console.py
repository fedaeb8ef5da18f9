"""The console and the demo page as a browser gets them; what they then do is another test's."""

import base64
import gzip
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from infra import local
from tests.e2e.conftest import pages_url, signed_in

STATIC = local.PROJECT / "chalicelib/console/static"
PAGE = pytest.mark.parametrize("page", ["console", "demo"])


@pytest.fixture(scope="module")
def http(stack: local.Stack) -> Iterator[httpx.Client]:
    """A client of the origin, from which every path of the deployment begins with its prefix."""
    at = urlsplit(stack.url)
    host = urlsplit(pages_url(stack)).netloc
    with httpx.Client(
        base_url=f"{at.scheme}://{at.netloc}", headers={"Host": host}, trust_env=False, timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="module")
def prefix(stack: local.Stack) -> str:
    """What stands before the API's own paths."""
    return urlsplit(pages_url(stack)).path


def built(page: str) -> list[Path]:
    files = sorted((STATIC / page / "assets").glob("*"))
    assert files, "The pages are not built: `make ready` builds them."
    return files


def directive(answer: httpx.Response, name: str) -> list[str]:
    """The sources that a page's policy lets in."""
    directives = (each.split() for each in answer.headers["Content-Security-Policy"].split(";"))
    return next(sources for known, *sources in directives if known == name)


@PAGE
def test_a_page_opens_beneath_its_prefix(http: httpx.Client, prefix: str, stack: local.Stack, page: str) -> None:
    answer = http.get(f"{prefix}/{page}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert f'<head><base href="{prefix}/{page}/">' in answer.text
    told = re.search(r'<script type="application/json" id="settings">(.*?)</script>', answer.text)
    assert told
    settings = json.loads(told[1])
    assert (settings["api"], settings["issuer"], settings["client_id"]) == (prefix, stack.issuer, stack.audience)
    assert settings["ingest_key"] == (stack.ingest_key if page == "demo" else None)
    assert http.get(f"{settings['api']}/health").json() == {"status": "ok"}


def test_the_console_opens_at_an_address_within(http: httpx.Client, prefix: str) -> None:
    page = http.get(f"{prefix}/console").text
    for path in ("/console/", "/console/incidents", f"/console/incidents/{'0' * 32}?tab=raw"):
        assert http.get(prefix + path).text == page
    head = http.head(f"{prefix}/console")
    assert (head.status_code, head.content) == (200, b"")


def test_a_page_may_sign_in_and_upload(http: httpx.Client, prefix: str, stack: local.Stack) -> None:
    file = {"file_name": "a.jpg", "content_type": "image/jpeg", "size_bytes": 9}
    with signed_in(stack, "customer", "customer-68") as customer:
        url = urlsplit(customer.post("/media", json=file).json()["upload"]["url"])
    store = f"{url.scheme}://{url.netloc}"
    page = http.get(f"{prefix}/demo")
    assert directive(page, "connect-src") == ["'self'", stack.issuer, store]
    assert store in directive(page, "img-src")
    assert store in directive(page, "media-src")


@PAGE
def test_every_asset_arrives_as_it_was_built(http: httpx.Client, prefix: str, page: str) -> None:
    for file in built(page):
        name = file.name.removesuffix(".gz")
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        answer = http.get(f"{prefix}/{page}/assets/{name}", headers={"Accept": "*/*", "Accept-Encoding": "gzip"})
        assert answer.status_code == 200, name
        assert ("Content-Encoding" in answer.headers) == (file.suffix == ".gz")
        assert answer.content == content, name
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@PAGE
def test_a_page_names_no_file_that_is_not_there(http: httpx.Client, prefix: str, page: str) -> None:
    address = f"{prefix}/{page}/"
    index = http.get(address).text
    named = re.findall(r'(?:src|href)="([^"]+)"', index.replace(f'<base href="{address}">', ""))
    assert [name for name in named if name.endswith(".js")]
    for name in named:
        path = urljoin(address, name)
        assert path.startswith(f"{address}assets/"), path
        assert http.get(path).status_code == 200, path


def test_text_is_unpacked_for_a_client_that_asks_for_nothing(http: httpx.Client, prefix: str) -> None:
    file = next(file for file in built("console") if file.suffixes[-2:] == [".js", ".gz"])
    request = http.build_request("GET", f"{prefix}/console/assets/{file.name.removesuffix('.gz')}")
    for name in ("Accept", "Accept-Encoding"):
        del request.headers[name]
    answer = http.send(request)
    assert "Content-Encoding" not in answer.headers
    assert answer.content == gzip.decompress(file.read_bytes())


def test_a_file_that_is_not_there_is_a_404(http: httpx.Client, prefix: str) -> None:
    for name in ("index-0.js", "..%2Findex.html"):
        answer = http.get(f"{prefix}/console/assets/{name}")
        assert (answer.status_code, answer.json()["Code"]) == (404, "NotFound")


# -- signing in, as a page does: from its own origin, without a secret ------------------------------------------------


def code(issuer: httpx.Client, client: dict[str, str], verifier: str) -> str:
    """The code that the issuer sends the page, once its user has signed in."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {"response_type": "code", "scope": "openid profile email", "state": "s", "code_challenge_method": "S256"}
    answer = issuer.post(
        "/oauth2/authorize", params={**client, **asked, "code_challenge": challenge}, data={"sub": "admin-1"}
    )
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["s"]
    return query["code"][0]


def test_a_page_signs_in_by_pkce(stack: local.Stack) -> None:
    client = {"client_id": stack.audience, "redirect_uri": f"{stack.url}/console"}
    verifier = secrets.token_urlsafe(32)
    with httpx.Client(base_url=stack.issuer, headers={"Origin": "http://localhost:1"}, trust_env=False) as issuer:
        found = issuer.get("/.well-known/openid-configuration")
        assert found.headers["Access-Control-Allow-Origin"] == "*"
        assert found.json()["token_endpoint"] == f"{stack.issuer}/oauth2/token"

        def exchange(grant: dict[str, str]) -> httpx.Response:
            return issuer.post("/oauth2/token", data={**client, **grant})

        def redeem(proof: dict[str, str]) -> httpx.Response:
            return exchange({"grant_type": "authorization_code", "code": code(issuer, client, verifier), **proof})

        for wrong in ({}, {"code_verifier": secrets.token_urlsafe(32)}):
            refused = redeem(wrong)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        tokens = redeem({"code_verifier": verifier})
        assert tokens.headers["Access-Control-Allow-Origin"] == "*"
        renewed = exchange({"grant_type": "refresh_token", "refresh_token": tokens.json()["refresh_token"]})
        assert renewed.json()["access_token"]
    bearer = {"Authorization": f"Bearer {tokens.json()['id_token']}"}
    with httpx.Client(base_url=stack.url, headers=bearer, trust_env=False) as api:
        assert api.get("/incidents").status_code == 200
