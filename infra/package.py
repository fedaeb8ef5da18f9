"""The package: what a deployment ships: a zip of all code and a template, made by `chalice package`, and a layer."""

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

from infra import code, layer, template
from infra.local import PROJECT
from infra.troubles import Trouble

# The limit of 50 MB zipped is one of requests: CloudFormation has Lambda read zips from a bucket.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNPACKED_BYTES: Final = 250 * 1024 * 1024

# Of .chalice/config.json, which is Chalice's word for whose settings it packages: what differs are the parameters.
_STAGE: Final = "prod"
_PINNED = re.compile(r"^([\w.-]+)(?:\[.*?])?==([^\s;]+)", re.MULTILINE)
_SHIPPED = re.compile(r"^([^/\n]+)-([^/-]+)\.dist-info/METADATA$", re.MULTILINE)
_FOREIGN = re.compile(r"^(?:(?:chalice/cli|infra|pip|setuptools)/|(?:.*/)?tests/).*", re.MULTILINE)


class PackageError(Trouble):
    """Why there is no package, or why it must not be deployed."""


@dataclass(frozen=True, slots=True)
class Package:
    """Code and layer as zips, and the template of the stack that runs them, which still names them as files nearby."""

    code: Path
    layer: Path
    template: dict[str, Any]

    def located(self, place: str) -> dict[str, Any]:
        """The template with the files in `place`, an `s3://` address."""
        files = {
            "AWS::Serverless::Function": {"CodeUri": f"{place}/{self.code.name}"},
            "AWS::Serverless::LayerVersion": {"ContentUri": f"{place}/{self.layer.name}"},
        }
        resources = {
            name: resource | {"Properties": resource["Properties"] | files.get(resource["Type"], {})}
            for name, resource in self.template["Resources"].items()
        }
        return self.template | {"Resources": resources}


def build(directory: Path) -> Package:
    """Package the project into `directory`: the same for every stage of a deployment.

    Raises LayerError, and PackageError when that fails, or when the code is not exactly ours and what requirements.txt
    pins, with all of its bytecode and with the pages that are built of web/, or too large.
    """
    _clear()
    made = subprocess.run(
        [
            *(Path(sys.executable).with_name("chalice"), "package", "--stage", _STAGE),
            *("--merge-template", template.PATH, directory.absolute()),
        ],
        cwd=PROJECT,
        # Chalice asks for a region, and puts it nowhere. Whose account it is for makes no difference.
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        | {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        raise PackageError(f"chalice package failed:\n{made.stdout}")
    package = Package(
        code.build(directory / "deployment.zip", directory),
        layer.build(directory),
        # CloudFormation does not understand the aliases of YAML that Chalice writes; as data there are none.
        yaml.safe_load((directory / "sam.yaml").read_text()),
    )
    with zipfile.ZipFile(package.code) as archive:
        files = archive.namelist()
    require_exactly((PROJECT / "requirements.txt").read_text(), files)
    require_pages(files)
    require_bytecode(files)
    require_room(unpacked_bytes(package.code), unpacked_bytes(package.layer))
    return package


def pinned(requirements: str) -> dict[str, str]:
    """The versions that a file of requirements pins, by the normalised names of the distributions."""
    return {_normalised(name): version for name, version in _PINNED.findall(requirements)}


def unpacked_bytes(archive: Path) -> int:
    """How large a zip is where Lambda unpacks it."""
    with zipfile.ZipFile(archive) as opened:
        return sum(entry.file_size for entry in opened.infolist())


def require_room(code_bytes: int, layer_bytes: int) -> None:
    """Raise PackageError when a function with its layer is more than Lambda unpacks."""
    if code_bytes + layer_bytes > MAX_UNPACKED_BYTES:
        raise PackageError(
            f"The code has {code_bytes} bytes unpacked and its layer {layer_bytes}; "
            f"Lambda takes {MAX_UNPACKED_BYTES} together."
        )


def require_exactly(requirements: str, files: Iterable[str]) -> None:
    """Raise PackageError unless `files` are those of the distributions that `requirements` pins, and our own.

    Chalice only mentions a distribution that it cannot find for Lambda, and packages the rest.
    """
    names = "\n".join(files)
    pins = set(pinned(requirements).items())
    shipped = {(_normalised(name), version) for name, version in _SHIPPED.findall(names)}
    for verb, distributions in (("lacks", pins - shipped), ("holds", shipped - pins)):
        if distributions:
            named = ", ".join(" ".join(distribution) for distribution in sorted(distributions))
            raise PackageError(f"The package {verb} {named}: it must be exactly what requirements.txt pins.")
    if found := _FOREIGN.search(names):
        raise PackageError(f"The package holds {found[0]}, which belongs on a developer's machine.")


def require_pages(files: Iterable[str]) -> None:
    """Raise PackageError unless the console and the demo page are in `files`, each with something to load."""
    held = set(files)
    for page in ("console", "demo"):
        place = f"chalicelib/console/static/{page}"
        if f"{place}/index.html" not in held or not any(file.startswith(f"{place}/assets/") for file in held):
            raise PackageError(f"The package lacks /{page}, which is not built: `make deploy` builds it first.")


def require_bytecode(files: Iterable[str]) -> None:
    """Raise PackageError unless every source in `files` has its bytecode there."""
    held = set(files)
    for file in sorted(held):
        if file.endswith(".py") and code.bytecode(file) not in held:
            raise PackageError(f"The package lacks the bytecode of {file}: `python -m py_compile` says why.")


def _clear() -> None:
    """Remove what Chalice would ship or keep: this machine's bytecode, packages of earlier code or of a stopped run."""
    for cache in (PROJECT / "chalicelib").rglob("__pycache__"):
        shutil.rmtree(cache)
    packages = sorted((PROJECT / ".chalice/deployments").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for package in packages:
        if package != packages[-1] or not _is_of_these_files(package):
            package.unlink()


def _is_of_these_files(package: Path) -> bool:
    """Whether a package of Chalice's, which it finds again by what our files hold, has them under their names."""
    if not zipfile.is_zipfile(package):
        return False
    with zipfile.ZipFile(package) as archive:
        held = {name for name in archive.namelist() if name.startswith("chalicelib/")}
    return held == {
        path.relative_to(PROJECT).as_posix() for path in (PROJECT / "chalicelib").rglob("*") if path.is_file()
    }


def _normalised(name: str) -> str:
    # Source: https://packaging.python.org/en/latest/specifications/name-normalization/
    return re.sub(r"[-_.]+", "-", name).lower()
