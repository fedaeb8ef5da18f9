"""Package: what a deployment ships, and the CPU that a function of it takes until its first answer.

The process has the unpacked package, for the transcoder its layer, and the bench, as Lambda's would have the runtime's
own files; nothing of this machine's Python but the standard library. Without bytecode is what Lambda runs where none
was shipped. The import of chalice and boto3 alone, from the same package, is what stands beside it.
"""

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import containers
from bench.answers import Answers
from bench.door import reporting
from bench.report import report
from bench.table import Figure
from infra import package

RUNS: Final = 5
MB: Final = 1e6
FLOOR: Final = "import chalice, boto3"
_CPU: Final = f"{FLOOR}\nimport time; print(time.process_time() * 1000)"
# What S3 sends when a bucket is told where to: the worker takes it, and leaves it at that.
_TEST_EVENT: Final = '{"Service": "Amazon S3", "Event": "s3:TestEvent"}'


def measure(answers: Answers) -> Iterator[Figure]:
    reported = {"answers": answers, "events": [reporting(report(1))]}
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        built = package.build(folder)
        yield from _sizes(folder, built)
        layer = _unpacked(built.layer, folder / "layer") / "python"
        compiled, bare = _unpacked(built.code, folder / "compiled"), _unpacked(built.code, folder / "bare")
        for bytecode in bare.rglob("*.pyc"):
            bytecode.unlink()
        # Unmeasured: this writes the bench's own bytecode.
        containers.run("from bench import answers, container", path=(compiled,))
        for how, task in (("with", compiled), ("without", bare)):
            yield from _cpu(f"packaged API, {how} bytecode: start to", "first", reported, (task,))
            yield from _cpu(
                f"packaged transcoder, {how} bytecode: start to", "message", {"body": _TEST_EVENT}, (task, layer)
            )


def _sizes(folder: Path, built: package.Package) -> Iterator[Figure]:
    code, layer = package.unpacked_bytes(built.code) / MB, package.unpacked_bytes(built.layer) / MB
    theirs = folder / "deployment.zip"
    before = package.unpacked_bytes(theirs) / MB
    chalice = "by Chalice alone, without bytecode"
    yield Figure("package: code, zipped", "MB", [built.code.stat().st_size / MB], [theirs.stat().st_size / MB], chalice)
    yield Figure("package: code, unpacked", "MB", [code], [before], chalice)
    yield Figure("package: layer, zipped", "MB", [built.layer.stat().st_size / MB])
    yield Figure(
        "package: code and layer, unpacked", "MB", [code + layer], [package.MAX_UNPACKED_BYTES / MB], "Lambda's limit"
    )


def _unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


def _cpu(name: str, what: str, order: dict[str, Any], path: tuple[Path, ...]) -> Iterator[Figure]:
    told, floors = [], []
    for _ in range(RUNS):
        told.append(containers.start(what, order, "-B", path=path))
        floors.append(float(containers.run(_CPU, flags=("-B",), path=path).stdout))
    yield Figure(f"{name} import of app", "ms CPU", [each["imported"] for each in told], floors, FLOOR)
    yield Figure(f"{name} first answer", "ms CPU", [each["answered"] for each in told], floors, FLOOR)
