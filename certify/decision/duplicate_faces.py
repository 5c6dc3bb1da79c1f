"""Search each new reference among the faces of all people, and let an officer answer what is found.

The templates are opened in the memory of the process that measures faces, and nowhere else. A hit is an adverse record
of our own about the person with the *new* reference, as a hold of a visit is (docs/decisions/0018): the policy says
what it does. The shipped policies issue no certificate until an officer has answered. The other person is not held up,
or anyone could stop a pensioner's certificate by enrolling their photo for somebody else.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from certify.decision.cases import DUPLICATE_FACE
from certify.decision.determine import determine
from certify.decision.facts import record_fact
from certify.decision.review import require_open_case
from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, Void
from certify.domain.ledger_events import LedgerEvent
from certify.domain.sources import FACES, officer_source
from certify.domain.states import CaseState, FaceAnswer, ReferenceState
from certify.errors import Conflict
from certify.people.references import ANOTHER_FACE
from certify.service import Service, Unit
from certify.storage.duplicate_faces import (
    SealedFace,
    count_faces,
    delete_templates_of,
    faces_after,
    lock_faces,
    next_face_number,
    numbers_of_faces,
    owners_of_faces,
    pairs_of,
)
from certify.storage.facts import find_evidence
from certify.storage.people import get_beneficiary, get_reference, references_of
from certify.storage.reviews import get_case
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.people import DuplicateFaceRow, ReferenceRow
from models.face.search import FaceIndex, Hit

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.face.matcher import Templates
    from models.pipeline import FaceEngine

log = logging.getLogger("certify.worker")

_BATCH = 1000


class DuplicateSearch:
    """The search for duplicate faces in one process. It reads the faces of all people when it is first used.

    Args:
        service: the running service.
        engine: the face models. Faces whose templates are of other weights cannot be compared and are left out.
    """

    def __init__(self, service: Service, engine: FaceEngine) -> None:
        self._service = service
        self._engine = engine
        self._models = engine.models

    @cached_property
    def _index(self) -> FaceIndex | None:
        fit = self._engine.calibration.fit_for(tuple(self._models))
        return None if fit is None else FaceIndex(fit)

    def read(self) -> int:
        """Read the faces that became active since the last call, in short transactions, and forget erased ones.

        Returns:
            The number of faces in the index.
        """
        if self._index is None:
            return 0
        more = True
        while more:
            with self._service.reading() as unit:
                more = self._read_batch(unit, self._index)
        with self._service.reading() as unit:
            if count_faces(unit.db) < len(self._index):
                self._index.keep(numbers_of_faces(unit.db))
        return len(self._index)

    def __call__(self, unit: Unit, row: ReferenceRow, templates: Templates) -> None:
        """Give a new active reference its number, search its face, and hold the person if there are hits.

        All processes take turns here, so of two references that become active at one time the second finds the first.

        Args:
            unit: the transaction that makes the reference active and holds the lock of the person.
            row: the reference.
            templates: its templates.
        """
        lock_faces(unit.db)
        index = self._index
        if index is None or not index.covers(templates):
            row.number = next_face_number(unit.db)
            log.warning("a reference could not be searched: a face model is missing", extra={"reference": str(row.id)})
            return
        while self._read_batch(unit, index):
            pass
        hits = index.search(templates)
        row.number = next_face_number(unit.db)
        unit.db.flush()
        _hold(unit, row, hits, index.threshold())

    def _read_batch(self, unit: Unit, index: FaceIndex) -> bool:
        faces = faces_after(unit.db, index.newest, limit=_BATCH)
        unit.open_sealers(list({face.beneficiary_id for face in faces}))
        for face in faces:
            index.add(face.number, self._opened(unit, face))
        return len(faces) == _BATCH

    def _opened(self, unit: Unit, face: SealedFace) -> dict[str, NDArray[np.float32]]:
        sealer = unit.sealer(face.beneficiary_id)
        return {
            model: np.frombuffer(sealer.open(sealed, f"template:{face.reference_id}:{model}"), np.float32)
            for model, (sha256, sealed) in face.templates.items()
            if self._models.get(model) == sha256
        }


def _hold(unit: Unit, row: ReferenceRow, hits: list[Hit], threshold: float) -> None:
    """Record the hits that are other people's, unless an officer answered for these two people before."""
    owners = owners_of_faces(unit.db, [hit.number for hit in hits])
    answered = {pair.other_id for pair in pairs_of(unit.db, row.beneficiary_id) if pair.answer is not None}
    found = False
    others: set[UUID] = set()
    for hit in hits:
        reference_id, other = owners.get(hit.number, (row.id, row.beneficiary_id))
        if other == row.beneficiary_id or other in answered or other in others:
            continue
        others.add(other)
        found = True
        unit.db.add(
            DuplicateFaceRow(
                id=unit.service.new_id(),
                beneficiary_id=row.beneficiary_id,
                reference_id=row.id,
                other_id=other,
                other_reference_id=reference_id,
                llr=hit.llr,
                threshold=threshold,
                found_at=unit.now,
            )
        )
        unit.ledger(LedgerEvent.DUPLICATE_FACE_FOUND, row.beneficiary_id, reference=str(row.id), other=str(other))
    if not found:
        return
    fact = AdverseRecord(
        id=str(unit.service.new_id()), source=FACES, event_at=unit.now, recorded_at=unit.now, kind=DUPLICATE_FACE
    )
    record_fact(unit, row.beneficiary_id, fact, external_id=_record(row.id))
    unit.db.flush()
    determine(unit, row.beneficiary_id)


def answer_duplicate(unit: Unit, case_id: UUID, *, officer: str, answer: FaceAnswer) -> ReviewCaseRow:
    """Close a case about a duplicate face with an officer's answer, and determine the person again.

    * ``TWO_PEOPLE``: both people exist, such as twins. The hold ends, and these two are not asked about again.
    * ``WRONG_REFERENCE``: the new reference does not show the person. It is refused with its templates, and the hold
      ends; the person is enrolled again with a photo of their own.

    That one person draws two pensions is neither: the officer rules ``stop`` on the case. The caller has made sure that
    the officer may answer (``certify.approvals.actions``).

    Args:
        unit: the transaction to write in.
        case_id: id of the case.
        officer: who answers.
        answer: what the officer found.

    Returns:
        The closed case.

    Raises:
        NotFound: no such case (``review_case_not_found``).
        Conflict: the case is closed already (``review_case_closed``), or is of another kind (``case_of_another_kind``).
    """
    get_beneficiary(unit.db, get_case(unit.db, case_id).beneficiary_id, lock=True)
    case = get_case(unit.db, case_id, lock=True)
    require_open_case(case)
    require_duplicate_case(case)
    person = case.beneficiary_id
    open_pairs = [pair for pair in pairs_of(unit.db, person) if pair.answer is None]
    held = {pair.reference_id for pair in open_pairs}
    for pair in open_pairs:
        pair.answer, pair.answered_at, pair.answered_by = answer.value, unit.now, officer
    if answer is FaceAnswer.WRONG_REFERENCE:
        _refuse(unit, person, held)
    for reference_id in sorted(held):
        _void(unit, person, reference_id, officer)
    case.state, case.closed_at, case.closed_by, case.resolution = CaseState.CLOSED, unit.now, officer, answer.value
    unit.ledger(LedgerEvent.REVIEW_CLOSED, person, case=str(case.id), resolution=answer.value)
    unit.ledger(LedgerEvent.DUPLICATE_FACE_ANSWERED, person, case=str(case.id), answer=answer.value, officer=officer)
    unit.db.flush()
    determine(unit, person)
    return case


def require_duplicate_case(case: ReviewCaseRow) -> None:
    """Check that a case is about a duplicate face.

    Raises:
        Conflict: it is about something else (``case_of_another_kind``).
    """
    if case.kind != CaseKind.DUPLICATE_FACE:
        raise Conflict(
            "This case is not about a duplicate face.",
            hint="Give a ruling on it instead.",
            code=ErrorCode.CASE_OF_ANOTHER_KIND,
        )


def _refuse(unit: Unit, person: UUID, references: set[UUID]) -> None:
    for row in references_of(unit.db, person):
        if row.id in references and row.state == ReferenceState.ACTIVE:
            refused = get_reference(unit.db, row.id, lock=True)
            refused.state, refused.guidance, refused.number = ReferenceState.REFUSED, [ANOTHER_FACE], None
            delete_templates_of(unit.db, row.id)
            mark = unit.sealer(person).mark(row.media_sha256)
            unit.ledger(LedgerEvent.REFERENCE_REFUSED, person, reference=str(row.id), mark=mark)


def _void(unit: Unit, person: UUID, reference_id: UUID, officer: str) -> None:
    record = find_evidence(unit.db, FACES, _record(reference_id))
    if record is None:
        return
    fact = Void(
        id=str(unit.service.new_id()),
        source=officer_source(officer),
        event_at=unit.now,
        recorded_at=unit.now,
        target=str(record.id),
        by_officer=True,
    )
    record_fact(unit, person, fact, external_id=_record(reference_id))


def _record(reference_id: UUID) -> str:
    """Return the number of the adverse record of a reference, at the source ``faces``."""
    return f"reference:{reference_id}"
