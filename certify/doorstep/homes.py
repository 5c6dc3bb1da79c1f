"""Where people live and how their door is found: for agents on their way, sealed by the person's key."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from certify.domain.error_codes import ErrorCode
from certify.errors import Gone, Invalid
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import HomeRow

MAX_ADDRESS, MAX_DIRECTIONS = 300, 1000
"""Characters: they go to a tablet over whatever network there is, and are read standing at a road."""

_LABEL = "home"


@dataclass(frozen=True, slots=True)
class Home:
    """A person's home.

    Attributes:
        address: as one writes it on a letter, in one or more lines.
        directions: what helps to find the door ("second floor, ring at Silva").
        latitude, longitude: in degrees (WGS 84); both or neither.
    """

    address: str
    directions: str = ""
    latitude: float | None = None
    longitude: float | None = None


def set_home(unit: Unit, beneficiary_id: UUID, home: Home) -> None:
    """Store where a person lives, in place of what was there. Raises NotFound, Gone, Invalid (``home_invalid``)."""
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    unit.sealer(beneficiary_id)
    set_homes(unit, {beneficiary_id: home})


def set_homes(unit: Unit, homes: Mapping[UUID, Home]) -> set[UUID]:
    """Store where many people live, in one statement; return whose was stored: who was erased has no home.

    Raises Invalid (``home_invalid``), and then stores none: check them one by one with ``checked_home``.
    """
    clean = {person: checked_home(home) for person, home in homes.items()}
    unit.open_sealers(list(clean))
    rows: list[dict[str, Any]] = []
    for person, home in clean.items():
        with suppress(Gone):
            sealed = unit.sealer(person).seal(json.dumps(asdict(home)).encode(), _LABEL)
            rows.append({"beneficiary_id": person, "sealed": sealed, "changed_at": unit.now})
    if rows:
        new = insert(HomeRow).values(rows)
        changes = {"sealed": new.excluded.sealed, "changed_at": new.excluded.changed_at}
        unit.db.execute(new.on_conflict_do_update(index_elements=[HomeRow.beneficiary_id], set_=changes))
    return {row["beneficiary_id"] for row in rows}


def home_of(unit: Unit, beneficiary_id: UUID) -> Home | None:
    """Return where a person lives; None when it is not known, or they were erased."""
    return homes_of(unit, [beneficiary_id]).get(beneficiary_id)


def homes_of(unit: Unit, people: Collection[UUID]) -> dict[UUID, Home]:
    """Return where many people live; of whom it is not known, or who was erased, is not among them."""
    query = select(HomeRow.beneficiary_id, HomeRow.sealed).where(HomeRow.beneficiary_id.in_(people))
    stored: dict[UUID, bytes] = {row.beneficiary_id: row.sealed for row in unit.db.execute(query)}
    unit.open_sealers(list(stored))
    found = {}
    for person, sealed in stored.items():
        with suppress(Gone):  # erased since the statement before
            found[person] = Home(**json.loads(unit.sealer(person).open(sealed, _LABEL)))
    return found


def forget_home_of(unit: Unit, beneficiary_id: UUID) -> None:
    """Delete where a person lives."""
    unit.db.execute(delete(HomeRow).where(HomeRow.beneficiary_id == beneficiary_id))


def checked_home(home: Home) -> Home:
    """Return a home as it is stored. Raises Invalid (``home_invalid``), and repeats nothing of what was entered."""
    address, directions = home.address.strip(), home.directions.strip()
    if not 1 <= len(address) <= MAX_ADDRESS or len(directions) > MAX_DIRECTIONS:
        raise _invalid(f"An address has 1 to {MAX_ADDRESS} characters, directions at most {MAX_DIRECTIONS}.")
    if not all(character.isprintable() or character == "\n" for character in address + directions):
        raise _invalid("The address or the directions have characters that cannot be shown.")
    if (home.latitude is None) != (home.longitude is None):
        raise _invalid("Latitude and longitude come together.")
    for value, limit in ((home.latitude, 90), (home.longitude, 180)):
        if value is not None and not (math.isfinite(value) and abs(value) <= limit):
            raise _invalid("Latitudes lie between -90 and 90 degrees, longitudes between -180 and 180.")
    return Home(address, directions, home.latitude, home.longitude)


def _invalid(message: str) -> Invalid:
    # The message must not repeat what was entered: it may end in a log.
    return Invalid(message, hint="Correct the home and store it again.", code=ErrorCode.HOME_INVALID)
