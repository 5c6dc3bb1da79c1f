"""Sealing with one data key per beneficiary. Whoever has no data key row has no readable data: that is erasure."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.certificates.keys import SigningKey
from certify.domain.error_codes import ErrorCode
from certify.errors import Gone
from certify.storage.direct import fetch, one_or_many
from certify.storage.keys import MasterKey, seal, unseal
from certify.storage.tables.people import DataKeyRow
from certify.storage.tables.service import SecretRow

_KEYS = b"select beneficiary_id, wrapped from data_keys where beneficiary_id"

_SIGNING_KEYS = 16  # more than are active at a time; retired ones need not stay


def data_key_context(beneficiary_id: UUID) -> bytes:
    """Return what the wrapping of a person's data key is bound to."""
    return beneficiary_id.bytes


def secret_context(name: str) -> bytes:
    """Return what the wrapping of one of the service's own secrets is bound to."""
    return name.encode()


class Vault:
    """Opens and seals on behalf of one master key."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._lookup_key: bytes | None = None
        self._signing_keys: dict[bytes, SigningKey] = {}

    def create_key(self, db: Session, beneficiary_id: UUID) -> None:
        """Give a new beneficiary a data key."""
        row, _ = self.new_key(beneficiary_id)
        db.add(DataKeyRow(**row))

    def new_key(self, beneficiary_id: UUID) -> tuple[dict[str, Any], Sealer]:
        """Make a data key for a new beneficiary: the row to store, and the sealer of that key."""
        key = secrets.token_bytes(32)
        wrapped = self._master.wrap(key, data_key_context(beneficiary_id))
        row = {"beneficiary_id": beneficiary_id, "wrapped": wrapped, "master_key_id": self._master.id}
        return row, Sealer(key, beneficiary_id)

    def destroy_key(self, db: Session, beneficiary_id: UUID) -> None:
        """Erase the person: what their key sealed can never be read again (once backups have expired)."""
        row = db.get(DataKeyRow, beneficiary_id)
        if row is not None:
            db.delete(row)

    def sealer(self, db: Session, beneficiary_id: UUID) -> Sealer:
        """Return the sealer of one beneficiary. Raises Gone when the person was erased."""
        found = self.sealers(db, [beneficiary_id])
        if not found:
            raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
        return found[beneficiary_id]

    def sealers(self, db: Session, people: Sequence[UUID]) -> dict[UUID, Sealer]:
        """Return the sealers of many people; whoever was erased has none."""
        rows = fetch(db, *one_or_many(_KEYS, people))
        return {
            person: Sealer(self._master.unwrap(wrapped, data_key_context(person)), person) for person, wrapped in rows
        }

    def seal_secret(self, name: str, plain: bytes) -> bytes:
        """Seal something of the service itself, such as a private signing key."""
        return self._master.wrap(plain, secret_context(name))

    def open_secret(self, name: str, sealed: bytes) -> bytes:
        """Undo ``seal_secret``."""
        return self._master.unwrap(sealed, secret_context(name))

    def signing_key(self, name: str, sealed: bytes) -> SigningKey:
        """Open a private signing key that ``seal_secret`` sealed, as JWK. Parsed once: it is asked for every time."""
        if sealed not in self._signing_keys:
            if len(self._signing_keys) >= _SIGNING_KEYS:
                self._signing_keys.clear()
            self._signing_keys[sealed] = SigningKey.from_jwk(json.loads(self.open_secret(name, sealed)))
        return self._signing_keys[sealed]

    def lookup_hash(self, db: Session, kind: str, identifier: str) -> bytes:
        """Keyed hash by which an identifier is found: HMAC-SHA-256, useless to whoever has only the database."""
        return hmac.digest(self.lookup_key(db), f"{kind}\0{identifier}".encode(), hashlib.sha256)

    def lookup_key(self, db: Session) -> bytes:
        """Return the key of ``lookup_hash``, for who hashes millions of identifiers at once."""
        if self._lookup_key is None:
            self._lookup_key = self._load_lookup_key(db)
        return self._lookup_key

    def _load_lookup_key(self, db: Session) -> bytes:
        name = "id-lookup"
        query = select(SecretRow.wrapped).where(SecretRow.name == name)
        wrapped = db.scalars(query).one_or_none()
        if wrapped is None:
            # In a transaction of its own: were it the caller's, and were that rolled back, hashes made with a key that
            # nobody has any more would stay in this process, and the same person could be enrolled twice.
            fresh = self._master.wrap(secrets.token_bytes(32), secret_context(name))
            new = insert(SecretRow).values(name=name, wrapped=fresh, master_key_id=self._master.id)
            with Session(db.get_bind()) as own:
                own.execute(new.on_conflict_do_nothing())
                own.commit()
                wrapped = own.scalars(query).one()
        return self._master.unwrap(wrapped, secret_context(name))


class Sealer:
    """Seals and opens the data of one beneficiary; ``label`` binds the sealed bytes to what they are."""

    def __init__(self, key: bytes, beneficiary_id: UUID) -> None:
        self._key = key
        self.beneficiary_id = beneficiary_id

    def seal(self, plain: bytes, label: str) -> bytes:
        """Encrypt."""
        return seal(self._key, plain, self._context(label))

    def open(self, sealed: bytes, label: str) -> bytes:
        """Decrypt. Raises Unavailable when the bytes belong to another person or another purpose."""
        return unseal(self._key, sealed, self._context(label))

    def _context(self, label: str) -> bytes:
        return self.beneficiary_id.bytes + label.encode()
