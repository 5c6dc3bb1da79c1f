"""Plan visits: who needs one, and which agent makes it on which day (certify/domain/rounds.py has the algorithm).

Planned visits stay where they are. If an agent becomes ill, their visits wait again
(``certify.doorstep.agents.set_agent_state``) and are planned for other agents, whose own days do not change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from certify.domain.ledger_events import LedgerEvent
from certify.domain.rounds import PlannedVisit, VisitNeed, Worker, assign
from certify.domain.route import MORNING, Part, Point, Stop, route
from certify.domain.states import VisitState
from certify.doorstep.agents import base_of
from certify.doorstep.calendar import today_of
from certify.doorstep.homes import Home, homes_of
from certify.doorstep.visits import unplan
from certify.service import Unit
from certify.storage.agents import all_agents, lock_working_agents
from certify.storage.bundles import agents_of_bundles
from certify.storage.people import regions_of
from certify.storage.tables.doorstep import VisitRow
from certify.storage.visit_needs import (
    overdue_people,
    people_to_audit,
    people_with_attempts_used_up,
    visits_to_recheck,
)
from certify.storage.visits import add_visits, lock_late_visits, lock_planned_visits, lock_visits_to_plan

RECHECKED = 0.03
"""Share of visits that another agent makes again. A starting value, not measured: if an agent invents thirty visits a
month, at least one of them is made again within three months with a probability of 94 % (1 - 0.97^90)."""

RECHECKED_FOR = timedelta(days=60)
"""Older visits are not made again: that the person died or moved since then says nothing about the first visit."""

REST = timedelta(days=30)
"""For so long after a visit, used-up attempts and overdue pensions lead to no other one: an officer first decides what
the visit means. A starting value."""

LATE = timedelta(days=5)
"""A visit whose day is this long past was not made, and is planned again. Longer than a tablet works without a network
(certify/doorstep/workload.py). A starting value."""

WORKDAYS: frozenset[int] = frozenset(range(5))
"""Monday (0) to Friday (4). A starting value; the commands take others where people rest on other days."""

URGENCY = {"overdue": 3, "asked": 2, "attempts": 2, "fund": 2, "walk_in": 2, "audit": 1, "recheck": 1}
"""Urgency of a visit by its reason; higher is first. Starting values: for *overdue* a payment depends on the visit, for
the next group a person waits for it, and the last two serve our own checks."""

_URGENCY_STEP = timedelta(days=14)
"""Each such period of waiting adds 1 to the urgency. A starting value, so that no visit waits without limit."""

_BATCH = 1000
_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class Planned:
    """The result of a planning.

    Attributes:
        planned: visits that got a day.
        left: visits that got none, by the reason.
        late: visits that were late and waited again.
    """

    planned: int
    left: Mapping[str, int]
    late: int


def working_days(first_day: date, days: int, workdays: Collection[int] = WORKDAYS) -> list[date]:
    """Return the days of a period on which agents work.

    Args:
        first_day: the first day of the period.
        days: calendar days in the period.
        workdays: days of the week on which agents work; Monday is 0.

    Returns:
        The days, in their order.
    """
    every = (first_day + timedelta(days=number) for number in range(days))
    return [day for day in every if day.weekday() in workdays]


def gather_needs(unit: Unit, *, share: float = RECHECKED, limit: int = 10_000) -> dict[str, int]:
    """Request a visit for people who need one and have no open visit.

    If several reasons apply, the first counts: attempts used up, overdue, a silent pass drawn for audit, a visit drawn
    to be made again. Erased people are left out, and people about whose last visit an officer still has to decide.

    Args:
        unit: the transaction.
        share: share of visits that another agent makes again.
        limit: the most people for each reason. Call the function again until it returns nothing.

    Returns:
        How many visits were requested, by reason; reasons without any are left out.
    """
    since = unit.now - REST
    attempts = people_with_attempts_used_up(unit.db, not_visited_since=since, limit=limit)
    requested = {"attempts": request_visits(unit, attempts, "attempts")}
    overdue = overdue_people(unit.db, not_visited_since=since, limit=limit)
    requested["overdue"] = request_visits(unit, overdue, "overdue")
    requested["audit"] = request_visits(unit, people_to_audit(unit.db, limit=limit), "audit")
    requested["recheck"] = _recheck(unit, share, limit)
    return {reason: visits for reason, visits in requested.items() if visits}


def plan_visits(unit: Unit, first_day: date, days: int, *, workdays: Collection[int] = WORKDAYS) -> Planned:
    """Plan the visits that wait, on the working days of a period.

    Planned visits keep their agent and day. If a day gets more visits, its order is computed again.

    Args:
        unit: the transaction.
        first_day: the first day of the period.
        days: calendar days in the period.
        workdays: days of the week on which agents work; Monday is 0.

    Returns:
        How many visits were planned, left and late.
    """
    agents = {str(row.id): row for row in lock_working_agents(unit.db)}
    # A planning that begins far ahead does not make the visits of the next days late.
    late = _unplan_late(unit, min(first_day, today_of(unit) + timedelta(days=1)))
    waiting = lock_visits_to_plan(unit.db)
    planned = lock_planned_visits(unit.db, first_day, first_day + timedelta(days=days))
    stops = _stops(unit, [*waiting, *planned])
    plan = assign(
        _needs(unit, waiting, stops),
        [
            Worker(
                agent=agent,
                area=row.area,
                capacity=row.capacity,
                latitude=row.base_latitude,
                longitude=row.base_longitude,
            )
            for agent, row in agents.items()
        ],
        working_days(first_day, days, workdays),
        [PlannedVisit(str(row.agent_id), row.planned_on, stops[row.id]) for row in planned if row.planned_on],
    )
    rows = {str(row.id): row for row in (*waiting, *planned)}
    for entry in plan.shifted:
        rows[entry.visit].place = entry.place
    for entry in plan.assigned:
        row = rows[entry.visit]
        row.state, row.agent_id, row.planned_on, row.place = (
            VisitState.PLANNED,
            agents[entry.agent].id,
            entry.day,
            entry.place,
        )
        note_planned(unit, row)
    unit.db.flush()
    return Planned(len(plan.assigned), dict(Counter(entry.reason for entry in plan.unassigned)), late)


def rebalance(unit: Unit, first_day: date, days: int, *, workdays: Collection[int] = WORKDAYS) -> Planned:
    """Plan as ``plan_visits`` does, and compute the order of every day again, as after agents were ill.

    Args:
        unit: the transaction.
        first_day: the first day of the period.
        days: calendar days in the period.
        workdays: days of the week on which agents work; Monday is 0.

    Returns:
        How many visits were planned, left and late.
    """
    done = plan_visits(unit, first_day, days, workdays=workdays)
    planned = lock_planned_visits(unit.db, first_day, first_day + timedelta(days=days))
    stops = _stops(unit, planned)
    bases: dict[UUID | None, Point | None] = {row.id: base_of(row) for row in all_agents(unit.db)}
    rounds: dict[tuple[UUID | None, date | None], list[VisitRow]] = {}
    for row in planned:
        rounds.setdefault((row.agent_id, row.planned_on), []).append(row)
    for (agent_id, _), rows in rounds.items():
        order = route([stops[row.id] for row in rows], bases.get(agent_id))
        places = {stop.visit: place for place, stop in enumerate(order, 1)}
        for row in rows:
            row.place = places[str(row.id)]
    unit.db.flush()
    return done


def note_planned(unit: Unit, row: VisitRow) -> None:
    """Record in the ledger which agent visits whom on which day."""
    unit.ledger(
        LedgerEvent.VISIT_PLANNED,
        row.beneficiary_id,
        visit=str(row.id),
        agent=str(row.agent_id),
        on=str(row.planned_on),
    )


def request_visits(
    unit: Unit, people: Iterable[UUID], reason: str, *, rechecks: Mapping[UUID, UUID] | None = None
) -> int:
    """Request visits for people; an open visit stays as it is.

    Args:
        unit: the transaction.
        people: ids of the people.
        reason: why they need a visit.
        rechecks: for second visits, the bundle of the first visit, by person.

    Returns:
        How many visits are new.
    """
    rows = [
        {
            "id": unit.service.new_id(),
            "beneficiary_id": person,
            "state": VisitState.ASKED,
            "reason": reason,
            "asked_at": unit.now,
            "rechecks": (rechecks or {}).get(person),
        }
        for person in people
    ]
    count = 0
    for start in range(0, len(rows), _BATCH):
        for visit, person in add_visits(unit.db, rows[start : start + _BATCH]):
            unit.ledger(LedgerEvent.VISIT_NEEDED, person, visit=str(visit), reason=reason)
            count += 1
    return count


def _recheck(unit: Unit, share: float, limit: int) -> int:
    """Request second visits.

    The keyed hash of its id decides whether a visit is made again. Without the key, which agents do not have, this is
    like a random draw. It gives the same answer each time, so that a visit is not drawn again until it is chosen.
    """
    chosen: dict[UUID, UUID] = {}
    for bundle, person in visits_to_recheck(unit.db, opened_after=unit.now - RECHECKED_FOR):
        if len(chosen) < limit and _is_drawn(unit, bundle, share):
            chosen.setdefault(person, bundle)
    return request_visits(unit, chosen, "recheck", rechecks=chosen)


def _is_drawn(unit: Unit, bundle: UUID, share: float) -> bool:
    lot = unit.service.vault.lookup_hash(unit.db, "recheck", str(bundle))
    return int.from_bytes(lot[:4]) < share * _SPACE


def _unplan_late(unit: Unit, since: date) -> int:
    rows = lock_late_visits(unit.db, since - LATE)
    for row in rows:
        unit.ledger(
            LedgerEvent.VISIT_LATE,
            row.beneficiary_id,
            visit=str(row.id),
            agent=str(row.agent_id),
            on=str(row.planned_on),
        )
        unplan(row)
    unit.db.flush()
    return len(rows)


def _stops(unit: Unit, visits: Sequence[VisitRow]) -> dict[UUID, Stop]:
    homes: dict[UUID, Home] = {}
    for start in range(0, len(visits), _BATCH):
        homes |= homes_of(unit, [row.beneficiary_id for row in visits[start : start + _BATCH]])
    nowhere = Home("")
    stops = {}
    for row in visits:
        home = homes.get(row.beneficiary_id, nowhere)
        stops[row.id] = Stop(str(row.id), _part(row), home.latitude, home.longitude)
    return stops


def _needs(unit: Unit, visits: Sequence[VisitRow], stops: Mapping[UUID, Stop]) -> list[VisitNeed]:
    regions: dict[UUID, str | None] = {}
    first_agents: dict[UUID, UUID] = {}
    for start in range(0, len(visits), _BATCH):
        some = visits[start : start + _BATCH]
        regions |= regions_of(unit.db, [row.beneficiary_id for row in some])
        first_agents |= agents_of_bundles(unit.db, [row.rechecks for row in some if row.rechecks])
    needs = []
    for row in visits:
        stop, first = stops[row.id], first_agents.get(row.rechecks) if row.rechecks else None
        needs.append(
            VisitNeed(
                visit=stop.visit,
                person=str(row.beneficiary_id),
                area=regions.get(row.beneficiary_id) or "",
                since=row.asked_at.date(),
                wanted_on=row.wanted_on,
                part=stop.part,
                urgency=URGENCY[row.reason] + (unit.now - row.asked_at) // _URGENCY_STEP,
                latitude=stop.latitude,
                longitude=stop.longitude,
                not_by=None if first is None else str(first),
            )
        )
    return needs


def _part(row: VisitRow) -> Part | None:
    if row.part is None:
        return None
    return MORNING if row.part == MORNING else "afternoon"
