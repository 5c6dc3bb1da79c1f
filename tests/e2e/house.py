"""The running service of the browser tests, people who are enrolled in it, and its worker."""

from __future__ import annotations

import copy
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import undefer

from certify.capture.evaluate import evaluate_session
from certify.decision.determine import determine
from certify.doorstep.opening import open_bundle
from certify.doorstep.traces import note_face
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.service import Service
from certify.storage.bundles import waiting_bundles
from certify.storage.sessions import waiting_sessions
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from fixtures.faces import Picture
from models.liveness.fusion import SHIPPED
from models.pipeline import FaceEngine

BORN = date(1956, 11, 19)
"""Birth date of people who are enrolled without another one."""


@dataclass
class House:
    """The running service.

    Attributes:
        address: address of the web server, without scheme.
        service: the service behind it.
        engine: face models of the test, to enrol people.
        numbers: how many people and agents were made; it keeps their numbers distinct.
    """

    address: str
    service: Service
    engine: FaceEngine
    numbers: int = 0

    def enrol(
        self,
        portrait: Picture,
        *,
        name: str = "Eileen Collins",
        born: date = BORN,
        schemes: Sequence[str] = ("employee",),
        last_proof_on: date | None = None,
        card: str | None = None,
    ) -> tuple[UUID, str]:
        """Enrol a person, and return id and card number."""
        self.numbers += 1
        card = card or f"CARD{self.numbers:06}"
        pensions = tuple(NewEntitlement(scheme, date(2015, 1, 1), last_proof_on) for scheme in schemes)
        with self.service.unit() as unit:
            person = add_beneficiary(
                unit, NewBeneficiary(f"E2E{self.numbers:06}", name, pensions, card_number=card, birth_date=born)
            )
            # Of another day: a film of the enrolled picture itself would be recognised as a copy.
            reference = add_reference(unit, person, faces.encode(faces.another_day(portrait, seed=11)))
        assert measure_reference(self.service, self.engine, reference).state == "active"
        with self.service.unit() as unit:
            determine(unit, person)
        return person, card


def free_port() -> int:
    """Return a port that no program uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def verdict_of_last(house: House) -> str:
    """Return outcome and failed checks of the newest session, for the message of a failed test."""
    with house.service.reading() as unit:
        query = select(SessionRow).options(undefer(SessionRow.report)).order_by(SessionRow.created_at.desc()).limit(1)
        row = unit.db.scalars(query).one()
        liveness = (row.report or {}).get("liveness") or {}
        checks = [
            f"{check['name']} {check['reason']}" for check in liveness.get("checks", []) if check["state"] != "pass"
        ]
        return f"{row.outcome} {row.guidance} {liveness.get('ratios')} {checks} {(row.report or {}).get('seen_before')}"


def for_drawn_people(engine: FaceEngine) -> FaceEngine:
    """Return the engine without the measure of new image content that appears when a head turns.

    The people before the cameras of these tests are animated photos, and this measure detects that (docs/liveness.md):
    with it the verdict is never "living". All other checks, measures and thresholds are as shipped.
    """
    parts = SHIPPED.read_text().split("\n\n")
    kept = [part for part in parts if not re.match(r"\[species\.\w+\.appearance\]", part)]
    assert len(kept) == len(parts) - 2
    terms = {
        species: left
        for species, measures in engine._fusion.terms.items()
        if (left := {name: term for name, term in measures.items() if name != "appearance"})
    }
    changed = copy.copy(engine)
    changed._fusion = replace(engine._fusion, text="\n\n".join(kept), terms=terms)
    return changed


class Worker:
    """A thread that opens bundles and evaluates sessions, as ``certify worker`` does, with the engine of the tests."""

    def __init__(self, service: Service, engine: FaceEngine) -> None:
        self._service, self._engine = service, engine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present session."""
        self._over.set()
        self._thread.join(60)

    def _work(self) -> None:
        while not self._over.wait(0.2):
            with self._service.reading() as unit:
                soon = unit.now + timedelta(minutes=1)
                bundles = waiting_bundles(unit.db, received_before=soon)
                waiting = waiting_sessions(unit.db, submitted_before=soon, limit=10)
            for bundle in bundles:
                open_bundle(self._service, bundle)
            for session in waiting:
                evaluate_session(self._service, self._engine, session, notice=note_face)
