"""Check of the records of a feed: cells are interpreted, and impossible records go to the bad rows with the reason.

It works on sets, on the tables that ``reading`` made. Dates are read once for each distinct text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from certify.registry.feeds.description import Feed
from certify.registry.feeds.raw_table import BAD, RAW
from certify.registry.feeds.shape import Shape
from certify.registry.normalise.dates import read_dates

RECORDS = "feed_records"
"""Table of usable records: ``row, record_id, operation, target, act, event_date, recorded_on`` (dates), and unchanged
from the file ``national_id, name, birth_date, sex, region``."""

_OPTIONAL = ("national_id", "name", "birth_date", "sex", "region", "recorded_on", "operation", "target", "act")
_OLDEST = date(1900, 1, 1)


def check_records(feed: Feed, database: duckdb.DuckDBPyConnection, *, today: date) -> Shape:
    """Make the table ``RECORDS`` and add to the bad rows.

    Args:
        feed: the description.
        database: has the tables that ``read_feed`` made.
        today: the day of import.

    Returns:
        The shape of the file.
    """
    present = feed.columns.named()
    listed = ", ".join(name if name in present else f"cast(null as varchar) as {name}" for name in _OPTIONAL)
    database.execute(
        f"create or replace temp table feed_cells as select row, record_id, event_date, {listed} from {RAW}"
    )
    _map_dates(feed, database)
    _map_words(feed, database)
    rules = _rules(feed, present, today)
    cases = " ".join(f"when {condition} then {number}" for number, (condition, _, _) in enumerate(rules))
    database.execute(
        f"""create or replace temp table feed_judged as
        with judged as (
            select cells.*, event.day as event_day, recorded.day as recorded_day, acts.act as known_act,
                coalesce(word.operation, 'notify') as what, case {cases} end as problem
            from feed_cells cells
            left join feed_dates event on event.written = cells.event_date
            left join feed_dates recorded on recorded.written = cells.recorded_on
            left join feed_dates born on born.written = cells.birth_date
            left join feed_words word on word.word = coalesce(cells.operation, '')
            left join feed_acts acts on acts.word = coalesce(cells.act, '')
        )
        select * replace (coalesce(problem, case when row_number() over (
            partition by record_id, what, problem is null order by row) > 1 then -1 end) as problem)
        from judged"""
    )
    database.execute("create or replace temp table feed_problems (problem integer, code varchar, reason varchar)")
    listed_problems = [(number, code, reason) for number, (_, code, reason) in enumerate(rules)]
    database.executemany("insert into feed_problems values (?, ?, ?)", [*listed_problems, (-1, *_TWICE)])
    database.execute(
        f"""insert into {BAD}
        select judged.row, problems.code, problems.reason,
            concat_ws(' | ', record_id, event_date, national_id, name, birth_date, operation, target, act)
        from feed_judged judged
        join feed_problems problems using (problem)"""
    )
    database.execute(
        f"""create or replace table {RECORDS} as
        select row, record_id, what as operation, target, known_act as act, event_day as event_date,
            recorded_day as recorded_on, national_id, name, birth_date, sex, region
        from feed_judged where problem is null order by row"""
    )
    shape = _shape(feed, database, today)
    for table in ("feed_cells", "feed_judged", "feed_dates", "feed_words", "feed_acts", "feed_problems"):
        database.execute(f"drop table {table}")
    return shape


_TWICE = ("record_twice", "The record number stands in the file more than once; the first is used.")


def _rules(feed: Feed, present: dict[str, str], today: date) -> list[tuple[str, str, str]]:
    """Return the conditions under which a row is bad, with code and reason; the first that holds counts."""
    rules = [
        ("cells.record_id is null", "record_id_missing", "There is no record number."),
        ("not regexp_full_match(cells.record_id, '[A-Za-z0-9_.:\\-]{1,60}')", "record_id_invalid",
         "The record number has other characters than letters, digits, '_', '.', ':' and '-', or more than 60."),
    ]  # fmt: skip
    if "operation" in present:
        rules.append(
            ("word.operation is null", "operation_unknown", "The description does not say what this operation means.")
        )
    if "target" in present:
        rules.append(
            (
                "coalesce(word.operation, 'notify') = 'void' and cells.target is null",
                "target_missing",
                "It takes a record back, but does not say which.",
            )
        )
    not_void = "coalesce(word.operation, 'notify') <> 'void'"
    rules += [
        (f"{not_void} and cells.event_date is null", "event_date_missing", "There is no date of the event."),
        (f"{not_void} and event.day is null", "event_date_unreadable", "The date of the event is not a date."),
        (f"event.day > date '{today.isoformat()}' + 1", "event_in_future", "The event lies in the future."),
        (f"event.day < date '{_OLDEST.isoformat()}'", "event_too_old", "The event lies before 1900."),
        ("born.day > event.day", "event_before_birth", "The event lies before the birth."),
        (
            f"{not_void} and cells.national_id is null and (cells.name is null or cells.birth_date is null)",
            "nobody_named",
            "There is neither a national id nor a name with a birth date.",
        ),
    ]
    if feed.acts:
        rules.append((f"{not_void} and acts.act is null", "act_unknown", "The description does not name this act."))
    if feed.coverage.since is not None:
        since = feed.coverage.since.isoformat()
        rules.append((f"event.day < date '{since}'", "date_not_covered", "The feed does not cover so early a date."))
    if feed.coverage.regions and "region" in present:
        regions = ", ".join("'" + region.replace("'", "''") + "'" for region in sorted(feed.coverage.regions))
        rules.append((f"cells.region not in ({regions})", "region_not_covered", "The feed does not cover this region."))
    return rules


def _map_dates(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
    written = database.execute(
        """select distinct written from (select event_date as written from feed_cells
        union all select recorded_on from feed_cells union all select birth_date from feed_cells)
        where written is not null"""
    ).fetchall()
    texts = pa.array([text for (text,) in written], pa.string())
    # Dates that begin with the year do not need an order.
    order = "mdy" if feed.dates.order == "mdy" else "dmy"
    days, _, reasons = read_dates(texts, order, feed.dates.calendar)
    read = pa.table({"written": texts, "text": days.cast(pa.string()), "reason": reasons.cast(pa.string())})
    database.register("feed_read", read)
    database.execute(
        """create or replace temp table feed_dates as
        select written, cast(try_strptime(text, '%Y%m%d') as date) as day, reason from feed_read"""
    )
    database.unregister("feed_read")


def _map_words(feed: Feed, database: duckdb.DuckDBPyConnection) -> None:
    words = [
        (word, operation)
        for operation in ("notify", "correct", "void")
        for word in sorted(getattr(feed.operations, operation))
    ]
    if feed.columns.operation is None:
        words = [("", "notify")]
    _fill(database, "feed_words", "operation", words)
    acts = sorted(feed.acts.items())
    if feed.columns.act is None:
        acts = [("", act) for _, act in acts]
    _fill(database, "feed_acts", "act", acts)


def _fill(database: duckdb.DuckDBPyConnection, table: str, column: str, rows: Sequence[tuple[str, str]]) -> None:
    database.execute(f"create or replace temp table {table} (word varchar, {column} varchar)")
    if rows:
        database.executemany(f"insert into {table} values (?, ?)", rows)


def _shape(feed: Feed, database: duckdb.DuckDBPyConnection, today: date) -> Shape:
    counted = database.execute(
        f"""select count(*), count(*) filter (event_date < ? - {feed.limits.most_event_age_days}),
            count(*) filter (event_date > ?), max(event_date) from {RECORDS}""",
        [today, today],
    ).fetchone()
    bad = database.execute(f"select count(distinct row) from {BAD}").fetchone()
    if counted is None or bad is None:
        raise AssertionError("an aggregate always has one row")
    rows, old, future, latest = counted
    return Shape(rows, bad[0], old, future, latest)


def write_quarantine(database: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the bad rows to a CSV file that only its owner can read.

    Without bad rows no file is written. Cells that a spreadsheet would run as a formula get an apostrophe in front.

    Args:
        database: has the table ``BAD``.
        path: the file; an earlier one is deleted.

    Returns:
        The number of bad rows.
    """
    counted = database.execute(f"select count(*) from {BAD}").fetchone()
    count = int(counted[0]) if counted else 0
    path.unlink(missing_ok=True)
    if count:
        path.touch(mode=0o600)
        harmless = r"case when regexp_matches(cells, '^[=+@\-\t\r]') then chr(39) || cells else cells end as cells"
        target = str(path).replace("'", "''")
        database.execute(
            f"""copy (select row, code, reason, {harmless} from {BAD} order by row, code) to '{target}'
            (format csv, header true, use_tmp_file false)"""
        )
    return count


def bad_by_reason(database: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Return code, reason and number of the bad rows, the most frequent first."""
    query = f"select code, any_value(reason), count(*) from {BAD} group by code order by 3 desc, 1"
    return [(code, reason, number) for code, reason, number in database.execute(query).fetchall()]


def first_records(database: duckdb.DuckDBPyConnection, count: int = 3) -> list[tuple[object, ...]]:
    """Return row, record id, operation, event date, end of the national id and birth date of the first good records."""
    query = f"""select row, record_id, operation, event_date, '...' || right(national_id, 4), birth_date
        from {RECORDS} order by row limit {count}"""
    return list(database.execute(query).fetchall())
