"""Sign checkpoints of the ledger. An auditor keeps them, to see later that nothing was changed or removed."""

from __future__ import annotations

from typing import Any

from certify.certificates import merkle
from certify.certificates.checkpoint import Checkpoint, sign_checkpoint
from certify.certificates.keys import VerificationKey
from certify.certificates.keyset import KeySet, TrustedKey
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.service import Unit
from certify.storage.ledger import NodeTable, add_checkpoint, get_leaf, latest_checkpoint, ledger_root, ledger_size
from certify.storage.signing import active_key, public_keys
from certify.storage.tables.service import CheckpointRow


def publish_checkpoint(unit: Unit) -> CheckpointRow | None:
    """Sign the present size and root, unless the newest checkpoint has this size already.

    Args:
        unit: the transaction to write in.

    Returns:
        The newest checkpoint, or None while the ledger is empty.
    """
    size = ledger_size(unit.db)
    newest = latest_checkpoint(unit.db)
    if size == 0 or (newest is not None and newest.size == size):
        return newest
    key = active_key(unit.db, unit.service.vault, "ledger", unit.now)
    origin = unit.service.settings.ledger_origin
    note = sign_checkpoint(Checkpoint(origin, size, ledger_root(unit.db, size)), key)
    add_checkpoint(unit.db, size=size, note=note, created_at=unit.now)
    return latest_checkpoint(unit.db)


def prove_inclusion(unit: Unit, index: int, size: int) -> dict[str, Any]:
    """Return an entry with the proof that it is in the ledger of a size.

    Args:
        unit: the transaction to read in.
        index: number of the entry, from 0.
        size: size of the ledger that the auditor's checkpoint states.

    Returns:
        The entry as text and the hashes of the proof in hexadecimal.

    Raises:
        Invalid: the ledger has no such entry at that size (``ledger_range``).
        NotFound: the entry is missing (``ledger_entry_not_found``).
    """
    if not 0 <= index < size <= ledger_size(unit.db):
        raise Invalid("The ledger has no such entry at that size.", code=ErrorCode.LEDGER_RANGE)
    entry = get_leaf(unit.db, index).entry
    proof = merkle.inclusion_proof(NodeTable(unit.db), index, size)
    return {"index": index, "size": size, "entry": entry.decode(), "proof": [node.hex() for node in proof]}


def prove_consistency(unit: Unit, old: int, new: int) -> dict[str, Any]:
    """Return the proof that the ledger of one size is the beginning of the ledger of a later size.

    Args:
        unit: the transaction to read in.
        old: size that an earlier checkpoint states.
        new: size that a later checkpoint states.

    Returns:
        Both sizes and the hashes of the proof in hexadecimal.

    Raises:
        Invalid: the ledger never had these sizes (``ledger_range``).
    """
    if not 0 < old <= new <= ledger_size(unit.db):
        raise Invalid("The ledger has no such sizes.", code=ErrorCode.LEDGER_RANGE)
    proof = merkle.consistency_proof(NodeTable(unit.db), old, new)
    return {"old_size": old, "new_size": new, "proof": [node.hex() for node in proof]}


def ledger_keys(unit: Unit) -> KeySet:
    """Return the public keys that verify checkpoints, retired ones included."""
    return KeySet(
        TrustedKey(VerificationKey.from_jwk(row.public_jwk), row.created_at, None, row.retired_at)
        for row in public_keys(unit.db, "ledger")
    )
