"""Store a new capture session with a challenge plan of its own, the same for a person and for a decoy session."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from certify.capture.challenge import draw
from certify.domain.channels import Channel
from certify.domain.profile import NEW_DEVICE, Demand
from certify.domain.states import Possession, SessionState
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow
from models.liveness.plan import TAKES


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
        plan=_drawn(unit, demand) if kept is None else _again(kept.plan or {}, demand),
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
    """Draw the plan for a recording, which the phone knows beforehand, and one for each take of a live capture."""
    random_bytes = unit.service.random_bytes
    plan = draw(demand, random_bytes).to_json() | {"because": list(demand.reasons), "drawn_at": unit.now.isoformat()}
    if demand.prompts:
        plan["live"] = [draw(demand, random_bytes).to_json() for _ in range(TAKES)]
    return plan


def _again(plan: Mapping[str, Any], demand: Demand) -> dict[str, Any]:
    """Return a plan that is asked again, with the reasons of now.

    What made an earlier plan harder still counts, but not the phone it was asked on: this one may be known, or not.
    """
    earlier = {str(why) for why in plan.get("because", ())} - {NEW_DEVICE}
    return {**plan, "because": sorted({*demand.reasons, *earlier})}
