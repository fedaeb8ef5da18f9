"""Endpoints: one name for all requests to the same place, whatever ids and queries they carry."""

import re
from typing import Final

MAX_NAME: Final = 100
_LONGEST_READ: Final = 2000

# A segment of a path that names one thing among many: a number or date, a UUID, a hash, `order-12345`, a code (long,
# with three digits in two places, and no word before or after a separator), an email address, or what is too long for
# a route. Each alternative is a run of its own, so that a long segment is walked a few times at most.
_ID: Final = re.compile(
    r"""
      [0-9]++(?:-[0-9]++)*+
    | [0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}
    | (?=[^0-9]*+[0-9])[0-9A-Fa-f]{8,}+
    | [A-Za-z]{1,20}+[_-]?[0-9]{5,}+
    | (?=(?:[^0-9]*+[0-9]){3})(?=[^0-9]*+[0-9]++[^0-9]++[0-9])
      (?!.*(?:[._~-](?:[a-z]{4}|[A-Z]{4})|(?:[a-z]{4}|[A-Z]{4})[._~-]))
      [A-Za-z0-9._~-]{16,}+
    | .*@.*
    | .{41,}+
    """,
    re.VERBOSE,
)
# `order-68` is one of many only after a name of them all, as in `/orders/order-68`; `/math-101` may be a page.
_NUMBERED: Final = re.compile(r"[A-Za-z]{1,20}+[_-][0-9]{2,}+")
_ORIGIN: Final = re.compile(r"(?<!\S)[A-Za-z][A-Za-z0-9+.-]{0,20}+://[^/\s]*+")


def named(endpoint: str) -> str:
    """The name: `POST /orders/*` for `POST https://shop.example.com/orders/1234?page=2`; empty where there is none.

    One printable line of at most 100 bytes of UTF-8 without a bar, which divides names in keys. Takes any text, in
    linear time.
    """
    path = re.split("[?#]", endpoint[:_LONGEST_READ], maxsplit=1)[0].replace("|", "/")
    path = "".join(letter if letter.isprintable() else " " for letter in path)
    path = " ".join(_ORIGIN.sub("", path).split())
    segments = path.split("/")
    name = "/".join("*" if _is_id(*each) else each[1] for each in zip(["", *segments], segments, strict=False))
    return re.sub(r"(?<=[^ /])/+\Z", "", cut(name, MAX_NAME)).rstrip()


def cut(text: str, most: int) -> str:
    """As much of a text as so many bytes of UTF-8 do, with a question mark for each lone surrogate."""
    return text.encode("utf-8", "replace")[:most].decode(errors="ignore")


def _is_id(before: str, segment: str) -> bool:
    if _ID.fullmatch(segment):
        return True
    # Before the first segment there is nothing, or a method and a space.
    return before.rstrip() == before != "" and _NUMBERED.fullmatch(segment) is not None
