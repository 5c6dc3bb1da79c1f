"""Guard every person and every agent that a route names: they must lie in the schemes and regions of the caller.

The guard also refuses the row of decoy sessions, which is not a person, in every route.
"""

from __future__ import annotations

from uuid import UUID

from fastapi.concurrency import run_in_threadpool

from api.errors import Forbidden
from certify.domain.error_codes import ErrorCode
from certify.domain.scope import Scope
from certify.errors import NotFound
from certify.issuers.tokens import Principal
from certify.service import Service, Unit
from certify.storage.agents import get_agent
from certify.storage.people import DECOY_PERSON, beneficiary_not_found, refuse_decoy
from certify.storage.scope import reach_of


def require_person(unit: Unit, caller: Principal, beneficiary_id: UUID) -> UUID:
    """Check that the caller may read a person.

    Args:
        unit: the transaction to read in.
        caller: the caller.
        beneficiary_id: id of the person.

    Returns:
        The id.

    Raises:
        NotFound: there is no such person, or the caller works for none of their pensions or not for their region
            (``beneficiary_not_found``). The answer is the same, so that it tells nothing.
    """
    _require(unit, caller.scope, beneficiary_id)
    return beneficiary_id


def require_whole_person(unit: Unit, caller: Principal, beneficiary_id: UUID) -> UUID:
    """Check that the caller may change a person. A change touches all pensions, so the scope must cover them all.

    Args:
        unit: the transaction to read in.
        caller: the caller.
        beneficiary_id: id of the person.

    Returns:
        The id.

    Raises:
        NotFound: as for :func:`require_person` (``beneficiary_not_found``).
        Forbidden: the caller does not work for every pension of the person (``outside_scope``).
    """
    reach = _require(unit, caller.scope, beneficiary_id)
    if reach is not None and not caller.scope.covers(*reach):
        raise outside_scope()
    return beneficiary_id


async def require_person_quickly(service: Service, caller: Principal, beneficiary_id: UUID) -> None:
    """Do what :func:`require_person` does in a route that uses no thread, unless the scope must be looked up.

    Raises:
        NotFound: as for :func:`require_person` (``beneficiary_not_found``).
    """
    if beneficiary_id == DECOY_PERSON or not caller.scope.is_everything:

        def check() -> None:
            with service.reading() as unit:
                require_person(unit, caller, beneficiary_id)

        await run_in_threadpool(check)


def require_agent(unit: Unit, caller: Principal, agent_id: UUID) -> UUID:
    """Check that the caller works for the area of an agent.

    Args:
        unit: the transaction to read in.
        caller: the caller.
        agent_id: id of the agent.

    Returns:
        The id.

    Raises:
        NotFound: there is no such agent, or their area lies outside the caller's regions (``agent_not_found``).
    """
    if not caller.scope.covers_region(get_agent(unit.db, agent_id).area):
        raise NotFound("There is no such agent.", code=ErrorCode.AGENT_NOT_FOUND)
    return agent_id


def outside_scope() -> Forbidden:
    """Return the refusal of a change outside the caller's schemes and regions."""
    return Forbidden(
        "This lies outside the schemes and regions of your token.",
        hint="Ask a colleague who works for them.",
        code=ErrorCode.OUTSIDE_SCOPE,
    )


def _require(unit: Unit, scope: Scope, beneficiary_id: UUID) -> tuple[list[str], str | None] | None:
    """Return the schemes and the region of a person; None if the scope is everything and they were not read."""
    refuse_decoy([beneficiary_id])
    if scope.is_everything:
        return None
    reach = reach_of(unit.db, beneficiary_id)
    if reach is None or not scope.touches(*reach):
        raise beneficiary_not_found()
    return reach
