"""Sign people in on their own pages and tablets for their agents, and end those sign-ins at once.

The token of a sign-in carries the id of its row, and counts only while the row is neither ended nor deleted. Signing
out, a changed contact, an erasure and an officer end it, whatever the token itself says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import SignInEnd, SignInWay
from certify.errors import Conflict, NotFound
from certify.service import Unit
from certify.storage.access import end_access_codes_of
from certify.storage.people import get_beneficiary
from certify.storage.sign_ins import (
    end_sign_in,
    end_sign_ins_of_person,
    end_sign_ins_of_tablets,
    live_sign_ins_of,
    sign_in_of_capture,
)
from certify.storage.tables.door import SignInRow

SHORT, LONG = timedelta(hours=1), timedelta(days=30)
"""How long a person stays signed in: long on a phone that they call their own, otherwise short."""

KEPT = timedelta(days=180)
"""How long a sign-in is kept after its time. A device on which a person signed in counts as known to them meanwhile."""


def sign_in_person(
    unit: Unit,
    beneficiary_id: UUID,
    way: SignInWay,
    *,
    device: str,
    lifetime: timedelta,
    capture_id: UUID | None = None,
) -> SignInRow:
    """Sign a person in.

    Args:
        unit: the transaction to write in.
        beneficiary_id: the person.
        way: how they showed who they are.
        device: mark of the device that the token is for.
        lifetime: how long they stay signed in.
        capture_id: the capture session in which the face was recognised. It signs in once; the same device may
            repeat it, because the first answer may have been lost.

    Returns:
        The sign-in.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Conflict: this capture session has signed in already, on another device or until it was ended
            (``sign_in_ended``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    earlier = sign_in_of_capture(unit.db, capture_id) if capture_id is not None else None
    if earlier is not None:
        if earlier.ended_at is not None or earlier.device != device:
            raise Conflict(
                "This film has opened the page once, and that sign-in has ended.",
                hint="Sign in again.",
                code=ErrorCode.SIGN_IN_ENDED,
            )
        return earlier
    return _store(unit, way, device, lifetime, beneficiary_id=beneficiary_id, capture_id=capture_id)


def sign_in_tablet(unit: Unit, tablet_id: UUID, *, device: str, lifetime: timedelta) -> SignInRow:
    """Sign a tablet in. The caller has checked its passkey."""
    return _store(unit, SignInWay.PASSKEY, device, lifetime, tablet_id=tablet_id)


def sign_out(unit: Unit, sign_in_id: UUID) -> None:
    """End a sign-in from its own device. Repeating it changes nothing."""
    end_sign_in(unit.db, sign_in_id, now=unit.now, because=SignInEnd.SIGNED_OUT)


def own_sign_ins(unit: Unit, beneficiary_id: UUID) -> Sequence[SignInRow]:
    """Return the live sign-ins of a person, newest first."""
    return live_sign_ins_of(unit.db, beneficiary_id, unit.now)


def end_own_sign_in(unit: Unit, beneficiary_id: UUID, sign_in_id: UUID) -> None:
    """End one sign-in of a person, at their wish. Repeating it changes nothing.

    Raises:
        NotFound: the person has no such sign-in (``sign_in_not_found``).
    """
    row = unit.db.get(SignInRow, sign_in_id)
    if row is None or row.beneficiary_id != beneficiary_id:
        raise NotFound("There is no such sign-in.", code=ErrorCode.SIGN_IN_NOT_FOUND)
    end_sign_in(unit.db, sign_in_id, now=unit.now, because=SignInEnd.ENDED_BY_OWNER, beneficiary_id=beneficiary_id)


def end_other_sign_ins(unit: Unit, beneficiary_id: UUID, mine: UUID | None) -> int:
    """End all sign-ins of a person but the one that asks for it; return how many were live."""
    return end_sign_ins_of_person(unit.db, beneficiary_id, now=unit.now, because=SignInEnd.ENDED_BY_OWNER, but=mine)


def end_all_sign_ins(unit: Unit, beneficiary_id: UUID, because: SignInEnd) -> int:
    """End the ways in that a person has open: sign-ins, codes, and faces that were recognised before now.

    An officer also ends the links. A changed contact does not: a letter at home must still open the pages when a
    stranger changed the telephone.

    Args:
        unit: the transaction to write in.
        beneficiary_id: the person, whose row is locked.
        because: why they end.

    Returns:
        The number of sign-ins that were live.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    person.signed_out_at = unit.now
    by_officer = because is SignInEnd.ENDED_BY_OFFICER
    end_access_codes_of(unit.db, beneficiary_id, unit.now, links=by_officer)
    ended = end_sign_ins_of_person(unit.db, beneficiary_id, now=unit.now, because=because)
    if by_officer:
        unit.ledger(LedgerEvent.SIGN_INS_ENDED, beneficiary_id, because=because.value)
    return ended


def end_tablet_sign_ins(unit: Unit, tablets: Sequence[UUID], because: SignInEnd) -> int:
    """End the sign-ins of tablets; return how many were live."""
    return end_sign_ins_of_tablets(unit.db, tablets, now=unit.now, because=because)


def _store(
    unit: Unit,
    way: SignInWay,
    device: str,
    lifetime: timedelta,
    *,
    beneficiary_id: UUID | None = None,
    tablet_id: UUID | None = None,
    capture_id: UUID | None = None,
) -> SignInRow:
    row = SignInRow(
        id=unit.service.new_id(),
        beneficiary_id=beneficiary_id,
        tablet_id=tablet_id,
        capture_id=capture_id,
        way=way.value,
        device=device,
        created_at=unit.now,
        expires_at=unit.now + lifetime,
    )
    unit.db.add(row)
    unit.db.flush()
    return row
