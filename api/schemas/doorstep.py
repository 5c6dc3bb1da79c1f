"""What goes over the wire about visits at home: with tablets, officers, and whoever scans a code at a door."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.base import (
    In,
    Out,
    Text,
)
from api.schemas.own_pages import DeviceId
from certify.domain.route import Point

Secret = Annotated[str, StringConstraints(min_length=10, max_length=100, pattern=r"^[A-Za-z0-9_\-]+$")]
Area = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9_\-]*$")]
Badge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-]{2,30}$")]


class InvitationIn(In):
    """The secret of an invitation, from the address that the officer handed over."""

    secret: Secret


class AgentOut(Out):
    """An agent, as the agent's own tablet shows them."""

    id: UUID
    badge: str
    name: str


class EnrolmentOut(Out):
    """What a tablet needs to make its passkey: ``options`` are those of WebAuthn's ``credentials.create``."""

    tablet_id: UUID
    agent: AgentOut
    fund: str
    options: dict[str, Any]


class DeviceKeyIn(In):
    """Public key of the tablet (JWK), by which it signs what it seals."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{43}$")]
    y: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{43}$")]


class EnrolIn(InvitationIn):
    """A tablet's two keys. ``credential`` is WebAuthn's answer as JSON."""

    key: DeviceKeyIn
    credential: dict[str, Any]


class TabletIn(In):
    """Which tablet wants to sign in."""

    tablet_id: UUID


class ChallengeOut(Out):
    """``options`` are those of WebAuthn's ``credentials.get``."""

    options: dict[str, Any]


class TabletSignInIn(TabletIn):
    """The passkey's answer as JSON."""

    credential: dict[str, Any]
    device_id: DeviceId


class TabletSignedIn(Out):
    """The cookie is set; it counts until then."""

    until: datetime
    agent: AgentOut
    fund: str


class StopOut(Out):
    """One visit of the plan."""

    visit_id: UUID
    person_id: UUID
    planned_on: date
    place: int | None
    part: Literal["morning", "afternoon"] | None
    wanted_on: date | None
    reason: str
    tries: int
    name: str
    card_masked: str | None
    national_id_masked: str
    birth_year: int | None
    needs: list[str]
    address: str
    directions: str
    latitude: float | None
    longitude: float | None
    numbers: list[str]
    door: str
    door_code: str = Field(description="PNG, base64")


class ChainOut(Out):
    """The last link of the tablet's chain that arrived."""

    seq: int
    sha256: str


class PlaceOut(Out):
    """A place (WGS 84), in degrees."""

    latitude: float
    longitude: float

    @classmethod
    def at(cls, point: Point | None) -> Self | None:
        """Say where a point is, if there is one."""
        return None if point is None else cls(latitude=point[0], longitude=point[1])


class DayOut(Out):
    """What a tablet takes along."""

    agent: AgentOut
    fund: str
    anchor: str
    key: dict[str, str]
    head: ChainOut
    stops: list[StopOut]
    base: PlaceOut | None = Field(description="Where the agent's days begin")
    day_codes: dict[date, str] = Field(
        description="What to show at doors that are not in the plan, by day; PNG, base64"
    )
    retention_days: int


class ToldOut(Out):
    """What became of one sealed visit."""

    sha256: str
    visit_id: UUID
    seq: int
    state: Literal["received", "opened", "refused"]
    reason: str | None = Field(description="Why it was refused; an officer looks into it")
    result: str | None
    outcome: str | None = Field(description="Of the face, once it was judged")
    guidance: list[str]


class TakenOut(Out):
    """A bundle is safe now."""

    told: ToldOut
    anchor: str


class ToldList(Out):
    """What became of the visits of the last days, newest first."""

    items: list[ToldOut]
    waiting: int
    missing: list[int] = Field(description="Places in the tablet's chain that never arrived, though later ones did")
    anchor: str


class DoorIn(In):
    """What the code at the door says."""

    secret: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class DoorOut(Out):
    """Who the agent is that shows the code. ``today``: they work for the fund and are to visit this person today."""

    fund: str
    name: str
    badge: str
    photo: str | None = Field(description="JPEG, base64")
    today: bool
    planned_on: date | None
    initials: str | None = Field(description="Of the person to be visited; null when the visit is not in the plan")


class BaseIn(In):
    """A place (WGS 84), in degrees."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)


class AgentIn(In):
    """An agent to add."""

    badge: Badge
    name: Text
    area: Area = Field(description="Region, or what the regions begin with, in which the agent works")
    capacity: int = Field(default=12, ge=0, le=60, description="Visits a day")
    base: BaseIn | None = Field(default=None, description="Where the agent's days begin")


class AgentChangeIn(In):
    """What changes of an agent; what is not given stays, and a base of null is none."""

    name: Text | None = None
    area: Area | None = None
    capacity: int | None = Field(default=None, ge=0, le=60)
    base: BaseIn | None = None


class TabletOut(Out):
    """A tablet of an agent."""

    id: UUID
    state: Literal["invited", "active", "revoked"]
    invited_at: datetime
    enrolled_at: datetime | None
    revoked_at: datetime | None
    seen_at: datetime | None
    missing: list[int]


class AgentDetailOut(AgentOut):
    """An agent with their tablets, for officers."""

    area: str
    capacity: int
    base: PlaceOut | None
    state: Literal["active", "away", "suspended"]
    score: float | None
    tablets: list[TabletOut]


class AgentList(Out):
    """All agents."""

    items: list[AgentDetailOut]


class AgentStateIn(In):
    """Whether an agent works."""

    state: Literal["active", "away", "suspended"]


class InvitedOut(Out):
    """The address that enrols one tablet, once. Hand it over; do not send it."""

    tablet_id: UUID
    address: str
    expires_at: datetime


class SignalOut(Out):
    """One thing that was unusual, in ``hits`` of ``trials`` visits; honest ones show it with 10^-``surprise``."""

    signal: str
    hits: int
    trials: int
    surprise: float


class HoldOut(Out):
    """What an agent certified is held until a supervisor decides."""

    id: UUID
    agent_id: UUID
    state: Literal["open", "released", "confirmed"]
    score: float
    signals: list[SignalOut]
    opened_at: datetime
    decided_at: datetime | None


class HoldList(Out):
    """Holds that wait for a supervisor, oldest first."""

    items: list[HoldOut]


class HoldDecisionIn(In):
    """Released: there is an honest explanation. Confirmed: the agent cheated; their visits are made anew."""

    decision: Literal["released", "confirmed"]


class RefusedOut(Out):
    """A sealed visit that did not count, kept for inquiry."""

    id: UUID
    agent_id: UUID
    tablet_id: UUID
    seq: int
    reason: str
    received_at: datetime
    kept_until: datetime | None
    admissible: bool


class RefusedList(Out):
    """Sealed visits that did not count, newest first."""

    items: list[RefusedOut]
