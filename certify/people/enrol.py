"""Enrolling: a person with entitlements, and the reference images of their face."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from certify.certificates.payload import MAX_NAME
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.schedule import latest_date
from certify.errors import CertifyError, Conflict, Invalid
from certify.people.identifiers import seal_identifiers
from certify.people.national_id import mask, normalise_id
from certify.service import Service, Unit
from certify.storage.people import (
    add_pensions,
    enrol_people,
)

_JOINERS = "\u200c\u200d"  # part of correct spelling in Persian and Indic names


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
            unit.ledger(LedgerEvent.PERSON_ENROLLED, number, schemes=sorted({e.scheme for e in person.entitlements}))
    # Somebody else may have enrolled the same person before, or a moment ago; or they come twice in this batch.
    return [_exists() if isinstance(number, UUID) and number not in enrolled else number for number in found]


def add_entitlements(unit: Unit, new: Mapping[UUID, Sequence[NewEntitlement]]) -> int:
    """Add to people, whom the caller has locked, entitlements whose scheme they do not have; return how many are new.

    Raises Invalid for an unknown scheme.
    """
    return add_pensions(unit.db, [row for number, those in new.items() for row in _pension_rows(unit, number, those)])


def _new_rows(unit: Unit, person: NewBeneficiary) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a new person; return the row of the person and that of the data key. Raises Invalid."""
    national_id, card = _identifiers(unit.service, person)
    _check_dates(unit, person)
    vault, beneficiary_id = unit.service.vault, unit.service.new_id()
    key, sealer = vault.new_key(beneficiary_id)
    unit.adopt_sealer(sealer)
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
        code=ErrorCode.BENEFICIARY_EXISTS,
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
            code=ErrorCode.NAME_INVALID,
        )
    if person.birth_date is not None and not date(1880, 1, 1) <= person.birth_date <= today:
        raise Invalid("The date of birth is not possible.", code=ErrorCode.BIRTH_DATE_INVALID)
    if not person.entitlements:
        raise Invalid("A beneficiary needs at least one entitlement.", code=ErrorCode.ENTITLEMENT_MISSING)
    for entitlement in person.entitlements:
        unit.service.policy(entitlement.scheme)
        if entitlement.last_proof_on is not None and entitlement.last_proof_on > today:
            raise Invalid("The last proof of life lies in the future.", code=ErrorCode.LAST_PROOF_INVALID)
