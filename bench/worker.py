"""One worker: a process that takes one message of the uploads queue as Lambda hands it over, and tells what it took.

It imports nothing that a deployed worker would not. Memory is this process's own peak, without ffmpeg's.
"""

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

MB: Final = 1e6
PROBES: Final = 11


def transcode(body: str) -> tuple[float, float]:
    """Take a message, with all that follows from it; returns the seconds, and those of CPU, of a worker that was up."""
    from app import app
    from bench import door
    from chalicelib.media import transcoding  # noqa: F401  # a worker that was started has it

    began, used = time.perf_counter(), _cpu_s()
    if app.handler_map["transcode_upload"](door.message(body), None)["batchItemFailures"]:
        raise RuntimeError("the message was not taken")
    return time.perf_counter() - began, _cpu_s() - used


def _cpu_s() -> float:
    """Seconds of CPU of this process and of those that it started."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum((own.ru_utime, own.ru_stime, children.ru_utime, children.ru_stime))


def download(key: str) -> None:
    """The floor of memory: an object to a file by botocore alone, in pieces of 1 MiB."""
    import tempfile

    import botocore.session

    s3: Any = botocore.session.get_session().create_client("s3")
    body = s3.get_object(Bucket="groundcrew-bench-media", Key=key)["Body"]
    with tempfile.TemporaryFile() as file:
        while piece := body.read(1024 * 1024):
            file.write(piece)


def probe(key: str) -> dict[str, Any]:
    """Probe an object, and make the reads of that alone, in turn; the milliseconds of each, and how many reads."""
    from chalicelib import storage
    from chalicelib.media import probing
    from chalicelib.media.transcoding import Original

    stored = storage.head(key)
    if stored is None:
        raise RuntimeError(f"there is no {key}")
    reads: list[tuple[int, int]] = []

    class Counted(Original):
        def read(self, offset: int, length: int) -> bytes:
            reads.append((offset, length))
            return super().read(offset, length)

    def taken(act: Callable[[], object]) -> float:
        began = time.perf_counter()
        act()
        return (time.perf_counter() - began) * 1000

    # Connected, and with all that is imported when it is first needed.
    probing.probe(Counted(key, stored.etag, stored.size))
    needed = list(reads)
    probes, bare = [], []
    for _ in range(PROBES):
        probes.append(taken(lambda: probing.probe(Original(key, stored.etag, stored.size))))
        bare.append(taken(lambda: [storage.read(key, stored.etag, *read) for read in needed]))
    return {"probes": probes, "bare": bare, "reads": len(needed)}


def main() -> None:
    """Do what is named with its argument; what it took goes to standard output as JSON."""
    told, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123  # log lines are written, as in Lambda
    found = {"transcode": transcode, "download": download, "probe": probe}[sys.argv[1]](sys.argv[2])
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    told_of = {
        "peak_mb": int(peak[1]) * 1024 / MB if peak else 0,
        "found": found,
    }
    json.dump(told_of, told)
