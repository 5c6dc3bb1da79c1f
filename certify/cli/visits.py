"""``certify visit``: who is visited at home, by whom and when."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from sqlalchemy import select

from certify.cli.output import AsJson, console, opened_service, operator, print_json
from certify.cli.row_files import Encoding, FileArgument, QuarantineOption, import_file
from certify.doorstep.backlog import Backlog, backlog
from certify.doorstep.calendar import today_of
from certify.doorstep.planning import (
    RECHECKED,
    WORKDAYS,
    Planned,
    gather_needs,
    plan_visits,
    rebalance,
)
from certify.errors import Invalid
from certify.private_file import write_private
from certify.service import Unit
from certify.storage.tables.doorstep import AgentRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.visits import OPEN

app = typer.Typer(help="Plan visits at home, exchange the plan as CSV, see the backlog.", no_args_is_help=True)

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHY_LEFT = {
    "no_agent": "nobody works in their area",
    "no_room": "all days are full",
    "later": "wished for a later day",
}

FirstDay = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; tomorrow when not given.")
]
Days = Annotated[int, typer.Option(min=1, max=90, help="How many calendar days from the first on.")]
Workdays = Annotated[str, typer.Option(help="Days of the week on which agents work, such as 'sun mon tue wed thu'.")]

_USUAL = " ".join(_WEEK[number] for number in sorted(WORKDAYS))


class State(StrEnum):
    """Which open visits are meant."""

    ASKED = "asked"
    PLANNED = "planned"


@app.callback()
def _group() -> None:
    """Plan visits at home, exchange the plan as CSV, see the backlog."""


@app.command()
def gather(
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of visits made that another agent makes a second time.")
    ] = RECHECKED,
    as_json: AsJson = False,
) -> None:
    """Put down a visit for everybody who needs one and has none open. Safe to repeat.

    Needed by: attempts used up, a proof overdue, a silent pass drawn for audit, a visit drawn to be made again.
    """
    found: Counter[str] = Counter()
    with opened_service() as service:
        while True:
            with service.unit(operator()) as unit:
                new = gather_needs(unit, share=share)
            if not new:
                break
            found.update(new)
    if as_json:
        print_json(dict(found))
        return
    for reason, number in sorted(found.items()):
        console.print(f"{reason}: {number:,}", highlight=False)
    if not found:
        console.print("Nobody else needs a visit.")


@app.command()
def plan(
    first_day: FirstDay = None,
    days: Days = 14,
    workdays: Workdays = _USUAL,
    reorder: Annotated[
        bool, typer.Option("--rebalance", help="Also find the order of every day anew, as after an agent fell ill.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give the visits that wait an agent and a day, by area, wish, urgency and capacity.

    What is planned already stays with its agent and day. After 'certify agent away' run it again: the others take over
    what there is room for.
    """
    weekdays = _weekdays(workdays)
    with opened_service() as service, service.unit(operator()) as unit:
        work = rebalance if reorder else plan_visits
        done = work(unit, _first(unit, first_day), days, workdays=weekdays)
    if as_json:
        print_json(asdict(done))
        return
    _show_planned(done)


@app.command("list")
def list_them(
    state: Annotated[State | None, typer.Option(help="Only visits asked for, or only planned ones.")] = None,
    badge: Annotated[str | None, typer.Option(help="Only of the agent with this badge.")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only on this day.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List open visits: planned ones by day, agent and place, then those without a day. Names nobody."""
    query = (
        select(VisitRow, AgentRow.badge, BeneficiaryRow.region)
        .join(BeneficiaryRow, BeneficiaryRow.id == VisitRow.beneficiary_id)
        .outerjoin(AgentRow, AgentRow.id == VisitRow.agent_id)
        .where(VisitRow.state.in_(OPEN if state is None else (state.value,)))
        .order_by(VisitRow.planned_on.nulls_last(), AgentRow.badge, VisitRow.place, VisitRow.asked_at, VisitRow.id)
        .limit(limit)
    )
    if badge is not None:
        query = query.where(AgentRow.badge == badge)
    if day is not None:
        query = query.where(VisitRow.planned_on == day.date())
    with opened_service() as service, service.reading() as unit:
        rows = unit.db.execute(query).all()
    names = ("id", "beneficiary_id", "state", "reason", "planned_on", "place", "wanted_on", "part", "asked_at", "tries")
    if as_json:
        print_json(
            [{name: getattr(row, name) for name in names} | {"badge": who, "area": area} for row, who, area in rows]
        )
        return
    table = Table(Column("visit", no_wrap=True), "on", "badge", "place", "reason", "wished for", "area")
    for row, who, area in rows:
        wish = " ".join(str(word) for word in (row.wanted_on, row.part) if word)
        table.add_row(str(row.id), str(row.planned_on or "-"), who, str(row.place or ""), row.reason, wish, area)
    console.print(table if rows else "No visit is open.")


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="CSV file to write; only you can read it.")],
    state: Annotated[State | None, typer.Option(help="Only visits asked for, or only planned ones.")] = None,
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Of planned ones: from this day on.")
    ] = None,
    last_day: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Of planned ones: up to this day.")
    ] = None,
    with_homes: Annotated[
        bool, typer.Option("--with-homes", help="Also names, addresses and directions, in clear; the ledger keeps it.")
    ] = False,
) -> None:
    """Write open visits to a CSV file, for a fund that plans elsewhere or prints lists.

    Columns: visit, badge, planned_on, place, reason, wanted_on, part, area, national_id_masked; with --with-homes also
    name, address, directions. Fill in badge and planned_on and bring it back with 'certify visit import'.
    """
    from certify.doorstep.plan_file import export_plan  # noqa: PLC0415 - pyarrow is slow to load

    with opened_service() as service, service.unit(operator()) as unit:
        data = export_plan(
            unit,
            states=OPEN if state is None else (state.value,),
            first_day=first_day.date() if first_day else None,
            last_day=last_day.date() if last_day else None,
            with_homes=with_homes,
        )
        write_private(out, data)
    visits = data.count(b"\n") - 1
    console.print(f"{visits:,} visits: {out}", highlight=False, soft_wrap=True)


@app.command("import")
def import_them(
    file: FileArgument, quarantine: QuarantineOption = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """Take over a plan that was made elsewhere. Good rows go in; bad rows go to a quarantine file with the reason.

    Columns: badge, planned_on, optionally place; and visit, or national_id or card_number. A person without an open
    visit gets one. Rows with neither badge nor day are passed over. Exit code 3 when any row was quarantined.
    """
    from certify.doorstep.plan_file import import_plan  # noqa: PLC0415 - pyarrow is slow to load

    import_file(import_plan, "Planning", file, quarantine, encoding, as_json=as_json)


@app.command("homes")
def import_their_homes(
    file: FileArgument, quarantine: QuarantineOption = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """Store where people live, from a file. Good rows go in; bad rows go to a quarantine file with the reason.

    Columns: national_id or card_number, address, and where known directions, latitude, longitude (degrees). Exit code 3
    when any row was quarantined.
    """
    from certify.doorstep.homes_file import import_homes  # noqa: PLC0415 - pyarrow is slow to load

    import_file(import_homes, "Homes", file, quarantine, encoding, as_json=as_json)


@app.command("backlog")
def show_backlog(
    html: Annotated[Path | None, typer.Option(help="Also write it as one page with plots to this HTML file.")] = None,
    first_day: FirstDay = None,
    days: Days = 14,
    workdays: Workdays = _USUAL,
    as_json: AsJson = False,
) -> None:
    """Show how many visits wait, and how many can be made: by area and day, for which reasons, how long people wait."""
    from certify.doorstep.backlog_page import backlog_page  # noqa: PLC0415 - loads the package of the linking

    weekdays = _weekdays(workdays)
    with opened_service() as service, service.reading() as unit:
        found = backlog(unit, _first(unit, first_day), days, workdays=weekdays)
    if html is not None:
        html.write_text(backlog_page(found), "utf-8")
    if as_json:
        print_json(asdict(found))
        return
    _show_backlog(found)
    if html is not None:
        console.print(f"Page: {html}", soft_wrap=True)


def _show_planned(done: Planned) -> None:
    if done.late:
        console.print(f"{done.late:,} were planned for days long past, and planned anew.", highlight=False)
    console.print(f"{done.planned:,} visits planned.", highlight=False)
    for reason, number in sorted(done.left.items()):
        console.print(f"  {number:,} not: {_WHY_LEFT[reason]}", highlight=False)


def _show_backlog(found: Backlog) -> None:
    table = Table("area", "no day yet", "planned", "can be made")
    for load in found.areas:
        table.add_row(load.area or "everywhere", f"{load.asked:,}", f"{load.planned:,}", f"{load.capacity:,}")
    console.print(table)
    for title, counts in (("needed for", found.reasons), ("waiting for a day", found.waits)):
        listed = ", ".join(f"{name} {number:,}" for name, number in counts.items() if number)
        console.print(f"{title}: {listed or 'nobody'}", highlight=False)


def _first(unit: Unit, given: datetime | None) -> date:
    return given.date() if given else today_of(unit) + timedelta(days=1)


def _weekdays(text: str) -> frozenset[int]:
    words = [word[:3].lower() for word in text.replace(",", " ").split()]
    unknown = [word for word in words if word not in _WEEK]
    if unknown or not words:
        raise Invalid("The days of the week cannot be read.", hint=f"Write them like '{_USUAL}'.", code="workdays")
    return frozenset(_WEEK.index(word) for word in words)
