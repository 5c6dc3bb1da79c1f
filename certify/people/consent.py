"""Consent to being recognised by the face: given, withdrawn, and what follows.

Withdrawn, no picture is taken or compared any more; the pension and the other ways of proving life are not touched.
What was enrolled stays for a while, so that a slip of the finger can be undone, and is then deleted.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.media import delete_media_of
from certify.storage.people import get_beneficiary, references_of
from certify.storage.tables.people import ConsentRow, ReferenceRow
from certify.storage.video_hashes import delete_video_hashes_of

FACE = "face"
KEPT_AFTER_WITHDRAWAL = timedelta(days=30)
TEXT_VERSION = "2026-11"
"""Which wording of the consent people are shown; raise it with the text."""


def consent_of(unit: Unit, beneficiary_id: UUID) -> bool | None:
    """Tell whether a person consents; None when they were never asked here (enrolment may hold a consent on paper)."""
    query = select(ConsentRow.given).where(ConsentRow.beneficiary_id == beneficiary_id, ConsentRow.purpose == FACE)
    return unit.db.scalars(query.order_by(ConsentRow.at.desc(), ConsentRow.id).limit(1)).one_or_none()


def set_consent(unit: Unit, beneficiary_id: UUID, *, given: bool, assisted: bool = False) -> None:
    """Give or withdraw consent; said again it changes nothing. Raises NotFound."""
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


def require_consent(unit: Unit, beneficiary_id: UUID) -> None:
    """Refuse to film somebody who withdrew. Raises Conflict (``consent_withdrawn``)."""
    if consent_of(unit, beneficiary_id) is False:
        raise Conflict(
            "This person does not want to be recognised by the face.",
            hint="Other ways stay open: an officer, a consulate, or records of other services.",
            code=ErrorCode.CONSENT_WITHDRAWN,
        )


def purge_withdrawn(unit: Unit, *, limit: int = 100) -> int:
    """Delete faces, photos and videos of those who withdrew long enough ago; return how many people."""
    newest = (
        select(ConsentRow.beneficiary_id, ConsentRow.given, ConsentRow.at)
        .where(ConsentRow.purpose == FACE)
        .ext(distinct_on(ConsentRow.beneficiary_id))
        .order_by(ConsentRow.beneficiary_id, ConsentRow.at.desc(), ConsentRow.id)
        .subquery()
    )
    query = (
        select(newest.c.beneficiary_id)
        .where(newest.c.given.is_(False), newest.c.at <= unit.now - KEPT_AFTER_WITHDRAWAL)
        .where(select(ReferenceRow.id).where(ReferenceRow.beneficiary_id == newest.c.beneficiary_id).exists())
        .limit(limit)
    )
    people = unit.db.scalars(query).all()
    for beneficiary_id in people:
        get_beneficiary(unit.db, beneficiary_id, lock=True)
        for reference in references_of(unit.db, beneficiary_id):
            unit.db.delete(reference)
        unit.db.flush()
        delete_media_of(unit.db, beneficiary_id)
        delete_video_hashes_of(unit.db, beneficiary_id)
        unit.ledger(LedgerEvent.FACES_DELETED, beneficiary_id, because="consent_withdrawn")
    return len(people)
