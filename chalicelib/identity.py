"""Identity: who is calling, proved by an OpenID Connect token."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chalicelib.config import config
from chalicelib.errors import Forbidden, InvalidToken, MissingCredentials, Unavailable
from chalicelib.http import header
from chalicelib.observability import logger
from chalicelib.operations import Caller

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
KEYS_LIFE_S: Final = 3600.0
REFETCH_AFTER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller whose token was verified: the subject, and whether it is an admin."""

    subject: str
    admin: bool


def identify(authorization: str | None) -> Identity:
    """The Identity that an `Authorization: Bearer <JWT>` header proves.

    Checked are the signature, the algorithm, issuer, audience and expiry. Raises MissingCredentials, InvalidToken, and
    Unavailable while the issuer's keys cannot be fetched.
    """
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MissingCredentials("Send a token: Authorization: Bearer <JWT>.", headers={"WWW-Authenticate": "Bearer"})
    # Ingest, the path that must start fast, never needs this import (100 ms with cryptography).
    import jwt

    try:
        key = _key(jwt.get_unverified_header(token).get("kid"))
        claims = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=config().oidc_audience,
            issuer=config().oidc_issuer,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise InvalidToken(
            f"The token is not valid here: {error}.", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
        ) from error
    groups = claims.get(config().oidc_groups_claim)
    # An issuer may send a single group as a text: the whole of it is its name.
    admin = groups == "admin" or (isinstance(groups, list) and "admin" in groups)
    return Identity(subject=str(claims["sub"]), admin=admin)


def _admin() -> Identity:
    identity = identify(header("authorization"))
    if not identity.admin:
        raise Forbidden("This call is for members of the group `admin`.")
    return identity


admin: Final = Caller("admins", _admin, ("token",), (MissingCredentials, InvalidToken, Forbidden))
customer: Final = Caller(
    "customers", lambda: identify(header("authorization")), ("token",), (MissingCredentials, InvalidToken)
)


@dataclass(slots=True)
class _Issuer:
    """The issuer's keys by their `kid`, and when they were last asked for, by the clock of `_key`."""

    keys: "dict[str | None, PyJWK]"
    asked_at: float


_issuer = _Issuer({}, -KEYS_LIFE_S)
# The local server answers several requests at once: whoever comes while the keys are fetched waits for them.
_asking = threading.Lock()


def _key(kid: str | None, clock: Callable[[], float] = time.monotonic) -> "PyJWK":
    import jwt

    with _asking:
        known = _known(kid, clock)
    if kid is None and len(known) == 1:
        return next(iter(known.values()))
    if kid not in known:
        raise jwt.InvalidKeyError("its key is not one of the issuer's")
    return known[kid]


def _known(kid: str | None, clock: Callable[[], float]) -> "dict[str | None, PyJWK]":
    """The issuer's keys, asked for again where `kid` may be newer than our copy. Raises Unavailable."""
    known = _issuer.keys
    # An issuer with a single key need not name it (OpenID Connect Core 1.0, section 10.1).
    unknown = kid not in known if kid is not None else len(known) != 1
    age = clock() - _issuer.asked_at
    # A key that is not known may be newer than our copy, but a forged `kid` must not make us ask every time.
    if age > KEYS_LIFE_S or (unknown and age > REFETCH_AFTER_S):
        # Noted first: an issuer that is down is not asked by every request either.
        _issuer.asked_at = clock()
        try:
            _issuer.keys = known = _fetch_keys()
        except Unavailable:
            if unknown:
                raise
    return known


def _fetch_keys() -> dict[str | None, "PyJWK"]:
    import jwt
    import urllib3

    http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=3), retries=urllib3.Retry(1, redirect=0))
    try:
        discovery = http.request("GET", f"{config().oidc_issuer}/.well-known/openid-configuration").json()
        keys = jwt.PyJWKSet.from_dict(http.request("GET", discovery["jwks_uri"]).json())
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        logger.exception("issuer unreachable", issuer=config().oidc_issuer)
        raise Unavailable("The token's issuer cannot be reached to check it; try again shortly.") from error
    return {key.key_id: key for key in keys.keys}
