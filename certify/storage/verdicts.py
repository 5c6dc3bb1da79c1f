"""Collect the changes that determinations make, person by person, and write them for all in one or two statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from certify.storage.direct import Row, as_rows, refresh, run
from certify.storage.tables.decisions import CertificateRow, ReviewCaseRow
from certify.storage.tables.people import EntitlementRow

# Runs before the new rows are inserted: at any moment, a person has one certificate in force at most, and one open case
# of each kind.
_ENDED = b"""
    with closed as (
        update review_cases c set state = n.state, closed_at = n.closed_at, closed_by = n.closed_by,
            resolution = n.resolution
        from json_populate_recordset(null::review_cases, %(cases)s) n where c.id = n.id
    )
    update certificates t set state = n.state, reason = n.reason, changed_at = n.changed_at
    from json_populate_recordset(null::certificates, %(certificates)s) n where t.number = n.number
"""

_NEW = b"""
    with determined as (
        insert into determinations select * from json_populate_recordset(null::determinations, %(determinations)s)
    ), opened as (
        insert into review_cases select * from json_populate_recordset(null::review_cases, %(cases)s)
    ), issued as (
        insert into certificates select * from json_populate_recordset(null::certificates, %(certificates)s)
    )
    update entitlements e set standing = n.standing, payment = n.payment, next_step = n.next_step,
        valid_until = n.valid_until, due_on = n.due_on, next_change_on = n.next_change_on,
        determination_id = n.determination_id, proven_on = n.proven_on, stopped_on = n.stopped_on,
        back_pay_from = n.back_pay_from
    from json_populate_recordset(null::entitlements, %(standings)s) n where e.id = n.id
"""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Rows to write, by what happens to them. The keys of a row are columns of its table."""

    determinations: list[dict[str, Any]] = field(default_factory=list)
    standings: list[dict[str, Any]] = field(default_factory=list)
    cases_opened: list[dict[str, Any]] = field(default_factory=list)
    cases_closed: list[dict[str, Any]] = field(default_factory=list)
    certificates_issued: list[dict[str, Any]] = field(default_factory=list)
    certificates_changed: list[dict[str, Any]] = field(default_factory=list)

    def write(self, db: Session) -> None:
        """Write all rows. Rows of these tables that the session holds are read again."""
        if self.cases_closed or self.certificates_changed:
            run(db, _ENDED, _json(cases=self.cases_closed, certificates=self.certificates_changed))
        new = _json(
            determinations=self.determinations,
            standings=self.standings,
            cases=self.cases_opened,
            certificates=self.certificates_issued,
        )
        run(db, _NEW, new)
        refresh(db, EntitlementRow, ReviewCaseRow, CertificateRow)


def _json(**tables: Sequence[Row]) -> dict[str, str]:
    return {name: as_rows(rows) for name, rows in tables.items()}
