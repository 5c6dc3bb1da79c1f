"""Attacks with one face for several people, and with two faces for one person."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from certify.approvals.actions import carry_out, propose
from certify.approvals.erase import erase
from certify.capture.evaluate import evaluate_session
from certify.decision.duplicate_faces import DuplicateSearch, answer_duplicate
from certify.decision.proposals import Why
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.states import FaceAnswer
from certify.doorstep.traces import note_face
from certify.errors import Conflict
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference, measure_reference
from certify.service import Service
from certify.storage.duplicate_faces import pairs_of
from certify.storage.people import entitlements_of, references_of
from certify.storage.reviews import open_case_of, open_cases_of
from certify.storage.row_macs import RowAltered
from certify.storage.tables.people import ReferenceRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.certify.capture.sending import submit

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def portrait() -> Any:
    return faces.portraits()["eileen_collins"]


@pytest.fixture
def search(service: Service, engine: FaceEngine) -> DuplicateSearch:
    return DuplicateSearch(service, engine)


def _add(service: Service, number: str, photo: bytes) -> tuple[UUID, UUID]:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary(number, "Some Name", pension, birth_date=date(1950, 1, 1)))
        return person, add_reference(unit, person, photo)


def _enrol(service: Service, engine: FaceEngine, search: DuplicateSearch, number: str, photo: bytes) -> UUID:
    person, reference = _add(service, number, photo)
    assert measure_reference(service, engine, reference, search=search).state == "active"
    return person


def _case(service: Service, person: UUID) -> Any:
    with service.reading() as unit:
        return open_case_of(unit.db, person, CaseKind.DUPLICATE_FACE)


def _visited(service: Service, engine: FaceEngine, person: UUID, photo: bytes) -> str | None:
    session = submit(service, person, photo, Channel.DOORSTEP)
    return evaluate_session(service, engine, session, notice=note_face).certificate_number


def test_attack_one_face_for_two_people_opens_a_case_and_issues_no_certificate(
    service: Service, engine: FaceEngine, search: DuplicateSearch, portrait: Any
) -> None:
    first = _enrol(service, engine, search, "FACE0001", faces.encode(portrait))
    ghost = _enrol(service, engine, search, "FACE0002", faces.rephotograph(portrait, seed=1))
    other = _enrol(service, engine, search, "FACE0003", faces.encode(faces.portraits()["grace_hopper"]))
    with service.reading() as unit:
        (pair,) = pairs_of(unit.db, ghost)
        assert (pair.other_id, pair.answer) == (first, None)
        assert pair.llr > pair.threshold
        assert [case.kind for case in open_cases_of(unit.db, ghost)] == ["duplicate_face"]
        assert open_cases_of(unit.db, first) == open_cases_of(unit.db, other) == []
        assert entitlements_of(unit.db, ghost)[0].payment == "continue"
    assert _visited(service, engine, ghost, faces.rephotograph(portrait, seed=2)) is None
    # The person whose face it is is not held up.
    assert _visited(service, engine, first, faces.rephotograph(portrait, seed=3)) is not None


def test_twins_are_two_people_and_are_not_asked_about_again(
    service: Service, engine: FaceEngine, search: DuplicateSearch, portrait: Any
) -> None:
    _enrol(service, engine, search, "FACE0001", faces.encode(portrait))
    twin = _enrol(service, engine, search, "FACE0002", faces.rephotograph(portrait, seed=1))
    case = _case(service, twin)
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        rule(unit, case.id, officer="mei", decision=Decision.NO_CHANGE)
    assert refused.value.code == "cause_stands"
    with service.unit() as unit:
        answer_duplicate(unit, case.id, officer="mei", answer=FaceAnswer.TWO_PEOPLE)
    assert _case(service, twin) is None
    with service.unit() as unit:
        again = add_reference(unit, twin, faces.rephotograph(portrait, seed=4))
    measure_reference(service, engine, again, search=search)
    assert _case(service, twin) is None
    assert _visited(service, engine, twin, faces.rephotograph(portrait, seed=2)) is not None


def test_attack_one_officer_alone_says_that_two_pensions_are_of_two_people(
    service: Service, engine: FaceEngine, search: DuplicateSearch, portrait: Any
) -> None:
    _enrol(service, engine, search, "FACE0001", faces.encode(portrait))
    ghost = _enrol(service, engine, search, "FACE0002", faces.rephotograph(portrait, seed=1))
    case, why = _case(service, ghost), Why(ActionReason.OTHER, "They are twins.")
    with service.unit() as unit:
        proposal = propose(unit, Action.TWO_PEOPLE, str(case.id), officer="mei", why=why)
        assert proposal.state == "proposed"
    assert _case(service, ghost) is not None
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        carry_out(unit, proposal.id, officer="mei")
    assert refused.value.code == "second_officer_needed"
    with service.unit() as unit:
        assert carry_out(unit, proposal.id, officer="li").state == "carried_out"
    assert _case(service, ghost) is None


def test_attack_the_answer_is_written_to_the_database_directly(
    service: Service, engine: FaceEngine, search: DuplicateSearch, portrait: Any
) -> None:
    _enrol(service, engine, search, "FACE0001", faces.encode(portrait))
    ghost = _enrol(service, engine, search, "FACE0002", faces.rephotograph(portrait, seed=1))
    with service.unit() as unit:
        unit.db.execute(text("update duplicate_faces set answer = 'two_people'"))
    with pytest.raises(RowAltered), service.reading() as unit:
        pairs_of(unit.db, ghost)


def test_a_wrong_reference_is_refused_with_its_templates(
    service: Service, engine: FaceEngine, search: DuplicateSearch, portrait: Any
) -> None:
    _enrol(service, engine, search, "FACE0001", faces.encode(portrait))
    wrong = _enrol(service, engine, search, "FACE0002", faces.rephotograph(portrait, seed=1))
    case = _case(service, wrong)
    with service.unit() as unit:
        answer_duplicate(unit, case.id, officer="mei", answer=FaceAnswer.WRONG_REFERENCE)
    with service.unit() as unit:
        assert [row.state for row in references_of(unit.db, wrong)] == ["refused"]
        assert unit.db.query(ReferenceRow).filter_by(state="active").count() == 1
    with pytest.raises(Conflict) as refused, service.unit() as unit:
        answer_duplicate(unit, case.id, officer="mei", answer=FaceAnswer.TWO_PEOPLE)
    assert refused.value.code == "review_case_closed"
    # Enrolled again with a photo of their own.
    with service.unit() as unit:
        right = add_reference(unit, wrong, faces.encode(faces.portraits()["grace_hopper"]))
    assert measure_reference(service, engine, right, search=search).state == "active"
    assert _case(service, wrong) is None


def test_attack_two_workers_find_one_face_that_two_people_enrol_at_one_time(
    service: Service, engine: FaceEngine, portrait: Any
) -> None:
    people = [_add(service, f"FACE000{n}", faces.rephotograph(portrait, seed=n)) for n in (1, 2)]
    barrier = threading.Barrier(2)

    def work(reference: UUID) -> None:
        search = DuplicateSearch(service, engine)
        barrier.wait()
        measure_reference(service, engine, reference, search=search)

    _at_once(work, [reference for _, reference in people])
    assert sum(_case(service, person) is not None for person, _ in people) == 1


def test_attack_two_faces_of_one_person_measured_at_one_time_do_not_both_become_active(
    service: Service, engine: FaceEngine, portrait: Any
) -> None:
    person, first = _add(service, "FACE0001", faces.encode(portrait))
    with service.unit() as unit:
        second = add_reference(unit, person, faces.encode(faces.portraits()["grace_hopper"]))
    barrier = threading.Barrier(2)

    class Together:
        """The face models, each measurement of which waits for the other: both end before either is stored."""

        models, calibration = engine.models, engine.calibration
        compare = staticmethod(engine.compare)

        @staticmethod
        def measure(data: bytes) -> Any:
            found = engine.measure(data)
            barrier.wait()
            return found

    _at_once(lambda reference: measure_reference(service, Together(), reference), [first, second])  # type: ignore[arg-type]
    with service.reading() as unit:
        assert sorted(row.state for row in references_of(unit.db, person)) == ["active", "refused"]


def test_an_erased_face_is_forgotten_by_the_search(
    service: Service, engine: FaceEngine, search: DuplicateSearch, portrait: Any
) -> None:
    first = _enrol(service, engine, search, "FACE0001", faces.encode(portrait))
    assert search.read() == 1
    with service.unit() as unit:
        erase(unit, first)
    assert search.read() == 0
    later = _enrol(service, engine, search, "FACE0002", faces.rephotograph(portrait, seed=1))
    assert _case(service, later) is None


def _at_once(work: Any, subjects: list[UUID]) -> None:
    threads = [threading.Thread(target=work, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
