"""Requests to URLs that users name: what is not a public host's is not reached, and nobody holds us up."""

import dataclasses
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import destinations, outgoing
from chalicelib.addresses import is_public
from chalicelib.config import config
from chalicelib.destinations import NotAllowed
from chalicelib.outgoing import Answered, Failed, Found, Refused
from infra import local, template
from tests.receiver import PUBLIC, PUBLIC_6, Certificates, Internet, Receiver, answering

URL = "https://hooks.example.com/in?key=1"


def post(url: str = URL, body: bytes = b"{}", **given: Any) -> Found:
    return outgoing.post(url, body, {"Content-Type": "application/json"}, **given)


# -- addresses --------------------------------------------------------------------------------------------------------

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104  # nothing binds to it
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "64:ff9b:1:fffe::a9fe:a9fe",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *("128.0.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
        *("2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "2a00::1", PUBLIC, PUBLIC_6),
    ],
)
def test_an_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.1.1.01", "1.1.1.1/32", "[::1]"]
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses())
def test_python_takes_no_address_for_private_that_is_public_here(address: ipaddress.IPv4Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_reserved, address.is_link_local))


@given(st.ip_addresses(v=4))
def test_no_way_of_wrapping_an_address_makes_it_public(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for prefix, shift in (
        ("::", 0),
        ("::ffff:0:0", 0),
        ("64:ff9b::", 0),
        ("64:ff9b:1::", 0),
        ("2002::", 80),
        ("2001::", 64),
    ):
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number << shift)
        assert not is_public(str(wrapped))


# -- what is not reached ----------------------------------------------------------------------------------------------

LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.000.000.001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7F.1",
    "0x7f000001",
    "0X7F000001",
    "2130706433",
    "017700000001",
    "00000000177.0.0.1",
    "127.0.0.0x1",
    "0",
    "0.0.0.0",  # noqa: S104  # as above
    "0x0",
    "127.0.0.1.",
    "2130706433.",
]
METADATA = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "0251.254.169.254",
    "0xa9.0xfe.0xa9.0xfe",
    "169.254.43518",
    "169.16689662",
    "169.254.169.254.",
]
NUMBERS_6 = [
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[2001:0:a9fe:a9fe::1]",
    "[fe80::1]",
    "[fe80::1%eth0]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::1",
    "::1]",
    "::1",
    "[[::1]]",
    "[::1].example.com",
    "[v1.fe]",
    "[]",
    "[1]",
]
NAMES = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "ip6-localhost",
    "metadata",
    "metadata.google.internal",
    "private.example.com",
    "PRIVATE.Example.COM",
    "private.example.com.",
    "mixed.example.com",
    "last.example.com",
    "mapped.example.com",
    "nat64.example.com",
    "linklocal.example.com",
    "127.0.0.1.example.com.private.example.com",
    "",
    ".",
    "..",
    ".example.com",
    "hooks..example.com",
    "-.example.com",
    "hooks-.example.com",
    "hooks_.example.com",
    "*.example.com",
    "a" * 64 + ".example.com",
    ".".join(["a" * 60] * 5),
]
OF_UNICODE = [
    "127。0。0。1",
    "127．0．0．1",  # noqa: RUF001  # so it is meant
    "127｡0｡0｡1",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",  # noqa: RUF001
    "١٢٧.0.0.1",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "loc\u0430lhost",
    "localho\u017ft",
    "\u212a.example.com",
    "hooks.example\u3002com",
    "hooks\u00ad.example.com",
    "private\u200b.example.com",
    "bücher.example",
]
WHOLE = [
    "",
    "hooks.example.com",
    "//hooks.example.com/",
    "https:",
    "https://",
    "https:///in",
    "https:hooks.example.com",
    "https:/hooks.example.com/in",
    "https:\\\\hooks.example.com/in",
    "http://hooks.example.com/in",
    "HTTP://hooks.example.com/in",
    "ftp://hooks.example.com/in",
    "file:///etc/passwd",
    "gopher://127.0.0.1:443/_x",
    "data:text/plain,x",
    "javascript:alert(1)",
    "https+unix://hooks.example.com",
    "https://hooks.example.com:80/in",
    "https://hooks.example.com:8443/in",
    "https://hooks.example.com:22/in",
    "https://hooks.example.com:0/in",
    "https://hooks.example.com:-443/in",
    "https://hooks.example.com:+443/in",
    "https://hooks.example.com:4 43/in",
    "https://hooks.example.com:/in",
    "https://hooks.example.com:443:443/in",
    "https://hooks.example.com:4294967739/in",
    "https://hooks.example.com:٤٤٣/in",
    "https://user@hooks.example.com/in",
    "https://user:password@hooks.example.com/in",
    "https://@hooks.example.com/in",
    "https://:@hooks.example.com/in",
    "https://hooks.example.com@127.0.0.1/in",
    "https://hooks.example.com:443@127.0.0.1/in",
    "https://127.0.0.1@hooks.example.com/in",
    "https://hooks.example.com%40127.0.0.1/in",
    "https://hooks.example.com\\@127.0.0.1/in",
    "https://hooks.example.com#@127.0.0.1/in",
    "https://hooks.example.com/in#fragment",
    "https://hooks.example.com\\in",
    "https://127.0.0.1\\@hooks.example.com/in",
    "https://127.0.0.1#@hooks.example.com/in",
    "https://127.0.0.1?@hooks.example.com/in",
    "https://127.0.0.1;@hooks.example.com/in",
    "https://127.0.0.1 hooks.example.com/in",
    "https://hooks.example.com,127.0.0.1/in",
    "https://hooks.example.com 127.0.0.1/in",
    "https://hooks.example.com/in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "https://hooks.example.com/in\r\nX-Injected: 1",
    "https://hooks.example.com/in\n",
    "https://hooks.example.com\n/in",
    "https://hooks.example.com\t/in",
    "https://hooks\t.example.com/in",
    "ht\ntps://hooks.example.com/in",
    "https://hooks.example.com/\x00",
    "https://hooks.example.com\x00.private.example.com/in",
    "https://hooks.example.com/\x7f",
    " https://hooks.example.com/in",
    "https://hooks.example.com/in ",
    "\ufeffhttps://hooks.example.com/in",
    "https://hooks.example.com/\ud800",
    "https://hooks.example.com/" + "a" * 2048,
    "https://%68ooks.example.com/in",
    "https://%6c%6f%63%61%6c%68%6f%73%74/in",
    "https://127%2e0%2e0%2e1/in",
    "https://example.com:443\\@127.0.0.1",
    "https://0x7f.0x0.0x0.0x1:443@hooks.example.com/",
]
HOSTILE = [f"https://{host}/in" for host in LOOPBACK + METADATA + NUMBERS_6 + NAMES + OF_UNICODE] + WHOLE
LED = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1", "::1"],
    "localhost.localdomain": ["127.0.0.1", "::1"],
    "ip6-localhost": ["::1"],
    "metadata": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254"],
    "private.example.com": ["10.0.0.7"],
    "private.example.com.": ["10.0.0.7"],
    "127.0.0.1.example.com.private.example.com": ["127.0.0.1"],
    "mixed.example.com": [PUBLIC, PUBLIC_6, "192.168.1.1"],
    "last.example.com": [*(f"1.1.1.{n}" for n in range(1, 9)), "10.0.0.7"],
    "mapped.example.com": ["::ffff:10.0.0.7"],
    "nat64.example.com": [PUBLIC, "64:ff9b::a9fe:a9fe"],
    "linklocal.example.com": ["fe80::1"],
}


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_a_hostile_url_is_refused_and_reaches_nothing(url: str, internet: Internet) -> None:
    internet.names |= LED
    found = post(url)
    assert isinstance(found, Refused), found
    assert found.reason.startswith("The URL ")
    assert internet.called == []
    assert internet.receiver.reached == 0


@pytest.mark.parametrize(
    "url", [f"https://{name}/in" for name in sorted(LED) if not name.endswith(".") and "." in name]
)
def test_it_is_the_address_alone_that_keeps_from_a_name_that_leads_inside(
    url: str, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    internet.names |= LED
    monkeypatch.setattr(outgoing, "is_public", lambda _: True)
    post(url)
    assert internet.receiver.reached == 1


@pytest.mark.parametrize("number", sorted({*LOOPBACK, *METADATA}))
def test_whatever_the_system_takes_for_a_number_is_refused_by_its_address_too(number: str, internet: Internet) -> None:
    """Should a notation ever pass for a name, it leads to what it means."""
    try:
        (found, *_) = internet.getaddrinfo(number.rstrip("."), 443, type=socket.SOCK_STREAM)
    except OSError:
        pytest.skip("this system does not take it for one")
    assert not is_public(found[4][0])


@given(st.text(max_size=30) | st.text("a1.-:@/\\[]x0?#%4３。\t", max_size=30))  # noqa: RUF001  # a digit of another script
def test_no_host_passes_but_names_and_numbers_in_full(host: str) -> None:
    try:
        found = destinations.find(f"https://{host}")
    except NotAllowed:
        return
    # What is asked for is what was written, and nothing that another reader could take for something else.
    written = re.split("[/?]", host.lower())[0].removesuffix(":443").strip("[]")
    assert found.host == written
    assert set(written) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-:")
    assert "." in written or ":" in written


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://hooks.example.com/in", "must begin with https://"),
        ("mailto:a@b", "must begin with https://"),
        ("https://a:b@hooks.example.com/in", "must hold no user name or password"),
        ("https://hooks.example.com:8443/in", "must be on port 443"),
        ("https://intranet/in", "must name a host in full, such as hooks.example.com"),
        ("https://bücher.example/in", "must be ASCII: international names as xn--, other characters percent-encoded"),
        ("https://hooks.example.com/a b", "must be https://<host>/<path>, without spaces and without a # or \\"),
        ("https://hooks.example.com/" + "a" * 2048, "must have at most 2048 characters"),
    ],
)
def test_a_refusal_says_what_must_be_otherwise(url: str, complaint: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        destinations.find(url)
    assert str(refused.value) == complaint


def test_a_refusal_by_its_address_does_not_tell_the_address(internet: Internet) -> None:
    internet.names |= LED
    assert post("https://private.example.com/in") == Refused("The URL leads to an address that is not public.")


def test_a_name_is_asked_once_a_request_and_what_was_looked_at_is_called(internet: Internet) -> None:
    """DNS rebinding: good when it is looked at, bad from then on."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["169.254.169.254"]])

    class Rebinding(dict[str, list[str]]):
        def get(self, *_: Any) -> Any:
            return next(answers)

    internet.names = Rebinding()
    assert post() == Answered(200, None, b"ok")
    assert internet.called == [(PUBLIC, 443)]
    assert internet.asked == ["hooks.example.com"]
    # It is asked again for the next one: what was good once is not taken for good.
    assert isinstance(post(), Refused)
    assert isinstance(post(), Refused)
    assert internet.called == [(PUBLIC, 443)]
    assert internet.receiver.reached == 1


def test_a_redirect_is_not_followed(internet: Internet) -> None:
    for status in (301, 302, 303, 307, 308):
        internet.receiver.answer = answering(status, b"", "Location: https://hooks.slack.com/elsewhere")
        assert post() == Answered(status, None, b"")
    assert internet.asked == ["hooks.example.com"] * 5
    assert internet.receiver.reached == 5


def test_no_proxy_of_the_environment_is_asked(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://10.0.0.9:3128")
    assert post() == Answered(200, None, b"ok")
    assert internet.called == [(PUBLIC, 443)]


# -- what is sent -----------------------------------------------------------------------------------------------------


def test_a_request_arrives_as_it_was_given(internet: Internet) -> None:
    body = json.dumps({"text": "é" * 30_000}).encode()
    assert post(body=body) == Answered(200, None, b"ok")
    (taken,) = internet.receiver.taken
    assert taken.line == "POST /in?key=1 HTTP/1.1"
    assert taken.body == body
    assert taken.headers == {
        "host": "hooks.example.com",
        "user-agent": "Groundcrew",
        "connection": "close",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "accept-encoding": "identity",
    }
    assert internet.receiver.names == ["hooks.example.com"]


@pytest.mark.parametrize(
    ("url", "line", "name"),
    [
        ("HTTPS://Hooks.EXAMPLE.com", "POST / HTTP/1.1", "hooks.example.com"),
        ("https://hooks.example.com:443/in", "POST /in HTTP/1.1", "hooks.example.com"),
        ("https://hooks.example.com?a=@b", "POST /?a=@b HTTP/1.1", "hooks.example.com"),
        ("https://xn--bcher-kva.example/%C3%BC/'\"<>[]|", "POST /%C3%BC/'\"<>[]| HTTP/1.1", "xn--bcher-kva.example"),
    ],
)
def test_what_is_unusual_but_plain_is_sent(url: str, line: str, name: str, internet: Internet) -> None:
    assert post(url) == Answered(200, None, b"ok")
    assert [taken.line for taken in internet.receiver.taken] == [line]
    assert internet.receiver.names == [name]
    assert internet.receiver.taken[0].headers["host"] == name


@pytest.mark.parametrize(("host", "number"), [(PUBLIC, PUBLIC), (f"[{PUBLIC_6}]", PUBLIC_6)])
def test_a_public_number_is_called_and_must_have_a_certificate(host: str, number: str, internet: Internet) -> None:
    assert post(f"https://{host}/in") == Failed("Its certificate is not valid for its name.")
    assert internet.called == [(number, 443)]


def test_a_public_number_is_sent_to(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    monkeypatch.setattr(outgoing, "_tls", lambda: trusting)
    assert post(f"https://[{PUBLIC_6}]/in") == Answered(200, None, b"ok")
    assert internet.receiver.taken[0].headers["host"] == f"[{PUBLIC_6}]"


def test_the_next_address_is_called_where_one_does_not_answer(internet: Internet) -> None:
    internet.names["hooks.example.com"] = [PUBLIC_6, "1.1.1.1", PUBLIC]
    internet.dead = {PUBLIC_6, "1.1.1.1"}
    assert post() == Answered(200, None, b"ok")
    assert internet.called == [(PUBLIC_6, 443), ("1.1.1.1", 443), (PUBLIC, 443)]
    assert all(waited is not None and 0 < waited <= 3 for waited in internet.waited)


def test_three_addresses_are_called_at_most(internet: Internet) -> None:
    internet.names["hooks.example.com"] = [f"1.1.1.{n}" for n in range(1, 200)]
    internet.dead = set(internet.names["hooks.example.com"])
    assert post() == Failed("No connection to it could be made.")
    assert len(internet.called) == 3


def test_a_name_that_does_not_exist_is_no_refusal(internet: Internet) -> None:
    assert post("https://nowhere.example.com/in") == Failed("Its host's name could not be resolved.")


# -- whom to believe --------------------------------------------------------------------------------------------------


def test_a_certificate_of_another_name_is_not_believed(internet: Internet) -> None:
    internet.names["other.example.com"] = [PUBLIC]
    assert post("https://other.example.com/in") == Failed("Its certificate is not valid for its name.")
    assert internet.receiver.taken == []


def test_a_certificate_of_an_unknown_authority_is_not_believed(
    internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(Certificates(tmp_path).path))
    assert post() == Failed("Its certificate is not valid for its name.")
    assert internet.receiver.reached == 1
    assert internet.receiver.taken == []


def test_what_speaks_no_tls_is_told(internet: Internet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        internet.receiver.port = plain.getsockname()[1]

        def serve() -> None:
            line, _ = plain.accept()
            with line:
                line.sendall(b"HTTP/1.1 200 OK\r\n\r\nok")
                line.recv(4096)

        threading.Thread(target=serve, daemon=True).start()
        assert post() == Failed("TLS with it failed.")


# -- who holds us up --------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"
TOO_MUCH = Failed("Its answer has more than 64 KB.")
TOO_SLOW = Failed("It did not answer within 10 seconds.")
NO_HTTP = Failed("Its answer was not HTTP.")


def endlessly(begin: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def answer(line: socket.socket) -> None:
        line.sendall(begin)
        for _ in range(50_000_000 // len(piece)):
            line.sendall(piece)

    return answer


@pytest.mark.parametrize(
    ("begin", "piece", "found"),
    [
        (HEAD + b"\r\n", b"x" * 4096, TOO_MUCH),
        (HEAD + b"Content-Length: 1000000000000000\r\n\r\n", b"x" * 4096, TOO_MUCH),
        (HEAD + b"Content-Length: 70000\r\n\r\n", b"x" * 1000, TOO_MUCH),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100, TOO_MUCH),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"x" * 4096, TOO_MUCH),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: x\r\n" * 100, TOO_MUCH),
        (HEAD + b"X: ", b"x" * 4096, TOO_MUCH),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, TOO_MUCH),
        (b"", b"x" * 4096, TOO_MUCH),
        (HEAD, b"X: x\r\n" * 100, NO_HTTP),
    ],
)
def test_an_endless_answer_ends(begin: bytes, piece: bytes, found: Found, internet: Internet) -> None:
    internet.receiver.answer = endlessly(begin, piece)
    assert post() == found


def test_an_answer_of_just_so_much_is_read_whole(internet: Internet) -> None:
    head = len(HEAD + b"Content-Length: 65000\r\n\r\n")
    internet.receiver.answer = lambda line: line.sendall(HEAD + b"Content-Length: 65000\r\n\r\n" + b"x" * 65000)
    assert post() == Answered(200, None, b"x" * 65000)
    for body, found in ((65536 - head, Answered), (65537 - head, Failed)):
        said = HEAD + f"Content-Length: {body}\r\n\r\n".encode() + b"x" * body
        internet.receiver.answer = lambda line, said=said: line.sendall(said)  # type: ignore[misc]
        assert type(post()) is found


@pytest.mark.parametrize("begin", [b"", HEAD, HEAD + b"X: ", HEAD + b"\r\n", HEAD + b"Content-Length: 9999\r\n\r\n"])
def test_an_answer_in_drops_ends_with_the_time(begin: bytes, internet: Internet) -> None:
    """A drop each second: as TLS seals each alone, none is read together with the next."""
    seconds = iter(range(1_000))

    def drip(line: socket.socket) -> None:
        line.sendall(begin)
        for _ in range(500):
            line.sendall(b"x")

    internet.receiver.answer = drip
    assert post(clock=lambda: float(next(seconds))) == TOO_SLOW
    assert next(seconds) < 20


def test_a_request_that_is_taken_in_by_drops_ends_with_the_time(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte each time, and a second each time."""
    seconds = iter(range(1_000))

    class Trickle:
        def settimeout(self, _: float) -> None: ...
        def send(self, _: memoryview) -> int:
            return 1

        def close(self) -> None: ...

    trickle: Any = Trickle()
    monkeypatch.setattr(outgoing, "_connected", lambda *given: outgoing._Line(trickle, given[-1]))
    assert post(body=b"x" * 1000, clock=lambda: float(next(seconds))) == TOO_SLOW


def test_a_server_that_says_nothing_is_left_in_time(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.2)
    done = threading.Event()
    internet.receiver.answer = lambda _: done.wait(10)
    assert post() == TOO_SLOW
    done.set()


def test_a_server_that_does_not_shake_hands_is_left_in_time(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        internet.receiver.port = silent.getsockname()[1]
        assert post() == TOO_SLOW
    assert internet.called == [(PUBLIC, 443)]


def test_a_resolver_that_does_not_answer_is_left_in_time(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "CONNECT_S", 0.05)
    done = threading.Event()

    class Slow(dict[str, list[str]]):
        def get(self, *_: Any) -> Any:
            done.wait(1)
            return [PUBLIC]

    internet.names = Slow()
    assert post() == Failed("Its host's name could not be resolved.")
    done.set()
    assert internet.called == []


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (b"", Failed("It broke the connection off.")),
        (b"\r\n\r\n", NO_HTTP),
        (b"SSH-2.0-OpenSSH_9.9\r\n", NO_HTTP),
        (b"HTTP/1.1 abc\r\n\r\n", NO_HTTP),
        (b"HTTP/1.1 99999 Many\r\n\r\n", NO_HTTP),
        (b"HTTP/9.9 200 OK\r\n\r\n", NO_HTTP),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", NO_HTTP),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nxx", NO_HTTP),
        (HEAD + b"Content-Length: -5\r\n\r\nok", Answered(200, None, b"ok")),
        (HEAD + b"Content-Length: many\r\n\r\nok", Answered(200, None, b"ok")),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", Answered(200, None, b"ok")),
        (HEAD + b"\r\n\xff\xfe", Answered(200, None, b"\xff\xfe")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Answered(204, None, b"")),
        (b"HTTP/1.0 500 \xff\r\n\r\n", Answered(500, None, b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"\r\nok", Answered(200, None, b"ok")),
    ],
)
def test_a_broken_answer_is_told(said: bytes, found: Found, internet: Internet) -> None:
    internet.receiver.answer = lambda line: line.sendall(said)
    assert post() == found


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("30", 30), ("0", 0), ("999999999", 999_999_999)]
    + [(text, None) for text in ("", "-5", "1e3", "٣", "soon", "9" * 10, "Wed, 21 Oct 2026 07:28:00 GMT")],
)
def test_an_answer_may_say_when_to_come_again(asked: str, seconds: int | None, internet: Internet) -> None:
    internet.receiver.answer = answering(429, b"", f"Retry-After: {asked}")
    assert post() == Answered(429, seconds, b"")


def test_what_was_answered_is_not_told_by_printing_it(internet: Internet) -> None:
    internet.receiver.answer = answering(200, b"a secret of the network")
    assert repr(post()) == "Answered(status=200, retry_after_s=None)"


# -- a laptop's own receivers -----------------------------------------------------------------------------------------


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Any:
    """On loopback, in the clear; this stack allows it."""
    found = Receiver(None)
    told = dataclasses.replace(config(), outgoing_allow=(f"http://localhost:{found.port}",))
    monkeypatch.setattr(destinations, "config", lambda: told)
    yield found
    found.close()


def test_an_origin_that_the_stack_allows_is_sent_to(receiver: Receiver) -> None:
    assert post(f"http://localhost:{receiver.port}/in") == Answered(200, None, b"ok")
    (taken,) = receiver.taken
    assert (taken.line, taken.headers["host"]) == ("POST /in HTTP/1.1", f"localhost:{receiver.port}")


def test_what_is_like_an_allowed_origin_is_none(receiver: Receiver) -> None:
    port = receiver.port
    for url in (
        f"http://127.0.0.1:{port}/in",
        f"https://localhost:{port}/in",
        f"http://localhost:{port + 1}/in",
        f"http://localhost.:{port}/in",
        f"http://localhost:{port}@hooks.example.com/in",
        f"http://user@localhost:{port}/in",
        "http://localhost/in",
    ):
        assert isinstance(post(url), Refused)
    assert receiver.reached == 0


def test_a_deployment_allows_none() -> None:
    for variables in (
        *(found["Variables"] for found in environments(template.load())),
        local.settings()["stages"]["prod"].get("environment_variables", {}),
    ):
        assert "OUTGOING_ALLOW" not in variables
    assert config().outgoing_allow == ()


def environments(tree: Any) -> Iterator[dict[str, Any]]:
    """Of all functions, and of each."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "Environment":
                yield value
            else:
                yield from environments(value)
