"""A picture of a simulation: small charts with one bar for each regime. It needs matplotlib (extra ``demo``)."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certify.simulate.results import Figure
from certify.simulate.run import Result
from models.evaluation.matching_plot import PlotUnavailable

_COLOURS = {"ours": "#0b6e6e", "in_person": "#b9a48a", "data_only": "#c98b6b", "face_only": "#8a9bb5"}
_INK, _FAINT = "#22303a", "#7b8791"
_SESSION, _TRIP, _VISIT, _WORK, _LOST = "#8fc1b5", "#e3b866", "#6f5d8c", "#9db4c6", "#a8433a"


@dataclass(frozen=True, slots=True)
class _Panel:
    """One small chart: a single figure, or parts (name, colour) that add up."""

    title: str
    note: str
    keys: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = ()
    percent: bool = False


_PANELS = (
    _Panel("Months paid to the dead", "per 1,000 people a year", ("months_to_dead",)),
    _Panel("Deaths found in 90 days", "share of deaths", ("found_90",), percent=True),
    _Panel("Living people stopped", "per 1,000 people a year", ("wrongly_stopped",)),
    _Panel("Months the living go unpaid", "per 1,000 people a year, paid back later", ("months_without",)),
    _Panel(
        "What is asked of people",
        "per 1,000 people a year",
        ("sessions", "trips", "visits"),
        (("selfies", _SESSION), ("trips", _TRIP), ("visits", _VISIT)),
    ),
    _Panel(
        "Cost",
        "% of a month's pension, a person and year",
        ("work", "lost"),
        (("work, journeys", _WORK), ("paid to the dead", _LOST)),
    ),
)


def load_figures() -> Any:
    """Import matplotlib's module of figures.

    Returns:
        The module ``matplotlib.figure``.

    Raises:
        PlotUnavailable: matplotlib is not installed.
    """
    try:
        return importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise PlotUnavailable("matplotlib is not installed, so no plot was drawn") from error


def save_simulation_plot(result: Result, path: Path, figures: Any) -> None:
    """Write a PNG that compares the regimes; thin lines are 95 % intervals.

    Args:
        result: the simulation.
        path: the file to write.
        figures: what ``load_figures`` returned.
    """
    # The Figure class is used without pyplot, which has global state and needs a window system.
    picture = figures.Figure(figsize=(10, 6), facecolor="white")
    axes = picture.subplots(2, 3)
    picture.subplots_adjust(left=0.095, right=0.985, top=0.775, bottom=0.075, wspace=0.14, hspace=0.5)
    for number, (panel, ax) in enumerate(zip(_PANELS, axes.flat, strict=True)):
        _draw(panel, ax, result, named=number % 3 == 0)
    years = round((result.setting.end - result.setting.start) / 365.25)
    rules = result.policy.policy
    picture.text(
        0.015,
        0.945,
        "The same people, the same deaths and frauds, four sets of rules",
        color=_INK,
        fontsize=15,
        fontweight="bold",
    )
    picture.text(
        0.015,
        0.9,
        f"{result.people:,} synthetic people, {years} years; ours: {rules.scheme} {rules.version}. "
        "Thin lines: 95 % intervals of chance. Rates are assumed, see docs/simulation.md.",
        color=_FAINT,
        fontsize=9.2,
    )
    picture.savefig(path, dpi=110)


def _draw(panel: _Panel, ax: Any, result: Result, *, named: bool) -> None:
    regimes = list(result.regimes.items())
    longest = max(_sum(regime.figures, panel.keys) for _, regime in regimes) or 1.0
    for row, (name, regime) in enumerate(regimes):
        left = 0.0
        for part, key in enumerate(panel.keys):
            value = regime.figures[key].value or 0.0
            label, colour = panel.parts[part] if panel.parts else ("", _COLOURS[name])
            ax.barh(row, value, left=left, height=0.62, color=colour, label=label if not row else "")
            left += value
        end = left if panel.parts else _whisker(ax, row, regime.figures[panel.keys[0]], left)
        bold = "bold" if name == "ours" else "normal"
        ax.text(end + longest * 0.025, row, _text(left, panel), va="center", color=_INK, fontsize=10, fontweight=bold)
    ax.set_xlim(0, longest * 1.3)
    ax.set_ylim(len(regimes) - 0.5, -0.5)
    ax.set_xticks([])
    ax.set_yticks(range(len(regimes)), [regime.title for _, regime in regimes] if named else [])
    ax.tick_params(length=0, labelsize=10, labelcolor=_INK)
    if named:
        ax.get_yticklabels()[0].set_fontweight("bold")
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)
    ax.spines["left"].set_color("#c9d0d5")
    ax.set_title(panel.title, loc="left", color=_INK, fontsize=11.5, pad=22, fontweight="bold")
    ax.text(0, 1.05, panel.note, transform=ax.transAxes, color=_FAINT, fontsize=9)
    if panel.parts:
        handles = {"handlelength": 0.9, "handleheight": 0.9, "handletextpad": 0.5, "columnspacing": 1.2}
        place = {"loc": "upper left", "bbox_to_anchor": (-0.03, 0.01), "ncols": len(panel.parts), "frameon": False}
        ax.legend(**place, **handles, fontsize=9, labelcolor=_INK)


def _whisker(ax: Any, row: int, figure: Figure, value: float) -> float:
    """Draw the interval; return where it ends."""
    if figure.low is None or figure.high is None:
        return value
    ax.plot([figure.low, figure.high], [row, row], color=_INK, linewidth=1.1, solid_capstyle="butt")
    return max(value, figure.high)


def _sum(figures: dict[str, Figure], keys: tuple[str, ...]) -> float:
    return sum(figures[key].value or 0.0 for key in keys)


def _text(value: float, panel: _Panel) -> str:
    if panel.percent:
        return f"{100 * value:.0f} %"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
