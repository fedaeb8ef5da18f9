"""Real files: the samples, and what ffmpeg makes. What it says of them is what `probe` must say."""

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import imageio_ffmpeg  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.media.probing import Facts, Unreadable, probe, shown_size
from tests.media.sources import KIB, MIB, Stored, stored

DATA: Final = Path(__file__).parent.parent / "data" / "media"
FFMPEG: Final = imageio_ffmpeg.get_ffmpeg_exe()

PICTURES = "-f lavfi -i testsrc2=s=128x72:r=10:d=1"
BOTH = f"{PICTURES} -f lavfi -i sine=d=1"
X264 = "-c:v libx264 -preset ultrafast"
H264 = f"{X264} -pix_fmt yuv420p"
X265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10le -tag:v hvc1"
HLG = "-vf setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
PQ = "-vf setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
H264_MP4 = Facts("video", "mov", "video/mp4", 128, 72, duration_s=1.0, video_codec="h264", audio_codec="aac")
MKV = replace(H264_MP4, demuxer="matroska", content_type="video/x-matroska")
WEBM = replace(MKV, content_type="video/webm", video_codec="vp9", audio_codec="opus")
HEVC_MOV = replace(H264_MP4, content_type="video/quicktime", video_codec="hevc", audio_codec=None, eight_bit_420=False)
WEBP = Facts("photo", "webp_pipe", "image/webp", 128, 72, video_codec="webp")
AVIF = Facts("photo", "mov", "image/avif", 128, 72, video_codec="av1")

MADE: Final[dict[str, tuple[str, Facts]]] = {
    "end.mp4": (f"{BOTH} {H264} -c:a aac", H264_MP4),
    "start.mp4": (f"{BOTH} {H264} -c:a aac -movflags +faststart", replace(H264_MP4, faststart=True)),
    "fragmented.mp4": (
        f"{BOTH} {H264} -c:a aac -movflags frag_keyframe+empty_moov",
        replace(H264_MP4, faststart=True, duration_s=None),
    ),
    "ten_bits.mp4": (
        f"{PICTURES} {X264} -pix_fmt yuv420p10le",
        replace(H264_MP4, audio_codec=None, eight_bit_420=False),
    ),
    "444.mp4": (f"{PICTURES} {X264} -pix_fmt yuv444p", replace(H264_MP4, audio_codec=None, eight_bit_420=False)),
    "hlg.mov": (f"{PICTURES} {X265} {HLG}", replace(HEVC_MOV, transfer="hlg")),
    "pq.mov": (f"{PICTURES} {X265} {PQ}", replace(HEVC_MOV, transfer="pq")),
    "old.mp4": (
        f"{BOTH} -c:v mpeg4 -c:a libmp3lame",
        replace(H264_MP4, video_codec="mpeg4", audio_codec="mp3"),
    ),
    "studio.mov": (
        f"{BOTH} -c:v prores_ks -c:a pcm_s24le",
        replace(HEVC_MOV, video_codec="prores", audio_codec="pcm_s24le"),
    ),
    "camera.mov": (
        f"{BOTH} -c:v mjpeg -c:a pcm_s16le",
        replace(HEVC_MOV, video_codec="mjpeg", audio_codec="pcm_s16le", eight_bit_420=True),
    ),
    "apple.mov": (
        f"{BOTH} {H264} -c:a alac",
        replace(H264_MP4, content_type="video/quicktime", audio_codec="alac"),
    ),
    "phone.3gp": (
        f"{BOTH} -s 176x144 -c:v h263 -c:a aac",
        replace(H264_MP4, content_type="video/3gpp", width=176, height=144, video_codec="h263"),
    ),
    "h264.mkv": (f"{BOTH} {H264} -c:a aac", MKV),
    "ten_bits.mkv": (f"{BOTH} {X264} -pix_fmt yuv420p10le -c:a aac", replace(MKV, eight_bit_420=False)),
    "pcm.mkv": (f"{BOTH} {H264} -c:a pcm_s16le", replace(MKV, audio_codec="pcm_s16le")),
    "vp8.webm": (f"{BOTH} -c:v libvpx -c:a libvorbis", replace(WEBM, video_codec="vp8", audio_codec="vorbis")),
    "vp9.webm": (f"{BOTH} -c:v libvpx-vp9 -cpu-used 8 -c:a libopus", WEBM),
    "live.webm": (f"{BOTH} -c:v libvpx-vp9 -cpu-used 8 -c:a libopus -live 1", replace(WEBM, duration_s=None)),
    "pq.webm": (
        f"{PICTURES} -c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuv420p10le {PQ}",
        replace(WEBM, audio_codec=None, transfer="pq"),
    ),
    "av1.webm": (
        f"{PICTURES} -c:v libaom-av1 -cpu-used 8 -frames:v 2",
        replace(WEBM, video_codec="av1", audio_codec=None, duration_s=0.2),
    ),
    "av1.mp4": (
        f"{PICTURES} -c:v libaom-av1 -cpu-used 8 -frames:v 2",
        replace(H264_MP4, video_codec="av1", audio_codec=None, duration_s=0.2),
    ),
    "still.avif": (f"{PICTURES} -c:v libaom-av1 -cpu-used 8 -frames:v 1", AVIF),
    "moving.avif": (f"{PICTURES} -c:v libaom-av1 -cpu-used 8 -frames:v 2", AVIF),
    "lossy.webp": (f"{PICTURES} -frames:v 1 -c:v libwebp", WEBP),
    "lossless.webp": (f"{PICTURES} -frames:v 1 -c:v libwebp -lossless 1", WEBP),
    "alpha.webp": (f"{PICTURES} -vf format=yuva420p,colorchannelmixer=aa=0.5 -frames:v 1 -c:v libwebp", WEBP),
    "still.png": (f"{PICTURES} -frames:v 1", Facts("photo", "png_pipe", "image/png", 128, 72, video_codec="png")),
    "still.jpg": (
        f"{PICTURES} -frames:v 1",
        Facts("photo", "jpeg_pipe", "image/jpeg", 128, 72, video_codec="mjpeg"),
    ),
    **{
        f"{turn}{flip}.{name}": (
            f"-display_rotation {-turn} {'-display_hflip' * bool(flip)} -i end.mp4 -c copy",
            replace(facts, rotation=-turn % 360 if flip else turn),
        )
        for turn in (0, 90, 180, 270)
        for flip in ("", "_mirrored")
        for name, facts in (("mp4", H264_MP4), ("mkv", MKV))
    },
}

SMALL_MOV = Facts("video", "mov", "video/quicktime", 960, 540, 270, 4.0, "h264", "aac")
SAMPLES: Final = {
    "small.mov": SMALL_MOV,
    "hevc.mov": replace(SMALL_MOV, width=1280, height=720, rotation=0, video_codec="hevc"),
    "vfr.mov": replace(SMALL_MOV, width=640, height=360, rotation=0, duration_s=8.0),
    "noaudio.mp4": replace(SMALL_MOV, content_type="video/mp4", width=640, height=360, rotation=0, audio_codec=None),
    "small.webm": replace(WEBM, width=1280, height=720, duration_s=3.021),
    "gps.jpg": Facts("photo", "jpeg_pipe", "image/jpeg", 2016, 1512, 90, video_codec="mjpeg"),
    "grid.heic": Facts("photo", "mov", "image/heic", 2016, 1512, 90, video_codec="hevc"),
    "png_bomb.png": Facts("photo", "png_pipe", "image/png", 20000, 20000, video_codec="png"),
}

Make = Callable[[str], Path]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    folder = tmp_path_factory.mktemp("made")

    @cache
    def ffmpeg(name: str, arguments: str) -> Path:
        if "end.mp4" in arguments:
            made("end.mp4")
        command = [FFMPEG, "-nostdin", "-loglevel", "error", *arguments.split(), "-threads", "1", name]
        subprocess.run(command, cwd=folder, check=True, timeout=60)
        return folder / name

    def made(name: str) -> Path:
        return ffmpeg(name, MADE[name][0] if name in MADE else REFUSED[name][0])

    return made


def on_disk(path: Path) -> Stored:
    return stored(path.read_bytes())


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str) -> None:
    source = on_disk(DATA / name)
    start = time.process_time()
    facts = probe(source)
    took = time.process_time() - start
    assert facts == SAMPLES[name]
    assert len(source.reads) <= 2
    assert took < 0.1


@pytest.mark.parametrize("name", MADE)
def test_what_ffmpeg_makes(name: str, make: Make) -> None:
    expected = MADE[name][1]
    facts = probe(on_disk(make(name)))
    if facts.duration_s and expected.duration_s:
        # Matroska and AAC begin or end some milliseconds beside the pictures.
        assert facts.duration_s == pytest.approx(expected.duration_s, abs=0.05)
        facts = replace(facts, duration_s=expected.duration_s)
    assert facts == expected


@pytest.mark.parametrize("name", [*sorted(SAMPLES.keys() - {"png_bomb.png"}), *MADE])
def test_ffmpeg_says_the_same(name: str, make: Make) -> None:
    path = DATA / name if name in SAMPLES else make(name)
    facts = probe(on_disk(path))
    # A frame decoded as the facts say, turned by ffmpeg: what it takes the file for, and what comes out.
    command = [FFMPEG, "-nostdin", "-hide_banner", "-f", facts.demuxer, "-i", str(path), "-frames:v", "1"]
    done = subprocess.run([*command, "-f", "null", "-"], check=True, timeout=60, capture_output=True, encoding="utf-8")
    before, _, after = done.stderr.partition("Output #0")
    said = found(r"(?:Video|Tile Grid): (\w+).*?, (\d+)x(\d+)", before)
    assert said == (facts.video_codec, str(facts.width), str(facts.height))
    assert found(r"Video: .*?, (\d+)x(\d+)", after) == tuple(map(str, shown_size(facts)))
    assert found(r"Audio: (\w+)", before) == (facts.audio_codec and (facts.audio_codec,))
    if facts.duration_s:
        (hours, minutes, seconds) = map(float, found(r"Duration: (\d+):(\d+):([\d.]+)", before) or ())
        assert facts.duration_s == pytest.approx(hours * 3600 + minutes * 60 + seconds, abs=0.01)


def found(pattern: str, text: str) -> tuple[str, ...] | None:
    match = re.search(pattern, text, re.DOTALL)
    return match and match.groups()


NOT_UNDERSTOOD = "The file is not a photo or video of a kind that is understood here."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero.mov", "The file is empty."),
        ("text.mov", NOT_UNDERSTOOD),
        ("hls_playlist.mov", NOT_UNDERSTOOD),
        ("trunc_moovend.mov", "The upload is incomplete: the end of the video is missing."),
    ],
)
def test_bad_samples(name: str, words: str) -> None:
    with pytest.raises(Unreadable) as raised:
        probe(on_disk(DATA / name))
    assert str(raised.value) == words


SOUND = "-f lavfi -i sine=d=1"
REFUSED: Final[dict[str, tuple[str, str]]] = {
    "sound.m4a": (f"{SOUND} -c:a aac", "The file holds sound alone, no video."),
    "sound.webm": (f"{SOUND} -c:a libopus", "The file holds sound alone, no video."),
    "sound.mp3": (f"{SOUND}", "The file is a sound recording, not a photo or video."),
    "sound.wav": (f"{SOUND}", "The file is a sound recording, not a photo or video."),
    "sound.aac": (f"{SOUND}", "The file is a sound recording, not a photo or video."),
    "moving.webp": (f"{PICTURES} -c:v libwebp_anim", "Animated WebP pictures are not taken;"),
    "moving.gif": (PICTURES, "GIF pictures are not taken;"),
    "still.bmp": (f"{PICTURES} -frames:v 1", "BMP pictures are not taken;"),
    "still.tiff": (f"{PICTURES} -frames:v 1", "TIFF and raw camera pictures are not taken;"),
    "still.jxl": (f"{PICTURES} -frames:v 1", "JPEG XL pictures are not taken;"),
    "film.avi": (f"{PICTURES} -c:v mpeg4", "AVI videos are not taken;"),
    "film.ts": (f"{PICTURES} {H264}", "MPEG-TS videos are not taken;"),
    "film.m2ts": (f"{PICTURES} {H264}", "MPEG-TS videos are not taken;"),
    "film.flv": (f"{PICTURES} {H264}", "Flash videos are not taken;"),
    "film.mpg": (f"{PICTURES} -r 25", "MPEG videos are not taken;"),
    "film.wmv": (PICTURES, "Windows Media videos are not taken;"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_kinds_are_refused_by_name(name: str, make: Make) -> None:
    with pytest.raises(Unreadable, match=f"^{re.escape(REFUSED[name][1])}"):
        probe(on_disk(make(name)))


# A film in fragments, or from a browser, does not say how long it is.
OPEN_ENDED = {"fragmented.mp4", "live.webm"}


@pytest.mark.parametrize("name", [*SAMPLES, *sorted(MADE.keys() - OPEN_ENDED)])
def test_a_file_cut_off_is_incomplete(name: str, make: Make) -> None:
    whole = (DATA / name if name in SAMPLES else make(name)).read_bytes()
    for kept in (0.5, 0.9, 0.99):
        with pytest.raises(Unreadable, match=r"upload is incomplete|upload was cut off"):
            probe(stored(whole[: int(len(whole) * kept)]))


# -- any bytes at all -------------------------------------------------------------------------------------------------

BEGINNINGS = [
    b"\xff\xd8\xff\xe1\x00\x20Exif\0\0II*\0",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x10\0\0\0WEBPVP8X",
    b"\x1aE\xdf\xa3\x80\x18S\x80g\x01\xff\xff\xff\xff\xff\xff\xff\x16T\xaek",
    b"\0\0\0\x0cftypisom\0\0\1\0moov",
    b"\0\0\0\x0cftypheic\0\0\1\0meta",
]


def check(source: Stored) -> None:
    start = time.process_time()
    try:
        facts = probe(source)
    except Unreadable:
        pass
    else:
        assert facts.width > 0
        assert facts.height > 0
        assert facts.rotation in (0, 90, 180, 270)
        assert facts.duration_s is None or facts.duration_s > 0
        assert facts.video_codec
    assert time.process_time() - start < 1
    assert len(source.reads) <= 3
    assert sum(length for _, length in source.reads) <= 16 * MIB + 128 * KIB


@given(st.sampled_from([b"", *BEGINNINGS]), st.binary(max_size=2000), st.integers(0, MIB))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_facts_or_refused(beginning: bytes, rest: bytes, zeros: int) -> None:
    check(stored(beginning, rest))
    check(stored(beginning, rest, zeros, rest))


@given(st.data())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_and_cut_files_are_facts_or_refused(make: Make, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*SAMPLES, *MADE]))
    content = bytearray((DATA / name if name in SAMPLES else make(name)).read_bytes())
    # What is read of most files: the beginning and the end, where the headers are.
    places = st.integers(0, min(len(content), 3000) - 1) | st.integers(1, min(len(content), 5000)).map(lambda n: -n)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=20)):
        content[place] = value
    kept = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    check(stored(bytes(content[:kept])))


@pytest.mark.parametrize(
    ("rotation", "shown"), [(0, (640, 360)), (90, (360, 640)), (180, (640, 360)), (270, (360, 640))]
)
def test_shown_size(rotation: int, shown: tuple[int, int]) -> None:
    assert shown_size(Facts("photo", "mov", "image/heic", 640, 360, rotation)) == shown
