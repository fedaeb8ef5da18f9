"""The audit: what is known against what is pinned, and under which licences what ships stands. `make audit` runs it.

PyPI and npm's registry are asked for advisories. Where one does not answer nothing was found, which is not that there
is nothing: the audit says so, and fails. (pip-audit by itself then reports that no vulnerabilities are known.)
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from infra import licences, terminal
from infra.local import PROJECT
from infra.terminal import say
from infra.troubles import Trouble

# The first includes requirements.txt.
REQUIREMENTS: Final = ("requirements-dev.txt", "requirements-ffmpeg.txt")
LOCKS: Final = ("web", "tests/sdks")

_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The advisories that are known, a line each; and what was said instead of an answer, if not all was answered."""

    known: list[str]
    instead: str | None = None


def main() -> int:
    """Audit; returns the exit status, as `terminal.run` has it: 0 when all were asked, and nothing is known."""
    return terminal.run(_audit)


def _audit() -> None:
    known, complete = 0, True
    sources = [(name, partial(_pip, name)) for name in REQUIREMENTS] + [(name, partial(_npm, name)) for name in LOCKS]
    for name, ask in sources:
        answer = ask()
        known += len(answer.known)
        complete = complete and answer.instead is None
        summary = f"{len(answer.known) or 'no'} advisories"
        say("\n  ".join([f"{name}: {answer.instead or summary}", *answer.known]))
    packages = licences.shipped()
    licences.require_allowed(packages)
    say(f"licences: all of {len(packages)} packages that ship have one that is allowed")
    if known:
        raise Trouble(f"{known} advisories are known: take the versions that mend them, or say in words why not.")
    if not complete:
        raise Trouble(
            "The audit is incomplete: nobody knows of what could not be asked for. Run it where PyPI and npm's "
            "registry can be reached."
        )


def _pip(requirements: str) -> Answer:
    # All of them are pinned, so that nothing need be resolved.
    pinned = ("--no-deps", "--disable-pip", "--requirement", requirements)
    return _of_pip(_said([sys.executable, "-m", "pip_audit", *pinned, "--format", "json", "--progress-spinner", "off"]))


def _npm(folder: str) -> Answer:
    return _of_npm(_said(["npm", "audit", "--json", "--package-lock-only", "--prefix", folder]))


def _of_pip(said: str) -> Answer:
    """What pip-audit's JSON says, with the versions that mend it."""
    found = _parsed(said).get("dependencies")
    if found is None:
        return _unanswered(said)
    known = [
        f"{each['name']} {each['version']}: {known['id']}, {_mended(known['fix_versions'])}"
        for each in found
        for known in each.get("vulns", ())
    ]
    skipped = [each["skip_reason"] for each in found if "skip_reason" in each]
    return Answer(known, f"{len(skipped)} of {len(found)} could not be asked for: {skipped[0]}" if skipped else None)


def _of_npm(said: str) -> Answer:
    """What npm's JSON says, with the versions that it is about."""
    found = _parsed(said).get("vulnerabilities")
    if found is None:
        return _unanswered(_parsed(said).get("message", said))
    # Of what only depends on what is vulnerable it names that.
    known = [
        f"{known['name']} {known['range']}: {known['url'].rpartition('/')[2]}, {known['severity']}: {known['title']}"
        for each in found.values()
        for known in each["via"]
        if isinstance(known, dict)
    ]
    return Answer(known)


def _unanswered(said: str) -> Answer:
    return Answer([], f"could not be asked for: {' '.join(said.split())[-_SHOWN:]}")


def _said(command: Sequence[str]) -> str:
    """What a command prints; both end with 1 where they find something. Of one that prints nothing, its complaint."""
    try:
        ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return ended.stdout or ended.stderr


def _parsed(said: str) -> dict[str, Any]:
    try:
        return dict(json.loads(said))
    except (TypeError, ValueError):
        return {}


def _mended(versions: Sequence[str]) -> str:
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"


if __name__ == "__main__":
    sys.exit(main())
