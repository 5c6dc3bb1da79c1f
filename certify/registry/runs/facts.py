"""Facts from links: what each record of a file says about which person, and what it takes back.

*notify* adds a fact, *correct* takes back all versions of a record that still count and adds another, *void* only takes
back. Records that are evidence already add nothing, so that the same or an overlapping file can come again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import duckdb

from certify.registry.feeds.description import Feed
from certify.storage.runs import MOST_VERSIONS

FACTS = "facts"
"""Table of facts: ``chunk, id, fact`` (sign, adverse, void, question), ``person, external_id, event_on, what`` (the act
or the kind of adverse record), ``target`` (evidence that is taken back), ``stage, weight, levels`` (of the link),
``reason`` and ``record`` (of questions: why an officer is asked, and the record of the registry in JSON)."""
EARLY = "early_voids"
"""Table of voids whose records are not known: ``target, external_id``."""
NOTES = "notes"
"""Table ``code, external_id, row`` of records that add nothing: known, changed, corrected_too_often, unlinked,
id_conflict."""

_NOT_ASKED = "id_conflict"
"""The only reason of a doubtful link without a question. A record with a person's id, but with neither their name nor
their birth date, has a wrong id and proves nothing about that person. It is counted and reported."""
_MOST_CHUNKS = 4096

RECORDS, LINKS, KNOWN, EARLIER = "given_records", "given_links", "given_known", "given_early"
"""Tables or views that must exist: the records of the file; links as ``LinkResult.links`` returns them; records that
are evidence already (``certify.storage.runs.KNOWN``); a column ``target`` of voids that came before their records."""


def make_facts(database: duckdb.DuckDBPyConnection, feed: Feed, *, run_id: UUID, now: datetime, chunk_size: int) -> int:
    """Make the tables ``FACTS``, ``EARLY`` and ``NOTES``.

    Ids of facts are made of run and place, so that the same run gives the same ids. They begin with the time, so that
    new rows are close together in the indexes of the database.

    Args:
        database: has the tables ``RECORDS``, ``LINKS``, ``KNOWN`` and ``EARLIER``.
        feed: the description of the feed.
        run_id: id of the run.
        now: the time that ids begin with.
        chunk_size: about so many people share a chunk; a chunk has all facts of its people.

    Returns:
        The number of chunks.
    """
    columns = [row[0] for row in database.execute(f"describe {LINKS}").fetchall()]
    levels = " || ',' || ".join(f"coalesce(cast({name} as varchar), '-1')" for name in columns if name.startswith("g_"))
    database.execute(
        f"""create or replace temp table linked as
        select cast(record as bigint) as row, person, stage, outcome, reason, weight, {levels} as levels
        from {LINKS} where outcome = 'link' or reason is not null"""
    )
    ids = _Ids(run_id, now)
    people: int = sum(
        database.execute(f"select approx_count_distinct(person) from {table}").fetchall()[0][0]
        for table in ("linked", KNOWN)
    )
    chunks = max(1, min(_MOST_CHUNKS, round(people / chunk_size)))
    _make_fresh(database, feed, ids, chunks)
    _make_undone(database, feed, now)
    _make_questions(database, feed)
    _collect(database, feed, ids, chunks)
    return chunks


@dataclass(frozen=True, slots=True)
class _Ids:
    """UUIDs of version 8: 48 bits of time, chunk, run, and the place in the run."""

    run_id: UUID
    now: datetime

    def sql(self, place: str) -> str:
        stamp = f"{int(self.now.timestamp() * 1000):012x}"
        return (
            f"'{stamp[:8]}-{stamp[8:]}-8' || format('{{:03x}}', chunk) || '-a{self.run_id.hex[:3]}-' "
            f"|| format('{{:012x}}', {place})"
        )


def _chunk(chunks: int) -> str:
    """Return the SQL of a person's chunk, by the beginning of their random id."""
    return f"(cast('0x' || left(person, 4) as integer) * {chunks}) // 65536"


def _make_fresh(database: duckdb.DuckDBPyConnection, feed: Feed, ids: _Ids, chunks: int) -> None:
    """Make ``fresh``: new facts with their ids; and the notes about records that give none."""
    what = "r.act" if feed.adverse_kind is None else f"'{feed.adverse_kind}'"
    database.execute(
        f"""create or replace temp table versions as
        select number, count(*) as versions, bool_and(voided) as all_voided, max(event_on) as event_on,
            any_value(what) as what, any_value(person) as person
        from {KNOWN} group by number;
        create or replace temp table told as
        select r.row, r.record_id, r.operation, coalesce(r.target, r.record_id) as target, r.event_date, {what} as what,
            l.person, l.stage, l.weight, l.levels,
            own.number is not null as is_known, own.all_voided, own.event_on as own_event, own.what as own_what,
            own.person as own_person, coalesce(old.versions, 0) as target_versions
        from given_records r
        left join linked l on l.row = r.row and l.outcome = 'link'
        left join versions own on own.number = r.record_id
        left join versions old on old.number = coalesce(r.target, r.record_id)
        where r.operation <> 'void'"""
    )
    again = "false" if feed.content == "delta" or feed.adverse_kind is None else "all_voided"
    database.execute(
        f"""create or replace temp table {NOTES} as
        select case
            when operation = 'notify' and is_known and not ({again}) and (own_event, own_what) = (event_date, what)
                and (person is null or person = own_person) then 'known'
            when operation = 'notify' and is_known and not ({again}) then 'changed'
            when operation = 'correct' and target_versions > {MOST_VERSIONS} then 'corrected_too_often'
            when person is null then 'unlinked'
        end as code, record_id as external_id, row from told;
        delete from {NOTES} where code is null;
        insert into {NOTES} select 'id_conflict', r.record_id, r.row from linked l
            join given_records r on r.row = l.row where l.reason = '{_NOT_ASKED}';
        create or replace temp table fresh_sorted as
        select {_chunk(chunks)} as chunk, row, person, event_date as event_on, what, stage, weight, levels,
            record_id as number,
            case when operation = 'correct' and target = record_id or is_known
                then record_id || ':c' || greatest(target_versions, 1) else record_id end as external_id
        from told where row not in (select row from {NOTES} where code <> 'id_conflict')
        order by chunk;
        create or replace temp table fresh as
        select {ids.sql("rowid")} as id, * from fresh_sorted;
        drop table fresh_sorted"""
    )


def _make_undone(database: duckdb.DuckDBPyConnection, feed: Feed, now: datetime) -> None:
    """Make ``undone``: all versions of a record that a void, a correction or an ending takes back; and ``EARLY``."""
    today = f"date '{now.date().isoformat()}'"
    ended = ""
    if feed.content == "full" and feed.adverse_kind is not None:
        ended = f"""union all
            select number, 9223372036854775807 as row, {today} as event_on from {KNOWN}
            where number not in (select record_id from given_records where operation <> 'void')"""
    database.execute(
        f"""create or replace temp table undo as
        select coalesce(target, record_id) as number, row,
            least(coalesce(recorded_on, event_date, {today}), {today}) as event_on
        from given_records where operation in ('void', 'correct')
            and not (operation = 'correct' and row in (select row from {NOTES} where code = 'corrected_too_often'))
        union all
        select target, 9223372036854775807, {today} from given_early {ended};
        create or replace temp table undone as
        select person, external_id || ':void' as external_id, target, max(event_on) as event_on from (
            select k.person, k.external_id, k.id as target, u.event_on
            from undo u join {KNOWN} k on k.number = u.number and not k.voided
            union all
            select f.person, f.external_id, f.id, u.event_on
            from undo u join fresh f on f.number = u.number and u.row > f.row
        ) group by all;
        create or replace temp table {EARLY} as
        select distinct coalesce(target, record_id) as target, record_id as external_id from given_records r
        where operation = 'void' and coalesce(target, record_id) not in (select number from {KNOWN})
            and not exists (select 1 from fresh f where f.number = coalesce(r.target, r.record_id))"""
    )


def _make_questions(database: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Make ``questions``: doubtful links of adverse records, the most likely one of each record."""
    kind = feed.adverse_kind
    words = ", ".join(
        f"'{name}': r.{name}" for name in ("name", "birth_date", "sex", "region", "national_id", "event_date")
    )
    record = f"to_json({{{words}}})" if kind else "cast(null as json)"
    database.execute(
        f"""create or replace temp table questions as
        select l.person, r.record_id as external_id, r.event_date as event_on, '{kind}' as what, l.stage, l.weight,
            l.levels, l.reason, {record} as record
        from linked l join given_records r on r.row = l.row
        where {"l.outcome = 'review'" if kind else "false"} and r.operation <> 'void' and l.reason <> '{_NOT_ASKED}'
            and r.record_id not in (select number from {KNOWN})
            and r.row not in (select row from linked where outcome = 'link')
            and r.record_id not in (select coalesce(target, record_id) from given_records where operation = 'void')
            and r.record_id not in (select target from given_early)
        qualify row_number() over (partition by r.record_id order by l.weight desc, l.person) = 1"""
    )


def _collect(database: duckdb.DuckDBPyConnection, feed: Feed, ids: _Ids, chunks: int) -> None:
    fact = "sign" if feed.adverse_kind is None else "adverse"
    database.execute(
        f"""create or replace temp table more as
        select 'void' as fact, person, external_id, event_on, null as what, target, null as stage,
            null as weight, null as levels, null as reason, null as record from undone
        union all
        select 'question', person, external_id, event_on, what, null, stage, weight, levels, reason,
            cast(record as varchar) from questions;
        create or replace temp table {FACTS} as
        select chunk, id, '{fact}' as fact, person, external_id, event_on, what,
            cast(null as varchar) as target, stage, weight, levels, cast(null as varchar) as reason,
            cast(null as varchar) as record from fresh;
        insert into {FACTS} by name
        select {ids.sql("place + (select count(*) from fresh)")} as id, * exclude (place) from (
            select {_chunk(chunks)} as chunk, row_number() over (order by external_id) as place, * from more
        );
        drop table fresh; drop table more; drop table linked; drop table told"""
    )
