"""The code of the functions, made of what is installed here: by `make`, what requirements.txt pins."""

import json
import marshal
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from infra import code
from infra.local import PROJECT

REQUIREMENT = re.compile(r"^[\w.-]+", re.MULTILINE)
TAG = sys.implementation.cache_tag


def packaged(place: Path, files: Iterable[tuple[str, Path]], date: tuple[int, int, int, int, int, int]) -> Path:
    """What Chalice would write."""
    with zipfile.ZipFile(place, "w") as archive:
        for name, file in files:
            archive.writestr(zipfile.ZipInfo(name, date), file.read_bytes())
    return place


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that is gone afterwards: what lies there is large."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def files() -> list[tuple[str, Path]]:
    """Everything that a package is made of, and where it is."""
    chalice = ("chalice/__init__.py", "chalice/app.py")
    ours = [PROJECT / "app.py", *sorted((PROJECT / "chalicelib").rglob("*.py"))]
    return [
        *((str(file.relative_to(PROJECT)), file) for file in ours),
        *((name, Path(str(distribution("chalice").locate_file(name)))) for name in chalice),
        *(
            (str(file), Path(str(file.locate())))
            for name in REQUIREMENT.findall((PROJECT / "requirements.txt").read_text())
            for file in distribution(name).files or ()
            if ".." not in file.parts
        ),
    ]


@pytest.fixture(scope="module")
def built(files: list[tuple[str, Path]], place: Path) -> Path:
    return code.build(packaged(place / "deployment.zip", files, (2026, 11, 3, 13, 29, 12)), place)


@pytest.fixture(scope="module")
def unpacked(built: Path, place: Path) -> Path:
    with zipfile.ZipFile(built) as archive:
        archive.extractall(place / "task")
    return place / "task"


@pytest.mark.parametrize(
    ("path", "used"),
    [
        ("app.py", True),
        ("boto3/data/s3/2006-03-01/resources-1.json", False),
        ("boto3/examples/s3.rst", False),
        ("boto3/session.py", True),
        ("botocore/data/_retry.json", True),
        ("botocore/data/dynamodb/2012-08-10/service-2.json.gz", True),
        ("botocore/data/dynamodbstreams/2012-08-10/service-2.json.gz", False),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/s3/2006-03-01/paginators-1.sdk-extras.json", True),
        ("botocore/data/s3control/2018-08-20/service-2.json.gz", False),
        ("botocore/data/sqs/2012-11-05/endpoint-rule-set-1.json.gz", True),
        ("chalicelib/__pycache__/clock.cpython-311.pyc", False),
        ("__pycache__/app.cpython-311.pyc", False),
        ("pyjwt-2.15.1.dist-info/METADATA", True),
        ("pyjwt-2.15.1.dist-info/RECORD", False),
        ("pyjwt-2.15.1.dist-info/licenses/LICENSE", True),
    ],
)
def test_what_no_function_reads_is_left_out(path: str, used: bool) -> None:  # noqa: FBT001  # a column of the table
    assert code.is_used(path) is used


def test_a_package_runs_alone_on_its_bytecode(unpacked: Path) -> None:
    for source in unpacked.rglob("*.py"):
        source.write_text("raise AssertionError('compiled')")
    ran = subprocess.run(
        [sys.executable, "-I", "-S", Path(__file__).with_name("alone.py"), unpacked],
        env={
            "STAGE": "test",
            "AWS_DEFAULT_REGION": "eu-north-1",
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [
        "https://dynamodb.eu-north-1.amazonaws.com/",
        "https://sqs.eu-north-1.amazonaws.com/",
        "https://media.s3.eu-north-1.amazonaws.com/?list-type=2&encoding-type=url",
        "https://dynamodb.eu-north-1.amazonaws.com/",
    ]


def test_the_same_code_makes_the_same_zip(
    built: Path, files: list[tuple[str, Path]], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(place / "cache"))
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    again = code.build(packaged(elsewhere / "deployment.zip", reversed(files), (2000, 1, 1, 0, 0, 0)), elsewhere)
    assert again.name == built.name
    assert again.read_bytes() == built.read_bytes()


def test_bytecode_says_where_it_will_be_and_asks_for_no_source(unpacked: Path) -> None:
    written = (unpacked / code.bytecode("chalicelib/clock.py")).read_bytes()
    assert int.from_bytes(written[4:8], "little") == 0b01  # hash-based, unchecked. Source: PEP 552
    assert marshal.loads(written[16:]).co_filename == "/var/task/chalicelib/clock.py"  # noqa: S302  # our own


def test_bytecode_is_where_python_looks() -> None:
    assert code.bytecode("app.py") == f"__pycache__/app.{TAG}.pyc"
    assert code.bytecode("dateutil/tz/py.py") == f"dateutil/tz/__pycache__/py.{TAG}.pyc"
