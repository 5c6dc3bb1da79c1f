"""Count verdicts by group, and measure how well each number tells living people from a family of attacks.

Groups are the living people (those who filmed themselves and others apart, and each coding), the families of attacks,
and their systems. Beside the measures stands the *framing*: the size of the face in the picture. It proves nothing
about life, but it often tells one source of films from another, so a measure that does not beat it has only learned
where a film comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.liveness_judged import Judged
from models.evaluation.liveness_samples import LIVE
from models.states import State
from models.statistics import Floats, Rate, bootstrap_share, bootstrap_statistic, rate

FRAMING = "framing alone"
SUM = "smallest sum"


@dataclass(frozen=True, slots=True)
class Counted:
    """A share of the films of a group, with two intervals.

    Attributes:
        rate: with the Clopper-Pearson interval, which takes films as independent.
        by_person: 95 % interval by bootstrap over people, whose films are alike; None with fewer than two people.
    """

    rate: Rate
    by_person: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Group:
    """The verdicts of a group of films.

    Attributes:
        name: of the group.
        films: number of films.
        people: number of people.
        passed: judged a living person. APCER for attacks.
        asked: asked to try again, or not readable.
        failed: judged an attack. BPCER for living people.
    """

    name: str
    films: int
    people: int
    passed: Counted
    asked: Counted
    failed: Counted


@dataclass(frozen=True, slots=True)
class Separation:
    """How well a number tells living people from a family of attacks.

    Attributes:
        measure: name of the measure, or :data:`FRAMING`, or :data:`SUM`.
        family: of the attacks.
        live: number of living films that have the number.
        attacks: number of attacks that have it.
        auc: area under the ROC curve: the chance that a living film has the more living number of the two.
        by_person: 95 % interval by bootstrap over people; None if there are too few.
        lost: share of living films below the number that 5 % of the attacks reach.
        roc: points of the curve: share of attacks and share of living films at or above each number.
    """

    measure: str
    family: str
    live: int
    attacks: int
    auc: float
    by_person: tuple[float, float] | None
    lost: float
    roc: tuple[tuple[float, float], ...]


def groups_of(judged: Sequence[Judged]) -> list[Group]:
    """Return the groups of a set of films, living people first. A group that equals the one above it is left out."""
    live = [sample for sample in judged if sample.label == LIVE]
    attacks = [sample for sample in judged if sample.label != LIVE]
    found: list[Group] = []
    if live:
        found.append(_group("living", live))
        own = [sample for sample in live if sample.self_filmed]
        if own:
            found.append(_group("living, self-filmed", own))
            found += [_group("living, others", [s for s in live if not s.self_filmed])] if len(own) < len(live) else []
        for coding in sorted({sample.coding for sample in live} - {""}):
            found.append(_group(f"living, coding {coding}", [s for s in live if s.coding == coding]))
    for family in sorted({sample.family for sample in attacks}):
        members = [sample for sample in attacks if sample.family == family]
        found.append(_group(family, members))
        systems = sorted({sample.species for sample in members})
        if systems != [family]:
            found += [_group(f"  {system}", [s for s in members if s.species == system]) for system in systems]
    return found


def separations_of(judged: Sequence[Judged], directions: Mapping[str, int]) -> list[Separation]:
    """Return how well each measure, the smallest sum and the framing tell living people from each family.

    Args:
        judged: the films.
        directions: by measure, 1 if living people have more of it and -1 if they have less. The framing has no
            direction: the better of both counts, so that it is not flattered less than a measure that was chosen.
    """
    live = [sample for sample in judged if sample.label == LIVE]
    found = []
    for family in sorted({sample.family for sample in judged if sample.label != LIVE}):
        attacks = [sample for sample in judged if sample.family == family and sample.label != LIVE]
        for name in (*directions, SUM, FRAMING):
            one, two = _numbers(live, name), _numbers(attacks, name)
            if len(one[0]) and len(two[0]):
                found.append(_separation(name, family, one, two, directions.get(name, 0 if name == FRAMING else 1)))
    return found


_Numbers = tuple[Floats, list[str]]


def _numbers(samples: Sequence[Judged], name: str) -> _Numbers:
    def number(sample: Judged) -> float | None:
        if name == FRAMING:
            return sample.framing
        return sample.llr if name == SUM else sample.measures.get(name)

    known = [(value, sample.person) for sample in samples if (value := number(sample)) is not None]
    return np.array([value for value, _ in known]), [person for _, person in known]


def _separation(name: str, family: str, live: _Numbers, attacks: _Numbers, direction: int) -> Separation:
    if direction == 0:
        direction = 1 if (auc(live[0], attacks[0]) or 0.0) >= 0.5 else -1
    good, bad = direction * live[0], direction * attacks[0]
    people = [f"live {person}" for person in live[1]] + [f"attack {person}" for person in attacks[1]]
    values, is_live = np.concatenate([good, bad]), np.arange(len(good) + len(bad)) < len(good)

    def area(weights: Floats) -> float | None:
        return auc(values[is_live], values[~is_live], weights[is_live], weights[~is_live])

    thresholds = np.unique(values)[::-1]
    roc = tuple((float((bad >= t).mean()), float((good >= t).mean())) for t in thresholds)
    lost = 1 - max((kept for reached, kept in roc if reached <= 0.05), default=0.0)
    value = auc(good, bad)
    interval = bootstrap_statistic(people, area)
    return Separation(name, family, len(good), len(bad), 0.5 if value is None else value, interval, lost, roc)


def auc(good: Floats, bad: Floats, by_good: Floats | None = None, by_bad: Floats | None = None) -> float | None:
    """Return the area under the ROC curve: the weighted share of pairs in which the first is larger; ties count half.

    Returns:
        The area; None if one side has no weight.
    """
    by_good = np.ones(len(good)) if by_good is None else by_good
    by_bad = np.ones(len(bad)) if by_bad is None else by_bad
    if by_good.sum() == 0 or by_bad.sum() == 0:
        return None
    order = np.argsort(bad, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(by_bad[order])])
    left, right = (np.searchsorted(bad[order], good, side=side) for side in ("left", "right"))
    return float((by_good * (below[left] + below[right]) / 2).sum() / (by_good.sum() * by_bad.sum()))


def _group(name: str, samples: Sequence[Judged]) -> Group:
    people = [sample.person for sample in samples]

    def counted(state: State) -> Counted:
        hits = np.array([sample.state is state for sample in samples])
        return Counted(rate(int(hits.sum()), len(hits)), bootstrap_share(hits, people))

    states = (State.PASS, State.NOT_ASSESSED, State.FAIL)
    return Group(name, len(samples), len(set(people)), *(counted(state) for state in states))
