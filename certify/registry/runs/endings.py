"""Endings: records of a complete register that are no longer in its file.

For prison or residence an ending is usual. The dead do not come back: if a record of a death vanishes, the file is
wrong or a death was. So more than a few of them wait for an officer, whatever was usual before, and so does any that
may have stood on a line that cannot be read. A record whose row was quarantined has not ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from certify.registry.feeds.description import Feed, Kind
from certify.registry.feeds.file_layout import Format
from certify.registry.feeds.raw_table import BAD
from certify.registry.feeds.shape import Departure
from certify.service import Unit
from certify.storage.runs import standing_records

MOST_DEATHS, MOST_DEATHS_SHARE = 3, 0.05
"""Deaths that may vanish without an officer: three, and of small registers one in twenty, but always one. A registrar
withdraws single entries; ours to choose, and each feed may state others in [limits]."""
MOST_VOIDS = 10
"""Deaths that one file may take back by name without an officer; the share is the same. More than of those that vanish,
because a registrar writes each; ours to choose, and the same [limits] state another."""
LISTED = 100
"""Record numbers that a run lists by name."""
_SEARCHED = 1_000
"""Lines that cannot be read, up to which record numbers are looked for in them; with more, each record may be there."""


@dataclass(frozen=True, slots=True)
class Endings:
    """The endings of a file.

    Attributes:
        standing: number of records that stand before the file.
        ended: numbers of the records that the file no longer has.
        spared: numbers of records whose rows are in the file and cannot be used.
        bad_places: where the first rows are that cannot be used, in words.
    """

    standing: int = 0
    ended: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)
    bad_places: str = ""


@dataclass(frozen=True, slots=True)
class Voids:
    """The records of deaths that a file takes back by name.

    Attributes:
        standing: number of records that stand before the file.
        taken_back: numbers of those that it takes back and does not report again.
    """

    standing: int = 0
    taken_back: list[str] = field(default_factory=list)


def find_voids(unit: Unit, feed: Feed, database: duckdb.DuckDBPyConnection, records: str) -> Voids:
    """Find the records of deaths that stand and that a file takes back by name.

    Args:
        unit: the transaction.
        feed: the description of the feed.
        database: has the records of the file.
        records: table of the records, with ``record_id``, ``operation`` and ``target``.

    Returns:
        The voids; none if the feed does not report deaths.
    """
    if feed.adverse_kind is None or feed.kind is not Kind.DEATHS:
        return Voids()
    voids = f"select coalesce(target, record_id) as number from {records} where operation = 'void'"
    if not database.sql(f"select 1 from ({voids}) limit 1").fetchall():
        return Voids()
    database.register("feed_known", standing_records(unit.db, feed.source))
    stands = f"select distinct number from feed_known where not voided and what = '{feed.adverse_kind}'"
    taken = database.sql(
        f"""select number from ({stands}) where number in ({voids})
            and number not in (select record_id from {records} where operation = 'notify') order by number"""
    ).fetchall()
    counted = database.sql(f"select count(*) from ({stands})").fetchall()
    database.unregister("feed_known")
    return Voids(counted[0][0], [number for (number,) in taken])


def may_end(feed: Feed) -> bool:
    """Return whether records of a feed end when its file no longer has them."""
    return feed.content == "full" and feed.adverse_kind is not None


def find_endings(
    unit: Unit, feed: Feed, database: duckdb.DuckDBPyConnection, records: str, spared: pa.Table | None = None
) -> Endings:
    """Find the records of a feed that stand and that its file no longer has.

    Args:
        unit: the transaction.
        feed: the description of the feed.
        database: has the records of the file, and its bad rows if ``spared`` is not given.
        records: table of the records, with ``record_id``, ``operation`` and ``target``.
        spared: the records to spare, as the import found them, in a column ``number``.

    Returns:
        The endings; none if the feed is not a complete register of adverse records.
    """
    if not may_end(feed):
        return Endings()
    database.register("feed_known", standing_records(unit.db, feed.source))
    database.execute(
        f"""create or replace temp table feed_gone as
        select number from feed_known where not voided and what = '{feed.adverse_kind}'
            and number not in (select record_id from {records} where operation <> 'void')
            and number not in (select coalesce(target, record_id) from {records} where operation <> 'notify')
        group by number"""
    )
    counted = database.execute(
        f"select count(distinct number) from feed_known where not voided and what = '{feed.adverse_kind}'"
    ).fetchall()
    database.unregister("feed_known")
    places = ""
    if spared is None:
        spared = database.sql(_SPARED).to_arrow_table()
        places = _places(feed, database)
    database.register("feed_spared", spared.select(["number"]))
    here = "number in (select number from feed_spared)"
    gone, kept = (
        [number for (number,) in database.execute(f"select number from feed_gone where {which} order by 1").fetchall()]
        for which in (f"not {here}", here)
    )
    database.unregister("feed_spared")
    database.execute("drop table feed_gone")
    return Endings(counted[0][0], gone, kept, places)


_SPARED = f"""
    with unread as (select cells from {BAD} where record_id is null)
    select number from feed_gone where number in (select record_id from {BAD} where record_id is not null)
        or (select count(*) from unread) > {_SEARCHED}
        or exists (select 1 from unread where contains(cells, number))
"""


def departures_of(feed: Feed, endings: Endings, voids: Voids | None = None) -> list[Departure]:
    """Return why a file with these endings and voids waits for an officer; empty if it need not."""
    deaths = feed.kind is Kind.DEATHS
    found = []
    if voids is not None and _too_many(feed, len(voids.taken_back), voids.standing, MOST_VOIDS):
        found.append(
            Departure(
                "voids",
                f"The file takes {len(voids.taken_back):,} of {voids.standing:,} deaths that stand back by name, such "
                f"as {_some(voids.taken_back)}.",
            )
        )
    if _too_many(feed, len(endings.ended), endings.standing, MOST_DEATHS):
        found.append(
            Departure(
                "endings",
                f"{len(endings.ended):,} of {endings.standing:,} records that stand are no longer in the file, such as "
                f"{_some(endings.ended)}; they would be taken back.",
            )
        )
    missing = endings.spared + endings.ended
    if deaths and endings.bad_places and missing:
        found.append(
            Departure(
                "endings_unsure",
                f"{endings.bad_places} cannot be used, and of the records that stand {len(missing):,} may be there: "
                f"{_some(missing)}.",
            )
        )
    return found


def _too_many(feed: Feed, count: int, standing: int, most_deaths: int) -> bool:
    """Return whether more records end, or are taken back, than may without an officer."""
    most, share = feed.limits.most_endings, feed.limits.most_endings_share
    if feed.kind is Kind.DEATHS and most is None and share is None:
        most, share = most_deaths, MOST_DEATHS_SHARE
    limits = [] if most is None else [most]
    limits += [] if share is None else [max(1, int(share * standing))]
    return bool(limits) and count > min(limits)


def as_counts(endings: Endings) -> dict[str, object]:
    """Return what a run stores about its endings: how many, and the registry's numbers of the first ones."""
    return {"count": len(endings.ended), "records": endings.ended[:LISTED]} if endings.ended else {}


def _some(numbers: list[str]) -> str:
    return ", ".join(number[:40] for number in numbers[:5])


def _places(feed: Feed, database: duckdb.DuckDBPyConnection) -> str:
    rows = [row for (row,) in database.execute(f"select distinct row from {BAD} order by row limit 4").fetchall()]
    if not rows:
        return ""
    form = feed.file
    before = {Format.CSV: form.skip + 1, Format.FIXED_WIDTH: form.skip, Format.JSON_LINES: 0}.get(form.format)
    word = "row" if before is None else "line"
    listed = ", ".join(f"{row + (before or 0):,}" for row in rows[:3]) + (" and others" if len(rows) > 3 else "")
    return f"{word.capitalize()}{'s' if len(rows) > 1 else ''} {listed}"
