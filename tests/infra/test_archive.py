"""Zips whose bytes follow from what they hold."""

import hashlib
import zipfile
from pathlib import Path

from infra import archive

FILES = {"b/run": b"#!/bin/sh\n" * 99, "a.py": b"a = 1\n"}


def test_an_archive_holds_files_in_order_and_says_nothing_of_this_machine(tmp_path: Path) -> None:
    with zipfile.ZipFile(archive.write(tmp_path, "code", FILES, {"b/run"})) as made:
        held = [(file.filename, oct(file.external_attr >> 16), file.date_time[0]) for file in made.infolist()]
        assert {name: made.read(name) for name in made.namelist()} == FILES
    assert held == [("a.py", "0o100644", 1980), ("b/run", "0o100755", 1980)]


def test_an_archive_is_named_for_its_bytes(tmp_path: Path) -> None:
    made = archive.write(tmp_path, "code", FILES)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    assert made == tmp_path / f"code-{digest[:16]}.zip"
    assert [*tmp_path.iterdir()] == [made]
    assert archive.write(tmp_path, "code", dict(reversed(FILES.items()))) == made
    assert archive.write(tmp_path, "code", FILES, {"b/run"}) != made
    assert archive.write(tmp_path, "code", FILES | {"a.py": b"a = 2\n"}) != made
