"""What happens to a person whatever the rules are: life, death, what registries hear of it, and who would cheat."""

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
"""A day that does not come."""

_FRESH_DAYS = 275
"""At the start the last proof is at most so old that no window is open yet: nobody's round is half over."""


@dataclass(frozen=True, slots=True)
class People:
    """Some people of a population, as arrays of equal length.

    Attributes:
        first: number of the first of them in the whole population; their chance hangs on it.
        born: days of birth.
        dies: days of death; NEVER for those who outlive the simulation.
    """

    first: int
    born: NDArray[np.int64]
    dies: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act of life: the day, the day on which the feed reported it, and what it was."""

    day: int
    recorded: int
    act: str


@dataclass(frozen=True, slots=True)
class Life:
    """One person, the same under every regime.

    Attributes:
        number: in the population.
        chance: of everything else that happens to the person.
        born: day of birth.
        dies: day of death, or NEVER.
        start: first day of the simulation.
        end: its last day.
        last_proof: day of the last proof of life before the start.
        age: at the start.
        phone: can be captured remotely, with help if need be.
        housebound: cannot go to a counter.
        reachable: letters and calls arrive.
        hidden: relatives hide the death and go on collecting.
        registered: day on which the civil register reports the death, or NEVER.
        family: day on which the family reports it to the fund, or NEVER.
        wrong_death: day on which the living person is reported dead, or NEVER.
        voided: day on which that is taken back.
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
    """Draw what happens to one person."""
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
    """Draw acts from a year before the start on; after the death only some of them go on."""
    events = given.events
    if not chance.happens(events.covered, "covered"):
        return ()
    # The mean is one, so that the rates are those of the average person.
    activity = math.exp(events.activity_spread * chance.normal("activity") - events.activity_spread**2 / 2)
    found = []
    for act, rates in given.acts.items():
        if not rates.per_year:
            continue
        goes_on = events.mislinked + (rates.after_death if hidden else 0.0)
        day, turn = float(start - 366), 0
        while (day := day + chance.gap(rates.per_year * activity, act, turn)) <= end:
            if day < dies or chance.happens(goes_on, f"{act}/after", turn):
                late = 1 + int(chance.uniform(f"{act}/late", turn) * events.recorded_within_days)
                found.append(Recorded(int(day), int(day) + late, act))
            turn += 1
    return tuple(sorted(found, key=lambda event: (event.recorded, event.day, event.act)))
