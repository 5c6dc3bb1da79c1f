"""Open an appeal of a person who was wrongly declared dead or stopped, with a promised time for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from certify.decision.cases import open_case
from certify.domain.case_kinds import CaseKind
from certify.service import Unit
from certify.storage.reviews import newest_case_of
from certify.storage.tables.decisions import ReviewCaseRow

ANSWER_WITHIN = timedelta(days=10)
"""The time in which an officer's answer is promised. A starting value: systems of this kind answer in weeks to months
(docs/sources.md#united-states), and people whose payment depends on it cannot wait."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal.

    Attributes:
        case_id: of its review case.
        opened_at: when the person appealed.
        answer_by: until when an answer is promised.
        closed_at: when an officer answered; None while it is open.
        resolution: the officer's decision; None while it is open.
    """

    case_id: UUID
    opened_at: datetime
    answer_by: datetime
    closed_at: datetime | None
    resolution: str | None


def appeal(unit: Unit, beneficiary_id: UUID) -> Appeal:
    """Open an appeal, or return the one that is open already.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.

    Returns:
        The open appeal.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    return _as_appeal(open_case(unit, beneficiary_id, kind=CaseKind.APPEAL))


def last_appeal(unit: Unit, beneficiary_id: UUID) -> Appeal | None:
    """Return the newest appeal of a person, open or answered."""
    row = newest_case_of(unit.db, beneficiary_id, CaseKind.APPEAL)
    return None if row is None else _as_appeal(row)


def _as_appeal(row: ReviewCaseRow) -> Appeal:
    return Appeal(row.id, row.opened_at, row.opened_at + ANSWER_WITHIN, row.closed_at, row.resolution)
