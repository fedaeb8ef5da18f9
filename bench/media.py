"""Media: what a run takes in memory, time, CPU and write units, through a store of its own on loopback (MiniStack)."""

import json
import os
import resource
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import boto3

from bench import containers, door, worker
from bench.table import MEDIA, WRITES, Figure, Runs
from chalicelib.media import ffmpeg, probing, recipes
from chalicelib.media.transcoding import INPUT, LocalFile
from infra import resources
from tests import issuer
from tests.faults import aimed_at, ministack, recorded

BUCKET: Final = "groundcrew-bench-media"
MB: Final = 1_000_000
RUNS: Final = 3
SAME_FFMPEG: Final = "ffmpeg alone, the same arguments"
SAMPLES: Final = Path(__file__).parents[1] / "tests/data/media"

# A moving picture with a beep, as phones send it.
FILM: Final = "-f lavfi -i testsrc2=s=1920x1080:r=30:d=20 -f lavfi -i sine=b=4:d=20 -c:a aac"
HEVC: Final = f"{FILM} -c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=none -pix_fmt yuv420p"
SMALL: Final = (
    "-f lavfi -i testsrc2=s=1280x720:r=30:d=10 -f lavfi -i sine=b=4:d=10 -c:a aac -c:v libx264 -preset ultrafast"
    " -b:v 2500k -maxrate 2500k -bufsize 2500k -pix_fmt yuv420p"
)


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory, ministack() as url, aimed_at(url):
        resources.create(door.ENVIRONMENT["STAGE"])
        folder = Path(directory)
        yield _memory(folder)
        yield _wall(folder)
        yield _remux(folder)
        yield _probe(folder)
        yield _writes()


def _memory(folder: Path) -> Figure:
    sizes = {"5 MB": (5 * MB, RUNS), "115 MB": (115 * MB, RUNS), "1 GB": (1000 * MB, 1)}
    peaks: list[Runs] = []
    floors: list[Runs] = []
    for size, times in sizes.values():
        path = _padded(SAMPLES / "small.mov", size, folder / "padded.mov")
        runs = [_transcoded(path) for _ in range(times)]
        peaks.append([round(run["peak_mb"]) for run in runs])
        floors.append([round(_worker("download", runs[0]["key"])["peak_mb"]) for _ in range(times)])
    name = f"most memory of a worker's Python, of an upload of {' · of '.join(sizes)}"
    return Figure(MEDIA, name, "MB", peaks, floors, "botocore alone, which writes it to a file")


def _wall(folder: Path) -> Figure:
    path = _made(HEVC, folder / "film.mov")
    taken, floors = [], []
    for nth in range(RUNS):
        floors.append(_bare(path, folder / f"bare-{nth}")[0])
        taken.append(_transcoded(path)["found"][0])
    name = "storage event to ready, 20 s of 1080p HEVC, by the clock"
    return Figure(MEDIA, name, "s", [taken], [floors], SAME_FFMPEG)


def _remux(folder: Path) -> Figure:
    short = _made(SMALL, folder / "short.mp4")
    path = folder / "long.mp4"
    times = 115 * MB // short.stat().st_size
    _ffmpeg(["-stream_loop", str(times), "-i", str(short), "-c", "copy", str(path)])
    taken, floors = [], []
    for nth in range(RUNS):
        floors.append(_bare(path, folder / f"remux-{nth}")[1])
        taken.append(_transcoded(path)["found"][1])
    name = f"CPU of a remux of {path.stat().st_size // MB} MB, with poster and check"
    return Figure(MEDIA, name, "s", [taken], [floors], SAME_FFMPEG)


def _probe(folder: Path) -> Figure:
    path = _padded(SAMPLES / "small.mov", 115 * MB, folder / "padded.mov")
    found = _worker("probe", _uploaded(path))["found"]
    name = "a look at what 115 MB are, whose index is at the end, by the clock"
    return Figure(MEDIA, name, "ms", [found["probes"]], [found["bare"]], f"its {found['reads']} ranged reads alone")


def _writes() -> Figure:
    with recorded() as ledger:
        path = SAMPLES / "gps.jpg"
        media_id = _begun(path)
        begun = ledger.units
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"originals/{media_id}", Body=path.read_bytes())
        worker.transcode(json.dumps({"created": f"originals/{media_id}"}))
        units = [[begun], [ledger.units - begun]]
    floor = "one write; an update, and a transaction of two"
    return Figure(WRITES, "a media: `POST /media` · from its upload to ready", "WCU", units, [[1], [5]], floor)


def _transcoded(path: Path) -> dict[str, Any]:
    """What a fresh worker takes for a file, and the key of its original. Anything but `ready` ends the bench."""
    key = _uploaded(path)
    told = _worker("transcode", json.dumps({"created": key}))
    media = _door("GET", "/media/{media_id}", media_id=key.partition("/")[2])
    if media["status"] != "ready":
        raise RuntimeError(f"{path.name}: {media['error']}")
    return told | {"key": key}


def _uploaded(path: Path) -> str:
    key = f"originals/{_begun(path)}"
    boto3.client("s3").upload_file(str(path), BUCKET, key)
    return key


def _begun(path: Path) -> str:
    kind = "image/jpeg" if path.suffix == ".jpg" else "video/quicktime"
    new = {"file_name": path.name, "content_type": kind, "size_bytes": path.stat().st_size}
    return str(_door("POST", "/media", new)["media_id"])


def _door(method: str, route: str, body: Any = None, **path: str) -> Any:
    text = None if body is None else json.dumps(body)
    token = f"Bearer {issuer.token(sub=f'customer-{uuid.uuid4().hex}')}"
    return door.answered(door.event(method, route, text, path=path, authorization=token), 201 if body else 200)


def _worker(what: str, argument: str) -> dict[str, Any]:
    with mock.patch.dict(door.ENVIRONMENT, {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}):
        done = containers.run("from bench.worker import main; main()", what, argument)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _bare(path: Path, folder: Path) -> tuple[float, float]:
    """Wall time and CPU, in seconds, of ffmpeg alone with the arguments of a run."""
    folder.mkdir()
    recipe = recipes.recipe(probing.probe(LocalFile(path)), path.stat().st_size)
    (folder / INPUT).hardlink_to(path)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for step in recipe.steps:
        _ffmpeg(list(step.arguments), folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def _made(arguments: str, path: Path) -> Path:
    _ffmpeg([*arguments.split(), str(path)])
    return path


def _padded(source: Path, size: int, path: Path) -> Path:
    """A film of that many bytes: what nothing points at stands between its pictures and its index, at the end."""
    content = source.read_bytes()
    padding = size - len(content)
    pictures, index = content.index(b"mdat") - 4, content.rindex(b"moov") - 4
    with path.open("wb") as file:
        file.write(content[:index])
        file.seek(pictures)
        file.write((index - pictures + padding).to_bytes(4, "big"))
        file.truncate(index + padding)
        file.seek(index + padding)
        file.write(content[index:])
    return path


def _ffmpeg(arguments: list[str], folder: Path | None = None) -> None:
    subprocess.run([ffmpeg.binary(), "-v", "error", "-nostdin", "-y", *arguments], cwd=folder, check=True)
