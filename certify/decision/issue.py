"""Issue, pause, restore and revoke certificates, as people's determinations require."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from certify.certificates.keys import VerificationKey
from certify.certificates.keyset import KeySet, TrustedKey
from certify.certificates.number import RANDOM_BYTES, new_number
from certify.certificates.payload import Certificate, CertifiedEntitlement, Method
from certify.certificates.signing import sign
from certify.domain.channels import CHANNELS
from certify.domain.codec import digest
from certify.domain.decide import Determination, Standing
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.schedule import local_date
from certify.domain.states import CertificateState
from certify.errors import Conflict
from certify.people.identifiers import open_identifiers
from certify.service import Unit
from certify.storage.certificates import get_certificate
from certify.storage.dossiers import Dossier, KnownCertificate
from certify.storage.people import get_beneficiary
from certify.storage.signing import active_key, public_keys
from certify.storage.tables.decisions import CertificateRow
from certify.storage.verdicts import Changed, Verdicts

_EVENTS: Mapping[str, LedgerEvent] = {state: LedgerEvent(f"certificate_{state}") for state in CertificateState}

_OWN_REASONS = ("payment_stopped", "proof_withdrawn", "person_erased")
"""Reasons of revocations that determinations cause, and that later determinations undo."""


def _method(determination: Determination) -> Method | None:
    """Return how a certificate names the proof; None if there is no proof, or none that a certificate can rest on."""
    method = None if determination.method is None else CHANNELS[determination.method].method
    return None if method is None else Method(method)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was determined for one person.

    Attributes:
        dossier: everything known about the person.
        determinations: one for each entitlement, in the order of schemes.
        ids: ids under which they are stored, in the same order.
        digests: SHA-256 of the verdicts, in the same order.
    """

    dossier: Dossier
    determinations: list[Determination] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)

    @property
    def covered(self) -> list[tuple[Determination, bytes]]:
        """The determinations that a certificate can rest on. A proof from before this service is none of them."""
        both = zip(self.determinations, self.digests, strict=True)
        return [(d, sha256) for d, sha256 in both if d.standing is Standing.CERTIFIED and _method(d) is not None]


@dataclass(frozen=True, slots=True)
class InForce:
    """A certificate in force: valid, or paused while an officer reviews the case."""

    number: str
    state: str


def reconcile_certificates(
    unit: Unit, findings: Sequence[Finding], verdicts: Verdicts, *, session_id: UUID | None
) -> dict[UUID, InForce | None]:
    """Bring people's certificates in line with what was determined.

    * If nothing is certified, the certificate is paused while an officer reviews the case, or revoked when the payment
      was stopped or its proof does not count any more. One that has only expired stays as it is.
    * If the person is certified and the certificate would say the same, it stays, or is restored if it was paused.
    * If the person is certified and the certificate would say something new, a new one supersedes it.

    Args:
        unit: the transaction that holds the locks of the people.
        findings: what was determined, one for each person.
        verdicts: collects the changed and new rows to write.
        session_id: the capture session that is the cause, if any.

    Returns:
        The certificate in force, if any, by person.
    """
    in_force: dict[UUID, InForce | None] = {}
    new: list[Finding] = []
    for finding in findings:
        current = next((c for c in finding.dossier.certificates if c.state != CertificateState.REVOKED), None)
        in_force[finding.dossier.id] = _keep_or_end(unit, finding, current, verdicts)
        if _needs_new(finding, current):
            _change(unit, finding, current, CertificateState.SUPERSEDED, "newer_proof", verdicts)
            new.append(finding)
    if new:
        for row in _issue(unit, new, session_id):
            verdicts.certificates_issued.append(row)
            in_force[row["beneficiary_id"]] = InForce(row["number"], row["state"])
    return in_force


def revoke(unit: Unit, number: str, *, reason: str) -> CertificateRow:
    """Revoke a certificate by hand.

    Args:
        unit: the transaction to write in.
        number: number of the certificate.
        reason: why, as stored and shown.

    Returns:
        The revoked certificate.

    Raises:
        NotFound: no such certificate (``certificate_not_found``).
        Conflict: it is not in force any more (``certificate_not_in_force``).
    """
    get_beneficiary(unit.db, get_certificate(unit.db, number).beneficiary_id, lock=True)
    row = get_certificate(unit.db, number, lock=True)
    require_in_force(row)
    _note(unit, row.beneficiary_id, row.number, before=row.state, state=CertificateState.REVOKED, reason=reason)
    row.state, row.reason, row.changed_at = CertificateState.REVOKED, reason, unit.now
    return row


def require_in_force(row: CertificateRow) -> None:
    """Check that a certificate is in force.

    Raises:
        Conflict: it is not in force any more (``certificate_not_in_force``).
    """
    if row.state not in (CertificateState.VALID, CertificateState.PAUSED):
        raise Conflict(f"This certificate is {row.state} already.", code=ErrorCode.CERTIFICATE_NOT_IN_FORCE)


def key_set(unit: Unit) -> KeySet:
    """Return the public keys that verify this service's certificates, retired ones included."""
    return KeySet(
        TrustedKey(
            VerificationKey.from_jwk(row.public_jwk), row.created_at.replace(microsecond=0), None, row.retired_at
        )
        for row in public_keys(unit.db, "certificate")
    )


def _keep_or_end(unit: Unit, finding: Finding, current: KnownCertificate | None, verdicts: Verdicts) -> InForce | None:
    """Keep, pause, restore or revoke the present certificate; return it if it stays in force."""
    if current is None:
        return None
    if finding.covered:
        if current.subject_digest != _subject(finding):
            return None
        return _change(unit, finding, current, CertificateState.VALID, None, verdicts)
    worst = min((d.standing for d in finding.determinations), default=Standing.DUE)
    if worst is Standing.STOPPED:
        _change(unit, finding, current, CertificateState.REVOKED, "payment_stopped", verdicts)
        return None
    if worst is Standing.PAUSED:
        return _change(unit, finding, current, CertificateState.PAUSED, "adverse_record", verdicts)
    if current.expires_at > unit.now:
        _change(unit, finding, current, CertificateState.REVOKED, "proof_withdrawn", verdicts)
        return None
    return InForce(current.number, current.state) if current.state == CertificateState.PAUSED else None


def _needs_new(finding: Finding, current: KnownCertificate | None) -> bool:
    """Tell whether a new certificate is needed.

    If an officer revoked a certificate with the same statement, only a new proof gives a new certificate.
    """
    if not finding.covered:
        return False
    subject = _subject(finding)
    return not (current is not None and current.subject_digest == subject) and not any(
        known.state == CertificateState.REVOKED
        and known.subject_digest == subject
        and known.reason is not None
        and known.reason not in _OWN_REASONS
        for known in finding.dossier.certificates
    )


def _subject(finding: Finding) -> bytes:
    """Return the digest of what a certificate would say, apart from its number and its date of issue."""
    said = [[d.scheme, str(d.valid_until), str(d.method), d.assurance, str(d.proven_on)] for d, _ in finding.covered]
    return digest(sorted(said))


def _change(
    unit: Unit,
    finding: Finding,
    current: KnownCertificate | None,
    state: str,
    reason: str | None,
    verdicts: Verdicts,
) -> InForce | None:
    if current is None:
        return None
    if current.state != state:
        _note(unit, finding.dossier.id, current.number, before=current.state, state=state, reason=reason)
        changed = {"state": state, "reason": reason, "changed_at": unit.now}
        verdicts.certificates_changed.append(Changed(current.row, changed))
    return InForce(current.number, state)


def _note(unit: Unit, beneficiary_id: UUID, number: str, *, before: str, state: str, reason: str | None) -> None:
    unit.ledger(_EVENTS[state], beneficiary_id, number=number, before=before, reason=reason)


def _issue(unit: Unit, findings: Sequence[Finding], session_id: UUID | None) -> Iterator[dict[str, Any]]:
    key = active_key(unit.db, unit.service.vault, "certificate", unit.now.replace(microsecond=0), hold=True)
    # The key first, then the time: a key made while this unit waited must not appear to have signed before it existed.
    issued_at = unit.service.clock().replace(microsecond=0)
    unit.open_sealers([finding.dossier.id for finding in findings])
    for finding in findings:
        certificate = _certificate(unit, finding, key.kid, issued_at)
        unit.ledger(
            LedgerEvent.CERTIFICATE_ISSUED,
            finding.dossier.id,
            number=certificate.number,
            determinations=certificate.determination.hex(),
            valid_until=certificate.valid_until.isoformat(),
            kid=key.kid,
        )
        yield {
            "number": certificate.number,
            "beneficiary_id": finding.dossier.id,
            "session_id": session_id,
            "state": CertificateState.VALID,
            "cose": sign(certificate, key),
            "subject_digest": _subject(finding),
            "valid_from": certificate.valid_from,
            "valid_until": certificate.valid_until,
            "expires_at": certificate.expires_at,
            "kid": certificate.key_id,
            "issued_at": unit.now,
            "changed_at": unit.now,
        }


def _certificate(unit: Unit, finding: Finding, kid: str, issued_at: datetime) -> Certificate:
    service, person = unit.service, finding.dossier
    covered = [determination for determination, _ in finding.covered]
    latest = max(covered, key=lambda d: (d.valid_until or d.as_of, d.scheme))
    until = latest.valid_until or latest.as_of
    best = max(covered, key=lambda d: (d.proven_on or d.as_of, d.scheme))
    zone = service.policy(latest.scheme).policy.timezone
    return Certificate.issue(
        number=new_number(local_date(unit.now, zone).year, service.random_bytes(RANDOM_BYTES)),
        issuer=service.settings.issuer_name,
        key_id=kid,
        name=person.name or "",
        birth_year=person.birth_date.year if person.birth_date else None,
        national_id=open_identifiers(unit, person)[0],
        entitlements=tuple(CertifiedEntitlement(d.scheme, d.valid_until or until) for d in covered),
        method=_method(best) or Method.OFFICER,
        assurance=best.assurance,
        issued_at=issued_at,
        valid_from=issued_at,
        valid_until=until,
        time_zone=zone,
        determination=digest(sorted(sha256.hex() for _, sha256 in finding.covered)),
    )
