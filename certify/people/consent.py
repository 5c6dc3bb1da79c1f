"""Record consent to face recognition, and delete a person's faces some time after it is withdrawn.

If consent is withdrawn, no picture of the person is taken or compared any more. The pension and the other ways of
proving life stay as they are. Enrolled faces are kept for 30 days, so that a withdrawal by mistake can be undone, and
are then deleted.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.consents import newest_consent, withdrawn_with_references
from certify.storage.duplicate_faces import delete_pairs_of
from certify.storage.face_prints import delete_face_prints_of
from certify.storage.media import delete_media_of
from certify.storage.people import get_beneficiary, references_of
from certify.storage.tables.people import ConsentRow
from certify.storage.video_hashes import delete_video_hashes_of

FACE = "face"
KEPT_AFTER_WITHDRAWAL = timedelta(days=30)
TEXT_VERSION = "2026-11"
"""Version of the consent text that people are shown. Raise it when the text changes."""


def consent_of(unit: Unit, beneficiary_id: UUID) -> bool | None:
    """Tell whether a person consents; None when this service never asked (enrolment may hold a consent on paper)."""
    return newest_consent(unit.db, beneficiary_id, FACE)


def set_consent(unit: Unit, beneficiary_id: UUID, *, given: bool, assisted: bool = False) -> None:
    """Give or withdraw consent. Repeating the present answer changes nothing.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        given: True to consent, False to withdraw.
        assisted: whether a helper held the phone.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    if consent_of(unit, beneficiary_id) is given:
        return
    unit.db.add(
        ConsentRow(
            id=unit.service.new_id(),
            beneficiary_id=beneficiary_id,
            purpose=FACE,
            given=given,
            text_version=TEXT_VERSION,
            assisted=assisted,
            at=unit.now,
        )
    )
    unit.db.flush()
    unit.ledger(
        LedgerEvent.CONSENT_GIVEN if given else LedgerEvent.CONSENT_WITHDRAWN,
        beneficiary_id,
        purpose=FACE,
        text=TEXT_VERSION,
    )


def confirm_stated_consent(unit: Unit, beneficiary_id: UUID, *, assisted: bool) -> None:
    """Make the consent that a caller stated before they were recognised a consent of the person.

    Anyone who knows a number and a birth date can state a consent. So it is kept with the capture session, and counts
    from the moment at which the face was recognised. It never undoes a withdrawal.

    Args:
        unit: the transaction that recognised the person, whose row is locked.
        beneficiary_id: id of the person.
        assisted: whether a helper held the phone.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    if consent_of(unit, beneficiary_id) is None:
        set_consent(unit, beneficiary_id, given=True, assisted=assisted)


def require_consent(unit: Unit, beneficiary_id: UUID) -> None:
    """Refuse to film a person who withdrew their consent.

    Raises:
        Conflict: the consent was withdrawn (``consent_withdrawn``).
    """
    if consent_of(unit, beneficiary_id) is False:
        raise Conflict(
            "This person does not want to be recognised by the face.",
            hint="Other ways stay open: an officer, a consulate, or records of other services.",
            code=ErrorCode.CONSENT_WITHDRAWN,
        )


def purge_withdrawn(unit: Unit, *, limit: int = 100) -> int:
    """Delete faces, photos and videos of people who withdrew at least ``KEPT_AFTER_WITHDRAWAL`` ago.

    Args:
        unit: the transaction to write in.
        limit: at most so many people in one call.

    Returns:
        The number of people whose faces were deleted.
    """
    people = withdrawn_with_references(unit.db, FACE, until=unit.now - KEPT_AFTER_WITHDRAWAL, limit=limit)
    for beneficiary_id in people:
        get_beneficiary(unit.db, beneficiary_id, lock=True)
        for reference in references_of(unit.db, beneficiary_id):
            unit.db.delete(reference)
        unit.db.flush()
        delete_media_of(unit.db, beneficiary_id)
        delete_video_hashes_of(unit.db, beneficiary_id)
        delete_face_prints_of(unit.db, beneficiary_id)
        delete_pairs_of(unit.db, beneficiary_id)
        unit.ledger(LedgerEvent.FACES_DELETED, beneficiary_id, because="consent_withdrawn")
    return len(people)
