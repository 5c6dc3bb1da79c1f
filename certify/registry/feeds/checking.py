"""Check of the records of a feed: cells are interpreted, and impossible records go to the bad rows with the reason.

It works on sets, on the tables that ``reading`` made. Dates are read once for each distinct text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb

from certify.registry.feeds.date_columns import DAYS, map_dates
from certify.registry.feeds.description import Feed, Kind
from certify.registry.feeds.file_layout import Column
from certify.registry.feeds.raw_table import BAD, RAW
from certify.registry.feeds.shape import Shape

RECORDS = "feed_records"
"""Table of usable records: ``row, record_id, operation, target, act, event_date, event_from, event_precision,
recorded_on`` (days); ``birth_date`` as year, month and day, as far as they are known; and unchanged from the file
``national_id, name, sex, region``. Where the day of an event is not known, ``event_date`` is the last possible day and
``event_from`` the first one; else ``event_from`` is null."""

_OPTIONAL = ("national_id", "name", "birth_date", "sex", "region", "recorded_on", "operation", "target", "act")
_OLDEST = date(1900, 1, 1)
_LONGEST_NUMBER = 200
_SHARED = 4
"""People with other names and birth dates from whom on one id is a stand-in for "not known". Of ids that are given out
twice, exchanged or typed wrongly, two or three people have one."""
_NO_NUMBER = r"\p{Cc}|\p{Cf}|\p{Co}|:c[0-9]$|:void$"
"""What a record number may not have: characters that cannot be printed, and the ends that corrected and withdrawn
versions of a record get (``runs/facts.py``)."""


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
    shared = _clear_shared_ids(database)
    map_dates(feed.dates, database, today=today)
    _map_words(feed, database)
    rules = _rules(feed, present, today)
    # A person whose day of death is not known is dead all the same.
    unknown = "cast(null as date)"
    if feed.kind is Kind.DEATHS:
        now = f"date '{today.isoformat()}'"
        unknown = f"case when event.problem = 'missing' then least(coalesce(recorded.day, {now}), {now}) end"
    cases = " ".join(f"when {condition} then {number}" for number, (condition, _, _) in enumerate(rules))
    database.execute(
        f"""create or replace temp table feed_judged as
        with judged as (
            select cells.*, coalesce(event.day, {unknown}) as event_day,
                coalesce(event.precision, 'unknown') as event_precision, event.first as event_first,
                recorded.day as recorded_day, born.text as born_text, acts.act as known_act,
                coalesce(word.operation, 'notify') as what, case {cases} end as problem
            from feed_cells cells
            left join {DAYS} event on event.field = 'event_date' and event.written = cells.event_date
            left join {DAYS} recorded on recorded.field = 'recorded_on' and recorded.written = cells.recorded_on
            left join {DAYS} born on born.field = 'birth_date' and born.written = cells.birth_date
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
            concat_ws(' | ', record_id, event_date, national_id, name, birth_date, operation, target, act), record_id
        from feed_judged judged
        join feed_problems problems using (problem)"""
    )
    database.execute(
        f"""create or replace table {RECORDS} as
        select row, record_id, what as operation, target, known_act as act, event_day as event_date,
            case when event_precision = 'unknown' then date '{_OLDEST.isoformat()}'
                when event_first < event_day then event_first end as event_from,
            event_precision, recorded_day as recorded_on, national_id, name, born_text as birth_date, sex, region
        from feed_judged where problem is null order by row"""
    )
    shape = replace(_shape(feed, database, today), shared_ids=shared)
    for table in ("feed_cells", "feed_judged", DAYS, "feed_words", "feed_acts", "feed_problems"):
        database.execute(f"drop table {table}")
    return shape


def _clear_shared_ids(database: duckdb.DuckDBPyConnection) -> int:
    """Clear ids that stand for "not known", which show by the many people who have them; return in how many rows."""
    database.execute(
        f"""create or replace temp table feed_shared as
        with several as (
            select national_id from feed_cells where national_id is not null group by national_id
            having count(*) >= {_SHARED} and min(birth_date) <> max(birth_date) and min(name) <> max(name)
        )
        select national_id from feed_cells semi join several using (national_id) group by national_id
        having count(distinct birth_date) >= {_SHARED} and count(distinct name) >= {_SHARED}"""
    )
    cleared = database.execute("select count(*) from feed_cells semi join feed_shared using (national_id)").fetchall()
    if cleared[0][0]:
        database.execute(
            "update feed_cells set national_id = null where national_id in (select national_id from feed_shared)"
        )
    database.execute("drop table feed_shared")
    return int(cleared[0][0])


_TWICE = ("record_twice", "The record number stands in the file more than once; the first is used.")


def _rules(feed: Feed, present: dict[str, Column], today: date) -> list[tuple[str, str, str]]:
    """Return the conditions under which a row is bad, with code and reason; the first that holds counts."""
    rules = [
        ("cells.record_id is null", "record_id_missing", "There is no record number."),
        (f"length(cells.record_id) > {_LONGEST_NUMBER} or regexp_matches(cells.record_id, '{_NO_NUMBER}')",
         "record_id_invalid",
         f"The record number cannot be printed, has more than {_LONGEST_NUMBER} characters, or ends like ours."),
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
        (
            f"{not_void} and event.problem = 'missing' and {str(feed.kind is not Kind.DEATHS).lower()}",
            "event_date_missing",
            "There is no date of the event.",
        ),
        (
            f"{not_void} and event.problem = 'ambiguous'",
            "event_date_ambiguous",
            "Day and month could be swapped, or the century is open: state 'order' or 'pivot' in [dates].",
        ),
        (
            f"{not_void} and event.problem = 'unreadable'",
            "event_date_unreadable",
            "The date of the event is not a date.",
        ),
        (
            f"{not_void} and born.problem = 'ambiguous'",
            "birth_date_ambiguous",
            "Day and month of birth could be swapped, or the century is open: state 'order' or 'pivot' in [dates].",
        ),
        (f"{not_void} and born.problem = 'unreadable'", "birth_date_unreadable", "The date of birth is not a date."),
        (f"event.day > date '{today.isoformat()}' + 1", "event_in_future", "The event lies in the future."),
        (
            f"event.day <= date '{_OLDEST.isoformat()}'",
            "event_too_old",
            "The event lies before 1900, or on 1 January 1900, which programs store for an unknown day.",
        ),
        ("born.first > event.day", "event_before_birth", "The event lies before the birth."),
        (
            f"{not_void} and cells.national_id is null and (cells.name is null or born.text is null)",
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
            count(*) filter (event_date > ?), max(event_date) filter (event_precision <> 'unknown'),
            count(*) filter (event_precision <> 'day' and operation <> 'void'),
            count(*) filter (event_precision = 'unknown' and operation <> 'void')
        from {RECORDS}""",
        [today, today],
    ).fetchone()
    bad = database.execute(f"select count(distinct row) from {BAD}").fetchone()
    if counted is None or bad is None:
        raise AssertionError("an aggregate always has one row")
    rows, old, future, latest, partial, undated = counted
    return Shape(rows, bad[0], old, future, latest, partial, undated)


def bad_by_reason(database: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Return code, reason and number of the bad rows, the most frequent first."""
    query = f"select code, any_value(reason), count(*) from {BAD} group by code order by 3 desc, 1"
    return [(code, reason, number) for code, reason, number in database.execute(query).fetchall()]


def first_records(database: duckdb.DuckDBPyConnection, count: int = 5) -> list[tuple[object, ...]]:
    """Return the first good records as they were understood.

    Args:
        database: has the table ``RECORDS``.
        count: how many.

    Returns:
        Of each record: row, record number, operation, event date, how exactly it is known, end of the national id,
        name, birth date, sex and region.
    """
    query = f"""select row, record_id, operation, event_date, event_precision, '...' || right(national_id, 4), name,
            birth_date, sex, region
        from {RECORDS} order by row limit {count}"""
    return list(database.execute(query).fetchall())


def absent_columns(feed: Feed, database: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the described columns that no usable record has: all are empty, or their name is written wrongly."""
    ours = [name for name in feed.columns.named() if name not in ("record_id", "event_date")]
    if not ours:
        return []
    listed = ", ".join(f"count({name})" for name in ours)
    found = database.execute(f"select count(*), {listed} from {RAW}").fetchall()[0]
    return [name for name, number in zip(ours, found[1:], strict=True) if found[0] and number == 0]
