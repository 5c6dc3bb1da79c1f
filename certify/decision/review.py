"""Close a review case with an officer's decision, and determine the person again."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from certify.decision.determine import determine
from certify.decision.facts import record_fact
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.decide import Determination
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, OfficerRuling, Ruling, event_name
from certify.domain.facts import CurrentFacts
from certify.domain.ledger_events import LedgerEvent
from certify.domain.schedule import local_date
from certify.domain.sources import FUND, officer_source
from certify.domain.states import CaseState
from certify.errors import Conflict
from certify.queue import REFRESH
from certify.service import Unit
from certify.storage.facts import evidence_of
from certify.storage.people import get_beneficiary
from certify.storage.reviews import get_case, open_case_of
from certify.storage.sessions import decided_sessions_of
from certify.storage.tables.decisions import ReviewCaseRow


class Decision(StrEnum):
    """What an officer can decide on a case."""

    CONFIRM_ALIVE = Ruling.CONFIRM_ALIVE.value  # seen or spoken to: a proof of life
    STOP = Ruling.STOP.value  # the payment stops
    NO_CHANGE = "no_change"  # the case says nothing about life or payment


def rule(unit: Unit, case_id: UUID, *, officer: str, decision: Decision) -> tuple[ReviewCaseRow, list[Determination]]:
    """Close a case with an officer's decision, and determine the person again.

    * ``CONFIRM_ALIVE`` says that the officer saw or spoke to the person. It proves life, lifts stop rulings, and
      dismisses those records that life refutes under every scheme that knows them (a death; not a move abroad, not
      prison). A later record of another event opens the question again; a copy of the same event asks an officer, and
      pauses and stops nothing (``Policy.same_event_days``).
    * ``STOP`` stops the payment.
    * ``NO_CHANGE`` closes a case that needs neither, such as a photo that could not be processed. It is refused while
      the cause of the case still exists.

    The caller has made sure that the officer may rule (``certify.approvals.actions``).

    Args:
        unit: the transaction to write in.
        case_id: id of the case.
        officer: who decides.
        decision: what the officer decides.

    Returns:
        The closed case and the determinations of the person.

    Raises:
        NotFound: no such case (``review_case_not_found``).
        Conflict: the case is closed already (``review_case_closed``), or its cause still exists (``cause_stands``).
    """
    # Lock the person first, as everywhere: with two orders of locking, two transactions could deadlock.
    get_beneficiary(unit.db, get_case(unit.db, case_id).beneficiary_id, lock=True)
    case = get_case(unit.db, case_id, lock=True)
    require_open_case(case)
    case.state, case.closed_at, case.closed_by, case.resolution = CaseState.CLOSED, unit.now, officer, decision.value
    unit.ledger(LedgerEvent.REVIEW_CLOSED, case.beneficiary_id, case=str(case.id), resolution=decision.value)
    if decision is not Decision.NO_CHANGE:
        _add_ruling(unit, case, officer, Ruling(decision))
    unit.db.flush()
    if decision is Decision.CONFIRM_ALIVE and case.kind == CaseKind.FACE_IN_DOUBT:
        _ask_refresh(unit, case.beneficiary_id)
    determined = determine(unit, case.beneficiary_id)
    if decision is Decision.NO_CHANGE and open_case_of(unit.db, case.beneficiary_id, CaseKind(case.kind)) is not None:
        raise Conflict(
            "What this case is about still stands.",
            hint="Rule 'confirm_alive' or 'stop', or let the source take its record back.",
            code=ErrorCode.CAUSE_STANDS,
        )
    return case, determined.determinations


def _ask_refresh(unit: Unit, beneficiary_id: UUID) -> None:
    """Enqueue the work on a reference of the capture that asked for this ruling, if its media are still stored.

    The work itself checks what the capture showed (certify/capture/refresh.py).
    """
    since = unit.now - timedelta(days=unit.service.settings.media_retention_days)
    recent = decided_sessions_of(unit.db, beneficiary_id, channels=tuple(Channel), since=since, limit=10)
    asked = next((row for row in recent if row.blob_id is not None and not row.public_entry), None)
    if asked is not None:
        unit.put_job(REFRESH, asked.id)


def require_open_case(case: ReviewCaseRow) -> None:
    """Check that a case is open.

    Raises:
        Conflict: it is closed already (``review_case_closed``).
    """
    if case.state != CaseState.OPEN:
        raise Conflict("This case is closed already.", code=ErrorCode.REVIEW_CASE_CLOSED)


def speaks_against_life(unit: Unit, beneficiary_id: UUID) -> bool:
    """Tell whether a record that life refutes, or a stop, stands against a person under any of their schemes.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.
    """
    evidence = evidence_of(unit.db, beneficiary_id)
    for document in unit.service.policies.values():
        facts = CurrentFacts(evidence, document.policy, local_date(unit.now, document.policy.timezone))
        if facts.stops or any(unit.service.refuted_by_life(record.kind) for record in (*facts.adverse, *facts.decided)):
            return True
    return False


def _add_ruling(unit: Unit, case: ReviewCaseRow, officer: str, ruling: Ruling) -> None:
    dismissed = dismissed_by_life(unit, case.beneficiary_id) if ruling is Ruling.CONFIRM_ALIVE else []
    fact = OfficerRuling(
        id=str(unit.service.new_id()),
        source=officer_source(officer),
        event_at=unit.now,
        recorded_at=unit.now,
        institution=FUND,
        principal=unit.actor,
        ruling=ruling,
        dismisses=tuple(sorted(fact.id for fact in dismissed)),
        events=tuple(sorted({event_name(fact) for fact in dismissed if isinstance(fact, AdverseRecord)})),
    )
    if not record_fact(unit, case.beneficiary_id, fact, external_id=f"case:{case.id}"):
        raise Conflict("This case has a ruling already.", code=ErrorCode.REVIEW_CASE_CLOSED)


def dismissed_by_life(unit: Unit, beneficiary_id: UUID) -> list[AdverseRecord | OfficerRuling]:
    """Return what a confirmation of life dismisses: records that life refutes, and stops of the payment.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.
    """
    return [
        fact
        for fact in evidence_of(unit.db, beneficiary_id)
        if (isinstance(fact, AdverseRecord) and unit.service.refuted_by_life(fact.kind))
        or (isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP)
    ]
