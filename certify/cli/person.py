"""Naming a person on the command line, and showing how their pensions stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from certify.cli.output import console
from certify.errors import NotFound
from certify.people.identifiers import look_up
from certify.service import Service
from certify.storage.people import get_beneficiary
from certify.storage.tables.people import EntitlementRow

PersonId = Annotated[UUID | None, typer.Option("--beneficiary", help="Id of the person.")]
NationalId = Annotated[
    str | None, typer.Option(help="Instead of --beneficiary; asked for when neither is given, so that no log keeps it.")
]


def find_person(service: Service, beneficiary: UUID | None, national_id: str | None) -> UUID:
    """Return the person named by id or national id; asks when neither is given. Raises NotFound, Invalid."""
    if beneficiary is None and national_id is None:
        national_id = typer.prompt("National id", err=True)
    with service.unit() as unit:
        if beneficiary is not None:
            return get_beneficiary(unit.db, beneficiary).id
        found = look_up(unit, national_id=national_id)
    if found is None:
        raise NotFound(
            "Nobody with this national id is enrolled.",
            hint="Compare the id with the card; 'certify enrol' enrols somebody new.",
            code="beneficiary_not_found",
        )
    return found


def standings_as_json(rows: Sequence[EntitlementRow]) -> list[dict[str, Any]]:
    """Return how pensions stand, as plain values."""
    names = ("scheme", "standing", "payment", "next_step", "valid_until", "due_on", "determination_id")
    return [{name: getattr(row, name) for name in names} for row in rows]


def show_standings(rows: Sequence[EntitlementRow]) -> None:
    """Print how pensions stand."""
    table = Table("pension", "standing", "payment", "valid until", "next step")
    for row in rows:
        colour = {"continue": "green", "stop": "bold red"}.get(row.payment, "yellow")
        until = str(row.valid_until) if row.valid_until else "-"
        payment = f"[{colour}]{row.payment}[/]"
        table.add_row(row.scheme, row.standing or "not determined", payment, until, row.next_step or "-")
    console.print(table)
