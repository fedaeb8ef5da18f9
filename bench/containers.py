"""Containers: processes that answer reports, with and without bytecode."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from bench import door

PROJECT: Final = Path(__file__).parents[1]


def start(what: str, order: dict[str, Any], *flags: str, path: tuple[Path, ...] = ()) -> Any:
    """Run a container's `first`, `message` or `many`; returns what it tells."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(order, file)
        file.flush()
        # No `-m`: runpy's import is not the container's.
        done = run("from bench.container import main; main()", what, file.name, flags=flags, path=path)
    return json.loads(done.stdout)


def run(
    code: str, *arguments: str, flags: tuple[str, ...] = (), path: tuple[Path, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that has a deployment's settings and nothing else of this one.

    With a path it finds modules there, the standard library's and the bench's, and nothing that is installed here.
    """
    environment = door.ENVIRONMENT | {"PATH": os.environ["PATH"], "OIDC_ISSUER": "https://issuer.example.com"}
    if path:
        flags = ("-P", "-S", *flags)
        environment["PYTHONPATH"] = os.pathsep.join(map(str, (*path, PROJECT)))
    done = subprocess.run(
        [sys.executable, *flags, "-c", code, *arguments],
        cwd=PROJECT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done
