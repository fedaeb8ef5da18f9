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
# What runtimes and SDKs call functions that have no name of their own.
NAMELESS = frozenset(
    ["", *str.split("? anonymous <anonymous> <computed> <dictcomp> <genexpr> <lambda> <listcomp> <setcomp> <unknown>")]
)

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


@dataclass(frozen=True, slots=True)
class Where:
    """Where in the application an exception was raised, as its SDK says it.

    place: the innermost module, path or URL; function: its function; caller: the innermost caller that has a name, for
    a function that has none.
    """

    place: str
    function: str | None = None
    caller: str | None = None


def group(
    error_key: str, error_message: str | None, route_name: str | None, fingerprint: Sequence[str] | None
) -> Grouping:
    """The grouping of a structured report: its error_key, message and route, or else its own fingerprint.

    A fingerprint replaces the default, other than where a part of it is `{{ default }}`; likewise below.
    """
    message, route = normalise(error_message or ""), _normalise_route(route_name or "")
    read = [f"error_key {error_key}"]
    if message:
        read.append(f'error_message "{message}"')
    if route:
        read.append(f"route_name {route}")
    return _grouping(["report", error_key, message, route], read, fingerprint)


def group_exception(type_: str, value: str | None, where: Where | None, fingerprint: Sequence[str] | None) -> Grouping:
    """The grouping of an exception: its type and where in the application it was raised, whatever its message.

    The message counts, normalised, where no place is known, or none with a name: there it alone tells one from another.
    """
    place = normalise_place(where.place) if where else ""
    names = [normalise_function(name) for name in (where.function, where.caller) if name] if where else []
    function = next(filter(None, names), "")
    if function and not names[0]:
        function = f"{function} > <anonymous>"
    message = "" if place and function else normalise(value or "")
    read = [f"type {type_}"]
    if function:
        read.append(f"function {function}")
    if place:
        read.append(f"in {place}")
    if message:
        read.append(f'message "{message}"')
    return _grouping(["exception", type_, place, function, message], read, fingerprint)


def group_message(logger: str | None, template: str | None, fingerprint: Sequence[str] | None) -> Grouping:
    """The grouping of a message: its logger, and its text before values were put in, as far as that is known."""
    message = normalise(template or "")
    read = [f"logger {logger}"] if logger else []
    return _grouping(["message", logger or "", message], [*read, f'message "{message}"'], fingerprint)


def _grouping(default: list[str], read: list[str], fingerprint: Sequence[str] | None) -> Grouping:
    given = fingerprint or ["{{ default }}"]
    parts = [default if part in DEFAULT_MARKERS else part for part in given]
    words = ", ".join(", ".join(read) if part in DEFAULT_MARKERS else f'"{part}"' for part in given)
    if parts != [default]:
        words = f"explicit fingerprint {words}"
    return Grouping(fingerprint=VERSION + _encode(parts), grouped_by=_printable(words))


def normalise(message: str) -> str:
    """The first non-empty line of a message, its variable parts replaced, at most 500 characters.

    They become `<email> <url> <ip> <uuid> <hash> <date> <n>`; every digit goes. Takes any text, in linear time, and
    leaves its own results as they are.
    """
    return _replace(_first_line(message))[:_KEPT_LENGTH].rstrip()


def incident_id(project_id: str, fingerprint: str) -> str:
    """The id of a failure's incident: 32 hex digits, so that an upsert needs no read to find it."""
    return hashlib.sha256(_encode([project_id, fingerprint]).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def normalise_place(place: str) -> str:
    """A module, path or URL as it is in every build and on every machine, of at most its last three segments.

    Without host, query and drive, without the folders that hold libraries, and without content hashes in names:
    `https://cdn.example.com/assets/app-3f9a1c2b.js?v=1` is `assets/app.js`. Takes any text, in linear time.
    """
    path = re.split("[?#]", place.strip()[:_READ_LENGTH], maxsplit=1)[0].replace("\\", "/")
    # A page's own address holds ids, as a route does; a file's does not.
    is_page = path.startswith(("http://", "https://")) and "." not in path.rpartition("/")[2]
    path = _LIBRARIES.split(_SCHEME.sub("", path))[-1]
    segments = [segment for segment in path.split("/") if segment not in ("", ".", "..")]
    # Where an application lies differs by machine and release.
    return "/".join(map(_replace if is_page else _without_hash, segments[-3:]))[:_KEPT_LENGTH]


def normalise_function(function: str) -> str:
    """A function's name without what its runtime puts before it; empty for one that has no name of its own."""
    name, alias, _ = _RECEIVER.sub("", function.strip())[:_KEPT_LENGTH].partition(" [as ")
    if alias:
        # V8 names what called it by that name: `Timeout.retry [as _onTimeout]` is `retry`.
        name = name.rpartition(".")[2]
    return "" if name.rpartition(".")[2] in NAMELESS else name


def _normalise_route(route_name: str) -> str:
    """A route without query, fragment and ids. Segment by segment: as a whole, a full URL would be just `<url>`."""
    path = re.split("[?#]", _first_line(route_name), maxsplit=1)[0]
    return "/".join(map(_replace, path.split("/")))[:_KEPT_LENGTH].rstrip()


def _first_line(text: str) -> str:
    """The first line that is not blank, as far as it is read, white space collapsed."""
    lines = text.lstrip()[:_READ_LENGTH].splitlines()
    return " ".join(lines[0].split()) if lines else ""


def _without_hash(name: str) -> str:
    """A file or module without the hash of its content, which is another in each build."""
    name = _HASHED_NAME.sub(r"<hash>\g<rest>", _HEX_PART.sub("", name))
    # Bundlers of today write eight characters of base64 or base32 at the end: `index-Bx9d_1aZ.js`.
    script = _SCRIPT.fullmatch(name)
    if script and len(script["stem"]) > 9 and script["stem"][-9] in "-._" and not _WORDS.fullmatch(script["stem"][-8:]):
        return script["stem"][:-9] + script["rest"]
    return name


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

# -- places ------------------------------------------------------------------------------------------------------------

_SCHEME = re.compile(r"\A(?:blob:)?(?:[A-Za-z][\w+.-]{0,30}+://[^/]*+|[A-Za-z]:(?=/))")
_LIBRARIES = re.compile(r"(?:\A|/)(?:site-packages|dist-packages|node_modules)/")
# `Object.charge` is what V8 calls a method of an object literal, `window.run` one that a page made global.
_RECEIVER = re.compile(r"\A(?:async |new )?(?:(?:Object|Module|window|globalThis|self|exports)\.)?")

# Of both digits and letters, since `face` and `2024` are names; of one kind only when longer than names are.
_HEX = r"(?: (?= [a-f]*+[0-9]++[a-f] | [0-9]*+[a-f]++[0-9] ) [0-9a-f]{4,}+ | [a-f]{8,}+ | [0-9]{8,}+ )"
_HEX_PART = re.compile(rf"[-._~] {_HEX} (?= [-._~] | \Z )", re.VERBOSE)
_HASHED_NAME = re.compile(rf"\A (?= \w{{8}} ) {_HEX} (?P<rest> (?: \.[a-z]{{1,10}} )* ) \Z", re.VERBOSE)
_SCRIPT = re.compile(r"(?P<stem> .*? ) (?P<rest> (?: \.(?:chunk|bundle|min|esm|legacy) )* \.[cm]?jsx? )", re.VERBOSE)
_WORDS = re.compile(r"(?:(?:[A-Z]?[a-z]{2,})+\d{0,2}|v?\d{1,3})(?:[-_.](?:(?:[A-Z]?[a-z]{2,})+\d{0,2}|v?\d{1,3}))*")
