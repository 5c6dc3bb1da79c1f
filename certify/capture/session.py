"""Capture sessions: open one, take the media, evaluate it once. One session is one attempt to prove life."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from certify.capture.analysis import Look, compare, look
from certify.capture.attempts import MAX_SESSIONS_A_DAY, another_in_progress, too_many_sessions, used_up
from certify.capture.challenge import demand_of
from certify.capture.decoys import attempt_limits, attempts_left_of_stranger, refuse_stranger
from certify.capture.duplicate_media import check_seen_before
from certify.capture.media import media_type_of
from certify.capture.new_session import new_session
from certify.decision.determine import determine_locked, preview
from certify.domain.channels import Channel
from certify.domain.decide import Determination, NextStep
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import Capture, Check
from certify.domain.ledger_events import LedgerEvent
from certify.domain.outcome import Outcome, attempts_used_up, session_outcome
from certify.domain.profile import visit_demand
from certify.domain.proofs import judge_capture
from certify.domain.sources import CERTIFY
from certify.domain.states import ReferenceState, SessionState
from certify.errors import Conflict, Gone, Unavailable
from certify.people.consent import require_consent
from certify.people.references import open_references
from certify.queue import EVALUATE
from certify.service import Service, Unit
from certify.storage.facts import add_evidence, store_parameters
from certify.storage.media import put_media, read_media
from certify.storage.people import get_beneficiary, references_of
from certify.storage.sessions import failed_profiles, get_session, person_of_session, sessions_since, waiting_of
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow
from certify.storage.uploads import delete_upload

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import FaceEngine
    from models.results import Comparison


def open_session(
    unit: Unit,
    beneficiary_id: UUID,
    channel: Channel,
    *,
    device_id: str | None = None,
    assisted: bool = False,
    knocked: bool = False,
    needs: tuple[str, ...] = (),
) -> SessionRow:
    """Open a capture session for a person with at least one usable or pending reference, and draw what it asks.

    ``device_id`` is what the person's phone calls itself, ``assisted`` whether somebody helps them; both are only said,
    and neither ever makes a session ask for less. ``knocked``: whoever asked only gave an id and a birth date.
    ``needs`` are said for this session, beside those that are known of the person.
    Raises NotFound, Gone (erased), Conflict (``no_reference``, ``consent_withdrawn``, ``too_many_sessions``,
    ``attempts_used_up``).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    if person.erased_at is not None:
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    if not any(reference.state != ReferenceState.REFUSED for reference in references_of(unit.db, beneficiary_id)):
        raise Conflict(
            "There is no enrolled photo of this person to compare with.",
            hint="An agent or officer must enrol one first.",
            code=ErrorCode.NO_REFERENCE,
        )
    require_consent(unit, beneficiary_id)
    if sessions_since(unit.db, beneficiary_id, unit.now - timedelta(days=1)) >= MAX_SESSIONS_A_DAY:
        raise too_many_sessions()
    device = unit.service.vault.lookup_hash(unit.db, "device", device_id) if device_id else None
    if channel is Channel.REMOTE:
        demand = demand_of(unit, person, device, _refuse_when_used_up(unit, person), also=needs)
    else:
        demand = visit_demand()
    return new_session(unit, beneficiary_id, channel, demand, device=device, assisted=assisted, knocked=knocked)


def submit_media(unit: Unit, session_id: UUID, data: bytes) -> SessionRow:
    """Take the one photo or video of a session, sealed, and enqueue its evaluation; both commit together.

    Sending the same bytes again changes nothing. Raises ImageRefused or VideoRefused when the headers show nothing
    usable, Conflict (``session_already_submitted``, ``another_in_progress``, ``attempts_used_up``), Gone
    (``session_expired``).
    """
    media_type = media_type_of(data, unit.service.settings.max_upload_bytes)
    person, row = lock_session(unit, session_id)
    digest = hashlib.sha256(data).hexdigest()
    if not was_submitted(row, digest):
        accept_media(unit, person, row, data, media_type)
        delete_upload(unit.db, session_id)  # another recording may have been on its way in pieces
    return row


def lock_session(unit: Unit, session_id: UUID) -> tuple[BeneficiaryRow, SessionRow]:
    """Lock the person of a session, then read the session. Raises NotFound.

    The person's row is the one lock for everything about the person, so there is no order to get wrong.
    """
    return _lock(unit, session_id, person_of_session(unit.db, session_id))


def was_submitted(row: SessionRow, sha256: str) -> bool:
    """Tell whether the session has exactly these media already.

    Raises Conflict (``session_already_submitted``) when it has others, Gone (``session_expired``).
    """
    if row.state in (SessionState.SUBMITTED, SessionState.DECIDED):
        if row.media_sha256 == sha256:
            return True
        raise Conflict(
            "This session has its photo or video already.",
            hint="Open a new session for another one.",
            code=ErrorCode.SESSION_ALREADY_SUBMITTED,
        )
    return False


def require_open(unit: Unit, person: BeneficiaryRow, row: SessionRow) -> None:
    """Refuse media for a session that cannot take any now; the person is locked, the session not submitted.

    Raises Gone (``session_expired``), Conflict (``another_in_progress``, ``attempts_used_up``).
    """
    if row.state == SessionState.EXPIRED or unit.now >= row.expires_at:
        raise Gone("The time of this session has run out.", hint="Open a new session.", code=ErrorCode.SESSION_EXPIRED)
    if row.stranger is not None:
        refuse_stranger(unit, row.stranger)
    elif row.channel == Channel.REMOTE:
        # One attempt at a time, each judged before the next: else sessions opened early could be spent all at once.
        if waiting_of(unit.db, row.beneficiary_id):
            raise another_in_progress()
        _refuse_when_used_up(unit, person)


def accept_media(unit: Unit, person: BeneficiaryRow, row: SessionRow, data: bytes, media_type: str) -> None:
    """Store checked media as those of a session and enqueue the evaluation. Raises as ``require_open``."""
    require_open(unit, person, row)
    blob_id = unit.service.new_id()
    stored = put_media(
        unit.db,
        unit.sealer(row.beneficiary_id),
        blob_id=blob_id,
        beneficiary_id=row.beneficiary_id,
        data=data,
        media_type=media_type,
        delete_after=unit.now + timedelta(days=unit.service.settings.media_retention_days),
    )
    unit.db.flush()
    row.blob_id, row.media_sha256 = blob_id, stored.sha256
    row.state, row.submitted_at = SessionState.SUBMITTED, unit.now
    unit.put_job(EVALUATE, row.id)


class Notice(Protocol):
    """Is told of each evaluated face of a doorstep visit, in the transaction of the evaluation."""

    def __call__(
        self, unit: Unit, engine: FaceEngine, row: SessionRow, seen: Look, comparison: Comparison | None, /
    ) -> None:
        """Note what was seen."""


def evaluate_session(service: Service, engine: FaceEngine, session_id: UUID, *, notice: Notice) -> SessionRow:
    """Look, compare, determine: the whole way from a submitted photo or video to a decided session.

    The face models run outside any transaction; everything that follows is one. Safe to repeat and to run twice at
    once: the second finds the session decided and changes nothing.
    """
    with service.reading() as unit:
        row = get_session(unit.db, session_id)
        if row.state != SessionState.SUBMITTED:
            return row
        sealer = unit.sealer(row.beneficiary_id)
        data = read_media(unit.db, sealer, row.blob_id)
        plan, source = row.plan, row.source
        references = open_references(unit.db, sealer, row.beneficiary_id, engine.models)
        if not references and any(
            r.state == ReferenceState.PENDING for r in references_of(unit.db, row.beneficiary_id)
        ):
            # The queue tries again shortly; judging now would count as a failed attempt of the person.
            raise Unavailable("The enrolled photo has not been measured yet.", code=ErrorCode.REFERENCE_PENDING)
    seen = look(engine, data, plan, source)
    comparison = compare(engine, seen, references)
    with service.unit() as unit:
        unit.adopt_sealer(sealer)
        person, row = _lock(unit, session_id, row.beneficiary_id)
        if row.state == SessionState.SUBMITTED:
            if comparison is not None:
                _keep_parameters(unit, "calibration", engine.calibration.text)
            seen, again = check_seen_before(unit, row, seen)
            report = {
                "measurement": seen.measurement.to_json() if seen.measurement else {"refused": seen.refusal},
                "comparison": _comparison_to_json(engine, comparison, list(references)) if comparison else None,
                "liveness": seen.report,
                "seen_before": again,
                "parameters": {name: _keep_parameters(unit, name, text) for name, text in seen.parameters.items()},
            }
            _conclude(unit, person, row, _capture(unit, row, seen, comparison), report)
            if row.channel == Channel.DOORSTEP:
                notice(unit, engine, row, seen, comparison)
        return row


def _keep_parameters(unit: Unit, kind: str, text: str) -> str:
    """Keep the fitted numbers that something is judged with, for its replay; return their hash."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if sha256 not in unit.service.stored_documents | unit.stored_documents:
        store_parameters(unit.db, sha256=sha256, kind=kind, document=text)
        unit.stored_documents.add(sha256)
    return sha256


def _lock(unit: Unit, session_id: UUID, beneficiary_id: UUID) -> tuple[BeneficiaryRow, SessionRow]:
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    return person, get_session(unit.db, session_id)


def _refuse_when_used_up(unit: Unit, person: BeneficiaryRow) -> list[Determination]:
    """Return how the person would be determined now. Raises Conflict when too many attempts failed."""
    found = preview(unit, person)
    if attempts_used_up(found):
        raise used_up(visit_comes=any(determination.next_step is NextStep.DOORSTEP for determination in found))
    return found


def _comparison_to_json(engine: FaceEngine, comparison: Comparison, references: list[UUID]) -> dict[str, Any]:
    """Store everything a replay needs: scores, with which numbers they were judged, and what was compared."""
    return {
        "scores": dict(comparison.scores),
        "llr": comparison.llr,
        "calibration_sha256": engine.calibration.sha256,
        "references": comparison.references,
        "reference_ids": [str(number) for number in references],
        "models": {name: engine.models[name] for name in comparison.scores},
    }


def _conclude(unit: Unit, person: BeneficiaryRow, row: SessionRow, capture: Capture, report: dict[str, Any]) -> None:
    if not add_evidence(unit.db, row.beneficiary_id, capture, external_id=f"session:{row.id}"):
        raise Conflict("This session has evidence already.", code=ErrorCode.EVIDENCE_EXISTS)
    found = determine_locked(unit, person, session_id=row.id)
    judgements = [judge_capture(capture, unit.service.policy(d.scheme).policy).state for d in found.determinations]
    outcome = _outcome(unit, row, capture, list(zip(judgements, found.determinations, strict=True))).value
    row.outcome, row.guidance = outcome, list(capture.guidance)
    row.evidence_id, row.determination_ids = UUID(capture.id), [str(number) for number in found.ids]
    row.report = report | {
        "nonce_sha256": hashlib.sha256(row.nonce).hexdigest(),
        "media_sha256": row.media_sha256,
    }
    row.state, row.decided_at = SessionState.DECIDED, unit.now
    if found.certificate is not None and outcome == "certified":
        row.certificate_number = found.certificate.number
    unit.ledger(LedgerEvent.SESSION_DECIDED, row.beneficiary_id, session=str(row.id), outcome=outcome)


def _outcome(unit: Unit, row: SessionRow, capture: Capture, attempts: list[tuple[Check, Determination]]) -> Outcome:
    """Return what is said to whoever stood before the camera.

    Somebody who only gave an id and a birth date, and did not pass, must not learn how such a person stands.
    """
    if row.stranger is not None:
        row.attempts_left = attempts_left_of_stranger(unit, row.stranger)
        return Outcome.RETRY if row.attempts_left else Outcome.DOORSTEP
    outcome = session_outcome(capture.channel, attempts)
    passed = any(judged is Check.PASS for judged, _ in attempts)
    if row.channel == Channel.REMOTE and not passed:
        most, window = attempt_limits(unit)
        failed = failed_profiles(unit.db, row.beneficiary_id, unit.now - window)
        row.attempts_left = max(0, most - len(failed) - 1)
    if row.knocked and not passed and outcome in (Outcome.REVIEW, Outcome.OTHER_PATH):
        return Outcome.RETRY
    return outcome


def _capture(unit: Unit, row: SessionRow, seen: Look, comparison: Comparison | None) -> Capture:
    event_at: datetime = row.filmed_at or row.submitted_at or unit.now
    return Capture(
        id=str(unit.service.new_id()),
        source=CERTIFY,
        event_at=event_at,
        recorded_at=unit.now,
        session_id=str(row.id),
        channel=Channel(row.channel),
        acquired=Check(seen.measurement.acquired.value) if seen.measurement else Check.NOT_ASSESSED,
        llr=comparison.llr if comparison else None,
        embedders=len(comparison.scores) if comparison else 0,
        liveness=seen.liveness,
        filmed=seen.prints is not None,
        guidance=seen.guidance,
    )
