"""ISO base media files (ISO/IEC 14496-12): MOV and MP4 video, HEIC and AVIF pictures (ISO/IEC 23008-12).

A file is boxes within boxes. Its index, `moov` of a video and `meta` of a picture, may lie anywhere between them.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.media.sniffing import MOST_READ, Excerpts, Facts, Transfer, Unreadable

_MOST_BOXES: Final = 2048
_MOST_TRACKS: Final = 32
# Read beyond an index in the same go: the box after it tells whether the pictures are all there.
_NEXT_BOX: Final = 4096
_HEADER: Final = 16
_NO_BYTES: Final = memoryview(b"")

_STILLS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIC: Final = _STILLS - _AVIF - {b"mif1", b"msf1"}
# Boxes that a cut file ends in. Others that reach beyond the end may be what a phone appended in a form of its own.
_NEEDED_WHOLE: Final = frozenset({b"mdat", b"moov", b"moof", b"meta"})

_VIDEO_CODECS: Final = {
    **dict.fromkeys((b"avc1", b"avc3", b"dva1", b"dvav"), "h264"),
    **dict.fromkeys((b"hvc1", b"hev1", b"dvh1", b"dvhe"), "hevc"),
    **dict.fromkeys((b"ap4h", b"ap4x", b"apch", b"apcn", b"apcs", b"apco"), "prores"),
    **dict.fromkeys((b"jpeg", b"mjpa"), "mjpeg"),
    **dict.fromkeys((b"s263", b"h263"), "h263"),
    b"mp4v": "mpeg4",
    b"av01": "av1",
    b"dav1": "av1",
    b"vp08": "vp8",
    b"vp09": "vp9",
    b"png ": "png",
}
_AUDIO_CODECS: Final = {
    b"mp4a": "aac",
    b".mp3": "mp3",
    b"ms\0U": "mp3",
    b"Opus": "opus",
    b"alac": "alac",
    b"fLaC": "flac",
    b"ac-3": "ac3",
    b"ec-3": "eac3",
    b"samr": "amr_nb",
    b"sawb": "amr_wb",
    b"sowt": "pcm_s16le",
    b"twos": "pcm_s16be",
    b"in24": "pcm_s24be",
    b"in32": "pcm_s32be",
    b"fl32": "pcm_f32be",
    b"fl64": "pcm_f64be",
    b"raw ": "pcm_u8",
    b"ulaw": "pcm_mulaw",
    b"alaw": "pcm_alaw",
    b"ima4": "adpcm_ima_qt",
}
# mp4v and mp4a may hold others: the object types of https://mp4ra.org/registered-types/object-types.
_OBJECT_TYPES: Final = {
    **dict.fromkeys(range(0x60, 0x66), "mpeg2video"),
    **dict.fromkeys((0x69, 0x6B), "mp3"),
    0x20: "mpeg4",
    0x21: "h264",
    0x23: "hevc",
    0x40: "aac",
    0x6A: "mpeg1video",
    0x6C: "mjpeg",
    0xA5: "ac3",
    0xA6: "eac3",
    0xAD: "opus",
    0xDD: "vorbis",
}
_CONFIGS: Final = {"h264": b"avcC", "hevc": b"hvcC", "av1": b"av1C", "vp9": b"vpcC"}


@dataclass(frozen=True, slots=True)
class _Box:
    """Offsets in the file: where a box starts, where its payload does, and where both end."""

    start: int
    payload: int
    end: int


@dataclass(frozen=True, slots=True)
class _Track:
    """`handler` says what a track holds: `vide`, `pict`, `soun` or else."""

    handler: bytes
    enabled: bool
    trak: memoryview


def read(file: Excerpts) -> Facts:
    """Facts of a video or picture. Raises Unreadable, and struct.error or IndexError for a field outside of its box."""
    brands = _brands(file)
    if brands and brands[0] in _STILLS:
        # A sequence, as of a burst, may come without a picture that stands for it: then its first one does.
        boxes, index = _index(file, (b"meta", b"moov"), "photo")
        return _picture(index, brands) if b"meta" in boxes else _movie(index, brands)
    boxes, index = _index(file, (b"moov",), "video")
    faststart = b"mdat" not in boxes or boxes[b"moov"].start < boxes[b"mdat"].start
    return _movie(index, brands, faststart=faststart)


def _brands(file: Excerpts) -> list[bytes]:
    """The major brand first; none in QuickTime from before there were brands."""
    length, name = struct.unpack(">I4s", file.at(0, 8))
    if name != b"ftyp":
        return []
    brands = bytes(file.at(8, min(length - 8, 1024)))
    return [brands[:4], *(brands[at : at + 4] for at in range(8, len(brands), 4))]


# -- finding the index ------------------------------------------------------------------------------------------------


def _index(
    file: Excerpts, names: tuple[bytes, ...], kind: Literal["photo", "video"]
) -> tuple[dict[bytes, _Box], memoryview]:
    """The file's boxes, and the payload of the index: of the first of `names` that there is."""
    boxes, gap = _outline(file, kind)
    if gap is not None and boxes.keys().isdisjoint(names):
        file.need(gap, _HEADER, MOST_READ)
        boxes, _ = _outline(file, kind)
    box = next((boxes[name] for name in names if name in boxes), None)
    if box is None:
        raise Unreadable(f"The {kind}'s index is missing: the recording or the upload was cut off.")
    length = box.end - box.payload
    payload = file.need(box.payload, length, length + _NEXT_BOX)
    if len(payload) < length:
        raise Unreadable(f"The {kind}'s index is larger than is taken here.")
    # What comes after the index may be known by now.
    boxes, _ = _outline(file, kind)
    return boxes, payload


def _outline(file: Excerpts, kind: str) -> tuple[dict[bytes, _Box], int | None]:
    """The first box of each name at the top, and where the bytes that are known end before the file does.

    Raises Unreadable if one of those that are needed reaches beyond the end of the file.
    """
    boxes: dict[bytes, _Box] = {}
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > file.size:
            break
        header = file.at(at, _HEADER)
        if len(header) < min(_HEADER, file.size - at):
            return boxes, at
        length, name = struct.unpack_from(">I4s", header)
        box = _Box(at, at + 8, at + length if length else file.size)
        if length == 1:
            (length,) = struct.unpack_from(">Q", header, 8)
            box = _Box(at, at + 16, at + length)
        if box.end < box.payload:
            break
        if box.end > file.size:
            if name in _NEEDED_WHOLE:
                raise Unreadable(f"The upload is incomplete: the end of the {kind} is missing.")
            break
        boxes.setdefault(name, box)
        at = box.end
    return boxes, None


def _children(payload: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Names and payloads of the boxes in another's payload, until one does not fit."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(payload):
            return
        length, name = struct.unpack_from(">I4s", payload, at)
        start, end = at + 8, at + length if length else len(payload)
        if length == 1:
            start, end = at + 16, at + int.from_bytes(payload[at + 8 : at + 16])
        if not start <= end <= len(payload):
            return
        yield name, payload[start:end]
        at = end


def _child(payload: memoryview, *path: bytes) -> memoryview:
    """The payload of the first box at a path of names; no bytes where there is none."""
    for name in path:
        payload = next((content for child, content in _children(payload) if child == name), _NO_BYTES)
    return payload


# -- films ------------------------------------------------------------------------------------------------------------


def _movie(moov: memoryview, brands: list[bytes], *, faststart: bool = False) -> Facts:
    tracks = _tracks(moov)
    video = _first(tracks, {b"vide", b"pict"})
    audio = _first(tracks, {b"soun"})
    if video is None:
        raise Unreadable(
            "The file holds sound alone, no video." if audio else "The file holds no video that is understood here."
        )
    fourcc, entry = _sample_entry(video)
    width, height = struct.unpack_from(">HH", entry, 24)
    parts = entry[78:]
    codec = _codec(fourcc, parts, _VIDEO_CODECS)
    config = _child(parts, _CONFIGS.get(codec, b""))
    is_still = video.handler == b"pict"
    return Facts(
        kind="photo" if is_still else "video",
        demuxer="mov",
        content_type=_picture_type(brands) if is_still else _video_type(brands),
        width=width,
        height=height,
        rotation=_turn(video.trak, moov),
        duration_s=None if is_still else _duration(video.trak, moov),
        video_codec=codec,
        audio_codec=None if audio is None else _audio_codec(audio),
        eight_bit_420=is_eight_bit_420(codec, config[4:] if codec == "vp9" else config),
        transfer=_transfer(content for name, content in _children(parts) if name == b"colr"),
        faststart=faststart,
    )


def _tracks(moov: memoryview) -> list[_Track]:
    tracks: list[_Track] = []
    for name, trak in _children(moov):
        if name == b"trak":
            if len(tracks) == _MOST_TRACKS:
                raise Unreadable("The video has more tracks than are taken here.")
            (flags,) = struct.unpack_from(">I", _child(trak, b"tkhd"))
            tracks.append(_Track(bytes(_child(trak, b"mdia", b"hdlr")[8:12]), bool(flags & 1), trak))
    return tracks


def _first(tracks: list[_Track], handlers: set[bytes]) -> _Track | None:
    """The first track that is enabled; the first one, where none is."""
    fitting = [track for track in tracks if track.handler in handlers]
    return next((track for track in fitting if track.enabled), fitting[0] if fitting else None)


def _sample_entry(track: _Track) -> tuple[bytes, memoryview]:
    """The fourcc of the samples and what it comes with."""
    table = _child(track.trak, b"mdia", b"minf", b"stbl", b"stsd")
    fourcc, entry = next(_children(table[8:]), (b"", _NO_BYTES))
    if not fourcc:
        raise Unreadable("The video's index is damaged.")
    if fourcc in (b"encv", b"enca"):
        raise Unreadable("The video is protected against copying.")
    return fourcc, entry


def _audio_codec(track: _Track) -> str:
    fourcc, entry = _sample_entry(track)
    if fourcc == b"lpcm":
        return _lpcm(entry)
    (version,) = struct.unpack_from(">H", entry, 8)
    parts = entry[28 + {1: 16, 2: 36}.get(version, 0) :]
    # QuickTime puts what belongs to a codec into a box of its own.
    parts = _child(parts, b"wave") or parts
    codec = _codec(fourcc, parts, _AUDIO_CODECS)
    return codec.removesuffix("be") + "le" if any(_child(parts, b"enda")) and codec.endswith("be") else codec


def _lpcm(entry: memoryview) -> str:
    bits, flags = struct.unpack_from(">II", entry, 48)
    form = "f" if flags & 1 else "s" if flags & 4 or bits > 8 else "u"
    return f"pcm_{form}{bits}" + ("" if bits == 8 else "be" if flags & 2 else "le")


def _codec(fourcc: bytes, parts: memoryview, codecs: dict[bytes, str]) -> str:
    known = codecs.get(fourcc) or re.sub(rb"[^\w.-]", b"", fourcc).decode() or "unknown"
    if fourcc not in (b"mp4v", b"mp4a"):
        return known
    return _OBJECT_TYPES.get(_object_type(bytes(_child(parts, b"esds")[:64])), known)


# A descriptor of a stream, within it that of its decoder; the length of each has up to four bytes of seven bits.
_OBJECT_TYPE: Final = re.compile(rb".{4}\x03[\x80-\xff]{0,3}.{4}\x04[\x80-\xff]{0,3}.(.)", re.DOTALL)


def _object_type(esds: bytes) -> int:
    """The object type in an elementary stream descriptor (ISO/IEC 14496-1, 7.2.6.5), 0 where there is none."""
    found = _OBJECT_TYPE.match(esds)
    return found[1][0] if found else 0


def _duration(trak: memoryview, moov: memoryview) -> float | None:
    """Seconds. A film in fragments tells in the index, or not at all."""
    scale, ticks = _clock(_child(moov, b"mvhd"))
    fragmented = any(name == b"mvex" for name, _ in _children(moov))
    if fragmented:
        mehd = _child(moov, b"mvex", b"mehd")
        ticks = int.from_bytes(mehd[4:12])
    elif ticks in _UNKNOWN:
        scale, ticks = _clock(_child(trak, b"mdia", b"mdhd"))
    return None if ticks in _UNKNOWN or not scale else ticks / scale


_UNKNOWN: Final = frozenset({0, 2**32 - 1, 2**64 - 1})


def _clock(header: memoryview) -> tuple[int, int]:
    """Ticks a second and ticks in all, of `mvhd` and `mdhd` alike."""
    scale, ticks = struct.unpack_from(">IQ", header, 20) if header[0] else struct.unpack_from(">II", header, 12)
    return scale, ticks


def _turn(trak: memoryview, moov: memoryview) -> int:
    """Degrees clockwise from the matrices of the track and of the film."""
    tkhd, mvhd = _child(trak, b"tkhd"), _child(moov, b"mvhd")
    a, b, c, d = struct.unpack_from(">ii4xii", tkhd, 52 if tkhd[0] else 40)
    film_a, film_b, film_c, film_d = struct.unpack_from(">ii4xii", mvhd, 48 if mvhd[0] else 36)
    a, b = a * film_a + b * film_c, a * film_b + b * film_d
    c, d = c * film_a + d * film_c, c * film_b + d * film_d
    if a * d < b * c:
        a, b = -a, -b
    return round(math.atan2(b, a) / (math.pi / 2)) % 4 * 90


def _video_type(brands: list[bytes]) -> str:
    if not brands or brands[0] == b"qt  ":
        return "video/quicktime"
    return "video/3gpp" if brands[0].startswith(b"3gp") else "video/mp4"


def is_eight_bit_420(codec: str, config: memoryview) -> bool:
    """Whether pictures have eight bits and 4:2:0, by a codec's decoder configuration: the payload of `avcC` and so on.

    Where it does not say: not for H.264, whose players vary, and not for ProRes, which never has; yes for others.
    """
    if codec == "h264":
        # Baseline, Main, Extended and High have no other; High 10, High 4:2:2 and High 4:4:4 do.
        return len(config) > 1 and config[1] in (66, 77, 88, 100)
    if codec == "hevc" and len(config) > 18:
        return config[16] & 3 == 1 and not config[17] & 7 and not config[18] & 7
    if codec == "av1" and len(config) > 2:
        return config[2] & 0x6C == 0x0C
    if codec == "vp9" and len(config) > 2:
        return config[2] >> 4 == 8 and config[2] >> 1 & 7 < 2
    return codec != "prores"


def _transfer(colours: Iterator[memoryview]) -> Transfer:
    for colour in colours:
        form, code = struct.unpack_from(">4s2xH", colour)
        if form in (b"nclx", b"nclc"):
            return transfer_of(code)
    return "sdr"


def transfer_of(code: int) -> Transfer:
    """By its code in ITU-T H.273, table 3."""
    return "pq" if code == 16 else "hlg" if code == 18 else "sdr"


# -- pictures ---------------------------------------------------------------------------------------------------------


def _picture(meta: memoryview, brands: list[bytes]) -> Facts:
    """Facts of the primary item: of the whole picture, where it is made of tiles."""
    meta = meta[4:]
    pitm = _child(meta, b"pitm")
    (item,) = struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)
    properties = list(_properties(_child(meta, b"iprp"), item))
    by_name = dict(properties)
    if b"ispe" not in by_name:
        raise Unreadable("The photo's index is damaged.")
    width, height = struct.unpack_from(">II", by_name[b"ispe"], 4)
    turn = by_name.get(b"irot")
    content_type = _picture_type(brands)
    return Facts(
        kind="photo",
        demuxer="mov",
        content_type=content_type,
        width=width,
        height=height,
        # The box counts quarter turns the other way.
        rotation=-turn[0] % 4 * 90 if turn is not None else 0,
        # Tiles are what the brand says.
        video_codec=_VIDEO_CODECS.get(
            _item_type(_child(meta, b"iinf"), item), "av1" if content_type == "image/avif" else "hevc"
        ),
        transfer=_transfer(content for name, content in properties if name == b"colr"),
    )


def _properties(iprp: memoryview, item: int) -> Iterator[tuple[bytes, memoryview]]:
    """Names and payloads of an item's properties."""
    properties = list(_children(_child(iprp, b"ipco")))
    for name, ipma in _children(iprp):
        if name == b"ipma":
            version, flags, count = struct.unpack_from(">B2xBI", ipma)
            entry = struct.Struct(">IB" if version else ">HB")
            size = 2 if flags & 1 else 1
            at = 8
            for _ in range(min(count, _MOST_BOXES)):
                owner, held = entry.unpack_from(ipma, at)
                at += entry.size
                if owner == item:
                    for place in range(at, at + held * size, size):
                        number = int.from_bytes(ipma[place : place + size]) & (0x7FFF if size == 2 else 0x7F)
                        if 0 < number <= len(properties):
                            yield properties[number - 1]
                    return
                at += held * size


def _item_type(iinf: memoryview, item: int) -> bytes:
    for name, infe in _children(iinf[8 if iinf[0] else 6 :]):
        if name == b"infe":
            number, kind = struct.unpack_from(">I2x4s" if infe[0] > 2 else ">H2x4s", infe, 4)
            if number == item:
                return bytes(kind)
    return b""


def _picture_type(brands: list[bytes]) -> str:
    if not _AVIF.isdisjoint(brands):
        return "image/avif"
    return "image/heif" if _HEIC.isdisjoint(brands) else "image/heic"
