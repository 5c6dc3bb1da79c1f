"""Capture sessions: open one, take the media, evaluate it once. One session is one attempt to prove life."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.determine import determine
from certify.domain.evidence import Capture, Channel, Check
from certify.domain.outcome import session_outcome
from certify.domain.proofs import judge_capture
from certify.enrol import measure, open_references
from certify.errors import Conflict, Gone, Unavailable
from certify.queue import EVALUATE
from certify.service import Service, Unit
from certify.storage.facts import add_evidence
from certify.storage.media import put_media, read_media
from certify.storage.people import get_beneficiary, references_of
from certify.storage.sessions import get_session, sessions_since
from certify.storage.tables import SessionRow
from models.image import probe

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import Comparison, FaceEngine, Measurement

SOURCE = "certify"
"""The name under which the service records its own captures."""

MAX_SESSIONS_A_DAY = 20
"""Per person. Far above any honest need; bounds guessing and the load one person can cause."""


def open_session(unit: Unit, beneficiary_id: UUID, channel: Channel) -> SessionRow:
    """Open a capture session for a person with at least one usable or pending reference.

    Raises NotFound, Gone (erased), Conflict (``no_reference``, ``too_many_sessions``).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    if person.erased_at is not None:
        raise Gone("The data of this person was erased.", code="person_erased")
    if not any(reference.state != "refused" for reference in references_of(unit.db, beneficiary_id)):
        raise Conflict(
            "There is no enrolled photo of this person to compare with.",
            hint="An agent or officer must enrol one first.",
            code="no_reference",
        )
    if sessions_since(unit.db, beneficiary_id, unit.now - timedelta(days=1)) >= MAX_SESSIONS_A_DAY:
        raise Conflict(
            "There were too many attempts for this person today.",
            hint="Try again tomorrow, or ask for a visit at home.",
            code="too_many_sessions",
        )
    row = SessionRow(
        id=unit.service.new_id(),
        beneficiary_id=beneficiary_id,
        channel=channel.value,
        state="open",
        nonce=unit.service.random_bytes(16),
        created_at=unit.now,
        expires_at=unit.now + timedelta(minutes=unit.service.settings.session_minutes),
    )
    unit.db.add(row)
    unit.db.flush()
    return row


def submit_media(unit: Unit, session_id: UUID, data: bytes) -> SessionRow:
    """Take the one image of a session, sealed, and enqueue its evaluation; both commit together.

    Sending the same bytes again changes nothing. Raises ImageRefused when the header shows no usable image,
    Conflict (``session_already_submitted``), Gone (``session_expired``).
    """
    info = probe(data)
    row = get_session(unit.db, session_id, lock=True)
    digest = hashlib.sha256(data).hexdigest()
    if row.state in ("submitted", "decided"):
        if row.media_sha256 == digest:
            return row
        raise Conflict(
            "This session has its photo already.",
            hint="Open a new session for another photo.",
            code="session_already_submitted",
        )
    if row.state == "expired" or unit.now >= row.expires_at:
        raise Gone("The time of this session has run out.", hint="Open a new session.", code="session_expired")
    blob_id = unit.service.new_id()
    put_media(
        unit.db,
        unit.service.vault.sealer(unit.db, row.beneficiary_id),
        blob_id=blob_id,
        beneficiary_id=row.beneficiary_id,
        data=data,
        media_type=f"image/{info.format.lower()}",
        delete_after=unit.now + timedelta(days=unit.service.settings.media_retention_days),
    )
    unit.db.flush()
    row.blob_id, row.media_sha256 = blob_id, digest
    row.state, row.submitted_at = "submitted", unit.now
    unit.put_job(EVALUATE, session_id)
    return row


def evaluate_session(service: Service, engine: FaceEngine, session_id: UUID) -> SessionRow:
    """Measure, compare, determine: the whole way from a submitted photo to a decided session.

    The face models run outside any transaction; everything that follows is one. Safe to repeat and to run twice at
    once: the second finds the session decided and changes nothing.
    """
    with service.reading() as unit:
        row = get_session(unit.db, session_id)
        if row.state != "submitted":
            return row
        sealer = service.vault.sealer(unit.db, row.beneficiary_id)
        data = read_media(unit.db, sealer, row.blob_id)
        references = open_references(unit, row.beneficiary_id, engine.models)
        if not references and any(r.state == "pending" for r in references_of(unit.db, row.beneficiary_id)):
            # The queue tries again shortly; judging now would count as a failed attempt of the person.
            raise Unavailable("The enrolled photo has not been measured yet.", code="reference_pending")
    measurement, refusal = measure(engine, data)
    comparison = compare(engine, measurement, references)
    with service.unit() as unit:
        row = get_session(unit.db, session_id, lock=True)
        if row.state == "submitted":
            _conclude(unit, row, measurement, refusal, comparison)
        return row


def compare(engine: FaceEngine, measurement: Measurement | None, references: list[dict[str, Any]]) -> Comparison | None:
    """Compare a measured probe with the references; None when there is nothing to compare."""
    if measurement is None or not measurement.templates or not references:
        return None
    return engine.compare(measurement.templates, references)


def _comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "scores": dict(comparison.scores),
        "llr": comparison.llr,
        "calibration_id": comparison.calibration_id,
        "references": comparison.references,
    }


def _conclude(
    unit: Unit, row: SessionRow, measurement: Measurement | None, refusal: str, comparison: Comparison | None
) -> None:
    # Before anything is written: of two sessions of one person the second waits here, and sees what the first did.
    get_beneficiary(unit.db, row.beneficiary_id, lock=True)
    capture = _capture(unit, row, measurement, refusal, comparison)
    if not add_evidence(unit.db, row.beneficiary_id, capture, external_id=f"session:{row.id}"):
        raise Conflict("This session has evidence already.", code="evidence_exists")
    found = determine(unit, row.beneficiary_id, session_id=row.id)
    judgements = [judge_capture(capture, unit.service.policy(d.scheme).policy).state for d in found.determinations]
    outcome = session_outcome(capture.channel, list(zip(judgements, found.determinations, strict=True))).value
    row.outcome, row.guidance = outcome, list(capture.guidance)
    row.evidence_id, row.determination_ids = UUID(capture.id), [str(number) for number in found.ids]
    row.report = {
        "measurement": measurement.to_json() if measurement else {"refused": refusal},
        "comparison": _comparison_to_json(comparison) if comparison else None,
        "nonce_sha256": hashlib.sha256(row.nonce).hexdigest(),
        "media_sha256": row.media_sha256,
    }
    row.state, row.decided_at = "decided", unit.now
    if found.certificate is not None and outcome == "certified":
        row.certificate_number = found.certificate.number
    unit.ledger("session_decided", row.beneficiary_id, session=str(row.id), outcome=outcome)


def _capture(
    unit: Unit, row: SessionRow, measurement: Measurement | None, refusal: str, comparison: Comparison | None
) -> Capture:
    event_at: datetime = row.submitted_at or unit.now
    acquired = Check(measurement.acquired.value) if measurement else Check.NOT_ASSESSED
    # One still image can look like a picture of a picture, but can never show life: pass is not on offer here.
    liveness = Check.NOT_ASSESSED
    if measurement is not None and measurement.pad.state.value == Check.FAIL:
        liveness = Check.FAIL
    return Capture(
        id=str(unit.service.new_id()),
        source=SOURCE,
        event_at=event_at,
        recorded_at=unit.now,
        session_id=str(row.id),
        channel=Channel(row.channel),
        acquired=acquired,
        llr=comparison.llr if comparison else None,
        embedders=len(comparison.scores) if comparison else 0,
        liveness=liveness,
        guidance=measurement.guidance if measurement else (refusal,),
    )
