"""Matroska and WebM (RFC 9559), in EBML (RFC 8794): elements within elements."""

import math
import struct
from collections.abc import Iterator
from typing import Final, Literal

from chalicelib.media.boxes import is_eight_bit_420, transfer_of
from chalicelib.media.sniffing import Excerpts, Facts, Unreadable

_MOST_ELEMENTS: Final = 1024
_MOST_TRACKS: Final = 32
_MOST_READ: Final = 1024 * 1024
_UNKNOWN_LENGTH: Final = 1 << 56
_NO_BYTES: Final = memoryview(b"")
_DAMAGED: Final = "The video's index is damaged."

_DOC_TYPE: Final = 0x4282
_SEGMENT: Final = 0x18538067
_CLUSTER: Final = 0x1F43B675
_INFO: Final = 0x1549A966
_TIMESTAMP_SCALE: Final = 0x2AD7B1
_DURATION: Final = 0x4489
_TRACKS: Final = 0x1654AE6B
_TRACK: Final = 0xAE
_TRACK_TYPE: Final = 0x83
_ENABLED: Final = 0xB9
_CODEC_ID: Final = 0x86
_CODEC_PRIVATE: Final = 0x63A2
_VIDEO: Final = 0xE0
_WIDTH: Final = 0xB0
_HEIGHT: Final = 0xBA
_COLOUR: Final = 0x55B0
_TRANSFER: Final = 0x55BA
_PROJECTION: Final = 0x7670
_ROLL: Final = 0x7675
_AUDIO: Final = 0xE1
_BIT_DEPTH: Final = 0x6264

_CODECS: Final = {
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "V_AV1": "av1",
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_MPEG4/ISO/SP": "mpeg4",
    "V_MPEG4/ISO/ASP": "mpeg4",
    "V_MPEG4/ISO/AP": "mpeg4",
    "V_MPEG2": "mpeg2video",
    "V_MPEG1": "mpeg1video",
    "V_PRORES": "prores",
    "V_MJPEG": "mjpeg",
    "V_THEORA": "theora",
    "A_OPUS": "opus",
    "A_VORBIS": "vorbis",
    "A_MPEG/L3": "mp3",
    "A_MPEG/L2": "mp2",
    "A_AC3": "ac3",
    "A_EAC3": "eac3",
    "A_FLAC": "flac",
    "A_ALAC": "alac",
}
_PCM: Final = {"A_PCM/INT/LIT": "pcm_s{}le", "A_PCM/INT/BIG": "pcm_s{}be", "A_PCM/FLOAT/IEEE": "pcm_f{}le"}


def read(file: Excerpts) -> Facts:
    """Facts of a video. Raises Unreadable, and struct.error or IndexError for a field outside of its element."""
    doc_type, start = _beginning(file)
    info, tracks = _index(file, start)
    video = _first(tracks, 1)
    audio = _first(tracks, 2)
    if video is None:
        raise Unreadable("The file holds sound alone, no video." if audio else "The file holds no video.")
    picture = _child(video, _VIDEO)
    codec = _codec(video)
    roll = _number(_child(picture, _PROJECTION, _ROLL))
    return Facts(
        kind="video",
        demuxer="matroska",
        content_type="video/webm" if doc_type == b"webm" else "video/x-matroska",
        width=_whole(_child(picture, _WIDTH)),
        height=_whole(_child(picture, _HEIGHT)),
        # Rolls count the other way.
        rotation=-round(roll / 90) % 4 * 90 if math.isfinite(roll) else 0,
        duration_s=_duration(info),
        video_codec=codec,
        audio_codec=None if audio is None else _codec(audio),
        eight_bit_420=_is_eight_bit_420(codec, _child(video, _CODEC_PRIVATE)),
        transfer=transfer_of(_whole(_child(picture, _COLOUR, _TRANSFER))),
    )


def _beginning(file: Excerpts) -> tuple[bytes, int]:
    """The document type, and where the content of the segment starts."""
    at = 0
    doc_type = b""
    for _ in range(_MOST_ELEMENTS):
        name, start, length = _header(file.at(at, 12))
        if not at:
            doc_type = bytes(_child(file.at(start, length), _DOC_TYPE)).rstrip(b"\0")
        if name == _SEGMENT:
            if length < _UNKNOWN_LENGTH and at + start + length > file.size:
                raise Unreadable("The upload is incomplete: the end of the video is missing.")
            return doc_type, at + start
        at += start + length
    raise Unreadable(_DAMAGED)


def _index(file: Excerpts, start: int) -> tuple[memoryview, memoryview]:
    """The contents of the segment's Info and Tracks, which come before its pictures."""
    found = {_INFO: _NO_BYTES, _TRACKS: _NO_BYTES}
    at = start
    for _ in range(_MOST_ELEMENTS):
        header = file.need(at, 12, _MOST_READ)
        if not header:
            break
        name, content, length = _header(header)
        if name == _CLUSTER:
            break
        if name in found and not found[name]:
            found[name] = file.need(at + content, length, _MOST_READ)
        at += content + length
    if not found[_TRACKS]:
        raise Unreadable(_DAMAGED)
    return found[_INFO], found[_TRACKS]


def _header(data: memoryview) -> tuple[int, int, int]:
    """An element's name, the length of its header, and that of its content: `_UNKNOWN_LENGTH` if it does not say."""
    name_bytes = 9 - data[0].bit_length()
    length_bytes = 9 - data[name_bytes].bit_length()
    header = name_bytes + length_bytes
    if name_bytes > 4 or length_bytes > 8 or header > len(data):
        raise Unreadable(_DAMAGED)
    marked = int.from_bytes(data[name_bytes:header])
    length = marked ^ 1 << 7 * length_bytes
    unknown = length == (1 << 7 * length_bytes) - 1
    return int.from_bytes(data[:name_bytes]), header, _UNKNOWN_LENGTH if unknown else length


def _children(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Names and contents of the elements in another's content, until one does not fit."""
    at = 0
    for _ in range(_MOST_ELEMENTS):
        if at >= len(content):
            return
        name, start, length = _header(content[at : at + 12])
        if at + start + length > len(content):
            return
        yield name, content[at + start : at + start + length]
        at += start + length


def _child(content: memoryview, *path: int) -> memoryview:
    """The content of the first element at a path of names; no bytes where there is none."""
    for name in path:
        content = next((inner for child, inner in _children(content) if child == name), _NO_BYTES)
    return content


def _first(tracks: memoryview, kind: Literal[1, 2]) -> memoryview | None:
    """The first track of pictures (1) or sound (2) that is enabled; the first one, where none is."""
    some = [track for name, track in _children(tracks) if name == _TRACK][:_MOST_TRACKS]
    fitting = [track for track in some if _whole(_child(track, _TRACK_TYPE)) == kind]
    enabled = (track for track in fitting if bytes(_child(track, _ENABLED)) != b"\0")
    return next(enabled, fitting[0] if fitting else None)


def _codec(track: memoryview) -> str:
    codec_id = bytes(_child(track, _CODEC_ID)[:32]).rstrip(b"\0").decode("ascii", "replace")
    if codec_id in _PCM:
        return _PCM[codec_id].format(_whole(_child(track, _AUDIO, _BIT_DEPTH)))
    if codec_id.startswith("A_AAC"):
        return "aac"
    return _CODECS.get(codec_id) or "".join(letter for letter in codec_id if letter.isalnum() or letter in "_/.-")


def _is_eight_bit_420(codec: str, private: memoryview) -> bool:
    if codec == "vp9":
        # https://www.webmproject.org/docs/container/#vp9-codec-feature-metadata-codecprivate: 1 is the profile.
        return dict(zip(private[0::3], private[2::3], strict=False)).get(1, 0) == 0
    return is_eight_bit_420(codec, private)


def _duration(info: memoryview) -> float | None:
    """Seconds; browsers that record write none."""
    ticks = _number(_child(info, _DURATION))
    scale = _whole(_child(info, _TIMESTAMP_SCALE)) or 1_000_000
    return ticks * scale / 1e9 if math.isfinite(ticks) and ticks > 0 else None


def _whole(content: memoryview) -> int:
    return int.from_bytes(content[:8])


def _number(content: memoryview) -> float:
    """A floating point number; 0 where there is none."""
    forms = {4: ">f", 8: ">d"}
    value: float = struct.unpack(forms[len(content)], content)[0] if len(content) in forms else 0.0
    return value
