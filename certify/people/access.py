"""Let people reach their own pages: check who they say they are, make and accept one-time links and codes.

No answer here reveals who receives a pension. An unknown identifier is treated as a known one is, at the same pace
(certify/capture/decoys.py), and every refusal reads the same.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from certify.domain.draws import below
from certify.domain.error_codes import ErrorCode
from certify.domain.states import AccessKind
from certify.errors import CertifyError, Invalid
from certify.people.national_id import normalise_id
from certify.service import Unit
from certify.storage.access import (
    count_access_codes,
    delete_access_codes_of,
    delete_expired_access_codes,
    person_of_access_code,
    put_access_code,
    use_access_code,
)
from certify.storage.people import find_beneficiary
from certify.storage.tables.people import BeneficiaryRow

LINK_BYTES = 20
"""160 random bits: a link cannot be guessed."""
CODE_DIGITS = 6
_REUSE = timedelta(minutes=10)
"""For so long the same device may use its link or code again: the first answer may have been lost on the network."""
_KEPT_AFTER_EXPIRY = timedelta(days=1)
CODE_LIFETIME = timedelta(minutes=15)
CODE_TRIES = 5
"""Codes and tries within the lifetime: five guesses hit one of five codes with a chance of 25 in a million."""


class AccessRefused(CertifyError):
    """A link or code opens nothing: wrong, used, expired, or another person's. The error never says which."""

    code = ErrorCode.ACCESS_REFUSED


@dataclass(frozen=True, slots=True)
class IdentityClaim:
    """Who a caller says they are.

    Attributes:
        person: the person with this identifier and birth date; None when the fund knows no such person.
        mark: keyed hash of what was entered. Attempts are counted by it, for known and unknown identifiers alike.
    """

    person: UUID | None
    mark: bytes


def identify(unit: Unit, *, national_id: str | None, card_number: str | None, birth_date: date) -> IdentityClaim:
    """Find a person by one of the two numbers together with the birth date.

    The same statements run whether or not the person exists. A person whose birth date the fund does not know cannot
    be found in this way.

    Args:
        unit: the transaction to read in.
        national_id: the national id, or None when the card number is given.
        card_number: the card number, or None when the national id is given.
        birth_date: must equal the stored birth date.

    Returns:
        The claim; its ``person`` is None when nothing fits.

    Raises:
        Invalid: both numbers or none is given (``nothing_to_look_up``), or the number is not well formed
            (``national_id_invalid``), which its digits alone tell.
    """
    vault = unit.service.vault
    if (national_id is None) == (card_number is None):
        raise Invalid("Give the national id or the card number.", code=ErrorCode.NOTHING_TO_LOOK_UP)
    if national_id is not None:
        clear, kind = normalise_id(national_id, unit.service.settings.national_id_format), "national_id"
        person = find_beneficiary(unit.db, national_id_hash=vault.lookup_hash(unit.db, kind, clear))
    else:
        clear, kind = normalise_id(card_number or ""), "card"
        person = find_beneficiary(unit.db, card_hash=vault.lookup_hash(unit.db, kind, clear))
    mark = vault.lookup_hash(unit.db, "asked", f"{kind}|{clear}|{birth_date.isoformat()}")
    row = unit.db.get(BeneficiaryRow, person or UUID(bytes=mark[:16]))
    fits = row is not None and row.erased_at is None and row.birth_date == birth_date
    return IdentityClaim(person if fits else None, mark)


def new_link(unit: Unit, beneficiary_id: UUID, lifetime: timedelta) -> str:
    """Return a secret that opens the person's pages once, for the address in a letter or message."""
    secret = base64.urlsafe_b64encode(unit.service.random_bytes(LINK_BYTES)).rstrip(b"=").decode()
    _store(unit, beneficiary_id, AccessKind.LINK, secret, lifetime)
    return secret


def new_code(unit: Unit, beneficiary_id: UUID) -> str | None:
    """Return digits that open the person's pages once, together with identifier and birth date.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.

    Returns:
        ``CODE_DIGITS`` digits, or None when ``CODE_TRIES`` codes were made within ``CODE_LIFETIME``: one more would
        help a person who guesses.
    """
    made = count_access_codes(unit.db, beneficiary_id, AccessKind.CODE, after=unit.now - CODE_LIFETIME)
    if made >= CODE_TRIES:
        return None
    digits = str(below(10**CODE_DIGITS, unit.service.random_bytes)).zfill(CODE_DIGITS)
    _store(unit, beneficiary_id, AccessKind.CODE, _code_secret(beneficiary_id, digits), CODE_LIFETIME)
    return digits


def open_link(unit: Unit, secret: str, *, device: str) -> UUID:
    """Use up a link on a device, and return the person it was made for.

    The same device may use it again for ten minutes: the first answer may have been lost on the network.

    Args:
        unit: the transaction to write in.
        secret: as ``new_link`` returned it.
        device: mark of the device, as ``device_mark`` returns it.

    Returns:
        Id of the person.

    Raises:
        AccessRefused: the link is unknown, expired or used (``access_refused``).
    """
    return _use(unit, AccessKind.LINK, secret, device)


def open_code(unit: Unit, claim: IdentityClaim, digits: str, *, device: str) -> UUID:
    """Use up a code on a device, as ``open_link`` does. The caller limits how often one may guess.

    Args:
        unit: the transaction to write in.
        claim: who the caller says they are; a code opens the pages of this person only.
        digits: as ``new_code`` returned them.
        device: mark of the device, as ``device_mark`` returns it.

    Returns:
        Id of the person.

    Raises:
        AccessRefused: the code is unknown, expired, used, or another person's (``access_refused``).
    """
    person = claim.person or UUID(bytes=claim.mark[:16])
    return _use(unit, AccessKind.CODE, _code_secret(person, digits), device)


def person_of_letter(unit: Unit, secret: str) -> UUID | None:
    """Return the person for whom the link of a letter was made, without using it up; None when it is unknown."""
    return person_of_access_code(unit.db, digest=_hash(unit, AccessKind.LINK, secret), kind=AccessKind.LINK)


def purge_access_codes(unit: Unit) -> None:
    """Delete links and codes that expired more than a day ago."""
    delete_expired_access_codes(unit.db, unit.now - _KEPT_AFTER_EXPIRY)


def forget_access_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete the links and codes of a person."""
    delete_access_codes_of(unit.db, beneficiary_id)


def device_mark(device_id: str) -> str:
    """Return what a token says of the device it is for. The device's own name stays out of tokens."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"device|{device_id}".encode()).digest()[:18]).decode()


def _code_secret(beneficiary_id: UUID, digits: str) -> str:
    return f"{beneficiary_id}|{digits}"


def _hash(unit: Unit, kind: AccessKind, secret: str) -> bytes:
    return unit.service.vault.lookup_hash(unit.db, f"access_{kind.value}", secret)


def _store(unit: Unit, beneficiary_id: UUID, kind: AccessKind, secret: str, lifetime: timedelta) -> None:
    put_access_code(
        unit.db,
        digest=_hash(unit, kind, secret),
        beneficiary_id=beneficiary_id,
        kind=kind,
        created_at=unit.now,
        expires_at=unit.now + lifetime,
    )


def _use(unit: Unit, kind: AccessKind, secret: str, device: str) -> UUID:
    person = use_access_code(
        unit.db,
        digest=_hash(unit, kind, secret),
        kind=kind,
        device=device,
        now=unit.now,
        used_after=unit.now - _REUSE,
    )
    if person is None:
        raise AccessRefused(
            "This link or code cannot be used: it was used before, or its time has run out.",
            hint="Ask for a new one.",
        )
    return person
