"""``certify agent`` for supervisors: what is unusual about agents, holds, and visits that did not count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Column, Table

from certify.cli.output import AsJson, Officer, console, opened_service, operator, print_json
from certify.doorstep.receive import admit, is_admissible
from certify.doorstep.watch import confirm, release, score_agents, scores_page
from certify.private_file import write_private
from certify.queue import DatabaseQueue
from certify.storage.agents import all_agents
from certify.storage.bundles import refused_bundles
from certify.storage.holds import open_holds

HoldId = Annotated[UUID, typer.Argument(help="Id of the hold, from 'certify agent holds'.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (integrity, holds, refused):
        app.command()(command)
    app.command("release")(release_hold)
    app.command("confirm")(confirm_hold)
    app.command("admit")(admit_visit)


def integrity(
    html: Annotated[Path, typer.Option(help="Where to write the page.", dir_okay=False)] = Path("agents.html"),
) -> None:
    """Write a page with what is unusual about each agent's visits, and how the score grew visit by visit."""
    with opened_service() as service, service.reading() as unit:
        found = score_agents(unit)
        page = scores_page(found, unit.now)
    write_private(html, page.encode())
    console.print(f"Wrote {html}: {len(found.scores)} agents.", soft_wrap=True)


def holds(as_json: AsJson = False) -> None:
    """List the agents whose certificates are held until a supervisor has looked, and why."""
    with opened_service() as service, service.reading() as unit:
        rows = open_holds(unit.db)
        badges = {agent.id: agent.badge for agent in all_agents(unit.db)}
    if as_json:
        names = ("id", "agent_id", "score", "signals", "opened_at")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    table = Table(Column("hold", no_wrap=True), "badge", "score", "unusual", "since (UTC)")
    for row in rows:
        why = ", ".join(f"{one['signal']} {one['hits']} of {one['trials']}" for one in row.signals)
        table.add_row(str(row.id), badges[row.agent_id], f"{row.score:.1f}", why, f"{row.opened_at:%Y-%m-%d %H:%M}")
    console.print(table if rows else "Nothing is held.")


def release_hold(hold: HoldId, officer: Officer) -> None:
    """End a hold: there is an honest explanation. Everybody stands as before."""
    with opened_service() as service, service.unit(operator()) as unit:
        release(unit, hold, officer=officer)
    console.print("Released: the certificates count again.")


def confirm_hold(hold: HoldId, officer: Officer) -> None:
    """End a hold: the agent cheated. They are suspended, and whoever they certified is visited anew."""
    with opened_service() as service, service.unit(operator()) as unit:
        confirm(unit, hold, officer=officer)
    console.print("Confirmed: the agent is suspended; 'certify visit plan' plans the visits anew.")


def refused(as_json: AsJson = False) -> None:
    """List sealed visits that did not count, with the reason of each."""
    with opened_service() as service, service.reading() as unit:
        rows = refused_bundles(unit.db)
        badges = {agent.id: agent.badge for agent in all_agents(unit.db)}
    if as_json:
        names = ("id", "agent_id", "tablet_id", "seq", "reason", "received_at", "delete_after")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    table = Table(Column("visit", no_wrap=True), "badge", Column("reason", no_wrap=True), "received (UTC)", "let in?")
    for row in rows:
        can = "yes" if is_admissible(row) else "no"
        table.add_row(str(row.id), badges[row.agent_id], row.reason, f"{row.received_at:%Y-%m-%d %H:%M}", can)
    console.print(table if rows else "No visit was refused.")


def admit_visit(
    visit: Annotated[UUID, typer.Argument(help="Id of the visit, from 'certify agent refused'.")], officer: Officer
) -> None:
    """Let a refused visit count after all, having looked into it. A worker opens it."""
    with opened_service(queue=DatabaseQueue()) as service, service.unit(operator()) as unit:
        admit(unit, visit, officer=officer)
    console.print("Let in. A worker opens it now.")
