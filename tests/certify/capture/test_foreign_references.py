"""People of whom only a template of face_recognition is known: compared, never certified by it alone, and replaced."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from certify.audit.replay import replay
from certify.capture.evaluate import evaluate_session
from certify.capture.refresh import refresh_reference
from certify.capture.session import open_session
from certify.cli.service import operator
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import Capture
from certify.domain.reasons import Code
from certify.domain.states import FaceZone, Possession, Provenance, ReferenceState
from certify.doorstep.traces import note_face
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.foreign import ForeignTemplate, add_foreign, open_foreign
from certify.people.references import add_reference, measure_reference, require_replacement
from certify.people.templates import open_references
from certify.service import Service
from certify.sources import parse_sources
from certify.storage.facts import determinations_of, evidence_of
from certify.storage.people import get_reference, references_of
from certify.storage.reviews import open_case_of
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.face.foreign import LazyForeign
from models.face.foreign_form import fault_of
from models.pipeline import FaceEngine
from models.weights.packs import PackStore
from tests.certify.capture.sending import submit
from tests.films import drawn_once, film_session

pytestmark = pytest.mark.integration

TAKEN = date(2019, 5, 1)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of Eileen Collins that answers its plan (tests/films.py)."""
    own = tmp_path_factory.getbasetemp()
    return drawn_once(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="module")
def engine(engine: FaceEngine) -> FaceEngine:
    if engine.foreign is None:
        pytest.skip("the extra dlib, or its weights, are not installed: run 'make dlib'")
    return engine


@pytest.fixture
def elsewhere(engine: FaceEngine, tmp_path: Path) -> FaceEngine:
    """The engine of an installation that has no dlib."""
    lacking = copy.copy(engine)
    lacking._foreign = LazyForeign(PackStore(tmp_path / "no models"))
    assert lacking.foreign is None
    return lacking


@pytest.fixture
def service(service: Service) -> Service:
    sources = {
        "former": {"institution": "provider", "principals": ["operator:*"], "templates": True},
        "hospital": {"institution": "hospital", "principals": ["*"], "acts": ["hospital_stay"]},
    }
    registry = parse_sources({"institutions": {"provider": "P", "hospital": "H"}, "sources": sources})
    return replace(service, sources=registry)


def template_of(engine: FaceEngine, picture: bytes) -> Any:
    """Return the template of a picture as face_recognition stores it: not scaled to length 1."""
    aligned = engine.measure(picture).aligned
    assert engine.foreign is not None
    assert aligned is not None
    values = engine.foreign.embedder.embed(aligned[None])[0].astype(np.float64) * 1.42
    assert fault_of(values) is None
    return values


@pytest.fixture
def person(service: Service, engine: FaceEngine, portrait: Any) -> UUID:
    with service.unit(operator()) as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person_id = add_beneficiary(unit, NewBeneficiary("FOREIGN01", "Eileen Collins", pension))
        values = template_of(engine, faces.encode(portrait))
        (stored,) = add_foreign(unit, [ForeignTemplate(person_id, TAKEN, "former", values)])
        assert isinstance(stored, UUID)
    return person_id


def filmed(service: Service, engine: FaceEngine, person: UUID, film: bytes, *, possession: Possession) -> SessionRow:
    with service.unit() as unit:
        session = open_session(unit, person, Channel.REMOTE).id
    with service.unit() as unit:
        get_session(unit.db, session).possession = possession
    return film_session(service, engine, session, film)


def visited(service: Service, engine: FaceEngine, person: UUID, photo: bytes) -> SessionRow:
    return evaluate_session(service, engine, submit(service, person, photo, Channel.DOORSTEP), notice=note_face)


def stay_in_hospital(service: Service, person: UUID) -> None:
    with service.unit("registry") as unit:
        new = NewRecord(source="hospital", record_id="H1", event_at=unit.now - timedelta(days=10), act="hospital_stay")
        record(unit, person, new)


def capture_of(service: Service, person: UUID) -> Capture:
    with service.reading() as unit:
        found = [fact for fact in evidence_of(unit.db, person) if isinstance(fact, Capture)]
    return max(found, key=lambda fact: fact.recorded_at)


def reasons_of(service: Service, row: SessionRow) -> set[str]:
    with service.reading() as unit:
        return {why["code"] for why in determinations_of(unit.db, session_id=row.id)[0].verdict["reasons"]}


def states(service: Service, person: UUID) -> dict[str, str]:
    with service.reading() as unit:
        return {row.provenance: row.state for row in references_of(unit.db, person)}


def events(service: Service) -> list[str]:
    with service.reading() as unit:
        rows = unit.db.execute(text("select entry from ledger_leaves order by index")).scalars().all()
    return [entry.decode() for entry in map(bytes, rows)]


def has(service: Service, event: str) -> bool:
    return any(f'"{event}"' in entry for entry in events(service))


def test_a_matching_template_alone_certifies_no_one_and_asks_an_officer(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    row = filmed(service, engine, person, film, possession=Possession.SHOWN)
    capture = capture_of(service, person)
    assert (capture.foreign, capture.zone, capture.reference_on) == (True, FaceZone.MATCH, TAKEN)
    assert (row.outcome, row.certificate_number) == ("review", None)
    assert {Code.REFERENCE_ALONE, Code.REFERENCE_FOREIGN, Code.FACE_FOR_OFFICER} <= reasons_of(service, row)
    assert refresh_reference(service, engine, row.id) is None, "nothing has confirmed the person"
    with service.reading() as unit:
        assert open_case_of(unit.db, person, CaseKind.FACE_IN_DOUBT) is not None
        again = replay(unit, determinations_of(unit.db, session_id=row.id)[0].id, engine=engine)
    assert again.identical, again.differences
    assert any("raw scores" in one for one in again.checked)


def test_with_possession_and_a_hospital_stay_it_certifies_and_our_own_template_replaces_it(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, portrait: Any, clock: Any
) -> None:
    stay_in_hospital(service, person)
    row = filmed(service, engine, person, film, possession=Possession.SHOWN)
    assert row.outcome == "certified"
    assert {Code.PROVEN_TEMPLATE_DATA, Code.REFERENCE_FOREIGN} <= reasons_of(service, row)
    made = refresh_reference(service, engine, row.id)
    assert made is not None
    assert refresh_reference(service, engine, row.id) is None, "the job may run twice"
    assert states(service, person) == {Provenance.TEMPLATE: ReferenceState.RETIRED, Provenance.PROOF: "active"}
    assert has(service, "reference_refreshed")
    assert has(service, "reference_retired")
    with service.reading() as unit:
        sealer = unit.sealer(person)
        assert open_foreign(unit.db, sealer, person) == {}, "its template is deleted"
        assert set(open_references(unit.db, sealer, person, engine.models)) == {made}
        assert get_reference(unit.db, made).taken_on == unit.now.date()
    clock.advance(timedelta(days=200))
    later = visited(service, engine, person, faces.rephotograph(portrait, seed=1))
    assert later.outcome == "certified"
    capture = capture_of(service, person)
    assert (capture.foreign, capture.embedders) == (False, 2)
    assert Code.REFERENCE_FOREIGN not in reasons_of(service, later)


def test_without_possession_the_records_do_not_complete_it(
    service: Service, engine: FaceEngine, person: UUID, film: bytes
) -> None:
    stay_in_hospital(service, person)
    row = filmed(service, engine, person, film, possession=Possession.MISSING)
    assert (row.outcome, row.certificate_number) == ("review", None)
    assert refresh_reference(service, engine, row.id) is None


def test_an_officers_ruling_replaces_it(
    service: Service, engine: FaceEngine, person: UUID, film: bytes, clock: Any
) -> None:
    row = filmed(service, engine, person, film, possession=Possession.SHOWN)
    clock.advance(timedelta(hours=1))
    with service.unit("officer") as unit:
        case = open_case_of(unit.db, person, CaseKind.FACE_IN_DOUBT)
        assert case is not None
        rule(unit, case.id, officer="officer", decision=Decision.CONFIRM_ALIVE)
    assert refresh_reference(service, engine, row.id) is not None
    assert states(service, person)[Provenance.TEMPLATE] == ReferenceState.RETIRED


def test_a_visit_confirms_and_replaces_it(service: Service, engine: FaceEngine, person: UUID, portrait: Any) -> None:
    row = visited(service, engine, person, faces.rephotograph(portrait, seed=2))
    assert row.outcome == "certified"
    assert Code.REFERENCE_FOREIGN in reasons_of(service, row)
    assert refresh_reference(service, engine, row.id) is not None


def test_attack_another_face_neither_certifies_nor_becomes_the_reference(
    service: Service, engine: FaceEngine, person: UUID, clock: Any
) -> None:
    stay_in_hospital(service, person)
    row = visited(service, engine, person, faces.encode(faces.portraits()["grace_hopper"]))
    assert row.outcome != "certified"
    assert capture_of(service, person).zone is FaceZone.APART
    clock.advance(timedelta(hours=1))
    with service.unit("officer") as unit:
        case = open_case_of(unit.db, person, CaseKind.FACE_IN_DOUBT)
        assert case is not None
        rule(unit, case.id, officer="officer", decision=Decision.CONFIRM_ALIVE)
    assert refresh_reference(service, engine, row.id) is None, "an officer's ruling does not make it her face"
    assert has(service, "reference_not_refreshed")
    assert states(service, person) == {Provenance.TEMPLATE: "active"}


def test_where_dlib_is_missing_nothing_fails_and_the_reason_says_what_to_do(
    service: Service, elsewhere: FaceEngine, person: UUID, film: bytes
) -> None:
    row = filmed(service, elsewhere, person, film, possession=Possession.SHOWN)
    assert (row.outcome, row.certificate_number) == ("review", None)
    assert Code.REFERENCE_NOT_COMPARABLE in reasons_of(service, row)
    with service.reading() as unit:
        assert open_case_of(unit.db, person, CaseKind.FACE_IN_DOUBT) is not None
        assert replay(unit, determinations_of(unit.db, session_id=row.id)[0].id, engine=elsewhere).identical


def test_an_officers_photo_of_the_person_replaces_it_and_of_another_does_not(
    service: Service, engine: FaceEngine, elsewhere: FaceEngine, person: UUID, portrait: Any
) -> None:
    def added(with_engine: FaceEngine, photo: bytes) -> tuple[str, list[str], UUID]:
        with service.unit("officer") as unit:
            reference = add_reference(unit, person, photo)
        row = measure_reference(service, with_engine, reference)
        return row.state, list(row.guidance), row.id

    stranger = faces.encode(faces.portraits()["grace_hopper"])
    assert added(engine, stranger)[:2] == ("refused", ["another_face"])
    small = faces.rephotograph(portrait, seed=3, megapixels=0.3)
    state, guidance, reference = added(elsewhere, small)
    assert (state, guidance) == ("refused", ["not_comparable"])
    with service.reading() as unit:
        require_replacement(get_reference(unit.db, reference))  # two officers can
    assert added(engine, faces.rephotograph(portrait, seed=4, megapixels=0.3))[0] == "active"
    assert states(service, person)[Provenance.TEMPLATE] == ReferenceState.RETIRED
