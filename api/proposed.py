"""Turn a request for an action that one officer must not do alone into a proposal, with the caller's scope checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from api import views
from api.errors import CHANGES
from api.schemas.proposals import ProposalOut, WhyIn
from api.scope import outside_scope, require_agent, require_whole_person
from certify.approvals.actions import person_of, propose
from certify.decision.proposals import Why
from certify.domain.four_eyes import Action
from certify.domain.states import ProposalState
from certify.issuers.tokens import Principal
from certify.service import Unit
from certify.storage.bundles import lock_bundle
from certify.storage.tables.proposals import ProposalRow

PROPOSES: dict[int | str, dict[str, Any]] = CHANGES | {
    200: {"model": ProposalOut, "description": "Done: the policy asks for one officer only."}
}
"""Answers of a route that proposes an action, besides 202."""

WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": ProposalOut, "description": "Agreed; it is carried out when its waiting time is over."}
}
"""The answer of a route that carries a proposal out, if the action waits."""


def proposing(caller: Principal, action: Action, target: str, why: WhyIn) -> Callable[[Unit], ProposalOut]:
    """Return the work of a route that proposes an action.

    Args:
        caller: the officer.
        action: what is to be done.
        target: id of the case, person, reference or visit, or number of the certificate.
        why: the reason.
    """

    def work(unit: Unit) -> ProposalOut:
        return views.proposal(unit, make_proposal(unit, caller, action, target, why))

    return work


def make_proposal(unit: Unit, caller: Principal, action: Action, target: str, why: WhyIn) -> ProposalRow:
    """Propose an action, if its person lies in the caller's scope.

    Raises:
        NotFound: as for :func:`certify.approvals.actions.propose`, or the person lies outside the scope.
        Forbidden: the caller does not work for every pension of the person (``outside_scope``).
        Invalid: as for :func:`certify.approvals.actions.propose`.
        Conflict: as for :func:`certify.approvals.actions.propose`.
        Gone: the person was erased (``person_erased``).
    """
    _guard(unit, caller, action, target, person_of(unit, action, target))
    return propose(unit, action, target, officer=caller.key, why=Why(why.reason, why.text))


def own_proposal(unit: Unit, caller: Principal, row: ProposalRow) -> None:
    """Check that the caller may decide about the person of a proposal.

    Raises:
        NotFound: the person or the agent lies outside the scope (``beneficiary_not_found``, ``agent_not_found``).
        Forbidden: the caller does not work for every pension of the person, or no one knows whose visit it is and the
            caller works for a part only (``outside_scope``).
    """
    _guard(unit, caller, Action(row.action), row.target, row.beneficiary_id)


def status_of(answer: BaseModel) -> int:
    """Return 202 for an answer with a proposal that waits for a second officer or for its time, else 200."""
    proposal = getattr(answer, "proposal", answer)
    waits = getattr(proposal, "state", None) in (ProposalState.PROPOSED, ProposalState.WAITING)
    return 202 if waits else 200


def _guard(unit: Unit, caller: Principal, action: Action, target: str, person: UUID | None) -> None:
    if action is Action.ADMIT_VISIT:
        require_agent(unit, caller, lock_bundle(unit.db, UUID(target)).agent_id)
    if person is not None:
        require_whole_person(unit, caller, person)
    elif not caller.scope.is_everything:
        raise outside_scope()
