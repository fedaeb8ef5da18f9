"""What is refused by its first bytes, and how little is read of what is not."""

import pytest

from chalicelib.media.probing import Unreadable, probe
from chalicelib.media.sniffing import WINDOW, Excerpts, sniff
from tests.media.sources import KIB, MIB, stored

NOT_UNDERSTOOD = "The file is not a photo or video of a kind that is understood here."


@pytest.mark.parametrize(
    "text",
    [
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hostname"/></svg>',
        b"<?xml version='1.0'?><MPD/>",
        b"<!doctype html><title>free</title>",
        b"#!/bin/sh\nid\n",
        b"I'm free of any film.",
        b"far wide and away",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"PK\x03\x04",
        b"\x7fELF",
        b"RIFF\0\0\0\0WEBX",
        bytes(1000),
        b"\0",
        b"\xff\xd8",
    ],
)
def test_what_is_no_photo_or_video_is_refused(text: bytes) -> None:
    with pytest.raises(Unreadable, match=NOT_UNDERSTOOD):
        probe(stored(text))


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"GIF89a", "GIF pictures"),
        (b"BM\x36\0\0\0\0\0\0\0", "BMP pictures"),
        (b"II*\0\x08\0\0\0", "TIFF and raw camera pictures"),
        (b"MM\0*\0\0\0\x08", "TIFF and raw camera pictures"),
        (b"\0\0\0\x18ftypcrx ", "Raw camera pictures"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL pictures"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 pictures"),
        (b"RIFF\x10\0\0\0AVI LIST", "AVI videos"),
        (b"FLV\x01\x05", "Flash videos"),
        ((b"G" + bytes(187)) * 3, "MPEG-TS videos"),
        ((bytes(4) + b"G" + bytes(187)) * 3, "MPEG-TS videos"),
        (b"\0\0\x01\xba", "MPEG videos"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media videos"),
        (b"OggS\0", "Ogg files"),
        (b"ID3\x04", "sound recording"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "sound recording"),
        (b"%PDF-1.7", "PDF document"),
    ],
)
def test_kinds_that_people_send_are_refused_by_name(head: bytes, named: str) -> None:
    with pytest.raises(Unreadable, match=named):
        probe(stored(head, 100))


def test_an_empty_file_is_not_read() -> None:
    source = stored()
    with pytest.raises(Unreadable, match=r"The file is empty\."):
        probe(source)
    assert source.reads == []


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (b"\xff\xd8\xff\xe1", "jpeg_pipe"),
        (b"\x89PNG\r\n\x1a\n", "png_pipe"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "webp_pipe"),
        (b"\x1aE\xdf\xa3", "matroska"),
        (b"\0\0\0\x14ftypqt  ", "mov"),
        (b"\0\0\0\x08wide\x7f\0\0\0mdat", "mov"),
        (b"\x7f\n\0\0mdat", "mov"),
        (b"\0\0\1\0moov", "mov"),
    ],
)
def test_each_kind_has_its_demuxer(head: bytes, demuxer: str) -> None:
    assert sniff(memoryview(head)) == demuxer


def test_excerpts_are_the_head_the_tail_and_one_range_more() -> None:
    source = stored(b"head", 10 * MIB, b"middle", 10 * MIB, b"tail")
    file = Excerpts(source)
    assert bytes(file.at(0, 4)) == b"head"
    assert bytes(file.at(file.size - 4, 100)) == b"tail"
    assert len(file.at(WINDOW, 1)) == 0
    middle = 4 + 10 * MIB
    assert bytes(file.need(middle, 6, 100 * KIB)) == b"middle"
    assert len(file.at(middle, MIB)) == 100 * KIB
    assert len(file.need(middle - 6, 6, 100)) == 0
    assert source.reads == [(0, WINDOW), (file.size - WINDOW, WINDOW), (middle, 100 * KIB)]


@pytest.mark.parametrize("size", [1, WINDOW, 2 * WINDOW])
def test_a_small_file_is_read_at_once(size: int) -> None:
    source = stored(size)
    file = Excerpts(source)
    assert len(file.at(0, size)) == size
    assert source.reads == [(0, size)]


def test_no_read_goes_beyond_16_mib_or_the_end() -> None:
    source = stored(100 * MIB)
    Excerpts(source).need(MIB, 8, 99 * MIB)
    assert source.reads[-1] == (MIB, 16 * MIB)
    Excerpts(source).need(98 * MIB, 8, 16 * MIB)
    assert source.reads[-1] == (98 * MIB, 2 * MIB)
