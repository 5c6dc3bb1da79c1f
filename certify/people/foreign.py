"""Store templates that another system made, for people whose enrolled pictures are gone.

Such a template is weaker than a picture: it cannot be measured again, no one can look at it, and its network confuses
people more often. It is sealed as ours are, it never decides alone (certify/domain/proofs.py), and the next proof that
confirms the person replaces it (certify/capture/refresh.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.schedule import latest_date
from certify.domain.states import Provenance, ReferenceState
from certify.errors import CertifyError, Conflict, Invalid
from certify.service import Unit
from certify.storage.database import Session
from certify.storage.people import active_templates
from certify.storage.tables.people import BeneficiaryRow, ReferenceRow
from certify.storage.templates import lock_people, owners_of_pictures, references_of_people, store_template
from certify.storage.vault import Sealer
from models.face.foreign_form import FOREIGN, foreign_calibration, foreign_template

MOST = 5
"""Templates of another system that are kept of one person. A starting value: pictures of five different years."""


@dataclass(frozen=True, slots=True)
class ForeignTemplate:
    """A template to store.

    Attributes:
        beneficiary_id: id of the person.
        taken_on: day of the picture that it was made of, or of its enrolment there.
        source: name in the registry of sources of the system that made it.
        values: the template as that system has it.
    """

    beneficiary_id: UUID
    taken_on: date
    source: str
    values: NDArray[np.float64]


def add_foreign(unit: Unit, templates: Sequence[ForeignTemplate]) -> list[UUID | CertifyError | None]:
    """Store templates of many people, who are locked until the transaction ends.

    Args:
        unit: the transaction to write in. Its actor must speak for the sources.
        templates: the templates.

    Returns:
        For each template its new reference, None if it is stored already, or the error: the source may not send
        templates (``source_unknown``, ``source_not_yours``, ``source_limits``), the day is not possible
        (``taken_on_invalid``), the person is unknown, has a reference already that is better, or too many
        (``beneficiary_not_found``, ``reference_exists``, ``too_many_references``), or the template belongs to another
        person already (``encoding_twice``).
    """
    people = lock_people(unit.db, sorted({one.beneficiary_id for one in templates}))
    unit.open_sealers(list(people))
    marks = [_mark(unit, one) for one in templates]
    known = references_of_people(unit.db, list(people))
    owners = owners_of_pictures(unit.db, marks)
    results: list[UUID | CertifyError | None] = []
    for one, mark in zip(templates, marks, strict=True):
        try:
            results.append(_add(unit, one, mark, people, known, owners))
        except CertifyError as error:
            results.append(error)
    return results


def _add(
    unit: Unit,
    one: ForeignTemplate,
    mark: str,
    people: Mapping[UUID, BeneficiaryRow],
    known: dict[UUID, list[ReferenceRow]],
    owners: dict[str, UUID],
) -> UUID | None:
    person = people.get(one.beneficiary_id)
    if person is None:
        raise Invalid("No person with this number is enrolled.", code=ErrorCode.BENEFICIARY_NOT_FOUND)
    _check_source(unit, one.source)
    if one.taken_on > latest_date(unit.now) or (person.birth_date is not None and one.taken_on < person.birth_date):
        raise Invalid(
            "The day of the template lies in the future, or before the person's birth.", code=ErrorCode.TAKEN_ON_INVALID
        )
    if (owner := owners.get(mark)) is not None and owner != person.id:
        raise Conflict(
            "The same template belongs to another person already.",
            hint="Find out whose face it is. If the other person's is wrong, an officer replaces that reference.",
            code=ErrorCode.ENCODING_TWICE,
        )
    mine = known.setdefault(person.id, [])
    if any(row.media_sha256 == mark for row in mine):
        return None
    kept = [row for row in mine if row.state in (ReferenceState.PENDING, ReferenceState.ACTIVE)]
    if any(row.provenance != Provenance.TEMPLATE for row in kept):
        raise Conflict(
            "This person has a picture as reference, which is better than a template of another system.",
            code=ErrorCode.REFERENCE_EXISTS,
        )
    if len(kept) >= MOST:
        raise Conflict(
            f"This person has {MOST} templates of other systems already.", code=ErrorCode.TOO_MANY_REFERENCES
        )
    row = ReferenceRow(
        id=unit.service.new_id(),
        beneficiary_id=person.id,
        blob_id=None,
        state=ReferenceState.ACTIVE,
        media_sha256=mark,
        guidance=[],
        created_at=unit.now,
        provenance=Provenance.TEMPLATE,
        provenance_of=one.source,
        added_by=unit.actor,
        taken_on=one.taken_on,
    )
    unit.db.add(row)
    unit.db.flush()
    sealed = unit.sealer(person.id).seal(foreign_template(one.values).tobytes(), f"template:{row.id}:{FOREIGN}")
    store_template(unit.db, row.id, FOREIGN, foreign_calibration().models[FOREIGN], sealed)
    unit.ledger(
        LedgerEvent.TEMPLATE_IMPORTED,
        person.id,
        reference=str(row.id),
        mark=unit.sealer(person.id).mark(mark),
        source=one.source,
    )
    mine.append(row)
    owners[mark] = person.id
    return row.id


def open_foreign(db: Session, sealer: Sealer, beneficiary_id: UUID) -> dict[UUID, dict[str, Any]]:
    """Open the active templates of other systems of a person.

    Args:
        db: the session to read in.
        sealer: of the person.
        beneficiary_id: id of the person.

    Returns:
        By reference, the template by the name of its network.
    """
    weights = foreign_calibration().models[FOREIGN]
    return {
        row.reference_id: {
            FOREIGN: np.frombuffer(sealer.open(row.sealed, f"template:{row.reference_id}:{FOREIGN}"), np.float32)
        }
        for row in active_templates(db, beneficiary_id)
        if row.model == FOREIGN and row.model_sha256 == weights
    }


def only_foreign(rows: Sequence[ReferenceRow]) -> bool:
    """Tell whether all references of a person that are compared are templates of other systems, and there are some."""
    active = [row for row in rows if row.state == ReferenceState.ACTIVE]
    return bool(active) and all(row.provenance == Provenance.TEMPLATE for row in active)


def _check_source(unit: Unit, name: str) -> None:
    source = unit.service.sources.require(name, unit.actor)
    if not source.templates:
        raise Invalid(
            f"The source '{name}' may not send templates of faces.",
            hint="An operator sets 'templates = true' for the source in the registry of sources.",
            code=ErrorCode.SOURCE_LIMITS,
        )


def _mark(unit: Unit, one: ForeignTemplate) -> str:
    """Return the keyed hash by which a template is recognised, also when it is given for somebody else."""
    stored = foreign_template(one.values).tobytes()
    return unit.service.vault.lookup_hash(unit.db, "template", stored.hex()).hex()
