"""Headers of JPEG (ITU-T T.81), PNG (ISO/IEC 15948) and WebP (RFC 9649), and the orientation in their EXIF."""

import re
import struct
from typing import Final

from chalicelib.media.sniffing import WINDOW, Excerpts, Facts, Unreadable

_INCOMPLETE: Final = "The upload is incomplete: the end of the photo is missing."
_DAMAGED: Final = "The photo is damaged."
_MOST_CHUNKS: Final = 4096
# Before the size of a JPEG may stand thumbnails, depth maps and provenance.
_MOST_BEFORE_SIZE: Final = 4 * 1024 * 1024
_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
# In compressed pictures 0xFF is followed by these alone. Any other is the end marker, or something after the end:
# phones append films, depth maps and their own records without saying so where a reader of JPEG looks.
_NOT_PICTURE: Final = re.compile(rb"\xff[^\0\xff\xc4\xd0-\xd7\xda\xdb\xdd]")
_CLOCKWISE: Final = {3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}


def read_jpeg(file: Excerpts) -> Facts:
    """Raises Unreadable."""
    at = 2
    rotation: int | None = None
    for _ in range(_MOST_CHUNKS):
        segment = file.need(at, 9, _MOST_BEFORE_SIZE)
        if len(segment) < 9:
            raise Unreadable(_INCOMPLETE)
        prefix, marker, length, _precision, height, width = struct.unpack(">BBHBHH", segment)
        if prefix != 0xFF or marker in (0xD9, 0xDA):
            raise Unreadable(_DAMAGED)
        if marker in _SIZES:
            _require_end(file, at)
            return Facts("photo", "jpeg_pipe", "image/jpeg", width, height, rotation or 0, video_codec="mjpeg")
        if marker == 0xE1 and rotation is None and bytes(file.at(at + 4, 6)) == b"Exif\0\0":
            rotation = turn_of_exif(file.at(at + 10, length - 8))
        at += 1 if marker == 0xFF else 2 if marker in _BARE else 2 + length
    raise Unreadable(_DAMAGED)


def _require_end(file: Excerpts, pictures_at: int) -> None:
    start = max(pictures_at + 2, file.size - WINDOW)
    if not _NOT_PICTURE.search(file.at(start, WINDOW)):
        raise Unreadable(_INCOMPLETE)


def read_png(file: Excerpts) -> Facts:
    """Raises Unreadable."""
    width, height = struct.unpack_from(">8x4x4xII", file.at(0, 24))
    if b"IEND" not in bytes(file.at(max(0, file.size - WINDOW), WINDOW)):
        raise Unreadable(_INCOMPLETE)
    rotation, at = 0, 8
    for _ in range(_MOST_CHUNKS):
        header = file.at(at, 8)
        if len(header) < 8:
            break
        length, name = struct.unpack(">I4s", header)
        if name == b"eXIf":
            rotation = turn_of_exif(file.at(at + 8, length))
        if name in (b"eXIf", b"IDAT"):
            break
        at += 12 + length
    return Facts("photo", "png_pipe", "image/png", width, height, rotation, video_codec="png")


def read_webp(file: Excerpts) -> Facts:
    """Raises Unreadable, for animations as well: ffmpeg's webp_pipe does not decode them."""
    if 8 + struct.unpack_from("<I", file.at(4, 4))[0] > file.size:
        raise Unreadable(_INCOMPLETE)
    width, height = _webp_size(bytes(file.at(12, 18)))
    rotation, at = 0, 12
    for _ in range(_MOST_CHUNKS):
        header = file.at(at, 8)
        if len(header) < 8:
            break
        name, length = struct.unpack("<4sI", header)
        if name == b"EXIF":
            rotation = turn_of_exif(file.at(at + 8, length))
            break
        at += 8 + length + length % 2
    return Facts("photo", "webp_pipe", "image/webp", width, height, rotation, video_codec="webp")


def _webp_size(chunk: bytes) -> tuple[int, int]:
    name, start = chunk[:4], chunk[8:]
    if name == b"VP8X":
        flags, width, width_high, height, height_high = struct.unpack_from("<B3xHBHB", start)
        if flags & 0x02:
            raise Unreadable("Animated WebP pictures are not taken; send a JPEG, PNG, WebP or HEIC.")
        return (width | width_high << 16) + 1, (height | height_high << 16) + 1
    if name == b"VP8L" and start[:1] == b"\x2f":
        (bits,) = struct.unpack_from("<I", start, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8 " and start[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", start, 6)
        return width & 0x3FFF, height & 0x3FFF
    raise Unreadable(_DAMAGED)


def turn_of_exif(tiff: memoryview) -> int:
    """Degrees clockwise from EXIF's orientation, 0 where it says none; a damaged one keeps nobody from the photo."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(tiff[:4]))
    if not order or len(tiff) < 8:
        return 0
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    entries = tiff[start : start + 2 + 12 * 0xFFFF]
    if len(entries) < 2:
        return 0
    (count,) = struct.unpack_from(f"{order}H", entries)
    for at in range(2, min(2 + 12 * count, len(entries) - 9), 12):
        tag, form, _, value = struct.unpack_from(f"{order}HHIH", entries, at)
        if (tag, form) == (0x0112, 3):
            return _CLOCKWISE.get(value, 0)
    return 0
