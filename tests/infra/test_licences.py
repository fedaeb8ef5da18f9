"""Licences and advisories: what ships is allowed, the page says so, and silence is not taken for peace."""

import json
import subprocess
from collections.abc import Callable

import pytest

from chalicelib.media import ffmpeg
from infra import audit, licences
from infra.local import PROJECT
from infra.troubles import Trouble

PAGE = (PROJECT / "docs/licences.md").read_text()
FINE = json.dumps({"dependencies": [{"name": "six", "version": "1.17.0", "vulns": []}], "fixes": []})
SKIPPED = {"name": "six", "skip_reason": "Dependency not found on PyPI"}
SILENT = json.dumps({"dependencies": [SKIPPED], "fixes": []})
KNOWN = json.dumps(
    {
        "dependencies": [
            {
                "name": "jinja2",
                "version": "2.4.1",
                "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": [], "description": ""}],
            },
            SKIPPED,
        ]
    }
)
NPM_FINE = json.dumps({"auditReportVersion": 2, "vulnerabilities": {}, "metadata": {}})
NPM_SILENT = json.dumps({"message": "405 Method Not Allowed - POST https://registry.example", "statusCode": 405})
NPM_KNOWN = json.dumps(
    {
        "vulnerabilities": {
            "esbuild": {
                "via": [
                    {
                        "name": "esbuild",
                        "title": "reads any file",
                        "url": "https://github.com/advisories/GHSA-g7r4-m6w7-qqqr",
                        "severity": "low",
                        "range": "<0.28.1",
                    }
                ]
            },
            "vite": {"via": ["esbuild"]},
        }
    }
)

Run = Callable[[str, str], tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The audit, where pip-audit and npm print this; its status, and what it says."""

    def audited(pip: str, npm: str) -> tuple[int, str]:
        monkeypatch.setattr(audit, "_said", lambda command: npm if command[0] == "npm" else pip)
        status = audit.main()
        said = capsys.readouterr()
        return status, said.out + said.err

    return audited


def test_what_ships_is_allowed_and_on_the_page() -> None:
    packages = licences.shipped()
    licences.require_allowed(packages)
    assert {"boto3", "chalice", "imageio-ffmpeg", "react"} <= {each.name for each in packages}
    assert {each.name for each in packages}.isdisjoint({"pytest", "vite", "groundcrew-sdk"})
    assert licences.table(packages) in PAGE


@pytest.mark.parametrize("licence", ["MIT", "(MIT OR GPL-3.0-only)", "Apache-2.0 AND MIT"])
def test_one_alternative_is_enough(licence: str) -> None:
    licences.require_allowed([licences.Package("JavaScript", "left-pad", licence)])


@pytest.mark.parametrize("licence", ["AGPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT OR 0BSD) AND GPL-3.0-only", ""])
def test_others_and_none_are_refused(licence: str) -> None:
    with pytest.raises(Trouble, match="left-pad"):
        licences.require_allowed([licences.Package("JavaScript", "left-pad", licence)])


def test_ffmpeg_is_what_the_page_says() -> None:
    built = subprocess.run([ffmpeg.binary(), "-L"], capture_output=True, text=True, check=True)
    assert "--enable-gpl --enable-version3" in built.stderr
    assert "--enable-nonfree" not in built.stderr
    assert "GNU General Public License" in built.stdout
    assert "either version 3 of the License, or" in built.stdout
    assert "`--enable-gpl --enable-version3`" in PAGE


def test_an_audit_of_which_all_was_asked_and_nothing_is_known_is_well(run: Run) -> None:
    status, said = run(FINE, NPM_FINE)
    assert (status, said.count(": no advisories")) == (0, 4)


@pytest.mark.parametrize(("pip", "npm"), [(SILENT, NPM_FINE), (FINE, NPM_SILENT), ("Traceback: no network", NPM_FINE)])
def test_silence_is_not_taken_for_peace(run: Run, pip: str, npm: str) -> None:
    status, said = run(pip, npm)
    assert status == 1
    assert said.count(" could not be asked for: ") == 2
    assert "The audit is incomplete" in said


def test_what_is_known_is_named_with_what_mends_it(run: Run) -> None:
    status, said = run(KNOWN, NPM_KNOWN)
    assert status == 1
    assert "jinja2 2.4.1: PYSEC-2019-217, mended in 2.10.1" in said
    assert "esbuild <0.28.1: GHSA-g7r4-m6w7-qqqr, low: reads any file" in said
    assert "4 advisories are known" in said
