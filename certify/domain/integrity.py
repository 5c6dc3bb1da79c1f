"""How surprising an honest agent would be with these visits: one score, and what it is made of.

For each signal the *surprise* is -log10 P(K >= hits) under a beta-binomial: the usual rate among agents, and how much
honest agents differ from one another (one works in hills, one with an old camera). A surprise of 3 is what one honest
agent in a thousand shows. The score is the largest surprise less log10(number of signals): who is looked at nine ways
looks odd in one of them nine times as often (Bonferroni).

A score asks a person to look; it accuses nobody and stops nothing by itself. :mod:`certify.domain.integrity_signals`
says what counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from certify.domain.integrity_signals import Found, Seen, Signal, VisitTrace

__all__ = [
    "BONFERRONI",
    "FLAG_FROM",
    "STARTING",
    "IntegrityScore",
    "Signal",
    "SignalScore",
    "Usual",
    "VisitTrace",
    "base_rates",
    "counts",
    "follow",
    "score",
    "surprise",
]

FLAG_FROM = 2.25
"""Score from which a supervisor looks: were the model right, one honest agent in 180 at any one look, and more when one
looks after every visit. Chosen on simulated agents with seeds below 1000. ``bench/integrity.py`` on seeds 2000 to 2999:
1.3 % of the honest (0.69 to 2.21) are flagged at some time within 50 visits, and 84 to 100 % of the kinds of cheats."""

BONFERRONI = math.log10(len(Signal))
"""What the score takes off the largest surprise, because there were so many signals to be surprised by."""

PRIOR_TRIALS = 300
"""Visits that the starting value is worth against what colleagues show. A starting value, not measured."""

TRIM = 0.2
"""Share of agents left out at each end before colleagues are pooled, so that fewer cheats than that move nothing but
who is left out. A starting value, not measured."""

FEWEST_TRIALS = 10
"""Agents with fewer trials of a signal are not pooled: 0 of 2 is no low rate. A starting value, not measured."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of a signal among honest agents.

    ``rate``: the mean share of hits; also the floor of what colleagues can make of it. ``alike``: how alike honest
    agents are, as the sum of the beta distribution's parameters; their rates vary by rate * (1 - rate) / (alike + 1).
    """

    rate: float
    alike: float


STARTING: Mapping[Signal, Usual] = {
    Signal.SAME_BACKGROUND: Usual(0.02, 25),
    Signal.SAME_FACE: Usual(0.002, 100),
    Signal.IMPOSSIBLE_TRAVEL: Usual(0.02, 25),
    Signal.ELSEWHERE: Usual(0.055, 22),
    Signal.VISIT_LENGTH: Usual(0.03, 30),
    Signal.PICTURE_OF_PICTURE: Usual(0.05, 35),
    Signal.ALTERNATIVES: Usual(0.08, 25),
    Signal.CLOCK: Usual(0.015, 10),
    Signal.RECHECKS: Usual(0.03, 30),
}
"""Starting values, not measured on real visits: a fund replaces them by what its first year shows. How alike agents are
was set near what simulated honest agents with seeds below 1000 show; that moves the guess to fixtures/agents.py."""


@dataclass(frozen=True, slots=True)
class SignalScore:
    """One signal of one agent.

    ``hits`` of ``trials``, where ``base`` is the usual share; ``visits`` are the ids of the hits, in order of time.
    """

    signal: Signal
    hits: int
    trials: int
    base: float
    surprise: float
    visits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IntegrityScore:
    """The score of an agent after so many ``visits``; the most surprising signal first."""

    visits: int
    score: float
    flagged: bool
    signals: tuple[SignalScore, ...]


def score(traces: Iterable[VisitTrace], base: Mapping[Signal, float]) -> IntegrityScore:
    """Score an agent's visits, given in any order, against the usual rates (``base_rates``).

    Give the latest fifty to a hundred. Among a thousand good visits the first false ones drown, and over months a
    nursing home is visited on more days than ``integrity_signals.HOME_DAYS``.
    """
    seen = Seen(traces)
    signals = [_judge(signal, seen.find(signal), base) for signal in Signal]
    signals.sort(key=lambda found: -found.surprise)
    value = _overall(found.surprise for found in signals)
    return IntegrityScore(len(seen.visits), value, value >= FLAG_FROM, tuple(signals))


def follow(traces: Iterable[VisitTrace], base: Mapping[Signal, float]) -> tuple[tuple[int, float], ...]:
    """Return the number of visits and the score then, after each visit in order of time."""
    seen = Seen(traces)
    steps = []
    for count in range(1, len(seen.visits) + 1):
        found = ((signal, seen.find(signal, count)) for signal in Signal)
        steps.append((count, _overall(surprise(s, len(f.hits), f.trials, base[s]) for s, f in found)))
    return tuple(steps)


def counts(traces: Iterable[VisitTrace]) -> dict[str, tuple[int, int]]:
    """Return hits and trials of each signal: what ``base_rates`` takes of each agent, and all it needs to keep."""
    seen = Seen(traces)
    found = {signal.value: seen.find(signal) for signal in Signal}
    return {name: (len(one.hits), one.trials) for name, one in found.items()}


def base_rates(agents: Iterable[Mapping[str, Sequence[int]]]) -> dict[Signal, float]:
    """Work out the usual rates from all agents' ``counts``, the scored one's among them.

    The starting value, worth ``PRIOR_TRIALS``, mixed with the pooled hits of the middle agents; never below the
    starting value, so that among saints one slip does not look like fraud.
    """
    known = list(agents)
    return {signal: _usual_rate(signal, [found[signal] for found in known if signal in found]) for signal in Signal}


def _usual_rate(signal: Signal, found: Sequence[Sequence[int]]) -> float:
    start = STARTING[signal].rate
    pooled = sorted(((pair[0], pair[1]) for pair in found if pair[1] >= FEWEST_TRIALS), key=_share)
    cut = math.ceil(TRIM * len(pooled))
    middle = pooled[cut : len(pooled) - cut]
    hits, trials = sum(pair[0] for pair in middle), sum(pair[1] for pair in middle)
    return max(start, (start * PRIOR_TRIALS + hits) / (PRIOR_TRIALS + trials))


def _share(pair: tuple[int, int]) -> tuple[float, int]:
    return pair[0] / pair[1], pair[1]


def surprise(signal: Signal, hits: int, trials: int, base: float) -> float:
    """Return -log10 of the probability that an honest agent shows so many hits or more; 0 without any.

    The beta-binomial tail is summed from ``hits`` on: the first term by ``math.lgamma``, the others by their ratios
    (Johnson, Kemp and Kotz, Univariate Discrete Distributions, 6.2.2).
    """
    if hits <= 0:
        return 0.0
    a, b = base * STARTING[signal].alike, (1 - base) * STARTING[signal].alike
    first = _log_choose(trials, hits) + _log_beta(hits + a, trials - hits + b) - _log_beta(a, b)
    term = total = 1.0
    for k in range(hits, trials):
        term *= (trials - k) * (k + a) / ((k + 1) * (trials - k - 1 + b))
        total += term
    return max(0.0, -(first + math.log(total)) / math.log(10))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _judge(signal: Signal, found: Found, base: Mapping[Signal, float]) -> SignalScore:
    hits, usual = len(found.hits), base[signal]
    value = surprise(signal, hits, found.trials, usual)
    return SignalScore(signal, hits, found.trials, usual, value, tuple(trace.visit for trace in found.hits))


def _overall(surprises: Iterable[float]) -> float:
    return max(0.0, max(surprises, default=0.0) - BONFERRONI)
