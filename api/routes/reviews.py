"""Routes about review cases and officers' rulings."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api import views
from api.auth import DESK, READERS, allow
from api.errors import CHANGES, CHANGES_WITHOUT_410, problems
from api.idempotency import Once, once
from api.proposed import make_proposal, status_of
from api.schemas.decisions import (
    CaseIn,
    ContradictionList,
    ContradictionOut,
    FaceAnswerIn,
    FacePairList,
    FacePairOut,
    ReviewCaseList,
    ReviewCaseOut,
    RulingIn,
    RulingOut,
)
from api.schemas.proposals import WhyIn
from api.scope import require_person, require_whole_person
from api.state import service_of
from certify.capture.contradictions import contradictions_of
from certify.decision.cases import open_case
from certify.domain.case_kinds import CaseKind
from certify.domain.four_eyes import Action
from certify.issuers.tokens import Principal
from certify.service import Service, Unit
from certify.storage.duplicate_faces import pairs_of
from certify.storage.people import get_beneficiary
from certify.storage.reviews import get_case, list_cases

router = APIRouter(prefix="/v1/review-cases", tags=["review cases"])


@router.get("", responses=problems(401, 403, 422, 503))
def list_all(
    caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
    state: Literal["open", "closed"] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReviewCaseList:
    """List the review cases about people in the scope of the token, oldest first."""
    with service.reading() as unit:
        rows = list_cases(unit.db, state=state, limit=limit, scope=caller.scope)
        return ReviewCaseList(items=[views.review_case(row) for row in rows])


@router.post(
    "",
    status_code=201,
    response_model=ReviewCaseOut,
    responses=CHANGES_WITHOUT_410,
)
def open_review_case(
    body: CaseIn,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Open a review case for a person: an appeal, or a proof of life in person. It does not change the payment."""

    def work(unit: Unit) -> ReviewCaseOut:
        require_whole_person(unit, caller, body.beneficiary_id)
        return views.review_case(open_case(unit, body.beneficiary_id, kind=CaseKind(body.kind)))

    return once.run(caller, work, status=201)


@router.get("/{case_id}", responses=problems(401, 403, 404, 422, 503))
def show(
    case_id: UUID,
    caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> ReviewCaseOut:
    """Show a review case."""
    with service.reading() as unit:
        case = get_case(unit.db, case_id)
        require_person(unit, caller, case.beneficiary_id)
        return views.review_case(case)


@router.post(
    "/{case_id}/faces",
    response_model=RulingOut,
    responses=CHANGES | {202: {"model": RulingOut, "description": "Proposed; a second officer has to decide."}},
)
def answer_faces(
    case_id: UUID,
    body: FaceAnswerIn,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Answer a case about a duplicate face, or propose the answer (202) if the policy asks for a second officer.

    When it is carried out, the person is determined again; a certificate may be issued.
    """
    return once.run(caller, lambda unit: _decide(unit, caller, Action(body.answer), case_id, body), status=status_of)


@router.get("/{case_id}/faces", responses=problems(401, 403, 404, 422, 503))
def show_faces(
    case_id: UUID,
    caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> FacePairList:
    """List the people whose face looks like the one that a case about a duplicate face is about, by their ids."""
    with service.reading() as unit:
        person = _person_of(unit, caller, case_id)
        pairs = pairs_of(unit.db, person)
        return FacePairList(
            items=[
                FacePairOut(
                    beneficiary_id=pair.beneficiary_id,
                    reference_id=pair.reference_id,
                    other_beneficiary_id=pair.other_id,
                    other_reference_id=pair.other_reference_id,
                    found_at=pair.found_at,
                    answer=pair.answer,
                )
                for pair in pairs
            ]
        )


@router.get("/{case_id}/cameras", responses=problems(401, 403, 404, 422, 503))
def show_cameras(
    case_id: UUID,
    caller: Annotated[Principal, Depends(allow(*READERS))],
    service: Annotated[Service, Depends(service_of)],
) -> ContradictionList:
    """List what the cameras of the person's newest captures contradicted, with what each contradiction may do."""
    with service.reading() as unit:
        person = _person_of(unit, caller, case_id)
        return ContradictionList(
            items=[
                ContradictionOut(
                    session_id=found.session_id,
                    decided_at=found.decided_at,
                    code=found.code,
                    effect=found.effect.value,
                    text=found.text,
                )
                for found in contradictions_of(unit, person)
            ]
        )


@router.post(
    "/{case_id}/ruling",
    response_model=RulingOut,
    responses=CHANGES | {202: {"model": RulingOut, "description": "Proposed; a second officer has to decide."}},
)
def give_ruling(
    case_id: UUID,
    body: RulingIn,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Decide a review case, or propose the decision (202) if the policy asks for a second officer.

    When it is carried out, the person is determined again, so certificate and payment change at once.
    """
    return once.run(caller, lambda unit: _decide(unit, caller, Action(body.ruling), case_id, body), status=status_of)


def _person_of(unit: Unit, caller: Principal, case_id: UUID) -> UUID:
    """Return the person of a case that lies in the caller's scope."""
    person = get_case(unit.db, case_id).beneficiary_id
    require_person(unit, caller, person)
    return person


def _decide(unit: Unit, caller: Principal, action: Action, case_id: UUID, why: WhyIn) -> RulingOut:
    row = make_proposal(unit, caller, action, str(case_id), why)
    case = get_case(unit.db, case_id)
    person = views.beneficiary(unit, get_beneficiary(unit.db, case.beneficiary_id))
    return RulingOut(proposal=views.proposal(unit, row), case=views.review_case(case), beneficiary=person)
