"""Watch agents: score their visits, and hold what a suspicious agent certified until a supervisor has investigated.

A hold is never silent. It is an adverse record of our own (``visit_in_question``) for everyone whose proof can rest on
the agent's visits: their certificates are paused, officers see one case each, and payments continue
(docs/decisions/0018-holding-is-an-adverse-record.md). A supervisor ends it for all of them at once. If the hold is
*released*, the records are taken back. If it is *confirmed*, the agent's certifications are taken back, and everyone is
visited again. An officer who sees one of the people ends the hold for that person.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from certify.decision.determine import determine
from certify.decision.unprocessable import UnprocessableReason, close_unprocessable
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, Void
from certify.domain.integrity import IntegrityScore, VisitTrace, base_rates, counts, follow, score
from certify.domain.ledger_events import LedgerEvent
from certify.domain.sources import FUND, INTEGRITY, officer_source
from certify.domain.states import AgentState, HoldState
from certify.doorstep.agents import set_agent_state
from certify.doorstep.calendar import local_time
from certify.doorstep.integrity_report import integrity_page
from certify.doorstep.planning import request_visits
from certify.doorstep.traces import open_trace, traces_of, unsigned
from certify.errors import Conflict, NotFound
from certify.service import Service, Unit
from certify.storage.agents import agents_to_score, all_agents, get_agent
from certify.storage.bundles import bundles_by_id
from certify.storage.facts import add_evidence, find_evidence
from certify.storage.holds import (
    agent_of_hold,
    decided_until,
    held_bundles,
    hold_record,
    lock_hold,
    open_hold_of,
    release_record,
    undecided_bundles,
)
from certify.storage.tables.doorstep import AgentHoldRow, BundleRow
from certify.storage.tables.people import BeneficiaryRow

log = logging.getLogger("certify.watch")

KIND = "visit_in_question"
"""Kind of the adverse record."""

SETTLED = timedelta(minutes=2)
"""Longer than any transaction that records a trace."""

WINDOW = 100
"""Newest visits that are scored: the first false ones do not show among a thousand good ones (domain/integrity.py)."""


def watch_agents(service: Service) -> list[UUID]:
    """Score the agents whose traces changed, and hold what the suspicious ones certified.

    Each agent has a transaction of its own, so that one failure does not stop the others.

    Args:
        service: the service.

    Returns:
        The agents with a new hold.
    """
    with service.reading() as unit:
        changed = agents_to_score(unit.db, SETTLED)
    held = []
    for agent_id in changed:
        try:
            with service.unit() as unit:
                if _watch(unit, agent_id):
                    held.append(agent_id)
        except Exception:
            log.exception("scoring an agent failed; the others go on")
    return held


@dataclass(frozen=True, slots=True)
class AgentScores:
    """All agents as a supervisor sees them.

    Attributes:
        scores: the score of each agent.
        steps: for each agent, the score after so many visits.
        names: badge and name of each agent.
    """

    scores: dict[UUID, IntegrityScore]
    steps: dict[UUID, tuple[tuple[int, float], ...]]
    names: dict[UUID, str]


def score_agents(unit: Unit) -> AgentScores:
    """Return the scores of all agents with their curves; it takes some tenths of a second for each agent."""
    agents = all_agents(unit.db)
    base = base_rates([row.counts for row in agents if row.counts])
    visits = {row.id: scored_visits(unit, row.id) for row in agents}
    return AgentScores(
        {agent: score(those, base) for agent, those in visits.items()},
        {agent: follow(those, base) for agent, those in visits.items()},
        {row.id: f"{row.badge} {row.name}" for row in agents},
    )


def scores_page(agents: AgentScores, made_at: datetime) -> str:
    """Return the scores of all agents as one HTML page with plots."""
    return integrity_page(
        {str(agent): score for agent, score in agents.scores.items()},
        {str(agent): steps for agent, steps in agents.steps.items()},
        made_at=made_at,
        names={str(agent): name for agent, name in agents.names.items()},
    )


def scored_visits(unit: Unit, agent_id: UUID, *, opened_after: datetime | None = None) -> list[VisitTrace]:
    """Return the newest visits of an agent as ``score`` takes them.

    Args:
        unit: the transaction.
        agent_id: id of the agent.
        opened_after: only visits opened after this instant; None for all of the newest ``WINDOW``.

    Returns:
        The visits, newest first.
    """
    traces = traces_of(unit, agent_id, limit=WINDOW)
    # Faces are compared with more visits than are scored, so a same face can be of a visit outside the window.
    ids = {trace.bundle_id for trace in traces} | {UUID(other) for trace in traces for other in trace.same_face}
    bundles = bundles_by_id(unit.db, ids)
    if opened_after is not None:
        traces = [trace for trace in traces if (bundles[trace.bundle_id].opened_at or unit.now) > opened_after]
    people = {str(bundle.id): str(bundle.beneficiary_id) for bundle in bundles.values()}
    visits = []
    for trace in traces:
        private, bundle = open_trace(unit, trace), bundles[trace.bundle_id]
        visits.append(
            VisitTrace(
                visit=str(trace.bundle_id),
                beneficiary=str(trace.beneficiary_id),
                at=local_time(unit, trace.at),
                seconds=trace.seconds,
                method=trace.method,
                latitude=private.latitude,
                longitude=private.longitude,
                accuracy_m=private.accuracy_m,
                from_home_m=private.from_home_m,
                passive=trace.passive,
                background=tuple(unsigned(value) for value in trace.background),
                same_face=tuple(people[other] for other in trace.same_face if other in people),
                clock_shift_s=trace.clock_shift_s,
                recheck=trace.recheck,
                chain=(str(bundle.tablet_id), bundle.seq),
            )
        )
    return visits


def release(unit: Unit, hold_id: UUID, *, officer: str) -> AgentHoldRow:
    """End a hold because there is an honest explanation; everyone stands as before.

    The visits that were investigated do not count against the agent again.

    Args:
        unit: the transaction.
        hold_id: id of the hold.
        officer: the supervisor who decides.

    Returns:
        The hold, in state ``released``.

    Raises:
        NotFound: no such hold (``hold_not_found``).
        Conflict: the hold was decided before (``hold_decided``).
    """
    hold = _open_hold(unit, hold_id)
    _decide(unit, hold, HoldState.RELEASED, officer)
    for bundle in held_bundles(unit.db, hold.agent_id):
        _take_back(unit, bundle)
    return hold


def confirm(unit: Unit, hold_id: UUID, *, officer: str) -> AgentHoldRow:
    """End a hold because the agent cheated.

    The agent is suspended, their certifications are taken back, and everyone is visited again.

    Args:
        unit: the transaction.
        hold_id: id of the hold.
        officer: the supervisor who decides.

    Returns:
        The hold, in state ``confirmed``.

    Raises:
        NotFound: no such hold (``hold_not_found``).
        Conflict: the hold was decided before (``hold_decided``).
    """
    hold = _open_hold(unit, hold_id)
    # Visits that came after the agent's last score are not held yet, and count as well.
    held = held_bundles(unit.db, hold.agent_id)
    bundles = {bundle.id: bundle for bundle in (*held, *_in_question(unit, hold.agent_id))}
    _decide(unit, hold, HoldState.CONFIRMED, officer)
    for bundle in sorted(bundles.values(), key=lambda bundle: (str(bundle.beneficiary_id), bundle.id)):
        _void_capture(unit, bundle, officer)
        if (person := _person_not_erased(unit, bundle)) is not None:
            request_visits(unit, [person], "recheck", rechecks={person: bundle.id})
        _take_back(unit, bundle)
    # This locks visits, so it comes last: every transaction locks people before visits.
    set_agent_state(unit, hold.agent_id, AgentState.SUSPENDED)
    return hold


def _watch(unit: Unit, agent_id: UUID) -> bool:
    """Score an agent, and hold the visits in question if the score says so; return whether the hold is new."""
    agent = get_agent(unit.db, agent_id, lock=True)
    visits = scored_visits(unit, agent_id, opened_after=decided_until(unit.db, agent_id))
    agent.counts, agent.watched_at = {name: list(pair) for name, pair in counts(visits).items()}, unit.now
    unit.db.flush()
    result = score(visits, base_rates([row.counts for row in all_agents(unit.db) if row.counts]))
    agent.score = result.score
    hold = open_hold_of(unit.db, agent_id)
    is_new = hold is None and result.flagged
    if is_new:
        unit.db.add(
            AgentHoldRow(
                id=unit.service.new_id(),
                agent_id=agent_id,
                state=HoldState.OPEN,
                score=result.score,
                signals=[
                    {"signal": one.signal.value, "hits": one.hits, "trials": one.trials, "surprise": one.surprise}
                    for one in result.signals
                    if one.hits
                ],
                opened_at=unit.now,
            )
        )
        unit.db.flush()
        unit.ledger(LedgerEvent.AGENT_HELD, None, agent=str(agent_id), score=round(result.score, 3))
    if hold is not None or is_new:
        # This includes visits that the agent sends while the hold is open.
        for bundle in _in_question(unit, agent_id):
            _hold(unit, bundle)
    return is_new


def _in_question(unit: Unit, agent_id: UUID) -> Sequence[BundleRow]:
    """Return the scored visits that can have certified a person and that no supervisor has decided yet."""
    visits = [trace.bundle_id for trace in traces_of(unit, agent_id, limit=WINDOW) if trace.method != "none"]
    return undecided_bundles(unit.db, visits, opened_after=decided_until(unit.db, agent_id))


def _hold(unit: Unit, bundle: BundleRow) -> None:
    person = _person_not_erased(unit, bundle)
    if person is None or find_evidence(unit.db, INTEGRITY, hold_record(bundle.id)) is not None:
        return
    fact = AdverseRecord(
        id=str(unit.service.new_id()),
        source=INTEGRITY,
        event_at=bundle.happened_at or unit.now,
        recorded_at=unit.now,
        institution=FUND,
        principal=unit.actor,
        kind=KIND,
    )
    add_evidence(unit.db, person, fact, external_id=hold_record(bundle.id))
    unit.ledger(LedgerEvent.EVIDENCE_RECORDED, person, evidence=fact.id, kind="AdverseRecord", source=INTEGRITY)
    unit.db.flush()
    determine(unit, person)


def _take_back(unit: Unit, bundle: BundleRow) -> None:
    person, record = _person_not_erased(unit, bundle), find_evidence(unit.db, INTEGRITY, hold_record(bundle.id))
    if person is not None and record is not None:
        _void(unit, person, str(record.id), INTEGRITY, release_record(bundle.id), by_officer=False)


def _void_capture(unit: Unit, bundle: BundleRow, officer: str) -> None:
    """Take the capture of a visit back; if it is not evaluated yet, only an officer will look at it."""
    person = _person_not_erased(unit, bundle)
    if person is None or bundle.session_id is None:
        return
    session = close_unprocessable(unit, bundle.session_id, reason=UnprocessableReason.VISIT_IN_DOUBT)
    if session.evidence_id is not None:
        source = officer_source(officer)
        _void(unit, person, str(session.evidence_id), source, f"visit:{bundle.id}", by_officer=True)


def _void(unit: Unit, person: UUID, target: str, source: str, number: str, *, by_officer: bool) -> None:
    fact = Void(
        id=str(unit.service.new_id()),
        source=source,
        event_at=unit.now,
        recorded_at=unit.now,
        institution=FUND,
        principal=unit.actor,
        target=target,
        by_officer=by_officer,
    )
    if not add_evidence(unit.db, person, fact, external_id=number):
        return
    unit.ledger(LedgerEvent.EVIDENCE_RECORDED, person, evidence=fact.id, kind="Void", source=source)
    unit.db.flush()
    determine(unit, person)


def _open_hold(unit: Unit, hold_id: UUID) -> AgentHoldRow:
    """Lock and return a hold that is to be decided. Its agent is locked too, so that no more visits are held."""
    agent_id = agent_of_hold(unit.db, hold_id)
    if agent_id is None:
        raise NotFound("There is no such hold.", code=ErrorCode.HOLD_NOT_FOUND)
    get_agent(unit.db, agent_id, lock=True)
    hold = lock_hold(unit.db, hold_id)
    if hold.state != HoldState.OPEN:
        raise Conflict("This hold was decided already.", code=ErrorCode.HOLD_DECIDED)
    return hold


def _decide(unit: Unit, hold: AgentHoldRow, state: str, officer: str) -> None:
    hold.state, hold.decided_at, hold.decided_by = state, unit.now, officer
    unit.db.flush()
    unit.ledger(LedgerEvent.AGENT_HOLD_DECIDED, None, agent=str(hold.agent_id), outcome=state, officer=officer)


def _person_not_erased(unit: Unit, bundle: BundleRow) -> UUID | None:
    """Return the person of a visit; None if they were erased."""
    person = None if bundle.beneficiary_id is None else unit.db.get(BeneficiaryRow, bundle.beneficiary_id)
    return None if person is None or person.erased_at is not None else person.id
