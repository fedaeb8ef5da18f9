"""Credentials: the key of a project, wherever an SDK puts it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.sentry import credentials
from chalicelib.sentry.credentials import Credentials

KEY = "c0ffee00c0ffee00c0ffee00c0ffee00"
OTHER = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "header",
    [
        f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0",
        f"Sentry sentry_version=7, sentry_client=raven-js/3.0, sentry_key={KEY}",
        f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0, sentry_secret=legacysecret",
        f"Sentry sentry_secret={OTHER},sentry_key={KEY},sentry_timestamp=1582641414.4",
        f"sentry SENTRY_KEY={KEY}",
        f"  Sentry   sentry_key =  {KEY} ,sentry_version=7",
        f'Sentry sentry_key="{KEY}", sentry_version="7"',
        f"Sentry sentry_key='{KEY}'",
        f"Sentry sentry_version=7;sentry_key={KEY};",
        f"Sentry\tsentry_version=7\tsentry_key={KEY}",
        f"Sentry,sentry_key={KEY}",
        f"sentry_key={KEY}",
        f"Sentry sentry_key=,sentry_key={KEY}",
    ],
)
def test_a_header_is_read_forgivingly(header: str) -> None:
    assert credentials.find(header, None, None, None) == Credentials(KEY, None)
    assert credentials.find(None, header, None, None) == Credentials(KEY, None)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Sentry",
        "Sentry sentry_version=7",
        "Sentry sentry_key",
        "Sentry sentry_key=",
        'Sentry sentry_key=""',
        "Sentry sentry_key= , sentry_version=7",
        f"Sentry {KEY}",
        f"Sentry sentry_secret={KEY}",
        f"Sentry not_sentry_key={KEY}",
        f"Sentry x-sentry_key={KEY}",
        f"Bearer {KEY}",
    ],
)
def test_a_header_without_a_key_shows_none(header: str) -> None:
    assert credentials.find(header, header, None, None) is None
    assert credentials.find(header, header, KEY, None) == Credentials(KEY, None)


@pytest.mark.parametrize(
    ("dsn", "project_id"),
    [
        (f"https://{KEY}@hub.example.com/1", "1"),
        (f"http://{KEY}@localhost:8000/42", "42"),
        (f"https://{KEY}:legacysecret@hub.example.com/42", "42"),
        (f"https://{KEY}:@hub.example.com/42/", "42"),
        (f"https://{KEY}@hub.example.com/prod/hub/42", "42"),
        (f"https://{KEY}@hub.example.com/42?environment=prod#top", "42"),
        (f"https://{KEY}@hub.example.com/not-ours", "not-ours"),
        (f"https://{KEY}@hub.example.com:port/42", "42"),
        (f"https://{KEY}@[::1]:8000/42", "42"),
        (f"https://{KEY}@hub.example.com/", None),
        (f"https://{KEY}@hub.example.com", None),
    ],
)
def test_a_dsn_names_key_and_project(dsn: str, project_id: str | None) -> None:
    assert credentials.find(None, None, None, dsn) == Credentials(KEY, project_id)


@pytest.mark.parametrize(
    "dsn",
    [
        None,
        7,
        [f"https://{KEY}@hub.example.com/1"],
        "",
        "nonsense",
        "https://hub.example.com/1",
        "https://@hub.example.com/1",
        f"{KEY}@hub.example.com/1",
        f"https://{KEY}@[::1/1",
        f"https://{KEY}@hub.example.com/{'1' * 2048}",
        "\ud83d\x00",
    ],
)
def test_what_is_no_dsn_is_not_asked(dsn: object) -> None:
    assert credentials.find(None, None, None, dsn) is None
    assert credentials.find(None, None, KEY, dsn) == Credentials(KEY, None)


def test_the_first_place_with_a_key_counts() -> None:
    dsn = f"https://{'d' * 32}@hub.example.com/42"
    places = [f"Sentry sentry_key={'a' * 32}", f"Sentry sentry_key={'b' * 32}", "c" * 32]
    for first, expected in enumerate("abcd"):
        x_sentry_auth, authorization, key = (None if place < first else text for place, text in enumerate(places))
        found = credentials.find(x_sentry_auth, authorization, key, dsn)
        # The project is the DSN's even where its key does not count: it says where the client meant to send.
        assert found == Credentials(expected * 32, "42")


@pytest.mark.parametrize("sentry_key", ["", " ", "\t"])
def test_an_empty_parameter_is_none(sentry_key: str) -> None:
    assert credentials.find(None, None, sentry_key, None) is None
    assert credentials.find(None, None, f" {KEY} ", None) == Credentials(KEY, None)


texts = st.none() | st.text() | st.text("sentry_key= ,;\"'\t@/:[]?#%hp")


@settings(deadline=None)
@given(texts, texts, texts, texts | st.integers() | st.lists(st.text()))
def test_nothing_raises(x_sentry_auth: str | None, authorization: str | None, key: str | None, dsn: object) -> None:
    found = credentials.find(x_sentry_auth, authorization, key, dsn)
    assert found is None or found.key.strip()


@pytest.mark.parametrize(
    "header", ["sentry_key" * 10_000, "sentry_key " * 10_000, "sentry_key" + " " * 100_000, "sentry_key=," * 10_000]
)
def test_hostile_headers_cost_little(header: str) -> None:
    started = time.process_time()
    assert credentials.find(header, header, None, f"https://{header}") is None
    assert time.process_time() - started < 0.5
