"""Measure how many simulated cheats the integrity score finds, how soon, and how many honest agents it flags.

    python -m bench.integrity [--agents 1000] [--seed 1000] [--visits 50] [--plot docs/integrity.png]

There are as many honest agents as cheats of each kind, and each is scored after every visit. The usual rates come from
all honest agents and a fiftieth of each kind of cheat, so that one agent in eleven cheats. Thresholds and starting
values were chosen on seeds below 1000: report results on other seeds.
"""

from __future__ import annotations

import argparse
import importlib
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from certify.domain.integrity import FLAG_FROM, Signal, VisitTrace, base_rates, counts, follow, score
from fixtures.agent_visits import Agent, Visit
from fixtures.agents import (
    KINDS,
    cheat,
    honest,
)
from models.evaluation.matching_plot import PlotUnavailable
from models.statistics import rate

_FIELDS = tuple(field.name for field in fields(Visit))
_COLOURS = ("#1b6ca8", "#e07a1f", "#3a8f5c", "#8a4fa3", "#a8433a", "#7a7a7a")


@dataclass(frozen=True, slots=True)
class Measured:
    """The results of one kind of agents.

    Attributes:
        kind: the kind.
        scores: the score after each visit, of shape (agents, visits).
        by: for the agents who were flagged, how many by which signal.
    """

    kind: str
    scores: NDArray[np.float64]
    by: Counter[Signal]

    @property
    def flagged_at(self) -> NDArray[np.int64]:
        """Number of visits after which each flagged agent was first flagged."""
        over = self.scores >= FLAG_FROM
        return np.asarray(np.argmax(over[over.any(axis=1)], axis=1) + 1, np.int64)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1000, help="of the first agent")
    parser.add_argument("--visits", type=int, default=50)
    parser.add_argument("--plot", type=Path, default=Path("docs/integrity.png"))
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.agents)
    agents = {"honest": [traces(honest(seed, options.visits)) for seed in track(seeds, "honest")]}
    for kind in KINDS:
        agents[kind] = [traces(cheat(kind, seed, options.visits)) for seed in track(seeds, kind)]
    corps = [*agents["honest"], *(one for kind in KINDS for one in agents[kind][: options.agents // 50])]
    base = base_rates(counts(one) for one in track(corps, "usual rates"))
    found = [_measure(kind, some, base) for kind, some in agents.items()]
    console = Console(width=120)
    console.print(_table(found))
    console.print("usual rates: " + ", ".join(f"{signal} {value:.4f}" for signal, value in base.items()))
    _draw(found, options.plot)


def traces(agent: Agent) -> list[VisitTrace]:
    """Convert the visits of a simulated agent into traces for the score."""
    return [VisitTrace(**{name: getattr(visit, name) for name in _FIELDS}) for visit in agent.visits]


def _measure(kind: str, agents: list[list[VisitTrace]], base: dict[Signal, float]) -> Measured:
    scores, by = [], Counter[Signal]()
    for visits in track(agents, f"scores: {kind}"):
        steps = follow(visits, base)
        scores.append([value for _, value in steps])
        first = next((count for count, value in steps if value >= FLAG_FROM), None)
        if first is not None:
            by[score(sorted(visits, key=lambda trace: (trace.at, trace.visit))[:first], base).signals[0].signal] += 1
    return Measured(kind, np.array(scores), by)


def _table(found: list[Measured]) -> Table:
    table = Table("kind", "n", "flagged", "share", "95 % interval", "median of them", "by")
    for one in found:
        at = one.flagged_at
        share = rate(len(at), len(one.scores))
        median = f"{np.median(at):.0f}" if len(at) else ""
        by = ", ".join(f"{signal} {number}" for signal, number in one.by.most_common())
        interval = f"{share.low:.2%} to {share.high:.2%}"
        table.add_row(one.kind, str(share.trials), str(share.events), f"{share.value or 0:.2%}", interval, median, by)
    return table


def _draw(found: list[Measured], path: Path) -> None:
    try:
        figures: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise PlotUnavailable("matplotlib is not installed, so no plot was drawn") from error
    # The Figure class alone, without pyplot: no global state and no window system.
    figure = figures.Figure(figsize=(11, 6.5), layout="constrained")
    for one, axes, colour in zip(found, figure.subplots(2, 3, sharex=True, sharey=True).flat, _COLOURS, strict=True):
        visits = np.arange(1, one.scores.shape[1] + 1)
        low, middle, high = np.percentile(one.scores, [10, 50, 90], axis=0)
        axes.fill_between(visits, low, high, color=colour, alpha=0.2, linewidth=0, label="four fifths of agents")
        axes.plot(visits, one.scores[:12].T, color=colour, alpha=0.35, linewidth=0.7)
        axes.plot(visits, middle, color=colour, linewidth=2, label="median")
        axes.axhline(FLAG_FROM, color="black", linestyle="--", linewidth=1, label="a supervisor looks")
        share = rate(len(one.flagged_at), len(one.scores))
        axes.set(ylim=(0, 10), xlim=(1, visits[-1]))
        axes.set_title(f"{one.kind.replace('_', '-')}: {share.value or 0:.1%} flagged", loc="left")
    for axes in figure.axes[3:]:
        axes.set_xlabel("visits")
    for axes in figure.axes[::3]:
        axes.set_ylabel("score")
    figure.axes[0].legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
