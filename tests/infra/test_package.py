"""What a package must be made of. That it can be built at all, deployed and run is what `make rehearse` shows."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.local import PROJECT
from infra.package import (
    MAX_UNPACKED_BYTES,
    Package,
    PackageError,
    require_exactly,
    require_room,
    unpacked_bytes,
)

REQUIREMENTS = """
# What runs in the cloud.
pyjwt[crypto]==2.15.1  # tokens
Python_DateUtil==2.9.0.post0
"""
FILES = ("app.py", "chalice/app.py", "jwt/api_jwt.py", "PyJWT-2.15.1.dist-info/METADATA", "jwt/tests/test_api.py")
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
        ([DATES, "chalicelib/__pycache__/clock.cpython-311.pyc"], "holds chalicelib/__pycache__"),
    ],
)
def test_a_package_that_lacks_or_holds_more_is_refused(files: list[str], complaint: str) -> None:
    with pytest.raises(PackageError, match=re.escape(f"The package {complaint}")):
        require_exactly(REQUIREMENTS, [*FILES, *files])


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

    package = Package(Path("here/deployment.zip"), Path("here/ffmpeg.zip"), declared("."))
    assert package.located("s3://bucket/7") == declared("s3://bucket/7")
    assert package.runtime == "python3.12"


def test_a_function_has_room_for_its_layer() -> None:
    require_room(MAX_UNPACKED_BYTES - 172_737_685, 172_737_685)
    with pytest.raises(PackageError, match="its layer 172737685; Lambda takes 262144000 together"):
        require_room(MAX_UNPACKED_BYTES - 172_737_684, 172_737_685)


def test_what_is_unpacked_is_counted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b" " * 1000)
        archive.writestr("b", b"b")
    assert unpacked_bytes(tmp_path / "zip") == 1001
