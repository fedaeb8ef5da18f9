"""Assets: what the pages load, as `npm run build` made it; what a name stands for never changes."""

import gzip
import re
from pathlib import Path
from typing import Final

from chalice.app import Response

from chalicelib import http
from chalicelib.errors import NotFound

STATIC: Final = Path(__file__).parent / "static"

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

_NAME = re.compile(r"[\w-][\w.-]{0,127}(\.\w+)", re.ASCII)
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)


def send(page: str, name: str) -> Response:
    """An asset of a page, for a year's keeping. Raises NotFound."""
    named = _NAME.fullmatch(name)
    media_type = TYPES.get(named[1]) if named else None
    file = STATIC / page / "assets" / name
    packed = file.with_name(f"{name}.gz")
    if not media_type or not (packed.is_file() or file.is_file()):
        raise NotFound("There is no such file; a newer version of this page may be there. Load it again.")
    headers: dict[str, str | list[str]] = {
        "Content-Type": media_type,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
    if not packed.is_file():
        return http.Bytes(file.read_bytes(), headers)
    if _takes_gzip():
        return http.Bytes(packed.read_bytes(), headers | {"Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed.read_bytes()).decode(), headers)


def _takes_gzip() -> bool:
    # Without Accept, API Gateway would send bytes in base64, as they left the function.
    return http.header("accept") is not None and bool(_GZIP.search(http.header("accept-encoding") or ""))
