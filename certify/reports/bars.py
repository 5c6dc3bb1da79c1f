"""Draw bar charts for reports as SVG inside the page, without scripts or files to load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10

_WIDTH, _HEIGHT = 720, 240
_LEFT, _BOTTOM, _TOP = 64, 34, 12
_FLAT = 100
"""How many times the largest bar is the smallest one, from which on the smallest would be less than two units high."""
_COLOURS = ("#1b6ca8", "#e07a1f", "#3a8f5c", "#8a4fa3", "#7a7a7a")
"""People who cannot tell red from green can tell these colours apart. They differ in lightness for print in grey, and
the legend names each."""


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the bars: its name, and one number for each label on the axis."""

    name: str
    values: Sequence[float]


def bars(title: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "") -> str:
    """Return a figure with bars, a scale of round numbers, and the numbers as a table, as HTML.

    The bars of a label stand on each other. If the smallest would vanish beside the largest (``_FLAT``), they stand
    side by side on a logarithmic scale, and the caption says so. Labels for which there is no room are left out.

    Args:
        title: caption of the figure.
        labels: labels on the axis, one for each bar.
        series: the colours of the bars, from the bottom up.
        unit: unit of the values, for the tooltips.
    """
    scale = _logarithmic(series) or _linear(labels, series)
    caption = escape(title) + (" (logarithmic scale: each line is ten times the one below)" if scale.steep else "")
    name = escape(title, quote=True)
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{name}; the numbers follow as a table">']
    for value in scale.ticks:
        height = scale.y(value)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{height:.1f}" y2="{height:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{height + 4:.1f}" class="scale">{_short(value)}</text>')
    width = (_WIDTH - _LEFT - 8) / max(len(labels), 1)
    every = max(1, -(-len(labels) * 46 // (_WIDTH - _LEFT)))
    for place, label in enumerate(labels):
        x = _LEFT + width * place
        parts += _column(place, label, series, scale, x, width, unit)
        if place % every == 0:
            parts.append(f'<text x="{x + width / 2:.1f}" y="{_HEIGHT - 14}" class="label">{escape(label)}</text>')
    parts.append("</svg>")
    legend = "".join(
        f'<span><i style="background:{_COLOURS[number % len(_COLOURS)]}"></i>{escape(line.name)}</span>'
        for number, line in enumerate(series)
    )
    return (
        f'<figure><figcaption>{caption}</figcaption><div class="scroll" tabindex="0" role="group" aria-label="{name}">'
        f'{"".join(parts)}</div><p class="legend">{legend}</p>{_numbers(title, labels, series)}</figure>'
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where values lie on the picture: marked values, the top one, and whether the scale is logarithmic."""

    ticks: Sequence[float]
    top: float
    steep: bool

    def y(self, value: float) -> float:
        """Return the height of a value in units of the picture, from above."""
        tall = _HEIGHT - _BOTTOM - _TOP
        if self.steep:  # one below the first line, so that a single case shows
            share = 0.0 if value < 1 else (log10(value) + 0.3) / (log10(self.top) + 0.3)
        else:
            share = value / self.top
        return _HEIGHT - _BOTTOM - tall * share


def _linear(labels: Sequence[str], series: Sequence[Series]) -> _Scale:
    totals = [sum(line.values[place] for line in series) for place in range(len(labels))]
    whole = all(float(value).is_integer() for line in series for value in line.values)
    top = _round_up(max(totals, default=0))
    if whole and top < 4:  # half a person stands on no axis
        return _Scale([float(step) for step in range(int(top) + 1)], top, steep=False)
    return _Scale([top * step / 4 for step in range(5)], top, steep=False)


def _logarithmic(series: Sequence[Series]) -> _Scale | None:
    """Return a logarithmic scale, if the smallest bar would vanish on a linear one."""
    values = [value for line in series for value in line.values if value > 0]
    if not values or min(values) < 1 or max(values) < _FLAT * min(values):
        return None
    decades = ceil(log10(max(values)))
    return _Scale([10.0**step for step in range(decades + 1)], 10.0**decades, steep=True)


def _column(
    place: int, label: str, series: Sequence[Series], scale: _Scale, x: float, width: float, unit: str
) -> Iterator[str]:
    """Yield the bars of one label: on each other, or side by side if the scale is logarithmic."""
    floor, bottom = 0.0, scale.y(0)
    shown = [number for number, line in enumerate(series) if any(line.values)]
    for number in shown:
        value = series[number].values[place]
        if value <= 0:
            continue
        if scale.steep:
            each = width * 0.8 / len(shown)
            left, wide, high = x + width * 0.1 + each * shown.index(number), each, bottom - scale.y(value)
            above = scale.y(value)
        else:
            left, wide = x + width * 0.1, width * 0.8
            above = scale.y(floor + value)
            high = scale.y(floor) - above
        floor += value
        tooltip = f"{label}: {series[number].name} {value:,.0f} {unit}".strip()
        yield (
            f'<rect x="{left:.1f}" y="{above:.1f}" width="{wide:.1f}" height="{max(high, 0.6):.1f}" '
            f'fill="{_COLOURS[number % len(_COLOURS)]}"><title>{escape(tooltip)}</title></rect>'
        )


def _numbers(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    head = "".join(f'<th scope="col" class="n">{escape(line.name)}</th>' for line in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f'<td class="n">{line.values[place]:,.0f}</td>' for line in series)
        + "</tr>"
        for place, label in enumerate(labels)
    )
    return (
        f'<details><summary>Numbers: {escape(title)}</summary><div class="scroll" tabindex="0" role="group" '
        f'aria-label="Numbers of {escape(title, quote=True)}"><table><thead><tr><th scope="col">label</th>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div></details>"
    )


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
