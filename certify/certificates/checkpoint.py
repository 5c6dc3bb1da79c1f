"""Signed ledger checkpoints (c2sp.org/tlog-checkpoint): origin, size and root of the tree, as a signed note.

Anyone who keeps a checkpoint can later ask for a consistency proof (merkle.py), which shows whether the ledger has lost
or changed any entry of that checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from certify.certificates.errors import CertificateMalformed
from certify.certificates.keys import SigningKey
from certify.certificates.merkle import HASH_BYTES
from certify.certificates.note import NoteKey, parse_note, sign_note, verify_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MAX_SIZE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a ledger at one size.

    Attributes:
        origin: unique name of the ledger, like ``example.org/ledger``.
        size: number of leaves.
        root: root hash, 32 bytes.
        extensions: further lines without meaning for this service.

    Raises:
        ValueError: a value that the format does not allow.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or any(ord(character) < 0x20 for character in line):
                raise ValueError("a line of a checkpoint is not empty and has no control characters")
        if not 0 <= self.size <= _MAX_SIZE or len(self.root) != HASH_BYTES:
            raise ValueError("a checkpoint has a size and a root hash of 32 bytes")

    def to_text(self) -> str:
        """Return the note text that is signed, with its final newline."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions]
        return "\n".join(lines) + "\n"


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey, *, name: str | None = None) -> str:
    """Sign a checkpoint.

    Use a key of the ledger's own, not the one that signs certificates. Never sign a size or root that contradicts an
    earlier checkpoint.

    Args:
        checkpoint: the state of the ledger.
        key: the ledger's Ed25519 key.
        name: name of the key in the note; by default the origin.

    Returns:
        The signed note.

    Raises:
        ValueError: the key is not Ed25519, or the name has spaces or a plus.
    """
    return sign_note(checkpoint.to_text(), key, name=name or checkpoint.origin)


def parse(note: str) -> Checkpoint:
    """Read a checkpoint without verifying its signatures.

    Args:
        note: the signed note.

    Returns:
        The checkpoint.

    Raises:
        CertificateMalformed: the text is not a checkpoint.
    """
    return _read(parse_note(note).text)


def verify_checkpoint(note: str, key: NoteKey, *, origin: str | None = None) -> Checkpoint:
    """Verify a checkpoint that a trusted key signed.

    Args:
        note: the signed note.
        key: the trusted key.
        origin: the expected origin; by default the key's name.

    Returns:
        The checkpoint.

    Raises:
        UnknownKey: the key did not sign the note.
        BadSignature: the key's signature is wrong.
        CertificateMalformed: the text is not a checkpoint, or that of another ledger.
    """
    checkpoint = _read(verify_note(note, key))
    if checkpoint.origin != (origin or key.name):
        raise CertificateMalformed("a checkpoint of another ledger")
    return checkpoint


def _read(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not _SIZE.fullmatch(lines[1]):
        raise CertificateMalformed("a checkpoint is origin, size and root")
    try:
        root = base64.b64decode(lines[2], validate=True)
        checkpoint = Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))
    except (binascii.Error, ValueError) as error:
        raise CertificateMalformed("a checkpoint is origin, size and root") from error
    if checkpoint.to_text() != text:  # base64 with stray bits
        raise CertificateMalformed("the checkpoint is encoded unusually")
    return checkpoint
