"""The integrity score of an agent: how surprising their visits would be for an honest agent.

For each signal the *surprise* is -log10 P(K >= hits) under a beta-binomial: the usual rate among agents, and how much
honest agents differ from one another (one works in hills, one with an old camera). One honest agent in a thousand shows
a surprise of 3. The score is the largest surprise minus log10(number of signals), because an agent who is compared in
nine ways looks odd in one of them nine times as often (Bonferroni).

A score asks a supervisor to look. It is not an accusation, and it stops nothing by itself.
:mod:`certify.domain.integrity_signals` defines the signals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from certify.domain.integrity_signals import VisitHistory
from certify.domain.visit_trace import Signal, SignalHits, VisitTrace

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
"""Score from which a supervisor looks. If the model is right, one honest agent in 180 reaches it at one look, and more
when each visit brings a new look. Chosen on simulated agents with seeds below 1000. ``bench/integrity.py`` on seeds
2000 to 2999: 1.3 % of the honest agents (0.69 to 2.21) are flagged at some time within 50 visits, and 84 to 100 % of
the agents who cheat, by kind of cheating."""

BONFERRONI = math.log10(len(Signal))
"""Subtracted from the largest surprise, because the largest of so many signals is taken."""

PRIOR_TRIALS = 300
"""Visits that the starting value counts for when it is mixed with those of all agents. Not measured."""

TRIM = 0.2
"""Share of agents left out at each end before agents are pooled. A smaller share of cheating agents cannot move the
rate, except by changing which agents are left out. A starting value, not measured."""

FEWEST_TRIALS = 10
"""Agents with fewer trials of a signal are not pooled: 0 of 2 is not a low rate. A starting value, not measured."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a signal among honest agents.

    Attributes:
        rate: the mean share of hits; the rate pooled from agents never goes below it.
        alike: how alike honest agents are, as the sum of the beta distribution's parameters; the variance of their
            rates is rate * (1 - rate) / (alike + 1).
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
"""Starting values, not measured on real visits; a fund replaces them after its first year. How alike agents are was set
near what simulated honest agents with seeds below 1000 show, so it is as good as the guesses in fixtures/agents.py."""


@dataclass(frozen=True, slots=True)
class SignalScore:
    """One signal of one agent.

    Attributes:
        signal: the signal.
        hits: how many visits, places or days show it.
        trials: how many could have shown it.
        base: the usual share of hits.
        surprise: -log10 of the probability that an honest agent shows so many hits or more.
        visits: ids of the visits that are hits, in order of time.
    """

    signal: Signal
    hits: int
    trials: int
    base: float
    surprise: float
    visits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IntegrityScore:
    """The score of an agent after a number of ``visits``, with the most surprising signal first."""

    visits: int
    score: float
    flagged: bool
    signals: tuple[SignalScore, ...]


def score(traces: Iterable[VisitTrace], base: Mapping[Signal, float]) -> IntegrityScore:
    """Score an agent's visits against the usual rates.

    Give the latest fifty to a hundred visits. Among a thousand good visits the first false ones do not show, and over
    months a nursing home is visited on more days than ``integrity_signals.HOME_DAYS``.

    Args:
        traces: the visits of one agent, in any order.
        base: the usual rates, as ``base_rates`` returns them.

    Returns:
        The score with its signals.
    """
    history = VisitHistory(traces)
    signals = [_judge(signal, history.find(signal), base) for signal in Signal]
    signals.sort(key=lambda entry: -entry.surprise)
    value = _overall(entry.surprise for entry in signals)
    return IntegrityScore(len(history.visits), value, value >= FLAG_FROM, tuple(signals))


def follow(traces: Iterable[VisitTrace], base: Mapping[Signal, float]) -> tuple[tuple[int, float], ...]:
    """Return, after each visit in order of time, the number of visits and the score at that point."""
    history = VisitHistory(traces)
    steps = []
    for count in range(1, len(history.visits) + 1):
        outcomes = ((signal, history.find(signal, count)) for signal in Signal)
        steps.append((count, _overall(surprise(s, len(o.hits), o.trials, base[s]) for s, o in outcomes)))
    return tuple(steps)


def counts(traces: Iterable[VisitTrace]) -> dict[str, tuple[int, int]]:
    """Return hits and trials of each signal by name: all that ``base_rates`` needs of an agent."""
    history = VisitHistory(traces)
    outcomes = {signal.value: history.find(signal) for signal in Signal}
    return {name: (len(outcome.hits), outcome.trials) for name, outcome in outcomes.items()}


def base_rates(agents: Iterable[Mapping[str, Sequence[int]]]) -> dict[Signal, float]:
    """Work out the usual rates from the ``counts`` of all agents.

    A rate is the starting value, which counts as ``PRIOR_TRIALS`` visits, mixed with the pooled hits of the middle
    agents. It is never below the starting value, so that one slip among faultless agents does not look like fraud.

    Args:
        agents: hits and trials by signal, for every agent, including the agents to be scored.

    Returns:
        The usual share of hits of each signal.
    """
    known = list(agents)
    return {signal: _usual_rate(signal, [pairs[signal] for pairs in known if signal in pairs]) for signal in Signal}


def _usual_rate(signal: Signal, pairs: Sequence[Sequence[int]]) -> float:
    start = STARTING[signal].rate
    pooled = sorted(((pair[0], pair[1]) for pair in pairs if pair[1] >= FEWEST_TRIALS), key=_share)
    cut = math.ceil(TRIM * len(pooled))
    middle = pooled[cut : len(pooled) - cut]
    hits, trials = sum(pair[0] for pair in middle), sum(pair[1] for pair in middle)
    return max(start, (start * PRIOR_TRIALS + hits) / (PRIOR_TRIALS + trials))


def _share(pair: tuple[int, int]) -> tuple[float, int]:
    return pair[0] / pair[1], pair[1]


def surprise(signal: Signal, hits: int, trials: int, base: float) -> float:
    """Return -log10 of the probability that an honest agent shows so many hits or more.

    The beta-binomial tail is summed from ``hits`` on: the first term by ``math.lgamma``, the others by their ratios
    (Johnson, Kemp and Kotz, Univariate Discrete Distributions, 6.2.2).

    Args:
        signal: the signal; it says how alike honest agents are.
        hits: number of hits.
        trials: number of trials.
        base: the usual share of hits.

    Returns:
        The surprise, 0 without hits.
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


def _judge(signal: Signal, outcome: SignalHits, base: Mapping[Signal, float]) -> SignalScore:
    hits, usual = len(outcome.hits), base[signal]
    value = surprise(signal, hits, outcome.trials, usual)
    return SignalScore(signal, hits, outcome.trials, usual, value, tuple(trace.visit for trace in outcome.hits))


def _overall(surprises: Iterable[float]) -> float:
    return max(0.0, max(surprises, default=0.0) - BONFERRONI)
