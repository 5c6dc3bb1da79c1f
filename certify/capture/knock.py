"""Somebody at the door: a capture session for whoever knows an id and the birth date, be there such a person or not."""

from __future__ import annotations

from datetime import date

from certify.capture.decoys import demand_of_stranger
from certify.capture.new_session import new_session
from certify.capture.session import open_session
from certify.domain.channels import Channel
from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError
from certify.people.access import Asked
from certify.people.consent import set_consent
from certify.service import Unit
from certify.storage.people import STRANGER
from certify.storage.tables.sessions import SessionRow

_UNTELLING = frozenset({ErrorCode.NO_REFERENCE, ErrorCode.PERSON_ERASED, ErrorCode.CONSENT_WITHDRAWN})
"""Refusals that would tell that there is such a person: they are treated as nobody. Whoever withdrew their consent
gives it anew behind a link or code, for id and birth date are what others may know too."""


def knock(
    unit: Unit, asked: Asked, birth_date: date, *, device_id: str, assisted: bool, needs: tuple[str, ...] = ()
) -> SessionRow:
    """Open a session for who was asked for, who consents by asking; ``needs`` are said for this session.

    Raises Conflict (``too_many_sessions``, ``attempts_used_up``), the same for everybody.
    """
    if asked.person is not None:
        try:
            row = open_session(
                unit, asked.person, Channel.REMOTE, device_id=device_id, assisted=assisted, knocked=True, needs=needs
            )
        except CertifyError as error:
            if error.code not in _UNTELLING:
                raise
        else:
            set_consent(unit, asked.person, given=True, assisted=assisted)
            return row
    demand = demand_of_stranger(unit, asked.mark, birth_date, needs)
    device = unit.service.vault.lookup_hash(unit.db, "device", device_id)
    return new_session(
        unit, STRANGER, Channel.REMOTE, demand, device=device, assisted=assisted, knocked=True, stranger=asked.mark
    )
