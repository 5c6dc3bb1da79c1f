"""Open a sealed visit and act on its result, once and in one transaction.

A face becomes a capture session like any other (certify/capture/session.py). Results that the face models cannot
measure, such as the statement of witnesses, certify no one by themselves: they open a review case, and an officer
decides. A death is recorded as one source, which never stops a payment alone (docs/decisions/0004-decide-is-pure.md).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from certify.capture.media import MEDIA_TYPE, media_type_of, pack
from certify.capture.new_session import new_session
from certify.capture.session import accept_media
from certify.decision.cases import ensure_case
from certify.decision.determine import determine_locked
from certify.decision.facts import record_fact
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord
from certify.domain.ledger_events import LedgerEvent
from certify.domain.profile import visit_demand
from certify.domain.sources import DOORSTEP, FUND
from certify.domain.states import AgentState, BundleState, VisitReason, VisitState
from certify.doorstep.calendar import local_day
from certify.doorstep.clock import VisitTime, judge_clock, read_time
from certify.doorstep.content import ATTESTED, Content, VisitResult
from certify.doorstep.identify import forget_if_erased, named_person
from certify.doorstep.receive import mark_refused
from certify.doorstep.traces import note_visit
from certify.doorstep.unseal import unseal
from certify.errors import Invalid
from certify.messages.outbox import put_message
from certify.people.access import person_of_letter
from certify.people.consent import consent_of, set_consent
from certify.service import Service, Unit
from certify.storage.bundles import lock_bundle, was_opened, were_media_used
from certify.storage.media import put_media
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import AgentRow, BundleRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.visits import visit_of
from models.errors import ImageRefused, VideoRefused

MAX_TRIES = 3
"""Visits at which no one was found before an officer decides what to do."""

_CASES = {
    VisitResult.WITNESSES: CaseKind.VISIT_ATTESTED,
    VisitResult.MEDICAL: CaseKind.VISIT_ATTESTED,
    VisitResult.MOVED: CaseKind.VISIT_MOVED,
    VisitResult.REFUSED: CaseKind.VISIT_REFUSED,
}


@dataclass(frozen=True, slots=True)
class OpenedVisit:
    """A visit that was opened and not acted on yet."""

    row: BundleRow
    content: Content
    person: BeneficiaryRow
    when: VisitTime


class Refusal(Exception):
    """The reason why a bundle cannot count."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def open_bundle(service: Service, bundle_id: UUID) -> BundleRow:
    """Open a bundle and act on its result, or refuse it; a bundle that is opened or refused stays as it is.

    Args:
        service: the service.
        bundle_id: id of the bundle.

    Returns:
        The bundle.

    Raises:
        NotFound: no such bundle (``bundle_not_found``).
    """
    with service.unit() as unit:
        row = lock_bundle(unit.db, bundle_id)
        if row.state != BundleState.RECEIVED:
            return row
        savepoint = unit.db.begin_nested()
        try:
            opened = _open(unit, row)
            _act(unit, opened)
            _keep(unit, opened)
        except Refusal as refusal:
            savepoint.rollback()
            mark_refused(unit, row, refusal.reason)
            forget_if_erased(unit, row)
            unit.ledger(LedgerEvent.VISIT_REFUSED, None, bundle=row.sha256.hex(), reason=refusal.reason)
        else:
            savepoint.commit()
        return row


def _open(unit: Unit, row: BundleRow) -> OpenedVisit:
    agent = unit.db.get_one(AgentRow, row.agent_id)
    if agent.state == AgentState.SUSPENDED and row.admitted_by is None:
        raise Refusal("agent_suspended")
    try:
        content = unseal(unit, row.sealed or b"")
        _check_photos(unit, content)
    except (ImageRefused, VideoRefused):
        raise Refusal("visit_incomplete") from None
    except Invalid as error:
        raise Refusal(error.code) from error
    when = _when(unit, row, content)
    person = _person(unit, content)
    _refuse_repeats(unit, row, content)
    if content.entries.result is VisitResult.FACE and consent_of(unit, person.id) is False:
        # The agent asked again at the door, and signed that the person agreed.
        set_consent(unit, person.id, given=True, assisted=True)
    return OpenedVisit(row, content, person, when)


def _check_photos(unit: Unit, content: Content) -> None:
    """Raise Invalid, ImageRefused or VideoRefused unless all photos are images by their headers."""
    for photo in (*content.of("photo"), *content.of("medical"), *content.of("document")):
        if not media_type_of(photo, unit.service.settings.max_upload_bytes, unit.service.decoders).startswith("image/"):
            raise Invalid("This is not a photo.", code=ErrorCode.VISIT_INCOMPLETE)


def _when(unit: Unit, row: BundleRow, content: Content) -> VisitTime:
    clocks = content.entries.clocks
    anchored_at = read_time(unit, row.tablet_id, clocks.anchor)
    if anchored_at is None:
        raise Refusal("time_unsigned")
    when = judge_clock(
        anchored_at,
        clocks.anchored.stamp(),
        clocks.began.stamp(),
        clocks.sealed.stamp(),
        received_at=row.received_at,
        sent_offset_s=row.sent_offset_s,
    )
    if when.wrong and row.admitted_by is None:
        raise Refusal("clock_wrong")
    return when


def _person(unit: Unit, content: Content) -> BeneficiaryRow:
    person_id = named_person(unit, content.entries.who)
    if person_id is None:
        raise Refusal("person_unknown")
    person = get_beneficiary(unit.db, person_id, lock=True)
    if person.erased_at is not None:
        raise Refusal("person_erased")
    return person


def _refuse_repeats(unit: Unit, row: BundleRow, content: Content) -> None:
    """Refuse a visit that was opened before, and media that another visit used: neither counts twice."""
    if was_opened(unit.db, row.tablet_id, row.visit_id):
        raise Refusal("visit_repeated")
    row.media_sha256 = sorted({_sha256(part.data) for part in content.parts})
    if row.media_sha256 and were_media_used(unit.db, row.media_sha256):
        raise Refusal("media_repeated")


def _act(unit: Unit, opened: OpenedVisit) -> None:
    row, entries, person = opened.row, opened.content.entries, opened.person
    if entries.result is VisitResult.FACE:
        _open_session(unit, opened)
    elif entries.result is VisitResult.DECEASED:
        _record_death(unit, opened)
    elif (kind := _CASES.get(entries.result)) is not None:
        ensure_case(unit, person.id, kind)
    visit = _visit(unit, opened)
    visit.ended_at, visit.bundle_id = opened.when.sealed, row.id
    visit.state = VisitState.MISSED if entries.result is VisitResult.NOT_FOUND else VisitState.MADE
    unit.db.flush()
    if entries.result is VisitResult.NOT_FOUND:
        tries = _request_again(unit, visit)
        if tries >= MAX_TRIES:
            ensure_case(unit, person.id, CaseKind.VISIT_NOT_FOUND)
    unit.ledger(LedgerEvent.VISIT_OPENED, person.id, bundle=row.sha256.hex(), result=entries.result.value)
    if entries.result is VisitResult.FACE or entries.result in ATTESTED:
        put_message(
            unit,
            person.id,
            "visited",
            {"date": local_day(unit, opened.when.began).isoformat()},
            dedupe=f"visited:{row.id}",
        )


def _visit(unit: Unit, opened: OpenedVisit) -> VisitRow:
    """Return the open visit of the person, or a new one for a visit outside the plan.

    An open second visit that checks an agent stays open if the same agent made this visit.
    """
    waiting = visit_of(unit.db, opened.person.id, lock=True)
    if waiting is not None and not _is_recheck_of(unit, waiting, opened.row.agent_id):
        return waiting
    known = unit.db.get(VisitRow, opened.row.visit_id)
    row = VisitRow(
        id=unit.service.new_id() if known is not None else opened.row.visit_id,
        beneficiary_id=opened.person.id,
        state=VisitState.PLANNED,
        reason=VisitReason.WALK_IN,
        asked_at=opened.when.began,
        agent_id=opened.row.agent_id,
        tries=0,
    )
    unit.db.add(row)
    return row


def _is_recheck_of(unit: Unit, visit: VisitRow, agent_id: UUID) -> bool:
    return visit.rechecks is not None and unit.db.get_one(BundleRow, visit.rechecks).agent_id == agent_id


def _request_again(unit: Unit, missed: VisitRow) -> int:
    """Request the visit again unless one is open; return how often no one was found.

    The new visit has its own id: by the id a tablet knows what it sealed, and the service what it opened.
    """
    tries = missed.tries + 1
    if visit_of(unit.db, missed.beneficiary_id, lock=True) is None:
        again = VisitRow(
            id=unit.service.new_id(),
            beneficiary_id=missed.beneficiary_id,
            state=VisitState.ASKED,
            reason=missed.reason,
            wanted_on=missed.wanted_on,
            part=missed.part,
            asked_at=missed.asked_at,
            tries=tries,
            rechecks=missed.rechecks,
        )
        unit.db.add(again)
        unit.db.flush()
    return tries


def _open_session(unit: Unit, opened: OpenedVisit) -> None:
    """Open a capture session for the photos, or else for the video, and submit them.

    A video that came beside photos is stored for officers (``_keep``): photos are sharper.
    """
    photos, videos = opened.content.of("photo"), opened.content.of("video")
    data = pack(photos) if len(photos) > 1 else photos[0] if photos else videos[0]
    limit = unit.service.settings.max_upload_bytes
    try:
        media_type = MEDIA_TYPE if len(photos) > 1 else media_type_of(data, limit, unit.service.decoders)
    except (ImageRefused, VideoRefused):
        raise Refusal("visit_incomplete") from None
    session = new_session(
        unit, opened.person.id, Channel.DOORSTEP, visit_demand(), device=None, assisted=True, public_entry=False
    )
    session.filmed_at = opened.when.sealed
    accept_media(unit, opened.person, session, data, media_type)
    opened.row.session_id = session.id


def _record_death(unit: Unit, opened: OpenedVisit) -> None:
    death = opened.content.entries.death
    died = opened.when.began
    if death is not None and death.died_on is not None:
        died = min(died, datetime.combine(death.died_on, time(12), UTC))
    fact = AdverseRecord(
        id=str(unit.service.new_id()),
        source=DOORSTEP,
        event_at=died,
        recorded_at=unit.now,
        institution=FUND,
        principal=f"agent:{opened.row.agent_id}",
        kind="death",
    )
    record_fact(unit, opened.person.id, fact, external_id=f"bundle:{opened.row.id}")
    unit.ledger(
        LedgerEvent.EVIDENCE_RECORDED, opened.person.id, evidence=fact.id, kind="AdverseRecord", source=DOORSTEP
    )
    unit.db.flush()
    determine_locked(unit, opened.person)


def _keep(unit: Unit, opened: OpenedVisit) -> None:
    """Store the entries under the person's key, and delete the sealed bytes, which would outlive that key."""
    row, entries = opened.row, opened.content.entries
    papers: list[str] = []
    films: list[str] = []
    beside = bool(opened.content.of("photo"))
    for part in opened.content.parts:
        if part.kind in ("medical", "document") or (part.kind == "video" and beside):
            blob = unit.service.new_id()
            put_media(
                unit.db,
                unit.sealer(opened.person.id),
                blob_id=blob,
                beneficiary_id=opened.person.id,
                data=part.data,
                media_type=media_type_of(part.data, unit.service.settings.max_upload_bytes, unit.service.decoders),
                delete_after=unit.now + timedelta(days=unit.service.settings.media_retention_days),
            )
            (films if part.kind == "video" else papers).append(str(blob))
    letter = entries.who.letter
    details = entries.model_dump(mode="json", exclude={"clocks", "parts"}) | {
        "papers": papers,
        "films": films,
        "letter_is_theirs": None if letter is None else person_of_letter(unit, letter) == opened.person.id,
    }
    row.details_sealed = unit.sealer(opened.person.id).seal(json.dumps(details).encode(), f"visit:{row.id}")
    row.state, row.opened_at, row.sealed = BundleState.OPENED, unit.now, None
    row.result, row.happened_at, row.beneficiary_id = entries.result.value, opened.when.began, opened.person.id
    unit.db.flush()
    note_visit(unit, row, entries, opened.when)


def details_of(unit: Unit, row: BundleRow) -> dict[str, object]:
    """Return what the agent entered.

    Args:
        unit: the transaction.
        row: a bundle.

    Returns:
        The entries without clocks and parts, with the ids of the stored papers (``papers``) and of the film beside
        photos (``films``), and whether a letter is the person's own (``letter_is_theirs``); empty when the bundle was
        not opened.

    Raises:
        Gone: the person was erased (``person_erased``).
    """
    if row.details_sealed is None or row.beneficiary_id is None:
        return {}
    details: dict[str, object] = json.loads(unit.sealer(row.beneficiary_id).open(row.details_sealed, f"visit:{row.id}"))
    return details


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
