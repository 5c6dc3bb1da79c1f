"""Issuing, pausing, restoring and revoking the certificate that follows from a person's determinations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from certify.certificates.keys import VerificationKey
from certify.certificates.keyset import KeySet, TrustedKey
from certify.certificates.number import RANDOM_BYTES, new_number
from certify.certificates.payload import Certificate, CertifiedEntitlement, Method
from certify.certificates.signing import sign
from certify.domain.codec import determination_digest, digest
from certify.domain.decide import Determination, Standing
from certify.domain.evidence import Channel
from certify.domain.schedule import local_date
from certify.errors import Conflict
from certify.identifiers import open_identifiers
from certify.service import Unit
from certify.storage.certificates import binding_certificates, get_certificate
from certify.storage.people import get_beneficiary
from certify.storage.signing import active_key, public_keys
from certify.storage.tables import BeneficiaryRow, CertificateRow

_METHODS = {
    Channel.REMOTE: Method.REMOTE_FACE,
    Channel.DOORSTEP: Method.DOORSTEP,
    Channel.DATA: Method.DATA,
    Channel.CONSULATE: Method.OFFICER,
    Channel.OFFICER: Method.OFFICER,
}


_OWN_REASONS = ("payment_stopped", "proof_withdrawn", "person_erased")
"""Revocations that follow from determinations, and are undone by them."""


def reconcile_certificate(
    unit: Unit, person: BeneficiaryRow, determinations: Sequence[Determination], *, session_id: UUID | None
) -> CertificateRow | None:
    """Bring the person's certificate in line with the determinations; return the one in force, if any.

    * nothing is certified: the certificate is paused while an officer looks, revoked when the payment was stopped or
      the proof it rested on does not count any more; one that has merely run out says so itself;
    * certified, and the certificate would say the same: it stays, or is restored if it was paused;
    * certified, and it would say something new: a new one supersedes it.

    Proofs taken over from before this service give no certificate: nobody here saw them.
    """
    covered = [d for d in determinations if d.standing is Standing.CERTIFIED and d.method in _METHODS]
    subject = _subject(covered)
    current, taken_back = binding_certificates(unit.db, person.id, subject, _OWN_REASONS)
    if not covered:
        worst = min((d.standing for d in determinations), default=Standing.DUE)
        if worst is Standing.STOPPED:
            _change(unit, current, "revoked", "payment_stopped")
        elif worst is Standing.PAUSED:
            _change(unit, current, "paused", "adverse_record")
        elif current is not None and current.expires_at > unit.now:
            _change(unit, current, "revoked", "proof_withdrawn")
        return current if current is not None and current.state == "paused" else None
    if current is not None and current.subject_digest == subject:
        _change(unit, current, "valid", None)
        return current
    if taken_back:
        return None  # an officer took back just this statement; only a new proof gives a new certificate
    _change(unit, current, "superseded", "newer_proof")
    unit.db.flush()
    return _issue(unit, person, covered, subject, session_id)


def revoke(unit: Unit, number: str, *, reason: str) -> CertificateRow:
    """Revoke a certificate by hand. Raises NotFound, or Conflict when it is no longer in force."""
    get_beneficiary(unit.db, get_certificate(unit.db, number).beneficiary_id, lock=True)
    row = get_certificate(unit.db, number, lock=True)
    if row.state not in ("valid", "paused"):
        raise Conflict(f"This certificate is {row.state} already.", code="certificate_not_in_force")
    _change(unit, row, "revoked", reason)
    return row


def key_set(unit: Unit) -> KeySet:
    """Return the public keys that verify this service's certificates, retired ones included."""
    return KeySet(
        TrustedKey(
            VerificationKey.from_jwk(row.public_jwk), row.created_at.replace(microsecond=0), None, row.retired_at
        )
        for row in public_keys(unit.db, "certificate")
    )


def _subject(covered: Sequence[Determination]) -> bytes:
    """Digest what a certificate would say, apart from its number and the day it is written."""
    return digest(sorted([d.scheme, str(d.valid_until), str(d.method), d.assurance, str(d.proven_on)] for d in covered))


def _change(unit: Unit, row: CertificateRow | None, state: str, reason: str | None) -> None:
    if row is None or row.state == state:
        return
    unit.ledger("certificate_" + state, row.beneficiary_id, number=row.number, before=row.state, reason=reason)
    row.state, row.reason, row.changed_at = state, reason, unit.now


def _issue(
    unit: Unit, person: BeneficiaryRow, covered: Sequence[Determination], subject: bytes, session_id: UUID | None
) -> CertificateRow:
    service = unit.service
    latest = max(covered, key=lambda d: (d.valid_until or d.as_of, d.scheme))
    until = latest.valid_until or latest.as_of
    best = max(covered, key=lambda d: (d.proven_on or d.as_of, d.scheme))
    zone = service.policy(latest.scheme).policy.timezone
    key = active_key(unit.db, service.vault, "certificate", unit.now.replace(microsecond=0), hold=True)
    # The key first, then the time: a key made while this unit waited must not have signed before it existed.
    issued_at = service.clock().replace(microsecond=0)
    combined = digest(sorted(determination_digest(d).hex() for d in covered))
    certificate = Certificate.issue(
        number=new_number(local_date(unit.now, zone).year, service.random_bytes(RANDOM_BYTES)),
        issuer=service.settings.issuer_name,
        key_id=key.kid,
        name=person.name or "",
        birth_year=person.birth_date.year if person.birth_date else None,
        national_id=open_identifiers(unit, person)[0],
        entitlements=tuple(CertifiedEntitlement(d.scheme, d.valid_until or until) for d in covered),
        method=_METHODS[best.method or Channel.OFFICER],
        assurance=best.assurance,
        issued_at=issued_at,
        valid_from=issued_at,
        valid_until=until,
        time_zone=zone,
        determination=combined,
    )
    row = _row(unit, person, certificate, sign(certificate, key), subject, session_id)
    unit.db.add(row)
    unit.ledger(
        "certificate_issued",
        person.id,
        number=row.number,
        determinations=combined.hex(),
        valid_until=until.isoformat(),
        kid=key.kid,
    )
    return row


def _row(
    unit: Unit, person: BeneficiaryRow, certificate: Certificate, cose: bytes, subject: bytes, session_id: UUID | None
) -> CertificateRow:
    now: datetime = unit.now
    return CertificateRow(
        number=certificate.number,
        beneficiary_id=person.id,
        session_id=session_id,
        state="valid",
        cose=cose,
        subject_digest=subject,
        valid_from=certificate.valid_from,
        valid_until=certificate.valid_until,
        expires_at=certificate.expires_at,
        kid=certificate.key_id,
        issued_at=now,
        changed_at=now,
    )
