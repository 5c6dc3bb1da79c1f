"""Decoy sessions: an unknown identifier gets the same session as a known one, so that no answer reveals a pensioner.

A caller who enters an identifier and a birth date that the fund does not know gets a session with a plan, can send a
video, and is told that the attempt did not succeed. Attempts are counted as for a person (certify/capture/attempts.py).
All decoy sessions belong to one row of ``beneficiaries`` that stands for no person: it has no pension, no reference and
no name, and ``get_beneficiary`` hides it from everything but the evaluation.
"""

from __future__ import annotations

from certify.service import Unit
from certify.storage.people import DECOY_PERSON, enrol_people, restore_decoy
from certify.storage.tables.people import BeneficiaryRow


def ensure_decoy_person(unit: Unit) -> None:
    """Make the row that stands for no person if it is missing, and make it again if an earlier release erased it.

    Args:
        unit: the transaction to write in.
    """
    row = unit.db.get(BeneficiaryRow, DECOY_PERSON)
    if row is not None and row.erased_at is None:
        return
    key, _ = unit.service.vault.new_key(DECOY_PERSON)
    if row is not None:
        restore_decoy(unit.db, key)
        return
    person = {
        "id": DECOY_PERSON,
        "national_id_hash": unit.service.random_bytes(32),  # random: no identifier hashes to it
        "national_id_masked": "decoy",
        "needs": [],
        "created_at": unit.now,
    }
    enrol_people(unit.db, [person], [key], [])
