"""Sign checkpoints of the ledger. An auditor keeps them, to see later that nothing was changed or removed."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from certify.audit.last_signed import LastSigned, Signed, last_signed
from certify.certificates import merkle
from certify.certificates.checkpoint import Checkpoint, parse, sign_checkpoint, verify_checkpoint
from certify.certificates.errors import CertificateError, UnknownKey
from certify.certificates.keys import VerificationKey
from certify.certificates.keyset import KeySet, TrustedKey
from certify.certificates.merkle import verify_consistency
from certify.certificates.note import NoteKey
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Invalid, Unavailable
from certify.service import Unit
from certify.storage.ledger import NodeTable, add_checkpoint, get_leaf, latest_checkpoint, ledger_root, ledger_size
from certify.storage.mac_secrets import last_generation
from certify.storage.row_macs import macs_of
from certify.storage.signing import active_key, public_keys
from certify.storage.tables.service import CheckpointRow

log = logging.getLogger("certify.integrity")

_refusals: Counter[str] = Counter()


def refusals() -> int:
    """Return how often this process refused to sign, for the metrics."""
    return _refusals.total()


def publish_checkpoint(unit: Unit) -> CheckpointRow | None:
    """Sign the present size and root, unless the newest checkpoint has this size already.

    The size and root are written to a file of this machine first (``LastSigned``), then the checkpoint is committed.
    After a crash between the two, the file names leaves that are committed, so the next checkpoint extends it.

    Args:
        unit: the transaction to write in. It has appended no entries itself.

    Returns:
        The newest checkpoint, or None while the ledger is empty.

    Raises:
        Unavailable: the ledger does not extend what was signed last (``ledger_forked``).
    """
    memory = signer_memory(unit)
    with memory.held():
        size, newest = ledger_size(unit.db), latest_checkpoint(unit.db)
        before = memory.read() or _adopted(unit, newest)
        if before is not None:
            _require_extension(unit, before, size)
        if size == 0 or (newest is not None and newest.size == size):
            return newest
        root = ledger_root(unit.db, size)
        key = active_key(unit.db, unit.service.vault, "ledger", unit.now)
        note = sign_checkpoint(Checkpoint(unit.service.settings.ledger_origin, size, root), key)
        # What was sealed once stays so, even if somebody has removed the secret since.
        sealed = max(before.sealed if before else 0, last_generation(unit.db))
        memory.write(Signed(size, root, sealed))
        add_checkpoint(unit.db, size=size, note=note, created_at=unit.now)
        return latest_checkpoint(unit.db)


def signer_memory(unit: Unit) -> LastSigned:
    """Return what this machine remembers of the ledger that it signed last."""
    return last_signed(unit.db, macs_of(unit.db), unit.service.settings.data_dir)


def accept_restored(unit: Unit) -> tuple[Signed | None, Signed]:
    """Let the signer go on from the present ledger, because an operator restored the database from a backup.

    The ledger gets an entry with what was signed before, so that auditors who kept a later checkpoint see why.

    Args:
        unit: the transaction to write in.

    Returns:
        What the signer remembered, and the size and root from which it goes on.
    """
    memory = signer_memory(unit)
    with memory.held():
        before = memory.read()
        size = ledger_size(unit.db)
        now = Signed(size, ledger_root(unit.db, size), last_generation(unit.db))
        unit.ledger(
            LedgerEvent.LEDGER_RESTORED,
            None,
            signed_size=before.size if before else None,
            signed_root=before.root.hex() if before else None,
            restored_size=size,
        )
        unit.finish()
        memory.write(now)
    return before, now


def _adopted(unit: Unit, newest: CheckpointRow | None) -> Signed | None:
    """Return the newest stored checkpoint as what was signed last, on a machine that never signed."""
    if newest is None:
        return None
    stored = read_checkpoint(unit, newest.note)
    log.warning("this machine never signed the ledger; it goes on from the stored checkpoint", extra=_size(stored.size))
    return Signed(stored.size, stored.root)


def read_checkpoint(unit: Unit, note: str) -> Checkpoint:
    """Return a checkpoint that one of our keys signed.

    Args:
        unit: the transaction to read the keys in.
        note: the signed note.

    Returns:
        The checkpoint.

    Raises:
        CertificateError: none of our keys signed it, or it was altered.
    """
    origin = parse(note).origin  # perhaps an earlier name of the ledger; the key says whether it is ours
    failure: CertificateError = UnknownKey("no key of this ledger signed the checkpoint")
    for row in public_keys(unit.db, "ledger"):
        try:
            return verify_checkpoint(note, NoteKey(origin, VerificationKey.from_jwk(row.public_jwk)))
        except UnknownKey:
            continue
        except CertificateError as error:
            failure = error
    raise failure


def _require_extension(unit: Unit, before: Signed, size: int) -> None:
    try:
        extends = size >= before.size and verify_consistency(
            old_size=before.size,
            new_size=size,
            old_root=before.root,
            new_root=ledger_root(unit.db, size),
            proof=merkle.consistency_proof(NodeTable(unit.db), before.size, size),
        )
    except LookupError:  # nodes are missing
        extends = False
    if not extends:
        _refusals["fork"] += 1
        log.critical("the ledger does not extend what was signed", extra={**_size(size), "signed": before.size})
        raise Unavailable(
            f"The ledger of {size} entries does not continue the signed ledger of {before.size}, so it is not signed.",
            hint="Run 'certify ledger verify'. After a restore from a backup: 'certify ledger restored'.",
            code=ErrorCode.LEDGER_FORKED,
        )


def _size(size: int) -> dict[str, int]:
    return {"size": size}


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
