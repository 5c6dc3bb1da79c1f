"""The master key: wraps data keys and the service's own secrets. A file by default; a KMS fits the same interface."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certify.errors import Unavailable

_NONCE = 12  # bytes; NIST SP 800-38D recommends 96-bit nonces for GCM


class MasterKey(Protocol):
    """What the service asks of a key store. A KMS implementation sends the two calls to its key by ``id``."""

    @property
    def id(self) -> str:
        """Name of the key, stored beside whatever it wrapped."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key, bound to a context that must be given again to unwrap."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a key. Raises Unavailable when key or context are not the ones used to wrap."""
        ...


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """AES-256-GCM with a random nonce in front; ``context`` is authenticated, not stored."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Undo ``seal``. Raises Unavailable when the key, the context or the bytes are not the original ones."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise Unavailable(
            "Stored data could not be decrypted.",
            hint="The master key does not belong to this database, or the data was altered.",
            code="decryption_failed",
        ) from error


class FileMasterKey:
    """A 256-bit master key in a file only the service's user may read. Good for one machine; use a KMS beyond."""

    def __init__(self, path: Path) -> None:
        """Read the key, or create it when neither file nor folder exist yet. Raises Unavailable if it is damaged."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_new(path, secrets.token_bytes(32))
        self._key = path.read_bytes()
        if len(self._key) != 32:
            raise Unavailable(
                f"The master key file {path} is damaged.",
                hint="Restore it from your backup.",
                code="master_key_damaged",
            )

    @property
    def id(self) -> str:
        """Fingerprint of the key."""
        return "file:" + hashlib.sha256(b"certify master key id" + self._key).hexdigest()[:16]

    def derive(self, purpose: bytes) -> bytes:
        """Derive 32 bytes for a purpose of this machine only (HKDF would need no more: the key is uniform)."""
        return hmac.digest(self._key, b"certify derive" + purpose, hashlib.sha256)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key under the file's key."""
        return seal(self._key, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a key wrapped by this file's key."""
        return unseal(self._key, wrapped, context)


def _write_new(path: Path, content: bytes) -> None:
    """Create the file whole or not at all; of two processes starting together the first one's key is kept."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # the other process was first: its key is the key
    finally:
        temporary.unlink()
