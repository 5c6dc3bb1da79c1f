"""Templates of one sitting are averaged, and templates of other weights are made again and never compared."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from certify.capture.evaluate import evaluate_session
from certify.domain.channels import Channel
from certify.domain.states import Provenance
from certify.doorstep.traces import note_face
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import OWN_CAMERA, Origin, add_reference, measure_reference
from certify.people.sittings import ONE_SITTING, by_sitting, sittings_of
from certify.people.templates import open_references, outdated_references, renew_all
from certify.service import Service
from certify.storage.people import references_of
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.capture.sending import submit

pytestmark = pytest.mark.integration

PASSPORT = Origin(Provenance.DOCUMENT, "passport")


@pytest.fixture(scope="module")
def portrait() -> Any:
    return faces.portraits()["eileen_collins"]


@pytest.fixture
def person(service: Service) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return add_beneficiary(unit, NewBeneficiary("SITTING01", "Eileen Collins", pension))


def enrol(service: Service, engine: FaceEngine, person: UUID, photo: bytes, origin: Origin = OWN_CAMERA) -> UUID:
    with service.unit() as unit:
        reference = add_reference(unit, person, photo, origin)
    assert measure_reference(service, engine, reference).state == "active"
    return reference


def other_weights(service: Service, owner: Any) -> None:
    """Store the templates as if older weights had made them."""
    owner.execute("update templates set model_sha256 = repeat('0', 64) where model = 'sface'")


def test_pictures_of_one_sitting_are_averaged_and_those_of_documents_and_other_days_are_not(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, clock: Any
) -> None:
    small: dict[str, Any] = {"megapixels": 0.3}
    one = enrol(service, engine, person, faces.encode(portrait))
    two = enrol(service, engine, person, faces.rephotograph(portrait, seed=1, **small))
    old = enrol(service, engine, person, faces.rephotograph(portrait, seed=2, **small), PASSPORT)
    older = enrol(service, engine, person, faces.rephotograph(portrait, seed=3, **small), PASSPORT)
    clock.advance(ONE_SITTING + timedelta(seconds=1))
    later = enrol(service, engine, person, faces.rephotograph(portrait, seed=4, **small))
    with service.reading() as unit:
        references = open_references(unit.db, unit.sealer(person), person, engine.models)
        sittings = sittings_of(references_of(unit.db, person), references)
    assert {frozenset(sitting) for sitting in sittings} == {
        frozenset(group) for group in ([one, two], [old], [older], [later])
    }
    joined = by_sitting(references, [[one, two], [later]])
    assert [float(np.linalg.norm(each["sface"])) for each in joined] == pytest.approx([1, 1], abs=1e-5)
    mean = references[one]["sface"] + references[two]["sface"]
    np.testing.assert_allclose(joined[0]["sface"], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_array_equal(joined[1]["sface"], references[later]["sface"])


def test_references_of_other_weights_are_measured_again_when_the_person_is_compared(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, owner: Any
) -> None:
    reference = enrol(service, engine, person, faces.encode(portrait))
    other_weights(service, owner)
    with service.reading() as unit:
        assert set(outdated_references(unit, person, engine)) == {reference}
    session = submit(service, person, faces.rephotograph(portrait, seed=1), Channel.DOORSTEP)
    assert evaluate_session(service, engine, session, notice=note_face).outcome == "certified"
    with service.reading() as unit:
        assert outdated_references(unit, person, engine) == {}
        assert "sface" in open_references(unit.db, unit.sealer(person), person, engine.models)[reference]


def test_attack_another_face_does_not_become_the_enrolled_one_when_the_weights_change(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, owner: Any
) -> None:
    """No template of the enrolled face is left to compare with: it is measured again first."""
    enrol(service, engine, person, faces.encode(portrait))
    owner.execute("update templates set model_sha256 = repeat('0', 64)")
    with service.unit() as unit:
        stranger = add_reference(unit, person, faces.encode(faces.portraits()["grace_hopper"]))
    row = measure_reference(service, engine, stranger)
    assert (row.state, row.guidance) == ("refused", ["another_face"])


def test_all_people_can_be_measured_again_at_once(
    service: Service, engine: FaceEngine, person: UUID, portrait: Any, owner: Any
) -> None:
    enrol(service, engine, person, faces.encode(portrait))
    other_weights(service, owner)
    renewed = renew_all(service, engine)
    assert (renewed.people, renewed.references, renewed.left) == (1, 1, 0)
    assert renew_all(service, engine).people == 0
    with service.reading() as unit:
        rows = unit.db.execute(text("select model, model_sha256 from templates")).all()
        hashes = {row.model: row.model_sha256 for row in rows}
    assert hashes == {name: engine.models[name] for name in engine.calibration.models}
