"""Endpoints: one name for all requests to the same place, whatever ids and queries they carry."""

import re
from typing import Final

MAX_NAME: Final = 100
_LONGEST_READ: Final = 2000

# A segment of a path that names one thing among many: a number, a UUID or hash, a long code with digits, `order-68`, an
# email address. Each alternative is a run of its own, so that a long segment is walked a few times at most.
_ID: Final = re.compile(
    r"""
      [0-9]++
    | (?=[^0-9]*+[0-9])[0-9A-Fa-f-]{8,}+
    | (?=[^0-9]*+[0-9])[\w.~-]{16,}+
    | [A-Za-z]{1,20}+[_-][0-9]++
    | .*@.*
    | .{41,}+
    """,
    re.VERBOSE,
)
_ORIGIN: Final = re.compile(r"(?<!\S)[A-Za-z][A-Za-z0-9+.-]{0,20}+://[^/\s]*+")


def named(endpoint: str) -> str:
    """The name: `POST /orders/*` for `POST https://shop.example.com/orders/1234?page=2`; empty where there is none.

    One printable line of at most 100 characters without a bar, which divides names in keys. Takes any text, in linear
    time.
    """
    path = re.split("[?#]", endpoint[:_LONGEST_READ], maxsplit=1)[0].replace("|", "/")
    path = "".join(letter if letter.isprintable() else " " for letter in path)
    path = " ".join(_ORIGIN.sub("", path).split())
    name = "/".join("*" if _ID.fullmatch(segment) else segment for segment in path.split("/"))
    return re.sub(r"(?<=[^ /])/+\Z", "", name[:MAX_NAME]).rstrip()
