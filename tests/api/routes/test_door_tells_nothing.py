"""The entrance tells nothing about a person: known and unknown numbers get the same answers, however often one asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from certify.decision.record import NewRecord, record
from certify.service import Service
from certify.storage.tables.people import BeneficiaryRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.api.conftest import World
from tests.api.own_pages import OTHER, film, knock, shape

pytestmark = pytest.mark.integration

REQUESTS = 50


def _seen(pages: TestClient, number: str, requests: int) -> list[Any]:
    """Return what a caller sees of some knocks, from five devices in turn."""
    story = []
    for turn in range(requests):
        answer = knock(pages, number, device=f"{number}-{turn % 5:032}")
        body = answer.json()
        session = body.get("session", {})
        plan = session.get("plan") or {"steps": [], "flashes": []}
        asked = (session.get("profile"), len(plan["steps"]), len(plan["flashes"]))
        story.append((answer.status_code, shape(body), body.get("code"), asked))
    return story


def test_50_knocks_for_a_known_and_an_unknown_number_look_the_same(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, collins: Any
) -> None:
    """One request told a pensioner by the profile (certified before, bedridden), six told everybody with a photo."""
    numbers = {"plain": "TEST0001", "bedridden": "TEST0002", "reported": "TEST0003", "certified": "TEST0004"}
    people = {why: UUID(world.enrol(faces.encode(collins), national_id=number)) for why, number in numbers.items()}
    opened = knock(pages, numbers["certified"], device=OTHER).json()
    result = film(pages, service, engine, opened, faces.rephotograph(collins, seed=3), device=OTHER)
    assert result["outcome"] == "certified"
    with service.unit() as unit:
        unit.db.execute(
            update(BeneficiaryRow).where(BeneficiaryRow.id == people["bedridden"]).values(needs=["bedridden"])
        )
        death = NewRecord(source="registry", record_id="R1", event_at=unit.now - timedelta(days=1), adverse="death")
        record(unit, people["reported"], death)
    # The unknown number was asked for once as well, like the one that was certified.
    knock(pages, "MADE-UP-04", device=OTHER)
    for why, number in numbers.items():
        requests = REQUESTS if why == "certified" else 8
        known = _seen(pages, number, requests)
        made_up = _seen(pages, number.replace("TEST00", "MADE-UP-"), requests)
        assert known == made_up, why
        assert {entry[0] for entry in known} == {201}


def test_failed_attempts_end_in_the_same_words_for_all(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, collins: Any, hopper: Any
) -> None:
    """After three failures the text told that life is proven: "The last proof of life still counts"."""
    world.enrol(faces.encode(collins), national_id="TEST0001")
    world.enrol(faces.encode(collins), national_id="TEST0002")
    opened = knock(pages, "TEST0002", device=OTHER).json()
    film(pages, service, engine, opened, faces.rephotograph(collins, seed=3), device=OTHER)
    stories = []
    for number in ("TEST0001", "TEST0002", "MADE-UP-01"):
        story: list[Any] = []
        for seed in range(3):
            opened = knock(pages, number).json()
            result = film(pages, service, engine, opened, faces.rephotograph(hopper, seed=seed))
            story.append((result["outcome"], result["attempts_left"], shape(result), opened["session"]["profile"]))
        story.append(knock(pages, number).json())
        stories.append(story)
    assert stories[0] == stories[1] == stories[2]
    assert [entry[0] for entry in stories[0][:3]] == ["retry", "retry", "doorstep"]
    assert {entry[3] for entry in stories[0][:3]} == {"standard"}, "a failure makes the next plan no easier"
    assert stories[0][3]["code"] == "attempts_used_up"
