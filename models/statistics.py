"""Compute error rates and their uncertainty, with numpy only.

Terms of ISO/IEC 19795-1: FMR is the share of impostor pairs accepted, FNMR the share of genuine pairs rejected, EER
the value at which both are equal. A score is accepted when it is at or above the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """A proportion with its Clopper-Pearson interval (exact binomial, 95 %; the trials are taken as independent).

    Attributes:
        events: number of events.
        trials: number of trials.
        value: events / trials; None without trials.
        low: lower end of the interval.
        high: upper end.
    """

    events: int
    trials: int
    value: float | None
    low: float
    high: float


def rate(events: int, trials: int) -> Rate:
    """Return a proportion with its 95 % interval.

    Raises:
        ValueError: not 0 <= events <= trials.
    """
    low, high = clopper_pearson(events, trials)
    return Rate(events, trials, events / trials if trials else None, low, high)


def clopper_pearson(events: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a binomial proportion (C. Clopper and E. Pearson, 1934); (0, 1) without trials.

    Raises:
        ValueError: not 0 <= events <= trials.
    """
    if not 0 <= events <= trials:
        raise ValueError("events must lie between 0 and trials")
    alpha = 1 - confidence
    low = 0.0 if events == 0 else beta_quantile(alpha / 2, events, trials - events + 1)
    high = 1.0 if events == trials else beta_quantile(1 - alpha / 2, events + 1, trials - events)
    return low, high


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Invert the regularised incomplete beta function, by bisection to the last bit that matters."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Compute the regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22, Lentz)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges fast only below the mean; beyond it the symmetry I_x(a,b) = 1 - I_(1-x)(b,a) helps.
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(x, a, b) / a
    return 1 - front * _beta_fraction(1 - x, b, a) / b


def _beta_fraction(x: float, a: float, b: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    result = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d, tiny)
            c = _away(1 + term / c, tiny)
            result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result


def _away(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def equal_error_rate(genuine: Floats, impostor: Floats, weights: tuple[Floats, Floats] | None = None) -> float | None:
    """Return the EER, where FNMR and FMR cross, interpolated linearly between neighbouring thresholds.

    Args:
        genuine: scores of the same person.
        impostor: scores of different persons.
        weights: of the genuine and of the impostor scores (bootstrap counts); None means all equal.

    Returns:
        The EER; None if there are no genuine or no impostor scores.
    """
    by_genuine, by_impostor = weights or (np.ones(len(genuine)), np.ones(len(impostor)))
    if by_genuine.sum() == 0 or by_impostor.sum() == 0:
        return None
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    fnmr = _below(genuine, by_genuine, thresholds)
    fmr = 1 - _below(impostor, by_impostor, thresholds)
    # A last threshold above everything, so that the curves always cross.
    fnmr, fmr = np.append(fnmr, 1.0), np.append(fmr, 0.0)
    index = int(np.argmax(fnmr >= fmr))
    if index == 0:
        return float((fnmr[0] + fmr[0]) / 2)
    before, after = fmr[index - 1] - fnmr[index - 1], fnmr[index] - fmr[index]
    share = before / (before + after) if before + after > 0 else 0.0
    return float(fnmr[index - 1] + share * (fnmr[index] - fnmr[index - 1]))


def _below(scores: Floats, weights: Floats, thresholds: Floats) -> Floats:
    """Weighted share of scores below each threshold."""
    order = np.argsort(scores, kind="stable")
    cumulated = np.concatenate([[0.0], np.cumsum(weights[order])]) / weights.sum()
    return np.asarray(cumulated[np.searchsorted(scores[order], thresholds, side="left")], np.float64)


def bootstrap_eer(
    scores: Floats, same: NDArray[np.bool_], first: Ints, second: Ints, *, rounds: int = 300, seed: int = 1
) -> tuple[float, float] | None:
    """Return a 95 % interval of the EER. People are resampled, not pairs, because the pairs of one person are alike.

    Args:
        scores: [n] comparison scores.
        same: [n] whether the pair is genuine.
        first: [n] number of the first person.
        second: [n] number of the second person.
        rounds: number of resamples.
        seed: of the resampling, so that a report can be repeated.

    Returns:
        The interval; None if fewer than half of the resamples have an EER.
    """
    people = int(max(first.max(initial=0), second.max(initial=0))) + 1
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        counts = np.bincount(rng.integers(0, people, people), minlength=people).astype(np.float64)
        by_genuine = counts[first[same]]
        by_impostor = counts[first[~same]] * counts[second[~same]]
        value = equal_error_rate(scores[same], scores[~same], (by_genuine, by_impostor))
        if value is not None:
            values.append(value)
    if len(values) < rounds // 2:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def bootstrap_statistic(
    people: Sequence[Hashable], statistic: Callable[[Floats], float | None], *, rounds: int = 300, seed: int = 1
) -> tuple[float, float] | None:
    """Return a 95 % interval of a statistic of items. People are resampled, because the items of one person are alike.

    Args:
        people: the person of each item.
        statistic: called with the weight of each item; None if it cannot be computed with these.
        rounds: number of resamples.
        seed: of the resampling, so that a report can be repeated.

    Returns:
        The interval; None if there are fewer than two people, or fewer than half of the resamples have the statistic.
    """
    numbers: dict[Hashable, int] = {}
    whose = np.array([numbers.setdefault(person, len(numbers)) for person in people], np.int64)
    if len(numbers) < 2:
        return None
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(numbers), (rounds, len(numbers)))
    weights = (np.bincount(draw, minlength=len(numbers))[whose].astype(np.float64) for draw in draws)
    values = [value for weight in weights if (value := statistic(weight)) is not None]
    if len(values) < rounds // 2:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def bootstrap_share(hits: NDArray[np.bool_], people: Sequence[Hashable]) -> tuple[float, float] | None:
    """Return a 95 % interval of the share of hits by :func:`bootstrap_statistic`.

    If all or none are hits, resampling shows no spread; the interval is then that of Clopper and Pearson over people.
    """
    count = len(set(people))
    if count < 2:
        return None
    if hits.all() or not hits.any():
        return clopper_pearson(count if hits.any() else 0, count)
    return bootstrap_statistic(people, lambda weight: float((weight * hits).sum() / weight.sum()))


def tail_threshold(impostor: Floats, target: float, *, weights: Floats | None = None, tail: float = 0.01) -> float:
    """Return the threshold that a share ``target`` of impostors reaches, by an exponential fit of their upper tail.

    Peaks over threshold with shape 0: scores above the ``1 - tail`` quantile are taken as exponential, which bounds any
    distribution with lighter tails from above. The result is an extrapolation if ``target * len(impostor)`` is below
    about ten.

    Args:
        impostor: scores of different persons; at least one.
        target: false match rate, below ``tail``.
        weights: of the scores; None means all equal.
        tail: share of the scores that the fit uses.
    """
    mass = np.ones(len(impostor)) if weights is None else weights
    order = np.argsort(-impostor, kind="stable")
    ranked, mass = impostor[order], mass[order]
    cut = min(int(np.searchsorted(np.cumsum(mass) / mass.sum(), tail)), len(ranked) - 1)
    head = mass[: cut + 1]
    excess = float(((ranked[: cut + 1] - ranked[cut]) * head).sum() / max(head.sum(), 1e-300))
    return float(ranked[cut] + excess * math.log(tail / target))


def people_of(same_pairs: Iterable[tuple[Hashable, Hashable]], everything: Iterable[Hashable]) -> dict[Hashable, int]:
    """Give every person a number: items linked by pairs of the same person are one person (union-find).

    Args:
        same_pairs: pairs of items that show the same person.
        everything: all items.

    Returns:
        The number of the person, by item.
    """
    parent: dict[Hashable, Hashable] = {item: item for item in everything}

    def root(item: Hashable) -> Hashable:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for one, other in same_pairs:
        parent[root(one)] = root(other)
    numbers: dict[Hashable, int] = {}
    return {item: numbers.setdefault(root(item), len(numbers)) for item in parent}
