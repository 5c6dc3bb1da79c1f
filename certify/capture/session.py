"""Open a capture session and accept its media. One session is one attempt to prove life."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from certify.capture.attempts import (
    MAX_OPEN,
    MAX_SESSIONS_A_DAY,
    another_in_progress,
    require_public_attempt,
    too_many_sessions,
    used_up,
)
from certify.capture.challenge import demand_of
from certify.capture.media import media_type_of
from certify.capture.new_session import new_session
from certify.capture.open_plan import KEPT, is_closed, still_open, unanswered
from certify.decision.determine import preview
from certify.domain.asked import LATE
from certify.domain.channels import Channel
from certify.domain.decide import Determination
from certify.domain.error_codes import ErrorCode
from certify.domain.outcome import attempts_used_up
from certify.domain.profile import NEW_DEVICE, visit_demand
from certify.domain.states import Possession, ReferenceState, SessionState
from certify.errors import Conflict, Gone
from certify.people.consent import require_consent
from certify.people.device_key import device_hash
from certify.people.possession import possession_of
from certify.queue import EVALUATE, Lane
from certify.service import Service, Unit
from certify.storage.media import SealedMedia, seal_media, store_media
from certify.storage.people import get_beneficiary, references_of
from certify.storage.plans import own_plans
from certify.storage.public_sessions import public_session_waits
from certify.storage.sessions import (
    end_oldest_open,
    get_session,
    has_waiting_session,
    owner_of_session,
    sessions_since,
)
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow
from certify.storage.uploads import delete_upload, find_upload

SHORT_BYTES = 1_500_000
"""Media of callers who were not recognised wait in the lane of short ones up to this size: the photo of a phone, or
the film of the page itself, which has 10 to 20 seconds of 0.6 Mbit/s (docs/live.md)."""


def open_session(
    unit: Unit,
    beneficiary_id: UUID,
    channel: Channel,
    *,
    device_id: str | None = None,
    device_key: str | None = None,
    assisted: bool = False,
    needs: tuple[str, ...] = (),
    confirmed: bool = False,
    at_counter: bool = False,
) -> SessionRow:
    """Open a capture session for a person with at least one usable or pending reference, and draw what it asks.

    It is for callers who are recognised: the person after a sign-in, officers and agents. What strangers tried with the
    number of the person counts nowhere here (certify/capture/public_entry.py). A device that has an open session gets
    that one again, and a plan stays the same until media were sent for it (certify/capture/open_plan.py).

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        channel: remote or doorstep.
        device_id: what the person's phone calls itself. The service cannot check it, and it never makes a session ask
            for less.
        device_key: thumbprint of the key that the phone proved (certify/people/device_key.py); None if it proved none.
        assisted: whether a helper holds the phone. The service cannot check it either, with the same consequence.
        needs: accessibility needs for this session, in addition to those stored with the person.
        confirmed: whether the caller signed in with a code or link.
        at_counter: whether an officer opens it for a person at the counter.

    Returns:
        The stored session, in state ``open``.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Conflict: no usable or pending reference (``no_reference``), consent withdrawn (``consent_withdrawn``), too
            many sessions today (``too_many_sessions``), or too many failed (``attempts_used_up``).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    if person.erased_at is not None:
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    if not any(reference.state != ReferenceState.REFUSED for reference in references_of(unit.db, beneficiary_id)):
        raise Conflict(
            "There is no enrolled photo of this person to compare with.",
            hint="An agent or officer must enrol one first.",
            code=ErrorCode.NO_REFERENCE,
        )
    require_consent(unit, beneficiary_id)
    since = unit.now - timedelta(days=1)
    if sessions_since(unit.db, beneficiary_id, since, with_media=True) >= MAX_SESSIONS_A_DAY:
        raise too_many_sessions()
    device = device_hash(unit, device_id, device_key)
    kept: list[SessionRow] = []
    if channel is Channel.REMOTE:
        demand = demand_of(unit, person, device, _require_attempts_left(unit, person), also=needs)
        if at_counter:
            # An officer sees who sits before the phone, so that the phone need not be known (docs/decisions/0042).
            demand = replace(demand, reasons=tuple(why for why in demand.reasons if why != NEW_DEVICE))
        possession = possession_of(unit, beneficiary_id, device=device, confirmed=confirmed)
        kept = unanswered(own_plans(unit.db, beneficiary_id, unit.now - KEPT), demand)
        for row in kept:
            same = row.device == device and row.possession == possession and row.assisted == assisted
            if same and row.at_counter == at_counter and still_open(unit, row):
                return row
        end_oldest_open(unit.db, beneficiary_id, keep=MAX_OPEN - 1)
    else:
        demand, possession = visit_demand(), Possession.NOT_ASKED
    row = new_session(
        unit,
        beneficiary_id,
        channel,
        demand,
        device=device,
        assisted=assisted,
        public_entry=False,
        possession=possession,
        kept=kept[0] if kept else None,
        device_proved=device_key is not None,
    )
    row.at_counter = at_counter
    return row


def prepare_media(service: Service, session_id: UUID, data: bytes) -> SealedMedia:
    """Check, hash and seal the media of a session before a transaction is opened for them.

    Args:
        service: the running service.
        session_id: id of the session.
        data: the whole photo or video.

    Raises:
        NotFound: no such session (``session_not_found``).
        ImageRefused: the headers show no usable image.
        VideoRefused: the headers show no usable video.
        Gone: the person was erased (``person_erased``).
    """
    media_type = media_type_of(data, service.settings.max_upload_bytes, service.decoders)
    with service.reading() as unit:
        sealer = unit.sealer(owner_of_session(unit.db, session_id)[0])
    return seal_media(sealer, service.new_id(), data, media_type)


def submit_media(unit: Unit, session_id: UUID, media: bytes | SealedMedia) -> SessionRow:
    """Store the one photo or video of a session, sealed, and enqueue its evaluation; both commit together.

    Sending the same bytes again changes nothing.

    Args:
        unit: the transaction to write in.
        session_id: id of the session.
        media: the whole photo or video, or what ``prepare_media`` made of it.

    Returns:
        The session, in state ``submitted`` or later.

    Raises:
        NotFound: no such session (``session_not_found``).
        ImageRefused: the headers show no usable image.
        VideoRefused: the headers show no usable video.
        Conflict: the session has other media (``session_already_submitted``), an earlier session is not decided
            (``another_in_progress``), or too many failed (``attempts_used_up``).
        Gone: the session's time has run out (``session_expired``).
    """
    if isinstance(media, bytes):
        media_type = media_type_of(media, unit.service.settings.max_upload_bytes, unit.service.decoders)
        person, row = lock_session(unit, session_id)
        if not was_submitted(row, hashlib.sha256(media).hexdigest()):
            accept_media(unit, person, row, media, media_type)
            delete_upload(unit.db, session_id)  # another recording may have been arriving in chunks
        return row
    person, row = lock_session(unit, session_id)
    if not was_submitted(row, media.sha256):
        unit.sealer(row.beneficiary_id)  # raises if the person was erased meanwhile
        accept_sealed(unit, person, row, media)
        delete_upload(unit.db, session_id)
    return row


def lock_session(unit: Unit, session_id: UUID, *, seen: SessionRow | None = None) -> tuple[BeneficiaryRow, SessionRow]:
    """Lock the person of a session, then read the session.

    The person's row is the one lock for everything about the person, so that locks cannot be taken in a wrong order. A
    decoy session locks itself: all of them share one row of people, and strangers must not wait for each other there.

    Args:
        unit: the transaction that holds the lock.
        session_id: id of the session.
        seen: the session as it was read before; its person and whether it is a decoy never change.

    Returns:
        The person and the session.

    Raises:
        NotFound: no such session (``session_not_found``).
    """
    owner, is_decoy = (
        owner_of_session(unit.db, session_id) if seen is None else (seen.beneficiary_id, seen.decoy is not None)
    )
    person = get_beneficiary(unit.db, owner, lock=not is_decoy, decoy_too=is_decoy)
    return person, get_session(unit.db, session_id, lock=is_decoy)


def was_submitted(row: SessionRow, sha256: str) -> bool:
    """Tell whether the session has exactly these media already.

    Args:
        row: the session.
        sha256: hexadecimal digest of the media.

    Returns:
        True when it has these media, False when it has none.

    Raises:
        Conflict: it has other media (``session_already_submitted``).
    """
    if row.state in (SessionState.SUBMITTED, SessionState.DECIDED):
        if row.media_sha256 == sha256:
            return True
        raise Conflict(
            "This session has its photo or video already.",
            hint="Open a new session for another one.",
            code=ErrorCode.SESSION_ALREADY_SUBMITTED,
        )
    return False


def require_open(unit: Unit, person: BeneficiaryRow, row: SessionRow) -> None:
    """Refuse media for a session that cannot accept any now.

    Args:
        unit: the transaction that holds the lock of the person.
        person: the locked person.
        row: a session of theirs that is not submitted.

    Raises:
        Gone: the session's time has run out (``session_expired``).
        Conflict: an earlier session is not decided (``another_in_progress``), or too many failed
            (``attempts_used_up``).
    """
    if is_closed(unit, row):
        raise session_over()
    if row.asked is not None:
        # As below, but by number and device: nothing that a stranger sends may hold up the person.
        if public_session_waits(unit.db, row.asked, row.device):
            raise another_in_progress()
        require_public_attempt(unit, row.asked, row.device)
    elif row.channel == Channel.REMOTE:
        # One attempt at a time, each decided before the next. Otherwise sessions opened early could all be used.
        if has_waiting_session(unit.db, row.beneficiary_id):
            raise another_in_progress()
        _require_attempts_left(unit, person)


def session_over() -> Gone:
    """Return the error for a session whose time has run out."""
    return Gone("The time of this session has run out.", hint="Open a new session.", code=ErrorCode.SESSION_EXPIRED)


def accept_media(unit: Unit, person: BeneficiaryRow, row: SessionRow, data: bytes, media_type: str) -> None:
    """Store checked media as those of a session, and enqueue the evaluation.

    Args:
        unit: the transaction that holds the lock of the person.
        person: the locked person.
        row: a session of theirs that is not submitted.
        data: the media, in clear.
        media_type: as ``media_type_of`` returned it.

    Raises:
        Gone: the session's time has run out (``session_expired``).
        Conflict: an earlier session is not decided (``another_in_progress``), or too many failed
            (``attempts_used_up``).
    """
    sealed = seal_media(unit.sealer(row.beneficiary_id), unit.service.new_id(), data, media_type)
    accept_sealed(unit, person, row, sealed)


def accept_sealed(unit: Unit, person: BeneficiaryRow, row: SessionRow, media: SealedMedia) -> None:
    """Store sealed media as those of a session, and enqueue the evaluation; see ``accept_media``.

    Raises:
        Gone: the session's time has run out (``session_expired``).
        Conflict: an earlier session is not decided (``another_in_progress``), or too many failed
            (``attempts_used_up``).
    """
    require_open(unit, person, row)
    store_media(unit.db, media, unit.now + timedelta(days=unit.service.settings.media_retention_days))
    unit.db.flush()
    if _is_late(unit, row, media.sha256):
        row.source = {**(row.source or {}), LATE: True}
    row.blob_id, row.media_sha256 = media.blob_id, media.sha256
    row.state, row.submitted_at = SessionState.SUBMITTED, unit.now
    unit.put_job(EVALUATE, row.id, lane_of(row, media.size))


def _is_late(unit: Unit, row: SessionRow, sha256: str) -> bool:
    """Tell whether nothing shows that media existed in time: neither they nor their hash were here."""
    if unit.now < row.expires_at or row.channel != Channel.REMOTE or (row.source or {}).get("way") == "live":
        return False
    upload = find_upload(unit.db, row.id)
    return upload is None or upload.sha256 != sha256 or upload.created_at >= row.expires_at


def lane_of(row: SessionRow, size: int) -> Lane:
    """Return the lane in which the media of a session wait.

    Args:
        row: the session.
        size: bytes of the media.
    """
    if not row.public_entry:
        return Lane.RECOGNISED
    return Lane.SHORT if size <= SHORT_BYTES else Lane.STRANGER


def _require_attempts_left(unit: Unit, person: BeneficiaryRow) -> list[Determination]:
    """Return how the person would be determined now, or raise Conflict if too many attempts failed."""
    determinations = preview(unit, person)
    if attempts_used_up(determinations):
        raise used_up()
    return determinations
