"""The console and the demo page in a real browser, on the running system: what operators and customers do there."""

import contextlib
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from infra import local
from tests import browser
from tests.e2e.conftest import eventually, pages_url, signed_in

MEDIA: Final = local.PROJECT / "tests/data/media"
AXE: Final = local.PROJECT / "web/node_modules/axe-core/axe.min.js"
PATIENCE_MS: Final = 30_000
# What "within seconds" means to whoever waits for a failure to appear.
SOON_S: Final = 5
REPORTS: Final = re.compile(r"/incidents(\?|$)")
DESK: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}


expect.set_options(timeout=PATIENCE_MS)
LOCAL = pytest.mark.skipif(
    "GROUNDCREW_URL" in os.environ,
    reason="Pages do the same wherever they come from, and a deployment shows that they come.",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as opened:
        yield opened


@contextlib.contextmanager
def opened(chromium: Browser, stack: local.Stack, path: str, session: str = "{}", size: Any = DESK) -> Iterator[Page]:
    """A page of the deployment, for whose session it is; that ends without any error of the page's own."""
    errors: list[str] = []
    with chromium.new_context(viewport=size, bypass_csp=True) as context:
        context.add_init_script(f"for (const each of Object.entries({session})) sessionStorage.setItem(...each)")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(pages_url(stack) + path)
        yield page
    assert errors == []


def sign_in(page: Page, stack: local.Stack, subject: str) -> None:
    """Sign in at the issuer, where the page has gone."""
    page.get_by_role("textbox", name="Somebody else").fill(subject)
    page.get_by_role("button", name="Sign in", exact=True).click()
    # The page redeems its code, and takes it out of its address.
    page.wait_for_url(lambda url: url.startswith(pages_url(stack)) and "code=" not in url)


def session(page: Page) -> str:
    """What a tab knows of who has signed in, in JSON: another begins with it, as signing in takes its time."""
    return str(page.evaluate("JSON.stringify(sessionStorage)"))


@pytest.fixture(scope="module")
def operator(chromium: Browser, stack: local.Stack) -> str:
    """The session of an operator."""
    with opened(chromium, stack, "/console") as page:
        sign_in(page, stack, "admin-1")
        expect(page.get_by_role("heading", name="Incidents", level=1)).to_be_visible()
        return session(page)


@pytest.fixture(scope="module")
def customer(chromium: Browser, stack: local.Stack) -> str:
    """The session of a customer, on the demo page."""
    with opened(chromium, stack, "/demo") as page:
        page.get_by_role("button", name="Sign in").click()
        sign_in(page, stack, "customer-68")
        expect(page.get_by_role("heading", name="Grow a bean")).to_be_visible()
        return session(page)


@pytest.fixture
def console(chromium: Browser, stack: local.Stack, admin: httpx.Client, operator: str) -> Iterator[Page]:
    """The console as an operator sees it who has just signed in."""
    assert admin.get("/incidents").status_code == 200
    with opened(chromium, stack, "/console", operator) as page:
        expect(page.get_by_role("heading", name="Incidents", level=1)).to_be_visible()
        yield page


@pytest.fixture
def demo(chromium: Browser, stack: local.Stack, customer: str) -> Iterator[Page]:
    """The demo page as its customer sees it who has just signed in."""
    with opened(chromium, stack, "/demo", customer) as page:
        expect(page.get_by_role("heading", name="Grow a bean")).to_be_visible()
        yield page


def report(stack: local.Stack, error_key: str, **more: object) -> str:
    """Report a failure; returns its incident's id."""
    body = {"error_key": error_key, "description": {"error_message": f"{error_key} failed"}, **more}
    answer = httpx.post(f"{stack.url}/incidents", params={"key": stack.ingest_key}, json=body, trust_env=False)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["incident_id"])


def key() -> str:
    """An error key that no other test has."""
    return f"page.{uuid.uuid4().hex[:12]}"


def choose(page: Page, file: Path, name: str) -> None:
    """Choose a file for upload, under a name of its own."""
    kind = {".mov": "video/quicktime", ".jpg": "image/jpeg"}[file.suffix]
    chosen = FilePayload(name=name, mimeType=kind, buffer=file.read_bytes())
    page.get_by_label("Choose files").set_input_files(chosen)


# -- who may come in ---------------------------------------------------------------------------------------------------


def test_a_customer_is_turned_away(chromium: Browser, stack: local.Stack) -> None:
    asked: list[str] = []
    with opened(chromium, stack, "/console/jobs") as page:
        page.on("request", lambda request: asked.append(request.url))
        sign_in(page, stack, "customer-68")
        expect(page.get_by_text("This console is for admins")).to_be_visible()
        assert not [url for url in asked if url.startswith(f"{pages_url(stack)}/jobs")]
        expect(page.get_by_role("navigation")).to_have_count(0)


def test_signing_in_leads_back_to_where_one_was(chromium: Browser, stack: local.Stack) -> None:
    with opened(chromium, stack, "/console/jobs?status=failed") as page:
        sign_in(page, stack, "admin-1")
        expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
        assert page.url.endswith("/console/jobs?status=failed")


# -- incidents ---------------------------------------------------------------------------------------------------------


def test_a_failure_is_found_understood_fixed_and_comes_back(console: Page, stack: local.Stack) -> None:
    error_key = key()
    incident_id = report(stack, error_key, release="shop@1.0.0", user_id="7", environment="beta", stack_trace="at pay")
    console.get_by_role("searchbox").fill(error_key)
    console.get_by_role("link", name=f"{error_key} failed").click()
    expect(console.get_by_role("heading", level=1)).to_contain_text(error_key)
    expect(console.get_by_text("at pay")).to_be_visible()
    expect(console.get_by_text("Grouped by")).to_be_visible()

    console.get_by_role("button", name="Active", exact=True).click()
    console.get_by_role("menuitem", name="Fixed").click()
    console.get_by_label("Commit").fill("c0ffee1")
    console.get_by_label("Fixed in release").fill("shop@1.1.0")
    console.get_by_label("Notes").fill("Asks the bank again.")
    console.get_by_role("button", name="Mark as fixed").click()
    expect(console.get_by_role("button", name="Fixed", exact=True)).to_be_visible()
    expect(console.get_by_role("region", name="Fix")).to_contain_text("Asks the bank again.")

    assert report(stack, error_key, release="shop@1.0.0") == incident_id
    expect(console.get_by_text("Reports from before it")).to_be_visible()
    assert report(stack, error_key, release="shop@1.1.0") == incident_id
    expect(console.get_by_role("button", name="Active", exact=True)).to_be_visible()
    expect(console.get_by_text("Regressed")).to_be_visible()

    console.get_by_role("link", name="Incidents").first.click()
    expect(console.get_by_role("searchbox")).to_have_value("")


@LOCAL
def test_nothing_that_is_reported_breaks_its_incident(console: Page, stack: local.Stack) -> None:
    frame = {"context_line": "x", "pre_context": [{"toString": 1}], "in_app": True}
    hostile = {
        "error_message": "it is read all the same",
        "breadcrumbs": [{"timestamp": "yesterday", "message": "<img src=x onerror=alert(1)>"}],
        "tags": {"a": {"toString": 1}},
        "exceptions": [{"type": "E", "frames": [frame]}],
    }
    console.goto(f"{stack.url}/console/incidents/{report(stack, key(), description=hostile)}")
    expect(console.get_by_role("heading", level=1)).to_have_text("it is read all the same")
    expect(console.get_by_text("yesterday")).to_be_visible()
    expect(console.get_by_text("This page broke")).to_have_count(0)


@LOCAL
def test_a_deleted_incident_is_gone(console: Page, stack: local.Stack, admin: httpx.Client) -> None:
    incident_id = report(stack, key())
    console.goto(f"{stack.url}/console/incidents/{incident_id}")
    console.get_by_role("button", name="Delete incident").click()
    console.get_by_role("dialog").get_by_role("button", name="Delete incident").click()
    expect(console.get_by_role("heading", name="Incidents", level=1)).to_be_visible()
    assert admin.get(f"/incidents/{incident_id}").status_code == 404


@LOCAL
def test_a_hidden_tab_asks_nothing(console: Page) -> None:
    asked: list[str] = []
    console.on("request", lambda request: asked.append(request.url))
    console.wait_for_event("request")  # it is live
    console.evaluate(
        "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    console.clock.install()
    asked.clear()
    console.clock.run_for(60_000)
    assert asked == []


# -- uploads -----------------------------------------------------------------------------------------------------------


@LOCAL
def test_a_phones_video_ends_as_one_that_plays_everywhere(
    demo: Page, chromium: Browser, stack: local.Stack, operator: str
) -> None:
    name = f"{uuid.uuid4().hex[:8]}.mov"
    choose(demo, MEDIA / "hevc.mov", name)
    proof = demo.get_by_role("listitem").filter(has_text="Ready").filter(has_text=name)
    expect(proof).to_be_visible(timeout=60_000)
    with opened(chromium, stack, "/console/media", operator) as console:
        console.get_by_role("link", name=name).first.click()
        expect(console.get_by_text("H.264").or_(console.get_by_text("video/mp4")).first).to_be_visible()
        expect(console.get_by_role("button", name=f"Optimise {name}")).to_have_count(0)


@LOCAL
def test_an_upload_that_fails_is_an_incident_in_seconds(
    demo: Page, chromium: Browser, stack: local.Stack, admin: httpx.Client, operator: str
) -> None:
    name = f"{uuid.uuid4().hex[:8]}.jpg"
    with opened(chromium, stack, "/console/incidents?error_key=homework_proof", operator) as console:
        expect(console.get_by_role("heading", name="Incidents", level=1)).to_be_visible()
        demo.get_by_role("radio", name="The store refuses the file").check()
        choose(demo, MEDIA / "gps.jpg", name)
        toast = demo.get_by_role("group", name="Upload failed")
        expect(toast).to_be_visible()
        failed = datetime.now(UTC)

        def reported() -> bool:
            found = admin.get("/incidents", params={"error_key": "homework_proof", "limit": 100}).json()["items"]
            details = [admin.get(f"/incidents/{each['incident_id']}").json()["description"] for each in found]
            return name in [detail.get("file_name") for detail in details]

        assert eventually(reported)
        assert datetime.now(UTC) - failed < timedelta(seconds=SOON_S)
        expect(
            console.get_by_role("link", name=re.compile("homework_proof|Access|upload", re.IGNORECASE)).first
        ).to_be_visible()
    expect(toast).to_contain_text("Your data is safe")
    toast.get_by_role("button", name="Show details").click()
    expect(toast).to_contain_text(name)
    expect(toast.get_by_role("link", name="Open the incident")).to_be_visible()
    toast.get_by_role("button", name=re.compile("Close")).click()
    expect(toast).to_have_count(0)

    demo.get_by_role("radio", name="Nothing fails").check()
    demo.get_by_role("button", name=f"Retry {name}").click()
    expect(demo.get_by_role("listitem").filter(has_text=name).filter(has_text="Uploaded")).to_be_visible()


def _never(_: Route) -> None:
    """Leave a request without an answer."""


@LOCAL
def test_a_hub_that_fails_disturbs_nobody(demo: Page) -> None:
    said: list[str] = []
    demo.on("console", lambda message: said.append(message.text))
    for answer in (
        lambda route: route.abort(),  # down, or refused by CORS: a page cannot tell these apart
        _never,
        lambda route: route.fulfill(status=401, json={"Code": "InvalidIngestKey", "Message": "No."}),
        lambda route: route.fulfill(status=500, body="oh no"),
        lambda route: route.fulfill(status=202, body="<html>"),
    ):
        # What was begun before is not waited for: no more than one request is on its way.
        demo.reload()
        demo.route(REPORTS, answer)
        demo.get_by_role("radio", name="The API refuses").check()
        name = f"{uuid.uuid4().hex[:8]}.jpg"
        with demo.expect_request(REPORTS):
            choose(demo, MEDIA / "gps.jpg", name)
        expect(demo.get_by_role("group", name="Upload failed")).to_be_visible()
        demo.get_by_role("radio", name="Nothing fails").check()
        demo.get_by_role("button", name=f"Retry {name}").click()
        expect(demo.get_by_role("listitem").filter(has_text=name).filter(has_text="Uploaded")).to_be_visible()
        demo.unroute(REPORTS)
    # The browser itself tells of a failed request; nobody else says anything.
    assert [text for text in said if "Failed to load resource" not in text] == []


# -- jobs and tasks ----------------------------------------------------------------------------------------------------


def failed_job(stack: local.Stack, admin: httpx.Client, name: str = "broken.mov") -> str:
    """A job that failed, as its upload is no video."""
    content = b"no video at all"
    with signed_in(stack, "customer", f"customer-{uuid.uuid4().hex}") as customer:
        file = {"file_name": name, "content_type": "video/quicktime", "size_bytes": len(content)}
        begun = customer.post("/media", json=file).json()
    upload = begun["upload"]
    assert httpx.put(upload["url"], content=content, headers=upload["headers"], trust_env=False).is_success

    def failed() -> list[str]:
        items = admin.get("/jobs", params={"status": "failed", "limit": 100}).json()["items"]
        return [each["job_id"] for each in items if each["subject_id"] == begun["media_id"]]

    assert eventually(lambda: bool(failed()))
    return failed()[0]


@LOCAL
def test_a_job_that_is_re_run_by_a_double_click_runs_once(
    console: Page, stack: local.Stack, admin: httpx.Client
) -> None:
    job_id = failed_job(stack, admin)
    asked: list[str] = []
    console.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    console.goto(f"{stack.url}/console/jobs/{job_id}")
    console.get_by_role("button", name="Re-run").dblclick()
    expect(console.get_by_text("The job runs again.")).to_be_visible()
    expect(console.get_by_role("button", name="Re-run")).to_be_visible()  # it failed again
    assert [each for each in asked if each.startswith("POST")] == [f"POST {stack.url}/jobs/{job_id}/retry"]
    job = admin.get(f"/jobs/{job_id}").json()
    assert job["attempts"] == len(job["attempts_log"]) == 2


@LOCAL
def test_optimise_is_gone_at_once_and_comes_back_when_refused(
    console: Page, stack: local.Stack, admin: httpx.Client
) -> None:
    name = f"{uuid.uuid4().hex[:8]}.mov"
    failed_job(stack, admin, name)
    console.goto(f"{stack.url}/console/media?status=failed")
    optimise = console.get_by_role("button", name=f"Optimise {name}")
    refusal = {"Code": "JobInFlight", "Message": "It is being optimised already."}
    console.route("**/optimise", lambda route: route.fulfill(status=409, json=refusal))
    optimise.click()
    expect(console.get_by_text("It is being optimised already.")).to_be_visible()
    expect(optimise).to_be_visible()


@LOCAL
def test_a_purge_shows_what_goes_before_it_goes_and_can_be_undone(
    console: Page, stack: local.Stack, admin: httpx.Client
) -> None:
    title = f"Water the plants {uuid.uuid4().hex[:6]}"
    begins = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    made = admin.post("/tasks", json={"title": title, "recurrence": "daily", "start_date": begins}).json()

    def dates() -> list[str]:
        items = admin.get(f"/tasks/{made['task_id']}/instances").json()["items"]
        return [each["date"] for each in items]

    assert dates() == [begins]
    console.goto(f"{stack.url}/console/tasks/{made['task_id']}")
    console.get_by_role("button", name="Purge future").click()
    dialog = console.get_by_role("dialog")
    expect(dialog).to_contain_text("This is a dry run")
    expect(dialog).to_contain_text(title)
    assert dates() == [begins]
    dialog.get_by_role("button", name="Delete 1 instance").click()
    expect(dialog).to_have_count(0)
    assert dates() == []
    console.get_by_role("button", name="Undo", exact=True).click()
    expect(console.get_by_text("Put back 1 instance.")).to_be_visible()
    assert dates() == [begins]


LESSON: Final = {"title": "Maths", "starts_at": "2026-11-23T08:00:00Z", "ends_at": "2026-11-23T08:45:00Z"}


# -- failure tracking --------------------------------------------------------------------------------------------------


def track(stack: local.Stack, *events: Mapping[str, object]) -> None:
    """Tell of events."""
    body = {"events": list(events)}
    answer = httpx.post(f"{stack.url}/analytics/track", params={"key": stack.ingest_key}, json=body, trust_env=False)
    assert answer.status_code == 202, answer.text


@LOCAL
def test_what_fails_most_leads_to_its_report_and_to_the_events(console: Page, stack: local.Stack) -> None:
    name = key()
    endpoint = "POST /payments"  # in which nothing looks like an id
    request = {"endpoint": endpoint, "status": 503, "duration_ms": 240}
    told = {"event": name, "severity": "CRITICAL", "user_id": "7", "data": request}
    track(stack, *[told] * 3)
    console.get_by_role("link", name="Failures").click()
    console.get_by_role("region", name="Failure rate by endpoint").get_by_role("link", name=endpoint).click()
    expect(console.get_by_role("row", name=endpoint)).to_contain_text("100%")
    console.get_by_role("tab", name="Errors").click()
    console.get_by_role("link", name=name).click()
    console.get_by_role("link", name="The latest of them").click()
    entries = console.get_by_role("list", name="events").get_by_role("listitem")
    expect(entries).to_have_count(3)
    track(stack, told)
    expect(entries).to_have_count(4)  # it is live
    entries.first.get_by_text(name).click()
    expect(entries.first).to_contain_text("duration_ms: 240")


@LOCAL
def test_an_alert_is_told_by_a_rule_that_was_made_tested_and_deleted(console: Page, stack: local.Stack) -> None:
    error_key = key()
    console.goto(f"{stack.url}/console/alerts/rules")
    expect(console.get_by_text("Default", exact=True)).to_have_count(3)
    console.get_by_role("button", name="New rule").click()
    form = console.get_by_role("dialog")
    form.get_by_label("Name").fill(error_key)
    form.get_by_label("Key").fill(f"{error_key}*")
    form.get_by_role("button", name="Make rule").click()
    expect(console.get_by_role("heading", name=error_key, level=1)).to_be_visible()

    console.get_by_role("button", name="Test", exact=True).click()
    test = console.get_by_role("dialog", name=f"Test of {error_key}")
    expect(test).to_contain_text("Delivered")
    test.get_by_role("button", name="Close").click()

    report(stack, error_key, severity="LOW")
    console.get_by_role("link", name="What it told").click()
    told = console.get_by_role("list", name="alerts").get_by_role("listitem").filter(has_text=error_key)
    expect(told).to_contain_text("Sent")
    told.get_by_text(error_key).first.click()
    expect(told.get_by_role("list", name="Deliveries")).to_contain_text("Email")
    told.get_by_role("link", name=error_key).click()

    console.get_by_role("button", name=f"Delete {error_key}").click()
    console.get_by_role("dialog").get_by_role("button", name="Delete rule").click()
    expect(console.get_by_role("heading", name="Alert rules")).to_be_visible()
    expect(console.get_by_role("link", name=error_key)).to_have_count(0)


# -- fit for everybody -------------------------------------------------------------------------------------------------


def audited(page: Page) -> list[str]:
    """What axe finds that is serious or worse, and whether something is wider than the page."""
    found: list[str] = page.evaluate(
        """async () => {
            // Found in the page, as all that axe tells would take longer to get here than to find.
            const {violations} = await axe.run({resultTypes: ["violations"], iframes: false, preload: false});
            const bad = violations.filter(({impact}) => ["serious", "critical"].includes(impact));
            const wide = document.documentElement.scrollWidth > innerWidth ? ["it is wider than the page"] : [];
            return [...bad.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`)), ...wide];
        }"""
    )
    return found


def begin_audits(page: Page) -> None:
    """Make a page ready for audits: with axe, and with no colour on its way to another."""
    page.evaluate(AXE.read_text())
    page.add_style_tag(content="* { transition: none !important }")


def unfit(page: Page) -> dict[str, list[str]]:
    """What is wrong with a page: light at a desk, and dark on a phone."""
    looks: tuple[tuple[str, Literal["light", "dark"], Any], ...] = (("desk", "light", DESK), ("phone", "dark", PHONE))
    wrong = {}
    for name, scheme, size in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        wrong[name] = audited(page)
    return {name: found for name, found in wrong.items() if found}


@LOCAL
def test_every_page_is_fit_for_everybody(
    chromium: Browser, stack: local.Stack, admin: httpx.Client, operator: str
) -> None:
    error_key = key()
    job_id, incident_id = failed_job(stack, admin), report(stack, error_key, stack_trace="at pay (shop.js:1)")
    task = admin.post("/tasks", json={"title": "Open the school", "recurrence": "daily"}).json()
    schedule = admin.post("/schedules", json=LESSON).json()
    track(stack, {"event": key(), "severity": "WARNING", "data": {"endpoint": "GET /lessons/7", "duration_ms": 80}})
    # By the heading of each, which tells that it is there.
    paths = {
        "incidents": "Incidents",
        f"incidents/{incident_id}": error_key,
        "media": "Media",
        "jobs": "Jobs",
        f"jobs/{job_id}": "transcode",
        "tasks": "Tasks",
        f"tasks/{task['task_id']}": "Open the school",
        "schedules": "Schedules",
        f"schedules/{schedule['schedule_id']}": "Maths",
        "failures": "Failures",
        "failures?view=endpoints": "Failures",
        "failures?view=feed": "Failures",
        "alerts": "Alerts",
        "alerts/rules": "Alert rules",
        "alerts/critical": "Anything critical",
    }
    with opened(chromium, stack, "/console", operator) as page:
        begin_audits(page)
        for path, title in paths.items():
            # As a link within the page does, which loads nothing anew.
            page.evaluate(
                "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')) }",
                f"/console/{path}",
            )
            expect(page.get_by_role("heading", level=1)).to_contain_text(title)
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
            assert unfit(page) == {}, path


@LOCAL
def test_the_demo_is_fit_for_everybody(demo: Page) -> None:
    begin_audits(demo)
    assert unfit(demo) == {}
