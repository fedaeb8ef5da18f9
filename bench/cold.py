"""Cold: CPU of a packaged function, from its process's start to its first answer, and what the package weighs.

The process has the unpacked package, for the transcoder its layer, and the bench, as Lambda's would have the runtime's
own files; nothing of this machine's Python but the standard library, which has its bytecode. There is no network and no
TLS. Without bytecode is what Lambda runs where none was shipped.
"""

import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import containers
from bench.answers import Answers
from bench.door import reporting
from bench.report import report
from bench.table import COLD, Figure, Places
from infra import package

RUNS: Final = 5
MB: Final = 1e6
# What S3 sends when a bucket is told where to: the worker takes it, and leaves it at that.
_TEST_EVENT: Final = '{"Service": "Amazon S3", "Event": "s3:TestEvent"}'


def measure(answers: Answers) -> Iterator[Figure | Places]:
    reported = {"answers": answers, "event": reporting(report(1))}
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        built = package.build(folder)
        layer = _unpacked(built.layer, folder / "layer") / "python"
        compiled, plain = _unpacked(built.code, folder / "compiled"), _unpacked(built.code, folder / "plain")
        for bytecode in plain.rglob("*.pyc"):
            bytecode.unlink()
        # Unmeasured: this writes the bench's own bytecode.
        containers.run("from bench import answers, bare, container, door", path=(compiled,))
        one_view = "an app of one view, which writes a row by boto3"
        for name, code in (
            ("CPU from the API's start to its first answered report", compiled),
            ("the same without the bytecode that the package has", plain),
        ):
            yield _cpu(name, ("first", "bare"), reported, (code,), one_view)
        message = {"body": _TEST_EVENT}
        name = "CPU from the transcoder's start to its first message"
        yield _cpu(name, ("message", "imports"), message, (compiled, layer), "`import chalice, boto3` alone")
        yield from _sizes(folder, built)
        yield _imports(compiled)


def _cpu(name: str, what: tuple[str, str], order: dict[str, Any], path: tuple[Path, ...], floor: str) -> Figure:
    taken, floors = zip(
        *([containers.start(each, order, "-B", path=path) for each in what] for _ in range(RUNS)), strict=True
    )
    return Figure(COLD, name, "ms", [taken], [floors], floor)


def _sizes(folder: Path, built: package.Package) -> Iterator[Figure]:
    code, layer = package.unpacked_bytes(built.code) / MB, package.unpacked_bytes(built.layer) / MB
    theirs = folder / "deployment.zip"
    ours = [[built.code.stat().st_size / MB], [code]]
    chalices = [[theirs.stat().st_size / MB], [package.unpacked_bytes(theirs) / MB]]
    yield Figure(COLD, "code, zipped · unpacked", "MB", ours, chalices, "as Chalice packages it, without bytecode")
    limit = package.MAX_UNPACKED_BYTES / MB
    yield Figure(COLD, "code and ffmpeg, unpacked", "MB", [[code + layer]], [[limit]], "Lambda's limit")


def _unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


def _imports(code: Path) -> Places:
    """Time of the API's imports by package, each without what it imports; the clock's, not the CPU's."""
    spent: Counter[str] = Counter()
    for _ in range(RUNS):
        told = containers.run("import app", flags=("-B", "-X", "importtime"), path=(code,)).stderr
        for line in told.splitlines():
            own, _, name = line.removeprefix("import time:").split("|")
            if own.strip().isdigit():
                package = name.strip().partition(".")[0]
                spent["the standard library" if package in sys.stdlib_module_names else package] += int(own)
    return Places("the API's imports, by the clock", spent)
