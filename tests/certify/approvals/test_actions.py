"""Attacks of one officer who wants to decide alone, and the way of two (docs/decisions/0022)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from certify.approvals.actions import carry_out, carry_out_due, propose, recall_erasure, wish_erasure
from certify.audit.rulings import record_ruling_audit
from certify.decision.appeal import appeal
from certify.decision.cases import open_case
from certify.decision.proposals import KEPT_OPEN, Why, recall_proposal, refuse_proposal, text_of
from certify.decision.record import NewRecord, record
from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Action, ActionReason, FourEyesRule, TwoOfficers
from certify.domain.states import ProposalState, RulingAuditOutcome
from certify.errors import CertifyError, Conflict, Invalid
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.service import Service
from certify.storage.certificates import certificate_in_force
from certify.storage.people import entitlements_of, get_beneficiary
from certify.storage.proposals import get_proposal
from certify.storage.reviews import open_cases_of
from certify.storage.ruling_audits import open_ruling_audits
from tests.conftest import Clock

pytestmark = pytest.mark.integration

ONE, TWO, THREE, CLERK = "idp|one", "idp|two", "idp|three", "idp|clerk"
WHY = Why(ActionReason.DOCUMENT_SEEN, "The file of 2 March shows it.")


def _person(service: Service, number: str = "EYES0001", by: str = CLERK) -> UUID:
    with service.unit(by) as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return add_beneficiary(unit, NewBeneficiary(number, "Ana Lima", pension, birth_date=date(1950, 2, 3)))


def _case(service: Service, person: UUID, by: str = "service", kind: CaseKind = CaseKind.PROOF_IN_PERSON) -> str:
    with service.unit(by) as unit:
        return str(open_case(unit, person, kind=kind).id)


def _dead(service: Service, person: UUID, number: str = "D-1", by: str = "idp|registry", day: int = 1) -> None:
    with service.unit(by) as unit:
        new = NewRecord(source=None, record_id=number, event_at=datetime(2026, 3, day, 4, tzinfo=UTC), adverse="death")
        record(unit, person, new, officer=by)


def _certified(service: Service, person: UUID) -> None:
    with service.unit(TWO) as unit:
        propose(unit, Action.CONFIRM_ALIVE, _case(service, person), officer=TWO, why=WHY)


def _propose(service: Service, action: Action, target: str, officer: str = ONE) -> UUID:
    with service.unit(officer) as unit:
        row = propose(unit, action, target, officer=officer, why=WHY)
        assert row.state == ProposalState.PROPOSED
        return row.id


def _carry(service: Service, proposal: UUID, officer: str) -> str:
    with service.unit(officer) as unit:
        return carry_out(unit, proposal, officer=officer).state


def _refused(work: Callable[[], object]) -> ErrorCode:
    with pytest.raises(CertifyError) as raised:
        work()
    return raised.value.code


def _payment(service: Service, person: UUID) -> str:
    with service.reading() as unit:
        return entitlements_of(unit.db, person)[0].payment


def test_attack_one_officer_stops_a_living_person(service: Service) -> None:
    person = _person(service)
    proposal = _propose(service, Action.STOP, _case(service, person))
    assert _payment(service, person) == "continue"
    assert _refused(lambda: _carry(service, proposal, ONE)) == ErrorCode.SECOND_OFFICER_NEEDED
    assert _payment(service, person) == "continue"
    assert _carry(service, proposal, TWO) == ProposalState.CARRIED_OUT
    assert _payment(service, person) == "stop"
    assert _refused(lambda: _carry(service, proposal, THREE)) == ErrorCode.PROPOSAL_SETTLED


def test_attack_an_officer_opens_an_appeal_and_rules_on_it(service: Service) -> None:
    person = _person(service)
    _dead(service, person)
    with service.unit(TWO) as unit:
        case = str(appeal(unit, person).case_id)
    proposal = _propose(service, Action.CONFIRM_ALIVE, case)
    assert _refused(lambda: _carry(service, proposal, TWO)) == ErrorCode.SECOND_OFFICER_NEEDED, "opened the case"
    assert _refused(lambda: _carry(service, proposal, CLERK)) == ErrorCode.SECOND_OFFICER_NEEDED, "enrolled the person"
    assert _carry(service, proposal, THREE) == ProposalState.CARRIED_OUT


def test_attack_an_officer_enrols_a_person_opens_a_case_and_certifies(service: Service) -> None:
    person = _person(service, by=ONE)
    own = _case(service, person, by=ONE)

    def confirm(case: str, officer: str) -> None:
        with service.unit(officer) as unit:
            propose(unit, Action.CONFIRM_ALIVE, case, officer=officer, why=WHY)

    assert _refused(lambda: confirm(own, ONE)) == ErrorCode.SECOND_OFFICER_NEEDED
    other = _case(service, person, by=TWO, kind=CaseKind.APPEAL)
    assert _refused(lambda: confirm(other, ONE)) == ErrorCode.SECOND_OFFICER_NEEDED, "enrolled the person"
    assert _refused(lambda: confirm(other, TWO)) == ErrorCode.SECOND_OFFICER_NEEDED, "opened the case"
    confirm(other, THREE)
    with service.reading() as unit:
        assert certificate_in_force(unit.db, person) is not None


def test_attack_who_recorded_the_death_rules_on_the_case_that_it_opened(service: Service) -> None:
    person = _person(service)
    _dead(service, person, by=ONE)
    with service.reading() as unit:
        case = next(c for c in open_cases_of(unit.db, person) if c.kind == CaseKind.ADVERSE_RECORD)
    assert case.opened_by == ONE
    proposal = _propose(service, Action.STOP, str(case.id), TWO)
    assert _refused(lambda: _carry(service, proposal, ONE)) == ErrorCode.SECOND_OFFICER_NEEDED


def test_attack_one_officer_revokes_and_repeats_the_request(service: Service) -> None:
    person = _person(service)
    _certified(service, person)
    with service.reading() as unit:
        certificate = certificate_in_force(unit.db, person)
    assert certificate is not None
    proposal = _propose(service, Action.REVOKE, certificate.number)
    assert _refused(lambda: _propose(service, Action.REVOKE, certificate.number)) == ErrorCode.PROPOSAL_OPEN
    with service.unit(TWO) as unit:
        assert refuse_proposal(unit, proposal, officer=TWO).state == ProposalState.REFUSED
    with service.reading() as unit:
        assert certificate_in_force(unit.db, person) is not None
    _carry(service, _propose(service, Action.REVOKE, certificate.number, TWO), ONE)
    with service.reading() as unit:
        assert certificate_in_force(unit.db, person) is None


def test_a_confirmation_that_nothing_speaks_against_needs_one_officer_and_a_reason(service: Service) -> None:
    person = _person(service)
    case = _case(service, person)
    with service.unit(TWO) as unit, pytest.raises(Invalid) as raised:
        propose(unit, Action.CONFIRM_ALIVE, case, officer=TWO, why=Why(ActionReason.OTHER, "  "))
    assert raised.value.code == ErrorCode.REASON_MISSING
    _certified(service, person)
    with service.reading() as unit:
        assert certificate_in_force(unit.db, person) is not None


def test_a_policy_may_ask_two_officers_for_every_confirmation(service: Service) -> None:
    strict = {}
    for name, document in service.policies.items():
        rule = FourEyesRule(needs_two=frozenset(TwoOfficers))
        strict[name] = replace(document, policy=replace(document.policy, four_eyes=rule))
    service = replace(service, policies=strict)
    person = _person(service)
    _carry(service, _propose(service, Action.CONFIRM_ALIVE, _case(service, person)), TWO)


def test_the_text_is_sealed_and_a_proposal_expires(service: Service, clock: Clock) -> None:
    person = _person(service)
    proposal = _propose(service, Action.STOP, _case(service, person))
    with service.reading() as unit:
        row = get_proposal(unit.db, proposal)
        assert row.text_plain is None
        assert row.text_sealed is not None
        assert WHY.text.encode() not in row.text_sealed
        assert text_of(unit, row) == WHY.text
    clock.advance(KEPT_OPEN)
    assert _refused(lambda: _carry(service, proposal, TWO)) == ErrorCode.PROPOSAL_SETTLED
    carry_out_due(service)
    with service.reading() as unit:
        assert get_proposal(unit.db, proposal).state == ProposalState.EXPIRED


def test_attack_one_officer_erases(service: Service, clock: Clock) -> None:
    person = _person(service)
    proposal = _propose(service, Action.ERASE, str(person))
    assert _refused(lambda: _carry(service, proposal, ONE)) == ErrorCode.SECOND_OFFICER_NEEDED
    assert _carry(service, proposal, TWO) == ProposalState.WAITING
    clock.advance(timedelta(hours=71, minutes=59))
    assert carry_out_due(service) == 0
    clock.advance(timedelta(minutes=1))
    assert carry_out_due(service) == 1
    assert carry_out_due(service) == 0
    with service.reading() as unit:
        assert get_beneficiary(unit.db, person).erased_at is not None
        row = get_proposal(unit.db, proposal)
        assert (row.state, text_of(unit, row)) == (ProposalState.CARRIED_OUT, None)


def test_a_waiting_erasure_is_recalled_by_any_officer(service: Service, clock: Clock) -> None:
    person = _person(service)
    proposal = _propose(service, Action.ERASE, str(person))

    def recall(by: str) -> str:
        with service.unit(by) as unit:
            return recall_proposal(unit, proposal, by=by).state

    assert _refused(lambda: recall(THREE)) == ErrorCode.NOT_YOUR_PROPOSAL
    _carry(service, proposal, TWO)
    assert recall(THREE) == ProposalState.RECALLED
    clock.advance(timedelta(days=30))
    assert carry_out_due(service) == 0
    with service.reading() as unit:
        assert get_beneficiary(unit.db, person).erased_at is None


def test_the_persons_own_wish_waits_and_is_recalled_by_the_person(service: Service, clock: Clock) -> None:
    person = _person(service)
    own = f"certify:sessions|{person}"

    def wish() -> UUID:
        with service.unit(own) as unit:
            return wish_erasure(unit, person, by=own, text="").id

    first = wish()
    assert wish() == first
    assert _carry(service, first, ONE) == ProposalState.WAITING
    with service.unit(own) as unit:
        assert recall_erasure(unit, person, by=own).state == ProposalState.RECALLED
    assert _carry(service, wish(), ONE) == ProposalState.WAITING
    clock.advance(timedelta(hours=72))
    assert carry_out_due(service) == 1


def test_a_copy_of_a_decided_death_asks_an_officer_and_pauses_nothing(service: Service) -> None:
    person = _person(service)
    _certified(service, person)
    _dead(service, person, "D-1", by="idp|registry-a")
    with service.reading() as unit:
        case = next(c for c in open_cases_of(unit.db, person) if c.kind == CaseKind.ADVERSE_RECORD)
        assert entitlements_of(unit.db, person)[0].standing == "paused"
    _carry(service, _propose(service, Action.CONFIRM_ALIVE, str(case.id)), TWO)
    for number, by, day in (("D-2", "idp|registry-b", 2), ("D-3", "idp|registry-c", 1)):
        _dead(service, person, number, by=by, day=day)
    with service.reading() as unit:
        pension = entitlements_of(unit.db, person)[0]
        assert (pension.standing, pension.payment) == ("certified", "continue")
        assert CaseKind.QUESTION in {c.kind for c in open_cases_of(unit.db, person)}


def test_drawn_rulings_are_checked_by_a_person_who_had_no_part(service: Service) -> None:
    every = {}
    for name, document in service.policies.items():
        rule = replace(document.policy.four_eyes, audit_share=1.0)
        every[name] = replace(document, policy=replace(document.policy, four_eyes=rule))
    service = replace(service, policies=every)
    person = _person(service)
    proposal = _propose(service, Action.STOP, _case(service, person))
    _carry(service, proposal, TWO)
    with service.reading() as unit:
        assert [row.id for _, row in open_ruling_audits(unit.db, limit=9)] == [proposal]
    for officer in (ONE, TWO):
        with service.unit(officer) as unit, pytest.raises(Conflict):
            record_ruling_audit(unit, proposal, RulingAuditOutcome.UPHELD, officer=officer)
    with service.unit(THREE) as unit:
        record_ruling_audit(unit, proposal, RulingAuditOutcome.WRONG, officer=THREE)
        assert CaseKind.FALSE_PASS in {c.kind for c in open_cases_of(unit.db, person)}
