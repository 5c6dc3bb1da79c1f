"""Read the schemes and the region of people, and limit lists to a caller's scope."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, exists, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from certify.domain.scope import Scope
from certify.storage.direct import fetch
from certify.storage.tables.people import BeneficiaryRow, EntitlementRow

_REACH = b"""
    select b.region, array(select e.scheme from entitlements e where e.beneficiary_id = b.id)
    from beneficiaries b where b.id = %(id)s
"""

_S = TypeVar("_S", bound=Select[Any])


def reach_of(db: Session, beneficiary_id: UUID) -> tuple[list[str], str | None] | None:
    """Return the schemes of a person's pensions, and their region; None if there is no such person."""
    rows = fetch(db, _REACH, {"id": beneficiary_id})
    return (rows[0][1], rows[0][0]) if rows else None


def within(query: _S, scope: Scope, person: InstrumentedAttribute[UUID]) -> _S:
    """Limit a query to people whom a scope touches.

    Args:
        query: the query.
        scope: the scope of the caller.
        person: the column with the id of the person.
    """
    if scope.schemes is not None:
        pension = select(EntitlementRow.id).where(
            EntitlementRow.beneficiary_id == person, EntitlementRow.scheme.in_(sorted(scope.schemes))
        )
        query = query.where(exists(pension))
    if scope.regions is not None:
        home = aliased(BeneficiaryRow)
        begins = [home.region.startswith(region, autoescape=True) for region in sorted(scope.regions)]
        # Another name for the table: the query itself may be about beneficiaries.
        query = query.where(person.in_(select(home.id).where(or_(false(), *begins))))
    return query
