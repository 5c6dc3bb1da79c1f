"""``certify contact``: how people are reached."""

from __future__ import annotations

import csv
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from certify.cli.output import AsJson, ExitCode, console, errors, opened_service, operator, print_json, progress_bar
from certify.cli.person import NationalId, PersonId, find_person
from certify.contact import contact_of, set_contact
from certify.errors import CertifyError, Invalid, NotFound
from certify.identifiers import look_up
from certify.service import Unit

app = typer.Typer(help="See and set how people are reached.", no_args_is_help=True)

_COLUMNS = ("phone", "email", "language", "reminders", "quiet_from", "quiet_to", "timezone")
_SHOWN = 20


@app.callback()
def _group() -> None:
    """See and set how people are reached."""


@app.command()
def show(beneficiary: PersonId = None, national_id: NationalId = None, as_json: AsJson = False) -> None:
    """Show how a person is reached: telephone, e-mail, language, quiet hours, and whether they want reminders."""
    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.reading() as unit:
            found = asdict(contact_of(unit, person))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        console.print(f"{name}: {'-' if value is None else value}", highlight=False)


@app.command("set")
def set_it(
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    phone: Annotated[str | None, typer.Option(help="With the country's code; '' removes it.")] = None,
    email: Annotated[str | None, typer.Option(help="E-mail address; '' removes it.")] = None,
    language: Annotated[str | None, typer.Option(help="zh-Hans, en, pt, hi, fr, es or ar; '' is the fund's.")] = None,
    reminders: Annotated[bool | None, typer.Option(help="Whether the person wants to be reminded.")] = None,
    quiet_from: Annotated[int | None, typer.Option(help="Hour from which nothing is sent, 0 to 23.")] = None,
    quiet_to: Annotated[int | None, typer.Option(help="Hour at which that ends.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Where they live, such as Asia/Kolkata; '' is the fund's.")
    ] = None,
) -> None:
    """Set how a person is reached. What is not given stays as it is.

    Messages that wait for an old number or address are cancelled, and all reminders when none are wanted.
    """
    given: dict[str, Any] = {
        "phone": phone,
        "email": email,
        "language": language,
        "reminders": reminders,
        "quiet_from": quiet_from,
        "quiet_to": quiet_to,
        "timezone": timezone,
    }
    changes: dict[str, Any] = {
        name: None if value == "" else value for name, value in given.items() if value is not None
    }
    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.unit(operator()) as unit:
            set_contact(unit, person, replace(contact_of(unit, person), **changes))
    console.print("Stored.")


@app.command("import")
def import_them(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 with a header.")], as_json: AsJson = False
) -> None:
    """Set how many people are reached, from a CSV file.

    Columns: national_id, and any of phone, email, language, reminders (yes or no), quiet_from, quiet_to, timezone. An
    empty cell changes nothing. Every row is a transaction of its own; rows that cannot be used are named by their
    number and reason, and the exit code is 3.
    """
    done, refused = 0, []
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines, opened_service() as service:
            rows = csv.DictReader(lines)
            unknown = set(rows.fieldnames or ()) - {"national_id", *_COLUMNS}
            if unknown or "national_id" not in (rows.fieldnames or ()):
                raise Invalid(
                    "The header does not fit.", hint=f"Columns: national_id, {', '.join(_COLUMNS)}.", code="columns"
                )
            with progress_bar() as progress:
                bar = progress.add_task("contacts", total=None)
                for number, row in enumerate(rows, start=2):
                    try:
                        with service.unit(operator()) as unit:
                            _set_row(unit, row)
                        done += 1
                    except CertifyError as error:
                        refused.append((number, error.code, error.message))
                    progress.advance(bar)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Invalid(f"{file} cannot be read as CSV in UTF-8.", code="file_unreadable") from error
    if as_json:
        print_json({"stored": done, "refused": [{"row": number, "code": code} for number, code, _ in refused]})
    else:
        console.print(f"{done:,} stored, {len(refused):,} refused.", highlight=False)
        for number, _, message in refused[:_SHOWN]:
            errors.print(f"  row {number}: {message}", highlight=False)
        if len(refused) > _SHOWN:
            errors.print(f"  and {len(refused) - _SHOWN:,} more; --json lists all", highlight=False)
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


def _set_row(unit: Unit, row: dict[str, str | None]) -> None:
    person = look_up(unit, national_id=row.get("national_id") or "")
    if person is None:
        raise NotFound("Nobody with this national id is enrolled.", code="beneficiary_not_found")
    changes: dict[str, Any] = {name: row[name] for name in _COLUMNS if row.get(name)}
    if "reminders" in changes:
        changes["reminders"] = _yes(changes["reminders"])
    for name in ("quiet_from", "quiet_to"):
        if name in changes:
            changes[name] = _hour(changes[name])
    set_contact(unit, person, replace(contact_of(unit, person), **changes))


def _yes(text: str) -> bool:
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    try:
        return answers[text.strip().lower()]
    except KeyError:
        raise Invalid("The column 'reminders' takes yes or no.", code="contact_invalid") from None


def _hour(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Invalid("Quiet hours are whole numbers.", code="contact_invalid") from None
