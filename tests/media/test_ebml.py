"""Matroska made by hand: what no encoder at hand writes, and what no honest one does."""

import contextlib
import struct
import time
from typing import Any

import pytest

from chalicelib.media.probing import Facts, Unreadable, probe
from tests.media.sources import KIB, MIB, stored

UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def element(name: int, *content: bytes, length: bytes | None = None) -> bytes:
    payload = b"".join(content)
    size = length or (len(payload) | 1 << 56).to_bytes(8)
    return name.to_bytes((name.bit_length() + 7) // 8) + size + payload


def head(doc_type: bytes = b"webm") -> bytes:
    return element(0x1A45DFA3, element(0x4282, doc_type))


def info(*parts: bytes) -> bytes:
    return element(0x1549A966, *parts)


def duration(ticks: float) -> bytes:
    return element(0x4489, struct.pack(">d", ticks))


def track(codec: bytes, *parts: bytes, kind: int = 1, enabled: bool = True) -> bytes:
    flags = [element(0x83, bytes([kind])), element(0xB9, bytes([enabled]))]
    return element(0xAE, *flags, element(0x86, codec), *parts)


def picture(*parts: bytes, width: int = 640, height: int = 360) -> bytes:
    return element(0xE0, element(0xB0, width.to_bytes(2)), element(0xBA, height.to_bytes(2)), *parts)


VIDEO = track(b"V_VP9", picture())
CLUSTER = element(0x1F43B675, bytes(100))


def segment(*parts: bytes, length: bytes | None = None) -> bytes:
    return element(0x18538067, *parts, CLUSTER, length=length)


def film(*tracks: bytes, doc_type: bytes = b"webm", about: bytes = b"") -> Facts:
    return probe(stored(head(doc_type), segment(info(about), element(0x1654AE6B, *tracks))))


def test_a_film() -> None:
    sound = track(b"A_OPUS", kind=2)
    assert film(VIDEO, sound, about=duration(2500)) == Facts(
        "video", "matroska", "video/webm", 640, 360, duration_s=2.5, video_codec="vp9", audio_codec="opus"
    )
    assert film(VIDEO, doc_type=b"matroska").content_type == "video/x-matroska"


@pytest.mark.parametrize(
    ("about", "seconds"),
    [
        (b"", None),
        (duration(0), None),
        (duration(float("nan")), None),
        (duration(float("inf")), None),
        (element(0x4489, struct.pack(">f", 1500)), 1.5),
        (element(0x4489), None),
        (element(0x2AD7B1, (10_000_000).to_bytes(4)) + duration(150), 1.5),
    ],
)
def test_durations(about: bytes, seconds: float | None) -> None:
    assert film(VIDEO, about=about).duration_s == seconds


def test_a_browsers_recording_says_no_lengths() -> None:
    recording = segment(
        info(), element(0x1654AE6B, VIDEO), element(0x1F43B675, bytes(MIB), length=UNKNOWN), length=UNKNOWN
    )
    facts = probe(stored(head(), recording))
    assert (facts.width, facts.duration_s) == (640, None)


def test_tracks_are_found_behind_what_is_large() -> None:
    for attached in (100 * KIB, 64 * KIB - 100):
        source = stored(head(), segment(element(0x1941A469, bytes(attached)), info(), element(0x1654AE6B, VIDEO)), MIB)
        assert probe(source).width == 640
        assert [offset for offset, _ in source.reads][:2] == [0, source.size - 64 * KIB]
        assert len(source.reads) == 3
        assert source.reads[2][1] <= MIB


@pytest.mark.parametrize("short", [1, 100, 500])
def test_a_segment_longer_than_the_file_is_incomplete(short: int) -> None:
    whole = head() + segment(info(), element(0x1654AE6B, VIDEO), bytes([0xEC, 0x10, 0, 1]), bytes(1000))
    with pytest.raises(Unreadable, match="The upload is incomplete: the end of the video is missing"):
        probe(stored(whole[:-short]))


@pytest.mark.parametrize(
    ("tracks", "video", "audio"),
    [
        ([track(b"V_MPEG4/ISO/AVC", picture())], "h264", None),
        ([track(b"V_MPEGH/ISO/HEVC", picture()), track(b"A_AAC/MPEG4/LC", kind=2)], "hevc", "aac"),
        ([VIDEO, track(b"A_PCM/INT/LIT", element(0xE1, element(0x6264, b"\x18")), kind=2)], "vp9", "pcm_s24le"),
        ([VIDEO, track(b"A_PCM/FLOAT/IEEE", element(0xE1, element(0x6264, b"\x20")), kind=2)], "vp9", "pcm_f32le"),
        ([track(b"V_VP8", picture(), enabled=False), VIDEO], "vp9", None),
        ([track(b"V_VP8", picture(), enabled=False)], "vp8", None),
        ([track(b"V_UNCOMPRESSED\n\xff", picture())], "V_UNCOMPRESSED\ufffd", None),
    ],
)
def test_codecs(tracks: list[bytes], video: str, audio: str | None) -> None:
    facts = film(*tracks)
    assert (facts.video_codec, facts.audio_codec) == (video.replace("\ufffd", ""), audio)


@pytest.mark.parametrize(
    ("codec", "private", "eight_bit_420"),
    [
        (b"V_MPEG4/ISO/AVC", b"\x01\x64\0\x1f", True),
        (b"V_MPEG4/ISO/AVC", b"\x01\x6e\0\x1f", False),
        (b"V_MPEG4/ISO/AVC", b"", False),
        (b"V_VP9", b"", True),
        (b"V_VP9", b"\1\1\0\2\1\x1f\3\1\x08", True),
        (b"V_VP9", b"\1\1\2\2\1\x1f\3\1\x0a", False),
        (b"V_VP9", b"\1", True),
    ],
)
def test_depths(codec: bytes, private: bytes, eight_bit_420: bool) -> None:  # noqa: FBT001  # parametrized
    assert film(track(codec, element(0x63A2, private), picture())).eight_bit_420 == eight_bit_420


@pytest.mark.parametrize(("code", "transfer"), [(1, "sdr"), (16, "pq"), (18, "hlg")])
def test_brightness(code: int, transfer: str) -> None:
    assert film(track(b"V_VP9", picture(element(0x55B0, element(0x55BA, bytes([code])))))).transfer == transfer


@pytest.mark.parametrize(
    ("roll", "rotation"), [(0.0, 0), (90.0, 270), (-90.0, 90), (180.0, 180), (-180.0, 180), (float("nan"), 0)]
)
def test_rolls_turn(roll: float, rotation: int) -> None:
    rolled = element(0x7670, element(0x7675, struct.pack(">d", roll)))
    assert film(track(b"V_VP9", picture(rolled))).rotation == rotation


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([head()], "The file is damaged"),
        ([head(), bytes(12)], "The video's index is damaged"),
        ([head(), segment(info())], "The video's index is damaged"),
        ([head(), segment(element(0x1654AE6B))], "The video's index is damaged"),
        ([head(), segment(element(0x1654AE6B, b"\x7f"))], "The file is damaged"),
        ([head(), segment(element(0x1654AE6B, track(b"A_OPUS", kind=2)))], "sound alone"),
        ([head(), segment(element(0x1654AE6B, track(b"S_TEXT/UTF8", kind=17)))], "holds no video"),
        ([head(), segment(element(0x1654AE6B, track(b"V_VP9")))], "does not say how large"),
        ([head(), segment(element(0x1654AE6B, track(b"V_VP9", picture(width=0))))], "does not say how large"),
    ],
)
def test_damaged(content: list[bytes], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        probe(stored(*content))


def test_tracks_beyond_the_32nd_are_not_looked_at() -> None:
    subtitles = track(b"S_TEXT/UTF8", kind=17)
    assert film(*[subtitles] * 31, VIDEO).width == 640
    with pytest.raises(Unreadable, match="holds no video"):
        film(*[subtitles] * 32, VIDEO)


VOID = b"\xec\x80"
HOSTILE: dict[str, list[Any]] = {
    "elements before the segment": [head(), VOID * MIB],
    "elements before the tracks": [head(), segment(VOID * 8 * MIB)],
    "tracks": [head(), segment(bytes([0xEC, 0x10, 1, 0, 0]), bytes(65536), element(0x1654AE6B, b"\xae\x80" * MIB))],
    "elements in tracks": [
        head(),
        segment(element(0x1941A469, bytes(100 * KIB)), element(0x1654AE6B, element(0xAE, VOID * 20_000) * 64), VIDEO),
        MIB,
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
