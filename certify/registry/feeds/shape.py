"""Is this file like the ones before? One that is not waits for an officer before it touches anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from certify.registry.feeds.description import Limits

_ENOUGH = 3
"""Earlier files from which a usual size follows; before that only absolute limits hold."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file looks like from afar.

    ``bad`` are rows that were quarantined. ``old`` are rows whose event is older than the description's limit,
    ``future`` those whose event lies after the day of import; ``latest`` is the day of the latest event.
    """

    rows: int
    bad: int
    old: int
    future: int
    latest: date | None


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which a file departs. ``code`` is stable, ``reason`` for people."""

    code: str
    reason: str


def departures(
    shape: Shape, earlier: Sequence[Shape], limits: Limits, *, fresh_days: int, today: date
) -> list[Departure]:
    """Compare a file with those that were imported before it. None: it may go on."""
    found: list[Departure] = []
    total = shape.rows + shape.bad
    if total == 0:
        return [Departure("empty", "The file has no rows.")]
    if shape.bad > limits.most_bad_share * total:
        found.append(Departure("many_bad_rows", f"{shape.bad:,} of {total:,} rows cannot be used."))
    if limits.most_rows is not None and total > limits.most_rows:
        found.append(Departure("too_many_rows", f"{total:,} rows; at most {limits.most_rows:,} were agreed."))
    if len(earlier) >= _ENOUGH:
        usual = median(entry.rows + entry.bad for entry in earlier)
        if total > limits.most_rows_ratio * usual:
            found.append(Departure("volume_high", f"{total:,} rows, where {usual:,.0f} are usual."))
        if total < limits.least_rows_ratio * usual:
            found.append(Departure("volume_low", f"{total:,} rows, where {usual:,.0f} are usual."))
    if shape.rows and shape.old > limits.most_old_share * shape.rows:
        days = limits.most_event_age_days
        found.append(Departure("old_events", f"{shape.old:,} events are older than {days:,} days. Is it an old file?"))
    if shape.future:
        found.append(Departure("future_events", f"{shape.future:,} events lie in the future. Is the date order right?"))
    age = (today - shape.latest).days if shape.latest is not None else 0
    if age > fresh_days:
        found.append(Departure("stale", f"The latest event is of {shape.latest:%Y-%m-%d}, {age} days ago."))
    return found
