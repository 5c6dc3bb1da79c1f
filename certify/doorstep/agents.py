"""Agents: who may visit people at home, where, and how many a day."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypedDict
from uuid import UUID

from sqlalchemy import select

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.route import Point, point_of
from certify.domain.states import AgentState, VisitState
from certify.doorstep.tablets import end_tablets_of
from certify.doorstep.visits import put_back
from certify.errors import Conflict, Invalid, NotFound
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import AgentRow, VisitRow
from models.media.image import probe

MAX_PHOTO = 200_000
"""Bytes of an agent's photo: it goes to a telephone at somebody's door, over whatever network is there."""

_BADGE = re.compile(r"[A-Za-z0-9\-]{2,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """An agent to add.

    ``area`` is a region, or what regions begin with; ``capacity`` is visits a day; days begin at the ``base``.
    """

    badge: str
    name: str
    area: str
    capacity: int = 12
    photo: bytes | None = None
    base: Point | None = None


class AgentChange(TypedDict, total=False):
    """What of an agent may change; what is not given stays. Badges never change: they stand on cards."""

    name: str
    area: str
    capacity: int
    photo: bytes | None
    base: Point | None


def add_agent(unit: Unit, new: NewAgent) -> AgentRow:
    """Add an agent. Raises Invalid (``agent_invalid``), ImageRefused, Conflict (``agent_exists``)."""
    _check(new)
    if unit.db.scalars(select(AgentRow.id).where(AgentRow.badge == new.badge)).one_or_none() is not None:
        raise Conflict("There is an agent with this badge already.", code=ErrorCode.AGENT_EXISTS)
    row = AgentRow(
        id=unit.service.new_id(),
        badge=new.badge,
        state=AgentState.ACTIVE.value,
        created_at=unit.now,
    )
    _fill(row, new)
    unit.db.add(row)
    unit.db.flush()
    unit.ledger(LedgerEvent.AGENT_ADDED, None, agent=str(row.id))
    return row


def change_agent(unit: Unit, agent_id: UUID, change: AgentChange) -> AgentRow:
    """Change an agent. What is planned for them stays; the next plan goes by the new area, capacity and base.

    Raises NotFound, Invalid (``agent_invalid``), ImageRefused.
    """
    row = get_agent(unit, agent_id, lock=True)
    now = NewAgent(
        badge=row.badge,
        name=row.name,
        area=row.area,
        capacity=row.capacity,
        photo=row.photo,
        base=base_of(row),
    )
    new = replace(now, **change)
    _check(new)
    if new != now:
        _fill(row, new)
        unit.db.flush()
        unit.ledger(LedgerEvent.AGENT_CHANGED, None, agent=str(row.id), changed=sorted(change))
    return row


def set_agent_state(unit: Unit, agent_id: UUID, state: AgentState) -> AgentRow:
    """Say whether an agent works. Whoever is away or suspended keeps no visits: they go back to be planned anew.

    A suspended agent's tablets are revoked; what they sealed before can still be sent, and is kept for inquiry.
    Raises NotFound.
    """
    row = get_agent(unit, agent_id, lock=True)
    if row.state == state.value:
        return row
    row.state = state.value
    if state is not AgentState.ACTIVE:
        waiting = select(VisitRow).where(VisitRow.agent_id == agent_id, VisitRow.state == VisitState.PLANNED)
        for visit in unit.db.scalars(waiting.with_for_update()):
            put_back(visit)
    if state is AgentState.SUSPENDED:
        end_tablets_of(unit, agent_id)
    unit.db.flush()
    unit.ledger(LedgerEvent.AGENT_STATE, None, agent=str(agent_id), state=state.value)
    return row


def get_agent(unit: Unit, agent_id: UUID, *, lock: bool = False) -> AgentRow:
    """Return an agent. Raises NotFound.

    The lock lets others store what refers to the agent: visits come in while hundreds of people are determined.
    """
    query = select(AgentRow).where(AgentRow.id == agent_id)
    row = unit.db.scalars(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such agent.", code=ErrorCode.AGENT_NOT_FOUND)
    return row


def all_agents(unit: Unit) -> Sequence[AgentRow]:
    """Return all agents, by badge."""
    return unit.db.scalars(select(AgentRow).order_by(AgentRow.badge)).all()


def base_of(row: AgentRow) -> Point | None:
    """Return where an agent's days begin; None when it is not known."""
    return point_of(row.base_latitude, row.base_longitude)


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """What whoever scans the code at the door is told.

    ``today``: the agent works, and is to visit this person today. ``initials`` are those of the person visited; None
    when the agent shows the code of the day, for a visit to somebody who is not in the plan.
    """

    agent: AgentRow
    today: bool
    planned_on: date | None
    initials: str | None


def door_secret(unit: Unit, visit: VisitRow) -> str:
    """Return what the code at the door says: it names one visit of one agent on one day, and nobody can make one up."""
    return f"{visit.id.hex}{_door_mark(unit, visit.id, visit.agent_id, visit.planned_on)}"


def day_secret(unit: Unit, agent_id: UUID, on: date) -> str:
    """Return what an agent's code says on one day at a door that is not in the plan."""
    return f"{agent_id.hex}{_door_mark(unit, None, agent_id, on)}"


def check_agent(unit: Unit, secret: str, today: date) -> AtTheDoor:
    """Say who the agent is that shows this code. Raises NotFound (``agent_unknown``) for any code that is not ours.

    A code of the day is none of ours on any other day, nor once the agent does not work: no visit would explain it.
    """
    unknown = NotFound(
        "This code is not one of ours.", hint="Let nobody in. Call the fund.", code=ErrorCode.AGENT_UNKNOWN
    )
    try:
        named = UUID(hex=secret[:32])
    except ValueError:
        raise unknown from None
    working = unit.db.get(AgentRow, named)
    if working is not None and working.state == AgentState.ACTIVE.value:
        if _same(secret, day_secret(unit, named, today)):
            return AtTheDoor(working, today=True, planned_on=today, initials=None)
        raise unknown
    visit = unit.db.get(VisitRow, named)
    if visit is None or visit.agent_id is None or not _same(secret, door_secret(unit, visit)):
        raise unknown
    agent = get_agent(unit, visit.agent_id)
    name = get_beneficiary(unit.db, visit.beneficiary_id).name or ""
    initials = " ".join(f"{word[0]}." for word in name.split()[:3])
    works = agent.state == AgentState.ACTIVE.value and visit.state in (VisitState.PLANNED, VisitState.MADE)
    return AtTheDoor(agent, works and visit.planned_on == today, visit.planned_on, initials)


def _same(secret: str, ours: str) -> bool:
    return hmac.compare_digest(secret.encode(), ours.encode())


def _door_mark(unit: Unit, visit: UUID | None, agent: UUID | None, planned_on: date | None) -> str:
    return unit.service.vault.lookup_hash(unit.db, "door", f"{visit}|{agent}|{planned_on}").hex()[:32]


def _check(new: NewAgent) -> None:
    latitude, longitude = new.base or (0.0, 0.0)
    if not _BADGE.fullmatch(new.badge) or not new.name.strip() or not 0 <= new.capacity <= 60:
        raise Invalid(
            "An agent needs a badge of 2 to 30 letters, digits or '-', a name, and 0 to 60 visits a day.",
            code=ErrorCode.AGENT_INVALID,
        )
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # neither holds of what is not a number
        raise Invalid(
            "A base has a latitude between -90 and 90 degrees and a longitude between -180 and 180.",
            code=ErrorCode.AGENT_INVALID,
        )
    if new.photo is not None:
        _check_photo(new.photo)


def _fill(row: AgentRow, new: NewAgent) -> None:
    row.name, row.area, row.capacity, row.photo = new.name.strip(), new.area, new.capacity, new.photo
    row.base_latitude, row.base_longitude = new.base or (None, None)


def _check_photo(photo: bytes) -> None:
    if len(photo) > MAX_PHOTO or probe(photo).format != "JPEG":
        raise Invalid(f"The photo of an agent is a JPEG of at most {MAX_PHOTO:,} bytes.", code=ErrorCode.AGENT_PHOTO)
