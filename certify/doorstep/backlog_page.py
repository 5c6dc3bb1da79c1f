"""The backlog of visits as one HTML page with plots, for sending by e-mail. It names no person and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from certify.doorstep.backlog import AreaLoad, Backlog
from certify.svg import Series, bars

REASONS = {
    "asked": "asked for",
    "attempts": "attempts",
    "audit": "audit",
    "recheck": "second visit",
    "overdue": "overdue",
    "fund": "fund's plan",
    "walk_in": "not planned",
}
"""Reasons for visits, in words short enough for the label of a bar (docs/doorstep-planning.md explains them)."""

_MOST_AREAS = 24
"""Areas shown, those with the most visits; more bars would be unreadable. One more bar shows all the others."""

_STYLE = """
:root { color-scheme: light; } body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem; color: #1c1c1c; } h1 { font-size: 1.6rem; } table { border-collapse: collapse; }
td, th { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0 2rem; overflow-x: auto; } figcaption { font-weight: 600; }
svg { width: 100%; min-width: 36rem; height: auto; } .grid { stroke: #ddd; }
.scale { font-size: 12px; text-anchor: end; fill: #444; } .label { font-size: 12px; text-anchor: middle; fill: #444; }
.legend { font-size: .9rem; } .legend span { margin-right: 1.2rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; }
"""


def backlog_page(backlog: Backlog) -> str:
    """Return the page in HTML."""
    days = backlog.days
    span = f"{days[0].day} to {days[-1].day}" if days else "no working day"
    capacity = sum(load.capacity for load in days)
    planned = sum(load.planned for load in days)
    areas = _shown(backlog.areas)
    parts = [
        "<h1>Visits at home: capacity and backlog</h1>",
        f"<p>As of {backlog.as_of}; days shown: {span}.</p>",
        f"<p>{planned:,} visits are planned of {capacity:,} that can be made; {backlog.asked:,} have no day yet.</p>",
        bars(
            "Days: planned, and room left",
            [f"{load.day:%m-%d}" for load in days],
            [
                Series("planned", [load.planned for load in days]),
                Series("room left", [max(load.capacity - load.planned, 0) for load in days]),
            ],
            unit="visits",
        ),
        bars(
            "Areas: what is needed against what can be made on these days",
            [load.area or "everywhere" for load in areas],
            [
                Series("planned", [load.planned for load in areas]),
                Series("no day yet, there is room", [_fits(load) for load in areas]),
                Series("no day yet, no room", [load.asked - _fits(load) for load in areas]),
                Series("room left", [max(load.capacity - load.planned - load.asked, 0) for load in areas]),
            ],
            unit="visits",
        ),
        _counts("Why visits are needed", {REASONS.get(name, name): visits for name, visits in backlog.reasons.items()}),
        _counts("How long people wait for a day", backlog.waits),
        _table(backlog.areas),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Visits: capacity and backlog</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>{"".join(parts)}'
        "</body></html>"
    )


def _fits(load: AreaLoad) -> int:
    return min(load.asked, max(load.capacity - load.planned, 0))


def _shown(areas: Sequence[AreaLoad]) -> list[AreaLoad]:
    if len(areas) <= _MOST_AREAS:
        return list(areas)
    most = sorted(areas, key=lambda load: (-load.asked - load.planned, load.area))
    rest = most[_MOST_AREAS:]
    others = AreaLoad(
        "others",
        sum(load.asked for load in rest),
        sum(load.planned for load in rest),
        sum(load.capacity for load in rest),
    )
    return [*sorted(most[:_MOST_AREAS], key=lambda load: load.area), others]


def _counts(title: str, counts: Mapping[str, int]) -> str:
    return bars(title, list(counts), [Series("visits", list(counts.values()))], unit="visits")


def _table(areas: Sequence[AreaLoad]) -> str:
    rows = "".join(
        f'<tr><td>{escape(load.area or "everywhere")}</td><td class="n">{load.asked:,}</td>'
        f'<td class="n">{load.planned:,}</td><td class="n">{load.capacity:,}</td></tr>'
        for load in areas
    )
    return (
        '<table><tr><th>area</th><th class="n">no day yet</th><th class="n">planned</th><th class="n">can be made</th>'
        f"</tr>{rows}</table>"
    )
