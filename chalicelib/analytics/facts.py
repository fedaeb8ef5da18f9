"""Facts: what the roll-ups and detectors read from an event's data, whose fields callers name in several ways.

What is missing or of no use is None: data is the caller's own, and none of it is an error.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from chalicelib import endpoints

Cache = Literal["hit", "miss"]

# In bytes. A trial and its outcome are counted under both names together.
MAX_NAME: Final = 100
MAX_TRIAL: Final = 50
LONGEST_MS: Final = 86_400_000.0
_DIGEST_DIGITS: Final = 32
_DURATIONS: Final = (
    "duration_ms", "response_time_ms", "duration", "response_time", "latency_ms", "elapsed_ms", "time_ms",
)  # fmt: skip
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
# What callers wrote beside data lies there.
_BESIDE: Final = "_extra"

Sources = Sequence[Mapping[str, object]]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an event. `account` and `address` are digests, of a project's own: they tell nobody's name."""

    endpoint: str | None = None
    duration_ms: float | None = None
    status: int | None = None
    feature: str | None = None
    trial: str | None = None
    outcome: str | None = None
    provider: str | None = None
    cache: Cache | None = None
    success: bool | None = None
    account: str | None = None
    address: str | None = None


def read(data: Mapping[str, object]) -> Facts:
    """The facts in data that may be stored, all but those of persons; what data lacks may have come beside it."""
    beside = data.get(_BESIDE)
    sources: Sources = [data, beside] if isinstance(beside, dict) else [data]
    return Facts(
        endpoint=_endpoint(_first(sources, "endpoint", "route", "path"), _first(sources, "method")),
        duration_ms=_duration(_first(sources, *_DURATIONS)),
        status=_status(_first(sources, "status", "status_code", "http_status")),
        feature=_name(_first(sources, "feature", "feature_name")),
        trial=_name(_first(sources, "trial_type", "trial"), MAX_TRIAL),
        outcome=_outcome(sources),
        provider=_name(_first(sources, "provider", "ai_provider")),
        cache=_cache(sources),
        success=_flag(_first(sources, "success")),
    )


def account(data: Mapping[str, object], project_id: str) -> str | None:
    """Who somebody tried to be, from data as it came."""
    return digest(_first([data], "account", "email", "username"), project_id)


def address(data: Mapping[str, object], project_id: str) -> str | None:
    """Where somebody tried from, from data as it came."""
    return digest(_first([data], "ip", "ip_address"), project_id)


def digest(given: object, project_id: str) -> str | None:
    """32 hex digits that stand for a person's name within a project, whatever its case; None for what is no name."""
    name = str(given).strip().lower() if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not name:
        return None
    # Keyed, so that projects cannot be matched with each other.
    return hmac.digest(project_id.encode(), name.encode(errors="replace"), hashlib.sha256).hex()[:_DIGEST_DIGITS]


def _first(sources: Sources, *names: str) -> object:
    return next((data[name] for data in sources for name in names if data.get(name) not in (None, "")), None)


def _name(given: object, most: int = MAX_NAME) -> str | None:
    """One printable line of so many bytes of UTF-8 at most, in which a bar divides nothing."""
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str):
        return None
    text = given[: 4 * MAX_NAME].replace("|", "/")
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return endpoints.cut(" ".join(text.split()), most).rstrip() or None


def _endpoint(given: object, method: object) -> str | None:
    if not isinstance(given, str):
        return None
    name = endpoints.named(given)
    verb = method.strip().upper() if isinstance(method, str) else ""
    if name and verb in _METHODS and name.partition(" ")[0].upper() not in _METHODS:
        name = endpoints.named(f"{verb} {given}")
    return _name(name)


def _duration(given: object) -> float | None:
    if isinstance(given, str) and len(given) <= 40:
        try:
            given = float(given)
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= LONGEST_MS:
        return None
    return float(given) if math.isfinite(given) else None


def _status(given: object) -> int | None:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) == 3:
        given = int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) and 100 <= given <= 599 else None


def _outcome(sources: Sources) -> str | None:
    named = _name(_first(sources, "outcome", "result"), MAX_TRIAL)
    converted = _flag(_first(sources, "converted"))
    if named is None and converted is not None:
        return "converted" if converted else "not_converted"
    return named


def _cache(sources: Sources) -> Cache | None:
    given = _first(sources, "cache")
    if isinstance(given, str) and given.strip().lower() in ("hit", "miss"):
        return "hit" if given.strip().lower() == "hit" else "miss"
    hit = _flag(_first(sources, "cache_hit"))
    return None if hit is None else "hit" if hit else "miss"


def _flag(given: object) -> bool | None:
    return given if isinstance(given, bool) else None
