"""What a package must be made of. That it can be built at all, deployed and run is what `make rehearse` shows."""

import re
from pathlib import Path

import pytest

from infra.local import PROJECT
from infra.package import Package, PackageError, require_exactly

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


def test_only_functions_are_told_where_the_code_is() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip", "Timeout": 20}}
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
    package = Package(Path("deployment.zip"), {"Outputs": {}, "Resources": {"Api": function, "Table": table}})
    located = function | {"Properties": {"CodeUri": "s3://bucket/code.zip", "Timeout": 20}}
    assert package.located("s3://bucket/code.zip") == {"Outputs": {}, "Resources": {"Api": located, "Table": table}}
