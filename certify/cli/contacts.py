"""``certify contact``: how people are reached."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from certify.cli.choices import Language
from certify.cli.options import AsJson, Encoding, Quarantine, command_group
from certify.cli.output import print_json, say
from certify.cli.person import NationalId, PersonId, find_person
from certify.cli.row_files import FileArgument, import_file
from certify.cli.service import opened_service, operator

app = command_group("Show and set how people are reached.")


@app.command()
def show(beneficiary: PersonId = None, national_id: NationalId = None, as_json: AsJson = False) -> None:
    """Show how a person is reached: telephone, e-mail, language, quiet hours, and whether they want reminders."""
    from certify.people.contact import contact_of

    with opened_service() as service:
        person = find_person(service, beneficiary, national_id)
        with service.reading() as unit:
            found = asdict(contact_of(unit, person))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        say(f"{name}: {'-' if value is None else value}")


@app.command("set")
def set_it(
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    phone: Annotated[
        str | None, typer.Option(help="Telephone number with the code of the country; '' removes it.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="E-mail address; '' removes it.")] = None,
    language: Annotated[
        str | None, typer.Option(help=f"Language: {', '.join(Language)}; '' is the language of the fund.")
    ] = None,
    reminders: Annotated[bool | None, typer.Option(help="Whether the person wants to be reminded.")] = None,
    quiet_from: Annotated[int | None, typer.Option(help="Hour from which no message is sent, 0 to 23.")] = None,
    quiet_to: Annotated[int | None, typer.Option(help="Hour at which messages may be sent again, 0 to 23.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Time zone of the person, such as Asia/Kolkata; '' is that of the fund.")
    ] = None,
) -> None:
    """Change how a person is reached. Details that are not given stay as they are.

    The person is told on the old number and address. Other messages that wait for these are cancelled; with
    --no-reminders, all reminders that wait are.
    """
    from certify.messages.notices import tell
    from certify.people.contact import changes_address, contact_of, set_contact

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
            new = replace(contact_of(unit, person), **changes)
            if changes_address(unit, person, new):
                tell(unit, person, "contact_change")
            set_contact(unit, person, new)
    say("Stored.")


@app.command("import")
def import_them(
    file: FileArgument, quarantine: Quarantine = None, encoding: Encoding = "utf-8", as_json: AsJson = False
) -> None:
    """Store contact details of people from a file. Rows that cannot be used go to a quarantine file with the reason.

    Columns: national_id or card_number, and any of phone, email, language, reminders (yes or no), quiet_from, quiet_to,
    timezone. An empty cell changes nothing. Exit code 3 when any row was quarantined.
    """
    from certify.files.contact_file import import_contacts

    import_file(import_contacts, "Contacts", file, quarantine, encoding, as_json=as_json)
