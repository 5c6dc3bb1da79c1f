"""Find the person for whom a phone is known, and forget phones."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from certify.domain.channels import Channel
from certify.domain.outcome import Outcome
from certify.domain.states import Possession
from certify.storage.tables.sessions import SessionRow


def people_of_phone(db: Session, device: bytes) -> set[UUID]:
    """Return the people who were certified from a phone with possession or before an officer.

    It asks of a phone what ``known_devices`` (certify/storage/sessions.py) asks of a person.

    Args:
        db: the session of the transaction.
        device: keyed hash of the key that the phone proved.
    """
    query = select(SessionRow.beneficiary_id).where(
        SessionRow.device == device,
        SessionRow.device_proved,
        SessionRow.channel == Channel.REMOTE,
        SessionRow.outcome == Outcome.CERTIFIED,
        or_(SessionRow.possession == Possession.SHOWN, SessionRow.at_counter),
    )
    return set(db.scalars(query.distinct()))


def asked_on_phone(db: Session, beneficiary_id: UUID, device: bytes) -> bytes | None:
    """Return the mark of the number that was last entered for a person on a phone; None if none was.

    Args:
        db: the session of the transaction.
        beneficiary_id: the person.
        device: keyed hash of the key that the phone proved.
    """
    query = (
        select(SessionRow.asked)
        .where(SessionRow.beneficiary_id == beneficiary_id, SessionRow.device == device, SessionRow.asked.is_not(None))
        .order_by(SessionRow.created_at.desc())
    )
    return db.scalars(query.limit(1)).one_or_none()


def forget_phones(db: Session, beneficiary_id: UUID) -> None:
    """Let no phone be known for a person any more."""
    known = update(SessionRow).where(SessionRow.beneficiary_id == beneficiary_id, SessionRow.device_proved)
    db.execute(known.values(device_proved=False).execution_options(synchronize_session="fetch"))
