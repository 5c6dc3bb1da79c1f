"""People, agents and visits for the tests of planning."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from certify.domain.schedule import latest_date
from certify.doorstep.agents import NewAgent, add_agent
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service, Unit
from certify.storage.ledger import leaves
from certify.storage.tables.doorstep import BundleRow, TabletRow, VisitRow
from certify.storage.tables.runs import (
    AuditRow,
    RunRow,
    SilentPassRow,
)

_seq = itertools.count(1)


def person(
    service: Service, number: str, *, name: str = "Maria Silva", region: str | None = "11", card: str | None = None
) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return add_beneficiary(unit, NewBeneficiary(number, name, pension, card_number=card, region=region))


def people(service: Service, count: int, *, region: str = "11", first: int = 0) -> list[UUID]:
    return [person(service, f"PLAN{number:05}", region=region) for number in range(first, first + count)]


def agent(service: Service, badge: str = "A-1", *, area: str = "11", capacity: int = 3) -> UUID:
    with service.unit() as unit:
        return add_agent(unit, NewAgent(badge=badge, name="Li Wei", area=area, capacity=capacity)).id


def ask(service: Service, persons: Sequence[UUID], reason: str = "overdue", **more: object) -> list[UUID]:
    """Store open visits directly in the table."""
    with service.unit() as unit:
        rows = [_visit(unit, who, reason, **more) for who in persons]
        unit.db.add_all(rows)
        return [row.id for row in rows]


def _visit(unit: Unit, who: UUID, reason: str, **more: object) -> VisitRow:
    values = {"state": "asked", "asked_at": unit.now, "tries": 0} | more
    return VisitRow(id=unit.service.new_id(), beneficiary_id=who, reason=reason, **values)


def bundle(service: Service, who: UUID, by: UUID, *, result: str = "face", opened_at: datetime | None = None) -> UUID:
    """Store an opened bundle of an agent's visit to a person, without sealed content."""
    with service.unit() as unit:
        at = opened_at or unit.now
        tablet = unit.db.scalars(select(TabletRow).where(TabletRow.agent_id == by)).first()
        if tablet is None:
            tablet = TabletRow(
                id=unit.service.new_id(),
                agent_id=by,
                state="active",
                invited_by="officer",
                invited_at=unit.now,
                invite_expires_at=unit.now,
            )
            unit.db.add(tablet)
            unit.db.flush()
        number = next(_seq)
        row = BundleRow(
            id=unit.service.new_id(),
            sha256=number.to_bytes(32),
            tablet_id=tablet.id,
            agent_id=by,
            seq=number,
            previous=b"",
            visit_id=unit.service.new_id(),
            state="opened",
            size=0,
            received_at=at,
            opened_at=at,
            result=result,
            happened_at=at - timedelta(hours=3),
            beneficiary_id=who,
        )
        unit.db.add(row)
        return row.id


def visits(service: Service) -> dict[UUID, VisitRow]:
    with service.reading() as unit:
        return {row.id: row for row in unit.db.scalars(select(VisitRow))}


def tomorrow(service: Service) -> date:
    return service.clock().date() + timedelta(days=1)


def in_days(service: Service, days: int) -> date:
    """Return the day that is so many days ahead, as wishes count days."""
    return latest_date(service.clock()) + timedelta(days=days)


def events(service: Service) -> list[str]:
    """Return the events of the ledger, in their order."""
    with service.reading() as unit:
        return [json.loads(leaf.entry)["event"] for leaf in leaves(unit.db, 0, 1_000_000)]


def pass_to_audit(service: Service, who: UUID) -> UUID:
    """Store a silent pass of a person that was drawn for an audit."""
    with service.unit() as unit:
        run = RunRow(
            id=unit.service.new_id(),
            feed="health",
            source="health",
            kind="signs",
            state="done",
            sha256=str(unit.service.new_id()),
            description={},
            shape={},
            departures=[],
            started_at=unit.now,
        )
        unit.db.add(run)
        unit.db.flush()
        silent = SilentPassRow(
            id=unit.service.new_id(),
            run_id=run.id,
            chunk=0,
            entitlement_id=unit.service.new_id(),
            beneficiary_id=who,
            scheme="employee",
            as_of=unit.now.date(),
            starts_on=date(2015, 1, 1),
            proven_on=unit.now.date(),
            valid_until=unit.now.date() + timedelta(days=365),
            evidence=[],
        )
        unit.db.add(silent)
        unit.db.flush()
        unit.db.add(AuditRow(pass_id=silent.id, run_id=run.id, beneficiary_id=who, drawn_at=unit.now))
        return silent.id
