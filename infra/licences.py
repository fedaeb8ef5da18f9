"""Licences: under which everything stands that a deployment ships, held to those that ask for nothing but a notice.

docs/licences.md quotes what this prints; `make audit` fails for what is not allowed. ffmpeg, which the layer holds as a
program of its own, is not among them: that page says what follows from its licence.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Final

from infra import package, terminal
from infra.local import PROJECT
from infra.troubles import Trouble

# By their SPDX ids.
ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "OFL-1.1",
        "PSF-2.0",
    }
)

# What the files say of those whose metadata does not say it by an id.
_READ: Final = {
    "chalice": "Apache-2.0",
    "cronsim": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "s3transfer": "Apache-2.0",
}
# Chalice adds its own runtime to a package.
_BESIDES: Final = ("chalice",)


@dataclass(frozen=True, slots=True)
class Package:
    """What somebody else wrote, and its licence: an SPDX id, or such as `MIT OR Apache-2.0`."""

    language: str
    name: str
    licence: str


def shipped() -> list[Package]:
    """All that a deployment may ship, by name: what is pinned to run there, and what the pages are built of.

    Python's packages have to be installed.
    """
    return sorted([*_python(), *_javascript()], key=lambda each: (each.name, each.language))


def require_allowed(packages: Iterable[Package]) -> None:
    """Raise Trouble for packages whose licence is none of ALLOWED."""
    others = [f"{each.name} ({each.licence or 'no licence'})" for each in packages if not _is_allowed(each.licence)]
    if others:
        raise Trouble(
            f"These stand under licences that are not allowed here: {', '.join(others)}. Do without them, or read what "
            "they ask for and add them to infra/licences.py."
        )


def _is_allowed(licence: str) -> bool:
    """Whether one of a licence's alternatives is allowed, with all that it joins by AND.

    What is nested is for a person to read.
    """
    return any(ALLOWED.issuperset(each.split(" AND ")) for each in _bare(licence).split(" OR "))


def _bare(licence: str) -> str:
    """A licence without the parentheses around the whole of it."""
    inner = licence.removeprefix("(").removesuffix(")")
    return licence if "(" in inner or ")" in inner else inner


def table(packages: Iterable[Package]) -> str:
    """Packages by their licences, as a Markdown table."""
    rows: dict[str, dict[str, list[str]]] = {}
    for each in packages:
        rows.setdefault(_bare(each.licence), {}).setdefault(each.language, []).append(each.name)
    lines = [
        f"| {licence} | {', '.join(by.get('Python', []))} | {', '.join(by.get('JavaScript', []))} |"
        for licence, by in sorted(rows.items())
    ]
    return "\n".join(["| licence | Python | JavaScript |", "| --- | --- | --- |", *lines])


def _python() -> Iterator[Package]:
    for name in (*package.pinned((PROJECT / "requirements.txt").read_text()), *_BESIDES, "imageio-ffmpeg"):
        said = metadata(name)
        named = [*(said.get_all("License-Expression") or ()), *(said.get_all("License") or ()), ""]
        yield Package("Python", name, _READ.get(name, named[0]))


def _javascript() -> Iterator[Package]:
    locked = json.loads((PROJECT / "web/package-lock.json").read_text())["packages"]
    # Without the workspaces, which are ours.
    found = {
        (place.rpartition("node_modules/")[2], str(each.get("license", "")))
        for place, each in locked.items()
        if "node_modules/" in place and not each.get("dev") and not each.get("link")
    }
    for name, licence in found:
        yield Package("JavaScript", name, licence)


def _print() -> None:
    packages = shipped()
    print(table(packages))
    require_allowed(packages)


if __name__ == "__main__":
    sys.exit(terminal.run(_print))
