"""Sentry's own SDKs report over HTTP, as they come: sentry-sdk, @sentry/node, and @sentry/browser in Chromium.

Each reports into projects of its own, and the API tells what became of it. The backend and the service (tests/sdks)
report while the tests of the page run.
"""

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Page

from infra import local
from tests import browser
from tests.e2e.conftest import LOOK_EVERY_S, eventually, signed_in
from tests.sdks.wire import Wire, tapped

SDKS: Final = Path(__file__).parents[1] / "sdks"
GUIDE: Final = local.PROJECT / "docs/sentry-sdks.md"
REPORTED_WITHIN_S: Final = 120
QUOTA: Final = 2
# What the reporters send after they were told that it is enough.
AFTERWARDS: Final = 5


@dataclass(frozen=True)
class Project:
    """A project, and the wire over which its SDK reports."""

    admin: httpx.Client
    project_id: str
    key: str
    wire: Wire

    @property
    def dsn(self) -> str:
        return f"{self.wire.url.replace('://', f'://{self.key}@')}/{self.project_id}"

    @property
    def incidents(self) -> list[dict[str, Any]]:
        answer = self.admin.get("/incidents", params={"project_id": self.project_id, "limit": 100})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def incident(self, title: str) -> dict[str, Any]:
        """The incident of this title, once there is one."""

        def found() -> list[str]:
            return [each["incident_id"] for each in self.incidents if each["title"] == title]

        assert eventually(lambda: bool(found())), [each["title"] for each in self.incidents]
        (incident_id,) = found()
        incident: dict[str, Any] = self.admin.get(f"/incidents/{incident_id}").json()
        return incident


@dataclass(frozen=True)
class Reporter:
    """A process that has reported by an SDK, into a project, and more than the quota of another lets in."""

    project: Project
    limited: Project
    status: int
    facts: dict[str, Any]
    terminal: str


@dataclass(frozen=True)
class Shop:
    """A page of another origin than the hub's, and the projects that it reports into."""

    project: Project
    limited: Project
    page: Page

    def press(self, button: str) -> None:
        """Press a button, and wait until what comes of it is sent."""
        self.page.click(f"#{button}")
        self.page.evaluate("shop.flush()")


@pytest.fixture(scope="module")
def modules() -> Iterator[Future[None]]:
    """What comes from npm and from Debian, both while the stack starts."""
    with ThreadPoolExecutor() as pool:
        chromium = pool.submit(browser.path)
        yield pool.submit(install)
        chromium.result()


def install() -> None:
    """The packages of tests/sdks, where they are missing or older than their lock."""
    lock, installed = SDKS / "package-lock.json", SDKS / "node_modules/.package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    assert shutil.which("npm"), "These tests need Node 20 or newer, with npm, on the PATH."
    # No package's own scripts are needed, nor trusted.
    npm = ["npm", "ci", "--ignore-scripts", "--no-progress"]
    done = subprocess.run(npm, cwd=SDKS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def admin(stack: local.Stack) -> Iterator[httpx.Client]:
    with signed_in(stack, "admin", "admin-1") as client:
        yield client


Make = Callable[..., Project]


@pytest.fixture(scope="module")
def make(stack: local.Stack, admin: httpx.Client) -> Iterator[Make]:
    """Makes a project of given settings."""
    with contextlib.ExitStack() as wires:

        def project(**settings: Any) -> Project:
            answer = admin.post("/projects", json={"name": "SDKs", **settings})
            assert answer.status_code == 201, answer.text
            made = answer.json()
            return Project(admin, made["project_id"], made["keys"][0], wires.enter_context(tapped(stack.url)))

        yield project


Ended = Callable[[], Reporter]


@pytest.fixture(scope="module", autouse=True)
def reporters(modules: Future[None], make: Make) -> Iterator[dict[str, Ended]]:
    """The backend and the service, started; each waits for its end when it is asked for."""
    with contextlib.ExitStack() as processes:

        def start(*command: str | Path) -> Ended:
            project, limited = make(), make(quota_per_minute=QUOTA)
            process = processes.enter_context(running(*command, DSN=project.dsn, LIMITED_DSN=limited.dsn))

            @functools.cache
            def ended() -> Reporter:
                printed, terminal = process.communicate(timeout=REPORTED_WITHIN_S)
                return Reporter(project, limited, process.returncode, json.loads(printed), terminal)

            return ended

        backend = start(sys.executable, "backend.py")
        modules.result()
        yield {"backend": backend, "service": start("node", "service.mjs")}


@contextlib.contextmanager
def running(*command: str | Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command,
        cwd=SDKS,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def backend(reporters: dict[str, Ended]) -> Reporter:
    return reporters["backend"]()


@pytest.fixture
def service(reporters: dict[str, Ended]) -> Reporter:
    return reporters["service"]()


@pytest.fixture(scope="module")
def shop(reporters: dict[str, Ended], make: Make, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    site = tmp_path_factory.mktemp("site")
    shutil.copy(SDKS / "page.html", site)
    bundle = ["node_modules/.bin/esbuild", "page.mjs", "--bundle", "--log-level=warning", f"--outfile={site}/page.js"]
    subprocess.run(bundle, cwd=SDKS, check=True)
    with served(site) as origin, browser.chromium() as chromium:
        project, limited = make(allowed_origins=[origin]), make(quota_per_minute=QUOTA)
        settings = {"dsn": project.dsn, "limitedDsn": limited.dsn}
        (site / "settings.js").write_text(f"window.settings = {json.dumps(settings)};")
        page = chromium.new_page()
        page.goto(f"{origin}/page.html")
        yield Shop(project, limited, page)


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """The origin of a web server of static files."""

    class Files(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, args=(LOOK_EVERY_S,), name="site").start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()


# -- the page ----------------------------------------------------------------------------------------------------------


def test_what_breaks_in_a_page_is_an_incident(shop: Shop) -> None:
    shop.press("pay")
    incident = shop.project.incident("TypeError: Cannot read properties of undefined (reading 'toFixed')")
    assert (incident["error_key"], incident["severity"]) == ("TypeError", "HIGH")
    assert (incident["count"], incident["user_count"], incident["user_id"]) == (1, 1, "page-68")
    assert (incident["first_release"], incident["environments"]) == ("pages@1.0.0", ["staging"])
    assert incident["grouped_by"] == "type TypeError, function pay, in page.html"
    assert incident["url"] == shop.page.url
    assert "HeadlessChrome" in incident["user_agent"]
    description = incident["description"]
    assert (description["handled"], description["platform"]) == (False, "javascript")
    assert description["request"]["url"] == shop.page.url
    (raised,) = description["exceptions"]
    assert raised["mechanism"]["type"].endswith("onerror")
    innermost = raised["frames"][-1]
    assert (innermost["function"], innermost["filename"]) == ("pay", shop.page.url)
    assert innermost["context_line"].strip() == "return order.total.toFixed(2);"
    assert f"    at pay ({shop.page.url}:{innermost['lineno']}:" in incident["stack_trace"]


def test_what_a_page_was_let_past_and_what_its_user_says_of_it(shop: Shop) -> None:
    shop.press("complain")
    incident = shop.project.incident("RangeError: The order was refused")
    assert (incident["was_bypassed"], incident["bypass_reason"]) == (True, "paid in the office")
    cause, raised = incident["description"]["exceptions"]
    assert (cause["type"], cause["value"]) == ("TypeError", "order 4711 has no total")
    assert [each["frames"][-1]["function"] for each in (cause, raised)] == ["settle", "charge"]
    assert "\nCaused by: TypeError: order 4711 has no total\n    at settle (" in incident["stack_trace"]
    (said,) = incident["feedback"]
    assert (said["name"], said["message"]) == ("Cleo", "I only wanted to pay")


def test_a_rejected_promise_is_an_incident_with_what_went_before(shop: Shop) -> None:
    shop.press("refund")
    description = shop.project.incident("SyntaxError: Nobody waits for this")["description"]
    assert description["exceptions"][0]["mechanism"]["type"].endswith("onunhandledrejection")
    # Whatever the page said before is among them; this click may still be on its way.
    assert {each["category"] for each in description["breadcrumbs"]} >= {"ui.click", "sentry.event"}


def test_a_page_reads_why_it_was_refused(shop: Shop, make: Make) -> None:
    strict = make(allowed_origins=["https://elsewhere.example"])

    def post(project: Project, key: str) -> Any:
        url = f"{project.wire.url}/api/{project.project_id}/envelope/?sentry_key={key}"
        return shop.page.evaluate("([url, body]) => shop.post(url, body)", [url, '{}\n{"type":"event"}\n{}'])

    refused, unwanted = post(shop.project, "0" * 32), post(strict, strict.key)
    assert (refused["status"], refused["body"]["Code"]) == (403, "SentryKeyRefused")
    assert refused["headers"]["x-sentry-error"] == refused["body"]["Message"]
    assert refused["headers"]["x-correlation-id"]
    assert (unwanted["status"], unwanted["body"]["Code"]) == (403, "OriginNotAllowed")
    assert unwanted["headers"]["x-sentry-error"]
    welcome = make(allowed_origins=[shop.page.url.rpartition("/")[0]])
    assert post(welcome, welcome.key)["status"] == 200


def test_a_page_stops_sending_when_its_quota_is_used_up(shop: Shop) -> None:
    expect_stopped(shop.limited, shop.page.evaluate("shop.limit()"))


def test_what_a_page_says_as_it_is_left_arrives(shop: Shop) -> None:
    shop.page.click("#leave")
    shop.project.incident("EvalError: Gone before it was done")
    # No preflight went before any of it, which would not have survived the page; nor did a session become an incident.
    assert {each.method for each in shop.project.wire.exchanges} == {"POST"}
    assert any(b'{"type":"session"}' in sent for sent, _ in shop.project.wire.connections)
    keys = {"EvalError", "RangeError", "SyntaxError", "TypeError"}
    assert {each["error_key"] for each in shop.project.incidents} == keys


# -- the backend -------------------------------------------------------------------------------------------------------


def test_a_backends_exception_with_its_cause(backend: Reporter) -> None:
    incident = backend.project.incident("OrderRefused: Order 4711 was refused")
    assert (incident["error_key"], incident["severity"]) == ("OrderRefused", "CRITICAL")
    assert (incident["was_bypassed"], incident["bypass_reason"]) == (True, "beta")
    assert (incident["user_id"], incident["user_count"]) == ("68", 1)
    assert (incident["last_release"], incident["environments"]) == ("school@2.3.1", ["staging"])
    assert incident["grouped_by"] == "type OrderRefused, function charge, in backend.py"
    description = incident["description"]
    assert description["user"] == {"id": 68, "email": "cleo@school.example", "ip_address": "203.0.113.7"}
    assert description["tags"]["shop"] == "north"
    assert description["contexts"]["cart"]["items"] == 3
    assert description["contexts"]["runtime"]["name"] == "CPython"
    assert description["extra"]["attempt"] == 2
    assert [each["message"] for each in description["breadcrumbs"]] == ["The cart has 3 items"]
    cause, raised = description["exceptions"]
    assert (cause["type"], raised["type"]) == ("KeyError", "OrderRefused")
    assert [frame["function"] for frame in cause["frames"]] == ["charge", "settle"]
    assert [frame["function"] for frame in raised["frames"]] == ["refuse", "charge"]
    assert cause["frames"][-1]["context_line"].strip() == 'return int(order["total"]) + len(card)'
    assert cause["frames"][-1]["vars"]["order"] == {"id": "4711"}
    assert raised["frames"][-1]["pre_context"][-1].strip() == "except KeyError as error:"
    assert incident["stack_trace"].startswith("Traceback (most recent call last):\n")
    assert incident["stack_trace"].endswith("\nOrderRefused: Order 4711 was refused")
    everything = json.dumps(incident)
    assert not [secret for secret in ("hunter2", "5ca1ab1e", "4111 1111") if secret in everything]


def test_what_a_backend_logs(backend: Reporter) -> None:
    logged = backend.project.incident("billing: Invoice 4711 was not sent to cleo@school.example")
    assert (logged["error_key"], logged["severity"]) == ("billing", "HIGH")
    assert logged["grouped_by"] == 'logger billing, message "Invoice %s was not sent to %s"'
    assert logged["description"]["params"] == [4711, "cleo@school.example"]
    assert [each["message"] for each in logged["description"]["breadcrumbs"]] == ["Invoice 4711 is late"]
    said = backend.project.incident("message: Stock is low")
    assert (said["severity"], said["description"]["level"]) == ("MEDIUM", "warning")


def test_the_request_that_failed(backend: Reporter) -> None:
    incident = backend.project.incident("LookupError: There is no such order")
    assert (incident["endpoint"], incident["route_name"]) == ("PUT /orders/4711", "/orders/{order_id}")
    assert (incident["url"], incident["user_agent"]) == ("http://shop.example/orders/4711", "Shopper/1.0")
    assert incident["description"]["handled"] is False
    assert incident["description"]["request"]["query_string"] == "page=2&token=[scrubbed]"
    assert "5ca1ab1e" not in json.dumps(incident)


def test_a_file_comes_with_its_event(backend: Reporter) -> None:
    (attachment,) = backend.project.incident("ValueError: The invoice has no lines")["attachments"]
    assert (attachment["name"], attachment["content_type"]) == ("invoice.txt", "text/plain")
    answer = httpx.get(attachment["url"], trust_env=False)
    assert (answer.status_code, answer.content) == (200, b"Invoice 4711")
    assert answer.headers["content-disposition"].startswith("attachment")


def test_heartbeats_of_cron_jobs(backend: Reporter, service: Reporter) -> None:
    failed, sent = heartbeats(backend.project)
    assert (failed["monitor"], failed["status"], failed["last_ok"]) == ("import-orders", "error", None)
    assert (sent["monitor"], sent["status"], sent["overdue"]) == ("send-invoices", "ok", False)
    assert (sent["schedule"], sent["timezone"], sent["environment"]) == ("0 3 * * *", "Europe/Berlin", "staging")
    assert backend.project.incident("check_in: import-orders failed")["severity"] == "HIGH"
    (sent,) = heartbeats(service.project)
    assert (sent["monitor"], sent["status"], sent["schedule"]) == ("send-invoices", "ok", "0 3 * * *")


def heartbeats(project: Project) -> list[dict[str, Any]]:
    answer = project.admin.get("/heartbeats", params={"project_id": project.project_id})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_many_events_at_once_are_one_incident(backend: Reporter, service: Reporter) -> None:
    # One that found the database busy is counted from the queue.
    assert eventually(lambda: storm(backend.project)["count"] == 30), storm(backend.project)
    assert eventually(lambda: storm(service.project)["count"] == 12), storm(service.project)
    assert [storm(each.project)["user_count"] for each in (backend, service)] == [3, 3]


def storm(project: Project) -> dict[str, Any]:
    (found,) = [each for each in project.incidents if each["title"].startswith("message: Attempt ")]
    return found


def test_a_backend_that_dies_tells_of_it(backend: Reporter, service: Reporter) -> None:
    incident = backend.project.incident("OSError: Nobody catches this")
    assert incident["description"]["handled"] is False
    incident = service.project.incident("URIError: Nobody catches this")
    assert (incident["description"]["handled"], incident["severity"]) == (False, "CRITICAL")
    assert (backend.status, service.status) == (1, 1)


def test_what_sdks_pack_in_their_ways_is_taken(backend: Reporter, service: Reporter) -> None:
    sent = backend.project.wire.exchanges
    assert {each.headers.get("content-encoding") for each in sent} == {"br", "gzip"}
    assert {each.status for each in sent} == {200}
    backend.project.incident("message: Packed by gzip")
    # Node says neither how long it is, nor what.
    plain = [each for each in service.project.wire.exchanges if "content-encoding" not in each.headers]
    assert {each.headers.get("transfer-encoding") for each in plain} == {"chunked"}
    assert not {"accept", "content-length", "content-type"} & {name for each in plain for name in each.headers}
    assert {each.status for each in plain} == {200}


def test_nothing_comes_of_what_sdks_filter(backend: Reporter, service: Reporter) -> None:
    assert "NobodyNeedsThis" not in {each["error_key"] for each in backend.project.incidents}
    assert "message: Nobody needs this" not in {each["title"] for each in service.project.incidents}


def test_a_backend_stops_sending_when_its_quota_is_used_up(backend: Reporter) -> None:
    expect_quiet(backend.limited)
    assert backend.facts == {"limited": ["all"], "afterwards": ["self_rate_limits"] * AFTERWARDS}
    # There is another header that it would have gone by.
    assert "Rate-limited via x-sentry-rate-limits" in backend.terminal


# -- the service -------------------------------------------------------------------------------------------------------


def test_a_services_exception_with_its_cause(service: Reporter) -> None:
    incident = service.project.incident("OrderRefused: The order was refused")
    assert (incident["error_key"], incident["severity"], incident["user_id"]) == ("OrderRefused", "HIGH", "node-68")
    assert (incident["last_release"], incident["environments"]) == ("shop@4.1.0", ["staging"])
    assert incident["grouped_by"] == "type OrderRefused, function charge, in service"
    description = incident["description"]
    assert description["tags"] == {"shop": "north"}
    assert description["contexts"]["cart"] == {"items": 3, "password": "[scrubbed]"}
    assert description["contexts"]["runtime"]["name"] == "node"
    assert description["breadcrumbs"][0]["message"] == "The cart has 3 items"
    cause, raised = description["exceptions"]
    assert (cause["type"], cause["value"]) == ("TypeError", "order 4711 has no total")
    innermost = raised["frames"][-1]
    assert (innermost["function"], innermost["filename"]) == ("charge", str(SDKS / "service.mjs"))
    assert innermost["context_line"].strip() == 'throw new OrderRefused("The order was refused", { cause: error });'
    (said,) = incident["feedback"]
    assert (said["name"], said["message"]) == ("Cleo", "I only wanted to pay")
    assert service.project.incident("message: Stock is low")["severity"] == "MEDIUM"


@pytest.mark.skipif("GROUNDCREW_URL" in os.environ, reason="to the emulator, packed bodies of no type are text")
def test_what_a_service_says_at_length_is_packed_and_trimmed(service: Reporter) -> None:
    (packed,) = [each for each in service.project.wire.exchanges if "content-encoding" in each.headers]
    assert (packed.headers["content-encoding"], packed.headers.get("content-type")) == ("gzip", None)
    assert packed.status == 200
    incident = service.project.incident("RangeError: Too much to say")
    assert "characters cut]" in incident["description"]["extra"]["log"]
    assert any("too large" in note for note in incident["ingest_notes"])
    (attachment,) = incident["attachments"]
    assert (attachment["name"], attachment["size_bytes"]) == ("invoice.txt", 12)


def test_a_service_stops_sending_when_its_quota_is_used_up(service: Reporter) -> None:
    expect_stopped(service.limited, service.facts)


# -- the guide ---------------------------------------------------------------------------------------------------------


def test_the_guides_examples_report_a_bypassed_bug(backend: Reporter, service: Reporter) -> None:
    # As it ends, Python's SDK gives up after two seconds.
    patient = example("python") + "sentry_sdk.flush(60)"
    with (
        running(sys.executable, "-c", patient, SENTRY_DSN=backend.project.dsn) as python,
        running("node", "--input-type=module", "--eval", example("js"), SENTRY_DSN=service.project.dsn) as node,
    ):
        assert python.communicate(timeout=REPORTED_WITHIN_S) == ("accepted\n", "")
        assert node.communicate(timeout=REPORTED_WITHIN_S) == ("", "")
    assert (python.returncode, node.returncode) == (0, 0)

    incident = backend.project.incident("ProofRejected: IMG_2392.mov has no creation date")
    assert (incident["severity"], incident["user_id"], incident["was_bypassed"]) == ("LOW", "68", True)
    assert incident["bypass_reason"] == "old phones write no creation date"
    assert incident["environments"] == ["production"]
    (title,) = [each["title"] for each in service.project.incidents if each["error_key"] == "SyntaxError"]
    assert service.project.incident(title)["bypass_reason"] == "read by hand"


def example(language: str) -> str:
    """The first example in a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


# -- quotas ------------------------------------------------------------------------------------------------------------


def expect_stopped(project: Project, facts: dict[str, Any]) -> None:
    """That a client of the SDKs for JavaScript could read that it is enough, and then sent nothing."""
    expect_quiet(project)
    enough = facts["enough"]
    assert enough["statusCode"] == 429
    assert enough["headers"]["x-sentry-rate-limits"] == f"{enough['headers']['retry-after']}::project"
    assert facts["afterwards"] == [{}] * AFTERWARDS


def expect_quiet(project: Project) -> None:
    """That the quota was kept, and that nothing was sent after its end was told."""
    refused = [each for each in project.wire.exchanges if each.status == 429]
    # A second time, and as many events again, only where a minute ended while it was told.
    assert 1 <= len(refused) <= 2, refused
    for each in refused:
        seconds = each.answered["x-sentry-rate-limits"].removesuffix("::project")
        assert each.answered["retry-after"] == seconds
        assert 1 <= int(seconds) <= 60
    (incident,) = project.incidents
    assert 1 <= incident["count"] <= 2 * QUOTA
