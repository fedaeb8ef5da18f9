"""Fuzz: requests that schemathesis makes of /openapi.json, good and bad. None fails, none tells what it must not.

Each is sent by nobody, by whoever has an ingest key, by a customer and by an admin; half of them name things that
exist, and are not the customer's. All answers are held against the description.
"""

import functools
import math
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import hypothesis
import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from infra.token import token
from soak import system
from soak.canaries import Canaries, plant
from soak.finding import Finding, at_most, exactly, figure
from tests.e2e.conftest import started

REQUESTS: Final = 10_000
# After that API Gateway gives up on a function.
ANSWERED_WITHIN_S: Final = 29
CALLERS: Final = ("nobody", "key", "customer", "admin")
CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Aim:
    """One operation to be tried with so many requests, and as whom."""

    url: str
    method: str
    path: str
    cases: int
    seed: int
    headers: dict[str, dict[str, str]]
    refusals: dict[str, set[int]]
    canaries: Canaries


@dataclass(slots=True)
class Tally:
    """What came of them: how many answers by caller and status, and what must not be."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    untrue: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0, "")


def measure(chance: random.Random, scale: float) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as run:
        headers = {
            "nobody": {},
            "key": {"X-Ingest-Key": run.stack.ingest_key},
            "customer": {"Authorization": f"Bearer {token(run.stack, 'customer', 'customer-soak')}"},
            "admin": {"Authorization": f"Bearer {token(run.stack, 'admin', 'admin-soak')}"},
        }
        document = requests.get(f"{run.stack.url}/openapi.json", timeout=60).json()
        operations = [
            (method.upper(), path, described)
            for path, methods in document["paths"].items()
            for method, described in methods.items()
        ]
        cases = math.ceil(REQUESTS * scale / len(CALLERS) / len(operations))
        canaries = plant(run)
        aims = [
            Aim(run.stack.url, method, path, cases, chance.getrandbits(32), headers, _refusals(described), canaries)
            for method, path, described in operations
        ]
        began = time.monotonic()
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            tallies = list(pool.map(_tried, aims))
        seconds = time.monotonic() - began
        answers = sum((each.statuses for each in tallies), Counter[tuple[str, int]]())
        yield figure(f"requests to {len(operations)} operations, in {seconds:.0f} s", answers.total(), "")
        yield figure("requests answered", answers.total() / seconds, "a second")
        for caller in CALLERS:
            told = sorted((status, number) for (who, status), number in answers.items() if who == caller)
            yield Finding(f"answers to {caller}", ", ".join(f"{number:,} x {status}" for status, number in told))
        yield exactly("answers 5xx", sum(number for (_, status), number in answers.items() if status >= 500), 0)
        slowest_s, which = max(each.slowest for each in tallies)
        yield at_most(f"slowest answer, {which}", slowest_s, ANSWERED_WITHIN_S, "s")
        yield from _told("answers that are not as described", [line for each in tallies for line in each.untrue])
        yield from _told("answers to whom they were not for", [line for each in tallies for line in each.served])
        yield from _told("answers with words of others", [line for each in tallies for line in each.leaked])
        yield system.orphans(run.stack)


def _told(what: str, lines: list[str]) -> Iterator[Finding]:
    yield exactly(what, len(lines), 0)
    for line in lines[:SHOWN]:
        yield Finding(what, line)


@functools.cache
def _api(url: str) -> BaseSchema:
    api = schemathesis.openapi.from_url(f"{url}/openapi.json")
    api.config.generation.update(with_security_parameters=False)
    return api


def _tried(aim: Aim) -> Tally:
    """Try an operation, in a process of its own."""
    operation = _api(aim.url)[aim.path][aim.method]
    # Of what takes no query and no JSON no request is a bad one.
    takes = [each for each in operation.body if each.media_type == "application/json"] or list(operation.query)
    modes = list(GenerationMode) if takes else [GenerationMode.POSITIVE]
    tally, chance = Tally(), random.Random(aim.seed)
    with requests.Session() as session:
        session.trust_env = False
        for mode in modes:

            @hypothesis.seed(aim.seed)
            @hypothesis.settings(
                max_examples=math.ceil(aim.cases / len(modes)),
                deadline=None,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
                phases=[hypothesis.Phase.generate],
            )
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def attempt(case: schemathesis.Case[Any]) -> None:
                for caller in CALLERS:
                    _send(case, caller, aim, session, chance=chance, tally=tally)

            attempt()
    return tally


def _send(
    case: schemathesis.Case[Any],
    caller: str,
    aim: Aim,
    session: requests.Session,
    *,
    chance: random.Random,
    tally: Tally,
) -> None:
    own = dict(case.path_parameters or {})
    # An admin would delete what was planted.
    if chance.random() < 0.5 and (caller, aim.method) != ("admin", "DELETE"):
        case.path_parameters = own | {name: each for name, each in aim.canaries.ids.items() if name in own}
    answer = case.call(base_url=aim.url, headers=aim.headers[caller], session=session, timeout=2 * ANSWERED_WITHIN_S)
    tally.statuses[caller, answer.status_code] += 1
    tally.slowest = max(tally.slowest, (answer.elapsed, f"{aim.method} {aim.path} of {caller}"))
    said = f"{caller}: {answer.request.method} {answer.request.url}: {answer.status_code}"
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as group:
        tally.untrue.append(f"{said} ({'; '.join(failure.title for failure in group.exceptions)})")
    if aim.refusals.get(caller) and answer.status_code not in aim.refusals[caller]:
        tally.served.append(said)
    hidden = aim.canaries.secrets if caller == "admin" else aim.canaries.words | aim.canaries.secrets
    told = f"{answer.headers} {answer.text}"
    # What a request names itself it may be told.
    tally.leaked += [f"{said} told {what}" for what, word in hidden.items() if word in told and word not in said]


def _refusals(described: dict[str, Any]) -> dict[str, set[int]]:
    """Who may not call an operation, and how they are to be refused."""
    credentials = {name for each in described["security"] for name in each}
    if credentials == {"token"}:
        own = {} if "403" not in described["responses"] else {"customer": {403}}
        return own | {"nobody": {401}, "key": {401}}
    if credentials == {"storage_secret"}:
        return {caller: {401} for caller in CALLERS}
    # What cannot be read has no key either.
    unheard = {400, 401, 403, 413, 415}
    return {caller: unheard for caller in CALLERS if caller != "key"} if credentials else {}
