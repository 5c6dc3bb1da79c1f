"""Report somebody at the door: a false agent, or an agent who should not come."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from certify.decision.cases import ensure_case
from certify.domain.case_kinds import CaseKind
from certify.domain.ledger_events import LedgerEvent
from certify.doorstep.agents import check_agent
from certify.errors import NotFound
from certify.service import Unit
from certify.storage.door_reports import put_door_report
from certify.storage.people import get_beneficiary
from certify.storage.tables.doorstep import DoorReportRow


def report_agent(unit: Unit, secret: str, *, person: UUID | None, today: date) -> DoorReportRow:
    """Store a report of somebody at the door. If it is known who reports, an officer gets a case.

    Nothing happens to an agent because of a report alone: anyone can make one. Supervisors see all of them
    ('certify agent reports').

    Args:
        unit: the transaction to write in.
        secret: what the code said that was shown.
        person: whose number and birth date were entered on the phone that reports; None if no one's.
        today: the present day where agents work.

    Returns:
        The stored report.
    """
    try:
        agent = check_agent(unit, secret, today).agent.id
    except NotFound:
        agent = None
    row = DoorReportRow(
        id=unit.service.new_id(),
        made_at=unit.now,
        code=unit.service.vault.lookup_hash(unit.db, "door_report", secret),
        agent_id=agent,
        beneficiary_id=person,
    )
    put_door_report(unit.db, row)
    if person is not None:
        get_beneficiary(unit.db, person, lock=True)
        ensure_case(unit, person, CaseKind.AGENT_REPORTED)
    unit.ledger(LedgerEvent.AGENT_REPORTED, person, report=str(row.id), agent=str(agent) if agent else None)
    return row
