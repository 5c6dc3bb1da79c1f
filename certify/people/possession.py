"""Tell whether a remote session is opened with something that only the person has, besides face and numbers.

A picture, an identifier and a birth date can be known to many. A code that was sent to their known number or address,
the link of a letter, and a phone that certified with one of them, or before an officer, are theirs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from certify.domain.states import Possession
from certify.people.contact import contact_of
from certify.service import Unit
from certify.storage.access import has_live_link
from certify.storage.sessions import known_devices, unasked_devices

CONFIRMED_FOR = timedelta(hours=1)
"""For so long after a code or link was used on a phone, its person may change what protects them: contact details,
consent, records, appeals. Later the phone may have been left lying about. A starting value, not measured."""


def possession_of(unit: Unit, beneficiary_id: UUID, *, device: bytes | None, confirmed: bool) -> Possession:
    """Tell whether a session that is being opened shows possession, lacks it, or need not show any.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.
        device: keyed hash of what the phone calls itself; None when it did not say.
        confirmed: whether the caller signed in with a code or link.

    Returns:
        The possession. ``MISSING`` if the fund knows a telephone, an address, a phone or a live link of the person,
        and none of them was used. A phone that certified while nothing could be asked for shows nothing, and another
        phone than that one lacks it.
    """
    known = known_devices(unit.db, beneficiary_id)
    if confirmed or device in known:
        return Possession.SHOWN
    contact = contact_of(unit, beneficiary_id)
    has_any = bool(known or contact.phone or contact.email or has_live_link(unit.db, beneficiary_id, unit.now))
    if not has_any:
        first = unasked_devices(unit.db, beneficiary_id)
        has_any = bool(first) and device not in first
    return Possession.MISSING if has_any else Possession.NOT_ASKED


def is_confirmed(confirmed_at: datetime | None, now: datetime) -> bool:
    """Tell whether a code or link was used so recently that the person may change what protects them."""
    return confirmed_at is not None and now < confirmed_at + CONFIRMED_FOR
