"""Grouping: which reports are the same failure.

What changes a fingerprint here needs a new VERSION, as failures already known start again as new incidents.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = "v1"
DEFAULT_MARKERS = frozenset({"{{ default }}", "{{default}}"})

# More is read than kept, so that the length of a URL does not decide how many words after it count.
_READ_LENGTH = 2000
_KEPT_LENGTH = 500
_GROUPED_BY_LENGTH = 300

# Not ASCII, where a pair of lone surrogates and the character that they make up would be equal.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Grouping:
    """The identity of a failure.

    fingerprint: canonical text, equal for equal failures of a project; may hold anything a report held, lone
    surrogates too, so hash it rather than store it.
    grouped_by: which parts decided, for a person: one line of at most 300 printable characters.
    """

    fingerprint: str
    grouped_by: str


def group(
    error_key: str, error_message: str | None, route_name: str | None, fingerprint: Sequence[str] | None
) -> Grouping:
    """The grouping of a structured report: its error_key, message and route, or else its own fingerprint.

    A fingerprint replaces the default, other than where a part of it is `{{ default }}`.
    """
    message, route = normalise(error_message or ""), _normalise_route(route_name or "")
    default = ["report", error_key, message, route]
    default_read = f"error_key {error_key}"
    if message:
        default_read += f', error_message "{message}"'
    if route:
        default_read += f", route_name {route}"

    given = fingerprint or ["{{ default }}"]
    parts = [default if part in DEFAULT_MARKERS else part for part in given]
    read = ", ".join(default_read if part in DEFAULT_MARKERS else f'"{part}"' for part in given)
    if parts != [default]:
        read = f"explicit fingerprint {read}"
    return Grouping(fingerprint=VERSION + _encode(parts), grouped_by=_printable(read))


def normalise(message: str) -> str:
    """The first non-empty line of a message, its variable parts replaced, at most 500 characters.

    They become `<email> <url> <ip> <uuid> <hash> <date> <n>`; every digit goes. Takes any text, in linear time, and
    leaves its own results as they are.
    """
    return _replace(_first_line(message))[:_KEPT_LENGTH].rstrip()


def incident_id(project_id: str, fingerprint: str) -> str:
    """The id of a failure's incident: 32 hex digits, so that an upsert needs no read to find it."""
    return hashlib.sha256(_encode([project_id, fingerprint]).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _normalise_route(route_name: str) -> str:
    """A route without query, fragment and ids. Segment by segment: as a whole, a full URL would be just `<url>`."""
    path = re.split("[?#]", _first_line(route_name), maxsplit=1)[0]
    return "/".join(map(_replace, path.split("/")))[:_KEPT_LENGTH].rstrip()


def _first_line(text: str) -> str:
    """The first line that is not blank, as far as it is read, white space collapsed."""
    lines = text.lstrip()[:_READ_LENGTH].splitlines()
    return " ".join(lines[0].split()) if lines else ""


def _replace(line: str) -> str:
    # Addresses go first and alone: what is left of them must be judged on the text that was sent.
    if "@" in line or "://" in line:
        line = _ADDRESS.sub(_placeholder, line)
    return _VARIABLE.sub(_placeholder, line)


def _placeholder(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"


def _printable(text: str) -> str:
    if len(text) > _GROUPED_BY_LENGTH:
        text = text[: _GROUPED_BY_LENGTH - 1] + "…"
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


# The patterns. Three things make normalise idempotent: nothing in _VARIABLE matches without a digit and no digit
# outlives it; the run before an address's `@` or `://` is taken whole or not at all, so a replacement next to it
# uncovers no new one; no pattern touches `<` or `>`. Two make it linear: runs are possessive and looked at from their
# start only, and every other repetition or lookahead is bounded or ends at a character that its run cannot hold.

_ADDRESS = re.compile(
    r"""
    (?<! [\w.%+-] ) [\w.%+-]++ (?<= \w )
    (?: (?P<url> :// [^\s<>"']* [^\s<>"'.,;:!?)\]}] )
    |   (?P<email> @ (?= [\w.-]* \. [^\W\d_]{2} ) [\w.%+-]* [\w%+-] )
    )
    """,
    re.VERBOSE,
)

_BEGIN, _END = r"(?<! [^\W_] )", r"(?! [^\W_] )"  # unlike \b, these part words at an underscore: user_42
_HEX = "[0-9a-fA-F]"

_UUID = rf"(?= [a-fA-F-]{{0,35}}+ [0-9] ) (?! \d{{32}} ) {_HEX}{{8}} (?: -?{_HEX}{{4}} ){{3}} -?{_HEX}{{12}}"

_DAY = "(?: Mon | Tues? | Wed(?:nes)? | Thu(?:rs)? | Fri | Sat(?:ur)? | Sun ) (?:day)? ,? [ ]"
_MONTH = """
    (?: Jan(?:uary)? | Feb(?:ruary)? | Mar(?:ch)? | Apr(?:il)? | May | June? | July?
    |   Aug(?:ust)? | Sep(?:t(?:ember)?)? | Oct(?:ober)? | Nov(?:ember)? | Dec(?:ember)? )
"""
_CLOCK = r"\d{1,2}:\d\d (?: :\d\d (?: [.,]\d++ )? )? (?: [ ]?[AaPp][Mm] )?"
_ZONE = r"[ ]? (?: Z | (?:UTC|GMT) (?: [+-]\d{1,4} )? | [+-]\d\d:?\d\d | [ECMP][DS]T | CES?T | BST )"
# A time alone is numbers, <n>:<n>, as `app.js:10:42` looks the same; what only a time has makes it a date.
_DATE = rf"""
    (?: (?: {_DAY} )?
        (?: \d{{4}}-\d\d-\d\d
        |   \d{{8}} (?= T\d{{6}} )
        |   (?<! / ) (?: \d{{4}}/\d\d/\d\d | \d{{1,2}}/\d{{1,2}}/\d{{4}} ) (?! [\d/] )
        |   \d{{1,2}} [ /-] {_MONTH} [ /-] \d{{2,4}}
        |   {_MONTH} [ ] \d{{1,2}} (?: ,?[ ]\d{{4}} )?
        )
        (?: (?: T | ,?[ ](?:at[ ])? | : ) (?: {_CLOCK} | \d{{6}} )
            (?: {_ZONE} )? (?: [ ](?:19|20)\d\d (?: {_ZONE} )? )?
        )?
    |   {_CLOCK} (?: (?<= [Mm] ) | {_ZONE} )
    )
    (?: [ ]\([A-Z][A-Za-z ]{{0,60}}\) )?
"""

# Any four dotted numbers, so that versions of that form agree with each other; and a MAC is an address as well.
_IP = rf"""
    \d++ (?: \.\d++ ){{3}} (?! \.\d )
|   (?= [a-fA-F:]{{0,38}}+ [0-9] )
    (?: {_HEX}{{1,4}} (?: :{_HEX}{{1,4}} ){{5,7}}
    |   (?: {_HEX}{{1,4}} (?: :{_HEX}{{1,4}} ){{0,6}} )? :: (?: {_HEX}{{1,4}} (?: :{_HEX}{{1,4}} ){{0,6}} )?
    )
    (?: (?: \.\d{{1,3}} ){{3}} )? (?: %\w{{1,16}} )? (?! :[0-9a-fA-F:] )
"""

# A number with one letter before or behind it is an id or a size (A1234567, 1048576B), no hash. The last form is ids
# such as ULIDs: long words in which letters part at least three numbers.
_HASH = rf"""
    0[xX]{_HEX}++
|   (?! [a-fA-F]? \d++ [a-fA-F]? {_END} ) (?= [a-fA-F]*+ [0-9] ) {_HEX}{{7,}}+
|   (?= [a-zA-Z]*+ [0-9]++ [a-zA-Z]++ [0-9]++ [a-zA-Z]++ [0-9] ) [0-9a-zA-Z]{{20,}}+
"""

_NUMBER = rf"(?: (?<! [\w)\]>] ) [+-] )? \d++ (?: [.,]\d++ )*+ (?: [eE][+-]?\d++ )? (?: (?:st|nd|rd|th) {_END} )?"

_VARIABLE = re.compile(
    rf"{_BEGIN} (?: (?P<uuid> {_UUID} ) | (?P<date> {_DATE} ) | (?P<ip> {_IP} ) | (?P<hash> {_HASH} ) ) {_END}"
    rf"| (?P<n> {_NUMBER} )",
    re.VERBOSE,
)
