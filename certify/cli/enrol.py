"""``certify enrol``: enrol a person and the reference photos of their face."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, day_option
from certify.cli.output import Ink, complain, print_json, say
from certify.cli.service import load_engine, opened_service, operator, read_photo
from certify.domain.error_codes import ErrorCode

if TYPE_CHECKING:
    from certify.service import Service, Unit


def register(root: typer.Typer) -> None:
    """Add ``certify enrol`` to the command."""
    root.command("enrol")(enrol)


class _Given(NamedTuple):
    """What the command line says about the person; None where it says nothing."""

    name: str | None
    birth_date: date | None
    schemes: list[str]
    starts_on: date | None


def enrol(
    photos: Annotated[
        list[Path], typer.Argument(help="One or more photos of the person.", exists=True, dir_okay=False)
    ],
    national_id: Annotated[str, typer.Option(prompt=True, help="National id; asked for when not given.")],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the person. Needed for a new person; for a known one it must be the stored name."),
    ] = None,
    birth_date: Annotated[datetime | None, day_option("Date of birth.")] = None,
    scheme: Annotated[
        list[str] | None, typer.Option(help="Scheme of a pension; may be given several times. Default: employee.")
    ] = None,
    starts_on: Annotated[datetime | None, day_option("Day on which the pensions began. Default: today.")] = None,
    document: Annotated[
        str | None, typer.Option(help="Kind of the document that the photos came from, such as passport.")
    ] = None,
    identity_register: Annotated[
        str | None, typer.Option("--register", help="Register that the photos came from.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Enrol reference photos of a person. A new person is enrolled with name and pensions at the same time.

    Say with --document or --register where the photos came from; without either, the fund took them itself. Each photo
    is measured at once. A photo that cannot be used is refused with advice, and the exit code is 3. The exit code is
    also 3 when name, birth date or pensions differ from those stored for this national id: nothing is changed,
    so that a mistyped national id does not give one person's photo to another.
    """
    from certify.decision.duplicate_faces import DuplicateSearch
    from certify.domain.states import Provenance
    from certify.people.references import OWN_CAMERA, Origin, add_reference, measure_reference
    from models.guidance import sentence

    origin = OWN_CAMERA
    if document or identity_register:
        kind = Provenance.DOCUMENT if document else Provenance.REGISTER
        origin = Origin(kind, document or identity_register)
    given = _Given(
        name, birth_date.date() if birth_date else None, scheme or [], starts_on.date() if starts_on else None
    )
    with opened_service() as service:
        beneficiary_id = _find_or_add(service, national_id, given)
        engine = load_engine(service.settings)
        search = DuplicateSearch(service, engine)
        results = []
        for photo in photos:
            data = read_photo(photo, service.settings.max_upload_bytes)
            with service.unit(operator()) as unit:
                reference_id = add_reference(unit, beneficiary_id, data, origin)
            row = measure_reference(service, engine, reference_id, search=search)
            results.append(
                {"photo": str(photo), "reference": str(row.id), "state": row.state, "guidance": row.guidance}
            )
    if as_json:
        print_json({"beneficiary": str(beneficiary_id), "references": results})
    else:
        say(f"Beneficiary {beneficiary_id}")
        for result in results:
            mark = Ink("✓", "green") if result["state"] == "active" else Ink("✗", "bold red")
            words = " ".join(sentence(code) for code in result["guidance"])
            say(mark, f" {result['photo']}: {result['state']}. {words}")
    if any(result["state"] != "active" for result in results):
        raise typer.Exit(ExitCode.REFUSED)


def _find_or_add(service: Service, national_id: str, given: _Given) -> UUID:
    """Return the person with this national id; a new person is enrolled first.

    Args:
        service: the service.
        national_id: the id as typed.
        given: what else the command line says.

    Returns:
        Id of the person.

    Raises:
        Conflict: the person is known with other particulars (``beneficiary_differs``).
        Exit: the person is new and has no name; the command ends with ``ExitCode.USAGE``.
    """
    from certify.decision.determine import determine
    from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
    from certify.people.identifiers import look_up

    with service.unit(operator()) as unit:
        found = look_up(unit, national_id=national_id)
        if found is not None:
            _check_known(unit, found, given)
            return found
        if given.name is None:
            complain(
                "No person with this national id is enrolled.", "Give --name (and --birth-date) to enrol a new one."
            )
            raise typer.Exit(ExitCode.USAGE)
        start = given.starts_on or unit.now.date()
        person = NewBeneficiary(
            national_id=national_id,
            name=given.name,
            birth_date=given.birth_date,
            entitlements=tuple(NewEntitlement(scheme, start) for scheme in given.schemes or ["employee"]),
        )
        beneficiary_id = add_beneficiary(unit, person)
        determine(unit, beneficiary_id)
        return beneficiary_id


def _check_known(unit: Unit, beneficiary_id: UUID, given: _Given) -> None:
    """Refuse details that differ from the stored ones, and show no stored detail: the id may be of another person.

    Args:
        unit: the unit of work.
        beneficiary_id: the person with the national id given.
        given: what the command line says.

    Raises:
        Conflict: something differs (``beneficiary_differs``).
    """
    from certify.errors import Conflict
    from certify.storage.people import entitlements_of, get_beneficiary

    row = get_beneficiary(unit.db, beneficiary_id)
    pensions = {pension.scheme: pension.starts_on for pension in entitlements_of(unit.db, beneficiary_id)}
    differs = []
    if given.name is not None and unicodedata.normalize("NFC", given.name).strip() != row.name:
        differs.append("another name")
    if given.birth_date is not None and given.birth_date != row.birth_date:
        differs.append("another date of birth" if row.birth_date else "no date of birth")
    differs += [f"no pension '{scheme}'" for scheme in given.schemes if scheme not in pensions]
    if given.starts_on is not None and any(
        begin != given.starts_on for scheme, begin in pensions.items() if not given.schemes or scheme in given.schemes
    ):
        differs.append("another beginning of the pension")
    if differs:
        raise Conflict(
            f"A person with this national id is enrolled already, and not as given: {', '.join(differs)}.",
            hint="Compare the national id with the card. To add photos only, leave out the other options; a further "
            "pension comes with 'certify beneficiary import'.",
            code=ErrorCode.BENEFICIARY_DIFFERS,
        )
