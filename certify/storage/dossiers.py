"""Read everything about people that a determination needs, in one statement for any number of people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from certify.domain.codec import evidence_from_json
from certify.domain.evidence import Evidence
from certify.storage.direct import fetch, one_or_many
from certify.storage.people import beneficiary_not_found, refuse_decoy
from certify.storage.row_macs import RowKind, checked_row, macs_of, row_sql

# FOR NO KEY UPDATE, as in people.py. In the order of ids, so that two batches cannot deadlock.
_LOCK = b"select id from beneficiaries where id"
_IN_ORDER = b" order by id for no key update"

# The lists come as JSON: one row for each person, and one round trip instead of five. Each entry is a whole row,
# because its MAC is checked.
_READ = f"""
    select b.id, b.name, b.birth_date, b.ids_sealed, b.erased_at,
    (
        select json_agg({row_sql(RowKind.EVIDENCE, "f")} order by f.recorded_at, f.id)
        from evidence f where f.beneficiary_id = b.id
    ),
    (
        select json_agg({row_sql(RowKind.STANDING, "e")} order by e.scheme)
        from entitlements e where e.beneficiary_id = b.id
    ),
    (
        select json_agg({row_sql(RowKind.CASE, "c")} order by c.opened_at, c.id)
        from review_cases c where c.beneficiary_id = b.id and c.state = 'open'
    ),
    (
        select json_agg(json_build_array({row_sql(RowKind.CERTIFICATE, "t")}, encode(t.subject_digest, 'hex'),
            t.expires_at))
        from certificates t where t.beneficiary_id = b.id and t.state in ('valid', 'paused', 'revoked')
    )
    from beneficiaries b where b.id""".encode()  # noqa: S608 - our own tables and columns


@dataclass(frozen=True, slots=True)
class Pension:
    """An entitlement, with its standing before this determination. ``row`` has all its columns, for the next MAC."""

    id: UUID
    scheme: str
    starts_on: date
    last_proof_on: date | None
    first_due_on: date | None
    terms: str | None
    standing: str | None
    payment: str
    valid_until: date | None
    stopped_on: date | None
    back_pay_from: date | None
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A review case that waits for an officer. If it has no determination, a person asked for it.

    ``row`` has all its columns, for the next MAC.
    """

    id: UUID
    kind: str
    determination_id: UUID | None
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """A certificate that is in force or was revoked. ``row`` has all its columns, for the next MAC."""

    number: str
    state: str
    subject_digest: bytes
    expires_at: datetime
    reason: str | None
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dossier:
    """One person: identity, all facts (oldest first), pensions (by scheme), open cases and certificates."""

    id: UUID
    name: str | None
    birth_date: date | None
    ids_sealed: bytes | None
    erased_at: datetime | None
    evidence: list[Evidence]
    pensions: list[Pension]
    cases: list[OpenCase]
    certificates: list[KnownCertificate]


def lock_people(db: Session, people: Collection[UUID]) -> None:
    """Lock people, so that no other transaction determines them before this one ends.

    Read the people in a later statement: a statement that waited for a lock still sees the state before the wait.

    Raises:
        NotFound: one of them does not exist (``beneficiary_not_found``).
    """
    refuse_decoy(people)
    wanted = set(people)
    statement, parameters = one_or_many(_LOCK, wanted)
    if len(fetch(db, statement + _IN_ORDER, parameters)) != len(wanted):
        raise beneficiary_not_found()


def read_dossiers(db: Session, people: Collection[UUID]) -> dict[UUID, Dossier]:
    """Return the dossiers of people, by id; people who are not enrolled are left out.

    Raises:
        RowAltered: a row about one of them is not as the service wrote it (``row_altered``).
    """
    macs = macs_of(db)

    def checked(kind: RowKind, rows: list[Any] | None) -> list[dict[str, Any]]:
        return [checked_row(macs, db, kind, row) for row in rows or ()]

    dossiers = {}
    for person, name, birth, ids, erased, facts, pensions, cases, certificates in fetch(
        db, *one_or_many(_READ, people)
    ):
        dossiers[person] = Dossier(
            person,
            name,
            birth,
            ids,
            erased,
            [evidence_from_json(row["body"]) for row in checked(RowKind.EVIDENCE, facts)],
            [_pension(row) for row in checked(RowKind.STANDING, pensions)],
            [_case(row) for row in checked(RowKind.CASE, cases)],
            [_certificate(checked_row(macs, db, RowKind.CERTIFICATE, row), *more) for row, *more in certificates or ()],
        )
    return dossiers


def _pension(row: dict[str, Any]) -> Pension:
    return Pension(
        UUID(row["id"]),
        row["scheme"],
        date.fromisoformat(row["starts_on"]),
        _day(row["last_proof_on"]),
        _day(row["first_due_on"]),
        row["terms"],
        row["standing"],
        row["payment"],
        _day(row["valid_until"]),
        _day(row["stopped_on"]),
        _day(row["back_pay_from"]),
        row,
    )


def _case(row: dict[str, Any]) -> OpenCase:
    determined = row["determination_id"]
    return OpenCase(UUID(row["id"]), row["kind"], UUID(determined) if determined else None, row)


def _certificate(row: dict[str, Any], subject_digest: str, expires_at: str) -> KnownCertificate:
    return KnownCertificate(
        row["number"],
        row["state"],
        bytes.fromhex(subject_digest),
        datetime.fromisoformat(expires_at),
        row["reason"],
        row,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
