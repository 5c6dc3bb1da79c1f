"""Agents: who can visit people at home, in which area, and how many people a day."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TypedDict
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.route import Point, point_of
from certify.domain.states import AgentState, VisitState
from certify.doorstep.tablets import revoke_tablets_of
from certify.doorstep.visits import unplan
from certify.errors import Conflict, Invalid, NotFound
from certify.service import Unit
from certify.storage.agents import get_agent, has_badge
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import AgentRow, VisitRow
from certify.storage.visits import lock_planned_of_agent
from models.media.image import probe

MAX_PHOTO = 200_000
"""Bytes of an agent's photo: phones load it at the door, often over a slow network."""

_BADGE = re.compile(r"[A-Za-z0-9\-]{2,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """An agent to add.

    Attributes:
        badge: the number on the agent's card; unique.
        name: the name that people are shown at the door.
        area: a region, or the beginning of regions; "" is everywhere.
        capacity: visits a day.
        photo: JPEG of at most ``MAX_PHOTO`` bytes.
        base: where the agent's days begin.
    """

    badge: str
    name: str
    area: str
    capacity: int = 12
    photo: bytes | None = None
    base: Point | None = None


class AgentChange(TypedDict, total=False):
    """What of an agent can change; keys that are not given stay. A badge never changes: it is printed on a card."""

    name: str
    area: str
    capacity: int
    photo: bytes | None
    base: Point | None


def add_agent(unit: Unit, new: NewAgent) -> AgentRow:
    """Add an agent.

    Args:
        unit: the transaction.
        new: the agent.

    Returns:
        The stored agent, in state ``active``.

    Raises:
        Invalid: badge, name, capacity or base is wrong (``agent_invalid``), or the photo is not a small JPEG
            (``agent_photo``).
        ImageRefused: the photo cannot be read.
        Conflict: another agent has this badge (``agent_exists``).
    """
    _check(new)
    if has_badge(unit.db, new.badge):
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
    """Change an agent.

    Planned visits stay. The next planning uses the new area, capacity and base.

    Args:
        unit: the transaction.
        agent_id: id of the agent.
        change: the new values.

    Returns:
        The changed agent.

    Raises:
        NotFound: no such agent (``agent_not_found``).
        Invalid: a new value is wrong (``agent_invalid``, ``agent_photo``).
        ImageRefused: the photo cannot be read.
    """
    row = get_agent(unit.db, agent_id, lock=True)
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
    """Set whether an agent works.

    An agent who is away or suspended keeps no visits: they wait to be planned again. The tablets of a suspended agent
    are revoked. What they sealed before can still be sent, and is kept for inquiry.

    Args:
        unit: the transaction.
        agent_id: id of the agent.
        state: the new state.

    Returns:
        The agent.

    Raises:
        NotFound: no such agent (``agent_not_found``).
    """
    row = get_agent(unit.db, agent_id, lock=True)
    if row.state == state.value:
        return row
    row.state = state.value
    if state is not AgentState.ACTIVE:
        for visit in lock_planned_of_agent(unit.db, agent_id):
            unplan(visit)
    if state is AgentState.SUSPENDED:
        revoke_tablets_of(unit, agent_id)
    unit.db.flush()
    unit.ledger(LedgerEvent.AGENT_STATE, None, agent=str(agent_id), state=state.value)
    return row


def base_of(row: AgentRow) -> Point | None:
    """Return where an agent's days begin; None when it is not known."""
    return point_of(row.base_latitude, row.base_longitude)


@dataclass(frozen=True, slots=True)
class AgentAtDoor:
    """The answer to a person who scans the code of an agent at the door.

    Attributes:
        agent: the agent whose code it is.
        today: whether the agent works, and the visit is for today.
        planned_on: the day of the visit.
        initials: of the person who is visited; None for the code of the day, which an agent shows at visits outside
            the plan.
    """

    agent: AgentRow
    today: bool
    planned_on: date | None
    initials: str | None


def door_secret(unit: Unit, visit: VisitRow) -> str:
    """Return the secret in the code at the door: it names one visit of one agent on one day, under a keyed hash."""
    return f"{visit.id.hex}{_door_mark(unit, visit.id, visit.agent_id, visit.planned_on)}"


def day_secret(unit: Unit, agent_id: UUID, on: date) -> str:
    """Return the secret in an agent's code of the day, for visits outside the plan on that day."""
    return f"{agent_id.hex}{_door_mark(unit, None, agent_id, on)}"


def check_agent(unit: Unit, secret: str, today: date) -> AgentAtDoor:
    """Return the agent who shows a code.

    A code of the day is valid on that day only, and only while the agent works: otherwise no visit would explain it.

    Args:
        unit: the transaction.
        secret: what the code says.
        today: the present day where agents work.

    Returns:
        The agent, and whether the visit is for today.

    Raises:
        NotFound: the code is not one of ours (``agent_unknown``).
    """
    unknown = NotFound(
        "This code is not one of ours.", hint="Do not let the person in. Call the fund.", code=ErrorCode.AGENT_UNKNOWN
    )
    try:
        number = UUID(hex=secret[:32])
    except ValueError:
        raise unknown from None
    working = unit.db.get(AgentRow, number)
    if working is not None and working.state == AgentState.ACTIVE.value:
        if _same(secret, day_secret(unit, number, today)):
            return AgentAtDoor(working, today=True, planned_on=today, initials=None)
        raise unknown
    visit = unit.db.get(VisitRow, number)
    if visit is None or visit.agent_id is None or not _same(secret, door_secret(unit, visit)):
        raise unknown
    agent = get_agent(unit.db, visit.agent_id)
    name = get_beneficiary(unit.db, visit.beneficiary_id).name or ""
    initials = " ".join(f"{word[0]}." for word in name.split()[:3])
    works = agent.state == AgentState.ACTIVE.value and visit.state in (VisitState.PLANNED, VisitState.MADE)
    return AgentAtDoor(agent, works and visit.planned_on == today, visit.planned_on, initials)


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
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # both comparisons are false for NaN
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
