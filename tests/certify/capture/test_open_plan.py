"""Attacks that shop for a plan: one plan at a time, and no easier one after a failure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from certify.capture.evaluate import evaluate_session
from certify.capture.public_entry import open_public_session
from certify.capture.session import open_session, submit_media
from certify.domain.channels import Channel
from certify.doorstep.traces import note_face
from certify.people.access import IdentityClaim
from certify.service import Service
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine

pytestmark = pytest.mark.integration

BORN = date(1956, 11, 19)
UNKNOWN = IdentityClaim(None, b"m" * 32)


def _knock(service: Service, claim: IdentityClaim, device: str) -> SessionRow:
    with service.unit() as unit:
        return open_public_session(unit, claim, BORN, device_id=device, assisted=False)


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
    assert (second.profile, len(_steps(second))) == ("standard", 2)


def test_who_came_by_a_sign_in_gets_an_easier_plan_after_a_failure(
    service: Service, engine: FaceEngine, person: UUID
) -> None:
    with service.unit() as unit:
        first = open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True)
        submit_media(unit, first.id, faces.no_face(seed=1))
    evaluate_session(service, engine, first.id, notice=note_face)
    with service.unit() as unit:
        assert open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True).profile == "gentle"


def test_a_stranger_does_not_get_the_session_of_a_person_who_signed_in(service: Service, person: UUID) -> None:
    with service.unit() as unit:
        own = open_session(unit, person, Channel.REMOTE, device_id="phone-1", confirmed=True)
    assert _knock(service, IdentityClaim(person, b"k" * 32), "phone-1").id != own.id
