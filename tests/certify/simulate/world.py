"""Small populations and changed assumptions for the simulation's tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from certify.policies import PolicyDocument, load_policies
from certify.simulate.assumptions import Assumptions, changed, load_assumptions
from certify.simulate.lives import NEVER, People
from certify.simulate.run import Result, simulate

START, END = date(2026, 1, 1), date(2027, 12, 31)
EMPLOYEE = load_policies()["employee"]
HONEST: dict[str, Any] = {"fraud": {"share_of_deaths": 0.0}}


def given(changes: Mapping[str, Any] | None = None) -> Assumptions:
    return changed(load_assumptions(), changes or {})


def people(count: int, *, deaths: float = 0.0, first: int = 0, seed: int = 3) -> People:
    chance = np.random.default_rng([seed, first])
    born = START.toordinal() - chance.integers(61 * 365, 95 * 365, count)
    dies = START.toordinal() + chance.integers(1, 729, count)
    return People(first, born, np.where(chance.random(count) < deaths, dies, NEVER))


def play(
    population: People | list[People],
    changes: Mapping[str, Any] | None = None,
    *,
    policy: PolicyDocument = EMPLOYEE,
    seed: int = 1,
    processes: int = 1,
) -> Result:
    chunks = [population] if isinstance(population, People) else population
    return simulate(chunks, policy, given(changes), seed=seed, start=START, end=END, processes=processes)


def value(result: Result, figure: str, regime: str = "ours") -> float:
    found = result.regimes[regime].figures[figure].value
    assert found is not None
    return found
