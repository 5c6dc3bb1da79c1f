"""Take out of the tables what could still name a person who is erased; facts and verdicts stay without it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from certify.storage.direct import fetch, run
from certify.storage.tables.decisions import DeterminationRow, EvidenceRow
from certify.storage.tables.doorstep import BundleRow, VisitTraceRow
from certify.storage.tables.imports import FirstDeterminationRow
from certify.storage.tables.people import ConsentRow, EntitlementRow
from certify.storage.tables.runs import AuditRow, LinkQuestionRow, SilentPassRow
from certify.storage.tables.sessions import SessionRow

_ERASED = b"select id::text from beneficiaries where id = any(%(people)s::uuid[]) and erased_at is not null"

_EARLY_VOIDS = b"""
    delete from early_voids v using evidence e
    where e.beneficiary_id = %(person)s and v.source = e.source and v.target = e.external_id
"""
_RUN_RECORDS = b"""
    delete from run_records r using evidence e, runs
    where e.beneficiary_id = %(person)s and runs.id = r.run_id and runs.source = e.source
        and r.number = regexp_replace(e.external_id, ':c[0-9]+$', '')
"""
_ASKED_RECORDS = b"""
    delete from run_records r using link_questions q, runs
    where q.beneficiary_id = %(person)s and runs.id = r.run_id and runs.source = q.source
        and r.number = regexp_replace(q.external_id, ':c[0-9]+$', '')
"""


def erased_among(db: Session, people: Collection[str]) -> set[str]:
    """Return the ids of those people who were erased."""
    ids = {"people": list(set(people))}
    return {row[0] for row in fetch(db, _ERASED, ids)}


def forget_facts_of(db: Session, beneficiary_id: UUID) -> None:
    """Take the numbers of registries and the birth date out of the facts and verdicts about an erased person.

    These tables are append-only. Their triggers let exactly these changes pass, for an erased person only. The rows are
    changed as objects of the ORM, so that each is sealed again.

    Args:
        db: the session of the transaction, in which ``erased_at`` of the person is written.
        beneficiary_id: id of the person.
    """
    for statement in (_EARLY_VOIDS, _RUN_RECORDS, _ASKED_RECORDS):
        run(db, statement, {"person": beneficiary_id})
    for fact in db.scalars(select(EvidenceRow).where(EvidenceRow.beneficiary_id == beneficiary_id)):
        fact.external_id = f"erased:{fact.id}"
    for verdict in db.scalars(select(DeterminationRow).where(DeterminationRow.beneficiary_id == beneficiary_id)):
        verdict.inputs = {**verdict.inputs, "entitlement": _without_birth(verdict.inputs["entitlement"])}
    for first in db.scalars(
        select(FirstDeterminationRow).where(FirstDeterminationRow.beneficiary_id == beneficiary_id)
    ):
        first.entitlement = _without_birth(first.entitlement)
    for silent in db.scalars(select(SilentPassRow).where(SilentPassRow.beneficiary_id == beneficiary_id)):
        silent.birth_date = None
    for pension in db.scalars(select(EntitlementRow).where(EntitlementRow.beneficiary_id == beneficiary_id)):
        pension.standing = pension.next_step = pension.valid_until = pension.due_on = None
        pension.last_proof_on = pension.first_due_on = pension.proven_on = pension.next_change_on = None
        pension.terms = None
    db.flush()


def _without_birth(entitlement: dict[str, Any]) -> dict[str, Any]:
    """Return a pension without birth date and terms, and without the day of the first proof: mostly a birthday."""
    kept = {name: value for name, value in entitlement.items() if name not in ("first_due_on", "terms")}
    return kept | {"birth_date": None}


def forget_traces_of(db: Session, beneficiary_id: UUID) -> None:
    """Delete consents and link questions of a person, and what sessions, visits and audits say of them.

    The rows of sessions and visits stay, because determinations and tablets' chains name them.

    Args:
        db: the session of the transaction.
        beneficiary_id: id of the person.
    """
    db.execute(delete(ConsentRow).where(ConsentRow.beneficiary_id == beneficiary_id))
    db.execute(delete(LinkQuestionRow).where(LinkQuestionRow.beneficiary_id == beneficiary_id))
    db.execute(
        update(SessionRow)
        .where(SessionRow.beneficiary_id == beneficiary_id)
        .values(report=None, plan=None, media_sha256=None, source=None, device=None, asked=None, guidance=[])
    )
    db.execute(
        update(BundleRow).where(BundleRow.beneficiary_id == beneficiary_id).values(details_sealed=None, media_sha256=[])
    )
    db.execute(
        update(VisitTraceRow).where(VisitTraceRow.beneficiary_id == beneficiary_id).values(sealed=b"", background=[])
    )
    db.execute(update(AuditRow).where(AuditRow.beneficiary_id == beneficiary_id).values(note=None))
