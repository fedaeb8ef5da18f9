"""Pressing: requests at a fixed rate, whatever becomes of those before (an open loop).

How long a request took is counted from when it was due: one that had to wait for a slow one before it was slow itself.
"""

import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

CLIENTS: Final = 16
TIMEOUT_S: Final = 60
# Of the time that they should take; what a slow machine has not sent by then is not sent.
LATE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the nth request; a status of 0 is no answer at all."""

    nth: int
    status: int
    headers: dict[str, str]
    body: Any
    ms: float


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of all that were sent, and how many seconds it took."""

    answers: list[Answer]
    seconds: float

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        return statistics.quantiles([each.ms for each in self.answers], n=100)[percent - 1]


def press(
    url: str, path: str, headers: dict[str, str], body: Callable[[int], bytes], *, rate: float, number: int
) -> Pressed:
    """POST the bodies 0 to `number` at `rate` a second, or as soon after as the clients get to it."""
    due = itertools.count()
    taking = threading.Lock()
    began = time.perf_counter()
    ends = began + LATE * number / rate

    def client() -> Iterator[Answer]:
        at = urlsplit(url)
        connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=TIMEOUT_S)
        while True:
            with taking:
                nth = next(due)
            if nth >= number or time.perf_counter() > ends:
                connection.close()
                return
            wanted = began + nth / rate
            time.sleep(max(0, wanted - time.perf_counter()))
            yield _sent(connection, path, headers, body(nth), nth=nth, wanted=wanted)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for each in pool.map(lambda _: list(client()), range(CLIENTS)) for answer in each]
    return Pressed(answers, time.perf_counter() - began)


def _sent(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str], body: bytes, *, nth: int, wanted: float
) -> Answer:
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(content)
    except (OSError, http.client.HTTPException):
        connection.close()
        found = 0, {}, None
    return Answer(nth, *found, (time.perf_counter() - wanted) * 1000)
