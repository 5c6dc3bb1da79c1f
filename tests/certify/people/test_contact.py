"""Contact details are checked, sealed and erased; quiet hours end in every time zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from certify.approvals.erase import erase
from certify.errors import CertifyError, Gone, Invalid, NotFound
from certify.messages.outbox import put_message
from certify.people.contact import Contact, contact_of, contacts_of, quiet_until, set_contact
from certify.service import Service
from certify.storage.tables.messages import ContactRow, MessageRow
from tests.certify.messages.people import EMAIL, PHONE, enrol, messages, reached, with_ways

integration = pytest.mark.integration


@integration
def test_a_person_without_stored_contact_has_the_defaults(service: Service) -> None:
    person = enrol(service)
    with service.reading() as unit:
        assert contact_of(unit, person) == Contact()
        assert contacts_of(unit, [person]) == {}


@integration
def test_a_contact_is_stored_sealed_and_in_its_normal_form(service: Service) -> None:
    person = enrol(service)
    given_ = Contact("+86 138-0013 8000", "Maria@Mail.EXAMPLE", "pt", False, 22, 6, "America/Sao_Paulo")
    with service.unit() as unit:
        set_contact(unit, person, given_)
    with service.reading() as unit:
        stored = contact_of(unit, person)
        row = unit.db.get(ContactRow, person)
    assert stored == Contact(PHONE, "Maria@mail.example", "pt", False, 22, 6, "America/Sao_Paulo")
    assert row is not None
    assert (row.language, row.reminders) == ("pt", False)
    assert b"138" not in row.sealed
    assert b"mail" not in row.sealed
    with service.unit() as unit:
        set_contact(unit, person, Contact())
    with service.reading() as unit:
        assert contact_of(unit, person) == Contact()


@integration
@pytest.mark.parametrize(
    "wrong",
    [
        Contact(phone="13800138000"),
        Contact(phone="+1"),
        Contact(phone="+86138001380001234567"),
        Contact(phone="call me"),
        Contact(phone="+1 202-555-0100 ext. 5"),
        Contact(phone="+12025550100\r\nX: y"),
        Contact(email="xenia"),
        Contact(email="xenia@"),
        Contact(email="maria@x.example, all@x.example"),
        Contact(email="Maria <maria@x.example>"),
        Contact(email="a@x.example\nBcc: b@x.example"),
        Contact(email="用户@例子.中国"),
        Contact(language="de"),
        Contact(quiet_from=24),
        Contact(quiet_to=-1),
        Contact(timezone="Mars/Olympus"),
        Contact(timezone="../../etc/passwd"),
    ],
)
def test_invalid_details_are_refused_and_not_repeated_in_the_message(service: Service, wrong: Contact) -> None:
    person = enrol(service)
    with pytest.raises(Invalid) as error, service.unit() as unit:
        set_contact(unit, person, wrong)
    assert error.value.code == "contact_invalid"
    for secret in filter(None, (wrong.phone, wrong.email)):
        assert secret not in error.value.message + error.value.hint


@integration
def test_an_unknown_person_has_no_contact(service: Service) -> None:
    with pytest.raises(NotFound), service.unit() as unit:
        set_contact(unit, uuid4(), Contact())
    with pytest.raises(Gone), service.reading() as unit:
        contact_of(unit, uuid4())


@integration
def test_a_new_number_cancels_messages_waiting_for_the_old_one(service: Service) -> None:
    service = with_ways(service, "sms", "email", "letter")
    person = enrol(service, contact=reached())
    _remind(service, person)
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138001", email=EMAIL))
    assert {row.channel: row.state for row in messages(service)} == {
        "sms": "cancelled",
        "email": "waiting",
        "letter": "waiting",
    }
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138001", email=EMAIL, reminders=False))
    rows = messages(service)
    assert {row.state for row in rows} == {"cancelled"}
    assert all(row.sealed is None for row in rows)


@integration
def test_erasing_deletes_contact_and_messages(service: Service) -> None:
    service = with_ways(service, "sms", "letter")
    ana, bob = enrol(service, contact=reached()), enrol(service, "REMIND002", contact=reached())
    for person in (ana, bob):
        _remind(service, person)
    with service.unit() as unit:
        erase(unit, ana)
    with service.reading() as unit:
        assert unit.db.scalars(select(ContactRow.beneficiary_id)).all() == [bob]
        assert set(unit.db.scalars(select(MessageRow.beneficiary_id))) == {bob}
    with pytest.raises(CertifyError), service.unit() as unit:
        set_contact(unit, ana, reached())
    with service.unit() as unit:
        assert put_message(unit, ana, "code", {"code": "1"}, dedupe="x", urgent=True) == 0
        assert unit.db.scalar(text("select count(*) from access_codes")) == 1  # only bob's link


def _remind(service: Service, person: object) -> None:
    with service.unit() as unit:
        put_message(unit, person, "reminder_30", {"date": "2026-04-01"}, dedupe=f"r:{person}")  # type: ignore[arg-type]


def _utc(text_: str) -> datetime:
    return datetime.fromisoformat(text_).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        ((21, 8, "UTC"), "2026-03-02T20:59", None),
        ((21, 8, "UTC"), "2026-03-02T21:00", "2026-03-03T08:00"),
        ((21, 8, "UTC"), "2026-03-03T07:59", "2026-03-03T08:00"),
        ((21, 8, "UTC"), "2026-03-03T08:00", None),
        ((13, 15, "UTC"), "2026-03-03T14:10", "2026-03-03T15:00"),
        ((13, 15, "UTC"), "2026-03-03T15:00", None),
        ((8, 8, "UTC"), "2026-03-03T08:30", None),
        ((21, 8, "Asia/Shanghai"), "2026-03-02T13:00", "2026-03-03T00:00"),
        ((21, 8, "America/Sao_Paulo"), "2026-03-02T05:00", "2026-03-02T11:00"),
        # In Paris the night of 28 March 2026 is an hour shorter, and the night of 24 October an hour longer.
        ((21, 8, "Europe/Paris"), "2026-03-28T22:00", "2026-03-29T06:00"),
        ((21, 8, "Europe/Paris"), "2026-10-24T22:00", "2026-10-25T07:00"),
    ],
)
def test_quiet_hours(quiet: tuple[int, int, str], now: str, until: str | None) -> None:
    assert quiet_until(quiet, _utc(now)) == (_utc(until) if until else None)


@given(
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(
        ["UTC", "Asia/Shanghai", "America/Sao_Paulo", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_quiet_hours_always_end(start: int, end: int, zone: str, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    until = quiet_until((start, end, zone), now)
    if until is not None:
        assert now < until
        assert (until - now).total_seconds() <= 25 * 3600
        assert quiet_until((start, end, zone), until) is None


@integration
@pytest.mark.parametrize("written", ["13800138000", "138 0013 8000", "0086 138 0013 8000", "+86 138 0013 8000"])
def test_attack_local_forms_of_the_funds_country_were_refused(written: str, service: Service) -> None:
    service = replace(service, settings=service.settings.model_copy(update={"phone_region": "CN"}))
    person = enrol(service)
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone=written))
    with service.reading() as unit:
        assert contact_of(unit, person).phone == "+8613800138000"
