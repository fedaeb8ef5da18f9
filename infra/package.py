"""The package: what a deployment ships, by `chalice package`: one zip of code for all functions, and a template."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from infra import template
from infra.local import PROJECT

# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNPACKED_BYTES: Final = 250 * 1024 * 1024

_CODE: Final = "deployment.zip"
_PINNED = re.compile(r"^([\w.-]+)(?:\[.*?])?==([^\s;]+)", re.MULTILINE)
_SHIPPED = re.compile(r"^([^/\n]+)-([^/-]+)\.dist-info/METADATA$", re.MULTILINE)
_FOREIGN = re.compile(r"^(?:chalice/cli|infra|pip|setuptools|tests)/.*|.*/__pycache__/.*", re.MULTILINE)


class PackageError(Exception):
    """Why there is no package, or why it must not be deployed."""


@dataclass(frozen=True, slots=True)
class Package:
    """Code as a zip, and the template of the stack that runs it, which still names the zip as a file beside it."""

    code: Path
    template: dict[str, Any]

    @property
    def packed_bytes(self) -> int:
        return self.code.stat().st_size

    @property
    def unpacked_bytes(self) -> int:
        with zipfile.ZipFile(self.code) as archive:
            return sum(entry.file_size for entry in archive.infolist())

    def located(self, uri: str) -> dict[str, Any]:
        """The template with the code at `uri`, an `s3://` address."""
        functions = {
            name: resource | {"Properties": resource["Properties"] | {"CodeUri": uri}}
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }
        return self.template | {"Resources": self.template["Resources"] | functions}


def build(stage: str, directory: Path) -> Package:
    """Package the project for a Chalice stage into `directory`.

    Raises PackageError when that fails, or when the code is not exactly ours and what requirements.txt pins.
    """
    _clear()
    made = subprocess.run(
        [
            *(Path(sys.executable).with_name("chalice"), "package", "--stage", stage),
            *("--merge-template", template.PATH, directory),
        ],
        cwd=PROJECT,
        # Chalice asks for a region, and puts it nowhere.
        env={"AWS_DEFAULT_REGION": "us-east-1"} | os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        raise PackageError(f"chalice package failed:\n{made.stdout}")
    # CloudFormation does not understand the aliases of YAML that Chalice writes; as data there are none.
    package = Package(directory / _CODE, yaml.safe_load((directory / "sam.yaml").read_text()))
    with zipfile.ZipFile(package.code) as archive:
        require_exactly((PROJECT / "requirements.txt").read_text(), archive.namelist())
    if package.unpacked_bytes > MAX_UNPACKED_BYTES:
        raise PackageError(f"The code has {package.unpacked_bytes} bytes unpacked; Lambda takes {MAX_UNPACKED_BYTES}.")
    return package


def require_exactly(requirements: str, files: Iterable[str]) -> None:
    """Raise PackageError unless `files` are those of the distributions that `requirements` pins, and our own.

    Chalice only mentions a distribution that it cannot find for Lambda, and packages the rest.
    """
    names = "\n".join(files)
    pinned = {(_normalised(name), version) for name, version in _PINNED.findall(requirements)}
    shipped = {(_normalised(name), version) for name, version in _SHIPPED.findall(names)}
    for verb, distributions in (("lacks", pinned - shipped), ("holds", shipped - pinned)):
        if distributions:
            named = ", ".join(" ".join(distribution) for distribution in sorted(distributions))
            raise PackageError(f"The package {verb} {named}: it must be exactly what requirements.txt pins.")
    if found := _FOREIGN.search(names):
        raise PackageError(f"The package holds {found[0]}, which belongs on a developer's machine.")


def _clear() -> None:
    """Remove what Chalice would ship or keep: this machine's bytecode, packages of earlier code or of a stopped run."""
    for cache in (PROJECT / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(cache)
    packages = sorted((PROJECT / ".chalice/deployments").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for package in packages:
        if package != packages[-1] or not zipfile.is_zipfile(package):
            package.unlink()


def _normalised(name: str) -> str:
    # Source: https://packaging.python.org/en/latest/specifications/name-normalization/
    return re.sub(r"[-_.]+", "-", name).lower()
