"""Archives: zips whose bytes follow from what they hold, and that are named for their bytes."""

import hashlib
import zipfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Final

# Half the time of the usual 6, for zips that are a tenth larger and unpack as fast.
_COMPRESSION: Final = 1
_UNIX: Final = 3


def write(directory: Path, stem: str, files: Mapping[str, bytes], runnable: Container[str] = ()) -> Path:
    """Zip files, by path, as `directory`'s `<stem>-<16 hex digits>.zip`: the same files in any order make the same zip.

    The digits are the first of the zip's SHA-256. Its bytes depend on zlib besides, as far as that compresses otherwise
    in another version.
    """
    unnamed = directory / f"{stem}.zip"
    with zipfile.ZipFile(unnamed, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path)  # which is dated 1980
            entry.create_system = _UNIX
            entry.external_attr = (0o100755 if path in runnable else 0o100644) << 16
            archive.writestr(entry, files[path], zipfile.ZIP_DEFLATED, _COMPRESSION)
    with unnamed.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return unnamed.replace(directory / f"{stem}-{digest[:16]}.zip")
