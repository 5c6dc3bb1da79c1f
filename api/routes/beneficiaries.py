"""Routes about beneficiaries: enrol, find, show and erase them, and add records of registries."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api import views
from api.auth import DESK, READERS, allow
from api.errors import CHANGES, Forbidden, problems
from api.idempotency import Once, once
from api.proposed import PROPOSES, proposing, status_of
from api.schemas.decisions import RecordIn, RecordOut
from api.schemas.people import BeneficiaryIn, BeneficiaryOut, BeneficiaryPage, EnrolledOut, EntitlementIn, LookupIn
from api.schemas.proposals import ProposalOut, WhyIn
from api.scope import outside_scope, require_person, require_whole_person
from api.state import service_of
from certify.decision.determine import determine
from certify.decision.record import NewRecord, record
from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Action
from certify.domain.schedule import local_date
from certify.errors import NotFound
from certify.files.terms_columns import COLUMNS, read_columns
from certify.issuers.tokens import Principal, Role
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.identifiers import look_up
from certify.service import Service, Unit
from certify.storage.people import get_beneficiary, list_beneficiaries

router = APIRouter(prefix="/v1/beneficiaries", tags=["beneficiaries"])

_READERS = allow(*READERS)


@router.post("", status_code=201, response_model=BeneficiaryOut, responses=problems(400, 401, 403, 409, 413, 422, 503))
def enrol(
    body: BeneficiaryIn,
    caller: Annotated[Principal, Depends(allow(Role.ENROLLER, *DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Enrol a person with their pensions. Only an officer may state an earlier proof of life (``last_proof_on``)."""
    if not caller.scope.covers([pension.scheme for pension in body.entitlements], body.region):
        raise outside_scope()
    if caller.role not in DESK and any(pension.last_proof_on is not None for pension in body.entitlements):
        raise Forbidden(
            "Only an officer may state an earlier proof of life.",
            hint="Leave 'last_proof_on' out, or let an officer import the person.",
            code=ErrorCode.LAST_PROOF_BY_OFFICER,
        )

    def work(unit: Unit) -> BeneficiaryOut:
        person = NewBeneficiary(
            national_id=body.national_id,
            card_number=body.card_number,
            name=body.name,
            birth_date=body.birth_date,
            region=body.region,
            needs=tuple(body.needs),
            entitlements=tuple(_entitlement(unit, pension) for pension in body.entitlements),
        )
        beneficiary_id = add_beneficiary(unit, person)
        determine(unit, beneficiary_id)
        return views.beneficiary(unit, get_beneficiary(unit.db, beneficiary_id))

    return once.run(caller, work, status=201)


def _entitlement(unit: Unit, pension: EntitlementIn) -> NewEntitlement:
    zone = unit.service.policy(pension.scheme).policy.timezone
    asked_from = local_date(unit.now, zone) if pension.paid_already else None
    stated = {name: str(value) for name in COLUMNS if (value := getattr(pension, name)) is not None}
    days = {"ends_on": pension.ends_on, "review_on": None if pension.review_on == "never" else pension.review_on}
    terms = read_columns(stated, pension.starts_on, days.get)
    return NewEntitlement(pension.scheme, pension.starts_on, pension.last_proof_on, asked_from, terms)


@router.get("", responses=problems(401, 403, 422, 503))
def list_all(
    caller: Annotated[Principal, Depends(_READERS)],
    service: Annotated[Service, Depends(service_of)],
    after: Annotated[UUID | None, Query(description="The 'next' of the previous page")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> BeneficiaryPage:
    """List the people in the scope of the token, a page at a time."""
    with service.reading() as unit:
        rows = list_beneficiaries(unit.db, after=after, limit=limit + 1, scope=caller.scope)
        items = [views.beneficiary(unit, row, caller.scope) for row in rows[:limit]]
    return BeneficiaryPage(items=items, next=items[-1].id if len(rows) > limit else None)


@router.post("/lookup", responses=problems(401, 403, 404, 413, 422, 503))
def find(
    body: LookupIn,
    caller: Annotated[Principal, Depends(_READERS)],
    service: Annotated[Service, Depends(service_of)],
) -> BeneficiaryOut:
    """Find a person by national id or card number. The request changes nothing."""
    with service.reading() as unit:
        beneficiary_id = _find(unit, caller, body)
        return views.beneficiary(unit, get_beneficiary(unit.db, beneficiary_id), caller.scope)


@router.post("/resolve", responses=problems(401, 403, 404, 413, 422, 503))
def resolve(
    body: LookupIn,
    caller: Annotated[Principal, Depends(allow(Role.REGISTRY, Role.ENROLLER))],
    service: Annotated[Service, Depends(service_of)],
) -> EnrolledOut:
    """Return the id under which a person is enrolled, and nothing else. The request changes nothing."""
    with service.reading() as unit:
        return EnrolledOut(id=_find(unit, caller, body))


@router.get("/{beneficiary_id}", responses=problems(401, 403, 404, 422, 503))
def show(
    beneficiary_id: UUID,
    caller: Annotated[Principal, Depends(_READERS)],
    service: Annotated[Service, Depends(service_of)],
) -> BeneficiaryOut:
    """Show a person with the standing of their pensions."""
    with service.reading() as unit:
        require_person(unit, caller, beneficiary_id)
        return views.beneficiary(unit, get_beneficiary(unit.db, beneficiary_id), caller.scope)


@router.post(
    "/{beneficiary_id}/records",
    status_code=201,
    response_model=RecordOut,
    responses=CHANGES,
)
def add_record(
    beneficiary_id: UUID,
    body: RecordIn,
    caller: Annotated[Principal, Depends(allow(Role.REGISTRY, *DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Add an adverse record, a sign of life, or the void of one. The person is then determined again.

    A registry names one of its sources. An officer names none: what officers record counts as one source each, and as
    one institution together.
    """
    if caller.role is Role.REGISTRY and body.source is not None and body.source not in caller.sources:
        raise Forbidden(f"This token does not speak for the source '{body.source}'.", code=ErrorCode.SOURCE_NOT_YOURS)
    officer = caller.key if caller.role in DESK else None

    def work(unit: Unit) -> RecordOut:
        require_whole_person(unit, caller, beneficiary_id)
        new = NewRecord(
            source=body.source,
            record_id=body.record_id,
            event_at=body.event_at,
            adverse=body.adverse,
            act=body.act,
            voids=body.voids,
            country=body.country,
        )
        evidence_id, _ = record(unit, beneficiary_id, new, officer=officer)
        if caller.role is Role.REGISTRY:  # it tells us something; it is told nothing about the person
            return RecordOut(evidence_id=evidence_id, beneficiary=None)
        person = views.beneficiary(unit, get_beneficiary(unit.db, beneficiary_id))
        return RecordOut(evidence_id=evidence_id, beneficiary=person)

    return once.run(caller, work, status=201)


@router.post(
    "/{beneficiary_id}/erasure",
    status_code=202,
    response_model=ProposalOut,
    responses=PROPOSES,
)
def erase_person(
    beneficiary_id: UUID,
    body: WhyIn,
    caller: Annotated[Principal, Depends(allow(*DESK))],
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Propose to erase a person. After a second officer has agreed, the erasure waits and can be recalled.

    When it is carried out, images, templates and ids cannot be read again, by the service or by anyone else.
    """
    return once.run(caller, proposing(caller, Action.ERASE, str(beneficiary_id), body), status=status_of)


def _find(unit: Unit, caller: Principal, body: LookupIn) -> UUID:
    beneficiary_id = look_up(unit, national_id=body.national_id, card_number=body.card_number)
    if beneficiary_id is None:
        raise NotFound("No person with this number is enrolled.", code=ErrorCode.BENEFICIARY_NOT_FOUND)
    return require_person(unit, caller, beneficiary_id)
