"""Start a capture session from an identifier and a birth date, without revealing whether that person exists.

What a session asks depends only on what the caller said and on counts of what was entered, which are kept alike for
known and unknown numbers: never on the needs, records or earlier attempts of a person. The one exception is the phone
from which the person was certified before, with possession: it is asked for no colours. Its name is a secret of that
phone, so that other callers see the same for all numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from certify.capture.attempts import require_public_attempt
from certify.capture.decoys import ensure_decoy_person
from certify.capture.new_session import new_session
from certify.capture.open_plan import KEPT, hardest_failed, still_open, unanswered
from certify.domain.channels import Channel
from certify.domain.profile import NEEDS, UNKNOWN_NEED, Demand, Risk, choose
from certify.domain.schedule import age_on, latest_date
from certify.domain.states import Possession, ReferenceState
from certify.people.access import IdentityClaim
from certify.people.consent import TEXT_VERSION, consent_of
from certify.people.device_key import device_hash
from certify.people.possession import possession_of
from certify.service import Unit
from certify.storage.people import DECOY_PERSON, references_of
from certify.storage.plans import public_plans
from certify.storage.public_sessions import (
    end_open_public_sessions,
    other_numbers_on_device,
    public_sessions_since,
)
from certify.storage.sessions import is_new_device
from certify.storage.tables.sessions import SessionRow

_DEVICE_SHARED_FOR = timedelta(days=30)


def open_public_session(
    unit: Unit,
    claim: IdentityClaim,
    birth_date: date,
    *,
    device_id: str,
    assisted: bool,
    needs: tuple[str, ...] = (),
    device_key: str | None = None,
) -> SessionRow:
    """Open a session for the person whom a caller names, or a decoy session.

    A device that has a session open for this number gets the same one again while there is time enough left for it.
    Sessions of other devices stay open. A plan stays the same until media were sent for it
    (certify/capture/open_plan.py).

    The caller states a consent; it is kept with the session and becomes a consent of the person when the face was
    recognised.

    Args:
        unit: the transaction to write in.
        claim: who the caller says they are.
        birth_date: as the caller entered it.
        device_id: what the caller's phone calls itself.
        assisted: whether a helper holds the phone, as the caller says.
        needs: accessibility needs for this session, as the caller says.
        device_key: thumbprint of the key that the phone proved (certify/people/device_key.py); None if it proved none.

    Returns:
        The stored session, in state ``open``.

    Raises:
        Conflict: this device failed too often for this number and has to wait (``attempts_used_up``); the same for
            people and for unknown identifiers.
    """
    ensure_decoy_person(unit)
    asked, device = claim.mark, device_hash(unit, device_id, device_key) or b""
    require_public_attempt(unit, asked, device)
    person = _filmed_person(unit, claim)
    new_device = is_new_device(unit.db, person or DECOY_PERSON, device)
    demand = public_demand(unit, asked, device, birth_date, needs, new_device=new_device)
    may_flash = all(NEEDS.get(name, UNKNOWN_NEED).flashes for name in needs)
    kept = unanswered(public_plans(unit.db, asked, unit.now - KEPT), demand, harder_on=device if may_flash else None)
    for row in kept:
        same = row.device == device and row.assisted == assisted and row.beneficiary_id == (person or DECOY_PERSON)
        if same and still_open(unit, row):
            return row
    end_open_public_sessions(unit.db, asked, device)
    row = new_session(
        unit,
        person or DECOY_PERSON,
        Channel.REMOTE,
        demand,
        device=device,
        assisted=assisted,
        public_entry=True,
        possession=_possession(unit, person, device),
        decoy=None if person is not None else asked,
        kept=kept[0] if kept else None,
        device_proved=device_key is not None,
    )
    row.asked, row.consent_version = asked, TEXT_VERSION
    row.named_id = claim.person if person is None else None
    unit.db.flush()
    return row


def _possession(unit: Unit, person: UUID | None, device: bytes) -> Possession:
    """Tell whether the phone is one that certified this person before. It is not shown to the caller."""
    if person is None:
        return Possession.NOT_ASKED
    return possession_of(unit, person, device=device, confirmed=False)


def public_demand(
    unit: Unit, asked: bytes, device: bytes, birth_date: date, needs: Sequence[str], *, new_device: bool = True
) -> Demand:
    """Choose how much a session asks of a caller who is not recognised.

    Earlier failures do not make it easier: they need not be those of the person. It asks no less than what failed.

    Args:
        unit: the transaction to read in.
        asked: keyed hash of the number and birth date that were entered.
        device: keyed hash of what the device calls itself.
        birth_date: as entered.
        needs: accessibility needs, as the caller says.
        new_device: whether the device is none that is known for the person.

    Returns:
        The demand, from which the plan is drawn.
    """
    risk = Risk(
        new_device=new_device,
        sessions_last_hour=public_sessions_since(unit.db, asked, unit.now - timedelta(hours=1)),
        others_on_device=other_numbers_on_device(unit.db, asked, device, unit.now - _DEVICE_SHARED_FOR),
    )
    return choose(needs, age_on(birth_date, latest_date(unit.now)), (), risk, least=hardest_failed(unit, asked, device))


def _filmed_person(unit: Unit, claim: IdentityClaim) -> UUID | None:
    """Return the person of a claim if their face can be recognised, else None. The same statements run for all."""
    person = claim.person or UUID(bytes=claim.mark[:16])
    references = references_of(unit.db, person)
    usable = any(reference.state != ReferenceState.REFUSED for reference in references)
    # A person who withdrew their consent gives it again after they sign in with a link or code: others may know their
    # identifier and birth date.
    consents = consent_of(unit, person) is not False
    return claim.person if usable and consents else None
