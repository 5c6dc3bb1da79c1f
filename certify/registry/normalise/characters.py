"""Folding text character by character, a million names at a time.

A table over all code points says what each becomes; it is filled for the distinct characters that occur. So the cost
per row is an array look-up, whatever the folding of one character takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_CODE_POINTS = 0x110000


class CharacterTable:
    """Replaces each character by the text that ``fold`` gives for it, which is asked once for each character."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._start = np.full(_CODE_POINTS, -1, np.int32)
        self._length = np.zeros(_CODE_POINTS, np.uint8)
        self._blob = bytearray()

    def apply(self, texts: pa.Array) -> pa.Array:
        """Fold all texts; NULL stays NULL."""
        if len(texts) == 0:
            return texts
        filled = pc.fill_null(texts, "")
        points = np.frombuffer(_bytes_of(filled).decode("utf-8").encode("utf-32-le"), np.uint32)
        self._learn(points)
        lengths = self._length[points]
        ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        if len(lengths) and lengths.min() == 1 == lengths.max():
            out = np.frombuffer(self._blob, np.uint8)[self._start[points]]
        else:
            shift = np.repeat(self._start[points] - ends[:-1], lengths)
            out = np.frombuffer(self._blob or b"\0", np.uint8)[shift + np.arange(ends[-1])]
        characters = pc.utf8_length(filled).to_numpy(zero_copy_only=False)
        offsets = ends[np.concatenate([[0], np.cumsum(characters, dtype=np.int64)])]
        mask = None if texts.null_count == 0 else texts.is_valid().buffers()[1]
        if mask is not None and texts.is_valid().offset:
            mask = pa.concat_arrays([texts.is_valid()]).buffers()[1]
        # Offsets of 64 bits, or many long names would not fit.
        large = pa.LargeStringArray.from_buffers(
            len(texts), pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(np.ascontiguousarray(out)), mask
        )
        return large.cast(pa.string())

    def _learn(self, points: NDArray[np.uint32]) -> None:
        seen = np.zeros(_CODE_POINTS, np.bool_)
        seen[points] = True
        for point in np.flatnonzero(seen & (self._start < 0)).tolist():
            folded = self._fold(chr(point)).encode()
            self._start[point], self._length[point] = len(self._blob), len(folded)
            self._blob += folded


def by_distinct(values: Any, fold: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Apply ``fold`` to the distinct values only, and bring the result back to the rows."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = whole.dictionary_encode()
    return fold(coded.dictionary).take(coded.indices)


def _bytes_of(texts: pa.Array) -> bytes:
    """All texts one after the other, without what lies before or behind a slice."""
    whole = texts.cast(pa.large_string())
    _, offsets, data = whole.buffers()
    if data is None:
        return b""
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
    return bytes(memoryview(data)[int(ends[0]) : int(ends[-1])])
