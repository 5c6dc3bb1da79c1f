"""An agent with a tablet, and people to visit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from certify.capture.evaluate import evaluate_session
from certify.domain.states import AgentState
from certify.doorstep.agents import NewAgent, add_agent, set_agent_state
from certify.doorstep.clock import sign_time
from certify.doorstep.opening import open_bundle
from certify.doorstep.receive import take_bundle
from certify.doorstep.traces import note_face
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.service import Service
from certify.storage.signing import Purpose, active_key
from certify.storage.tables.doorstep import BundleRow, TabletRow
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from fixtures.faces import Picture
from fixtures.tablet import Tablet
from models.pipeline import FaceEngine
from tests.conftest import Clock

WITNESSES = [{"name": "Wang", "relation": "neighbour"}, {"name": "Zhao", "relation": "daughter"}]


@dataclass
class Round:
    """An agent on their round: makes visits, sends them later, and lets the worker process them."""

    service: Service
    clock: Clock
    agent: UUID
    tablet: Tablet
    engine: FaceEngine | None = None
    people: int = 0

    def enrol(self, portrait: Picture | None = None, *, name: str = "Eileen Collins", region: str = "11") -> UUID:
        """Enrol a person to visit, with a reference if a portrait is given."""
        self.people += 1
        with self.service.unit() as unit:
            person = add_beneficiary(
                unit,
                NewBeneficiary(
                    f"DOOR{self.people:06}",
                    name,
                    (NewEntitlement("employee", date(2015, 1, 1)),),
                    card_number=f"CARD{self.people:06}",
                    birth_date=date(1950, 11, 19),
                    region=region,
                ),
            )
            reference = None if portrait is None else add_reference(unit, person, faces.encode(portrait))
        if reference is not None:
            assert self.engine is not None
            assert measure_reference(self.service, self.engine, reference).state == "active"
        return person

    def anchor(self) -> None:
        """Receive the signed time of the service, as at every contact."""
        with self.service.unit() as unit:
            self.tablet.anchor, self.tablet.anchored = sign_time(unit, self.tablet.id), unit.now

    def entries(self, person: UUID | None, result: str, *, minutes: float = 6, **more: Any) -> dict[str, Any]:
        """Return the entries of a visit that ends now."""
        now = self.clock()
        return {
            "result": result,
            "who": {"beneficiary": None if person is None else str(person), "how": "card"},
            "clocks": self.tablet.clocks(now - timedelta(minutes=minutes), now),
            "statement": "2026-11",
            "consent": result == "face",
            "place": {"latitude": 39.9, "longitude": 116.4, "accuracy_m": 12.0},
            **more,
        }

    def visit(self, person: UUID | None, result: str, parts: Sequence[tuple[str, bytes]] = (), **more: Any) -> bytes:
        """Make a visit and seal it."""
        return self.tablet.seal(more.pop("visit", uuid4()), self.entries(person, result, **more), parts)

    def take(self, data: bytes) -> BundleRow:
        """Send a bundle; the worker does not open it yet."""
        wall = self.clock() + timedelta(seconds=self.tablet.ahead_s)
        with self.service.unit() as unit:
            return take_bundle(unit, data, sha256=hashlib.sha256(data).digest(), sent_wall=wall)

    def send(self, data: bytes) -> BundleRow:
        """Send a bundle, and let the worker open it."""
        return open_bundle(self.service, self.take(data).id)

    def judge(self, row: BundleRow) -> SessionRow:
        """Let the worker evaluate the face of an opened visit."""
        assert row.session_id is not None
        assert self.engine is not None
        return evaluate_session(self.service, self.engine, row.session_id, notice=note_face)

    def suspend(self) -> None:
        with self.service.unit() as unit:
            set_agent_state(unit, self.agent, AgentState.SUSPENDED)


def make_round(service: Service, clock: Clock, badge: str = "A-17", area: str = "11") -> Round:
    """Add an agent with an enrolled tablet, without a real passkey: browser tests make those."""
    tablet = Tablet(uuid4())
    with service.unit() as unit:
        agent = add_agent(unit, NewAgent(badge=badge, name="Agent Li", area=area))
        unit.db.add(
            TabletRow(
                id=tablet.id,
                agent_id=agent.id,
                state="active",
                invited_by="officer",
                invited_at=unit.now,
                invite_expires_at=unit.now,
                enrolled_at=unit.now,
                public_jwk=tablet.jwk,
                passkey=b"\0",
            )
        )
        key = active_key(unit.db, service.vault, Purpose.VISIT, unit.now).verification_key
        tablet.service_key = key.to_jwk()
    made = Round(service, clock, agent.id, tablet)
    made.anchor()
    clock.advance(timedelta(hours=1))
    return made


def attested(agents_round: Round, **more: Any) -> bytes:
    """Seal a visit that needs no photo."""
    person = agents_round.enrol()
    return agents_round.visit(person, "witnesses", witnesses=WITNESSES, why_no_face="bandages", **more)


@pytest.fixture
def agents_round(service: Service, clock: Clock) -> Round:
    return make_round(service, clock)
