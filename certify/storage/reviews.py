"""Read review cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.scope import EVERYTHING, Scope
from certify.domain.states import CaseState
from certify.errors import NotFound
from certify.storage.scope import within
from certify.storage.tables.decisions import ReviewCaseRow


def get_case(db: Session, case_id: UUID, *, lock: bool = False) -> ReviewCaseRow:
    """Return a review case.

    Args:
        db: the session of the transaction.
        case_id: id of the case.
        lock: lock the row until the transaction ends, and read it again if the session holds it already.

    Raises:
        NotFound: no such review case (``review_case_not_found``).
    """
    query = select(ReviewCaseRow).where(ReviewCaseRow.id == case_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.scalars(query).one_or_none()
    if row is None:
        raise NotFound("There is no such review case.", code=ErrorCode.REVIEW_CASE_NOT_FOUND)
    return row


def open_cases_of(db: Session, beneficiary_id: UUID) -> Sequence[ReviewCaseRow]:
    """Return the open cases of a person, oldest first."""
    query = select(ReviewCaseRow).where(
        ReviewCaseRow.beneficiary_id == beneficiary_id, ReviewCaseRow.state == CaseState.OPEN
    )
    return db.scalars(query.order_by(ReviewCaseRow.opened_at, ReviewCaseRow.id)).all()


def open_case_of(db: Session, beneficiary_id: UUID, kind: CaseKind) -> ReviewCaseRow | None:
    """Return the open case of this kind of a person; there is one at most."""
    return next((case for case in open_cases_of(db, beneficiary_id) if case.kind == kind), None)


def newest_case_of(db: Session, beneficiary_id: UUID, kind: CaseKind) -> ReviewCaseRow | None:
    """Return the newest case of a person of this kind, open or closed."""
    query = select(ReviewCaseRow).where(
        ReviewCaseRow.beneficiary_id == beneficiary_id, ReviewCaseRow.kind == kind.value
    )
    return db.scalars(query.order_by(ReviewCaseRow.opened_at.desc()).limit(1)).one_or_none()


def list_cases(db: Session, *, state: str, limit: int, scope: Scope = EVERYTHING) -> Sequence[ReviewCaseRow]:
    """Return the cases in a state about people in a scope, oldest first."""
    query = within(select(ReviewCaseRow).where(ReviewCaseRow.state == state), scope, ReviewCaseRow.beneficiary_id)
    return db.scalars(query.order_by(ReviewCaseRow.opened_at, ReviewCaseRow.id).limit(limit)).all()


def opened_since(
    db: Session, kinds: Sequence[CaseKind], since: datetime, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ReviewCaseRow]:
    """Return the open cases of some kinds that were opened since an instant, oldest first.

    Args:
        db: the session of the transaction.
        kinds: kinds of the cases.
        since: the instant.
        after: opening and id of the last case of the previous page; None for the first page.
        limit: at most so many.
    """
    query = select(ReviewCaseRow).where(
        ReviewCaseRow.kind.in_([kind.value for kind in kinds]),
        ReviewCaseRow.state == CaseState.OPEN,
        ReviewCaseRow.opened_at >= since,
    )
    if after is not None:
        query = query.where(tuple_(ReviewCaseRow.opened_at, ReviewCaseRow.id) > tuple_(*after))
    return db.scalars(query.order_by(ReviewCaseRow.opened_at, ReviewCaseRow.id).limit(limit)).all()
