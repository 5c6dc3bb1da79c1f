"""Enrol people with their entitlements. References of their faces are in references.py."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from certify.certificates.payload import MAX_NAME
from certify.domain.error_codes import ErrorCode
from certify.domain.going_live import first_due_on
from certify.domain.ledger_events import LedgerEvent
from certify.domain.policy import Policy
from certify.domain.schedule import latest_date
from certify.domain.terms import NO_TERMS, Terms, write_terms
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
    """A pension to enrol. Dates are in the time zone of the scheme.

    Attributes:
        scheme: name of the scheme.
        starts_on: the first day of the pension.
        last_proof_on: date of the last proof of life before this service, if any.
        asked_from: the day on which a pension that is paid already is taken over: its first proof is then due within
            the twelve months that follow (certify/domain/going_live.py). None for a pension that begins.
        terms: what the fund states of it, such as its amount.
    """

    scheme: str
    starts_on: date
    last_proof_on: date | None = None
    asked_from: date | None = None
    terms: Terms = NO_TERMS


@dataclass(frozen=True, slots=True)
class NewBeneficiary:
    """A person to enrol.

    Attributes:
        national_id: the national id, in any spelling that ``normalise_id`` reads.
        name: as a certificate shows it.
        entitlements: at least one.
        card_number: number of a pension card, if any.
        birth_date: None when it is not known.
        region: where the person lives, by the fund's own name for it; None when it is not known.
        needs: accessibility needs, such as ``low_vision`` or ``bedridden``.
        sex: M or F, as registries have it; it only helps to tell people apart there.
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

    Args:
        unit: the transaction to write in.
        person: the person.

    Returns:
        Id of the new person.

    Raises:
        Conflict: the national id or card number is enrolled already (``beneficiary_exists``).
        Invalid: an id, date, name or scheme is wrong (``national_id_invalid``, ``id_format``, ``name_invalid``,
            ``birth_date_invalid``, ``entitlement_missing``, ``last_proof_invalid``, ``unknown_scheme``).
    """
    result = add_beneficiaries(unit, [person])[0]
    if isinstance(result, CertifyError):
        raise result
    return result


def add_beneficiaries(unit: Unit, people: Sequence[NewBeneficiary]) -> list[UUID | CertifyError]:
    """Enrol many people in one statement.

    Args:
        unit: the transaction to write in.
        people: the people.

    Returns:
        For each person, in order, the new id or the error that ``add_beneficiary`` would raise.
    """
    results: list[UUID | CertifyError] = []
    rows: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for person in people:
        try:
            row, key = _new_rows(unit, person)
        except (Conflict, Invalid) as error:
            results.append(error)
        else:
            results.append(row["id"])
            rows.append(row)
            keys.append(key)
    valid = [(new_id, person) for new_id, person in zip(results, people, strict=True) if isinstance(new_id, UUID)]
    pensions = [
        row for new_id, person in valid for row in _pension_rows(unit, new_id, person.entitlements, person.birth_date)
    ]
    enrolled = enrol_people(unit.db, rows, keys, pensions) if rows else set()
    for new_id, person in valid:
        if new_id in enrolled:
            unit.ledger(LedgerEvent.PERSON_ENROLLED, new_id, schemes=sorted({e.scheme for e in person.entitlements}))
    # The same person may have been enrolled before, or a moment ago by another process, or may be twice in this batch.
    return [exists() if isinstance(result, UUID) and result not in enrolled else result for result in results]


def add_entitlements(
    unit: Unit, new: Mapping[UUID, Sequence[NewEntitlement]], birth_dates: Mapping[UUID, date | None] | None = None
) -> int:
    """Add entitlements to people, except for schemes that they have already.

    Args:
        unit: the transaction that holds the locks of the people.
        new: entitlements by person.
        birth_dates: by person, where they are known.

    Returns:
        The number of entitlements that are new.

    Raises:
        Invalid: a scheme is not known (``unknown_scheme``).
    """
    births = birth_dates or {}
    rows = [
        row
        for person, entitlements in new.items()
        for row in _pension_rows(unit, person, entitlements, births.get(person))
    ]
    return add_pensions(unit.db, rows)


def _new_rows(unit: Unit, person: NewBeneficiary) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a new person, and return the row of the person and the row of the data key."""
    national_id, card = _identifiers(unit.service, person)
    check_person(unit.service, person, latest_date(unit.now))
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
        "enrolled_by": unit.actor,
    }
    return row, key


def _pension_rows(
    unit: Unit, beneficiary_id: UUID, new: Sequence[NewEntitlement], birth_date: date | None
) -> list[dict[str, Any]]:
    """Return the rows of entitlements, the first of each scheme; an unknown scheme raises Invalid."""
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
            "first_due_on": first_due_of(
                unit.service.policy(entitlement.scheme).policy, entitlement, birth_date, key=beneficiary_id.hex
            ),
            "terms": write_terms(entitlement.terms),
        }
        for entitlement in by_scheme.values()
    ]


def first_due_of(policy: Policy, new: NewEntitlement, birth_date: date | None, *, key: str) -> date | None:
    """Return the day before which the first proof of a new pension is not due (certify/domain/going_live.py)."""
    if new.asked_from is None:
        return None
    return first_due_on(
        policy,
        starts_on=new.starts_on,
        last_proof_on=new.last_proof_on,
        birth_date=birth_date,
        asked_from=new.asked_from,
        key=key,
    )


def exists() -> Conflict:
    """Return the error for a person who is enrolled already (``beneficiary_exists``)."""
    return Conflict(
        "Somebody with this national id or card number is enrolled already.",
        hint="Look the person up instead of enrolling them again.",
        code=ErrorCode.BENEFICIARY_EXISTS,
    )


def _identifiers(service: Service, person: NewBeneficiary) -> tuple[str, str | None]:
    national_id = normalise_id(person.national_id, service.settings.national_id_format)
    return national_id, normalise_id(person.card_number) if person.card_number else None


def check_person(service: Service, person: NewBeneficiary, today: date) -> None:
    """Check what a new person must fulfil, apart from the form of the ids.

    Args:
        service: the service, for its policies.
        person: the person.
        today: no date may be later.

    Raises:
        Invalid: as ``add_beneficiary`` (``name_invalid``, ``birth_date_invalid``, ``entitlement_missing``,
            ``last_proof_invalid``, ``unknown_scheme``).
    """
    name = person.name.strip()
    # A certificate must be able to state the name (certificates/payload.py). It is refused here, before one is due.
    shown = name.isprintable() or all(unicodedata.category(c)[0] != "C" for c in name if c not in _JOINERS)
    if not 1 <= len(name) <= MAX_NAME or not shown:
        raise Invalid(
            f"The name is missing, longer than {MAX_NAME} characters, or has characters that cannot be shown.",
            code=ErrorCode.NAME_INVALID,
        )
    if person.birth_date is not None and not date(1880, 1, 1) <= person.birth_date <= today:
        raise Invalid("The date of birth is not possible.", code=ErrorCode.BIRTH_DATE_INVALID)
    if not person.entitlements:
        raise Invalid("A beneficiary needs at least one entitlement.", code=ErrorCode.ENTITLEMENT_MISSING)
    for entitlement in person.entitlements:
        service.policy(entitlement.scheme)
        if entitlement.last_proof_on is not None and entitlement.last_proof_on > today:
            raise Invalid("The last proof of life lies in the future.", code=ErrorCode.LAST_PROOF_INVALID)
