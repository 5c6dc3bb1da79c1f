"""Open the review cases that a determination or a person asks for, and close those whose cause has gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from certify.decision.issue import Finding
from certify.domain.case_kinds import CaseKind
from certify.domain.decide import Determination, NextStep, Standing
from certify.domain.ledger_events import LedgerEvent
from certify.domain.reasons import Code
from certify.domain.states import CaseState
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.reviews import open_case_of
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.verdicts import Changed, Verdicts

DUPLICATE_FACE = "duplicate_face"
"""Kind of the adverse record about a reference that looks like the face of another person."""

_ADVERSE = frozenset({Code.ADVERSE_PAUSES, Code.ADVERSE_REVIEW, Code.ADVERSE_OTHER_PATH, Code.ADVERSE_UNKNOWN_KIND})
_ASKS = _ADVERSE | {Code.ADVERSE_DECIDED, Code.AGE_NOT_ASSESSED, Code.PART_IN_QUESTION, Code.RESIDENCE_NOT_NAMED}
"""Reasons for an officer's look besides a date; other reasons ask for none."""

_DATES = {
    Code.ENDS_SOON: CaseKind.ENTITLEMENT_ENDS,
    Code.ENTITLEMENT_ENDED: CaseKind.ENTITLEMENT_ENDS,
    Code.END_DATES_DIFFER: CaseKind.ENTITLEMENT_ENDS,
    Code.END_NOT_ASSESSED: CaseKind.ENTITLEMENT_ENDS,
    Code.REVIEW_DUE: CaseKind.REVIEW_DUE,
    Code.REVIEW_LATE: CaseKind.REVIEW_DUE,
}
"""Cases that a date of the entitlement asks for."""

_UNPROVEN = (Standing.DUE, Standing.GRACE, Standing.OVERDUE)


def add_case(unit: Unit, beneficiary_id: UUID, kind: CaseKind, determination_id: UUID | None) -> ReviewCaseRow:
    """Open a review case. The caller has made sure that no case of this kind is open.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        kind: kind of the case.
        determination_id: the determination that asks for it. None for a case that a person asked for: only an officer
            closes it.

    Returns:
        The new case, not yet flushed.
    """
    case = ReviewCaseRow(**new_case(unit, beneficiary_id, kind, determination_id))
    unit.db.add(case)
    return case


def new_case(unit: Unit, beneficiary_id: UUID, kind: CaseKind, determination_id: UUID | None) -> dict[str, Any]:
    """Return the columns of a new review case, and record in the ledger that it was opened.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        kind: kind of the case.
        determination_id: the determination that asks for it, if any.

    Returns:
        The columns by name; the caller stores the row.
    """
    case_id = unit.service.new_id()
    unit.ledger(LedgerEvent.REVIEW_OPENED, beneficiary_id, case=str(case_id), kind=kind.value)
    return {
        "id": case_id,
        "beneficiary_id": beneficiary_id,
        "kind": kind.value,
        "state": CaseState.OPEN,
        "determination_id": determination_id,
        "opened_at": unit.now,
        "opened_by": unit.actor,
    }


def keep_review_cases(unit: Unit, finding: Finding, verdicts: Verdicts) -> None:
    """Open the cases that the determinations ask for, and close those whose cause has gone.

    Args:
        unit: the transaction that holds the lock of the person.
        finding: what was determined for the person.
        verdicts: collects the cases to write.
    """
    person = finding.dossier.id
    wanted: dict[CaseKind, UUID] = {}
    for determination, stored in zip(finding.determinations, finding.ids, strict=True):
        if determination.review:
            for kind in case_kinds(determination):
                wanted.setdefault(kind, stored)
        if determination.next_step is NextStep.DOORSTEP:
            wanted.setdefault(CaseKind.VISIT, stored)  # attempts used up: an officer has to arrange a visit
    open_now = {CaseKind(case.kind): case for case in finding.dossier.cases}
    if CaseKind.VISIT in open_now and any(d.standing in _UNPROVEN for d in finding.determinations):
        # A promised visit is not cancelled when the days in which attempts are counted have passed.
        wanted.setdefault(CaseKind.VISIT, finding.ids[0])
    for kind, determination_id in wanted.items():
        if kind not in open_now:
            verdicts.cases_opened.append(new_case(unit, person, kind, determination_id))
    for kind, case in open_now.items():
        # Only an officer closes a case that a person opened.
        if kind not in wanted and case.determination_id is not None:
            closed = {
                "state": CaseState.CLOSED,
                "closed_at": unit.now,
                "closed_by": "service",
                "resolution": "cause_gone",
            }
            verdicts.cases_closed.append(Changed(case.row, closed))
            unit.ledger(LedgerEvent.REVIEW_CLOSED, person, case=str(case.id), resolution="cause_gone")


def case_kinds(determination: Determination) -> Iterator[CaseKind]:
    """Yield the kinds of cases that a determination asks for. A duplicate face is asked about in a case of its own."""
    codes = {why.code for why in determination.reasons}
    dated = {_DATES[code] for code in codes & _DATES.keys()}
    yield from sorted(dated)
    if dated and determination.standing is not Standing.OVERDUE and not codes & _ASKS:
        return
    kinds = {dict(why.params).get("kind") for why in determination.reasons if why.code in _ADVERSE}
    if DUPLICATE_FACE in kinds:
        yield CaseKind.DUPLICATE_FACE
    if kinds != {DUPLICATE_FACE} or determination.standing in (Standing.STOPPED, Standing.OVERDUE):
        yield _case_kind(determination)


def _case_kind(determination: Determination) -> CaseKind:
    if determination.standing in (Standing.PAUSED, Standing.STOPPED):
        return CaseKind.ADVERSE_RECORD
    if determination.standing is Standing.OVERDUE:
        return CaseKind.OVERDUE
    return CaseKind.OTHER_PATH if determination.next_step is NextStep.OTHER_PATH else CaseKind.QUESTION


def open_case(unit: Unit, beneficiary_id: UUID, *, kind: CaseKind) -> ReviewCaseRow:
    """Open a case that a person asks for, such as an appeal; a case of this kind that is open already is returned.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        kind: kind of the case.

    Returns:
        The open case.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    case = ensure_case(unit, beneficiary_id, kind)
    unit.db.flush()
    return case


def ensure_case(unit: Unit, beneficiary_id: UUID, kind: CaseKind) -> ReviewCaseRow:
    """Return the open case of this kind, or open one. The caller has locked the person. Only an officer closes it."""
    return open_case_of(unit.db, beneficiary_id, kind) or add_case(unit, beneficiary_id, kind, None)
