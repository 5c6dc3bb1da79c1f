"""``certify agent``: who visits people at home, and with which tablets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Column, Table

from certify.cli import supervise
from certify.cli.output import AsJson, Officer, console, opened_service, operator, print_json, read_photo
from certify.domain.route import Point
from certify.domain.states import AgentState
from certify.doorstep.agents import (
    MAX_PHOTO,
    AgentChange,
    NewAgent,
    add_agent,
    change_agent,
    set_agent_state,
)
from certify.doorstep.tablets import invite_tablet, revoke_tablet
from certify.errors import Invalid, NotFound
from certify.service import Unit
from certify.storage.agents import all_agents
from certify.storage.tables.doorstep import AgentRow
from certify.storage.tablets import tablets_of

app = typer.Typer(help="Agents who visit people at home, and their tablets.", no_args_is_help=True)

_BASE = "Where the agent's days begin: latitude and longitude in degrees, like '39.91,116.40'."
Photo = Annotated[Path | None, typer.Option(help="JPEG, shown at the door.", exists=True, dir_okay=False)]
Badge = Annotated[str, typer.Argument(help="Badge of the agent, from 'certify agent list'.")]


@app.callback()
def _group() -> None:
    """Agents who visit people at home, and their tablets."""


@app.command()
def add(
    badge: Annotated[str, typer.Argument(help="2 to 30 letters, digits or '-'; it stands on the agent's card.")],
    name: Annotated[str, typer.Argument(help="Name, as whoever opens the door is shown it.")],
    area: Annotated[str, typer.Option(help="Region, or what regions begin with; '' is everywhere.")],
    capacity: Annotated[int, typer.Option(min=0, max=60, help="Visits a day.")] = 12,
    photo: Photo = None,
    base: Annotated[str, typer.Option(help=_BASE)] = "",
    as_json: AsJson = False,
) -> None:
    """Add an agent who visits people at home. 'certify agent invite' then enrols a tablet."""
    data = None if photo is None else read_photo(photo, MAX_PHOTO)
    with opened_service() as service, service.unit(operator()) as unit:
        row = add_agent(
            unit, NewAgent(badge=badge, name=name, area=area, capacity=capacity, photo=data, base=_point(base))
        )
    if as_json:
        print_json({"agent": row.id, "badge": row.badge})
    else:
        console.print(f"Agent {row.badge} was added.", highlight=False)


@app.command()
def change(
    badge: Badge,
    name: Annotated[str | None, typer.Option(help="Name, as whoever opens the door is shown it.")] = None,
    area: Annotated[str | None, typer.Option(help="Region, or what regions begin with; '' is everywhere.")] = None,
    capacity: Annotated[int | None, typer.Option(min=0, max=60, help="Visits a day.")] = None,
    photo: Photo = None,
    base: Annotated[str | None, typer.Option(help=f"{_BASE} '' is nowhere.")] = None,
) -> None:
    """Change an agent; what is not given stays. What is planned for them stays too: plan anew after it."""
    given = AgentChange()
    if name is not None:
        given["name"] = name
    if area is not None:
        given["area"] = area
    if capacity is not None:
        given["capacity"] = capacity
    if photo is not None:
        given["photo"] = read_photo(photo, MAX_PHOTO)
    if base is not None:
        given["base"] = _point(base)
    with opened_service() as service, service.unit(operator()) as unit:
        change_agent(unit, _agent(unit, badge).id, given)
    console.print(f"Agent {badge} was changed.", highlight=False)


@app.command("list")
def list_them(as_json: AsJson = False) -> None:
    """List agents: where they work, how many visits a day, whether they work now."""
    with opened_service() as service, service.reading() as unit:
        rows = all_agents(unit.db)
    if as_json:
        names = ("id", "badge", "name", "area", "capacity", "state")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    table = Table("badge", "name", "area", "visits a day", "state")
    for row in rows:
        table.add_row(row.badge, row.name, row.area or "everywhere", str(row.capacity), row.state)
    console.print(table if rows else "There are no agents yet; 'certify agent add' adds one.")


@app.command()
def away(badge: Badge) -> None:
    """Say that an agent is ill or on leave. What was planned for them waits for 'certify visit plan'."""
    _set(badge, AgentState.AWAY)


@app.command()
def back(badge: Badge) -> None:
    """Say that an agent works again. A suspended agent needs new tablets: 'certify agent invite'."""
    _set(badge, AgentState.ACTIVE)


@app.command()
def suspend(badge: Badge) -> None:
    """Suspend an agent until a supervisor has looked: no visits, and all tablets are revoked at once."""
    _set(badge, AgentState.SUSPENDED)


@app.command()
def invite(badge: Badge, officer: Officer, as_json: AsJson = False) -> None:
    """Print the link that enrols one tablet of an agent, once. Hand it over; do not send it around."""
    with opened_service() as service:
        with service.unit(operator()) as unit:
            row, secret = invite_tablet(unit, _agent(unit, badge), officer=officer)
            tablet, until = row.id, row.invite_expires_at
        link = f"{service.settings.public_url.rstrip('/')}/agent#e={secret}"
    if as_json:
        print_json({"tablet": tablet, "link": link, "expires_at": until})
        return
    console.print(link, highlight=False, soft_wrap=True)
    console.print(f"It enrols one tablet, until {until:%Y-%m-%d %H:%M} UTC.", highlight=False)


@app.command()
def tablets(badge: Badge, as_json: AsJson = False) -> None:
    """List the tablets of an agent, newest first: invited, active, revoked, and when they were last seen."""
    with opened_service() as service, service.reading() as unit:
        rows = tablets_of(unit.db, _agent(unit, badge).id)
    if as_json:
        names = ("id", "state", "invited_by", "invited_at", "invite_expires_at", "enrolled_at", "revoked_at", "seen_at")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    table = Table(Column("tablet", no_wrap=True), "state", "invited by", "enrolled (UTC)", "seen (UTC)")
    for row in rows:
        times = [f"{at:%Y-%m-%d %H:%M}" if at else "-" for at in (row.enrolled_at, row.seen_at)]
        table.add_row(str(row.id), row.state, row.invited_by, *times)
    console.print(table if rows else "This agent has no tablet; 'certify agent invite' enrols one.")


@app.command()
def revoke(
    tablet: Annotated[UUID, typer.Argument(help="Id of the tablet, from 'certify agent tablets'.")], officer: Officer
) -> None:
    """End a tablet that was lost, stolen, or is not needed any more. What it sends from now on counts for nothing."""
    with opened_service() as service, service.unit(operator()) as unit:
        revoke_tablet(unit, tablet, officer=officer)
    console.print("Revoked.")


def _point(text: str) -> Point | None:
    if not text.strip():
        return None
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise Invalid("The base cannot be read.", hint="Write it like 39.91,116.40.", code="agent_invalid") from None
    return latitude, longitude


def _set(badge: str, state: AgentState) -> None:
    with opened_service() as service, service.unit(operator()) as unit:
        row = set_agent_state(unit, _agent(unit, badge).id, state)
    console.print(f"Agent {row.badge} is {row.state}.", highlight=False)


def _agent(unit: Unit, badge: str) -> AgentRow:
    found = next((row for row in all_agents(unit.db) if row.badge == badge), None)
    if found is None:
        raise NotFound("No agent has this badge.", hint="'certify agent list' shows all.", code="agent_not_found")
    return found


supervise.register(app)
