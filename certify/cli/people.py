"""``certify beneficiary`` and ``certify enrol``: bringing people in, and erasing them."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from certify.cli.output import (
    AsJson,
    ExitCode,
    agreed,
    console,
    errors,
    load_engine,
    opened_service,
    operator,
    print_json,
    progress_bar,
    read_photo,
)
from certify.cli.person import NationalId, PersonId, find_person
from certify.cli.row_files import Encoding, QuarantineOption
from certify.decision.determine import determine
from certify.decision.receipts import deny, receipts_of
from certify.erase import erase
from certify.errors import Conflict
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.identifiers import look_up
from certify.people.references import add_reference, measure_reference
from certify.service import Service, Unit
from certify.storage.people import entitlements_of, get_beneficiary
from models.guidance import sentence

app = typer.Typer(help="Import people, show their receipts, erase them.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Import people, show their receipts, erase them."""


@app.command()
def receipts(
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    not_me: Annotated[
        UUID | None, typer.Option(help="A record on a receipt that the person says was not them; it is withdrawn.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what silent certifications of a person rested on: source, act, date, weight and why it weighs so.

    With --not-me the record is taken back, a review case is opened, and the person is determined anew at once.
    """
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
        console.print(
            f"[bold]{receipt.scheme}[/]: proven alive on {receipt.proven_on} by records, valid until "
            f"{receipt.valid_until}; needed weight {receipt.needed_weight:g}",
            highlight=False,
            soft_wrap=True,
        )
        for item in receipt.items:
            console.print(
                f"  {item.on} {item.act} ({item.source}): weight {item.weight:g}, {item.justification}",
                highlight=False,
                soft_wrap=True,
            )
            denied = "; the person says that was not me" if item.denied else ""
            console.print(f"    record {item.evidence_id}{denied}", highlight=False, soft_wrap=True)
    if not found:
        console.print("Nothing was certified silently.")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, one row per pension.", exists=True, dir_okay=False)],
    quarantine: QuarantineOption = None,
    encoding: Encoding = "utf-8",
    as_json: AsJson = False,
) -> None:
    """Import people and their pensions. Good rows go in; bad rows go to a quarantine file with the reason.

    Columns: national_id, name, scheme, starts_on; and, where known, card_number, birth_date, region, needs,
    last_proof_on. Repeat it as often as you like: what is in already is left alone, so a stopped import is simply
    started again. Exit code 3 when any row was quarantined.
    """
    from certify.files.people_file import import_people  # noqa: PLC0415 - pyarrow is slow to load

    with opened_service() as service, progress_bar() as progress:
        bar = progress.add_task("Importing", total=None)
        report = import_people(
            service,
            file,
            quarantine=quarantine,
            encoding=encoding,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    if as_json:
        print_json({name: getattr(report, name) for name in report.__slots__})
    else:
        console.print(
            f"{report.rows:,} rows: {report.people_added:,} people and {report.entitlements_added:,} pensions added, "
            f"{report.unchanged:,} there already, {report.quarantined:,} quarantined."
        )
        if report.quarantine_path:
            console.print(f"Quarantined rows with reasons: {report.quarantine_path}", soft_wrap=True)
    if report.quarantined:
        raise typer.Exit(ExitCode.REFUSED)


@app.command("erase")
def erase_person(
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person for ever: name, ids, photos and templates cannot be read again by anybody.

    The certificate is revoked. Ledger, evidence and determinations stay and name nobody. It ends no pension: payment
    stands as last determined, so settle that first. Backups of the database hold the data until they expire. Safe to
    repeat. Exit code 0 when erased, 1 when you declined, 3 when there is no such person.
    """
    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.reading() as unit:
            row = get_beneficiary(unit.db, person)
            pensions = [pension.scheme for pension in entitlements_of(unit.db, person)]
        if row.erased_at is None and not yes:
            agreed(f"Erase {row.name} ({row.national_id_masked}; {', '.join(pensions)}) for ever?")
        with service.unit(operator()) as unit:
            erase(unit, person)
    if as_json:
        print_json({"beneficiary": person, "erased": True})
    else:
        before = " before" if row.erased_at else ""
        console.print(f"[green]✓[/] Person {person} was erased{before}.", highlight=False, soft_wrap=True)


def register(root: typer.Typer) -> None:
    """Add ``certify enrol`` to the command."""
    root.command("enrol")(enrol)


def enrol(
    photos: Annotated[
        list[Path], typer.Argument(help="One or more photos of the person.", exists=True, dir_okay=False)
    ],
    national_id: Annotated[str, typer.Option(prompt=True, help="Asked for when not given.")],
    name: Annotated[
        str | None, typer.Option(help="Needed for somebody new; of somebody known it must be the name enrolled.")
    ] = None,
    birth_date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    scheme: Annotated[list[str] | None, typer.Option(help="Pension; may be given several times.")] = None,
    starts_on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When the pensions began.")] = None,
    as_json: AsJson = False,
) -> None:
    """Enrol reference photos of a person; somebody new is enrolled with name and pensions at the same time.

    Each photo is measured at once; one that cannot be used is refused with what to do better, and the exit code is 3.
    So it is when name, birth date or pensions given do not agree with what is known of the person: nothing is changed
    in silence, and a wrong national id is noticed before somebody's photo goes to somebody else.
    """
    with opened_service() as service:
        beneficiary_id = _find_or_add(service, national_id, name, birth_date, scheme, starts_on)
        engine = load_engine(service.settings)
        results = []
        for photo in photos:
            data = read_photo(photo, service.settings.max_upload_bytes)
            with service.unit() as unit:
                reference_id = add_reference(unit, beneficiary_id, data)
            row = measure_reference(service, engine, reference_id)
            results.append(
                {"photo": str(photo), "reference": str(row.id), "state": row.state, "guidance": row.guidance}
            )
    if as_json:
        print_json({"beneficiary": str(beneficiary_id), "references": results})
    else:
        console.print(f"Beneficiary {beneficiary_id}")
        for result in results:
            mark = "[green]✓[/]" if result["state"] == "active" else "[bold red]✗[/]"
            words = " ".join(sentence(code) for code in result["guidance"])
            console.print(f"{mark} {result['photo']}: {result['state']}. {words}", highlight=False, soft_wrap=True)
    if any(result["state"] != "active" for result in results):
        raise typer.Exit(ExitCode.REFUSED)


def _find_or_add(
    service: Service,
    national_id: str,
    name: str | None,
    birth_date: datetime | None,
    schemes: list[str] | None,
    starts_on: datetime | None,
) -> UUID:
    with service.unit(operator()) as unit:
        found = look_up(unit, national_id=national_id)
        if found is not None:
            _check_known(unit, found, name, birth_date, schemes, starts_on)
            return found
        if name is None:
            errors.print("Nobody with this national id is enrolled; give --name (and --birth-date) to enrol them.")
            raise typer.Exit(ExitCode.USAGE)
        start = starts_on.date() if starts_on else unit.now.date()
        person = NewBeneficiary(
            national_id=national_id,
            name=name,
            birth_date=birth_date.date() if birth_date else None,
            entitlements=tuple(NewEntitlement(scheme, start) for scheme in schemes or ["employee"]),
        )
        beneficiary_id = add_beneficiary(unit, person)
        determine(unit, beneficiary_id)
        return beneficiary_id


def _check_known(
    unit: Unit,
    beneficiary_id: UUID,
    name: str | None,
    birth_date: datetime | None,
    schemes: list[str] | None,
    starts_on: datetime | None,
) -> None:
    """Refuse what differs from what is known. Says what differs, not what is stored: the id may be somebody else's."""
    row = get_beneficiary(unit.db, beneficiary_id)
    pensions = {pension.scheme: pension.starts_on for pension in entitlements_of(unit.db, beneficiary_id)}
    differs = []
    if name is not None and unicodedata.normalize("NFC", name).strip() != row.name:
        differs.append("another name")
    if birth_date is not None and birth_date.date() != row.birth_date:
        differs.append("another date of birth" if row.birth_date else "no date of birth")
    differs += [f"no pension '{scheme}'" for scheme in schemes or () if scheme not in pensions]
    if starts_on is not None and any(
        begin != starts_on.date() for scheme, begin in pensions.items() if not schemes or scheme in schemes
    ):
        differs.append("another beginning of the pension")
    if differs:
        raise Conflict(
            f"Somebody with this national id is enrolled already, and not as given: {', '.join(differs)}.",
            hint="Compare the national id with the card. To add photos only, leave out the other options; a further "
            "pension comes with 'certify beneficiary import'.",
            code="beneficiary_differs",
        )
