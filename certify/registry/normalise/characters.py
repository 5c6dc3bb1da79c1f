"""Folding of text character by character, for a million names at a time.

A table over all code points has the folded text of each character. It is filled for the distinct characters that occur,
so the cost for a row is an array look-up, even if the folding of one character is slow.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_CODE_POINTS = 0x110000
_FEW = 0.1
"""Share of characters that change. Above it, all texts are folded without a search for those that change."""


class CharacterTable:
    """A table that replaces each character by the text that ``fold`` returns; ``fold`` is called once a character.

    Threads may share a table: one thread adds characters at a time, and the others see a character as known only when
    its entry is complete.
    """

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._start = np.full(_CODE_POINTS, -1, np.int32)
        self._length = np.zeros(_CODE_POINTS, np.uint8)
        self._changes = np.zeros(_CODE_POINTS, np.bool_)
        self._blob = np.zeros(1, np.uint8)
        self._learning = Lock()

    def apply(self, texts: pa.Array) -> pa.Array:
        """Fold all texts; NULL stays NULL."""
        points = _points(texts)
        if len(points) == 0:
            return texts
        unknown = self._start[points] < 0
        if unknown.any():
            self._learn(points[unknown])
        changes = self._changes[points]
        if changes.mean() > _FEW:
            return self._fold_all(texts, points)
        # Most texts do not change, such as Chinese names: only the others are folded.
        so_far = np.concatenate([[0], np.cumsum(changes, dtype=np.int32)])[_ends(texts)]
        return where(pa.array(np.diff(so_far) > 0), texts, lambda some: self._fold_all(some, _points(some)))

    def _fold_all(self, texts: pa.Array, points: NDArray[np.uint32]) -> pa.Array:
        """Fold texts whose characters, ``points``, are all known."""
        starts, lengths, blob = self._start[points], self._length[points], self._blob
        ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        if len(lengths) and lengths.min() == 1 == lengths.max():
            out = blob[starts]
        else:
            shift = np.repeat(starts - ends[:-1], lengths)
            out = blob[shift + np.arange(ends[-1])]
        offsets = ends[_ends(texts)]
        mask = None if texts.null_count == 0 else texts.is_valid().buffers()[1]
        if mask is not None and texts.is_valid().offset:
            mask = pa.concat_arrays([texts.is_valid()]).buffers()[1]
        # Offsets have 64 bits, because those of many long names do not fit 32.
        large = pa.LargeStringArray.from_buffers(
            len(texts), pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(np.ascontiguousarray(out)), mask
        )
        return large.cast(pa.string())

    def _learn(self, points: NDArray[np.uint32]) -> None:
        new = np.unique(points)
        folded = [self._fold(chr(point)).encode() for point in new.tolist()]
        lengths = np.array([len(text) for text in folded])
        with self._learning:
            starts = len(self._blob) + np.cumsum(lengths) - lengths
            self._blob = np.concatenate([self._blob, np.frombuffer(b"".join(folded), np.uint8)])
            self._length[new] = lengths
            self._changes[new] = [text != chr(point).encode() for point, text in zip(new.tolist(), folded, strict=True)]
            self._start[new] = starts  # last, because this marks the characters as known


def by_distinct(values: Any, fold: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Apply ``fold`` to the distinct values only, and return the results for all rows."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = whole.dictionary_encode()
    return fold(coded.dictionary).take(coded.indices)


def where(chosen: pa.Array, texts: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Change the chosen texts, all in one call, and keep the others."""
    return pc.replace_with_mask(texts, chosen, change(texts.filter(chosen))) if pc.any(chosen).as_py() else texts


def _points(texts: pa.Array) -> NDArray[np.uint32]:
    """Return the characters of all texts one after the other."""
    return np.frombuffer(_bytes_of(pc.fill_null(texts, "")).decode("utf-8").encode("utf-32-le"), np.uint32)


def _ends(texts: pa.Array) -> NDArray[np.int64]:
    """Return the position among all characters where each text begins, and the end of the last one."""
    characters = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(characters, dtype=np.int64)])


def _bytes_of(texts: pa.Array) -> bytes:
    """Return all texts one after the other, without the bytes before and after a slice."""
    whole = texts.cast(pa.large_string())
    _, offsets, data = whole.buffers()
    if data is None:
        return b""
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
    return bytes(memoryview(data)[int(ends[0]) : int(ends[-1])])
