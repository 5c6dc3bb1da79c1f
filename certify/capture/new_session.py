"""Store a new capture session with a challenge plan of its own, the same for a person and for a decoy session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from certify.capture.challenge import draw
from certify.domain.channels import Channel
from certify.domain.profile import Demand
from certify.domain.states import Possession, SessionState
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow


def new_session(
    unit: Unit,
    beneficiary_id: UUID,
    channel: Channel,
    demand: Demand,
    *,
    device: bytes | None,
    assisted: bool,
    public_entry: bool,
    possession: Possession = Possession.NOT_ASKED,
    decoy: bytes | None = None,
    kept: SessionRow | None = None,
    device_proved: bool = False,
) -> SessionRow:
    """Draw the plan of a session and store it, open. The caller has checked that the person may have one.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, or of the row that stands for no person.
        channel: remote or doorstep.
        demand: how much the session asks.
        device: keyed hash of the phone's key or of what it calls itself; None when it did not say.
        assisted: whether a helper holds the phone.
        public_entry: whether the caller only gave an identifier and a birth date.
        possession: whether the session was opened with something that only the person has.
        decoy: mark of an unknown identifier; None in the sessions of people.
        device_proved: whether the phone proved its key. Only such a phone can become known for the person.
        kept: the session whose plan the caller was shown and has not answered; None to draw a new one.

    Returns:
        The stored session.
    """
    row = SessionRow(
        id=unit.service.new_id(),
        beneficiary_id=beneficiary_id,
        channel=channel.value,
        state=SessionState.OPEN,
        nonce=unit.service.random_bytes(16),
        created_at=unit.now,
        expires_at=unit.now + timedelta(minutes=unit.service.settings.session_minutes),
        profile=demand.profile if kept is None else kept.profile,
        plan=_drawn(unit, demand) if kept is None else dict(kept.plan or {}),
        device=device,
        device_proved=device_proved,
        assisted=assisted,
        public_entry=public_entry,
        possession=possession.value,
        decoy=decoy,
    )
    unit.db.add(row)
    unit.db.flush()
    return row


def _drawn(unit: Unit, demand: Demand) -> dict[str, Any]:
    return draw(demand, unit.service.random_bytes).to_json() | {"because": list(demand.reasons)}
