"""Messages about dates of the entitlement: once for each date, in time, and also to people who want no reminders."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from certify.decision.determine import determine, determine_due
from certify.domain.terms import Terms
from certify.files.people_file import import_people
from certify.messages.announce import announce
from certify.messages.letters import write_letter
from certify.people.contact import Contact, set_contact
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.senders import Outgoing
from certify.service import Service
from certify.texts import LANGUAGES, catalogue
from tests.certify.messages.people import messages, with_ways
from tests.conftest import Clock

pytestmark = pytest.mark.integration

ORPHAN = NewEntitlement("orphan", date(2015, 1, 1), date(2026, 2, 1), terms=Terms(ends_on=date(2026, 6, 30)))
DISABLED = NewEntitlement("disability", date(2020, 1, 1), date(2026, 2, 1), terms=Terms(review_on=date(2026, 6, 30)))


def enrol(service: Service, pension: NewEntitlement, born: date, contact: Contact) -> UUID:
    with service.unit() as unit:
        person = add_beneficiary(unit, NewBeneficiary("LAW0001", "Ada Law", (pension,), birth_date=born))
        set_contact(unit, person, contact)
        determine(unit, person)
    return person


def on(service: Service, clock: Clock, day: date) -> Counter[str]:
    clock.now = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    determine_due(service)
    return announce(service)


@pytest.mark.parametrize(
    ("pension", "born", "kind"),
    [(ORPHAN, date(2008, 6, 20), "ends_soon"), (DISABLED, date(1980, 1, 2), "review_due")],
)
def test_a_date_is_told_once_in_time_and_whatever_the_person_chose(
    service: Service, clock: Clock, pension: NewEntitlement, born: date, kind: str
) -> None:
    clock.now = datetime(2026, 2, 20, 4, tzinfo=UTC)
    service = with_ways(service, "sms", "letter")
    enrol(service, pension, born, Contact(phone="+8613800138000", reminders=False))
    assert on(service, clock, date(2026, 3, 1)) == {}
    assert on(service, clock, date(2026, 3, 3)) == {kind: 2}, "by telephone and by letter"
    assert {row.kind for row in messages(service)} == {kind}
    for day in (date(2026, 3, 3), date(2026, 3, 4), date(2026, 5, 1)):
        assert on(service, clock, day) == {}


def test_a_dry_run_stores_nothing(service: Service, clock: Clock) -> None:
    service = with_ways(service, "sms")
    enrol(service, ORPHAN, date(2008, 6, 20), Contact(phone="+8613800138000"))
    clock.now = datetime(2026, 3, 3, 4, tzinfo=UTC)
    determine_due(service)
    assert announce(service, dry_run=True) == {"ends_soon": 1}
    assert announce(service) == {"ends_soon": 1}


def test_without_senders_nothing_is_told(service: Service) -> None:
    enrol(service, ORPHAN, date(2008, 6, 20), Contact())
    assert announce(service) == {}


def test_a_letter_abroad_is_in_the_language_of_the_country_and_names_who_may_attest(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Outgoing] = []

    def keep(letter: Outgoing, *_: object) -> bytes:
        written.append(letter)
        return b"%PDF"

    monkeypatch.setattr("certify.messages.letters.letter_pdf", keep)
    abroad = replace(ORPHAN, scheme="employee", terms=Terms(residence="BR"))
    person = enrol(service, abroad, date(1950, 6, 20), Contact())
    with service.unit() as unit:
        write_letter(unit, person)
        write_letter(unit, person, language="fr")
    assert [one.language for one in written] == ["pt", "fr"]
    assert "Brasil" in written[0].text
    assert "o consulado, um notário" in written[0].text
    assert "português" in written[0].text
    assert "apostila" in written[0].text
    assert "Brésil" in written[1].text
    with service.unit() as unit:
        set_contact(unit, person, Contact(language="en"))
        write_letter(unit, person)
    assert written[2].language == "en", "the person's own choice comes first"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_every_institution(language: str) -> None:
    common = catalogue(language).common
    names = [common[f"abroad_{name}"] for name in ("consulate", "notary", "bank", "post", "doctor")]
    assert len(set(names)) == len(names)


def test_a_date_of_a_pension_that_came_with_a_file_is_told(service: Service, clock: Clock, tmp_path: Path) -> None:
    """The first determination of an imported pension is stored in brief, which once ended the job of the reminders."""
    clock.now = datetime(2026, 4, 3, 4, tzinfo=UTC)
    service = with_ways(service, "sms", "letter")
    file = tmp_path / "people.csv"
    file.write_text(
        "national_id,name,scheme,starts_on,birth_date,last_proof_on,ends_on\n"
        "LAW0002,Bo Law,orphan,2015-01-01,2008-06-20,2026-02-01,2026-06-30\n"
    )
    import_people(service, file)
    assert announce(service) == {"ends_soon": 1}
