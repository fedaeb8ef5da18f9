"""What a package must be made of. That it can be built at all, deployed and run is what `make rehearse` shows."""

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra import code, package
from infra.local import PROJECT
from infra.package import (
    MAX_UNPACKED_BYTES,
    Package,
    PackageError,
    require_bytecode,
    require_exactly,
    require_pages,
    require_room,
    unpacked_bytes,
)

REQUIREMENTS = """
# What runs in the cloud.
pyjwt[crypto]==2.15.1  # tokens
Python_DateUtil==2.9.0.post0
"""
FILES = ("app.py", "chalice/app.py", "jwt/api_jwt.py", "PyJWT-2.15.1.dist-info/METADATA", "botocore/testing.py")
DATES = "python_dateutil-2.9.0.post0.dist-info/METADATA"


def test_a_package_is_what_is_pinned() -> None:
    require_exactly(REQUIREMENTS, [*FILES, DATES])


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ([], "lacks python-dateutil 2.9.0.post0"),
        (["python_dateutil-2.9.1.dist-info/METADATA"], "lacks python-dateutil 2.9.0.post0"),
        ([DATES, "chalice-1.34.0.dist-info/METADATA"], "holds chalice 1.34.0"),
        ([DATES, "chalice/cli/__init__.py"], "holds chalice/cli/__init__.py"),
        ([DATES, "tests/conftest.py"], "holds tests/conftest.py"),
        ([DATES, "pip/__init__.py"], "holds pip/__init__.py"),
        ([DATES, "dateutil/tests/test_tz.py"], "holds dateutil/tests/test_tz.py"),
    ],
)
def test_a_package_that_lacks_or_holds_more_is_refused(files: list[str], complaint: str) -> None:
    with pytest.raises(PackageError, match=re.escape(f"The package {complaint}")):
        require_exactly(REQUIREMENTS, [*FILES, *files])


def test_a_package_without_bytecode_is_refused() -> None:
    sources = ["app.py", "jwt/api_jwt.py"]
    compiled = [code.bytecode(source) for source in sources]
    require_bytecode([*sources, *compiled, "botocore/data/endpoints.json"])
    with pytest.raises(PackageError, match=re.escape("The package lacks the bytecode of jwt/api_jwt.py")):
        require_bytecode([*sources, *compiled[:1]])


def test_a_package_without_its_pages_is_refused() -> None:
    static = "chalicelib/console/static"
    built = [
        f"{static}/{page}/{file}" for page in ("console", "demo") for file in ("index.html", "assets/index-1.js.gz")
    ]
    require_pages(built)
    for lost in built:
        with pytest.raises(PackageError, match=f"^The package lacks /{lost.split('/')[3]}, which is not built"):
            require_pages([file for file in built if file != lost])


def test_every_requirement_is_pinned() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    for line in lines:
        assert not line or line.startswith("#") or re.match(r"[\w.-]+(\[[\w,]+])?==[\w.]+( |$)", line), line


def test_what_is_made_of_a_file_is_told_where_it_is() -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {}}

    def declared(place: str) -> dict[str, Any]:
        code = {"CodeUri": f"{place}/deployment.zip", "Runtime": "python3.12"}
        function = {"Type": "AWS::Serverless::Function", "Properties": code}
        layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": f"{place}/ffmpeg.zip"}}
        return {"Outputs": {}, "Resources": {"Api": function, "Layer": layer, "Table": table}}

    built = Package(Path("here/deployment.zip"), Path("here/ffmpeg.zip"), declared("."))
    assert built.located("s3://bucket/7") == declared("s3://bucket/7")


def test_a_function_has_room_for_its_layer() -> None:
    require_room(MAX_UNPACKED_BYTES - 172_737_685, 172_737_685)
    with pytest.raises(PackageError, match="its layer 172737685; Lambda takes 262144000 together"):
        require_room(MAX_UNPACKED_BYTES - 172_737_684, 172_737_685)


def test_what_is_unpacked_is_counted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b" " * 1000)
        archive.writestr("b", b"b")
    assert unpacked_bytes(tmp_path / "zip") == 1001


def test_chalice_packages_again_what_was_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PROJECT", tmp_path)
    kept = tmp_path / ".chalice/deployments/5e1f-python3.12.zip"
    kept.parent.mkdir(parents=True)
    module = tmp_path / "chalicelib/clock.py"
    cache = module.parent / "__pycache__"
    cache.mkdir(parents=True)
    module.touch()
    with zipfile.ZipFile(kept, "w") as archive:
        for file in ("app.py", "chalice/app.py", "chalicelib/clock.py"):
            archive.writestr(file, "")

    package._clear()
    assert kept.exists()
    assert not cache.exists()

    module.rename(module.with_name("time.py"))
    package._clear()
    assert not kept.exists()


def test_half_a_package_and_older_ones_are_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PROJECT", tmp_path)
    (tmp_path / ".chalice/deployments").mkdir(parents=True)
    older, newer = (tmp_path / f".chalice/deployments/{name}.zip" for name in ("a", "b"))
    for second, file in enumerate((older, newer)):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("app.py", "")
        os.utime(file, (second, second))
    package._clear()
    assert [*newer.parent.iterdir()] == [newer]
    newer.write_bytes(newer.read_bytes()[:-9])
    package._clear()
    assert [*newer.parent.iterdir()] == []
