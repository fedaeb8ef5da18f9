"""Uploads: videos that ffmpeg makes of nothing, sent as a customer's phone would, and what becomes of them."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from chalicelib.media import ffmpeg
from infra import local
from soak import system
from soak.finding import Finding, exactly

MIB: Final = 1024**2
FOLDERS: Final = ("originals", "variants")


def video(path: Path, nth: int, seconds: float) -> Path:
    """The nth of some videos that all differ, of some MB, in pieces if it is an odd one: then it is over 16 MiB."""
    picture = f"testsrc2=size=1280x720:rate=30:duration={seconds + nth / 10}"
    sound = f"sine=frequency={300 + 40 * nth}:duration={seconds}"
    made = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "mpeg4", "-b:v", "4M", "-c:a", "aac")
    subprocess.run([ffmpeg.binary(), "-v", "error", *made, path], check=True, stdin=subprocess.DEVNULL)
    if nth % 2:
        with path.open("ab") as file:
            # A box that holds nothing makes it as large as is wanted.
            padding = 17 * MIB
            file.write(padding.to_bytes(4, "big") + b"free")
            file.truncate(file.tell() + padding - 8)
    return path


def send(customer: httpx.Client, path: Path, content_type: str) -> str:
    """Upload a file in whatever pieces are wanted; returns its media's id."""
    content = path.read_bytes()
    asked = {"file_name": path.name, "content_type": content_type, "size_bytes": len(content)}
    begun = customer.post("/media", json=asked).raise_for_status().json()
    upload = begun["upload"]
    with httpx.Client(trust_env=False, timeout=customer.timeout) as web:
        if upload["kind"] == "single":
            web.put(upload["url"], content=content, headers=upload["headers"]).raise_for_status()
        else:
            size = upload["part_size_bytes"]
            for part in upload["parts"]:
                first = (part["part_number"] - 1) * size
                web.put(part["url"], content=content[first : first + size]).raise_for_status()
            customer.post(f"/media/{begun['media_id']}/complete").raise_for_status()
    return str(begun["media_id"])


def left(stack: local.Stack, media: list[dict[str, Any]], directory: Path) -> Iterator[Finding]:
    """That of ready media there is one set of variants each, one job, and nothing else anywhere."""
    names = Counter(" ".join(variant["name"] for variant in each["variants"]) for each in media)
    yield exactly("media and their variants", _told(names), _told(Counter({"original video poster": len(media)})))
    s3, bucket = system.aws(stack, "s3"), f"{system.NAME}-media"
    objects = [
        found["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for found in page.get("Contents", [])
    ]
    yield exactly("objects in the store", len(objects), sum(each["variant_count"] for each in media))
    unfinished = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    yield exactly("multipart uploads left open", len(unfinished), 0)
    yield exactly("files left in the workers' folder", len(list((directory / "tmp").iterdir())), 0)


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{number} x {each}" for each, number in sorted(counted.items()))
