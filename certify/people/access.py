"""Ways in for people who serve themselves: who is asking, links of letters, and codes of text messages.

Nobody may find out here who receives a pension: whoever is not found goes the same way as whoever is, at the same pace
(certify/capture/decoys.py), and every refusal reads the same.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update

from certify.domain.draws import below
from certify.domain.error_codes import ErrorCode
from certify.domain.states import AccessKind
from certify.errors import CertifyError, Invalid
from certify.people.national_id import normalise_id
from certify.service import Unit
from certify.storage.people import find_beneficiary
from certify.storage.tables.people import AccessCodeRow, BeneficiaryRow

LINK_BYTES = 20
"""160 bits of chance: nobody guesses a link."""
CODE_DIGITS = 6
_AGAIN = timedelta(minutes=10)
CODE_LIFETIME = timedelta(minutes=15)
CODE_TRIES = 5
"""Codes and tries within the lifetime: five guesses hit one of five codes with a chance of 25 in a million."""


class AccessRefused(CertifyError):
    """A link or code does not open anything: wrong, used, run out, or somebody else's. It never says which."""

    code = ErrorCode.ACCESS_REFUSED


@dataclass(frozen=True, slots=True)
class Asked:
    """Who somebody says they are.

    Attributes:
        person: whose id and birth date these are; None when they are nobody's.
        mark: keyed hash of what was entered, by which attempts are counted, whoever it is.
    """

    person: UUID | None
    mark: bytes


def who_asks(unit: Unit, *, national_id: str | None, card_number: str | None, birth_date: date) -> Asked:
    """Find a person by one of the two numbers together with the birth date.

    The same statements run whether or not there is such a person. A person whose birth date the fund does not know
    cannot come in this way. Raises Invalid when a number is not well formed, which its digits alone tell.
    """
    vault = unit.service.vault
    if (national_id is None) == (card_number is None):
        raise Invalid("Give the national id or the card number.", code=ErrorCode.NOTHING_TO_LOOK_UP)
    if national_id is not None:
        clear, kind = normalise_id(national_id, unit.service.settings.national_id_format), "national_id"
        found = find_beneficiary(unit.db, national_id_hash=vault.lookup_hash(unit.db, kind, clear))
    else:
        clear, kind = normalise_id(card_number or ""), "card"
        found = find_beneficiary(unit.db, card_hash=vault.lookup_hash(unit.db, kind, clear))
    mark = vault.lookup_hash(unit.db, "asked", f"{kind}|{clear}|{birth_date.isoformat()}")
    row = unit.db.get(BeneficiaryRow, found or UUID(bytes=mark[:16]))
    fits = row is not None and row.erased_at is None and row.birth_date == birth_date
    return Asked(found if fits else None, mark)


def new_link(unit: Unit, beneficiary_id: UUID, lifetime: timedelta) -> str:
    """Return a secret that opens the person's pages once, for the address in a letter or message."""
    secret = base64.urlsafe_b64encode(unit.service.random_bytes(LINK_BYTES)).rstrip(b"=").decode()
    _store(unit, beneficiary_id, "link", secret, lifetime)
    return secret


def new_code(unit: Unit, beneficiary_id: UUID) -> str | None:
    """Return digits that open the person's pages once, together with id and birth date.

    None when so many were asked for within the lifetime that one more would help whoever guesses.
    """
    query = select(func.count()).where(
        AccessCodeRow.beneficiary_id == beneficiary_id,
        AccessCodeRow.kind == AccessKind.CODE,
        AccessCodeRow.created_at > unit.now - CODE_LIFETIME,
    )
    if (unit.db.scalar(query) or 0) >= CODE_TRIES:
        return None
    digits = str(below(10**CODE_DIGITS, unit.service.random_bytes)).zfill(CODE_DIGITS)
    _store(unit, beneficiary_id, "code", _of(beneficiary_id, digits), CODE_LIFETIME)
    return digits


def open_link(unit: Unit, secret: str, *, device: str) -> UUID:
    """Use a link up on a device, by its mark, and return whose it is. Raises AccessRefused.

    The same device may do so again for some minutes: the answer may have been lost on its way.
    """
    return _use(unit, "link", secret, device)


def open_code(unit: Unit, asked: Asked, digits: str, *, device: str) -> UUID:
    """Use a code up, as a link. Raises AccessRefused. How often one may guess, the caller limits."""
    whose = asked.person or UUID(bytes=asked.mark[:16])
    return _use(unit, "code", _of(whose, digits), device)


def person_of_letter(unit: Unit, secret: str) -> UUID | None:
    """Return for whom the link of a letter was made; it is not used up here. None when it is unknown."""
    query = select(AccessCodeRow.beneficiary_id).where(
        AccessCodeRow.hash == _hash(unit, AccessKind.LINK, secret), AccessCodeRow.kind == AccessKind.LINK
    )
    return unit.db.scalars(query).one_or_none()


def purge_access_codes(unit: Unit) -> None:
    """Delete links and codes that have run out."""
    unit.db.execute(delete(AccessCodeRow).where(AccessCodeRow.expires_at < unit.now - timedelta(days=1)))


def forget_access_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete the links and codes of a person."""
    unit.db.execute(delete(AccessCodeRow).where(AccessCodeRow.beneficiary_id == beneficiary_id))


def device_mark(device_id: str) -> str:
    """Return what a token says of the device it is for; the device's own name stays out of tokens."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"device|{device_id}".encode()).digest()[:18]).decode()


def _of(beneficiary_id: UUID, digits: str) -> str:
    return f"{beneficiary_id}|{digits}"


def _hash(unit: Unit, kind: str, secret: str) -> bytes:
    return unit.service.vault.lookup_hash(unit.db, f"access_{kind}", secret)


def _store(unit: Unit, beneficiary_id: UUID, kind: str, secret: str, lifetime: timedelta) -> None:
    digest = _hash(unit, kind, secret)
    if kind == "code":  # the same six digits, drawn again; 160 bits never are
        unit.db.execute(delete(AccessCodeRow).where(AccessCodeRow.hash == digest))
    unit.db.add(
        AccessCodeRow(
            hash=digest,
            beneficiary_id=beneficiary_id,
            kind=kind,
            created_at=unit.now,
            expires_at=unit.now + lifetime,
        )
    )
    unit.db.flush()


def _use(unit: Unit, kind: str, secret: str, device: str) -> UUID:
    again = and_(AccessCodeRow.used_by == device, AccessCodeRow.used_at > unit.now - _AGAIN)
    use = (
        update(AccessCodeRow)
        .where(
            AccessCodeRow.hash == _hash(unit, kind, secret),
            AccessCodeRow.kind == kind,
            or_(AccessCodeRow.used_at.is_(None), again),
            AccessCodeRow.expires_at > unit.now,
        )
        .values(used_at=func.coalesce(AccessCodeRow.used_at, unit.now), used_by=device)
        .returning(AccessCodeRow.beneficiary_id)
    )
    found = unit.db.scalars(use).one_or_none()
    if found is None:
        raise AccessRefused(
            "This link or code cannot be used: it was used before, or its time has run out.",
            hint="Ask for a new one.",
        )
    return found
