"""An enrolled person with a measured reference, a film, and an open session, for tests of capture."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference, measure_reference
from certify.service import Service
from fixtures import faces, videos
from models.pipeline import FaceEngine
from tests.certify.capture.sending import CHUNK, open_for


@pytest.fixture(scope="module")
def portrait() -> Any:
    return faces.portraits()["eileen_collins"]


@pytest.fixture
def person(service: Service, engine: FaceEngine, portrait: Any) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person_id = add_beneficiary(
            unit, NewBeneficiary("CAPTURE001", "Eileen Collins", pension, birth_date=date(1956, 11, 19))
        )
        reference = add_reference(unit, person_id, faces.encode(portrait))
    assert measure_reference(service, engine, reference).state == "active"
    return person_id


@pytest.fixture
def unmeasured_person(service: Service, portrait: Any) -> UUID:
    """A person whose reference waits for its measurement: storing media needs no face models."""
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person_id = add_beneficiary(unit, NewBeneficiary("UPLOAD001", "Eileen Collins", pension))
        add_reference(unit, person_id, faces.encode(portrait))
    return person_id


@pytest.fixture(scope="module")
def film(portrait: Any) -> bytes:
    """A WebM of several chunks."""
    film = videos.encode(videos.moving(portrait, seconds=1.5, rate=15), rate=15, live=True)
    assert len(film) > 3 * CHUNK
    return film


@pytest.fixture
def session(service: Service, person: UUID) -> UUID:
    return open_for(service, person)
