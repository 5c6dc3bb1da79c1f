"""Keep the secrets that the keys of row MACs come from. The master key wraps them.

Each release that gives further tables a MAC starts a generation with a secret of its own. So a database whose older
tables are sealed says by the missing secret that the newer ones are not, and only these are sealed
(certify/audit/sealing.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.storage.tables.service import SecretRow
from certify.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Generation:
    """Tables that carry a MAC since the same release.

    Attributes:
        number: 1 for the first ones.
        sealed: name of the secret in use.
        sealing: name of the secret while 'certify ledger seal' is not done yet.
    """

    number: int
    sealed: str
    sealing: str


FIRST = Generation(1, "row-mac", "row-mac:sealing")
SECOND = Generation(2, "row-mac-2", "row-mac-2:sealing")
GENERATIONS = (FIRST, SECOND)


def open_secret(db: Session, vault: Vault, name: str) -> bytes | None:
    """Return a secret of the service; None when there is none of this name."""
    wrapped = db.scalars(select(SecretRow.wrapped).where(SecretRow.name == name)).one_or_none()
    return None if wrapped is None else vault.open_secret(name, wrapped)


def make_secret(own: Session, vault: Vault, name: str) -> bytes:
    """Store a new secret of the service and commit; if another process was faster, its secret is returned."""
    own.execute(insert(SecretRow).values(name=name, **vault.new_secret(name)).on_conflict_do_nothing())
    own.commit()
    found = open_secret(own, vault, name)
    if found is None:
        raise LookupError(f"the secret {name} vanished")
    return found


def replace_secret(db: Session, vault: Vault, generation: Generation, secret: bytes) -> None:
    """Put the secret of a sealing into use, in the caller's transaction."""
    db.execute(delete(SecretRow).where(SecretRow.name == generation.sealing))
    wrapped = {**vault.new_secret(generation.sealed), "wrapped": vault.seal_secret(generation.sealed, secret)}
    db.execute(insert(SecretRow).values(name=generation.sealed, **wrapped))


def last_generation(db: Session) -> int:
    """Return the number of the newest generation whose tables are sealed; 0 for none."""
    names = set(db.scalars(select(SecretRow.name).where(SecretRow.name.in_([one.sealed for one in GENERATIONS]))))
    return max((one.number for one in GENERATIONS if one.sealed in names), default=0)
