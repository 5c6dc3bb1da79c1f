"""Remember, outside the database, the last checkpoint that this machine signed.

A person who rewrites the database cannot make the service sign a ledger that contradicts an earlier checkpoint: the
file says what was signed, and carries a MAC (docs/decisions/0028). All processes of a data folder share it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.private_file import write_private
from certify.storage.database import Session
from certify.storage.row_macs import RowMacs

_NAME = "ledger.signed"


@dataclass(frozen=True, slots=True)
class Signed:
    """Size and root of a ledger that was signed, and how many generations of tables were sealed then.

    The last number tells tables that were never sealed from tables whose secret was removed (certify/audit/sealing.py).
    """

    size: int
    root: bytes
    sealed: int = 1


def exists_in(folder: Path) -> bool:
    """Return whether this machine has ever signed a ledger from this data folder."""
    return (folder / _NAME).exists()


class LastSigned:
    """The file in the data folder. Hold it while a checkpoint is signed."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._path = folder / _NAME
        self._key = key

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let one process at a time sign."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (self._path.with_name(f".{_NAME}.lock")).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> Signed | None:
        """Return what was signed last; None if this machine never signed.

        Raises:
            Unavailable: the file is damaged, or belongs to another database (``ledger_forked``).
        """
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        try:
            size, root, *more, mac = lines  # earlier releases wrote three lines
            if len(more) <= 1 and hmac.compare_digest(bytes.fromhex(mac), self._mac(size, root, *more)):
                return Signed(int(size), base64.b64decode(root, validate=True), int(more[0]) if more else 1)
        except ValueError:
            pass
        raise Unavailable(
            f"The file {self._path} is damaged, or belongs to another database.",
            hint="Restore it from your backup, or see 'The signer refuses' in docs/operations.md.",
            code=ErrorCode.LEDGER_FORKED,
        )

    def sealed(self) -> int:
        """Return how many generations of tables were sealed when this machine signed last; 0 if it never signed.

        Raises:
            Unavailable: the file is damaged, or belongs to another database (``ledger_forked``).
        """
        signed = self.read()
        return 0 if signed is None else signed.sealed

    def write(self, signed: Signed) -> None:
        """Remember a checkpoint. Call it before the checkpoint is given to anyone, so that none is forgotten."""
        words = (str(signed.size), base64.b64encode(signed.root).decode(), str(signed.sealed))
        write_private(self._path, "\n".join([*words, self._mac(*words).hex(), ""]).encode())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _mac(self, *words: str) -> bytes:
        return hmac.digest(self._key, "\n".join(words).encode(), hashlib.sha256)


def last_signed(db: Session, macs: RowMacs, folder: Path) -> LastSigned:
    """Return the memory of the signer: a file in the data folder, with a MAC under a key of its own.

    Args:
        db: a session of the database.
        macs: gives the key.
        folder: the data folder.
    """
    return LastSigned(folder, macs.derive(db, "last signed checkpoint"))
