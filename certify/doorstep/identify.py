"""Identify the person of a sealed visit, and delete the visits that do not count when that person is erased."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from certify.domain.states import BundleState
from certify.doorstep.content import VisitedPerson
from certify.doorstep.unseal import unseal
from certify.errors import Invalid
from certify.people.access import person_of_letter
from certify.people.identifiers import look_up
from certify.service import Unit
from certify.storage.bundles import UNSIGNED, lock_free_bundles, uncounted_of_planned_visits, uncounted_outside_plan
from certify.storage.people import find_person, get_beneficiary
from certify.storage.tables.doorstep import BundleRow, VisitRow


def named_person(unit: Unit, who: VisitedPerson) -> UUID | None:
    """Return the person who was visited: by the plan, by card or national id, or by letter; None if unknown."""
    person = who.beneficiary
    if person is None and who.card_number is not None:
        person = _by_number(unit, who.card_number)
    if person is None and who.letter is not None:
        person = person_of_letter(unit, who.letter)
    return find_person(unit.db, person)


def _by_number(unit: Unit, number: str) -> UUID | None:
    """Return the person with this card number or national id: agents accept both, as in planned visits."""
    with suppress(Invalid):
        return look_up(unit, card_number=number) or look_up(unit, national_id=number)
    return None


def forget_sealed_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete the sealed bytes of visits to a person that do not count.

    Call it while cards and letters still identify the person. The plan tells whose a planned visit is. The other
    visits (refused or waiting, and outside the plan) are few: each is opened to see whom it names. Bundles that a
    worker has locked are left to that worker (``forget_if_erased``).

    Args:
        unit: the transaction that erases the person.
        beneficiary_id: id of the person.
    """
    theirs = uncounted_of_planned_visits(unit.db, beneficiary_id)
    for bundle_id, sealed in uncounted_outside_plan(unit.db):
        if _named_in(unit, sealed) == beneficiary_id:
            theirs.add(bundle_id)
    for row in lock_free_bundles(unit.db, theirs):
        row.sealed = row.delete_after = None
        if row.state == BundleState.RECEIVED:
            row.state, row.reason = BundleState.REFUSED, "person_erased"


def forget_if_erased(unit: Unit, row: BundleRow) -> None:
    """Delete the sealed bytes of a bundle that does not count if its person was erased.

    A bundle can be refused during the erasure, or come in long after it. The plan or an id from the tablet still tells
    whose it is. A card or a letter does not: both are deleted with the person. Unsigned bundles outside the plan are
    not read, because anyone can send them and their content proves nothing.

    Args:
        unit: the transaction.
        row: the bundle.
    """
    visit = unit.db.get(VisitRow, row.visit_id)
    if visit is None and row.reason == UNSIGNED:
        return
    whose = visit.beneficiary_id if visit is not None else _named_in(unit, row.sealed or b"")
    if whose is not None and get_beneficiary(unit.db, whose, lock=True).erased_at is not None:
        row.sealed = row.delete_after = None


def person_of_bundle(unit: Unit, row: BundleRow) -> UUID | None:
    """Return the person whom a refused visit is about: by the plan, or by what the visit says; None if unknown."""
    visit = unit.db.get(VisitRow, row.visit_id)
    return visit.beneficiary_id if visit is not None else _named_in(unit, row.sealed or b"")


def _named_in(unit: Unit, data: bytes) -> UUID | None:
    """Return the person whom a bundle names; None when the bundle cannot be opened."""
    try:
        return named_person(unit, unseal(unit, data).entries.who)
    except Invalid:
        return None
