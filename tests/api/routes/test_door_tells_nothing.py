"""The entrance tells nothing about a person: known and unknown numbers get the same answers, however often one asks."""

from __future__ import annotations

from collections.abc import Sequence
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
from tests.api.own_pages import OTHER, knock, send_photo, shape
from tests.films import film_session

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
    pages: TestClient, service: Service, engine: FaceEngine, world: World, film: bytes, collins: Any
) -> None:
    """One request told a pensioner by the profile (certified before, bedridden), six told everybody with a photo."""
    numbers = {"plain": "TEST0001", "bedridden": "TEST0002", "reported": "TEST0003", "certified": "TEST0004"}
    people = {why: UUID(world.enrol(faces.encode(collins), national_id=number)) for why, number in numbers.items()}
    opened = knock(pages, numbers["certified"], device=OTHER).json()
    assert film_session(service, engine, UUID(opened["session"]["id"]), film).outcome == "certified"
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


@pytest.fixture
def numbers(
    pages: TestClient, service: Service, engine: FaceEngine, world: World, film: bytes, collins: Any
) -> dict[str, int]:
    """A person who was never certified, one who just was, and no person; with a seed for the photos sent for each."""
    world.enrol(faces.encode(collins), national_id="TEST0001")
    world.enrol(faces.encode(collins), national_id="TEST0002")
    opened = knock(pages, "TEST0002", device=OTHER).json()
    assert film_session(service, engine, UUID(opened["session"]["id"]), film).outcome == "certified"
    return {"TEST0001": 0, "TEST0002": 100, "MADE-UP-01": 200}


def _tries(
    pages: TestClient, service: Service, engine: FaceEngine, number: str, photos: Sequence[bytes]
) -> list[dict[str, Any]]:
    """Return all that a caller sees who sends photos for a number, but for random values and the drawn prompts."""
    seen: list[dict[str, Any]] = []
    for photo in photos:
        opened = knock(pages, number).json()
        result = send_photo(pages, service, engine, opened, photo)
        told = {name: result[name] for name in ("outcome", "attempts_left", "guidance", "certificate_number")}
        seen.append({**told, "shape": shape(result), "profile": opened["session"]["profile"]})
    seen.append(knock(pages, number).json())
    return seen


@pytest.mark.parametrize("face", ["collins", "hopper"])
def test_failed_attempts_end_in_the_same_words_for_all(
    face: str,
    pages: TestClient,
    service: Service,
    engine: FaceEngine,
    numbers: dict[str, int],
    request: pytest.FixtureRequest,
) -> None:
    """After three failures the text told that life is proven: "The last proof of life still counts".

    A photo proves nothing, so a picture of the person must not be answered in another way than one of somebody else.
    """
    portrait = request.getfixturevalue(face)
    stories = [
        _tries(pages, service, engine, number, [faces.rephotograph(portrait, seed=first + n) for n in range(3)])
        for number, first in numbers.items()
    ]
    assert stories[0] == stories[1] == stories[2]
    *tries, refused = stories[0]
    assert [entry["outcome"] for entry in tries] == ["retry", "retry", "doorstep"]
    assert [entry["attempts_left"] for entry in tries] == [2, 1, 0]
    assert [[one["code"] for one in entry["guidance"]] for entry in tries] == [["film_needed"], ["film_needed"], []]
    assert {entry["profile"] for entry in tries} == {"light"}, "a failure makes the next plan no easier"
    assert refused["code"] == "attempts_used_up"


def test_media_that_were_sent_before_end_in_the_same_words_for_all(
    pages: TestClient, service: Service, engine: FaceEngine, numbers: dict[str, int], hopper: Any, film: bytes
) -> None:
    """A picture that was sent for another number, and the very film that certified the person."""
    photo = faces.rephotograph(hopper, seed=7)
    send_photo(pages, service, engine, knock(pages, "MADE-UP-02").json(), photo)
    stories = []
    for number in ("TEST0002", "MADE-UP-01"):
        story = []
        for media in (photo, film):
            opened = knock(pages, number).json()
            row = film_session(service, engine, UUID(opened["session"]["id"]), media)
            story.append((row.outcome, row.attempts_left, row.guidance, row.certificate_number))
        stories.append(story)
    assert stories[0] == stories[1]
    assert [entry[:3] for entry in stories[0]] == [("retry", 2, ["film_needed"]), ("retry", 1, ["record_anew"])]
