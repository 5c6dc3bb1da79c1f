"""Routes for what an officer must not do alone: propose, list, carry out, refuse and recall."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api import views
from api.auth import DESK, READERS, allow
from api.errors import CHANGES, problems
from api.idempotency import Once, once
from api.proposed import PROPOSES, WAITS, own_proposal, proposing, status_of
from api.schemas.proposals import ProposalIn, ProposalOut, ProposalPage
from api.scope import require_person
from api.state import service_of
from certify.approvals.actions import carry_out
from certify.decision.findings import Found, with_details
from certify.decision.proposals import recall_proposal, refuse_proposal
from certify.domain.four_eyes import Action
from certify.domain.states import ProposalState
from certify.issuers.tokens import Principal
from certify.service import Service, Unit
from certify.storage.proposals import ProposalFilter, get_proposal, list_proposals

router = APIRouter(prefix="/v1/proposals", tags=["proposals"])

_Desk = Annotated[Principal, Depends(allow(*DESK))]
_Reader = Annotated[Principal, Depends(allow(*READERS))]
_Once = Annotated[Once, Depends(once)]
_Service = Annotated[Service, Depends(service_of)]


@router.post("", status_code=202, response_model=ProposalOut, responses=PROPOSES)
def make(body: ProposalIn, caller: _Desk, once: _Once) -> Response:
    """Propose an action. It waits for a second officer (202), or is done (200) if the policy asks for one officer."""
    why = body
    if body.finding is not None:
        found = Found(body.finding.about, body.finding.scheme, body.finding.since, body.finding.until)
        why = body.model_copy(update={"text": with_details(found, body.text)})
    return once.run(caller, proposing(caller, body.action, body.target, why), status=status_of)


@router.get("", responses=problems(401, 403, 404, 422, 503))
def list_all(
    caller: _Reader,
    service: _Service,
    state: Annotated[ProposalState | None, Query(description="Only proposals in this state")] = None,
    action: Annotated[Action | None, Query(description="Only proposals of this action")] = None,
    beneficiary_id: Annotated[UUID | None, Query(description="Only proposals about this person")] = None,
    proposed_by: Annotated[str | None, Query(max_length=300, description="Only proposals of this principal")] = None,
    after: Annotated[UUID | None, Query(description="The 'next' of the previous page")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ProposalPage:
    """List the proposals about people in the scope of the token, oldest first, a page at a time."""
    wanted = ProposalFilter(state=state, action=action, beneficiary_id=beneficiary_id, proposed_by=proposed_by)
    with service.reading() as unit:
        rows = list_proposals(unit.db, wanted, after=after, limit=limit + 1, scope=caller.scope)
        items = [views.proposal(unit, row) for row in rows[:limit]]
    return ProposalPage(items=items, next=items[-1].id if len(rows) > limit else None)


@router.get("/{proposal_id}", responses=problems(401, 403, 404, 422, 503))
def show(proposal_id: UUID, caller: _Reader, service: _Service) -> ProposalOut:
    """Show a proposal with its reason."""
    with service.reading() as unit:
        row = get_proposal(unit.db, proposal_id)
        if row.beneficiary_id is not None:
            require_person(unit, caller, row.beneficiary_id)
        return views.proposal(unit, row)


@router.post("/{proposal_id}/carry-out", response_model=ProposalOut, responses=CHANGES | WAITS)
def agree(proposal_id: UUID, caller: _Desk, once: _Once) -> Response:
    """Carry a proposal out, as the second officer. An erasure then waits (202), and can be recalled until it is due."""

    def work(unit: Unit) -> ProposalOut:
        own_proposal(unit, caller, get_proposal(unit.db, proposal_id))
        return views.proposal(unit, carry_out(unit, proposal_id, officer=caller.key))

    return once.run(caller, work, status=status_of)


@router.post("/{proposal_id}/refuse", response_model=ProposalOut, responses=CHANGES)
def refuse(proposal_id: UUID, caller: _Desk, once: _Once) -> Response:
    """Refuse a proposal, as the second officer."""

    def work(unit: Unit) -> ProposalOut:
        own_proposal(unit, caller, get_proposal(unit.db, proposal_id))
        return views.proposal(unit, refuse_proposal(unit, proposal_id, officer=caller.key))

    return once.run(caller, work, status=200)


@router.post("/{proposal_id}/recall", response_model=ProposalOut, responses=CHANGES)
def recall(proposal_id: UUID, caller: _Desk, once: _Once) -> Response:
    """Recall your own proposal, or any erasure that waits for its time."""

    def work(unit: Unit) -> ProposalOut:
        own_proposal(unit, caller, get_proposal(unit.db, proposal_id))
        return views.proposal(unit, recall_proposal(unit, proposal_id, by=caller.key))

    return once.run(caller, work, status=200)
