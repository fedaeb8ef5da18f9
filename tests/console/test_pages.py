"""The console's pages and what they load, through the public door, with a build of our own."""

import gzip
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.config import Config
from chalice.test import Client

from app import app
from chalicelib.config import config
from chalicelib.console import assets
from infra import gateway
from infra.local import PROJECT
from tests import issuer
from tests.conftest import INGEST_KEY, Door

INDEX = """<!doctype html>
<html lang="en">
  <head>
    <title>Groundcrew</title>
    <script type="application/json" id="settings"></script>
    <script type="module" crossorigin src="./assets/index-Bq_x-1aZ.js"></script>
  </head>
</html>
"""
SCRIPT = "console.log('naïve 🙂');\n" * 99
PIXEL = b"\x89PNG\r\n\x1a\n\xff"
PAGES = ("console", "demo")


@pytest.fixture(autouse=True)
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build as Vite makes it: text compressed, and nothing else."""
    for page in PAGES:
        folder = tmp_path / page / "assets"
        folder.mkdir(parents=True)
        (tmp_path / page / "index.html").write_text(INDEX)
        (folder / "index-Bq_x-1aZ.js.gz").write_bytes(gzip.compress(SCRIPT.encode(), mtime=0))
        (folder / "inter.latin-D0.woff2").write_bytes(b"wOF2\xff")
        (folder / "pixel-1.png").write_bytes(PIXEL)
        (folder / "notes.txt").write_text("of no type that a page loads")
    (tmp_path / "secret.js").write_text("of neither page")
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    return tmp_path


Tell = Callable[..., None]


@pytest.fixture(autouse=True)
def tell() -> Iterator[Tell]:
    """Tells this deployment something else, by its environment; it has a demo page."""
    with pytest.MonkeyPatch.context() as environment:

        def tell(**variables: str) -> None:
            for name, value in variables.items():
                environment.setenv(name, value)
            config.cache_clear()

        tell(DEMO_PAGE="true")
        yield tell
    config.cache_clear()


@pytest.fixture
def door() -> Iterator[Door]:
    """Without a cloud behind it: no page asks for any."""
    with Client(app, stage_name="none") as client:
        yield Door(client)


def settings(html: bytes) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="settings">(.*?)</script>', html.decode(), re.DOTALL)
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def policy(headers: dict[str, str]) -> dict[str, list[str]]:
    directives = (directive.split() for directive in headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/incidents", "/console/incidents/0f?status=ACTIVE"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_console_opens_at_each_of_its_addresses(door: Door, method: str, path: str) -> None:
    answer = door.call(method, path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    html = answer.body.decode()
    assert re.search(r'<head><base href="/console/">\s*<title>', html)
    assert 'src="./assets/index-Bq_x-1aZ.js"' in html


def test_the_console_is_told_what_it_needs_and_no_key(door: Door) -> None:
    told = settings(door.call("GET", "/console").body)
    assert told == {
        "api": "",
        "issuer": issuer.URL,
        "client_id": issuer.AUDIENCE,
        "groups_claim": "cognito:groups",
        "logout_url": None,
        "version": tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"],
        "stage": "test",
        "demo": True,
        "ingest_key": None,
    }


def test_the_demo_reports_with_the_first_projects_key(door: Door) -> None:
    answer = door.call("GET", "/demo")
    assert b'<base href="/demo/">' in answer.body
    assert settings(answer.body)["ingest_key"] == INGEST_KEY


def test_a_cognito_pool_signs_out_in_a_way_of_its_own(door: Door, tell: Tell) -> None:
    tell(COGNITO_URL="https://pool.example.com/", OIDC_AUDIENCE="a&b")
    for page in PAGES:
        answer = door.call("GET", f"/{page}")
        assert settings(answer.body)["logout_url"] == (
            f"https://pool.example.com/logout?client_id=a%26b&logout_uri=https%3A%2F%2Fops.example.com%2Fapi%2F{page}"
        )
        assert "https://pool.example.com" in policy(answer.headers)["connect-src"]


def test_nothing_that_it_is_told_ends_its_script(door: Door, tell: Tell) -> None:
    tell(OIDC_GROUPS_CLAIM="</script><script>alert(1)</script>")
    answer = door.call("GET", "/console")
    assert settings(answer.body)["groups_claim"] == "</script><script>alert(1)</script>"
    assert answer.body.count(b"</script>") == INDEX.count("</script>")


def test_a_page_calls_loads_and_runs_only_what_it_has_to(door: Door, tell: Tell) -> None:
    tell(OIDC_ISSUER="https://login.example.com:8443/realms/school")
    store = "https://groundcrew-test-media.s3.eu-central-1.amazonaws.com"
    assert policy(door.call("GET", "/console").headers) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:", store],
        "media-src": ["'self'", "data:", "blob:", store],
        "connect-src": ["'self'", "https://login.example.com:8443", store],
        "font-src": ["'self'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }


def test_a_store_of_ones_own_is_let_in_where_its_signed_urls_lead(door: Door, tell: Tell) -> None:
    tell(STORAGE_ENDPOINT_URL="https://store.example.com:9000", STORAGE_REGION="auto")
    assert "https://store.example.com:9000" in policy(door.call("GET", "/console").headers)["img-src"]
    tell(STORAGE_PATH_STYLE="virtual")
    assert (
        "https://groundcrew-test-media.store.example.com:9000"
        in policy(door.call("GET", "/console").headers)["img-src"]
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_was_not_built_says_so(door: Door, static: Path, page: str) -> None:
    (static / page / "index.html").unlink()
    answer = door.call("GET", f"/{page}")
    assert (answer.status, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert b"`make run` builds it" in answer.body


def test_a_deployment_has_no_demo_page_unless_told(door: Door, tell: Tell) -> None:
    tell(DEMO_PAGE="")
    for path in ("/demo", "/demo/assets/pixel-1.png"):
        answer = door.call("GET", path)
        assert (answer.status, answer.json["Code"]) == (404, "NotFound")
    assert not settings(door.call("GET", "/console").body)["demo"]


# -- assets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_text_is_sent_as_it_is_stored(door: Door, static: Path, method: str, page: str) -> None:
    answer = door.call(method, f"/{page}/assets/index-Bq_x-1aZ.js", accept="*/*", accept_encoding="br, gzip;q=0.8")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.body == (static / page / "assets/index-Bq_x-1aZ.js.gz").read_bytes()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "*/*"},
        {"accept": "*/*", "accept_encoding": "br, identity"},
        {"accept": "*/*", "accept_encoding": "gzip;q=0, br"},
        {"accept": "*/*", "accept_encoding": "gzip ; q=0.000"},
        {"accept": "*/*", "accept_encoding": "no-gzip"},
        {"accept_encoding": "gzip"},  # to whom API Gateway sends no bytes
    ],
    ids=str,
)
def test_text_is_unpacked_for_who_cannot(door: Door, headers: dict[str, str]) -> None:
    answer = door.call("GET", "/console/assets/index-Bq_x-1aZ.js", **headers)
    assert (answer.status, answer.body.decode()) == (200, SCRIPT)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "deflate,GZIP", "*", "gzip;q=0.01"])
def test_who_takes_gzip_may_say_so_in_any_way(door: Door, coding: str) -> None:
    answer = door.call("GET", "/console/assets/index-Bq_x-1aZ.js", accept="text/*", accept_encoding=coding)
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "headers", [{}, {"accept": "text/html"}, {"accept": "*/*", "accept_encoding": "gzip"}], ids=str
)
@pytest.mark.parametrize(
    ("name", "media_type", "content"),
    [("pixel-1.png", "image/png", PIXEL), ("inter.latin-D0.woff2", "font/woff2", b"wOF2\xff")],
)
def test_bytes_are_sent_as_they_are(
    door: Door, name: str, media_type: str, content: bytes, headers: dict[str, str]
) -> None:
    answer = door.call("GET", f"/console/assets/{name}", **headers)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, media_type, content)
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "name",
    [
        "index-0.js",
        "index-Bq_x-1aZ.js.gz",
        "notes.txt",
        "pixel-1",
        ".js",
        "..",
        "..%2findex.html",
        "..%2f..%2fsecret.js",
        "%2e%2e%2f%2e%2e%2fsecret.js",
        "..\\..\\secret.js",
        "pixel-1.png%00",
        "pixel-1.png%0a",
        "ü.png",
        "a" * 9999 + ".js",
        "-" * 9999,
    ],
)
def test_another_name_is_a_404_in_the_form_of_every_error(door: Door, name: str) -> None:
    answer = door.call("GET", f"/console/assets/{name}")
    assert (answer.status, answer.json["Code"]) == (404, "NotFound")
    assert answer.headers["cache-control"] == "no-store"


# -- behind gateways --------------------------------------------------------------------------------------------------


def through_api_gateway(path: str, resource: str) -> Any:
    """The function's answer to an event of API Gateway, where addresses begin with a stage or a mapping."""
    captured = zip(resource.split("/")[::-1], path.rstrip("/").split("/")[::-1], strict=False)
    return app(
        {
            "requestContext": {
                "httpMethod": "GET",
                "resourcePath": resource,
                "path": path,
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "headers": {"accept": "*/*", "accept-encoding": "gzip"},
            "multiValueQueryStringParameters": None,
            "pathParameters": {name.strip("{}"): value for name, value in captured if name.startswith("{")} or None,
            "stageVariables": None,
            "body": None,
            "isBase64Encoded": False,
        },
        None,
    )


@pytest.mark.parametrize(
    ("path", "resource", "prefix"),
    [
        ("/api/console", "/console", "/api"),
        ("/api/console/", "/console", "/api"),
        ("/api/console/incidents", "/console/{page}", "/api"),
        ("/api/console/console", "/console/{page}", "/api"),
        ("/api/console/incidents/0f", "/console/{page}/{item}", "/api"),
        ("/console/incidents/0f", "/console/{page}/{item}", ""),
        ("//console", "/console", ""),
        ("/ops/v1/console", "/console", "/ops/v1"),
        ('/"><script>/console', "/console", "/&quot;&gt;&lt;script&gt;"),
    ],
)
def test_a_page_loads_and_calls_beneath_the_prefix_it_was_opened_at(path: str, resource: str, prefix: str) -> None:
    answer = through_api_gateway(path, resource)
    assert (answer["statusCode"], answer.get("isBase64Encoded")) == (200, None)
    assert f'<base href="{prefix}/console/">' in answer["body"]
    if "&" not in prefix:
        assert settings(answer["body"].encode())["api"] == prefix


def test_bytes_leave_the_function_in_base64(static: Path) -> None:
    answer = through_api_gateway("/api/console/assets/pixel-1.png", "/console/assets/{name}")
    assert (answer["statusCode"], answer["isBase64Encoded"], answer["body"]) == (200, True, "iVBORw0KGgr/")


def test_the_local_gateway_sends_the_very_bytes(static: Path) -> None:
    serve = gateway.application(app, Config.create(), lambda _: None)

    def get(path: str, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
        said: list[Any] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "REQUEST_URI": path,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_ACCEPT": "*/*",
            "HTTP_ACCEPT_ENCODING": "gzip",
            "wsgi.input": io.BytesIO(),
        }
        content = b"".join(serve(environ, lambda *head: said.extend(head)))  # type: ignore[arg-type]
        return said[0], dict(said[1]), content

    status, headers, body = get("/console/assets/index-Bq_x-1aZ.js")
    assert (status, headers["Content-Encoding"]) == ("200 OK", "gzip")
    assert body == (static / "console/assets/index-Bq_x-1aZ.js.gz").read_bytes()
    assert get("/console/assets/pixel-1.png")[2] == PIXEL
    _, headers, body = get("/console/assets/pixel-1.png", "HEAD")
    assert (headers["Content-Length"], body) == (str(len(PIXEL)), b"")
    assert b'<base href="/console/">' in get("/console/incidents/0f")[2]
