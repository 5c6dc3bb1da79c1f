"""The dates of a whole file: each distinct text is read once, and the file may prove the order of day and month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from certify.registry.feeds.file_layout import DATE_COLUMNS, Dates
from certify.registry.feeds.written_dates import Problem, WrittenDate, read_birth, read_written

DAYS = "feed_dates"
"""Table of the distinct texts: ``field, written``, the ``first`` and ``last`` possible day, ``day`` (the one that is
used for an event), ``text`` (how linking reads it: 1942-06-07, 1942-06 or 1942; a month or year of another calendar
lies in two of ours: 1942-06/1942-07, 1942/1943), ``precision`` and ``problem``."""
_PROOF = 10
"""One of so many dates that could be read in two orders must prove one of them. Of real dates, two in three prove it
(their day is above 12); if nearly none does, those few are typing errors."""


def map_dates(dates: Dates, database: duckdb.DuckDBPyConnection, *, today: date) -> None:
    """Make the table ``DAYS`` for all dates of ``feed_cells``.

    Args:
        dates: how the feed writes dates.
        database: has the table ``feed_cells``.
        today: the day of import.
    """
    declared = None if dates.order == "ymd" else dates.order
    pivots: dict[str, int | None] = dict.fromkeys(DATE_COLUMNS, dates.pivot)
    pivots["birth_date"] = dates.pivot if dates.birth_pivot is None else dates.birth_pivot
    read: dict[str, dict[str, WrittenDate]] = {}
    for field in DATE_COLUMNS:
        texts = database.execute(f"select distinct {field} from feed_cells where {field} is not null").fetchall()
        how = read_birth if field == "birth_date" else read_written
        read[field] = {text: how(text, dates, order=declared, pivot=pivots[field]) for (text,) in texts}
    if declared is None:
        for field, found in read.items():
            order = _proven(read, field)
            if order is not None:
                for text, entry in found.items():
                    if entry.problem is Problem.AMBIGUOUS:
                        how = read_birth if field == "birth_date" else read_written
                        found[text] = how(text, dates, order=order, pivot=pivots[field])
    rows = [_row(field, text, entry, today) for field, found in read.items() for text, entry in found.items()]
    schema = pa.schema(
        [("field", pa.string()), ("written", pa.string()), ("first", pa.date32()), ("last", pa.date32()),
         ("day", pa.date32()), ("text", pa.string()), ("precision", pa.string()), ("problem", pa.string())]
    )  # fmt: skip
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    database.register("feed_read", pa.table([list(column) for column in columns], schema=schema))
    database.execute(f"create or replace temp table {DAYS} as select * from feed_read")
    database.unregister("feed_read")


def _proven(read: Mapping[str, Mapping[str, WrittenDate]], field: str) -> str | None:
    """Return the order that the file proves; a column of its own, if the columns contradict each other."""
    for found in (
        [entry for entries in read.values() for entry in entries.values()],
        list(read[field].values()),
    ):
        proofs = [entry.proves for entry in found if entry.proves]
        open_ = sum(entry.problem is Problem.AMBIGUOUS for entry in found)
        if len(set(proofs)) == 1:
            return proofs[0] if len(proofs) * _PROOF >= open_ else None
    return None


def _row(field: str, text: str, entry: WrittenDate, today: date) -> tuple[object, ...]:
    first, last = entry.first, entry.last
    if first is None or last is None:
        return field, text, None, None, None, None, None, entry.problem
    # An event without a day is taken for the last possible one: so no one is said to be dead too early.
    day = last if first == last or first > today else min(last, today)
    if first == last:
        plain = first.isoformat()
    elif (first.year, first.month) == (last.year, last.month):
        plain = f"{first:%Y-%m}"
    elif entry.precision == "month":
        plain = f"{first:%Y-%m}/{last:%Y-%m}"
    else:
        plain = f"{first.year:04d}" if first.year == last.year else f"{first.year:04d}/{last.year:04d}"
    return field, text, first, last, day, plain, entry.precision, None
