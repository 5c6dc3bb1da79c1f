"""Carry out what people do on their own pages that protects or binds them, and tell them on every known contact.

The caller has checked that the person holds their known telephone, mailbox or letter (``api.auth.require_possession``).
"""

from __future__ import annotations

from uuid import UUID

from certify.decision.appeal import Appeal, appeal, last_appeal
from certify.decision.receipts import deny
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import SignInEnd
from certify.errors import Conflict
from certify.messages.notices import tell
from certify.messages.outbox import put_message
from certify.people.access import new_code
from certify.people.consent import consent_of, set_consent
from certify.people.contact import (
    CHANGE_WAITS,
    Contact,
    changes_address,
    contact_of,
    request_contact,
    undo_contact_change,
)
from certify.people.sign_ins import end_all_sign_ins
from certify.service import Unit
from certify.storage.tables.decisions import ReviewCaseRow


def send_own_code(unit: Unit, beneficiary_id: UUID, *, device: str) -> None:
    """Send a code to the telephone or e-mail that is in use, so that the person can show that they hold it.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        device: mark of the device that asks, the only one on which the code works.

    Raises:
        Gone: the person was erased (``person_erased``).
        Conflict: the fund knows neither (``no_contact``).
    """
    contact = contact_of(unit, beneficiary_id)
    if not (contact.phone or contact.email):
        raise Conflict(
            "The fund knows no telephone and no e-mail of yours, so no code can be sent.",
            hint="Open the link in a letter of the fund, or ask an officer.",
            code=ErrorCode.NO_CONTACT,
        )
    code = new_code(unit, beneficiary_id, device=device)
    if code is not None:
        dedupe = f"code:{beneficiary_id}:{unit.now.isoformat()}"
        put_message(unit, beneficiary_id, "code", {"code": code}, dedupe=dedupe, urgent=True)


def change_own_contact(unit: Unit, beneficiary_id: UUID, contact: Contact, *, sign_in: UUID | None) -> None:
    """Store how the person wishes to be reached. Another telephone or e-mail is used after seven days.

    The person's other sign-ins end: of two people who are signed in, the one who did not ask for this must sign in
    again, and reads of it.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        contact: the new contact, whole.
        sign_in: the sign-in that asks, which stays.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Invalid: a number, address, language, hour or time zone is not valid (``contact_invalid``).
    """
    if changes_address(unit, beneficiary_id, contact):
        tell(unit, beneficiary_id, "contact_change", on=unit.now + CHANGE_WAITS)
        unit.ledger(LedgerEvent.CONTACT_CHANGED, beneficiary_id)
        end_all_sign_ins(unit, beneficiary_id, SignInEnd.CONTACT_CHANGED, but=sign_in)
    request_contact(unit, beneficiary_id, contact, sign_in=sign_in)


def keep_own_contact(unit: Unit, beneficiary_id: UUID, *, sign_in: UUID | None) -> None:
    """Undo a change of telephone or e-mail that waits for its day. Repeating it changes nothing.

    The person's other sign-ins end: one of them asked for the change.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        sign_in: the sign-in that asks, which stays.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    if undo_contact_change(unit, beneficiary_id):
        unit.ledger(LedgerEvent.CONTACT_KEPT, beneficiary_id)
        end_all_sign_ins(unit, beneficiary_id, SignInEnd.CONTACT_CHANGED, but=sign_in)


def set_own_consent(unit: Unit, beneficiary_id: UUID, *, given: bool) -> None:
    """Give or withdraw the consent to face recognition; a withdrawal is told to the person.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        given: True to consent, False to withdraw.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    if not given and consent_of(unit, beneficiary_id) is not False:
        tell(unit, beneficiary_id, "consent_withdrawn")
    set_consent(unit, beneficiary_id, given=given)


def deny_own_record(unit: Unit, beneficiary_id: UUID, evidence_id: UUID) -> ReviewCaseRow:
    """Void a sign of life or attestation that the person denies; see :func:`certify.decision.receipts.deny`.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        evidence_id: id of the sign of life or attestation.

    Returns:
        The open case.

    Raises:
        NotFound: no such person (``beneficiary_not_found``), or no such record of theirs (``receipt_item_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    case = deny(unit, beneficiary_id, evidence_id)
    tell(unit, beneficiary_id, "record_denied", occasion=str(evidence_id))
    return case


def send_own_appeal(unit: Unit, beneficiary_id: UUID) -> Appeal:
    """Open an appeal, or return the one that is open already; a new one is told to the person.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.

    Returns:
        The open appeal.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    before = last_appeal(unit, beneficiary_id)
    opened = appeal(unit, beneficiary_id)
    if before is None or before.case_id != opened.case_id:
        tell(unit, beneficiary_id, "appeal_opened")
    return opened
