"""Check that bytes are plain CBOR before a general parser reads them.

A claim set has maps, arrays, texts, bytes, whole numbers, true, false and null, a few levels deep (RFC 8949 section 3).
A general parser also reads tags, which build dates, patterns and shared objects, numbers that are no numbers, items of
open length and nesting without end. Parsers differ in what they do with those, so such payloads are refused before.
"""

from __future__ import annotations

MAX_DEPTH = 6
"""Levels of arrays and maps. The claims have three."""

_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 2, 3, 4, 5, 6, 7
_FALSE_TRUE_NULL = frozenset({20, 21, 22})


def is_plain(data: bytes) -> bool:
    """Tell whether bytes are exactly one item of plain CBOR.

    Args:
        data: the whole payload.
    """
    position, open_items = 0, [1]
    while open_items:
        if not open_items[-1]:
            open_items.pop()
            continue
        open_items[-1] -= 1
        if position >= len(data):
            return False
        major, small = data[position] >> 5, data[position] & 31
        position += 1
        if small > 27 or major == _TAG or (major == _SIMPLE and small not in _FALSE_TRUE_NULL):
            return False
        size = 0 if small < 24 else 1 << small - 24
        argument = int.from_bytes(data[position : position + size]) if size else small
        position += size
        if position > len(data):
            return False
        if major in {_BYTES, _TEXT}:
            position += argument
            if position > len(data):
                return False
        elif major in {_ARRAY, _MAP}:
            items = argument * (2 if major == _MAP else 1)
            if items > len(data) - position or len(open_items) > MAX_DEPTH:
                return False
            open_items.append(items)
    return position == len(data)
