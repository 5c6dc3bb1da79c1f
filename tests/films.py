"""A small film that answers its plan, and the engine that judges it.

The person in it is an animated portrait. The shipped models rightly call that no living person (docs/liveness.md), so
the film is judged without the one measure that detects it; see :func:`tests.e2e.house.for_drawn_people`.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any
from uuid import UUID

from certify.capture.evaluate import evaluate_session
from certify.capture.session import submit_media
from certify.doorstep.traces import note_face
from certify.service import Service
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from fixtures import faces, mesh, phone, videos
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network
from tests.e2e.house import for_drawn_people

PLAN: dict[str, Any] = Plan(
    Profile.STANDARD,
    (Step(Prompt.TURN_LEFT, 1.8, 6.0, 3.7), Step(Prompt.COME_CLOSER, 6.4, 9.8, 8.0)),
    (),
    10.2,
).to_json()
"""The plan that the film answers: two kinds of movement, and no moment of rest that is not needed."""

_RATE = 8


def draw_film(name: str = "eileen_collins", plan: dict[str, Any] = PLAN) -> bytes:
    """Draw the film of a portrait on another day that answers a plan: five seconds of a core.

    An animated copy of the enrolled portrait itself would be recognised as a copy.
    """
    store = PackStore(default_cache_dir())
    still = phone.upright(faces.another_day(faces.portraits()[name], seed=11))
    seen = FaceMesh.load(store).tracker().step(still, Detector(load_network(store, "yunet")).detect(still))
    assert seen is not None
    motion = mesh.motion_for(mesh.asked_in(plan), seed=3)
    frames = mesh.bona_fide(still, seen.points, motion, seed=3, seconds=plan["total_ms"] / 1000 + 0.3, rate=_RATE)
    return videos.encode(frames, rate=_RATE, live=True)


def drawn_once(folder: Path) -> bytes:
    """Return the film, which the first process of a test run draws into a folder for all.

    Args:
        folder: that all processes of the run share.
    """
    with (folder / "film.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = folder / "film.webm"
        if not file.exists():
            file.write_bytes(draw_film())
        return file.read_bytes()


def film_session(
    service: Service, engine: FaceEngine, session: UUID, film: bytes, *, plan: dict[str, Any] | None = PLAN
) -> SessionRow:
    """Give an open session a plan, usually the one that the film answers, send the film, and evaluate it."""
    with service.unit() as unit:
        get_session(unit.db, session).plan = plan
    with service.unit() as unit:
        submit_media(unit, session, film)
    return evaluate_drawn(service, engine, session)


def evaluate_drawn(service: Service, engine: FaceEngine, session: UUID) -> SessionRow:
    """Evaluate a session whose film shows an animated portrait."""
    return evaluate_session(service, for_drawn_people(engine), session, notice=note_face)
