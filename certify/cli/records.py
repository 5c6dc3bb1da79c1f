"""``certify record``: enter records of registries by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.options import AsJson, command_group
from certify.cli.output import print_json, say
from certify.cli.person import NationalId, PersonId, find_person, show_standings, standings_as_json
from certify.cli.service import opened_service, operator
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:
    from certify.service import Service

app = command_group("Enter records of registries by hand.")


@app.command()
def add(
    source: Annotated[str, typer.Option(help="Name of the registry, always spelt the same, such as civil-registry.")],
    record_id: Annotated[str, typer.Option(help="The registry's own number of the record.")],
    at: Annotated[
        str, typer.Option(help="When it happened: 2026-10-02, or 2026-10-02T14:30+08:00. A date alone is noon UTC.")
    ],
    beneficiary: PersonId = None,
    national_id: NationalId = None,
    adverse: Annotated[str | None, typer.Option(help="Kind of an adverse record, such as death.")] = None,
    act: Annotated[str | None, typer.Option(help="Kind of a sign of life, such as hospital_stay.")] = None,
    voids: Annotated[str | None, typer.Option(help="Number of an earlier record of this registry to withdraw.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record what a registry says about a person: an adverse record, a sign of life, or the withdrawal of a record.

    Give exactly one of --adverse, --act and --voids; the kinds are those that the policies know. The person is
    determined again at once: one death record pauses the certificate and opens a review case while payment goes on; a
    second one of another source stops the payment. Withdraw a mistake with --voids, which undoes what it changed:

      certify record add --source civil-registry --record-id D-17 --at 2026-10-02 --adverse death
      certify record add --source civil-registry --record-id D-18 --at 2026-10-05 --voids D-17

    The same record again changes nothing. Exit code 0 when recorded, 3 when refused: an unknown kind, person or
    record, a date in the future, or a number used before for something else.
    """
    from certify.decision.record import NewRecord, record
    from certify.storage.people import entitlements_of

    if sum(given is not None for given in (adverse, act, voids)) != 1:
        raise Invalid(
            "A record is exactly one of: adverse, a sign of life, the withdrawal of another.",
            hint="Give exactly one of --adverse, --act and --voids.",
            code=ErrorCode.RECORD_KIND_MISSING,
        )
    event_at = _instant(at)
    with opened_service() as service:
        _check_kind(service, adverse, act)
        new = NewRecord(source=source, record_id=record_id, event_at=event_at, adverse=adverse, act=act, voids=voids)
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
    say(f"{said}: evidence {evidence_id} of {source}.")
    show_standings(pensions)


def _check_kind(service: Service, adverse: str | None, act: str | None) -> None:
    """Refuse a kind that no policy knows: at a keyboard that is a typing mistake, and it would open a case.

    Args:
        service: the service with its policies.
        adverse: kind of an adverse record, or None.
        act: kind of a sign of life, or None.

    Raises:
        Invalid: no policy knows it (``record_kind_unknown``).
    """
    policies = [document.policy for document in service.policies.values()]
    for given, known in (
        (adverse, {kind for policy in policies for kind in policy.adverse}),
        (act, {kind for policy in policies for kind in policy.signs}),
    ):
        if given is not None and given not in known:
            raise Invalid(
                f"No policy knows '{given}'.",
                hint=f"Known: {', '.join(sorted(known))}.",
                code=ErrorCode.RECORD_KIND_UNKNOWN,
            )


def _instant(text: str) -> datetime:
    """Read when something happened.

    Args:
        text: a date, or a date and time with time zone, as ISO 8601 writes them.

    Returns:
        The instant; noon UTC of a date alone.

    Raises:
        Invalid: it cannot be read or has no time zone (``time_invalid``).
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            "The time given with --at cannot be read.",
            hint="Write 2026-10-02, or 2026-10-02T14:30+08:00.",
            code=ErrorCode.TIME_INVALID,
        ) from error
    if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text):
        return found.replace(hour=12, tzinfo=UTC)  # the same calendar day almost everywhere
    if found.tzinfo is None:
        raise Invalid(
            "The time given with --at has no time zone.",
            hint="Write it like 2026-10-02T14:30+08:00.",
            code=ErrorCode.TIME_INVALID,
        )
    return found
