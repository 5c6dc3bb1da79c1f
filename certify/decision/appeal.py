"""The fast lane of whoever was wrongly declared dead, or stopped: an appeal, with a clock that everybody sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from certify.decision.cases import open_case
from certify.domain.case_kinds import CaseKind
from certify.service import Unit
from certify.storage.tables.decisions import ReviewCaseRow

ANSWER_WITHIN = timedelta(days=10)
"""An officer's answer is promised within so many days. A starting value: systems of this kind answer in weeks to months
(docs/sources.md#united-states), and people whose payment depends on it cannot wait."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal. ``answer_by`` is the promised time; ``resolution`` is there once an officer has answered."""

    case_id: UUID
    opened_at: datetime
    answer_by: datetime
    closed_at: datetime | None
    resolution: str | None


def appeal(unit: Unit, beneficiary_id: UUID) -> Appeal:
    """Open an appeal; one that is open already is returned. Raises NotFound."""
    return _shown(open_case(unit, beneficiary_id, kind=CaseKind.APPEAL))


def last_appeal(unit: Unit, beneficiary_id: UUID) -> Appeal | None:
    """Return the newest appeal of a person, open or answered."""
    query = select(ReviewCaseRow).where(
        ReviewCaseRow.beneficiary_id == beneficiary_id, ReviewCaseRow.kind == CaseKind.APPEAL.value
    )
    row = unit.db.scalars(query.order_by(ReviewCaseRow.opened_at.desc()).limit(1)).one_or_none()
    return None if row is None else _shown(row)


def _shown(row: ReviewCaseRow) -> Appeal:
    return Appeal(row.id, row.opened_at, row.opened_at + ANSWER_WITHIN, row.closed_at, row.resolution)
