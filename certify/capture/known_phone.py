"""Start a capture session on a phone that is known for one person: its key stands for number and birth date.

The key cannot leave the phone (certify/people/device_key.py), and the phone was used by that person with a code, a link
or before an officer. It opens no pages: the session certifies only the living person before the camera, as others do.
"""

from __future__ import annotations

from certify.capture.public_entry import open_public_session
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.people.access import IdentityClaim
from certify.people.device_key import device_hash
from certify.service import Unit
from certify.storage.known_phones import asked_on_phone, people_of_phone
from certify.storage.people import get_beneficiary
from certify.storage.tables.sessions import SessionRow


def open_on_known_phone(
    unit: Unit, *, device_id: str, device_key: str | None, assisted: bool, needs: tuple[str, ...] = ()
) -> SessionRow:
    """Open a session for the one person for whom this phone is known.

    Args:
        unit: the transaction to write in.
        device_id: what the phone calls itself.
        device_key: thumbprint of the key that it proved; None if it proved none.
        assisted: whether a helper holds the phone, as the caller says.
        needs: accessibility needs for this session, as the caller says.

    Returns:
        The stored session, in state ``open``.

    Raises:
        NotFound: the phone proved no key, or is known for no person or for several (``phone_unknown``).
        Conflict: this phone failed too often and has to wait (``attempts_used_up``).
    """
    unknown = NotFound(
        "No person is known for this phone.", hint="Enter your number and birth date.", code=ErrorCode.PHONE_UNKNOWN
    )
    device = device_hash(unit, None, device_key)
    people = people_of_phone(unit.db, device) if device is not None else set()
    if device is None or len(people) != 1:  # of a couple with one phone, it cannot tell who is there
        raise unknown
    (person,) = people
    row = get_beneficiary(unit.db, person)
    if row.erased_at is not None or row.birth_date is None:
        raise unknown
    # Attempts count as for the number that was entered here before, so that the phone gets no others besides.
    mark = asked_on_phone(unit.db, person, device) or unit.service.vault.lookup_hash(
        unit.db, "known_phone", f"{person}|{device.hex()}"
    )
    return open_public_session(
        unit,
        IdentityClaim(person, mark),
        row.birth_date,
        device_id=device_id,
        device_key=device_key,
        assisted=assisted,
        needs=needs,
    )
