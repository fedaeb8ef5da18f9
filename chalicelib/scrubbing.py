"""Takes secrets out of untrusted JSON before anything stores it: the one scrubber on every way in.

A secret is known by the name beside it (for keys of objects and for `name=value` inside text alike) or by its own
shape: card numbers, JWTs, vendors' tokens, private keys, credentials in URLs. Emails and IP addresses are kept.

All of it is linear in its input. Python's `re` backtracks, so every quantifier is bounded or possessive, and a pattern
that may run long starts only where a run starts, or consumes what it has looked at whether or not it was a secret.
"""

import re
from functools import lru_cache
from itertools import accumulate
from typing import Final

SCRUBBED: Final = "[scrubbed]"

# Names are compared without what joins their words: api_key, apiKey, API-KEY and "api key" are all `apikey`.

# Secret wherever they end a word, alone or closing a compound (dbpassword, access_token), in the singular or plural.
SECRET_NAMES: Final = str.split("""
    password passwd pwd passphrase passcode secret token credential authorization cookie csrf xsrf jwt cvv cvc
    apikey accesskey accountkey authkey encryptionkey masterkey privatekey sharedkey signingkey sshkey
    cardnumber cardno ccnumber creditcard debitcard securitycode socialsecuritynumber sessionid sessionkey
    codeverifier oauthverifier backupcode recoverycode
""")

# Too short or too common to be secret within a longer name (pinned, author, bypass, pass_rate): only as its last words.
SECRET_LAST_NAMES: Final = str.split("""
    pass auth bearer otp totp pin ssn sid sessid phpsessid sig signature
    pincode pinnumber otpcode mfacode smscode verificationcode
""")

# A name that ends so speaks about a secret without being one: token_count, passwordStrength, TokenExpiredError.
HARMLESS_LAST_WORDS: Final = str.split("""
    age algorithm at attempts banner brand budget by changed consent count counts created date days denied domain
    enabled endpoint error errors exception exists expiration expired expires expiry failed failure field format found
    in incorrect index invalid issuer kind label length limit long max message method min minutes mismatch missing ms
    name names on path policy position present reason rejected remaining required result scope scopes screen seconds
    short size state status strategy strength time title ttl type types updated usage used valid validator version weak
    wrong
""")

_SECRET_ENDINGS: Final = tuple(name + plural for name in SECRET_NAMES for plural in ("", "s"))
_SECRET_LASTS: Final = frozenset(SECRET_LAST_NAMES)
_HARMLESS_LASTS: Final = frozenset(HARMLESS_LAST_WORDS)
_ALL_NAMES: Final = frozenset(SECRET_NAMES + SECRET_LAST_NAMES)
# Most names and texts contain none of these, and so no secret name; names that contain another need no looking for.
_STEMS: Final = sorted(name for name in _ALL_NAMES if not any(other in name for other in _ALL_NAMES - {name}))
_STEM: Final = re.compile("|".join(_STEMS))  # Faster than asking for each in a short name, slower in a long text.

_MOST_PASSES: Final = 3


def scrub(value: object) -> object:
    """A copy of a JSON value without its secrets; scrubbing it again changes nothing. Never raises.

    What stands under a secret name goes whole, but for booleans and null, which hide nothing. No entry is lost: keys
    that scrubbing makes equal are numbered. A value nested deeper than the stack reaches goes whole as well.
    """
    try:
        return _scrub(value)
    except RecursionError:
        return SCRUBBED


def scrub_text(text: str) -> str:
    """`text` without its secrets, each replaced by `SCRUBBED`."""
    for _ in range(_MOST_PASSES):
        once = _scrub_once(text)
        if once == text:
            return text
        text = once
    # One pass may bring together what the next takes for a secret. What still changes was built to slip through.
    return SCRUBBED


def _scrub(value: object) -> object:
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return _scrub_entries(value)
    if isinstance(value, list):
        return [_scrub_pair(item) if isinstance(item, list) and len(item) == 2 else _scrub(item) for item in value]
    if isinstance(value, (int, float)) and 1e12 <= value < 1e19 and _is_card(str(int(value))):
        return SCRUBBED
    return value


def _scrub_entries(entries: dict[str, object]) -> dict[str, object]:
    scrubbed: dict[str, object] = {}
    number = 1
    for key, value in entries.items():
        name = scrub_text(key)
        secret = _is_secret_name(name)
        while name in scrubbed:
            number += 1
            name = f"{SCRUBBED} {number}"
        scrubbed[name] = _conceal(value) if secret else _scrub(value)
    # Form fields and recorded headers come as {"name": "password", "value": "..."}.
    if "value" in scrubbed and _is_secret_name(scrubbed.get("name", scrubbed.get("key"))):
        scrubbed["value"] = _conceal(scrubbed["value"])
    return scrubbed


def _scrub_pair(pair: list[object]) -> list[object]:
    """Headers, cookies and query strings also come as lists of [name, value]."""
    name, value = _scrub(pair[0]), pair[1]
    return [name, _conceal(value) if _is_secret_name(name) else _scrub(value)]


def _conceal(value: object) -> object:
    return value if value is None or isinstance(value, bool) else SCRUBBED


def _is_secret_name(name: object) -> bool:
    if not isinstance(name, str):
        return False
    # Names come from outside: long ones must not fill the cache.
    return _judge_short_name(name) if len(name) <= 64 else _judge_name(name)


_WORD: Final = re.compile(r"%(?:25)*+[0-9A-Fa-f]{2}|([A-Z]+(?![a-z])|[A-Z]?[a-z]+)")


def _judge_name(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name) if word][-16:]  # More than any name has.
    if not _STEM.search("".join(words)):
        return False
    if not _SECRET_LASTS.isdisjoint(("".join(words[-1:]), "".join(words[-2:]))):
        return True
    if words[-1] in _HARMLESS_LASTS:
        return False
    return any(read.endswith(_SECRET_ENDINGS) for read in accumulate(words))


_judge_short_name = lru_cache(maxsize=4096)(_judge_name)


def _scrub_once(text: str) -> str:
    if "@" in text:
        text = _USERINFO.sub(f"{SCRUBBED}@", text)
    if len(text) >= 13:  # No secret that is known by its shape alone is shorter than a card number.
        if _MARK.search(text):
            text = _SHAPE.sub(SCRUBBED, text)
        if "eyJ" in text:
            text = _JWT.sub(lambda run: SCRUBBED if run[1] else run[0], text)
        if _CARD_START.search(text):
            text = _DIGITS.sub(_scrub_digits, text)
    if " " in text:
        lowered = text.lower()
        if "bearer " in lowered or "basic " in lowered or "token " in lowered:
            text = _SCHEME.sub(SCRUBBED, text)
    if ":" in text or "=" in text or "%3" in text:
        squeezed = text.lower().replace("_", "").replace("-", "").replace(" ", "").replace(".", "")
        if any(map(squeezed.__contains__, _STEMS)):
            text = _scrub_named(text)
    return text


# Userinfo with a password, or long enough to be a key, up to the last @ before the path: people forget to escape the
# one in a password. JSON may escape the slashes.
_USERINFO: Final = re.compile(
    r"""
    (?:(?<=://)|(?<=:\\/\\/))
    (?:[^\s/?#"'<>\\:@]*+:[^\s/?#"'<>\\]+|[^\s/?#"'<>\\]{16,})@
    """,
    re.VERBOSE,
)

# What each vendor's secret contains for certain, and its whole form: a literal first, which `re` can skip to.
_SHAPES: Final = {
    "AKIA": r"AKIA(?<![A-Z0-9]AKIA)[A-Z0-9]{16}(?![A-Z0-9])",  # AWS
    "ASIA": r"ASIA(?<![A-Z0-9]ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
    **{f"gh{kind}_": rf"gh{kind}_[A-Za-z0-9]{{16,}}+" for kind in "pousr"},  # GitHub
    "github_pat_": r"github_pat_\w{20,}+",
    "glpat-": r"glpat-[\w-]{16,}+",  # GitLab
    "xox": r"xox[a-z]-[\w-]{10,}+",  # Slack
    "k_live_": r"[rs]k_live_\w{10,}+",  # Stripe
    "k_test_": r"[rs]k_test_\w{10,}+",
    "whsec_": r"whsec_[\w+/=-]{16,}+",
    "AIza": r"AIza[\w-]{30,}+",  # Google
    "npm_": r"npm_[A-Za-z0-9]{30,}+",
    "SG.": r"SG\.[\w-]{16,64}+\.[\w-]{16,}+",  # SendGrid
    "PRIVATE KEY": r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,40}-----(?s:.*?)(?:-----END [A-Z ]{0,80}-----|\Z)",
}
_MARK: Final = re.compile("|".join(map(re.escape, _SHAPES)))
_SHAPE: Final = re.compile("|".join(_SHAPES.values()), re.ASCII)

# `eyJ` is how `{"` begins in base64. Three to five parts are a token, and two are one cut off if both are JSON.
_JWT: Final = re.compile(r"eyJ[\w-]*+((?:\.[\w-]++){2,4}+|\.eyJ[\w-]++)?+", re.ASCII)

# These words are common in prose ("bearer token missing", "Basic plan", "unexpected token export"): what follows must
# look like a credential and not like a word.
_SCHEME: Final = re.compile(
    r"""
    (?i:(?<=\bbearer[ ]))[ ]*+
        (?!(?i: a|an|and|are|auth\w*|credentials?|error|expired|for|format|from|has|headers?|in|invalid|is|missing|must
              | not|of|or|realm|required|schemes?|the|tokens?|types?|was|with )(?![\w~+/|-]))
        [^\s"'`,;<>(){}\[\]\\]++
    | (?i:(?<=\bbasic[ ]))[ ]*+(?=[\w.~+/-]*?(?:[0-9=]|[a-z][A-Z])|[\w.~+/-]{24})[\w.~+/=-]{6,}+
    | (?i:(?<=\btoken[ ]))[ ]*+(?=[\w.~+/-]*?[0-9=]|[\w.~+/-]{24})[\w.~+/=-]{6,}+
    """,
    re.VERBOSE | re.ASCII,
)


_CARD_START: Final = re.compile(r"[2-6](?:[ -]{0,3}[0-9]){12}")

# UUIDs and hashes stand first, so that digits in them are not taken for a card. Nor are the fraction of a decimal and a
# phone number, which has at most 15 digits after its plus (E.164). What precedes is looked at from behind the first
# character, since `re` can skip to a character and not to a lookbehind.
_DIGITS: Final = re.compile(
    r"""
    [0-9A-Fa-f]
    (?: (?<![0-9A-Za-z].)
        (?: [0-9A-Fa-f]{7}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}
          | (?:(?<=[A-Fa-f])|(?=[0-9]*+[A-Fa-f]))
            (?:[0-9A-Fa-f]{63}|[0-9A-Fa-f]{39}|[0-9A-Fa-f]{31}|[0-9A-Fa-f]{23}|[0-9A-Fa-f]{15})
        )(?![0-9A-Za-z])
      | (?<=[0-9])(?<![0-9].)(?<![0-9]\..)(?:(?<!\+.)|(?=[0-9]{15}))
        (?P<rest>(?:[ -]{0,3}[0-9]){12,}+)
    )
    """,
    re.VERBOSE,
)
_GROUP: Final = re.compile(r"[0-9]+")

# Issuer ranges of ISO/IEC 7812 with the lengths that each network issues.
_ISSUED: Final = re.compile(
    r"""
      4[0-9]{12}(?:[0-9]{3}){0,2}  # Visa
    | (?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}  # Mastercard
    | 3[47][0-9]{13}  # American Express
    | 3(?:0[0-5]|[689][0-9])[0-9]{11,16}  # Diners Club
    | 35(?:2[89]|[3-8][0-9])[0-9]{12,15}  # JCB
    | (?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}  # Discover
    | 62[0-9]{14,17}  # UnionPay
    | (?:5018|5020|5038|5893|6304|6759|676[1-3])[0-9]{9,15}  # Maestro
    | (?:220[0-4]|508[5-9]|60[678][0-9])[0-9]{12}  # Mir, RuPay
    """,
    re.VERBOSE,
)
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")


def _scrub_digits(found: re.Match[str]) -> str:
    run = found[0]
    if found["rest"] is None:
        return run
    if _is_card(run):
        return SCRUBBED
    # The run holds more than one number: a card and its expiry date, two cards.
    groups = [group.span() for group in _GROUP.finditer(run)]
    pieces: list[str] = []
    kept = 0
    for first, (start, end) in enumerate(groups):
        if start >= kept and end - start >= 4 and run[start] in "23456":
            card_end = _card_end(run, groups[first : first + 5])
            if card_end:
                pieces += run[kept:start], SCRUBBED
                kept = card_end
    return "".join(pieces) + run[kept:]


def _card_end(run: str, groups: list[tuple[int, int]]) -> int:
    """Where the longest card ends that the first groups spell, all but its last of four digits or more; 0 if none."""
    size = card_end = 0
    for start, end in groups:
        size += end - start
        if 13 <= size <= 19 and _is_card(run[groups[0][0] : end]):
            card_end = end
        if end - start < 4:
            break
    return card_end


def _is_card(written: str) -> bool:
    digits = written.replace(" ", "").replace("-", "")
    if not 13 <= len(digits) <= 19:
        return False
    # Luhn's check (ISO/IEC 7812-1): every second digit from the right is doubled and counts as the sum of its digits.
    characters = digits.encode()
    total = sum(characters[-1::-2]) + sum(characters[-2::-2].translate(_DOUBLED)) - len(digits) * ord("0")
    return total % 10 == 0 and _ISSUED.fullmatch(digits) is not None


# A name, perhaps quoted or percent-encoded, and what joins it to its value (`Token::new` is no pair). In "API key: ..."
# the first word is `before`.
_PAIR: Final = re.compile(
    r"""
    (?<![\w.-])(?<!%(?=[0-9A-Fa-f]{2}))
    (?:(?P<before>[A-Za-z]{1,20})[ ])?
    (?=[\w.%-]{3})(?P<name>(?:[\w.-]++|%(?!(?:25)*+3[Dd])[0-9A-Fa-f]{2})++)
    (?P<quote>\\{0,15}["'`])?+ \]?+ [ \t]*+
    (?:(?!::)[:=]{1,3}+>?+|%(?:25)*+3[Dd]) [ \t]*+
    """,
    re.VERBOSE,
)

# The inside of a quoted value, up to its own quote or the end of the line. JSON within JSON escapes its quotes.
_QUOTED: Final = re.compile(
    r"""
    [bu]?+
    (?: "((?:[^"\\\r\n]++|\\.)*+)
      | '((?:[^'\\\r\n]++|\\.)*+)
      | `((?:[^`\\\r\n]++|\\.)*+)
      | (?P<open>\\{1,15}["'])((?:[^\\\r\n]++|(?!(?P=open))\\++.?)*+)
    )
    """,
    re.VERBOSE,
)

_DELIMITERS: Final = r""",;&"'`()\[\]{}<>\\"""
_NOTHING: Final = re.compile(rf"(?i:null|none|nil|undefined|true|false)(?=[\s{_DELIMITERS}]|\Z)")

# A delimiter ends a value only where something else begins, so that a password may contain it.
_BARE: Final = re.compile(
    rf"""
    (?: {re.escape(SCRUBBED)}
      | [^\s{_DELIMITERS}]++
      | [{_DELIMITERS}](?![\s{_DELIMITERS}]|\Z|[\w.-]{{1,40}}+["'`]?[:=])
    )*+
    """,
    re.VERBOSE,
)

# Digest username="a", response="b" of Authorization, and a=b; c=d of Cookie, are one value each.
_PARAMETER: Final = r"""(?:[^\s,;"'\\=]++|=(?:"[^"\r\n]*+"?+)?+)"""
_HEADER: Final = re.compile(rf"(?:[A-Za-z][\w-]*+[ ]++)?{_PARAMETER}*+(?:[;,][ ]*+{_PARAMETER}++)*+")

_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _scrub_named(text: str) -> str:
    pieces: list[str] = []
    kept = position = 0
    while pair := _PAIR.search(text, position):
        position = pair.end()
        before, name = pair.group("before", "name")
        if not _is_secret_name(name) and not (before and (before + name).lower() in _ALL_NAMES):
            continue
        start, end = _value_span(text, position, name)
        if start < end:
            # Under a quoted name a bare value becomes a quoted one: JSON inside the text stays JSON.
            quote = (pair["quote"] or "") if start == position else ""
            pieces += text[kept:start], quote, SCRUBBED, quote
            kept = position = end
    return "".join(pieces) + text[kept:]


def _value_span(text: str, start: int, name: str) -> tuple[int, int]:
    if quoted := _QUOTED.match(text, start):
        return quoted.span(quoted.lastindex or 0)
    if _NOTHING.match(text, start):
        return start, start
    end = start
    if text.startswith(("{", "["), start):
        end = _container_end(text, start)
    tail = _HEADER if name.lower().endswith(("authorization", "cookie")) else _BARE
    rest = tail.match(text, end)
    return start, rest.end() if rest else end


def _container_end(text: str, start: int) -> int:
    """Where the array or object ends that begins here: at its own bracket or, when it was cut off, with the text."""
    depth = 0
    for found in _BRACKET.finditer(text, start):
        if found[0] in "[{":
            depth += 1
        elif found[0] in "]}":
            depth -= 1
            if depth == 0:
                return found.end()
    return len(text)
