"""Record the random audit: randomly drawn certifications, checked by telephone or visit, give the false-pass rate.

Three kinds are drawn, and counted apart: silent passes, films without the person's known phone, code or link, and
attestations, whose figures can be asked for by institution.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from certify.decision.cases import add_case
from certify.decision.determine import determine_locked
from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import AuditCause, AuditOutcome
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.passes import audit_counts, count_attestations, count_passes, get_audit
from certify.storage.people import get_beneficiary
from certify.storage.reviews import open_case_of
from certify.storage.sessions import count_without_possession
from certify.storage.tables.runs import AuditRow
from models.statistics import Rate, rate


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The published figures. The interval of each rate is exact (Clopper-Pearson, 95 %).

    Attributes:
        passes: certifications of this cause in all; of attestations all that were recorded, whether or not they prove.
        drawn: passes that were drawn for a check.
        open: drawn passes that were not checked yet.
        not_reached: drawn passes whose person was not reached.
        false_passes: rate of false passes among the people who were reached.
        worst: the same rate, if every person who was not reached counts as a false pass.
    """

    passes: int
    drawn: int
    open: int
    not_reached: int
    false_passes: Rate
    worst: Rate


def record_audit(
    unit: Unit, pass_id: UUID, outcome: AuditOutcome, *, officer: str, note: str | None = None
) -> AuditRow:
    """Record the result of the check of a drawn certification.

    A false pass opens a review case, because the certification rested on records that were wrong or about another
    person, or on a forged film.

    Args:
        unit: the transaction to write in.
        pass_id: id of the silent pass, capture session or attestation.
        outcome: what the check found.
        officer: who checked.
        note: free text of the officer.

    Returns:
        The stored audit.

    Raises:
        NotFound: the pass was not drawn (``audit_not_found``).
        Conflict: the check has a result already (``audit_recorded``).
    """
    person = get_beneficiary(unit.db, get_audit(unit.db, pass_id).beneficiary_id, lock=True)
    row = get_audit(unit.db, pass_id, lock=True)
    if row.outcome not in (None, AuditOutcome.NOT_REACHED.value):
        raise Conflict(f"The result of this check is recorded already: {row.outcome}.", code=ErrorCode.AUDIT_RECORDED)
    row.outcome, row.checked_by, row.checked_at, row.note = outcome.value, officer, unit.now, note
    unit.ledger(
        LedgerEvent.AUDIT_RECORDED, row.beneficiary_id, silent_pass=str(pass_id), outcome=outcome.value, officer=officer
    )
    if outcome is AuditOutcome.FALSE_PASS and open_case_of(unit.db, row.beneficiary_id, CaseKind.FALSE_PASS) is None:
        add_case(unit, row.beneficiary_id, CaseKind.FALSE_PASS, None)
        unit.db.flush()
        determine_locked(unit, person)
    return row


def audit_report(
    unit: Unit, run_id: UUID | None = None, *, cause: AuditCause = AuditCause.SILENT, institution: str | None = None
) -> AuditReport:
    """Return the figures of the audits.

    Args:
        unit: the transaction to read in.
        run_id: only passes of this run; None for all runs.
        cause: silent passes, films without possession, or attestations.
        institution: only attestations of this institution; None for all.

    Returns:
        The figures.
    """
    counts = audit_counts(unit.db, run_id, cause=cause, institution=institution)
    wrong, right = counts.get(AuditOutcome.FALSE_PASS, 0), counts.get(AuditOutcome.ALIVE, 0)
    lost = counts.get(AuditOutcome.NOT_REACHED, 0)
    return AuditReport(
        passes=_certifications(unit, run_id, cause, institution),
        drawn=sum(counts.values()),
        open=counts.get("open", 0),
        not_reached=lost,
        false_passes=rate(wrong, wrong + right),
        worst=rate(wrong + lost, wrong + right + lost),
    )


def _certifications(unit: Unit, run_id: UUID | None, cause: AuditCause, institution: str | None) -> int:
    if cause is AuditCause.ATTESTATION:
        return count_attestations(unit.db, institution)
    return count_passes(unit.db, run_id) if cause is AuditCause.SILENT else count_without_possession(unit.db)
