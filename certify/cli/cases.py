"""``certify case``: review cases at the command line."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from certify.cli.choices import ProposedReason, Ruling
from certify.cli.options import AsJson, Token, command_group
from certify.cli.output import Ink, print_json, say
from certify.cli.person import entitlement_lines, show_standings, standings_as_json
from certify.cli.proposals import Reason, Text, propose_here, tell_proposal
from certify.cli.service import deciding, opened_service
from certify.cli.tables import Column, show_table
from certify.domain.reasons import said_span

if TYPE_CHECKING:
    from certify.service import Unit
    from certify.storage.tables.decisions import ReviewCaseRow
    from certify.storage.tables.runs import LinkQuestionRow

app = command_group("List review cases and rule on them.")

CaseId = Annotated[UUID, typer.Argument(help="Id of the case, from 'certify case list'.")]


class Answer(StrEnum):
    """Whether a record is about a person."""

    SAME = "same"
    DIFFERENT = "different"


class FaceAnswer(StrEnum):
    """Whether a photo that looks like another person's face belongs to its person."""

    TWO_PEOPLE = "two_people"
    WRONG_REFERENCE = "wrong_reference"


class CaseState(StrEnum):
    """Which cases to list."""

    OPEN = "open"
    CLOSED = "closed"


@app.command("list")
def list_them(
    state: Annotated[CaseState, typer.Option(help="Only cases in this state.")] = CaseState.OPEN,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most cases to list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List review cases, those that have waited longest first.

    Kinds: adverse_record (a certificate is paused or a payment stopped), overdue, question (an officer has to look),
    other_path (the usual way is not open to the person), visit (attempts used up), photo_not_processed (the service
    could not work on a photo), face_in_doubt (compare the pictures), link (does a registry's record mean this person?),
    false_pass (an audit found one), and what people asked for: appeal, proof_in_person, not_me (a record on a receipt
    was not theirs).
    """
    from certify.service import utc_now
    from certify.storage.reviews import list_cases

    with opened_service() as service, service.reading() as unit:
        rows = list_cases(unit.db, state=state.value, limit=limit)
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    if not rows:
        say(f"No case is {state}.")
        return
    is_open = state is CaseState.OPEN
    show_table(
        [
            Column("case", whole=True),
            "kind",
            Column("person", whole=True),
            "opened (UTC)",
            "waiting" if is_open else "resolution",
        ],
        [
            (
                str(row.id),
                row.kind,
                str(row.beneficiary_id),
                f"{row.opened_at:%Y-%m-%d %H:%M}",
                f"{(utc_now() - row.opened_at).days} days" if is_open else row.resolution,
            )
            for row in rows
        ],
    )


@app.command()
def show(case: CaseId, as_json: AsJson = False) -> None:
    """Show a review case: the person, their pensions, its reasons, and what cameras contradicted.

    Exit code 3 when there is no such case.
    """
    from certify.capture.contradictions import contradictions_of
    from certify.decision.determinations import find_determination
    from certify.storage.duplicate_faces import pairs_of
    from certify.storage.people import entitlements_of, get_beneficiary
    from certify.storage.questions import open_questions_of
    from certify.storage.reviews import get_case

    with opened_service() as service, service.reading() as unit:
        row = get_case(unit.db, case)
        person = get_beneficiary(unit.db, row.beneficiary_id)
        pensions = entitlements_of(unit.db, person.id)
        verdict = find_determination(unit, row.determination_id).verdict if row.determination_id else None
        pairs = pairs_of(unit.db, person.id) if row.kind == "duplicate_face" else ()
        cameras = contradictions_of(unit, person.id)
        entitlements = entitlement_lines(unit, pensions)
        questions = (
            [_question(unit, row) for row in open_questions_of(unit.db, person.id)] if row.kind == "link" else []
        )
    reasons = [reason["text"] for reason in verdict["reasons"]] if verdict else []
    if as_json:
        whom = {"name": person.name, "national_id": person.national_id_masked, "birth_date": person.birth_date}
        print_json({**_plain(row), **whom, "entitlements": standings_as_json(pensions), "reasons": reasons,
                    "entitlement": entitlements, "questions": questions,
                    "cameras": [asdict(found) for found in cameras]})  # fmt: skip
        return
    say(Ink(row.kind, "bold"), f"  {row.state}  opened {row.opened_at:%Y-%m-%d %H:%M} UTC")
    if row.closed_at:
        say(f"  closed {row.closed_at:%Y-%m-%d %H:%M} UTC by {row.closed_by}: {row.resolution}")
    say(
        f"  {person.name or 'erased'}, born {person.birth_date or 'unknown'}, {person.national_id_masked}, "
        f"person {person.id}"
    )
    for text in reasons:
        say(f"  {text}")
    for found in cameras:
        say(f"  Camera on {found.decided_at:%Y-%m-%d}: {found.text} ({found.code}, {found.effect})")
    for question in questions:
        _show_question(question)
    for pair in pairs:
        say(
            f"  Reference {pair.reference_id} looks like reference {pair.other_reference_id} of person {pair.other_id}."
        )
    for line in entitlements:
        say(f"  {line}")
    show_standings(pensions)


@app.command()
def answer(
    question: Annotated[UUID, typer.Argument(help="Id of the question, from 'certify case show'.")],
    verdict: Annotated[
        Answer, typer.Argument(help="same: the record is about this person; different: it is about another person.")
    ],
    token: Token = None,
) -> None:
    """Settle whether a registry's record is about a person. "same" makes the record evidence and determines the person.

    "different" is listed for the registry by 'certify feed corrections'. Exit code 3 when the question is settled
    already.
    """
    from certify.registry.runs.questions import answer as settle
    from certify.storage.people import entitlements_of

    with deciding(token) as (unit, officer):
        row = settle(unit, question, officer=officer, same=verdict is Answer.SAME)
        pensions = entitlements_of(unit.db, row.beneficiary_id)
    say(Ink("✓", "green"), f" Settled: {row.state}, by {row.answered_by}.")
    show_standings(pensions)


@app.command()
def faces(
    case: CaseId,
    verdict: Annotated[
        FaceAnswer,
        typer.Argument(help="two_people: they look alike; wrong_reference: the new photo shows somebody else."),
    ],
    reason: Reason,
    text: Text,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Settle whether a new photo that looks like another person's face belongs to its person.

    "two_people" (twins, for example) ends the hold, and these two are not asked about again; it is a proposal until a
    second officer carries it out. "wrong_reference" refuses the new photo and its templates. If one person draws two
    pensions, rule "stop" with 'certify case rule' instead. Exit code 3 when the case does not exist, is closed already
    or is of another kind, and when you opened it or enrolled the person.
    """
    _decide(case, verdict.value, reason, text, token, as_json=as_json)


@app.command()
def rule(
    case: CaseId,
    ruling: Annotated[
        Ruling,
        typer.Argument(help="confirm_alive: the person was seen or spoken to; stop: stop the payment; no_change."),
    ],
    reason: Reason,
    text: Text,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Rule on a review case, or propose the ruling where the policy asks for a second officer.

    confirm_alive says that the officer saw or spoke to the person: it proves life and dismisses a wrong report of
    death (not a move abroad, not prison). stop stops the payment. A later confirm_alive lifts a stop.
    no_change closes a case that needs neither, such as a photo that could not be processed.

    A stop, and a confirmation against a death, are proposals until a second officer carries them out. You cannot rule
    on a case that you opened, or about a person whom you enrolled. Exit code 3 for these, and when the case does not
    exist or is closed already.
    """
    _decide(case, ruling.value, reason, text, token, as_json=as_json)


def _decide(case: UUID, action: str, reason: ProposedReason, text: str, token: Path | None, *, as_json: bool) -> None:
    from certify.storage.people import entitlements_of
    from certify.storage.reviews import get_case

    with deciding(token) as (unit, officer):
        shown = propose_here(unit, action, str(case), officer, reason, text)
        row = get_case(unit.db, case)
        pensions = entitlements_of(unit.db, row.beneficiary_id)
    if as_json:
        print_json({**_plain(row), "entitlements": standings_as_json(pensions), "proposal": shown})
        return
    tell_proposal(shown, as_json=False)
    if row.state == CaseState.CLOSED:
        say(Ink("✓", "green"), f" Closed: {row.resolution}, by {row.closed_by}.")
    show_standings(pensions)


def _question(unit: Unit, row: LinkQuestionRow) -> dict[str, Any]:
    """Return a link question as plain values, with the weights that led to it."""
    from certify.registry.linking import REASONS
    from certify.registry.runs.questions import explain_question, record_of
    from certify.storage.runs import get_run

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
    told = dict(question["record"])
    if since := told.pop("event_from", None):
        told["event_date"] = said_span(date.fromisoformat(since), date.fromisoformat(told["event_date"]))
    record = ", ".join(f"{name} {value}" for name, value in told.items() if value)
    say(
        Ink(f"question {question['id']}", "bold"),
        f": does {question['kind']} record {question['record_id']} of {question['source']} mean this person?",
    )
    say(f"  {question['reason']}")
    say(f"  The record says: {record}")
    show_table(
        ["compared", "agreement", Column("bits", right=True), Column("sum", right=True)],
        [
            (term["term"], term["agreement"], f"{term['weight']:+.1f}", f"{term['total']:+.1f}")
            for term in question["why"]
        ],
    )


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
