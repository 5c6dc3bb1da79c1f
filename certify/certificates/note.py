"""Signed notes (c2sp.org/signed-note): a text, a blank line, and Ed25519 signature lines.

A signature line is ``— <key name> <base64(key id || signature)>``, where the key id is the first four bytes of
SHA-256(name || 0x0A || 0x01 || public key). Lines of unknown keys are ignored, so witnesses may add theirs. If a line
of a known key does not verify, the whole note is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from certify.certificates.errors import BadSignature, CertificateMalformed, UnknownKey
from certify.certificates.keys import Algorithm, SigningKey, VerificationKey

MAX_NOTE = 100_000
MAX_SIGNATURES = 100
_ED25519 = b"\x01"
_LINE = re.compile(r"\u2014 (\S+) (\S+)")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: name of the key, key id of 4 bytes, and the bytes of the signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note, not verified: the text with its final newline, and the signature lines."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A trusted Ed25519 key with its name.

    Raises:
        ValueError: the name has spaces or a plus, or the key is of another algorithm.
    """

    name: str
    key: VerificationKey

    def __post_init__(self) -> None:
        if self.key.algorithm is not Algorithm.EDDSA:
            raise ValueError("notes are signed with Ed25519")
        if not self.name or "+" in self.name or any(c.isspace() or ord(c) < 0x20 for c in self.name):
            raise ValueError("a note key's name has no spaces and no plus")

    @property
    def raw(self) -> bytes:
        """Return the public key as 32 bytes (RFC 8032 section 5.1.5)."""
        return self.key.public.public_bytes_raw() if isinstance(self.key.public, Ed25519PublicKey) else b""

    @property
    def key_id(self) -> bytes:
        """Return the key id of four bytes (signed-note, section Signatures)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    def to_text(self) -> str:
        """Return the "vkey" form that other tools read: name+hex(key id)+base64(0x01 || public key)."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a "vkey".

        Args:
            text: what `to_text` returned.

        Returns:
            The key.

        Raises:
            ValueError: the text is not an Ed25519 vkey, or its key id does not belong to the key.
        """
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = base64.b64decode(encoded, validate=True)
        if raw[:1] != _ED25519:
            raise ValueError("not an Ed25519 note key")
        key = cls(name, VerificationKey.from_public(Ed25519PublicKey.from_public_bytes(raw[1:])))
        if key.key_id.hex() != key_id:
            raise ValueError("the key id does not belong to the key")
        return key


def sign_note(text: str, key: SigningKey, *, name: str) -> str:
    """Sign a text.

    Args:
        text: the text, with its final newline.
        key: an Ed25519 key.
        name: name of the key in the note.

    Returns:
        The note with one signature line.

    Raises:
        ValueError: the format does not allow the text or the name, or the key is not Ed25519.
    """
    if not text.endswith("\n") or any(ord(c) < 0x20 and c != "\n" for c in text):
        raise ValueError("a note ends with a newline and has no other control characters")
    note_key = NoteKey(name, key.verification_key)
    signature = key.private.sign(text.encode("utf-8"))  # type: ignore[call-arg]  # NoteKey made sure of Ed25519
    return f"{text}\n\u2014 {name} {base64.b64encode(note_key.key_id + signature).decode()}\n"


def parse_note(note: str) -> Note:
    """Parse a note without verifying it.

    Args:
        note: the text of the note.

    Returns:
        The parsed note.

    Raises:
        CertificateMalformed: the text is not a signed note.
    """
    if len(note) > MAX_NOTE or any(ord(c) < 0x20 and c != "\n" for c in note):
        raise CertificateMalformed("not a signed note")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise CertificateMalformed("a note is a text, an empty line and signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise CertificateMalformed("too many signatures")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def verify_note(note: str, key: NoteKey) -> str:
    """Return the text of a note that a trusted key signed.

    Args:
        note: the text of the note.
        key: the trusted key.

    Returns:
        The signed text.

    Raises:
        CertificateMalformed: the text is not a signed note.
        UnknownKey: the key did not sign the note.
        BadSignature: the key's signature is wrong.
    """
    parsed = parse_note(note)
    own = [line for line in parsed.signatures if (line.name, line.key_id) == (key.name, key.key_id)]
    if not own:
        raise UnknownKey("no signature of the trusted key")
    public = Ed25519PublicKey.from_public_bytes(key.raw)
    for line in own:
        try:
            public.verify(line.signature, parsed.text.encode("utf-8"))
        except InvalidSignature as error:
            raise BadSignature("the signature does not fit the note") from error
    return parsed.text


def _signature(line: str) -> NoteSignature:
    match = _LINE.fullmatch(line)
    if match is None:
        raise CertificateMalformed("not a signature line")
    try:
        raw = base64.b64decode(match[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise CertificateMalformed("a signature is base64") from error
    if len(raw) < 5:
        raise CertificateMalformed("a signature is longer than its key id")
    return NoteSignature(match[1], raw[:4], raw[4:])
