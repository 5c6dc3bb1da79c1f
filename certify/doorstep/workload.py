"""The workload of a tablet: the visits of its agent on the next days, with what is needed at the door and no more."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import segno

from certify.domain.ledger_events import LedgerEvent
from certify.doorstep.agents import day_secret, door_secret
from certify.doorstep.bundle import chain_start
from certify.doorstep.calendar import today_of
from certify.doorstep.clock import sign_time
from certify.doorstep.homes import Home, homes_of
from certify.people.identifiers import open_identifiers
from certify.service import Unit
from certify.storage.bundles import SentVisit, last_link, sent_visits
from certify.storage.people import people_by_id
from certify.storage.signing import Purpose, active_key
from certify.storage.tables.doorstep import AgentRow, TabletRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.visits import visits_of_agent

AHEAD = timedelta(days=4)
"""How far ahead a tablet takes visits along: a long weekend without a network. A lost tablet would lose any more."""

SHOWN = timedelta(days=14)
"""For how long after it sent a visit a tablet receives its outcome."""


@dataclass(frozen=True, slots=True)
class TabletVisit:
    """One visit, as the agent needs it.

    Attributes:
        visit: the visit.
        person: the person.
        address: of the home; "" when it is not known.
        directions: how to find the door; "" when they are not known.
        latitude: of the home, degrees (WGS 84).
        longitude: of the home, degrees (WGS 84).
        numbers: short hashes of card number and national id, bound to the visit. With them the tablet checks the card
            that is shown, without knowing its number.
        door: address that the person opens to check the agent.
        door_code: code (PNG) with that address.
    """

    visit: VisitRow
    person: BeneficiaryRow
    address: str
    directions: str
    latitude: float | None
    longitude: float | None
    numbers: tuple[str, ...]
    door: str
    door_code: bytes


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything that a tablet takes along.

    Attributes:
        agent: the tablet's agent.
        tablet: the tablet.
        visits: the visits, by day and place.
        day_codes: codes (PNG), by day, that the agent shows at doors outside the plan.
        key: the service's public key (JWK) to seal visits to.
        anchor: the signed time.
        head: place and hash of the last link of the tablet's chain that the service has.
    """

    agent: AgentRow
    tablet: TabletRow
    visits: tuple[TabletVisit, ...]
    day_codes: dict[date, bytes]
    key: dict[str, Any]
    anchor: str
    head: tuple[int, bytes]


def workload_of(unit: Unit, tablet: TabletRow) -> Workload:
    """Return what a tablet takes along now, and record in the ledger that it did.

    Visits that were made or missed are included, so that the agent sees their outcome. Visits of yesterday are
    included too: what was not made then is made now, or is planned again.

    Args:
        unit: the transaction.
        tablet: the tablet that asks.

    Returns:
        The workload, without erased people.
    """
    agent = unit.db.get_one(AgentRow, tablet.agent_id)
    today = today_of(unit)
    rows = visits_of_agent(unit.db, agent.id, today - timedelta(days=1), today + AHEAD)
    ids = {row.beneficiary_id for row in rows}
    people = people_by_id(unit.db, ids)
    unit.open_sealers(list(ids))
    homes = homes_of(unit, ids)
    visits = []
    for row in rows:
        person = people[row.beneficiary_id]
        if person.erased_at is None:
            visits.append(_visit(unit, row, person, homes.get(person.id, Home(""))))
    key = active_key(unit.db, unit.service.vault, Purpose.VISIT, unit.now).verification_key
    unit.ledger(LedgerEvent.DAY_TAKEN, None, tablet=str(tablet.id), visits=len(visits))
    public = {name: value for name, value in key.to_jwk().items() if name in ("kty", "crv", "x", "y", "kid")}
    coming = [today + timedelta(days=number) for number in range(AHEAD.days + 1)]
    codes = {on: _code(_address(unit, day_secret(unit, agent.id, on))) for on in coming}
    return Workload(agent, tablet, tuple(visits), codes, public, sign_time(unit, tablet.id), head_of(unit, tablet))


def head_of(unit: Unit, tablet: TabletRow) -> tuple[int, bytes]:
    """Return place and hash of the last link of a tablet's chain that the service has; place 0 is the enrolment."""
    return last_link(unit.db, tablet.id) or (0, chain_start(tablet.id, tablet.public_jwk or {}))


def visit_outcomes(unit: Unit, tablet: TabletRow) -> list[SentVisit]:
    """Return the visits that a tablet sent in the last days with their outcomes, newest first."""
    return sent_visits(unit.db, tablet.id, since=unit.now - SHOWN)


def number_hash(visit: UUID, number: str) -> str:
    """Hash a number in its one written form, for one visit (api/web/tablet/js/views/visit.js does the same).

    Only the first 12 bits are kept. One wrong card in 4,096 then seems right, which is harmless, because cards certify
    no one. All bits would reveal the number to a person who opens a lost tablet: birth year and last characters leave
    few numbers to try.

    Args:
        visit: id of the visit.
        number: card number or national id, normalised.

    Returns:
        Three hexadecimal digits.
    """
    return hashlib.sha256(f"{visit}|{number}".encode()).hexdigest()[:3]


def _visit(unit: Unit, visit: VisitRow, person: BeneficiaryRow, home: Home) -> TabletVisit:
    national_id, card = open_identifiers(unit, person)
    door = _address(unit, door_secret(unit, visit))
    return TabletVisit(
        visit,
        person,
        home.address,
        home.directions,
        home.latitude,
        home.longitude,
        tuple(number_hash(visit.id, number) for number in (card, national_id) if number),
        door,
        _code(door),
    )


def _address(unit: Unit, secret: str) -> str:
    return f"{unit.service.settings.public_url.rstrip('/')}/#v={secret}"


def _code(address: str) -> bytes:
    image = io.BytesIO()
    segno.make(address, error="m", micro=False).save(image, kind="png", scale=1, border=3)
    return image.getvalue()
