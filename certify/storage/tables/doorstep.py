"""The tables of visits at home: agents, their tablets, what they sealed, and who lives where."""

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
    """Somebody who visits people at home. Name and photo are shown to whoever scans the agent's code at the door."""

    __tablename__ = "agents"
    __table_args__ = (
        one_of("state", AgentState),
        CheckConstraint("capacity between 0 and 60", name="capacity_bounded"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    badge: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    photo: Mapped[bytes | None] = mapped_column(deferred=True)  # JPEG
    area: Mapped[str]  # region or beginning of regions in which the agent works
    capacity: Mapped[int]  # visits a day
    base_latitude: Mapped[float | None]  # where the agent's days begin
    base_longitude: Mapped[float | None]
    state: Mapped[str]
    created_at: Mapped[datetime]
    watched_at: Mapped[datetime | None]  # when the agent's visits were last looked through for what is unusual
    # By signal, how many visits hit and how many could have: what the usual among agents is worked out from.
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
    """A challenge that a tablet was given, to be answered once."""

    __tablename__ = "tablet_challenges"

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    tablet_id: Mapped[UUID] = mapped_column(ForeignKey("tablets.id"), index=True)
    expires_at: Mapped[datetime]


class BundleRow(Base):
    """One sealed visit as a tablet sent it. The sealed bytes go once it is opened; of a refused one they stay a while.

    ``details_sealed`` is what the agent wrote, under the key of the person visited.
    """

    __tablename__ = "bundles"
    __table_args__ = (
        one_of("state", BundleState),
        # A place in a tablet's chain is taken once; whatever else claims it is refused, and kept for inquiry.
        Index("uq_bundles_place", "tablet_id", "seq", unique=True, postgresql_where=text("state <> 'refused'")),
        Index("ix_bundles_waiting", "received_at", postgresql_where=text("state = 'received'")),
        Index(None, "agent_id", "happened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(unique=True)
    tablet_id: Mapped[UUID] = mapped_column(ForeignKey("tablets.id"))
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    seq: Mapped[int]  # counts a tablet's visits from 1
    previous: Mapped[bytes]  # sha256 of the tablet's visit before; of its enrolment for the first
    visit_id: Mapped[UUID] = mapped_column(index=True)
    state: Mapped[str]
    reason: Mapped[str | None]  # why it was refused
    size: Mapped[int]
    received_at: Mapped[datetime]
    sent_offset_s: Mapped[float | None]  # the device's clock less ours, when it was sent
    sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    opened_at: Mapped[datetime | None]
    result: Mapped[str | None]
    happened_at: Mapped[datetime | None]
    beneficiary_id: Mapped[UUID | None] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("capture_sessions.id"), index=True)
    details_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    # Of each photo, paper and video: none may come a second time.
    media_sha256: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    delete_after: Mapped[datetime | None]  # of what is sealed in a refused one
    admitted_by: Mapped[str | None]  # the officer who looked into a refusal and let the visit count


class VisitTraceRow(Base):
    """What a visit looked like, to tell agents who visit from agents who do not (certify/domain/integrity.py).

    ``sealed`` holds where it was and the face that was seen, under the key of the person visited.
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
    same_face: Mapped[list[str]]  # bundles of the same agent, of other people, with the same face
    clock_shift_s: Mapped[float]
    recheck: Mapped[bool | None]
    sealed: Mapped[bytes]


class AgentHoldRow(Base):
    """What an agent certified is held until a supervisor has looked: why, and what came of it."""

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
    """Where a person lives and how to find the door, sealed by the person's key."""

    __tablename__ = "homes"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    sealed: Mapped[bytes]
    changed_at: Mapped[datetime]


class VisitRow(Base):
    """A visit at home that is needed: asked for by the person or by the service, planned, made.

    ``place`` is the visit's place in the agent's day. At a *missed* one nobody was found; another takes its place, and
    ``tries`` counts how many were missed before.
    """

    __tablename__ = "visits"
    __table_args__ = (
        one_of("state", VisitState),
        one_of("part", VisitPart),
        one_of("reason", VisitReason),
        Index(None, "state", "wanted_on"),
        Index(None, "agent_id", "planned_on"),
        # Whoever needs a visit needs one, for whatever reasons.
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
    rechecks: Mapped[UUID | None] = mapped_column(ForeignKey("bundles.id"))  # the visit that is made a second time
    bundle_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("bundles.id"), unique=True
    )  # by which it was made, or missed
