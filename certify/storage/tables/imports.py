"""Tables of imports of people: chunks of a file, and what was determined first of the pensions that they brought."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from certify.storage.tables.base import Base


class ImportChunkRow(Base):
    """One chunk of a file of people, committed with everything that it enrolled."""

    __tablename__ = "import_chunks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID]  # the same for all chunks that one command imported
    imported_by: Mapped[str]  # the principal; it enrolled the people of the chunk
    policies: Mapped[dict[str, Any]]  # by scheme, the hash of the policy that was in force
    counts: Mapped[dict[str, Any]]
    digest: Mapped[bytes]  # of its first determinations; the ledger has it as well
    done_at: Mapped[datetime]
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class FirstDeterminationRow(Base):
    """The determination of a pension when an import enrolled its person, in brief: ``decide`` returns the whole."""

    __tablename__ = "first_determinations"

    # No foreign keys, as in silent_passes: the same transaction stores the person and the pension.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    chunk_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    beneficiary_id: Mapped[UUID] = mapped_column(index=True)
    as_of: Mapped[date]
    entitlement: Mapped[dict[str, Any]] = mapped_column(JSON())  # the pension as it was decided
    digest: Mapped[str]  # of the verdict as in determinations, in hexadecimal
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names
