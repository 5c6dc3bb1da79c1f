"""``certify proposal``: what one officer proposes and another carries out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from certify.cli.choices import FindingKind, ProposedAction, ProposedReason
from certify.cli.options import AsJson, Token, command_group
from certify.cli.output import Ink, print_json, say
from certify.cli.service import deciding, opened_service
from certify.cli.tables import Column, show_table

if TYPE_CHECKING:
    from certify.service import Unit
    from certify.storage.tables.proposals import ProposalRow

app = command_group("Propose what one officer must not do alone; list, carry out, refuse and recall proposals.")

ProposalId = Annotated[UUID, typer.Argument(help="Id of the proposal, from 'certify proposal list'.")]
Reason = Annotated[ProposedReason, typer.Option(help="Why, as a word for counting.")]
Text = Annotated[str, typer.Option(help="Why, in a sentence for the second officer.")]


@app.command("make")
def make(
    action: Annotated[ProposedAction, typer.Argument(help="What is to be done.")],
    target: Annotated[
        str, typer.Argument(help="Id of the case, person, reference or visit, or number of the certificate.")
    ],
    reason: Reason,
    text: Text,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose an action. If the policy asks for one officer only, it is carried out at once."""
    from certify.queue import DatabaseQueue

    with deciding(token, queue=DatabaseQueue()) as (unit, officer):
        shown = propose_here(unit, action.value, target, officer, reason, text)
    tell_proposal(shown, as_json=as_json)


@app.command("finding")
def finding(
    person: Annotated[UUID, typer.Argument(help="Id of the person.")],
    kind: Annotated[FindingKind, typer.Argument(help="What is found.")],
    about: Annotated[str, typer.Argument(help="Name of the condition in the policy, or kind of the record.")],
    scheme: Annotated[str, typer.Option(help="Scheme of the pension.")],
    reason: Reason,
    text: Text,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day on which it holds.")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, or the day of the next review.")
    ] = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose a finding about a pension: study until a day, a review, half pay in prison, a wrong record.

    It rests on the records that stand about the person, and on what you write. Where the policy asks for two officers,
    as it does for parts, it counts when a second officer carries it out. Exit code 3 when the policy does not know it.
    """
    from certify.decision.findings import Found, with_details

    found = Found(about, scheme, since.date() if since else None, until.date() if until else None)
    with deciding(token) as (unit, officer):
        shown = propose_here(unit, kind.value, str(person), officer, reason, with_details(found, text))
    tell_proposal(shown, as_json=as_json)


@app.command("list")
def list_them(
    state: Annotated[
        str | None, typer.Option(help="Only proposals in this state, such as proposed or waiting.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most proposals to list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List proposals, oldest first, with who made them and what became of them."""
    from certify.storage.proposals import ProposalFilter, list_proposals

    with opened_service() as service, service.reading() as unit:
        rows = list_proposals(unit.db, ProposalFilter(state=state), limit=limit)
        shown = [plain_proposal(unit, row) for row in rows]
    if as_json:
        print_json(shown)
        return
    if not shown:
        say("There is no such proposal.")
        return
    show_table(
        [Column("proposal", whole=True), "action", "reason", "proposed by", "proposed (UTC)", "state"],
        [
            (
                str(row["id"]),
                row["action"],
                row["reason"],
                row["proposed_by"],
                f"{row['proposed_at']:%Y-%m-%d %H:%M}",
                row["state"],
            )
            for row in shown
        ],
    )


@app.command()
def show(proposal: ProposalId, as_json: AsJson = False) -> None:
    """Show a proposal with the text of its reason. Exit code 3 when there is no such proposal."""
    from certify.storage.proposals import get_proposal

    with opened_service() as service, service.reading() as unit:
        shown = plain_proposal(unit, get_proposal(unit.db, proposal))
    tell_proposal(shown, as_json=as_json)


@app.command("carry-out")
def carry_out(proposal: ProposalId, token: Token = None, as_json: AsJson = False) -> None:
    """Carry a proposal out, as the second officer. An erasure then waits for the time of the policy.

    Exit code 3 when you proposed it, opened the case or enrolled the person, or when it is settled.
    """
    from certify.approvals.actions import carry_out as carry
    from certify.queue import DatabaseQueue

    with deciding(token, queue=DatabaseQueue()) as (unit, officer):
        shown = plain_proposal(unit, carry(unit, proposal, officer=officer))
    tell_proposal(shown, as_json=as_json)


@app.command()
def refuse(proposal: ProposalId, token: Token = None, as_json: AsJson = False) -> None:
    """Refuse a proposal, as the second officer."""
    from certify.decision.proposals import refuse_proposal

    with deciding(token) as (unit, officer):
        shown = plain_proposal(unit, refuse_proposal(unit, proposal, officer=officer))
    tell_proposal(shown, as_json=as_json)


@app.command()
def recall(proposal: ProposalId, token: Token = None, as_json: AsJson = False) -> None:
    """Recall your own proposal, or an erasure that waits for its time."""
    from certify.decision.proposals import recall_proposal

    with deciding(token) as (unit, officer):
        shown = plain_proposal(unit, recall_proposal(unit, proposal, by=officer))
    tell_proposal(shown, as_json=as_json)


def propose_here(
    unit: Unit, action: str, target: str, officer: str, reason: ProposedReason, text: str
) -> dict[str, Any]:
    """Propose an action, and return the proposal as plain values.

    Args:
        unit: the transaction to write in.
        action: value of ``certify.domain.four_eyes.Action``.
        target: id of the case, person, reference or visit, or number of the certificate.
        officer: the principal who proposes.
        reason: why, as a word.
        text: why, in a sentence.
    """
    from certify.approvals.actions import propose
    from certify.decision.proposals import Why
    from certify.domain.four_eyes import Action, ActionReason

    why = Why(ActionReason(reason.value), text)
    return plain_proposal(unit, propose(unit, Action(action), target, officer=officer, why=why))


def plain_proposal(unit: Unit, row: ProposalRow) -> dict[str, Any]:
    """Return a proposal as plain values, with the text of its reason."""
    from certify.decision.proposals import text_of

    names = (
        "id action target beneficiary_id reason state proposed_by proposed_at expires_at decided_by decided_at due_at"
    )
    return {name: getattr(row, name) for name in names.split()} | {"text": text_of(unit, row)}


def tell_proposal(shown: dict[str, Any], *, as_json: bool) -> None:
    """Print a proposal, and what has to happen next."""
    if as_json:
        print_json(shown)
        return
    say(Ink(shown["action"], "bold"), f" {shown['target']}: {shown['state']}, proposed by {shown['proposed_by']}.")
    if shown["text"]:
        say(f"  {shown['reason']}: {shown['text']}")
    if shown["state"] == "proposed":
        say(f"  A second officer decides: certify proposal carry-out {shown['id']}")
    elif shown["state"] == "waiting":
        say(f"  Carried out on {shown['due_at']:%Y-%m-%d %H:%M} UTC; until then: certify proposal recall {shown['id']}")
