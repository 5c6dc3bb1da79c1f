"""A recording that a phone kept without a network is judged when it arrives within a day, and counts as less."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from certify.capture.live.submit import begin_live
from certify.capture.open_plan import KEPT
from certify.capture.session import open_session, submit_media
from certify.capture.uploads import begin_upload
from certify.domain.asked import LATE_FOR
from certify.domain.channels import Channel
from certify.errors import Gone
from certify.service import Service
from certify.storage.sessions import get_session
from certify.workers.housekeeping import run_housekeeping
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import OTHER, PHONE
from tests.api.test_life_required import _access, _knock
from tests.certify.capture.sending import begin, put
from tests.conftest import Clock
from tests.films import PLAN, film_session

pytestmark = pytest.mark.integration

LATER = timedelta(hours=3)


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


def _own(service: Service, person: UUID, *, confirmed: bool) -> UUID:
    with service.unit() as unit:
        return open_session(unit, person, Channel.REMOTE, device_id=PHONE, confirmed=confirmed).id


def _set_plan(service: Service, session: UUID) -> None:
    with service.unit() as unit:
        get_session(unit.db, session).plan = PLAN


def test_a_late_film_of_a_person_who_came_in_with_a_code_certifies(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Clock
) -> None:
    """ATTACK: "We record now and send it when the network is back", and after 15 minutes it was thrown away."""
    session = _own(service, person, confirmed=True)
    clock.advance(LATER)
    run_housekeeping(service)
    assert film_session(service, engine, session, film).outcome == "certified"


def test_attack_a_film_that_was_made_for_a_known_plan_in_three_hours_proves_nothing_from_an_unknown_phone(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Clock
) -> None:
    opened = _knock(pages)
    clock.advance(LATER)
    row = film_session(service, engine, UUID(opened["session"]["id"]), film)
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert row.guidance[0] == "arrived_late"
    assert _access(pages, opened).status_code == 403, "nor does it open the own pages"


def test_a_film_whose_hash_was_here_in_time_is_not_late(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Clock
) -> None:
    """The network broke off while it was sent: no one can make another film with that hash."""
    session = UUID(_knock(pages)["session"]["id"])
    begin(service, session, film)
    put(service, session, 0, film[:20_000])
    clock.advance(LATER)
    run_housekeeping(service)
    assert film_session(service, engine, session, film).outcome == "certified"


def test_attack_the_hash_of_another_film_declared_in_time(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Clock
) -> None:
    session = UUID(_knock(pages)["session"]["id"])
    with service.unit() as unit:
        begin_upload(unit, session, size=len(film), sha256="0" * 64)
    clock.advance(LATER)
    row = film_session(service, engine, session, film)
    assert (row.outcome, row.guidance[0]) == ("retry", "arrived_late")


def test_attack_one_plan_answered_twice(
    pages: TestClient, service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Clock
) -> None:
    """The session ran out, the next one had its plan and was answered: the first takes no second answer."""
    first = UUID(_knock(pages)["session"]["id"])
    _set_plan(service, first)
    clock.advance(timedelta(minutes=20))
    second = UUID(_knock(pages)["session"]["id"])
    assert film_session(service, engine, second, film).outcome == "certified"
    with service.unit() as unit, pytest.raises(Gone):
        submit_media(unit, first, film + b"\0")


def test_after_a_day_a_recording_is_too_late(
    pages: TestClient, service: Service, person: UUID, film: bytes, clock: Clock
) -> None:
    sessions = [UUID(_knock(pages, OTHER)["session"]["id"]), _own(service, person, confirmed=True)]
    clock.advance(LATE_FOR)
    attempts: tuple[Callable[[UUID], object], ...] = (
        lambda session: begin(service, session, film),
        lambda session: film_session_media(service, session, film),
    )
    for session in sessions:
        for attempt in attempts:
            with pytest.raises(Gone) as refused:
                attempt(session)
            assert refused.value.code == "session_expired"
    assert LATE_FOR <= KEPT, "an attacker must gain no time beyond that for which a plan is kept"


def film_session_media(service: Service, session: UUID, film: bytes) -> None:
    with service.unit() as unit:
        submit_media(unit, session, film)


def test_no_live_capture_begins_after_the_minutes_of_its_session(service: Service, person: UUID, clock: Clock) -> None:
    """Only what was recorded before may come late: a live capture shows its prompts now."""
    session = _own(service, person, confirmed=True)
    clock.advance(timedelta(minutes=16))
    with service.unit() as unit, pytest.raises(Gone):
        begin_live(unit, session)
