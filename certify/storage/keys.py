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

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable

_NONCE = 12  # bytes; NIST SP 800-38D recommends 96-bit nonces for GCM
_KEY = 32  # bytes
_MAX_KEYS = 4  # in one file: moves begun and not ended; more is a file of something else


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
        view = memoryview(sealed)  # a photo has megabytes: not copied just to leave the nonce out
        return AESGCM(key).decrypt(view[:_NONCE], view[_NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise Unavailable(
            "Stored data could not be decrypted.",
            hint="The master key does not belong to this database, or the data was altered.",
            code=ErrorCode.DECRYPTION_FAILED,
        ) from error


class FileMasterKey:
    """A master key in a file only the service's user may read. Good for one machine; use a KMS beyond.

    The file holds one 256-bit key; while everything is moved to a new key, it holds the new one and behind it the old:
    the first wraps, all of them unwrap. So whatever was moved and whatever was not can be read at any moment.
    """

    def __init__(self, path: Path) -> None:
        """Read the key, or create it when neither file nor folder exist yet. Raises Unavailable if it is damaged."""
        self._keys = _read_or_create(path)

    @property
    def id(self) -> str:
        """Fingerprint of the key that wraps."""
        return _fingerprint(self._keys[0])

    @property
    def old_ids(self) -> list[str]:
        """Fingerprints of the keys that only unwrap: those of a move that is not complete."""
        return [_fingerprint(key) for key in self._keys[1:]]

    def derive(self, purpose: bytes) -> bytes:
        """Derive 32 bytes for a purpose of this machine only (HKDF would need no more: the key is uniform)."""
        return hmac.digest(self._keys[0], b"certify derive" + purpose, hashlib.sha256)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key under the file's first key."""
        return seal(self._keys[0], key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a key wrapped by any of the file's keys."""
        for key in self._keys[:-1]:
            try:
                return unseal(key, wrapped, context)
            except Unavailable:
                continue
        return unseal(self._keys[-1], wrapped, context)


def begin_move(path: Path, in_use: Path) -> FileMasterKey:
    """Make sure that a file holds a new key and, behind it, the keys of the file in use; return what it holds.

    Safe to repeat after a crash at any point: a key that is in the file stays the new key. A file that somebody made
    beforehand, with a key of 32 bytes, is taken as well. Raises Unavailable (``master_key_damaged``: it is no key file;
    ``too_many_master_keys``).
    """
    before = _read_or_create(path)
    keys = list(dict.fromkeys(before + _read_or_create(in_use)))
    if len(keys) > _MAX_KEYS:
        raise Unavailable(
            "Too many moves to a new master key were begun and not ended.",
            hint="Finish one first: give --to the file of the one begun before.",
            code=ErrorCode.TOO_MANY_MASTER_KEYS,
        )
    if keys != before:
        _replace(path, b"".join(keys))
    return FileMasterKey(path)


def end_move(path: Path) -> FileMasterKey:
    """Leave only the first key in a file. To be called when nothing is wrapped by the others any more."""
    keys = _read_or_create(path)
    if len(keys) > 1:
        _replace(path, keys[0])
    return FileMasterKey(path)


def _read_or_create(path: Path) -> list[bytes]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_new(path, secrets.token_bytes(_KEY))
    content = path.read_bytes()
    if not content or len(content) % _KEY or len(content) > _KEY * _MAX_KEYS:
        raise Unavailable(
            f"The master key file {path} is damaged.",
            hint="Restore it from your backup.",
            code=ErrorCode.MASTER_KEY_DAMAGED,
        )
    return [content[start : start + _KEY] for start in range(0, len(content), _KEY)]


def _fingerprint(key: bytes) -> str:
    return "file:" + hashlib.sha256(b"certify master key id" + key).hexdigest()[:16]


def _write_new(path: Path, content: bytes) -> None:
    """Create the file whole or not at all; of two processes starting together the first one's key is kept."""
    temporary = _write_beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # the other process was first: its key is the key
    finally:
        temporary.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Replace the file whole or not at all."""
    _write_beside(path, content).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_beside(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary
