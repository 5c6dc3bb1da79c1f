"""Read and close capture sessions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from certify.domain.asked import prompts_asked
from certify.domain.channels import Channel
from certify.domain.error_codes import ErrorCode
from certify.domain.outcome import Outcome
from certify.domain.states import Possession, SessionState
from certify.errors import NotFound
from certify.storage.direct import fetch, load
from certify.storage.tables.sessions import SessionRow

_ATTEMPTS = f"""
    select profile, outcome, plan, source ->> 'way', source -> 'take', guidance from capture_sessions
    where beneficiary_id = %(person)s and channel = '{Channel.REMOTE}' and decided_at >= %(since)s
        and profile is not null and outcome in ('{Outcome.CERTIFIED}', '{Outcome.RETRY}', '{Outcome.DOORSTEP}')
        and (not knocked or outcome = '{Outcome.CERTIFIED}')
    order by decided_at
""".encode()  # noqa: S608 - our own words
_KNOWN = f"""
    select from capture_sessions where media_sha256 = %(digest)s and id <> %(session)s
        and state in ('{SessionState.SUBMITTED}', '{SessionState.DECIDED}')
    union all
    select from face_references where media_sha256 = %(digest)s
    limit 1
""".encode()  # noqa: S608 - our own words


def session_not_found() -> NotFound:
    """Return the error for a session that does not exist (``session_not_found``)."""
    return NotFound("There is no such session.", code=ErrorCode.SESSION_NOT_FOUND)


def get_session(db: Session, session_id: UUID, *, lock: bool = False) -> SessionRow:
    """Return a capture session.

    Args:
        db: the session of the transaction.
        session_id: id of the capture session.
        lock: lock the row until the transaction ends.

    Raises:
        NotFound: no such session (``session_not_found``).
    """
    # The report is large and stays deferred; the source is small, and the evaluation needs it.
    condition = b"id = %(id)s for no key update" if lock else b"id = %(id)s"
    row = load(db, SessionRow, condition, {"id": session_id}, also=("source",))
    if row is None:
        raise session_not_found()
    return row


def liveness_checks_of(db: Session, beneficiary_id: UUID, *, limit: int) -> list[tuple[UUID, datetime, list[Any]]]:
    """Return the newest decided sessions of a person with the checks of their films: id, time and checks."""
    checks = SessionRow.report["liveness"]["checks"]
    query = (
        select(SessionRow.id, SessionRow.decided_at, checks)
        .where(
            SessionRow.beneficiary_id == beneficiary_id,
            SessionRow.decided_at.is_not(None),
            func.jsonb_typeof(checks) == "array",
        )
        .order_by(SessionRow.decided_at.desc())
        .limit(limit)
    )
    return [(session_id, decided_at, found) for session_id, decided_at, found in db.execute(query)]


def owner_of_session(db: Session, session_id: UUID) -> tuple[UUID, bool]:
    """Return the person of a session, and whether it is a decoy session.

    Raises:
        NotFound: no such session (``session_not_found``).
    """
    query = select(SessionRow.beneficiary_id, SessionRow.decoy.is_not(None)).where(SessionRow.id == session_id)
    found = db.execute(query).one_or_none()
    if found is None:
        raise session_not_found()
    return found[0], found[1]


def has_waiting_session(db: Session, beneficiary_id: UUID) -> bool:
    """Return whether a session of the person is submitted and not decided yet; those with a public entry are not asked.

    Anyone who knows a number can submit something in a session with a public entry, and must not hold up the person.
    """
    query = select(SessionRow.id).where(
        SessionRow.beneficiary_id == beneficiary_id,
        SessionRow.state == SessionState.SUBMITTED,
        ~SessionRow.public_entry,
    )
    return db.scalars(query.limit(1)).one_or_none() is not None


def waiting_sessions(db: Session, *, submitted_before: datetime, limit: int) -> Sequence[UUID]:
    """Return sessions that were submitted before an instant and are not decided yet, oldest first."""
    query = select(SessionRow.id).where(
        SessionRow.state == SessionState.SUBMITTED, SessionRow.submitted_at < submitted_before
    )
    return db.scalars(query.order_by(SessionRow.submitted_at).limit(limit)).all()


def expire_sessions(db: Session, now: datetime) -> int:
    """Close open sessions whose time has run out; return how many."""
    stale = update(SessionRow).where(SessionRow.state == SessionState.OPEN, SessionRow.expires_at <= now)
    return len(db.scalars(stale.values(state=SessionState.EXPIRED).returning(SessionRow.id)).all())


def sessions_since(db: Session, beneficiary_id: UUID, since: datetime, *, with_media: bool = False) -> int:
    """Count the sessions of a person since an instant, without those with a public entry.

    Args:
        db: the session of the transaction.
        beneficiary_id: the person.
        since: sessions that were opened since then count.
        with_media: count only those that media were sent for.
    """
    query = (
        select(func.count())
        .select_from(SessionRow)
        .where(SessionRow.beneficiary_id == beneficiary_id, SessionRow.created_at >= since, ~SessionRow.public_entry)
    )
    return db.scalar(query.where(SessionRow.submitted_at.is_not(None)) if with_media else query) or 0


def end_oldest_open(db: Session, beneficiary_id: UUID, *, keep: int) -> None:
    """Expire open remote sessions of a person, oldest first, so that at most ``keep`` stay open.

    Sessions with a public entry are neither counted nor ended.
    """
    newest = (
        select(SessionRow.id)
        .where(
            SessionRow.beneficiary_id == beneficiary_id,
            SessionRow.state == SessionState.OPEN,
            SessionRow.channel == Channel.REMOTE,
            ~SessionRow.public_entry,
        )
        .order_by(SessionRow.created_at.desc(), SessionRow.id)
        .offset(keep)
    )
    ended = update(SessionRow).where(SessionRow.id.in_(newest)).values(state=SessionState.EXPIRED)
    db.execute(ended.execution_options(synchronize_session="fetch"))


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A remote attempt that failed.

    Attributes:
        profile: how much was asked.
        prompts: what was asked.
        guidance: the codes of what the person was told to do better.
    """

    profile: str
    prompts: frozenset[str]
    guidance: frozenset[str]


def failed_attempts(db: Session, beneficiary_id: UUID, since: datetime) -> list[FailedAttempt]:
    """Return the remote attempts that failed since an instant and since the last success, the oldest first.

    A failed session with a public entry does not count: it need not have been the person.
    """
    failed: list[FailedAttempt] = []
    for profile, outcome, plan, way, take, guidance in fetch(db, _ATTEMPTS, {"person": beneficiary_id, "since": since}):
        if outcome == Outcome.CERTIFIED:
            failed = []
        else:
            prompts = prompts_asked(plan, {"way": way, "take": take or 0})
            failed.append(FailedAttempt(profile, prompts, frozenset(guidance or ())))
    return failed


def media_known(db: Session, session_id: UUID, digests: Collection[str]) -> bool:
    """Return whether another session sent one of these media, or a reference was enrolled with one.

    Args:
        db: the session of the transaction.
        session_id: the session that they belong to, which does not count.
        digests: SHA-256 of the media, in hexadecimal.
    """
    # One by one: nearly always there is one, and a comparison with an array is planned again for every call.
    return any(fetch(db, _KNOWN, {"session": session_id, "digest": digest}) for digest in digests)


def is_new_device(db: Session, beneficiary_id: UUID, device: bytes | None) -> bool:
    """Return whether this phone is none of those that are known for the person.

    If none is known, the phones count that certified while nothing could be asked for. So the first phone of a person
    is new as well: what is driven live is stopped by the screen's light, not by gestures (docs/decisions/0034).

    Args:
        db: the session of the transaction.
        beneficiary_id: the person.
        device: keyed hash of the phone's own identifier. None, a phone without one, counts as new; otherwise leaving
            the identifier out would evade the check.
    """
    return device not in (known_devices(db, beneficiary_id) or unasked_devices(db, beneficiary_id))


def known_devices(db: Session, beneficiary_id: UUID) -> set[bytes]:
    """Return the phones from which the person was certified in a session that showed possession or an officer opened.

    The phone proved its key: an identifier could be a copy. A face alone makes no phone known: it may be a stranger's
    forged film, and then the person's own phone would be the one that is new.
    """
    return _devices(db, beneficiary_id, or_(SessionRow.possession == Possession.SHOWN, SessionRow.at_counter))


def unasked_devices(db: Session, beneficiary_id: UUID) -> set[bytes]:
    """Return the phones from which the person was certified while the fund knew nothing that it could ask for."""
    return _devices(db, beneficiary_id, SessionRow.possession == Possession.NOT_ASKED)


def _devices(db: Session, beneficiary_id: UUID, how: ColumnElement[bool]) -> set[bytes]:
    query = select(SessionRow.device).where(
        SessionRow.beneficiary_id == beneficiary_id,
        SessionRow.channel == Channel.REMOTE,
        SessionRow.outcome == Outcome.CERTIFIED,
        SessionRow.device.is_not(None),
        SessionRow.device_proved,
        how,
    )
    return {device for device in db.scalars(query.distinct()) if device is not None}


def others_on_device(db: Session, beneficiary_id: UUID, device: bytes | None, since: datetime) -> int:
    """Count the other people for whom this phone opened remote sessions since an instant."""
    if device is None:
        return 0
    query = select(func.count(SessionRow.beneficiary_id.distinct())).where(
        SessionRow.device == device,
        SessionRow.created_at >= since,
        SessionRow.channel == Channel.REMOTE,
        SessionRow.beneficiary_id != beneficiary_id,
    )
    return db.scalar(query) or 0


def decided_sessions_of(
    db: Session, beneficiary_id: UUID, *, channels: Collection[Channel], since: datetime, limit: int
) -> Sequence[SessionRow]:
    """Return a person's sessions of these channels that were decided since an instant, newest first."""
    query = select(SessionRow).where(
        SessionRow.beneficiary_id == beneficiary_id,
        SessionRow.state == SessionState.DECIDED,
        SessionRow.decided_at >= since,
        SessionRow.channel.in_([channel.value for channel in channels]),
    )
    return db.scalars(query.order_by(SessionRow.decided_at.desc()).limit(limit)).all()


def count_without_possession(db: Session) -> int:
    """Return how many sessions certified without the person's known phone, code or link."""
    query = select(func.count()).where(
        SessionRow.outcome == Outcome.CERTIFIED, SessionRow.possession == Possession.MISSING
    )
    return db.scalar(query) or 0


def count_by_outcome(db: Session) -> dict[tuple[str, str], int]:
    """Return the number of sessions by state and outcome; the outcome is empty while there is none."""
    query = select(SessionRow.state, func.coalesce(SessionRow.outcome, ""), func.count())
    rows = db.execute(query.group_by(SessionRow.state, SessionRow.outcome))
    return {(state, outcome): count for state, outcome, count in rows}


def close_sessions_of(db: Session, beneficiary_id: UUID) -> None:
    """Close all sessions of a person that are not decided yet."""
    waiting = update(SessionRow).where(
        SessionRow.beneficiary_id == beneficiary_id, SessionRow.state.in_((SessionState.OPEN, SessionState.SUBMITTED))
    )
    db.execute(waiting.values(state=SessionState.EXPIRED))
