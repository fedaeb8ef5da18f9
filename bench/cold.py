"""Cold: CPU from process start to the first answered report, with and without bytecode, and where it goes.

Without bytecode means what Lambda gives a package that was uploaded without it: the standard library has its own, this
code and everything installed are compiled at every start. All of it is user and system time of the whole process, the
interpreter's start included; what answers for DynamoDB is taken off, and no network or TLS is in it.
"""

import shutil
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import containers
from bench.answers import Answers
from bench.door import reporting
from bench.report import report
from bench.table import Figure

RUNS: Final = 5
FLOORS: Final = {
    "the bare interpreter": "",
    "import chalice, pynamodb.models": "import chalice, pynamodb.models",
    "import chalice, botocore and a client": (
        "import chalice, botocore.session; botocore.session.get_session().create_client('dynamodb')"
    ),
}
_CPU: Final = "\nimport time; print(time.process_time() * 1000)"


def measure(answers: Answers) -> Iterator[Figure]:
    order: dict[str, Any] = {"answers": answers, "events": [reporting(report(1))]}
    with tempfile.TemporaryDirectory() as directory:
        compiled, bare = Path(directory, "compiled"), Path(directory, "bare")
        filling = ("-X", f"pycache_prefix={compiled}")
        # Unmeasured: these write the bytecode that the measured ones read.
        for code in FLOORS.values():
            containers.run(code, flags=filling)
        containers.start("first", order, *filling)
        _keep_library_only(compiled, bare)
        yield from _cpu(order, "with bytecode", ("-B", *filling))
        yield from _cpu(order, "without bytecode", ("-B", "-X", f"pycache_prefix={bare}"))
        yield from _packages(("-B", *filling))


def _cpu(order: dict[str, Any], how: str, flags: tuple[str, ...]) -> Iterator[Figure]:
    answered: list[float] = []
    imported: list[float] = []
    floors: dict[str, list[float]] = {name: [] for name in FLOORS}
    for _ in range(RUNS):
        told = containers.start("first", order, *flags)
        answered.append(told["answered"])
        imported.append(told["imported"])
        for name, code in FLOORS.items():
            floors[name].append(float(containers.run(code + _CPU, flags=flags).stdout))
    first, *others = floors
    yield Figure(f"cold, {how}: start to import of app", "ms CPU", imported, floors[first], first)
    for name in others:
        yield Figure(f"cold, {how}: start to first answered report", "ms CPU", answered, floors[name], name)


def _packages(flags: tuple[str, ...]) -> Iterator[Figure]:
    """Time of imports by package, itself without what it imports; the clock's, not the CPU's."""
    spent: dict[str, list[float]] = {}
    for _ in range(RUNS):
        run: Counter[str] = Counter()
        for line in containers.run("import app", flags=("-X", "importtime", *flags)).stderr.splitlines():
            own, _, name = line.removeprefix("import time:").split("|")
            if own.strip().isdigit():
                package = name.strip().partition(".")[0]
                run["standard library" if package in sys.stdlib_module_names else package] += int(own)
        for package, microseconds in run.items():
            spent.setdefault(package, []).append(microseconds / 1000)
    for package in sorted(spent, key=lambda each: -min(spent[each]))[:8]:
        yield Figure(f"cold, with bytecode: importing {package}", "ms", spent[package])


def _keep_library_only(compiled: Path, bare: Path) -> None:
    """The bytecode of the standard library, and nothing else's."""
    library = sysconfig.get_path("stdlib").lstrip("/")
    shutil.copytree(compiled / library, bare / library, ignore=shutil.ignore_patterns("site-packages", "dist-packages"))
