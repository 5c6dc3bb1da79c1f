"""Whom a sealed visit names, and what becomes of visits that cannot count once the person is erased."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select, update

from certify.access import person_of_letter
from certify.doorstep.bundle import Bundle
from certify.doorstep.content import Content, Who
from certify.errors import Invalid
from certify.identifiers import look_up
from certify.service import Unit
from certify.storage.doorstep_tables import BundleRow, VisitRow
from certify.storage.signing import visit_key
from certify.storage.tables import BeneficiaryRow


def named_person(unit: Unit, who: Who) -> UUID | None:
    """Return who was visited: by the plan, by card or national id, or by letter. None when there is no such person."""
    found = who.beneficiary
    if found is None and who.card_number is not None:
        found = _by_number(unit, who.card_number)
    if found is None and who.letter is not None:
        found = person_of_letter(unit, who.letter)
    return found if found is not None and unit.db.get(BeneficiaryRow, found) is not None else None


def _by_number(unit: Unit, number: str) -> UUID | None:
    """Return whose number it is: of their card, or, as at the doors that are in the plan, their national id."""
    found = None
    with suppress(Invalid):
        found = look_up(unit, card_number=number)
        found = found or look_up(unit, national_id=number)
    return found


def forget_sealed_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete what is sealed in visits to a person that do not count. To be called while cards and letters still tell.

    Whose a planned visit is, the plan tells. The others (refused, or waiting, and to people who were not in the plan)
    are few, and are opened to see whom they name. What a worker has in hand just now is left to it: it finds that
    the person is erased (:mod:`certify.doorstep.opening`).
    """
    theirs = select(VisitRow.id).where(VisitRow.beneficiary_id == beneficiary_id)
    planned = update(BundleRow).where(BundleRow.state == "refused", BundleRow.visit_id.in_(theirs))
    unit.db.execute(planned.values(sealed=None, delete_after=None))
    query = (
        select(BundleRow)
        .where(
            BundleRow.sealed.is_not(None),
            BundleRow.state.in_(("refused", "received")),
            # Nobody knows who made those; what is said in them of anybody is not worth to be read.
            BundleRow.reason.is_distinct_from("unsigned"),
            ~select(VisitRow.id).where(VisitRow.id == BundleRow.visit_id).exists(),
        )
        .with_for_update(skip_locked=True)
        .execution_options(yield_per=20)
    )
    for row in unit.db.scalars(query):
        if _names(unit, row.sealed or b"", beneficiary_id):
            row.sealed = row.delete_after = None
            if row.state == "received":
                row.state, row.reason = "refused", "person_erased"


def _names(unit: Unit, data: bytes, beneficiary_id: UUID) -> bool:
    """Tell whether a bundle names a person; one that cannot be opened names nobody, to us as to everybody else."""
    try:
        bundle = Bundle.parse(data)
        key = visit_key(unit.db, unit.service.vault, bundle.header.key)
        who = None if key is None else Content.parse(bundle.open(key)).entries.who
    except Invalid:
        return False
    return who is not None and named_person(unit, who) == beneficiary_id
