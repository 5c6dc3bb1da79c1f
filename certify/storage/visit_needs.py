"""Find people who need a visit and have no open one, by the reason why they need it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from certify.domain.case_kinds import CaseKind
from certify.domain.states import BundleState, CaseState, VisitState
from certify.storage.people import DECOY_PERSON
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.doorstep import BundleRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow, EntitlementRow
from certify.storage.tables.runs import AuditRow
from certify.storage.visits import OPEN, waits_for_officer


def people_with_attempts_used_up(db: Session, *, not_visited_since: datetime, limit: int) -> Sequence[UUID]:
    """Return people whose remote attempts are used up, and who were not visited since an instant.

    A review case without a determination was opened because the person asked for a visit. If they take that back, they
    are visited only if the attempts are used up as well.
    """
    case, pension = ReviewCaseRow, EntitlementRow
    used_up = or_(
        case.determination_id.is_not(None),
        exists().where(pension.beneficiary_id == case.beneficiary_id, pension.next_step == "doorstep"),
    )
    open_case = exists().where(
        and_(
            case.beneficiary_id == BeneficiaryRow.id, case.state == CaseState.OPEN, case.kind == CaseKind.VISIT, used_up
        )
    )
    return db.scalars(_people(limit).where(open_case, ~_visited_since(not_visited_since))).all()


def overdue_people(db: Session, *, not_visited_since: datetime, limit: int) -> Sequence[UUID]:
    """Return people with an overdue pension who were not visited since an instant."""
    pension = EntitlementRow
    overdue = exists().where(pension.beneficiary_id == BeneficiaryRow.id, pension.standing == "overdue")
    return db.scalars(_people(limit).where(overdue, ~_visited_since(not_visited_since))).all()


def people_to_audit(db: Session, *, limit: int) -> Sequence[UUID]:
    """Return people with a silent pass that was drawn for an audit, and who were not visited since the draw."""
    visited = exists().where(
        VisitRow.beneficiary_id == AuditRow.beneficiary_id,
        VisitRow.state == VisitState.MADE,
        VisitRow.ended_at >= AuditRow.drawn_at,
    )
    waiting = exists().where(AuditRow.beneficiary_id == BeneficiaryRow.id, AuditRow.outcome.is_(None), ~visited)
    return db.scalars(_people(limit).where(waiting)).all()


def visits_to_recheck(db: Session, *, opened_after: datetime) -> list[tuple[UUID, UUID]]:
    """Return the visits that another agent can make again: bundle and person, the first opened first.

    Each was opened after an instant, certified or attested the person, and has no second visit yet.
    """
    again = exists().where(VisitRow.rechecks == BundleRow.id)
    query = select(BundleRow.id, BundleRow.beneficiary_id).where(
        BundleRow.state == BundleState.OPENED,
        BundleRow.result.in_(("face", "witnesses", "medical")),
        BundleRow.opened_at > opened_after,
        BundleRow.beneficiary_id.in_(_people().order_by(None)),
        ~again,
    )
    rows = db.execute(query.order_by(BundleRow.opened_at, BundleRow.id))
    return [(bundle, person) for bundle, person in rows if person is not None]


def _people(limit: int | None = None) -> Select[UUID]:
    """Return the query of people who can be visited and have no open visit."""
    return (
        select(BeneficiaryRow.id)
        .where(
            BeneficiaryRow.erased_at.is_(None),
            BeneficiaryRow.id != DECOY_PERSON,
            ~exists().where(VisitRow.beneficiary_id == BeneficiaryRow.id, VisitRow.state.in_(OPEN)),
            ~waits_for_officer(),
        )
        .order_by(BeneficiaryRow.id)
        .limit(limit)
    )


def _visited_since(moment: datetime) -> ColumnElement[bool]:
    return exists().where(
        VisitRow.beneficiary_id == BeneficiaryRow.id, VisitRow.state == VisitState.MADE, VisitRow.ended_at >= moment
    )
