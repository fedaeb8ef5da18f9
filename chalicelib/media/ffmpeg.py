"""ffmpeg: where it is, and runs of it that are bounded, alone, and leave no process behind.

What it is fed is hostile. What a run may use is limited by the system, not by ffmpeg's own word.
"""

import fcntl
import functools
import importlib.util
import os
import re
import resource
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICK_S: Final = 0.5
CPU_SURELY: Final = 0.95
MAX_SAID: Final = 2000
# Leaves the worker its own part of the function's 3008 MB; 8K HEVC on six cores takes 1.9 GB.
MEMORY_BYTES: Final = 2400 * 1024**2
# One picture of 50 megapixels at 8 bytes a pixel: what claims to be larger is refused before memory is touched.
MAX_ALLOCATION: Final = 400 * 1000**2 + 1024**2

_OPTIONS: Final = (
    *("-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-progress", "pipe:1"),
    *("-stats_period", str(TICK_S), "-max_alloc", str(MAX_ALLOCATION), "-y"),
)
# Shells count files in blocks of 512 bytes and memory in KiB. macOS may not limit memory. What a shell exports by
# itself is dropped by env.
_LIMITED: Final = (
    'ulimit -c 0 && ulimit -f "$1" && ulimit -t "$2" && { ulimit -d "$3" 2>/dev/null || :; } && shift 3 '
    '&& exec /usr/bin/env -i "$@"'
)
_NO_MEMORY: Final = "Cannot allocate memory"
_ADDRESS: Final = re.compile(r" @ 0x[0-9a-f]+")
_PROGRESS: Final = re.compile(rb"^out_time_us=([0-9]{1,15})$", re.MULTILINE)


class FfmpegError(Exception):
    """ffmpeg failed. The message says how it ended and, bounded and without paths, what it said last."""


class Killed(FfmpegError):
    """ffmpeg was killed, or went without memory or disk: it says nothing about its input."""


class OutOfTime(FfmpegError):
    """ffmpeg was killed because its time was up, on the clock or on the CPU."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use: seconds, seconds of all cores together, and bytes of each file that it writes."""

    wall_s: float
    cpu_s: int
    file_bytes: int


@functools.cache
def binary() -> Path:
    """The ffmpeg of the package imageio-ffmpeg, wherever Python finds that: installed, or in a layer.

    The package is not imported: it would search for others and run what it finds. A file that lost its permission to be
    run, as in a layer that was unpacked without it, gets it back, or is copied where that is not allowed.
    Raises FileNotFoundError.
    """
    spec = importlib.util.find_spec("imageio_ffmpeg")
    folders = (spec and spec.submodule_search_locations) or ()
    for folder in folders:
        for file in Path(folder, "binaries").glob("ffmpeg-*"):
            return _runnable(file)
    raise FileNotFoundError("There is no ffmpeg: the package imageio-ffmpeg is not installed.")


def run(arguments: Sequence[str], folder: Path, limits: Limits, tick: Callable[[float], None]) -> None:
    """Run ffmpeg in a folder, with no environment and nothing to read but files.

    `tick` is called about twice a second with the seconds of output written so far, whether or not ffmpeg says
    anything; what it raises ends the run. However a run ends, its process is gone when this returns or raises, and
    on Linux soon after our own process is killed, too. Raises FfmpegError, and OutOfTime for `limits.wall_s`.
    """
    bounds = (-(-limits.file_bytes // 512), max(limits.cpu_s, 1), MEMORY_BYTES // 1024)
    command = ["/bin/sh", "-c", _LIMITED, "sh", *map(str, bounds), str(binary()), *_OPTIONS, *arguments]
    cpu_before = _cpu_s()
    with _started(command, folder) as process:
        said, status = _follow(process, limits.wall_s, tick)
    if status:
        words = _ADDRESS.sub("", said.decode(errors="replace").replace(str(folder), ""))
        words = "".join(char if char.isprintable() else " " for char in words).strip()
        raise _error(status, words, limits, _cpu_s() - cpu_before)


def _error(status: int, words: str, limits: Limits, cpu_s: float) -> FfmpegError:
    """How a run ended that did not end well."""
    if status > 0:
        kind = Killed if _NO_MEMORY in words else FfmpegError
        return kind(f"ffmpeg ended with status {status}: {words}".strip())
    killer = signal.Signals(-status)
    if killer is signal.SIGXFSZ:
        return Killed(f"ffmpeg was stopped: it wrote more than {limits.file_bytes} bytes into a file. {words}".strip())
    # Linux kills for the CPU time's hard limit, and the shell set no softer one; its clock of it is a coarse one.
    if killer is signal.SIGXCPU or (killer is signal.SIGKILL and cpu_s >= CPU_SURELY * limits.cpu_s):
        return OutOfTime(f"ffmpeg was stopped: it took more than {limits.cpu_s} seconds of CPU time. {words}".strip())
    kind = Killed if killer in (signal.SIGKILL, signal.SIGTERM) else FfmpegError
    return kind(f"ffmpeg was killed by {killer.name}. {words}".strip())


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, killed at the end unless it has ended by itself."""
    lifeline, held = os.pipe()
    try:
        with subprocess.Popen(  # noqa: S603  # no word of the command comes from outside
            command,
            cwd=folder,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lifeline,),
        ) as process:
            try:
                _tie(process.pid, lifeline)
                yield process
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError, PermissionError):  # it ended just now
                        os.killpg(process.pid, signal.SIGKILL)
    finally:
        os.close(lifeline)
        os.close(held)


def _tie(pid: int, lifeline: int) -> None:
    """Have Linux end a process as soon as nobody holds the other end of a pipe that it has.

    ffmpeg itself would go on after we were killed: it ignores that nobody reads its progress. SIGIO ends whom it
    reaches, and whoever sets this needs no thread and no code in the new process. Source: fcntl(2), F_SETOWN, O_ASYNC.
    """
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, pid)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _follow(process: subprocess.Popen[bytes], wall_s: float, tick: Callable[[float], None]) -> tuple[bytes, int]:
    """Read what a process says until it ends; returns the end of its stderr, and its status. Raises OutOfTime."""
    tails = {process.stdout: b"", process.stderr: b""}
    written_s = 0.0
    ticked = time.monotonic()
    deadline = ticked + wall_s
    with selectors.DefaultSelector() as selector:
        for pipe in tails:
            selector.register(pipe, selectors.EVENT_READ)  # type: ignore[arg-type]  # both are pipes
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise _out_of_time(wall_s)
            for key, _ in selector.select(min(TICK_S, left)):
                piece = os.read(key.fd, 65536)
                if not piece:
                    selector.unregister(key.fileobj)
                tails[key.fileobj] = (tails[key.fileobj] + piece)[-MAX_SAID:]  # type: ignore[index]  # one of the two
            if time.monotonic() - ticked >= TICK_S:
                ticked = time.monotonic()
                written_s = max([written_s, *(int(us) / 1e6 for us in _PROGRESS.findall(tails[process.stdout]))])
                tick(written_s)
    try:
        return tails[process.stderr], process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired as error:
        raise _out_of_time(wall_s) from error


def _out_of_time(wall_s: float) -> OutOfTime:
    return OutOfTime(f"ffmpeg was stopped after {max(wall_s, 0):.0f} seconds.")


def _cpu_s() -> float:
    """Seconds of CPU time that our ended processes took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _runnable(file: Path) -> Path:
    if os.access(file, os.X_OK):
        return file
    try:
        file.chmod(0o755)
    except OSError:
        return _copied(file)
    return file


def _copied(file: Path) -> Path:
    """A copy of a file that can be run, made once for all processes."""
    copy = Path(tempfile.gettempdir(), file.name)
    with suppress(FileNotFoundError):
        made = copy.lstat()
        # What others could have put or changed there is not run.
        if (made.st_uid, made.st_size, stat.S_IMODE(made.st_mode)) == (os.getuid(), file.stat().st_size, 0o755):
            return copy
    with tempfile.TemporaryDirectory(dir=copy.parent) as unfinished:
        made_here = Path(shutil.copyfile(file, Path(unfinished, file.name)))
        made_here.chmod(0o755)
        return made_here.replace(copy)
