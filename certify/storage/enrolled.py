"""Tell who enrolled a person, as the ledger says: who may be the second officer depends on it (docs/decisions/0022).

The column ``enrolled_by`` carries no MAC, because a row of ``beneficiaries`` changes for many reasons. The entry of the
ledger has one: that of the person, or, for people whom an import enrolled, that of the chunk (imports.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from certify.domain.ledger_events import LedgerEvent
from certify.storage.imports import importer_of
from certify.storage.ledger import entries_of
from certify.storage.row_macs import alarm
from certify.storage.tables.people import BeneficiaryRow


def enroller_of(db: Session, person: BeneficiaryRow) -> str | None:
    """Return the principal who enrolled a person; None for people of early releases.

    Args:
        db: the session of the transaction.
        person: the person, enrolled in an earlier transaction.

    Raises:
        RowAltered: the row and the ledger name different principals (``row_altered``).
    """
    told = (json.loads(entry) for _, entry in entries_of(db, [person.id]).get(person.id, ()))
    known = enroller_in(told) or importer_of(db, person.id)
    if known != person.enrolled_by:
        raise alarm("beneficiaries", person.id)
    return person.enrolled_by


def enroller_in(told: Iterable[dict[str, Any]]) -> str | None:
    """Return who enrolled a person, from the ledger's entries about them, the oldest first; None if none says it."""
    return next((str(entry["by"]) for entry in told if entry["event"] == LedgerEvent.PERSON_ENROLLED), None)
