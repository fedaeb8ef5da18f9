"""The few bytes of an upload that are looked at, and what they say it is. Names and declared types are not asked.

The rest of the area imports these names from `probing`; they stand here for the readers of each format.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Demuxer = Literal["mov", "matroska", "jpeg_pipe", "png_pipe", "webp_pipe"]
Transfer = Literal["sdr", "hlg", "pq"]

WINDOW: Final = 64 * 1024
MOST_READ: Final = 16 * 1024 * 1024


class Source(Protocol):
    """Bytes that can be read in ranges."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Exactly that range, shorter only at the end."""
        ...


class Unreadable(Exception):
    """Why a file cannot be used, in words for the person who uploaded it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a photo or video is.

    `demuxer` is the one to force on ffmpeg. `width` and `height` are pixels as stored, before `rotation`: the degrees
    clockwise that turn it upright, 0, 90, 180 or 270; a mirror image is mirrored before it is turned. Codecs are named
    as ffmpeg names them, by their own code where it is not known here; no `audio_codec` means no sound.
    `eight_bit_420` is told of videos alone, as far as they say; it is false for an H.264 that does not. `transfer` is
    how brightness is coded, `faststart` that a MOV's or MP4's index comes before its pictures.
    """

    kind: Literal["photo", "video"]
    demuxer: Demuxer
    content_type: str
    width: int
    height: int
    rotation: int = 0
    duration_s: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    eight_bit_420: bool = True
    transfer: Transfer = "sdr"
    faststart: bool = False


class Excerpts:
    """The first and last 64 KiB of a file, and one range more if a reader needs it: at most three reads."""

    def __init__(self, source: Source) -> None:
        self.size: Final = source.size
        self._source = source
        self._spent = False
        self._pieces: list[tuple[int, memoryview]] = []
        if self.size <= 2 * WINDOW:
            self._add(0, self.size)
        else:
            self._add(0, WINDOW)
            self._add(self.size - WINDOW, WINDOW)

    def at(self, offset: int, length: int) -> memoryview:
        """What is known from `offset` on: fewer than `length` bytes, or none, where it ends."""
        known = memoryview(b"")
        for start, piece in self._pieces:
            if start <= offset < start + len(piece):
                known = max(known, piece[offset - start : offset - start + length], key=len)
        return known

    def need(self, offset: int, length: int, read: int) -> memoryview:
        """What `at` gives; not all of it known, the one range more, of `read` bytes, 16 MiB at most, is read first."""
        known = self.at(offset, length)
        if len(known) < min(length, self.size - offset) and not self._spent:
            self._spent = True
            self._add(offset, min(read, MOST_READ, self.size - offset))
            known = self.at(offset, length)
        return known

    def _add(self, offset: int, length: int) -> None:
        self._pieces.append((offset, memoryview(self._source.read(offset, length))))


_TAKEN: Final[tuple[tuple[re.Pattern[bytes], Demuxer], ...]] = (
    (re.compile(rb"\xff\xd8\xff"), "jpeg_pipe"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png_pipe"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "webp_pipe"),
    (re.compile(rb"\x1aE\xdf\xa3"), "matroska"),
    # The second line is of QuickTime from before it named itself. Some of its names are words, texts do not begin so.
    (re.compile(rb".{4}(?:ftyp|styp|moov|moof|mdat)", re.DOTALL), "mov"),
    (re.compile(rb"\0.{3}(?:wide|free|skip|pnot)", re.DOTALL), "mov"),
)

_PICTURES: Final = "{} pictures are not taken; send a JPEG, PNG, WebP or HEIC."
_VIDEOS: Final = "{} videos are not taken; send an MP4, MOV, WebM or MKV."
_SOUND: Final = "The file is a sound recording, not a photo or video."
_REFUSED: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = (
    (re.compile(rb"GIF8"), _PICTURES.format("GIF")),
    (re.compile(rb"BM.{4}\0{4}", re.DOTALL), _PICTURES.format("BMP")),
    (re.compile(rb"II\*\0|MM\0\*"), _PICTURES.format("TIFF and raw camera")),
    (re.compile(rb".{4}ftypcrx |FUJIFILM|IIU\0|IIR[OS]", re.DOTALL), _PICTURES.format("Raw camera")),
    (re.compile(rb"\0{3}\x0cjP  |\xff\x4f\xff\x51"), _PICTURES.format("JPEG 2000")),
    (re.compile(rb"\0{3}\x0cJXL |\xff\x0a"), _PICTURES.format("JPEG XL")),
    (re.compile(rb"RIFF.{4}AVI ", re.DOTALL), _VIDEOS.format("AVI")),
    (re.compile(rb"FLV\x01"), _VIDEOS.format("Flash")),
    (re.compile(rb"(?:.{4})?G.{187}(?:.{4})?G.{187}(?:.{4})?G", re.DOTALL), _VIDEOS.format("MPEG-TS")),
    (re.compile(rb"\0\0\x01[\xb3\xba]"), _VIDEOS.format("MPEG")),
    (re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), _VIDEOS.format("Windows Media")),
    (re.compile(rb"OggS"), "Ogg files are not taken; send an MP4, MOV, WebM or MKV."),
    (re.compile(rb"ID3|fLaC|caff|#!AMR|RIFF.{4}WAVE|\xff[\xf1-\xf3\xf9-\xfb]", re.DOTALL), _SOUND),
    (re.compile(rb"%PDF"), "The file is a PDF document, not a photo or video."),
)


def sniff(head: memoryview) -> Demuxer:
    """The demuxer for a file that begins with `head`. Raises Unreadable, naming the kinds that people may well send."""
    for pattern, words in _REFUSED:
        if pattern.match(head):
            raise Unreadable(words)
    for pattern, demuxer in _TAKEN:
        if pattern.match(head):
            return demuxer
    raise Unreadable("The file is not a photo or video of a kind that is understood here.")
