"""The receiver: takes webhooks on this machine, and tells whether they are genuine, as docs/webhooks.md says."""

import base64
import hashlib
import hmac
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from infra.troubles import Trouble

PORT: Final = 9555  # the only one of this machine that `make run` lets alerts reach
MOST_BYTES: Final = 64 * 1024
OLDEST_S: Final = 300
LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where webhooks are taken, and those that were: headers, by names in lower case, and body."""

    origin: str
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def listening(port: int = PORT) -> Iterator[Receiver]:
    """A receiver for as long as it is needed. Raises Trouble where something else has the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers["Content-Length"]), MOST_BYTES))
            receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its signature
            pass

    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise Trouble(
            f"No receiver can listen on port {port} ({error.strerror}): free it, and tell this again."
        ) from error
    with server:
        receiver = Receiver(f"http://localhost:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(LOOK_EVERY_S,), daemon=True).start()
        try:
            yield receiver
        finally:
            server.shutdown()


def genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a request is signed by this secret, whole, and no older than five minutes."""
    identity, sent = headers["webhook-id"], headers["webhook-timestamp"]
    if not sent.isdecimal() or abs(time.time() - int(sent)) > OLDEST_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"{identity}.{sent}.".encode() + body, hashlib.sha256)
    expected = f"v1,{base64.b64encode(mac).decode()}"
    return any(hmac.compare_digest(expected, each) for each in headers["webhook-signature"].split())
