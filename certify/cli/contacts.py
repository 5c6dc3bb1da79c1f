"""``certify contact``: how people are reached."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from certify.cli.output import AsJson, console, opened_service, operator, print_json
from certify.cli.person import NationalId, PersonId, find_person
from certify.cli.row_files import Encoding, FileArgument, QuarantineOption, import_file
from certify.people.contact import contact_of, set_contact

app = typer.Typer(help="See and set how people are reached.", no_args_is_help=True)


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
    file: FileArgument, quarantine: QuarantineOption = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """Set how many people are reached, from a file. Good rows go in; bad rows go to a quarantine file with the reason.

    Columns: national_id or card_number, and any of phone, email, language, reminders (yes or no), quiet_from, quiet_to,
    timezone. An empty cell changes nothing. Exit code 3 when any row was quarantined.
    """
    from certify.files.contact_file import import_contacts  # noqa: PLC0415 - pyarrow is slow to load

    import_file(import_contacts, "Contacts", file, quarantine, encoding, as_json=as_json)
