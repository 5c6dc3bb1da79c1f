"""Store the signing keys of the service: for certificates, ledger checkpoints, session tokens and sealed visits.

Each purpose has one active key.
"""

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
    """What a key of the service is for; each purpose has a key of its own."""

    CERTIFICATE = "certificate"
    LEDGER = "ledger"  # checkpoints; signed notes (C2SP) have no other algorithm than Ed25519
    SESSION = "session"  # tokens of capture sessions
    VISIT = "visit"  # does not sign: tablets encrypt visits to it (certify/doorstep/bundle.py)


_ACTIVE = b"select kid, private_sealed from signing_keys where purpose = %(purpose)s and retired_at is null"
_HOLD = b" for key share"
_ROTATIONS_AT_ONCE = 5


def active_key(db: Session, vault: Vault, purpose: str, now: datetime, *, hold: bool = False) -> SigningKey:
    """Return the active key of a purpose; create the first one if there is none yet.

    Args:
        db: the session of the transaction.
        vault: opens and seals the private key.
        purpose: one of ``Purpose``.
        now: the instant at which a first key is created.
        hold: keep the key from being retired until the caller's transaction ends.
    """
    active = _active(db, purpose, hold=hold)
    if active is None:
        # Two processes may start together: the unique index keeps one key, and both read the same one.
        first = Algorithm.ES256 if purpose == Purpose.VISIT else Algorithm.EDDSA
        _insert(db, vault, purpose, SigningKey.generate(first), now)
        active = _active(db, purpose, hold=hold)
        if active is None:
            raise LookupError(f"no key for {purpose}")
    kid, sealed = active
    return vault.signing_key(secret_name(kid), sealed)


def rotate_key(
    db: Session, vault: Vault, purpose: str, algorithm: Algorithm, clock: Callable[[], datetime]
) -> SigningKey:
    """Retire the active key of a purpose and create a new one. The old key still verifies what it signed.

    The call waits for transactions that sign with the active key, and reads the clock after that, so that everything
    they sign is dated before the key's end. If another process creates or rotates the key at the same time, its key is
    retired as well.

    Args:
        db: the session of the transaction.
        vault: seals the private key.
        purpose: one of ``Purpose``.
        algorithm: algorithm of the new key. For visits it is ignored: they are always sealed to a key on P-256.
        clock: returns the present instant.

    Raises:
        Invalid: only certificates can be signed with another algorithm than Ed25519 (``algorithm_not_possible``).
        Unavailable: other processes changed the key at the same time, several times (``keys_contended``).
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
        f"Other processes changed the {purpose} key at the same time.",
        hint="Try again.",
        code=ErrorCode.KEYS_CONTENDED,
    )


def visit_key(db: Session, vault: Vault, kid: str) -> SigningKey | None:
    """Return the private key that a visit was sealed to, active or retired; None if the key is not ours."""
    query = select(SigningKeyRow.private_sealed).where(SigningKeyRow.purpose == Purpose.VISIT, SigningKeyRow.kid == kid)
    sealed = db.scalars(query).one_or_none()
    return None if sealed is None else vault.signing_key(secret_name(kid), sealed)


def verifying_keys(db: Session, purpose: str, since: datetime) -> Sequence[SigningKeyRow]:
    """Return the keys of a purpose that were active after an instant; their signatures may still be valid."""
    return [row for row in public_keys(db, purpose) if row.retired_at is None or row.retired_at > since]


def public_keys(db: Session, purpose: str) -> Sequence[SigningKeyRow]:
    """Return all keys of a purpose, oldest first."""
    query = select(SigningKeyRow).where(SigningKeyRow.purpose == purpose)
    return db.scalars(query.order_by(SigningKeyRow.created_at, SigningKeyRow.kid)).all()


def secret_name(kid: str) -> str:
    """Return the label under which the vault seals a private key."""
    return f"signing:{kid}"


def _active(db: Session, purpose: str, *, hold: bool) -> tuple[str, bytes] | None:
    rows = fetch(db, _ACTIVE + _HOLD if hold else _ACTIVE, {"purpose": purpose})
    return (rows[0][0], rows[0][1]) if rows else None


def _insert(db: Session, vault: Vault, purpose: str, key: SigningKey, now: datetime) -> bool:
    """Store a key as the active one; return False if the purpose has an active key that we did not see."""
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
