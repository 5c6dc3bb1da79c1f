"""The service's own keys: certificates, ledger checkpoints, session tokens. One active key per purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.certificates.keys import Algorithm, SigningKey, VerificationKey
from certify.storage.tables import SigningKeyRow
from certify.storage.vault import Vault


def active_key(db: Session, vault: Vault, purpose: str, now: datetime, *, hold: bool = False) -> SigningKey:
    """Return the key that signs for a purpose, making the first one when there is none yet.

    With ``hold`` the key is not retired before the caller's transaction ends.
    """
    row = _active_row(db, purpose, hold=hold)
    if row is None:
        # Two processes may start together: the unique index keeps one key, both read back the same.
        _insert(db, vault, purpose, SigningKey.generate(Algorithm.EDDSA), now)
        row = _active_row(db, purpose, hold=hold)
        if row is None:
            raise LookupError(f"no key for {purpose}")
    return SigningKey.from_jwk(json.loads(vault.open_secret(secret_name(row.kid), row.private_sealed)))


def rotate_key(
    db: Session, vault: Vault, purpose: str, algorithm: Algorithm, clock: Callable[[], datetime]
) -> SigningKey:
    """Retire the active key of a purpose and make a new one. The old one still verifies what it signed.

    Waits for whoever is signing with it just now, and reads the clock after that: what they sign is dated before the
    key's end.
    """
    query = select(SigningKeyRow).where(SigningKeyRow.purpose == purpose, SigningKeyRow.retired_at.is_(None))
    row = db.scalars(query.with_for_update()).one_or_none()
    now = clock()
    if row is not None:
        row.retired_at = now
        db.flush()
    key = SigningKey.generate(algorithm)
    _insert(db, vault, purpose, key, now)
    return key


def public_keys(db: Session, purpose: str) -> Sequence[SigningKeyRow]:
    """Return all keys of a purpose, oldest first."""
    query = select(SigningKeyRow).where(SigningKeyRow.purpose == purpose)
    return db.scalars(query.order_by(SigningKeyRow.created_at, SigningKeyRow.kid)).all()


def secret_name(kid: str) -> str:
    """Return the name under which the vault seals a private key."""
    return f"signing:{kid}"


def _active_row(db: Session, purpose: str, *, hold: bool = False) -> SigningKeyRow | None:
    query = select(SigningKeyRow).where(SigningKeyRow.purpose == purpose, SigningKeyRow.retired_at.is_(None))
    return db.scalars(query.with_for_update(read=True, key_share=True) if hold else query).one_or_none()


def _insert(db: Session, vault: Vault, purpose: str, key: SigningKey, now: datetime) -> None:
    private = json.dumps(key.to_jwk()).encode()
    new = insert(SigningKeyRow).values(
        kid=key.kid,
        purpose=purpose,
        algorithm=key.algorithm.value,
        public_jwk=VerificationKey.from_public(key.private.public_key()).to_jwk(),
        private_sealed=vault.seal_secret(secret_name(key.kid), private),
        created_at=now,
    )
    db.execute(new.on_conflict_do_nothing())
