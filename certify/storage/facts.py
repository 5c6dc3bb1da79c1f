"""Store evidence, determinations, policies and fitted parameters. Rows are written once and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.domain.codec import evidence_from_json, evidence_kind, evidence_to_json
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import Evidence
from certify.errors import NotFound
from certify.policies import PolicyDocument, document_policy
from certify.storage.direct import as_rows, run
from certify.storage.tables.decisions import (
    DeterminationRow,
    EvidenceRow,
    ParameterRow,
    PolicyRow,
)

_ADD = b"""
    insert into evidence select * from json_populate_recordset(null::evidence, %(facts)s) on conflict do nothing
"""


def add_evidence(db: Session, beneficiary_id: UUID, fact: Evidence, *, external_id: str) -> bool:
    """Store a fact, unless this record of the source is stored already.

    Args:
        db: the session of the transaction.
        beneficiary_id: the person that the fact is about. The caller holds the person's lock.
        fact: the fact.
        external_id: number that the source gave the record.

    Returns:
        False if a record with this source and number is stored already, even with other content.
    """
    new = {
        "id": UUID(fact.id),
        "beneficiary_id": beneficiary_id,
        "kind": evidence_kind(fact),
        "source": fact.source,
        "institution": fact.institution or fact.source,
        "principal": fact.principal or fact.source,
        "external_id": external_id,
        "event_at": fact.event_at,
        "recorded_at": fact.recorded_at,
        "body": evidence_to_json(fact),
    }
    return run(db, _ADD, {"facts": as_rows([new])}) == 1


def evidence_of(db: Session, beneficiary_id: UUID) -> list[Evidence]:
    """Return all facts about a person, oldest first."""
    query = select(EvidenceRow.body).where(EvidenceRow.beneficiary_id == beneficiary_id)
    bodies = db.scalars(query.order_by(EvidenceRow.recorded_at, EvidenceRow.id))
    return [evidence_from_json(body) for body in bodies]


def evidence_by_ids(db: Session, ids: Sequence[str]) -> list[Evidence]:
    """Return exactly the facts with these ids.

    Raises:
        NotFound: one of them is missing (``evidence_missing``).
    """
    rows = db.scalars(select(EvidenceRow).where(EvidenceRow.id.in_([UUID(i) for i in ids]))).all()
    if len(rows) != len(set(ids)):
        raise NotFound("Evidence of this determination is missing.", code=ErrorCode.EVIDENCE_MISSING)
    return [evidence_from_json(row.body) for row in rows]


def find_evidence(db: Session, source: str, external_id: str) -> EvidenceRow | None:
    """Return the stored record with this number of a source."""
    query = select(EvidenceRow).where(EvidenceRow.source == source, EvidenceRow.external_id == external_id)
    return db.scalars(query).one_or_none()


def store_policy(db: Session, policy: PolicyDocument) -> None:
    """Store the policy document that determinations are made under, unless it is stored already."""
    new = insert(PolicyRow).values(
        sha256=policy.sha256,
        scheme=policy.policy.scheme,
        version=policy.policy.version,
        document=dict(policy.document),
    )
    db.execute(new.on_conflict_do_nothing())


def store_parameters(db: Session, *, sha256: str, kind: str, document: str) -> None:
    """Store a file of fitted parameters that a session is judged with, unless it is stored already."""
    new = insert(ParameterRow).values(sha256=sha256, kind=kind, document=document)
    db.execute(new.on_conflict_do_nothing())


def stored_parameters(db: Session, sha256: str) -> str:
    """Return a file of fitted parameters as it was when a session was judged with it.

    Raises:
        NotFound: no such file is stored (``parameters_missing``).
    """
    row = db.get(ParameterRow, sha256)
    if row is None:
        raise NotFound("The parameters of this session are missing.", code=ErrorCode.PARAMETERS_MISSING)
    return row.document


def get_determination(db: Session, determination_id: UUID) -> DeterminationRow:
    """Return a determination that was stored whole.

    :mod:`certify.decision.determinations` also finds silent passes, which are stored in brief.

    Raises:
        NotFound: there is no such determination, or it is a silent pass (``determination_not_found``).
    """
    row = db.get(DeterminationRow, determination_id)
    if row is None:
        raise NotFound("There is no such determination.", code=ErrorCode.DETERMINATION_NOT_FOUND)
    return row


def determinations_of(
    db: Session, *, beneficiary_id: UUID | None = None, session_id: UUID | None = None, limit: int = 100
) -> Sequence[DeterminationRow]:
    """Return determinations, newest first.

    Args:
        db: the session of the transaction.
        beneficiary_id: only those of this person.
        session_id: only those that this capture session led to.
        limit: how many at most.
    """
    query = select(DeterminationRow).order_by(DeterminationRow.created_at.desc(), DeterminationRow.id).limit(limit)
    if beneficiary_id is not None:
        query = query.where(DeterminationRow.beneficiary_id == beneficiary_id)
    if session_id is not None:
        query = query.where(DeterminationRow.session_id == session_id)
    return db.scalars(query).all()


def stored_policy(db: Session, sha256: str) -> PolicyDocument:
    """Return a policy as it was when something was determined under it.

    Raises:
        NotFound: no such policy is stored (``policy_missing``).
    """
    row = db.get(PolicyRow, sha256)
    if row is None:
        raise NotFound("The policy of this determination is missing.", code=ErrorCode.POLICY_MISSING)
    return document_policy(row.document)
