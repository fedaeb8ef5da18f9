"""Memory is never the transport: what a run holds does not grow with the file."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import app
from tests.conftest import Door
from tests.faults import Gateway, aimed_at, ministack
from tests.media.conftest import BUCKET, Customer, transcode

SAMPLE = Path(__file__).parents[1] / "data/media/small.mov"
MB = 1_000_000
FILE_BYTES = 96 * MB
# Pieces of 1 MiB each way, the ranges that are probed, and what the first run of a process imports.
MOST_HELD = 24 * MB


@pytest.fixture(scope="module")
def there() -> Iterator[Customer]:
    # moto would hold the objects in this very process.
    with ministack() as url, aimed_at(url):
        yield Customer(Door(Gateway(app)))


def padded(path: Path) -> Path:
    """The sample with as much more behind its pictures as makes it FILE_BYTES."""
    content = SAMPLE.read_bytes()
    pictures, index = content.index(b"mdat") - 4, content.rindex(b"moov") - 4
    padding = FILE_BYTES - len(content)
    with path.open("wb") as file:
        file.write(content[:index])
        file.seek(pictures)
        file.write((index - pictures + padding).to_bytes(4, "big"))
        file.seek(index + padding)
        file.write(content[index:])
    return path


def test_nothing_holds_a_file_whole(there: Customer, tmp_path: Path) -> None:
    path = padded(tmp_path / "large.mov")
    media_id = there.begin(size_bytes=FILE_BYTES)["media_id"]
    there.s3.upload_file(str(path), BUCKET, f"originals/{media_id}")
    tracemalloc.start()
    try:
        assert transcode(json.dumps({"created": f"originals/{media_id}"})) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert there.media(media_id)["status"] == "ready"
    assert peak < MOST_HELD
