"""Watching agents: scores of their visits, and holding what one certified until a supervisor has looked.

A hold is never silent. It is an adverse record of our own (``visit_in_question``) for everybody whose proof may rest on
the agent's visits: their certificates are paused, officers see a case each, and payments go on
(docs/decisions/0018-holding-is-an-adverse-record.md). A supervisor ends it for all at once: *released*, the records are
taken back; *confirmed*, what the agent certified is taken back, and everybody is visited again. An officer who sees one
of the people ends it for that one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import String, cast, exists, func, literal, or_, select

from certify.decision.determine import determine
from certify.decision.unprocessable import UnprocessableReason, close_unprocessable
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, Void
from certify.domain.integrity import IntegrityScore, VisitTrace, base_rates, counts, follow, score
from certify.domain.ledger_events import LedgerEvent
from certify.domain.sources import INTEGRITY
from certify.domain.states import AgentState, BundleState, HoldState
from certify.doorstep.agents import all_agents, get_agent, set_agent_state
from certify.doorstep.calendar import clock_there
from certify.doorstep.integrity_report import integrity_page
from certify.doorstep.planning import put_down
from certify.doorstep.traces import open_trace, traces_of, unsigned
from certify.errors import Conflict, NotFound
from certify.service import Service, Unit
from certify.storage.facts import add_evidence, find_evidence
from certify.storage.tables.decisions import EvidenceRow
from certify.storage.tables.doorstep import AgentHoldRow, AgentRow, BundleRow, VisitTraceRow
from certify.storage.tables.people import BeneficiaryRow

log = logging.getLogger("certify.watch")

KIND = "visit_in_question"
SETTLED = timedelta(minutes=2)
"""Longer than any transaction that notes a visit lasts."""
WINDOW = 100
"""Newest visits that are scored: among a thousand good ones the first false ones would drown (domain/integrity.py)."""


def watch_agents(service: Service) -> list[UUID]:
    """Score the agents whose visits changed, and hold what the suspicious ones certified; return the newly held.

    Each agent in a transaction of its own, so that one failure holds up nobody else.
    """
    with service.reading() as unit:
        changed = _changed(unit)
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
class Looked:
    """All agents as a supervisor sees them: by agent, the score, how it grew visit by visit, and who it is."""

    scores: dict[UUID, IntegrityScore]
    steps: dict[UUID, tuple[tuple[int, float], ...]]
    names: dict[UUID, str]


def look_at_agents(unit: Unit) -> Looked:
    """Return the scores of all agents with their curves; some tenths of a second for each agent."""
    agents = all_agents(unit)
    base = base_rates([row.counts for row in agents if row.counts])
    visits = {row.id: visits_of(unit, row.id) for row in agents}
    return Looked(
        {agent: score(those, base) for agent, those in visits.items()},
        {agent: follow(those, base) for agent, those in visits.items()},
        {row.id: f"{row.badge} {row.name}" for row in agents},
    )


def page_of(found: Looked, made_at: datetime) -> str:
    """Return what a supervisor sees of all agents as one HTML page with plots."""
    return integrity_page(
        {str(agent): score for agent, score in found.scores.items()},
        {str(agent): steps for agent, steps in found.steps.items()},
        made_at=made_at,
        names={str(agent): name for agent, name in found.names.items()},
    )


def visits_of(unit: Unit, agent_id: UUID, *, opened_after: datetime | None = None) -> list[VisitTrace]:
    """Return the newest visits of an agent as the scores take them, or of them those opened after an instant."""
    traces = traces_of(unit, agent_id, limit=WINDOW)
    # Faces are compared farther back than scores look, so some of the same are of visits that are not among these.
    ids = {trace.bundle_id for trace in traces} | {UUID(other) for trace in traces for other in trace.same_face}
    bundles = {row.id: row for row in unit.db.scalars(select(BundleRow).where(BundleRow.id.in_(ids)))}
    if opened_after is not None:
        traces = [trace for trace in traces if (bundles[trace.bundle_id].opened_at or unit.now) > opened_after]
    people = {str(bundle.id): str(bundle.beneficiary_id) for bundle in bundles.values()}
    found = []
    for trace in traces:
        private, bundle = open_trace(unit, trace), bundles[trace.bundle_id]
        found.append(
            VisitTrace(
                visit=str(trace.bundle_id),
                beneficiary=str(trace.beneficiary_id),
                at=clock_there(unit, trace.at),
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
    return found


def open_holds(unit: Unit) -> Sequence[AgentHoldRow]:
    """Return the holds that wait for a supervisor, oldest first."""
    query = select(AgentHoldRow).where(AgentHoldRow.state == HoldState.OPEN)
    return unit.db.scalars(query.order_by(AgentHoldRow.opened_at)).all()


def release(unit: Unit, hold_id: UUID, *, officer: str) -> AgentHoldRow:
    """End a hold: there is an honest explanation. Everybody stands as before. Raises NotFound, Conflict.

    The visits looked at are not held against the agent again.
    """
    hold = _open_hold(unit, hold_id)
    _decide(unit, hold, HoldState.RELEASED, officer)
    for bundle in _held(unit, hold.agent_id):
        _take_back(unit, bundle)
    return hold


def confirm(unit: Unit, hold_id: UUID, *, officer: str) -> AgentHoldRow:
    """End a hold: the agent cheated. They are suspended, what they certified is taken back, everybody is visited anew.

    Raises NotFound, Conflict (``hold_decided``).
    """
    hold = _open_hold(unit, hold_id)
    # Also what came since the agent's visits were last looked at, and is not held yet.
    bundles = {bundle.id: bundle for bundle in (*_held(unit, hold.agent_id), *_in_question(unit, hold.agent_id))}
    _decide(unit, hold, HoldState.CONFIRMED, officer)
    for bundle in sorted(bundles.values(), key=lambda bundle: (str(bundle.beneficiary_id), bundle.id)):
        _void_capture(unit, bundle, officer)
        if (person := _living(unit, bundle)) is not None:
            put_down(unit, [person], "recheck", rechecks={person: bundle.id})
        _take_back(unit, bundle)
    # Visits last, as everybody locks them after the people.
    set_agent_state(unit, hold.agent_id, AgentState.SUSPENDED)
    return hold


def _changed(unit: Unit) -> list[UUID]:
    trace = VisitTraceRow
    # What was noted just before may not have been there to be seen: transactions are as old as their beginning.
    new = or_(AgentRow.watched_at.is_(None), trace.noted_at > AgentRow.watched_at - SETTLED)
    query = select(AgentRow.id).where(exists().where(trace.agent_id == AgentRow.id, new))
    return list(unit.db.scalars(query.order_by(AgentRow.id)))


def _watch(unit: Unit, agent_id: UUID) -> bool:
    agent = get_agent(unit, agent_id, lock=True)
    visits = visits_of(unit, agent_id, opened_after=_decided_until(unit, agent_id))
    agent.counts, agent.watched_at = {name: list(pair) for name, pair in counts(visits).items()}, unit.now
    unit.db.flush()
    found = score(visits, base_rates([row.counts for row in all_agents(unit) if row.counts]))
    agent.score = found.score
    hold = unit.db.scalars(
        select(AgentHoldRow).where(AgentHoldRow.agent_id == agent_id, AgentHoldRow.state == HoldState.OPEN)
    ).one_or_none()
    is_new = hold is None and found.flagged
    if is_new:
        unit.db.add(
            AgentHoldRow(
                id=unit.service.new_id(),
                agent_id=agent_id,
                state=HoldState.OPEN,
                score=found.score,
                signals=[
                    {"signal": one.signal.value, "hits": one.hits, "trials": one.trials, "surprise": one.surprise}
                    for one in found.signals
                    if one.hits
                ],
                opened_at=unit.now,
            )
        )
        unit.db.flush()
        unit.ledger(LedgerEvent.AGENT_HELD, None, agent=str(agent_id), score=round(found.score, 3))
    if hold is not None or is_new:
        # Also what the agent sends while the hold is open.
        for bundle in _in_question(unit, agent_id):
            _hold(unit, bundle)
    return is_new


def _decided_until(unit: Unit, agent_id: UUID) -> datetime | None:
    """Return up to when a supervisor has decided about what came in, whichever way."""
    return unit.db.scalar(select(func.max(AgentHoldRow.decided_at)).where(AgentHoldRow.agent_id == agent_id))


def _in_question(unit: Unit, agent_id: UUID) -> Sequence[BundleRow]:
    """Return the visits by which somebody may have been certified, as far back as scores look, and not decided yet."""
    visits = [trace.bundle_id for trace in traces_of(unit, agent_id, limit=WINDOW) if trace.method != "none"]
    query = select(BundleRow).where(BundleRow.id.in_(visits)).order_by(BundleRow.beneficiary_id, BundleRow.id)
    if (until := _decided_until(unit, agent_id)) is not None:
        query = query.where(BundleRow.opened_at > until)
    return unit.db.scalars(query).all()


def _held(unit: Unit, agent_id: UUID) -> Sequence[BundleRow]:
    """Return the visits of an agent that are held, however long ago they were; none that was given back before."""
    record = EvidenceRow
    number = literal("bundle:") + cast(BundleRow.id, String)
    held = exists().where(record.source == INTEGRITY, record.external_id == number)
    back = exists().where(record.source == INTEGRITY, record.external_id == number + ":back")
    query = select(BundleRow).where(BundleRow.agent_id == agent_id, BundleRow.state == BundleState.OPENED, held, ~back)
    return unit.db.scalars(query.order_by(BundleRow.beneficiary_id, BundleRow.id)).all()


def _hold(unit: Unit, bundle: BundleRow) -> None:
    person = _living(unit, bundle)
    if person is None or find_evidence(unit.db, INTEGRITY, _number(bundle)) is not None:
        return
    fact = AdverseRecord(
        id=str(unit.service.new_id()),
        source=INTEGRITY,
        event_at=bundle.happened_at or unit.now,
        recorded_at=unit.now,
        kind=KIND,
    )
    add_evidence(unit.db, person, fact, external_id=_number(bundle))
    unit.ledger(LedgerEvent.EVIDENCE_RECORDED, person, evidence=fact.id, kind="AdverseRecord", source=INTEGRITY)
    unit.db.flush()
    determine(unit, person)


def _take_back(unit: Unit, bundle: BundleRow) -> None:
    person, record = _living(unit, bundle), find_evidence(unit.db, INTEGRITY, _number(bundle))
    if person is not None and record is not None:
        _void(unit, person, str(record.id), INTEGRITY, f"{_number(bundle)}:back", by_officer=False)


def _void_capture(unit: Unit, bundle: BundleRow, officer: str) -> None:
    """Take back what was seen at a visit; what nobody has looked at yet is looked at by an officer only."""
    person = _living(unit, bundle)
    if person is None or bundle.session_id is None:
        return
    session = close_unprocessable(unit, bundle.session_id, reason=UnprocessableReason.VISIT_IN_DOUBT)
    if session.evidence_id is not None:
        source = f"officer:{officer}"
        _void(unit, person, str(session.evidence_id), source, f"visit:{bundle.id}", by_officer=True)


def _void(unit: Unit, person: UUID, target: str, source: str, number: str, *, by_officer: bool) -> None:
    fact = Void(
        id=str(unit.service.new_id()),
        source=source,
        event_at=unit.now,
        recorded_at=unit.now,
        target=target,
        by_officer=by_officer,
    )
    if not add_evidence(unit.db, person, fact, external_id=number):
        return
    unit.ledger(LedgerEvent.EVIDENCE_RECORDED, person, evidence=fact.id, kind="Void", source=source)
    unit.db.flush()
    determine(unit, person)


def _open_hold(unit: Unit, hold_id: UUID) -> AgentHoldRow:
    """Return a hold to be decided, locked, with its agent: nothing more is held meanwhile."""
    agent_id = unit.db.scalar(select(AgentHoldRow.agent_id).where(AgentHoldRow.id == hold_id))
    if agent_id is None:
        raise NotFound("There is no such hold.", code=ErrorCode.HOLD_NOT_FOUND)
    get_agent(unit, agent_id, lock=True)
    hold = unit.db.get_one(AgentHoldRow, hold_id, with_for_update=True)
    if hold.state != HoldState.OPEN:
        raise Conflict("This hold was decided already.", code=ErrorCode.HOLD_DECIDED)
    return hold


def _decide(unit: Unit, hold: AgentHoldRow, state: str, officer: str) -> None:
    hold.state, hold.decided_at, hold.decided_by = state, unit.now, officer
    unit.db.flush()
    unit.ledger(LedgerEvent.AGENT_HOLD_DECIDED, None, agent=str(hold.agent_id), outcome=state, officer=officer)


def _living(unit: Unit, bundle: BundleRow) -> UUID | None:
    """Return the person of a visit, unless their data were erased."""
    person = None if bundle.beneficiary_id is None else unit.db.get(BeneficiaryRow, bundle.beneficiary_id)
    return None if person is None or person.erased_at is not None else person.id


def _number(bundle: BundleRow) -> str:
    return f"bundle:{bundle.id}"
