"""Destinations: URLs that users name, as far as requests to them are allowed.

Only https, on port 443, to a host that is named in full. The origins of OUTGOING_ALLOW are excepted, with http, too: a
laptop's own receivers.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from chalicelib.config import config

PORT: Final = 443
MAX_URL: Final = 2048

# What is not written like this is not understood, rather than understood in one way here and in another elsewhere.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>[/?][!\x22$-\[\]-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+{_LABEL}")
# What many take for an IPv4 address, whatever its first parts are.
_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


class NotAllowed(Exception):
    """What is wrong with a URL, as what its owner must do: `must begin with https://`."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a URL leads. The host is as certificates have it, in lower case and without brackets.

    `trusted` is one of OUTGOING_ALLOW, wherever its name leads.
    """

    secure: bool
    host: str
    port: int
    authority: str
    path: str
    trusted: bool


def find(url: str) -> Destination:
    """Where a URL leads. Raises NotAllowed; where its host's name leads is not asked yet."""
    if len(url) > MAX_URL:
        raise NotAllowed(f"must have at most {MAX_URL} characters")
    if not url.isascii():
        raise NotAllowed("must be ASCII: international names as xn--, other characters percent-encoded")
    found = _URL.fullmatch(url)
    if found is None:
        raise NotAllowed(_complaint(url))
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), int(found["port"] or PORT)
    trusted = f"{scheme}://{host}:{port}" in config().outgoing_allow
    if not trusted:
        if scheme != "https":
            raise NotAllowed("must begin with https://")
        if port != PORT:
            raise NotAllowed(f"must be on port {PORT}")
        if not _is_host(host):
            raise NotAllowed("must name a host in full, such as hooks.example.com")
    path = found["path"] or "/"
    return Destination(
        secure=scheme == "https",
        host=host.strip("[]"),
        port=port,
        authority=host if port == PORT else f"{host}:{port}",
        path=path if path.startswith("/") else f"/{path}",
        trusted=trusted,
    )


def _complaint(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "https":
        return "must begin with https://"
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        return "must hold no user name or password"
    return "must be https://<host>/<path>, without spaces and without a # or \\"


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            IPv6Address(host.strip("[]"))
        elif _NUMBER.fullmatch(host):
            IPv4Address(host)
        else:
            return bool(_NAME.fullmatch(host))
    except AddressValueError:
        return False
    return True
