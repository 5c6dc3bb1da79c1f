"""Tables of messages to people: contact details and the outbox."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import MessageChannel, MessageState
from certify.storage.tables.base import Base, one_of


class ContactRow(Base):
    """Contact details of a person; a person without a row is reached by letter.

    The language and the wish for reminders are not sealed, so that queries can use them.
    """

    __tablename__ = "contacts"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    sealed: Mapped[bytes]  # telephone, e-mail, quiet hours
    language: Mapped[str | None]
    reminders: Mapped[bool]
    changed_at: Mapped[datetime]


class MessageRow(Base):
    """One message to one person on one channel, waiting or sent. Text and address are only in the sealed body."""

    __tablename__ = "messages"
    __table_args__ = (
        one_of("channel", MessageChannel),
        one_of("state", MessageState),
        # One occasion gives one message on a channel, however often the job runs.
        UniqueConstraint("dedupe", "channel"),
        Index("ix_messages_waiting", "channel", "urgent", "not_before", postgresql_where=text("state = 'waiting'")),
        Index(None, "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    kind: Mapped[str]
    channel: Mapped[str]
    state: Mapped[str]
    urgent: Mapped[bool]  # the person asked for it just now; neither opt-out nor quiet hours hold it back
    dedupe: Mapped[str]  # the occasion, without personal data
    sealed: Mapped[bytes | None]  # deleted when the message is sent or cancelled
    not_before: Mapped[datetime]  # while it is being sent: when another process may try, if the sender died
    expires_at: Mapped[datetime]  # after this instant the message is of no use
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]  # a code, without personal data


class ReadingMarkRow(Base):
    """How far a reader of the ledger has come: the number of the next entry to read."""

    __tablename__ = "reading_marks"

    reader: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
