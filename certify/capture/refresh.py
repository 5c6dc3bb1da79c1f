"""Make a new reference of the film or visit that confirmed a person, so that references age no faster than people.

Two occasions: a proof by face, life and possession when the newest reference is old (policy, ``[references]``), and the
first confirmation of a person of whom only a template of another system is known. That template is then retired.

Templates must not be walked from one person to another, one small step each year. So the new one must match the
references that were *enrolled* (not only those of later proofs), at most a few are kept, and
:mod:`certify.capture.comparing` counts no match that is far from the enrolled ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from certify.capture.media import is_series, unpack
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.domain.ledger_events import LedgerEvent
from certify.domain.outcome import Outcome
from certify.domain.policy import Policy, ReferenceRule
from certify.domain.states import FaceZone, Possession, Provenance, ReferenceState, SessionState
from certify.people.foreign import only_foreign, open_foreign
from certify.people.references import FaceSearch, activate, retire, store_picture
from certify.people.sittings import anchors_of, by_sitting, sittings_of
from certify.people.templates import measure, open_references
from certify.queue import REFRESH
from certify.service import Service, Unit
from certify.storage.facts import evidence_by_ids
from certify.storage.media import read_media
from certify.storage.people import entitlements_of, get_beneficiary, references_of
from certify.storage.reviews import newest_case_of
from certify.storage.sessions import get_session
from certify.storage.tables.people import ReferenceRow
from certify.storage.tables.sessions import SessionRow
from models.errors import ModelsError
from models.face.templates import average
from models.media.kinds import is_film

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import FaceEngine
    from models.results import Measurement


class NotRefreshed(StrEnum):
    """Why a confirmed film or visit gave no reference, as the ledger says it."""

    NO_PICTURE = "no_picture"  # the media were deleted, or no face in them could be measured again
    NOT_ENROLLED_FACE = "not_enrolled_face"  # it does not match the enrolled references well enough


def ask_refresh(unit: Unit, row: SessionRow, capture: Capture, policies: Sequence[Policy]) -> None:
    """Enqueue the work on a new reference if a capture that was just decided confirms the person and one is due.

    Args:
        unit: the transaction that decides the session.
        row: the session, with its outcome.
        capture: its capture.
        policies: the policies of the person's pensions.
    """
    if row.outcome == Outcome.CERTIFIED and _due(unit, capture, references_of(unit.db, row.beneficiary_id), policies):
        unit.put_job(REFRESH, row.id)


def rule_of(policies: Sequence[Policy]) -> ReferenceRule:
    """Return the strictest rule of several policies; without a policy nothing is refreshed."""
    rules = [policy.references for policy in policies]
    if not rules or any(not rule.refresh_after_days for rule in rules):
        return ReferenceRule()
    return ReferenceRule(max(rule.refresh_after_days for rule in rules), min(rule.keep for rule in rules))


def refresh_reference(
    service: Service, engine: FaceEngine, session_id: UUID, *, search: FaceSearch | None = None
) -> UUID | None:
    """Make a reference of a session that confirmed its person. The call may be repeated.

    Everything is checked again: a job in the queue is no proof of anything.

    Args:
        service: the running service.
        engine: the face models.
        session_id: id of the session.
        search: called when the reference becomes active (certify.decision.duplicate_faces).

    Returns:
        Id of the new reference; None if none is due, or none could be made (the ledger says why).

    Raises:
        NotFound: no such session (``session_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    with service.reading() as unit:
        row = get_session(unit.db, session_id)
        capture = _confirmed(unit, row)
        if capture is None:
            return None
        person, sealer = row.beneficiary_id, unit.sealer(row.beneficiary_id)
        data = read_media(unit.db, sealer, row.blob_id) if row.blob_id is not None else b""
        numbers = [int(number) for number in (row.report or {}).get("best_frames", ())]
    taken = _taken(engine, data, numbers)
    with service.unit() as unit:
        get_beneficiary(unit.db, person, lock=True)
        row = get_session(unit.db, session_id, lock=True)
        if _confirmed(unit, row) is None:
            return None
        refused = NotRefreshed.NO_PICTURE if taken is None else _refused(unit, engine, person, taken)
        if taken is None or refused is not None:
            unit.ledger(LedgerEvent.REFERENCE_NOT_REFRESHED, person, session=str(session_id), because=str(refused))
            return None
        return _store(unit, row, taken, search)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A picture of the confirmed person, with the mean templates of all pictures of that moment, and their faces."""

    picture: bytes
    measurement: Measurement
    each: Sequence[Measurement]


def _taken(engine: FaceEngine, data: bytes, numbers: Sequence[int]) -> _Taken | None:
    """Measure the pictures of a session again; the first one is kept, for weights of later releases."""
    try:
        if is_series(data):
            pictures = unpack(data)
        elif is_film(data):
            pictures = engine.stills(data, numbers)
        else:
            pictures = [data] if data else []
    except ModelsError:
        return None
    found = [(picture, one) for picture in pictures if (one := measure(engine, picture)[0]) and one.templates]
    if not found:
        return None
    each = [one for _, one in found]
    picture, first = found[0]
    return _Taken(picture, replace(first, templates=average([one.templates for one in each])), each)


def _confirmed(unit: Unit, row: SessionRow) -> Capture | None:
    """Return the capture of a session if it confirmed the person and a reference is due; None otherwise."""
    if row.state != SessionState.DECIDED or row.evidence_id is None or row.decoy is not None:
        return None
    capture = next((f for f in evidence_by_ids(unit.db, [str(row.evidence_id)]) if isinstance(f, Capture)), None)
    if capture is None:
        return None
    policies = [unit.service.policy(pension.scheme).policy for pension in entitlements_of(unit.db, row.beneficiary_id)]
    confirmed = row.outcome == Outcome.CERTIFIED or _ruled(unit, row, capture)
    return capture if confirmed and _due(unit, capture, references_of(unit.db, row.beneficiary_id), policies) else None


def _due(unit: Unit, capture: Capture, rows: Sequence[ReferenceRow], policies: Sequence[Policy]) -> bool:
    """Tell whether a capture that was confirmed gives a new reference."""
    if capture.acquired is not Check.PASS or capture.drifted or Check.FAIL in (capture.liveness, capture.eyes):
        return False
    possessed = capture.filmed and capture.liveness is Check.PASS and capture.possession is Possession.SHOWN
    if capture.foreign:
        # An agent saw the person, or life and possession were shown beside the second proof.
        return only_foreign(rows) and (possessed or capture.channel is Channel.DOORSTEP)
    if not possessed or capture.zone is not FaceZone.MATCH:
        return False
    rule = rule_of(policies)
    active = [one.created_at for one in rows if one.state == ReferenceState.ACTIVE]
    after = timedelta(days=rule.refresh_after_days)
    return bool(after) and bool(active) and unit.now - max(active) >= after


def _ruled(unit: Unit, row: SessionRow, capture: Capture) -> bool:
    """Tell whether an officer confirmed the person after this capture of a face in doubt."""
    if not capture.foreign or row.public_entry:
        return False
    case = newest_case_of(unit.db, row.beneficiary_id, CaseKind.FACE_IN_DOUBT)
    return (
        case is not None
        and case.resolution == "confirm_alive"
        and case.closed_at is not None
        and row.decided_at is not None
        and case.closed_at >= row.decided_at
    )


def _refused(unit: Unit, engine: FaceEngine, person: UUID, taken: _Taken) -> NotRefreshed | None:
    """Compare the new templates with the references that say who the person is."""
    rows = references_of(unit.db, person)
    sealer = unit.sealer(person)
    if only_foreign(rows):
        known = open_foreign(unit.db, sealer, person)
        faces = [one.aligned for one in taken.each if one.aligned is not None]
        network = engine.foreign
        found = network.compare(faces, list(known.values())) if network else None
        # Without the network nothing can be compared; an agent or an officer has confirmed the person then.
        apart = found is not None and found.zone is not None and found.zone.value == FaceZone.APART
        return NotRefreshed.NOT_ENROLLED_FACE if apart else None
    own = open_references(unit.db, sealer, person, engine.models)
    oldest = anchors_of(rows, own)[:1]
    both = [oldest, anchors_of(rows, own)] if oldest else []
    matches = [
        engine.compare(taken.measurement.templates, by_sitting(own, sittings_of(rows, anchors))).state.value
        for anchors in both
    ]
    return None if matches and set(matches) == {Check.PASS} else NotRefreshed.NOT_ENROLLED_FACE


def _store(unit: Unit, row: SessionRow, taken: _Taken, search: FaceSearch | None) -> UUID:
    person, digest = row.beneficiary_id, hashlib.sha256(taken.picture).hexdigest()
    blob_id, reference_id = store_picture(unit, person, taken.picture, "image/jpeg"), unit.service.new_id()
    new = ReferenceRow(
        id=reference_id,
        beneficiary_id=person,
        blob_id=blob_id,
        state=ReferenceState.PENDING,
        media_sha256=digest,
        guidance=[],
        created_at=unit.now,
        provenance=Provenance.PROOF,
        provenance_of=row.channel,
        added_by=unit.actor,
        taken_on=(row.filmed_at or row.submitted_at or unit.now).date(),
    )
    unit.db.add(new)
    unit.db.flush()
    activate(unit, new, taken.measurement, search)
    unit.ledger(
        LedgerEvent.REFERENCE_REFRESHED,
        person,
        reference=str(reference_id),
        session=str(row.id),
        mark=unit.sealer(person).mark(digest),
    )
    _retire_older(unit, person)
    return reference_id


def _retire_older(unit: Unit, person: UUID) -> None:
    """Retire the oldest references of proofs beyond those that the policies keep; those that were enrolled stay."""
    policies = [unit.service.policy(pension.scheme).policy for pension in entitlements_of(unit.db, person)]
    active = [one for one in references_of(unit.db, person) if one.state == ReferenceState.ACTIVE]
    anchors = set(anchors_of(active, {one.id for one in active}))
    proofs = [one for one in active if one.provenance == Provenance.PROOF and one.id not in anchors]
    for one in proofs[: -rule_of(policies).keep]:
        retire(unit, one)
