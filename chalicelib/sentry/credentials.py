"""Credentials: the project's key, wherever an SDK puts it."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

MAX_DSN: Final = 2048

# `Sentry sentry_key=…, sentry_version=7`, with any prefix or none, in any case, spaced and quoted in any way.
_KEY: Final = re.compile(r"""(?<![\w-])sentry_key[ \t]*=[ \t]*["']?([^\s,;"']+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key that a request shows, and the project that its DSN names, None where it names none.

    Neither has been looked up. A DSN of another project than the path's has been sent to the wrong place.
    """

    key: str
    project_id: str | None


def find(
    x_sentry_auth: str | None, authorization: str | None, sentry_key: str | None, dsn: object
) -> Credentials | None:
    """What a request shows, by its headers, its query's `sentry_key` and its envelope's `dsn`; None without a key.

    The first of these that has a key counts, in that order, which is Sentry's own. Secrets of old DSNs are not asked.
    """
    dsn_key, project_id = _parts(dsn)
    key = _pair(x_sentry_auth) or _pair(authorization) or (sentry_key or "").strip() or dsn_key
    return Credentials(key, project_id) if key else None


def _pair(header: str | None) -> str | None:
    found = _KEY.search(header or "")
    return found[1] if found else None


def _parts(dsn: object) -> tuple[str | None, str | None]:
    """The key and the project of `https://<key>[:<secret>]@<host>[/<prefix>]/<project>`, as far as it is one."""
    if not isinstance(dsn, str) or len(dsn) > MAX_DSN:
        return None, None
    try:
        url = urlsplit(dsn)
    except ValueError:
        return None, None
    if not url.username:
        return None, None
    return url.username, url.path.rstrip("/").rpartition("/")[2] or None
