"""Build answers from rows and domain objects. What an answer must not show is left out here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from api.journal import shows
from api.schemas.base import GuidanceOut
from api.schemas.certificates import CertificateOut, VerifyOut
from api.schemas.decisions import DeterminationOut, ReceiptOut, ReviewCaseOut
from api.schemas.people import BeneficiaryOut, EntitlementOut, ReferenceOut
from api.schemas.proposals import ProposalOut
from api.schemas.sessions import NewSession, SessionOut, UploadOut
from certify.capture.uploads import MAX_CHUNK, MIN_CHUNK, Progress
from certify.certificates.qr import to_text
from certify.certificates.signing import read_unverified
from certify.certificates.verify import FACE_ONLY, VerificationReport
from certify.decision.proposals import text_of
from certify.decision.receipts import Receipt
from certify.domain.scope import EVERYTHING, Scope
from certify.domain.states import CertificateState, SessionState
from certify.people.sittings import day_of
from certify.service import Unit
from certify.storage.people import entitlements_of
from certify.storage.tables.decisions import (
    CertificateRow,
    DeterminationRow,
    ReviewCaseRow,
)
from certify.storage.tables.people import (
    BeneficiaryRow,
    EntitlementRow,
    ReferenceRow,
)
from certify.storage.tables.proposals import ProposalRow
from certify.storage.tables.sessions import SessionRow
from models.guidance import sentence


def as_response(answer: BaseModel) -> Response:
    """Encode an answer in the calling thread. FastAPI encodes a returned model in another thread, which costs more."""
    return Response(answer.model_dump_json().encode(), media_type="application/json")


def beneficiary(unit: Unit, row: BeneficiaryRow, scope: Scope = EVERYTHING) -> BeneficiaryOut:
    """Show a person with their pensions in a scope; the ids are masked."""
    shows(row.id)
    return BeneficiaryOut(
        id=row.id,
        name=row.name,
        national_id=row.national_id_masked,
        card_number=row.card_masked,
        birth_date=row.birth_date,
        region=row.region,
        needs=row.needs,
        erased=row.erased_at is not None,
        entitlements=[entitlement(e) for e in entitlements_of(unit.db, row.id) if scope.covers_scheme(e.scheme)],
    )


def entitlement(row: EntitlementRow) -> EntitlementOut:
    """Show a pension."""
    return EntitlementOut(
        id=row.id,
        scheme=row.scheme,
        starts_on=row.starts_on,
        standing=row.standing,
        payment=row.payment,
        next_step=row.next_step,
        valid_until=row.valid_until,
        due_on=row.due_on,
        back_pay_from=row.back_pay_from,
        determination_id=row.determination_id,
    )


def receipt(shown: Receipt) -> ReceiptOut:
    """Show a receipt."""
    return ReceiptOut.model_validate(asdict(shown))


def guidance(codes: Sequence[str]) -> list[GuidanceOut]:
    """Return guidance codes with their English sentences."""
    return [GuidanceOut(code=code, text=sentence(code)) for code in codes]


def reference(row: ReferenceRow, now: datetime) -> ReferenceOut:
    """Show a reference and its age, without its image and templates."""
    shows(row.beneficiary_id)
    measurement: dict[str, Any] = row.measurement or {}
    return ReferenceOut.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "created_at": row.created_at,
            "provenance": row.provenance,
            "provenance_of": row.provenance_of,
            "added_by": row.added_by,
            "taken_on": day_of(row),
            "age_days": max((now.date() - day_of(row)).days, 0),
            "guidance": guidance(row.guidance),
            "quality": measurement.get("quality", []),
        }
    )


def session(row: SessionRow, now: datetime, *, to_staff: bool = False) -> SessionOut:
    """Show a capture session, without its nonce, its raw report, and the reason of its profile.

    Args:
        row: the session.
        now: present time, which decides whether an open session has expired.
        to_staff: also show person and determinations of a session that was opened with an id and a birth date only.
    """
    return SessionOut.model_validate(_session(row, now, to_staff=to_staff))


def new_session(row: SessionRow, now: datetime) -> NewSession:
    """Show a new session to the caller who opened it. Only this answer shows the nonce."""
    return NewSession.model_validate(_session(row, now) | {"nonce": nonce_text(row)})


def nonce_text(row: SessionRow) -> str:
    """Return the nonce of a session as text (base64url without padding)."""
    return base64.urlsafe_b64encode(row.nonce).rstrip(b"=").decode()


def upload(progress: Progress) -> UploadOut:
    """Show how far an upload got."""
    row = progress.session
    return UploadOut.model_validate(
        {
            "session_id": row.id,
            "state": row.state,
            "offset": progress.offset,
            "size": progress.size,
            "complete": row.state in (SessionState.SUBMITTED, SessionState.DECIDED),
            "min_chunk": MIN_CHUNK,
            "max_chunk": MAX_CHUNK,
            "expires_at": row.expires_at,
        }
    )


def _session(row: SessionRow, now: datetime, *, to_staff: bool = False) -> dict[str, Any]:
    hidden = row.public_entry and not to_staff
    shows(None if hidden else row.beneficiary_id)
    return {
        "id": row.id,
        "beneficiary_id": None if hidden else row.beneficiary_id,
        "channel": row.channel,
        "state": SessionState.EXPIRED if row.state == SessionState.OPEN and now >= row.expires_at else row.state,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "submitted_at": row.submitted_at,
        "decided_at": row.decided_at,
        "outcome": row.outcome,
        "attempts_left": row.attempts_left,
        "guidance": guidance(row.guidance),
        "certificate_number": row.certificate_number,
        "determinations": [] if hidden else row.determination_ids,
        "profile": row.profile,
        "plan": row.plan,
        "assisted": row.assisted,
    }


def determination(row: DeterminationRow) -> DeterminationOut:
    """Show a determination."""
    shows(row.beneficiary_id)
    verdict = row.verdict
    shown = {key: verdict[key] for key in DeterminationOut.model_fields if key in verdict}
    return DeterminationOut.model_validate(
        {
            **shown,
            "id": row.id,
            "beneficiary_id": row.beneficiary_id,
            "entitlement_id": row.entitlement_id,
            "session_id": row.session_id,
            "policy_sha256": row.policy_sha256,
            "evidence": row.inputs["evidence"],
            "digest": row.digest.hex(),
            "created_at": row.created_at,
        }
    )


def certificate_state(row: CertificateRow, now: datetime) -> str:
    """Return the state of a certificate for people: a valid or paused one that has run out is expired."""
    return (
        "expired"
        if row.state in (CertificateState.VALID, CertificateState.PAUSED) and now >= row.expires_at
        else row.state
    )


def certificate(row: CertificateRow, now: datetime) -> CertificateOut:
    """Show a certificate with its present state. The caller has checked that it is genuine."""
    shows(row.beneficiary_id)
    return CertificateOut.model_validate(
        {
            "number": row.number,
            "state": certificate_state(row, now),
            "reason": row.reason,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
            "issued_at": row.issued_at,
            "key_id": row.kid,
            "text": to_text(row.cose),
            "content": read_unverified(row.cose).to_json(),
        }
    )


def verification(row: CertificateRow, report: VerificationReport, now: datetime) -> VerifyOut:
    """Show the result of a verification: what the signature proves, and what the issuer knows about revocation.

    Args:
        row: the stored certificate.
        report: of the offline verification.
        now: present time.
    """
    state = certificate_state(row, now)
    shown = report.state.value if state in (CertificateState.VALID, "expired") else state
    # The last offline line says that revocation cannot be seen; here it can.
    words = [*report.lines[1:-1]]
    head = {
        "valid": f"Genuine and not revoked, but {FACE_ONLY}"
        if report.only_a_face
        else "Genuine, valid, and not revoked.",
        "expired": "Genuine, but it has run out.",
        "not_yet_valid": "Genuine, but not valid yet.",
        "paused": "Genuine, but paused while an officer looks at a record. The pension continues meanwhile.",
        "superseded": "Genuine, but replaced by a newer certificate.",
        "revoked": "Genuine, but revoked. Do not accept it.",
    }[shown]
    return VerifyOut.model_validate(
        {
            "state": shown,
            "accept": shown == "valid" and not report.only_a_face,
            "number": row.number,
            "method": report.certificate.method.value,
            "assurance": report.certificate.assurance,
            "only_a_face": report.only_a_face,
            "lines": [head, *words],
        }
    )


def review_case(row: ReviewCaseRow) -> ReviewCaseOut:
    """Show a review case."""
    shows(row.beneficiary_id)
    return ReviewCaseOut.model_validate(row, from_attributes=True)


def proposal(unit: Unit, row: ProposalRow) -> ProposalOut:
    """Show a proposal with the text of its reason."""
    names = (name for name in ProposalOut.model_fields if name != "text")
    return ProposalOut.model_validate({name: getattr(row, name) for name in names} | {"text": text_of(unit, row)})
