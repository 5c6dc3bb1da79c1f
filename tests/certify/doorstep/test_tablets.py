"""Tablets: invited, enrolled with a passkey, signed in, revoked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from certify.domain.states import AgentState
from certify.doorstep.agents import (
    AgentChange,
    NewAgent,
    add_agent,
    change_agent,
    check_agent,
    day_secret,
    door_secret,
    set_agent_state,
)
from certify.doorstep.calendar import today_of
from certify.doorstep.tablets import (
    TabletRefused,
    begin_enrolment,
    begin_sign_in,
    enrol_tablet,
    invite_tablet,
    require_tablet,
    revoke_tablet,
    sign_in,
)
from certify.errors import Conflict, Invalid, NotFound
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service
from certify.storage.agents import get_agent
from certify.storage.tables.doorstep import VisitRow
from certify.storage.tablets import purge_challenges, tablets_of
from fixtures import faces
from fixtures.passkey import Passkey
from fixtures.tablet import Tablet
from tests.conftest import Clock

pytestmark = pytest.mark.integration

ORIGIN = "https://pension.example"


@pytest.fixture
def fund(service: Service) -> Service:
    return replace(service, settings=service.settings.model_copy(update={"public_url": ORIGIN}))


@pytest.fixture
def agent(fund: Service) -> UUID:
    with fund.unit() as unit:
        return add_agent(unit, NewAgent(badge="A-17", name="Agent Li", area="11")).id


def invite(fund: Service, agent: UUID) -> tuple[UUID, str]:
    with fund.unit() as unit:
        row, secret = invite_tablet(unit, get_agent(unit.db, agent), officer="officer")
        return row.id, secret


def enrol(fund: Service, secret: str, passkey: Passkey, jwk: dict[str, Any] | None = None) -> UUID:
    with fund.unit() as unit:
        options = begin_enrolment(unit, secret).options
    with fund.unit() as unit:
        made = passkey.create(options)
        return enrol_tablet(unit, secret, jwk=jwk or Tablet(uuid4()).jwk, credential=made).id


def passkey(**more: Any) -> Passkey:
    return Passkey(**({"origin": ORIGIN, "rp_id": "pension.example"} | more))


def sign_tablet_in(fund: Service, tablet: UUID, key: Passkey) -> UUID:
    with fund.unit() as unit:
        options = begin_sign_in(unit, tablet)
    with fund.unit() as unit:
        return sign_in(unit, tablet, key.get(options)).id


def test_a_tablet_is_enrolled_and_signs_in(fund: Service, agent: UUID) -> None:
    invited, secret = invite(fund, agent)
    key = passkey()
    tablet = enrol(fund, secret, key)
    assert tablet == invited
    assert sign_tablet_in(fund, tablet, key) == tablet
    with fund.reading() as unit:
        assert [row.state for row in tablets_of(unit.db, agent)] == ["active"]


def test_an_invitation_works_once_and_for_a_day(fund: Service, agent: UUID, clock: Clock) -> None:
    _, used = invite(fund, agent)
    enrol(fund, used, passkey())
    _, late = invite(fund, agent)
    clock.advance(timedelta(hours=25))
    for secret in (used, late, "x" * 27):
        with pytest.raises(TabletRefused):
            enrol(fund, secret, passkey())


@pytest.mark.parametrize(
    "wrong", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verified": False}], ids=str
)
def test_a_passkey_of_another_site_or_user_is_refused(fund: Service, agent: UUID, wrong: dict[str, Any]) -> None:
    _, secret = invite(fund, agent)
    with pytest.raises(TabletRefused):
        enrol(fund, secret, passkey(**wrong))
    key = passkey()
    tablet = enrol(fund, secret, key)
    for name, value in wrong.items():
        setattr(key, name, value)
    with pytest.raises(TabletRefused):
        sign_tablet_in(fund, tablet, key)


def test_another_passkey_does_not_open_the_tablet(fund: Service, agent: UUID) -> None:
    _, secret = invite(fund, agent)
    key = passkey()
    tablet = enrol(fund, secret, key)
    stranger = passkey()
    with pytest.raises(TabletRefused):
        sign_tablet_in(fund, tablet, stranger)
    stranger.number = key.number
    with pytest.raises(TabletRefused):
        sign_tablet_in(fund, tablet, stranger)


def test_an_answer_counts_once_and_not_for_long(fund: Service, agent: UUID, clock: Clock) -> None:
    _, secret = invite(fund, agent)
    key = passkey()
    tablet = enrol(fund, secret, key)
    with fund.unit() as unit:
        answer = key.get(begin_sign_in(unit, tablet))
    with fund.unit() as unit:
        sign_in(unit, tablet, answer)
    with pytest.raises(TabletRefused), fund.unit() as unit:
        sign_in(unit, tablet, answer)
    with fund.unit() as unit:
        late = key.get(begin_sign_in(unit, tablet))
    clock.advance(timedelta(minutes=6))
    with pytest.raises(TabletRefused), fund.unit() as unit:
        sign_in(unit, tablet, late)
    with fund.unit() as unit:
        purge_challenges(unit.db, unit.now)


@pytest.mark.parametrize("credential", [{}, {"response": 1}, {"response": {"clientDataJSON": "e30"}}, {"id": "x" * 99}])
def test_a_malformed_answer_is_refused(fund: Service, agent: UUID, credential: dict[str, Any]) -> None:
    _, secret = invite(fund, agent)
    with pytest.raises(TabletRefused), fund.unit() as unit:
        enrol_tablet(unit, secret, jwk=Tablet(uuid4()).jwk, credential=credential)
    tablet = enrol(fund, secret, passkey())
    with pytest.raises(TabletRefused), fund.unit() as unit:
        sign_in(unit, tablet, credential)


@pytest.mark.parametrize("changed", [{"kty": "RSA"}, {"x": "A" * 43}, {"crv": "P-384"}])
def test_a_signing_key_must_be_on_the_right_curve(fund: Service, agent: UUID, changed: dict[str, str]) -> None:
    _, secret = invite(fund, agent)
    with pytest.raises(Invalid) as refused:
        enrol(fund, secret, passkey(), Tablet(uuid4()).jwk | changed)
    assert refused.value.code == "device_key"


def test_a_revoked_tablet_cannot_be_used(fund: Service, agent: UUID) -> None:
    _, secret = invite(fund, agent)
    key = passkey()
    tablet = enrol(fund, secret, key)
    with fund.unit() as unit:
        revoke_tablet(unit, tablet, officer="officer")
    for attempt in (lambda: sign_tablet_in(fund, tablet, key), lambda: _require(fund, tablet)):
        with pytest.raises(TabletRefused):
            attempt()
    with fund.unit() as unit:
        assert revoke_tablet(unit, tablet, officer="another").revoked_by == "officer"
    with pytest.raises(NotFound), fund.unit() as unit:
        revoke_tablet(unit, uuid4(), officer="officer")


def _require(fund: Service, tablet: UUID) -> None:
    with fund.reading() as unit:
        require_tablet(unit, tablet)


def test_suspending_an_agent_revokes_their_tablets(fund: Service, agent: UUID) -> None:
    _, secret = invite(fund, agent)
    tablet = enrol(fund, secret, passkey())
    with fund.unit() as unit:
        set_agent_state(unit, agent, AgentState.SUSPENDED)
    with pytest.raises(TabletRefused):
        _require(fund, tablet)
    with pytest.raises(Conflict), fund.unit() as unit:
        invite_tablet(unit, get_agent(unit.db, agent), officer="officer")


def test_an_agent_has_three_tablets_at_most(fund: Service, agent: UUID) -> None:
    for _ in range(3):
        enrol(fund, invite(fund, agent)[1], passkey())
    with pytest.raises(Conflict) as refused:
        invite(fund, agent)
    assert refused.value.code == "too_many_tablets"


def test_a_code_of_the_day_is_valid_for_that_day_and_agent(fund: Service, agent: UUID) -> None:
    with fund.unit() as unit:
        today = today_of(unit)
        secret = day_secret(unit, agent, today)
        found = check_agent(unit, secret, today)
        assert (found.agent.name, found.today, found.initials) == ("Agent Li", True, None)
        other = add_agent(unit, NewAgent(badge="A-18", name="Agent Wu", area="11")).id
        for wrong in (other.hex + secret[32:], secret[:-1] + ("0" if secret[-1] != "0" else "1"), secret[:32], ""):
            with pytest.raises(NotFound):
                check_agent(unit, wrong, today)
        for days in (-1, 1):
            with pytest.raises(NotFound):
                check_agent(unit, secret, today + timedelta(days=days))
    for state in (AgentState.AWAY, AgentState.SUSPENDED):
        with fund.unit() as unit:
            set_agent_state(unit, agent, state)
        with fund.reading() as unit, pytest.raises(NotFound):
            check_agent(unit, secret, today)


def test_the_code_at_the_door_identifies_the_agent(fund: Service, agent: UUID, clock: Clock) -> None:
    with fund.unit() as unit:
        pension = (NewEntitlement("employee", clock().date()),)
        person = add_beneficiary(unit, NewBeneficiary("DOOR1", "Eileen Marie Collins", pension))
        today = today_of(unit)
        visit = VisitRow(
            id=uuid4(),
            beneficiary_id=person,
            state="planned",
            reason="fund",
            asked_at=unit.now,
            agent_id=agent,
            planned_on=today,
            tries=0,
        )
        unit.db.add(visit)
        unit.db.flush()
        secret = door_secret(unit, visit)
    with fund.reading() as unit:
        found = check_agent(unit, secret, today)
        assert (found.agent.name, found.today, found.initials) == ("Agent Li", True, "E. M. C.")
        assert not check_agent(unit, secret, today + timedelta(days=1)).today
        for wrong in (secret[:-1] + ("0" if secret[-1] != "0" else "1"), "0" * 64, "z" * 64, secret[:32]):
            with pytest.raises(NotFound):
                check_agent(unit, wrong, today)
    with fund.unit() as unit:
        set_agent_state(unit, agent, AgentState.AWAY)
    with fund.reading() as unit, pytest.raises(NotFound):
        check_agent(unit, secret, today)  # the visit is no longer this agent's


@pytest.mark.parametrize(
    "new",
    [
        {"badge": "x"},
        {"badge": "with space"},
        {"name": " "},
        {"capacity": 61},
        {"base": (91.0, 0.0)},
        {"base": (0.0, float("nan"))},
    ],
)
def test_an_agent_needs_a_badge_a_name_and_a_possible_capacity(fund: Service, new: dict[str, Any]) -> None:
    with pytest.raises(Invalid), fund.unit() as unit:
        add_agent(unit, NewAgent(**({"badge": "B-1", "name": "Li", "area": "11"} | new)))
    if "badge" not in new:
        with fund.unit() as unit:
            row = add_agent(unit, NewAgent(badge="B-1", name="Li", area="11"))
            with pytest.raises(Invalid):
                change_agent(unit, row.id, cast("AgentChange", new))


def test_values_that_are_not_given_stay(fund: Service, agent: UUID) -> None:
    photo = faces.encode(faces.portraits()["grace_hopper"], quality=60)
    with fund.unit() as unit:
        change_agent(unit, agent, {"base": (39.9, 116.4), "photo": photo})
        change_agent(unit, agent, {"area": "12", "capacity": 3})
    with fund.reading() as unit:
        row = get_agent(unit.db, agent)
        assert (row.name, row.badge, row.area, row.capacity, row.photo) == ("Agent Li", "A-17", "12", 3, photo)
        assert (row.base_latitude, row.base_longitude) == (39.9, 116.4)


def test_a_badge_belongs_to_one_agent(fund: Service, agent: UUID) -> None:
    with pytest.raises(Conflict), fund.unit() as unit:
        add_agent(unit, NewAgent(badge="A-17", name="Another", area="12"))
