"""Live captures, with real WebSockets, a real guide process, and a simulated phone that films an animated portrait."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from api.schemas.cameras import MOST_AT_ONCE
from certify.capture.evaluate import evaluate_session
from certify.capture.live.recording import FRAME_HEADER, MAX_REPORTS, MAX_WRONG
from certify.capture.session import open_session, submit_media
from certify.config import Settings
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.issuers.tokens import Role
from certify.people.references import add_reference, measure_reference
from certify.queue import DatabaseQueue, Queue
from certify.service import Service
from certify.storage.media import read_media
from certify.storage.sessions import get_session
from fixtures import faces, phone
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network
from tests.api.conftest import Caller
from tests.api.live_service import GuideProcess, served

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def guide(engine: FaceEngine) -> Iterator[GuideProcess]:
    process = GuideProcess()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def stage(engine: FaceEngine) -> phone.Stage:
    store = PackStore(default_cache_dir())
    still = phone.upright(faces.portraits()["eileen_collins"])
    seen = FaceMesh.load(store).tracker().step(still, Detector(load_network(store, "yunet")).detect(still))
    assert seen is not None
    return phone.Stage(still, seen.points, rate=6)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guide: GuideProcess) -> Settings:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CERTIFY_{name.upper()}", raising=False)
    return Settings(data_dir=tmp_path, rate_limit="none", guide_sockets=(str(guide.socket),), live_captures=6)


@pytest.fixture
def queue() -> Queue:
    return DatabaseQueue()


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    with served(service) as address:
        yield address


@pytest.fixture
def person(call: Callable[[Role], Caller], service: Service, engine: FaceEngine) -> str:
    pension = {"scheme": "employee", "starts_on": "2015-01-01"}
    body = {"national_id": "LIVE0001", "name": "Eileen", "birth_date": "1956-11-19", "entitlements": [pension]}
    person: str = call(Role.OFFICER).post("/v1/beneficiaries", body).json()["id"]
    with service.unit() as unit:
        reference = add_reference(unit, UUID(person), faces.rephotograph(faces.portraits()["eileen_collins"], seed=9))
    assert measure_reference(service, engine, reference).state == "active"
    return person


def _open(
    call: Callable[[Role], Caller], service: Service, person: str, *, device: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open a session whose plan has only prompts that the animated portrait can show; it smiles all the time."""
    answer = call(Role.OFFICER).post("/v1/sessions", {"beneficiary_id": person, "device_id": device})
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    session = opened["session"]
    steps = (Step(Prompt.TURN_LEFT, 1.6, 5.7, 3.4), Step(Prompt.COME_CLOSER, 6.2, 9.6, 7.8))
    session["plan"] = Plan(Profile.STANDARD, steps, (), 9.8).to_json()
    with service.unit() as unit:
        get_session(unit.db, UUID(session["id"])).plan = session["plan"]
    return session, {"token": opened["token"], "nonce": session["nonce"]}


def _url(address: str, session: dict[str, Any]) -> str:
    return f"ws://{address}/v1/sessions/{session['id']}/live"


def test_a_live_capture_gets_the_verdict_of_an_upload_of_the_same_frames(
    call: Callable[[Role], Caller],
    service: Service,
    engine: FaceEngine,
    person: str,
    stage: phone.Stage,
    address: str,
) -> None:
    session, hello = _open(call, service, person)
    reel = stage.reel(session["plan"], seed=1)
    camera = {"label": "camera2 1, facing front", "facing": "user", "width": 480, "height": 640}
    film = asyncio.run(phone.film(_url(address, session), {**hello, "camera": camera}, reel, wait_for_result=False))
    assert film.messages[0]["type"] == "ready"
    assert film.messages[0]["prompts"] == 2
    assert "plan" not in film.messages[0]
    said = [json.dumps(message) for message in film.messages]
    first, second = (next(n for n, text in enumerate(said) if name in text) for name in ("turn_left", "come_closer"))
    asked = film.messages[second]
    assert asked["time_ms"] - asked["start_ms"] >= 6200, "no prompt is told before its moment"
    assert film.messages[first]["time_ms"] - film.messages[first]["start_ms"] >= 1600
    hints = [message for message in film.messages if message["type"] == "guidance"]
    assert hints[0]["phase"] == "placing"
    assert hints[-1]["phase"] == "done"
    assert hints[-1]["answered"] == [True] * len(session["plan"]["steps"]), "a willing person answered every prompt"
    assert [hint["progress"] for hint in hints] == sorted(hint["progress"] for hint in hints)
    shown = {(hint["asked"], hint["back"]) for hint in hints if hint["prompt"] is not None}
    assert shown == {(name, back) for name in ("turn_left", "come_closer") for back in (False, True)}
    assert any(hint["reached"] and not hint["back"] for hint in hints), "the person is told to stay like that"
    submitted = film.last("submitted")
    assert submitted is not None
    assert submitted["session"]["state"] == "submitted"

    row = evaluate_session(service, engine, UUID(session["id"]), notice=note_face)
    with service.reading() as unit:
        row = get_session(unit.db, row.id)
        report, source = row.report, row.source
        video = read_media(unit.db, unit.sealer(row.beneficiary_id), row.blob_id)
    assert report is not None
    assert source is not None
    assert (source["way"], source["take"], source["begun"]) == ("live", 0, 0)
    assert [
        abs(moment - due) < 500
        for pair, dues in zip(source["shown_ms"], [(1600, 3400), (6200, 7800)], strict=True)
        for moment, due in zip(pair, dues, strict=True)
    ] == [True] * 4
    assert source["camera"]["label"] == camera["label"]
    assert len(source["times_ms"]) == report["liveness"]["checks"][0]["values"]["frames"]
    prompts = next(check for check in report["liveness"]["checks"] if check["name"] == "prompts")
    assert prompts["state"] == "pass"

    # Upload the same frames as a file to a session with the same plan: the verdict is the same, to the last digit.
    with service.unit() as unit:
        other = open_session(unit, UUID(person), Channel.REMOTE)
        other.plan, other.profile = row.plan, row.profile
    with service.unit() as unit:
        submit_media(unit, other.id, video)
    again = evaluate_session(service, engine, other.id, notice=note_face)
    with service.reading() as unit:
        uploaded = get_session(unit.db, again.id).report
    assert uploaded is not None
    assert uploaded["comparison"] == report["comparison"]
    judged = {name: value for name, value in report["liveness"].items() if name != "checks"}
    assert {name: uploaded["liveness"][name] for name in judged} == judged
    # But a video that was sent before does not certify, in any session.
    assert (report["seen_before"], uploaded["seen_before"]["state"]) == ({"state": "pass"}, "fail")
    assert uploaded["seen_before"]["by"] == "bytes"
    # The answer is the ordinary one: it does not say what was recognised.
    assert (again.outcome, again.guidance) == ("retry", ["life_not_seen"])


def test_the_result_is_sent_over_the_same_socket(
    call: Callable[[Role], Caller],
    service: Service,
    engine: FaceEngine,
    person: str,
    stage: phone.Stage,
    address: str,
) -> None:
    session, hello = _open(call, service, person)
    waiting = True

    def work() -> None:
        while waiting:
            if evaluate_session(service, engine, UUID(session["id"]), notice=note_face).state == "decided":
                return
            time.sleep(0.1)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        film = asyncio.run(phone.film(_url(address, session), hello, stage.reel(session["plan"], seed=2)))
    finally:
        waiting = False
        worker.join()
    result = film.last("result")
    assert result is not None
    assert result["session"]["state"] == "decided"
    assert film.closed == 1000


def test_if_a_guide_dies_another_takes_over_and_the_recording_begins_again(
    call: Callable[[Role], Caller], service: Service, person: str, stage: phone.Stage, address: str, guide: GuideProcess
) -> None:
    session, hello = _open(call, service, person)
    reel = stage.reel(session["plan"], seed=3)
    recording = threading.Event()

    def kill_when_recording() -> None:
        assert recording.wait(60)
        guide.kill()
        guide.start_again()

    def heard(message: dict[str, Any]) -> None:
        if message["type"] == "guidance" and message["start_ms"] is not None:
            recording.set()

    killer = threading.Thread(target=kill_when_recording)
    killer.start()
    film = asyncio.run(phone.film(_url(address, session), hello, reel, wait_for_result=False, heard=heard))
    killer.join()
    starts = {m["start_ms"] for m in film.messages if m["type"] == "guidance" and m["start_ms"] is not None}
    assert film.last("submitted") is not None, film.messages[-1]
    assert len(starts) == 2


def _talk(url: str, first: Any, *messages: Any) -> tuple[list[dict[str, Any]], int | None]:
    """Send these messages as they are, and return all answers and the close code."""
    said = []
    with connect(url, compression=None, open_timeout=10) as socket:
        try:
            for message in (first, *messages):
                if message is not None:
                    socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
            while True:
                said.append(json.loads(socket.recv(timeout=20)))
        except ConnectionClosed as closed:
            return said, closed.rcvd.code if closed.rcvd else None


def _code(said: list[dict[str, Any]]) -> str:
    assert said[-1]["type"] == "problem", said
    return str(said[-1]["problem"]["code"])


def test_every_wrong_message_gets_its_problem_and_close_code(
    call: Callable[[Role], Caller], service: Service, person: str, stage: phone.Stage, address: str
) -> None:
    session, hello = _open(call, service, person)
    url, good = _url(address, session), {"type": "hello", **hello}
    jpeg = stage.reel({"steps": [], "total_ms": 500}, seed=4).waiting[0]

    def frame(number: int, at_ms: int, data: bytes = jpeg) -> bytes:
        return FRAME_HEADER.pack(number, at_ms) + data

    other = jpeg[:2] + b"\xff\xe1\x00\x04ab" + jpeg[2:]
    for messages, code, closed in (
        (["not json"], "live_no_hello", 4400),
        ([b"\x00\x01"], "live_no_hello", 4400),
        ([{"type": "hello"}], "live_no_hello", 4400),
        ([{**good, "more": 1}], "live_no_hello", 4400),
        ([{**good, "token": "x"}], "token_refused", 4401),
        ([{**good, "nonce": "x"}], "wrong_nonce", 4409),
        ([good, "{}"], "live_message", 4400),
        ([good, {"type": "phone", "motion": [[1, 0.0, 0.0]]}], "live_message", 4400),
        ([good, {"type": "phone", "motion": [[1, 0.0, 0.0, 5000.0]]}], "live_message", 4400),
        ([good, {"type": "phone", "motion": [[1, 0.0, 0.0, 0.0]] * (MOST_AT_ONCE + 1)}], "live_message", 4400),
        ([good, {"type": "phone", "camera": {"serial": "x"}}], "live_message", 4400),
        ([good, {"type": "phone", "camera": {"last_label": "x" * 30_000}}], "live_message", 4400),
        ([good, *[{"type": "phone"}] * (MAX_REPORTS + 1)], "live_message", 4422),
        ([good, b"short"], "live_message", 4400),
        ([good, frame(2, 100), frame(1, 200)], "frame_order", 4422),
        ([good, frame(1, 100), frame(2, 100)], "frame_order", 4422),
        ([good, *(frame(n, n, b"\xff\xd8 rubbish") for n in range(MAX_WRONG + 1))], "frame_unusable", 4422),
        (
            [good, frame(1, 1, other), frame(2, 2, faces.encode(faces.portraits()["grace_hopper"][:300, :400]))],
            "frame_size_changed",
            4422,
        ),
    ):
        said, number = _talk(url, *messages)
        assert (_code(said), number) == (code, closed), messages[-1]
    wrong = _url(address, {"id": uuid4()})
    assert _code(_talk(wrong, good)[0]) == "forbidden"
    phone_says = {"type": "phone", "camera": {"shown_rate": 14.9}, "motion": [[5, 0.1, -0.2, 0.3]]}
    said, number = _talk(url, good, phone_says, phone_says, {"type": "stop"})
    assert [message["type"] for message in said] == ["ready"]
    assert number == 1000


def test_a_submitted_session_takes_no_live_capture(
    call: Callable[[Role], Caller], service: Service, person: str, address: str
) -> None:
    session, hello = _open(call, service, person)
    with service.unit() as unit:
        submit_media(unit, UUID(session["id"]), faces.rephotograph(faces.portraits()["eileen_collins"], seed=5))
    said, _ = _talk(_url(address, session), {"type": "hello", **hello})
    assert _code(said) == "session_already_submitted"


def test_pages_of_other_sites_are_refused(
    call: Callable[[Role], Caller], service: Service, person: str, address: str
) -> None:
    session, hello = _open(call, service, person)
    for origin, code in (("https://evil.example", "forbidden"), (f"http://{address}", None)):
        with connect(_url(address, session), origin=Origin(origin)) as socket:
            socket.send(json.dumps({"type": "hello", **hello}))
            said = json.loads(socket.recv(timeout=10))
        assert (said["problem"]["code"] if said["type"] == "problem" else None) == code


def test_captures_beyond_the_limit_are_told_to_upload_a_video(
    call: Callable[[Role], Caller], service: Service, person: str, stage: phone.Stage, address: str
) -> None:
    """One network holds at most as many places as are free then: three of six."""
    jpeg = stage.reel({"steps": [], "total_ms": 500}, seed=4).waiting[0]
    with ExitStack() as others:
        for number in range(3):
            session, hello = _open(call, service, person, device=f"device-{number:010}")
            socket = others.enter_context(connect(_url(address, session)))
            socket.send(json.dumps({"type": "hello", **hello}))
            socket.send(FRAME_HEADER.pack(1, 1) + jpeg)
            assert [json.loads(socket.recv(timeout=10))["type"] for _ in range(2)] == ["ready", "guidance"]
        session, hello = _open(call, service, person)
        begun = ({"type": "hello", **hello}, FRAME_HEADER.pack(1, 1) + jpeg)
        said, closed = _talk(_url(address, session), *begun)
        assert (_code(said), closed) == ("live_full", 4503)
        assert "video" in said[-1]["problem"]["hint"]
    for _ in range(50):  # until a place is free again
        said, closed = _talk(_url(address, session), *begun, {"type": "stop"})
        if closed == 1000:
            return
        time.sleep(0.1)
    pytest.fail("no capture was released")


def test_malformed_conversations_never_break_the_server(
    call: Callable[[Role], Caller], service: Service, person: str, stage: phone.Stage, address: str
) -> None:
    session, hello = _open(call, service, person)
    jpeg = stage.reel({"steps": [], "total_ms": 500}, seed=4).waiting[0]
    generator = random.Random(7)  # noqa: S311 - a test needs repeatable random numbers
    for _ in range(60):
        said, closed = _talk(_url(address, session), *phone.malformed(hello, jpeg, generator))
        assert closed is None or closed == 1000 or 4400 <= closed < 4500 or closed in (1002, 1007, 1009), said
    reel = stage.reel(session["plan"], seed=6)
    film = asyncio.run(phone.film(_url(address, session), hello, reel, wait_for_result=False))
    assert film.last("submitted") is not None, film.messages[-1]
