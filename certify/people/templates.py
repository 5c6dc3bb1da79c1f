"""Make, seal and open the templates of references, and make them again for other weights.

Templates of different weights must never be compared. When a release or a pack brings other weights, the enrolled
pictures are still there, so the templates are made again: when the person is next compared, or for all people with
'certify models renew'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from certify.domain.states import ReferenceState
from certify.service import Service, Unit
from certify.storage.database import Session
from certify.storage.media import read_media
from certify.storage.people import active_templates, get_beneficiary, references_of
from certify.storage.tables.people import ReferenceRow
from certify.storage.templates import people_with_outdated, store_template
from certify.storage.vault import Sealer
from models.errors import ImageRefused

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import FaceEngine
    from models.results import Measurement


def measure(engine: FaceEngine, data: bytes) -> tuple[Measurement | None, str]:
    """Measure an image.

    Args:
        engine: the face models.
        data: the image.

    Returns:
        The measurement and an empty text; for a refused image None and the code of the refusal, which is guidance for
        the person.
    """
    try:
        return engine.measure(data), ""
    except ImageRefused as refused:
        return None, refused.code


def open_references(
    db: Session, sealer: Sealer, beneficiary_id: UUID, models: Mapping[str, str]
) -> dict[UUID, dict[str, Any]]:
    """Open the templates of all active references of a person.

    Templates of other weights are omitted, because a comparison across weights means nothing.

    Args:
        db: the session to read in.
        sealer: of the person.
        beneficiary_id: id of the person.
        models: SHA-256 of the loaded weights, by model.

    Returns:
        By reference, one float32 vector for each model.
    """
    by_reference: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for row in active_templates(db, beneficiary_id):
        if models.get(row.model) != row.model_sha256:
            continue
        plain = sealer.open(row.sealed, f"template:{row.reference_id}:{row.model}")
        by_reference[row.reference_id][row.model] = np.frombuffer(plain, np.float32)
    return dict(by_reference)


def seal_templates(unit: Unit, beneficiary_id: UUID, reference_id: UUID, measurement: Measurement) -> None:
    """Seal and store the templates of a reference, in place of those of other weights."""
    sealer = unit.sealer(beneficiary_id)
    for model, vector in measurement.templates.items():
        sealed = sealer.seal(np.asarray(vector, np.float32).tobytes(), f"template:{reference_id}:{model}")
        store_template(unit.db, reference_id, model, measurement.models[model], sealed)


def outdated_references(
    unit: Unit,
    beneficiary_id: UUID,
    engine: FaceEngine,
    *,
    opened: Mapping[UUID, Mapping[str, Any]] | None = None,
    enrolled: Sequence[ReferenceRow] | None = None,
) -> dict[UUID, bytes]:
    """Return the pictures of active references that lack a template of one of the weights that are compared.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.
        engine: the face models. Weights that their calibration does not know are compared with nothing.
        opened: the templates of these weights (``open_references``), if they were read already.
        enrolled: all references of the person, if they were read already.
    """
    fitted, sealer = _compared(engine), unit.sealer(beneficiary_id)
    known = open_references(unit.db, sealer, beneficiary_id, engine.models) if opened is None else opened
    return {
        row.id: read_media(unit.db, sealer, row.blob_id)
        for row in (references_of(unit.db, beneficiary_id) if enrolled is None else enrolled)
        if row.state == ReferenceState.ACTIVE
        and row.blob_id is not None
        and not fitted.keys() <= known.get(row.id, {}).keys()
    }


def measure_again(engine: FaceEngine, pictures: Mapping[UUID, bytes]) -> dict[UUID, Measurement]:
    """Measure pictures of references outside any transaction; those that give no templates are left out."""
    measured = {reference_id: measure(engine, picture)[0] for reference_id, picture in pictures.items()}
    return {reference_id: found for reference_id, found in measured.items() if found is not None and found.templates}


def store_renewed(unit: Unit, beneficiary_id: UUID, renewed: Mapping[UUID, Measurement]) -> None:
    """Store templates that were made again, of the references that are still active. The caller locked the person."""
    if renewed:
        for row in references_of(unit.db, beneficiary_id):
            if row.id in renewed and row.state == ReferenceState.ACTIVE:
                seal_templates(unit, beneficiary_id, row.id, renewed[row.id])
        unit.db.flush()


@dataclass(frozen=True, slots=True)
class Renewed:
    """What was measured again.

    Attributes:
        people: people whose references were measured.
        references: references that have templates of the weights in use now.
        left: references that gave no template.
    """

    people: int
    references: int
    left: int


def renew_all(service: Service, engine: FaceEngine, *, progress: Callable[[int], None] | None = None) -> Renewed:
    """Measure the references of all people again that are of other weights, one person in one transaction.

    The call may be interrupted and repeated.

    Args:
        service: the running service.
        engine: the face models.
        progress: called with the number of people done.
    """
    after, people, done, left = UUID(int=0), 0, 0, 0
    fitted = _compared(engine)
    while fitted:
        with service.reading() as unit:
            chunk = people_with_outdated(unit.db, fitted, after=after, limit=100)
        if not chunk:
            break
        for person in chunk:
            with service.reading() as unit:
                outdated = outdated_references(unit, person, engine)
            renewed = measure_again(engine, outdated)
            with service.unit() as unit:
                get_beneficiary(unit.db, person, lock=True)
                store_renewed(unit, person, renewed)
            people, done, left = people + 1, done + len(renewed), left + len(outdated) - len(renewed)
            if progress is not None:
                progress(people)
        after = chunk[-1]
    return Renewed(people, done, left)


def _compared(engine: FaceEngine) -> dict[str, str]:
    """Return the weights that are compared: those that are loaded and that the calibration knows."""
    return {name: sha256 for name, sha256 in engine.calibration.models.items() if engine.models.get(name) == sha256}
