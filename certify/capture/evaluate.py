"""Evaluate a submitted capture session: analyse its media, compare the face, determine the person, set the outcome."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from certify.capture.analysis import Analysis, analyse
from certify.capture.attempts import attempt_limits, public_attempts_left
from certify.capture.comparing import Compared, compare_foreign, compare_own
from certify.capture.duplicate_media import check_duplicate
from certify.capture.pooling import Earlier, earlier_capture
from certify.capture.refresh import ask_refresh
from certify.capture.session import lock_session
from certify.decision.cases import ensure_case
from certify.decision.determine import determine_locked
from certify.decision.facts import record_fact
from certify.domain.asked import known_before
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.decide import Determination
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import Capture, Check
from certify.domain.facts import CurrentFacts
from certify.domain.ledger_events import LedgerEvent
from certify.domain.outcome import Outcome, session_outcome
from certify.domain.policy import Policy
from certify.domain.proofs import judge_capture, proof_with_records
from certify.domain.reasons import Code
from certify.domain.sources import CERTIFY, FUND
from certify.domain.states import Challenge, FaceZone, Possession, ReferenceState, SessionState
from certify.errors import Conflict, Unavailable
from certify.messages.notices import tell_of_attempt
from certify.people.consent import confirm_stated_consent
from certify.people.foreign import only_foreign, open_foreign
from certify.people.references import SEVERAL_FACES
from certify.people.templates import measure, measure_again, open_references, outdated_references, store_renewed
from certify.service import Service, Unit
from certify.storage.face_prints import references_without_print
from certify.storage.facts import evidence_by_ids, evidence_of, store_parameters
from certify.storage.media import delete_media, read_media, shorten_retention
from certify.storage.passes import draw_audit
from certify.storage.people import references_of
from certify.storage.sessions import failed_attempts, get_session, known_devices
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.face.matcher import Comparison
    from models.pipeline import FaceEngine

UNRECOGNISED_KEPT = timedelta(days=7)
"""How long the media of a failed attempt are kept if the caller gave only a number and a birth date: as long as the
person may ask who tried. ``CERTIFY_MEDIA_RETENTION_DAYS`` may be shorter."""


class Notice(Protocol):
    """A callback for each evaluated face of a doorstep visit, called in the transaction of the evaluation."""

    def __call__(
        self, unit: Unit, engine: FaceEngine, row: SessionRow, analysis: Analysis, comparison: Comparison | None, /
    ) -> None:
        """Note the face that the analysis measured."""


def evaluate_session(service: Service, engine: FaceEngine, session_id: UUID, *, notice: Notice) -> SessionRow:
    """Analyse, compare and determine: the whole way from a submitted photo or video to a decided session.

    The face models run outside any transaction; everything after them is one transaction. The call may be repeated or
    run twice at the same time: the second one finds the session decided and changes nothing.

    Args:
        service: the running service.
        engine: the face models.
        session_id: id of the session.
        notice: called for a session of a doorstep visit.

    Returns:
        The session; one that was not waiting for its decision is returned as it is.

    Raises:
        NotFound: no such session (``session_not_found``).
        Gone: the media were deleted (``media_deleted``), or the person was erased.
        Unavailable: a reference has not been measured yet (``reference_pending``); try again shortly.
        Conflict: the session has evidence already (``evidence_exists``).
    """
    with service.reading() as unit:
        row = get_session(unit.db, session_id)
        if row.state != SessionState.SUBMITTED:
            return row
        sealer = unit.sealer(row.beneficiary_id)
        data = read_media(unit.db, sealer, row.blob_id)
        plan, source = row.plan, row.source
        references = open_references(unit.db, sealer, row.beneficiary_id, engine.models)
        enrolled = references_of(unit.db, row.beneficiary_id)
        foreign = open_foreign(unit.db, sealer, row.beneficiary_id) if only_foreign(enrolled) else {}
        outdated = outdated_references(unit, row.beneficiary_id, engine, opened=references, enrolled=enrolled)
        if not references and not outdated and not foreign and any(r.state == ReferenceState.PENDING for r in enrolled):
            # The queue tries again shortly. A decision now would count as a failed attempt of the person.
            raise Unavailable("The enrolled photo has not been measured yet.", code=ErrorCode.REFERENCE_PENDING)
        unprinted = {
            reference_id: read_media(unit.db, sealer, blob_id)
            for reference_id, blob_id in references_without_print(unit.db, row.beneficiary_id)
        }
    analysis = analyse(engine, data, plan, source)
    renewed = measure_again(engine, outdated)
    references |= {reference_id: dict(found.templates) for reference_id, found in renewed.items()}
    if foreign and not references:
        compared = compare_foreign(engine, analysis, enrolled, foreign)
    else:
        compared = compare_own(engine, analysis, enrolled, references, earlier=partial(_earlier, service, session_id))
    comparison = compared.comparison
    older = {
        reference_id: found.face
        for reference_id, image in unprinted.items()
        if (found := measure(engine, image)[0]) is not None and found.face is not None
    }
    with service.unit() as unit:
        unit.adopt_sealer(sealer)
        person, row = lock_session(unit, session_id, seen=row)
        if row.state == SessionState.SUBMITTED:
            store_renewed(unit, row.beneficiary_id, renewed)
            if comparison is not None:
                _keep_parameters(unit, "calibration", compared.calibration.text)
            analysis, seen_before = check_duplicate(unit, row, data, analysis, older=older)
            measurement = analysis.measurement
            report = {
                "measurement": measurement.to_json() if measurement else {"refused": analysis.refusal},
                "comparison": compared.to_json(),
                "best_frames": list(analysis.best),
                "liveness": analysis.report,
                "seen_before": seen_before,
                "asked": known_before(row.plan, row.source, row.submitted_at or unit.now),
                "parameters": {name: _keep_parameters(unit, name, text) for name, text in analysis.parameters.items()},
            }
            _conclude(unit, person, row, _capture(unit, row, analysis, compared), report)
            _forget_media(unit, row)
            if row.channel == Channel.DOORSTEP:
                notice(unit, engine, row, analysis, comparison)
        return row


def _forget_media(unit: Unit, row: SessionRow) -> None:
    """Delete the media of a decoy session, and soon those of a caller who was not recognised."""
    if row.decoy is not None:
        delete_media(unit.db, row)
    elif row.public_entry and row.outcome == Outcome.RETRY:
        shorten_retention(unit.db, row.blob_id, unit.now + UNRECOGNISED_KEPT)


def _keep_parameters(unit: Unit, kind: str, text: str) -> str:
    """Keep the fitted numbers of a judgement for its replay; return their hash."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if sha256 not in unit.service.stored_documents | unit.stored_documents:
        store_parameters(unit.db, sha256=sha256, kind=kind, document=text)
        unit.stored_documents.add(sha256)
    return sha256


def _earlier(service: Service, session_id: UUID) -> Earlier | None:
    """Return the capture that asked for this one."""
    with service.reading() as unit:
        return earlier_capture(unit, get_session(unit.db, session_id))


def _conclude(unit: Unit, person: BeneficiaryRow, row: SessionRow, capture: Capture, report: dict[str, Any]) -> None:
    if not record_fact(unit, row.beneficiary_id, capture, external_id=f"session:{row.id}"):
        raise Conflict("This session has evidence already.", code=ErrorCode.EVIDENCE_EXISTS)
    determined = determine_locked(unit, person, session_id=row.id)
    policies = [unit.service.policy(determination.scheme).policy for determination in determined.determinations]
    judged = [judge_capture(capture, policy) for policy in policies]
    judgements = [
        Check.PASS if _proves_with_records(unit, row, capture, policy, determination) else judgement.state
        for policy, determination, judgement in zip(policies, determined.determinations, judged, strict=True)
    ]
    face = {why.code for judgement in judged for why in judgement.reasons}
    if Code.FACE_FOR_OFFICER in face:
        ensure_case(unit, row.beneficiary_id, CaseKind.FACE_IN_DOUBT)
    # Another film of a person who has no picture enrolled would not change anything.
    waits = Code.FACE_FOR_OFFICER in face and capture.foreign
    judged_by = list(zip(judgements, determined.determinations, strict=True))
    outcome = _outcome(unit, row, capture, judged_by, waits_for_officer=waits).value
    if row.public_entry and row.decoy is None:
        _after_public_entry(unit, row, passed=Check.PASS in judgements)
    row.outcome, row.guidance = outcome, list(capture.guidance)
    if outcome == Outcome.RETRY and Code.FACE_NEARLY_MATCHES in face:
        row.guidance = ["light_once_more", *row.guidance]
    elif outcome != Outcome.CERTIFIED and capture.liveness is Check.PASS and capture.challenge in _NOT_ENOUGH:
        # By the media alone: it must tell a stranger nothing of the person.
        row.guidance = [_NOT_ENOUGH[capture.challenge], *row.guidance]
    elif outcome == Outcome.RETRY and row.channel == Channel.REMOTE and not set(capture.guidance) - {SEVERAL_FACES}:
        # The same for everyone whose media were good enough and did not prove life: it must not tell a stranger that
        # media were recognised.
        row.guidance = [*capture.guidance, "record_anew" if capture.filmed else "film_needed"]
    row.evidence_id, row.determination_ids = UUID(capture.id), [str(stored_id) for stored_id in determined.ids]
    row.report = report | {
        "nonce_sha256": hashlib.sha256(row.nonce).hexdigest(),
        "media_sha256": row.media_sha256,
    }
    row.state, row.decided_at = SessionState.DECIDED, unit.now
    ask_refresh(unit, row, capture, policies)
    if determined.certificate is not None and outcome == "certified":
        row.certificate_number = determined.certificate.number
        _draw_for_audit(unit, row)
    unit.ledger(LedgerEvent.SESSION_DECIDED, row.beneficiary_id, session=str(row.id), outcome=outcome)


_NOT_ENOUGH = {Challenge.ONE_MOVEMENT: "more_than_a_movement", Challenge.MOVEMENTS: "more_than_movements"}
"""Advice after a film that showed all that it was asked for, and proves no life alone."""


def _proves_with_records(
    unit: Unit, row: SessionRow, capture: Capture, policy: Policy, determination: Determination
) -> bool:
    """Tell whether a capture that is not enough alone proves life with the person's records, best proof or not."""
    if capture.possession is not Possession.SHOWN:
        return False
    facts = CurrentFacts(evidence_of(unit.db, row.beneficiary_id), policy, determination.as_of)
    return proof_with_records(capture, policy, facts.signs) is not None


def _draw_for_audit(unit: Unit, row: SessionRow) -> None:
    """Draw a share of the certifications that lack possession for the random audit."""
    share = unit.service.settings.audit_share_no_possession
    drawn = int.from_bytes(unit.service.random_bytes(4)) < share * 2**32
    if row.possession == Possession.MISSING and drawn:
        draw_audit(unit.db, row.id, row.beneficiary_id, drawn_at=unit.now)


def saw_life(unit: Unit, row: SessionRow) -> bool:
    """Tell whether a session that was decided showed a living person before the camera: who did all that was asked."""
    if row.evidence_id is None:
        return False
    (fact,) = evidence_by_ids(unit.db, [str(row.evidence_id)])
    if not isinstance(fact, Capture) or fact.challenge not in (Challenge.FULL, Challenge.UNRECORDED):
        return False
    return fact.filmed and fact.liveness is Check.PASS and fact.eyes is not Check.FAIL


def _outcome(
    unit: Unit,
    row: SessionRow,
    capture: Capture,
    attempts: list[tuple[Check, Determination]],
    *,
    waits_for_officer: bool,
) -> Outcome:
    """Return the outcome that the caller is told.

    A caller who only gave an identifier and a birth date, and did not pass, learns nothing of the person: the answer
    depends on the number of their own attempts alone.
    """
    passed = any(judged is Check.PASS for judged, _ in attempts)
    if row.public_entry and not passed:
        row.attempts_left = public_attempts_left(unit, row.asked or b"", row.device)
        return Outcome.RETRY if row.attempts_left else Outcome.DOORSTEP
    if row.channel == Channel.REMOTE and not passed:
        most, window = attempt_limits(unit)
        failed = failed_attempts(unit.db, row.beneficiary_id, unit.now - window)
        row.attempts_left = max(0, most - len(failed) - 1)
    if not passed and waits_for_officer:
        return Outcome.REVIEW
    return session_outcome(capture.channel, attempts)


def _after_public_entry(unit: Unit, row: SessionRow, *, passed: bool) -> None:
    """Keep the consent that was stated if the person was recognised; if not, tell the person that somebody tried."""
    if passed and row.consent_version is not None:
        confirm_stated_consent(unit, row.beneficiary_id, assisted=row.assisted)
    elif not passed and row.device not in known_devices(unit.db, row.beneficiary_id):
        tell_of_attempt(unit, row.beneficiary_id)


def _capture(unit: Unit, row: SessionRow, analysis: Analysis, compared: Compared) -> Capture:
    comparison = compared.comparison
    event_at: datetime = row.filmed_at or row.submitted_at or unit.now
    return Capture(
        id=str(unit.service.new_id()),
        source=CERTIFY,
        event_at=event_at,
        recorded_at=unit.now,
        institution=FUND,
        principal=unit.actor,
        session_id=str(row.id),
        channel=Channel(row.channel),
        acquired=Check(analysis.measurement.acquired.value) if analysis.measurement else Check.NOT_ASSESSED,
        llr=comparison.llr if comparison else None,
        embedders=len(comparison.scores) if comparison else 0,
        liveness=analysis.liveness,
        filmed=analysis.video_hash is not None,
        guidance=analysis.guidance,
        public_entry=row.public_entry,
        possession=Possession(row.possession or Possession.NOT_ASKED),
        eyes=analysis.eyes,
        zone=FaceZone(comparison.zone.value) if comparison and comparison.zone else None,
        pooled_with=compared.earlier.fact.id if compared.earlier else "",
        challenge=analysis.challenge,
        foreign=compared.foreign,
        drifted=compared.drifted,
        reference_on=compared.reference_on,
    )
