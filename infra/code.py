"""The code of every function: what Chalice packaged, less what none of them reads, with bytecode beside each source.

Lambda's folder cannot be written: a function without bytecode compiles all that it imports at every cold start.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from chalicelib import aws
from infra import archive

# Where Lambda unpacks it. Bytecode that says so need not be told where it is, when it is loaded.
_UNPACKED: Final = "/var/task"

_UNUSED: Final = re.compile(
    "|".join(
        (
            # Models of services that no client is made of. What all services share has no folder, and stays.
            rf"botocore/data/(?!(?:{'|'.join(aws.SERVICES)})/)[^/]+/.*",
            # Models of boto3's resources, which nothing makes; its clients read botocore's.
            r"boto3/(?:data|examples)/.*",
            # They list what was installed, which is no longer what is there.
            r"[^/]+\.dist-info/RECORD",
            # Bytecode of this machine.
            r"(?:.*/)?__pycache__/.*",
        )
    )
)


def build(packaged: Path, directory: Path) -> Path:
    """Make the zip of the code in `directory`, of Chalice's zip; the same Python and files give the same bytes."""
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        with zipfile.ZipFile(packaged) as theirs:
            theirs.extractall(folder, [name for name in theirs.namelist() if is_used(name)])
        _compile(folder)
        root = Path(folder)
        files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return archive.write(directory, "code", files)


def is_used(path: str) -> bool:
    """Whether a file of Chalice's zip belongs into the code."""
    return not _UNUSED.fullmatch(path)


def bytecode(path: str) -> str:
    """Where Python looks for the bytecode of a source."""
    source = PurePosixPath(path)
    return str(source.with_name("__pycache__") / f"{source.stem}.{sys.implementation.cache_tag}.pyc")


def _compile(folder: str) -> None:
    """Write the bytecode of every source that has any, for the Python that this is, whatever its variables say."""
    subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-m", "compileall", "-q", "-s", folder, "-p", _UNPACKED),
            # Python then neither reads the source, nor asks when it was changed.
            *("--invalidation-mode", "unchecked-hash", folder),
        ],
        stdout=subprocess.DEVNULL,
        check=False,
    )
