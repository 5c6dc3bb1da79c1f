"""A running service with guide and worker, and a real browser whose camera films an animated portrait."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import psycopg
import pytest
from playwright.sync_api import Page, Playwright, sync_playwright
from sqlalchemy import delete

import certify.capture.challenge
from certify.config import Settings
from certify.domain.profile import PROMPTS, Demand
from certify.policies import load_policies
from certify.queue import DatabaseQueue
from certify.service import Service
from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url
from certify.storage.keys import FileMasterKey
from certify.storage.tables.sessions import VideoHashRow
from certify.storage.vault import Vault
from fixtures import faces, phone
from fixtures.attacks import print_attack
from fixtures.camera import FileCamera, Reel
from fixtures.faces import Picture
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.liveness.plan import Prompt
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network
from tests.api.live_service import GuideProcess, served
from tests.e2e.house import House, Worker, for_drawn_people, free_port
from tests.sources import sources_for_tests

RATE = 12
_turns = count(1)
PLAYABLE = {Prompt.TURN_LEFT, Prompt.TURN_RIGHT, Prompt.LOOK_UP}
"""Prompts that an animated portrait can answer. Smiling is none: both portraits smile all the time."""


def _chromium() -> str | None:
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    path = _chromium()
    if path is None:
        pytest.skip("CHROMIUM IS MISSING, browser tests are skipped: install it, as 'make browser' does under Debian")
    return path


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Run Playwright for one file only: while it runs, this process has an event loop, and other tests start theirs."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def house(
    embedded_server: PostgresServer,
    template_database: str,
    engine: FaceEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """One service for all browser tests: HTTP process, guide and worker, each as in production.

    It ends with the browser tests. Otherwise its worker would run during other tests of this process.
    """
    name, folder = f"e2e_{next(_turns)}", tmp_path_factory.mktemp("e2e")
    with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template_database}"')
    url = embedded_url(embedded_server, name)
    with ExitStack() as stack:
        # The beat has its own tests (tests/api/routes/test_knock.py); here, it would hold up each of many sign-ins.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr("api.routes.knock.BEAT_S", 0.0)
        guide = GuideProcess()
        stack.callback(guide.stop)
        settings = Settings(
            data_dir=folder,
            database_url=url,
            rate_limit="none",
            issuer_name="Test Pension Fund",
            help_phone="0800 555 0100",
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
            sources=sources_for_tests(),
            queue=DatabaseQueue(),
        )
        address = stack.enter_context(served(service, port=port))
        worker = Worker(service, for_drawn_people(engine))
        stack.callback(worker.stop)
        yield House(address, service, engine)


@pytest.fixture(scope="session")
def stages(engine: FaceEngine) -> dict[str, phone.Stage]:
    """The animated portraits, by name."""
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
    """The portrait that tests enrol people with."""
    return faces.portraits()["eileen_collins"]


@pytest.fixture(scope="session")
def camera_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the browsers of this process film: a browser is told its name when it starts."""
    return tmp_path_factory.mktemp("camera") / "camera.y4m"


@pytest.fixture
def camera(camera_file: Path) -> Iterator[FileCamera]:
    camera = FileCamera(camera_file, rate=RATE)
    yield camera
    camera.stop()


Wait = Callable[[str], list[Picture]]


@pytest.fixture(scope="session")
def waiting(stages: dict[str, phone.Stage]) -> Wait:
    """Return a function that gives the pictures of a portrait that waits before the camera; each is drawn once."""
    drawn: dict[str, list[Picture]] = {}

    def wait(name: str) -> list[Picture]:
        if name not in drawn:
            drawn[name] = _decoded(stages[name].reel({"steps": [], "flashes": [], "total_ms": 2500}, seed=500).playing)
        return drawn[name]

    return wait


@dataclass
class Actor:
    """An animated portrait before the camera, which answers the prompts of the screen at their times."""

    camera: FileCamera
    pictures: list[Picture]
    playing: Reel

    def perform(self, page: Page, *, timeout_s: float = 40) -> None:
        """Wait until the recording begins, and answer the prompts."""
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
    """Return a function that puts an animated portrait before the camera.

    It draws the plan of the next sessions now, with the service's random numbers, among the prompts that an animated
    portrait can answer. So the answer can be drawn before the page is opened.
    """
    draw = certify.capture.challenge.draw
    with house.service.unit() as unit:
        unit.db.execute(delete(VideoHashRow))  # otherwise the same portrait counts as a repeated video

    def cast(name: str, *, colours: int = 0, printed: bool = False) -> Actor:
        house.numbers += 1
        seed = house.numbers  # each actor moves differently
        demand = Demand("light" if colours else "standard", 2, colours, gentle=False, allowed=PROMPTS, reasons=())
        drawn = [draw(demand, house.service.random_bytes) for _ in range(60)]
        # A short one: each second is drawn, and waited for.
        playable = [plan for plan in drawn if all(step.prompt in PLAYABLE for step in plan.steps)]
        plan = min(playable, key=lambda each: each.seconds)
        monkeypatch.setattr("certify.capture.new_session.draw", lambda *_: plan)
        if not colours:  # as on a phone that is known: on others, movements without light prove nothing alone
            for room in ("challenge", "public_entry"):
                monkeypatch.setattr(f"certify.capture.{room}.is_new_device", lambda *_: False)
        if printed:
            still = np.ascontiguousarray(phone.upright(faces.portraits()[name])[:, :, ::-1])
            film = list(print_attack(still, seed=seed, seconds=plan.seconds + 4, rate=RATE, size=(640, 480)))
            camera.show(film)
            return Actor(camera, film, camera.prepare(film))
        # The waiting portrait moves differently from the acting one: part of the waiting is recorded, too, and no
        # person makes exactly the same movement twice.
        camera.show(waiting(name))
        played = _decoded(stages[name].reel(plan.to_json(), seed=seed).playing)
        return Actor(camera, played, camera.prepare(played))

    return cast


def _decoded(frames: Sequence[bytes]) -> list[Picture]:
    pictures = []
    for jpeg in frames:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        pictures.append(picture.astype(np.uint8))
    return pictures
