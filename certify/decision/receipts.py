"""Show a person the records that a silent certification rested on, and accept their "that was not me"."""

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
    """One record that counted.

    Attributes:
        evidence_id: of the record.
        source: the registry that sent it.
        act: what was done.
        on: when, in the time zone of the policy.
        weight: how much it counts towards ``needed_weight``: the policy's weight of the act times the feed's trust.
        body_present: whether the act needs the person's presence.
        justification: why the policy gives the act this weight.
        denied: whether the person has said that it was not them.
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
    """One silent certification of one pension.

    Attributes:
        determination_id: of the determination or silent pass.
        scheme: of the pension.
        proven_on: the date of the proof of life.
        valid_until: the last day of the certification.
        decided_at: when it was decided.
        needed_weight: the weight that the records had to reach together.
        items: the records, newest first.
    """

    determination_id: UUID
    scheme: str
    proven_on: date
    valid_until: date
    decided_at: datetime
    needed_weight: float
    items: Sequence[ReceiptItem]


def receipts_of(unit: Unit, beneficiary_id: UUID) -> list[Receipt]:
    """Return a receipt for each silent certification of a person.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.

    Returns:
        The receipts, newest first.

    Raises:
        NotFound: no such person (``beneficiary_not_found``), or a part of a silent pass is missing.
    """
    get_beneficiary(unit.db, beneficiary_id)
    facts = {fact.id: fact for fact in evidence_of(unit.db, beneficiary_id)}
    denied = {fact.target for fact in facts.values() if isinstance(fact, Void) and fact.by_person}
    receipts: dict[tuple[str, str], Receipt] = {}
    for row in reversed(all_determinations(unit, beneficiary_id, limit=_MANY)):
        counted = next((r["facts"] for r in row.verdict["reasons"] if r["code"] == Code.PROVEN_DATA), None)
        if counted is None:
            continue
        signs = [fact for fact_id in counted if isinstance(fact := facts[fact_id], SignOfLife)]
        receipt = _receipt(row, signs, denied, stored_policy(unit.db, row.policy_sha256).policy)
        # If it was determined again without new evidence, it is the same certification, and the first receipt counts.
        receipts.setdefault((row.verdict["scheme"], row.verdict["proven_on"]), receipt)
    return sorted(receipts.values(), key=lambda receipt: (receipt.decided_at, receipt.scheme), reverse=True)


def deny(unit: Unit, beneficiary_id: UUID, evidence_id: UUID) -> ReviewCaseRow:
    """Void a sign of life because the person says "that was not me", and open a review case about it.

    The person is determined again at once. A repeated denial changes nothing.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        evidence_id: id of the sign of life.

    Returns:
        The open case.

    Raises:
        NotFound: no such person (``beneficiary_not_found``), or the evidence is not a sign of life of this person
            (``receipt_item_not_found``).
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
        institution=PERSON,
        principal=unit.actor,
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
