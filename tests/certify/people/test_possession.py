"""Possession: what shows it, when it is missing, and when it cannot be asked for."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from certify.capture.new_session import new_session
from certify.domain.channels import Channel
from certify.domain.profile import Demand
from certify.domain.states import Possession, SessionState
from certify.people.access import new_link
from certify.people.contact import Contact, set_contact
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.possession import possession_of
from certify.service import Service
from certify.storage.sessions import count_without_possession
from tests.conftest import Clock

pytestmark = pytest.mark.integration

ONE, OTHER = b"1" * 32, b"2" * 32
_DEMAND = Demand("gentle", 1, 0, True, frozenset({"turn_left"}), ())


@pytest.fixture
def person(service: Service) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return add_beneficiary(unit, NewBeneficiary("POSSESS01", "Eileen Collins", pension))


def _possession(service: Service, person: UUID, device: bytes | None, *, confirmed: bool = False) -> Possession:
    with service.reading() as unit:
        return possession_of(unit, person, device=device, confirmed=confirmed)


def _certified(
    service: Service, person: UUID, device: bytes, possession: Possession | None, *, at_counter: bool = False
) -> None:
    with service.unit() as unit:
        row = new_session(
            unit, person, Channel.REMOTE, _DEMAND, device=device, device_proved=True, assisted=False, public_entry=True
        )
        row.state, row.outcome = SessionState.DECIDED, "certified"
        row.possession = None if possession is None else possession.value
        row.at_counter = at_counter


def test_nothing_is_asked_for_where_the_fund_knows_nothing(service: Service, person: UUID) -> None:
    for device in (None, ONE):
        assert _possession(service, person, device) is Possession.NOT_ASKED
    assert _possession(service, person, None, confirmed=True) is Possession.SHOWN


@pytest.mark.parametrize("contact", [Contact(phone="+8613800138000"), Contact(email="eileen@example.org")])
def test_a_known_telephone_or_mailbox_is_asked_for(service: Service, person: UUID, contact: Contact) -> None:
    with service.unit() as unit:
        set_contact(unit, person, contact)
    assert _possession(service, person, ONE) is Possession.MISSING


def test_the_link_of_a_letter_is_asked_for_while_it_lives(service: Service, person: UUID, clock: Clock) -> None:
    with service.unit() as unit:
        new_link(unit, person, timedelta(days=60))
    assert _possession(service, person, ONE) is Possession.MISSING
    clock.advance(timedelta(days=60))
    assert _possession(service, person, ONE) is Possession.NOT_ASKED


@pytest.mark.parametrize("at_counter", [False, True])
def test_the_phone_that_certified_is_possession(service: Service, person: UUID, at_counter: bool) -> None:
    how = Possession.MISSING if at_counter else Possession.SHOWN
    _certified(service, person, ONE, how, at_counter=at_counter)
    assert _possession(service, person, ONE) is Possession.SHOWN
    for other in (OTHER, None):
        assert _possession(service, person, other) is Possession.MISSING


def test_attack_the_first_phone_shows_nothing_when_nothing_could_be_asked_for(service: Service, person: UUID) -> None:
    """A stranger's forged film made the stranger's phone one that shows possession, so that photos were enough next."""
    _certified(service, person, ONE, Possession.NOT_ASKED)
    assert _possession(service, person, ONE) is Possession.NOT_ASKED
    assert _possession(service, person, OTHER) is Possession.MISSING, "another phone than the first one lacks it"
    with service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
    assert _possession(service, person, ONE) is Possession.MISSING
    _certified(service, person, OTHER, Possession.SHOWN)
    assert _possession(service, person, OTHER) is Possession.SHOWN


def test_a_strangers_phone_does_not_become_known_by_certifying(service: Service, person: UUID) -> None:
    """Nor does one that certified under the rules of before, when a picture was enough."""
    _certified(service, person, ONE, Possession.MISSING)
    _certified(service, person, OTHER, None)
    for device in (ONE, OTHER):
        assert _possession(service, person, device) is Possession.NOT_ASKED
    with service.reading() as unit:
        assert count_without_possession(unit.db) == 1
