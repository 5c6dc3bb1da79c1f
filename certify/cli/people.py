"""``certify beneficiary``: import people, show their receipts, sign them out, erase them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, Encoding, Quarantine, Token, command_group
from certify.cli.output import Ink, agreed, print_json, progress_bar, say
from certify.cli.person import NationalId, PersonId, find_person
from certify.cli.proposals import Reason, Text, propose_here, tell_proposal
from certify.cli.row_files import FileArgument
from certify.cli.row_files import import_file as import_row_file
from certify.cli.service import acting, opened_service, operator

app = command_group("Import people, show how they stand and their receipts, sign them out, erase them.")


@app.command()
def receipts(
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    not_me: Annotated[
        UUID | None,
        typer.Option(help="Id of a record or attestation that was not the person, as they say. It is withdrawn."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the records and attestations that certified a person: source, act, date, weight and reason.

    With --not-me the record or attestation is withdrawn, a review case is opened, and the person is determined again.
    """
    from certify.decision.receipts import deny, receipts_of

    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        if not_me is not None:
            with service.unit(operator()) as unit:
                deny(unit, person, not_me)
        with service.reading() as unit:
            found = receipts_of(unit, person)
    if as_json:
        print_json([asdict(receipt) for receipt in found])
        return
    for receipt in found:
        say(
            Ink(receipt.scheme, "bold"),
            f": proven alive on {receipt.proven_on}, valid until {receipt.valid_until}; needed weight "
            f"{receipt.needed_weight:g}",
        )
        for item in receipt.items:
            where = f" in {item.place}" if item.place else ""
            say(f"  {item.on} {item.act}{where} ({item.source}): weight {item.weight:g}, {item.justification}")
            denied = "; the person says that was not me" if item.denied else ""
            say(f"    record {item.evidence_id}{denied}")
    if not found:
        say("No certificate of this person rests on records or attestations.")


@app.command()
def standing(
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    last_paid_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the last payment, to work an overpayment out until it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how the pensions of a person stand: what may be paid, which part, until when, and what was paid too much.

    An overpayment is worked out month by month, from the last day that is owed to the last payment. It is no claim: an
    officer decides, and it is gone when the death is taken back. Without amounts in the file of people only the months
    are told.
    """
    from certify.cli.person import entitlement_lines, show_standings, standings_as_json
    from certify.storage.people import entitlements_of

    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.reading() as unit:
            rows = entitlements_of(unit.db, person)
            lines = entitlement_lines(unit, rows, last_paid_on=last_paid_on.date() if last_paid_on else None)
    if as_json:
        print_json({"beneficiary": person, "entitlements": standings_as_json(rows), "entitlement": lines})
        return
    show_standings(rows)
    for line in lines:
        say(f"  {line}")


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet file with one row for each pension.", exists=True, dir_okay=False)
    ],
    quarantine: Quarantine = None,
    encoding: Encoding = "utf-8",
    check: Annotated[bool, typer.Option("--check", help="Say what the import would do, and store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import people and their pensions from a file. Rows that cannot be used go to a quarantine file with the reason.

    Columns: national_id, name, scheme, starts_on; and, where known, card_number, birth_date, region, needs, sex,
    last_proof_on, monthly_amount, currency, ends_on, review_on, payee, relation, residence,
    second_residence (docs/people-file.md). Pensions without last_proof_on are asked for their first proof on a birthday
    within twelve months, from the day on which the scheme begins to ask ('asks_from' in its policy). A pension that is
    overdue by its last_proof_on opens a review case. The import is safe to repeat: rows that are stored already are not
    changed, so an import that was stopped is started again. Exit code 3 when any row was quarantined.
    """
    from certify.files.people_file import import_people

    with opened_service() as service, progress_bar() as progress:
        bar = progress.add_task("Importing", total=None)
        report = import_people(
            service,
            file,
            quarantine=quarantine,
            encoding=encoding,
            actor=operator(),
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
            check=check,
        )
    if as_json:
        print_json({name: getattr(report, name) for name in report.__slots__})
    else:
        say(
            f"{report.rows:,} rows: {report.people_added:,} people and {report.entitlements_added:,} pensions added, "
            f"{report.unchanged:,} there already, {report.quarantined:,} quarantined."
        )
        for line in _what_happens(report.first_proofs, report.overdue):
            say(line)
        if check:
            say("Nothing was stored: this was a check.")
        if report.reasons:
            say(f"Not usable: {', '.join(f'{count:,} {code}' for code, count in report.reasons.items())}.")
        if report.quarantine_path:
            say(f"Quarantined rows with reasons: {report.quarantine_path}")
    if report.quarantined:
        raise typer.Exit(ExitCode.REFUSED)


def _what_happens(first_proofs: Mapping[str, int], overdue: int) -> Iterator[str]:
    """Yield sentences about the pensions that were added and have no valid proof."""
    if first_proofs:
        months = sorted(first_proofs)
        most = max(months, key=lambda month: first_proofs[month])
        yield (
            f"{sum(first_proofs.values()):,} of these pensions have no valid proof yet: it is due between {months[0]} "
            f"and {months[-1]}, at most {first_proofs[most]:,} in one month ({most}). Until then no case opens."
        )
    if overdue:
        yield f"{overdue:,} of these pensions are overdue by their last proof: a review case opens for each."


@app.command("terms")
def import_terms_file(
    file: FileArgument, quarantine: Quarantine = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """State the terms of pensions from a file: amounts, ends of awards, reviews, payees, residences.

    Columns: national_id or card_number, scheme, and any of monthly_amount, currency, ends_on, review_on, payee,
    relation, residence, second_residence (docs/people-file.md). An empty cell changes nothing. The people are
    determined again.
    Exit code 3 when any row was quarantined.
    """
    from certify.files.terms_file import import_terms

    import_row_file(import_terms, "Terms", file, quarantine, encoding, as_json=as_json)


@app.command("sign-out")
def sign_out(beneficiary: PersonId = None, national_id: NationalId = None, as_json: AsJson = False) -> None:
    """End all sign-ins of a person at once, with their codes and links, because somebody else may have come in.

    Write a letter afterwards ('certify letter'), so that the person can sign in again.
    """
    from certify.domain.states import SignInEnd
    from certify.people.sign_ins import end_all_sign_ins

    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.unit(operator()) as unit:
            ended = end_all_sign_ins(unit, person, SignInEnd.ENDED_BY_OFFICER)
    if as_json:
        print_json({"beneficiary": person, "ended": ended})
    else:
        say(f"{ended} sign-ins were ended; earlier codes and links open nothing any more.")


@app.command("erase")
def erase_person(
    reason: Reason,
    text: Text,
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    token: Token = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before proposing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Propose to erase a person permanently: name, ids, photos and templates cannot be read again.

    A second officer carries the proposal out ('certify proposal carry-out'). Then the waiting time of the policy runs,
    in which any officer can recall it, and a worker erases. The certificate is revoked. Ledger, evidence and
    determinations stay; they hold no name. Erasing does not end a pension: payment stays as it was last determined, so
    settle that first. Backups of the database hold the data until they expire. Exit code 0 when proposed, 1 when you
    declined, 3 when there is no such person or the erasure is proposed already.
    """
    from certify.storage.people import entitlements_of, get_beneficiary

    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.reading() as unit:
            row = get_beneficiary(unit.db, person)
            pensions = [pension.scheme for pension in entitlements_of(unit.db, person)]
        if row.erased_at is None and not yes:
            agreed(f"Propose to erase {row.name} ({row.national_id_masked}; {', '.join(pensions)}) permanently?")
        officer, formerly = acting(service, token)
        with service.unit(officer, formerly=formerly) as unit:
            shown = propose_here(unit, "erase", str(person), officer, reason, text)
    tell_proposal(shown, as_json=as_json)
