"""Load: reports per second over HTTP through the stack of `make run`, and how long they take.

Clients, gateway, app and local cloud share this machine's cores, so it says what a laptop does, not Lambda.
"""

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.report import report
from bench.table import Figure
from tests.e2e.conftest import started

CLIENTS: Final = (1, 8, 32)
REQUESTS: Final = 160
RUNS: Final = 3


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as run:
        stack = run.stack
        headers = {"Content-Type": "application/json", "X-Ingest-Key": stack.ingest_key}
        for clients in CLIENTS:
            taken: list[list[float]] = []
            rates: list[float] = []
            floors: list[float] = []
            idle: list[list[float]] = []
            for nth in range(RUNS + 1):
                bodies = [json.dumps(report(each)) for each in range(REQUESTS)]
                seconds, latencies = _press(
                    stack.url, "POST", "/incidents", bodies, headers, clients=clients, status=202
                )
                bare, bare_latencies = _press(
                    stack.url, "GET", "/health", [""] * REQUESTS, {}, clients=clients, status=200
                )
                if nth:  # the first warms up
                    rates.append(REQUESTS / seconds)
                    floors.append(REQUESTS / bare)
                    taken.append(latencies)
                    idle.append(bare_latencies)
            what, floor = f"`make run`, clients: {clients}", "GET /health, as many clients"
            yield Figure(f"{what}: reports", "1/s", rates, floors, floor)
            for percent in (50, 99):
                yield Figure(
                    f"{what}: latency, p{percent}",
                    "ms",
                    [_percentile(each, percent) for each in taken],
                    [_percentile(each, percent) for each in idle],
                    floor,
                )


def _press(
    url: str, method: str, path: str, bodies: list[str], headers: dict[str, str], *, clients: int, status: int
) -> tuple[float, list[float]]:
    """Send bodies by so many clients, each over a connection of its own; the seconds of all, the ms of each."""
    at = urlsplit(url)
    together = threading.Barrier(clients + 1)

    def client(share: list[str]) -> list[float]:
        connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=60)
        connection.connect()
        together.wait()
        latencies = []
        for body in share:
            began = time.perf_counter()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            latencies.append((time.perf_counter() - began) * 1000)
            if answer.status != status:
                raise RuntimeError(f"{method} {path}: {answer.status} {content!r}")
        connection.close()
        return latencies

    with ThreadPoolExecutor(clients) as pool:
        waiting = [pool.submit(client, bodies[nth::clients]) for nth in range(clients)]
        together.wait()
        began = time.perf_counter()
        latencies = [latency for each in waiting for latency in each.result()]
        return time.perf_counter() - began, latencies


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
