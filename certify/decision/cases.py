"""Review cases: open those that a determination or a person asks for, close those whose cause has gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from certify.decision.issue import Finding
from certify.domain.case_kinds import CaseKind
from certify.domain.decide import Determination, NextStep, Standing
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import CaseState
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.reviews import open_case_of
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.verdicts import Verdicts

_UNPROVEN = (Standing.DUE, Standing.GRACE, Standing.OVERDUE)


def add_case(unit: Unit, beneficiary_id: UUID, kind: CaseKind, determination_id: UUID | None) -> ReviewCaseRow:
    """Open a review case. Without a determination it is one that a person asked for, and an officer alone closes it."""
    case = ReviewCaseRow(**new_case(unit, beneficiary_id, kind, determination_id))
    unit.db.add(case)
    return case


def new_case(unit: Unit, beneficiary_id: UUID, kind: CaseKind, determination_id: UUID | None) -> dict[str, Any]:
    """Return the columns of a new review case, and record in the ledger that it was opened."""
    case_id = unit.service.new_id()
    unit.ledger(LedgerEvent.REVIEW_OPENED, beneficiary_id, case=str(case_id), kind=kind.value)
    return {
        "id": case_id,
        "beneficiary_id": beneficiary_id,
        "kind": kind.value,
        "state": CaseState.OPEN,
        "determination_id": determination_id,
        "opened_at": unit.now,
    }


def keep_review_cases(unit: Unit, finding: Finding, verdicts: Verdicts) -> None:
    """Open the cases that the determinations ask for; close those whose cause has gone."""
    person = finding.dossier.id
    wanted: dict[CaseKind, UUID] = {}
    for determination, stored in zip(finding.determinations, finding.ids, strict=True):
        if determination.review:
            wanted.setdefault(_case_kind(determination), stored)
        if determination.next_step is NextStep.DOORSTEP:
            wanted.setdefault(CaseKind.VISIT, stored)  # attempts used up: somebody has to arrange that an agent comes
    open_now = {CaseKind(case.kind): case for case in finding.dossier.cases}
    if CaseKind.VISIT in open_now and any(d.standing in _UNPROVEN for d in finding.determinations):
        # A visit once promised is not called off because the days in which attempts are counted went by.
        wanted.setdefault(CaseKind.VISIT, finding.ids[0])
    for kind, determination_id in wanted.items():
        if kind not in open_now:
            verdicts.cases_opened.append(new_case(unit, person, kind, determination_id))
    for kind, case in open_now.items():
        # A case that a person opened is closed by an officer alone.
        if kind not in wanted and case.determination_id is not None:
            closed = {
                "state": CaseState.CLOSED,
                "closed_at": unit.now,
                "closed_by": "service",
                "resolution": "cause_gone",
            }
            verdicts.cases_closed.append({"id": case.id, **closed})
            unit.ledger(LedgerEvent.REVIEW_CLOSED, person, case=str(case.id), resolution="cause_gone")


def _case_kind(determination: Determination) -> CaseKind:
    if determination.standing in (Standing.PAUSED, Standing.STOPPED):
        return CaseKind.ADVERSE_RECORD
    if determination.standing is Standing.OVERDUE:
        return CaseKind.OVERDUE
    return CaseKind.OTHER_PATH if determination.next_step is NextStep.OTHER_PATH else CaseKind.QUESTION


def open_case(unit: Unit, beneficiary_id: UUID, *, kind: CaseKind) -> ReviewCaseRow:
    """Open a case because somebody asks for it: an appeal, or another way of proving life.

    One that is open already is returned. Raises NotFound.
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    case = ensure_case(unit, beneficiary_id, kind)
    unit.db.flush()
    return case


def ensure_case(unit: Unit, beneficiary_id: UUID, kind: CaseKind) -> ReviewCaseRow:
    """Return the open case of this kind, or open one. The caller has locked the person; an officer alone closes it."""
    return open_case_of(unit.db, beneficiary_id, kind) or add_case(unit, beneficiary_id, kind, None)
