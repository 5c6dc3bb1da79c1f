"""People are told what became of their pensions: once, as things stand now, and on a channel that reaches them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from certify.approvals.erase import erase
from certify.decision.cases import ensure_case
from certify.decision.determine import determine
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.domain.evidence import OfficerRuling, Ruling
from certify.domain.states import VisitReason, VisitState
from certify.doorstep.agents import NewAgent, add_agent
from certify.doorstep.planning import note_planned
from certify.messages import tell
from certify.messages.outbox import open_body
from certify.messages.send import send_due
from certify.messages.tell import tell_news
from certify.people.contact import Contact, set_contact
from certify.service import Service
from certify.storage.facts import add_evidence
from certify.storage.reviews import open_case_of
from certify.storage.tables.doorstep import VisitRow
from certify.storage.tables.messages import ReadingMarkRow
from certify.storage.tables.service import LedgerLeafRow
from tests.certify.messages.people import Box, enrol, messages, reached, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def service(service: Service, box: Box) -> Service:
    made = with_ways(service, "sms", "letter", box=box, spare_letters=True)
    return replace(made, senders=replace(made.senders, contact="0800 123 4567"))


def _new(service: Service, number: str = "REMIND001", *, contact: Contact | None = None) -> UUID:
    """Enrol a person of whom nothing is to be told any more."""
    person = enrol(service, number, contact=contact or reached())
    tell_news(service)
    return person


def _kinds(service: Service) -> Counter[str]:
    return Counter(row.kind for row in messages(service))


def _text(service: Service) -> str:
    """Return the text of the last message."""
    row = messages(service)[-1]
    assert row.sealed is not None
    with service.reading() as unit:
        return open_body(unit, row.id, row.beneficiary_id, row.sealed).text


def _death(service: Service, person: UUID, source: str = "a", kind: str = "death") -> None:
    with service.unit(source) as unit:
        entry = NewRecord(source=source, record_id=f"{kind}:{person}", event_at=unit.now, adverse=kind)
        record(unit, person, entry)


def _seen(service: Service, person: UUID) -> None:
    """An officer of the fund sees the person, without a case."""
    with service.unit() as unit:
        seen = OfficerRuling(
            id=str(unit.service.new_id()),
            source="officer:o",
            event_at=unit.now,
            recorded_at=unit.now,
            ruling=Ruling.CONFIRM_ALIVE,
            dismisses=(),
        )
        add_evidence(unit.db, person, seen, external_id=seen.id)
        determine(unit, person)


def _rule(service: Service, person: UUID, kind: CaseKind, decision: Decision) -> None:
    with service.unit("officer") as unit:
        case = open_case_of(unit.db, person, kind)
        assert case is not None
        rule(unit, case.id, officer="officer", decision=decision)


def test_a_reported_death_is_told_once_and_says_how_to_answer(service: Service, clock: Clock) -> None:
    person = _new(service)
    _death(service, person)
    assert tell_news(service) == {"death_reported": 1}
    assert "0800 123 4567" in _text(service)
    assert not tell_news(service)
    assert _kinds(service) == {"death_reported": 1}


def test_two_sources_stop_and_the_person_hears_that_nothing_is_paid(service: Service, clock: Clock) -> None:
    person = _new(service)
    _death(service, person)
    tell_news(service)
    clock.advance(timedelta(hours=1))
    _death(service, person, "b")
    assert tell_news(service) == {"death_stopped": 1}
    _rule(service, person, CaseKind.ADVERSE_RECORD, Decision.CONFIRM_ALIVE)
    assert tell_news(service) == {"pension_resumed": 1}


def test_a_record_that_was_taken_back_before_anybody_was_told_frightens_nobody(service: Service, clock: Clock) -> None:
    person = _new(service)
    _death(service, person)
    clock.advance(timedelta(seconds=1))
    with service.unit("a") as unit:
        record(unit, person, NewRecord(source="a", record_id="v1", event_at=unit.now, voids=f"death:{person}"))
    assert not tell_news(service)


def test_a_stop_that_is_no_death_speaks_of_no_death(service: Service, clock: Clock) -> None:
    person = _new(service)
    with service.unit("officer") as unit:
        ensure_case(unit, person, CaseKind.QUESTION)
    _rule(service, person, CaseKind.QUESTION, Decision.STOP)
    assert tell_news(service) == {"pension_stopped": 1}
    text = _text(service)
    assert "died" not in text
    assert "object" in text


def test_a_proof_gives_a_receipt_with_its_last_day(service: Service, clock: Clock) -> None:
    person = _new(service)
    _seen(service, person)
    assert tell_news(service) == {"certified": 1}
    text = _text(service)
    assert str(clock.now.year + 1) in text
    assert "seen by an officer" in text


@pytest.mark.parametrize(
    ("decision", "kind"), [(Decision.CONFIRM_ALIVE, "appeal_granted"), (Decision.NO_CHANGE, "appeal_denied")]
)
def test_an_objection_is_answered(service: Service, clock: Clock, decision: Decision, kind: str) -> None:
    person = _new(service)
    _death(service, person)
    with service.unit("person") as unit:
        ensure_case(unit, person, CaseKind.APPEAL)
    tell_news(service)
    _rule(service, person, CaseKind.APPEAL, decision)
    assert tell_news(service) == {kind: 1}


def test_a_case_that_the_person_asked_for_is_answered_and_the_funds_own_is_not(service: Service) -> None:
    person = _new(service)
    for kind in (CaseKind.NOT_ME, CaseKind.FALSE_PASS):
        with service.unit("officer") as unit:
            ensure_case(unit, person, kind)
        _rule(service, person, kind, Decision.NO_CHANGE)
        assert tell_news(service) == ({"case_decided": 1} if kind is CaseKind.NOT_ME else {})


def _plan(service: Service, person: UUID, day: date, reason: VisitReason = VisitReason.FUND) -> UUID:
    with service.unit() as unit:
        agent = add_agent(unit, NewAgent(badge=f"A{unit.service.new_id().hex[:6]}", name="Li", area=""))
        row = VisitRow(
            id=unit.service.new_id(),
            beneficiary_id=person,
            state=VisitState.PLANNED,
            reason=reason,
            asked_at=unit.now,
            agent_id=agent.id,
            planned_on=day,
            place=1,
        )
        unit.db.add(row)
        note_planned(unit, row)
    return row.id


def _move(service: Service, visit: UUID, day: date) -> None:
    with service.unit() as unit:
        row = unit.db.get_one(VisitRow, visit)
        row.planned_on = day
        note_planned(unit, row)


def test_a_visit_is_announced_and_each_new_day_too(service: Service, clock: Clock) -> None:
    person = _new(service)
    first = clock.now.date() + timedelta(days=5)
    visit = _plan(service, person, first)
    assert tell_news(service) == {"visit_planned": 1}
    _move(service, visit, first)  # planned again for the same day
    assert not tell_news(service)
    _move(service, visit, first + timedelta(days=2))
    assert tell_news(service) == {"visit_moved": 1}


def test_a_day_that_changed_before_it_was_told_is_told_as_the_first(service: Service, clock: Clock) -> None:
    person = _new(service)
    first = clock.now.date() + timedelta(days=5)
    _move(service, _plan(service, person, first), first + timedelta(days=1))
    assert tell_news(service) == {"visit_planned": 1}


@pytest.mark.parametrize("reason", [VisitReason.RECHECK, VisitReason.AUDIT])
def test_attack_a_visit_that_checks_is_not_announced(service: Service, clock: Clock, reason: VisitReason) -> None:
    person = _new(service)
    _plan(service, person, clock.now.date() + timedelta(days=5), reason)
    assert not tell_news(service)


def test_decisions_reach_people_who_want_no_reminders_and_receipts_do_not(service: Service, clock: Clock) -> None:
    person = _new(service, contact=replace(reached(), reminders=False))
    _seen(service, person)
    assert not tell_news(service)
    _death(service, person)
    assert tell_news(service) == {"death_reported": 1}
    with service.unit() as unit:  # opting out once more does not silence what is waiting
        set_contact(unit, person, replace(reached(), reminders=False, language="fr"))
    assert {row.state for row in messages(service)} == {"waiting"}


def test_who_has_no_telephone_gets_decisions_by_letter_and_no_receipt(service: Service, clock: Clock) -> None:
    person = _new(service, contact=Contact())
    _seen(service, person)
    assert not tell_news(service)
    _death(service, person)
    assert tell_news(service) == {"death_reported": 1}
    assert [row.channel for row in messages(service)] == ["letter"]


def test_what_is_told_is_sent_to_people_who_need_do_nothing(service: Service, clock: Clock, box: Box) -> None:
    person = _new(service)
    _seen(service, person)
    tell_news(service)
    clock.now = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)  # noon in Shanghai, outside quiet hours
    assert send_due(service) == {"sent": 1}
    assert "certified until" in box.got[0].text


def test_an_interrupted_call_tells_nobody_twice(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [_new(service, f"REMIND{n:03}") for n in range(4)]
    for person in people:
        _death(service, person)
    monkeypatch.setattr(tell, "SLICE", 3)

    def fail(*_: object) -> None:
        raise ConnectionError("the connection broke")

    with monkeypatch.context() as broken:
        broken.setattr(tell, "move_mark", fail)
        with pytest.raises(ConnectionError):
            tell_news(service)
    assert messages(service) == []  # the messages and the mark are one transaction
    assert tell_news(service) == {"death_reported": 4}
    assert not tell_news(service)


def test_erased_people_are_told_nothing_and_block_nobody(service: Service) -> None:
    gone, other = _new(service, "REMIND001"), _new(service, "REMIND002")
    _death(service, gone)
    _death(service, other)
    with service.unit() as unit:
        erase(unit, gone)
    assert tell_news(service) == {"death_reported": 1}
    assert messages(service)[0].beneficiary_id == other


def test_without_senders_old_things_are_not_told_later(service: Service) -> None:
    person = enrol(service, contact=reached())
    _death(service, person)
    assert not tell_news(with_ways(service))
    with service.reading() as unit:
        leaves = unit.db.scalar(select(func.count()).select_from(LedgerLeafRow))
        assert unit.db.scalar(select(ReadingMarkRow.position)) == leaves
    assert not tell_news(service)
