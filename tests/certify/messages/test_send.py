"""Sending from the outbox: retries with growing pauses, giving up, and no message to people it no longer concerns."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from certify.decision.determine import determine
from certify.decision.record import NewRecord, record
from certify.domain.evidence import OfficerRuling, Ruling
from certify.logs import JsonLines
from certify.messages.outbox import put_message
from certify.messages.send import MAX_ATTEMPTS, send_due, send_now
from certify.people.contact import Contact
from certify.service import Service
from certify.storage.facts import add_evidence
from certify.storage.messages import claim_messages, mark_cancelled, retry_failed
from certify.storage.tables.messages import MessageRow
from certify.workers.housekeeping import run_housekeeping
from tests.certify.messages.people import EMAIL, NAME, PHONE, Box, enrol, failed, messages, reached, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def sms(service: Service, box: Box) -> Service:
    return with_ways(service, "sms", box=box)


def _put(service: Service, person: UUID, *, code: bool = False, dedupe: str = "a") -> None:
    with service.unit() as unit:
        kind, params = ("code", {"code": "123456"}) if code else ("reminder_30", {"date": "2026-04-01"})
        put_message(unit, person, kind, params, dedupe=dedupe, urgent=code)


def _only(service: Service) -> MessageRow:
    (row,) = messages(service)
    return row


def test_a_due_message_is_sent_once_and_its_text_deleted(sms: Service, box: Box) -> None:
    person = enrol(sms, contact=reached())
    _put(sms, person)
    assert send_due(sms) == Counter(sent=1)
    assert send_due(sms) == Counter()
    (got,) = box.got
    row = _only(sms)
    assert (got.id, got.phone, got.channel) == (row.id, PHONE, "sms")
    assert (row.state, row.sealed, row.attempts, row.last_error) == ("sent", None, 1, None)


def test_failures_are_tried_again_with_growing_pauses_and_given_up_in_the_end(
    sms: Service, box: Box, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    box.always = failed("http_503")
    _put(sms, enrol(sms, contact=replace(reached(), quiet_from=8)))
    start, tries = clock.now, []
    with caplog.at_level(logging.INFO):
        while _only(sms).state == "waiting":
            clock.now = _only(sms).not_before
            send_due(sms)
            tries.append(clock.now - start)
    row = _only(sms)
    assert (row.state, row.attempts, row.last_error) == ("failed", MAX_ATTEMPTS, "http_503")
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(minutes=1)
    assert timedelta(days=1) < tries[-1] < timedelta(days=2)
    logged = "\n".join(JsonLines().format(entry) for entry in caplog.records)
    assert "a message was given up" in logged
    for secret in (PHONE, EMAIL, NAME, str(row.beneficiary_id), "#l="):
        assert secret not in logged


def test_an_operator_can_send_a_given_up_message_again(sms: Service, box: Box, clock: Clock) -> None:
    box.fail = [failed(final=True)]
    _put(sms, enrol(sms, contact=reached()))
    assert send_due(sms) == Counter(failed=1)
    assert _only(sms).attempts == 1
    with sms.unit() as unit:
        assert retry_failed(unit.db, unit.now) == 1
    assert send_due(sms) == Counter(sent=1)
    box.fail = [failed(final=True)]
    _put(sms, enrol(sms, "REMIND002", contact=reached()), dedupe="b")
    send_due(sms)
    clock.advance(timedelta(days=15))
    with sms.unit() as unit:
        assert retry_failed(unit.db, unit.now) == 0  # expired


def test_a_defect_of_a_sender_is_a_failure_without_details(
    sms: Service, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    box.always = ValueError(f"cannot write to {PHONE}")
    _put(sms, enrol(sms, contact=reached()))
    assert send_due(sms) == Counter(put_off=1)
    assert _only(sms).last_error == "error_ValueError"
    assert PHONE not in caplog.text


def test_a_failing_channel_pauses_and_the_other_messages_keep_their_attempts(service: Service) -> None:
    dead, mail = Box(always=failed("unreachable")), Box()
    service = with_ways(service, "sms", "email", box=dead)
    service = replace(
        service,
        senders=replace(
            service.senders,
            ways={**service.senders.ways, "email": replace(service.senders.ways["email"], sender=mail)},
        ),
    )
    for number in range(8):
        _put(service, enrol(service, f"REMIND00{number}", contact=reached()), dedupe=str(number))
    assert send_due(service) == Counter(put_off=5, sent=8)
    tries = Counter(row.attempts for row in messages(service) if row.channel == "sms")
    assert tries == {1: 5, 0: 3}
    assert len(mail.got) == 8


def test_another_process_sends_the_message_of_a_dead_one(sms: Service, box: Box, clock: Clock) -> None:
    _put(sms, enrol(sms, contact=reached()))
    with sms.unit() as unit:  # claimed, and then the power fails
        until = unit.now + timedelta(minutes=15)
        (taken,) = claim_messages(unit.db, "sms", urgent=False, now=unit.now, until=until, limit=10)
    assert send_due(sms) == Counter()
    clock.advance(timedelta(minutes=15))
    assert send_due(sms) == Counter(sent=1)
    assert box.got[0].id == taken.id
    assert _only(sms).attempts == 2


def test_several_processes_send_each_message_once(service: Service) -> None:
    box = Box()
    service = with_ways(service, "sms", box=box)
    way = replace(service.senders.ways["sms"], parallel=4)
    service = replace(service, senders=replace(service.senders, ways={"sms": way}))
    for number in range(120):
        _put(service, enrol(service, f"REMIND{number:03}", contact=reached()), dedupe=str(number))
    threads = [threading.Thread(target=send_due, args=(service,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(box.got) == len({message.id for message in box.got}) == 120
    assert {row.state for row in messages(service)} == {"sent"}


def test_quiet_hours_also_hold_when_sending(sms: Service, box: Box, clock: Clock) -> None:
    person = enrol(sms, contact=reached())
    clock.now = datetime(2026, 3, 2, 12, 59, tzinfo=UTC)  # 20:59 in Shanghai
    _put(sms, person)
    clock.now = datetime(2026, 3, 2, 13, 1, tzinfo=UTC)
    assert send_due(sms) == Counter(quiet=1)
    row = _only(sms)
    assert (row.not_before, row.attempts) == (datetime(2026, 3, 3, 0, 0, tzinfo=UTC), 0)
    clock.now = row.not_before
    assert send_due(sms) == Counter(sent=1)


def test_a_person_certified_meanwhile_gets_no_message(sms: Service, box: Box) -> None:
    ana, bob = enrol(sms, contact=reached()), enrol(sms, "REMIND002", contact=reached())
    _put(sms, ana)
    _put(sms, bob, dedupe="b")
    with sms.unit() as unit:
        seen = OfficerRuling(
            id=str(unit.service.new_id()),
            source="officer:o",
            event_at=unit.now,
            recorded_at=unit.now,
            ruling=Ruling.CONFIRM_ALIVE,
            dismisses=(),
        )
        add_evidence(unit.db, ana, seen, external_id="seen")
        determine(unit, ana)
    assert send_due(sms) == Counter(sent=1, cancelled=1)
    assert [message.beneficiary_id for message in box.got] == [bob]


def test_no_message_is_sent_after_a_death_record(sms: Service, box: Box) -> None:
    person = enrol(sms, contact=reached())
    _put(sms, person)
    with sms.unit() as unit:
        record(unit, person, NewRecord(source="civil-registry", record_id="D-1", event_at=unit.now, adverse="death"))
    assert send_due(sms) == Counter(cancelled=1)
    assert box.got == []


def test_a_code_is_sent_at_once_and_expires(sms: Service, box: Box, clock: Clock) -> None:
    person = enrol(sms, contact=Contact(phone=PHONE, reminders=False))
    _put(sms, person, code=True)
    box.fail = [failed("timeout"), failed("timeout")]
    assert send_now(sms, _only(sms).id) == Counter(put_off=1)
    clock.advance(timedelta(minutes=1))
    assert send_due(sms) == Counter(put_off=1)
    clock.advance(timedelta(minutes=1))
    assert send_due(sms) == Counter(sent=1)
    assert "123456" in box.got[0].text
    _put(sms, person, code=True, dedupe="b")
    clock.advance(timedelta(minutes=15))
    assert send_due(sms) == Counter(failed=1)
    assert {row.last_error for row in messages(sms)} == {None, "expired"}


def test_codes_are_sent_before_reminders(sms: Service, box: Box) -> None:
    for number in range(60):
        _put(sms, enrol(sms, f"REMIND{number:03}", contact=reached()), dedupe=str(number))
    _put(sms, enrol(sms, "REMIND999", contact=reached()), code=True, dedupe="code")
    send_due(sms)
    assert "123456" in box.got[0].text


def test_messages_that_time_does_not_allow_are_released(
    sms: Service, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        _put(sms, enrol(sms, f"REMIND{number:03}", contact=reached()), dedupe=str(number))
    ticks = iter([0.0, 0.0, 0.0, 0.0, 10.0, 100.0, 100.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    assert send_due(sms, seconds=50) == Counter(sent=2)
    monkeypatch.undo()
    assert Counter(row.attempts for row in messages(sms)) == {1: 2, 0: 2}
    assert send_due(sms) == Counter(sent=2)


def test_a_cancelled_message_stays_cancelled(sms: Service, box: Box) -> None:
    _put(sms, enrol(sms, contact=reached()))
    with sms.unit() as unit:
        assert mark_cancelled(unit.db, [_only(sms).id]) == 1
        assert mark_cancelled(unit.db, [_only(sms).id]) == 0
    assert send_due(sms) == Counter()
    _put(sms, _only(sms).beneficiary_id)  # the same occasion
    assert _only(sms).state == "cancelled"


def test_messages_older_than_ninety_days_are_deleted(sms: Service, clock: Clock) -> None:
    ana = enrol(sms, contact=reached())
    _put(sms, ana)
    send_due(sms)
    clock.advance(timedelta(days=89))
    _put(sms, ana, dedupe="b")
    clock.advance(timedelta(days=2))
    run_housekeeping(sms)
    assert [row.dedupe for row in messages(sms)] == ["b"]
    clock.advance(timedelta(days=120))
    run_housekeeping(sms)  # never sent, and expired
    assert messages(sms) == []


def test_logs_of_sending_contain_no_personal_data(
    sms: Service, box: Box, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    box.fail = [failed(final=True), None]
    people = [enrol(sms, f"REMIND00{number}", contact=reached()) for number in range(2)]
    with caplog.at_level(logging.DEBUG):
        for person in people:
            _put(sms, person, dedupe=str(person))
        send_due(sms)
    logged = "\n".join(
        json.dumps(entry.__dict__, default=str) for entry in caplog.records if entry.name.startswith("certify")
    )
    for secret in (PHONE, EMAIL, NAME, *map(str, people)):
        assert secret not in logged + capsys.readouterr().err
    assert date(2026, 3, 2) == sms.clock().date()
