"""Audit what imports of people stored: each first determination, and each chunk as a whole.

The ledger has one entry for a chunk, with the hash of its first determinations. So a determination that was removed
together with its person and pension shows as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from certify.audit.finding import Finding
from certify.decision.determine import entitlement_from_json
from certify.domain.codec import determination_to_json, verdict_digest
from certify.domain.decide import decide
from certify.errors import NotFound
from certify.policies import PolicyDocument
from certify.service import Unit
from certify.storage.facts import stored_policy
from certify.storage.imports import chunks_by_id, import_chunks, import_entries, stored_digests
from certify.storage.row_macs import RowAltered
from certify.storage.tables.imports import ImportChunkRow


class Imported:
    """The chunks of imports that some people came with.

    Args:
        unit: the transaction to read in.
        chunks: ids of the chunks.
    """

    def __init__(self, unit: Unit, chunks: Collection[UUID]) -> None:
        self._unit = unit
        self._chunks = {str(key): chunk for key, chunk in chunks_by_id(unit.db, chunks).items()}
        self._policies: dict[str, PolicyDocument] = {}

    def by(self, firsts: Sequence[dict[str, Any]]) -> str | None:
        """Return who imported the person of these first determinations."""
        return next((chunk.imported_by for row in firsts if (chunk := self._chunk(row)) is not None), None)

    def done_at(self, first: dict[str, Any]) -> datetime | None:
        """Return when a first determination was made; None if its chunk is missing."""
        chunk = self._chunk(first)
        return None if chunk is None else chunk.done_at.astimezone(UTC)

    def verdict(self, first: dict[str, Any]) -> dict[str, Any] | None:
        """Return what a first determination decided; None if it cannot be decided again."""
        chunk = self._chunk(first)
        if chunk is None:
            return None
        pension = entitlement_from_json(first["entitlement"])
        policy = self._policy(chunk.policies.get(pension.scheme, ""))
        if policy is None:
            return None
        return determination_to_json(decide(pension, policy.policy, (), datetime.fromisoformat(first["as_of"]).date()))

    def check(self, firsts: Sequence[dict[str, Any]]) -> Iterator[Finding]:
        """Decide the first determinations of a person again, and compare them with their hashes."""
        for row in firsts:
            verdict = self.verdict(row)
            if verdict is None:
                yield Finding("first_determinations", row["id"], "its import or its policy is missing")
            elif verdict_digest(verdict).hex() != row["digest"]:
                yield Finding("first_determinations", row["id"], "the verdict does not fit its hash")

    def _chunk(self, first: dict[str, Any]) -> ImportChunkRow | None:
        return self._chunks.get(first["chunk_id"])

    def _policy(self, sha256: str) -> PolicyDocument | None:
        if sha256 not in self._policies:
            try:
                self._policies[sha256] = stored_policy(self._unit.db, sha256)
            except NotFound:
                return None
        return self._policies[sha256]


def check_imports(unit: Unit) -> list[Finding]:
    """Compare all chunks of imports with the ledger, and with the first determinations that are stored.

    Args:
        unit: a snapshot to read in.

    Returns:
        What was found.
    """
    try:
        chunks = {chunk.id: chunk for chunk in import_chunks(unit.db)}
    except RowAltered as error:
        return [Finding("import_chunks", "all", error.message)]
    findings = []
    told = {UUID(entry["chunk"]): entry for entry in map(json.loads, import_entries(unit.db))}
    stored = dict(stored_digests(unit.db))
    for key in sorted(chunks.keys() | told.keys() | stored.keys()):
        chunk, entry = chunks.get(key), told.get(key)
        if chunk is None:
            findings.append(Finding("import_chunks", str(key), "it is missing"))
        elif entry is None or (entry["digest"], entry["by"]) != (chunk.digest.hex(), chunk.imported_by):
            findings.append(Finding("import_chunks", str(key), "it is not what the ledger says"))
        elif stored.get(key) != chunk.digest:
            what = "the first determinations of this chunk are not those that were signed into the ledger"
            findings.append(Finding("first_determinations", str(key), what))
    return findings
