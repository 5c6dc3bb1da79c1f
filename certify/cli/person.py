"""Find the person that a command is about, and show the standing of their pensions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from certify.cli.output import Ink
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound

if TYPE_CHECKING:
    from certify.service import Service, Unit
    from certify.storage.tables.people import EntitlementRow

PersonId = Annotated[UUID | None, typer.Option("--beneficiary", help="Id of the person.")]
NationalId = Annotated[
    str | None,
    typer.Option(
        help="National id, instead of --beneficiary. Asked for when neither is given, so that no log keeps it."
    ),
]


def find_person(service: Service, beneficiary: UUID | None, national_id: str | None) -> UUID:
    """Return the person named by id or by national id.

    Args:
        service: the service.
        beneficiary: id of the person, or None.
        national_id: national id, or None; asked for when there is no id either.

    Returns:
        Id of the person.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Invalid: the national id is not valid (``national_id_invalid``).
    """
    from certify.people.identifiers import look_up
    from certify.storage.people import get_beneficiary

    if beneficiary is None and national_id is None:
        national_id = typer.prompt("National id", err=True)
    with service.unit() as unit:
        if beneficiary is not None:
            return get_beneficiary(unit.db, beneficiary).id
        found = look_up(unit, national_id=national_id)
    if found is None:
        raise NotFound(
            "No person with this national id is enrolled.",
            hint="Compare the id with the card; 'certify enrol' enrols a new person.",
            code=ErrorCode.BENEFICIARY_NOT_FOUND,
        )
    return found


def standings_as_json(rows: Sequence[EntitlementRow]) -> list[dict[str, Any]]:
    """Return how pensions stand, as plain values."""
    names = ("scheme", "standing", "payment", "next_step", "valid_until", "due_on", "determination_id")
    return [{name: getattr(row, name) for name in names} for row in rows]


def entitlement_lines(unit: Unit, rows: Sequence[EntitlementRow], *, last_paid_on: date | None = None) -> list[str]:
    """Return sentences about the end, the review, the parts and the overpayment of pensions that have any.

    Args:
        unit: the transaction to read in.
        rows: the pensions.
        last_paid_on: day of the last payment, if it is known.
    """
    from certify.decision.payable import overpaid_lines, payable

    lines = []
    for row in rows:
        found = payable(unit, row, last_paid_on=last_paid_on)
        said = found.told
        if said.entitled_until:
            lines.append(f"{row.scheme}: entitled until {said.entitled_until}")
        if said.review_on:
            lines.append(f"{row.scheme}: next review on {said.review_on}")
        for part in said.parts:
            until = f" until {part.until}" if part.until else ""
            lines.append(f"{row.scheme}: {part.fraction} payable from {part.since}{until}, {part.rule}")
        if found.amount is not None:
            lines.append(f"{row.scheme}: {found.amount} {found.terms.currency} a month is payable today")
        if found.terms.payee:
            lines.append(f"{row.scheme}: paid to the {found.terms.payee}")
        if found.overpaid:
            lines += [f"{row.scheme}: {line}" for line in overpaid_lines(found.overpaid)]
    return lines


def show_standings(rows: Sequence[EntitlementRow]) -> None:
    """Print how pensions stand."""
    show_table(
        [Column("pension", whole=True), "standing", "payment", "valid until", "next step"],
        [
            (
                row.scheme,
                row.standing or "not determined",
                Ink(row.payment, {"continue": "green", "stop": "bold red"}.get(row.payment, "yellow")),
                str(row.valid_until or "-"),
                row.next_step or "-",
            )
            for row in rows
        ],
    )
