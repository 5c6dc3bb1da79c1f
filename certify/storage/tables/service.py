"""Tables of the service itself: secrets, signing keys, the ledger, stored answers for repeated requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from certify.storage.tables.base import Base


class SecretRow(Base):
    """A secret of the service itself (such as the key of the id hash), wrapped by the master key."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    master_key_id: Mapped[str]


class SigningKeyRow(Base):
    """A key of the service, with its private part sealed by the master key.

    ``purpose`` is one of ``certify.storage.signing.Purpose``: certificate, ledger, session or visit.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index("uq_signing_keys_active", "purpose", unique=True, postgresql_where=text("retired_at is null")),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    algorithm: Mapped[str]
    public_jwk: Mapped[dict[str, Any]]
    private_sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class LedgerLeafRow(Base):
    """One entry of the ledger. ``entry`` is the hashed content in canonical JSON; it contains no names."""

    __tablename__ = "ledger_leaves"

    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry: Mapped[bytes]
    beneficiary_id: Mapped[UUID | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class LedgerNodeRow(Base):
    """The hash of one complete subtree. Level 0 has the leaves; ``index`` counts from the left within a level."""

    __tablename__ = "ledger_nodes"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class CheckpointRow(Base):
    """A signed statement of the ledger's size and root."""

    __tablename__ = "ledger_checkpoints"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str]
    created_at: Mapped[datetime]


class IdempotencyRow(Base):
    """The stored answer to a request that changed something, so that a repeat changes nothing."""

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[bytes | None]  # sealed: answers can hold tokens and names
    created_at: Mapped[datetime]
