"""Store beneficiaries, their entitlements and their references."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.scope import EVERYTHING, Scope
from certify.domain.states import ReferenceState
from certify.errors import NotFound
from certify.storage.direct import Row, as_bytes, as_rows, fetch, load, load_all, refresh, run
from certify.storage.row_macs import RowKind, check_object, macs_of
from certify.storage.scope import within
from certify.storage.tables.people import (
    BeneficiaryRow,
    EntitlementRow,
    ReferenceRow,
)

DECOY_PERSON = UUID(int=0)
"""Id of the row that decoy sessions belong to (certify/capture/decoys.py). It is not a person, and no list shows it."""

_BY_ID = b"id = %(id)s"
_LOCK_BY_ID = b"id = %(id)s for no key update"
_OF_PERSON = b"beneficiary_id = %(person)s order by created_at, id"

_IDS = b"""
    select number from certificates where beneficiary_id = %(person)s
    union all select id::text from capture_sessions where beneficiary_id = %(person)s
    union all select id::text from face_references where beneficiary_id = %(person)s
    union all select id::text from review_cases where beneficiary_id = %(person)s
    union all select id::text from proposals where beneficiary_id = %(person)s
    union all select id::text from messages where beneficiary_id = %(person)s
    union all select id::text from bundles where beneficiary_id = %(person)s
    union all select id::text from evidence where beneficiary_id = %(person)s
    union all select id::text from entitlements where beneficiary_id = %(person)s
"""

# People who are enrolled already, or who come twice, are left out with their keys and pensions.
_ENROL = b"""
    with person as (
        insert into beneficiaries (id, national_id_hash, national_id_masked, card_hash, card_masked, ids_sealed, name,
            birth_date, region, needs, created_at, sex, enrolled_by)
        select id, national_id_hash, national_id_masked, card_hash, card_masked, ids_sealed, name,
            birth_date, region, needs, created_at, sex, enrolled_by
        from json_populate_recordset(null::beneficiaries, %(people)s)
        on conflict do nothing returning id
    ), key as (
        insert into data_keys (beneficiary_id, wrapped, master_key_id)
        select n.beneficiary_id, n.wrapped, n.master_key_id
        from json_populate_recordset(null::data_keys, %(keys)s) n join person on person.id = n.beneficiary_id
    ), pension as (
        insert into entitlements (id, beneficiary_id, scheme, starts_on, last_proof_on, first_due_on, terms, mac)
        select n.id, n.beneficiary_id, n.scheme, n.starts_on, n.last_proof_on, n.first_due_on, n.terms, n.mac
        from json_populate_recordset(null::entitlements, %(pensions)s) n join person on person.id = n.beneficiary_id
    )
    select id from person
"""

_RESTORE_DECOY = b"""
    with key as (
        insert into data_keys (beneficiary_id, wrapped, master_key_id)
        select beneficiary_id, wrapped, master_key_id from json_populate_recordset(null::data_keys, %(keys)s)
        on conflict do nothing
    )
    update beneficiaries set erased_at = null where id = %(person)s
"""

_ADD_PENSIONS = b"""
    insert into entitlements (id, beneficiary_id, scheme, starts_on, last_proof_on, first_due_on, terms, mac)
    select id, beneficiary_id, scheme, starts_on, last_proof_on, first_due_on, terms, mac
    from json_populate_recordset(null::entitlements, %(pensions)s)
    on conflict (beneficiary_id, scheme) do nothing
"""

_KNOWN = b"""
    select b.national_id_hash, b.id, b.name, b.birth_date,
        array(select e.scheme::text from entitlements e where e.beneficiary_id = b.id)
    from beneficiaries b where b.national_id_hash = any(string_to_array(%(hashes)s, ',')::bytea[])
"""

_TEMPLATES = b"""
    select t.reference_id, t.model, t.model_sha256, t.sealed
    from templates t join face_references r on r.id = t.reference_id
    where r.beneficiary_id = %(person)s and r.state = 'active' order by t.reference_id, t.model
"""


@dataclass(frozen=True, slots=True)
class Template:
    """One embedding of one active reference by one model, sealed."""

    reference_id: UUID
    model: str
    model_sha256: str
    sealed: bytes


def enrol_people(db: Session, people: Sequence[Row], keys: Sequence[Row], pensions: Sequence[Row]) -> set[UUID]:
    """Store new people with their data keys and pensions.

    Args:
        db: the session of the transaction.
        people: rows of ``beneficiaries``.
        keys: rows of ``data_keys``.
        pensions: rows of ``entitlements``.

    Returns:
        The ids of the people who are new. The others were enrolled before or came twice, and were left out.
    """
    tables = {"people": as_rows(people), "keys": as_rows(keys), "pensions": _sealed(db, pensions)}
    return {row[0] for row in fetch(db, _ENROL, tables)}


def restore_decoy(db: Session, key: Row) -> None:
    """Give the row that stands for no person a data key again, and take back its erasure.

    Earlier releases let an officer erase that row. Its media could not be sealed then, which told decoys from people.

    Args:
        db: the session of the transaction.
        key: row of ``data_keys``.
    """
    run(db, _RESTORE_DECOY, {"person": DECOY_PERSON, "keys": as_rows([key])})
    refresh(db, BeneficiaryRow)


def add_pensions(db: Session, pensions: Sequence[Row]) -> int:
    """Store pensions of enrolled people, except for schemes that they have already; return how many are new."""
    return run(db, _ADD_PENSIONS, {"pensions": _sealed(db, pensions)})


def _sealed(db: Session, pensions: Sequence[Row]) -> str:
    macs = macs_of(db)
    return as_rows([macs.sealed(db, RowKind.STANDING, row) for row in pensions])


def refuse_decoy(people: Collection[UUID]) -> None:
    """Refuse the row that stands for no person, as if it did not exist.

    This is the one guard of that row. Everything that a caller asks for by the id of a person comes through here: if
    one officer could erase it, every stranger's film would be answered unlike that of a pensioner from then on.

    Args:
        people: ids as callers gave them.

    Raises:
        NotFound: one of them is that row (``beneficiary_not_found``).
    """
    if DECOY_PERSON in people:
        raise beneficiary_not_found()


def beneficiary_not_found() -> NotFound:
    """Return the error for a person who does not exist (``beneficiary_not_found``)."""
    return NotFound("There is no such beneficiary.", code=ErrorCode.BENEFICIARY_NOT_FOUND)


def get_beneficiary(
    db: Session, beneficiary_id: UUID, *, lock: bool = False, decoy_too: bool = False
) -> BeneficiaryRow:
    """Return a beneficiary.

    Args:
        db: the session of the transaction.
        beneficiary_id: id of the person.
        lock: lock the person until the transaction ends, so that no other transaction determines them. The lock is
            FOR NO KEY UPDATE: inserting rows that refer to the person does not wait for it.
        decoy_too: return the row that decoy sessions belong to as well. Only the evaluation of sessions sets it.

    Raises:
        NotFound: no such beneficiary (``beneficiary_not_found``).
    """
    if not decoy_too:
        refuse_decoy((beneficiary_id,))
    row = load(db, BeneficiaryRow, _LOCK_BY_ID if lock else _BY_ID, {"id": beneficiary_id})
    if row is None:
        raise beneficiary_not_found()
    return row


def find_beneficiary(
    db: Session, *, national_id_hash: bytes | None = None, card_hash: bytes | None = None
) -> UUID | None:
    """Return the id of the person whose national id or card number has this keyed hash, or None."""
    query = select(BeneficiaryRow.id)
    if national_id_hash is not None:
        query = query.where(BeneficiaryRow.national_id_hash == national_id_hash)
    if card_hash is not None:
        query = query.where(BeneficiaryRow.card_hash == card_hash)
    return db.scalars(query.limit(1)).one_or_none()


def people_by_number(db: Session, kind: str, hashes: Collection[bytes]) -> dict[bytes, UUID]:
    """Return by keyed hash the people with these numbers who are not erased; ``kind``: national_id or card."""
    if not hashes:
        return {}
    column = BeneficiaryRow.national_id_hash if kind == "national_id" else BeneficiaryRow.card_hash
    query = select(column, BeneficiaryRow.id).where(column.in_(hashes), BeneficiaryRow.erased_at.is_(None))
    return {value: person for value, person in db.execute(query) if value is not None}


def ids_of(db: Session, beneficiary_id: UUID) -> list[str]:
    """Return the ids of a person and of their certificates, sessions, references, cases, facts and pensions."""
    return [str(beneficiary_id), *(row[0] for row in fetch(db, _IDS, {"person": beneficiary_id}))]


def entitlements_of(db: Session, beneficiary_id: UUID) -> Sequence[EntitlementRow]:
    """Return all entitlements of a person, by scheme."""
    query = select(EntitlementRow).where(EntitlementRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(EntitlementRow.scheme)).all()


def references_of(db: Session, beneficiary_id: UUID) -> Sequence[ReferenceRow]:
    """Return all references of a person, oldest first."""

    def check(row: ReferenceRow) -> None:
        check_object(macs_of(db), db, RowKind.REFERENCE, row)

    return load_all(db, ReferenceRow, _OF_PERSON, {"person": beneficiary_id}, check=check)


def pending_references(db: Session, *, created_before: datetime, limit: int) -> Sequence[UUID]:
    """Return references that were created before an instant and are not measured yet, oldest first."""
    query = select(ReferenceRow.id).where(
        ReferenceRow.state == ReferenceState.PENDING, ReferenceRow.created_at < created_before
    )
    return db.scalars(query.order_by(ReferenceRow.created_at).limit(limit)).all()


def active_templates(db: Session, beneficiary_id: UUID) -> list[Template]:
    """Return the templates of all active references of a person."""
    return [Template(*row) for row in fetch(db, _TEMPLATES, {"person": beneficiary_id}, binary=True)]


def get_reference(db: Session, reference_id: UUID, *, lock: bool = False) -> ReferenceRow:
    """Return a reference.

    Args:
        db: the session of the transaction.
        reference_id: id of the reference.
        lock: lock the row until the transaction ends.

    Raises:
        NotFound: no such reference (``reference_not_found``).
    """
    query = select(ReferenceRow).where(ReferenceRow.id == reference_id)
    row = db.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("There is no such reference.", code=ErrorCode.REFERENCE_NOT_FOUND)
    return row


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person who is enrolled already: the details that an import compares."""

    id: UUID
    name: str | None
    birth_date: date | None
    schemes: frozenset[str]


def known_people(db: Session, hashes: Sequence[bytes]) -> dict[bytes, KnownPerson]:
    """Return the enrolled people with these hashed national ids, by hash.

    One look-up for many people, so that a file that was imported before is skipped quickly.
    """
    rows = fetch(db, _KNOWN, {"hashes": as_bytes(hashes)}, binary=True) if hashes else []
    return {number: KnownPerson(person, name, born, frozenset(schemes)) for number, person, name, born, schemes in rows}


def list_beneficiaries(
    db: Session, *, after: UUID | None, limit: int, scope: Scope = EVERYTHING
) -> Sequence[BeneficiaryRow]:
    """Return a page of the beneficiaries in a scope, in the order of their ids, after one id or from the start."""
    query = within(select(BeneficiaryRow), scope, BeneficiaryRow.id).order_by(BeneficiaryRow.id).limit(limit)
    # The id of the decoy row comes before all others.
    query = query.where(BeneficiaryRow.id > (after or DECOY_PERSON))
    return db.scalars(query).all()


def people_after(db: Session, after: UUID, *, before: UUID | None, limit: int) -> Sequence[UUID]:
    """Return ids of people who are not erased, in ascending order, between two ids (both exclusive)."""
    query = select(BeneficiaryRow.id).where(BeneficiaryRow.id > after, BeneficiaryRow.erased_at.is_(None))
    if before is not None:
        query = query.where(BeneficiaryRow.id < before)
    return db.scalars(query.order_by(BeneficiaryRow.id).limit(limit)).all()


def count_by_standing(db: Session) -> dict[str, int]:
    """Return the number of entitlements by standing; those without one count as ``not_determined``."""
    query = select(func.coalesce(EntitlementRow.standing, "not_determined"), func.count()).group_by(
        EntitlementRow.standing
    )
    return {row[0]: row[1] for row in db.execute(query)}


def people_to_determine(db: Session, today: Mapping[str, date], *, limit: int) -> Sequence[UUID]:
    """Return people with an entitlement whose standing may change by now.

    Args:
        db: the session of the transaction.
        today: today's date by scheme, because schemes have time zones of their own.
        limit: how many people at most.
    """
    due = or_(
        *(and_(EntitlementRow.scheme == scheme, EntitlementRow.next_change_on <= day) for scheme, day in today.items())
    )
    query = select(EntitlementRow.beneficiary_id).join(
        BeneficiaryRow, BeneficiaryRow.id == EntitlementRow.beneficiary_id
    )
    return db.scalars(query.where(due, BeneficiaryRow.erased_at.is_(None)).distinct().limit(limit)).all()


def find_person(db: Session, beneficiary_id: UUID | None) -> UUID | None:
    """Return the id if such a beneficiary is stored, erased or not.

    The row itself is not read, so that a later lock in the same session sees it as it is then.
    """
    return db.scalars(select(BeneficiaryRow.id).where(BeneficiaryRow.id == beneficiary_id)).one_or_none()


def people_by_id(db: Session, people: Collection[UUID]) -> dict[UUID, BeneficiaryRow]:
    """Return many beneficiaries, by id."""
    return {row.id: row for row in db.scalars(select(BeneficiaryRow).where(BeneficiaryRow.id.in_(people)))}


def regions_of(db: Session, people: Collection[UUID]) -> dict[UUID, str | None]:
    """Return the regions where people live, by person; None where it is not known."""
    query = select(BeneficiaryRow.id, BeneficiaryRow.region)
    return dict(db.execute(query.where(BeneficiaryRow.id.in_(people))).all())
