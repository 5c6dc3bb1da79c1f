"""Let people reach their own pages: check who they say they are, make and accept one-time links and codes.

No answer here reveals who receives a pension. An unknown identifier is treated as a known one is, at the same pace
(certify/capture/decoys.py), and every refusal reads the same.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from certify.domain.draws import below
from certify.domain.error_codes import ErrorCode
from certify.domain.states import AccessKind
from certify.errors import CertifyError, Invalid
from certify.people.national_id import normalise_id
from certify.service import Unit
from certify.storage.access import (
    codes_since,
    count_wrong_code,
    delete_access_codes_of,
    delete_expired_access_codes,
    person_of_access_code,
    put_access_code,
    use_access_code,
)
from certify.storage.people import find_beneficiary
from certify.storage.sign_ins import has_signed_in_on
from certify.storage.tables.people import BeneficiaryRow

LINK_BYTES = 20
"""160 random bits: a link cannot be guessed."""
CODE_DIGITS = 6
_REUSE = timedelta(minutes=10)
"""For so long the same device may use its link or code again: the first answer may have been lost on the network."""
_KEPT_AFTER_EXPIRY = timedelta(days=1)
CODE_LIFETIME = timedelta(minutes=15)
CODE_TRIES = 5
"""Wrong entries after which a code is dead. A code is for the device that asked for it, so no other device can use up
its tries, and all guesses at a person's page on one day, from wherever they come, are at most ``CODES_A_DAY`` times
five: a chance of 5 in 100,000."""
CODES_AT_ONCE = 5
"""Codes for one person within the lifetime of a code."""
CODES_A_DAY = 10
"""Codes for one person within 24 hours, for devices on which the person never signed in. Every code costs the fund a
message, and the person a disturbance. Their own devices have the same number again for themselves."""
_DAY = timedelta(days=1)


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
    kind, clear = _number(unit, national_id, card_number)
    hashed = unit.service.vault.lookup_hash(unit.db, kind, clear)
    if kind == "national_id":
        person = find_beneficiary(unit.db, national_id_hash=hashed)
    else:
        person = find_beneficiary(unit.db, card_hash=hashed)
    mark = asked_mark(unit, national_id=national_id, card_number=card_number, birth_date=birth_date)
    row = unit.db.get(BeneficiaryRow, person or UUID(bytes=mark[:16]))
    fits = row is not None and row.erased_at is None and row.birth_date == birth_date
    return IdentityClaim(person if fits else None, mark)


def asked_mark(unit: Unit, *, national_id: str | None, card_number: str | None, birth_date: date) -> bytes:
    """Return the keyed hash of what was entered, by which attempts are counted. No row is read for it.

    Args:
        unit: the transaction, for the key of the hash.
        national_id: the national id, or None when the card number is given.
        card_number: the card number, or None when the national id is given.
        birth_date: as entered.

    Returns:
        The mark, 32 bytes.

    Raises:
        Invalid: both numbers or none is given (``nothing_to_look_up``), or the number is not well formed
            (``national_id_invalid``).
    """
    kind, clear = _number(unit, national_id, card_number)
    return unit.service.vault.lookup_hash(unit.db, "asked", f"{kind}|{clear}|{birth_date.isoformat()}")


def link_mark(unit: Unit, secret: str) -> bytes:
    """Return the keyed hash of a link, by which attempts to open it are counted."""
    return _hash(unit, AccessKind.LINK, secret)


def draw_link(unit: Unit) -> str:
    """Draw the secret of a link, which opens nothing until ``keep_link`` has stored it."""
    return base64.urlsafe_b64encode(unit.service.random_bytes(LINK_BYTES)).rstrip(b"=").decode()


def keep_link(unit: Unit, beneficiary_id: UUID, secret: str, lifetime: timedelta) -> None:
    """Let a link open the person's pages once. The earlier links of the person stop working.

    Args:
        unit: the transaction to write in.
        beneficiary_id: the person.
        secret: as ``draw_link`` returned it.
        lifetime: how long the link works.
    """
    _store(unit, beneficiary_id, AccessKind.LINK, secret, lifetime)


def new_link(unit: Unit, beneficiary_id: UUID, lifetime: timedelta) -> str:
    """Return a secret that opens the person's pages once, for the address in a letter or message.

    The earlier links of the person stop working: one is alive at a time.
    """
    secret = draw_link(unit)
    keep_link(unit, beneficiary_id, secret, lifetime)
    return secret


def new_code(unit: Unit, beneficiary_id: UUID, *, device: str) -> str | None:
    """Return digits that open the person's pages once, together with identifier and birth date.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        device: mark of the device that asks, the only one on which the code works.

    Returns:
        ``CODE_DIGITS`` digits, or None when the person's budget of codes is used up. Devices on which the person has
        signed in have a budget that strangers cannot use up.
    """
    made = codes_since(unit.db, beneficiary_id, unit.now - _DAY)
    askers = {asker for _, asker in made if asker is not None} | {device}
    known = {asker for asker in askers if has_signed_in_on(unit.db, beneficiary_id, asker)}
    counted = [at for at, asker in made if (asker in known) == (device in known)]
    if len(counted) >= CODES_A_DAY or _recent(counted, unit.now - CODE_LIFETIME) >= CODES_AT_ONCE:
        return None
    digits = str(below(10**CODE_DIGITS, unit.service.random_bytes)).zfill(CODE_DIGITS)
    _store(unit, beneficiary_id, AccessKind.CODE, _code_secret(beneficiary_id, digits), CODE_LIFETIME, device)
    return digits


def open_link(unit: Unit, secret: str, *, birth_date: date, device: str) -> UUID | None:
    """Use up a link on a device, and return the person it was made for.

    The same device may use it again for ten minutes: the first answer may have been lost on the network. With a wrong
    birth date nothing changes, so that a program that only opens links cannot use them up.

    Args:
        unit: the transaction to write in.
        secret: as ``new_link`` returned it.
        birth_date: as entered; it must be that of the person, if the fund knows it.
        device: mark of the device, as ``device_mark`` returns it.

    Returns:
        Id of the person, or None when the link is unknown, expired or used, or the birth date is another one.
    """
    person = person_of_letter(unit, secret)
    row = unit.db.get(BeneficiaryRow, person) if person is not None else None
    if row is None or row.erased_at is not None or row.birth_date not in (None, birth_date):
        return None
    return _use(unit, AccessKind.LINK, secret, device)


def open_code(unit: Unit, claim: IdentityClaim, digits: str, *, device: str) -> UUID | None:
    """Use up a code on a device, as ``open_link`` does. A wrong entry counts against the codes of this device only.

    Args:
        unit: the transaction to write in. It must be committed also when nothing is opened.
        claim: who the caller says they are; a code opens the pages of this person only.
        digits: as ``new_code`` returned them.
        device: mark of the device, as ``device_mark`` returns it.

    Returns:
        Id of the person, or None when the code is unknown, expired, used, for another device, or another person's.
    """
    person = claim.person or UUID(bytes=claim.mark[:16])
    found = _use(unit, AccessKind.CODE, _code_secret(person, digits), device, tries=CODE_TRIES)
    if found is None:
        count_wrong_code(unit.db, person, device, unit.now)
    return found


def access_refused() -> AccessRefused:
    """Return the error for a link or code that opens nothing. It never says why."""
    return AccessRefused(
        "This link or code cannot be used: it was used before or replaced by a newer one, its time has run out, or "
        "what was entered with it does not fit.",
        hint="Compare the birth date, or ask for a new one.",
    )


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


def _number(unit: Unit, national_id: str | None, card_number: str | None) -> tuple[str, str]:
    """Return the kind of number that was given, and its normal form."""
    if (national_id is None) == (card_number is None):
        raise Invalid("Give the national id or the card number.", code=ErrorCode.NOTHING_TO_LOOK_UP)
    if national_id is not None:
        return "national_id", normalise_id(national_id, unit.service.settings.national_id_format)
    return "card", normalise_id(card_number or "")


def _recent(instants: list[datetime], after: datetime) -> int:
    return sum(at > after for at in instants)


def _store(
    unit: Unit, beneficiary_id: UUID, kind: AccessKind, secret: str, lifetime: timedelta, device: str | None = None
) -> None:
    put_access_code(
        unit.db,
        digest=_hash(unit, kind, secret),
        beneficiary_id=beneficiary_id,
        kind=kind,
        created_at=unit.now,
        expires_at=unit.now + lifetime,
        device=device,
    )


def _use(unit: Unit, kind: AccessKind, secret: str, device: str, *, tries: int | None = None) -> UUID | None:
    return use_access_code(
        unit.db,
        digest=_hash(unit, kind, secret),
        kind=kind,
        device=device,
        now=unit.now,
        used_after=unit.now - _REUSE,
        tries=tries,
    )
