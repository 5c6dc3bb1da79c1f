"""Tables of supervision: the access journal, and the nightly audit of standings."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from certify.storage.tables.base import Base


class AccessRow(Base):
    """One request by which a member of staff or a machine read about people. It names no person, only their ids."""

    __tablename__ = "access_journal"
    __table_args__ = (
        Index(None, "at"),
        Index(None, "subject", "id"),
        Index(None, "people", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    subject: Mapped[str]
    issuer: Mapped[str]
    role: Mapped[str]
    request_id: Mapped[str]
    route: Mapped[str]  # method and template of the path
    target: Mapped[str]  # what the path names, such as the number of a certificate; empty for a list
    status: Mapped[int] = mapped_column(SmallInteger)
    people: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))  # whom the answer was about


class StandingAuditRow(Base):
    """One audit of all standings, or the part of it that is done."""

    __tablename__ = "standing_audits"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    after: Mapped[UUID]  # the last person that was looked at
    people: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(BigInteger)
    findings: Mapped[int] = mapped_column(BigInteger)
