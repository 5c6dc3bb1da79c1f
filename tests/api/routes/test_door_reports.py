"""Somebody at the door is reported: stored, a case for an officer if it is known who reports, and limited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from certify.approvals.erase import erase
from certify.domain.case_kinds import CaseKind
from certify.doorstep.agents import NewAgent, add_agent, day_secret
from certify.doorstep.calendar import today_of
from certify.service import Service
from certify.storage.door_reports import door_reports_since
from certify.storage.reviews import open_case_of
from certify.storage.tables.doorstep import DoorReportRow
from fixtures import faces
from tests.api.conftest import World
from tests.api.own_pages import BORN, PHONE, post

pytestmark = pytest.mark.integration

FALSE = "0" * 64


def _report(pages: TestClient, **more: Any) -> Any:
    return post(pages, "/v1/door/reports", {"secret": FALSE, "device_id": PHONE, **more})


def _stored(service: Service) -> list[DoorReportRow]:
    with service.reading() as unit:
        return list(door_reports_since(unit.db, unit.now.replace(year=2000), limit=10))


def test_attack_a_false_agent_is_reported_by_somebody_who_entered_nothing(pages: TestClient, service: Service) -> None:
    """The page said "Please call us", and had no button and no number."""
    answer = _report(pages)
    assert answer.status_code == 202
    (row,) = _stored(service)
    assert (row.agent_id, row.beneficiary_id) == (None, None)
    assert FALSE.encode() not in row.code


def test_a_person_who_is_known_gets_a_case_and_the_answer_is_the_same(
    pages: TestClient, service: Service, world: World, collins: Any
) -> None:
    person = UUID(world.enrol(faces.encode(collins)))
    known = _report(pages, national_id="TEST0001", birth_date=BORN)
    unknown = _report(pages, national_id="MADE-UP-01", birth_date=BORN)
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    with service.reading() as unit:
        assert open_case_of(unit.db, person, CaseKind.AGENT_REPORTED) is not None
    assert {row.beneficiary_id for row in _stored(service)} == {person, None}
    with service.unit() as unit:
        erase(unit, person)
    assert {row.beneficiary_id for row in _stored(service)} == {None}


def test_an_agent_of_ours_is_named_and_nothing_happens_to_them(pages: TestClient, service: Service) -> None:
    with service.unit() as unit:
        agent = add_agent(unit, NewAgent(badge="A-1", name="Agent Li Wei", area="11"))
        secret = day_secret(unit, agent.id, today_of(unit))
    assert _report(pages, secret=secret).status_code == 202
    (row,) = _stored(service)
    assert row.agent_id == agent.id
    with service.reading() as unit:
        assert unit.db.get_one(type(agent), agent.id).state == "active"


def test_attack_reports_without_end(pages: TestClient, service: Service) -> None:
    codes = [_report(pages).status_code for _ in range(6)]
    assert codes == [202, 202, 202, 202, 429, 429]
    assert len(_stored(service)) == 4
