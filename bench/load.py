"""Load: reports per second over HTTP through the stack of `make run`.

Clients, gateway, app and local cloud share this machine's cores, so it says what a laptop does, not Lambda.
"""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.report import report
from bench.table import LOAD, Figure
from tests.e2e.conftest import started

CLIENTS: Final = (1, 8, 32)
REQUESTS: Final = 160
RUNS: Final = 5


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as run:
        stack = run.stack
        headers = {"Content-Type": "application/json", "X-Ingest-Key": stack.ingest_key}
        bodies = [json.dumps(report(each)) for each in range(REQUESTS)]
        rates: list[list[float]] = []
        floors: list[list[float]] = []
        for clients in CLIENTS:
            reporting, idle = [], []
            for _ in range(RUNS + 1):
                reporting.append(_rate(stack.url, "POST", "/incidents", bodies, headers, clients=clients, status=202))
                idle.append(_rate(stack.url, "GET", "/health", [""] * REQUESTS, {}, clients=clients, status=200))
            # The first of each warms up.
            rates.append(reporting[1:])
            floors.append(idle[1:])
        name = f"reports a second, of {' · '.join(map(str, CLIENTS))} clients"
        yield Figure(LOAD, name, "", rates, floors, "`GET /health`")


def _rate(
    url: str, method: str, path: str, bodies: list[str], headers: dict[str, str], *, clients: int, status: int
) -> float:
    """Send bodies by so many clients, each over a connection of its own; how many a second are answered."""
    at = urlsplit(url)
    together = threading.Barrier(clients + 1)

    def client(share: list[str]) -> None:
        connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=60)
        connection.connect()
        together.wait()
        for body in share:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != status:
                raise RuntimeError(f"{method} {path}: {answer.status} {content!r}")
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        waiting = [pool.submit(client, bodies[nth::clients]) for nth in range(clients)]
        together.wait()
        began = time.perf_counter()
        for each in waiting:
            each.result()
        return len(bodies) / (time.perf_counter() - began)
