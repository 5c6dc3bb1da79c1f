"""A whole running service with guide and worker, and a real browser with a camera that films a drawn person."""

from __future__ import annotations

import copy
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import psycopg
import pytest
from playwright.sync_api import ConsoleMessage, Page, Playwright, expect, sync_playwright
from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

import certify.challenge
from certify.capture import evaluate_session
from certify.config import Settings
from certify.determine import determine
from certify.domain.profile import PROMPTS, Demand
from certify.doorstep.opening import open_bundle
from certify.doorstep.receive import waiting_bundles
from certify.enrol import NewBeneficiary, NewEntitlement, add_beneficiary, add_reference, measure_reference
from certify.policies import load_policies
from certify.queue import DatabaseQueue
from certify.service import Service
from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url
from certify.storage.keys import FileMasterKey
from certify.storage.sessions import waiting_sessions
from certify.storage.tables import PrintRow, SessionRow
from certify.storage.vault import Vault
from fixtures import faces, phone
from fixtures.attacks import print_attack
from fixtures.camera import FileCamera, Reel
from fixtures.faces import Picture
from models.detect import Detector
from models.landmarks import FaceMesh
from models.liveness.fusion import SHIPPED
from models.liveness.plan import Prompt
from models.packs import PackStore, default_cache_dir
from models.pipeline import FaceEngine
from models.runtime import load_network
from tests.api.live_service import GuideProcess, served

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
RATE = 12
PLAYABLE = {Prompt.TURN_LEFT, Prompt.TURN_RIGHT, Prompt.LOOK_UP, Prompt.COME_CLOSER}
"""What a drawn portrait shows well enough; both portraits smile from the beginning (tests/api/test_live.py)."""
CAMERA = "camera2 1, facing front"
"""What a phone calls its front camera; the service refuses Chromium's own name for its fake one, as it should."""


def _chromium() -> str | None:
    return next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    found = _chromium()
    if found is None:
        pytest.skip("CHROMIUM IS MISSING, browser tests are skipped: install it, as 'make browser' does under Debian")
    return found


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Not for longer than a file: while it runs, this process has an event loop, and other tests start their own."""
    with sync_playwright() as running:
        yield running


BORN = date(1956, 11, 19)
"""Birthday of whoever is enrolled without another."""


@dataclass
class House:
    """The running service.

    Attributes:
        address: of the web server, without scheme.
        service: behind it.
        engine: face models of the test's own, to enrol with.
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
        """Enrol a person; return id and card number."""
        self.numbers += 1
        card = card or f"CARD{self.numbers:06}"
        pensions = tuple(NewEntitlement(scheme, date(2015, 1, 1), last_proof_on) for scheme in schemes)
        with self.service.unit() as unit:
            person = add_beneficiary(
                unit, NewBeneficiary(f"E2E{self.numbers:06}", name, pensions, card_number=card, birth_date=born)
            )
            reference = add_reference(unit, person, faces.encode(portrait))
        assert measure_reference(self.service, self.engine, reference).state == "active"
        with self.service.unit() as unit:
            determine(unit, person)
        return person, card


def free_port() -> int:
    """Return a port that nobody uses just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def house(
    embedded_server: PostgresServer,
    template_database: str,
    engine: FaceEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """One service for all browser tests: HTTP process, guide and worker, each as it runs in production."""
    name, folder = "e2e", tmp_path_factory.mktemp("e2e")
    with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template_database}"')
    url = embedded_url(embedded_server, name)
    with ExitStack() as stack:
        guide = GuideProcess()
        stack.callback(guide.stop)
        settings = Settings(
            data_dir=folder,
            database_url=url,
            rate_limit="none",
            issuer_name="Test Pension Fund",
            guide_sockets=(str(guide.socket),),
            public_url=f"http://localhost:{(port := free_port())}",  # passkeys belong to names, not to numbers
        )
        database = Database(url)
        stack.callback(database.close)
        service = Service(
            settings=settings,
            database=database,
            vault=Vault(FileMasterKey(settings.key_file)),
            policies=load_policies(),
            queue=DatabaseQueue(),
        )
        address = stack.enter_context(served(service, port=port))
        worker = Worker(service, for_drawn_people(engine))
        stack.callback(worker.stop)
        yield House(address, service, engine)


def verdict_of_last(house: House) -> str:
    """Return why the newest session ended as it did, for the message of a test that failed."""
    with house.service.reading() as unit:
        query = select(SessionRow).options(undefer(SessionRow.report)).order_by(SessionRow.created_at.desc()).limit(1)
        row = unit.db.scalars(query).one()
        liveness = (row.report or {}).get("liveness") or {}
        checks = [
            f"{check['name']} {check['reason']}" for check in liveness.get("checks", []) if check["state"] != "pass"
        ]
        return f"{row.outcome} {row.guidance} {liveness.get('ratios')} {checks} {(row.report or {}).get('seen_before')}"


def for_drawn_people(engine: FaceEngine) -> FaceEngine:
    """Return the engine, but that it does not look whether anything new appears as the head turns.

    The people before these tests' cameras are animated photos, and that measure tells so (docs/liveness.md): with it
    the verdict is never "living". All other checks, measures and thresholds are as shipped.
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
    """Evaluates what is submitted, in a thread: what ``certify worker`` does, with the engine of these tests."""

    def __init__(self, service: Service, engine: FaceEngine) -> None:
        self._service, self._engine = service, engine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the session under way."""
        self._over.set()
        self._thread.join(60)

    def _work(self) -> None:
        while not self._over.wait(0.2):
            with self._service.reading() as unit:
                soon = unit.now + timedelta(minutes=1)
                bundles = waiting_bundles(unit, received_before=soon)
                waiting = waiting_sessions(unit.db, submitted_before=soon, limit=10)
            for bundle in bundles:
                open_bundle(self._service, bundle)
            for session in waiting:
                evaluate_session(self._service, self._engine, session)


@pytest.fixture(scope="session")
def stages(engine: FaceEngine) -> dict[str, phone.Stage]:
    """Whoever can be drawn."""
    store = PackStore(default_cache_dir())
    detector = Detector(load_network(store, "yunet"))
    found = {}
    for name, portrait in faces.portraits().items():
        still = phone.upright(portrait)
        seen = FaceMesh.load(store).tracker().step(still, detector.detect(still))
        assert seen is not None
        found[name] = phone.Stage(still, seen.points, rate=RATE)
    return found


@pytest.fixture(scope="session")
def eileen() -> Picture:
    """The portrait of whoever is enrolled."""
    return faces.portraits()["eileen_collins"]


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[FileCamera]:
    made = FileCamera(tmp_path / "camera.y4m", rate=RATE)
    yield made
    made.stop()


Wait = Callable[[str], list[Picture]]


@pytest.fixture(scope="session")
def waiting(stages: dict[str, phone.Stage]) -> Wait:
    """Whoever can be drawn, waiting before the camera; drawn once."""
    drawn: dict[str, list[Picture]] = {}

    def wait(name: str) -> list[Picture]:
        if name not in drawn:
            drawn[name] = _decoded(stages[name].reel({"steps": [], "flashes": [], "total_ms": 2500}, seed=500).playing)
        return drawn[name]

    return wait


@dataclass
class Actor:
    """Somebody drawn who stands before the camera and does what the screen asks, when it asks."""

    camera: FileCamera
    pictures: list[Picture]
    playing: Reel

    def perform(self, page: Page, *, timeout_s: float = 40) -> None:
        """Wait until the film begins, and act."""
        page.wait_for_selector(".stage[data-phase=recording]", timeout=timeout_s * 1000)
        self.camera.play(self.playing)


Cast = Callable[..., Actor]


@pytest.fixture
def casting(
    house: House,
    stages: dict[str, phone.Stage],
    waiting: Wait,
    camera: FileCamera,
    monkeypatch: pytest.MonkeyPatch,
) -> Cast:
    """Put somebody before the camera.

    What the next sessions ask is drawn now, by the service's own chance, among what a drawn portrait can show; so the
    answer can be drawn before the page is opened.
    """
    draw = certify.challenge.draw
    with house.service.unit() as unit:
        unit.db.execute(delete(PrintRow))  # the same portrait before, in another test, would be a film sent again

    def cast(name: str, *, colours: int = 0, printed: bool = False) -> Actor:
        house.numbers += 1
        seed = house.numbers  # everybody moves in their own way
        demand = Demand("light" if colours else "standard", 2, colours, gentle=False, allowed=PROMPTS, reasons=())
        plan = draw(demand, house.service.random_bytes)
        while not all(step.prompt in PLAYABLE for step in plan.steps):
            plan = draw(demand, house.service.random_bytes)
        monkeypatch.setattr("certify.new_session.draw", lambda *_: plan)
        if printed:
            still = np.ascontiguousarray(phone.upright(faces.portraits()[name])[:, :, ::-1])
            film = list(print_attack(still, seed=seed, seconds=plan.seconds + 4, rate=RATE, size=(640, 480)))
            camera.show(film)
            return Actor(camera, film, camera.prepare(film))
        # Waiting they move otherwise than playing: some of it is on the film, and nobody does the same thing twice.
        camera.show(waiting(name))
        played = _decoded(stages[name].reel(plan.to_json(), seed=seed).playing)
        return Actor(camera, played, camera.prepare(played))

    return cast


def _decoded(frames: Sequence[bytes]) -> list[Picture]:
    found = []
    for jpeg in frames:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        found.append(picture.astype(np.uint8))
    return found


@contextmanager
def opened(
    playwright: Playwright,
    chromium: str,
    camera: FileCamera | None = None,
    *,
    width: int = 390,
    height: int = 844,
    locale: str = "en",
    allow: bool = True,
    quiet: bool = True,
    **more: Any,
) -> Iterator[Page]:
    """Open a browser of a phone's size. What its console complains of fails the test, if it has to be ``quiet``."""
    arguments = ["--use-fake-device-for-media-stream", "--no-sandbox"]
    if camera is not None:
        arguments.append(f"--use-file-for-fake-video-capture={camera.path}")
    arguments.append("--use-fake-ui-for-media-stream" if allow else "--deny-permission-prompts")
    browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=locale, is_mobile=True, has_touch=True, **more
    )
    context.add_init_script(f"Object.defineProperty(MediaStreamTrack.prototype, 'label', {{get: () => {CAMERA!r}}});")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _is_ours(said) else None)
    try:
        yield page
    finally:
        context.close()
        browser.close()
    assert not quiet or complaints == []


def _is_ours(said: ConsoleMessage) -> bool:
    """Tell a fault of the page from what the browser says of every answer that is no success, and of a lost network."""
    return said.type in ("error", "warning") and "Failed to load resource" not in said.text and "ERR_" not in said.text


def knock(page: Page, house: House, card: str, born: date) -> None:
    """Go from the first page to the point where the camera is about to start."""
    page.goto(f"http://{house.address}/")
    page.get_by_role("button", name="Certify now with the camera").click()
    page.get_by_label("Social security card number").fill(card)
    for label, value in (("Day", born.day), ("Month", born.month), ("Year", born.year)):
        page.get_by_label(label, exact=True).fill(str(value))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Before you begin").wait_for()


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of the screen for the README."""
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=whole)


def start(page: Page) -> None:
    """Agree, and let the camera start."""
    page.get_by_role("button", name="I agree: start").click()


def heading(page: Page, text: str) -> None:
    """Wait for a page with this title."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text, timeout=60_000)


def outcome(page: Page, house: House, text: str) -> None:
    """Wait for what came of a film, and say why if it is something else."""
    page.wait_for_selector(".standing", timeout=90_000)
    found = page.locator("h1").inner_text()
    assert found == text, verdict_of_last(house)
