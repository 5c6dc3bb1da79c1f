"""The physical lines of a text file, each with its number, for millions of lines at a time.

Every line is accounted for: a reader divides each one into cells by itself, so that a quotation mark that is never
closed spoils its own line and no other. Lines may end with LF, CRLF or CR, also mixed.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.raw_table import MAX_CELL

UNREADABLE = "\ufdd0"
"""Stands for bytes that are no text in the encoding of the file. Unicode keeps it free of any meaning."""
LONGEST = 100 * MAX_CELL
"""Characters of a line. A longer one cannot be read; its start is quarantined."""
_BLOCK = 1 << 24
_MOST_WITHOUT_END = 1 << 27
_PLAIN = ("utf-8", "ascii")
_SCHEMA = pa.schema([("row", pa.int64()), ("line", pa.string())])


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, error.end


codecs.register_error("certify_mark", _mark)


def as_lines(path: Path, encoding: str, stack: ExitStack) -> Path:
    """Return the file, or a copy of it, in UTF-8 with lines that all end with LF.

    Args:
        path: the file.
        encoding: its encoding.
        stack: deletes the copy.

    Returns:
        The file to read.

    Raises:
        LookupError: the encoding is not known.
        Invalid: it is written in UTF-16, and the description does not say so (``feed_file``).
    """
    name = codecs.lookup(encoding).name
    if name in _PLAIN:
        with path.open("rb") as file:
            if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise Invalid(
                    f"{path.name} is written in UTF-16.",
                    hint='Write encoding = "utf-16" in [file].',
                    code=ErrorCode.FEED_FILE,
                )
        if _is_plain(path):
            return path
        name = "utf-8-sig"
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="certify-feed-"))
    copy = Path(folder) / "lines"
    with (
        path.open(encoding=name, errors="certify_mark", newline=None) as source,
        copy.open("w", encoding="utf-8", newline="") as to,
    ):
        while block := source.read(_BLOCK):
            to.write(block)
    return copy


def _is_plain(path: Path) -> bool:
    """Return whether a file is UTF-8 without a byte order mark, and its lines end with LF."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        with path.open("rb") as file:
            if file.read(3) == codecs.BOM_UTF8:
                return False
            file.seek(0)
            while block := file.read(_BLOCK):
                if b"\r" in block:
                    return False
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def count_lines(path: Path, marks: str) -> tuple[int, str]:
    """Return the number of lines of a file, and which of these characters are in it."""
    count, found, last = 0, "", b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            count += block.count(b"\n")
            edge = last + block[:4]
            found += "".join(m for m in marks if m not in found and (m.encode() in block or m.encode() in edge))
            last = block[-4:]
    return count + (bool(last) and not last.endswith(b"\n")), found


def first_line(path: Path, skip: int) -> str:
    """Return the line with the headings, after ``skip`` other lines; empty if there is none."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for _ in range(skip):
            file.readline(LONGEST)
        return file.readline(LONGEST).removesuffix("\n")


def line_reader(path: Path, skip: int) -> pa.RecordBatchReader:
    """Return all lines after the first ``skip`` ones, with their numbers from 1, as a stream.

    Each line still has its LF at the end; the last one has one too, even if the file does not end with it.

    Args:
        path: a file as ``as_lines`` makes it.
        skip: number of lines to leave out.

    Returns:
        Batches with the columns ``row`` and ``line``.

    Raises:
        Invalid: more than 128 MB have no end of a line (``feed_file``).
    """
    return pa.RecordBatchReader.from_batches(_SCHEMA, _batches(path, skip))


def _batches(path: Path, skip: int) -> Iterator[pa.RecordBatch]:
    left, row = b"", 1 - skip
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            whole = left + block if block else left + (b"\n" if left else b"")
            cut = whole.rfind(b"\n") + 1
            left, text = whole[cut:], whole[:cut]
            if len(left) > _MOST_WITHOUT_END:
                raise Invalid(
                    f"{path.name}: line {row + skip} has no end.", hint="Is it a text file?", code=ErrorCode.FEED_FILE
                )
            if text:
                ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
                offsets = np.concatenate([[0], ends]).astype(np.int32)
                lines = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(text))
                batch = pa.record_batch([np.arange(row, row + len(ends)), lines], schema=_SCHEMA)
                yield batch.slice(max(0, min(1 - row, len(ends))))
                row += len(ends)
            if not block:
                return
