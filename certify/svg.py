"""Draw bar charts for reports as SVG inside the page, without scripts or files to load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 240
_LEFT, _BOTTOM, _TOP = 64, 34, 12
_COLOURS = ("#1b6ca8", "#e07a1f", "#3a8f5c", "#8a4fa3", "#7a7a7a")
"""People who cannot tell red from green can tell these colours apart. They differ in lightness for print in grey, and
the legend names each."""


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the bars: its name, and one number for each label on the axis."""

    name: str
    values: Sequence[float]


def bars(title: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "") -> str:
    """Return a figure with stacked bars and a scale of round numbers, as HTML.

    Labels for which there is no room are left out. Each bar has a tooltip with its value.

    Args:
        title: caption of the figure.
        labels: labels on the axis, one for each bar.
        series: the colours of the bars, from the bottom up.
        unit: unit of the values, for the tooltips.
    """
    totals = [sum(line.values[place] for line in series) for place in range(len(labels))]
    top = _round_up(max(totals, default=0))
    width = (_WIDTH - _LEFT - 8) / max(len(labels), 1)
    tall = _HEIGHT - _BOTTOM - _TOP
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">']
    for step in range(5):
        value = top * step / 4
        height = _HEIGHT - _BOTTOM - tall * step / 4
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{height:.1f}" y2="{height:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{height + 4:.1f}" class="scale">{_short(value)}</text>')
    every = max(1, -(-len(labels) * 46 // (_WIDTH - _LEFT)))
    for place, label in enumerate(labels):
        x, floor = _LEFT + width * place, float(_HEIGHT - _BOTTOM)
        for number, line in enumerate(series):
            high = tall * line.values[place] / top if top else 0.0
            floor -= high
            if high > 0:
                tooltip = f"{label}: {line.name} {line.values[place]:,.0f} {unit}".strip()
                parts.append(
                    f'<rect x="{x + width * 0.1:.1f}" y="{floor:.1f}" width="{width * 0.8:.1f}" '
                    f'height="{max(high, 0.6):.1f}" fill="{_COLOURS[number % len(_COLOURS)]}">'
                    f"<title>{escape(tooltip)}</title></rect>"
                )
        if place % every == 0:
            parts.append(f'<text x="{x + width / 2:.1f}" y="{_HEIGHT - 14}" class="label">{escape(label)}</text>')
    parts.append("</svg>")
    legend = "".join(
        f'<span><i style="background:{_COLOURS[number % len(_COLOURS)]}"></i>{escape(line.name)}</span>'
        for number, line in enumerate(series)
    )
    return f'<figure><figcaption>{escape(title)}</figcaption>{"".join(parts)}<p class="legend">{legend}</p></figure>'


def _round_up(value: float) -> float:
    """Return the next larger number whose quarters are easy to read."""
    if value <= 0:
        return 1.0
    size = 10.0 ** (len(str(int(value))) - 1)
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= value)


def _short(value: float) -> str:
    for size, name in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"
