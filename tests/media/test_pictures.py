"""Headers of JPEG, PNG and WebP, made by hand."""

import contextlib
import struct
import time
import zlib

import pytest

from chalicelib.media.pictures import turn_of_exif
from chalicelib.media.probing import Facts, Unreadable, probe
from tests.media.sources import KIB, MIB, Stored, stored

INCOMPLETE = "The upload is incomplete: the end of the photo is missing"
DAMAGED = "The photo is damaged"
TURNS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270, 0: 0, 9: 0}


def tiff(orientation: int, order: str = "<") -> bytes:
    """One directory: a make, the orientation, and a second directory that says otherwise."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    make = struct.pack(f"{order}HHI4s", 0x010F, 2, 3, b"Me\0\0")
    turned = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    other = struct.pack(f"{order}HHHIHHI", 1, 0x0112, 3, 1, 3, 0, 0)
    return mark + struct.pack(f"{order}IH", 8, 2) + make + turned + struct.pack(f"{order}I", 38) + other


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def exif(orientation: int, order: str = "<") -> bytes:
    return segment(0xE1, b"Exif\0\0" + tiff(orientation, order))


SOI, EOI = b"\xff\xd8", b"\xff\xd9"
SCAN = segment(0xC4, bytes(20)) + segment(0xDA, bytes(10)) + b"\x12\x34\xff\0\x56\xff\xd0\x78" * 4
FULL = segment(0xE2, bytes(65533))


def frame(marker: int = 0xC0) -> bytes:
    return segment(marker, struct.pack(">BHH", 8, 3024, 4032) + bytes(10))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", TURNS)
def test_exif_turns_a_jpeg(orientation: int, order: str) -> None:
    facts = probe(stored(SOI, segment(0xE0, b"JFIF"), exif(orientation, order), frame(), SCAN, EOI))
    assert facts == Facts(
        "photo", "jpeg_pipe", "image/jpeg", 4032, 3024, rotation=TURNS[orientation], video_codec="mjpeg"
    )


def test_the_first_exif_counts() -> None:
    assert probe(stored(SOI, exif(1), exif(6), frame(), SCAN, EOI)).rotation == 0


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"II*\0",
        b"XX*\0\x08\0\0\0\1\0",
        tiff(6)[:8],
        tiff(6)[:9],
        tiff(6)[:29],
        b"II*\0\xff\xff\xff\xff" + bytes(20),
        b"II*\0\x08\0\0\0\xff\xff" + bytes(20),
        tiff(6).replace(b"\x12\1\3\0", b"\x12\1\4\0"),
    ],
)
def test_a_damaged_exif_turns_nothing(damaged: bytes) -> None:
    assert turn_of_exif(memoryview(damaged)) == 0


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xC3])
def test_frames_of_any_kind_and_padding(marker: int) -> None:
    assert probe(stored(SOI, b"\xff\xff\xff\x01", segment(0xDB, bytes(65)), frame(marker), SCAN, EOI)).width == 4032


@pytest.mark.parametrize(("before", "reads"), [(0, 2), (1, 3), (2, 3), (40, 3)])
def test_a_frame_behind_large_segments_takes_one_read_more(before: int, reads: int) -> None:
    source = stored(SOI, exif(6), FULL * before, frame(), SCAN * 5000, EOI)
    facts = probe(source)
    assert (facts.width, facts.height, facts.rotation) == (4032, 3024, 90)
    assert len(source.reads) == reads


def test_a_frame_too_far_behind_is_not_looked_for() -> None:
    source = stored(SOI, FULL * 70, frame(), SCAN, EOI)
    with pytest.raises(Unreadable):
        probe(source)
    assert len(source.reads) == 3


@pytest.mark.parametrize(
    "trailer",
    [
        b"",
        bytes(1000),
        b"SEFH\0\0SEFT",
        b"\0\0\0\x18ftypmp42" + b"\xff\xf1\x50\x80" * 50_000,
        SOI + frame() + SCAN * 5000 + EOI,
    ],
)
def test_what_phones_append_is_no_matter(trailer: bytes) -> None:
    assert probe(stored(SOI, exif(6), frame(), SCAN * 5000, EOI, trailer)).width == 4032


@pytest.mark.parametrize(
    "content",
    [
        SOI + exif(6) + frame() + SCAN,
        SOI + exif(6) + frame() + SCAN * 5000,
        SOI + exif(6) + frame()[:8],
        SOI + exif(6),
        SOI + segment(0xE1, b"Exif\0\0" + tiff(6) + EOI) + frame() + SCAN,
        SOI + FULL * 2,
        SOI + FULL * 30,
        SOI + exif(6) + frame() + SCAN * 5000 + EOI + SOI + frame() + SCAN * 5000,
    ],
)
def test_a_jpeg_without_its_end_is_incomplete(content: bytes) -> None:
    with pytest.raises(Unreadable, match=INCOMPLETE):
        probe(stored(content))


@pytest.mark.parametrize("content", [SOI + SCAN, SOI + segment(0xE0, b"") + b"\0" * 9, SOI + b"\xff" * 10_000])
def test_a_damaged_jpeg(content: bytes) -> None:
    with pytest.raises(Unreadable, match=DAMAGED):
        probe(stored(content, 10))


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3000, 2000, 8, 2, 0, 0, 0)) + b"".join(chunks)


def test_png() -> None:
    pixels = chunk(b"IDAT", bytes(200 * KIB))
    whole = png(chunk(b"tEXt", b"a"), chunk(b"eXIf", tiff(6, ">")), pixels, chunk(b"IEND"))
    source = stored(whole, b"appended")
    assert probe(source) == Facts("photo", "png_pipe", "image/png", 3000, 2000, rotation=90, video_codec="png")
    assert len(source.reads) == 2
    assert probe(stored(png(pixels, chunk(b"eXIf", tiff(6)), chunk(b"IEND")))).rotation == 0
    assert probe(stored(png(chunk(b"iCCP", bytes(MIB)), pixels, chunk(b"IEND")))).width == 3000
    for short in (8, 1000, 300 * KIB):
        with pytest.raises(Unreadable):
            probe(stored(whole[:-short]))


def riff(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def webp_chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


LOSSY = webp_chunk(b"VP8 ", b"\x50\x01\0\x9d\x01\x2a" + struct.pack("<HH", 4000 | 1 << 14, 3000) + bytes(200 * KIB + 1))
LOSSLESS = webp_chunk(b"VP8L", b"\x2f" + struct.pack("<I", 3999 | 2999 << 14 | 1 << 28) + bytes(1))


def extended(flags: int) -> bytes:
    return webp_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + (3999).to_bytes(3, "little") + (2999).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("chunks", "rotation"),
    [
        ([LOSSY], 0),
        ([LOSSLESS], 0),
        ([extended(0), LOSSY], 0),
        ([extended(8), LOSSY, webp_chunk(b"EXIF", tiff(6))], 90),
        ([extended(8), LOSSY, webp_chunk(b"XMP ", b"<x/>"), webp_chunk(b"EXIF", tiff(8, ">"))], 270),
        ([extended(8), LOSSY, webp_chunk(b"EXIF", b"Exif\0\0")], 0),
    ],
)
def test_webp(chunks: list[bytes], rotation: int) -> None:
    source = stored(riff(*chunks))
    assert probe(source) == Facts("photo", "webp_pipe", "image/webp", 4000, 3000, rotation=rotation, video_codec="webp")
    assert len(source.reads) <= 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (stored(riff(LOSSY)[:-1]), INCOMPLETE),
        (stored(riff(LOSSY)[:20]), INCOMPLETE),
        (stored(riff(extended(2), webp_chunk(b"ANIM", bytes(6)))), "Animated WebP pictures are not taken"),
        (stored(riff(webp_chunk(b"VP8 ", bytes(20)))), DAMAGED),
        (stored(riff(webp_chunk(b"WHAT", bytes(20)))), DAMAGED),
        (stored(riff(extended(0)[:14])), "The file is damaged"),
    ],
)
def test_webp_that_is_not_taken(source: Stored, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        probe(source)


@pytest.mark.parametrize(
    "content",
    [
        SOI + segment(0xE0, b"") * MIB + frame() + SCAN + EOI,
        SOI + b"\xff" * 8 * MIB,
        SOI + FULL[:65_000] + frame() + b"\xff\0" * 8 * MIB,
        png(chunk(b"tEXt") * 100_000, chunk(b"IEND")),
        riff(extended(8), webp_chunk(b"XMP ", b"") * 100_000),
        SOI + segment(0xE1, b"Exif\0\0" + b"II*\0\x08\0\0\0\xff\xff" + bytes(65_000)) * 100 + frame() + SCAN + EOI,
    ],
)
def test_much_of_anything_takes_little_time(content: bytes) -> None:
    source = stored(content)
    start = time.process_time()
    with contextlib.suppress(Unreadable):
        probe(source)
    assert time.process_time() - start < 1
    assert len(source.reads) <= 3
