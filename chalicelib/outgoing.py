"""Outgoing: a request to a URL that a user has named, which must not lead into a network of ours.

There are no redirects and no proxies; there is so much time and so many bytes. The addresses that the host's name leads
to must all be public, and one of those that were looked at is connected to: a name that means something else a moment
later (DNS rebinding) gains nothing.
"""

import contextlib
import http.client
import io
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from chalicelib import destinations
from chalicelib.addresses import is_public
from chalicelib.destinations import Destination, NotAllowed

CONNECT_S: Final = 3.0
TOTAL_S: Final = 10.0
MOST_ANSWERED: Final = 64 * 1024
MOST_TRIED: Final = 3

_SECONDS: Final = re.compile("[0-9]{1,9}")

# What can go wrong underneath, the special before the general.
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, f"It did not answer within {TOTAL_S:.0f} seconds."),
    (ssl.SSLCertVerificationError, "Its certificate is not valid for its name."),
    (ssl.SSLError, "TLS with it failed."),
    (OSError, "It broke the connection off."),
    (Exception, "Its answer was not HTTP."),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that came whole, whatever it says. `retry_after_s` is how long it asks to wait, if it does.

    The body is for our own eyes; whoever named the URL is never shown it.
    """

    status: int
    retry_after_s: int | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The URL, or where it leads, is not allowed; nothing was sent. The reason is a sentence, and names no address."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No whole answer came. The request may have arrived. The reason is a sentence, and names no address."""

    reason: str


Found = Answered | Refused | Failed


class _Broken(Exception):
    """Why no whole answer came, in a sentence."""


def post(url: str, body: bytes, headers: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> Found:
    """POST a body. Takes at most TOTAL_S seconds, and raises nothing that a URL or its server is to blame for.

    `headers` are ours: letters, digits and punctuation of ASCII.
    """
    ends = clock() + TOTAL_S

    def left() -> float:
        seconds = ends - clock()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    try:
        destination = destinations.find(url)
        with contextlib.closing(_connected(destination, _resolved(destination, left), left)) as line:
            return _exchanged(line, destination, body, headers)
    except NotAllowed as error:
        return Refused(f"The URL {error}.")
    except _Broken as error:
        return Failed(str(error))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Failed(next(reason for kind, reason in _REASONS if isinstance(error, kind)))


def _resolved(destination: Destination, left: Callable[[], float]) -> list[tuple[Any, ...]]:
    """The socket addresses of a destination's host, each of them allowed. Raises NotAllowed and _Broken."""
    answer: queue.SimpleQueue[list[tuple[Any, ...]] | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put([*socket.getaddrinfo(destination.host, destination.port, type=socket.SOCK_STREAM)])
        except (OSError, UnicodeError):
            answer.put(None)

    # The system's resolver knows no time limit; a thread that it holds up ends with it.
    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answer.get(timeout=min(left(), CONNECT_S))
    except queue.Empty:
        found = None
    if not found:
        raise _Broken("Its host's name could not be resolved.")
    if not destination.trusted and not all(is_public(str(address[0])) for *_, address in found):
        raise NotAllowed("leads to an address that is not public")
    return found


def _connected(destination: Destination, found: list[tuple[Any, ...]], left: Callable[[], float]) -> "_Line":
    """A connection to the first of the addresses that takes one. Raises _Broken, and the errors of sockets and TLS."""
    for family, kind, protocol, _, address in found[:MOST_TRIED]:
        with contextlib.ExitStack() as closing_it:
            try:
                line = closing_it.enter_context(socket.socket(family, kind, protocol))
                line.settimeout(min(left(), CONNECT_S))
                line.connect(address)
            except OSError:
                continue
            if destination.secure:
                line.settimeout(left())
                line = _tls().wrap_socket(line, server_hostname=destination.host)
            closing_it.pop_all()
            return _Line(line, left)
    raise _Broken("No connection to it could be made.")


def _exchanged(line: "_Line", destination: Destination, body: bytes, headers: Mapping[str, str]) -> Answered:
    connection = http.client.HTTPConnection(destination.host, destination.port)
    connection.sock = line
    ours = {"Host": destination.authority, "User-Agent": "Groundcrew", "Connection": "close"}
    connection.request("POST", destination.path, body, {**headers, **ours})
    reader: Any = line  # of which an answer asks makefile alone
    with contextlib.closing(http.client.HTTPResponse(reader, method="POST")) as response:
        response.begin()
        # By a number, since reading it all would set aside whatever Content-Length says.
        answer = response.read(MOST_ANSWERED + 1)
        wait = _SECONDS.fullmatch(response.headers.get("Retry-After", ""))
        return Answered(response.status, int(wait[0]) if wait else None, answer)


class _Line(io.RawIOBase):
    """A connection, as http.client uses one, of so much time and so many bytes.

    Time limits of sockets are for each piece: an answer in drops would never meet one. Raises TimeoutError and _Broken.
    """

    def __init__(self, connected: socket.socket, left: Callable[[], float]) -> None:
        super().__init__()
        self._socket = connected
        self._left = left
        self._most = MOST_ANSWERED

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._left())
            rest = rest[self._socket.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What is answered."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """As a reader asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is, headers and all."""
        self._socket.settimeout(self._left())
        size = self._socket.recv_into(buffer)
        self._most -= size
        if self._most < 0:
            raise _Broken(f"Its answer has more than {MOST_ANSWERED // 1024} KB.")
        return size

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
        super().close()


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
