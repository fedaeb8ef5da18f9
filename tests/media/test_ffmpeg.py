"""Runs of the real ffmpeg, which end as they should however they end."""

import errno
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from chalicelib.media import ffmpeg
from chalicelib.media.ffmpeg import FfmpegError, Limits, OutOfTime

ROOT = Path(__file__).parents[2]
AMPLE = Limits(wall_s=60, cpu_s=60, file_bytes=10_000_000)
# As long as it is shown, and for ever.
REAL_TIME = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10")
NOWHERE = ("-f", "null", "-")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, or asks of Linux alone")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a process behind, nor a pipe."""
    before = psutil.Process().num_fds()
    yield
    assert running() == []
    assert psutil.Process().num_fds() <= before


@pytest.fixture
def fresh() -> Iterator[None]:
    """Where ffmpeg is must be found out anew, before and after."""
    ffmpeg.binary.cache_clear()
    yield
    ffmpeg.binary.cache_clear()


def running() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name().startswith("ffmpeg")]


def quiet(_: float) -> None:
    pass


# -- the resolver -----------------------------------------------------------------------------------------------------


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> Path:
    """The file that a layer holds, without permission to be run, of a package that must not be imported."""
    package = tmp_path / "python" / "imageio_ffmpeg"
    (package / "binaries").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / "binaries" / "README.md").write_text("no ffmpeg")
    file = package / "binaries" / "ffmpeg-linux-x86_64-v9.0.2"
    file.write_text("#!/bin/sh\necho from the layer\n")
    file.chmod(0o644)
    monkeypatch.delitem(sys.modules, "imageio_ffmpeg", raising=False)
    monkeypatch.syspath_prepend(package.parent)
    importlib.invalidate_caches()
    disk = tmp_path / "tmp"
    disk.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    return file


def said(file: Path) -> str:
    return subprocess.run([file], stdout=subprocess.PIPE, text=True, check=True).stdout


def test_ffmpeg_is_the_one_that_is_installed(fresh: None) -> None:
    version = subprocess.run([ffmpeg.binary(), "-version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert version.startswith(("ffmpeg version n9.0", "ffmpeg version 9.0"))


def test_ffmpeg_of_a_layer_may_be_run_again(layer: Path) -> None:
    assert ffmpeg.binary() == layer
    assert said(layer) == "from the layer\n"


def test_ffmpeg_of_a_layer_that_cannot_be_changed_is_copied_once(
    layer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chmod = Path.chmod

    def read_only(path: Path, mode: int) -> None:
        if path == layer:
            raise OSError(errno.EROFS, "Read-only file system")
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", read_only)
    planted = tmp_path / "tmp" / layer.name
    planted.write_text("#!/bin/sh\necho planted\n")
    copy = ffmpeg.binary()
    assert copy == planted
    assert said(copy) == "from the layer\n"
    made = copy.stat()
    ffmpeg.binary.cache_clear()
    assert ffmpeg.binary() == copy
    assert copy.stat() == made
    assert [file.name for file in copy.parent.iterdir()] == [layer.name]


def test_no_ffmpeg_is_said_in_words(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.delitem(sys.modules, "imageio_ffmpeg", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(FileNotFoundError, match="imageio-ffmpeg is not installed"):
        ffmpeg.binary()


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_makes_its_file_and_tells_how_far_it_is(tmp_path: Path) -> None:
    ticks: list[float] = []
    ffmpeg.run((*REAL_TIME, "-t", "2", "-c:v", "mjpeg", "file:made.mkv"), tmp_path, AMPLE, ticks.append)
    assert (tmp_path / "made.mkv").stat().st_size > 1000
    assert len(ticks) >= 2
    assert ticks == sorted(ticks)
    assert 0 < ticks[-1] <= 2


def test_a_tick_comes_while_ffmpeg_says_nothing(tmp_path: Path) -> None:
    ticks: list[float] = []
    ffmpeg.run(("-stats_period", "60", *REAL_TIME, "-t", "1.5", *NOWHERE), tmp_path, AMPLE, ticks.append)
    assert len(ticks) >= 2


@linux
def test_ffmpeg_has_no_environment_no_input_and_a_session_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen: list[tuple[bytes, str, int, str]] = []
    limits = ""

    def look(_: float) -> None:
        nonlocal limits
        (child,) = running()
        proc = Path(f"/proc/{child.pid}")
        environment, stdin = (proc / "environ").read_bytes(), str((proc / "fd/0").readlink())
        seen.append((environment, stdin, os.getsid(child.pid) - child.pid, child.cwd()))
        limits = (proc / "limits").read_text()

    ffmpeg.run((*REAL_TIME, "-t", "1", *NOWHERE), tmp_path, AMPLE, look)
    assert set(seen) == {(b"", "/dev/null", 0, str(tmp_path))}
    hard = {line[:25].strip(): line.split()[-2] for line in limits.splitlines()}
    assert (hard["Max cpu time"], hard["Max core file size"]) == ("60", "0")
    assert int(hard["Max file size"]) == -(-AMPLE.file_bytes // 512) * 512
    assert int(hard["Max data size"]) == ffmpeg.MEMORY_BYTES


def test_the_wall_limit_ends_a_run(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(OutOfTime, match="stopped after 1 seconds"):
        ffmpeg.run((*REAL_TIME, *NOWHERE), tmp_path, Limits(1, 60, 1000), quiet)
    assert time.monotonic() - began < 20


def test_no_time_left_is_out_of_time(tmp_path: Path) -> None:
    with pytest.raises(OutOfTime, match="after 0 seconds"):
        ffmpeg.run((*REAL_TIME, *NOWHERE), tmp_path, Limits(-3, -3, 1000), quiet)


@pytest.mark.parametrize("error", [LookupError("the lease is lost"), TimeoutError("the database"), KeyboardInterrupt()])
def test_what_a_tick_raises_ends_a_run(tmp_path: Path, error: BaseException) -> None:
    def fail(_: float) -> NoReturn:
        raise error

    with pytest.raises(type(error)) as raised:
        ffmpeg.run((*REAL_TIME, *NOWHERE), tmp_path, AMPLE, fail)
    assert raised.value is error


def test_a_file_that_grows_too_large_ends_a_run(tmp_path: Path) -> None:
    arguments = ("-f", "lavfi", "-i", "testsrc2=size=640x360", "-c:v", "rawvideo", "-f", "rawvideo", "file:raw")
    with pytest.raises(FfmpegError, match="wrote more than 1000000 bytes into a file"):
        ffmpeg.run(arguments, tmp_path, Limits(60, 60, 1_000_000), quiet)
    assert (tmp_path / "raw").stat().st_size <= 1_000_448


@linux
def test_too_much_cpu_time_ends_a_run(tmp_path: Path) -> None:
    arguments = ("-f", "lavfi", "-i", "testsrc2=size=1920x1080", *NOWHERE)
    with pytest.raises(FfmpegError, match="more than 1 seconds of CPU time"):
        ffmpeg.run(arguments, tmp_path, Limits(60, 1, 1000), quiet)


def test_a_killed_ffmpeg_is_said_to_be_killed(tmp_path: Path) -> None:
    def kill(_: float) -> None:
        for child in running():
            child.kill()

    with pytest.raises(FfmpegError, match=r"^ffmpeg was killed by SIGKILL\.$"):
        ffmpeg.run((*REAL_TIME, *NOWHERE), tmp_path, AMPLE, kill)


def test_more_memory_than_a_picture_may_need_is_refused(tmp_path: Path) -> None:
    arguments = ("-f", "lavfi", "-i", "color=size=64x64", "-vf", "scale=12000:12000,format=rgba", *NOWHERE)
    with pytest.raises(FfmpegError, match="Cannot allocate memory"):
        ffmpeg.run(arguments, tmp_path, AMPLE, quiet)


def test_an_error_says_what_ffmpeg_said_but_not_where(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("no video\x1b[31m")
    with pytest.raises(FfmpegError) as raised:
        ffmpeg.run(("-f", "mov", "-i", f"file:{tmp_path}/input", *NOWHERE), tmp_path, AMPLE, quiet)
    words = str(raised.value)
    assert words.startswith("ffmpeg ended with status 183: ")
    assert "Invalid data found when processing input" in words
    assert str(tmp_path) not in words
    assert "0x" not in words
    assert words.isprintable()


def test_an_error_is_bounded_however_much_ffmpeg_said(tmp_path: Path) -> None:
    source = ("-loglevel", "trace", "-f", "lavfi", "-i", "testsrc2=size=64x64", "-t", "60")
    with pytest.raises(FfmpegError) as raised:
        ffmpeg.run((*source, "-f", "mp4", "file:no/such/folder"), tmp_path, AMPLE, quiet)
    assert len(str(raised.value)) < ffmpeg.MAX_SAID + 100


KILLED = """
import sys
from pathlib import Path
from chalicelib.media.ffmpeg import Limits, run
arguments = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10", "-f", "null", "-")
run(arguments, Path(sys.argv[1]), Limits(600, 600, 1000), lambda _: print("working", flush=True))
"""


@linux
def test_ffmpeg_dies_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == b"working\n"
        (child,) = psutil.Process(worker.pid).children()
        assert child.name().startswith("ffmpeg")
        worker.send_signal(signal.SIGKILL)
    assert eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False
