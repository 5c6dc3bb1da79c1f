"""Our regime applies the real rules: each day has the standing that ``decide`` gives, and one source stops no one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from certify.domain.decide import Determination, Entitlement, Standing, decide
from certify.domain.evidence import Evidence
from certify.domain.policy import Policy
from certify.policies import document_policy, load_policies
from certify.simulate import ours
from certify.simulate.assumptions import Assumptions
from certify.simulate.conduct import Days
from certify.simulate.lives import Life, draw_life
from certify.simulate.ours import Play
from tests.certify.simulate.world import EMPLOYEE, END, HONEST, START, given, people, play, value

_TROUBLE: dict[str, Any] = {
    "deaths": {"wrong_per_million": 400_000.0, "unreported": 0.3},
    "fraud": {"share_of_deaths": 0.5},
    "people": {"unreachable": 0.2},
}


class _Watched(Play):
    """A simulation that keeps the determination of each day."""

    def __init__(self, life: Life, policy: Policy, assumptions: Assumptions, days: Days) -> None:
        self.determined: dict[int, Determination] = {}
        super().__init__(life, policy, assumptions, days)

    def _look(self, day: int, *, read: bool = True) -> Determination:
        determination = super()._look(day, read=read)
        self.determined[day] = determination
        return determination

    def everything(self, day: int) -> list[Evidence]:
        """Return all that was recorded up to a day, as a service has it that decides every day."""
        forgetful = Play(self._life, self._policy, self._given, self._days)
        forgetful._read_signs(day)
        known = [fact for fact in self._facts if fact.recorded_at <= self._days.noon(day)]
        return [*known, *(sign for _, sign in forgetful._signs)]


def _lives(count: int, assumptions: Assumptions, deaths: float = 0.5) -> list[Life]:
    some = people(count, deaths=deaths)
    pairs = zip(some.born.tolist(), some.dies.tolist(), strict=True)
    start, end = START.toordinal(), END.toordinal()
    return [draw_life(n, b, d, seed=5, start=start, end=end, given=assumptions) for n, (b, d) in enumerate(pairs)]


@pytest.mark.parametrize("scheme", ["employee", "elderly_subsidy"])
def test_every_day_has_the_standing_that_decide_gives_to_all_evidence(scheme: str) -> None:
    policy, assumptions = load_policies()[scheme].policy, given(_TROUBLE)
    days = Days(START.toordinal() - 800, END.toordinal() + 1, policy.timezone)
    seen: set[Standing] = set()
    for life in _lives(30, assumptions):
        watched = _Watched(life, policy, assumptions, days)
        watched.run()
        last = watched.determined[START.toordinal()]
        for day in range(START.toordinal() + 1, END.toordinal() + 1):
            last = watched.determined.get(day, last)
            if last.standing is Standing.STOPPED and not life.alive(day):
                break  # the simulation has ended
            if day % 3 and day not in watched.determined:
                continue  # every third day and every determination are enough, and fast
            now = decide(watched._entitlement, policy, watched.everything(day), date.fromordinal(day))
            assert (now.standing, now.payment) == (last.standing, last.payment), (life.number, day)
            if day in watched.determined:
                assert (now.proven_on, now.next_step, now.review) == (last.proven_on, last.next_step, last.review)
            seen.add(now.standing)
    assert {Standing.CERTIFIED, Standing.PAUSED, Standing.STOPPED, Standing.GRACE} <= seen


_POWERLESS: dict[str, Any] = {
    "officer": {"finds_death": 0.0, "again_days": 3650.0},
    "visits": {"finds_death": 0.0},
    "audit": {"share": 0.0},
    "people": {"unreachable": 0.0},
}
"""No person finds a death, and no officer looks often enough to give up, so that only the machine can stop."""


def test_the_machine_never_stops_on_one_source() -> None:
    changes = _POWERLESS | HONEST | {"deaths": {"family_reports": 0.0, "wrong_per_million": 100_000.0}}
    found = play(people(200, deaths=0.5), changes)
    assert value(found, "found_365") == 0
    assert value(found, "wrongly_stopped") == 0
    assert value(found, "wrongly_paused") > 0
    assert value(found, "found_365", "data_only") > 0.9
    assert value(found, "wrongly_stopped", "data_only") > 50


def test_two_sources_stop_without_an_officer() -> None:
    changes = _POWERLESS | HONEST | {"deaths": {"family_reports": 1.0, "unreported": 0.0, "family_median_days": 5.0}}
    assert value(play(people(200, deaths=0.5), changes), "found_90") > 0.95


def test_a_void_or_an_officer_restores_a_person_reported_dead_by_mistake() -> None:
    found = play(people(200), HONEST | {"deaths": {"wrong_per_million": 300_000.0}, "people": {"unreachable": 0.0}})
    ours_, theirs = found.regimes["ours"].counts, found.regimes["data_only"].counts
    assert ours_["paused"] > 30
    assert ours_["stopped"] < ours_["paused"] / 20
    assert theirs["days_without"] > 10 * ours_["days_without"]


def test_a_higher_threshold_gives_fewer_silent_passes() -> None:
    strict = document_policy({**EMPLOYEE.document, "silent": {"threshold": 2.0, "min_body_present": 1}})
    some = people(200)
    assert value(play(some, policy=strict), "silent_share") < value(play(some), "silent_share") - 0.1


def test_an_old_photo_certifies_only_if_the_policy_accepts_still_photos() -> None:
    capture = {**EMPLOYEE.document["capture"]}
    capture["remote"] = {**capture["remote"], "liveness": "when_filmed"}
    loose = document_policy({**EMPLOYEE.document, "capture": capture})
    hidden = {
        "fraud": {"share_of_deaths": 1.0, "replay_passes": 0.0, "sends_old_photo": 1.0, "old_photo_passes": 1.0},
        "deaths": {"unreported_if_hidden": 1.0},
        "events": {"covered": 0.0},
    }
    some = people(200, deaths=0.5)
    assert value(play(some, hidden, policy=loose), "months_per_death") > value(play(some, hidden), "months_per_death")


def test_decide_is_called_a_few_times_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[date] = []

    def counted(entitlement: Entitlement, policy: Policy, evidence: list[Evidence], as_of: date) -> Determination:
        asked.append(as_of)
        return decide(entitlement, policy, evidence, as_of)

    monkeypatch.setattr(ours, "decide", counted)
    assumptions = given()
    days = Days(START.toordinal() - 800, END.toordinal() + 1, EMPLOYEE.policy.timezone)
    lives = _lives(50, assumptions, deaths=0.0)
    for life in lives:
        ours.play_ours(life, EMPLOYEE.policy, assumptions, days)
    assert len(asked) / len(lives) < 30
