"""Tables of messages to people: contact details and the outbox."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import MessageChannel, MessageState
from certify.storage.tables.base import Base, one_of


class ContactRow(Base):
    """How to reach a person; who has no row is reached by letter. Language and wish are plain, for queries."""

    __tablename__ = "contacts"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    sealed: Mapped[bytes]  # telephone, e-mail, quiet hours
    language: Mapped[str | None]
    reminders: Mapped[bool]
    changed_at: Mapped[datetime]


class MessageRow(Base):
    """One message to one person on one channel, waiting or sent. Only its sealed body says what, and where to."""

    __tablename__ = "messages"
    __table_args__ = (
        one_of("channel", MessageChannel),
        one_of("state", MessageState),
        # The same occasion never gives two messages on one channel, however often the job runs.
        UniqueConstraint("dedupe", "channel"),
        Index("ix_messages_waiting", "channel", "urgent", "not_before", postgresql_where=text("state = 'waiting'")),
        Index(None, "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    kind: Mapped[str]
    channel: Mapped[str]
    state: Mapped[str]
    urgent: Mapped[bool]  # asked for by the person this minute: neither opt-out nor quiet hours hold it
    dedupe: Mapped[str]
    sealed: Mapped[bytes | None]  # gone once it was sent or cancelled
    not_before: Mapped[datetime]  # while it is being sent: when another may try, should the sender have died
    expires_at: Mapped[datetime]  # later it would be of no use
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]  # a code, without anything personal
