"""Keyed hashes of national ids, a million at a time: HMAC-SHA-256 written as SQL, equal to ``Vault.lookup_hash``.

So registry records are linked with people by id although the database has no readable id, without a loop in Python.
"""

from __future__ import annotations

import hashlib

_BLOCK = 64  # bytes of a SHA-256 block (FIPS 198-1)


def hashed_id_sql(key: bytes, kind: str, column: str) -> str:
    """Return a DuckDB expression for the hash of a text column.

    Args:
        key: the key of ``Vault.lookup_hash``.
        kind: the kind of identifier, which is hashed with the text.
        column: name of the column.

    Returns:
        The expression: hexadecimal text, NULL where the column is NULL.
    """
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
    message = f"{_blob(inner + kind.encode() + bytes(1))} || encode({column})"
    return f"sha256({_blob(outer)} || unhex(sha256({message})))"


def _blob(value: bytes) -> str:
    return f"unhex('{value.hex()}')"
