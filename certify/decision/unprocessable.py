"""Close work that keeps failing, and open a review case for an officer instead of trying without limit."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from certify.decision.cases import ensure_case
from certify.domain.case_kinds import CaseKind
from certify.domain.ledger_events import LedgerEvent
from certify.domain.outcome import Outcome
from certify.domain.states import ReferenceState, SessionState
from certify.service import Unit
from certify.storage.people import get_beneficiary, get_reference
from certify.storage.sessions import get_session, owner_of_session
from certify.storage.tables.people import ReferenceRow
from certify.storage.tables.sessions import SessionRow

_GUIDANCE = "not_processed"


class UnprocessableReason(StrEnum):
    """Why work was closed without a result, as reports and ledger show it."""

    WORKER_DIED = "worker_died"  # every worker that took it died: out of memory, or a crash inside a decoder or model
    KEEPS_FAILING = "keeps_failing"  # errors again and again, for a long time, although others are served
    VISIT_IN_DOUBT = "visit_in_doubt"  # an agent who cheats made it, and no worker had evaluated it yet


def close_unprocessable(unit: Unit, session_id: UUID, *, reason: UnprocessableReason) -> SessionRow:
    """Decide a submitted session with the outcome ``review``, and open the case for the officer.

    A session of a caller who only gave an identifier and a birth date ends with ``retry`` instead, without a case.

    The person loses nothing: no failed attempt is recorded, no pension changes, and they can open a new session with
    another photo.

    Args:
        unit: the transaction to write in.
        session_id: id of the session.
        reason: why it is closed.

    Returns:
        The session; one that was not waiting for its decision is returned as it is.

    Raises:
        NotFound: no such session (``session_not_found``).
    """
    owner, is_decoy = owner_of_session(unit.db, session_id)
    person = get_beneficiary(unit.db, owner, lock=not is_decoy, decoy_too=is_decoy)
    row = get_session(unit.db, session_id, lock=is_decoy)
    if row.state != SessionState.SUBMITTED:
        return row
    row.state, row.decided_at = SessionState.DECIDED, unit.now
    # No face was compared. For a caller who only gave an identifier and a birth date, "review" would mean that they
    # were recognised, and would open the pages of the person (api/routes/knock.py).
    outcome = Outcome.RETRY if row.public_entry else Outcome.REVIEW
    row.outcome, row.guidance = outcome.value, [_GUIDANCE]
    row.report = {"gave_up": reason.value, "media_sha256": row.media_sha256}
    if not row.public_entry:
        ensure_case(unit, person.id, CaseKind.PHOTO_NOT_PROCESSED)
    unit.ledger(
        LedgerEvent.SESSION_DECIDED, person.id, session=str(row.id), outcome=outcome.value, gave_up=reason.value
    )
    return row


def refuse_unprocessable(unit: Unit, reference_id: UUID, *, reason: UnprocessableReason) -> ReferenceRow:
    """Refuse a pending reference that cannot be measured. Its guidance asks for another picture.

    Args:
        unit: the transaction to write in.
        reference_id: id of the reference.
        reason: why it is refused.

    Returns:
        The reference; one that is not pending any more is returned as it is.

    Raises:
        NotFound: no such reference (``reference_not_found``), also when the person was erased.
    """
    row = get_reference(unit.db, reference_id, lock=True)
    if row.state != ReferenceState.PENDING:
        return row
    row.state, row.guidance = ReferenceState.REFUSED, [_GUIDANCE]
    row.measurement = {"gave_up": reason.value}
    unit.ledger(
        LedgerEvent.REFERENCE_REFUSED,
        row.beneficiary_id,
        reference=str(row.id),
        mark=unit.sealer(row.beneficiary_id).mark(row.media_sha256),
        gave_up=reason.value,
    )
    return row
