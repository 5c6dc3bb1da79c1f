"""Wrap data keys and the service's own secrets with the master key.

The master key is a file by default; a key management service (KMS) can implement the same interface.
"""

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
_MAX_KEYS = 4  # in one file: the new key, and the old ones of unfinished moves; a file with more is not a key file


class MasterKey(Protocol):
    """A key store as the service needs it. An implementation for a KMS sends both calls to its key ``id``."""

    @property
    def id(self) -> str:
        """Name of the key, stored beside everything that it wrapped."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key, bound to a context that must be given again to unwrap it."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a key.

        Raises:
            Unavailable: key or context are not those that were used to wrap (``decryption_failed``).
        """
        ...


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Encrypt with AES-256-GCM, and return the random nonce followed by the ciphertext.

    Args:
        key: 32 bytes.
        plain: the bytes to encrypt.
        context: authenticated with the bytes but not stored; ``unseal`` needs the same context.
    """
    return _seal(AESGCM(key), plain, context)


def _seal(cipher: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + cipher.encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Decrypt what ``seal`` returned.

    Raises:
        Unavailable: key, context or bytes are not the original ones (``decryption_failed``).
    """
    try:
        view = memoryview(sealed)  # no copy: a photo has megabytes
        return AESGCM(key).decrypt(view[:_NONCE], view[_NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise Unavailable(
            "Stored data could not be decrypted.",
            hint="The master key does not belong to this database, or the data was altered.",
            code=ErrorCode.DECRYPTION_FAILED,
        ) from error


class FileMasterKey:
    """A master key in a file that only the service's user may read. It suits one machine; use a KMS for more.

    The file holds one key of 256 bits. During a move to a new key it holds the new key and behind it the old ones: the
    first key wraps, and all of them unwrap. So both moved and unmoved data can be read at any moment.
    """

    def __init__(self, path: Path) -> None:
        """Read the key file, or create it if it does not exist.

        Raises:
            Unavailable: the file is not a key file (``master_key_damaged``).
        """
        self._keys = _read_or_create(path)
        self._wrapping, self._id = AESGCM(self._keys[0]), _fingerprint(self._keys[0])

    @property
    def id(self) -> str:
        """Fingerprint of the key that wraps."""
        return self._id

    @property
    def old_ids(self) -> list[str]:
        """Fingerprints of the keys that only unwrap: the old keys of a move that is not complete."""
        return [_fingerprint(key) for key in self._keys[1:]]

    def derive(self, purpose: bytes) -> bytes:
        """Derive 32 bytes for a purpose of this machine only.

        HMAC-SHA-256 is enough, because the key is uniformly random; the extract step of HKDF is not needed.
        """
        return hmac.digest(self._keys[0], b"certify derive" + purpose, hashlib.sha256)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key under the file's first key."""
        return _seal(self._wrapping, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a key that any key of the file wrapped.

        Raises:
            Unavailable: none of the keys opens it (``decryption_failed``).
        """
        for key in self._keys[:-1]:
            try:
                return unseal(key, wrapped, context)
            except Unavailable:
                continue
        return unseal(self._keys[-1], wrapped, context)


def begin_move(path: Path, in_use: Path) -> FileMasterKey:
    """Write a file that holds a new key and, behind it, the keys of the file in use; return its keys.

    The call can be repeated after a crash at any point: a key that is in the file stays the new key.

    Args:
        path: the new key file. If it exists already, with a key of 32 bytes, its key is used.
        in_use: the key file that the service uses now.

    Raises:
        Unavailable: one of them is not a key file (``master_key_damaged``), or too many moves are unfinished
            (``too_many_master_keys``).
    """
    before = _read_or_create(path)
    keys = list(dict.fromkeys(before + _read_or_create(in_use)))
    if len(keys) > _MAX_KEYS:
        raise Unavailable(
            "Too many moves to a new master key were begun and not ended.",
            hint="Finish one first: run the command with --to and the file of an earlier move.",
            code=ErrorCode.TOO_MANY_MASTER_KEYS,
        )
    if keys != before:
        _replace(path, b"".join(keys))
    return FileMasterKey(path)


def end_move(path: Path) -> FileMasterKey:
    """Leave only the first key in a file. Call it when the other keys wrap nothing any more.

    Raises:
        Unavailable: the file is not a key file (``master_key_damaged``).
    """
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
    """Create the file completely or not at all. If two processes start together, the key of the first stays."""
    temporary = _write_beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first, and its key is valid
    finally:
        temporary.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Replace the file completely or not at all."""
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
