"""Seal data with one data key per beneficiary. Deleting the row of the data key erases the person."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Sequence
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

_SIGNING_KEYS = 16  # parsed keys held in memory; more than are active at a time


def data_key_context(beneficiary_id: UUID) -> bytes:
    """Return the context to which the wrapping of a person's data key is bound."""
    return beneficiary_id.bytes


def secret_context(name: str) -> bytes:
    """Return the context to which the wrapping of a secret of the service is bound."""
    return name.encode()


class Vault:
    """Seals and opens with data keys and secrets that one master key wraps."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._lookup_key: bytes | None = None
        self._signing_keys: dict[bytes, SigningKey] = {}

    def new_key(self, beneficiary_id: UUID) -> tuple[dict[str, Any], Sealer]:
        """Generate a data key for a new beneficiary; return the row to store and a sealer with that key."""
        key = secrets.token_bytes(32)
        wrapped = self._master.wrap(key, data_key_context(beneficiary_id))
        row = {"beneficiary_id": beneficiary_id, "wrapped": wrapped, "master_key_id": self._master.id}
        return row, Sealer(key, beneficiary_id)

    def destroy_key(self, db: Session, beneficiary_id: UUID) -> None:
        """Delete the data key of a person. Once backups have expired, no one can read what it sealed."""
        row = db.get(DataKeyRow, beneficiary_id)
        if row is not None:
            db.delete(row)

    def sealer(self, db: Session, beneficiary_id: UUID) -> Sealer:
        """Return the sealer of one beneficiary.

        Raises:
            Gone: the person was erased (``person_erased``).
            Unavailable: the master key does not open the data key (``decryption_failed``).
        """
        sealers = self.sealers(db, [beneficiary_id])
        if not sealers:
            raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
        return sealers[beneficiary_id]

    def sealers(self, db: Session, people: Sequence[UUID]) -> dict[UUID, Sealer]:
        """Return the sealers of many people; erased people have none.

        Raises:
            Unavailable: the master key does not open a data key (``decryption_failed``).
        """
        rows = fetch(db, *one_or_many(_KEYS, people))
        return {
            person: Sealer(self._master.unwrap(wrapped, data_key_context(person)), person) for person, wrapped in rows
        }

    def new_secret(self, name: str) -> dict[str, Any]:
        """Generate a secret of the service, and return the columns of its row except the name."""
        wrapped = self._master.wrap(secrets.token_bytes(32), secret_context(name))
        return {"wrapped": wrapped, "master_key_id": self._master.id}

    def seal_secret(self, name: str, plain: bytes) -> bytes:
        """Seal a secret of the service itself, such as a private signing key; ``open_secret`` needs the same name."""
        return self._master.wrap(plain, secret_context(name))

    def open_secret(self, name: str, sealed: bytes) -> bytes:
        """Decrypt what ``seal_secret`` sealed under this name.

        Raises:
            Unavailable: the master key, the name or the bytes are not the original ones (``decryption_failed``).
        """
        return self._master.unwrap(sealed, secret_context(name))

    def signing_key(self, name: str, sealed: bytes) -> SigningKey:
        """Open a private signing key that ``seal_secret`` sealed as JWK.

        The parsed key stays in memory, because every signature needs it.

        Raises:
            Unavailable: the master key does not open it (``decryption_failed``).
        """
        if sealed not in self._signing_keys:
            if len(self._signing_keys) >= _SIGNING_KEYS:
                self._signing_keys.clear()
            self._signing_keys[sealed] = SigningKey.from_jwk(json.loads(self.open_secret(name, sealed)))
        return self._signing_keys[sealed]

    def lookup_hash(self, db: Session, kind: str, identifier: str) -> bytes:
        """Return the keyed hash by which an identifier is looked up.

        It is HMAC-SHA-256, so the database alone does not reveal the identifier.

        Args:
            db: the session of the transaction, for the key.
            kind: kind of the identifier, such as ``national_id``.
            identifier: the normalised identifier.
        """
        return hmac.digest(self.lookup_key(db), f"{kind}\0{identifier}".encode(), hashlib.sha256)

    def lookup_hashes(self, db: Session, kind: str, identifiers: Iterable[str]) -> dict[str, bytes]:
        """Return what ``lookup_hash`` returns, for many identifiers of one kind."""
        key, start = self.lookup_key(db), f"{kind}\0".encode()
        return {one: hmac.digest(key, start + one.encode(), hashlib.sha256) for one in identifiers}

    def lookup_key(self, db: Session) -> bytes:
        """Return the key of ``lookup_hash``, for callers that hash millions of identifiers at once."""
        if self._lookup_key is None:
            self._lookup_key = self._load_lookup_key(db)
        return self._lookup_key

    def _load_lookup_key(self, db: Session) -> bytes:
        name = "id-lookup"
        query = select(SecretRow.wrapped).where(SecretRow.name == name)
        wrapped = db.scalars(query).one_or_none()
        if wrapped is None:
            # In a transaction of its own. If the caller's transaction were used and rolled back, this process would
            # go on hashing with a key that is not stored, and the same person could be enrolled twice.
            fresh = self._master.wrap(secrets.token_bytes(32), secret_context(name))
            new = insert(SecretRow).values(name=name, wrapped=fresh, master_key_id=self._master.id)
            with Session(db.get_bind()) as own:
                own.execute(new.on_conflict_do_nothing())
                own.commit()
                wrapped = own.scalars(query).one()
        return self._master.unwrap(wrapped, secret_context(name))


class Sealer:
    """Seals and opens the data of one beneficiary. A label binds sealed bytes to their purpose, such as one photo."""

    def __init__(self, key: bytes, beneficiary_id: UUID) -> None:
        self._key = key
        self.beneficiary_id = beneficiary_id

    def seal(self, plain: bytes, label: str) -> bytes:
        """Encrypt bytes; ``open`` needs the same label."""
        return seal(self._key, plain, self._context(label))

    def open(self, sealed: bytes, label: str) -> bytes:
        """Decrypt bytes.

        Raises:
            Unavailable: the bytes belong to another person or another label, or were altered (``decryption_failed``).
        """
        return unseal(self._key, sealed, self._context(label))

    def mark(self, value: str) -> str:
        """Return a keyed hash of a photo's digest for the ledger, in hexadecimal.

        The ledger is public to auditors and never changes. The plain digest of a photo would tell for all time whose
        photo it was to anyone who has the photo. The key of this hash is destroyed when the person is erased.
        """
        key = hmac.digest(self._key, b"certify ledger mark", hashlib.sha256)
        return hmac.digest(key, value.encode(), hashlib.sha256).hex()

    def _context(self, label: str) -> bytes:
        return self.beneficiary_id.bytes + label.encode()
