"""``certify visit``: plan the visits at home, and exchange the plan as CSV."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.choices import RECHECK_SHARE, WEEK, WORKDAYS
from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, Encoding, Quarantine, command_group, day_option, output_file, require_finite
from certify.cli.output import print_json, say
from certify.cli.row_files import FileArgument, import_file
from certify.cli.service import opened_service, operator
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:
    from certify.doorstep.backlog import Backlog
    from certify.doorstep.planning import Planned
    from certify.service import Unit

app = command_group("Plan visits at home, exchange the plan as CSV, show the backlog.")

_WHY_LEFT = {
    "no_agent": "no agent works in their area",
    "no_room": "all days are full",
    "later": "wished for a later day",
}

_SLIP_BYTES = 4
"""How much of a visit's hash stands on its slip, eight characters; among a million visits two may share it."""

FirstDay = Annotated[datetime | None, day_option("First day. Default: tomorrow.", "--from")]
Days = Annotated[int, typer.Option(min=1, max=90, help="Number of calendar days, beginning with the first day.")]
Workdays = Annotated[str, typer.Option(help="Days of the week on which agents work, such as 'sun mon tue wed thu'.")]


class State(StrEnum):
    """State of an open visit."""

    ASKED = "asked"
    PLANNED = "planned"


OnlyState = Annotated[
    State | None, typer.Option(help="Only visits in this state: asked (without a day) or planned. Default: both.")
]


@app.command()
def slip(
    number: Annotated[str, typer.Argument(help="The eight characters on the slip; blanks do not matter.")],
    as_json: AsJson = False,
) -> None:
    """Find the visit whose number an agent left on a slip: when it was, by which agent, and what became of it.

    Exit code 1 when no visit with this number has come in. The tablet sends its visits when it has a network.
    """
    from certify.storage.agents import all_agents
    from certify.storage.bundles import bundles_of_slip

    try:
        start = bytes.fromhex("".join(number.split()))
    except ValueError:
        start = b""
    if len(start) != _SLIP_BYTES:
        raise Invalid(
            "This is not the number of a slip.",
            hint="It has eight characters, each a digit or a letter from A to F.",
            code=ErrorCode.SLIP_NUMBER,
        )
    with opened_service() as service, service.reading() as unit:
        badges = {agent.id: agent.badge for agent in all_agents(unit.db)}
        found = [
            {
                "visit": str(row.visit_id),
                "agent": badges.get(row.agent_id),
                "made": row.happened_at.isoformat() if row.happened_at else None,
                "received": row.received_at.isoformat(),
                "state": row.state,
                "reason": row.reason,
                "result": row.result,
            }
            for row in bundles_of_slip(unit.db, start)
        ]
    if as_json:
        print_json(found)
    for one in found if not as_json else ():
        for name, value in one.items():
            say(f"{name}: {value or '-'}")
    if not found:
        if not as_json:
            say("No visit with this number has come in. The tablet sends it when it has a network.")
        raise typer.Exit(ExitCode.NO)


@app.command()
def gather(
    share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of visits that a second agent repeats.", callback=require_finite),
    ] = RECHECK_SHARE,
    as_json: AsJson = False,
) -> None:
    """Create a visit request for each person who needs a visit and has no open one. Safe to repeat.

    Reasons: attempts used up, a proof overdue, a silent pass drawn for audit, a visit drawn to be repeated.
    """
    from certify.doorstep.planning import gather_needs

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
        say(f"{reason}: {number:,}")
    if not found:
        say("No other person needs a visit.")


@app.command()
def plan(
    first_day: FirstDay = None,
    days: Days = 14,
    workdays: Workdays = WORKDAYS,
    reorder: Annotated[
        bool, typer.Option("--rebalance", help="Also find the order of every day again, as after an agent fell ill.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give each waiting visit an agent and a day, by area, wish, urgency and capacity.

    Visits that are planned already keep their agent and day. Run it again after 'certify agent away': the other agents
    take over as many visits as they have room for.
    """
    from certify.doorstep.planning import plan_visits, rebalance

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
    state: OnlyState = None,
    badge: Annotated[str | None, typer.Option(help="Only visits of the agent with this badge.")] = None,
    day: Annotated[datetime | None, day_option("Only visits on this day.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="Most visits to list.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List open visits without names: planned ones by day, agent and place, then those without a day."""
    from certify.storage.visits import OPEN, list_visits

    states = OPEN if state is None else (state.value,)
    with opened_service() as service, service.reading() as unit:
        rows = list_visits(unit.db, states, badge=badge, day=None if day is None else day.date(), limit=limit)
    names = ("id", "beneficiary_id", "state", "reason", "planned_on", "place", "wanted_on", "part", "asked_at", "tries")
    if as_json:
        print_json(
            [{name: getattr(row, name) for name in names} | {"badge": agent, "area": area} for row, agent, area in rows]
        )
        return
    if not rows:
        say("No visit is open.")
        return
    show_table(
        [
            Column("visit", whole=True),
            "on",
            Column("badge", whole=True),
            Column("place", right=True),
            "reason",
            "wished for",
            "area",
        ],
        [
            (
                str(row.id),
                str(row.planned_on or "-"),
                agent,
                str(row.place or ""),
                row.reason,
                " ".join(str(word) for word in (row.wanted_on, row.part) if word),
                area,
            )
            for row, agent, area in rows
        ],
    )


@app.command()
def export(
    out: Annotated[Path, output_file("CSV file to write; only you can read it.", private=True)],
    state: OnlyState = None,
    first_day: Annotated[
        datetime | None, day_option("Leave out visits that are planned before this day.", "--from")
    ] = None,
    last_day: Annotated[
        datetime | None, day_option("Leave out visits that are planned after this day.", "--to")
    ] = None,
    with_homes: Annotated[
        bool,
        typer.Option("--with-homes", help="Also write names, addresses and directions. The ledger records that."),
    ] = False,
) -> None:
    """Write open visits to a CSV file, for a fund that plans elsewhere or prints lists.

    Columns: visit, badge, planned_on, place, reason, wanted_on, part, area, national_id_masked; with --with-homes also
    name, address, directions. Fill in badge and planned_on and import the file with 'certify visit import'.
    """
    from certify.doorstep.plan_file import export_plan
    from certify.private_file import write_private
    from certify.storage.visits import OPEN

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
    say(f"{visits:,} visits: {out}")


@app.command("import")
def import_them(
    file: FileArgument, quarantine: Quarantine = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """Import a plan that was made elsewhere. Rows that cannot be used go to a quarantine file with the reason.

    Columns: badge, planned_on, optionally place; and visit, or national_id or card_number. A person without an open
    visit gets one. Rows with neither badge nor day are skipped. Exit code 3 when any row was quarantined.
    """
    from certify.doorstep.plan_file import import_plan

    import_file(import_plan, "Planning", file, quarantine, encoding, as_json=as_json)


@app.command("homes")
def import_their_homes(
    file: FileArgument, quarantine: Quarantine = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """Store the homes of people from a file. Rows that cannot be used go to a quarantine file with the reason.

    Columns: national_id or card_number, address, and where known directions, latitude, longitude (degrees). Exit code 3
    when any row was quarantined.
    """
    from certify.doorstep.homes_file import import_homes

    import_file(import_homes, "Homes", file, quarantine, encoding, as_json=as_json)


@app.command("backlog")
def show_backlog(
    html: Annotated[Path | None, output_file("Also write it as one page with plots to this HTML file.")] = None,
    first_day: FirstDay = None,
    days: Days = 14,
    workdays: Workdays = WORKDAYS,
    as_json: AsJson = False,
) -> None:
    """Show how many visits wait and how many can be made: by area and day, with reasons and waiting times."""
    from certify.doorstep.backlog import backlog
    from certify.doorstep.backlog_page import backlog_page

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
        say(f"Page: {html}")


def _show_planned(done: Planned) -> None:
    if done.late:
        say(f"{done.late:,} visits were planned for days long past, and are planned again.")
    say(f"{done.planned:,} visits planned.")
    for reason, number in sorted(done.left.items()):
        say(f"  {number:,} not: {_WHY_LEFT[reason]}")


def _show_backlog(found: Backlog) -> None:
    show_table(
        ["area", *(Column(title, right=True) for title in ("no day yet", "planned", "can be made"))],
        [
            (load.area or "everywhere", f"{load.asked:,}", f"{load.planned:,}", f"{load.capacity:,}")
            for load in found.areas
        ],
    )
    for title, counts in (("needed for", found.reasons), ("waiting for a day", found.waits)):
        listed = ", ".join(f"{name} {number:,}" for name, number in counts.items() if number)
        say(f"{title}: {listed or 'none'}")


def _first(unit: Unit, given: datetime | None) -> date:
    from certify.doorstep.calendar import today_of

    return given.date() if given else today_of(unit) + timedelta(days=1)


def _weekdays(text: str) -> frozenset[int]:
    """Read days of the week.

    Args:
        text: their first three letters, with spaces or commas between.

    Returns:
        Their numbers; Monday is 0.

    Raises:
        Invalid: a word is not a day, or there is none (``workdays``).
    """
    words = [word[:3].lower() for word in text.replace(",", " ").split()]
    unknown = [word for word in words if word not in WEEK]
    if unknown or not words:
        raise Invalid(
            "The days of the week cannot be read.", hint=f"Write them like '{WORKDAYS}'.", code=ErrorCode.WORKDAYS
        )
    return frozenset(WEEK.index(word) for word in words)
