"""Read issued certificates."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import CertificateState
from certify.errors import NotFound
from certify.storage.tables.decisions import CertificateRow


def get_certificate(db: Session, number: str, *, lock: bool = False) -> CertificateRow:
    """Return a certificate.

    Args:
        db: the session of the transaction.
        number: number of the certificate.
        lock: lock the row until the transaction ends, and read it again if the session holds it already.

    Raises:
        NotFound: no such certificate (``certificate_not_found``).
    """
    query = select(CertificateRow).where(CertificateRow.number == number)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.scalars(query).one_or_none()
    if row is None:
        raise certificate_not_found()
    return row


def certificate_not_found() -> NotFound:
    """Return the error for a certificate that does not exist (``certificate_not_found``)."""
    return NotFound("There is no such certificate.", code=ErrorCode.CERTIFICATE_NOT_FOUND)


def certificate_in_force(db: Session, beneficiary_id: UUID) -> CertificateRow | None:
    """Return the valid or paused certificate of a person; there is one at most."""
    query = select(CertificateRow).where(
        CertificateRow.beneficiary_id == beneficiary_id,
        CertificateRow.state.in_((CertificateState.VALID, CertificateState.PAUSED)),
    )
    return db.scalars(query).one_or_none()


def certificates_of(db: Session, beneficiary_id: UUID) -> Sequence[CertificateRow]:
    """Return all certificates of a person, newest first."""
    query = select(CertificateRow).where(CertificateRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(CertificateRow.issued_at.desc(), CertificateRow.number)).all()
