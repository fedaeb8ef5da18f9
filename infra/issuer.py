"""The issuer: the local OpenID Connect provider, with users, and fit for pages in a browser as a real one is.

Takes what `python -m oidc_provider_mock` takes. That knows of no other origins and no clients without a secret: here
any page may read the answers and sign in, and whoever began with a PKCE challenge has to meet it. Its page asks who one
is, and loads nothing from elsewhere.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import flask
import jinja2
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask.typing import ResponseReturnValue
from oidc_provider_mock import User, app
from oidc_provider_mock import __main__ as provider
from werkzeug.datastructures import Authorization

# Others who sign in are in no group.
USERS: Final = (
    User(sub="admin-1", claims={"name": "Ada Admin", "cognito:groups": ["admin"]}),
    User(sub="customer-68", claims={"name": "Cleo Customer", "cognito:groups": ["customer"]}),
)

_PAGE: Final = Path(__file__).with_name("sign-in.html")
_TOKEN: Final = "/oauth2/token"  # noqa: S105 - a path


def application(**options: Any) -> flask.Flask:
    """The provider, with the options of `oidc_provider_mock.app` and our users."""
    made: flask.Flask = app(**options | {"user_claims": (*USERS, *options["user_claims"])})
    ours = jinja2.DictLoader({"authorization_form.html": _PAGE.read_text()})
    made.jinja_loader = jinja2.ChoiceLoader([ours, *filter(None, [made.jinja_loader])])
    challenges: dict[str, str] = {}  # by the code that was answered to them

    @made.before_request
    def admit() -> ResponseReturnValue | None:
        request = flask.request
        if request.method != "POST" or request.path != _TOKEN:
            return None
        challenge = challenges.pop(request.form.get("code", ""), None)
        if challenge and challenge != create_s256_code_challenge(request.form.get("code_verifier", "")):
            return {"error": "invalid_grant", "error_description": "The code verifier does not fit."}, 400
        if not request.authorization and "client_secret" not in request.form:
            # Any secret does.
            known = Authorization("basic", {"username": request.form.get("client_id", ""), "password": "none"})
            request.environ["HTTP_AUTHORIZATION"] = known.to_header()
        return None

    @made.after_request
    def answer(response: flask.Response) -> flask.Response:
        query = parse_qs(urlsplit(response.location or "").query)
        if "code" in query and "code_challenge" in flask.request.args:
            challenges[query["code"][0]] = flask.request.args["code_challenge"]
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Headers"] = "Authorization"
        return response

    return made


if __name__ == "__main__":
    provider.app = application
    provider.run()
