"""``certify case``: review cases at the command line."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from certify.cli.output import AsJson, Officer, agreed, console, opened_service, operator, print_json
from certify.cli.person import show_standings, standings_as_json
from certify.decision.determinations import find_determination
from certify.decision.review import Decision
from certify.decision.review import rule as give_ruling
from certify.domain.states import CaseState
from certify.errors import Invalid
from certify.service import Unit, utc_now
from certify.storage.people import entitlements_of, get_beneficiary
from certify.storage.questions import open_questions_of
from certify.storage.reviews import get_case, list_cases
from certify.storage.runs import get_run
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.runs import LinkQuestionRow

app = typer.Typer(help="Look at review cases and rule on them.", no_args_is_help=True)


class Answer(StrEnum):
    """What a record means."""

    SAME = "same"
    DIFFERENT = "different"


@app.callback()
def _group() -> None:
    """Look at review cases and rule on them."""


@app.command("list")
def list_them(
    state: Annotated[CaseState, typer.Option(help="Which cases.")] = CaseState.OPEN,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List review cases; who has waited longest comes first.

    Kinds: adverse_record (a certificate is paused or a payment stopped), overdue, question (an officer has to look),
    other_path (the usual way is not open to the person), visit (attempts used up), photo_not_processed (the service
    could not work on a photo), link (does a registry's record mean this person?), false_pass (an audit found one), and
    what people asked for: appeal, proof_in_person, not_me (a record on a receipt was not theirs).
    """
    with opened_service() as service, service.reading() as unit:
        rows = list_cases(unit.db, state=state.value, limit=limit)
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    if not rows:
        console.print(f"No case is {state}.")
        return
    table = Table("case", "kind", "person", "opened (UTC)", "waiting" if state is CaseState.OPEN else "resolution")
    for row in rows:
        days = (utc_now() - row.opened_at).days
        last = f"{days} days" if state is CaseState.OPEN else row.resolution or ""
        table.add_row(str(row.id), row.kind, str(row.beneficiary_id), f"{row.opened_at:%Y-%m-%d %H:%M}", last)
    console.print(table)


@app.command()
def show(
    case: Annotated[UUID, typer.Argument(help="Id of the case, from 'certify case list'.")], as_json: AsJson = False
) -> None:
    """Show a review case: whom it is about, how their pensions stand, and the reasons that opened it.

    Exit code 3 when there is no such case.
    """
    with opened_service() as service, service.reading() as unit:
        row = get_case(unit.db, case)
        person = get_beneficiary(unit.db, row.beneficiary_id)
        pensions = entitlements_of(unit.db, person.id)
        verdict = find_determination(unit, row.determination_id).verdict if row.determination_id else None
        questions = (
            [_question(unit, row) for row in open_questions_of(unit.db, person.id)] if row.kind == "link" else []
        )
    reasons = [reason["text"] for reason in verdict["reasons"]] if verdict else []
    if as_json:
        whom = {"name": person.name, "national_id": person.national_id_masked, "birth_date": person.birth_date}
        print_json({**_plain(row), **whom, "entitlements": standings_as_json(pensions), "reasons": reasons,
                    "questions": questions})  # fmt: skip
        return
    console.print(f"[bold]{row.kind}[/]  {row.state}  opened {row.opened_at:%Y-%m-%d %H:%M} UTC", highlight=False)
    if row.closed_at:
        console.print(
            f"  closed {row.closed_at:%Y-%m-%d %H:%M} UTC by {row.closed_by}: {row.resolution}", highlight=False
        )
    console.print(
        f"  {person.name or 'erased'}, born {person.birth_date or 'unknown'}, {person.national_id_masked}, "
        f"person {person.id}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    for text in reasons:
        console.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)
    for question in questions:
        _show_question(question)
    show_standings(pensions)


@app.command()
def answer(
    question: Annotated[UUID, typer.Argument(help="Id of the question, from 'certify case show'.")],
    verdict: Annotated[
        Answer, typer.Argument(help="same: the record means this person; different: it means somebody else.")
    ],
    officer: Officer,
) -> None:
    """Settle whether a registry's record means a person. "same" makes it evidence, with all that follows.

    "different" goes back to the registry with 'certify feed corrections'. Exit code 3 when it is settled already.
    """
    from certify.registry.runs.questions import answer as settle  # noqa: PLC0415 - linking is slow to load

    with opened_service() as service:
        with service.unit(operator()) as unit:
            row = settle(unit, question, officer=officer, same=verdict is Answer.SAME)
        with service.reading() as unit:
            pensions = entitlements_of(unit.db, row.beneficiary_id)
    console.print(f"[green]✓[/] Settled: {row.state}, by {row.answered_by}.", highlight=False)
    show_standings(pensions)


@app.command()
def rule(
    case: Annotated[UUID, typer.Argument(help="Id of the case, from 'certify case list'.")],
    ruling: Annotated[
        Decision,
        typer.Argument(help="confirm_alive: seen or spoken to; stop: the payment stops; no_change: neither."),
    ],
    officer: Annotated[str, typer.Option(help="Who rules, as evidence and ledger show it: a staff number.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a payment is stopped.")] = False,
    as_json: AsJson = False,
) -> None:
    """Close a review case with an officer's ruling; certificate and payment follow at once.

    confirm_alive says that the officer saw or spoke to the person: it proves life and dismisses a wrong report of
    death (not a move abroad, not prison). stop stops the payment, and asks first. A later confirm_alive lifts a stop.
    no_change closes a case that needs neither, such as a photo that could not be processed.

    Exit code 0 when ruled, 1 when you declined, 3 when the case does not exist or is closed already.
    """
    if not officer.strip() or len(officer) > 100:
        raise Invalid("Say who rules with --officer, in at most 100 characters.", code="officer_missing")
    with opened_service() as service:
        with service.reading() as unit:
            row = get_case(unit.db, case)
        if ruling is Decision.STOP and row.state == CaseState.OPEN and not yes:
            agreed(f"Stop the payments of person {row.beneficiary_id}?")
        with service.unit(operator()) as unit:
            row, _ = give_ruling(unit, case, officer=officer.strip(), decision=ruling)
        with service.reading() as unit:
            pensions = entitlements_of(unit.db, row.beneficiary_id)
    if as_json:
        print_json({**_plain(row), "entitlements": standings_as_json(pensions)})
        return
    console.print(f"[green]✓[/] Closed: {row.resolution}, by {row.closed_by}.", highlight=False)
    show_standings(pensions)


def _question(unit: Unit, row: LinkQuestionRow) -> dict[str, Any]:
    from certify.registry.linking import REASONS  # noqa: PLC0415 - slow to load, and few cases are questions
    from certify.registry.runs.questions import explain_question, record_of  # noqa: PLC0415

    run = get_run(unit.db, row.run_id)
    return {
        "id": row.id,
        "source": row.source,
        "record_id": row.external_id,
        "kind": row.adverse,
        "reason": REASONS.get(row.reason, row.reason),
        "record": record_of(unit, row),
        "why": [asdict(term) for term in explain_question(run, row)],
    }


def _show_question(question: dict[str, Any]) -> None:
    record = ", ".join(f"{name} {value}" for name, value in question["record"].items() if value)
    console.print(f"[bold]question {question['id']}[/]: does {question['kind']} record {question['record_id']} of "
                  f"{question['source']} mean this person?", highlight=False, soft_wrap=True)  # fmt: skip
    console.print(f"  {question['reason']}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"  The record says: {record}", highlight=False, markup=False, soft_wrap=True)
    table = Table("compared", "agreement", "bits", "sum")
    for term in question["why"]:
        table.add_row(term["term"], term["agreement"], f"{term['weight']:+.1f}", f"{term['total']:+.1f}")
    console.print(table)


def _plain(row: ReviewCaseRow) -> dict[str, Any]:
    names = (
        "id",
        "beneficiary_id",
        "kind",
        "state",
        "opened_at",
        "closed_at",
        "closed_by",
        "resolution",
        "determination_id",
    )
    return {name: getattr(row, name) for name in names}
