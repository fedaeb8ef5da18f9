import hashlib
import json
import re
import string
from datetime import UTC, datetime, timedelta, timezone
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.incidents.grouping import (
    Grouping,
    Where,
    group,
    group_exception,
    group_message,
    incident_id,
    normalise,
    normalise_function,
    normalise_place,
)

MESSAGES = [
    # the founding case, and names that carry numbers
    ("Upload of IMG_2392.mov failed", "Upload of IMG_<n>.mov failed"),
    ("Upload of PXL_20240131_101112345.jpg failed for customer68", "Upload of PXL_<n>_<n>.jpg failed for customer<n>"),
    ("KeyError: 'user_42'", "KeyError: 'user_<n>'"),
    ("Order A1234567 and order A12", "Order A<n> and order A<n>"),
    ("Upload of IMG-2392.mov failed", "Upload of IMG-<n>.mov failed"),
    # javascript
    (
        "Cannot read properties of undefined (reading 'map')",
        "Cannot read properties of undefined (reading 'map')",
    ),
    (
        "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
        "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
    ),
    ("Unexpected token } in JSON at position 104", "Unexpected token } in JSON at position <n>"),
    (
        "Loading chunk 17 failed. (error: https://app.example.com/static/17.3f2a1b9c.chunk.js)",
        "Loading chunk <n> failed. (error: <url>)",
    ),
    ("ChunkLoadError at webpack-internal:///./src/app.js", "ChunkLoadError at <url>"),
    ("TypeError at app.js:10:42", "TypeError at app.js:<n>:<n>"),
    ("timeout of 30000ms exceeded", "timeout of <n>ms exceeded"),
    ("Request failed with status code 502", "Request failed with status code <n>"),
    ("Failed to load module main.3f2a1b9c4d.js", "Failed to load module main.<hash>.js"),
    ("QuotaExceededError: 5.2MB of 5MB used (104%)", "QuotaExceededError: <n>MB of <n>MB used (<n>%)"),
    ("Hydration failed at step 2nd, then 3rd", "Hydration failed at step <n>, then <n>"),
    ("lodash@4.17.21 is not in this registry", "lodash@<n> is not in this registry"),
    # python
    ("<Upload object at 0x7f3c2a1b9d60> is closed", "<Upload object at <hash>> is closed"),
    ("invalid literal for int() with base 10: '12a'", "invalid literal for int() with base <n>: '<n>a'"),
    ("list index 5 out of range", "list index <n> out of range"),
    (
        'Traceback: File "/srv/app/jobs.py", line 218, in run',
        'Traceback: File "/srv/app/jobs.py", line <n>, in run',
    ),
    (
        "duplicate key value: Key (email)=(bob.o+x@example.co.uk) exists",
        "duplicate key value: Key (email)=(<email>) exists",
    ),
    ("could not convert string to float: '-1,234.56'", "could not convert string to float: '<n>'"),
    # network
    ("connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED <ip>:<n>"),
    ("connect EHOSTUNREACH ::ffff:10.0.0.7", "connect EHOSTUNREACH <ip>"),
    ("dial tcp [2001:db8::8a2e:370:7334]:443: i/o timeout", "dial tcp [<ip>]:<n>: i/o timeout"),
    ("no route to fe80::1ff:fe23:4567:890a%eth0", "no route to <ip>"),
    ("no route to 2001:0db8:85a3:0000:0000:8a2e:0370:7334", "no route to <ip>"),
    ("lost 00:1A:2B:3C:4D:5E", "lost <ip>"),
    ("getaddrinfo ENOTFOUND api.example.com", "getaddrinfo ENOTFOUND api.example.com"),
    ("GET http://user:pw@10.0.0.1:8080/a?b=c#d, giving up", "GET <url>, giving up"),
    ("could not reach postgres://app:secret@db:5432/main.", "could not reach <url>."),
    ("SSL: certificate expired on Jan 31 10:42:13 2024 GMT", "SSL: certificate expired on <date>"),
    ("fe80::1: unreachable", "<ip>: unreachable"),
    ("net::ERR_CONNECTION_RESET", "net::ERR_CONNECTION_RESET"),
    ("std::bad_alloc in Foo::bar", "std::bad_alloc in Foo::bar"),
    ("POST /slots/10/12/2024 failed", "POST /slots/<n>/<n>/<n> failed"),
    ("bad OID 1.2.3.4.5", "bad OID <n>"),
    # storage and media
    ("NoSuchKey: uploads/550e8400-e29b-41d4-a716-446655440000/raw.mov", "NoSuchKey: uploads/<uuid>/raw.mov"),
    ("media 550E8400E29B41D4A716446655440000 is gone", "media <uuid> is gone"),
    ("user_550e8400-e29b-41d4-a716-446655440000_thumb.png is gone", "user_<uuid>_thumb.png is gone"),
    ("account 12345678901234567890123456789012 is gone", "account <n> is gone"),
    ("media 01HN3XQ8Y2K4ZJ5W6V7T8S9R0P is gone", "media <hash> is gone"),
    ("SlowDown (RequestId: 4442587FB7D0A2F9)", "SlowDown (RequestId: <hash>)"),
    ("checksum d41d8cd98f00b204e9800998ecf8427e0a1b2c3d is wrong", "checksum <hash> is wrong"),
    ("xa1b2c3d is no hash, nor is an effaced decade", "xa<n>b<n>c<n>d is no hash, nor is an effaced decade"),
    ("ffmpeg exited with code -11 after 00:01:30.25", "ffmpeg exited with code <n> after <n>:<n>:<n>"),
    ("Got 1048576B, want 2097152B", "Got <n>B, want <n>B"),
    ("scale 1.5e-10 of 1.2.3-beta.4", "scale <n> of <n>-beta.<n>"),
    # times
    ("expired at 2024-01-31T10:42:13.123Z", "expired at <date>"),
    ("expired at 2024-01-31 10:42:13,123+02:00!", "expired at <date>!"),
    ("expired at 20240131T101112Z", "expired at <date>"),
    ("expired on 2024-01-31.", "expired on <date>."),
    ("expired on Mon, 02 Jan 2006 15:04:05 GMT; retry", "expired on <date>; retry"),
    (
        "expired on Wed Jan 31 2024 10:42:13 GMT+0100 (Central European Standard Time)",
        "expired on <date>",
    ),
    ("expired on 1/31/2024, 10:42:13 AM", "expired on <date>"),
    ("expired at 9:05 PM", "expired at <date>"),
    ("[31/Jan/2024:10:42:13 +0000] 504", "[<date>] <n>"),
    ("locked since March 3, 2024", "locked since <date>"),
    ("locked since 3 March 2024 at 10:42", "locked since <date>"),
    ("Marketing 12 may fail", "Marketing <n> may fail"),
    ("GET /2024/01/31/report", "GET /<n>/<n>/<n>/report"),
    # any language, any shape
    ("Загрузка файла 17 не удалась", "Загрузка файла <n> не удалась"),
    ("فشل رفع الملف ٦٨", "فشل رفع الملف <n>"),
    ("\n \r\n  first \t line 1 \n second line", "first line <n>"),
    ("", ""),
    (" \n\u2028 ", ""),
    ("\x00\ud800 5", "\x00\ud800 <n>"),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_normalise(message: str, expected: str) -> None:
    assert normalise(message) == expected


# Pieces that the patterns are made of meet here far more often than in random text.
PIECES = [*"a1f9-+.,:;/@%_<>()'\" \n\x00\ud800é٣²Z", "@x.co", "://", "1,2", "a.b", "0x", "Jan ", "10:42", " AM", "st"]
ANY_TEXT = st.text() | st.text(st.characters()) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(ANY_TEXT)
@example("1,234ab@x.co")
@example("a@b.co1http://x")
@example("a@b.co.@x.co")
@example("2024-01-01T00:00:00Za@b.co")
@example("1.5" + "a" * 32)
@example("1.5a::a")
@example("1.5effaced")
@example("1 " * 1000)
def test_normalise_settles_at_once_on_a_short_line_without_digits(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert len(once) <= 500
    assert len(once.splitlines()) <= 1
    assert not re.search(r"\d", once)


NUMBERS = (
    st.integers(-(10**12), 10**12).map(str)
    | st.integers(0, 10**12).map("{:,}".format)
    | st.decimals(-(10**6), 10**6, places=3).map("{:,}".format)
    | st.floats(1e-9, 1e9).map(repr)
)
DAYS = st.datetimes().map(lambda day: day.replace(year=2024))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
VARIABLES = {
    "n": NUMBERS,
    "email": st.from_regex(
        r"[a-z][a-zA-Z0-9_.+-]{0,20}[a-z0-9]@([a-z0-9-]{1,10}\.){1,3}(com|io|museum)", fullmatch=True
    ),
    "url": st.from_regex(r"(https?|wss|s3)://[a-z0-9.:@]{1,20}/[a-zA-Z0-9/?&=%#._-]{0,40}[a-z0-9]", fullmatch=True),
    "ip": st.ip_addresses().map(str).filter(lambda ip: any(c.isdigit() for c in ip)),
    "uuid": st.uuids().flatmap(lambda uuid: st.sampled_from([str(uuid), str(uuid).upper()])),
    "hash": st.binary(min_size=16).map(lambda data: hashlib.sha256(data).hexdigest()),
    "date": st.datetimes(timezones=ZONES).map(datetime.isoformat)
    | DAYS.map(str)
    | DAYS.map(lambda day: day.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | DAYS.map(lambda day: day.strftime("%Y-%m-%d"))
    | DAYS.map(lambda day: day.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")),
}
TEMPLATES = [
    "{} failed",
    "Upload of {} failed",
    "user '{}' (id={})",
    "[{}] {}: no file",
    'a "{}", b',
    "x/{}/y",
    "a\t{}",
]


@pytest.mark.parametrize("kind", VARIABLES)
@given(data=st.data(), template=st.sampled_from(TEMPLATES))
def test_messages_that_differ_in_a_variable_part_only_are_one_failure(
    kind: str, data: st.DataObject, template: str
) -> None:
    if kind == "url":
        template = template.replace("}/y", "} y")  # or the URL would not end there
    one, other = (template.replace("{}", data.draw(VARIABLES[kind])) for _ in range(2))
    assert normalise(one) == " ".join(template.replace("{}", f"<{kind}>").split())
    assert group("upload", one, None, None) == group("upload", other, None, None)


@given(st.integers(0, 10**12), st.sampled_from(["ms", "s", "MB", "B", "d", "%", "px", "KiB"]))
def test_a_number_keeps_its_unit_and_its_name(number: int, unit: str) -> None:
    assert normalise(f"took {number}{unit}") == f"took <n>{unit}"
    assert normalise(f"took {number:,}{unit}") == f"took <n>{unit}"
    assert normalise(f"customer{number} IMG_{number}.mov v{number}") == "customer<n> IMG_<n>.mov v<n>"


LETTERS = st.text(string.ascii_letters + "äßЖ中", min_size=1, max_size=12)


@given(LETTERS, LETTERS)
def test_messages_that_differ_in_a_word_are_different_failures(one: str, other: str) -> None:
    first, second = (group("upload", f"Upload {word} 5 failed", None, None) for word in (one, other))
    assert (first == second) == (one == other)


def test_a_long_variable_part_does_not_hide_the_words_behind_it() -> None:
    def failing(path: str, word: str) -> str:
        return group("upload", f"PUT https://bucket.example.com/{path} {word}", None, None).fingerprint

    assert failing("a" * 10, "denied") == failing("a" * 1500, "denied") != failing("a" * 1500, "timed out")


def test_the_default_groups_by_error_key_message_and_route() -> None:
    base = group("homework_proof", "Upload of IMG_1.mov failed", "/proofs", None)
    assert base == Grouping(
        fingerprint='v1[["report","homework_proof","Upload of IMG_<n>.mov failed","/proofs"]]',
        grouped_by='error_key homework_proof, error_message "Upload of IMG_<n>.mov failed", route_name /proofs',
    )
    others = [
        group("homework", "Upload of IMG_1.mov failed", "/proofs", None),
        group("homework_proof", "Download of IMG_1.mov failed", "/proofs", None),
        group("homework_proof", "Upload of IMG_1.mov failed", "/uploads", None),
        group("homework_proof", "Upload of IMG_1.mov failed", None, None),
        group("homework_proof", None, "/proofs", None),
        group("homework_proof", "/proofs", None, None),
        group("homework_proof", None, None, None),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == len(others) + 1


def test_what_is_absent_and_what_is_empty_are_equal() -> None:
    absent = group("upload", None, None, None)
    assert absent.grouped_by == "error_key upload"
    assert group("upload", "", "", []) == absent
    assert group("upload", " \n", " ", ()) == absent


@pytest.mark.parametrize(
    ("route_name", "expected"),
    [
        ("/proofs/68/files/IMG_2392.mov", "/proofs/<n>/files/IMG_<n>.mov"),
        ("/proofs/550e8400-e29b-41d4-a716-446655440000?tab=2#top", "/proofs/<uuid>"),
        ("/users/bob@example.com#x?y", "/users/<email>"),
        ("GET /proofs/{id}", "GET /proofs/{id}"),
        ("https://app.example.com/proofs/68?x", "https://app.example.com/proofs/<n>"),
        ("homework.proof.upload", "homework.proof.upload"),
        ("/2024/01/31", "/<n>/<n>/<n>"),
    ],
)
def test_a_route_loses_its_ids_query_and_fragment(route_name: str, expected: str) -> None:
    assert group("k", None, route_name, None).grouped_by == f"error_key k, route_name {expected}"
    assert group("k", None, route_name, None) == group("k", None, expected, None)


def test_an_explicit_fingerprint_replaces_the_default() -> None:
    explicit = group("checkout", "Card declined", "/pay", ["payment", "stripe 5"])
    assert explicit == Grouping('v1["payment","stripe 5"]', 'explicit fingerprint "payment", "stripe 5"')
    assert group("refund", "Timed out", None, ["payment", "stripe 5"]) == explicit
    assert group("checkout", "Card declined", "/pay", ["payment", "stripe 6"]) != explicit


@pytest.mark.parametrize("marker", ["{{ default }}", "{{default}}"])
def test_a_default_marker_stands_for_the_default(marker: str) -> None:
    default = group("checkout", "Card 5 declined", "/pay", None)
    assert group("checkout", "Card 7 declined", "/pay", [marker]) == default
    refined = group("checkout", "Card 7 declined", "/pay", [marker, "stripe"])
    assert refined.grouped_by == f'explicit fingerprint {default.grouped_by}, "stripe"'
    different = [
        default,
        group("checkout", "Card 7 declined", "/pay", ["stripe", marker]),
        group("checkout", "Card 7 lost", "/pay", [marker, "stripe"]),
        group("checkout", "Card 7 declined", "/pay", ["{{ other }}", "stripe"]),
        group("checkout", "Card 7 declined", "/pay", [json.dumps(json.loads(default.fingerprint[2:])[0]), "stripe"]),
    ]
    assert refined.fingerprint not in {grouping.fingerprint for grouping in different}
    assert group("checkout", "Card 8 declined", "/pay", ["{{ default }}", "stripe"]) == refined


PARTS = st.lists(st.text(st.sampled_from('ab",[]\\ \x00\ud83d\ude00😀'), max_size=4) | ANY_TEXT, min_size=1, max_size=4)


@given(PARTS, PARTS)
@example(["ab", "c"], ["a", "bc"])
@example(["a", "b"], ['a","b'])
@example(["\ud83d\ude00"], ["😀"])
@example(["\ud800"], ["\udfff"])
def test_different_parts_are_different_failures(one: list[str], other: list[str]) -> None:
    first, second = (group("k", "m", "r", parts).fingerprint for parts in (one, other))
    assert first.startswith("v1")
    assert (first == second) == (one == other)
    assert (incident_id("1", first) == incident_id("1", second)) == (one == other)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
@example("1", "2v1", "12", "v1")
@example('1","', "v1", "1", '","v1')
@example("1", "\ud83d\ude00", "1", "😀")
def test_an_incident_id_is_a_function_of_exactly_project_and_fingerprint(
    project: str, fingerprint: str, other_project: str, other_fingerprint: str
) -> None:
    one, other = incident_id(project, fingerprint), incident_id(other_project, other_fingerprint)
    assert re.fullmatch("[0-9a-f]{32}", one)
    assert (one == other) == ((project, fingerprint) == (other_project, other_fingerprint))


def test_ids_and_fingerprints_stay_as_they_were_released() -> None:
    """Were this to change, every known failure would start again as a new incident: raise VERSION instead."""
    known = group("homework_proof", "Upload of IMG_2392.mov failed", "/proofs/68", None)
    assert incident_id("1", known.fingerprint) == "0d1729b57b73bd916de7b95b14ea89e1"


@given(ANY_TEXT, st.none() | ANY_TEXT, st.none() | ANY_TEXT, st.none() | st.lists(ANY_TEXT | st.just("{{ default }}")))
@example("k" * 400, None, None, None)
@example("k", "\u202e5\x85\u200b", "/\x7f", None)
@example("k", None, None, ["a\nb" * 200])
def test_grouped_by_is_one_short_printable_line(
    error_key: str, message: str | None, route_name: str | None, fingerprint: list[str] | None
) -> None:
    grouped_by = group(error_key, message, route_name, fingerprint).grouped_by
    assert 0 < len(grouped_by) <= 300
    assert grouped_by.isprintable()


PLACES = [
    # content hashes, as bundlers write them
    ("app-3f9a1c2b.js", "app.js"),
    ("main.8c1d.chunk.js", "main.chunk.js"),
    ("main.8c1d2e3f4a5b6c7d.js", "main.js"),
    ("index-Bx9d_1aZ.js?v=123", "index.js"),
    ("index-Bx-d_1aZ.js", "index.js"),
    ("index.DkLmNqRs.js", "index.js"),
    ("main-QWXTRZLP.js", "main.js"),
    ("chunk-AB12CD34.mjs", "chunk.mjs"),
    ("vendors~main.3f9a1c2b.js", "vendors~main.js"),
    ("polyfills.abcdef12.es5.js", "polyfills.es5.js"),
    ("report-20240131.js", "report.js"),
    ("3f2a1b9c4d.js", "<hash>.js"),
    ("app-3f9a1c2b", "app"),
    # names that look like them
    ("page-settings.js", "page-settings.js"),
    ("user-profile2.js", "user-profile2.js"),
    ("index-userList.js", "index-userList.js"),
    ("order-v2-items.js", "order-v2-items.js"),
    ("x-new-item.js", "x-new-item.js"),
    ("shop-interface.js", "shop-interface.js"),
    ("gen_python.py", "gen_python.py"),
    ("0001_initial.py", "0001_initial.py"),
    ("face.js", "face.js"),
    ("app/v1/orders.py", "app/v1/orders.py"),
    # where it lies
    ("https://cdn.example.com/a/b/c/assets/app-3f9a1c2b.js?v=1#x", "c/assets/app.js"),
    ("http://127.0.0.1:9912/assets/app-4f9c2b1e.js", "assets/app.js"),
    ("webpack:///./src/x.ts", "src/x.ts"),
    ("webpack-internal:///./src/App.vue?1a2b", "src/App.vue"),
    ("app:///main.js", "main.js"),
    ("file:///srv/shop/app.js", "srv/shop/app.js"),
    ("../../src/x.ts", "src/x.ts"),
    (r"C:\app\shop\x.py", "app/shop/x.py"),
    ("/srv/releases/20240131/shop/orders/views.py", "shop/orders/views.py"),
    ("/usr/lib/python3.11/site-packages/django/core/x.py", "django/core/x.py"),
    (r"C:\Python\Lib\site-packages\flask\app.py", "flask/app.py"),
    ("/srv/node_modules/a/node_modules/lodash/map.js", "lodash/map.js"),
    # what is no file
    ("shop.orders.views", "shop.orders.views"),
    ("@sentry.core.build.cjs:currentScopes", "@sentry.core.build.cjs:currentScopes"),
    ("https://shop.example.com/orders/77", "orders/<n>"),
    ("https://shop.example.com/", ""),
    ("", ""),
    ("\ud800/é", "\ud800/é"),
]


@pytest.mark.parametrize(("place", "expected"), PLACES)
def test_a_place_is_the_same_in_every_build(place: str, expected: str) -> None:
    assert normalise_place(place) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("charge", "charge"),
        ("async window.run", "run"),
        ("Object.charge", "charge"),
        ("new Cart", "Cart"),
        ("Timeout._onTimeout", "Timeout._onTimeout"),
        ("Cart.charge", "Cart.charge"),
        ("Timeout.charge [as _onTimeout]", "charge"),
        ("Timeout.<anonymous> [as _onTimeout]", ""),
        ("<module>", "<module>"),
        ("e", "e"),
        *(
            (name, "")
            for name in ("?", "<anonymous>", "<lambda>", "Server.?", "Object.<anonymous>", "f.<locals>.<lambda>")
        ),
        *((name, "") for name in ("", " ", "anonymous", "<listcomp>", "async ?")),
    ],
)
def test_a_function_is_named_or_it_is_not(function: str, expected: str) -> None:
    assert normalise_function(function) == expected


def test_an_exception_groups_by_type_and_place() -> None:
    base = group_exception("ValueError", "no user 5", Where("shop/orders.py", "load"), None)
    assert base == Grouping(
        fingerprint='v1[["exception","ValueError","shop/orders.py","load",""]]',
        grouped_by="type ValueError, function load, in shop/orders.py",
    )
    assert group_exception("ValueError", "quite another text", Where("shop/orders.py", "load", "run"), None) == base
    assert group_exception("ValueError", None, Where("shop\\orders.py", "async load"), []) == base
    others = [
        group_exception("KeyError", "no user 5", Where("shop/orders.py", "load"), None),
        group_exception("ValueError", "no user 5", Where("shop/users.py", "load"), None),
        group_exception("ValueError", "no user 5", Where("shop/orders.py", "save"), None),
        group_exception("ValueError", "no user 5", None, None),
        group_message("ValueError", "no user 5", None),
        group("ValueError", "no user 5", None, None),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == len(others) + 1


def test_what_has_no_name_goes_by_its_caller_or_else_its_message() -> None:
    def grouped(value: str, function: str | None, caller: str | None) -> Grouping:
        return group_exception("E", value, Where("a.js", function, caller), None)

    assert grouped("boom 5", "?", "run").grouped_by == "type E, function run > <anonymous>, in a.js"
    assert grouped("boom 5", "?", "run") == grouped("other", "<lambda>", "Object.run") != grouped("", "run", None)
    assert grouped("boom 5", "?", None).grouped_by == 'type E, in a.js, message "boom <n>"'
    assert grouped("boom 5", None, None) == grouped("boom 6", "?", None) != grouped("other", "?", None)
    assert group_exception("E", "boom 5\nmore", None, None).grouped_by == 'type E, message "boom <n>"'
    assert group_exception("E", None, None, None).grouped_by == "type E"
    assert group_exception("E", "boom 5", Where("https://a.example/", "f"), None).grouped_by == (
        'type E, function f, message "boom <n>"'
    )


def test_a_message_groups_by_logger_and_template() -> None:
    base = group_message("shop", "order %s of user 5 failed", None)
    assert base == Grouping(
        fingerprint='v1[["message","shop","order %s of user <n> failed"]]',
        grouped_by='logger shop, message "order %s of user <n> failed"',
    )
    assert group_message("shop", "order %s of user 6 failed\nmore", None) == base
    assert group_message("media", "order %s of user 5 failed", None) != base
    assert group_message(None, "disk full", None).grouped_by == 'message "disk full"'
    assert group_message(None, None, None) == group_message("", " ", [])


@pytest.mark.parametrize("marker", ["{{ default }}", "{{default}}"])
def test_a_default_marker_stands_for_the_default_of_each_kind(marker: str) -> None:
    raised, said = Where("a.py", "f"), "order failed"
    for default, refined in (
        (group_exception("E", None, raised, None), group_exception("E", "v", raised, [marker, "x"])),
        (group_message("shop", said, [marker]), group_message("shop", said, [marker, "x"])),
    ):
        assert refined.grouped_by == f'explicit fingerprint {default.grouped_by}, "x"'
        assert refined.fingerprint == f'v1[{default.fingerprint[3:-1]},"x"]'
    assert group_exception("E", "v", raised, ["x"]) == group_message("shop", said, ["x"]) == group("k", "m", "r", ["x"])


def test_what_groups_exceptions_and_messages_stays_as_it_was_released() -> None:
    """Were this to change, every known failure would start again as a new incident: raise VERSION instead."""
    raised = group_exception("ValueError", "no user 5", Where("https://a.example/assets/app-3f9a1c2b.js", "load"), None)
    assert incident_id("1", raised.fingerprint) == "e53de8867bcc46063c33d7b8caed9880"
    said = group_message("shop", "order %s of user 5 failed", None)
    assert incident_id("1", said.fingerprint) == "7644e043951518271f56e4d38161b158"


@given(ANY_TEXT, st.none() | ANY_TEXT, ANY_TEXT, st.none() | ANY_TEXT, st.none() | ANY_TEXT)
def test_any_exception_groups_alike_twice(
    type_: str, value: str | None, place: str, function: str | None, caller: str | None
) -> None:
    where = Where(place, function, caller)
    grouping = group_exception(type_, value, where, None)
    assert grouping == group_exception(type_, value, where, None)
    assert grouping.grouped_by.isprintable()
    assert len(grouping.grouped_by) <= 300
    assert incident_id("1", grouping.fingerprint)
    assert normalise_place(place).count("/") <= 2


HOSTILE = [
    *("a", "1", "1 ", "a1", "é", "\x00", "\ud800", "\n", " ", "\u2028", "<", "<n>", "x\n", "_1", "/", "?"),
    *("@", "a@", "a@b.", "a@b.c", "a@b.co ", "@a.", "://", "a://", "a://,", "http://", "h://a,", "%", "+-"),
    *("f", "f1", "deadbee1", "deadbee1g", "0x", "0xf", "a-", "12345678-1234-", "a1b2c3", "a1b2c3d4e5f6g7h8i9j0k "),
    *(":", "1:", "::", "1::", "f::1", "1:2:3:4:5:6:7:", "1.", "1.1.1.1", "1.1.1.1 ", "::1%a", "1eff:"),
    *("2024-01-01", "2024-01-01 10:00 (A", "2024-01-01 10:00:00.", "Mon ", "Jan 1, ", "1/1/2024", "10:42 AM "),
    *("1e1", "1e+", "1stx", "1,", "10:1:", "a1A1:"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_costs_no_more_than_any_other(piece: str) -> None:
    for text in (piece * (16_384 // len(piece)), "a" + piece * (16_383 // len(piece)), piece * 8000 + "!"):
        started = process_time()
        normalise(text)
        assert process_time() - started <= 0.050
        started = process_time()
        group("k", text, text, [text, "{{ default }}"])
        assert process_time() - started <= 0.050


@pytest.mark.parametrize(
    "piece", [*HOSTILE, "-", "-f", "f-1", "a1-", "\\", "C:", "blob:", ".js", ".chunk", "aB", "node_modules/"]
)
def test_hostile_places_cost_no_more_than_any_other(piece: str) -> None:
    for text in (piece * (16_384 // len(piece)), "a" + piece * (16_383 // len(piece)), piece * 8000 + ".js"):
        started = process_time()
        group_exception(text, text, Where(text, text, text), [text, "{{ default }}"])
        group_message(text, text, None)
        assert process_time() - started <= 0.050
