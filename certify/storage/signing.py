"""The service's own keys: certificates, ledger checkpoints, session tokens. One active key per purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.certificates.keys import Algorithm, SigningKey, VerificationKey
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid, Unavailable
from certify.storage.direct import fetch
from certify.storage.tables.service import SigningKeyRow
from certify.storage.vault import Vault


class Purpose(StrEnum):
    """What the service signs, each with a key of its own."""

    CERTIFICATE = "certificate"
    LEDGER = "ledger"  # checkpoints; C2SP notes know no other algorithm than Ed25519
    SESSION = "session"  # tokens of capture sessions
    VISIT = "visit"  # never signs: tablets seal visits to it (certify/doorstep/bundle.py)


_ACTIVE = b"select kid, private_sealed from signing_keys where purpose = %(purpose)s and retired_at is null"
_HOLD = b" for key share"
_ROTATIONS_AT_ONCE = 5


def active_key(db: Session, vault: Vault, purpose: str, now: datetime, *, hold: bool = False) -> SigningKey:
    """Return the key that signs for a purpose, making the first one when there is none yet.

    With ``hold`` the key is not retired before the caller's transaction ends.
    """
    found = _active(db, purpose, hold=hold)
    if found is None:
        # Two processes may start together: the unique index keeps one key, both read back the same.
        first = Algorithm.ES256 if purpose == Purpose.VISIT else Algorithm.EDDSA
        _insert(db, vault, purpose, SigningKey.generate(first), now)
        found = _active(db, purpose, hold=hold)
        if found is None:
            raise LookupError(f"no key for {purpose}")
    kid, sealed = found
    return vault.signing_key(secret_name(kid), sealed)


def rotate_key(
    db: Session, vault: Vault, purpose: str, algorithm: Algorithm, clock: Callable[[], datetime]
) -> SigningKey:
    """Retire the active key of a purpose and make a new one. The old one still verifies what it signed.

    Waits for whoever is signing with it just now, and reads the clock after that: what they sign is dated before the
    key's end. Somebody else may make the first key, or rotate, at the same moment: then theirs is retired.
    Raises Invalid (``algorithm_not_possible``): only certificates can be signed with another than Ed25519. Visits are
    sealed to a key on P-256 in any case.
    """
    if purpose == Purpose.VISIT:
        algorithm = Algorithm.ES256
    elif purpose != Purpose.CERTIFICATE and algorithm is not Algorithm.EDDSA:
        raise Invalid(
            f"The {purpose} key signs with Ed25519 only.",
            hint="Leave out --algorithm.",
            code=ErrorCode.ALGORITHM_NOT_POSSIBLE,
        )
    key = SigningKey.generate(algorithm)
    for _ in range(_ROTATIONS_AT_ONCE):
        retired = select(SigningKeyRow).where(SigningKeyRow.purpose == purpose, SigningKeyRow.retired_at.is_(None))
        row = db.scalars(retired.with_for_update()).one_or_none()
        now = clock()
        if row is not None:
            row.retired_at = now
            db.flush()
        if _insert(db, vault, purpose, key, now):
            return key
    raise Unavailable(
        f"The {purpose} key was changed by others again and again.", hint="Try again.", code=ErrorCode.KEYS_CONTENDED
    )


def visit_key(db: Session, vault: Vault, kid: str) -> SigningKey | None:
    """Return the private key that a visit was sealed to, retired or not; None when it is not ours."""
    query = select(SigningKeyRow.private_sealed).where(SigningKeyRow.purpose == Purpose.VISIT, SigningKeyRow.kid == kid)
    sealed = db.scalars(query).one_or_none()
    return None if sealed is None else vault.signing_key(secret_name(kid), sealed)


def verifying_keys(db: Session, purpose: str, since: datetime) -> Sequence[SigningKeyRow]:
    """Return the keys of a purpose that sign or did so after an instant: what they signed may not have expired yet."""
    return [row for row in public_keys(db, purpose) if row.retired_at is None or row.retired_at > since]


def public_keys(db: Session, purpose: str) -> Sequence[SigningKeyRow]:
    """Return all keys of a purpose, oldest first."""
    query = select(SigningKeyRow).where(SigningKeyRow.purpose == purpose)
    return db.scalars(query.order_by(SigningKeyRow.created_at, SigningKeyRow.kid)).all()


def secret_name(kid: str) -> str:
    """Return the name under which the vault seals a private key."""
    return f"signing:{kid}"


def _active(db: Session, purpose: str, *, hold: bool) -> tuple[str, bytes] | None:
    rows = fetch(db, _ACTIVE + _HOLD if hold else _ACTIVE, {"purpose": purpose})
    return (rows[0][0], rows[0][1]) if rows else None


def _insert(db: Session, vault: Vault, purpose: str, key: SigningKey, now: datetime) -> bool:
    """Store a key as the active one; return False when the purpose has one that we did not see."""
    private = json.dumps(key.to_jwk()).encode()
    new = insert(SigningKeyRow).values(
        kid=key.kid,
        purpose=purpose,
        algorithm=key.algorithm.value,
        public_jwk=VerificationKey.from_public(key.private.public_key()).to_jwk(),
        private_sealed=vault.seal_secret(secret_name(key.kid), private),
        created_at=now,
    )
    stored = db.execute(new.on_conflict_do_nothing().returning(SigningKeyRow.kid))
    return stored.one_or_none() is not None
