"""Files that come packed: gzip, and zip with one file. They are recognised by their first bytes, not by their names."""

from __future__ import annotations

import gzip
import tempfile
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.file_layout import FileForm, Format

_GZIP, _ZIPS = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
"""How packed files begin. The second form of zip has no file inside."""
_ADDED = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
"""What operating systems add to a zip by themselves."""
_MOST_BYTES = 64 << 30
"""Bytes that one packed file may unpack to: ten times the largest feed that was measured (docs/performance.md)."""
_BLOCK = 1 << 20
_PACKED_THEMSELVES = (Format.XLSX, Format.ODS, Format.PARQUET)


def unpacked(path: Path, form: FileForm, stack: ExitStack) -> Path:
    """Return the file, or an unpacked copy of it.

    Args:
        path: the file.
        form: the form of the file; ``member`` names the file inside a zip that has several.
        stack: deletes the copy.

    Returns:
        The file to read.

    Raises:
        Invalid: it is damaged, or it is not clear which file inside is meant (``feed_file``).
    """
    if form.format in _PACKED_THEMSELVES:
        return path
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] != _GZIP and start not in _ZIPS:
        return path
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="certify-feed-"))
    copy = Path(folder) / "unpacked"
    try:
        if start in _ZIPS:
            with zipfile.ZipFile(path) as archive, archive.open(_member(path, archive, form.member)) as packed:
                _copy(cast("BinaryIO", packed), copy, path)
        else:
            with gzip.open(path, "rb") as packed:
                _copy(cast("BinaryIO", packed), copy, path)
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise Invalid(
            f"{path.name} is packed, and damaged or cut off.", hint="Have it sent again.", code=ErrorCode.FEED_FILE
        ) from error
    return copy


def _member(path: Path, archive: zipfile.ZipFile, wanted: str | None) -> zipfile.ZipInfo:
    members = [entry for entry in archive.infolist() if not entry.is_dir()]
    if wanted is None:
        members = [entry for entry in members if not _is_added(entry.filename)]
    chosen = [entry for entry in members if wanted in (None, entry.filename)]
    if len(chosen) != 1:
        names = ", ".join(repr(entry.filename[:60]) for entry in members[:10]) or "no file"
        raise Invalid(
            f"{path.name} has {len(members)} files inside; it is not clear which one to read.",
            hint=f"Name it as 'member' in [file]. Inside: {names}.",
            code=ErrorCode.FEED_FILE,
        )
    if chosen[0].flag_bits & 1:
        raise Invalid(f"{path.name} is locked with a password.", hint="Unpack it first.", code=ErrorCode.FEED_FILE)
    return chosen[0]


def _is_added(name: str) -> bool:
    return name.startswith(_ADDED[0]) or name.rpartition("/")[2] in _ADDED


def _copy(packed: BinaryIO, copy: Path, path: Path) -> None:
    copy.touch(mode=0o600)
    size = 0
    with copy.open("wb") as to:
        while block := packed.read(_BLOCK):
            size += len(block)
            if size > _MOST_BYTES:
                raise Invalid(
                    f"{path.name} unpacks to more than {_MOST_BYTES >> 30} GB.",
                    hint="Have it sent in parts.",
                    code=ErrorCode.FEED_FILE,
                )
            to.write(block)
