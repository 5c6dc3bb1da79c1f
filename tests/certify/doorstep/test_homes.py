"""Homes: sealed by the person's key, stored and read for one or many people, deleted with the person."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from certify.approvals.erase import erase
from certify.doorstep.homes import Home, home_of, homes_of, set_homes
from certify.errors import Invalid
from certify.service import Service
from certify.storage.homes import delete_home
from certify.storage.tables.doorstep import HomeRow
from tests.certify.doorstep.plans import ask, people, person, visits

pytestmark = pytest.mark.integration

HOME = Home("12 Rua das Flores\n01000 São Paulo", "second floor, ring at Silva", -23.5505, -46.6333)


def test_a_home_is_stored_sealed_and_can_be_read(service: Service) -> None:
    ana = person(service, "HOME0001")
    with service.unit() as unit:
        set_homes(unit, {ana: HOME})
    with service.reading() as unit:
        assert home_of(unit, ana) == HOME
        row = unit.db.get(HomeRow, ana)
    assert row is not None
    assert b"Flores" not in row.sealed
    assert b"23.55" not in row.sealed
    with service.unit() as unit:
        set_homes(unit, {ana: Home("  5 New Street ")})
    with service.reading() as unit:
        assert home_of(unit, ana) == Home("5 New Street"), "the old directions are not those of the new home"
    with service.unit() as unit:
        delete_home(unit.db, ana)
    with service.reading() as unit:
        assert home_of(unit, ana) is None


def test_many_homes_at_once(service: Service) -> None:
    ana, bob, eve, zoe = people(service, 4)
    homes = {ana: HOME, bob: Home("1"), eve: Home("2")}
    with service.unit() as unit:
        assert set_homes(unit, homes) == {ana, bob, eve}
        assert set_homes(unit, {}) == set()
    with service.unit() as unit:
        erase(unit, eve)
    with service.unit() as unit:
        assert set_homes(unit, {eve: HOME, bob: Home("3")}) == {bob}, "an erased person has no home"
    with service.reading() as unit:
        assert homes_of(unit, {ana, bob, eve, zoe}) == {ana: HOME, bob: Home("3")}
        assert homes_of(unit, []) == {}


def test_erasing_a_person_deletes_the_home_and_cancels_the_visit(service: Service) -> None:
    ana, bob = people(service, 2)
    with service.unit() as unit:
        set_homes(unit, {ana: HOME, bob: HOME})
    of_ana, of_bob = ask(service, [ana, bob])
    with service.unit() as unit:
        erase(unit, ana)
    with service.reading() as unit:
        assert unit.db.scalars(select(HomeRow.beneficiary_id)).all() == [bob]
    assert {number: row.state for number, row in visits(service).items()} == {of_ana: "cancelled", of_bob: "asked"}


@pytest.mark.parametrize(
    "wrong",
    [
        Home(""),
        Home("   "),
        Home("unmistakable " * 30),
        Home("unmistakable\x00"),
        Home("here", "unmistakable " * 100),
        Home("here", latitude=1.0),
        Home("here", longitude=1.0),
        Home("here", "", 90.1, 0.0),
        Home("here", "", 0.0, -181.0),
        Home("here", "", float("nan"), 0.0),
    ],
)
def test_a_wrong_home_is_refused_and_not_repeated(service: Service, wrong: Home) -> None:
    ana = person(service, "HOME0001")
    with pytest.raises(Invalid) as error, service.unit() as unit:
        set_homes(unit, {ana: wrong})
    assert error.value.code == "home_invalid"
    assert "unmistakable" not in error.value.message + error.value.hint
