"""From rows to answers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from api.schemas.base import GuidanceOut
from api.schemas.certificates import CertificateOut, VerifyOut
from api.schemas.decisions import DeterminationOut, ReceiptOut, ReviewCaseOut
from api.schemas.own_pages import (
    AppealOut,
    ContactOut,
    HistoryOut,
    OwnAttemptOut,
    OwnCertificateOut,
    OwnPageOut,
    PensionOut,
    VisitOut,
)
from api.schemas.people import BeneficiaryOut, EntitlementOut, ReferenceOut
from api.schemas.sessions import NewSession, SessionOut, UploadOut
from certify.capture.uploads import MAX_CHUNK, MIN_CHUNK, Progress
from certify.certificates.qr import to_text
from certify.certificates.signing import State, read_unverified
from certify.decision.appeal import Appeal
from certify.decision.receipts import Receipt
from certify.domain.schedule import latest_date
from certify.domain.states import CertificateState, SessionState
from certify.doorstep.visits import LATEST, SOONEST, ShownVisit
from certify.own_page import History, OwnPage
from certify.people.contact import Contact
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
from certify.storage.tables.sessions import SessionRow
from models.guidance import sentence


def as_response(answer: BaseModel) -> Response:
    """Encode an answer where it was made. Returned as a model, FastAPI would send it to another thread for this."""
    return Response(answer.model_dump_json().encode(), media_type="application/json")


def beneficiary(unit: Unit, row: BeneficiaryRow) -> BeneficiaryOut:
    """Show a person with masked ids."""
    return BeneficiaryOut(
        id=row.id,
        name=row.name,
        national_id=row.national_id_masked,
        card_number=row.card_masked,
        birth_date=row.birth_date,
        region=row.region,
        needs=row.needs,
        erased=row.erased_at is not None,
        entitlements=[entitlement(e) for e in entitlements_of(unit.db, row.id)],
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


def receipt(found: Receipt) -> ReceiptOut:
    """Show a receipt."""
    return ReceiptOut.model_validate(asdict(found))


def guidance(codes: Sequence[str]) -> list[GuidanceOut]:
    """Put guidance codes into words."""
    return [GuidanceOut(code=code, text=sentence(code)) for code in codes]


def reference(row: ReferenceRow) -> ReferenceOut:
    """Show a reference; never its image or templates."""
    measurement: dict[str, Any] = row.measurement or {}
    return ReferenceOut.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "created_at": row.created_at,
            "guidance": guidance(row.guidance),
            "quality": measurement.get("quality", []),
        }
    )


def session(row: SessionRow, now: datetime, *, to_staff: bool = False) -> SessionOut:
    """Show a capture session; never its nonce, its raw report, or why so much is asked."""
    return SessionOut.model_validate(_session(row, now, to_staff=to_staff))


def new_session(row: SessionRow, now: datetime) -> NewSession:
    """Show a session to whoever has just opened it: the only time that its nonce is shown."""
    return NewSession.model_validate(_session(row, now) | {"nonce": nonce_text(row)})


def nonce_text(row: SessionRow) -> str:
    """Nonce of a session as text (base64url without padding)."""
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
    """Return the state people see: what was valid or paused and has run out is expired."""
    return (
        "expired"
        if row.state in (CertificateState.VALID, CertificateState.PAUSED) and now >= row.expires_at
        else row.state
    )


def certificate(row: CertificateRow, now: datetime) -> CertificateOut:
    """Show a certificate with its present state. The caller has made sure that it is genuine."""
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


def verification(row: CertificateRow, offline: State, lines: Sequence[str], now: datetime) -> VerifyOut:
    """Join what the signature says with what the issuer knows of revocation."""
    state = certificate_state(row, now)
    shown = offline.value if state in (CertificateState.VALID, "expired") else state
    # The last offline line says that revocation cannot be seen; here it can.
    words = [*lines[1:-1]]
    head = {
        "valid": "Genuine, valid, and not revoked.",
        "expired": "Genuine, but it has run out.",
        "not_yet_valid": "Genuine, but not valid yet.",
        "paused": "Genuine, but paused while an officer looks at a record. The pension continues meanwhile.",
        "superseded": "Genuine, but replaced by a newer certificate.",
        "revoked": "Genuine, but revoked. Do not accept it.",
    }[shown]
    return VerifyOut.model_validate(
        {"state": shown, "accept": shown == "valid", "number": row.number, "lines": [head, *words]}
    )


def review_case(row: ReviewCaseRow) -> ReviewCaseOut:
    """Show a review case."""
    return ReviewCaseOut.model_validate(row, from_attributes=True)


def own_page(unit: Unit, page: OwnPage) -> OwnPageOut:
    """Show a person how they stand."""
    today = latest_date(unit.now)
    return OwnPageOut(
        name=page.name,
        headline=page.headline.value,
        pensions=[_pension(unit, row) for row in page.pensions],
        valid_until=page.valid_until,
        due_on=page.due_on,
        certificate=page.certificate,
        can_film=page.can_film,
        consent=page.consent,
        visit=visit(page.visit) if page.visit else None,
        appeal=appeal(page.appeal) if page.appeal else None,
        earliest_visit=today + SOONEST,
        latest_visit=today + LATEST,
    )


def _pension(unit: Unit, row: EntitlementRow) -> PensionOut:
    shown = {name: getattr(row, name) for name in PensionOut.model_fields if name != "title"}
    return PensionOut.model_validate({**shown, "title": unit.service.policy(row.scheme).policy.title})


def visit(found: ShownVisit) -> VisitOut:
    """Show a visit that was asked for or is planned."""
    return VisitOut.model_validate(found, from_attributes=True)


def appeal(found: Appeal) -> AppealOut:
    """Show an appeal and its clock."""
    return AppealOut.model_validate(found, from_attributes=True)


def history(found: History, now: datetime) -> HistoryOut:
    """Show what happened."""
    attempts = [OwnAttemptOut.model_validate(row, from_attributes=True) for row in found.sessions]
    certificates = [
        OwnCertificateOut.model_validate(
            {
                "number": row.number,
                "state": certificate_state(row, now),
                "valid_from": row.valid_from,
                "valid_until": row.valid_until,
            }
        )
        for row in found.certificates
    ]
    return HistoryOut(attempts=attempts, certificates=certificates)


def contact(found: Contact) -> ContactOut:
    """Show how the fund reaches a person."""
    return ContactOut.model_validate(found, from_attributes=True)
