"""How files look to a player: the samples, and what is made of them."""

import subprocess
from itertools import product
from pathlib import Path
from typing import Final

from chalicelib.media import ffmpeg
from chalicelib.media.probing import Facts, probe
from tests.media.sources import stored

SAMPLES: Final = Path(__file__).parents[1] / "data" / "media"

Colour = tuple[int, ...]


def say(*arguments: str, folder: Path) -> bytes:
    """What ffmpeg writes on its stdout, with nothing that bounds it."""
    command = [str(ffmpeg.binary()), "-nostdin", "-y", "-loglevel", "error", *arguments]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True).stdout


def facts_of(path: Path) -> Facts:
    return probe(stored(path.read_bytes()))


def colours(path: Path, columns: int, rows: int) -> list[Colour]:
    """The colour in the middle of each field of a picture, row by row."""
    size = facts_of(path)
    raw = say("-i", path.name, "-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-", folder=path.parent)
    found = []
    for row, column in product(range(rows), range(columns)):
        # 64 points of the field's inner half.
        ys = [int(size.height * (row + (4 + n) / 16) / rows) for n in range(1, 9)]
        xs = [int(size.width * (column + (4 + n) / 16) / columns) for n in range(1, 9)]
        near = [3 * (y * size.width + x) for y, x in product(ys, xs)]
        found.append(tuple(sum(raw[at + channel] for at in near) // len(near) for channel in range(3)))
    return found
