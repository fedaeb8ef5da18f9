"""A browser for tests: Debian's Chromium, driven by Playwright, whose own browsers come from no package registry."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

NAMES: Final = ("chromium", "google-chrome")
# What needs a GPU, UDP, or the internet; it has none of its own to ask anything of.
FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Pages are whole without it: where there is none, waiting for it would take half a minute.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
)
INSTALL: Final = "apt-get update -qq && apt-get install -qq --yes chromium"


class NoBrowser(Exception):
    """There is no Chromium, and none can be installed; says what to do."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of its own, installed first where that is possible. Raises NoBrowser.

    While it is open no asyncio loop can run in this thread.
    """
    executable = path()
    with sync_playwright() as playwright:
        # Chromium refuses to run as root inside its sandbox.
        sandbox = os.geteuid() != 0
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, chromium_sandbox=sandbox)
        with browser:
            yield browser


def path() -> str:
    """Where Chromium or Chrome is, after its installation where that is possible. Raises NoBrowser."""
    return _found() or _installed()


def _found() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _installed() -> str:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoBrowser(f"These tests need Chromium or Chrome on the PATH; on Debian, as root: {INSTALL}")
    # Tests run in several processes at once, and apt in one.
    with (Path(tempfile.gettempdir()) / "groundcrew-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tried = _found() or subprocess.run(
            ["sh", "-c", INSTALL],
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
    found = _found()
    if found is None:
        raise NoBrowser(f"Chromium cannot be installed by `{INSTALL}`: {tried}")
    return found
