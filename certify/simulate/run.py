"""The run of a simulation: people in chunks, on several cores, with memory that does not grow with their number."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from certify.domain.policy import Policy
from certify.domain.schedule import age_on
from certify.policies import PolicyDocument
from certify.simulate.assumptions import Assumptions
from certify.simulate.conduct import Days
from certify.simulate.lives import Life, People, draw_life
from certify.simulate.others import DataOnly, FaceOnly, InPerson
from certify.simulate.ours import play_ours
from certify.simulate.results import METHOD, Figure, Sums, figure, measures
from certify.simulate.tally import COUNTS, Tally

REGIMES = {
    "ours": "ours",
    "in_person": "in person",
    "data_only": "data only",
    "face_only": "face only",
}
"""The regimes by key, with their titles."""

_REPLICATES = 400


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated: the rules, the assumptions, the days from ``start`` to ``end``, the seed."""

    policy: Policy
    given: Assumptions
    seed: int
    start: int
    end: int


@dataclass(slots=True)
class Chunk:
    """The results of some people: their number, sums of counts by regime, and the same for each replicate."""

    people: int
    sums: Sums
    replicates: Sums

    def add(self, other: Chunk) -> None:
        """Add the results of other people."""
        self.people += other.people
        self.sums += other.sums
        self.replicates += other.replicates


@dataclass(frozen=True, slots=True)
class Regime:
    """Figures and plain counts under one regime."""

    title: str
    figures: dict[str, Figure]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a simulation."""

    people: int
    setting: Setting
    policy: PolicyDocument
    regimes: dict[str, Regime]

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the setting, the assumptions, and every figure with its interval."""
        return {
            "people": self.people,
            "start": date.fromordinal(self.setting.start).isoformat(),
            "end": date.fromordinal(self.setting.end).isoformat(),
            "seed": self.setting.seed,
            "policy": {
                "scheme": self.policy.policy.scheme,
                "version": self.policy.policy.version,
                "sha256": self.policy.sha256,
            },
            "intervals": METHOD,
            "labels": {
                key: f"{measure.group}: {measure.label}" for key, measure in measures(self.setting.given.costs).items()
            },
            "regimes": {name: asdict(regime) for name, regime in self.regimes.items()},
            "assumptions": self.setting.given.document,
        }


def simulate(
    chunks: Iterable[People],
    policy: PolicyDocument,
    given: Assumptions,
    *,
    seed: int,
    start: date,
    end: date,
    processes: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Result:
    """Simulate all regimes on people who come in chunks.

    Args:
        chunks: the people; one process simulates one chunk. Only the replicates of the intervals depend on how the
            people are divided into chunks.
        policy: the rules of our regime; "face only" uses its rule for captures.
        given: the assumptions.
        seed: seed of all random numbers.
        start: first day; all people are alive then.
        end: last day.
        processes: number of processes.
        progress: called with the number of people of each chunk that is done.

    Returns:
        The figures of all regimes.
    """
    setting = Setting(policy.policy, given, seed, start.toordinal(), end.toordinal())
    shape = (len(REGIMES), len(COUNTS))
    total = Chunk(0, np.zeros(shape), np.zeros((_REPLICATES, *shape)))
    for size, chunk in _played(chunks, setting, processes):
        total.add(chunk)
        progress(size)
    regimes = {}
    for number, (name, title) in enumerate(REGIMES.items()):
        sums, replicates = total.sums[number], total.replicates[:, number]
        figures = {key: figure(measure, sums, replicates) for key, measure in measures(given.costs).items()}
        counts = {count: int(value) for count, value in zip(COUNTS, sums.tolist(), strict=True)}
        regimes[name] = Regime(title, figures, counts)
    return Result(total.people, setting, policy, regimes)


def _played(chunks: Iterable[People], setting: Setting, processes: int) -> Iterator[tuple[int, Chunk]]:
    play = partial(play_chunk, setting=setting)
    if processes <= 1:
        yield from map(play, chunks)
        return
    # New processes instead of forks: a progress bar runs a thread, and a fork may copy a lock that it holds.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(play, chunks)


def play_chunk(people: People, setting: Setting) -> tuple[int, Chunk]:
    """Simulate all regimes on some people.

    Args:
        people: the people.
        setting: what is simulated.

    Returns:
        The number of people, and the results of those who are old enough for the benefit.
    """
    days = Days(setting.start - 2 * 366, setting.end + 1, setting.policy.timezone)
    rows = []
    for number, (born, dies) in enumerate(zip(people.born.tolist(), people.dies.tolist(), strict=True), people.first):
        if _old_enough(born, setting):
            life = draw_life(
                number, born, dies, seed=setting.seed, start=setting.start, end=setting.end, given=setting.given
            )
            rows.append([tally.counts() for tally in play_all(life, setting, days)])
    counts = np.array(rows, np.float64).reshape(len(rows), len(REGIMES), len(COUNTS))
    # Each replicate counts each person a Poisson number of times; the same under every regime.
    chance = np.random.default_rng([setting.seed, people.first])
    weights = chance.poisson(1.0, (_REPLICATES, len(rows))).astype(np.float64)
    return len(people.born), Chunk(len(rows), counts.sum(axis=0), np.tensordot(weights, counts, 1))


def play_all(life: Life, setting: Setting, days: Days) -> list[Tally]:
    """Simulate one person under each regime, in the order of ``REGIMES``."""
    policy, given = setting.policy, setting.given
    others = [kind(life, policy, given, days).run() for kind in (InPerson, DataOnly, FaceOnly)]
    return [play_ours(life, policy, given, days), *others]


def _old_enough(born: int, setting: Setting) -> bool:
    least = setting.policy.min_age
    return least is None or age_on(date.fromordinal(born), date.fromordinal(setting.start)) >= least
