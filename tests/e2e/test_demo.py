"""The demo from outside: a short one is told on the running stack, and whatever it says is there."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra import local
from infra.scenes import alerts
from infra.scenes import receiver as receivers
from tests.e2e.conftest import Receiver

SHORT = "import sys; from infra import demo; sys.exit(demo.main(days=1, takes=1))"
TOLD_WITHIN_S = 120
PAGES = local.PROJECT / "web/console/src/Pages.tsx"

pytestmark = pytest.mark.skipif("GROUNDCREW_URL" in os.environ, reason="what a deployment is told came by HTTP alone")


@pytest.fixture(scope="module")
def told(stack: local.Stack, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a short story says. Its alert does not arrive, as this stack may reach another receiver than the demo's."""
    directory = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDCREW_LOCAL_DIR", str(directory))
        local.announce(stack)
    done = subprocess.run(
        [sys.executable, "-c", SHORT],
        cwd=local.PROJECT,
        env={"PATH": os.environ["PATH"], "GROUNDCREW_LOCAL_DIR": str(directory)},
        capture_output=True,
        text=True,
        timeout=TOLD_WITHIN_S,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 1, done.stdout
    return done.stdout.splitlines()


def shown(admin: httpx.Client, path: str) -> dict[str, Any]:
    answer = admin.get(path)
    assert answer.status_code == 200, (path, answer.text)
    found: dict[str, Any] = answer.json()
    return found


def pages(told: list[str], stack: local.Stack, area: str) -> list[str]:
    """The ids that the story's links to pages of an area of the console end with."""
    return [line.rpartition("/")[2] for line in told if f"{stack.url}/console/{area}/" in line]


def test_every_step_goes_well_but_the_one_that_cannot_and_says_why(told: list[str]) -> None:
    steps = [line.split()[0] for line in told if re.match(r" \d/9 ", line)]
    assert steps == [f"{nth}/9" for nth in range(1, 10)]
    assert [line.split()[0] for line in told if re.match(r"    [✓✗] ", line)] == ["✓"] * 6 + ["✗"] + ["✓"] * 2
    (why,) = [line for line in told if line.startswith("    ✗")]
    assert "POST /alerts/rules was answered 400" in why or "port 9555" in why
    assert told[-1] == "1 of 9 steps failed; why stands above."


def test_every_link_leads_to_a_page_that_the_console_has(told: list[str], stack: local.Stack) -> None:
    routes = [re.sub(r":\w+", r"[\\w-]+", path) for path in re.findall(r'path="([^"]+)"', PAGES.read_text())]
    links = [line.strip().removeprefix(f"{stack.url}/console/") for line in told if line.startswith("    http")]
    assert len(links) > 8
    for link in links:
        assert any(re.fullmatch(route, link.partition("?")[0]) for route in routes), link


def test_every_path_to_look_at_shows_something(told: list[str], admin: httpx.Client) -> None:
    paths = [line.split()[1].strip("'") for line in told if line.startswith("  look ")]
    assert len(paths) > 8
    for path in paths:
        assert shown(admin, path).get("items") != [], path


def test_the_video_is_small_and_upright(told: list[str], admin: httpx.Client, stack: local.Stack) -> None:
    (media_id,) = pages(told, stack, "media")
    media = shown(admin, f"/media/{media_id}")
    original, video, _poster = media["variants"]
    assert original["size_bytes"] > 2 * video["size_bytes"]
    assert (video["width"], video["height"]) == (720, 1280)
    (sent, got) = [line for line in told if " MB, " in line]
    assert "h264 of 1920x1080, lying on its side, filmed at +52.5163+013.3777" in sent
    assert "h264 of 720x1280, upright, without the place" in got


def test_what_failed_is_an_incident(told: list[str], admin: httpx.Client, stack: local.Stack) -> None:
    refused, raised = [shown(admin, f"/incidents/{each}") for each in pages(told, stack, "incidents")]
    assert (refused["count"], refused["http_status"], refused["user_id"]) == (1, 403, "customer-68")
    assert "SignatureDoesNotMatch" in refused["response_data"]["body"]
    assert (raised["error_key"], raised["count"], raised["user_count"]) == ("ReportCardFailed", 1, 1)
    assert "5ca1ab1e" not in json.dumps(raised)
    assert "db.school.example" in json.dumps(raised)


def test_failed_jobs_ran_again(told: list[str], admin: httpx.Client, stack: local.Stack) -> None:
    saved, refused = [shown(admin, f"/jobs/{each}") for each in pages(told, stack, "jobs")]
    for job, ended in ((saved, "succeeded"), (refused, "failed")):
        assert (job["status"], job["attempts"]) == (ended, 2)
        assert [each["outcome"] for each in job["attempts_log"]] == [ended, "failed"]
        assert [(each["action"], each["actor"]) for each in job["audit"]] == [("retry", "admin-1")]
    assert saved["attempts_log"][1]["error"].startswith("The worker stopped without a word")
    found = shown(admin, "/incidents?error_key=transcode_failed")["items"]
    assert {each["count"] for each in found if "end of the video is missing" in each["title"]} == {2}


@pytest.fixture
def taken(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The receiver that this stack may reach, in place of the demo's. What others were sent is none of its business."""
    monkeypatch.setattr(receivers, "listening", lambda: contextlib.nullcontext(receiver))
    yield receiver
    receiver.taken.clear()


def test_an_alert_is_taken_and_its_rule_is_switched_off(
    stack: local.Stack, admin: httpx.Client, taken: Receiver
) -> None:
    for _ in range(2):
        taken.taken.clear()
        assert "  alert.triggered, CRITICAL: " in alerts.play(stack, lambda _: None).account
        (rule,) = [each for each in shown(admin, "/alerts/rules?limit=100")["items"] if each["name"] == alerts.NAME]
        assert not rule["enabled"]
        (alert,) = shown(admin, f"/alerts?rule_id={rule['rule_id']}")["items"]
        assert alert["state"] == "sent"
