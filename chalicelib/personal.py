"""Personal data in reports: emails and IP addresses, kept, hashed or removed as a project says.

What is hashed keeps its shape and equals itself within a project, so that grouping and counting users go on working:
an email becomes `<hash>@hashed.invalid`, an address one of fd00::/8, which belongs to nobody.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

Treatment = Literal["keep", "hash", "remove"]

HASHED_DOMAIN: Final = "hashed.invalid"


class Scrub(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What becomes of personal data in a project's reports."""

    emails: Treatment = "keep"
    ips: Treatment = "keep"


KEEP: Final = Scrub()


def treat(value: Any, scrub: Scrub, project_id: str) -> Any:
    """A copy of a JSON value in which personal data is treated as `scrub` says, in keys too; treating twice is once."""
    if isinstance(value, str):
        return _treat_text(value, scrub, project_id)
    if isinstance(value, list):
        return [treat(item, scrub, project_id) for item in value]
    if isinstance(value, dict):
        return {_treat_text(key, scrub, project_id): treat(item, scrub, project_id) for key, item in value.items()}
    return value


# Runs are possessive and bounded, and looked at from their start only, so both are linear.
_EMAIL: Final = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}+@(?!hashed\.invalid)[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+")
_IP: Final = re.compile(
    r"""
    (?<![\w.:])
    (?: (?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)
      | (?!fd00:)(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{0,35}[0-9A-Fa-f:])
        (?: (?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}
          | (?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?
        )(?:(?:\.\d{1,3}){3})?(?![\w:])
    )
    """,
    re.VERBOSE | re.ASCII,
)


def _treat_text(text: str, scrub: Scrub, project_id: str) -> str:
    if scrub.emails != "keep" and "@" in text:
        text = _EMAIL.sub(_treatment(scrub.emails, "email", _hashed_email, project_id), text)
    if scrub.ips != "keep" and ("." in text or ":" in text):
        text = _IP.sub(_treatment(scrub.ips, "ip", _hashed_ip, project_id), text)
    return text


def _treatment(
    treatment: Treatment, what: str, hashed: Callable[[str], str], project_id: str
) -> Callable[[re.Match[str]], str]:
    if treatment == "remove":
        return lambda _: f"[{what}]"
    return lambda found: hashed(_digest(project_id, found[0]))


def _digest(project_id: str, data: str) -> str:
    # Keyed, so that projects cannot be matched with each other.
    return hmac.digest(project_id.encode(), data.lower().encode("utf-8", "replace"), hashlib.sha256).hex()


def _hashed_email(digest: str) -> str:
    return f"{digest[:16]}@{HASHED_DOMAIN}"


def _hashed_ip(digest: str) -> str:
    return "fd00:" + ":".join(digest[start : start + 4] for start in range(0, 28, 4))
