"""What the layer holds. That Lambda's own ffmpeg runs from it is what `make rehearse` shows."""

import re
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from infra import layer
from infra.local import PROJECT


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "imageio_ffmpeg.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for name, mode, text in (
            ("__init__.py", 0o100644, "import os"),
            ("binaries/ffmpeg", 0o100755, "\x7fELF" * 999),
        ):
            entry = zipfile.ZipInfo(f"imageio_ffmpeg/{name}", (2026, 11, 3, 13, 29, 12))
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    monkeypatch.setattr(layer, "_wheel", lambda directory: made)
    return made


def test_a_layer_is_the_wheel_where_python_looks(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(layer.build(tmp_path)) as made:
        files = {file.filename: (oct(file.external_attr >> 16), made.read(file)) for file in made.infolist()}
    assert files == {
        "python/imageio_ffmpeg/__init__.py": ("0o100644", b"import os"),
        "python/imageio_ffmpeg/binaries/ffmpeg": ("0o100755", b"\x7fELF" * 999),
    }


def test_the_same_wheel_makes_the_same_layer(wheel: Path, tmp_path: Path) -> None:
    first = layer.build(tmp_path).read_bytes()
    assert layer.build(tmp_path).read_bytes() == first
    assert len(first) < 999 * 4


def test_ffmpeg_runs_from_a_layer_that_was_unpacked_without_permissions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the local cloud unpacks it, for a process that has a layer and our code."""
    installed = Path(str(distribution("imageio-ffmpeg").locate_file("")))
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        with zipfile.ZipFile(place / "wheel", "w") as wheel:
            for file in (installed / "imageio_ffmpeg").rglob("*"):
                wheel.write(file, file.relative_to(installed))
        monkeypatch.setattr(layer, "_wheel", lambda directory: place / "wheel")
        monkeypatch.setattr("infra.archive._COMPRESSION", 0)  # nobody sends this one anywhere
        with zipfile.ZipFile(layer.build(place)) as made:
            made.extractall(place / "opt")
        paths = [str(PROJECT), str(place / "opt/python")]
        found = f"import sys; sys.path += {paths}; from chalicelib.media import ffmpeg; print(ffmpeg.binary())"
        ran = subprocess.run([sys.executable, "-I", "-S", "-c", found], stdout=subprocess.PIPE, text=True, check=True)
        binary = Path(ran.stdout.strip())
        assert binary.is_relative_to(place / "opt/python/imageio_ffmpeg/binaries")
        said = subprocess.run([binary, "-version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said.startswith("ffmpeg version")


def test_the_layer_is_of_the_version_that_tests_run() -> None:
    requirement, *hashes = re.findall(
        r"^[^#\s].*|--hash=sha256:[0-9a-f]{64}", (PROJECT / "requirements-ffmpeg.txt").read_text(), re.MULTILINE
    )
    assert requirement.startswith(f"imageio-ffmpeg=={version('imageio-ffmpeg')} ")
    assert len(set(hashes)) == len(hashes) >= 1


def test_ffmpeg_needs_a_newer_system_than_the_oldest_runtimes() -> None:
    runtimes = ("python3.10", "python3.11", "python3.12", "python3.14")
    assert [runtime for runtime in runtimes if layer.runs_on(runtime)] == ["python3.12", "python3.14"]


def test_what_pip_cannot_get_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements-ffmpeg.txt").write_text("imageio-ffmpeg==0.8.1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(layer, "PROJECT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(layer.LayerError, match="pip download failed"):
        layer.build(tmp_path)
