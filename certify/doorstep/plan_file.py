"""The plan as a CSV file, out and in, for funds that plan elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import AgentState, VisitState
from certify.doorstep.calendar import today_of
from certify.doorstep.homes import Home, homes_of
from certify.doorstep.planning import note_planned, put_down
from certify.doorstep.visits import OPEN
from certify.errors import Invalid
from certify.files.people_rows import QUARANTINE_COLUMNS, BadRow
from certify.files.quarantine import escape_formula
from certify.files.row_file import (
    CHUNK,
    Cells,
    ChunkResult,
    FileReport,
    ImportSource,
    Progress,
    import_rows,
    no_progress,
    people_of,
)
from certify.files.table_file import Columns, Row
from certify.service import Service, Unit
from certify.storage.tables.doorstep import AgentRow, BundleRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow

OUT = ("visit", "badge", "planned_on", "place", "reason", "wanted_on", "part", "area", "national_id_masked")
OUT_HOMES = ("name", "address", "directions")
PLAN_COLUMNS = Columns(
    known=("visit", "national_id", "card_number", "badge", "planned_on", "place"),
    required=("badge", "planned_on"),
    # An exported file is filled in and imported as it is; what is only told in it is passed over.
    ignored=(*OUT[4:], *OUT_HOMES, *QUARANTINE_COLUMNS),
)
FARTHEST = timedelta(days=366)
"""From today; a later day is a slip of the pen."""
_MOST_PLACES = 999

_Day = tuple[UUID | None, date | None]


def export_plan(
    unit: Unit,
    *,
    states: Sequence[str] = OPEN,
    first_day: date | None = None,
    last_day: date | None = None,
    with_homes: bool = False,
) -> bytes:
    """Return open visits as CSV: planned ones by day, agent and place, then those without a day.

    The days bound the planned ones. Nobody is named, unless names, addresses and directions are asked for; the ledger
    keeps that they were.
    """
    query = (
        select(VisitRow, AgentRow.badge, BeneficiaryRow)
        .join(BeneficiaryRow, BeneficiaryRow.id == VisitRow.beneficiary_id)
        .outerjoin(AgentRow, AgentRow.id == VisitRow.agent_id)
        .where(VisitRow.state.in_(states), BeneficiaryRow.erased_at.is_(None))
        .order_by(VisitRow.planned_on.nulls_last(), AgentRow.badge, VisitRow.place, VisitRow.asked_at, VisitRow.id)
    )
    if first_day is not None:
        query = query.where(or_(VisitRow.state == VisitState.ASKED, VisitRow.planned_on >= first_day))
    if last_day is not None:
        query = query.where(or_(VisitRow.state == VisitState.ASKED, VisitRow.planned_on <= last_day))
    found = unit.db.execute(query).all()
    homes: dict[UUID, Home] = {}
    if with_homes:
        for start in range(0, len(found), CHUNK):
            homes |= homes_of(unit, [person.id for _, _, person in found[start : start + CHUNK]])
        unit.ledger(LedgerEvent.HOMES_EXPORTED, None, visits=len(found))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*OUT, *OUT_HOMES) if with_homes else OUT)
    for visit, badge, person in found:
        cells: list[object] = [visit.id, badge, visit.planned_on, visit.place, visit.reason, visit.wanted_on]
        cells += [visit.part, person.region, person.national_id_masked]
        if with_homes:
            home = homes.get(person.id, Home(""))
            # A row is a line, here as in every file that is read.
            cells += [person.name, *(part.replace("\n", ", ") for part in (home.address, home.directions))]
        writer.writerow(escape_formula("" if cell is None else str(cell)) for cell in cells)
    return text.getvalue().encode("utf-8-sig")


def import_plan(service: Service, source: ImportSource, *, progress: Progress = no_progress) -> FileReport:
    """Take over a plan that was made elsewhere.

    A row names the visit, or a person by national id or card number; who has no visit open gets one (reason "fund").
    Rows with neither badge nor day are passed over, as visits without a day are exported. Agents must work and have
    room on the day; their areas are left to whoever made the plan. Without a place, a visit comes last on its day.

    Raises Invalid, before anything is changed, when the file, its columns or the quarantine path cannot be used.
    """
    return import_rows(service, source, PLAN_COLUMNS, partial(_carry_out, set()), progress)


@dataclass(slots=True)
class _Wanted:
    """One good row of a plan, before it is carried out."""

    row: Row
    agent: AgentRow
    day: date
    place: int | None
    visit: VisitRow | None
    person: UUID

    @property
    def there(self) -> _Day:
        return self.agent.id, self.day

    @property
    def now(self) -> _Day | None:
        return None if self.visit is None else (self.visit.agent_id, self.visit.planned_on)

    @property
    def changes_nothing(self) -> bool:
        return self.visit is not None and self.now == self.there and self.place in (None, self.visit.place)


class _Chunk:
    """What the rows of one chunk speak of, read at once and locked: agents, visits, people."""

    def __init__(self, unit: Unit, rows: Sequence[tuple[Row, Cells]], done: ChunkResult, seen: set[UUID]) -> None:
        self.today = today_of(unit)
        self.people = people_of(unit, rows, done)
        self.seen = seen
        badges = {cells["badge"] for _, cells in rows}
        query = select(AgentRow).where(AgentRow.badge.in_(badges)).order_by(AgentRow.id)
        self.agents = {row.badge: row for row in unit.db.scalars(query.with_for_update(key_share=True))}
        named = [number for _, cells in rows if (number := _uuid(cells.get("visit", ""))) is not None]
        people = [person for person in self.people.values() if person is not None]
        visits = select(VisitRow).where(
            or_(VisitRow.id.in_(named), and_(VisitRow.beneficiary_id.in_(people), VisitRow.state.in_(OPEN)))
        )
        found = unit.db.scalars(visits.order_by(VisitRow.id).with_for_update()).all()
        self.visits = {row.id: row for row in found}
        self.open_of = {row.beneficiary_id: row for row in found if row.state in OPEN}
        bundles = {row.rechecks for row in found if row.rechecks}
        makers = select(BundleRow.id, BundleRow.agent_id).where(BundleRow.id.in_(bundles))
        self.first_agents = dict(unit.db.execute(makers).all()) if bundles else {}

    def read(self, row: Row, cells: Cells) -> _Wanted:
        """Read a row. Raises Invalid with what is wrong first."""
        agent = self.agents.get(cells["badge"])
        if agent is None:
            raise Invalid("No agent has this badge.", code=ErrorCode.AGENT_NOT_FOUND)
        if agent.state != AgentState.ACTIVE:
            raise Invalid(f"This agent is {agent.state}.", code=ErrorCode.AGENT_NOT_ACTIVE)
        day, place = _day(cells["planned_on"], self.today), _place(cells.get("place", ""))
        visit, person = self._whom(cells, self.people[row.line])
        if person in self.seen:
            raise Invalid("This visit came in an earlier row.", code=ErrorCode.DUPLICATE_ROW)
        if visit is not None and visit.rechecks and self.first_agents.get(visit.rechecks) == agent.id:
            raise Invalid("A visit is checked by another agent than made it.", code=ErrorCode.RECHECK_SAME_AGENT)
        return _Wanted(row, agent, day, place, visit, person)

    def _whom(self, cells: Cells, person: UUID | None) -> tuple[VisitRow | None, UUID]:
        if not cells.get("visit"):
            if person is None:
                raise Invalid("The row names neither a visit nor a person.", code=ErrorCode.PERSON_MISSING)
            return self.open_of.get(person), person
        number = _uuid(cells["visit"])
        visit = None if number is None else self.visits.get(number)
        if visit is None:
            raise Invalid("There is no such visit.", code=ErrorCode.VISIT_NOT_FOUND)
        if visit.state not in OPEN:
            raise Invalid(f"This visit is {visit.state}.", code=ErrorCode.VISIT_OVER)
        if person not in (None, visit.beneficiary_id):
            raise Invalid("The visit is to somebody else.", code=ErrorCode.CONTRADICTION)
        return visit, visit.beneficiary_id


def _carry_out(seen: set[UUID], unit: Unit, rows: Sequence[tuple[Row, Cells]]) -> ChunkResult:
    filled = [(row, cells) for row, cells in rows if cells["badge"] or cells["planned_on"]]
    done = ChunkResult(unchanged=len(rows) - len(filled))
    chunk = _Chunk(unit, filled, done, seen)
    wanted = []
    for row, cells in filled:
        if row.line not in chunk.people:
            continue
        try:
            found = chunk.read(row, cells)
        except Invalid as invalid:
            done.bad.append(BadRow(row, invalid.code, invalid.message))
        else:
            seen.add(found.person)
            wanted.append(found)
    changes = [found for found in wanted if not found.changes_nothing]
    done.unchanged += len(wanted) - len(changes)
    fitting = _fitting(unit, changes, done)
    _plan(unit, fitting)
    done.done = len(fitting)
    return done


def _fitting(unit: Unit, changes: Sequence[_Wanted], done: ChunkResult) -> list[_Wanted]:
    """Return what there is room for, with places; the file's rows count in their order."""
    load = _load(unit, changes)
    fitting: list[_Wanted] = []
    for found in changes:
        number, last = load.get(found.there, (0, 0))
        if found.now != found.there:
            if number >= found.agent.capacity:
                done.bad.append(BadRow(found.row, ErrorCode.AGENT_FULL, "This agent has no room on this day."))
                continue
            number += 1
            if found.now is not None and found.now in load:
                load[found.now] = (load[found.now][0] - 1, load[found.now][1])
        found.place = found.place or last + 1
        load[found.there] = (number, max(last, found.place))
        fitting.append(found)
    return fitting


def _load(unit: Unit, changes: Iterable[_Wanted]) -> dict[_Day, tuple[int, int]]:
    """Return how many visits the days have that rows speak of, and the last place on each."""
    days = {day for found in changes for day in (found.there, found.now) if day is not None}
    query = select(VisitRow.agent_id, VisitRow.planned_on, func.count(), func.max(VisitRow.place)).where(
        VisitRow.state == VisitState.PLANNED,
        VisitRow.agent_id.in_({agent for agent, _ in days if agent}),
        VisitRow.planned_on.in_({day for _, day in days if day}),
    )
    rows = unit.db.execute(query.group_by(VisitRow.agent_id, VisitRow.planned_on))
    return {(agent, day): (number, last or 0) for agent, day, number, last in rows}


def _plan(unit: Unit, fitting: Sequence[_Wanted]) -> None:
    put_down(unit, [found.person for found in fitting if found.visit is None], "fund")
    people = [found.person for found in fitting]
    query = select(VisitRow).where(VisitRow.beneficiary_id.in_(people), VisitRow.state.in_(OPEN))
    rows: Mapping[UUID, VisitRow] = {row.beneficiary_id: row for row in unit.db.scalars(query)}
    for found in fitting:
        row = rows[found.person]
        row.state, row.agent_id, row.planned_on, row.place = VisitState.PLANNED, found.agent.id, found.day, found.place
        note_planned(unit, row)
    unit.db.flush()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid("'planned_on' is not a date such as 2026-03-31.", code=ErrorCode.PLANNED_ON_INVALID) from None
    if not today <= day <= today + FARTHEST:
        raise Invalid("'planned_on' is past, or more than a year away.", code=ErrorCode.PLANNED_ON_INVALID)
    return day


def _place(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_PLACES):
        raise Invalid(f"'place' is a whole number from 1 to {_MOST_PLACES}.", code=ErrorCode.PLACE_INVALID)
    return int(text)
