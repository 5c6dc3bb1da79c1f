"""Decide every entitlement of people, store the verdicts, and carry out their consequences."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from certify.decision.cases import keep_review_cases
from certify.decision.issue import Finding, InForce, reconcile_certificates
from certify.domain.codec import canonical, determination_to_json, digest, verdict_digest
from certify.domain.decide import Determination, Entitlement, Payment, Standing, decide
from certify.domain.ledger_events import LedgerEvent
from certify.domain.passage import next_change
from certify.domain.schedule import local_date
from certify.domain.terms import read_terms, write_terms
from certify.policies import PolicyDocument
from certify.service import Service, Unit
from certify.storage.dossiers import Dossier, Pension, lock_people, read_dossiers
from certify.storage.facts import store_policy
from certify.storage.people import people_to_determine
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.verdicts import Changed, Verdicts

log = logging.getLogger("certify.determine")


@dataclass(frozen=True, slots=True)
class Determined:
    """What was determined for a person.

    Attributes:
        determinations: one for each entitlement, in the order of schemes.
        ids: ids under which they are stored, in the same order.
        certificate: the certificate now in force, if any.
    """

    determinations: list[Determination]
    ids: list[UUID]
    certificate: InForce | None


def determine(unit: Unit, beneficiary_id: UUID, *, session_id: UUID | None = None) -> Determined:
    """Decide all entitlements of a person on today's date from all evidence, in the caller's transaction.

    The person is locked, so that two causes at the same time are decided one after the other. Certificate, review cases
    and ledger entries are written in the same transaction.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        session_id: the capture session that is the cause, if any.

    Returns:
        The verdicts and the certificate now in force.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    lock_people(unit.db, [beneficiary_id])
    return _determine(unit, [beneficiary_id], session_id)[beneficiary_id]


def determine_locked(unit: Unit, person: BeneficiaryRow, *, session_id: UUID | None = None) -> Determined:
    """Do what ``determine`` does, for a caller that has locked the person already."""
    return _determine(unit, [person.id], session_id)[person.id]


def determine_many(unit: Unit, people: Collection[UUID]) -> dict[UUID, Determined]:
    """Do what ``determine`` does for many people in one transaction, with as many statements as for one.

    All of them are locked until the transaction ends, so take about a thousand at a time.

    Args:
        unit: the transaction to write in.
        people: ids of the people.

    Returns:
        The verdicts and the certificate now in force, by person.

    Raises:
        NotFound: one of them does not exist (``beneficiary_not_found``).
    """
    lock_people(unit.db, people)
    return _determine(unit, people, None)


def determine_locked_many(unit: Unit, people: Collection[UUID]) -> dict[UUID, Determined]:
    """Do what ``determine_many`` does, for a caller that has locked the people already."""
    return _determine(unit, people, None)


def _determine(unit: Unit, people: Collection[UUID], session_id: UUID | None) -> dict[UUID, Determined]:
    dossiers = read_dossiers(unit.db, people)
    verdicts = Verdicts()
    findings = {}
    for beneficiary_id in dict.fromkeys(people):
        finding = _find(unit, dossiers[beneficiary_id], session_id, verdicts)
        keep_review_cases(unit, finding, verdicts)
        findings[beneficiary_id] = finding
    certificates = reconcile_certificates(unit, list(findings.values()), verdicts, session_id=session_id)
    verdicts.write(unit.db)
    return {
        beneficiary_id: Determined(finding.determinations, finding.ids, certificates[beneficiary_id])
        for beneficiary_id, finding in findings.items()
    }


def preview(unit: Unit, person: BeneficiaryRow) -> list[Determination]:
    """Return what ``determine`` would find now, without storing it. Stored determinations may be of an earlier day."""
    dossier = read_dossiers(unit.db, [person.id])[person.id]
    return [determination for _, _, _, determination in _decide_all(unit, dossier)]


def determine_due(service: Service, *, limit: int = 500) -> int:
    """Determine the people whose standing may change because a date has come.

    Each person is a transaction of its own. One failure does not hold up the others, and an interruption loses nothing.

    Args:
        service: the running service.
        limit: at most so many people in one call.

    Returns:
        The number of people who were due.
    """
    with service.reading() as unit:
        today = {name: local_date(unit.now, document.policy.timezone) for name, document in service.policies.items()}
        people = people_to_determine(unit.db, today, limit=limit)
    for beneficiary_id in people:
        try:
            with service.unit() as unit:
                determine(unit, beneficiary_id)
        except Exception:
            log.exception("determining a person failed; the others continue")
    return len(people)


def entitlement_to_json(entitlement: Entitlement) -> dict[str, Any]:
    """Return an entitlement as the decision saw it, as plain JSON values."""
    return {
        "id": entitlement.id,
        "scheme": entitlement.scheme,
        "starts_on": entitlement.starts_on.isoformat(),
        "birth_date": entitlement.birth_date.isoformat() if entitlement.birth_date else None,
        "last_proof_on": entitlement.last_proof_on.isoformat() if entitlement.last_proof_on else None,
        # Determinations of earlier releases lack these two.
        **({"first_due_on": entitlement.first_due_on.isoformat()} if entitlement.first_due_on else {}),
        **({"terms": terms} if (terms := write_terms(entitlement.terms)) else {}),
    }


def entitlement_text(entitlement: Entitlement, day: Callable[[date | None], str]) -> str:
    """Return the canonical form of ``entitlement_to_json``, without its detour, where millions are written.

    Args:
        entitlement: the pension.
        day: returns a day as JSON.
    """
    stated = write_terms(entitlement.terms)
    terms = f',"terms":{canonical(stated).decode()}' if stated else ""
    first_due = f'"first_due_on":{day(entitlement.first_due_on)},' if entitlement.first_due_on else ""
    return (
        f'{{"birth_date":{day(entitlement.birth_date)},{first_due}"id":"{entitlement.id}",'
        f'"last_proof_on":{day(entitlement.last_proof_on)},"scheme":"{entitlement.scheme}",'
        f'"starts_on":{day(entitlement.starts_on)}{terms}}}'
    )


def entitlement_from_json(data: dict[str, Any]) -> Entitlement:
    """Undo ``entitlement_to_json``."""

    def day(key: str) -> date | None:
        return date.fromisoformat(data[key]) if data.get(key) else None

    return Entitlement(
        id=data["id"],
        scheme=data["scheme"],
        starts_on=date.fromisoformat(data["starts_on"]),
        birth_date=day("birth_date"),
        last_proof_on=day("last_proof_on"),
        first_due_on=day("first_due_on"),
        terms=read_terms(data.get("terms")),
    )


def _decide_all(unit: Unit, dossier: Dossier) -> Iterator[tuple[Pension, Entitlement, PolicyDocument, Determination]]:
    for pension in dossier.pensions:
        policy = unit.service.policy(pension.scheme)
        entitlement = Entitlement(
            id=str(pension.id),
            scheme=pension.scheme,
            starts_on=pension.starts_on,
            birth_date=dossier.birth_date,
            last_proof_on=pension.last_proof_on,
            first_due_on=pension.first_due_on,
            terms=read_terms(pension.terms),
        )
        as_of = local_date(unit.now, policy.policy.timezone)
        yield pension, entitlement, policy, decide(entitlement, policy.policy, dossier.evidence, as_of)


def _find(unit: Unit, dossier: Dossier, session_id: UUID | None, verdicts: Verdicts) -> Finding:
    """Decide all pensions of a person, and add the determinations and new standings to ``verdicts``."""
    finding = Finding(dossier)
    facts = [fact.id for fact in dossier.evidence]
    for pension, entitlement, policy, determination in _decide_all(unit, dossier):
        keep_policy(unit, policy)
        verdict = determination_to_json(determination)
        determination_id, sha256 = unit.service.new_id(), verdict_digest(verdict)
        stored = {
            "id": determination_id,
            "entitlement_id": pension.id,
            "beneficiary_id": dossier.id,
            "session_id": session_id,
            "policy_sha256": policy.sha256,
            "as_of": determination.as_of,
            "inputs": {"entitlement": entitlement_to_json(entitlement), "evidence": facts},
            "verdict": verdict,
            "digest": sha256,
            "created_at": unit.now,
        }
        verdicts.determinations.append(stored)
        standing = (
            standing_columns(determination)
            | _stopping(pension, determination)
            | {
                "next_change_on": next_change(entitlement, policy.policy, determination),
                "determination_id": determination_id,
            }
        )
        verdicts.standings.append(Changed(pension.row, standing))
        _note_change(unit, dossier, pension, standing, verdict, sha256)
        finding.determinations.append(determination)
        finding.ids.append(determination_id)
        finding.digests.append(sha256)
    return finding


def keep_policy(unit: Unit, policy: PolicyDocument) -> None:
    """Store the policy of a determination, unless it is stored already."""
    if policy.sha256 not in unit.service.stored_documents and policy.sha256 not in unit.stored_documents:
        store_policy(unit.db, policy)
        unit.stored_documents.add(policy.sha256)


def standing_columns(new: Determination) -> dict[str, Any]:
    """Return the columns of ``entitlements`` that follow from a determination alone."""
    return {
        "standing": new.standing.name.lower(),
        "payment": new.payment.value,
        "next_step": new.next_step.value,
        "valid_until": new.valid_until if new.standing is Standing.CERTIFIED else None,
        "due_on": new.timetable.due_on,
        "proven_on": new.proven_on,
    }


def _stopping(pension: Pension, new: Determination) -> dict[str, Any]:
    """Return since when a payment is stopped, and from which day it is owed once it continues."""
    stopped, owed = pension.stopped_on, pension.back_pay_from
    if new.payment is Payment.STOP:
        # If the payment is stopped again while back-pay is owed, the back-pay stays owed in case the payment continues.
        stopped, owed = (stopped if pension.payment == Payment.STOP else owed) or new.as_of, None
    elif pension.payment == Payment.STOP:
        stopped, owed = None, stopped
    return {"stopped_on": stopped, "back_pay_from": owed}


def _note_change(
    unit: Unit, dossier: Dossier, pension: Pension, now: dict[str, Any], verdict: dict[str, Any], sha256: bytes
) -> None:
    if (pension.standing, pension.payment, pension.valid_until) != (
        now["standing"],
        now["payment"],
        now["valid_until"],
    ):
        unit.ledger(
            LedgerEvent.STANDING_CHANGED,
            dossier.id,
            entitlement=str(pension.id),
            before=pension.standing,
            after=now["standing"],
            payment=now["payment"],
            valid_until=now["valid_until"].isoformat() if now["valid_until"] else None,
            back_pay_from=now["back_pay_from"].isoformat() if now["back_pay_from"] else None,
            determination=sha256.hex(),
            determined=str(now["determination_id"]),
            verdict=digest(verdict).hex(),
        )
