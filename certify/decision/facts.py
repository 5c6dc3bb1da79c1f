"""Add one fact to the evidence about a person, and the hash of its content to the ledger."""

from __future__ import annotations

from uuid import UUID

from certify.domain.codec import digest, evidence_to_json
from certify.domain.evidence import Evidence
from certify.domain.ledger_events import LedgerEvent
from certify.service import Unit
from certify.storage.facts import add_evidence


def record_fact(unit: Unit, beneficiary_id: UUID, fact: Evidence, *, external_id: str) -> bool:
    """Store a fact and note its hash in the ledger, unless this record of the source is stored already.

    Args:
        unit: the transaction to write in. It holds the lock of the person.
        beneficiary_id: the person that the fact is about.
        fact: the fact.
        external_id: number that the source gave the record.

    Returns:
        False if a record with this source and number is stored already, even with other content.
    """
    if not add_evidence(unit.db, beneficiary_id, fact, external_id=external_id):
        return False
    unit.ledger(
        LedgerEvent.EVIDENCE_RECORDED,
        beneficiary_id,
        evidence=fact.id,
        kind=type(fact).__name__,
        source=fact.source,
        body=digest(evidence_to_json(fact)).hex(),
    )
    return True
