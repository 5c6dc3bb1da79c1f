"""Integrity scores of agents: honest work is not flagged, cheating is found, and the order of visits has no effect."""

from __future__ import annotations

import math
import random
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.integrity import (
    BONFERRONI,
    FLAG_FROM,
    STARTING,
    Signal,
    VisitTrace,
    base_rates,
    counts,
    follow,
    score,
    surprise,
)
from certify.domain.integrity_signals import AWAY_M, HOME_DAYS, SAME_ROOM_BITS
from fixtures.agent_visits import Agent, Visit
from fixtures.agents import (
    KINDS,
    cheat,
    honest,
)

_START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_ROOM = 0x5A3C_96F0_0FE1_B7D2
_BASE = {signal: usual.rate for signal, usual in STARTING.items()}


def _visit(number: int, *, day: int = 0, north_m: float = 0.0, **changes: object) -> VisitTrace:
    """Make an unremarkable visit, half an hour after the one before, in a town where GPS works."""
    trace = VisitTrace(
        visit=f"v{number:03}",
        beneficiary=f"p{number:03}",
        at=_START + timedelta(days=day, minutes=30 * number),
        seconds=400.0,
        method="face",
        latitude=10.0 + north_m / 111_195,
        longitude=20.0,
        accuracy_m=10.0,
        passive=0.95,
    )
    return replace(trace, **changes)  # type: ignore[arg-type]


def _hits(traces: list[VisitTrace], signal: Signal) -> tuple[int, int]:
    return counts(traces)[signal]


def _traces(agent: Agent) -> list[VisitTrace]:
    return [VisitTrace(**{field.name: getattr(visit, field.name) for field in fields(Visit)}) for visit in agent.visits]


_visits = st.lists(
    st.builds(
        VisitTrace,
        visit=st.uuids().map(str),
        beneficiary=st.sampled_from([f"p{number}" for number in range(12)]),
        at=st.integers(0, 8 * 86400).map(lambda seconds: _START + timedelta(seconds=seconds)),
        seconds=st.floats(0, 4000),
        method=st.sampled_from(["face", "witnesses", "medical", "none"]),
        latitude=st.none() | st.floats(10, 10.02),
        longitude=st.floats(20, 20.02),
        accuracy_m=st.none() | st.floats(0, 5000),
        from_home_m=st.none() | st.floats(0, 5000),
        passive=st.none() | st.floats(0, 1),
        background=st.lists(st.sampled_from([_ROOM, _ROOM ^ 7, -_ROOM, 0]), max_size=2).map(tuple),
        same_face=st.lists(st.sampled_from(["p0", "p1", "elsewhere"]), max_size=1).map(tuple),
        clock_shift_s=st.floats(-4000, 4000),
        recheck=st.none() | st.booleans(),
        chain=st.none() | st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 9)),
    ),
    max_size=25,
    unique_by=lambda trace: trace.visit,
)


def test_without_visits_the_score_is_zero() -> None:
    nothing = score([], _BASE)
    assert (nothing.visits, nothing.score, nothing.flagged) == (0, 0.0, False)
    assert len(nothing.signals) == len(Signal)
    assert follow([], _BASE) == ()


@given(_visits, st.randoms(use_true_random=False))
def test_the_order_in_which_visits_are_given_does_not_matter(traces: list[VisitTrace], chance: random.Random) -> None:
    shuffled = list(traces)
    chance.shuffle(shuffled)
    assert score(shuffled, _BASE) == score(traces, _BASE)
    assert follow(shuffled, _BASE) == follow(traces, _BASE)


@given(_visits)
def test_a_score_adds_up(traces: list[VisitTrace]) -> None:
    scored = score(traces, _BASE)
    surprises = [signal.surprise for signal in scored.signals]
    assert surprises == sorted(surprises, reverse=True)
    assert scored.score == max(0.0, surprises[0] - BONFERRONI)
    assert scored.flagged == (scored.score >= FLAG_FROM)
    ids = {trace.visit for trace in traces}
    for signal in scored.signals:
        assert len(set(signal.visits)) == signal.hits <= signal.trials
        assert set(signal.visits) <= ids
    steps = follow(traces, _BASE)
    assert [count for count, _ in steps] == list(range(1, len(traces) + 1))
    assert not steps or steps[-1][1] == scored.score


@given(st.sampled_from(list(Signal)), st.integers(1, 200), st.integers(0, 199), st.floats(0.001, 0.5))
def test_more_hits_are_never_less_surprising(signal: Signal, trials: int, hits: int, base: float) -> None:
    hits = min(hits, trials - 1)
    assert surprise(signal, hits + 1, trials, base) >= surprise(signal, hits, trials, base) - 1e-9
    assert surprise(signal, hits + 1, trials + 1, base) >= surprise(signal, hits, trials, base) - 1e-9
    assert surprise(signal, hits, trials, base) >= surprise(signal, hits, trials, min(1.2 * base, 0.6)) - 1e-9


@given(st.sampled_from(list(Signal)), st.integers(1, 60), st.integers(1, 60), st.floats(0.001, 0.5))
def test_the_tail_is_that_of_the_beta_binomial(signal: Signal, trials: int, hits: int, base: float) -> None:
    """Compare with Polya's urn, computed exactly: after each draw one ball of the drawn colour is added."""
    hits = min(hits, trials)
    a, b = base * STARTING[signal].alike, (1 - base) * STARTING[signal].alike
    chances = [1.0]
    for drawn in range(trials):
        following = [0.0] * (drawn + 2)
        for k, chance in enumerate(chances):
            share = (a + k) / (a + b + drawn)
            following[k + 1] += chance * share
            following[k] += chance * (1 - share)
        chances = following
    expected = -math.log10(math.fsum(chances[hits:]))
    assert surprise(signal, hits, trials, base) == pytest.approx(max(0.0, expected), abs=1e-6)


def test_the_same_room_behind_different_people_counts_and_the_first_of_them_does_not() -> None:
    room = (_ROOM,)
    again = (_ROOM ^ ((1 << SAME_ROOM_BITS) - 1),)  # SAME_ROOM_BITS bits differ
    other = (_ROOM ^ ((1 << (SAME_ROOM_BITS + 4)) - 1) << 20,)  # a similar wall
    traces = [_visit(n, north_m=3000.0 * n, background=b) for n, b in enumerate([room, other, again, room])]
    assert _hits(traces, Signal.SAME_BACKGROUND) == (2, 4)
    assert score(traces, _BASE).signals[0].visits == ("v002", "v003")
    signed = [replace(trace, background=tuple(v - (1 << 64) for v in trace.background)) for trace in traces]
    assert counts(signed) == counts(traces), "databases keep 64 bits with a sign"


def test_an_even_wall_and_the_same_person_again_do_not_count() -> None:
    walls = [_visit(n, north_m=3000.0 * n, background=(0b11, (1 << 64) - 2)) for n in range(5)]
    assert _hits(walls, Signal.SAME_BACKGROUND) == (0, 0)
    again = [_visit(n, day=n, beneficiary="one", background=(_ROOM,)) for n in range(9)]
    assert _hits(again, Signal.SAME_BACKGROUND) == (0, 9)


def test_a_couple_does_not_count() -> None:
    husband = _visit(0, background=(_ROOM,), seconds=1900.0)
    wife = _visit(1, background=(_ROOM ^ 5,), north_m=12.0)  # begun while the husband's visit was open
    without = replace(wife, latitude=None, longitude=None, accuracy_m=None)
    for traces in ([husband, wife], [husband, without], [husband, replace(wife, accuracy_m=3000.0, latitude=10.02)]):
        assert not any(hits for hits, _ in counts(traces).values())
    elsewhere = replace(wife, latitude=10.03)
    assert _hits([husband, elsewhere], Signal.SAME_BACKGROUND) == (1, 2)
    assert _hits([husband, elsewhere], Signal.VISIT_LENGTH) == (1, 2)


def test_a_nursing_home_does_not_count() -> None:
    """Forty residents on four days, one of them without GPS, in one hall, many attested: there is no hit."""
    residents = [
        _visit(n, day=n // 10, north_m=7.0 * (n % 5), background=(_ROOM ^ (1 << n % 9),), seconds=200.0)
        for n in range(40)
    ]
    residents = [
        replace(one, at=_START + timedelta(days=n // 10, minutes=20 * (n % 10))) for n, one in enumerate(residents)
    ]
    residents[13] = replace(residents[13], latitude=None, longitude=None, accuracy_m=None)
    residents = [replace(one, method="witnesses") if n % 5 in (0, 2) else one for n, one in enumerate(residents)]
    found = counts(residents)
    assert not any(hits for hits, _ in found.values())
    assert found[Signal.ALTERNATIVES][1] == 4, "four days; the resident without GPS was in the same hall"
    assert score(residents, _BASE).score == 0.0


def test_one_room_on_every_working_day_counts() -> None:
    daily = [
        _visit(n, background=(_ROOM,), at=_START + timedelta(days=n // 4, minutes=30 * (n % 4)))
        for n in range(4 * (HOME_DAYS + 2))
    ]
    assert _hits(daily[: 4 * HOME_DAYS], Signal.SAME_BACKGROUND)[0] == 0
    assert _hits(daily, Signal.SAME_BACKGROUND)[0] == 4 * (HOME_DAYS + 1), "all but the first day's"
    assert score(daily, _BASE).flagged


def test_twins_are_one_hit_and_a_stand_in_is_many() -> None:
    twins = [_visit(0, same_face=("p001",)), _visit(1, same_face=("p000",)), _visit(2), _visit(3)]
    assert _hits(twins, Signal.SAME_FACE) == (1, 4)
    assert not score(twins, _BASE).flagged
    everyone = tuple(f"p{n:03}" for n in range(6))
    one = [_visit(n, same_face=tuple(p for p in everyone if p != f"p{n:03}")) for n in range(6)]
    assert _hits(one, Signal.SAME_FACE) == (5, 6)
    assert score(one, _BASE).flagged
    assert _hits([_visit(0, same_face=("not_here",))], Signal.SAME_FACE) == (1, 1), "seen at a visit before these"


def test_impossible_journeys() -> None:
    fair = [_visit(n, north_m=5000.0 * n) for n in range(6)]
    assert _hits(fair, Signal.IMPOSSIBLE_TRAVEL) == (0, 5)
    jumpy = [_visit(n, north_m=90_000.0 * n * (-1) ** n) for n in range(6)]
    assert _hits(jumpy, Signal.IMPOSSIBLE_TRAVEL) == (5, 5)
    wild = [*fair[:3], replace(fair[3], latitude=13.0), *fair[4:]]
    assert _hits(wild, Signal.IMPOSSIBLE_TRAVEL) == (1, 5), "there, and not back again"
    known = [*fair[:3], replace(fair[3], latitude=13.0, accuracy_m=320_000.0), *fair[4:]]
    assert _hits(known, Signal.IMPOSSIBLE_TRAVEL) == (0, 5), "a fix that says how bad it is"
    lost = [*fair[:3], replace(fair[3], latitude=None, longitude=None), *fair[4:]]
    assert _hits(lost, Signal.IMPOSSIBLE_TRAVEL) == (0, 4)


def test_visit_length_pictures_attestations_clock_and_rechecks() -> None:
    assert _hits([_visit(0, seconds=30.0), _visit(1)], Signal.VISIT_LENGTH) == (1, 2)
    assert _hits([_visit(0, seconds=30.0, method="none")], Signal.VISIT_LENGTH) == (0, 0)
    assert _hits([_visit(0, passive=0.1), _visit(1, passive=None)], Signal.PICTURE_OF_PICTURE) == (1, 1)
    papers = [_visit(0), _visit(1, method="medical", north_m=900.0), _visit(2, method="none", north_m=1900.0)]
    assert _hits(papers, Signal.ALTERNATIVES) == (1, 2)
    assert _hits([_visit(0, recheck=False), _visit(1, recheck=True), _visit(2)], Signal.RECHECKS) == (1, 2)
    lost = [_visit(n, clock_shift_s=9000.0) for n in range(4)]
    assert _hits([*lost, _visit(0, day=1, visit="next")], Signal.CLOCK) == (1, 2), "once a day"


def test_visits_sealed_in_another_order_than_they_claim() -> None:
    ordered = [_visit(n, chain=("tablet", n + 1)) for n in range(4)]
    assert _hits(ordered, Signal.CLOCK) == (0, 1)
    assert _hits([replace(ordered[0], chain=("tablet", 9)), *ordered[1:]], Signal.CLOCK) == (1, 1)
    other = [replace(ordered[0], chain=("spare", 9)), *ordered[1:]]
    assert _hits(other, Signal.CLOCK) == (0, 1), "each tablet has a chain of its own"
    left_open = [replace(ordered[0], seconds=3000.0, chain=("tablet", 2)), replace(ordered[1], chain=("tablet", 1))]
    assert _hits(left_open, Signal.CLOCK) == (0, 1), "begun first and sealed last"


def test_base_rates_start_from_assumptions_and_learn_from_many_agents() -> None:
    assert base_rates([]) == _BASE
    saints = [{signal.value: (0, 50) for signal in Signal}] * 200
    assert base_rates(saints) == _BASE, "the floor"
    hills = [{"impossible_travel": [5, 50]}] * 200  # as a database gives it back
    assert base_rates(hills)[Signal.IMPOSSIBLE_TRAVEL] == pytest.approx(0.1, abs=0.01)
    assert base_rates(hills[:3])[Signal.IMPOSSIBLE_TRAVEL] < 0.06, "three agents are too few to move the rate"
    assert base_rates([{"rechecks": (2, 2)}] * 50)[Signal.RECHECKS] == STARTING[Signal.RECHECKS].rate


@given(st.integers(0, 2**32 - 1), st.integers(0, 15))
def test_a_minority_of_cheats_does_not_move_base_rates(seed: int, cheats: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable
    honest_ones = [
        {signal.value: (sum(chance.random() < 2 * _BASE[signal] for _ in range(50)), 50) for signal in Signal}
        for _ in range(85)
    ]
    cheating = [{signal.value: (chance.randint(15, 50), 50) for signal in Signal} for _ in range(cheats)]
    among = base_rates(honest_ones + cheating)
    for signal in Signal:
        shown = sum(one[signal][0] for one in honest_ones) / (50 * len(honest_ones))
        assert _BASE[signal] <= among[signal] <= 1.5 * max(_BASE[signal], shown) + 0.001


def test_visits_far_from_home_count_once_a_place_and_day_and_only_where_most_are() -> None:
    far, near = AWAY_M + 10.1, AWAY_M + 9.9  # GPS says: within 10 m
    away = [_visit(n, north_m=3000.0 * n, from_home_m=far) for n in range(3)]
    at_home = [_visit(3 + n, north_m=3000.0 * (3 + n), from_home_m=near) for n in range(4)]
    assert _hits([*away, *at_home], Signal.ELSEWHERE) == (3, 7)
    hall = [_visit(n, from_home_m=far) for n in range(5)] + [_visit(5 + n, day=1, from_home_m=far) for n in range(5)]
    assert _hits(hall, Signal.ELSEWHERE) == (2, 2), "one hall on two days"
    home = [_visit(n, from_home_m=far if n < 3 else 50.0) for n in range(6)]
    assert _hits(home, Signal.ELSEWHERE) == (0, 1), "half of the residents are registered where they lived before"
    lost = [_visit(0, from_home_m=9000.0, accuracy_m=4000.0), _visit(1), _visit(2, from_home_m=far, latitude=None)]
    assert _hits(lost, Signal.ELSEWHERE) == (0, 0), "without the place of the tablet or the home there is no trial"


def test_simulated_agents_are_repeatable_and_name_the_invented_visits() -> None:
    assert honest(7) == honest(7)
    assert cheat("photos", 7) == cheat("photos", 7)
    assert honest(7) != honest(8)
    assert not honest(7).made_up
    for kind in KINDS:
        agent = cheat(kind, 7)
        assert len(agent.visits) == 50
        assert 5 <= len(agent.made_up) <= 48, "cheats make real visits too"


def test_following_fifty_visits_is_quick() -> None:
    traces = _traces(cheat("armchair", 1))
    began = time.process_time()
    follow(traces, _BASE)
    assert time.process_time() - began < 1.0, "a fiftieth of this is usual; busy machines are slower"


def test_cheats_are_found_within_fifty_visits_and_honest_agents_are_not_flagged() -> None:
    """Use seeds that nothing was tuned on; ``bench/integrity.py`` measures more of them."""
    good = [_traces(honest(seed)) for seed in range(5000, 5100)]
    bad = {kind: [_traces(cheat(kind, seed)) for seed in range(5000, 5020)] for kind in KINDS}
    base = base_rates(counts(traces) for traces in [*good, *(bad[kind][0] for kind in KINDS)])

    def flagged(traces: list[VisitTrace]) -> bool:
        return any(value >= FLAG_FROM for _, value in follow(traces, base))

    assert sum(map(flagged, good)) <= 2
    found = {kind: sum(map(flagged, some)) for kind, some in bad.items()}
    assert sum(found.values()) >= 90, found
    assert min(found.values()) >= 12, found
