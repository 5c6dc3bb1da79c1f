"""Storing a capture session with a plan of its own, the same for a person and for somebody who is nobody."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from certify.capture.challenge import draw
from certify.domain.channels import Channel
from certify.domain.profile import Demand
from certify.domain.states import SessionState
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
    knocked: bool,
    stranger: bytes | None = None,
) -> SessionRow:
    """Draw what a session asks, by its demand, and store it, open; who may have one the caller has made sure of."""
    row = SessionRow(
        id=unit.service.new_id(),
        beneficiary_id=beneficiary_id,
        channel=channel.value,
        state=SessionState.OPEN,
        nonce=unit.service.random_bytes(16),
        created_at=unit.now,
        expires_at=unit.now + timedelta(minutes=unit.service.settings.session_minutes),
        profile=demand.profile,
        plan=draw(demand, unit.service.random_bytes).to_json() | {"because": list(demand.reasons)},
        device=device,
        assisted=assisted,
        knocked=knocked,
        stranger=stranger,
    )
    unit.db.add(row)
    unit.db.flush()
    return row
