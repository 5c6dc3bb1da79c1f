"""The backlog of visits as one HTML page with plots, for sending by e-mail. It names no person and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from certify.doorstep.backlog import NO_AGENT, WAITS, AreaLoad, Backlog
from certify.reports.bars import Series, bars
from certify.reports.page import Section, report_page

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
"""Areas shown, the worst; more bars would be unreadable. One more bar shows all the others."""

_MOST_THINGS = 6
"""Sentences at the top; the rest stands in the table."""


def backlog_page(backlog: Backlog) -> str:
    """Return the page in HTML."""
    days = backlog.days
    span = f"{days[0].day} to {days[-1].day}" if days else "no working day"
    capacity = sum(load.capacity for load in days)
    planned = sum(load.planned for load in days)
    areas = _shown(backlog.areas)
    by_day = bars(
        "Days: planned, and room left",
        [f"{load.day:%m-%d}" for load in days],
        [
            Series("planned", [load.planned for load in days]),
            Series("room left", [max(load.capacity - load.planned, 0) for load in days]),
        ],
        unit="visits",
    )
    by_area = bars(
        "Areas: what is needed against what can be made on these days",
        [load.area or "everywhere" for load in areas],
        [
            Series("planned", [load.planned for load in areas]),
            Series("no day yet, there is room", [_fits(load) for load in areas]),
            Series("no day yet, no room", [load.asked - _fits(load) for load in areas]),
            Series("room left", [max(load.capacity - load.planned - load.asked, 0) for load in areas]),
        ],
        unit="visits",
    )
    said = f"{planned:,} visits are planned of {capacity:,} that can be made; {backlog.asked:,} have no day yet."
    reasons = {REASONS.get(name, name): visits for name, visits in backlog.reasons.items()}
    return report_page(
        "Visits at home: capacity and backlog",
        about=f"As of {backlog.as_of}; days shown: {span}.",
        todo=_todo(backlog),
        sections=[
            Section("Days", f"<p>{said}</p>{by_day}", "days"),
            Section("Areas, the worst first", by_area + _table(sorted(backlog.areas, key=_worst)), "areas"),
            Section("Waiting", _counts("How long people wait for a day", backlog.waits), "waiting"),
            Section("Reasons", _counts("Why visits are needed", reasons), "reasons"),
        ],
    )


def _todo(backlog: Backlog) -> list[str]:
    """Return what a planner should do, the most urgent first."""
    things = [
        f"<strong>No agent works where {_visits(load.asked + load.planned)} needed.</strong> Add an agent for "
        "that region, or widen the area of one (<code>certify agent add</code>, <code>certify agent change</code>)."
        for load in backlog.areas
        if load.area == NO_AGENT and load.asked + load.planned
    ]
    for load in sorted(backlog.areas, key=_worst):
        missing = load.asked - _fits(load)
        if missing > 0 and load.area != NO_AGENT and len(things) < _MOST_THINGS:
            things.append(
                f"In area {escape(load.area or 'everywhere')}, {_visits(missing)} needed for which there is no room on "
                "these days: send agents from elsewhere, or plan more days."
            )
    longest = backlog.waits.get(WAITS[-1][0], 0)
    if longest:
        people = "1 person has" if longest == 1 else f"{longest:,} people have"
        things.append(f"{people} waited for longer than eight weeks: plan such visits first.")
    if any(_fits(load) for load in backlog.areas):
        fits = sum(_fits(load) for load in backlog.areas)
        things.append(f"{_visits(fits)} to be planned, and there is room: run <code>certify visit plan</code>.")
    return things


def _visits(count: int) -> str:
    return "1 visit is" if count == 1 else f"{count:,} visits are"


def _worst(load: AreaLoad) -> tuple[int, int, str]:
    """Return the key that puts areas with the most visits for which there is no room first."""
    return (-(load.asked - _fits(load)), -load.asked, load.area)


def _fits(load: AreaLoad) -> int:
    return min(load.asked, max(load.capacity - load.planned, 0))


def _shown(areas: Sequence[AreaLoad]) -> list[AreaLoad]:
    if len(areas) <= _MOST_AREAS:
        return sorted(areas, key=_worst)
    most = sorted(areas, key=_worst)
    rest = most[_MOST_AREAS:]
    others = AreaLoad(
        "others",
        sum(load.asked for load in rest),
        sum(load.planned for load in rest),
        sum(load.capacity for load in rest),
    )
    return [*most[:_MOST_AREAS], others]


def _counts(title: str, counts: Mapping[str, int]) -> str:
    return bars(title, list(counts), [Series("visits", list(counts.values()))], unit="visits")


def _table(areas: Sequence[AreaLoad]) -> str:
    heads = ("no day yet", "of these no room", "planned", "can be made")
    rows = "".join(
        f'<tr><th scope="row">{escape(load.area or "everywhere")}</th>'
        + "".join(
            f'<td class="n" data-is="{head}">{number:,}</td>'
            for head, number in zip(
                heads, (load.asked, load.asked - _fits(load), load.planned, load.capacity), strict=True
            )
        )
        + "</tr>"
        for load in areas
    )
    head = "".join(f'<th scope="col" class="n">{name}</th>' for name in heads)
    return f'<table class="stack"><thead><tr><th scope="col">area</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
