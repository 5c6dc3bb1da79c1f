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

_NAME = "ledger.signed"


@dataclass(frozen=True, slots=True)
class Signed:
    """Size and root of a ledger that was signed."""

    size: int
    root: bytes


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
            size, root, mac = lines
            if hmac.compare_digest(bytes.fromhex(mac), self._mac(size, root)):
                return Signed(int(size), base64.b64decode(root, validate=True))
        except ValueError:
            pass
        raise Unavailable(
            f"The file {self._path} is damaged, or belongs to another database.",
            hint="Restore it from your backup, or see 'The signer refuses' in docs/operations.md.",
            code=ErrorCode.LEDGER_FORKED,
        )

    def write(self, signed: Signed) -> None:
        """Remember a checkpoint. Call it before the checkpoint is given to anyone, so that none is forgotten."""
        size, root = str(signed.size), base64.b64encode(signed.root).decode()
        write_private(self._path, f"{size}\n{root}\n{self._mac(size, root).hex()}\n".encode())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _mac(self, size: str, root: str) -> bytes:
        return hmac.digest(self._key, f"{size}\n{root}".encode(), hashlib.sha256)
