"""Enrol reference images of a face, measure them, and open their templates for comparison."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import Check
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import Provenance, ReferenceState
from certify.errors import Conflict, NotAllowed
from certify.people.foreign import open_foreign
from certify.people.sittings import by_sitting, sittings_of
from certify.people.templates import (
    measure,
    measure_again,
    open_references,
    outdated_references,
    seal_templates,
    store_renewed,
)
from certify.queue import MEASURE
from certify.service import Service, Unit
from certify.storage.face_prints import store_face_print
from certify.storage.media import delete_blob, put_media, read_media
from certify.storage.people import get_beneficiary, get_reference, references_of
from certify.storage.tables.people import ReferenceRow
from certify.storage.templates import delete_templates
from models.liveness.prints import pack_prints
from models.media.image import probe

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.face.matcher import Templates
    from models.pipeline import FaceEngine
    from models.results import Measurement


ANOTHER_FACE = "another_face"
"""Guidance code: a further reference does not match the references enrolled before."""

SEVERAL_FACES = "several_faces"
"""Guidance code: the picture shows a second person."""

NOT_COMPARABLE = "not_comparable"
"""Guidance code: the references enrolled before are templates of another system, which cannot be compared here."""

_COUNTED = (ReferenceState.PENDING, ReferenceState.ACTIVE)

_EVENTS = {
    ReferenceState.ACTIVE: LedgerEvent.REFERENCE_ACTIVE,
    ReferenceState.REFUSED: LedgerEvent.REFERENCE_REFUSED,
}

MAX_REFERENCES = 10
"""Active and pending references of one person. More would only make comparisons slower."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the picture of a reference came from.

    Attributes:
        provenance: a document, a register, or the fund's own camera.
        of: the kind of the document, such as ``passport``, or the name of the register; None for a camera.
    """

    provenance: Provenance
    of: str | None = None


OWN_CAMERA = Origin(Provenance.CAMERA)
"""The fund's own staff took the picture."""


def require_enrollable(unit: Unit, beneficiary_id: UUID, origin: Origin) -> None:
    """Check that an enroller may add a reference: the first one, with a document or a register behind it.

    A face that no document vouches for, or that takes the place of an enrolled one, needs an officer.

    Args:
        unit: the transaction; the person is locked until it ends.
        beneficiary_id: id of the person.
        origin: where the picture came from.

    Raises:
        NotAllowed: the picture came from a camera (``provenance_not_accepted``).
        NotFound: no such person (``beneficiary_not_found``).
        Conflict: the person has a reference already (``reference_exists``).
    """
    if origin.provenance not in (Provenance.DOCUMENT, Provenance.REGISTER) or not origin.of:
        raise NotAllowed(
            "An enroller names the document or the register that the picture came from.",
            hint="Let an officer enrol a picture that was taken with a camera.",
            code=ErrorCode.PROVENANCE_NOT_ACCEPTED,
        )
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    if any(row.state in _COUNTED for row in references_of(unit.db, beneficiary_id)):
        raise Conflict(
            "This person has a reference already.",
            hint="Only an officer may add another.",
            code=ErrorCode.REFERENCE_EXISTS,
        )


def store_picture(unit: Unit, beneficiary_id: UUID, data: bytes, media_type: str) -> UUID:
    """Store the picture of a reference, sealed, for as long as the person is enrolled; return its id."""
    blob_id = unit.service.new_id()
    put_media(
        unit.db,
        unit.sealer(beneficiary_id),
        blob_id=blob_id,
        beneficiary_id=beneficiary_id,
        data=data,
        media_type=media_type,
        delete_after=None,
    )
    unit.db.flush()
    return blob_id


def add_reference(unit: Unit, beneficiary_id: UUID, data: bytes, origin: Origin = OWN_CAMERA) -> UUID:
    """Store a reference image, sealed, and enqueue its measurement. The same image again gives the same reference.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        data: the image.
        origin: where the picture came from.

    Returns:
        Id of the reference.

    Raises:
        ImageRefused: the header shows no usable image.
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Conflict: the person has ``MAX_REFERENCES`` references already (``too_many_references``).
    """
    info = probe(data)
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    known = references_of(unit.db, beneficiary_id)
    digest = hashlib.sha256(data).hexdigest()
    for row in known:
        if row.media_sha256 == digest and row.state in _COUNTED:
            return row.id
    # Templates of another system are retired by the first picture, and those of proofs have a limit of their own.
    kept = [row for row in known if row.provenance not in (Provenance.TEMPLATE, Provenance.PROOF)]
    if sum(row.state in _COUNTED for row in kept) >= MAX_REFERENCES:
        raise Conflict(
            f"This person has {MAX_REFERENCES} reference images already.", code=ErrorCode.TOO_MANY_REFERENCES
        )
    blob_id = store_picture(unit, beneficiary_id, data, f"image/{info.format.lower()}")
    reference_id = unit.service.new_id()
    row = ReferenceRow(
        id=reference_id,
        beneficiary_id=beneficiary_id,
        blob_id=blob_id,
        state=ReferenceState.PENDING,
        media_sha256=digest,
        created_at=unit.now,
        provenance=origin.provenance,
        provenance_of=origin.of,
        added_by=unit.actor,
    )
    unit.db.add(row)
    unit.ledger(
        LedgerEvent.REFERENCE_ADDED,
        beneficiary_id,
        reference=str(reference_id),
        mark=unit.sealer(beneficiary_id).mark(digest),
        provenance=origin.provenance.value,
    )
    unit.put_job(MEASURE, reference_id)
    return reference_id


def require_replacement(row: ReferenceRow) -> None:
    """Check that a reference can replace the enrolled face: it was refused because it shows another one.

    Raises:
        Conflict: it was refused for another reason, or not at all (``reference_not_replaceable``).
    """
    if row.state != ReferenceState.REFUSED or row.guidance not in ([ANOTHER_FACE], [NOT_COMPARABLE]):
        raise Conflict(
            "This photo does not ask to replace the enrolled face.",
            hint="Add the new photo first. If it shows another face, it is refused, and can then replace the old ones.",
            code=ErrorCode.REFERENCE_NOT_REPLACEABLE,
        )


def replace_references(unit: Unit, reference_id: UUID) -> None:
    """Delete the other references of a person, and measure this one again, which becomes the enrolled face.

    Args:
        unit: the transaction to write in.
        reference_id: a reference that was refused because it shows another face than the ones before.

    Raises:
        NotFound: no such reference (``reference_not_found``).
        Conflict: it was refused for another reason, or not at all (``reference_not_replaceable``).
    """
    get_beneficiary(unit.db, get_reference(unit.db, reference_id).beneficiary_id, lock=True)
    new = get_reference(unit.db, reference_id, lock=True)
    require_replacement(new)
    for row in references_of(unit.db, new.beneficiary_id):
        if row.id != new.id and row.state != ReferenceState.REFUSED:
            blob = row.blob_id
            unit.ledger(LedgerEvent.REFERENCE_REPLACED, row.beneficiary_id, reference=str(row.id), by=str(new.id))
            unit.db.delete(row)
            unit.db.flush()
            delete_blob(unit.db, blob)
    new.state, new.guidance = ReferenceState.PENDING, []
    unit.put_job(MEASURE, new.id)


class FaceSearch(Protocol):
    """A callback for each reference that becomes active, called in the transaction that makes it active."""

    def __call__(self, unit: Unit, row: ReferenceRow, templates: Templates, /) -> None:
        """Search the face of the reference among the faces of other people."""


def measure_reference(
    service: Service, engine: FaceEngine, reference_id: UUID, *, search: FaceSearch | None = None
) -> ReferenceRow:
    """Measure a pending reference: it becomes active with sealed templates, or is refused with guidance.

    The models run outside any transaction. After that the person is locked and the other references are read again:
    two references of different faces, measured at one time, must not both become active.

    Args:
        service: the running service.
        engine: the face models.
        reference_id: id of the reference.
        search: called when the reference becomes active. Everything that enrols real people gives it
            (certify.decision.duplicate_faces).

    Returns:
        The reference; one that is not pending any more is returned as it is, so that the call may be repeated.

    Raises:
        NotFound: no such reference (``reference_not_found``).
        Gone: the person was erased (``person_erased``), or the image was deleted (``media_deleted``).
    """
    with service.unit() as unit:
        row = get_reference(unit.db, reference_id)
        if row.state != ReferenceState.PENDING:
            return row
        person, sealer = row.beneficiary_id, unit.sealer(row.beneficiary_id)
        data = read_media(unit.db, sealer, row.blob_id)
        outdated = outdated_references(unit, person, engine)
    measurement, refusal = measure(engine, data)
    renewed = measure_again(engine, outdated)
    with service.unit() as unit:
        get_beneficiary(unit.db, person, lock=True)
        row = get_reference(unit.db, reference_id, lock=True)
        if row.state != ReferenceState.PENDING:
            return row
        # Without templates of the weights in use, the enrolled face could not be compared with the new one.
        store_renewed(unit, person, renewed)
        enrolled = open_references(unit.db, unit.sealer(person), person, engine.models)
        rows = references_of(unit.db, person)
        faces = by_sitting(enrolled, sittings_of(rows, enrolled))
        if measurement is None or measurement.acquired.value != Check.PASS:
            row.state, row.guidance = ReferenceState.REFUSED, list(measurement.guidance) if measurement else [refusal]
        elif measurement.shows_another:
            # Nothing tells which of the two is the person: the larger face may be somebody else's.
            row.state, row.guidance = ReferenceState.REFUSED, [SEVERAL_FACES]
        elif faces and engine.compare(measurement.templates, faces).state.value != Check.PASS:
            # A person who may enrol must not be able to add another face to the first, or to replace the first.
            row.state, row.guidance = ReferenceState.REFUSED, [ANOTHER_FACE]
        elif not faces and (foreign := _refused_by_foreign(unit, engine, person, measurement)) is not None:
            row.state, row.guidance = ReferenceState.REFUSED, [foreign]
        else:
            row.guidance = list(measurement.guidance)
            activate(unit, row, measurement, search)
        row.measurement = measurement.to_json() if measurement else {"refused": refusal}
        mark = unit.sealer(row.beneficiary_id).mark(row.media_sha256)
        unit.ledger(_EVENTS[ReferenceState(row.state)], row.beneficiary_id, reference=str(row.id), mark=mark)
        return row


def _refused_by_foreign(unit: Unit, engine: FaceEngine, person: UUID, measurement: Measurement) -> str | None:
    """Return why a picture cannot follow templates of another system: another face, or they cannot be compared here."""
    foreign = open_foreign(unit.db, unit.sealer(person), person)
    if not foreign or measurement.aligned is None:
        return None
    network = engine.foreign
    if network is None:
        return NOT_COMPARABLE
    found = network.compare([measurement.aligned], list(foreign.values()))
    return None if found is not None and found.state.value == Check.PASS else ANOTHER_FACE


def activate(unit: Unit, row: ReferenceRow, measurement: Measurement, search: FaceSearch | None) -> None:
    """Make a reference active: seal its templates, search the face among others, and retire foreign templates.

    Args:
        unit: the transaction that holds the lock of the person.
        row: the reference.
        measurement: of its picture, with templates.
        search: called for everything that enrols real people (certify.decision.duplicate_faces).
    """
    person = row.beneficiary_id
    row.state, row.measurement = ReferenceState.ACTIVE, measurement.to_json()
    seal_templates(unit, person, row.id, measurement)
    if measurement.face is not None:
        sealed = unit.sealer(person).seal(pack_prints([measurement.face], None), f"face_print:{row.id}")
        store_face_print(unit.db, row.id, person, sealed, at=unit.now)
    unit.db.flush()
    if search is not None:
        search(unit, row, measurement.templates)
    for other in references_of(unit.db, person):
        if other.provenance == Provenance.TEMPLATE and other.state == ReferenceState.ACTIVE:
            retire(unit, other)


def retire(unit: Unit, row: ReferenceRow) -> None:
    """Compare a reference no more: its templates and its picture are deleted, and the row says that it was there.

    Args:
        unit: the transaction that holds the lock of the person.
        row: the reference.
    """
    blob, row.blob_id = row.blob_id, None
    row.state, row.number = ReferenceState.RETIRED, None
    delete_templates(unit.db, row.id)
    unit.db.flush()
    delete_blob(unit.db, blob)
    unit.ledger(LedgerEvent.REFERENCE_RETIRED, row.beneficiary_id, reference=str(row.id))
