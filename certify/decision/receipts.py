"""Show a person the records and attestations that certified them, and accept their "that was not me"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from certify.decision.cases import add_case
from certify.decision.determinations import all_determinations
from certify.decision.determine import determine_locked
from certify.decision.facts import record_fact
from certify.domain.case_kinds import CaseKind
from certify.domain.codec import evidence_from_json
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import Attestation, SignOfLife, Void
from certify.domain.ledger_events import LedgerEvent
from certify.domain.policy import Policy
from certify.domain.reasons import Code
from certify.domain.schedule import local_date
from certify.domain.sign_sums import sign_weight
from certify.domain.sources import PERSON
from certify.errors import NotFound
from certify.service import Unit
from certify.storage.facts import evidence_of, stored_policy
from certify.storage.people import get_beneficiary
from certify.storage.reviews import open_case_of
from certify.storage.tables.decisions import (
    DeterminationRow,
    EvidenceRow,
    ReviewCaseRow,
)

_MANY = 500
_DENIABLE = ("sign_of_life", "attestation")
"""Kinds of evidence that a person can deny: what others say of their life."""
_COUNTED = (Code.PROVEN_DATA, Code.PROVEN_ATTESTED, Code.PROVEN_CONSULATE)
"""Reasons of proofs that rest on such evidence."""


@dataclass(frozen=True, slots=True)
class ReceiptItem:
    """One record or attestation that counted.

    Attributes:
        evidence_id: of the record.
        source: the registry that sent it, or the institution's source that attested.
        act: what was done; for an attestation its channel, such as ``notary``.
        on: when, in the time zone of the policy.
        weight: how much it counts towards ``needed_weight``: the policy's weight of the act times the feed's trust.
        body_present: whether the act needs the person's presence.
        justification: why the policy gives the act this weight.
        denied: whether the person has said that it was not them.
        place: where an attestation says that the person was seen; None for a record.
    """

    evidence_id: str
    source: str
    act: str
    on: date
    weight: float
    body_present: bool
    justification: str
    denied: bool
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One certification of one pension by records, or by an attestation, which proves alone.

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
    """Return a receipt for each certification of a person by records or by an attestation.

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
        counted = next((r["facts"] for r in row.verdict["reasons"] if r["code"] in _COUNTED), None)
        if counted is None:
            continue
        told = [fact for fact_id in counted if isinstance(fact := facts[fact_id], SignOfLife | Attestation)]
        if not told:  # nothing that the person could deny
            continue
        receipt = _receipt(row, told, denied, stored_policy(unit.db, row.policy_sha256).policy)
        # If it was determined again without new evidence, it is the same certification, and the first receipt counts.
        receipts.setdefault((row.verdict["scheme"], row.verdict["proven_on"]), receipt)
    return sorted(receipts.values(), key=lambda receipt: (receipt.decided_at, receipt.scheme), reverse=True)


def deny(unit: Unit, beneficiary_id: UUID, evidence_id: UUID) -> ReviewCaseRow:
    """Void a sign of life or an attestation because the person says "that was not me", and open a review case about it.

    The person is determined again at once. A repeated denial changes nothing.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        evidence_id: id of the sign of life or attestation.

    Returns:
        The open case.

    Raises:
        NotFound: no such person (``beneficiary_not_found``), or the evidence is neither a sign of life nor an
            attestation about this person (``receipt_item_not_found``).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    row = unit.db.get(EvidenceRow, evidence_id)
    if row is None or row.beneficiary_id != beneficiary_id or row.kind not in _DENIABLE:
        raise NotFound("There is no such record on this person's receipts.", code=ErrorCode.RECEIPT_ITEM_NOT_FOUND)
    denied = evidence_from_json(row.body)
    void = Void(
        id=str(unit.service.new_id()),
        source=PERSON,
        event_at=unit.now,
        recorded_at=unit.now,
        institution=PERSON,
        principal=unit.actor,
        target=denied.id,
        by_person=True,
    )
    new = record_fact(unit, beneficiary_id, void, external_id=f"{evidence_id}:not-me")
    case = open_case_of(unit.db, beneficiary_id, CaseKind.NOT_ME)
    if new or case is None:
        unit.ledger(LedgerEvent.EVIDENCE_DENIED, beneficiary_id, evidence=denied.id, source=denied.source)
        case = case or add_case(unit, beneficiary_id, CaseKind.NOT_ME, None)
        unit.db.flush()
        determine_locked(unit, person)
    return case


def _receipt(
    row: DeterminationRow, told: Sequence[SignOfLife | Attestation], denied: set[str], policy: Policy
) -> Receipt:
    attested = any(isinstance(fact, Attestation) for fact in told)
    return Receipt(
        row.id,
        row.verdict["scheme"],
        date.fromisoformat(row.verdict["proven_on"]),
        date.fromisoformat(row.verdict["valid_until"]),
        row.created_at,
        1.0 if attested else policy.silent.threshold,
        [_item(fact, denied, policy) for fact in sorted(told, key=lambda f: (f.event_at, f.id), reverse=True)],
    )


def _item(fact: SignOfLife | Attestation, denied: set[str], policy: Policy) -> ReceiptItem:
    day, no_longer = local_date(fact.event_at, policy.timezone), fact.id in denied
    if isinstance(fact, Attestation):
        why = policy.attestation[fact.channel].justification
        return ReceiptItem(fact.id, fact.source, fact.channel.value, day, 1.0, True, why, no_longer, fact.place)
    rule = policy.signs[fact.act]
    weight = sign_weight(rule.weight, fact.trust) / 1_000_000
    return ReceiptItem(fact.id, fact.source, fact.act, day, weight, rule.body_present, rule.justification, no_longer)
