"""Receipts: what a silent certification rested on, for the person to see, and "that was not me"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from certify.decision.cases import add_case
from certify.decision.determinations import all_determinations
from certify.decision.determine import determine_locked
from certify.domain.case_kinds import CaseKind
from certify.domain.codec import evidence_from_json
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import SignOfLife, Void
from certify.domain.ledger_events import LedgerEvent
from certify.domain.policy import Policy
from certify.domain.proofs import sign_weight
from certify.domain.reasons import Code
from certify.domain.schedule import local_date
from certify.domain.sources import PERSON
from certify.errors import NotFound
from certify.service import Unit
from certify.storage.facts import add_evidence, evidence_of, stored_policy
from certify.storage.people import get_beneficiary
from certify.storage.reviews import open_case_of
from certify.storage.tables.decisions import (
    DeterminationRow,
    EvidenceRow,
    ReviewCaseRow,
)

_MANY = 500


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """One record that counted: which registry says so, what was done, when, and what it weighs and why.

    ``denied``: the person has said that it was not them.
    """

    evidence_id: str
    source: str
    act: str
    on: date
    weight: float
    body_present: bool
    justification: str
    denied: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """One silent certification of one pension."""

    determination_id: UUID
    scheme: str
    proven_on: date
    valid_until: date
    decided_at: datetime
    needed_weight: float
    items: Sequence[ReceiptItem]


def receipts_of(unit: Unit, beneficiary_id: UUID) -> list[Receipt]:
    """Return a receipt for each silent certification of a person, newest first. Raises NotFound."""
    get_beneficiary(unit.db, beneficiary_id)
    facts = {fact.id: fact for fact in evidence_of(unit.db, beneficiary_id)}
    denied = {fact.target for fact in facts.values() if isinstance(fact, Void) and fact.by_person}
    receipts: dict[tuple[str, str], Receipt] = {}
    for row in reversed(all_determinations(unit, beneficiary_id, limit=_MANY)):
        counted = next((r["facts"] for r in row.verdict["reasons"] if r["code"] == Code.PROVEN_DATA), None)
        if counted is None:
            continue
        signs = [fact for number in counted if isinstance(fact := facts[number], SignOfLife)]
        receipt = _receipt(row, signs, denied, stored_policy(unit.db, row.policy_sha256).policy)
        # Determined again without anything new, it is the same certification: the first receipt stands.
        receipts.setdefault((row.verdict["scheme"], row.verdict["proven_on"]), receipt)
    return sorted(receipts.values(), key=lambda receipt: (receipt.decided_at, receipt.scheme), reverse=True)


def deny(unit: Unit, beneficiary_id: UUID, evidence_id: UUID) -> ReviewCaseRow:
    """Take back a sign of life because the person says "that was not me", and open a case about it.

    What rested on it is determined anew at once. Said twice, it is one denial. Raises NotFound (the sign is not this
    person's, or no sign of life).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    row = unit.db.get(EvidenceRow, evidence_id)
    if row is None or row.beneficiary_id != beneficiary_id or row.kind != "sign_of_life":
        raise NotFound("There is no such record on this person's receipts.", code=ErrorCode.RECEIPT_ITEM_NOT_FOUND)
    sign = evidence_from_json(row.body)
    void = Void(
        id=str(unit.service.new_id()),
        source=PERSON,
        event_at=unit.now,
        recorded_at=unit.now,
        target=sign.id,
        by_person=True,
    )
    new = add_evidence(unit.db, beneficiary_id, void, external_id=f"{evidence_id}:not-me")
    case = open_case_of(unit.db, beneficiary_id, CaseKind.NOT_ME)
    if new or case is None:
        unit.ledger(LedgerEvent.EVIDENCE_DENIED, beneficiary_id, evidence=sign.id, source=sign.source)
        case = case or add_case(unit, beneficiary_id, CaseKind.NOT_ME, None)
        unit.db.flush()
        determine_locked(unit, person)
    return case


def _receipt(row: DeterminationRow, signs: Sequence[SignOfLife], denied: set[str], policy: Policy) -> Receipt:
    return Receipt(
        row.id,
        row.verdict["scheme"],
        date.fromisoformat(row.verdict["proven_on"]),
        date.fromisoformat(row.verdict["valid_until"]),
        row.created_at,
        policy.silent.threshold,
        [
            ReceiptItem(
                sign.id,
                sign.source,
                sign.act,
                local_date(sign.event_at, policy.timezone),
                sign_weight(policy.signs[sign.act].weight, sign.trust) / 1_000_000,
                policy.signs[sign.act].body_present,
                policy.signs[sign.act].justification,
                sign.id in denied,
            )
            for sign in sorted(signs, key=lambda s: (s.event_at, s.id), reverse=True)
        ],
    )
