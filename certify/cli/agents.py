"""``certify agent``: the agents who visit people at home, and their tablets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from certify.cli import supervise
from certify.cli.options import AsJson, Token, command_group
from certify.cli.output import print_json, say
from certify.cli.service import deciding, opened_service, operator, read_photo
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid, NotFound

if TYPE_CHECKING:
    from certify.domain.route import Point
    from certify.doorstep.agents import AgentChange
    from certify.service import Unit
    from certify.storage.tables.doorstep import AgentRow

app = command_group("Agents who visit people at home, and their tablets.")

_NAME = "Name of the agent, as it is shown at the door."
_AREA = "Region where the agent works, or what such regions begin with; '' is everywhere."
_BASE = "Where the agent's days begin: latitude and longitude in degrees, like '39.91,116.40'."
Photo = Annotated[
    Path | None, typer.Option(help="JPEG photo of the agent, shown at the door.", exists=True, dir_okay=False)
]
Badge = Annotated[str, typer.Argument(help="Badge of the agent, from 'certify agent list'.")]


@app.command()
def add(
    badge: Annotated[str, typer.Argument(help="Badge: 2 to 30 letters, digits or '-', as on the agent's card.")],
    name: Annotated[str, typer.Argument(help=_NAME)],
    area: Annotated[str, typer.Option(help=_AREA)],
    capacity: Annotated[int, typer.Option(min=0, max=60, help="Visits a day.")] = 12,
    photo: Photo = None,
    base: Annotated[str, typer.Option(help=_BASE)] = "",
    as_json: AsJson = False,
) -> None:
    """Add an agent who visits people at home. 'certify agent invite' then enrols a tablet."""
    from certify.doorstep.agents import MAX_PHOTO, NewAgent, add_agent

    data = None if photo is None else read_photo(photo, MAX_PHOTO)
    with opened_service() as service, service.unit(operator()) as unit:
        row = add_agent(
            unit, NewAgent(badge=badge, name=name, area=area, capacity=capacity, photo=data, base=_point(base))
        )
    if as_json:
        print_json({"agent": row.id, "badge": row.badge})
    else:
        say(f"Agent {row.badge} was added.")


@app.command()
def change(
    badge: Badge,
    name: Annotated[str | None, typer.Option(help=_NAME)] = None,
    area: Annotated[str | None, typer.Option(help=_AREA)] = None,
    capacity: Annotated[int | None, typer.Option(min=0, max=60, help="Visits a day.")] = None,
    photo: Photo = None,
    base: Annotated[str | None, typer.Option(help=f"{_BASE} '' removes it.")] = None,
) -> None:
    """Change an agent. Details that are not given stay as they are.

    Visits that are planned for the agent stay planned; run 'certify visit plan --rebalance' afterwards.
    """
    from certify.doorstep.agents import MAX_PHOTO, change_agent

    given: AgentChange = {}
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
    say(f"Agent {badge} was changed.")


@app.command("list")
def list_them(as_json: AsJson = False) -> None:
    """List agents: where they work, how many visits they make a day, and whether they work now."""
    from certify.storage.agents import all_agents

    with opened_service() as service, service.reading() as unit:
        rows = all_agents(unit.db)
    if as_json:
        names = ("id", "badge", "name", "area", "capacity", "state")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    if not rows:
        say("There are no agents yet; 'certify agent add' adds one.")
        return
    show_table(
        [Column("badge", whole=True), "name", "area", Column("visits a day", right=True), "state"],
        [(row.badge, row.name, row.area or "everywhere", str(row.capacity), row.state) for row in rows],
    )


@app.command()
def away(badge: Badge) -> None:
    """Mark an agent as ill or on leave. The agent's planned visits wait for the next 'certify visit plan'."""
    _set(badge, "away")


@app.command()
def back(badge: Badge) -> None:
    """Mark an agent as working again. A suspended agent needs new tablets: 'certify agent invite'."""
    _set(badge, "active")


@app.command()
def suspend(badge: Badge) -> None:
    """Suspend an agent until a supervisor decides: no visits, and all tablets are revoked at once."""
    _set(badge, "suspended")


@app.command("sign-out")
def sign_out(badge: Badge, as_json: AsJson = False) -> None:
    """Sign an agent out on all tablets at once. The tablets stay enrolled; the passkey signs in again."""
    from certify.doorstep.tablets import end_sign_ins_of_agent

    with opened_service() as service, service.unit(operator()) as unit:
        ended = end_sign_ins_of_agent(unit, _agent(unit, badge).id)
    if as_json:
        print_json({"badge": badge, "ended": ended})
    else:
        say(f"Agent {badge}: {ended} sign-ins were ended.")


@app.command()
def invite(badge: Badge, token: Token = None, as_json: AsJson = False) -> None:
    """Print the link that enrols one tablet of an agent, once. Hand it over in person; do not send it."""
    from certify.doorstep.tablets import invite_tablet

    with deciding(token) as (unit, officer):
        row, secret = invite_tablet(unit, _agent(unit, badge), officer=officer)
        tablet, until = row.id, row.invite_expires_at
        link = f"{unit.service.settings.public_url.rstrip('/')}/agent#e={secret}"
    if as_json:
        print_json({"tablet": tablet, "link": link, "expires_at": until})
        return
    say(link)
    say(f"It enrols one tablet, until {until:%Y-%m-%d %H:%M} UTC.")


@app.command()
def tablets(badge: Badge, as_json: AsJson = False) -> None:
    """List the tablets of an agent, newest first: invited, active or revoked, and when the service last saw them."""
    from certify.storage.tablets import tablets_of

    with opened_service() as service, service.reading() as unit:
        rows = tablets_of(unit.db, _agent(unit, badge).id)
    if as_json:
        names = ("id", "state", "invited_by", "invited_at", "invite_expires_at", "enrolled_at", "revoked_at", "seen_at")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    if not rows:
        say("This agent has no tablet; 'certify agent invite' enrols one.")
        return
    show_table(
        [Column("tablet", whole=True), "state", "invited by", "enrolled (UTC)", "seen (UTC)"],
        [
            (
                str(row.id),
                row.state,
                row.invited_by,
                *(f"{at:%Y-%m-%d %H:%M}" if at else "-" for at in (row.enrolled_at, row.seen_at)),
            )
            for row in rows
        ],
    )


@app.command()
def revoke(
    tablet: Annotated[UUID, typer.Argument(help="Id of the tablet, from 'certify agent tablets'.")],
    token: Token = None,
) -> None:
    """Revoke a tablet that was lost, stolen or is not needed any more. What it sends from now on does not count."""
    from certify.doorstep.tablets import revoke_tablet

    with deciding(token) as (unit, officer):
        revoke_tablet(unit, tablet, officer=officer)
    say("Revoked.")


def _point(text: str) -> Point | None:
    """Read latitude and longitude.

    Args:
        text: two numbers with a comma between, or nothing.

    Returns:
        The place in degrees; None where the text is empty.

    Raises:
        Invalid: it is neither (``agent_invalid``).
    """
    if not text.strip():
        return None
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise Invalid(
            "The base cannot be read.", hint="Write it like 39.91,116.40.", code=ErrorCode.AGENT_INVALID
        ) from None
    return latitude, longitude


def _set(badge: str, state: str) -> None:
    from certify.domain.states import AgentState
    from certify.doorstep.agents import set_agent_state

    with opened_service() as service, service.unit(operator()) as unit:
        row = set_agent_state(unit, _agent(unit, badge).id, AgentState(state))
    say(f"Agent {row.badge} is {row.state}.")


def _agent(unit: Unit, badge: str) -> AgentRow:
    """Return the agent with a badge.

    Args:
        unit: the unit of work.
        badge: the badge as typed.

    Returns:
        The stored agent.

    Raises:
        NotFound: no agent has this badge (``agent_not_found``).
    """
    from certify.storage.agents import all_agents

    found = next((row for row in all_agents(unit.db) if row.badge == badge), None)
    if found is None:
        raise NotFound(
            "No agent has this badge.", hint="'certify agent list' shows all.", code=ErrorCode.AGENT_NOT_FOUND
        )
    return found


supervise.register(app)
