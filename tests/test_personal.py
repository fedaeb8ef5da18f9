"""Personal data in reports: kept, hashed or removed."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.incidents.grouping import normalise
from chalicelib.personal import Scrub, treat
from tests.conftest import Door

HASH, REMOVE = Scrub("hash", "hash"), Scrub("remove", "remove")

EMAILS = ["ada@school.example", "a.b+c%d@mail.co.uk", "ADA@SCHOOL.EXAMPLE", "bücher@bücher.example"]
IPS = [
    "192.168.1.20",
    "8.8.8.8",
    "2001:db8::1",
    "::1",
    "fe80::1ff:fe23:4567:890a",
    "2001:0db8:0:0:0:0:0:1",
    "::ffff:1.2.3.4",
]
OTHERS = [
    "1.2.3",
    "1.2.3.4.5",
    "10:42:07",
    "a::b::c",
    "std::string",
    "not an @ email",
    "@handle",
    "v2.0.0.1000",
    "12:30",
]


@pytest.mark.parametrize("secret", EMAILS + IPS)
@pytest.mark.parametrize("text", ["{}", "from {} to", "({})", "<{}>", "ip={},", '"{}"', "at {}."])
def test_emails_and_addresses_go(secret: str, text: str) -> None:
    written = text.format(secret)
    assert treat(written, Scrub(), "1") == written
    assert treat(written, REMOVE, "1") == text.format("[email]" if "@" in secret else "[ip]")
    hashed = treat(written, HASH, "1")
    assert secret not in hashed
    assert normalise(hashed) == normalise(text.format("a@b.example" if "@" in secret else "10.0.0.1"))


@pytest.mark.parametrize("text", OTHERS)
def test_what_only_looks_like_them_stays(text: str) -> None:
    assert treat(text, REMOVE, "1") == text


def test_a_hash_equals_itself_within_a_project_alone() -> None:
    one = treat(["ada@x.example", {"Ada@X.example": "1.2.3.4"}], HASH, "1")
    assert one[0] == next(iter(one[1]))
    assert treat("ada@x.example", HASH, "2") != one[0]


@given(
    st.recursive(
        st.text() | st.integers() | st.sampled_from(EMAILS + IPS),
        lambda node: st.lists(node) | st.dictionaries(st.text(), node),
    )
)
def test_treating_twice_is_once_and_never_fails(value: Any) -> None:
    for scrub in (HASH, REMOVE):
        once = treat(value, scrub, "1")
        assert treat(once, scrub, "1") == once


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 16_384,
        "a@" * 8_192,
        "a.b" * 5_461,
        "1." * 8_192,
        "::" * 8_192,
        "a:" * 8_192,
        "1:" * 8_192,
        "a@b." * 4_096,
        "%+-." * 4_096,
    ],
)
def test_hostile_text_is_treated_in_time(hostile: str) -> None:
    started = time.process_time()
    treat(hostile, HASH, "1")
    assert time.process_time() - started <= 0.05


def test_a_project_says_what_becomes_of_them(door: Door) -> None:
    settings = {"name": "private", "scrub": {"emails": "hash", "ips": "remove"}}
    key = door.admin("POST", "/projects", settings).json["keys"][0]
    for user in ("ada@school.example", "bob@school.example", "ada@school.example"):
        description = {"error_message": f"mail to {user} bounced", "from": "203.0.113.9"}
        body = {"error_key": "mail", "description": description, "user_id": user}
        taken = door.call("POST", "/incidents", body, x_ingest_key=key).json
    incident = door.incident(taken["incident_id"])
    assert (incident["count"], incident["user_count"]) == (3, 2)
    assert incident["description"]["from"] == "[ip]"
    assert "ada" not in str(incident) + str(door.admin("GET", "/incidents?project_id=2").json)
