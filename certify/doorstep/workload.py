"""What a tablet takes along: the visits of the next days, only of its agent, only what is needed at the door."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import segno
from sqlalchemy import func, select

from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import BundleState, SessionState, VisitState
from certify.doorstep.agents import day_secret, door_secret
from certify.doorstep.bundle import chain_start
from certify.doorstep.calendar import today_of
from certify.doorstep.clock import sign_time
from certify.doorstep.homes import homes_of
from certify.people.identifiers import open_identifiers
from certify.service import Unit
from certify.storage.signing import Purpose, active_key
from certify.storage.tables.doorstep import AgentRow, BundleRow, TabletRow, VisitRow
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow

AHEAD = timedelta(days=4)
"""Days of work that a tablet takes along: a long weekend without a network. More would be lost with a lost tablet."""
SHOWN = timedelta(days=14)
"""For so long what came of a visit is told to the tablet."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit, as the agent needs it.

    ``numbers`` are hashes of the person's card number and national id, bound to the visit, by which the tablet tells
    whether the card shown is theirs without knowing its number. ``door_code`` is the code at the door (PNG) that says
    the address ``door``.
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
class Day:
    """Everything a tablet takes along.

    ``day_codes`` are what the agent shows at doors that are not in the plan (PNG), by day. ``key`` is the service's
    public key (JWK) to seal to, ``anchor`` the signed time, ``head`` the tablet's chain as far as the service has it:
    place and hash of the last link.
    """

    agent: AgentRow
    tablet: TabletRow
    stops: tuple[Stop, ...]
    day_codes: dict[date, bytes]
    key: dict[str, Any]
    anchor: str
    head: tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a sealed visit, for the tablet."""

    bundle: BundleRow
    outcome: str | None
    guidance: Sequence[str]


def day_of(unit: Unit, tablet: TabletRow) -> Day:
    """Return what a tablet takes along now."""
    agent = unit.db.get_one(AgentRow, tablet.agent_id)
    today = today_of(unit)
    query = (
        select(VisitRow)
        .where(
            VisitRow.agent_id == agent.id,
            # Those made, so that the agent sees what came of them. Yesterday's too: whoever could not be visited then
            # is visited now, or goes back to the plan.
            VisitRow.state.in_((VisitState.PLANNED, VisitState.MADE, VisitState.MISSED)),
            VisitRow.planned_on.between(today - timedelta(days=1), today + AHEAD),
        )
        .order_by(VisitRow.planned_on, VisitRow.place, VisitRow.id)
    )
    visits = unit.db.scalars(query.limit(300)).all()
    people = {visit.beneficiary_id for visit in visits}
    rows = {row.id: row for row in unit.db.scalars(select(BeneficiaryRow).where(BeneficiaryRow.id.in_(people)))}
    unit.open_sealers(list(people))
    homes = homes_of(unit, people)
    stops = []
    for visit in visits:
        person = rows[visit.beneficiary_id]
        if person.erased_at is None:
            stops.append(_stop(unit, visit, person, homes.get(person.id)))
    key = active_key(unit.db, unit.service.vault, Purpose.VISIT, unit.now).verification_key
    unit.ledger(LedgerEvent.DAY_TAKEN, None, tablet=str(tablet.id), visits=len(stops))
    public = {name: value for name, value in key.to_jwk().items() if name in ("kty", "crv", "x", "y", "kid")}
    coming = [today + timedelta(days=number) for number in range(AHEAD.days + 1)]
    codes = {on: _code(_address(unit, day_secret(unit, agent.id, on))) for on in coming}
    return Day(agent, tablet, tuple(stops), codes, public, sign_time(unit, tablet.id), head_of(unit, tablet))


def head_of(unit: Unit, tablet: TabletRow) -> tuple[int, bytes]:
    """Return the last link of a tablet's chain, as far as the service has it."""
    query = select(BundleRow.seq, BundleRow.sha256).where(
        BundleRow.tablet_id == tablet.id, BundleRow.state != BundleState.REFUSED
    )
    found = unit.db.execute(query.order_by(BundleRow.seq.desc()).limit(1)).one_or_none()
    return (found[0], found[1]) if found else (0, chain_start(tablet.id, tablet.public_jwk or {}))


def told(unit: Unit, tablet: TabletRow) -> list[Told]:
    """Return what came of the visits that a tablet sent in the last days, newest first."""
    query = (
        select(BundleRow, SessionRow.outcome, SessionRow.guidance)
        .outerjoin(SessionRow, SessionRow.id == BundleRow.session_id)
        .where(BundleRow.tablet_id == tablet.id, BundleRow.received_at > unit.now - SHOWN)
        .order_by(BundleRow.received_at.desc(), BundleRow.seq.desc())
    )
    return [Told(row, outcome, guidance or ()) for row, outcome, guidance in unit.db.execute(query.limit(1000))]


def waiting_of_tablet(unit: Unit, tablet_id: UUID) -> int:
    """Count the bundles of a tablet that are not judged yet."""
    query = (
        select(func.count())
        .select_from(BundleRow)
        .outerjoin(SessionRow, SessionRow.id == BundleRow.session_id)
        .where(
            BundleRow.tablet_id == tablet_id,
            (BundleRow.state == BundleState.RECEIVED) | (SessionRow.state == SessionState.SUBMITTED),
        )
    )
    return unit.db.scalar(query) or 0


def number_hash(visit: UUID, number: str) -> str:
    """Hash a number in its one written form, for one visit (api/web/tablet/js/views/visit.js does the same).

    Only the first 12 bits: one wrong card in 4,096 seems right, which harms nobody, for cards certify nobody. All bits
    would tell the number to whoever opens a lost tablet's work: birth year and last characters leave few to try.
    """
    return hashlib.sha256(f"{visit}|{number}".encode()).hexdigest()[:3]


def _stop(unit: Unit, visit: VisitRow, person: BeneficiaryRow, home: Any) -> Stop:
    national_id, card = open_identifiers(unit, person)
    door = _address(unit, door_secret(unit, visit))
    return Stop(
        visit,
        person,
        home.address if home else "",
        home.directions if home else "",
        home.latitude if home else None,
        home.longitude if home else None,
        tuple(number_hash(visit.id, number) for number in (card, national_id) if number),
        door,
        _code(door),
    )


def _address(unit: Unit, secret: str) -> str:
    return f"{unit.service.settings.public_url.rstrip('/')}/#v={secret}"


def _code(address: str) -> bytes:
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="png", scale=1, border=3)
    return drawn.getvalue()
