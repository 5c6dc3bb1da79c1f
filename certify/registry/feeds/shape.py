"""Comparison of a feed's file with earlier files. A file that differs too much waits for an officer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from certify.registry.feeds.description import Limits

_FEW_UNDATED, _UNDATED_SHARE = 3, 0.2
"""Deaths without any date up to which a file is usual. A list of all people has no date of death for the living."""
_ENOUGH = 3
"""Number of earlier files that a usual size needs; with fewer files only absolute limits apply."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Counts of a file.

    Attributes:
        rows: number of usable records.
        bad: number of rows that were quarantined.
        old: number of records whose event is older than the limit of the description.
        future: number of records whose event lies after the day of import.
        latest: day of the latest event; None without records.
        partial: number of records whose event has no day: it has a month, a year, or nothing.
        undated: number of records whose event has no date at all.
        shared_ids: number of rows whose id was left out, because people with other names and birth dates have it too.
    """

    rows: int
    bad: int
    old: int
    future: int
    latest: date | None
    partial: int = 0
    undated: int = 0
    shared_ids: int = 0


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which a file differs from earlier ones. ``code`` is stable, ``reason`` is for people."""

    code: str
    reason: str


def departures(
    shape: Shape, earlier: Sequence[Shape], limits: Limits, *, fresh_days: int, today: date
) -> list[Departure]:
    """Compare a file with the files that were imported before it.

    Args:
        shape: counts of the file.
        earlier: counts of the earlier files.
        limits: the limits of the description.
        fresh_days: largest age in days of the latest event.
        today: the day of import.

    Returns:
        The departures; empty if the file may be used without an officer.
    """
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
    if shape.undated > max(_FEW_UNDATED, _UNDATED_SHARE * shape.rows):
        reason = f"{shape.undated:,} of {shape.rows:,} deaths have no date. Is it a list of the living and the dead?"
        found.append(Departure("many_undated", reason))
    if shape.future:
        found.append(Departure("future_events", f"{shape.future:,} events lie in the future. Is the date order right?"))
    age = (today - shape.latest).days if shape.latest is not None else 0
    if age > fresh_days:
        found.append(Departure("stale", f"The latest event is of {shape.latest:%Y-%m-%d}, {age} days ago."))
    return found
