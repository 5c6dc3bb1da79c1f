"""Attacks by SQL on the rule of two officers: who changes a row signs nothing twice (docs/decisions/0028)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import psycopg
import pytest

from certify.approvals.actions import carry_out, propose
from certify.audit.standing_check import check_standings
from certify.decision.cases import open_case
from certify.decision.determine import determine
from certify.decision.proposals import Why, refuse_proposal
from certify.domain.case_kinds import CaseKind
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.states import Provenance
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import Origin, add_reference
from certify.service import Service
from certify.storage.people import entitlements_of, references_of
from certify.storage.row_macs import RowAltered
from fixtures import faces

pytestmark = pytest.mark.integration

ONE, TWO, CLERK = "idp|one", "idp|two", "idp|clerk"
WHY = Why(ActionReason.DOCUMENT_SEEN, "The file of 2 March shows it.")


@pytest.fixture
def attacker(owner: psycopg.Connection) -> psycopg.Connection:
    owner.execute("set session_replication_role = replica")
    return owner


@pytest.fixture
def person(service: Service) -> UUID:
    with service.unit(CLERK) as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        added = add_beneficiary(unit, NewBeneficiary("EYES0001", "Ana Lima", pension, birth_date=date(1950, 2, 3)))
        determine(unit, added)
        photo = faces.encode(faces.portraits()["eileen_collins"])
        add_reference(unit, added, photo, origin=Origin(Provenance.DOCUMENT, "passport"))
        return added


@pytest.fixture
def proposal(service: Service, person: UUID) -> UUID:
    with service.unit("service") as unit:
        case = open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON).id
    with service.unit(ONE) as unit:
        found = propose(unit, Action.STOP, str(case), officer=ONE, why=WHY).id
    assert check_standings(service).findings == []
    return found


def _carry(service: Service, proposal: UUID, officer: str) -> Callable[[], object]:
    def work() -> None:
        with service.unit(officer) as unit:
            carry_out(unit, proposal, officer=officer)

    return work


def _refused(service: Service, person: UUID, work: Callable[[], object]) -> None:
    with pytest.raises(RowAltered) as refused:
        work()
    assert refused.value.code == "row_altered"
    with service.reading() as unit:
        assert entitlements_of(unit.db, person)[0].payment == "continue"


def _found(service: Service) -> set[str]:
    return {finding.table for finding in check_standings(service).findings}


@pytest.mark.parametrize(
    "change",
    [
        f"proposed_by = '{TWO}'",
        "proposed_by = lower(proposed_by) || ' '",
        "action = 'confirm_alive'",
        "beneficiary_id = null",
        "expires_at = expires_at + interval '1 year'",
        "mac = null",
    ],
)
def test_attack_one_officer_signs_twice_under_another_name(
    service: Service, person: UUID, proposal: UUID, attacker: psycopg.Connection, change: str
) -> None:
    attacker.execute(f"update proposals set {change}")
    _refused(service, person, _carry(service, proposal, ONE))
    if "null" not in change:
        assert _found(service) == {"proposals"}


def test_attack_a_proposal_is_written_by_sql(
    service: Service, person: UUID, proposal: UUID, attacker: psycopg.Connection
) -> None:
    with service.unit(TWO) as unit:
        refuse_proposal(unit, proposal, officer=TWO)
    columns = (
        "action, target, beneficiary_id, reason, text_sealed, text_plain, proposed_by, proposed_at, expires_at, mac"
    )
    forged = "00000000-0000-0000-0000-00000000000f"
    attacker.execute(
        f"insert into proposals (id, state, {columns}) select %s, 'proposed', {columns} from proposals", (forged,)
    )
    _refused(service, person, _carry(service, UUID(forged), TWO))
    assert _found(service) == {"proposals"}


def test_attack_a_refused_proposal_is_put_back(
    service: Service, person: UUID, proposal: UUID, attacker: psycopg.Connection
) -> None:
    """An old row has its old MAC: the audit finds it, by the ledger."""
    attacker.execute("create temp table kept as select * from proposals")
    with service.unit(TWO) as unit:
        refuse_proposal(unit, proposal, officer=TWO)
    assert _found(service) == set()
    attacker.execute("delete from proposals")
    attacker.execute("insert into proposals select * from kept")
    assert _found(service) == {"proposals"}


@pytest.mark.parametrize("name", ["'idp|somebody'", "null"])
def test_attack_the_officer_who_enrolled_the_person_decides(
    service: Service, person: UUID, proposal: UUID, attacker: psycopg.Connection, name: str
) -> None:
    attacker.execute(f"update beneficiaries set enrolled_by = {name} where id = %s", (person,))
    _refused(service, person, _carry(service, proposal, CLERK))
    assert _found(service) == {"beneficiaries"}


@pytest.mark.parametrize("change", [f"added_by = '{TWO}'", "provenance = 'register'", "state = 'active'", "mac = null"])
def test_attack_a_face_gets_another_origin(
    service: Service, person: UUID, proposal: UUID, attacker: psycopg.Connection, change: str
) -> None:
    attacker.execute(f"update face_references set {change}")
    with pytest.raises(RowAltered), service.reading() as unit:
        references_of(unit.db, person)
    assert _found(service) == {"face_references"}
