"""Bodies about visits at home, for tablets, for officers, and for people who scan an agent's code at the door."""

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
    """The secret of an invitation, from the address that the officer gave to the agent."""

    secret: Secret


class AgentOut(Out):
    """An agent, as the agent's own tablet shows the agent."""

    id: UUID
    badge: str
    name: str


class EnrolmentOut(Out):
    """The data with which a tablet makes its passkey. ``options`` are those of WebAuthn's ``credentials.create``."""

    tablet_id: UUID
    agent: AgentOut
    fund: str
    options: dict[str, Any]


class DeviceKeyIn(In):
    """The public part of the key with which the tablet signs its sealed visits (JWK)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{43}$")]
    y: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{43}$")]


class EnrolIn(InvitationIn):
    """A tablet's two keys: its signing key, and its passkey in ``credential``, WebAuthn's answer as JSON."""

    key: DeviceKeyIn
    credential: dict[str, Any]


class TabletIn(In):
    """A tablet, by its id."""

    tablet_id: UUID


class ChallengeOut(Out):
    """A challenge for the tablet's passkey. ``options`` are those of WebAuthn's ``credentials.get``."""

    options: dict[str, Any]


class TabletSignInIn(TabletIn):
    """A tablet's answer to the challenge. ``credential`` is the answer of its passkey as JSON."""

    credential: dict[str, Any]
    device_id: DeviceId


class TabletSignedIn(Out):
    """The agent who is signed in. The cookie is set and is valid until ``until``."""

    until: datetime
    agent: AgentOut
    fund: str


class StopOut(Out):
    """One visit of an agent's plan."""

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
    """The last bundle of the tablet's chain that the service received."""

    seq: int
    sha256: str


class PlaceOut(Out):
    """A place (WGS 84), in degrees."""

    latitude: float
    longitude: float

    @classmethod
    def at(cls, point: Point | None) -> Self | None:
        """Return the place of a point; None if there is none."""
        return None if point is None else cls(latitude=point[0], longitude=point[1])


class DayOut(Out):
    """The data that a tablet loads for the visits of the next days."""

    agent: AgentOut
    fund: str
    anchor: str
    key: dict[str, str]
    head: ChainOut
    stops: list[StopOut]
    base: PlaceOut | None = Field(description="The place where the agent's days begin")
    day_codes: dict[date, str] = Field(
        description="Codes, by day, to show to people who are not in the plan; PNG, base64"
    )
    retention_days: int


class ToldOut(Out):
    """The state and result of one sealed visit."""

    sha256: str
    visit_id: UUID
    seq: int
    state: Literal["received", "opened", "refused"]
    reason: str | None = Field(description="Why the service refused it; an officer examines it")
    result: str | None
    outcome: str | None = Field(description="Outcome of the face comparison, once it is decided")
    guidance: list[str]


class TakenOut(Out):
    """The service has stored the bundle."""

    told: ToldOut
    anchor: str


class ToldList(Out):
    """The states and results of the visits of the last days, newest first."""

    items: list[ToldOut]
    waiting: int
    missing: list[int] = Field(
        description="Sequence numbers of the tablet's chain that did not arrive although later ones did"
    )
    anchor: str


class DoorIn(In):
    """The secret of the code that an agent shows at the door."""

    secret: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class DoorOut(Out):
    """The agent who shows the code. ``today``: the agent works for the fund and is to visit this person today."""

    fund: str
    name: str
    badge: str
    photo: str | None = Field(description="JPEG, base64")
    today: bool
    planned_on: date | None
    initials: str | None = Field(
        description="Initials of the person to be visited; null if the visit is not in the plan"
    )


class BaseIn(In):
    """A place (WGS 84), in degrees."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)


class AgentIn(In):
    """An agent to add."""

    badge: Badge
    name: Text
    area: Area = Field(description="Region, or the beginning of the regions, in which the agent works")
    capacity: int = Field(default=12, ge=0, le=60, description="Visits a day")
    base: BaseIn | None = Field(default=None, description="The place where the agent's days begin")


class AgentChangeIn(In):
    """Changes of an agent. Fields that are left out stay as they are; a base of null removes the base."""

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
    """The state that an agent gets."""

    state: Literal["active", "away", "suspended"]


class InvitedOut(Out):
    """The address that enrols one tablet, once. Give it to the agent in person; do not send it."""

    tablet_id: UUID
    address: str
    expires_at: datetime


class SignalOut(Out):
    """An unusual pattern in ``hits`` of ``trials`` visits. Honest visits show it with probability 10^-``surprise``."""

    signal: str
    hits: int
    trials: int
    surprise: float


class HoldOut(Out):
    """A hold: certificates from an agent's visits are paused until a supervisor decides."""

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
    """A supervisor's decision. ``released``: there is an honest explanation. ``confirmed``: the agent cheated.

    If a hold is confirmed, the agent is suspended and other agents visit the people again.
    """

    decision: Literal["released", "confirmed"]


class RefusedOut(Out):
    """A sealed visit that the service refused and keeps for an inquiry."""

    id: UUID
    agent_id: UUID
    tablet_id: UUID
    seq: int
    reason: str
    received_at: datetime
    kept_until: datetime | None
    admissible: bool


class RefusedList(Out):
    """Refused sealed visits, newest first."""

    items: list[RefusedOut]


class TabletSignInOut(Out):
    """A live sign-in of an agent at a tablet."""

    id: UUID
    tablet_id: UUID
    created_at: datetime
    expires_at: datetime


class TabletSignInList(Out):
    """The live sign-ins of an agent, newest first."""

    items: list[TabletSignInOut]
