"""Which references of a person were taken in one sitting, so that their templates are averaged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from certify.domain.states import Provenance
from certify.storage.tables.people import ReferenceRow
from models.face.templates import Templates, average

ONE_SITTING = timedelta(hours=1)
"""Pictures that the fund's own camera sent within this time show the person on one day, in one light. A starting value:
an enrolment at a counter takes minutes. Pictures of documents and registers are never joined: those that arrive
together can be decades apart."""


def sittings_of(rows: Sequence[ReferenceRow], chosen: Collection[UUID]) -> list[list[UUID]]:
    """Group references by the sitting in which they were taken.

    References of proofs are sittings of their own: each is the mean of one film already.

    Args:
        rows: references of one person.
        chosen: ids of the references that are grouped; others are left out.

    Returns:
        The ids by sitting, oldest first; a reference that was taken alone is a sitting of its own.
    """
    mine = sorted((row for row in rows if row.id in chosen), key=lambda row: (row.created_at, row.id))
    alone = [[row] for row in mine if row.provenance != Provenance.CAMERA]
    taken: list[list[ReferenceRow]] = []
    for row in (row for row in mine if row.provenance == Provenance.CAMERA):
        if taken and row.created_at - taken[-1][0].created_at <= ONE_SITTING:
            taken[-1].append(row)
        else:
            taken.append([row])
    ordered = sorted([*alone, *taken], key=lambda sitting: (sitting[0].created_at, sitting[0].id))
    return [[row.id for row in sitting] for sitting in ordered]


def by_sitting(references: Mapping[UUID, Templates], sittings: Sequence[Sequence[UUID]]) -> list[Templates]:
    """Return one template of each model for each sitting: the mean of its references.

    Args:
        references: templates by reference.
        sittings: ids of the references, as ``sittings_of`` returned them.
    """
    return [average([references[reference_id] for reference_id in sitting]) for sitting in sittings]


def anchors_of(rows: Sequence[ReferenceRow], chosen: Collection[UUID]) -> list[UUID]:
    """Return the references that say who the person is: those that were enrolled, and none that a later proof gave.

    Where no picture was enrolled, the first that a confirmed proof gave stands for it.

    Args:
        rows: references of one person.
        chosen: ids of the references that are compared; others are left out.

    Returns:
        The ids, oldest first.
    """
    mine = sorted((row for row in rows if row.id in chosen), key=lambda row: (row.created_at, row.id))
    enrolled = [row.id for row in mine if row.provenance != Provenance.PROOF]
    return enrolled or [row.id for row in mine[:1]]


def day_of(row: ReferenceRow) -> date:
    """Return the day of the picture of a reference; if that is not known, the day on which it was enrolled."""
    return row.taken_on or row.created_at.date()
