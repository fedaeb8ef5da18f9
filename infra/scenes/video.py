"""A video: a customer films their homework and hands it in; it becomes small, upright, and free of its place."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from infra import local
from infra.scenes import Scene, camera, people, phone
from infra.scenes.camera import Look
from infra.scenes.phone import megabytes
from infra.telling import Progress
from infra.troubles import Trouble

NAME: Final = "IMG_2392.MOV"
OURS: Final = {"told_by": "make demo", "homework_id": "homework-12", "student_id": "student-7"}


def play(stack: local.Stack, takes: int, progress: Progress) -> Scene:
    """Film, upload, wait, and hold what became of it against what was sent."""
    with people.operator(stack) as operator:
        people.forget_media(operator, OURS)
    with people.customer(stack) as customer, TemporaryDirectory() as folder:
        film = Path(folder, NAME)
        progress("filming")
        camera.film(film, takes)
        begun = phone.begin(customer, NAME, film.stat().st_size, OURS)
        parts = phone.send(begun, film, progress)
        sent_at = time.monotonic()
        people.said(customer.post(f"/media/{begun['media_id']}/complete"))
        media = phone.settled(customer, begun["media_id"], progress)
        took = time.monotonic() - sent_at
        if media["status"] == "failed":
            raise Trouble(f"{NAME} was not converted: {media['error']}")
        return _told(film, parts, media, took)


def _told(film: Path, parts: int, media: dict[str, Any], took: float) -> Scene:
    url = next(each["url"] for each in media["variants"] if each["name"] == "video")
    made = film.with_name("video.mp4")
    made.write_bytes(httpx.get(url, trust_env=False, timeout=phone.PATIENCE_S).raise_for_status().content)
    sent, got = film.stat().st_size, made.stat().st_size
    return Scene(
        f"""{NAME} went straight to the store, in {parts} piece{"s" * (parts > 1)}, and was small {took:.1f} s later:
  {megabytes(sent)}, {_described(camera.look(film))}
  {megabytes(got)}, {_described(camera.look(made))}""",
        ((f"/media/{media['media_id']}", "the customer's video, and what was made of it"),),
        ((f"/media/{media['media_id']}", "the customer's video, with signed URLs"),),
    )


def _described(look: Look) -> str:
    turned = "lying on its side" if look.turned else "upright"
    return f"{look.codec} of {look.size}, {turned}, {f'filmed at {look.place}' if look.place else 'without the place'}"
