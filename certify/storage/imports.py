"""Store new people by the ten thousand with COPY, and read the determinations that an import stored in brief."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa
from psycopg.errors import UniqueViolation
from sqlalchemy import select
from sqlalchemy.orm import Session

from certify.storage.bulk_macs import sealed_batch
from certify.storage.copy import copy_in, copy_out_batches
from certify.storage.direct import as_bytes, fetch
from certify.storage.mac_form import message
from certify.storage.row_macs import RowKind, macs_of
from certify.storage.tables.imports import FirstDeterminationRow, ImportChunkRow

_CARDS = b"select card_hash from beneficiaries where card_hash = any(string_to_array(%(hashes)s, ',')::bytea[])"
_LEAVES = b"""
    select index, entry, beneficiary_id, created_at, mac from ledger_leaves
    where beneficiary_id is null and position('"event":"people_imported"'::bytea in entry) > 0 order by index
"""
_DIGESTED = {name: pa.string() for name in ("chunk_id", "id", "entitlement_id", "beneficiary_id", "as_of", "digest")}


class EnrolledMeanwhile(Exception):
    """Another process enrolled one of the people a moment ago."""


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows of people who are new; the columns are those of the tables, as texts, without MACs."""

    people: pa.Table
    keys: pa.Table
    pensions: pa.Table
    determinations: pa.Table


def insert_people(db: Session, rows: NewRows) -> None:
    """Store new people with their data keys, pensions and first determinations.

    Args:
        db: the session of the transaction.
        rows: the rows.

    Raises:
        EnrolledMeanwhile: somebody enrolled one of these people, or one of their cards. The transaction is lost.
    """
    macs = macs_of(db)

    def sealing(kind: RowKind) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
        macs.under(db, kind)  # opened here: the other thread has no session
        return lambda batch: sealed_batch(macs, db, kind, batch)

    try:
        copy_in(db, "beneficiaries", rows.people)
    except UniqueViolation as error:
        raise EnrolledMeanwhile from error
    copy_in(db, "data_keys", rows.keys)
    copy_in(db, "entitlements", rows.pensions, prepare=sealing(RowKind.STANDING))
    copy_in(db, "first_determinations", rows.determinations, prepare=sealing(RowKind.FIRST))


def known_cards(db: Session, hashes: Collection[bytes]) -> set[bytes]:
    """Return which of these hashed card numbers somebody has."""
    return {row[0] for row in fetch(db, _CARDS, {"hashes": as_bytes(hashes)}, binary=True)} if hashes else set()


def get_first(db: Session, determination_id: UUID) -> FirstDeterminationRow | None:
    """Return a first determination, or None if there is none with this id."""
    return db.get(FirstDeterminationRow, determination_id)


def firsts_of(db: Session, beneficiary_id: UUID) -> Sequence[FirstDeterminationRow]:
    """Return the first determinations of a person: one for each pension with which an import enrolled them."""
    query = select(FirstDeterminationRow).where(FirstDeterminationRow.beneficiary_id == beneficiary_id)
    return db.scalars(query.order_by(FirstDeterminationRow.id)).all()


def import_chunk(db: Session, chunk_id: UUID) -> ImportChunkRow | None:
    """Return a chunk of an import, or None if there is none with this id."""
    return db.get(ImportChunkRow, chunk_id)


def import_chunks(db: Session) -> Sequence[ImportChunkRow]:
    """Return the chunks of all imports."""
    return db.scalars(select(ImportChunkRow).order_by(ImportChunkRow.done_at, ImportChunkRow.id)).all()


def chunks_by_id(db: Session, chunks: Collection[UUID]) -> dict[UUID, ImportChunkRow]:
    """Return chunks of imports, by id.

    Raises:
        RowAltered: a chunk is not as the service wrote it (``row_altered``).
    """
    rows = db.scalars(select(ImportChunkRow).where(ImportChunkRow.id.in_(chunks))) if chunks else ()
    return {row.id: row for row in rows}


def importer_of(db: Session, beneficiary_id: UUID) -> str | None:
    """Return who imported a person, as the sealed rows say; None if no import enrolled them.

    Raises:
        RowAltered: a row is not as the service wrote it (``row_altered``).
    """
    chunks = chunks_by_id(db, {first.chunk_id for first in firsts_of(db, beneficiary_id)})
    return next((chunk.imported_by for chunk in chunks.values()), None)


def import_entries(db: Session) -> list[bytes]:
    """Return the entries of the ledger about chunks of imports; without altered ones."""
    mac = macs_of(db).under(db, RowKind.LEAF)
    return [entry for *rest, stored in fetch(db, _LEAVES) if mac(message([*rest])) == stored for entry in (rest[1],)]


def firsts_digest(lines: Collection[tuple[str, str, str, str, str]]) -> bytes:
    """Return the SHA-256 of first determinations in the order of their ids, a line for each.

    What an erasure takes out of them is not part of it, so it stays provable.

    Args:
        lines: id, id of the pension, id of the person, date of the decision, and hash of the verdict in hexadecimal.
    """
    return hashlib.sha256("".join(",".join(line) + "\n" for line in sorted(lines)).encode()).digest()


def stored_digests(db: Session) -> Iterator[tuple[UUID, bytes]]:
    """Yield for each chunk that has first determinations their digest (``firsts_digest``) as they are stored now."""
    query = """select chunk_id, id, entitlement_id, beneficiary_id, as_of, digest
        from first_determinations order by chunk_id, id"""
    chunk = ""
    lines: list[tuple[str, str, str, str, str]] = []
    for batch in copy_out_batches(db, query, _DIGESTED):
        for number, *line in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if number != chunk and lines:
                yield UUID(chunk), firsts_digest(lines)
                lines = []
            chunk = number
            lines.append((line[0], line[1], line[2], line[3], line[4]))
    if lines:
        yield UUID(chunk), firsts_digest(lines)
