"""Start a capture session from an identifier and a birth date, without revealing whether that person exists."""

from __future__ import annotations

from datetime import date

from certify.capture.decoys import decoy_demand, require_decoy_session
from certify.capture.new_session import new_session
from certify.capture.open_plan import open_plan
from certify.capture.session import open_session
from certify.domain.channels import Channel
from certify.domain.error_codes import ErrorCode
from certify.domain.states import Possession
from certify.errors import CertifyError
from certify.people.access import IdentityClaim
from certify.service import Unit
from certify.storage.people import DECOY_PERSON
from certify.storage.tables.sessions import SessionRow

_REVEALING = frozenset({ErrorCode.NO_REFERENCE, ErrorCode.PERSON_ERASED, ErrorCode.CONSENT_WITHDRAWN})
"""Refusals that would reveal that the person exists. The caller gets a decoy session instead. A person who withdrew
their consent gives it again after they sign in with a link or code: others may know their identifier and birth date."""


def open_public_session(
    unit: Unit, claim: IdentityClaim, birth_date: date, *, device_id: str, assisted: bool, needs: tuple[str, ...] = ()
) -> SessionRow:
    """Open a session for the person whom a caller names, or a decoy session.

    To ask for one is to consent. The consent is stored once the person was recognised (certify/capture/evaluate.py):
    others may know their identifier and birth date.

    Args:
        unit: the transaction to write in.
        claim: who the caller says they are.
        birth_date: as the caller entered it.
        device_id: what the caller's phone calls itself.
        assisted: whether a helper holds the phone, as the caller says.
        needs: accessibility needs for this session, as the caller says.

    Returns:
        The stored session, in state ``open``.

    Raises:
        Conflict: too many sessions today (``too_many_sessions``), or too many failed (``attempts_used_up``); the same
            for people and for unknown identifiers.
    """
    if claim.person is not None:
        try:
            return open_session(
                unit,
                claim.person,
                Channel.REMOTE,
                device_id=device_id,
                assisted=assisted,
                public_entry=True,
                needs=needs,
            )
        except CertifyError as error:
            if error.code not in _REVEALING:
                raise
    demand = decoy_demand(unit, claim.mark, birth_date, needs)
    device = unit.service.vault.lookup_hash(unit.db, "device", device_id)
    known = open_plan(
        unit,
        DECOY_PERSON,
        demand,
        device=device,
        public_entry=True,
        possession=Possession.NOT_ASKED,
        assisted=assisted,
        decoy=claim.mark,
    )
    if known.session is not None:
        return known.session
    require_decoy_session(unit, claim.mark)
    return new_session(
        unit,
        DECOY_PERSON,
        Channel.REMOTE,
        demand,
        device=device,
        assisted=assisted,
        public_entry=True,
        decoy=claim.mark,
        plan=known.plan,
    )
