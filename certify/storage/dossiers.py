"""Read everything about people that a determination needs, in one statement for any number of people."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from certify.domain.codec import evidence_from_json
from certify.domain.evidence import Evidence
from certify.storage.direct import fetch, one_or_many
from certify.storage.people import beneficiary_not_found, refuse_decoy

# FOR NO KEY UPDATE, as in people.py. In the order of ids, so that two batches cannot deadlock.
_LOCK = b"select id from beneficiaries where id"
_IN_ORDER = b" order by id for no key update"

# The lists come as JSON: one row for each person, and one round trip instead of five.
_READ = b"""
    select b.id, b.name, b.birth_date, b.ids_sealed, b.erased_at,
    (
        select json_agg(f.body order by f.recorded_at, f.id) from evidence f where f.beneficiary_id = b.id
    ),
    (
        select json_agg(json_build_object(
            'id', e.id, 'scheme', e.scheme, 'starts_on', e.starts_on, 'last_proof_on', e.last_proof_on,
            'standing', e.standing, 'payment', e.payment, 'valid_until', e.valid_until,
            'stopped_on', e.stopped_on, 'back_pay_from', e.back_pay_from
        ) order by e.scheme) from entitlements e where e.beneficiary_id = b.id
    ),
    (
        select json_agg(json_build_object('id', c.id, 'kind', c.kind, 'determination', c.determination_id)
            order by c.opened_at, c.id) from review_cases c where c.beneficiary_id = b.id and c.state = 'open'
    ),
    (
        select json_agg(json_build_object(
            'number', t.number, 'state', t.state, 'subject_digest', encode(t.subject_digest, 'hex'),
            'expires_at', t.expires_at, 'reason', t.reason
        )) from certificates t where t.beneficiary_id = b.id and t.state in ('valid', 'paused', 'revoked')
    )
    from beneficiaries b where b.id"""


@dataclass(frozen=True, slots=True)
class Pension:
    """An entitlement, with its standing before this determination."""

    id: UUID
    scheme: str
    starts_on: date
    last_proof_on: date | None
    standing: str | None
    payment: str
    valid_until: date | None
    stopped_on: date | None
    back_pay_from: date | None


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A review case that waits for an officer. If it has no determination, a person asked for it."""

    id: UUID
    kind: str
    determination_id: UUID | None


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """A certificate that is in force or was revoked."""

    number: str
    state: str
    subject_digest: bytes
    expires_at: datetime
    reason: str | None


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
    """Return the dossiers of people, by id; people who are not enrolled are left out."""
    return {row[0]: _dossier(*row) for row in fetch(db, *one_or_many(_READ, people))}


def _dossier(
    person: UUID,
    name: str | None,
    birth_date: date | None,
    ids_sealed: bytes | None,
    erased_at: datetime | None,
    facts: list[Any] | None,
    pensions: list[Any] | None,
    cases: list[Any] | None,
    certificates: list[Any] | None,
) -> Dossier:
    return Dossier(
        person,
        name,
        birth_date,
        ids_sealed,
        erased_at,
        [evidence_from_json(body) for body in facts or ()],
        [
            Pension(
                UUID(data["id"]),
                data["scheme"],
                date.fromisoformat(data["starts_on"]),
                _day(data["last_proof_on"]),
                data["standing"],
                data["payment"],
                _day(data["valid_until"]),
                _day(data["stopped_on"]),
                _day(data["back_pay_from"]),
            )
            for data in pensions or ()
        ],
        [
            OpenCase(UUID(data["id"]), data["kind"], UUID(data["determination"]) if data["determination"] else None)
            for data in cases or ()
        ],
        [
            KnownCertificate(
                data["number"],
                data["state"],
                bytes.fromhex(data["subject_digest"]),
                datetime.fromisoformat(data["expires_at"]),
                data["reason"],
            )
            for data in certificates or ()
        ],
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
