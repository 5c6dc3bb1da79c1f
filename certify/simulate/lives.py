"""What happens to a person under all rules alike: life, death, reports to registries, and whether relatives cheat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from certify.domain.schedule import age_on
from certify.simulate.assumptions import Assumptions, at_age
from certify.simulate.chance import Chance

NEVER = date.max.toordinal()
"""Stands for a day that never comes."""

_FRESH_DAYS = 275
"""Largest age in days of the last proof at the start. No window is open yet, so that no round is half over."""


@dataclass(frozen=True, slots=True)
class People:
    """Some people of a population, as arrays of equal length.

    Attributes:
        first: number of the first person in the whole population; their random numbers depend on it.
        born: days of birth.
        dies: days of death; NEVER for people who outlive the simulation.
    """

    first: int
    born: NDArray[np.int64]
    dies: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act of life: the day, the day on which the feed reported it, and the kind of act."""

    day: int
    recorded: int
    act: str


@dataclass(frozen=True, slots=True)
class Life:
    """One person, the same under every regime.

    Attributes:
        number: number in the population.
        chance: random numbers for everything else that happens to the person.
        born: day of birth.
        dies: day of death, or NEVER.
        start: first day of the simulation.
        end: last day of the simulation.
        last_proof: day of the last proof of life before the start.
        age: completed years at the start.
        phone: whether the person can be captured remotely, with help where needed.
        housebound: whether the person cannot go to a counter.
        reachable: whether letters and calls arrive.
        hidden: whether relatives hide the death and go on collecting.
        registered: day on which the civil register reports the death, or NEVER.
        family: day on which the family reports the death to the fund, or NEVER.
        wrong_death: day on which the living person is reported dead, or NEVER.
        voided: day on which that report is taken back.
        acts: recorded acts in the order of recording.
    """

    number: int
    chance: Chance
    born: int
    dies: int
    start: int
    end: int
    last_proof: int
    age: int
    phone: bool
    housebound: bool
    reachable: bool
    hidden: bool
    registered: int
    family: int
    wrong_death: int
    voided: int
    acts: tuple[Recorded, ...]

    def alive(self, day: int) -> bool:
        """Tell whether the person lives on a day."""
        return day < self.dies


def draw_life(number: int, born: int, dies: int, *, seed: int, start: int, end: int, given: Assumptions) -> Life:
    """Draw what happens to one person.

    Args:
        number: number in the population.
        born: day of birth.
        dies: day of death, or NEVER.
        seed: seed of the simulation.
        start: first day of the simulation.
        end: last day of the simulation.
        given: the assumptions.

    Returns:
        The life, the same for the same arguments.
    """
    chance = Chance(seed, number)
    age = age_on(date.fromordinal(born), date.fromordinal(start))
    dies = dies if dies <= end else NEVER
    hidden = dies != NEVER and chance.happens(given.fraud.share_of_deaths, "hidden")
    registered = family = NEVER
    if dies != NEVER:
        registered, family = _reports(chance, dies, given, hidden=hidden)
    wrong = _wrong_death(chance, start, given)
    if not wrong < min(dies, end):
        wrong = NEVER
    voided = wrong
    if wrong != NEVER:
        voided += chance.days(given.deaths.void_median_days, given.waiting.spread, "void")
    return Life(
        number=number,
        chance=chance,
        born=born,
        dies=dies,
        start=start,
        end=end,
        last_proof=start - int(chance.uniform("last_proof") * _FRESH_DAYS),
        age=age,
        phone=chance.happens(at_age(given.people.phone, age), "phone"),
        housebound=chance.happens(at_age(given.people.housebound, age), "housebound"),
        reachable=not chance.happens(given.people.unreachable, "unreachable"),
        hidden=hidden,
        registered=registered,
        family=family,
        wrong_death=wrong,
        voided=voided,
        acts=_acts(chance, dies, start, end, given, hidden=hidden),
    )


def _reports(chance: Chance, dies: int, given: Assumptions, *, hidden: bool) -> tuple[int, int]:
    deaths = given.deaths
    registered = family = NEVER
    if not chance.happens(deaths.unreported_if_hidden if hidden else deaths.unreported, "unreported"):
        registered = dies + chance.days(deaths.median_days, deaths.spread, "registered")
    if not hidden and chance.happens(deaths.family_reports, "family"):
        family = dies + chance.days(deaths.family_median_days, given.waiting.spread, "family_days")
    return registered, family


def _wrong_death(chance: Chance, start: int, given: Assumptions) -> int:
    if not given.deaths.wrong_per_million:
        return NEVER
    return min(NEVER, start + 1 + int(chance.gap(given.deaths.wrong_per_million / 1e6, "wrong_death")))


def _acts(chance: Chance, dies: int, start: int, end: int, given: Assumptions, *, hidden: bool) -> tuple[Recorded, ...]:
    """Draw acts from a year before the start on; after the death only a share of them goes on."""
    events = given.events
    if not chance.happens(events.covered, "covered"):
        return ()
    # The mean is one, so that the rates are those of an average person.
    activity = math.exp(events.activity_spread * chance.normal("activity") - events.activity_spread**2 / 2)
    recorded = []
    for act, rates in given.acts.items():
        if not rates.per_year:
            continue
        goes_on = events.mislinked + (rates.after_death if hidden else 0.0)
        day, turn = float(start - 366), 0
        while (day := day + chance.gap(rates.per_year * activity, act, turn)) <= end:
            if day < dies or chance.happens(goes_on, f"{act}/after", turn):
                late = 1 + int(chance.uniform(f"{act}/late", turn) * events.recorded_within_days)
                recorded.append(Recorded(int(day), int(day) + late, act))
            turn += 1
    return tuple(sorted(recorded, key=lambda event: (event.recorded, event.day, event.act)))
