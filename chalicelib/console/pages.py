"""Pages: `index.html` of the console and of the demo, filled in with what they must know of this deployment."""

from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from chalice.app import Response

import chalicelib
from chalicelib import http, storage
from chalicelib.config import config
from chalicelib.console import assets

UNBUILT: Final = "This page is not built: `make run` builds it, as `make deploy` does.\n"

_HEAD: Final = "<head>"
_SETTINGS: Final = '<script type="application/json" id="settings">'


class Settings(msgspec.Struct, frozen=True):
    """What a page is told. `api` is what goes before the API's paths; `ingest_key` is the demo's alone."""

    api: str
    issuer: str
    client_id: str
    groups_claim: str
    logout_url: str | None
    version: str
    stage: str
    demo: bool
    ingest_key: str | None


def render(page: str) -> Response:
    """A page, for the address that it was asked for at; one that was not built is a 503 that says so."""
    try:
        built = (assets.STATIC / page / "index.html").read_text()
    except FileNotFoundError:
        return Response(UNBUILT, {"Content-Type": "text/plain; charset=utf-8"}, 503)
    prefix = _prefix()
    # Within a script only `<` could end it.
    settings = msgspec.json.encode(_settings(page, prefix)).decode().replace("<", "\\u003c")
    filled = built.replace(_HEAD, f'{_HEAD}<base href="{escape(prefix)}/{page}/">', 1)
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": _policy(),
        "Referrer-Policy": "same-origin",
    }
    return Response(filled.replace(_SETTINGS, _SETTINGS + settings, 1), headers)


def _prefix() -> str:
    """What stands before our own paths in the address that was asked for: API Gateway's stage, but behind a domain."""
    context = http.request().context
    asked = [part for part in context["path"].split("/") if part]
    own = str(context["resourcePath"]).count("/")
    return "".join(f"/{part}" for part in asked[:-own])


def _settings(page: str, prefix: str) -> Settings:
    told, demo = config(), page == "demo"
    leave = urlencode({"client_id": told.oidc_audience, "logout_uri": f"{http.base_url()}/{page}"})
    return Settings(
        api=prefix,
        issuer=told.oidc_issuer,
        # The audience of an ID token is the client that it was made for.
        client_id=told.oidc_audience,
        groups_claim=told.oidc_groups_claim,
        logout_url=f"{told.cognito_url}/logout?{leave}" if told.cognito_url else None,
        version=chalicelib.__version__,
        stage=told.stage,
        demo=told.demo_page,
        ingest_key=told.ingest_key if demo else None,
    )


def _policy() -> str:
    """The Content-Security-Policy: nothing from elsewhere but media, and no calls but to sign in and to the store."""
    store = storage.origin()
    sign_in = dict.fromkeys(map(_origin, filter(None, (config().oidc_issuer, config().cognito_url))))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",  # Mantine sets sizes and colours as it renders
            f"img-src 'self' data: blob: {store}",
            f"media-src 'self' data: blob: {store}",
            " ".join(("connect-src 'self'", *sign_in, store)),
            "font-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
