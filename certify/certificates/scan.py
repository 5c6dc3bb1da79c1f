"""Take the pictures out of a PDF that was scanned, with plain byte arithmetic, for the search of a QR code.

Scanners and phones put each page into a PDF as one picture: a JPEG (``DCTDecode``), or compressed rows
(``FlateDecode``), as ISO 32000-1 section 8.9.5 describes them. Only those are read. Nothing of the PDF is run or drawn.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator

MAX_PICTURES = 20
"""Pictures of one PDF that are looked at."""
MAX_UNPACKED = 100_000_000
"""Bytes of the rows of one picture: a page in colour at 300 dots an inch has 26 million."""

_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_FILTERS = re.compile(rb"/Filter\s*(\[[^\]]*\]|/\w+)")
_HEAD = 3_000


def pictures_of(pdf: bytes) -> list[bytes]:
    """Return the pictures inside a PDF as files of pictures.

    Args:
        pdf: the whole PDF.
    """
    found: list[bytes] = []
    for match in _STREAM.finditer(pdf):
        head = pdf[max(match.start() - _HEAD, 0) : match.start()]
        head = head[max(head.rfind(b" obj"), 0) :]
        if not re.search(rb"/Subtype\s*/Image\b", head):
            continue
        end = pdf.find(b"endstream", match.end())
        found += _picture(head, pdf[match.end() : end if end > 0 else len(pdf)])
        if len(found) >= MAX_PICTURES:
            break
    return found


def _picture(head: bytes, body: bytes) -> Iterator[bytes]:
    named = _FILTERS.search(head)
    filters = re.findall(rb"/(\w+)", named[1]) if named else []
    if filters[:1] == [b"FlateDecode"]:
        rows = _unpacked(body)
        if filters == [b"FlateDecode"]:
            yield from _png(head, rows)
            return
        filters, body = filters[1:], rows
    if filters == [b"DCTDecode"]:
        yield body


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, MAX_UNPACKED)
    except zlib.error:
        return b""


def _number(head: bytes, name: bytes, otherwise: int = 0) -> int:
    found = re.search(rb"/" + name + rb"\s+(\d{1,6})\b(?!\s+\d+\s+R)", head)
    return int(found[1]) if found else otherwise


def _png(head: bytes, rows: bytes) -> Iterator[bytes]:
    """Return rows of grey or colour as a PNG, which stores them alike."""
    width, height, bits = _number(head, b"Width"), _number(head, b"Height"), _number(head, b"BitsPerComponent", 1)
    if not width or not height or bits not in {1, 8}:
        return
    predicted = _number(head, b"Predictor", 1) >= 10  # each row then begins with a byte that tells how, as in PNG
    for colours, kind in ((1, 0), (3, 2)):
        length = -(-width * bits * colours // 8)
        if len(rows) < (length + predicted) * height:
            continue
        if predicted:
            exact = len(rows) < 2 * (length + 1) * height
            content = rows[: (length + 1) * height]
        else:
            exact = len(rows) < 2 * length * height
            content = b"".join(b"\0" + rows[length * row : length * (row + 1)] for row in range(height))
        if exact:
            yield _written(struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0), content)


def _written(header: bytes, rows: bytes) -> bytes:
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")):
        out.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    return out.getvalue()
