"""Enrolling: a person with entitlements, and the reference images of their face."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from sqlalchemy.orm import Session

from certify.certificates.payload import MAX_NAME
from certify.domain.evidence import Check
from certify.domain.schedule import latest_date
from certify.errors import CertifyError, Conflict, Invalid
from certify.people.identifiers import seal_identifiers
from certify.people.national_id import mask, normalise_id
from certify.queue import MEASURE
from certify.service import Service, Unit
from certify.storage.media import put_media, read_media
from certify.storage.people import (
    active_templates,
    add_pensions,
    enrol_people,
    get_beneficiary,
    get_reference,
    references_of,
)
from certify.storage.tables.people import ReferenceRow, TemplateRow
from certify.storage.vault import Sealer
from models.errors import ImageRefused
from models.media.image import probe

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import FaceEngine, Measurement

_JOINERS = "\u200c\u200d"  # part of correct spelling in Persian and Indic names

ANOTHER_FACE = "another_face"
"""Guidance code: a further reference does not match those enrolled before."""

MAX_REFERENCES = 10
"""Active and pending references of one person; more would only slow comparisons down."""


@dataclass(frozen=True, slots=True)
class NewEntitlement:
    """A pension to enrol; dates are local to the scheme."""

    scheme: str
    starts_on: date
    last_proof_on: date | None = None


@dataclass(frozen=True, slots=True)
class NewBeneficiary:
    """A person to enrol.

    ``needs`` are accessibility needs such as ``low_vision`` or ``bedridden``; ``sex`` is M or F, as registries have it,
    and only helps to tell people apart there.
    """

    national_id: str
    name: str
    entitlements: tuple[NewEntitlement, ...]
    card_number: str | None = None
    birth_date: date | None = None
    region: str | None = None
    needs: tuple[str, ...] = ()
    sex: str | None = None


def add_beneficiary(unit: Unit, person: NewBeneficiary) -> UUID:
    """Enrol a new person with a data key of their own.

    Raises Conflict (``beneficiary_exists``) when the national id or card number is enrolled already, Invalid when
    an id, date or scheme is wrong.
    """
    found = add_beneficiaries(unit, [person])[0]
    if isinstance(found, CertifyError):
        raise found
    return found


def add_beneficiaries(unit: Unit, people: Sequence[NewBeneficiary]) -> list[UUID | CertifyError]:
    """Enrol many people in one statement; whoever cannot be gets the error that ``add_beneficiary`` would raise."""
    found: list[UUID | CertifyError] = []
    rows: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for person in people:
        try:
            row, key = _new_rows(unit, person)
        except (Conflict, Invalid) as error:
            found.append(error)
        else:
            found.append(row["id"])
            rows.append(row)
            keys.append(key)
    ours = [(number, person) for number, person in zip(found, people, strict=True) if isinstance(number, UUID)]
    pensions = [row for number, person in ours for row in _pension_rows(unit, number, person.entitlements)]
    enrolled = enrol_people(unit.db, rows, keys, pensions) if rows else set()
    for number, person in ours:
        if number in enrolled:
            unit.ledger("person_enrolled", number, schemes=sorted({e.scheme for e in person.entitlements}))
    # Somebody else may have enrolled the same person before, or a moment ago; or they come twice in this batch.
    return [_exists() if isinstance(number, UUID) and number not in enrolled else number for number in found]


def add_entitlements(unit: Unit, new: Mapping[UUID, Sequence[NewEntitlement]]) -> int:
    """Add to people, whom the caller has locked, entitlements whose scheme they do not have; return how many are new.

    Raises Invalid for an unknown scheme.
    """
    return add_pensions(unit.db, [row for number, those in new.items() for row in _pension_rows(unit, number, those)])


def add_reference(unit: Unit, beneficiary_id: UUID, data: bytes) -> UUID:
    """Store a reference image, sealed, and enqueue its measurement.

    The same image twice gives the same reference. Raises ImageRefused when the bytes are no usable image by their
    header, Conflict (``too_many_references``).
    """
    info = probe(data)
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    known = references_of(unit.db, beneficiary_id)
    digest = hashlib.sha256(data).hexdigest()
    for row in known:
        if row.media_sha256 == digest and row.state != "refused":
            return row.id
    if sum(row.state != "refused" for row in known) >= MAX_REFERENCES:
        raise Conflict(f"This person has {MAX_REFERENCES} reference images already.", code="too_many_references")
    blob_id, reference_id = unit.service.new_id(), unit.service.new_id()
    put_media(
        unit.db,
        unit.sealer(beneficiary_id),
        blob_id=blob_id,
        beneficiary_id=beneficiary_id,
        data=data,
        media_type=f"image/{info.format.lower()}",
        delete_after=None,  # references are kept as long as the person is enrolled
    )
    unit.db.flush()
    row = ReferenceRow(
        id=reference_id,
        beneficiary_id=beneficiary_id,
        blob_id=blob_id,
        state="pending",
        media_sha256=digest,
        created_at=unit.now,
    )
    unit.db.add(row)
    unit.ledger("reference_added", beneficiary_id, reference=str(reference_id), media=digest)
    unit.put_job(MEASURE, reference_id)
    return reference_id


def measure_reference(service: Service, engine: FaceEngine, reference_id: UUID) -> ReferenceRow:
    """Measure a pending reference: templates are sealed and it becomes active, or it is refused with guidance.

    Safe to repeat: a reference that is not pending any more is returned as it is.
    """
    with service.unit() as unit:
        row = get_reference(unit.db, reference_id)
        if row.state != "pending":
            return row
        sealer = unit.sealer(row.beneficiary_id)
        data = read_media(unit.db, sealer, row.blob_id)
        enrolled = open_references(unit.db, sealer, row.beneficiary_id, engine.models)
    measurement, refusal = measure(engine, data)
    with service.unit() as unit:
        row = get_reference(unit.db, reference_id, lock=True)
        if row.state != "pending":
            return row
        if measurement is None or measurement.acquired.value != Check.PASS:
            row.state, row.guidance = "refused", list(measurement.guidance) if measurement else [refusal]
        elif enrolled and engine.compare(measurement.templates, list(enrolled.values())).state.value != Check.PASS:
            # Whoever may enrol must not be able to put another face beside, or in place of, the first.
            row.state, row.guidance = "refused", [ANOTHER_FACE]
        else:
            row.state, row.guidance = "active", list(measurement.guidance)
            _seal_templates(unit, row, measurement)
        row.measurement = measurement.to_json() if measurement else {"refused": refusal}
        unit.ledger("reference_" + row.state, row.beneficiary_id, reference=str(row.id), media=row.media_sha256)
        return row


def measure(engine: FaceEngine, data: bytes) -> tuple[Measurement | None, str]:
    """Measure an image; a refused one gives None and the code of the refusal, as guidance for the person."""
    try:
        return engine.measure(data), ""
    except ImageRefused as refused:
        return None, refused.code


def open_references(
    db: Session, sealer: Sealer, beneficiary_id: UUID, models: Mapping[str, str]
) -> dict[UUID, dict[str, Any]]:
    """Open the templates of all active references of a person: by reference, one mapping of model to vector each.

    ``models`` are the hashes of the loaded models: a template made by other weights is left out, because comparing
    across weights means nothing.
    """
    by_reference: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for row in active_templates(db, beneficiary_id):
        if models.get(row.model) != row.model_sha256:
            continue
        plain = sealer.open(row.sealed, f"template:{row.reference_id}:{row.model}")
        by_reference[row.reference_id][row.model] = np.frombuffer(plain, np.float32)
    return dict(by_reference)


def _seal_templates(unit: Unit, row: ReferenceRow, measurement: Measurement) -> None:
    sealer = unit.sealer(row.beneficiary_id)
    for model, vector in measurement.templates.items():
        unit.db.add(
            TemplateRow(
                reference_id=row.id,
                model=model,
                model_sha256=measurement.models[model],
                sealed=sealer.seal(np.asarray(vector, np.float32).tobytes(), f"template:{row.id}:{model}"),
            )
        )


def _new_rows(unit: Unit, person: NewBeneficiary) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a new person; return the row of the person and that of the data key. Raises Invalid."""
    national_id, card = _identifiers(unit.service, person)
    _check_dates(unit, person)
    vault, beneficiary_id = unit.service.vault, unit.service.new_id()
    key, sealer = vault.new_key(beneficiary_id)
    unit.know(sealer)
    row = {
        "id": beneficiary_id,
        "national_id_hash": vault.lookup_hash(unit.db, "national_id", national_id),
        "national_id_masked": mask(national_id),
        "card_hash": vault.lookup_hash(unit.db, "card", card) if card else None,
        "card_masked": mask(card) if card else None,
        "ids_sealed": seal_identifiers(unit, beneficiary_id, national_id, card),
        "name": unicodedata.normalize("NFC", person.name).strip(),
        "birth_date": person.birth_date,
        "region": person.region,
        "needs": person.needs,
        "created_at": unit.now,
        "sex": person.sex,
    }
    return row, key


def _pension_rows(unit: Unit, beneficiary_id: UUID, new: Sequence[NewEntitlement]) -> list[dict[str, Any]]:
    """Return the rows of entitlements, the first of each scheme. Raises Invalid for an unknown scheme."""
    by_scheme: dict[str, NewEntitlement] = {}
    for entitlement in new:
        unit.service.policy(entitlement.scheme)
        by_scheme.setdefault(entitlement.scheme, entitlement)
    return [
        {
            "id": unit.service.new_id(),
            "beneficiary_id": beneficiary_id,
            "scheme": entitlement.scheme,
            "starts_on": entitlement.starts_on,
            "last_proof_on": entitlement.last_proof_on,
        }
        for entitlement in by_scheme.values()
    ]


def _exists() -> Conflict:
    return Conflict(
        "Somebody with this national id or card number is enrolled already.",
        hint="Look the person up instead of enrolling them again.",
        code="beneficiary_exists",
    )


def _identifiers(service: Service, person: NewBeneficiary) -> tuple[str, str | None]:
    national_id = normalise_id(person.national_id, service.settings.national_id_format)
    return national_id, normalise_id(person.card_number) if person.card_number else None


def _check_dates(unit: Unit, person: NewBeneficiary) -> None:
    today = latest_date(unit.now)
    name = person.name.strip()
    # What a certificate can state (certificates/payload.py); better refused here than when one is due.
    if not 1 <= len(name) <= MAX_NAME or any(unicodedata.category(c)[0] == "C" for c in name if c not in _JOINERS):
        raise Invalid(
            f"The name is missing, longer than {MAX_NAME} characters, or has characters that cannot be shown.",
            code="name_invalid",
        )
    if person.birth_date is not None and not date(1880, 1, 1) <= person.birth_date <= today:
        raise Invalid("The date of birth is not possible.", code="birth_date_invalid")
    if not person.entitlements:
        raise Invalid("A beneficiary needs at least one entitlement.", code="entitlement_missing")
    for entitlement in person.entitlements:
        unit.service.policy(entitlement.scheme)
        if entitlement.last_proof_on is not None and entitlement.last_proof_on > today:
            raise Invalid("The last proof of life lies in the future.", code="last_proof_invalid")
