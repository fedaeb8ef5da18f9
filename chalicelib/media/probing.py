"""What an uploaded file really is, found out from its first and last 64 KiB and at most one range more.

The bytes are hostile: lengths are slices, which cannot leave what was read, loops are counted, nothing recurses, and
time is linear in what was read. Nothing here starts a process or reads beside the source.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final

from chalicelib.media import boxes, ebml, pictures
from chalicelib.media.sniffing import Demuxer, Excerpts, Facts, Source, Unreadable, sniff

__all__ = ["Facts", "Source", "Unreadable", "probe", "shown_size"]

_READERS: Final[Mapping[Demuxer, Callable[[Excerpts], Facts]]] = {
    "mov": boxes.read,
    "matroska": ebml.read,
    "jpeg_pipe": pictures.read_jpeg,
    "png_pipe": pictures.read_png,
    "webp_pipe": pictures.read_webp,
}


def probe(source: Source) -> Facts:
    """What a file is, in at most three reads: of 64 KiB, 64 KiB and 16 MiB. Raises Unreadable, and what `source` does.

    Nothing is decoded, and how many pixels or seconds are too many is not judged.
    """
    if not source.size:
        raise Unreadable("The file is empty.")
    file = Excerpts(source)
    read = _READERS[sniff(file.at(0, file.size))]
    try:
        facts = read(file)
    except (struct.error, IndexError) as error:  # a field that lies outside of what holds it
        raise Unreadable("The file is damaged.") from error
    if not facts.width or not facts.height:
        raise Unreadable("The file is damaged: it does not say how large its picture is.")
    return facts


def shown_size(facts: Facts) -> tuple[int, int]:
    """Width and height in pixels, upright."""
    return (facts.height, facts.width) if facts.rotation in (90, 270) else (facts.width, facts.height)
