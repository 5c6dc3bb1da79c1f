"""Sessions with a plan and uploads of videos in chunks, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from certify.capture.evaluate import evaluate_session
from certify.capture.uploads import MAX_CHUNK, MIN_CHUNK
from certify.doorstep.traces import note_face
from certify.issuers.tokens import Role
from certify.service import Service
from fixtures import faces, videos
from models.guidance import sentence
from models.liveness.plan import Plan
from tests.api.conftest import Caller, World

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def film() -> bytes:
    portrait = faces.portraits()["eileen_collins"]
    film = videos.encode(videos.moving(portrait, seconds=1.5, rate=15), rate=15, live=True)
    assert len(film) > 3 * MIN_CHUNK
    return film


@dataclass
class Phone:
    """A phone with the token of one session."""

    caller: Caller
    session: str

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session}/upload"

    def begin(self, data: bytes, *, key: str | None = None, **other: Any) -> Response:
        declared = {"size": len(data), "media_type": "video/webm", "sha256": hashlib.sha256(data).hexdigest()}
        return self.caller.post(self.path, declared | other, key=key)

    def put(self, offset: int, chunk: bytes, **headers: str) -> Response:
        sent = {"Authorization": f"Bearer {self.caller.token}", "Content-Type": "application/octet-stream"}
        return self.caller.client.put(f"{self.path}?offset={offset}", content=chunk, headers=sent | headers)

    def progress(self) -> Response:
        return self.caller.get(self.path)

    def send(self, data: bytes, *, until: int | None = None) -> Response:
        """Continue at the offset that the server gives."""
        answer = self.progress()
        while (offset := answer.json()["offset"]) < (until or len(data)):
            answer = self.put(offset, data[offset : offset + MIN_CHUNK])
            assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
def person(call: Callable[[Role], Caller]) -> str:
    return _enrol(call(Role.OFFICER))


def _enrol(officer: Caller, national_id: str = "PHONE0001", **more: Any) -> str:
    pension = {"scheme": "employee", "starts_on": "2015-01-01"}
    body = {"national_id": national_id, "name": "Eileen Collins", "birth_date": "1956-11-19", "entitlements": [pension]}
    person: str = officer.post("/v1/beneficiaries", body | more).json()["id"]
    portrait = faces.encode(faces.portraits()["eileen_collins"])
    assert officer.post(f"/v1/beneficiaries/{person}/references", content=portrait).status_code == 202
    return person


def _open(officer: Caller, person: str, **more: Any) -> tuple[Phone, dict[str, Any]]:
    answer = officer.post("/v1/sessions", {"beneficiary_id": person, **more})
    assert answer.status_code == 201, answer.text
    opened: dict[str, Any] = answer.json()
    return Phone(Caller(officer.client, opened["token"]), opened["session"]["id"]), opened["session"]


@pytest.fixture
def phone(call: Callable[[Role], Caller], person: str) -> Phone:
    return _open(call(Role.OFFICER), person)[0]


def _refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


def test_a_session_has_a_plan_and_shows_its_nonce_once(call: Callable[[Role], Caller], person: str) -> None:
    phone, opened = _open(call(Role.OFFICER), person, device_id="a-phone-of-theirs-1", assisted=True)
    assert len(base64.urlsafe_b64decode(opened["nonce"] + "==")) == 16
    assert opened["profile"] == "light", "the phone is not known yet"
    assert opened["assisted"] is True
    plan = Plan.from_json(opened["plan"])
    assert (len(plan.steps), len(plan.flashes)) == (2, 6)
    assert plan.to_json() == opened["plan"], "the plan is shown without its reasons"
    shown = phone.caller.get(f"/v1/sessions/{phone.session}").json()
    assert "nonce" not in shown
    assert shown == {name: value for name, value in opened.items() if name != "nonce"}
    assert "a-phone-of-theirs-1" not in json.dumps(shown)


def test_a_repeated_request_gets_the_same_plan(call: Callable[[Role], Caller], person: str) -> None:
    officer = call(Role.OFFICER)
    first, second = (officer.post("/v1/sessions", {"beneficiary_id": person}, key="same-session") for _ in range(2))
    assert first.json() == second.json()


def test_sessions_of_people_with_needs_ask_for_less(call: Callable[[Role], Caller]) -> None:
    bedridden = _enrol(call(Role.OFFICER), "PHONE0002", needs=["bedridden"])
    _, gentle = _open(call(Role.OFFICER), bedridden)
    assert (gentle["profile"], len(gentle["plan"]["flashes"])) == ("light", 6), "which complete the one movement"
    assert [step["prompt"] for step in gentle["plan"]["steps"]] == ["come_closer"]


@pytest.mark.parametrize("device_id", ["short", "x" * 201, "with spaces in between", "tab\tin-the-middle-of-it", 17])
def test_malformed_device_ids_are_refused(call: Callable[[Role], Caller], person: str, device_id: Any) -> None:
    answer = call(Role.OFFICER).post("/v1/sessions", {"beneficiary_id": person, "device_id": device_id})
    _refused(answer, 422, "request_invalid")


def test_an_interrupted_upload_continues_at_another_server(phone: Phone, film: bytes, service: Service) -> None:
    begun = phone.begin(film)
    assert begun.status_code == 201, begun.text
    assert begun.json() | {"expires_at": ""} == {
        "session_id": phone.session,
        "state": "open",
        "offset": 0,
        "size": len(film),
        "complete": False,
        "min_chunk": MIN_CHUNK,
        "max_chunk": MAX_CHUNK,
        "expires_at": "",
    }
    assert phone.send(film, until=2 * MIN_CHUNK).json()["offset"] == 2 * MIN_CHUNK
    # Another server, which has seen none of these requests, uses the same database.
    with TestClient(create_app(service=replace(service)), raise_server_exceptions=False) as client:
        again = Phone(Caller(client, phone.caller.token), phone.session)
        assert again.progress().json()["offset"] == 2 * MIN_CHUNK
        done = again.send(film)
        assert (done.json()["complete"], done.json()["state"]) == (True, "submitted")
    assert phone.progress().json()["complete"] is True
    assert phone.caller.get(f"/v1/sessions/{phone.session}").json()["state"] == "submitted"


def test_a_wrong_offset_is_answered_with_the_right_one(phone: Phone, film: bytes) -> None:
    phone.begin(film)
    phone.put(0, film[:MIN_CHUNK])
    problem = _refused(phone.put(2 * MIN_CHUNK, film[2 * MIN_CHUNK :]), 409, "wrong_offset")
    assert problem["offset"] == MIN_CHUNK
    assert phone.put(0, film[:MIN_CHUNK]).json()["offset"] == MIN_CHUNK, "the same chunk again is harmless"
    assert phone.put(problem["offset"], film[MIN_CHUNK:]).json()["complete"] is True


def test_a_damaged_chunk_is_refused_at_once(phone: Phone, film: bytes) -> None:
    phone.begin(film)
    chunk = film[:MIN_CHUNK]
    digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
    header = {"Content-Digest": f"sha-256=:{digest}:"}
    _refused(phone.put(0, chunk[:-1] + b"!", **header), 422, "chunk_damaged")
    _refused(phone.put(0, chunk, **{"Content-Digest": "sha-256=:AAA:"}), 422, "chunk_damaged")
    assert phone.put(0, chunk, **header).json()["offset"] == MIN_CHUNK
    unknown = {"Content-Digest": "crc32c=:AAAA:"}
    assert phone.put(MIN_CHUNK, film[MIN_CHUNK:], **unknown).json()["complete"] is True


def test_a_video_that_is_not_the_declared_one_is_refused(phone: Phone, film: bytes) -> None:
    phone.begin(film, sha256="ab" * 32)
    _refused(phone.put(0, film), 422, "upload_damaged")
    _refused(phone.progress(), 404, "upload_not_found")
    assert phone.begin(film).status_code == 201
    assert phone.put(0, film).json()["complete"] is True


def test_files_that_are_no_videos_are_refused_with_a_sentence(phone: Phone) -> None:
    text = b"this is not a video " * 2000
    phone.begin(text)
    problem = _refused(phone.put(0, text[:MIN_CHUNK]), 422, "not_a_video")
    assert problem["detail"] == sentence("not_a_video")
    silent = videos.audio_only("webm")
    phone.begin(silent)
    assert _refused(phone.put(0, silent), 422, "video_no_picture")["detail"] == sentence("video_no_picture")
    assert phone.caller.get(f"/v1/sessions/{phone.session}").json()["state"] == "open"


def test_sizes_and_offsets_beyond_the_limits_are_refused(phone: Phone, film: bytes) -> None:
    _refused(phone.begin(film, size=20_000_001), 413, "video_too_many_bytes")
    phone.begin(film)
    _refused(phone.put(0, b"x" * (MAX_CHUNK + 1)), 413, "too_many_bytes")
    _refused(phone.put(0, film + b"x"), 422, "chunk_beyond_end")
    _refused(phone.put(0, film[:100]), 422, "chunk_too_small")
    _refused(phone.put(0, b""), 422, "empty_body")
    _refused(phone.put(2**31, film), 422, "request_invalid")
    assert phone.begin(film, media_type="video/avi").status_code == 422
    _refused(phone.caller.post(phone.path, {"padding": "x" * 64_001}), 413, "too_many_bytes")


def test_a_chunk_of_the_largest_size_is_accepted(phone: Phone, film: bytes) -> None:
    data = film + b"\0" * (2 * MAX_CHUNK)
    phone.begin(data)
    assert phone.put(0, data[:MAX_CHUNK]).json()["offset"] == MAX_CHUNK


def test_an_expired_session_takes_no_upload(phone: Phone, film: bytes, clock: Any) -> None:
    phone.begin(film)
    phone.put(0, film[:MIN_CHUNK])
    clock.advance(timedelta(hours=24, minutes=1))
    for answer in (phone.put(MIN_CHUNK, film[MIN_CHUNK:]), phone.progress(), phone.begin(film)):
        _refused(answer, 410, "session_expired")


def test_the_token_of_another_session_opens_nothing(
    call: Callable[[Role], Caller], phone: Phone, film: bytes, person: str
) -> None:
    officer = call(Role.OFFICER)
    other, _ = _open(officer, _enrol(officer, "PHONE0002"))
    phone.begin(film)
    thief = Phone(other.caller, phone.session)
    for answer in (thief.begin(film), thief.put(0, film), thief.progress()):
        _refused(answer, 403, "forbidden")
    # Staff send no media for anyone, and a visit is not opened over HTTP.
    for role in (Role.AGENT, Role.OFFICER):
        for answer in (Phone(call(role), phone.session).progress(), Phone(call(role), phone.session).put(0, film)):
            _refused(answer, 403, "forbidden")
    _refused(officer.post("/v1/sessions", {"beneficiary_id": person, "channel": "doorstep"}), 422, "request_invalid")


def test_declaring_needs_a_key_and_can_be_repeated(phone: Phone, film: bytes) -> None:
    declared = {"size": len(film), "media_type": "video/webm", "sha256": hashlib.sha256(film).hexdigest()}
    bare = phone.caller.client.post(
        phone.path, json=declared, headers={"Authorization": f"Bearer {phone.caller.token}"}
    )
    assert bare.status_code == 422
    assert phone.begin(film, key="begin-once").json() == phone.begin(film, key="begin-once").json()
    phone.put(0, film[:MIN_CHUNK])
    assert phone.begin(film).json()["offset"] == MIN_CHUNK, "with a new key the upload continues"


def test_a_video_in_one_request(phone: Phone, film: bytes) -> None:
    path = f"/v1/sessions/{phone.session}/media"
    _refused(phone.caller.post(path, content=film[: len(film) // 20]), 422, "video_truncated")
    assert phone.caller.post(path, content=film).status_code == 202


def test_a_video_is_decided_and_guidance_has_sentences(world: World, film: bytes, collins: Any) -> None:
    person = world.enrol(faces.encode(collins))
    phone, _ = _open(world.officer, person)
    phone.begin(film)
    phone.send(film)
    evaluate_session(world.service, world.engine, UUID(phone.session), notice=note_face)
    result = phone.caller.get(f"/v1/sessions/{phone.session}").json()
    assert result["state"] == "decided"
    assert result["outcome"] in ("certified", "retry"), "the liveness tests check which of the two"
    assert all(entry["text"] for entry in result["guidance"])
