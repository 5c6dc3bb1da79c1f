"""``certify record``: what registries say, entered by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from certify.cli.output import AsJson, console, opened_service, operator, print_json
from certify.cli.person import NationalId, PersonId, find_person, show_standings, standings_as_json
from certify.decision.record import NewRecord, record
from certify.errors import Invalid
from certify.service import Service
from certify.storage.people import entitlements_of

app = typer.Typer(help="Enter records of registries by hand.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Enter records of registries by hand."""


@app.command()
def add(
    source: Annotated[str, typer.Option(help="Registry that says so, always spelt the same: civil-registry.")],
    record_id: Annotated[str, typer.Option(help="The registry's own number of the record.")],
    at: Annotated[
        str, typer.Option(help="When it happened: 2026-10-02, or 2026-10-02T14:30+08:00. A date alone is noon UTC.")
    ],
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    adverse: Annotated[str | None, typer.Option(help="Kind of an adverse record, such as death.")] = None,
    act: Annotated[str | None, typer.Option(help="Sign of life, such as hospital_stay.")] = None,
    voids: Annotated[str | None, typer.Option(help="Number of the record of this source to take back.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record what a registry says of a person: an adverse record, a sign of life, or the taking back of one.

    Give exactly one of --adverse, --act and --voids; the kinds are those the policies know. The person is determined
    anew at once: one death record pauses the certificate and opens a review case while payment goes on; a second one
    of another source stops the payment. A mistake is taken back with --voids, which undoes what it changed:

      certify record add --source civil-registry --record-id D-17 --at 2026-10-02 --adverse death
      certify record add --source civil-registry --record-id D-18 --at 2026-10-05 --voids D-17

    The same record again changes nothing. Exit code 0 when recorded, 3 when refused: an unknown kind, person or
    record, a date in the future, or a number used before for something else.
    """
    if sum(given is not None for given in (adverse, act, voids)) != 1:
        raise Invalid(
            "A record is either adverse, a sign of life, or takes another back.",
            hint="Give exactly one of --adverse, --act and --voids.",
            code="record_kind_missing",
        )
    with opened_service() as service:
        _check_kind(service, adverse, act)
        new = NewRecord(
            source=source, record_id=record_id, event_at=_instant(at), adverse=adverse, act=act, voids=voids
        )
        person = find_person(service, beneficiary, national_id)
        with service.unit(operator()) as unit:
            evidence_id, determinations = record(unit, person, new)
        with service.reading() as unit:
            pensions = entitlements_of(unit.db, person)
    if as_json:
        print_json(
            {
                "evidence": evidence_id,
                "beneficiary": person,
                "new": bool(determinations),
                "entitlements": standings_as_json(pensions),
            }
        )
        return
    said = "Recorded" if determinations else "Recorded before, nothing changed"
    console.print(f"{said}: evidence {evidence_id} of {source}.", highlight=False, soft_wrap=True)
    show_standings(pensions)


def _check_kind(service: Service, adverse: str | None, act: str | None) -> None:
    """Refuse a kind that no policy knows: at a keyboard that is a typing mistake, and it would open a case."""
    policies = [document.policy for document in service.policies.values()]
    for given, known in (
        (adverse, {kind for policy in policies for kind in policy.adverse}),
        (act, {kind for policy in policies for kind in policy.signs}),
    ):
        if given is not None and given not in known:
            raise Invalid(
                f"No policy knows '{given}'.", hint=f"Known: {', '.join(sorted(known))}.", code="record_kind_unknown"
            )


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            "The time given with --at cannot be read.",
            hint="Write 2026-10-02, or 2026-10-02T14:30+08:00.",
            code="time_invalid",
        ) from error
    if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text):
        return found.replace(hour=12, tzinfo=UTC)  # the same calendar day almost everywhere
    if found.tzinfo is None:
        raise Invalid(
            "The time given with --at has no time zone.",
            hint="Write it like 2026-10-02T14:30+08:00.",
            code="time_invalid",
        )
    return found
