"""Attacks that shop for a plan: one plan at a time, and no easier one after a failure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from certify.capture.evaluate import evaluate_session
from certify.capture.live.submit import begin_live
from certify.capture.open_plan import KEPT, unanswered
from certify.capture.public_entry import open_public_session
from certify.capture.session import open_session, submit_media
from certify.domain.channels import Channel
from certify.domain.profile import Risk, choose
from certify.doorstep.traces import note_face
from certify.people.access import IdentityClaim
from certify.service import Service
from certify.storage.plans import public_plans
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.liveness.plan import TAKES
from models.pipeline import FaceEngine

pytestmark = pytest.mark.integration

BORN = date(1956, 11, 19)
UNKNOWN = IdentityClaim(None, b"m" * 32)


def _knock(service: Service, claim: IdentityClaim, device: str, *, needs: tuple[str, ...] = ()) -> SessionRow:
    with service.unit() as unit:
        return open_public_session(unit, claim, BORN, device_id=device, assisted=False, needs=needs)


def _steps(row: SessionRow) -> Any:
    return (row.plan or {})["steps"]


@pytest.fixture(params=["known", "unknown"])
def claim(request: pytest.FixtureRequest, person: UUID) -> IdentityClaim:
    return IdentityClaim(person, b"k" * 32) if request.param == "known" else UNKNOWN


def test_attack_knocking_again_draws_no_other_plan(service: Service, claim: IdentityClaim) -> None:
    first = _knock(service, claim, "phone-1")
    assert {_knock(service, claim, "phone-1").id for _ in range(4)} == {first.id}


def test_attack_other_device_names_draw_no_other_plan(service: Service, claim: IdentityClaim) -> None:
    rows = [_knock(service, claim, f"phone-{number}") for number in range(5)]
    assert len({row.id for row in rows}) == 5
    assert all(_steps(row) == _steps(rows[0]) for row in rows)


def test_attack_waiting_until_the_session_ends_draws_no_other_plan(
    service: Service, claim: IdentityClaim, clock: Any
) -> None:
    first = _knock(service, claim, "phone-1")
    clock.advance(timedelta(hours=1))
    second = _knock(service, claim, "phone-1")
    assert second.id != first.id
    assert _steps(second) == _steps(first)


def test_a_new_plan_costs_an_attempt_and_is_not_easier(
    service: Service, engine: FaceEngine, claim: IdentityClaim
) -> None:
    first = _knock(service, claim, "phone-1")
    with service.unit() as unit:
        submit_media(unit, first.id, faces.no_face(seed=1))
    evaluate_session(service, engine, first.id, notice=note_face)
    second = _knock(service, claim, "phone-1")
    assert second.id != first.id
    assert (second.profile, len(_steps(second))) == ("light", 2)


def test_attack_saying_other_needs_in_turn_draws_no_other_plans(service: Service, claim: IdentityClaim) -> None:
    rows = [_knock(service, claim, "phone-1", needs=needs) for needs in ((), ("deaf",)) * 2]
    assert _steps(rows[0]) == _steps(rows[2])
    assert _steps(rows[1]) == _steps(rows[3])


def test_attack_an_open_session_of_an_answered_plan_gives_that_plan_to_no_one_else(
    service: Service, claim: IdentityClaim
) -> None:
    first, second = (_knock(service, claim, f"phone-{number}") for number in (1, 2))
    with service.unit() as unit:
        submit_media(unit, first.id, faces.no_face(seed=1))
        plans = public_plans(unit.db, claim.mark, unit.now - KEPT)
        assert all(_steps(row) == _steps(second) for row in plans)
        demand = choose((), 70, (), Risk(new_device=True))
        assert unanswered(plans, demand) == []


def test_attack_waiting_until_a_sign_of_fraud_is_gone_gives_no_easier_plan(
    service: Service, engine: FaceEngine, claim: IdentityClaim, clock: Any
) -> None:
    for number in range(7):
        hard = _knock(service, claim, f"phone-{number}")
    assert hard.profile == "light"
    with service.unit() as unit:
        submit_media(unit, hard.id, faces.no_face(seed=1))
    evaluate_session(service, engine, hard.id, notice=note_face)
    clock.advance(timedelta(hours=2))
    assert {_knock(service, claim, device).profile for device in ("phone-6", "phone-9")} == {"light"}
    clock.advance(timedelta(days=2))
    # A stranger cannot make it harder for the devices of others for long.
    asked = [len((_knock(service, claim, device).plan or {})["flashes"]) for device in ("phone-6", "phone-10")]
    assert asked == [7, 6]


def test_attack_a_recognised_caller_draws_no_other_plan_either(service: Service, person: UUID, clock: Any) -> None:
    rows = []
    for number in range(4):
        with service.unit() as unit:
            rows.append(open_session(unit, person, Channel.REMOTE, device_id=f"phone-{number % 2}", confirmed=True))
        clock.advance(timedelta(minutes=20))
    assert len({row.id for row in rows}) == 4
    assert all(_steps(row) == _steps(rows[0]) for row in rows)


def test_who_came_by_a_sign_in_gets_an_easier_plan_after_a_failure(
    service: Service, engine: FaceEngine, person: UUID
) -> None:
    with service.unit() as unit:
        first = open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True)
        submit_media(unit, first.id, faces.no_face(seed=1))
    evaluate_session(service, engine, first.id, notice=note_face)
    with service.unit() as unit:
        again = open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True)
    assert (again.profile, len(_steps(again))) == ("light", 1), "one movement, and colours that complete it"


def test_attack_no_failure_gives_a_stranger_an_easier_plan(
    service: Service, engine: FaceEngine, claim: IdentityClaim, clock: Any
) -> None:
    for number in range(5):
        row = _knock(service, claim, "phone-1")
        assert (row.profile, len(_steps(row))) == ("light", 2)
        with service.unit() as unit:
            submit_media(unit, row.id, faces.no_face(seed=number))
        evaluate_session(service, engine, row.id, notice=note_face)
        clock.advance(timedelta(days=2))


def test_attack_a_live_capture_and_a_recording_share_one_open_plan(
    service: Service, claim: IdentityClaim, clock: Any
) -> None:
    """Neither way in gives more draws: beginning live captures and leaving them shows the same takes again."""
    rows, takes = [], []
    for number in range(4):
        row = _knock(service, claim, f"phone-{number}")
        with service.unit() as unit:
            shown, begun = begin_live(unit, row.id)
        rows.append(row)
        takes.append(shown)
        assert begun == number, "it is kept that these takes were seen before"
        clock.advance(timedelta(minutes=20))
    assert all(_steps(row) == _steps(rows[0]) for row in rows)
    assert all(shown == takes[0] for shown in takes)
    assert len(takes[0]) == TAKES
    assert takes[0][0]["steps"] != takes[0][1]["steps"] != _steps(rows[0])
    with service.unit() as unit:
        submit_media(unit, _knock(service, claim, "phone-4").id, faces.no_face(seed=1))
    fresh = _knock(service, claim, "phone-5")
    with service.unit() as unit:
        assert begin_live(unit, fresh.id)[0] != takes[0], "an answered plan is gone on both ways"


def test_attack_a_plan_of_an_earlier_release_is_kept_for_no_one(service: Service, claim: IdentityClaim) -> None:
    """It asks no one back, and a recording follows it more often."""
    first = _knock(service, claim, "phone-1")
    with service.unit() as unit:
        row = get_session(unit.db, first.id)
        steps = [{name: value for name, value in step.items() if name != "back_ms"} for step in _steps(row)]
        row.plan = {**(row.plan or {}), "steps": steps}
    assert all("back_ms" in step for step in _steps(_knock(service, claim, "phone-2")))


def test_each_further_attempt_asks_for_another_movement_and_the_last_ends_in_a_visit(
    service: Service, engine: FaceEngine, person: UUID
) -> None:
    asked, outcomes = [], []
    for number in range(3):
        with service.unit() as unit:
            row = open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True)
            submit_media(unit, row.id, faces.no_face(seed=number))
        asked.append({step["prompt"] for step in _steps(row)})
        evaluate_session(service, engine, row.id, notice=note_face)
        with service.unit() as unit:
            outcomes.append(get_session(unit.db, row.id).outcome)
    assert outcomes == ["retry", "retry", "doorstep"]
    assert [len(prompts) for prompts in asked] == [2, 1, 1]
    assert not asked[1] & asked[2], "another movement"


def test_a_stranger_does_not_get_the_session_of_a_person_who_signed_in(service: Service, person: UUID) -> None:
    with service.unit() as unit:
        own = open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True)
    assert _knock(service, IdentityClaim(person, b"k" * 32), "phone-1").id != own.id


def test_attack_a_stranger_learns_nothing_from_the_colours(service: Service, person: UUID) -> None:
    """Only the person's own phone is asked for no colours; others see colours for every number, known or not."""
    with service.unit() as unit:
        own = open_session(unit, person, Channel.REMOTE, device_id="phone-own", confirmed=True)
        own.outcome, own.state = "certified", "decided"
        own.possession, own.device_proved, own.decided_at = "shown", True, unit.now
    mine = IdentityClaim(person, b"k" * 32)
    assert _knock(service, mine, "phone-own").profile == "standard"
    assert {_knock(service, claim, "phone-other").profile for claim in (mine, UNKNOWN)} == {"light"}
