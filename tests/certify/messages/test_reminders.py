"""Reminders: once for each stage, about the earliest pension, and only to people who must act."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.approvals.erase import erase
from certify.decision.determine import determine, determine_due
from certify.decision.record import NewRecord, record
from certify.domain.evidence import OfficerRuling, Ruling
from certify.messages import reminders
from certify.messages.outbox import put_messages
from certify.messages.reminders import CATCH_UP, Stage, remind, stages
from certify.people.contact import set_contact
from certify.service import Service
from certify.storage.facts import add_evidence
from certify.storage.reminders import DuePension, still_to_do
from certify.storage.tables.people import EntitlementRow
from tests.certify.messages.people import enrol, messages, reached, with_ways
from tests.conftest import Clock

integration = pytest.mark.integration


@pytest.fixture
def service(service: Service) -> Service:
    return with_ways(service, "sms")


def _on(service: Service, clock: Clock, day: date) -> Counter[str]:
    """Move the clock to noon of a day in Shanghai, determine due people, and remind."""
    clock.now = datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)
    determine_due(service)
    return remind(service)


def _confirm(service: Service, person: UUID) -> None:
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


@integration
def test_a_year_of_reminders(service: Service, clock: Clock) -> None:
    due = date(2027, 3, 2)  # a year after the proof of today
    enrol(service, contact=reached(), pensions=[("employee", date(2015, 1, 1))], last_proof_on=clock.now.date())
    kinds: dict[int, str] = {}
    for days in range(-120, 60):
        counts = _on(service, clock, due + timedelta(days=days))
        for kind, count in counts.items():
            assert count == 1
            kinds[days] = kind
    assert kinds == {
        -90: "reminder_90",
        -30: "reminder_30",
        -7: "reminder_7",
        3: "reminder_after",
        17: "reminder_after",
        31: "reminder_after",
        45: "reminder_after",
        59: "reminder_after",
    }
    assert len({row.dedupe for row in messages(service)}) == 8


@integration
def test_reminders_end_with_the_proof(service: Service, clock: Clock) -> None:
    person = enrol(service, contact=reached())  # due on 1 April 2026
    assert _on(service, clock, date(2026, 4, 4)) == {"reminder_after": 1}
    _confirm(service, person)
    for days in range(20):
        assert not _on(service, clock, date(2026, 4, 18) + timedelta(days=days))


@integration
def test_a_day_without_a_worker_is_made_up_for(service: Service, clock: Clock) -> None:
    enrol(service, contact=reached(), pensions=[("employee", date(2025, 6, 1))])  # due on 1 June 2026
    assert _on(service, clock, date(2026, 3, 3) + timedelta(days=CATCH_UP - 1)) == {"reminder_90": 1}
    assert not _on(service, clock, date(2026, 3, 3) + timedelta(days=CATCH_UP))
    assert not _on(service, clock, date(2026, 5, 2) + timedelta(days=CATCH_UP))  # too late for this stage
    assert _on(service, clock, date(2026, 5, 28)) == {"reminder_7": 1}
    assert not _on(service, clock, date(2026, 6, 3))
    assert _on(service, clock, date(2026, 6, 10)) == {"reminder_after": 1}


@integration
def test_several_pensions_are_one_message_about_the_earliest(service: Service, clock: Clock) -> None:
    pensions = [
        ("employee", date(2025, 4, 1)),
        ("resident", date(2025, 4, 20)),
        ("enterprise_annuity", date(2025, 4, 1)),
    ]
    enrol(service, contact=reached(), pensions=pensions)
    assert _on(service, clock, date(2026, 3, 2)) == {"reminder_30": 1}
    # The thirtieth day before another pension comes, but the person was reminded already.
    assert not _on(service, clock, date(2026, 3, 21))
    assert _on(service, clock, date(2026, 3, 25)) == {"reminder_7": 1}
    assert {row.dedupe.split(":")[1] for row in messages(service)} == {"2026-04-01"}


@integration
def test_people_who_are_not_reminded(service: Service, clock: Clock) -> None:
    names = ("willing", "unwilling", "reported_dead", "stopped", "moved", "erased", "certified", "nowhere")
    people = {name: enrol(service, f"REMIND{n:03}", contact=reached()) for n, name in enumerate(names)}
    with service.unit() as unit:
        set_contact(unit, people["unwilling"], replace(reached(), reminders=False))
        set_contact(unit, people["nowhere"], replace(reached(), phone=None))
        now = unit.now
        record(unit, people["reported_dead"], NewRecord(source="a", record_id="1", event_at=now, adverse="death"))
        record(unit, people["moved"], NewRecord(source="a", record_id="3", event_at=now, adverse="emigration"))
        erase(unit, people["erased"])
    for source in ("a", "b"):
        with service.unit(source) as unit:  # two institutions and two principals
            record(unit, people["stopped"], NewRecord(source=source, record_id="2", event_at=now, adverse="death"))
    _confirm(service, people["certified"])
    assert _on(service, clock, date(2026, 3, 3)) == {"reminder_30": 1}
    assert {row.beneficiary_id for row in messages(service)} == {people["willing"]}
    with service.reading() as unit:
        must_act = still_to_do(unit.db, list(people.values()))
    assert must_act == {people[name] for name in ("willing", "unwilling", "nowhere")}


@integration
def test_one_pension_in_doubt_stops_all_reminders_of_the_person(service: Service, clock: Clock) -> None:
    pensions = [("employee", date(2025, 4, 1)), ("resident", date(2025, 4, 1))]
    person = enrol(service, contact=reached(), pensions=pensions)
    with service.unit() as unit:
        row = unit.db.query(EntitlementRow).filter_by(beneficiary_id=person, scheme="resident").one()
        row.payment, row.standing = "stop", "stopped"
    assert not remind(service)


@integration
def test_reminding_in_chunks_survives_an_interruption_and_a_repeat(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "CHUNK", 3)
    people = [enrol(service, f"REMIND{n:03}", contact=reached()) for n in range(10)]
    twice = [("employee", date(2025, 4, 1)), ("resident", date(2025, 4, 1))]
    people += [enrol(service, f"REMIND{n:03}", contact=reached(), pensions=twice) for n in range(10, 16)]
    clock.now = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
    assert remind(service, dry_run=True) == {"reminder_30": 16}
    assert messages(service) == []
    put, calls = put_messages, iter(range(100))

    def fail_at_the_third(*arguments: object) -> int:
        if next(calls) == 2:
            raise ConnectionError("the connection broke")
        return put(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(reminders, "put_messages", fail_at_the_third)
    with pytest.raises(ConnectionError):
        remind(service)
    assert 0 < len(messages(service)) < 16
    before = len(messages(service))
    monkeypatch.setattr(reminders, "put_messages", put)
    assert remind(service, dry_run=True) == {"reminder_30": 16 - before}
    assert remind(service) == {"reminder_30": 16 - before}
    assert not remind(service)
    assert Counter(row.beneficiary_id for row in messages(service)) == Counter(people)


@integration
def test_without_senders_no_one_is_reminded(service: Service) -> None:
    enrol(service, contact=reached())
    assert not remind(with_ways(service))


days = st.dates(date(2026, 1, 1), date(2030, 1, 1))


@given(days, st.integers(-400, 400))
def test_a_due_date_is_in_one_stage_at_most(today: date, away: int) -> None:
    due = today + timedelta(days=away)
    fitting = [stage for stage in stages(today) if stage.first <= due <= stage.last]
    assert len(fitting) <= 1
    if away in (90, 30, 7, -3, -17, -31):
        assert len(fitting) == 1


@given(days)
def test_after_the_due_date_each_occasion_stays_open_for_some_days(due: date) -> None:
    stage = Stage("reminder_after", date.min, date.max)
    occasions = [stage.dedupe(DuePension(due, UUID(int=1), True), due + timedelta(days=n)) for n in range(3, 73)]
    assert Counter(filter(None, occasions)).most_common() == [
        (f"reminder_after_{n}:{due}:{UUID(int=1)}", CATCH_UP) for n in range(5)
    ]
