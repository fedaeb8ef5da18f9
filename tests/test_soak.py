"""The soak tells what was wrong, by its table and by its exit status."""

import sys
import types
from collections.abc import Iterator

import pytest

from soak.__main__ import main
from soak.finding import Finding, at_least, at_most, exactly, figure


def soaked(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> int:
    def measure(*_: object) -> Iterator[Finding]:
        yield from findings

    monkeypatch.setitem(sys.modules, "soak.reports", types.SimpleNamespace(measure=measure))
    monkeypatch.setattr(sys, "argv", ["soak", "reports", "--seed", "7"])
    return main()


def test_what_is_as_it_must_be_is_told_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (exactly("counted", 8000, 8000), at_most("slowest", 1.25, 29, "s"), at_least("kills", 1, 1))
    assert soaked(monkeypatch, *asked, figure("rate", 150.4, "a second")) == 0
    said = capsys.readouterr().out
    assert "seed 7" in said
    assert said.splitlines()[-4:] == [
        "| reports: counted | 8,000 | 8,000 |",
        "| reports: slowest | 1.2 s | at most 29 s |",
        "| reports: kills | 1 | at least 1 |",
        "| reports: rate | 150 a second |  |",
    ]


@pytest.mark.parametrize(
    "wrong", [exactly("counted", 7999, 8000), at_most("slowest", 29.1, 29, "s"), at_least("kills", 0, 1)]
)
def test_one_thing_wrong_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: Finding
) -> None:
    assert soaked(monkeypatch, exactly("all else", 1, 1), wrong) == 1
    said = capsys.readouterr().out
    assert "1 wrong" in said
    assert f"| reports: {wrong.what} | {wrong.found} **wrong** | {wrong.must} |" in said
    assert said.count("**wrong**") == 1


def test_a_part_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["soak", "reprots"])
    with pytest.raises(SystemExit, match="2"):
        main()
