"""A wire: passes the bytes of TCP connections on as they are, and knows which HTTP requests they were."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import h11

Headers = dict[str, str]

LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True)
class Exchange:
    """A request as it was sent, and its answer; names of headers are in lower case."""

    method: str
    headers: Headers
    status: int
    answered: Headers


@dataclass(frozen=True)
class Wire:
    """What a client sends to `url` reaches the system as it is."""

    url: str
    connections: list[tuple[bytearray, bytearray]] = field(default_factory=list)

    @property
    def exchanges(self) -> list[Exchange]:
        """Of each connection in turn, those whose answer has begun."""
        found = []
        for sent, answered in self.connections:
            requests, responses = _messages(h11.SERVER, bytes(sent)), _messages(h11.CLIENT, bytes(answered))
            for request, response in zip(requests, responses, strict=False):
                assert isinstance(request, h11.Request)
                assert isinstance(response, h11.Response)
                method = request.method.decode()
                found.append(Exchange(method, _headers(request), response.status_code, _headers(response)))
        return found


@contextlib.contextmanager
def tapped(url: str) -> Iterator[Wire]:
    """A wire to what answers at `url`, with the same path."""
    at = urlsplit(url)
    connections: list[tuple[bytearray, bytearray]] = []

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            sent, answered = bytearray(), bytearray()
            connections.append((sent, answered))
            with socket.create_connection((at.hostname, at.port)) as far:
                back = threading.Thread(target=_pass, args=(far, self.request, answered), daemon=True)
                back.start()
                _pass(self.request, far, sent)
                back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(LOOK_EVERY_S,), name="wire").start()
        try:
            yield Wire(f"http://localhost:{server.server_address[1]}{at.path}", connections)
        finally:
            server.shutdown()


def _pass(source: socket.socket, target: socket.socket, seen: bytearray) -> None:
    # Whoever hangs up does so on both sides.
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            seen += piece  # before it is passed on, so that whoever has got it finds it here
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _messages(role: type[h11.CLIENT] | type[h11.SERVER], raw: bytes) -> list[h11.Request | h11.Response]:
    """The heads of the messages that a side of a connection received."""
    heads: list[h11.Request | h11.Response] = []
    while raw:
        reader = h11.Connection(role)
        if role is h11.CLIENT:
            # It reads no answer to what it did not ask.
            reader.send(h11.Request(method="POST", target="/", headers=[("Host", "there"), ("Content-Length", "0")]))
            reader.send(h11.EndOfMessage())
        reader.receive_data(raw)
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                return heads
            if isinstance(event, h11.Request | h11.Response):
                heads.append(event)
        raw = reader.trailing_data[0]
    return heads


def _headers(head: h11.Request | h11.Response) -> Headers:
    return {name.decode(): value.decode() for name, value in head.headers}
