"""Issued certificates."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from certify.errors import NotFound
from certify.storage.tables import CertificateRow


def get_certificate(db: Session, number: str, *, lock: bool = False) -> CertificateRow:
    """Return a certificate. Raises NotFound."""
    query = select(CertificateRow).where(CertificateRow.number == number)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.scalars(query).one_or_none()
    if row is None:
        raise certificate_not_found()
    return row


def certificate_not_found() -> NotFound:
    """Make the error for a certificate that does not exist."""
    return NotFound("There is no such certificate.", code="certificate_not_found")


def certificate_in_force(db: Session, beneficiary_id: UUID) -> CertificateRow | None:
    """Return the valid or paused certificate of a person."""
    query = select(CertificateRow).where(
        CertificateRow.beneficiary_id == beneficiary_id, CertificateRow.state.in_(("valid", "paused"))
    )
    return db.scalars(query).one_or_none()


def certificates_of(db: Session, beneficiary_id: UUID) -> Sequence[CertificateRow]:
    """Return all certificates of a person, newest first."""
    query = select(CertificateRow).where(CertificateRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(CertificateRow.issued_at.desc(), CertificateRow.number)).all()


def binding_certificates(
    db: Session, beneficiary_id: UUID, subject: bytes, own_reasons: Sequence[str]
) -> tuple[CertificateRow | None, bool]:
    """Return the certificate in force, and whether one that said just this was revoked by hand.

    By hand means: for a reason other than the service's own.
    """
    in_force = CertificateRow.state.in_(("valid", "paused"))
    by_hand = and_(
        CertificateRow.state == "revoked",
        CertificateRow.subject_digest == subject,
        CertificateRow.reason.not_in(own_reasons),
    )
    query = select(CertificateRow).where(CertificateRow.beneficiary_id == beneficiary_id, or_(in_force, by_hand))
    rows = db.scalars(query).all()
    current = next((row for row in rows if row.state != "revoked"), None)
    return current, any(row.state == "revoked" for row in rows)
