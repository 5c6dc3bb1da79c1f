"""Captures whose face is near: one more is asked for, both are pooled, and attackers gain nothing by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from certify.audit.replay import replay
from certify.capture.analysis import analyse
from certify.capture.evaluate import evaluate_session
from certify.capture.pooling import POOLED_WITHIN, earlier_capture, pool
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.domain.states import FaceZone
from certify.doorstep.traces import note_face
from certify.people.references import add_reference, measure_reference
from certify.people.templates import open_references
from certify.service import Service
from certify.storage.facts import determinations_of, evidence_of
from certify.storage.reviews import open_case_of
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.capture.sending import open_for, submit

pytestmark = pytest.mark.integration

NEAR, ALSO_NEAR = 27, 84
"""Seeds of dark and blurred pictures whose face is near, with its mirror image too, and which match together."""
MIRRORED = 21
"""Seed of a picture whose face is near by itself, and matches if its mirror image is averaged with it."""


def blurred(portrait: Any, seed: int) -> bytes:
    return faces.rephotograph(portrait, seed=seed, megapixels=0.5, darkness=0.5, blur=6.0, quality=40)


def visited(service: Service, engine: FaceEngine, person: UUID, photo: bytes) -> SessionRow:
    session = submit(service, person, photo, Channel.DOORSTEP)
    return evaluate_session(service, engine, session, notice=note_face)


def captures(service: Service, person: UUID) -> list[Capture]:
    with service.reading() as unit:
        found = [fact for fact in evidence_of(unit.db, person) if isinstance(fact, Capture)]
    return sorted(found, key=lambda fact: fact.event_at)


def doubted(service: Service, person: UUID) -> bool:
    with service.reading() as unit:
        return open_case_of(unit.db, person, CaseKind.FACE_IN_DOUBT) is not None


def test_a_near_face_is_asked_once_more_and_both_captures_match_together(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    first = visited(service, engine, person, blurred(portrait, NEAR))
    clock.advance(timedelta(minutes=1))
    assert (first.outcome, first.guidance[0]) == ("retry", "light_once_more")
    second = visited(service, engine, person, blurred(portrait, ALSO_NEAR))
    assert second.outcome == "certified"
    one, other = captures(service, person)
    assert (one.zone, one.pooled_with) == (FaceZone.NEAR, "")
    assert (other.zone, other.pooled_with) == (FaceZone.MATCH, one.id)
    assert not doubted(service, person)
    with service.unit() as unit:
        stored = (get_session(unit.db, second.id).report or {})["comparison"]
        assert stored["pooled_with"] == str(first.id)
        again = replay(unit, determinations_of(unit.db, session_id=second.id)[0].id, engine=engine)
    assert again.identical, again.differences


def test_a_near_face_that_matches_with_its_mirror_image_is_not_asked_again(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    row = visited(service, engine, person, blurred(portrait, MIRRORED))
    assert row.outcome == "certified"
    (fact,) = captures(service, person)
    assert (fact.zone, fact.pooled_with) == (FaceZone.MATCH, "")
    with service.unit() as unit:
        assert (get_session(unit.db, row.id).report or {})["comparison"]["mirrored"]
        again = replay(unit, determinations_of(unit.db, session_id=row.id)[0].id, engine=engine)
        assert again.identical, again.differences
        known = open_references(unit.db, unit.sealer(person), person, engine.models)
    probes = analyse(engine, blurred(portrait, MIRRORED), None, None).probes
    alone = engine.compare_many(probes, list(known.values()))
    assert alone.zone is not None
    assert alone.zone.value == FaceZone.NEAR, "without the mirror image it would be asked again"


def test_attack_another_face_after_a_near_one_is_not_pooled_and_asks_an_officer(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    visited(service, engine, person, blurred(portrait, NEAR))
    clock.advance(timedelta(minutes=1))
    row = visited(service, engine, person, faces.encode(faces.portraits()["grace_hopper"]))
    assert (row.outcome, row.certificate_number) == ("retry", None)
    assert (captures(service, person)[-1].zone, captures(service, person)[-1].pooled_with) == (FaceZone.APART, "")
    assert doubted(service, person)


def test_attack_captures_of_two_people_are_not_pooled(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    """However near the earlier capture was: both must show one person."""
    visited(service, engine, person, blurred(portrait, NEAR))
    session = open_for(service, person, Channel.DOORSTEP)
    with service.reading() as unit:
        earlier = earlier_capture(unit, get_session(unit.db, session))
        references = list(open_references(unit.db, unit.sealer(person), person, engine.models).values())
    assert earlier is not None
    stranger = analyse(engine, faces.encode(faces.portraits()["grace_hopper"]), None, None)
    assert pool(engine, stranger, earlier, references) is None
    own = analyse(engine, blurred(portrait, ALSO_NEAR), None, None)
    assert pool(engine, own, earlier, references) is not None
    # A capture that showed life does not lend it to one that did not.
    assert pool(engine, replace(own, liveness=Check.PASS), earlier, references) is None


def test_attack_a_stranger_cannot_add_to_a_near_capture(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    visited(service, engine, person, blurred(portrait, NEAR))
    session = open_for(service, person, Channel.DOORSTEP)
    with service.unit() as unit:
        row = get_session(unit.db, session)
        assert earlier_capture(unit, row) is not None
        row.public_entry = True
        assert earlier_capture(unit, row) is None
        row.public_entry = False
    clock.advance(POOLED_WITHIN + timedelta(seconds=1))
    with service.reading() as unit:
        assert earlier_capture(unit, get_session(unit.db, session)) is None, "it was yesterday"


def test_a_comparison_of_an_earlier_release_replays_as_it_was_made(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any
) -> None:
    """Its report names no sittings: each reference was compared by itself, and the scores were averaged."""
    with service.unit() as unit:
        second = add_reference(unit, person, faces.rephotograph(portrait, seed=7, megapixels=0.3))
    assert measure_reference(service, engine, second).state == "active"
    photo = faces.rephotograph(portrait, seed=1)
    row = visited(service, engine, person, photo)
    with service.unit() as unit:
        stored = get_session(unit.db, row.id)
        report = stored.report or {}
        assert [len(sitting) for sitting in report["comparison"]["sittings"]] == [2]
        determination = determinations_of(unit.db, session_id=row.id)[0].id
        assert replay(unit, determination, engine=engine).identical
        known = open_references(unit.db, unit.sealer(person), person, engine.models)
        probes = analyse(engine, photo, None, None).probes
        before = engine.compare_many(probes, list(known.values()), by_scores=True)
        kept = {key: value for key, value in report["comparison"].items() if key not in ("sittings", "pooled_with")}
        stored.report = report | {"comparison": kept | {"scores": dict(before.scores)}}
        unit.db.flush()
        again = replay(unit, determination, engine=engine)
    # The likelihood ratio on record is that of the averaged references; the scores themselves come out as they were.
    assert not [difference for difference in again.differences if "raw scores" in difference]
    assert before.scores != report["comparison"]["scores"]
