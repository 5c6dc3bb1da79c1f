"""Plans keep their bounds and are drawn without bias; risk comes from what the database knows."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.approvals.erase import erase
from certify.capture.challenge import (
    COLOURS,
    COMMAND_SECONDS,
    MAX_SECONDS,
    draw,
)
from certify.capture.session import open_session
from certify.domain.channels import Channel
from certify.domain.draws import below
from certify.domain.evidence import AdverseRecord
from certify.domain.profile import BLINK, NEEDS, STANDARD, TURNS, Demand, Risk, choose, visit_demand
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference
from certify.service import Service
from certify.storage.facts import add_evidence
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.liveness.plan import TAKES, CommandKind, Plan, Profile
from models.liveness.prompts import REST_S

_demands = st.builds(
    choose,
    st.lists(st.sampled_from([*NEEDS, "other"]), max_size=3),
    st.none() | st.integers(50, 110),
    st.lists(st.just(STANDARD), max_size=1),
    st.builds(Risk, open_adverse=st.integers(0, 1), new_device=st.booleans(), sessions_last_hour=st.integers(0, 9)),
)


def _source(seed: int) -> Any:
    return random.Random(seed).randbytes  # noqa: S311 - a test needs repeatable random bytes


@given(_demands, st.integers(0, 2**32))
def test_every_plan_keeps_its_bounds(demand: Demand, seed: int) -> None:
    plan = draw(demand, _source(seed))
    assert plan == draw(demand, _source(seed)), "the same random bytes give the same plan"
    assert plan == Plan.from_json(plan.to_json())
    assert plan.profile.value == demand.profile
    assert plan.seconds <= MAX_SECONDS + (COMMAND_SECONDS if demand.flashes else 0)
    prompts = [step.prompt.value for step in plan.steps]
    assert len(prompts) == demand.prompts
    assert demand.must <= set(prompts) <= demand.allowed
    kinds = {"turn" if prompt in TURNS else prompt for prompt in prompts}
    if demand.gentle:
        assert len(kinds) == 1, "one kind of movement"
    else:
        assert len(set(prompts)) == demand.prompts
        assert "turn" in kinds
        assert len(kinds) > 1
    assert BLINK not in prompts, "with closed eyes no one sees when to open them"
    assert plan.steps[0].from_s >= REST_S
    for step in plan.steps:
        assert step.back_s is not None
        assert step.back_s - step.from_s >= 2.5 - 1e-9, "time to read, understand and move"
        assert step.to_s - step.back_s >= 2.1 - 1e-9, "time to come back"
    for earlier, later in pairwise(plan.steps):
        assert later.from_s - earlier.latest_s >= 3.0 - 1e-9, "time to come back and to rest"
    moments = [edge for step in plan.steps for edge in (step.from_s, step.latest_s)]
    edges = [plan.steps[-1].to_s, *(edge for flash in plan.flashes for edge in (flash.from_s, flash.to_s))]
    assert [*moments, *edges] == sorted([*moments, *edges])
    assert plan.seconds == pytest.approx(edges[-1] + 0.8 + (COMMAND_SECONDS if demand.flashes else 0))
    assert {command.kind for command in plan.commands} == (set(CommandKind) if demand.flashes else set())
    assert all(edges[-1] + 0.5 <= c.from_s < c.to_s <= plan.seconds - 0.8 + 1e-9 for c in plan.commands)
    assert plan.approach == 1.4, "said in every plan, so that the shape of a plan tells nothing"
    colours = [(flash.red, flash.green, flash.blue) for flash in plan.flashes]
    assert len(colours) == demand.flashes
    assert all(one != next_ for one, next_ in pairwise(colours))
    # WCAG 2.3.1: at most three flashes, that is six changes, in any second.
    assert all(flash.to_s - flash.from_s >= 0.7 - 1e-9 for flash in plan.flashes)


def test_a_visit_asks_nothing_and_draws_no_random_bytes() -> None:
    plan = draw(visit_demand(), lambda _: pytest.fail("no random bytes are needed"))
    assert (plan.profile, plan.steps, plan.flashes) == (Profile.DOORSTEP, (), ())


def _chi_square(counts: Counter[Any], kinds: int) -> float:
    """Return the chi-square statistic as a z-score (Wilson and Hilferty): beyond 4 once in 30,000 fair draws."""
    expected = counts.total() / kinds
    freedom = kinds - 1
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    statistic += (kinds - len(counts)) * expected
    spread = 2 / (9 * freedom)
    return float(((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread))


@pytest.mark.parametrize(
    ("needs", "risk", "plans"),
    [
        ((), Risk(), 16),
        ((), Risk(new_device=True), 4),
        (("epilepsy",), Risk(open_adverse=1), 96),
        (("epilepsy",), Risk(new_device=True), 42),
        (("tremor",), Risk(open_adverse=1), 3),
    ],
    ids=["two prompts", "two, closer", "three", "three, closer", "gentle"],
)
def test_all_orders_of_prompts_are_equally_likely(needs: tuple[str, ...], risk: Risk, plans: int) -> None:
    source, demand = _source(1), choose(needs, 70, [], risk)
    counts = Counter(tuple(step.prompt for step in draw(demand, source).steps) for _ in range(60 * plans))
    assert len(counts) == plans
    assert abs(_chi_square(counts, plans)) < 4


def test_attack_no_moment_of_a_plan_can_be_guessed() -> None:
    """A film that was made beforehand would have to move at moments that are drawn later."""
    source, demand = _source(3), choose([], 70, [], Risk())
    plans = [draw(demand, source) for _ in range(2000)]
    for number in range(demand.prompts):
        for name in ("from_s", "back_s"):
            moments = [getattr(plan.steps[number], name) for plan in plans]
            assert max(moments) - min(moments) > 1.0
    starts = Counter(plan.steps[0].from_s for plan in plans)
    assert len(starts) > 20
    assert abs(_chi_square(starts, len(starts))) < 4
    holds = Counter(round(step.latest_s - step.from_s, 3) for plan in plans for step in plan.steps)
    assert abs(_chi_square(holds, len(holds))) < 4


def test_gentle_turns_go_in_any_direction() -> None:
    source, demand = _source(4), choose(["tremor", "epilepsy"], 70, [], Risk())
    rows = Counter(tuple(step.prompt for step in draw(demand, source).steps) for _ in range(300))
    assert len(rows) == 5, "coming closer twice, and turns in four orders"
    assert abs(_chi_square(rows, 5)) < 4


def test_all_colours_and_changes_of_colour_are_equally_likely() -> None:
    source, demand = _source(2), choose([], 70, [], Risk(open_adverse=1, new_device=True, sessions_last_hour=9))
    rows = [[(f.red, f.green, f.blue) for f in draw(demand, source).flashes] for _ in range(2000)]
    assert len(COLOURS) >= 6
    assert abs(_chi_square(Counter(row[0] for row in rows), len(COLOURS))) < 4
    changes = Counter(pair for row in rows for pair in pairwise(row))
    assert abs(_chi_square(changes, len(COLOURS) * (len(COLOURS) - 1))) < 4


@pytest.mark.parametrize("limit", [1, 2, 7, 22, 200, 256, 257, 720])
def test_all_numbers_are_equally_likely(limit: int) -> None:
    source = _source(limit)
    counts = Counter(below(limit, source) for _ in range(60 * limit))
    assert set(counts) <= set(range(limit))
    if limit > 1:
        assert abs(_chi_square(counts, limit)) < 4


def test_numbers_of_the_incomplete_last_round_are_drawn_again() -> None:
    drawn = iter([b"\xff", b"\xfc", b"\x06"])  # 256 = 36 * 7 + 4: 252 to 255 would favour 0 to 3
    assert below(7, lambda _: next(drawn)) == 6


def test_a_broken_source_of_random_bytes_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="broken"):
        below(7, lambda size: b"\xff" * size)
    with pytest.raises(ValueError, match="nothing"):
        below(0, bytes)


def test_a_demand_without_a_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="3 different prompts"):
        draw(Demand("standard", 3, 0, False, frozenset({"blink"}), ()), _source(0))


# What the database knows.

DEVICE, OTHER = "device-0000000001", "device-0000000002"


def _person(service: Service, number: int, *, needs: tuple[str, ...] = (), born: int = 1956) -> UUID:
    pension = (NewEntitlement("employee", date(2015, 1, 1)),)
    with service.unit() as unit:
        person = NewBeneficiary(f"RISK{number:04}", "Somebody", pension, birth_date=date(born, 11, 19), needs=needs)
        person_id = add_beneficiary(unit, person)
        add_reference(unit, person_id, _PHOTO)
    return person_id


_PHOTO = faces.no_face(seed=3)  # never measured here


def _open(service: Service, person: UUID, device: str | None = None, channel: Channel = Channel.REMOTE) -> SessionRow:
    with service.unit() as unit:
        return open_session(unit, person, channel, device_id=device, device_key=device)


def _because(row: SessionRow) -> set[str]:
    return set((row.plan or {})["because"])


def _decide(service: Service, row: SessionRow, outcome: str, possession: str | None = None) -> None:
    """Store only what later sessions read of an evaluated session."""
    with service.unit() as unit:
        stored = unit.db.get_one(SessionRow, row.id)
        stored.state, stored.outcome, stored.decided_at = "decided", outcome, unit.now
        stored.possession = possession or stored.possession


@pytest.mark.integration
def test_profile_and_plan_are_stored_and_fit_the_person(service: Service) -> None:
    for number, (born, needs, usual) in enumerate(
        [(1950, (), "standard"), (1950, ("bedridden",), "light"), (1935, (), "light")]
    ):
        person = _person(service, 10 + number, born=born, needs=needs)
        first = _open(service, person, DEVICE)
        assert first.profile == "light", "no phone is known yet"
        _decide(service, first, "certified")
        known = _open(service, person, DEVICE)
        assert known.profile == usual
        assert (len((known.plan or {})["steps"]) == 1) == (usual == "light")
        assert len((known.plan or {})["live"]) == TAKES, "each take has its own plan"
    assert _open(service, _person(service, 5, needs=("bedridden", "epilepsy"))).profile == "gentle"
    row = _open(service, _person(service, 4), channel=Channel.DOORSTEP)
    assert row.profile == "doorstep"
    plan = Plan.from_json(row.plan or {})
    assert (plan.steps, plan.flashes) == ((), ())


@pytest.mark.integration
def test_two_sessions_have_two_plans_and_two_nonces(service: Service) -> None:
    person = _person(service, 1)
    rows = [_open(service, person, f"device-000000001{number}") for number in range(4)]
    assert len({row.nonce for row in rows}) == 4
    assert len({str(row.plan) for row in rows}) > 1


@pytest.mark.integration
def test_another_phone_than_the_one_that_succeeded_is_new(service: Service) -> None:
    person = _person(service, 1)
    first = _open(service, person, DEVICE)
    assert "risk:new_device" in _because(first), "the first phone is not known yet"
    assert first.profile == "light"
    assert DEVICE.encode() not in (first.device or b"")
    _decide(service, first, "certified")
    assert "risk:new_device" not in _because(_open(service, person, DEVICE))
    for device in (OTHER, OTHER, None):  # neither a second attempt nor a missing name avoids it
        row = _open(service, person, device)
        assert "risk:new_device" in _because(row)
        assert row.profile == "light"


@pytest.mark.integration
@pytest.mark.parametrize("how", ["missing", "not_asked"])
def test_attack_a_stranger_s_phone_is_new_again_after_a_forged_film(service: Service, how: str) -> None:
    """A film that certified without code, link or known phone made the stranger's phone known, which asks for less."""
    person = _person(service, 1)
    _decide(service, _open(service, person, DEVICE), "certified", "shown")
    _decide(service, _open(service, person, OTHER), "certified", how)
    again = _open(service, person, OTHER)
    assert "risk:new_device" in _because(again)
    assert again.profile == "light"
    assert "risk:new_device" not in _because(_open(service, person, DEVICE))


@pytest.mark.integration
def test_one_phone_for_many_people_is_noticed(service: Service, clock: Any) -> None:
    people = [_person(service, number) for number in range(5)]
    rows = [_open(service, person, DEVICE) for person in people]
    assert ["risk:shared_device" in _because(row) for row in rows] == [False, False, False, True, True]
    assert "risk:shared_device" not in _because(_open(service, people[4], OTHER))
    clock.advance(timedelta(days=31))
    assert "risk:shared_device" not in _because(_open(service, people[0], DEVICE))


@pytest.mark.integration
def test_agents_with_one_tablet_are_no_risk(service: Service) -> None:
    for number in range(5):
        _open(service, _person(service, number), DEVICE, Channel.DOORSTEP)
    assert "risk:shared_device" not in _because(_open(service, _person(service, 9), DEVICE))


@pytest.mark.integration
def test_many_sessions_in_an_hour_are_noticed(service: Service, clock: Any) -> None:
    person = _person(service, 1)
    rows = [_open(service, person, f"device-000000001{number}") for number in range(6)]
    assert ["risk:many_sessions" in _because(row) for row in rows] == [False] * 5 + [True]
    clock.advance(timedelta(hours=1, seconds=1))
    assert "risk:many_sessions" not in _because(_open(service, person))


@pytest.mark.integration
def test_an_open_adverse_record_asks_for_more(service: Service) -> None:
    person = _person(service, 1)
    with service.unit() as unit:
        fact = AdverseRecord(
            id=str(service.new_id()), source="registry", event_at=unit.now, recorded_at=unit.now, kind="death"
        )
        add_evidence(unit.db, person, fact, external_id="D1")
    row = _open(service, person)
    assert "risk:adverse_record" in _because(row)
    assert row.profile == "light"


@pytest.mark.integration
def test_after_a_failure_another_profile_is_asked_until_one_succeeds(service: Service, clock: Any) -> None:
    person = _person(service, 1)
    _decide(service, _open(service, person, DEVICE), "certified")
    clock.advance(timedelta(minutes=1))
    failed = _open(service, person, DEVICE)
    assert failed.profile == "standard"
    _decide(service, failed, "retry")
    clock.advance(timedelta(minutes=1))
    gentle = _open(service, person, DEVICE)
    assert (gentle.profile, len((gentle.plan or {})["steps"])) == ("light", 1)
    _decide(service, gentle, "certified")
    clock.advance(timedelta(minutes=1))
    assert _open(service, person, DEVICE).profile == "standard"


@pytest.mark.integration
@pytest.mark.parametrize("seed", range(4))
def test_who_was_advised_to_turn_is_asked_for_a_turn(service: Service, seed: int) -> None:
    person = _person(service, seed)
    failed = _open(service, person)
    _decide(service, failed, "retry")
    with service.unit() as unit:
        unit.db.get_one(SessionRow, failed.id).guidance = ["turn_a_little"]
    plan = _open(service, person).plan or {}
    assert {step["prompt"] for step in plan["steps"]} <= TURNS
    assert all({step["prompt"] for step in take["steps"]} <= TURNS for take in plan["live"])


@pytest.mark.integration
def test_erasing_a_person_forgets_their_phones(service: Service) -> None:
    person = _person(service, 1)
    row = _open(service, person, DEVICE)
    with service.unit() as unit:
        erase(unit, person)
    with service.unit() as unit:
        assert unit.db.get_one(SessionRow, row.id).device is None
