"""Recipes: what ffmpeg is to make of a photo or video, and whether it did.

A video becomes H.264 and AAC in MP4 with a poster, a photo a JPEG with a thumbnail: upright, SDR, without metadata.
All of it works on files of the run's folder: `input` is the upload.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.media.probing import Facts, Unreadable, shown_size
from chalicelib.media.sniffing import Demuxer, Transfer

MAX_PIXELS: Final = 50_000_000

VIDEO_SHORT_SIDE: Final = 720
VIDEO_LONG_SIDE: Final = 2560
LONG_SIDES: Final = {"poster": 1280, "photo": 2048, "thumbnail": 320}

# Bits per second. A phone's own 720p has 8 to 12 million, what messengers have shrunk before has 1 to 3.
MAX_VIDEO_RATE: Final = 4_000_000
AUDIO_RATE: Final = 128_000
SANE_RATE: Final = 5_000_000

TAIL_S: Final = 1
DURATION_TOLERANCE: Final = 0.02
DURATION_TOLERANCE_S: Final = 0.2
# No JPEG of these sizes comes near; also the room for an index and for what rates are exceeded by.
SLACK_BYTES: Final = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a step makes, and the variant of the media that it becomes."""

    name: Literal["video", "poster", "photo", "thumbnail"]
    file_name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Step:
    """One run of ffmpeg: its arguments, and the files that it makes."""

    arguments: tuple[str, ...]
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps in their order. `expected_bytes` is more than all outputs together; a remux copies what it can."""

    steps: tuple[Step, ...]
    expected_bytes: int
    remux: bool


VIDEO: Final = Output("video", "video.mp4", "video/mp4")
POSTER: Final = Output("poster", "poster.jpg", "image/jpeg")
PHOTO: Final = Output("photo", "photo.jpg", "image/jpeg")
THUMBNAIL: Final = Output("thumbnail", "thumbnail.jpg", "image/jpeg")

# What phones, cameras and browsers record in; ffmpeg has some 500 decoders, and most see no hostile files but ours.
_DECODERS: Final[Mapping[Demuxer, str]] = {
    "mov": (
        "h264,hevc,libdav1d,av1,vp8,vp9,mpeg4,h263,mjpeg,prores,"
        "aac,alac,flac,opus,mp3float,ac3,eac3,amrnb,amrwb,adpcm_ima_qt,pcm_mulaw,pcm_alaw,pcm_u8,"
        "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be"
    ),
    "matroska": "h264,hevc,libdav1d,av1,vp8,vp9,mpeg4,aac,flac,opus,vorbis,mp3float,ac3,eac3,pcm_s16le,pcm_f32le",
    "jpeg_pipe": "mjpeg",
    "png_pipe": "png",
    "webp_pipe": "webp",
}

_NO_METADATA: Final = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact")
# Pictures, their parameters and nothing else: what cameras note between the pictures, as where they were, is dropped.
_PICTURES_ONLY: Final = ("-bsf:v", "filter_units=pass_types=1-5|7-9")
_MP4: Final = ("-movflags", "+faststart", "-f", "mp4", f"file:{VIDEO.file_name}")
_STREAMS: Final = ("-map", "0:V:0", "-map", "0:a:0?", "-sn", "-dn")

# Slow motion is recorded at 120 and 240. Lower rates are kept: dropping some of 50 frames would judder at any other
# rate. A bit less than a 60th lets pass what a clock of milliseconds has rounded.
_AT_MOST_60_FPS: Final = "select='isnan(prev_selected_t)+gte(t-prev_selected_t,1/66)'"
_X264: Final = (
    # A picture that stands alone at least every 4 seconds, of 30 frames each: players seek to these.
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", "120"),
    *("-maxrate", str(MAX_VIDEO_RATE), "-bufsize", str(2 * MAX_VIDEO_RATE)),
    # Of the frames that are left: or the file says that it needs a decoder for 240 a second.
    *("-x264-params", "fps=60"),
)
# Gaps and a late start become silence: players disagree about both.
_AUDIO: Final = "aresample=async=1:first_pts=0,aformat=sample_rates=44100|48000:channel_layouts=stereo"
_AAC: Final = ("-c:a", "aac", "-b:a", str(AUDIO_RATE), "-filter:a", _AUDIO)

_SHRINK: Final = f"min(1,min({VIDEO_SHORT_SIDE}/min(iw*sar,ih),{VIDEO_LONG_SIDE}/max(iw*sar,ih)))"
_FIT_VIDEO: Final = (
    f"scale=w='max(2,2*trunc((iw*sar*{_SHRINK}+0.5)/2))':h='max(2,2*trunc((ih*{_SHRINK}+0.5)/2))',setsar=1"
)
# White minus whatever is covered: what was transparent is white.
_FLATTEN: Final = "format=gbrap,negate,premultiply=inplace=1,negate,"
_JPEG_COLOURS: Final = "scale=out_range=pc:out_color_matrix=bt601,format=yuv420p"
_NO_SIDE_DATA: Final = "sidedata=mode=delete"
_TRANSFERS: Final[Mapping[Transfer, str]] = {"hlg": "arib-std-b67", "pq": "smpte2084"}


def recipe(facts: Facts, size_bytes: int, max_pixels: int = MAX_PIXELS, max_seconds: float | None = None) -> Recipe:
    """What to do with a file of these facts and this size.

    No picture of more than `max_pixels` is decoded, and nothing for longer than `max_seconds` or than the file says.
    """
    source = _opened("input", facts.demuxer, max_pixels)
    if facts.kind == "photo":
        return _photo(facts, source)
    rate = size_bytes * 8 / facts.duration_s if facts.duration_s else 0
    remux = plays_everywhere(facts) and 0 < rate <= SANE_RATE
    made_by: tuple[str, ...] = ("-c", "copy")
    expected = size_bytes
    if not remux:
        made_by = ("-filter:v", _video_filters(facts.transfer), "-fps_mode", "vfr", *_X264, *_AAC)
        expected = int((facts.duration_s or 0) * (MAX_VIDEO_RATE + AUDIO_RATE) / 8 * 1.05) or 4 * size_bytes
    video = Step(
        (*source, *_at_most(facts.duration_s, max_seconds), *_STREAMS, *made_by, *_PICTURES_ONLY, *_NO_METADATA, *_MP4),
        (VIDEO,),
    )
    poster = Step(_poster(min(1.0, (facts.duration_s or 0) / 10)), (POSTER,))
    return Recipe((video, poster), expected + SLACK_BYTES, remux)


def plays_everywhere(facts: Facts) -> bool:
    """Whether a file plays, or shows, everywhere as it is, and is no larger to look at than what is made of others."""
    if facts.kind == "photo":
        return facts.demuxer == "jpeg_pipe" and facts.rotation == 0
    return (
        facts.demuxer == "mov"
        and facts.video_codec == "h264"
        and facts.eight_bit_420
        and facts.audio_codec in (None, "aac")
        and facts.transfer == "sdr"
        and facts.rotation == 0
        and min(facts.width, facts.height) <= VIDEO_SHORT_SIDE
        and max(facts.width, facts.height) <= VIDEO_LONG_SIDE
    )


def check(found: Facts, wanted: Facts, output: Output) -> None:
    """Hold an output's facts against those of the upload. Raises Unreadable, in words for whoever sent it.

    ffmpeg says nothing of an input that ends early or that it half understood.
    """
    if output is VIDEO:
        _check_video(found, wanted)
    elif (found.kind, found.video_codec) != ("photo", "mjpeg"):
        raise Unreadable(f"The file is damaged: its {output.name} became no JPEG.")
    if found.rotation:
        raise Unreadable(f"The file could not be turned upright: its {output.name} is turned by {found.rotation}.")
    size, promised = (found.width, found.height), _size(wanted, output)
    # The pixels of a video need not be square: then its long side differs, and those of its poster.
    if output.name in ("photo", "thumbnail"):
        fits = all(abs(side - wish) <= 1 for side, wish in zip(size, promised, strict=True))
    else:
        fits = min(size) <= min(promised) + 1 and (size[0] > size[1]) == (promised[0] > promised[1])
    if not fits:
        raise Unreadable(
            f"The file is damaged: its {output.name} became {size[0]} x {size[1]} pixels, "
            f"not {promised[0]} x {promised[1]}."
        )


def _check_video(found: Facts, wanted: Facts) -> None:
    if (found.content_type, found.video_codec, found.eight_bit_420) != ("video/mp4", "h264", True):
        raise Unreadable("The video is damaged: no pictures could be made of it.")
    if found.audio_codec != (wanted.audio_codec and "aac"):
        raise Unreadable("The video is damaged: its sound could not be used.")
    declared, got = wanted.duration_s, found.duration_s or 0
    if declared is None:
        return
    if abs(got - declared) > max(DURATION_TOLERANCE * declared, DURATION_TOLERANCE_S):
        raise Unreadable(f"The video is incomplete or damaged: it says {declared:.1f} seconds, {got:.1f} can be used.")


def _size(facts: Facts, output: Output) -> tuple[int, int]:
    """Width and height in pixels that an output is to have, as the filters below make them."""
    width, height = shown_size(facts)
    if output in (VIDEO, POSTER):
        factor = min(1, VIDEO_SHORT_SIDE / min(width, height), VIDEO_LONG_SIDE / max(width, height))
        width, height = (max(2, 2 * int((side * factor + 0.5) / 2)) for side in (width, height))
    if output is not VIDEO:
        factor = min(1, LONG_SIDES[output.name] / max(width, height))
        width, height = (max(1, int(side * factor + 0.5)) for side in (width, height))
    return width, height


def _at_most(declared_s: float | None, max_s: float | None) -> tuple[str, ...]:
    """Arguments that end an output a second after the time it may have, so that it is seen to be too long."""
    until = [each for each in (declared_s and declared_s * (1 + DURATION_TOLERANCE), max_s) if each]
    return ("-t", f"{min(until) + 1:.3f}") if until else ()


def _photo(facts: Facts, source: tuple[str, ...]) -> Recipe:
    flatten = _FLATTEN if facts.demuxer in ("png_pipe", "webp_pipe") else ""
    # No label: with one ffmpeg takes a tile of a HEIC, without one the picture that is made of them.
    filters = f"{flatten}{_fit_picture('photo')},{_tone(facts.transfer)}{_JPEG_COLOURS},{_NO_SIDE_DATA}[photo]"
    photo = (*source, "-filter_complex", filters, "-map", "[photo]", *_jpeg(PHOTO))
    again = _opened(PHOTO.file_name, "jpeg_pipe", MAX_PIXELS)
    thumbnail = (*again, "-map", "0:v:0", "-filter:v", f"{_fit_picture('thumbnail')},{_NO_SIDE_DATA}")
    steps = (Step(photo, (PHOTO,)), Step((*thumbnail, *_jpeg(THUMBNAIL)), (THUMBNAIL,)))
    return Recipe(steps, SLACK_BYTES, remux=False)


def _poster(at_s: float) -> tuple[str, ...]:
    """Arguments that make the poster, and that decode the video's last seconds: what cannot be played fails."""
    video = _opened(VIDEO.file_name, "mov", MAX_PIXELS)
    # Pictures may end before the sound does: then the last one stands for those that are missing.
    moment = f"tpad=stop_mode=clone:stop_duration=2,select='gte(t,{at_s:.3f})'"
    filters = f"{moment},{_fit_picture('poster', 'iw*sar')},{_JPEG_COLOURS},{_NO_SIDE_DATA}"
    return (
        *(*video, "-sseof", f"-{TAIL_S}", *video),
        *("-map", "0:v:0", "-filter:v", filters, *_jpeg(POSTER)),
        *("-map", "1:v:0", "-map", "1:a:0?", "-f", "null", "-"),
    )


def _opened(name: str, demuxer: Demuxer, max_pixels: int) -> tuple[str, ...]:
    """The arguments that open a file, and nothing that it may point at."""
    inside = ("-enable_drefs", "0", "-use_absolute_path", "0") if demuxer == "mov" else ()
    return (
        *("-protocol_whitelist", "file", "-f", demuxer, *inside, "-codec_whitelist", _DECODERS[demuxer]),
        *("-max_pixels", str(max_pixels), "-i", f"file:{name}"),
    )


def _jpeg(output: Output) -> tuple[str, ...]:
    coded = ("-frames:v", "1", "-c:v", "mjpeg", "-q:v", "3", *_NO_METADATA)
    return (*("-an", "-sn", "-dn"), *coded, "-f", "mjpeg", f"file:{output.file_name}")


def _video_filters(transfer: Transfer) -> str:
    return f"{_AT_MOST_60_FPS},{_FIT_VIDEO},{_tone(transfer)}scale=out_range=tv,format=yuv420p,{_NO_SIDE_DATA}"


def _fit_picture(name: str, width: str = "iw") -> str:
    """Pixels of a photo are square, whatever it says: so browsers see it. Those of a video may not be."""
    factor = f"min(1,{LONG_SIDES[name]}/max({width},ih))"
    return f"scale=w='max(1,trunc({width}*{factor}+0.5))':h='max(1,trunc(ih*{factor}+0.5))',setsar=1"


def _tone(transfer: Transfer) -> str:
    """HDR to SDR: what is as bright as white paper, by ITU-R BT.2408, stays so, and what is brighter is pressed."""
    if transfer == "sdr":
        return ""
    return (
        f"setparams=color_primaries=bt2020:color_trc={_TRANSFERS[transfer]}:colorspace=bt2020nc,"
        "zscale=t=linear:npl=203:p=bt709,format=gbrpf32le,tonemap=mobius:desat=0,"
        "zscale=t=bt709:m=bt709:r=limited,"
    )
