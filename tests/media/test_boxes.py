"""Boxes made by hand: what no encoder at hand writes, and what no honest one does."""

import contextlib
import struct
import time
from typing import Any

import pytest

from chalicelib.media.probing import Facts, Unreadable, probe
from tests.media.sources import KIB, MIB, Stored, stored

UPRIGHT = (1, 0, 0, 1)
FTYP_MP4 = b"isom\0\0\0\0mp41"
FTYP_QT = b"qt  \0\0\0\0qt  "


def box(name: bytes, *content: bytes, wide: bool = False) -> bytes:
    payload = b"".join(content)
    if wide:
        return struct.pack(">I4sQ", 1, name, len(payload) + 16) + payload
    return struct.pack(">I4s", len(payload) + 8, name) + payload


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    fixed = [int(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)]
    return struct.pack(">8iI", *fixed, 1 << 30)


def mvhd(ticks: int = 2400, turn: tuple[float, ...] = UPRIGHT, version: int = 0) -> bytes:
    clock = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 600, ticks)
    return box(b"mvhd", bytes([version, 0, 0, 0]), clock, bytes(16), matrix(*turn), bytes(28))


def trak(
    *entry: bytes,
    handler: bytes = b"vide",
    enabled: bool = True,
    turn: tuple[float, ...] = UPRIGHT,
    version: int = 0,
) -> bytes:
    ids = struct.pack(">QQIIQ" if version else ">IIIII", 0, 0, 1, 0, 0)
    tkhd = box(b"tkhd", bytes([version, 0, 0, enabled]), ids, bytes(16), matrix(*turn), bytes(8))
    clock = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 1000, 3000)
    mdhd = box(b"mdhd", bytes([version, 0, 0, 0]), clock, bytes(4))
    stsd = box(b"stsd", bytes(4), struct.pack(">I", len(entry)), *entry)
    media = box(b"mdia", mdhd, box(b"hdlr", bytes(8), handler, bytes(12)), box(b"minf", box(b"stbl", stsd)))
    return box(b"trak", tkhd, media)


def picture(fourcc: bytes = b"avc1", *parts: bytes, width: int = 640, height: int = 360) -> bytes:
    return box(fourcc, bytes(24), struct.pack(">HH", width, height), bytes(50), *parts)


def sound(fourcc: bytes = b"mp4a", *parts: bytes, version: int = 0, bits: int = 16, flags: int = 0) -> bytes:
    v1 = bytes({0: 0, 1: 16, 2: 20}[version])
    v2 = struct.pack(">IIII", bits, flags, 0, 0) if version == 2 else b""
    return box(fourcc, bytes(8), struct.pack(">H", version), bytes(18), v1, v2, *parts)


def avcc(profile: int) -> bytes:
    return box(b"avcC", bytes([1, profile, 0, 31, 0xFF, 0xE0, 0]))


def colr(transfer: int, form: bytes = b"nclx") -> bytes:
    return box(b"colr", form, struct.pack(">HHH", 9, transfer, 9), b"\0")


def esds(kind: int) -> bytes:
    return box(b"esds", bytes(4), b"\x03\x80\x80\x80\x22\0\1\0\x04\x80\x80\x80\x14", bytes([kind]), bytes(30))


def film(*moov: bytes, brands: bytes = FTYP_MP4) -> Facts:
    return probe(stored(box(b"ftyp", brands), box(b"mdat", bytes(10)), box(b"moov", *moov)))


# -- where the index lies ---------------------------------------------------------------------------------------------


def moov(padding: int = 0) -> bytes:
    """With a padding before what matters, so that all of it must be read."""
    return box(b"moov", mvhd(), box(b"free", bytes(padding)), trak(picture()))


FTYP = box(b"ftyp", FTYP_MP4)
GIGABYTES = 5 * 1024 * MIB


def mdat(size: int) -> list[bytes | int]:
    return [struct.pack(">I4sQ", 1, b"mdat", size + 16), size]


LAYOUTS: dict[str, tuple[list[bytes | int], int, bool]] = {
    "before the pictures": ([FTYP, moov(), *mdat(GIGABYTES)], 2, True),
    "before them, large": ([FTYP, moov(3 * MIB), *mdat(GIGABYTES)], 3, True),
    "at the end": ([FTYP, *mdat(GIGABYTES), moov()], 2, False),
    "at the end, large": ([FTYP, *mdat(GIGABYTES), moov(3 * MIB)], 3, False),
    "at the end, almost as large as is taken": ([FTYP, *mdat(GIGABYTES), moov(15 * MIB)], 3, False),
    "before an appendix": ([FTYP, *mdat(MIB), moov(), box(b"udta", bytes(100 * KIB))], 3, False),
    "large, before an appendix": ([FTYP, *mdat(MIB), moov(100 * KIB), box(b"free", bytes(100 * KIB))], 3, False),
    "before an appendix that is no box": ([FTYP, *mdat(MIB), moov(), b"\x7f\xff\xff\xffSEFT"], 2, False),
    "before what is too short for a box": ([FTYP, *mdat(MIB), moov(), b"\0\0\0\7mdat", 10], 2, False),
    "after a large box": ([FTYP, box(b"uuid", bytes(100 * KIB)), *mdat(MIB), moov()], 3, False),
    "after pictures in two boxes": ([FTYP, *mdat(MIB), *mdat(MIB), moov()], 3, False),
    "before pictures that reach to the end": ([FTYP, moov(), b"\0\0\0\0mdat", MIB], 2, True),
    "in a box with a long length": ([FTYP, *mdat(MIB), box(b"moov", moov()[8:], wide=True)], 2, False),
    "in a box that reaches to the end": ([FTYP, *mdat(MIB), b"\0\0\0\0moov", moov()[8:]], 2, False),
    "without ftyp": ([box(b"wide"), *mdat(MIB), moov()], 2, False),
    "first of all": ([moov(), *mdat(MIB)], 2, True),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_index_is_found_wherever_it_lies(layout: str) -> None:
    parts, reads, faststart = LAYOUTS[layout]
    source = stored(*parts)
    facts = probe(source)
    assert (facts.width, facts.height, facts.duration_s, facts.faststart) == (640, 360, 4.0, faststart)
    assert len(source.reads) == reads
    assert sum(length for _, length in source.reads) <= 16 * MIB + 128 * KIB


INCOMPLETE = "The upload is incomplete: the end of the video is missing"
MISSING = "The video's index is missing: the recording or the upload was cut off"
TOO_LARGE = "The video's index is larger than is taken here"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([FTYP, moov(), mdat(GIGABYTES)[0], GIGABYTES - 1], INCOMPLETE),
        ([FTYP, moov(MIB), mdat(GIGABYTES)[0], GIGABYTES - 1], INCOMPLETE),
        ([FTYP, mdat(GIGABYTES)[0], GIGABYTES - 1], INCOMPLETE),
        ([FTYP, *mdat(MIB), moov()[:-1]], INCOMPLETE),
        ([FTYP, *mdat(MIB), moov(MIB)[:-1]], INCOMPLETE),
        ([FTYP, *mdat(GIGABYTES)], MISSING),
        ([FTYP, b"\0\0\0\0mdat", MIB], MISSING),
        ([FTYP], MISSING),
        ([FTYP[:-1]], MISSING),
        ([box(b"styp", b"msdh"), box(b"moof"), box(b"mdat")], MISSING),
        ([FTYP, *mdat(MIB), moov(17 * MIB)], TOO_LARGE),
        ([FTYP, moov(17 * MIB), *mdat(MIB)], TOO_LARGE),
        ([FTYP, *mdat(MIB), box(b"uuid", bytes(10 * MIB)), moov(7 * MIB)], TOO_LARGE),
    ],
)
def test_without_a_whole_index_and_whole_pictures_it_is_said_what_is_missing(
    parts: list[bytes | int], words: str
) -> None:
    source = stored(*parts)
    with pytest.raises(Unreadable, match=words):
        probe(source)
    assert len(source.reads) <= 3


# -- what the index says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("track", "whole", "rotation"),
    [
        ((1, 0, 0, 1), UPRIGHT, 0),
        ((0, 1, -1, 0), UPRIGHT, 90),
        ((-1, 0, 0, -1), UPRIGHT, 180),
        ((0, -1, 1, 0), UPRIGHT, 270),
        ((0, 1, -1, 0), (0, 1, -1, 0), 180),
        ((0, 1, -1, 0), (0, -1, 1, 0), 0),
        ((-1, 0, 0, 1), UPRIGHT, 0),
        ((1, 0, 0, -1), UPRIGHT, 180),
        ((0, 0, 0, 0), UPRIGHT, 0),
        ((0.5, 0, 0, 0.5), UPRIGHT, 0),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_matrices_turn(track: tuple[float, ...], whole: tuple[float, ...], rotation: int, version: int) -> None:
    facts = film(mvhd(turn=whole, version=version), trak(picture(), turn=track, version=version))
    assert facts.rotation == rotation
    assert facts.duration_s == 4.0


@pytest.mark.parametrize(
    ("movie", "duration"),
    [
        ([mvhd(3000)], 5.0),
        ([mvhd(0)], 3.0),
        ([mvhd(2**32 - 1)], 3.0),
        ([mvhd(2**64 - 1, version=1)], 3.0),
        ([mvhd(0), box(b"mvex", box(b"mehd", bytes(4), struct.pack(">I", 4200)))], 7.0),
        ([mvhd(0), box(b"mvex", box(b"mehd", b"\1\0\0\0", struct.pack(">Q", 4200)))], 7.0),
        ([mvhd(600), box(b"mvex", box(b"trex", bytes(24)))], None),
    ],
)
def test_durations(movie: list[bytes], duration: float | None) -> None:
    assert film(*movie, trak(picture())).duration_s == duration


def test_the_first_track_that_is_enabled_counts() -> None:
    cover = trak(picture(b"jpeg", width=100, height=100), enabled=False)
    other = trak(sound(b"apac"), handler=b"soun", enabled=False)
    facts = film(mvhd(), cover, trak(picture()), other, trak(sound(), handler=b"soun"), trak(handler=b"meta"))
    assert (facts.width, facts.video_codec, facts.audio_codec) == (640, "h264", "aac")
    assert film(mvhd(), cover).video_codec == "mjpeg"


@pytest.mark.parametrize(
    ("entry", "codec", "eight_bit_420"),
    [
        (picture(b"avc1", avcc(66)), "h264", True),
        (picture(b"avc3", avcc(100)), "h264", True),
        (picture(b"avc1", avcc(110)), "h264", False),
        (picture(b"avc1", avcc(122)), "h264", False),
        (picture(b"avc1", avcc(244)), "h264", False),
        (picture(b"avc1"), "h264", False),
        (picture(b"hvc1", box(b"hvcC", bytes(16), b"\xfd\xf8\xf8", bytes(4))), "hevc", True),
        (picture(b"dvh1", box(b"hvcC", bytes(16), b"\xfd\xfa\xfa", bytes(4))), "hevc", False),
        (picture(b"av01", box(b"av1C", b"\x81\x04\x0c\0")), "av1", True),
        (picture(b"av01", box(b"av1C", b"\x81\x04\x4c\0")), "av1", False),
        (picture(b"vp09", box(b"vpcC", b"\1\0\0\0\0\x1f\x82\0")), "vp9", True),
        (picture(b"vp09", box(b"vpcC", b"\1\0\0\0\2\x1f\xa2\0")), "vp9", False),
        (picture(b"apcn"), "prores", False),
        (picture(b"mp4v"), "mpeg4", True),
        (picture(b"mp4v", esds(0x20)), "mpeg4", True),
        (picture(b"mp4v", esds(0x6C)), "mjpeg", True),
        (picture(b"s\n7\0"), "s7", True),
        (picture(b"\0\1\2\3"), "unknown", True),
    ],
)
def test_codecs(entry: bytes, codec: str, eight_bit_420: bool) -> None:  # noqa: FBT001  # parametrized
    facts = film(mvhd(), trak(entry))
    assert (facts.video_codec, facts.eight_bit_420, facts.audio_codec) == (codec, eight_bit_420, None)


@pytest.mark.parametrize(
    ("entry", "codec"),
    [
        (sound(), "aac"),
        (sound(b"mp4a", esds(0x40)), "aac"),
        (sound(b"mp4a", esds(0x6B)), "mp3"),
        (sound(b"mp4a", box(b"wave", esds(0x69)), version=1), "mp3"),
        (sound(b"Opus"), "opus"),
        (sound(b"sowt", version=1), "pcm_s16le"),
        (sound(b"in24", version=1), "pcm_s24be"),
        (sound(b"in24", box(b"wave", box(b"enda", b"\0\1")), version=1), "pcm_s24le"),
        (sound(b"lpcm", version=2, bits=24, flags=4), "pcm_s24le"),
        (sound(b"lpcm", version=2, bits=32, flags=3), "pcm_f32be"),
        (sound(b"lpcm", version=2, bits=8), "pcm_u8"),
        (sound(b"apac"), "apac"),
    ],
)
def test_sound(entry: bytes, codec: str) -> None:
    assert film(mvhd(), trak(picture()), trak(entry, handler=b"soun")).audio_codec == codec


@pytest.mark.parametrize(
    ("parts", "transfer"),
    [
        ([], "sdr"),
        ([colr(1)], "sdr"),
        ([colr(16)], "pq"),
        ([colr(18)], "hlg"),
        ([colr(18, b"nclc")], "hlg"),
        ([box(b"colr", b"prof", bytes(500)), colr(16)], "pq"),
    ],
)
def test_brightness(parts: list[bytes], transfer: str) -> None:
    assert film(mvhd(), trak(picture(b"hvc1", *parts))).transfer == transfer


@pytest.mark.parametrize(
    ("brands", "content_type"),
    [(FTYP_QT, "video/quicktime"), (FTYP_MP4, "video/mp4"), (b"3gp4\0\0\0\0", "video/3gpp"), (b"", "video/mp4")],
)
def test_brands(brands: bytes, content_type: str) -> None:
    assert film(mvhd(), trak(picture()), brands=brands).content_type == content_type


@pytest.mark.parametrize(
    ("tracks", "words"),
    [
        ([trak(sound(), handler=b"soun")], "The file holds sound alone, no video"),
        ([], "The file holds no video"),
        ([trak(picture(b"encv"))], "protected against copying"),
        ([trak()], "The video's index is damaged"),
        ([trak(picture()[:40])], "The video's index is damaged"),
        ([trak(box(b"avc1", bytes(20)))], "The file is damaged"),
        ([trak(picture(width=0))], "does not say how large its picture is"),
        ([trak(picture())] * 33, "more tracks than are taken"),
    ],
)
def test_an_index_without_a_film_is_refused(tracks: list[bytes], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        film(mvhd(), *tracks)


# -- pictures ---------------------------------------------------------------------------------------------------------


def heic(
    *properties: bytes,
    brands: bytes = b"heic\0\0\0\0mif1heic",
    kind: bytes = b"grid",
    long: bool = False,
    moov: bytes = b"",
    primary: int = 7,
) -> Stored:
    """An item 7 with `properties`, after an item 1, a tile of 512x512."""
    tile = box(b"ispe", bytes(4), struct.pack(">II", 512, 512))
    ids, numbers = (">IB", ">H") if long else (">HB", ">B")
    owned = [struct.pack(numbers, number + 2) for number in range(len(properties))]
    ipma = box(
        b"ipma",
        bytes([long, 0, 0, long]),
        struct.pack(">I", 2),
        struct.pack(ids, 1, 1) + struct.pack(numbers, 1),
        struct.pack(ids, 7, len(owned)) + b"".join(owned),
    )
    infe = [
        box(
            b"infe", bytes([3 if long else 2, 0, 0, 0]), struct.pack(">IH4s" if long else ">HH4s", item, 0, name), b"\0"
        )
        for item, name in ((1, b"hvc1"), (7, kind))
    ]
    meta = box(
        b"meta",
        bytes(4),
        box(b"hdlr", bytes(8), b"pict", bytes(13)),
        box(b"pitm", bytes([long, 0, 0, 0]), struct.pack(">I" if long else ">H", primary)),
        box(b"iinf", bytes([long, 0, 0, 0]), struct.pack(">I" if long else ">H", 2), *infe),
        box(b"iprp", box(b"ipco", tile, *properties), ipma),
    )
    return stored(box(b"ftyp", brands), meta, moov, box(b"mdat", bytes(10)))


WHOLE = box(b"ispe", bytes(4), struct.pack(">II", 4032, 3024))


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(("angle", "rotation"), [(0, 0), (1, 270), (2, 180), (3, 90)])
def test_the_primary_item_counts_not_its_tiles(angle: int, rotation: int, long: bool) -> None:  # noqa: FBT001  # ditto
    facts = probe(heic(WHOLE, box(b"irot", bytes([angle])), colr(16), long=long))
    assert facts == Facts(
        "photo", "mov", "image/heic", 4032, 3024, rotation=rotation, video_codec="hevc", transfer="pq"
    )


@pytest.mark.parametrize(
    ("brands", "kind", "content_type", "codec"),
    [
        (b"mif1\0\0\0\0mif1heic", b"hvc1", "image/heic", "hevc"),
        (b"avif\0\0\0\0mif1miaf", b"av01", "image/avif", "av1"),
        (b"avif\0\0\0\0mif1miaf", b"grid", "image/avif", "av1"),
        (b"mif1\0\0\0\0mif1", b"jpeg", "image/heif", "mjpeg"),
        (b"heic\0\0\0\0mif1", b"iovl", "image/heic", "hevc"),
    ],
)
def test_kinds_of_pictures(brands: bytes, kind: bytes, content_type: str, codec: str) -> None:
    facts = probe(heic(WHOLE, brands=brands, kind=kind))
    assert (facts.content_type, facts.video_codec) == (content_type, codec)


def test_a_sequence_is_the_picture_that_stands_for_it_or_its_first() -> None:
    moov = box(b"moov", mvhd(), trak(picture(b"hvc1"), handler=b"pict", turn=(0, 1, -1, 0)))
    brands = b"hevc\0\0\0\0msf1hevc"
    assert probe(heic(WHOLE, brands=brands, moov=moov)).width == 4032
    facts = probe(stored(box(b"ftyp", brands), moov, box(b"mdat")))
    assert (facts.kind, facts.content_type, facts.duration_s) == ("photo", "image/heic", None)
    assert (facts.width, facts.height, facts.rotation) == (640, 360, 90)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (heic(), "The photo's index is damaged"),
        (heic(WHOLE, primary=9), "The photo's index is damaged"),
        (heic(WHOLE[:12]), "The photo's index is damaged"),
        (stored(box(b"ftyp", b"heic\0\0\0\0"), box(b"meta"), box(b"mdat")), "The file is damaged"),
        (stored(box(b"ftyp", b"heic\0\0\0\0"), box(b"mdat")), "The photo's index is missing"),
        (stored(heic(WHOLE).read(0, 100)), "The upload is incomplete: the end of the photo is missing"),
        (stored(heic(WHOLE).read(0, 1 << 20)[:-1]), "The upload is incomplete: the end of the photo is missing"),
    ],
)
def test_damaged_pictures(source: Stored, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        probe(source)


# -- hostile ----------------------------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = box(b"moov", inner)
    return inner


EMPTY = box(b"free")
MANY = 16 * MIB // 8 - 1000
HOSTILE: dict[str, list[Any]] = {
    "boxes at the top": [FTYP, EMPTY * MANY],
    "boxes in the index": [FTYP, box(b"moov", mvhd(), EMPTY * MANY, trak(picture()))],
    "tracks": [FTYP, box(b"moov", mvhd(), (box(b"trak", box(b"tkhd", bytes(84)), EMPTY * 60_000) * 32))],
    "tracks without anything": [FTYP, box(b"moov", mvhd(), box(b"trak") * MANY)],
    "depth": [FTYP, nested(50_000)],
    "a matrix of the largest numbers": [FTYP, box(b"moov", mvhd(turn=(-32768,) * 4), trak(picture()))],
    "properties": [
        box(b"ftyp", b"heic\0\0\0\0"),
        box(
            b"meta",
            bytes(4),
            box(b"pitm", bytes(4), b"\0\7"),
            box(b"iprp", box(b"ipco", EMPTY * 10_000), box(b"ipma", bytes(4), b"\xff" * 4, bytes(8 * MIB)) * 1),
        ),
    ],
    "properties of one item over and over": [
        box(b"ftyp", b"heic\0\0\0\0"),
        box(
            b"meta",
            bytes(4),
            box(b"pitm", bytes(4), b"\0\7"),
            box(
                b"iprp",
                box(b"ipco", EMPTY * 300),
                box(b"ipma", bytes(4), b"\xff" * 4, (b"\0\7\xff" + b"\1" * 255) * 30_000),
            ),
        ),
    ],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_much_of_anything_takes_little_time(kind: str) -> None:
    source = stored(*HOSTILE[kind])
    start = time.process_time()
    with contextlib.suppress(Unreadable):
        probe(source)
    assert time.process_time() - start < 1
    assert len(source.reads) <= 3
