"""Find a person by national id or card number; seal the clear numbers, and open them only when needed."""

from __future__ import annotations

import json
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.errors import Gone, Invalid
from certify.people.national_id import normalise_id
from certify.service import Unit
from certify.storage.dossiers import Dossier
from certify.storage.people import find_beneficiary
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.vault import Sealer


def seal_identifiers(unit: Unit, beneficiary_id: UUID, national_id: str, card_number: str | None) -> bytes:
    """Seal the clear national id and card number with the person's data key."""
    return seal_ids(unit.sealer(beneficiary_id), national_id, card_number)


def seal_ids(sealer: Sealer, national_id: str, card_number: str | None) -> bytes:
    """Seal the clear national id and card number with a person's sealer."""
    plain = f"{national_id}{card_number or ''}"
    if plain.isascii() and plain.isalnum():  # what ``json.dumps`` gives, without its detour where millions are sealed
        card = "null" if card_number is None else f'"{card_number}"'
        ids = f'{{"national_id": "{national_id}", "card_number": {card}}}'
    else:
        ids = json.dumps({"national_id": national_id, "card_number": card_number})
    return sealer.seal(ids.encode(), "ids")


def open_identifiers(unit: Unit, row: BeneficiaryRow | Dossier) -> tuple[str, str | None]:
    """Open the clear national id and card number of a person.

    Args:
        unit: the transaction to read in.
        row: the person.

    Returns:
        The national id, and the card number if there is one.

    Raises:
        Gone: the person was erased (``person_erased``).
    """
    if row.erased_at is not None:
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    data = json.loads(unit.sealer(row.id).open(row.ids_sealed or b"", "ids"))
    return data["national_id"], data["card_number"]


def look_up(unit: Unit, *, national_id: str | None = None, card_number: str | None = None) -> UUID | None:
    """Find a person by national id or card number.

    Args:
        unit: the transaction to read in.
        national_id: used if it is given.
        card_number: used if there is no national id.

    Returns:
        Id of the person, or None when the number is not enrolled.

    Raises:
        Invalid: no number is given (``nothing_to_look_up``), or it is not well formed (``national_id_invalid``).
    """
    vault = unit.service.vault
    if national_id is not None:
        clear = normalise_id(national_id, unit.service.settings.national_id_format)
        return find_beneficiary(unit.db, national_id_hash=vault.lookup_hash(unit.db, "national_id", clear))
    if card_number is not None:
        return find_beneficiary(unit.db, card_hash=vault.lookup_hash(unit.db, "card", normalise_id(card_number)))
    raise Invalid("Give a national id or a card number.", code=ErrorCode.NOTHING_TO_LOOK_UP)
