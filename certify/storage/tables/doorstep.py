"""Tables of visits at home: agents, tablets, sealed visits, homes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import AgentState, BundleState, HoldState, TabletState, VisitPart, VisitReason, VisitState
from certify.storage.tables.base import Base, one_of


class AgentRow(Base):
    """A person who visits beneficiaries. Anyone who scans the agent's code at the door sees the name and photo."""

    __tablename__ = "agents"
    __table_args__ = (
        one_of("state", AgentState),
        CheckConstraint("capacity between 0 and 60", name="capacity_bounded"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    badge: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    photo: Mapped[bytes | None] = mapped_column(deferred=True)  # JPEG
    area: Mapped[str]  # region in which the agent works, or the first characters of several regions
    capacity: Mapped[int]  # visits a day
    base_latitude: Mapped[float | None]  # where the agent's days begin
    base_longitude: Mapped[float | None]
    state: Mapped[str]
    created_at: Mapped[datetime]
    watched_at: Mapped[datetime | None]  # when the agent's visits were last examined for unusual signals
    # By signal, how many visits showed it and how many could have; the rate that is usual among agents comes from it.
    counts: Mapped[dict[str, Any] | None]
    score: Mapped[float | None]


class TabletRow(Base):
    """A device of one agent: invited by an officer, enrolled with a passkey and a signing key, revocable."""

    __tablename__ = "tablets"
    __table_args__ = (one_of("state", TabletState),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"), index=True)
    state: Mapped[str]
    invited_by: Mapped[str]
    invited_at: Mapped[datetime]
    invite_hash: Mapped[bytes | None] = mapped_column(unique=True)  # keyed hash of the one-time secret
    invite_expires_at: Mapped[datetime]
    enrolled_at: Mapped[datetime | None]
    public_jwk: Mapped[dict[str, Any] | None]  # of the key that signs what this device seals
    passkey: Mapped[bytes | None]  # WebAuthn attested credential data: id and public key
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    seen_at: Mapped[datetime | None]


class TabletChallengeRow(Base):
    """A challenge for a tablet, which can be answered once."""

    __tablename__ = "tablet_challenges"

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    tablet_id: Mapped[UUID] = mapped_column(ForeignKey("tablets.id"), index=True)
    expires_at: Mapped[datetime]


class BundleRow(Base):
    """One sealed visit as a tablet sent it.

    The sealed bytes are deleted when the visit is opened; those of a refused visit stay until ``delete_after``.
    ``details_sealed`` holds what the agent wrote, sealed with the data key of the person visited.
    """

    __tablename__ = "bundles"
    __table_args__ = (
        one_of("state", BundleState),
        # One visit takes each place in a tablet's chain; another that claims the place is refused and kept for inquiry.
        Index("uq_bundles_place", "tablet_id", "seq", unique=True, postgresql_where=text("state <> 'refused'")),
        Index("ix_bundles_waiting", "received_at", postgresql_where=text("state = 'received'")),
        Index(None, "agent_id", "happened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(unique=True)
    tablet_id: Mapped[UUID] = mapped_column(ForeignKey("tablets.id"))
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    seq: Mapped[int]  # counts a tablet's visits from 1
    previous: Mapped[bytes]  # sha256 of the tablet's visit before; for the first visit, of its enrolment
    visit_id: Mapped[UUID] = mapped_column(index=True)
    state: Mapped[str]
    reason: Mapped[str | None]  # why it was refused
    size: Mapped[int]
    received_at: Mapped[datetime]
    sent_offset_s: Mapped[float | None]  # clock of the device minus ours when it was sent, in seconds
    sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    opened_at: Mapped[datetime | None]
    result: Mapped[str | None]
    happened_at: Mapped[datetime | None]
    beneficiary_id: Mapped[UUID | None] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("capture_sessions.id"), index=True)
    details_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    # Of each photo, paper and video; none may come a second time.
    media_sha256: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    delete_after: Mapped[datetime | None]  # when the sealed bytes of a refused visit are deleted
    admitted_by: Mapped[str | None]  # the officer who examined a refusal and let the visit count


class VisitTraceRow(Base):
    """The trace of a visit, to tell agents who visit from agents who do not (certify/domain/integrity.py).

    ``sealed`` holds the place and the face that was seen, sealed with the data key of the person visited.
    """

    __tablename__ = "visit_traces"
    __table_args__ = (Index(None, "agent_id", "at"), Index(None, "agent_id", "noted_at"))

    bundle_id: Mapped[UUID] = mapped_column(ForeignKey("bundles.id"), primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    at: Mapped[datetime]
    noted_at: Mapped[datetime]
    seconds: Mapped[float]
    method: Mapped[str]
    passive: Mapped[float | None]
    background: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    same_face: Mapped[list[str]]  # bundles of the same agent that show this face for other people
    clock_shift_s: Mapped[float]
    recheck: Mapped[bool | None]
    sealed: Mapped[bytes]


class AgentHoldRow(Base):
    """A hold of everything that an agent certified, until a supervisor decides: the reasons and the decision."""

    __tablename__ = "agent_holds"
    __table_args__ = (
        one_of("state", HoldState),
        Index("uq_agent_holds_open", "agent_id", unique=True, postgresql_where=text("state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    state: Mapped[str]
    score: Mapped[float]
    signals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
    opened_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class HomeRow(Base):
    """Where a person lives and how to find the door, sealed with the person's data key."""

    __tablename__ = "homes"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    sealed: Mapped[bytes]
    changed_at: Mapped[datetime]


class VisitRow(Base):
    """A visit at home that is needed: the person or the service asked for it, and an agent plans and makes it.

    ``place`` is the position of the visit in the agent's day. A *missed* visit is one where no one was found; another
    visit replaces it, and ``tries`` counts the missed visits before this one.
    """

    __tablename__ = "visits"
    __table_args__ = (
        one_of("state", VisitState),
        one_of("part", VisitPart),
        one_of("reason", VisitReason),
        Index(None, "state", "wanted_on"),
        Index(None, "agent_id", "planned_on"),
        # A person has at most one open visit, however many reasons there are for it.
        Index("uq_visits_open", "beneficiary_id", unique=True, postgresql_where=text("state in ('asked', 'planned')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="asked")
    wanted_on: Mapped[date | None]
    part: Mapped[str | None]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id"))
    planned_on: Mapped[date | None]
    place: Mapped[int | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    rechecks: Mapped[UUID | None] = mapped_column(ForeignKey("bundles.id"))  # the visit that this one repeats
    # The sealed visit by which it was made or missed.
    bundle_id: Mapped[UUID | None] = mapped_column(ForeignKey("bundles.id"), unique=True)


class DoorReportRow(Base):
    """Somebody at a door who was reported: they showed no code of ours, or an agent came who should not."""

    __tablename__ = "door_reports"
    __table_args__ = (Index(None, "made_at"), Index(None, "beneficiary_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    code: Mapped[bytes]  # keyed hash of what the code said: who shows the same code again is recognised
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id"))
    beneficiary_id: Mapped[UUID | None] = mapped_column(ForeignKey("beneficiaries.id"))  # who reports, if it is known
