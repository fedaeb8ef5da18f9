"""A receiver of requests on loopback, with certificates of a CA of its own, and an internet that leads nowhere else."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib import outgoing

NAMES = (
    "hooks.example.com",
    "xn--bcher-kva.example",
    "hooks.slack.com",
    "events.pagerduty.com",
    "events.eu.pagerduty.com",
)
PUBLIC = "93.184.216.34"
PUBLIC_6 = "2606:4700:10::ac43:cafe"
PATIENCE_S = 10

Answer = Callable[[socket.socket], object]


def answering(status: int, body: bytes = b"", *headers: str) -> Answer:
    """A well-behaved answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return lambda line: line.sendall("\r\n".join(lines).encode() + body)


@dataclass
class Taken:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Counts who reaches it, keeps what they send, and answers as it is told."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.context = context
        self.answer: Answer = answering(200, b"ok")
        self.reached = 0
        self.taken: list[Taken] = []
        self.names: list[str | None] = []
        if context:
            context.sni_callback = lambda _line, name, _context: self.names.append(name)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        # Closing alone would not wake the thread that waits for a caller.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                self.reached += 1
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(PATIENCE_S)
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.enter_context(line)
            if self.context:
                line = closing.enter_context(self.context.wrap_socket(line, server_side=True))
            with line.makefile("rb") as sent:
                head = [text.decode().rstrip("\r\n") for text in iter(sent.readline, b"\r\n") if text]
                headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in head[1:])}
                self.taken.append(Taken(head[0], headers, sent.read(int(headers.get("content-length", 0)))))
            self.answer(line)


class Certificates:
    """A CA, and what it signs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of the tests")])
        signed = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.path = directory / "ca.pem"
        self.path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def context(self, *names: str) -> ssl.SSLContext:
        """What a server of these names presents."""
        key = ec.generate_private_key(ec.SECP256R1())
        shown = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        signed = self._signed(x509.Name([]), key, x509.BasicConstraints(ca=False, path_length=None), shown)
        both = self._directory / f"{names[0]}.pem"
        both.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(both)
        return context

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: Any) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        if isinstance(extensions[0], x509.BasicConstraints) and extensions[0].ca:
            usage = x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            )
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self._key, hashes.SHA256())


@dataclass
class Internet:
    """Names as told, numbers as the system reads them. Every address that is not `dead` is the receiver's."""

    receiver: Receiver
    names: dict[str, list[str]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    called: list[tuple[str, int]] = field(default_factory=list)
    waited: list[float | None] = field(default_factory=list)

    def getaddrinfo(self, host: str, port: int, *, type: int) -> list[Any]:  # noqa: A002  # socket's
        self.asked.append(host)
        numbers = self.names.get(host, [host])
        return [
            found
            for number in numbers
            for found in socket.getaddrinfo(number, port, type=type, flags=socket.AI_NUMERICHOST)
        ]

    def module(self) -> types.SimpleNamespace:
        """What stands in for the module `socket`."""
        internet = self

        class Wired(socket.socket):
            def __init__(self, *_: object) -> None:
                super().__init__(socket.AF_INET, socket.SOCK_STREAM)

            def connect(self, address: Any) -> None:
                internet.called.append(address[:2])
                internet.waited.append(self.gettimeout())
                if address[0] in internet.dead:
                    raise ConnectionRefusedError
                super().connect(("127.0.0.1", internet.receiver.port))

        return types.SimpleNamespace(socket=Wired, getaddrinfo=self.getaddrinfo, SOCK_STREAM=socket.SOCK_STREAM)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def internet(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """The only one that requests of `chalicelib.outgoing` see; its CA is the only one that they trust."""
    receiver = Receiver(certificates.context(*NAMES))
    found = Internet(receiver, {name: [PUBLIC] for name in NAMES})
    monkeypatch.setattr(outgoing, "socket", found.module())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.path))
    monkeypatch.setattr(outgoing, "_tls", outgoing._tls.__wrapped__)  # which reads that again each time
    yield found
    receiver.close()
