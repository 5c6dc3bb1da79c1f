"""Verify the whole ledger: every leaf, every node, every signed checkpoint, and a checkpoint that someone kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from certify.audit.checkpoints import read_checkpoint, signer_memory
from certify.audit.finding import Finding
from certify.audit.last_signed import Signed
from certify.certificates import merkle
from certify.certificates.errors import CertificateError
from certify.errors import Unavailable
from certify.service import Unit
from certify.storage.ledger import checkpoints, count_nodes, ledger_size, stored_nodes, unchecked_leaves

log = logging.getLogger("certify.integrity")

_BATCH = 10_000
_LOGGED = 100
_SHOWN = 1_000
"""Findings that are kept: a ledger of another database differs in every entry."""


@dataclass(slots=True)
class LedgerCheck:
    """The result.

    Attributes:
        size: number of entries.
        checkpoints: number of signed checkpoints.
        findings: the first findings, in the order of the ledger.
        count: how many findings there are in all.
    """

    size: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    def found(self, table: str, row: object, what: str) -> None:
        """Add a finding."""
        self.count += 1
        if len(self.findings) < _SHOWN:
            self.findings.append(Finding(table, str(row), what))


def check_ledger(
    unit: Unit, *, against: str | None = None, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> LedgerCheck:
    """Compute all hashes of the ledger again and compare them with what is stored, signed and kept.

    Args:
        unit: a snapshot to read in, because the ledger grows meanwhile.
        against: a checkpoint that someone kept, as a signed note.
        progress: called with the entries done and the entries in all.

    Returns:
        What was found.

    Raises:
        CertificateError: none of our keys signed the kept checkpoint.
        Unavailable: the file of what was signed last is damaged (``ledger_forked``).
    """
    check = LedgerCheck()
    memory = _memory(unit, check)  # before the snapshot begins: what this machine signed is in it
    check.size = ledger_size(unit.db)
    signed = _signed_roots(unit, check, memory, against)
    tree = _Tree()
    for size, (table, root) in ((size, entry) for size, found in signed.items() for entry in found):
        if size > check.size:
            check.found(table, size, f"the ledger has only {check.size} entries: {size - check.size} were removed")
        elif size == 0 and root != merkle.EMPTY_ROOT:
            check.found(table, size, "the root of an empty ledger is another")
    count = 0
    for start in range(0, check.size, _BATCH):
        rows = unchecked_leaves(unit.db, start, min(start + _BATCH, check.size))
        nodes = stored_nodes(unit.db, start, min(start + _BATCH, check.size))
        for index in range(start, min(start + _BATCH, check.size)):
            _leaf(check, rows.get(index), index)
            value = merkle.leaf_hash(rows[index][0]) if index in rows else nodes.get((0, index), bytes(32))
            for place, computed in tree.append(value):
                count += 1
                if nodes.get(place) != computed:
                    what = "the entry was changed" if place[0] == 0 else "the hash of a subtree was changed"
                    check.found("ledger_nodes", f"{place[0]}/{place[1]}", what)
            for table, root in signed.get(index + 1, ()):
                if tree.root() != root:
                    check.found(table, index + 1, "the signed root is another than that of the stored entries")
        progress(min(start + _BATCH, check.size), check.size)
    if count_nodes(unit.db) != count:
        check.found("ledger_nodes", "all", "there are hashes of entries that are not there")
    return check


def report_ledger(check: LedgerCheck) -> None:
    """Write what was found into the log, as alarms."""
    for finding in check.findings[:_LOGGED]:
        log.critical("the ledger was changed", extra={"table": finding.table, "row": finding.row, "what": finding.what})
    log.info("ledger verified", extra={"entries": check.size, "findings": check.count})


def _memory(unit: Unit, check: LedgerCheck) -> Signed | None:
    try:
        return signer_memory(unit).read()
    except Unavailable as error:
        check.found("last signed", "file", error.message)
        return None


def _signed_roots(
    unit: Unit, check: LedgerCheck, memory: Signed | None, against: str | None
) -> dict[int, list[tuple[str, bytes]]]:
    """Return the signed roots by size, each with where it was found."""
    signed: dict[int, list[tuple[str, bytes]]] = {}
    if against is not None:
        kept = read_checkpoint(unit, against)
        signed.setdefault(kept.size, []).append(("kept checkpoint", kept.root))
    if memory is not None:
        signed.setdefault(memory.size, []).append(("last signed checkpoint", memory.root))
    for row in checkpoints(unit.db):
        check.checkpoints += 1
        try:
            stored = read_checkpoint(unit, row.note)
        except CertificateError as error:
            check.found("ledger_checkpoints", row.size, f"the signature is not good: {error}")
            continue
        if stored.size != row.size:
            check.found("ledger_checkpoints", row.size, f"the note is about {stored.size} entries")
        signed.setdefault(stored.size, []).append(("ledger_checkpoints", stored.root))
    return signed


def _leaf(check: LedgerCheck, row: tuple[bytes, UUID | None, bool] | None, index: int) -> None:
    if row is None:
        check.found("ledger_leaves", index, "the entry was removed")
        return
    entry, person, ours = row
    if not ours:
        check.found("ledger_leaves", index, "the service did not write this entry, or not here")
        return
    if json.loads(entry).get("subject") != str(person):
        check.found("ledger_leaves", index, "the entry is filed under another person")


class _Tree:
    """The right edge of a growing tree: one complete subtree for each bit of its size."""

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []

    def append(self, value: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
        """Add a leaf, and yield each subtree that becomes complete: level and index, and its hash."""
        index, level = self._size, 0
        self._size += 1
        self._peaks.append(value)
        yield (0, index), value
        while index & 1:
            right, left = self._peaks.pop(), self._peaks.pop()
            value, index, level = merkle.node_hash(left, right), index >> 1, level + 1
            self._peaks.append(value)
            yield (level, index), value

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        value = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            value = merkle.node_hash(peak, value)
        return value
