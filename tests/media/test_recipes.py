"""Recipes, cooked by the real ffmpeg of samples and of what it makes itself. What comes out is probed and looked at."""

import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from chalicelib.media import ffmpeg
from chalicelib.media.ffmpeg import FfmpegError, Limits
from chalicelib.media.probing import Facts, Unreadable
from chalicelib.media.recipes import PHOTO, POSTER, THUMBNAIL, VIDEO, Output, check, plays_everywhere, recipe
from tests.media.looks import SAMPLES, Colour, colours, facts_of, say

# Too large for its length to be remuxed.
HUGE: Final = 10**9

# What must never be in anything that is published.
PRIVATE: Final = (b"Exif", b"ISO6709", b"com.apple", b"\xa9xyz", b"loci", b"SECRET", b"+24.71", b"Lavf", b"tmcd")

PICTURES: Final = "-f lavfi -i testsrc2=s=320x180:r=30:d=1.5"
SOUND: Final = "-f lavfi -i sine=d=1.5"
X264: Final = "-c:v libx264 -preset veryfast -pix_fmt yuv420p"
X265: Final = "-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1"
# Red, lime and blue side by side; their corners are red, red, blue and blue.
STRIPES: Final = (
    "-f lavfi -i color=red:s=120x180:r=30:d=1 -f lavfi -i color=lime:s=120x180:r=30:d=1 "
    "-f lavfi -i color=blue:s=120x180:r=30:d=1 -filter_complex [0][1][2]hstack=3"
)
RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def make(folder: Path, name: str, arguments: str) -> Path:
    folder.mkdir(exist_ok=True)
    say(*arguments.split(), f"file:{name}", folder=folder)
    return folder / name


def cook(source: Path, folder: Path, facts: Facts | None = None, size_bytes: int | None = None) -> dict[str, Facts]:
    """Do what the recipe for a file says, in a folder; returns the facts of what was made."""
    folder.mkdir(exist_ok=True)
    (folder / "input").write_bytes(source.read_bytes())
    facts = facts or facts_of(source)
    todo = recipe(facts, size_bytes or source.stat().st_size)
    found: dict[str, Facts] = {}
    for step in todo.steps:
        ffmpeg.run(step.arguments, folder, Limits(120, 240, todo.expected_bytes), lambda _: None)
        for output in step.outputs:
            found[output.name] = facts_of(folder / output.file_name)
            check(found[output.name], facts, output)
    made = [folder / output.file_name for step in todo.steps for output in step.outputs]
    assert sum(file.stat().st_size for file in made) < todo.expected_bytes
    for file in made:
        assert not [word for word in PRIVATE if word in file.read_bytes()], file.name
    return found


def alike(found: list[Colour], wanted: list[Colour], by: int = 15) -> bool:
    return len(found) == len(wanted) and all(
        abs(one - other) <= by for pair in zip(found, wanted, strict=True) for one, other in zip(*pair, strict=True)
    )


def times(path: Path, stream: str = "v:0") -> list[float]:
    """When each picture of a video is shown, in seconds."""
    lines = say("-i", path.name, "-map", f"0:{stream}", "-c", "copy", "-f", "framecrc", "-", folder=path.parent)
    text = lines.decode()
    found = re.search(r"#tb 0: (\d+)/(\d+)", text)
    assert found
    ticks = [int(line.split(",")[2]) for line in text.splitlines() if not line.startswith("#")]
    return sorted(tick * int(found[1]) / int(found[2]) for tick in ticks)


def silences(path: Path) -> list[float]:
    """When there is no high sound, from when to when, in seconds."""
    listen = ("-map", "0:a:0", "-af", "highpass=f=2000,silencedetect=n=-45dB:d=0.1", "-f", "null", "-")
    command = [str(ffmpeg.binary()), "-nostdin", "-i", str(path), *listen]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    return [float(each) for each in re.findall(r"silence_(?:start|end): ([0-9.]+)", said)]


# -- videos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size_bytes", [None, HUGE])
def test_pictures_and_sound_stay_when_they_were(tmp_path: Path, size_bytes: int | None) -> None:
    source = SAMPLES / "vfr.mov"
    assert recipe(facts_of(source), size_bytes or source.stat().st_size).remux is (size_bytes is None)
    cook(source, tmp_path, size_bytes=size_bytes)
    assert len(times(source)) == 180
    assert times(tmp_path / "video.mp4") == pytest.approx(times(source), abs=0.001)
    assert len(silences(source)) == 16  # it beeps each second
    assert silences(tmp_path / "video.mp4") == pytest.approx(silences(source), abs=0.03)


def test_sound_that_begins_late_or_ends_early_stays_in_place(tmp_path: Path) -> None:
    late = f"{PICTURES} -itsoffset 0.5 -f lavfi -i sine=f=4000:d=0.5 {X265} -c:a aac -ar 44100"
    cook(make(tmp_path, "late.mov", late), tmp_path)
    first, end, *_ = silences(tmp_path / "video.mp4")
    assert (first, end) == pytest.approx((0, 0.5), abs=0.03)
    assert times(tmp_path / "video.mp4")[0] == 0


def test_pictures_that_end_early_still_make_a_poster(tmp_path: Path) -> None:
    one = f"-f lavfi -i color=red:s=320x180:r=30:d=0.04 -f lavfi -i sine=d=12 {X264} -c:a aac"
    cook(make(tmp_path, "one.mp4", one), tmp_path)
    assert alike(colours(tmp_path / "poster.jpg", 1, 1), [RED])


@pytest.mark.parametrize("transfer", ["sdr", "arib-std-b67", "smpte2084"])
@pytest.mark.parametrize(
    ("degrees", "shape", "shown"),
    [
        (0, (3, 1), [RED, LIME, BLUE]),
        (-90, (1, 3), [RED, LIME, BLUE]),
        (90, (1, 3), [BLUE, LIME, RED]),
        (180, (3, 1), [BLUE, LIME, RED]),
    ],
)
def test_a_video_becomes_upright_and_keeps_its_colours(
    tmp_path: Path, degrees: int, shape: tuple[int, int], shown: list[Colour], transfer: str
) -> None:
    graded = "[s];[s]scale=out_color_matrix=bt709:out_range=tv,format=yuv444p,"
    graded += "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
    if transfer != "sdr":
        graded += ",zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020,"
        graded += f"zscale=t={transfer}:m=bt2020nc:r=limited:npl=203"
    make(tmp_path, "lying.mov", f"{STRIPES}{graded},format=yuv420p10le {X265}")
    source = make(tmp_path, "source.mov", f"-display_rotation {degrees} -i lying.mov -c copy")
    facts = facts_of(source)
    assert (facts.rotation, facts.eight_bit_420) == (-degrees % 360, False)
    assert facts.transfer == {"sdr": "sdr", "arib-std-b67": "hlg", "smpte2084": "pq"}[transfer]
    video = cook(source, tmp_path)["video"]
    assert (video.width > video.height, video.transfer, video.eight_bit_420) == (degrees % 180 == 0, "sdr", True)
    for file in ("video.mp4", "poster.jpg"):
        assert alike(colours(tmp_path / file, *shape), shown, by=15 if transfer == "sdr" else 60), file


@pytest.mark.parametrize(
    ("stored_size", "size"),
    [
        ((641, 361), (640, 360)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((4000, 100), (2560, 64)),
        ((2, 2), (2, 2)),
    ],
)
def test_a_video_shrinks_to_even_sides_and_never_grows(
    tmp_path: Path, stored_size: tuple[int, int], size: tuple[int, int]
) -> None:
    width, height = stored_size
    made = f"-f lavfi -i testsrc2=s={width}x{height}:r=5:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv444p"
    video = cook(make(tmp_path, "source.mp4", made), tmp_path)["video"]
    assert (video.width, video.height) == size


def test_pixels_become_square(tmp_path: Path) -> None:
    wide = f"{PICTURES} -vf scale=720:576,setsar=16/11 {X264}"
    source = make(tmp_path, "wide.mp4", wide)
    poster = cook(source, tmp_path)["poster"]
    assert (poster.width, poster.height) == (1047, 576)
    found = cook(source, tmp_path, size_bytes=HUGE)
    assert {(each.width, each.height) for each in found.values()} == {(1046, 576)}


def test_slow_motion_is_thinned_to_60_frames_a_second(tmp_path: Path) -> None:
    cook(make(tmp_path, "slow.mov", f"-f lavfi -i testsrc2=s=640x360:r=240:d=1 {X265}"), tmp_path)
    shown = times(tmp_path / "video.mp4")
    assert len(shown) == 60
    _, _, config = (tmp_path / "video.mp4").read_bytes().partition(b"avcC")
    assert config[3] <= 31  # the level that a decoder must have: 3.1, which all of them do
    assert shown == pytest.approx([n / 60 for n in range(60)], abs=0.005)


@pytest.mark.parametrize("made", ["-r 50", "-r 60 -f matroska"])
def test_other_frame_rates_are_kept(tmp_path: Path, made: str) -> None:
    source = make(tmp_path, "source", f"{PICTURES} {X264} -f mov {made}")
    cook(source, tmp_path, size_bytes=HUGE)
    assert times(tmp_path / "video.mp4") == pytest.approx(times(source), abs=0.002)


ELSEWHERE: Final = {
    "prores.mov": f"{PICTURES} {SOUND} -c:v prores_ks -c:a pcm_s24le",
    "mjpeg.mov": f"{PICTURES} {SOUND} -c:v mjpeg -c:a pcm_u8",
    "old.3gp": f"{PICTURES} {SOUND} -c:v h263 -s 352x288 -c:a libopencore_amrnb -ar 8000 -ac 1",
    "vp8.webm": f"{PICTURES} {SOUND} -c:v libvpx -c:a libvorbis",
    "av1.mp4": f"{PICTURES} {SOUND} -c:v libaom-av1 -cpu-used 8 -c:a libopus",
    "surround.mkv": f"{PICTURES} {SOUND} {X264} -c:a flac -ac 6 -ar 96000",
    "fragmented.mp4": f"{PICTURES} {SOUND} {X264} -c:a aac -movflags frag_keyframe+empty_moov",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_recorded_elsewhere_becomes_h264_and_aac(tmp_path: Path, name: str) -> None:
    video = cook(make(tmp_path, name, ELSEWHERE[name]), tmp_path)["video"]
    assert (video.video_codec, video.audio_codec) == ("h264", "aac")
    # Fragments begin when the first picture is shown, not when its decoding begins.
    assert video.duration_s == pytest.approx(1.5, abs=0.07)
    listened = subprocess.run([ffmpeg.binary(), "-i", tmp_path / "video.mp4"], stderr=subprocess.PIPE, check=False)
    assert re.search(rb"Audio: aac \(LC\).*, (44100|48000) Hz, stereo", listened.stderr)
    assert b"(pc" not in listened.stderr


def test_a_remux_keeps_the_pictures_and_drops_what_is_private(tmp_path: Path) -> None:
    note = "-bsf:v h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+SECRET"
    tags = "-metadata location=+24.71+046.67/ -metadata title=SECRET -metadata:s:v handler_name=SECRET"
    apple = "-movflags use_metadata_tags -metadata com.apple.quicktime.location.ISO6709=+24.71+046.67/"
    source = make(
        tmp_path, "told.mov", f"{PICTURES} {SOUND} {X264} -c:a aac -timecode 01:02:03:04 {note} {tags} {apple}"
    )
    assert {word for word in PRIVATE if word in source.read_bytes()} > {b"ISO6709", b"SECRET", b"+24.71", b"tmcd"}
    cook(source, tmp_path)
    decoded = [
        say("-i", name, "-map", "0:v", "-map", "0:a", "-f", "hash", "-", folder=tmp_path)
        for name in ("told.mov", "video.mp4")
    ]
    assert decoded[0] == decoded[1]


def test_a_video_that_ends_early_is_incomplete(tmp_path: Path) -> None:
    source = make(tmp_path, "whole.mp4", f"{PICTURES} {SOUND} {X264} -c:a aac -movflags +faststart")
    facts = facts_of(source)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    for size_bytes in (None, HUGE):
        with pytest.raises(Unreadable, match=r"incomplete or damaged: it says 1\.5 seconds, 0\.\d can be used"):
            cook(source, tmp_path, facts, size_bytes)


# -- photos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gps.jpg", "grid.heic"])
def test_a_sample_becomes_an_upright_photo(tmp_path: Path, name: str) -> None:
    found = cook(SAMPLES / name, tmp_path)
    assert found["photo"] == Facts("photo", "jpeg_pipe", "image/jpeg", 1512, 2016, video_codec="mjpeg")
    assert (found["thumbnail"].width, found["thumbnail"].height) == (240, 320)
    # Green turns to purple from left to right, but for something red in the upper right.
    for file in ("photo.jpg", "thumbnail.jpg"):
        upper, lower = [colours(tmp_path / file, 9, 16)[9 * row : 9 * row + 9] for row in (2, 12)]
        assert alike([upper[0], lower[0]], [(90, 240, 90)] * 2, by=60), file
        assert alike([lower[8]], [(128, 0, 128)], by=60), file
        assert alike([upper[8]], [RED], by=60), file


TURNED: Final = "format=rgba,geq=r=255:g=0:b=0:a='255*gt(X,W/2)'"


@pytest.mark.parametrize("made", ["seen.png -pix_fmt rgba", "seen.webp -c:v libwebp -lossless 1"])
def test_what_is_transparent_becomes_white(tmp_path: Path, made: str) -> None:
    name, _, coded = made.partition(" ")
    source = make(tmp_path, name, f"-f lavfi -i color=red:s=64x64,{TURNED} -frames:v 1 {coded}")
    found = cook(source, tmp_path)
    # Small pictures are not enlarged.
    assert {(each.width, each.height) for each in found.values()} == {(64, 64)}
    for file in ("photo.jpg", "thumbnail.jpg"):
        assert alike(colours(tmp_path / file, 2, 1), [WHITE, RED]), file


@pytest.mark.parametrize(
    ("name", "coded"),
    [
        ("a.avif", "-c:v libaom-av1 -cpu-used 8 -still-picture 1 -pix_fmt yuv420p10le"),
        ("deep.png", "-pix_fmt rgb48be"),
        ("full.jpg", "-c:v mjpeg -pix_fmt yuvj444p"),
        ("a.webp", "-c:v libwebp"),
    ],
)
def test_other_pictures_become_jpegs_of_the_same_colours(tmp_path: Path, name: str, coded: str) -> None:
    source = make(tmp_path, name, f"{STRIPES},scale=3601:1801 -frames:v 1 {coded}")
    found = cook(source, tmp_path)
    assert (found["photo"].width, found["photo"].height) == (2048, 1024)
    assert (found["thumbnail"].width, found["thumbnail"].height) == (320, 160)
    for file in ("photo.jpg", "thumbnail.jpg"):
        assert alike(colours(tmp_path / file, 3, 1), [RED, LIME, BLUE]), file


def test_a_colour_profile_is_dropped(tmp_path: Path) -> None:
    plain = make(tmp_path, "plain.jpg", f"{STRIPES} -frames:v 1 -c:v mjpeg").read_bytes()
    profile = b"ICC_PROFILE\0\1\1" + bytes(128) + b"made for the SECRET display with this serial number"
    source = tmp_path / "profiled.jpg"
    source.write_bytes(plain[:2] + b"\xff\xe2" + (len(profile) + 2).to_bytes(2, "big") + profile + plain[2:])
    cook(source, tmp_path)
    assert b"ICC_PROFILE" not in (tmp_path / "photo.jpg").read_bytes()


# -- hostile files ----------------------------------------------------------------------------------------------------

PLAYLIST: Final = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\n{0}\n#EXT-X-ENDLIST\n"
POINTERS: Final = {
    "the sample": (SAMPLES / "hls_playlist.mov").read_text(),
    "a playlist": PLAYLIST.format("secret.mp4"),
    "a playlist by url": PLAYLIST.format("file:secret.mp4"),
    "ffconcat": "ffconcat version 1.0\nfile secret.mp4\n",
    "dash": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        '<Representation id="1" bandwidth="1"><BaseURL>secret.mp4</BaseURL></Representation></AdaptationSet></Period>'
        "</MPD>"
    ),
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="secret.mp4" width="9" height="9"/></svg>',
}
AS_VIDEO: Final = Facts("video", "mov", "video/mp4", 320, 180, duration_s=1.5, video_codec="hevc")
DEMUXERS: Final = (
    AS_VIDEO,
    replace(AS_VIDEO, video_codec="h264"),
    replace(AS_VIDEO, demuxer="matroska"),
    *(replace(AS_VIDEO, kind="photo", demuxer=name) for name in ("mov", "jpeg_pipe", "png_pipe", "webp_pipe")),
)


@cache
def secret() -> bytes:
    """A video, and a text that ffmpeg would quote."""
    made = f"{PICTURES} {X264} -metadata title=SECRET -f mp4 -movflags frag_keyframe+empty_moov -"
    return say(*made.split(), folder=SAMPLES)


@pytest.mark.parametrize("facts", DEMUXERS, ids=lambda facts: f"{facts.kind} {facts.demuxer} {facts.video_codec}")
@pytest.mark.parametrize("pointer", POINTERS)
def test_nothing_beside_the_upload_is_read(tmp_path: Path, pointer: str, facts: Facts) -> None:
    (tmp_path / "secret.mp4").write_bytes(secret())
    source = tmp_path / "pointer"
    source.write_text(POINTERS[pointer])
    with pytest.raises(FfmpegError) as raised:
        cook(source, tmp_path, facts)
    assert "SECRET" not in str(raised.value)
    assert [file.name for file in tmp_path.iterdir() if file.stat().st_size and file.suffix in (".mp4", ".jpg")] == [
        "secret.mp4"
    ]


def test_the_pointers_do_lead_to_their_neighbours(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes(secret())
    (tmp_path / "input.m3u8").write_text(POINTERS["ffconcat"])
    say("-f", "concat", "-i", "input.m3u8", "-c", "copy", "stolen.mp4", folder=tmp_path)
    (tmp_path / "input.m3u8").write_text(POINTERS["a playlist"])
    say("-protocol_whitelist", "file", "-i", "input.m3u8", "-c", "copy", "stolen_too.mp4", folder=tmp_path)


def test_every_input_is_opened_alone() -> None:
    for facts in DEMUXERS:
        for step in recipe(facts, 1).steps:
            for at in [at for at, word in enumerate(step.arguments) if word == "-i"]:
                before, name = step.arguments[:at], step.arguments[at + 1]
                opened = before[len(before) - 1 - before[::-1].index("-protocol_whitelist") :]
                assert opened[:3] == ("-protocol_whitelist", "file", "-f")
                assert {"-codec_whitelist", "-max_pixels"} < set(opened)
                assert name.startswith("file:")
                if opened[3] == "mov":
                    assert opened[4:8] == ("-enable_drefs", "0", "-use_absolute_path", "0")


def test_a_picture_with_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    source = SAMPLES / "png_bomb.png"
    with pytest.raises(FfmpegError, match="Picture size 20000x20000 is invalid"):
        cook(source, tmp_path)


def test_how_many_pixels_are_too_many_can_be_said(tmp_path: Path) -> None:
    todo = recipe(facts_of(SAMPLES / "gps.jpg"), 1, max_pixels=1_000_000)
    (tmp_path / "input").write_bytes((SAMPLES / "gps.jpg").read_bytes())
    with pytest.raises(FfmpegError, match="Picture size 2016x1512 exceeds specified max pixel count 1000000"):
        ffmpeg.run(todo.steps[0].arguments, tmp_path, Limits(60, 60, todo.expected_bytes), lambda _: None)


def test_a_decoder_that_no_phone_needs_is_not_opened(tmp_path: Path) -> None:
    source = make(tmp_path, "rare.mov", f"{PICTURES} -c:v qtrle")
    with pytest.raises(FfmpegError, match=r"Codec \(qtrle\) not on whitelist"):
        cook(source, tmp_path)


# -- what is promised -------------------------------------------------------------------------------------------------

MP4: Final = Facts("video", "mov", "video/mp4", 1280, 720, 0, 10.0, "h264", "aac", faststart=True)
LARGE: Final = Facts("video", "mov", "video/quicktime", 3840, 2160, 0, 10.0, "hevc", "aac", eight_bit_420=False)
JPEG: Final = Facts("photo", "jpeg_pipe", "image/jpeg", 2016, 1512, 90, video_codec="mjpeg")


@pytest.mark.parametrize(
    ("found", "wanted", "output", "words"),
    [
        (replace(MP4, duration_s=9.7), LARGE, VIDEO, "says 10.0 seconds, 9.7 can"),
        (replace(MP4, duration_s=10.3), LARGE, VIDEO, "says 10.0 seconds, 10.3 can"),
        (replace(MP4, duration_s=None), LARGE, VIDEO, "says 10.0 seconds, 0.0 can"),
        (replace(MP4, duration_s=0.1), replace(LARGE, duration_s=0.5), VIDEO, "says 0.5 seconds, 0.1 can"),
        (replace(MP4, audio_codec=None), LARGE, VIDEO, "its sound"),
        (MP4, replace(LARGE, audio_codec=None), VIDEO, "its sound"),
        (replace(MP4, video_codec="hevc"), LARGE, VIDEO, "no pictures"),
        (replace(MP4, eight_bit_420=False), LARGE, VIDEO, "no pictures"),
        (replace(MP4, rotation=90), LARGE, VIDEO, "turned by 90"),
        (replace(MP4, width=720, height=1280), LARGE, VIDEO, "720 x 1280 pixels, not 1280 x 720"),
        (replace(MP4, width=1920, height=1080), LARGE, VIDEO, "1920 x 1080 pixels, not 1280 x 720"),
        (replace(JPEG, width=512, height=512, rotation=0), JPEG, PHOTO, "512 x 512 pixels, not 1512 x 2016"),
        (replace(JPEG, width=240, height=318, rotation=0), JPEG, THUMBNAIL, "240 x 318 pixels, not 240 x 320"),
        (JPEG, JPEG, PHOTO, "turned by 90"),
        (replace(JPEG, demuxer="png_pipe", video_codec="png"), JPEG, PHOTO, "became no JPEG"),
        (MP4, LARGE, POSTER, "became no JPEG"),
    ],
)
def test_what_was_not_promised_is_refused_in_words(found: Facts, wanted: Facts, output: Output, words: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(words)):
        check(found, wanted, output)


def test_what_was_promised_is_let_through() -> None:
    for seconds in (9.81, 10.0, 10.19):
        check(replace(MP4, duration_s=seconds), LARGE, VIDEO)
    check(replace(MP4, duration_s=0.25), replace(LARGE, duration_s=0.1), VIDEO)
    check(replace(MP4, duration_s=3.0), replace(LARGE, duration_s=None), VIDEO)
    check(replace(JPEG, rotation=0, width=1512, height=2016), JPEG, PHOTO)
    check(replace(JPEG, rotation=0, width=1280, height=720), LARGE, POSTER)


@pytest.mark.parametrize(
    "facts",
    [
        replace(MP4, demuxer="matroska"),
        replace(MP4, video_codec="hevc"),
        replace(MP4, audio_codec="opus"),
        replace(MP4, eight_bit_420=False),
        replace(MP4, transfer="hlg"),
        replace(MP4, rotation=90),
        replace(MP4, width=1920, height=1080),
        replace(MP4, width=4096, height=720),
        JPEG,
        replace(JPEG, rotation=0, demuxer="webp_pipe"),
        replace(JPEG, rotation=0, demuxer="mov"),
    ],
)
def test_an_original_that_does_not_play_everywhere_is_replaced(facts: Facts) -> None:
    assert not plays_everywhere(facts)
    assert not recipe(facts, 1000).remux


def test_an_original_that_plays_everywhere_is_remuxed_unless_it_is_too_large_for_its_length() -> None:
    for facts in (MP4, replace(MP4, audio_codec=None, width=720, height=1280)):
        assert plays_everywhere(facts)
        assert recipe(facts, 6_000_000).remux
        assert not recipe(facts, 7_000_000).remux
    assert plays_everywhere(replace(JPEG, rotation=0))
    assert not recipe(replace(MP4, duration_s=None), 1000).remux
