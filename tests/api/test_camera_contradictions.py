"""What contradicts in a camera's statements is stored with its capture, shown to officers, and replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from certify.audit.replay import replay
from certify.capture.contradictions import contradictions_of
from certify.issuers.tokens import Role
from certify.service import Service
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import Caller, World
from tests.api.test_plan_decides import _live, _own
from tests.films import PLAN

pytestmark = pytest.mark.integration

CAN = {"width": {"min": 1, "max": 4032}, "height": {"min": 1, "max": 3024}, "zoom": {"min": 1, "max": 8}}
PHONE = {
    "label": "camera2 1, facing front",
    "facing": "user",
    "first": CAN,
    "last": CAN,
    "has_device_id": True,
    "drawn": False,
    "replaced": False,
    "phone": True,
    "touch_points": 5,
}


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


def _check(row: SessionRow, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in (row.report or {})["liveness"]["checks"] if each["name"] == name)
    return found


def test_attack_pictures_of_a_script_are_asked_again_and_officers_and_auditors_see_why(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, call: Callable[..., Caller]
) -> None:
    """Everything else about the film is right: only what the page says about the track contradicts."""
    says = {**PHONE, "drawn": True, "last": {**CAN, "zoom": {"min": 1, "max": 1}}}
    row = _live(service, engine, _own(service, person), film, [PLAN], camera=says)
    assert (row.outcome, row.guidance) == ("retry", ["use_camera"])
    source = _check(row, "source")
    assert (source["state"], source["reason"]) == ("not_assessed", "camera_contradicts")
    assert (source["values"]["drawn_track"], source["values"]["ability_lost"]) == (1, 1)

    officer = call(Role.OFFICER, "one")
    case = officer.post("/v1/review-cases", {"beneficiary_id": str(person), "kind": "appeal"}).json()["id"]
    shown = officer.get(f"/v1/review-cases/{case}/cameras").json()["items"]
    assert [(each["code"], each["effect"]) for each in shown] == [("drawn_track", "asks"), ("ability_lost", "doubts")]
    assert {each["session_id"] for each in shown} == {str(row.id)}
    assert all(each["text"].endswith(".") for each in shown)

    (determination,) = row.determination_ids
    with service.reading() as unit:
        assert [found.code for found in contradictions_of(unit, person)] == ["drawn_track", "ability_lost"]
        again = replay(unit, UUID(determination))
    assert again.identical, again.differences
    assert any("it contradicts: drawn_track, ability_lost" in line for line in again.checked), again.checked

    # A report that was changed afterwards no longer says what was found.
    with service.unit() as unit:
        stored = get_session(unit.db, row.id)
        stored.source = {**(stored.source or {}), "camera": PHONE}
    with service.reading() as unit:
        changed = replay(unit, UUID(determination))
    assert any("contradictions of the camera" in line for line in changed.differences)


def test_one_doubt_certifies_and_is_kept_and_a_sensor_is_read(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    turning = [[at, *((9.0, -9.0, 9.0) if at // 200 % 2 else (-9.0, 9.0, -9.0))] for at in range(0, 12_000, 50)]
    says = {**PHONE, "has_device_id": False}
    row = _live(service, engine, _own(service, person), film, [PLAN], camera=says, motion=turning)
    assert row.outcome == "certified", "one doubt never decides"
    assert _check(row, "source")["values"]["no_device_id"] == 1
    motion = _check(row, "motion")
    assert motion["values"]["phone"] > 3
    assert motion["values"]["pairs"] >= 20
    with service.reading() as unit:
        assert "no_device_id" in [found.code for found in contradictions_of(unit, person)]


def test_films_of_earlier_releases_are_replayed_without_the_table(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    row = _live(service, engine, _own(service, person), film, [PLAN], camera={"label": "Front Camera"})
    with service.unit() as unit:
        stored = get_session(unit.db, row.id)
        report: dict[str, Any] = dict(stored.report or {})
        checks = [
            {**check, "values": {**check["values"], "rules": 0}} if check["name"] == "source" else check
            for check in report["liveness"]["checks"]
        ]
        stored.report = {**report, "liveness": {**report["liveness"], "checks": checks}}
    with service.reading() as unit:
        again = replay(unit, UUID(row.determination_ids[0]))
    assert again.identical
    assert any("list of contradictions is of another release" in line for line in again.not_checked)
