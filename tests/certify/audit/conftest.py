"""A small fund with people of every kind, and someone who changes its rows by SQL without the service's keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest

from certify.audit.checkpoints import publish_checkpoint
from certify.audit.finding import Finding
from certify.audit.standing_check import check_standings
from certify.decision.cases import open_case
from certify.decision.determine import determine
from certify.decision.issue import revoke
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.service import Service
from certify.storage.certificates import certificates_of
from tests.conftest import Clock


@dataclass
class Ledgered:
    """A fund whose rows the tests change.

    ``alive`` has a valid certificate, ``stopped`` a stopped payment, ``revoked`` a revoked certificate.
    """

    service: Service
    clock: Clock
    alive: UUID
    stopped: UUID
    revoked: UUID

    def findings(self) -> set[str]:
        """The tables in which the audit of standings finds something."""
        return {finding.table for finding in self.listed()}

    def listed(self) -> list[Finding]:
        return check_standings(self.service).findings

    def note(self) -> str:
        with self.service.unit() as unit:
            row = publish_checkpoint(unit)
            assert row is not None
            return row.note

    def confirm(self, person: UUID, decision: Decision = Decision.CONFIRM_ALIVE) -> None:
        self.clock.advance(timedelta(minutes=1))
        with self.service.unit("officer") as unit:
            case = open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON)
            rule(unit, case.id, officer="officer-1", decision=decision)

    def case(self, person: UUID) -> UUID:
        with self.service.unit("officer") as unit:
            return open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON).id

    def dies(self, person: UUID) -> None:
        self.clock.advance(timedelta(minutes=1))
        with self.service.unit("officer") as unit:
            record(
                unit,
                person,
                NewRecord(record_id=f"D-{person}", event_at=unit.now, adverse="death"),
                officer="officer-1",
            )


@pytest.fixture
def fund(service: Service, clock: Clock) -> Ledgered:
    people = []
    for name in ("ALIVE", "STOPPED", "REVOKED"):
        with service.unit("enroller") as unit:
            pension = (NewEntitlement("employee", date(2015, 1, 1)),)
            people.append(
                add_beneficiary(unit, NewBeneficiary(f"{name}0001", name, pension, birth_date=date(1950, 5, 1)))
            )
            determine(unit, people[-1])
    made = Ledgered(service, clock, *people)
    for person in people:
        made.confirm(person)
    made.confirm(made.stopped, Decision.STOP)
    with service.unit("officer") as unit:
        revoke(unit, certificates_of(unit.db, made.revoked)[0].number, reason="stolen")
    assert made.listed() == []
    return made


@pytest.fixture
def attacker(owner: psycopg.Connection) -> psycopg.Connection:
    """The owner of the database, for whom no trigger fires."""
    owner.execute("set session_replication_role = replica")
    return owner
