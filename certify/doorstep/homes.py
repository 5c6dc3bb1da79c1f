"""Homes: where people live and how an agent finds the door, sealed by each person's key."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.errors import Gone, Invalid
from certify.service import Unit
from certify.storage.homes import put_sealed_homes, sealed_homes

MAX_ADDRESS, MAX_DIRECTIONS = 300, 1000
"""Characters. Tablets load them over slow networks, and agents read them on the street."""

_LABEL = "home"


@dataclass(frozen=True, slots=True)
class Home:
    """A person's home.

    Attributes:
        address: as on a letter, in one or more lines.
        directions: how to find the door ("second floor, ring at Silva").
        latitude: degrees (WGS 84); None if and only if the longitude is None.
        longitude: degrees (WGS 84).
    """

    address: str
    directions: str = ""
    latitude: float | None = None
    longitude: float | None = None


def set_homes(unit: Unit, homes: Mapping[UUID, Home]) -> set[UUID]:
    """Store the homes of people in one statement; a stored home is replaced.

    Args:
        unit: the transaction.
        homes: homes by person.

    Returns:
        The people whose home was stored. Erased people are left out.

    Raises:
        Invalid: one of the homes is wrong (``home_invalid``); then none is stored. ``checked_home`` checks one home.
    """
    clean = {person: checked_home(home) for person, home in homes.items()}
    unit.open_sealers(list(clean))
    sealed: dict[UUID, bytes] = {}
    for person, home in clean.items():
        with suppress(Gone):
            sealed[person] = unit.sealer(person).seal(json.dumps(asdict(home)).encode(), _LABEL)
    put_sealed_homes(unit.db, sealed, unit.now)
    return set(sealed)


def home_of(unit: Unit, beneficiary_id: UUID) -> Home | None:
    """Return the home of a person; None when it is not known, or the person was erased."""
    return homes_of(unit, [beneficiary_id]).get(beneficiary_id)


def homes_of(unit: Unit, people: Collection[UUID]) -> dict[UUID, Home]:
    """Return homes by person; people without a known home and erased people are left out."""
    stored = sealed_homes(unit.db, people)
    unit.open_sealers(list(stored))
    homes = {}
    for person, sealed in stored.items():
        with suppress(Gone):  # erased since the statement before
            homes[person] = Home(**json.loads(unit.sealer(person).open(sealed, _LABEL)))
    return homes


def checked_home(home: Home) -> Home:
    """Return a home in the form in which it is stored.

    Args:
        home: what was entered.

    Returns:
        The home, without white space around the texts.

    Raises:
        Invalid: a text is too long or cannot be shown, or a coordinate is wrong (``home_invalid``). The message repeats
            nothing of what was entered.
    """
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
    # The message must not repeat what was entered: it can reach a log.
    return Invalid(message, hint="Correct the home and store it again.", code=ErrorCode.HOME_INVALID)
