"""The layer: ffmpeg for the function that transcodes, made of the wheel that requirements-ffmpeg.txt pins by hash."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

from infra import archive
from infra.local import PROJECT
from infra.troubles import Trouble

# The wheel's, whatever machine packages: functions run on Linux with this C library or a newer one.
_PLATFORM: Final = "manylinux_2_28_x86_64"
# The first whose system has it. Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_OLDEST_RUNTIME: Final = (3, 12)


class LayerError(Trouble):
    """Why there is no layer."""


def build(directory: Path) -> Path:
    """Make the layer's zip in `directory`; the same wheel gives the same bytes. Raises LayerError."""
    files: dict[str, bytes] = {}
    runnable: set[str] = set()
    with zipfile.ZipFile(_wheel(directory)) as wheel:
        for file in wheel.infolist():
            # Lambda unpacks a layer into /opt, and Python looks into /opt/python.
            path = f"python/{file.filename}"
            files[path] = wheel.read(file)
            if file.external_attr >> 16 & 0o111:
                runnable.add(path)
    return archive.write(directory, "ffmpeg", files, runnable)


def runs_on(runtime: str) -> bool:
    """Whether the layer's ffmpeg runs on a runtime of Lambda, such as `python3.12`."""
    return tuple(map(int, runtime.removeprefix("python").split("."))) >= _OLDEST_RUNTIME


def _wheel(directory: Path) -> Path:
    got = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--platform", _PLATFORM, "--only-binary", ":all:", "--require-hashes", "--dest", directory),
            *("--requirement", PROJECT / "requirements-ffmpeg.txt"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if got.returncode:
        raise LayerError(f"pip download failed:\n{got.stdout}")
    (wheel,) = directory.glob("imageio_ffmpeg-*.whl")
    return wheel
