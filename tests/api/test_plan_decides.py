"""Attacks with a film: it certifies no one unless it answers the plan of its session, on either way in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from certify.capture.live.submit import begin_live, finish_live
from certify.capture.session import open_session
from certify.decision.record import NewRecord, record
from certify.domain.channels import Channel
from certify.domain.evidence import Capture
from certify.domain.states import Challenge
from certify.service import Service
from certify.storage.facts import evidence_by_ids
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.liveness.plan import Plan, Prompt
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import PHONE, post
from tests.api.test_life_required import _access, _knock
from tests.films import PLAN, evaluate_drawn, film_session

pytestmark = pytest.mark.integration

STEPS = PLAN["steps"]
ONE_MOVEMENT = {**PLAN, "profile": "gentle", "steps": STEPS[:1]}
"""What people are asked who can do little, without the colours that complete it."""
ARRIVALS = [[number * 125, number * 125 + 40] for number in range(80)]


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


def _captured(service: Service, row: SessionRow) -> Capture:
    with service.reading() as unit:
        (fact,) = evidence_by_ids(unit.db, [str(row.evidence_id)])
    assert isinstance(fact, Capture)
    return fact


def _own(service: Service, person: UUID) -> UUID:
    """Open a session of a person who signed in, and so has shown possession."""
    with service.unit() as unit:
        return open_session(unit, person, Channel.REMOTE, device_id=PHONE, confirmed=True).id


def _live(
    service: Service,
    engine: FaceEngine,
    session: UUID,
    film: bytes,
    takes: list[dict[str, Any]] | None,
    because: tuple[str, ...] = (),
    **source: Any,
) -> SessionRow:
    """Submit a film as the recording of a live capture whose takes were these; None: those that were drawn.

    The takes have no light, like those on a known phone, unless ``because`` says more.
    """
    if takes is not None:
        with service.unit() as unit:
            row = get_session(unit.db, session)
            row.plan = {**(row.plan or {}), "live": takes, "because": list(because)}
    with service.unit() as unit:
        begin_live(unit, session)
    said = {"way": "live", "take": 0, "begun": 0, "camera": None, "times_ms": ARRIVALS, **source}
    with service.unit() as unit:
        finish_live(unit, session, film, said)
    return evaluate_drawn(service, engine, session)


Way = Callable[[Service, FaceEngine, UUID, bytes, "dict[str, Any] | None"], SessionRow]


def _uploaded(
    service: Service, engine: FaceEngine, session: UUID, film: bytes, plan: dict[str, Any] | None
) -> SessionRow:
    if plan is None:
        with service.reading() as unit:
            plan = get_session(unit.db, session).plan
    return film_session(service, engine, session, film, plan=plan)


def _filmed_live(
    service: Service, engine: FaceEngine, session: UUID, film: bytes, plan: dict[str, Any] | None
) -> SessionRow:
    return _live(service, engine, session, film, None if plan is None else [plan])


@pytest.fixture(params=[_uploaded, _filmed_live], ids=["uploaded", "live"])
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


def test_a_film_that_answers_its_plan_certifies(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, way: Way
) -> None:
    row = way(service, engine, _own(service, person), film, PLAN)
    assert row.outcome == "certified"
    assert _captured(service, row).challenge is Challenge.FULL


def test_attack_a_film_of_a_living_person_who_was_asked_nothing(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, way: Way
) -> None:
    """The plan of a visit asks nothing, and a film shows a living face: that is evidence, and no proof."""
    row = way(service, engine, _own(service, person), film, {**PLAN, "profile": "doorstep", "steps": []})
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert _captured(service, row).challenge is Challenge.NONE


def test_attack_the_film_of_another_plan(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, way: Way
) -> None:
    """A film that answered a plan before: the plan of this session was drawn afterwards."""
    row = way(service, engine, _own(service, person), film, None)
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert _captured(service, row).challenge is Challenge.NONE


@pytest.mark.parametrize("change", ["sooner", "later", "other way"])
def test_attack_the_film_of_the_same_prompts_at_other_moments(
    change: str, service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    late = {"sooner": -1000, "later": 2200, "other way": 0}[change]
    steps = [{**step, **{name: step[name] + late for name in ("from_ms", "back_ms", "to_ms")}} for step in STEPS]
    if change == "other way":
        steps[0]["prompt"] = Prompt.TURN_RIGHT.value
    plan = {**PLAN, "steps": steps, "total_ms": PLAN["total_ms"]}
    row = film_session(service, engine, _own(service, person), film, plan=plan)
    assert (row.outcome, row.certificate_number) == ("retry", None)


def test_attack_one_movement_alone_gives_no_certificate_and_leads_to_a_visit(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, way: Way
) -> None:
    row = way(service, engine, _own(service, person), film, ONE_MOVEMENT)
    assert (row.outcome, row.certificate_number) == ("doorstep", None)
    assert row.guidance[0] == "more_than_a_movement"
    assert _captured(service, row).challenge is Challenge.ONE_MOVEMENT


NEW_PHONE = {**PLAN, "because": ["need", "risk:new_device"]}
"""What a person is asked on a phone that is not known, who said that flashes harm."""


def test_attack_who_says_that_flashes_harm_gets_no_certificate_by_movements_from_an_unknown_phone(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    """A puppet that is driven live follows every prompt; only the light would tell, and it asks to see none."""
    row = film_session(service, engine, _own(service, person), film, plan=NEW_PHONE)
    assert (row.outcome, row.certificate_number) == ("doorstep", None)
    assert row.guidance[0] == "more_than_movements"
    assert _captured(service, row).challenge is Challenge.MOVEMENTS


def test_attack_the_same_in_a_live_capture_whose_takes_carry_no_reasons(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    row = _live(service, engine, _own(service, person), film, [PLAN], tuple(NEW_PHONE["because"]))
    assert (row.outcome, row.certificate_number) == ("doorstep", None)


def _act_of_the_body(service: Service, person: UUID) -> None:
    with service.unit() as unit:
        day = unit.now - timedelta(days=20)
        record(unit, person, NewRecord(source="insurer", record_id="1", event_at=day, act="medical_insurance_claim"))


def test_who_says_that_flashes_harm_is_certified_with_possession_and_a_recent_act_of_the_body(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    _act_of_the_body(service, person)
    row = film_session(service, engine, _own(service, person), film, plan=NEW_PHONE)
    assert row.outcome == "certified"


def test_an_officer_at_the_counter_sees_the_person_so_the_phone_need_not_be_known(
    service: Service, person: UUID
) -> None:
    with service.unit() as unit:
        plan = open_session(unit, person, Channel.REMOTE, needs=("photosensitive",), at_counter=True).plan or {}
    assert (len(plan["flashes"]), "risk:new_device" in plan["because"]) == (0, False)


def test_attack_the_plan_of_a_known_phone_is_not_asked_again_without_its_reasons(
    service: Service, person: UUID
) -> None:
    """The plan stays the same on the next phone; that this one is not known counts all the same."""
    with service.unit() as unit:
        first = open_session(unit, person, Channel.REMOTE, device_id=PHONE, needs=("photosensitive",))
        first.plan = {**(first.plan or {}), "because": ["risk:adverse_record"]}
        first_steps = first.plan["steps"]
    with service.unit() as unit:
        again = open_session(unit, person, Channel.REMOTE, device_id="another", needs=("photosensitive",)).plan or {}
    assert again["steps"] == first_steps
    assert {"risk:new_device", "risk:adverse_record"} <= set(again["because"])


def test_one_movement_certifies_with_possession_and_a_recent_act_of_the_body(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    _act_of_the_body(service, person)
    row = film_session(service, engine, _own(service, person), film, plan=ONE_MOVEMENT)
    assert row.outcome == "certified"


def test_attack_one_movement_opens_no_own_pages(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    opened = _knock(pages)
    row = film_session(service, engine, UUID(opened["session"]["id"]), film, plan=ONE_MOVEMENT)
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert _access(pages, opened).status_code == 403
    assert post(pages, "/v1/me/codes", None).status_code == 401


def test_attack_a_live_stream_whose_clock_is_stretched_to_the_plan(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    """Its pictures say that they were taken when the plan wants it; they arrived at other times."""
    slow = [[taken, round(arrived * 1.4)] for taken, arrived in ARRIVALS]
    row = _live(service, engine, _own(service, person), film, [PLAN], times_ms=slow)
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert "network_slow" in row.guidance


def test_attack_a_live_stream_that_moves_before_the_prompt_was_shown(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    """It knows the plan and keeps its times; but the service showed the prompts later, and that counts."""
    shown = [[step["from_ms"] + 1500, step["back_ms"] + 1500] for step in STEPS]
    row = _live(service, engine, _own(service, person), film, [PLAN], shown_ms=shown)
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert _captured(service, row).challenge is Challenge.NONE


def test_attack_a_live_capture_has_to_answer_the_plan_of_its_own_take(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    other = Plan.from_json(PLAN)
    mirrored = replace(other.steps[0], prompt=Prompt.TURN_RIGHT)
    second = replace(other, steps=(mirrored, other.steps[1])).to_json()
    row = _live(service, engine, _own(service, person), film, [PLAN, second], take=1)
    assert (row.outcome, row.certificate_number) == ("retry", None)
