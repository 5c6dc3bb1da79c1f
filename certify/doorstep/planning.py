"""Planning visits: who needs one, and which agent makes it on which day (certify/domain/rounds.py says how).

What is planned already stays where it is. An agent who falls ill loses what was planned
(``certify.doorstep.agents.set_agent_state``), and it is planned anew for the others; nobody else's day is turned round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from certify.domain.case_kinds import CaseKind
from certify.domain.ledger_events import LedgerEvent
from certify.domain.rounds import PlannedVisit, VisitNeed, Worker, assign
from certify.domain.route import MORNING, Part, Point, Stop, route
from certify.domain.states import AgentState, BundleState, CaseState, VisitReason, VisitState
from certify.doorstep.agents import base_of
from certify.doorstep.calendar import today_of
from certify.doorstep.homes import Home, homes_of
from certify.doorstep.visits import OPEN, put_back
from certify.service import Unit
from certify.storage.people import STRANGER
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.doorstep import AgentRow, BundleRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow, EntitlementRow
from certify.storage.tables.runs import AuditRow

RECHECKED = 0.03
"""Share of the visits made that another agent makes again. A starting value, not measured: if an agent makes up thirty
visits a month, one of them at least is made again within three months with a chance of 94 % (1 - 0.97^90)."""
RECHECKED_FOR = timedelta(days=60)
"""Visits older than that are not made again: who has died or moved since tells nothing about the first."""
REST = timedelta(days=30)
"""After a visit was made, nothing but an audit sends anybody again for so long: an officer first decides what it
means. A starting value."""
LATE = timedelta(days=5)
"""A visit planned for a day this long past was not made and is planned anew. Longer than a tablet works without a
network (certify/doorstep/workload.py). A starting value."""
WORKDAYS: frozenset[int] = frozenset(range(5))
"""Monday (0) to Friday (4). A starting value; where people rest on other days, say so."""

URGENCY = {"overdue": 3, "asked": 2, "attempts": 2, "fund": 2, "walk_in": 2, "audit": 1, "recheck": 1}
"""Higher first. Starting values: a payment hangs on the first, people wait for the next, we want to know the rest."""
_A_STEP_MORE = timedelta(days=14)
"""Whoever has waited so long is as urgent as the next. A starting value, so that nobody waits for ever."""

WAIT_FOR_OFFICER = (CaseKind.VISIT_NOT_FOUND, CaseKind.VISIT_MOVED, CaseKind.VISIT_REFUSED)
"""Open cases about a visit that was made: until an officer has decided, nobody is sent but to who asks for it."""

_OPEN_INDEX = text("state in ('asked', 'planned')")
"""The index of open visits, word for word: with parameters in it, PostgreSQL does not find it once a statement is
prepared, which the driver does from the sixth time on."""

_BATCH = 1000
_SPACE = 1 << 32


@dataclass(frozen=True, slots=True)
class Planned:
    """What a planning did: how many visits have a day now, how many none and why, how many were late and put back."""

    planned: int
    left: Mapping[str, int]
    late: int


def working_days(first_day: date, days: int, workdays: Collection[int] = WORKDAYS) -> list[date]:
    """Return the days on which people work, among so many calendar days from the first on."""
    every = (first_day + timedelta(days=number) for number in range(days))
    return [day for day in every if day.weekday() in workdays]


def gather_needs(unit: Unit, *, share: float = RECHECKED, limit: int = 10_000) -> dict[str, int]:
    """Put down a visit for whoever needs one and has none open; return how many for which reason.

    Of several reasons the first counts: attempts used up, overdue, a silent pass to be audited, a visit to be made a
    second time. At most ``limit`` people for each; call it again until it finds nobody. Who is erased, and who waits
    for an officer's word about the last visit, is left out.
    """
    found = {
        "attempts": _put_down(unit, "attempts", _with_attempts_used_up(unit, limit)),
        "overdue": _put_down(unit, "overdue", _overdue(unit, limit)),
        "audit": _put_down(unit, "audit", _to_audit(limit)),
        "recheck": _recheck(unit, share, limit),
    }
    return {reason: number for reason, number in found.items() if number}


def plan_visits(unit: Unit, first_day: date, days: int, *, workdays: Collection[int] = WORKDAYS) -> Planned:
    """Plan the visits that wait, on the working days among so many calendar days from the first on.

    Agents and days of what is planned already stay; the order of a day that gets more is found anew.
    """
    # Nobody plans at the same time, and no agent falls ill in between; references to agents do not wait for this.
    lock = select(AgentRow).where(AgentRow.state == AgentState.ACTIVE).order_by(AgentRow.id)
    agents = {str(row.id): row for row in unit.db.scalars(lock.with_for_update(key_share=True))}
    # Planning far ahead takes nothing out of the days at hand.
    late = _put_back_late(unit, min(first_day, today_of(unit) + timedelta(days=1)))
    waiting = _waiting(unit)
    planned = _planned(unit, first_day, days)
    stops = _stops(unit, [*waiting, *planned])
    plan = assign(
        _needs(unit, waiting, stops),
        [
            Worker(
                agent=name,
                area=row.area,
                capacity=row.capacity,
                latitude=row.base_latitude,
                longitude=row.base_longitude,
            )
            for name, row in agents.items()
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
    """Plan again after agents fell ill or came back: what waits is planned, and every day gets its order anew."""
    done = plan_visits(unit, first_day, days, workdays=workdays)
    planned = _planned(unit, first_day, days)
    stops = _stops(unit, planned)
    bases: dict[UUID | None, Point | None] = {row.id: base_of(row) for row in unit.db.scalars(select(AgentRow))}
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
    """Note for the ledger who visits whom when."""
    unit.ledger(
        LedgerEvent.VISIT_PLANNED,
        row.beneficiary_id,
        visit=str(row.id),
        agent=str(row.agent_id),
        on=str(row.planned_on),
    )


def put_down(unit: Unit, people: Iterable[UUID], reason: str, *, rechecks: Mapping[UUID, UUID] | None = None) -> int:
    """Put down visits for people; who has one open keeps that. Return how many are new."""
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
    number = 0
    for start in range(0, len(rows), _BATCH):
        new = insert(VisitRow).values(rows[start : start + _BATCH])
        new = new.on_conflict_do_nothing(index_elements=[VisitRow.beneficiary_id], index_where=_OPEN_INDEX)
        for visit, person in unit.db.execute(new.returning(VisitRow.id, VisitRow.beneficiary_id)):
            unit.ledger(LedgerEvent.VISIT_NEEDED, person, visit=str(visit), reason=reason)
            number += 1
    return number


def _put_down(unit: Unit, reason: str, people: Select[UUID]) -> int:
    return put_down(unit, unit.db.scalars(people).all(), reason)


def _people(limit: int) -> Select[UUID]:
    """Return the query of people to whom somebody may be sent and is not yet."""
    return (
        select(BeneficiaryRow.id)
        .where(
            BeneficiaryRow.erased_at.is_(None),
            BeneficiaryRow.id != STRANGER,
            ~exists().where(VisitRow.beneficiary_id == BeneficiaryRow.id, VisitRow.state.in_(OPEN)),
            ~_has_case(*WAIT_FOR_OFFICER),
        )
        .order_by(BeneficiaryRow.id)
        .limit(limit)
    )


def _has_case(*kinds: str) -> ColumnElement[bool]:
    case = ReviewCaseRow
    return exists().where(case.beneficiary_id == BeneficiaryRow.id, case.state == CaseState.OPEN, case.kind.in_(kinds))


def _visited_since(moment: object) -> ColumnElement[bool]:
    return exists().where(
        VisitRow.beneficiary_id == BeneficiaryRow.id, VisitRow.state == VisitState.MADE, VisitRow.ended_at >= moment
    )


def _with_attempts_used_up(unit: Unit, limit: int) -> Select[UUID]:
    case, pension = ReviewCaseRow, EntitlementRow
    # A case without a determination was opened by a wish. Who took that back is not visited for it, unless the
    # attempts are used up as well.
    used_up = or_(
        case.determination_id.is_not(None),
        exists().where(pension.beneficiary_id == case.beneficiary_id, pension.next_step == "doorstep"),
    )
    open_case = exists().where(
        and_(
            case.beneficiary_id == BeneficiaryRow.id, case.state == CaseState.OPEN, case.kind == CaseKind.VISIT, used_up
        )
    )
    return _people(limit).where(open_case, ~_visited_since(unit.now - REST))


def _overdue(unit: Unit, limit: int) -> Select[UUID]:
    pension = EntitlementRow
    overdue = exists().where(pension.beneficiary_id == BeneficiaryRow.id, pension.standing == "overdue")
    return _people(limit).where(overdue, ~_visited_since(unit.now - REST))


def _to_audit(limit: int) -> Select[UUID]:
    visited = exists().where(
        VisitRow.beneficiary_id == AuditRow.beneficiary_id,
        VisitRow.state == VisitState.MADE,
        VisitRow.ended_at >= AuditRow.drawn_at,
    )
    waiting = exists().where(AuditRow.beneficiary_id == BeneficiaryRow.id, AuditRow.outcome.is_(None), ~visited)
    return _people(limit).where(waiting)


def _recheck(unit: Unit, share: float, limit: int) -> int:
    """Put down second visits.

    Which visits are made again is decided by the keyed hash of their id: as good as a lot to whoever has not the key,
    the agents above all, and the same whenever it is asked, so that no visit is drawn again and again until it loses.
    """
    again = exists().where(VisitRow.rechecks == BundleRow.id)
    query = select(BundleRow.id, BundleRow.beneficiary_id).where(
        BundleRow.state == BundleState.OPENED,
        BundleRow.result.in_(("face", "witnesses", "medical")),
        BundleRow.opened_at > unit.now - RECHECKED_FOR,
        BundleRow.beneficiary_id.in_(_people(limit).order_by(None).limit(None)),
        ~again,
    )
    drawn: dict[UUID, UUID] = {}
    for bundle, person in unit.db.execute(query.order_by(BundleRow.opened_at, BundleRow.id)):
        if person is not None and len(drawn) < limit and _is_drawn(unit, bundle, share):
            drawn.setdefault(person, bundle)
    return put_down(unit, drawn, "recheck", rechecks=drawn)


def _is_drawn(unit: Unit, bundle: UUID, share: float) -> bool:
    lot = unit.service.vault.lookup_hash(unit.db, "recheck", str(bundle))
    return int.from_bytes(lot[:4]) < share * _SPACE


def _put_back_late(unit: Unit, since: date) -> int:
    query = select(VisitRow).where(VisitRow.state == VisitState.PLANNED, VisitRow.planned_on < since - LATE)
    rows = unit.db.scalars(query.order_by(VisitRow.id).with_for_update()).all()
    for row in rows:
        unit.ledger(
            LedgerEvent.VISIT_LATE,
            row.beneficiary_id,
            visit=str(row.id),
            agent=str(row.agent_id),
            on=str(row.planned_on),
        )
        put_back(row)
    unit.db.flush()
    return len(rows)


def _waiting(unit: Unit) -> Sequence[VisitRow]:
    """Return the visits to be planned, locked: but those that wait for an officer's word and that nobody wishes for.

    Nor does a second visit wait: otherwise the agent to be checked could put it off by what they report.
    """
    query = select(VisitRow).join(BeneficiaryRow, BeneficiaryRow.id == VisitRow.beneficiary_id)
    query = query.where(
        VisitRow.state == VisitState.ASKED,
        BeneficiaryRow.erased_at.is_(None),
        or_(VisitRow.wanted_on.is_not(None), VisitRow.reason == VisitReason.RECHECK, ~_has_case(*WAIT_FOR_OFFICER)),
    )
    return unit.db.scalars(query.order_by(VisitRow.id).with_for_update(of=VisitRow)).all()


def _planned(unit: Unit, first_day: date, days: int) -> Sequence[VisitRow]:
    query = select(VisitRow).where(
        VisitRow.state == VisitState.PLANNED,
        VisitRow.planned_on >= first_day,
        VisitRow.planned_on < first_day + timedelta(days=days),
    )
    return unit.db.scalars(query.order_by(VisitRow.id).with_for_update()).all()


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
        people = select(BeneficiaryRow.id, BeneficiaryRow.region)
        people = people.where(BeneficiaryRow.id.in_([row.beneficiary_id for row in some]))
        regions |= dict(unit.db.execute(people).all())
        bundles = select(BundleRow.id, BundleRow.agent_id)
        bundles = bundles.where(BundleRow.id.in_([row.rechecks for row in some if row.rechecks]))
        first_agents |= dict(unit.db.execute(bundles).all())
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
                urgency=URGENCY[row.reason] + (unit.now - row.asked_at) // _A_STEP_MORE,
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
