"""How the local stack ends. That it starts, serves and ends by a signal is what the end-to-end tests show."""

import io
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from infra import local, pump, stack


def test_what_a_handler_started_ends_with_the_stack() -> None:
    program = (
        "import signal, subprocess, sys; from infra import stack;"
        "command = ['sh', '-c', 'sleep 600 & echo; wait'];"
        "started = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True);"
        "started.stdout.readline(); stack._end_work();"
        "assert started.wait(20) == -signal.SIGKILL;"
        "assert started.stdout.read() == b''"  # which ends when the last that holds it is gone
    )
    subprocess.run([sys.executable, "-c", program], cwd=local.PROJECT, timeout=60, check=True)


def test_a_handler_that_goes_on_does_not_hold_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "STOP_WITHIN_S", 0.1)
    monkeypatch.setattr(pump, "POLL_S", 0.1)
    enough = threading.Event()
    busy = [threading.Thread(target=enough.wait, name=name, daemon=True) for name in ("left", "right")]
    for thread in busy:
        thread.start()
    terminal = io.StringIO()
    stack._join(busy, terminal)
    assert terminal.getvalue() == "Waiting up to 0.1 s for left, right.\n"
    assert all(thread.is_alive() for thread in busy)
    enough.set()


def test_what_a_killed_stack_left_on_disk_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    left = tmp_path / "tmp" / "run" / "input"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"a film")
    stack._make_room(tmp_path / "tmp")
    assert not left.parent.exists()
    with tempfile.TemporaryDirectory() as made:
        assert Path(made).parent == tmp_path / "tmp"
