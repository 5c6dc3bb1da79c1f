"""Export and import the plan as a CSV file, for funds that plan with other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import AgentState, VisitState
from certify.doorstep.calendar import today_of
from certify.doorstep.homes import Home, homes_of
from certify.doorstep.planning import note_planned, request_visits
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
from certify.storage.agents import lock_agents_with_badges
from certify.storage.bundles import agents_of_bundles
from certify.storage.tables.doorstep import AgentRow, VisitRow
from certify.storage.visits import (
    OPEN,
    DayLoad,
    load_of_days,
    lock_visits_or_open_of,
    open_visits_of,
    plan_rows,
)

OUT = ("visit", "badge", "planned_on", "place", "reason", "wanted_on", "part", "area", "national_id_masked")
OUT_HOMES = ("name", "address", "directions")
PLAN_COLUMNS = Columns(
    known=("visit", "national_id", "card_number", "badge", "planned_on", "place"),
    required=("badge", "planned_on"),
    # An exported file is filled in and imported as it is; the columns that only inform are ignored.
    ignored=(*OUT[4:], *OUT_HOMES, *QUARANTINE_COLUMNS),
)
FARTHEST = timedelta(days=366)
"""From today; a later day is taken for a typing error."""

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

    Args:
        unit: the transaction.
        states: states of the visits.
        first_day: planned visits only from this day on; None for no bound.
        last_day: planned visits only up to this day; None for no bound.
        with_homes: whether to add names, addresses and directions; the ledger records it. Otherwise the file names no
            person.

    Returns:
        The file, in UTF-8 with a byte order mark.
    """
    rows = plan_rows(unit.db, states, first_day=first_day, last_day=last_day)
    homes: dict[UUID, Home] = {}
    if with_homes:
        for start in range(0, len(rows), CHUNK):
            homes |= homes_of(unit, [row.person.id for row in rows[start : start + CHUNK]])
        unit.ledger(LedgerEvent.HOMES_EXPORTED, None, visits=len(rows))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*OUT, *OUT_HOMES) if with_homes else OUT)
    for visit, badge, person in rows:
        cells: list[object] = [visit.id, badge, visit.planned_on, visit.place, visit.reason, visit.wanted_on]
        cells += [visit.part, person.region, person.national_id_masked]
        if with_homes:
            home = homes.get(person.id, Home(""))
            # One row is one line: the import expects that of every file.
            cells += [person.name, *(part.replace("\n", ", ") for part in (home.address, home.directions))]
        writer.writerow(escape_formula("" if cell is None else str(cell)) for cell in cells)
    return text.getvalue().encode("utf-8-sig")


def import_plan(service: Service, source: ImportSource, *, progress: Progress = no_progress) -> FileReport:
    """Import a plan that was made with another tool.

    A row names the visit, or a person by national id or card number; a person without an open visit gets one (reason
    "fund"). Rows with neither badge nor day are skipped, because visits without a day are exported like that. Agents
    must work and have room on the day; their areas are not checked. Without a place, a visit comes last on its day.

    Args:
        service: the service.
        source: the file.
        progress: called after every chunk of rows.

    Returns:
        How many rows were carried out, unchanged and quarantined.

    Raises:
        Invalid: the file, its columns or the quarantine path cannot be used. Then nothing is changed.
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
    def wanted_day(self) -> _Day:
        return self.agent.id, self.day

    @property
    def current_day(self) -> _Day | None:
        return None if self.visit is None else (self.visit.agent_id, self.visit.planned_on)

    @property
    def changes_nothing(self) -> bool:
        if self.visit is None or self.current_day != self.wanted_day:
            return False
        return self.place in (None, self.visit.place)


class _Chunk:
    """The agents, visits and people that the rows of one chunk name, read at once and locked."""

    def __init__(self, unit: Unit, rows: Sequence[tuple[Row, Cells]], done: ChunkResult, seen: set[UUID]) -> None:
        self.today = today_of(unit)
        self.people = people_of(unit, rows, done)
        self.seen = seen
        self.agents = lock_agents_with_badges(unit.db, {cells["badge"] for _, cells in rows})
        ids = [visit_id for _, cells in rows if (visit_id := _uuid(cells.get("visit", ""))) is not None]
        people = [person for person in self.people.values() if person is not None]
        visits = lock_visits_or_open_of(unit.db, ids, people)
        self.visits = {row.id: row for row in visits}
        self.open_of = {row.beneficiary_id: row for row in visits if row.state in OPEN}
        bundles = {row.rechecks for row in visits if row.rechecks}
        self.first_agents = agents_of_bundles(unit.db, bundles) if bundles else {}

    def read(self, row: Row, cells: Cells) -> _Wanted:
        """Read a row. Raises Invalid with the first thing that is wrong."""
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
            raise Invalid("This agent made the first visit. Choose another one.", code=ErrorCode.RECHECK_SAME_AGENT)
        return _Wanted(row, agent, day, place, visit, person)

    def _whom(self, cells: Cells, person: UUID | None) -> tuple[VisitRow | None, UUID]:
        if not cells.get("visit"):
            if person is None:
                raise Invalid("The row names neither a visit nor a person.", code=ErrorCode.PERSON_MISSING)
            return self.open_of.get(person), person
        visit_id = _uuid(cells["visit"])
        visit = None if visit_id is None else self.visits.get(visit_id)
        if visit is None:
            raise Invalid("There is no such visit.", code=ErrorCode.VISIT_NOT_FOUND)
        if visit.state not in OPEN:
            raise Invalid(f"This visit is {visit.state}.", code=ErrorCode.VISIT_OVER)
        if person not in (None, visit.beneficiary_id):
            raise Invalid("The visit is to another person.", code=ErrorCode.CONTRADICTION)
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
            entry = chunk.read(row, cells)
        except Invalid as invalid:
            done.bad.append(BadRow(row, invalid.code, invalid.message))
        else:
            seen.add(entry.person)
            wanted.append(entry)
    changes = [entry for entry in wanted if not entry.changes_nothing]
    done.unchanged += len(wanted) - len(changes)
    fitting = _fitting(unit, changes, done)
    _plan(unit, fitting)
    done.done = len(fitting)
    return done


def _fitting(unit: Unit, changes: Sequence[_Wanted], done: ChunkResult) -> list[_Wanted]:
    """Return the rows that there is room for, with their places; rows count in the order of the file."""
    loads = _loads(unit, changes)
    fitting: list[_Wanted] = []
    for entry in changes:
        visits, last = loads.get(entry.wanted_day, DayLoad(0, 0))
        if entry.current_day != entry.wanted_day:
            if visits >= entry.agent.capacity:
                done.bad.append(BadRow(entry.row, ErrorCode.AGENT_FULL, "This agent has no room on this day."))
                continue
            visits += 1
            if entry.current_day is not None and entry.current_day in loads:
                current = loads[entry.current_day]
                loads[entry.current_day] = DayLoad(current.visits - 1, current.last_place)
        entry.place = entry.place or last + 1
        loads[entry.wanted_day] = DayLoad(visits, max(last, entry.place))
        fitting.append(entry)
    return fitting


def _loads(unit: Unit, changes: Iterable[_Wanted]) -> dict[_Day, DayLoad]:
    """Return how full the days are that rows concern."""
    days = {day for entry in changes for day in (entry.wanted_day, entry.current_day) if day is not None}
    return load_of_days(unit.db, {agent for agent, _ in days if agent}, {day for _, day in days if day})


def _plan(unit: Unit, fitting: Sequence[_Wanted]) -> None:
    request_visits(unit, [entry.person for entry in fitting if entry.visit is None], "fund")
    rows = open_visits_of(unit.db, [entry.person for entry in fitting])
    for entry in fitting:
        row = rows[entry.person]
        row.state, row.agent_id, row.planned_on, row.place = VisitState.PLANNED, entry.agent.id, entry.day, entry.place
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
