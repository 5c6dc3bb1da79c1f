"""Whom a sealed visit names, and what becomes of visits that cannot count once the person is erased."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select

from certify.domain.states import BundleState
from certify.doorstep.content import Who
from certify.doorstep.unseal import unseal
from certify.errors import Invalid
from certify.people.access import person_of_letter
from certify.people.identifiers import look_up
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import BundleRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow

_UNREAD = "unsigned"
"""Nobody knows who made such a bundle: what it says of anybody is not worth to be read, and anybody can send one."""


def named_person(unit: Unit, who: Who) -> UUID | None:
    """Return who was visited: by the plan, by card or national id, or by letter. None when there is no such person."""
    found = who.beneficiary
    if found is None and who.card_number is not None:
        found = _by_number(unit, who.card_number)
    if found is None and who.letter is not None:
        found = person_of_letter(unit, who.letter)
    # The row itself is not read: whoever locks it later has to see it as it is then.
    return unit.db.scalars(select(BeneficiaryRow.id).where(BeneficiaryRow.id == found)).one_or_none()


def _by_number(unit: Unit, number: str) -> UUID | None:
    """Return whose number it is: of their card, or, as at the doors that are in the plan, their national id."""
    with suppress(Invalid):
        return look_up(unit, card_number=number) or look_up(unit, national_id=number)
    return None


def forget_sealed_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete what is sealed in visits to a person that do not count. To be called while cards and letters still tell.

    Whose a planned visit is, the plan tells. The others (refused, or waiting, and to people who were not in the plan)
    are few, and are opened to see whom they name. What a worker has in hand just now is left to it
    (``forget_if_erased``).
    """
    kept = select(BundleRow.id, BundleRow.sealed).where(
        BundleRow.state.in_((BundleState.REFUSED, BundleState.RECEIVED)), BundleRow.sealed.is_not(None)
    )
    visit = select(VisitRow.id).where(VisitRow.id == BundleRow.visit_id)
    planned = kept.with_only_columns(BundleRow.id).where(
        visit.where(VisitRow.beneficiary_id == beneficiary_id).exists()
    )
    theirs = set(unit.db.scalars(planned))
    others = kept.where(~visit.exists(), BundleRow.reason.is_distinct_from(_UNREAD))
    for bundle, sealed in unit.db.execute(others.execution_options(yield_per=5)):
        if _named_in(unit, sealed or b"") == beneficiary_id:
            theirs.add(bundle)
    locked = select(BundleRow).where(BundleRow.id.in_(theirs)).with_for_update(skip_locked=True)
    for row in unit.db.scalars(locked.execution_options(populate_existing=True)):
        row.sealed = row.delete_after = None
        if row.state == BundleState.RECEIVED:
            row.state, row.reason = BundleState.REFUSED, "person_erased"


def forget_if_erased(unit: Unit, row: BundleRow) -> None:
    """Delete what is sealed in a bundle that does not count if it is of somebody who was erased.

    It may be refused while the erasure goes on, or come in long after it. The plan still tells whose it is, and the
    tablet's own words do, but not a card or a letter: those are forgotten with the person.
    """
    visit = unit.db.get(VisitRow, row.visit_id)
    if visit is None and row.reason == _UNREAD:
        return
    whose = visit.beneficiary_id if visit is not None else _named_in(unit, row.sealed or b"")
    if whose is not None and get_beneficiary(unit.db, whose, lock=True).erased_at is not None:
        row.sealed = row.delete_after = None


def _named_in(unit: Unit, data: bytes) -> UUID | None:
    """Return whom a bundle names; one that cannot be opened names nobody, to us as to everybody else."""
    try:
        return named_person(unit, unseal(unit, data).entries.who)
    except Invalid:
        return None
