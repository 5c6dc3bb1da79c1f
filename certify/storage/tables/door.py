"""Tables of the way in: sign-ins of people and tablets, and the counters of attempts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import SignInEnd, SignInWay
from certify.storage.tables.base import Base, one_of


class SignInRow(Base):
    """A sign-in of a person on their own pages, or of a tablet. Its token counts only while the row is not ended."""

    __tablename__ = "sign_ins"
    __table_args__ = (one_of("way", SignInWay), one_of("ended_because", SignInEnd))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID | None] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    tablet_id: Mapped[UUID | None] = mapped_column(ForeignKey("tablets.id"), index=True)
    # The capture session in which the face was recognised: each opens the pages once. No foreign key: sessions that
    # nothing came of are deleted.
    capture_id: Mapped[UUID | None] = mapped_column(unique=True)
    way: Mapped[str]
    device: Mapped[str]  # mark of the device that the token is for
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]


class DoorMarkRow(Base):
    """A counter of attempts of one device, network or number. The mark is a keyed hash: it names no one.

    The level is the number of attempts, each of which fades with a time constant of an hour.
    """

    __tablename__ = "door_marks"
    __table_args__ = (Index(None, "at"), {"prefixes": ["UNLOGGED"]})

    mark: Mapped[bytes] = mapped_column(primary_key=True)
    level: Mapped[float]
    at: Mapped[datetime]  # of the last attempt that counted
