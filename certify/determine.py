"""Determining: decide every entitlement of a person, store the verdicts, and carry out what follows from them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from certify.domain.codec import determination_digest, determination_to_json
from certify.domain.decide import Determination, Entitlement, NextStep, Standing, decide
from certify.domain.evidence import Evidence
from certify.domain.passage import next_change
from certify.domain.schedule import local_date
from certify.issue import reconcile_certificate
from certify.policies import PolicyDocument
from certify.service import Service, Unit
from certify.storage.facts import evidence_of, store_policy
from certify.storage.people import entitlements_of, get_beneficiary, people_to_determine
from certify.storage.reviews import open_cases_of
from certify.storage.tables import BeneficiaryRow, CertificateRow, DeterminationRow, EntitlementRow, ReviewCaseRow

log = logging.getLogger("certify.determine")

_VISIT = "visit"
_UNPROVEN = (Standing.DUE, Standing.GRACE, Standing.OVERDUE)


@dataclass(frozen=True, slots=True)
class Determined:
    """What was determined for a person: verdicts and their ids, by scheme, and the certificate now in force."""

    determinations: list[Determination]
    ids: list[UUID]
    certificate: CertificateRow | None


def determine(unit: Unit, beneficiary_id: UUID, *, session_id: UUID | None = None) -> Determined:
    """Decide all entitlements of a person on today's date from all evidence, in the caller's transaction.

    Locks the person, so that two causes at once are decided one after the other. Certificate, review cases and
    ledger follow in the same transaction.
    """
    return determine_locked(unit, get_beneficiary(unit.db, beneficiary_id, lock=True), session_id=session_id)


def determine_locked(unit: Unit, person: BeneficiaryRow, *, session_id: UUID | None = None) -> Determined:
    """Do what ``determine`` does, for a caller that has locked the person already."""
    evidence = evidence_of(unit.db, person.id)
    determinations = []
    rows = []
    for row, entitlement, policy, determination in _decide_all(unit, person, evidence):
        stored = _store(unit, row, entitlement, policy, evidence, determination, session_id)
        _update_standing(unit, row, determination, stored)
        row.next_change_on = next_change(entitlement, policy.policy, determination)
        determinations.append(determination)
        rows.append(stored)
    unit.db.flush()
    _keep_review_cases(unit, person, determinations, rows)
    certificate = reconcile_certificate(unit, person, determinations, session_id=session_id)
    return Determined(determinations, [row.id for row in rows], certificate)


def foresee(unit: Unit, person: BeneficiaryRow) -> list[Determination]:
    """Return what ``determine`` would find now, and store nothing. What is stored may be of another day."""
    evidence = evidence_of(unit.db, person.id)
    return [determination for _, _, _, determination in _decide_all(unit, person, evidence)]


def let_time_pass(service: Service, *, limit: int = 500) -> int:
    """Determine the people for whom a day has come that may change their standing; return how many.

    Each in a transaction of its own, so that one failure holds up nobody else, and a stop loses nothing.
    """
    with service.reading() as unit:
        today = {name: local_date(unit.now, document.policy.timezone) for name, document in service.policies.items()}
        people = people_to_determine(unit.db, today, limit=limit)
    for beneficiary_id in people:
        try:
            with service.unit() as unit:
                determine(unit, beneficiary_id)
        except Exception:
            log.exception("determining a person anew failed; the others go on")
    return len(people)


def add_case(unit: Unit, beneficiary_id: UUID, kind: str, determination_id: UUID | None) -> ReviewCaseRow:
    """Open a review case. Without a determination it is one that a person asked for, and an officer alone closes it."""
    case = ReviewCaseRow(
        id=unit.service.new_id(),
        beneficiary_id=beneficiary_id,
        kind=kind,
        state="open",
        determination_id=determination_id,
        opened_at=unit.now,
    )
    unit.db.add(case)
    unit.ledger("review_opened", beneficiary_id, case=str(case.id), kind=kind)
    return case


def entitlement_to_json(entitlement: Entitlement) -> dict[str, Any]:
    """Store an entitlement as the decision saw it."""
    return {
        "id": entitlement.id,
        "scheme": entitlement.scheme,
        "starts_on": entitlement.starts_on.isoformat(),
        "birth_date": entitlement.birth_date.isoformat() if entitlement.birth_date else None,
        "last_proof_on": entitlement.last_proof_on.isoformat() if entitlement.last_proof_on else None,
    }


def entitlement_from_json(data: dict[str, Any]) -> Entitlement:
    """Undo ``entitlement_to_json``."""

    def day(key: str) -> date | None:
        return date.fromisoformat(data[key]) if data[key] else None

    return Entitlement(
        id=data["id"],
        scheme=data["scheme"],
        starts_on=date.fromisoformat(data["starts_on"]),
        birth_date=day("birth_date"),
        last_proof_on=day("last_proof_on"),
    )


def _decide_all(
    unit: Unit, person: BeneficiaryRow, evidence: list[Evidence]
) -> Iterator[tuple[EntitlementRow, Entitlement, PolicyDocument, Determination]]:
    for row in entitlements_of(unit.db, person.id):
        policy = unit.service.policy(row.scheme)
        entitlement = Entitlement(
            id=str(row.id),
            scheme=row.scheme,
            starts_on=row.starts_on,
            birth_date=person.birth_date,
            last_proof_on=row.last_proof_on,
        )
        as_of = local_date(unit.now, policy.policy.timezone)
        yield row, entitlement, policy, decide(entitlement, policy.policy, evidence, as_of)


def _store(
    unit: Unit,
    row: EntitlementRow,
    entitlement: Entitlement,
    policy: PolicyDocument,
    evidence: list[Evidence],
    determination: Determination,
    session_id: UUID | None,
) -> DeterminationRow:
    stored = DeterminationRow(
        id=unit.service.new_id(),
        entitlement_id=row.id,
        beneficiary_id=row.beneficiary_id,
        session_id=session_id,
        policy_sha256=policy.sha256,
        as_of=determination.as_of,
        inputs={"entitlement": entitlement_to_json(entitlement), "evidence": [fact.id for fact in evidence]},
        verdict=determination_to_json(determination),
        digest=determination_digest(determination),
        created_at=unit.now,
    )
    if policy.sha256 not in unit.service.stored_documents | unit.stored_documents:
        store_policy(unit.db, policy)
        unit.stored_documents.add(policy.sha256)
    unit.db.add(stored)
    return stored


def _update_standing(unit: Unit, row: EntitlementRow, new: Determination, stored: DeterminationRow) -> None:
    before = (row.standing, row.payment, row.valid_until)
    row.standing = new.standing.name.lower()
    row.payment = new.payment.value
    row.next_step = new.next_step.value
    row.valid_until = new.valid_until if new.standing is Standing.CERTIFIED else None
    row.due_on = new.timetable.due_on
    row.determination_id = stored.id
    if before != (row.standing, row.payment, row.valid_until):
        unit.ledger(
            "standing_changed",
            row.beneficiary_id,
            entitlement=str(row.id),
            before=before[0],
            after=row.standing,
            payment=row.payment,
            valid_until=row.valid_until.isoformat() if row.valid_until else None,
            determination=stored.digest.hex(),
        )


def _keep_review_cases(
    unit: Unit, person: BeneficiaryRow, determinations: list[Determination], rows: list[DeterminationRow]
) -> None:
    """Open the cases that the determinations ask for; close those whose cause has gone."""
    wanted: dict[str, UUID] = {}
    for determination, row in zip(determinations, rows, strict=True):
        if determination.review:
            wanted.setdefault(_case_kind(determination), row.id)
        if determination.next_step is NextStep.DOORSTEP:
            wanted.setdefault(_VISIT, row.id)  # attempts used up: somebody has to arrange that an agent comes
    open_now = {case.kind: case for case in open_cases_of(unit.db, person.id)}
    if _VISIT in open_now and any(d.standing in _UNPROVEN for d in determinations):
        # A visit once promised is not called off because the days in which attempts are counted went by.
        wanted.setdefault(_VISIT, rows[0].id)
    for kind, determination_id in wanted.items():
        if kind not in open_now:
            add_case(unit, person.id, kind, determination_id)
    for kind, case in open_now.items():
        # A case that a person opened is closed by an officer alone.
        if kind not in wanted and case.determination_id is not None:
            case.state, case.closed_at, case.closed_by = "closed", unit.now, "service"
            case.resolution = "cause_gone"
            unit.ledger("review_closed", person.id, case=str(case.id), resolution="cause_gone")


def _case_kind(determination: Determination) -> str:
    if determination.standing in (Standing.PAUSED, Standing.STOPPED):
        return "adverse_record"
    if determination.standing is Standing.OVERDUE:
        return "overdue"
    return "other_path" if determination.next_step is NextStep.OTHER_PATH else "question"
