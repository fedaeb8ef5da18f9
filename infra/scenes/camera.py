"""The camera: makes videos as phones do, and tells what a video is, both by ffmpeg."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chalicelib.media import ffmpeg

TAKE_S: Final = 2
RATE: Final = "14M"  # five takes are some 20 MB, which go in parts
PLACE: Final = "+52.5163+013.3777+034.000/"

# A bean plant, and what a sensor sees of it.
_PLANT: Final = ",".join(
    (
        f"gradients=s=270x480:r=30:d={TAKE_S}:c0=0x9cd3ff:c1=0xf6efd8:x0=135:y0=0:x1=135:y1=480:n=2:speed=0.02",
        "drawbox=0:437:270:43:0x8d7b68:fill",
        "drawbox=97:355:75:82:0xa0522d:fill",
        "drawbox=130:155:10:200:0x2f7d32:fill",
        "drawbox=75:225:55:22:0x43a047:fill",
        "drawbox=140:180:60:25:0x66bb6a:fill",
        "format=yuv420p",
    )
)
_SEEN: Final = f"{_PLANT},scale=1080:1920:flags=neighbor,noise=alls=40:allf=t,transpose=cclock"
_SOUND: Final = f"sine=440:d={TAKE_S}"
_FAST: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")

_VIDEO: Final = re.compile(r"Video: (\w+).*?, (\d{2,}x\d{2,})")
_TURNED: Final = re.compile(r"Display Matrix: rotation")
_PLACE: Final = re.compile(r"location\S* *: (\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Look:
    """What a video is. `size` is that of its pictures as they lie in the file; `place` is where it was filmed."""

    codec: str
    size: str
    turned: bool
    place: str | None


def film(path: Path, takes: int) -> None:
    """A video as phones make it: QuickTime, on its side with a note to turn it, and with the place."""
    # To encode is slow; to have the same again is not.
    take = path.with_name("take.mov")
    even = ("-b:v", RATE, "-minrate", RATE, "-maxrate", RATE, "-bufsize", RATE, "-x264-params", "nal-hrd=cbr")
    _run("-f", "lavfi", "-i", _SEEN, "-f", "lavfi", "-i", _SOUND, *_FAST, *even, take)
    noted = ("-metadata", f"com.apple.quicktime.location.ISO6709={PLACE}", "-movflags", "use_metadata_tags")
    _run("-display_rotation", "-90", "-stream_loop", str(takes - 1), "-i", take, "-c", "copy", *noted, path)


def clip(path: Path) -> None:
    """A small video."""
    _run("-f", "lavfi", "-i", _PLANT, "-f", "lavfi", "-i", _SOUND, *_FAST, path)


def look(path: Path) -> Look:
    """What ffmpeg says of a video. Raises ValueError for what is none."""
    # It fails, as it is told of no output.
    said = subprocess.run([ffmpeg.binary(), "-i", path], capture_output=True, text=True, check=False).stderr
    video, place = _VIDEO.search(said), _PLACE.search(said)
    if video is None:
        raise ValueError(f"{path.name} is no video.")
    return Look(video[1], video[2], bool(_TURNED.search(said)), place and place[1])


def _run(*arguments: str | Path) -> None:
    subprocess.run([ffmpeg.binary(), "-v", "error", "-y", *arguments], check=True, capture_output=True)
