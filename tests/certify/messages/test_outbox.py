"""Putting messages into the outbox: recipients, channels, language, quiet hours, and no message twice."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from certify.errors import Unavailable
from certify.messages.outbox import LINK_LIFETIME, Body, open_body, put_message
from certify.people.access import new_link, open_link, person_of_letter
from certify.people.contact import Contact
from certify.service import Service
from certify.storage.messages import insert_messages
from tests.certify.messages.people import EMAIL, NAME, PHONE, enrol, messages, reached, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def _put(service: Service, person: UUID, kind: str = "reminder_30", *, dedupe: str = "a", urgent: bool = False) -> int:
    params = {"code": "654321"} if kind == "code" else {"date": "2026-04-01"}
    with service.unit() as unit:
        return put_message(unit, person, kind, params, dedupe=dedupe, urgent=urgent)


def _bodies(service: Service) -> dict[str, Body]:
    with service.reading() as unit:
        return {
            row.channel: open_body(unit, row.id, row.beneficiary_id, row.sealed or b"") for row in messages(service)
        }


def test_without_senders_there_are_no_messages(service: Service) -> None:
    assert _put(service, enrol(service, contact=reached())) == 0


def test_each_channel_of_the_person_gets_a_message(service: Service) -> None:
    service = with_ways(service, "sms", "email", "letter", "apprise")
    assert _put(service, enrol(service, contact=reached())) == 4
    assert _put(service, enrol(service, "REMIND002", contact=Contact(email=EMAIL)), dedupe="b") == 2
    assert _put(service, enrol(service, "REMIND003"), dedupe="c") == 1
    assert [row.channel for row in messages(service) if row.dedupe == "c"] == ["letter"]


def test_letters_can_be_limited_to_people_whom_no_other_channel_reaches(service: Service) -> None:
    service = with_ways(service, "sms", "email", "letter", spare_letters=True)
    assert _put(service, enrol(service, contact=reached())) == 2
    assert _put(service, enrol(service, "REMIND002"), dedupe="b") == 1


def test_a_repeat_stores_nothing(service: Service) -> None:
    service = with_ways(service, "sms", "letter")
    person = enrol(service, contact=reached())
    assert [_put(service, person) for _ in range(3)] == [2, 0, 0]
    # A channel that was added later gets the message that the others had.
    assert _put(with_ways(service, "sms", "email", "letter"), person) == 1


def test_concurrent_calls_store_one_message(service: Service) -> None:
    service = with_ways(service, "sms")
    person = enrol(service, contact=reached())
    counts: list[int] = []
    gate = threading.Barrier(4)

    def put() -> None:
        gate.wait()
        counts.append(_put(service, person))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 1]


def test_the_content_of_a_message_is_only_in_the_sealed_body(service: Service) -> None:
    service = with_ways(service, "sms", "email", "letter")
    _put(service, enrol(service, contact=replace(reached(), language="pt")))
    for row in messages(service):
        plain = json.dumps({c.name: str(getattr(row, c.name)) for c in row.__table__.columns if c.name != "sealed"})
        for secret in (PHONE, EMAIL, NAME, "#l=", "2026"):
            assert secret.encode() not in (row.sealed or b"")
        assert PHONE not in plain
        assert EMAIL not in plain
        assert "#l=" not in plain
    bodies = _bodies(service)
    assert bodies["sms"].phone == PHONE
    assert bodies["sms"].email is None
    assert bodies["email"].email == EMAIL
    assert bodies["email"].phone is None
    assert bodies["letter"].phone is bodies["letter"].email is None
    assert {body.language for body in bodies.values()} == {"pt"}
    assert "sua prova de vida vence em 01/04/2026" in bodies["sms"].text
    assert NAME in bodies["email"].text
    assert "1 de abril de 2026" in bodies["email"].text
    assert (bodies["email"].link or "-") in bodies["email"].text
    assert (bodies["letter"].link or "-") not in bodies["letter"].text


def test_a_person_has_one_live_link(service: Service, clock: Clock) -> None:
    """All channels of one message carry the same link, and the next message ends it."""
    service = replace(service, settings=service.settings.model_copy(update={"public_url": "https://life.example/"}))
    service = with_ways(service, "sms", "email", "letter")
    person = enrol(service, contact=reached())
    _put(service, person)
    (first,) = {body.link or "" for body in _bodies(service).values()}
    address, _, token = first.partition("#l=")
    assert address == "https://life.example/"

    def opens(secret: str, device: str) -> bool:
        with service.unit() as unit:
            return open_link(unit, secret, birth_date=date(1950, 1, 1), device=device) == person

    assert opens(token, "one")
    assert not opens(token, "another")
    with service.unit() as unit:
        older = new_link(unit, person, LINK_LIFETIME)
        newer = new_link(unit, person, LINK_LIFETIME)
        assert person_of_letter(unit, older) == person, "the paper still tells an agent whose it is"
    assert not opens(older, "one")
    clock.advance(LINK_LIFETIME)
    assert not opens(newer, "one")


def test_a_body_cannot_be_opened_as_another_message(service: Service) -> None:
    service = with_ways(service, "sms")
    person = enrol(service, contact=reached())
    _put(service, person)
    row = messages(service)[0]
    with service.reading() as unit, pytest.raises(Unavailable):
        open_body(unit, uuid4(), person, row.sealed or b"")


def test_reminders_respect_opt_out_and_quiet_hours(service: Service, clock: Clock) -> None:
    service = with_ways(service, "sms", "email", "letter")
    clock.now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
    assert _put(service, enrol(service, contact=replace(reached(), reminders=False))) == 0
    _put(service, enrol(service, "REMIND002", contact=reached()), dedupe="b")
    morning = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert {row.channel: row.not_before for row in messages(service)} == {
        "sms": morning,
        "email": morning,
        "letter": clock.now,  # a letter wakes no one
    }


def test_a_code_is_sent_at_once_on_one_channel_and_never_by_letter(service: Service, clock: Clock) -> None:
    service = with_ways(service, "letter", "apprise", "email", "sms")
    clock.now = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)  # two in the morning in Shanghai
    opted_out = replace(reached(), reminders=False)
    for number, contact in enumerate([opted_out, replace(opted_out, phone=None), Contact()]):
        person = enrol(service, f"REMIND00{number}", contact=contact)
        assert _put(service, person, "code", dedupe=f"code{number}", urgent=True) == int(number < 2)
    rows = messages(service)
    assert [(row.channel, row.not_before, row.urgent) for row in rows] == [
        ("email", clock.now, True),
        ("sms", clock.now, True),
    ]
    assert all(row.expires_at - row.created_at == timedelta(minutes=15) for row in rows)
    assert "654321" in _bodies(service)["sms"].text
    assert _bodies(service)["sms"].link is None


def test_a_code_that_only_apprise_can_send(service: Service) -> None:
    service = with_ways(service, "letter", "apprise")
    assert _put(service, enrol(service, contact=reached()), "code", urgent=True) == 1
    assert [row.channel for row in messages(service)] == ["apprise"]


def test_an_unknown_person_gets_no_message(service: Service) -> None:
    service = with_ways(service, "letter")
    assert _put(service, uuid4()) == 0
    with service.unit() as unit:
        assert insert_messages(unit.db, []) == set()


def test_a_message_exists_exactly_when_its_cause_does(service: Service) -> None:
    service = with_ways(service, "sms")
    person = enrol(service, contact=reached())
    with contextlib.suppress(ZeroDivisionError), service.unit() as unit:
        assert put_message(unit, person, "code", {"code": "1"}, dedupe="z", urgent=True) == 1
        raise ZeroDivisionError
    assert messages(service) == []
