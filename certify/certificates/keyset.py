"""The set of keys that a verifier trusts, with the period in which each was in use.

The file is a JWK Set (RFC 7517 section 5). Its keys have three members of our own, as ISO 8601 times with offset:
``valid_from`` (first moment it may sign), ``valid_until`` (planned end, or null) and ``retired`` (actual end, or
null). A retired key still verifies certificates that were issued before its end. A *compromised* key is removed from
the set, because its holder can write any date of issue.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from certify.certificates.errors import KeyNotInUse, UnknownKey
from certify.certificates.keys import VerificationKey

MAX_FILE_CHARACTERS = 1_000_000
MAX_KEYS = 1_000


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and its period of use: from ``valid_from`` until the earlier of the other two times, exclusive.

    Attributes:
        key: the public key.
        valid_from: first moment at which it may sign; timezone-aware.
        valid_until: planned end; timezone-aware, None for no end.
        retired: actual end; timezone-aware, None while it is in use.

    Raises:
        ValueError: a time has no time zone.
    """

    key: VerificationKey
    valid_from: dt.datetime
    valid_until: dt.datetime | None = None
    retired: dt.datetime | None = None

    def __post_init__(self) -> None:
        for moment in (self.valid_from, self.valid_until, self.retired):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError("the times of a key are aware")

    def in_use(self, moment: dt.datetime) -> bool:
        """Tell whether the key was allowed to sign at an aware moment."""
        ends = (end for end in (self.valid_until, self.retired) if end is not None)
        return self.valid_from <= moment and all(moment < end for end in ends)

    def to_jwk(self) -> dict[str, Any]:
        """Return the key's entry in the trusted keys file."""
        return {
            **self.key.to_jwk(),
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until.isoformat() if self.valid_until else None,
            "retired": self.retired.isoformat() if self.retired else None,
        }

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """Read an entry of the trusted keys file.

        Args:
            jwk: the members of the entry.

        Returns:
            The key with its period.

        Raises:
            ValueError: the entry is not a public key with a period.
        """
        valid_from = _moment(jwk.get("valid_from"))
        if valid_from is None:
            raise ValueError("a trusted key says from when it is valid")
        return cls(
            VerificationKey.from_jwk(jwk), valid_from, _moment(jwk.get("valid_until")), _moment(jwk.get("retired"))
        )


class KeySet:
    """Trusted keys by key id. Immutable.

    Raises:
        ValueError: two keys share an id, or there are more than `MAX_KEYS`.
    """

    def __init__(self, keys: Iterable[TrustedKey]) -> None:
        self._by_kid: dict[str, TrustedKey] = {}
        for trusted in keys:
            if trusted.key.kid in self._by_kid:
                raise ValueError("a key id occurs twice")
            self._by_kid[trusted.key.kid] = trusted
        if len(self._by_kid) > MAX_KEYS:
            raise ValueError(f"a key set holds at most {MAX_KEYS} keys")

    @property
    def keys(self) -> tuple[TrustedKey, ...]:
        """Return all keys, oldest first."""
        return tuple(sorted(self._by_kid.values(), key=lambda trusted: (trusted.valid_from, trusted.key.kid)))

    def find(self, kid: str) -> VerificationKey:
        """Return the key with an id, whether it is in use or not.

        Args:
            kid: the key id.

        Returns:
            The public key.

        Raises:
            UnknownKey: no trusted key has this id (``unknown_key``).
        """
        trusted = self._by_kid.get(kid)
        if trusted is None:
            raise UnknownKey(f"key {kid} is not trusted")
        return trusted.key

    def require_in_use(self, kid: str, issued_at: dt.datetime) -> None:
        """Require that a key was allowed to sign at the moment of issue.

        Args:
            kid: the key id.
            issued_at: when the certificate says that it was issued.

        Raises:
            UnknownKey: no trusted key has this id (``unknown_key``).
            KeyNotInUse: the key was not in use at that moment (``key_not_in_use``).
        """
        self.find(kid)
        if not self._by_kid[kid].in_use(issued_at):
            raise KeyNotInUse(f"key {kid} was not in use at {issued_at.isoformat()}")

    def to_json(self) -> str:
        """Return the trusted keys file: a JWK Set, stable for the same keys."""
        return json.dumps({"keys": [trusted.to_jwk() for trusted in self.keys]}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a trusted keys file.

        Args:
            text: the text of the file.

        Returns:
            The keys.

        Raises:
            ValueError: the text is not a trusted keys file.
        """
        if len(text) > MAX_FILE_CHARACTERS:
            raise ValueError("the key file is too long")
        try:
            document = json.loads(text)
        except RecursionError as error:
            raise ValueError("the key file is nested too deeply") from error
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("a key file is an object with a list of keys")
        if len(entries) > MAX_KEYS:
            raise ValueError(f"a key set holds at most {MAX_KEYS} keys")
        return cls(TrustedKey.from_jwk(entry) for entry in entries)

    def to_pem(self) -> bytes:
        """Return all public keys as one PEM file, each under a comment with its id, without the periods."""
        parts = (b"# " + item.key.kid.encode() + b" " + item.key.algorithm.encode() for item in self.keys)
        return b"".join(head + b"\n" + item.key.to_pem() for head, item in zip(parts, self.keys, strict=True))


def _moment(value: object) -> dt.datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("times of a key are texts")  # noqa: TRY004 - a bad file, not a bug
    return dt.datetime.fromisoformat(value)
