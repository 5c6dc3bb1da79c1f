"""Read the size of a HEIC picture from its boxes, with plain byte arithmetic, before its library gets a byte.

The boxes are those of ISO/IEC 23008-12 (HEIF): the primary item (``pitm``) is associated (``ipma``) with properties
(``ipco``): its size (``ispe``), a crop (``clap``) and quarter turns (``irot``), which apply in the order of their
association.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from models.errors import ImageRefused

MAX_BOXES = 4_000
"""Boxes that are read. A picture of 48 megapixels from a phone is a grid of 48 to 100 tiles with some properties each;
a file with more tries to keep the loops busy."""

_TOP, _PROPERTIES = frozenset({b"meta"}), frozenset({b"iprp", b"ipco"})
Box = tuple[bytes, int, int]
"""The name of a box, and the first and last position of its content."""


def read_size(data: bytes) -> tuple[int, int]:
    """Return columns and rows of the upright picture.

    Args:
        data: the whole file.

    Raises:
        ImageRefused: the boxes do not describe one picture with a size (``not_an_image``), or it is coded as AVIF
            (``is_avif``).
    """
    try:
        return _read_size(data)
    except (struct.error, IndexError, ZeroDivisionError, StopIteration) as error:
        raise ImageRefused("not_an_image", "The HEIC picture is damaged") from error


def _read_size(data: bytes) -> tuple[int, int]:
    found: dict[bytes, Box] = {}
    properties: list[Box] = []
    coded = other = False
    for kind, start, end in _walk(data, 0, len(data)):
        if kind in {b"pitm", b"ipma"}:
            found.setdefault(kind, (kind, start, end))
        elif kind not in _TOP | _PROPERTIES and b"ipco" in found and start >= found[b"ipco"][1]:
            if end <= found[b"ipco"][2]:
                properties.append((kind, start, end))
                coded |= kind == b"hvcC"
                other |= kind == b"av1C"
        elif kind == b"ipco":
            found.setdefault(kind, (kind, start, end))
    primary = _primary(data, found)
    width = height = 0
    for index in _associated(data, found, primary):
        kind, start, _ = properties[index - 1] if 0 < index <= len(properties) else (b"", 0, 0)
        if kind == b"ispe":
            width, height = struct.unpack_from(">II", data, start + 4)
        elif kind == b"clap":
            across, over, down, under = struct.unpack_from(">IIII", data, start)
            width, height = min(width, round(across / over)), min(height, round(down / under))
        elif kind == b"irot" and data[start] & 1:
            width, height = height, width
    if other and not coded:
        raise ImageRefused("is_avif", "The picture is an AVIF")
    if not (coded and width and height):
        raise ImageRefused("not_an_image", "The HEIC picture is damaged")
    return width, height


def _walk(data: bytes, position: int, end: int) -> Iterator[Box]:
    """Yield the boxes of a file and of the containers that matter, each container before its content."""
    todo = [(position, end)]
    boxes = 0
    while todo:
        position, end = todo.pop()
        while position + 8 <= end:
            boxes += 1
            if boxes > MAX_BOXES:
                raise ImageRefused("not_an_image", "The HEIC picture consists of far too many pieces")
            size, kind = struct.unpack_from(">I4s", data, position)
            start = position + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", data, start)
                start += 8
            stop = end if size == 0 else position + size
            if stop < start or stop > end:
                return  # a box that reaches beyond its container; what was read before it counts
            yield kind, start, stop
            if kind in _TOP | _PROPERTIES:
                todo.append((stop, end))
                position, end = start + (4 if kind in _TOP else 0), stop
            else:
                position = stop


def _primary(data: bytes, found: dict[bytes, Box]) -> int:
    _, start, _ = found.get(b"pitm") or _missing()
    return int(struct.unpack_from(">I" if data[start] else ">H", data, start + 4)[0])


def _associated(data: bytes, found: dict[bytes, Box], primary: int) -> list[int]:
    """Return the numbers, from 1, of the properties of an item, in their order."""
    _, start, end = found.get(b"ipma") or _missing()
    version, wide = data[start], data[start + 3] & 1
    (items,) = struct.unpack_from(">I", data, start + 4)
    position = start + 8
    for _ in range(min(items, MAX_BOXES)):
        if position >= end:
            break
        form = ">I" if version else ">H"
        (item,) = struct.unpack_from(form, data, position)
        position += struct.calcsize(form)
        count = data[position]
        position += 1
        step = 2 if wide else 1
        if item == primary:
            numbers = (data[position + step * n : position + step * (n + 1)] for n in range(count))
            return [int.from_bytes(number) & (0x7FFF if wide else 0x7F) for number in numbers]
        position += step * count
    return []


def _missing() -> Box:
    raise ImageRefused("not_an_image", "The HEIC picture is damaged")
