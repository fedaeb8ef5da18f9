"""The phone: uploads by the API's own protocol, in one piece or in parts, to the URLs that it is given."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import httpx

from infra.scenes.people import said
from infra.telling import Progress, wait

PIECE_BYTES: Final = 256 * 1024
PATIENCE_S: Final = 60
# Other uploads may come first.
SETTLED_WITHIN_S: Final = 150
CONTENT_TYPE: Final = "video/quicktime"


def begin(customer: httpx.Client, name: str, size_bytes: int, context: dict[str, str]) -> dict[str, Any]:
    """Begin the upload of a video of so many bytes."""
    new = {"file_name": name, "content_type": CONTENT_TYPE, "size_bytes": size_bytes, "context": context}
    begun: dict[str, Any] = said(customer.post("/media", json=new))
    return begun


def send(begun: dict[str, Any], path: Path, progress: Progress) -> int:
    """Send a file whose upload has begun; returns in how many pieces."""
    upload, size = begun["upload"], path.stat().st_size
    each = upload.get("part_size_bytes", size)
    sent = 0

    def tick(some: int) -> None:
        nonlocal sent
        sent += some
        progress(f"uploading, {sent * 100 // size} % of {megabytes(size)}")

    parts = upload.get("parts", [upload])
    with path.open("rb") as file:
        for nth, part in enumerate(parts):
            said(put(part["url"], file, min(each, size - nth * each), upload.get("headers", {}), tick))
    return len(parts)


def put(url: str, file: BinaryIO, size: int, headers: dict[str, str], tick: Callable[[int], None]) -> httpx.Response:
    """PUT the next bytes of a file; `tick` is told how many have left, piece by piece."""

    def pieces() -> Iterator[bytes]:
        left = size
        while piece := file.read(min(PIECE_BYTES, left)):
            left -= len(piece)
            yield piece
            tick(len(piece))

    declared = {**headers, "Content-Length": str(size)}
    return httpx.put(url, content=pieces(), headers=declared, trust_env=False, timeout=PATIENCE_S)


def settled(client: httpx.Client, media_id: str, progress: Progress) -> dict[str, Any]:
    """A media whose work is over. Raises Trouble."""

    def look() -> dict[str, Any] | str:
        media: dict[str, Any] = said(client.get(f"/media/{media_id}"))
        if media["status"] in ("ready", "failed"):
            return media
        return "converting it" if media["status"] == "processing" else "waiting for the worker"

    return wait(look, SETTLED_WITHIN_S, progress)


def megabytes(size_bytes: int) -> str:
    """`19.8 MB`."""
    return f"{size_bytes / 1e6:.1f} MB"
