"""Store contact details, and the outbox of messages to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Delete, Update, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.domain.states import MessageState
from certify.storage.direct import Row, as_rows, fetch, one_or_many
from certify.storage.tables.messages import ContactRow, MessageRow
from certify.storage.tables.people import BeneficiaryRow
from certify.texts import DECISIONS, NOTICES

_CONTACTS = b"select beneficiary_id, sealed from contacts where beneficiary_id"

_INSERT = b"""
    insert into messages (id, beneficiary_id, kind, channel, state, urgent, dedupe, sealed, not_before, expires_at,
        created_at)
    select id, beneficiary_id, kind, channel, 'waiting', urgent, dedupe, sealed, not_before, expires_at, created_at
    from json_populate_recordset(null::messages, %(messages)s)
    on conflict (dedupe, channel) do nothing returning id
"""

_CLAIM = b"""
    with due as (
        select id from messages
        where state = 'waiting' and channel = %(channel)s and urgent = %(urgent)s and not_before <= %(now)s
            and (%(only)s::uuid is null or id = %(only)s)
        order by not_before limit %(limit)s for update skip locked
    )
    update messages m set attempts = m.attempts + 1, not_before = %(until)s
    from due where m.id = due.id
    returning m.id, m.beneficiary_id, m.kind, m.urgent, m.attempts, m.expires_at, m.sealed
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that only this process may send for a while. ``attempts`` includes the present attempt."""

    id: UUID
    beneficiary_id: UUID
    kind: str
    urgent: bool
    attempts: int
    expires_at: datetime
    sealed: bytes


def get_contacts(db: Session, people: Collection[UUID]) -> dict[UUID, bytes]:
    """Return the sealed contact details of people; people without a stored contact are omitted."""
    if not people:
        return {}
    return dict(fetch(db, *one_or_many(_CONTACTS, people), binary=True))


def put_contact(
    db: Session, beneficiary_id: UUID, *, sealed: bytes, language: str | None, reminders: bool, changed_at: datetime
) -> None:
    """Store the contact details of a person, in place of earlier ones.

    Args:
        db: the session of the transaction.
        beneficiary_id: the person.
        sealed: telephone, e-mail, quiet hours and time zone, sealed with the person's data key.
        language: language of the messages; None if the person did not choose one.
        reminders: whether the person wants reminders.
        changed_at: the instant of the change.
    """
    values = {"sealed": sealed, "language": language, "reminders": reminders, "changed_at": changed_at}
    new = insert(ContactRow).values(beneficiary_id=beneficiary_id, **values)
    db.execute(new.on_conflict_do_update(index_elements=[ContactRow.beneficiary_id], set_=values))


def delete_contact(db: Session, beneficiary_id: UUID) -> None:
    """Delete the contact details of a person, and all messages to them."""
    db.execute(delete(ContactRow).where(ContactRow.beneficiary_id == beneficiary_id))
    db.execute(delete(MessageRow).where(MessageRow.beneficiary_id == beneficiary_id))


def names_of(db: Session, people: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of people; erased people are omitted."""
    query = select(BeneficiaryRow.id, BeneficiaryRow.name).where(BeneficiaryRow.id.in_(people))
    return {person: name for person, name in db.execute(query) if name is not None}


def known_messages(db: Session, dedupes: Collection[str]) -> set[tuple[str, str]]:
    """Return the occasions that have a message already, each with its channel.

    Args:
        db: the session of the transaction.
        dedupes: the occasions to look for.
    """
    query = select(MessageRow.dedupe, MessageRow.channel).where(MessageRow.dedupe.in_(dedupes))
    return {(dedupe, channel) for dedupe, channel in db.execute(query)}


def insert_messages(db: Session, rows: Sequence[Row]) -> set[UUID]:
    """Store new messages, and return the ids of the stored ones.

    A message is left out if its occasion has one on the same channel already.
    """
    return {row[0] for row in fetch(db, _INSERT, {"messages": as_rows(rows)})}


def claim_messages(
    db: Session,
    channel: str,
    *,
    urgent: bool,
    now: datetime,
    until: datetime,
    limit: int,
    only: UUID | None = None,
) -> list[Claimed]:
    """Claim due messages for this process until an instant; after it, other processes may try.

    Args:
        db: the session of the transaction.
        channel: the channel that sends them.
        urgent: take the urgent messages, or the others.
        now: messages that may go out by this instant are due.
        until: end of the claim.
        limit: how many at most.
        only: claim this message alone, if it is due.
    """
    parameters = {"channel": channel, "urgent": urgent, "now": now, "until": until, "limit": limit, "only": only}
    return [Claimed(*row) for row in fetch(db, _CLAIM, parameters, binary=True)]


def mark_sent(db: Session, message_id: UUID, now: datetime) -> None:
    """Mark a message as sent, and delete its text."""
    _change(db, [message_id], state=MessageState.SENT, sent_at=now, sealed=None, last_error=None)


def postpone_messages(db: Session, message_ids: Collection[UUID], until: datetime, *, error: str | None = None) -> None:
    """Let messages wait until an instant after a failed attempt, and note its error code."""
    _change(db, message_ids, not_before=until, last_error=error)


def release_messages(db: Session, message_ids: Collection[UUID], until: datetime) -> None:
    """End the claim of messages that were not tried, and let them wait until an instant."""
    _change(db, message_ids, not_before=until, attempts=MessageRow.attempts - 1)


def mark_failed(db: Session, message_id: UUID, error: str) -> None:
    """Give up a message. Its text stays until it is purged, so that an operator can send it again."""
    _change(db, [message_id], state=MessageState.FAILED, last_error=error)


def mark_cancelled(db: Session, message_ids: Collection[UUID]) -> int:
    """Cancel waiting messages and delete their texts; return how many."""
    return _change(db, message_ids, state=MessageState.CANCELLED, sealed=None)


def cancel_waiting(db: Session, beneficiary_id: UUID, *, channels: Iterable[str] | None = None) -> None:
    """Cancel the waiting messages of a person.

    Args:
        db: the session of the transaction.
        beneficiary_id: the person.
        channels: cancel on these channels; None to cancel everything that the person did not ask for. Notices of
            what was done on the person's own pages stay, and what was decided about the pension.
    """
    query = select(MessageRow.id).where(
        MessageRow.beneficiary_id == beneficiary_id,
        MessageRow.state == MessageState.WAITING,
        MessageRow.kind.not_in((*NOTICES, *DECISIONS)),
    )
    query = query.where(MessageRow.channel.in_(channels)) if channels else query.where(~MessageRow.urgent)
    mark_cancelled(db, db.scalars(query).all())


def retry_failed(db: Session, now: datetime) -> int:
    """Queue given-up messages again that have not expired, with a new count of attempts; return how many."""
    again = (
        update(MessageRow)
        .where(MessageRow.state == MessageState.FAILED, MessageRow.expires_at > now, MessageRow.sealed.is_not(None))
        .values(state=MessageState.WAITING, attempts=0, not_before=now, last_error=None)
    )
    return _count(db, again)


def list_messages(
    db: Session, *, state: str | None = None, beneficiary_id: UUID | None = None, limit: int
) -> Sequence[MessageRow]:
    """Return messages, newest first."""
    query = select(MessageRow).order_by(MessageRow.created_at.desc(), MessageRow.id).limit(limit)
    if state is not None:
        query = query.where(MessageRow.state == state)
    if beneficiary_id is not None:
        query = query.where(MessageRow.beneficiary_id == beneficiary_id)
    return db.scalars(query).all()


def waiting_messages(db: Session, *, kind: str | None, limit: int) -> Sequence[UUID]:
    """Return ids of waiting messages, of one kind or of any kind."""
    query = select(MessageRow.id).where(MessageRow.state == MessageState.WAITING).limit(limit)
    return db.scalars(query if kind is None else query.where(MessageRow.kind == kind)).all()


def count_messages(db: Session) -> dict[tuple[str, str], int]:
    """Return how many messages there are, by channel and state."""
    query = select(MessageRow.channel, MessageRow.state, func.count()).group_by(MessageRow.channel, MessageRow.state)
    return {(channel, state): count for channel, state, count in db.execute(query)}


def purge_messages(db: Session, before: datetime) -> int:
    """Delete messages that are older than an instant and do not wait any more, or expired by then; return how many."""
    over = or_(MessageRow.state != MessageState.WAITING, MessageRow.expires_at < before)
    done = delete(MessageRow).where(MessageRow.created_at < before, over)
    return _count(db, done)


def _change(db: Session, message_ids: Collection[UUID], **values: object) -> int:
    """Change messages that still wait; cancelled ones stay cancelled."""
    if not message_ids:
        return 0
    waiting = update(MessageRow).where(MessageRow.id.in_(message_ids), MessageRow.state == MessageState.WAITING)
    return _count(db, waiting.values(**values))


def _count(db: Session, statement: Update | Delete) -> int:
    result = cast("CursorResult[Any]", db.execute(statement.execution_options(synchronize_session=False)))
    return result.rowcount
