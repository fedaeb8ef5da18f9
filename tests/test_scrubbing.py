"""Secrets go, look-alikes stay, whatever surrounds them; and no text is slow."""

import copy
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.scrubbing import SCRUBBED, scrub, scrub_text

SECRET_NAMES = str.split("""
    password Password PASSWORD pass passwd pwd user_password dbPassword DB_PASS userpassword password_hash newPassword2
    passWord mysql_pwd passphrase passcode secret client_secret clientSecret AWS_SECRET_ACCESS_KEY secrets secretKey
    token tokens accessToken refresh_token id_token authToken X-Auth-Token csrfmiddlewaretoken sessiontoken PAGE_TOKEN
    api_key apikey api-key apiKey APIKey APIKEY API_KEY X-API-Key x.api.key user%5Bapi_key%5D user%5Bpin%5D
    aws_access_key_id
    authorization Authorization Proxy-Authorization HTTP_AUTHORIZATION auth X-Sentry-Auth cookie Cookie set-cookie
    HTTP_COOKIE cookies session_id sessionId sessionid PHPSESSID JSESSIONID connect_sessid sid credential credentials
    X-Amz-Credential private_key privateKey ssh_key signing-key csrf csrf_token XSRF-TOKEN otp OTP otp_code totp pin PIN
    user_pin pinCode cvv cvc cvv2 cardCvc security_code ssn card_number cardNumber card-no credit_card creditCardNumber
    X-Amz-Signature signature sig jwt bearer code_verifier backup_codes recoveryCode
""")

INNOCENT_NAMES = str.split("""
    author authors authenticated auth_provider oauth tokenizer tokenizer_version passenger passengers password_strength
    compass bypass was_bypassed bypass_reason bypasses pass_rate passed keyboard key keys error_key monkey public_key
    idempotency idempotency_key Idempotency-Key X-Ingest-Key token_count tokenCount token_type token_expires_at
    cookie_consent cookies_enabled secretary secretariat secret_name pinned pins pinterest pin_location spin opinion
    mapping shipping session session_count sessions sidebar inside design assign code promo_code status_code zip_code
    card_type credit_card_brand discard accessibility event_id user_id correlation_id name value email ip_address
    TokenExpiredError password_changed_at class_name assess_id user%5Btoken_count%5D
""")

# Each of these spells the same secret for `test_no_surroundings_hide_a_secret`.
HIDDEN = "hunter2Hunter2"
FORMS = [
    f"password={HIDDEN}",
    f"Password: {HIDDEN}",
    f'{{"password": "{HIDDEN}"}}',
    f'{{"user": "bob", "api_key" : "{HIDDEN}", "x": 1}}',
    f"{{'password': '{HIDDEN}'}}",
    f'{{\\"password\\":\\"{HIDDEN}\\"}}',
    f"https://example.com/?a=b&access_token={HIDDEN}&c=d",
    f"postgres://bob:{HIDDEN}@db.example.com/x",
    f"Authorization: Bearer {HIDDEN}",
    f"Bearer {HIDDEN}",
    f"Cookie: a=b; sessionid={HIDDEN}",
    f"ghp_{HIDDEN * 3}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{HIDDEN}",
    f"-----BEGIN PRIVATE KEY-----\n{HIDDEN}\n-----END PRIVATE KEY-----",
]

SECRET_TEXTS = [
    # name=value, in the ways that logs, forms, shells, programs and query strings write it
    ("password=hunter2", "password=[scrubbed]"),
    ("login failed, Password: hunter2 was refused", "login failed, Password: [scrubbed] was refused"),
    ("Server=x;Password=hunter2;Database=y", "Server=x;Password=[scrubbed];Database=y"),
    ("a=1&password=hunter2&b=2", "a=1&password=[scrubbed]&b=2"),
    ("user[password]=hunter2&b=2", "user[password]=[scrubbed]&b=2"),
    ("user%5Bpassword%5D=hunter2&b=2", "user%5Bpassword%5D=[scrubbed]&b=2"),
    ("/login?next=%2Fcb%3Ftoken%3Dhunter2", "/login?next=%2Fcb%3Ftoken%3D[scrubbed]"),
    ("/login?next=%252Fcb%253Ftoken%253Dhunter2", "/login?next=%252Fcb%253Ftoken%253D[scrubbed]"),
    ("/cb%3Ftoken%3Dhunter2", "/cb%3Ftoken%3D[scrubbed]"),
    ("50%password=hunter2", "50%password=[scrubbed]"),
    ("https://s3.example.com/k?X-Amz-Date=1&X-Amz-Signature=0a1b", "https://s3.example.com/k?X-Amz-Date=1&X-Amz-Signature=[scrubbed]"),
    ("https://x.example.com/?sig=0a1b&page=2", "https://x.example.com/?sig=[scrubbed]&page=2"),
    ("https://x.example.com/?signature=0a1b#top", "https://x.example.com/?signature=[scrubbed]"),
    ("export DB_PASS=hunter2", "export DB_PASS=[scrubbed]"),
    ('const token = "hunter 2";', 'const token = "[scrubbed]";'),
    ("token := `hunter 2`", "token := `[scrubbed]`"),
    ('{:user=>"bob", "password"=>"hunter2"}', '{:user=>"bob", "password"=>"[scrubbed]"}'),
    ('$_POST["password"] = "hunter2"', '$_POST["password"] = "[scrubbed]"'),
    ("password=p,w(hunter2", "password=[scrubbed]"),
    ("password=[x]hunter2", "password=[scrubbed]"),
    ("Incorrect API key: hunter2.", "Incorrect API key: [scrubbed]"),
    ("card number: 1234", "card number: [scrubbed]"),
    ("otp:123456", "otp:[scrubbed]"),
    ("password: null, token: hunter2", "password: null, token: [scrubbed]"),
    ("pin: 12\nname: x", "pin: [scrubbed]\nname: x"),
    ("password: 'hunter2", "password: '[scrubbed]"),
    ('password: "hunter2\nb: "c"', 'password: "[scrubbed]\nb: "c"'),
    # JSON and literals inside text
    ('{"password": "hunter2", "a": 1}', '{"password": "[scrubbed]", "a": 1}'),
    ('{"password":"hun\\"ter2","a":1}', '{"password":"[scrubbed]","a":1}'),
    ('{"pin": 1234, "a": 1}', '{"pin": "[scrubbed]", "a": 1}'),
    ('{"pin": 1234}', '{"pin": "[scrubbed]"}'),
    ('{"tokens": ["a", {"b": "]"}], "c": 1}', '{"tokens": "[scrubbed]", "c": 1}'),
    ('{"tokens": ["a", {"b": ', '{"tokens": "[scrubbed]"'),
    ("{'password': u'hunter2', 'a': b'c'}", "{'password': u'[scrubbed]', 'a': b'c'}"),
    (r"{\"password\":\"hunter2\",\"a\":1}", r"{\"password\":\"[scrubbed]\",\"a\":1}"),
    (r"{\\\"password\\\":\\\"hun\\\\\\\"ter2\\\",\\\"a\\\":1}", r"{\\\"password\\\":\\\"[scrubbed]\\\",\\\"a\\\":1}"),
    (r'"password=hunter2\nname=x"', r'"password=[scrubbed]\nname=x"'),
    # headers
    ("Authorization: Bearer hunter2", "Authorization: [scrubbed]"),
    ("curl -H 'Authorization: Basic aHVudGVyMg==' https://x", "curl -H 'Authorization: [scrubbed]' https://x"),
    ('Authorization: Digest username="bob", response="hunter2"\r\nA: b', "Authorization: [scrubbed]\r\nA: b"),
    ("Cookie: a=hunter2; b=hunter2\nA: b", "Cookie: [scrubbed]\nA: b"),
    ('Set-Cookie: a="hunter2"; Path=/; HttpOnly', "Set-Cookie: [scrubbed]"),
    ("sent Bearer hunter2 twice", "sent Bearer [scrubbed] twice"),
    ("bearer token-1|hunter", "bearer [scrubbed]"),
    ("Basic aHVudGVyMg==", "Basic [scrubbed]"),
    ("BASIC dXNlcjpwYXNz", "BASIC [scrubbed]"),
    ("Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", "Token [scrubbed]"),
    ('Cookie: a="hunter2\nb: "c"', 'Cookie: [scrubbed]\nb: "c"'),
    # credentials in URLs
    ("postgres://bob:hunter2@db:5432/x", "postgres://[scrubbed]@db:5432/x"),
    ("redis://:hunter2@cache", "redis://[scrubbed]@cache"),
    ("https://bob:hun@ter2@x.com/?a=b@c", "https://[scrubbed]@x.com/?a=b@c"),
    (r"https:\/\/bob:hunter2@x.com", r"https:\/\/[scrubbed]@x.com"),
    ("https://c0ffee00c0ffee00@x.com/1", "https://[scrubbed]@x.com/1"),
    ("https://0123456789abcdef:@x.com/1", "https://[scrubbed]@x.com/1"),
    # shapes
    ("key AKIAIOSFODNN7EXAMPLE.", "key [scrubbed]."),
    ("ASIAIOSFODNN7EXAMPLE", "[scrubbed]"),
    *((f"x gh{kind}_abcdefghijklmnopqrstuvwxyz0123456789", "x [scrubbed]") for kind in "pousr"),
    ("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "[scrubbed]"),
    ("glpat-abcdefghij0123456789", "[scrubbed]"),
    ("xoxb-123456789012-abcdefghijkl", "[scrubbed]"),
    ("sk_live_abcdefghijklmnop", "[scrubbed]"),
    ("rk_test_abcdefghijklmnop", "[scrubbed]"),
    ("whsec_abcdefghijklmnop+/==", "[scrubbed]"),
    ("AIzaSyA-abcdefghijklmnopqrstuvwxyz01234", "[scrubbed]"),
    ("npm_abcdefghijklmnopqrstuvwxyz0123456789", "[scrubbed]"),
    ("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", "[scrubbed]"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP.", "jwt [scrubbed]."),
    ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "[scrubbed]."),
    ("eyJhbGciOiJSU0EifQ.a.b.c.d", "[scrubbed]"),
    ("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a [scrubbed] b"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nMIIE", "[scrubbed]"),
    # card numbers among other things
    ("card 4111 1111 1111 1111 12/27", "card [scrubbed] 12/27"),
    ("4111-1111-1111-1111", "[scrubbed]"),
    ("4111 - 1111 - 1111 - 1111", "[scrubbed]"),
    ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[scrubbed]"),
    ("4111111111111111 5555555555554444 12", "[scrubbed] [scrubbed] 12"),
    ("no. 12 4111111111111111", "no. 12 [scrubbed]"),
    ("card4111111111111111x", "card[scrubbed]x"),
    ("4242 4242 4242 4242 4242", "[scrubbed] 4242"),
    ("4000 0000 0000 0000 006 12", "[scrubbed] 12"),
    ("abcdefabcdefabcd4111111111111111x", "abcdefabcdefabcd[scrubbed]x"),
    ("q=my+card+4111111111111111", "q=my+card+[scrubbed]"),
    ("<b>3782 822463 10005</b>", "<b>[scrubbed]</b>"),
    # one secret behind another
    ("://pin=a/b,c=d@e", "://[scrubbed]@e"),
    ("password=x4111111111111111", "password=[scrubbed]"),
]  # fmt: skip

CARDS = str.split("""
    4111111111111111 4012888888881881 4222222222222 4000000000000000006 5555555555554444 5105105105105100
    2223003122003222 2720992718889754 378282246310005 371449635398431 30569309025904 38520000023237 36227206271667
    3056930009020004 3530111333300000 3566002020360505 6011111111111117 6500000000000002 6445644564456445
    6200000000000005 6205500000000000004 6759649826438453 6304000000000000 2200000000000004 5085000000000007
    6071000000000001
""")

INNOCENT_TEXTS = [
    "Upload of IMG_2392.mov failed: 413 Payload Too Large",
    "Error at put (https://cdn.example.com/npm/react@18.2.0/main.3f2a.js:12:345)",
    "https://x.example.com/a?page=2&code=200&key=abc&next=%2Fhome%3Ftab%3D2",
    "https://medium.com/@bob ssh://git@github.com/a.git mongodb://bob@db/x",
    "bob@example.com from 10.0.0.1 and [::1]:8000",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0",
    "error_key: INVALID_PASSWORD, token_count=5, author: bob, passenger: 7",
    "was_bypassed=true bypass_reason: beta",
    "TokenExpiredError: jwt expired",
    "Token::new(x) Auth::Token::Invalid",
    "Unexpected token < in JSON at position 0",
    "Unexpected token export",
    "the token expired, no password given",
    "token: null, password=&user=bob, secret: undefined; otp=false",
    "password:",
    "the password:\n    at login (x.js:1)",
    '{"token": null, "password": ""}',
    "Bearer token missing",
    'WWW-Authenticate: Bearer realm="x"',
    "Basic plan customers, basic authentication",
    "task_live_streaming disk_test_suite npm_config_registry SG.org AKIA AIza",
    "ABAKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLEAB",
    "eyJhbGciOiJIUzI1NiJ9 is a header, eyJ.x is none",
    "-----BEGIN CERTIFICATE----- MIIE -----END CERTIFICATE-----",
    "2026-01-25T08:15:30.123Z 2026-01-25 08:15:30 20260125081530",
    "1769328930123 1769328930123456 1769328930123456789",
    "order 4111111111111112, order 1234567890123456, order 9999999999999995",
    "+1 415 555 2671, 415-555-2671 415-555-2672, +4915123456787, +341512345678900",
    "0.5105105105105100 and 52.4111111111111111",
    "41111111111111110000, 4242 42 4242 4242 42 9999",
    "550e8400-e29b-41d4-a716-446655440000 41111111-1111-1111-8111-111111111111",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "a4111111111111111000000000000000 4111111111111111a0000000",
    "4111",
    "[scrubbed]",
    "",
    "\x00 \ud800",
]

ANY_TEXT = st.text(st.characters())
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
    max_leaves=20,
)
# Text made of what the scrubber reacts to, so that one rule's secret is met inside another's.
PIECES = [
    *("a", "x1", "=", ":", " ", '"', "'", "\\", '\\"', "[", "]", "{", "}", ",", ";", "&", "%", "%3D", "\n", "+", "@"),
    *("password", "token ", "pin", "api ", "key", "author", "cookie: ", "bearer ", "Basic ", "://", "eyJ", ".eyJa.b"),
    *("/", "ghp_", "AKIA", "sk_live_", "-----BEGIN PRIVATE KEY-----", "4111111111111111", "4111 "),
    *("-", SCRUBBED, "null"),
]  # fmt: skip
TRICKY_TEXT = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
TRICKY_JSON = st.recursive(
    TRICKY_TEXT | st.sampled_from([4111111111111111, 4111111111111111.0, True, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_value_of_a_secret_name_goes_from_objects_and_from_text(name: str) -> None:
    assert scrub({name: "hunter2"}) == {name: SCRUBBED}
    assert scrub_text(f"{name}=hunter2") == f"{name}={SCRUBBED}"


@pytest.mark.parametrize("name", INNOCENT_NAMES)
def test_the_value_of_an_innocent_name_stays(name: str) -> None:
    assert scrub({name: "hunter2"}) == {name: "hunter2"}
    assert scrub_text(f"{name}=hunter2") == f"{name}=hunter2"


@pytest.mark.parametrize("value", ["", "x", 0, 1.5, [], ["x"], {}, {"a": "b"}, [None]])
def test_anything_under_a_secret_name_goes_whole(value: object) -> None:
    assert scrub({"password": value}) == {"password": SCRUBBED}


@pytest.mark.parametrize("value", [True, False, None])
def test_booleans_and_null_hide_nothing(value: object) -> None:
    assert scrub({"password": value, "headers": [["Cookie", value]]}) == {
        "password": value,
        "headers": [["Cookie", value]],
    }


def test_headers_and_form_fields_as_lists() -> None:
    report = {
        "headers": [["Cookie", "a=b"], ["X-Api-Key", ["x"]], ["Accept", "*/*"], ["cookie"]],
        "fields": [{"name": "password", "value": "x"}, {"key": "otp", "value": 1}, {"name": "city", "value": "x"}],
        "missing": ["password", "email"],
    }
    assert scrub(report) == {
        "headers": [["Cookie", SCRUBBED], ["X-Api-Key", SCRUBBED], ["Accept", "*/*"], ["cookie"]],
        "fields": [
            {"name": "password", "value": SCRUBBED},
            {"key": "otp", "value": SCRUBBED},
            {"name": "city", "value": "x"},
        ],
        "missing": ["password", "email"],
    }


@pytest.mark.parametrize(("text", "scrubbed"), SECRET_TEXTS)
def test_secrets_go_from_text_and_nothing_else_does(text: str, scrubbed: str) -> None:
    assert scrub_text(text) == scrubbed
    assert scrub_text(scrubbed) == scrubbed


@pytest.mark.parametrize("text", INNOCENT_TEXTS)
def test_innocent_text_stays(text: str) -> None:
    assert scrub_text(text) == text


@pytest.mark.parametrize("card", CARDS)
def test_cards_go_as_text_and_as_number(card: str) -> None:
    assert scrub({"a": card, "b": int(card), "c": [f"x {card[:4]} {card[4:8]} {card[8:]} y"]}) == {
        "a": SCRUBBED,
        "b": SCRUBBED,
        "c": [f"x {SCRUBBED} y"],
    }
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert scrub([wrong, int(wrong)]) == [wrong, int(wrong)]


def test_a_card_written_as_a_decimal_goes() -> None:
    assert scrub(json.loads("[4111111111111111.0, 4.111111111111111e15]")) == [SCRUBBED, SCRUBBED]


@pytest.mark.parametrize("number", [1769328930123, 10**300, -4111111111111111, 1e308, float("inf"), 0, 734003200])
def test_other_numbers_stay(number: float) -> None:
    assert scrub([number]) == [number]


def test_secrets_in_keys_go_and_no_entry_is_lost() -> None:
    entries = {"4111111111111111": 1, "5555555555554444": 2, "[scrubbed] 2": 3, "a": 4, "token=count": "y"}
    once = scrub(entries)
    assert once == {SCRUBBED: 1, "[scrubbed] 2": 2, "[scrubbed] 3": 3, "a": 4, f"token={SCRUBBED}": SCRUBBED}
    assert scrub(once) == once


def test_many_equal_keys_take_linear_time() -> None:
    cards = {f"token={number}": 1 for number in range(20_000)}
    planted = {f"{SCRUBBED} {number}": 1 for number in range(10_000, 30_000)}
    start = time.process_time()
    scrubbed = scrub({**planted, **cards})
    assert time.process_time() - start < 5
    assert isinstance(scrubbed, dict)
    assert len(scrubbed) == 40_000


def test_depth() -> None:
    value: object = {"password": "hunter2"}
    for _ in range(100):
        value = [{"a": value}]
    assert "hunter2" not in json.dumps(scrub(value))
    for _ in range(100_000):
        value = [value]
    assert scrub(value) == SCRUBBED


def test_a_text_that_keeps_changing_goes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.scrubbing._MOST_PASSES", 1)
    assert scrub_text("a ://pin=a/b,c=d@e") == SCRUBBED
    assert scrub_text("a") == "a"


def test_a_long_name_takes_linear_time() -> None:
    start = time.process_time()
    scrub({"ssna" + "_a" * 500_000: 1})
    assert time.process_time() - start < 3


@given(st.uuids(), st.binary(min_size=20, max_size=20), st.integers(10**12, 2 * 10**12 - 1))
def test_ids_hashes_and_times_stay(uuid: object, digest: bytes, milliseconds: int) -> None:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    text = f"{uuid} {digest.hex()} {moment.isoformat()} at={moment} {milliseconds}"
    assert scrub([text, milliseconds, milliseconds * 1000]) == [text, milliseconds, milliseconds * 1000]


@given(ANY_JSON | TRICKY_JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_keeps_its_shape_and_a_second_scrub_changes_nothing(value: object) -> None:
    before = copy.deepcopy(value)
    once = scrub(value)
    assert repr(value) == repr(before)
    assert repr(scrub(once)) == repr(once)
    assert_same_shape(value, once)


def assert_same_shape(value: object, scrubbed: object) -> None:
    if scrubbed == SCRUBBED:
        return
    assert type(value) is type(scrubbed)
    if isinstance(value, dict) and isinstance(scrubbed, dict):
        assert len(value) == len(scrubbed)
        for inner, scrubbed_inner in zip(value.values(), scrubbed.values(), strict=True):
            assert_same_shape(inner, scrubbed_inner)
    elif isinstance(value, list) and isinstance(scrubbed, list):
        for inner, scrubbed_inner in zip(value, scrubbed, strict=True):
            assert_same_shape(inner, scrubbed_inner)


@st.composite
def planted(draw: st.DrawFn) -> object:
    """JSON with the secret somewhere in it, under a secret name or in a text."""
    if draw(st.booleans()):
        value: object = {draw(st.sampled_from(SECRET_NAMES)): draw(st.sampled_from([HIDDEN, [HIDDEN], {"a": HIDDEN}]))}
    else:
        around = st.tuples(TRICKY_TEXT | ANY_TEXT, TRICKY_TEXT | ANY_TEXT)
        before, after = draw(around)
        value = f"{before}\n{draw(st.sampled_from(FORMS))} {after}"
    for _ in range(draw(st.integers(0, 5))):
        siblings = draw(st.lists(TRICKY_TEXT, max_size=2))
        wrappings = [[*siblings, value], [value, *siblings], {"a": value, "b": siblings}, {"headers": [["a", value]]}]
        if isinstance(value, str):
            wrappings.append({value: siblings})
        value = draw(st.sampled_from(wrappings))
    return value


@given(planted())
@settings(max_examples=500, deadline=None)
def test_no_surroundings_hide_a_secret(value: object) -> None:
    assert HIDDEN in json.dumps(value)
    assert HIDDEN not in json.dumps(scrub(value))


# What each pattern could stumble over when it is repeated for 16 KB, alone and after a text that wakes every rule.
WAKING = "pass:token bearer x basic eyJ @ AKIA PRIVATE KEY 4111111111111112 "
REPEATED = [
    *("a", "aB", "a_", "a ", "A", "é", "İ", "\ud800", "\x00", "\n", "\t", " ", "-", "%", "%25", "%41", "%3D", "a%3D"),
    *("=", ":", "::", "=>", "a=", "a:", "a=b ", "abc:", "abc ", "abcdefghij ", '"a":"b",', "a" + " " * 50, SCRUBBED),
    *("[", "{", "]", '"', "'", "`", "\\", '\\"', "\\\\\\'", ",", "(", "<"),
    *("password", "password=", "password:", "password: ", "password: null,", "password:\n", 'password="', "password='"),
    *("password=[", "password={", "password=,ab", 'password="[', "password=[]", "password=,", "password=("),
    *("password=x<a", "password=\\", 'password="\\', 'password=\\"', 'password="a\nb'),
    *("password=[scrubbed", "token::", "token=a,b,", "pin=", "API key: ", "x y:"),
    *("user[password]=1&", '"password":', '"password":{', '"tokens":["a",'),
    *("Cookie: ", "cookie=a;", 'cookie: a="b', 'cookie:="', "authorization: a ", 'authorization=a="', "=\"'"),
    *("bearer ", "bearer a", "Bearer x1 ", "bearer auth", "basic ", "basic a", "Basic aB", "token ", "token a"),
    *("token-", "://", "://a", "://a@", "://a:b@", "@", "a@", "https://a@b/", ":\\/\\/a@"),
    *("eyJ", "eyJ.", "eyJ.a", "eyJ.a.b", "eyJa.eyJ", "eyJ.eyJ.a."),
    *("AKIA", "ghp_", "github_pat_", "glpat-", "xoxb-", "sk_live_", "rk_test_", "whsec_", "AIza", "npm_", "SG."),
    *("SG." + "a" * 64, "SG." + "a" * 16 + ".", "-----BEGIN ", "-----BEGIN " + "A" * 40, "-----END ", "PRIVATE KEY"),
    *("-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----END ", "-----BEGIN PRIVATE KEY----------END PRIVATE KEY"),
    *("4", "4 ", "4   ", "44 ", "444 ", "4444 ", "4444-", "4444444444444444 ", "4222222222222 ", "4111111111111 1 "),
    *("4111111111111111", "4111111111111111 ", "4111 1111 1111 1111 ", "4111-1111-1111-1112 ", "6 ", "62 ", "3600 "),
    *("a4", "+4", "+4111111111111 ", "0.4", "0.4111111111111111 ", "a1f4111111111111", "deadbeef-", "12345678-1234-"),
]  # fmt: skip
VARIED = {
    "names": "".join(f"{number:x}a=" for number in range(4_000)),
    "camel names": "".join(f"a{number:b}B{number:x}C=".translate({48: "x", 49: "Y"}) for number in range(1_000)),
    "card starts": "".join(f"4{number * 7919 % 1000:03d} " for number in range(4_000)),
    "hashes": "".join(f"{number * 0x9E3779B97F4A7C15 % 2**128:032x} " for number in range(1, 600)),
    "long userinfo": "://" + "a" * 16_000 + "@",
    "long name": "a_" * 8_000 + "password=x",
    "deep container": "tokens: " + "[" * 8_000 + "]" * 8_000,
    "long pem": "-----BEGIN PRIVATE KEY-----" + "-----END A" * 1_500,
}
HOSTILE = {
    **{f"{unit!r}{' after all' * bool(start)}": start + unit * 16_384 for unit in REPEATED for start in ("", WAKING)},
    **{f"{name}{' after all' * bool(start)}": start + text for name, text in VARIED.items() for start in ("", WAKING)},
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_of_16_kb_takes_more_than_50_ms(text: str) -> None:
    text = text[: 16 * 1024]
    # Once in five tries will do: other processes may be on the same core.
    assert any(seconds_to_scrub(text) <= 0.050 for _ in range(5))


def seconds_to_scrub(text: str) -> float:
    start = time.process_time()
    scrub_text(text)
    return time.process_time() - start
