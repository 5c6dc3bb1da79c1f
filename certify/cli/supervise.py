"""``certify agent`` for supervisors: unusual agents, holds, and visits that did not count."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from certify.cli.options import AsJson, Token, output_file
from certify.cli.output import print_json, say
from certify.cli.proposals import Reason, Text, propose_here, tell_proposal
from certify.cli.service import deciding, opened_service
from certify.cli.tables import Column, show_table

HoldId = Annotated[UUID, typer.Argument(help="Id of the hold, from 'certify agent holds'.")]


def register(app: typer.Typer) -> None:
    """Add the commands to their group."""
    for command in (integrity, holds, reports, refused):
        app.command()(command)
    app.command("release")(release_hold)
    app.command("confirm")(confirm_hold)
    app.command("admit")(admit_visit)


def integrity(
    html: Annotated[Path, output_file("HTML file to write; only you can read it.", private=True)] = Path("agents.html"),
) -> None:
    """Write a page that shows what is unusual about each agent's visits, and how the score grew visit by visit."""
    from certify.doorstep.watch import score_agents, scores_page
    from certify.private_file import write_private

    with opened_service() as service, service.reading() as unit:
        found = score_agents(unit)
        page = scores_page(found, unit.now)
    write_private(html, page.encode())
    say(f"Wrote {html}: {len(found.scores)} agents.")


def reports(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days back.")] = 30, as_json: AsJson = False
) -> None:
    """List reports of people at whose door somebody stood who showed no code of ours, or who should not come."""
    from certify.storage.agents import all_agents
    from certify.storage.door_reports import door_reports_since

    with opened_service() as service, service.reading() as unit:
        rows = door_reports_since(unit.db, unit.now - timedelta(days=days), limit=1000)
        badges = {agent.id: agent.badge for agent in all_agents(unit.db)}
    if as_json:
        names = ("id", "made_at", "agent_id", "beneficiary_id")
        print_json([{name: getattr(row, name) for name in names} | {"code": row.code.hex()[:12]} for row in rows])
        return
    if not rows:
        say("Nothing was reported.")
        return
    show_table(
        ["made (UTC)", Column("code", whole=True), "agent", Column("person", whole=True)],
        [
            (
                f"{row.made_at:%Y-%m-%d %H:%M}",
                row.code.hex()[:12],
                badges.get(row.agent_id, "") if row.agent_id else "not ours",
                str(row.beneficiary_id or ""),
            )
            for row in rows
        ],
    )


def holds(as_json: AsJson = False) -> None:
    """List agents whose certificates are held until a supervisor decides, with the reasons."""
    from certify.storage.agents import all_agents
    from certify.storage.holds import open_holds

    with opened_service() as service, service.reading() as unit:
        rows = open_holds(unit.db)
        badges = {agent.id: agent.badge for agent in all_agents(unit.db)}
    if as_json:
        names = ("id", "agent_id", "score", "signals", "opened_at")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    if not rows:
        say("Nothing is held.")
        return
    show_table(
        [
            Column("hold", whole=True),
            Column("badge", whole=True),
            Column("score", right=True),
            "unusual",
            "since (UTC)",
        ],
        [
            (
                str(row.id),
                badges[row.agent_id],
                f"{row.score:.1f}",
                ", ".join(f"{one['signal']} {one['hits']} of {one['trials']}" for one in row.signals),
                f"{row.opened_at:%Y-%m-%d %H:%M}",
            )
            for row in rows
        ],
    )


def release_hold(hold: HoldId, token: Token = None) -> None:
    """End a hold because there is an honest explanation. The certificates count again."""
    from certify.doorstep.watch import release

    with deciding(token) as (unit, officer):
        release(unit, hold, officer=officer)
    say("Released: the certificates count again.")


def confirm_hold(hold: HoldId, token: Token = None) -> None:
    """End a hold because the agent cheated. The agent is suspended, and the people they certified are visited again."""
    from certify.doorstep.watch import confirm

    with deciding(token) as (unit, officer):
        confirm(unit, hold, officer=officer)
    say("Confirmed: the agent is suspended; 'certify visit plan' plans the new visits.")


def refused(as_json: AsJson = False) -> None:
    """List sealed visits that did not count, with the reason of each."""
    from certify.doorstep.receive import is_admissible
    from certify.storage.agents import all_agents
    from certify.storage.bundles import refused_bundles

    with opened_service() as service, service.reading() as unit:
        rows = refused_bundles(unit.db)
        badges = {agent.id: agent.badge for agent in all_agents(unit.db)}
    if as_json:
        names = ("id", "agent_id", "tablet_id", "seq", "reason", "received_at", "delete_after")
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    if not rows:
        say("No visit was refused.")
        return
    show_table(
        [Column("visit", whole=True), Column("badge", whole=True), "reason", "received (UTC)", "can be admitted"],
        [
            (
                str(row.id),
                badges[row.agent_id],
                row.reason,
                f"{row.received_at:%Y-%m-%d %H:%M}",
                "yes" if is_admissible(row) else "no",
            )
            for row in rows
        ],
    )


def admit_visit(
    visit: Annotated[UUID, typer.Argument(help="Id of the visit, from 'certify agent refused'.")],
    reason: Reason,
    text: Text,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to admit a refused visit after looking into it. A second officer agrees, and a worker opens it."""
    from certify.queue import DatabaseQueue

    with deciding(token, queue=DatabaseQueue()) as (unit, officer):
        shown = propose_here(unit, "admit_visit", str(visit), officer, reason, text)
    tell_proposal(shown, as_json=as_json)
