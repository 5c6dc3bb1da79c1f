"""Facts from links: what each record of a file says about which person, and what it takes back.

*notify* adds a fact, *correct* takes back all versions of a record that still count and adds another, *void* only takes
back, with all records that corrected it. Voids and corrections that come before their record wait for it. Records that
are evidence already add nothing, so that the same or an overlapping file can come again. A number that was taken back
and comes with other content is a new report: a wrong death, its void, and later the true one.
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
``reason`` and ``record`` (of questions: why an officer is asked, and the record of the registry in JSON), and
``event_from`` (the first possible day, if the day of the event is not known)."""
EARLY = "early_voids"
"""Table of voids whose records never came, and of all corrections under another number: ``target, external_id,
operation``."""
WITHDRAWN = "withdrawn_questions"
"""Table of open questions (``external_id``) whose records were taken back, corrected, or linked meanwhile."""
NOTES = "notes"
"""Table ``code, external_id, row`` of records that add nothing: known, changed, taken_back, corrected_too_often,
ruled_out, asked_before, unlinked, id_conflict."""
OUTCOMES = "outcomes"
"""Table ``row, number, outcome, reason`` with one row for each record of the file: linked, asked, known, changed,
unlinked, or taken_back for voids."""

_NOT_ASKED = "id_conflict"
"""The only reason of a doubtful link without a question. A record with a person's id, but with neither their name nor
their birth date, has a wrong id and proves nothing about that person. It is counted and reported."""
_MOST_CHUNKS = 4096

RECORDS, LINKS, KNOWN, EARLIER = "given_records", "given_links", "given_known", "given_early"
QUESTIONS, SEEN = "given_questions", "given_seen"
"""Tables or views that must exist: the records of the file; links as ``LinkResult.links`` returns them; records that
are evidence already (``certify.storage.runs.KNOWN``); voids and corrections that came before (columns as ``EARLY``);
all questions about records of the source (``number, external_id, person, state``); the numbers (``number``) that
earlier files of the source had, whether linked or not."""


def make_facts(database: duckdb.DuckDBPyConnection, feed: Feed, *, run_id: UUID, now: datetime, chunk_size: int) -> int:
    """Make the tables ``FACTS``, ``EARLY``, ``WITHDRAWN``, ``NOTES`` and ``OUTCOMES``.

    Ids of facts are made of run and place, so that the same run gives the same ids. They begin with the time, so that
    new rows are close together in the indexes of the database.

    Args:
        database: has the tables ``RECORDS``, ``LINKS``, ``KNOWN``, ``EARLIER``, ``QUESTIONS`` and ``SEEN``.
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
    _make_withdrawn(database)
    _make_outcomes(database)
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
        select r.row, r.record_id, r.operation, coalesce(r.target, r.record_id) as target, r.event_date, r.event_from,
            {what} as what,
            l.person, l.stage, l.weight, l.levels,
            own.number is not null as is_known, own.all_voided, own.event_on as own_event, own.what as own_what,
            own.person as own_person, coalesce(old.versions, 0) as target_versions
        from given_records r
        left join linked l on l.row = r.row and l.outcome = 'link'
        left join versions own on own.number = r.record_id
        left join versions old on old.number = coalesce(r.target, r.record_id)
        where r.operation <> 'void'"""
    )
    # A death "in November" is dated the last possible day, at most that of the import; so it moves until December.
    same = (
        "own_what = what and own_event between coalesce(event_from, event_date) and event_date "
        "and (person is null or person = own_person)"
    )
    # In a full file an ended record that stands again has begun again. Elsewhere only other content is a new report,
    # because files overlap.
    full = feed.content == "full" and feed.adverse_kind is not None
    again = "all_voided" if full else f"(all_voided and not ({same}))"
    database.execute(
        f"""create or replace temp table {NOTES} as
        select case
            when person is not null and exists (select 1 from {QUESTIONS} q where q.number = told.record_id
                and q.person = told.person and q.state = 'different') then 'ruled_out'
            when operation = 'notify' and is_known and not {again} and {same}
                then case when all_voided then 'taken_back' else 'known' end
            when operation = 'notify' and is_known and not {again} then 'changed'
            when operation = 'correct' and target_versions > {MOST_VERSIONS} then 'corrected_too_often'
            when person is null and operation = 'notify' and exists (select 1 from {QUESTIONS} q
                where q.number = told.record_id and q.state <> 'withdrawn') then 'asked_before'
            when person is null then 'unlinked'
        end as code, record_id as external_id, row from told;
        delete from {NOTES} where code is null;
        insert into {NOTES} select 'id_conflict', r.record_id, r.row from linked l
            join given_records r on r.row = l.row where l.reason = '{_NOT_ASKED}';
        create or replace temp table fresh_sorted as
        select {_chunk(chunks)} as chunk, row, person, event_date as event_on, event_from, what, stage, weight, levels,
            record_id as number,
            case when (operation = 'correct' and target = record_id) or is_known
                then record_id || ':c' || greatest(target_versions, 1) else record_id end as external_id
        from told where row not in (select row from {NOTES} where code <> 'id_conflict')
        order by chunk;
        create or replace temp table fresh as
        select {ids.sql("rowid")} as id, * from fresh_sorted;
        drop table fresh_sorted"""
    )


def _make_undone(database: duckdb.DuckDBPyConnection, feed: Feed, now: datetime) -> None:
    """Make ``undone``: all versions of a record that a void, a correction or an ending takes back; and ``EARLY``.

    A void takes back the records that corrected its record too. A void or correction that comes before its record, in
    this file or an earlier one, applies to the record when it comes, unless the number was seen before it.
    """
    today = f"date '{now.date().isoformat()}'"
    last = 9223372036854775807
    ended = ""
    if feed.content == "full" and feed.adverse_kind is not None:
        ended = f"""union all
            select number, {last} as row, -1, {today} as event_on from {KNOWN}
            where number not in (select record_id from given_records where operation <> 'void')"""
    database.execute(
        f"""create or replace temp table corrections as
        select target, external_id, -1 as row from {EARLIER} where operation = 'correct'
        union all
        select target, record_id, row from given_records where operation = 'correct' and target <> record_id
            and row not in (select row from {NOTES} where code = 'corrected_too_often');
        create or replace temp table taking as
        with recursive given as (
            select coalesce(target, record_id) as number, row, operation,
                least(coalesce(recorded_on, event_date, {today}), {today}) as event_on,
                not exists (select 1 from given_records e where e.operation <> 'void' and e.row < r.row
                    and e.record_id = coalesce(r.target, r.record_id))
                and coalesce(target, record_id) not in (select number from {KNOWN})
                and coalesce(target, record_id) not in (select number from {SEEN}) as early
            from given_records r where operation in ('void', 'correct')
                and not (operation = 'correct' and row in (select row from {NOTES} where code = 'corrected_too_often'))
        ), chain as (
            select number, number as root, row, operation, event_on, early from given
            union
            select c.external_id, chain.root, chain.row, chain.operation, chain.event_on, chain.early
            from chain join corrections c on c.target = chain.number and c.row < chain.row
            where chain.operation = 'void'
        )
        select * from chain;
        create or replace temp table undo as
        select number, case when early or (operation = 'correct' and exists (
                select 1 from corrections c where c.row = taking.row)) then {last} else row end as row,
            row as own_row, event_on from taking
        union all
        select target, {last}, -1, {today} from {EARLIER} e
            where target not in (select number from {KNOWN})
                and (operation = 'correct' or target not in (select number from {SEEN})) {ended};
        create or replace temp table undone as
        select person, external_id || ':void' as external_id, target, max(event_on) as event_on from (
            select k.person, k.external_id, k.id as target, u.event_on
            from undo u join {KNOWN} k on k.number = u.number and not k.voided
            union all
            select f.person, f.external_id, f.id, u.event_on
            from undo u join fresh f on f.number = u.number and u.row > f.row and u.own_row <> f.row
        ) group by all;
        create or replace temp table {EARLY} as
        select target, min_by(external_id, row) as external_id, min_by(operation, row) as operation from (
            select root as target, r.record_id as external_id, t.operation, t.row from taking t
            join given_records r on r.row = t.row where t.operation = 'void' and t.early and t.number = t.root
            and not exists (select 1 from given_records g where g.record_id = t.root and g.operation <> 'void')
            union all
            select target, external_id, 'correct', row from corrections where row >= 0
        ) group by target"""
    )


def _make_questions(database: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Make ``questions``: doubtful links of adverse records, the most likely one of each record."""
    kind = feed.adverse_kind
    words = ", ".join(
        f"'{name}': r.{name}"
        for name in ("name", "birth_date", "sex", "region", "national_id", "event_date", "event_from")
    )
    record = f"to_json({{{words}}})" if kind else "cast(null as json)"
    database.execute(
        f"""create or replace temp table questions as
        select l.person, case when coalesce(asked.versions, 0) + coalesce(own.versions, 0) > 0
                then r.record_id || ':c' || (coalesce(asked.versions, 0) + coalesce(own.versions, 0))
                else r.record_id end as external_id, r.row, r.event_date as event_on, '{kind}' as what, l.stage,
            l.weight, l.levels, l.reason, {record} as record
        from linked l join given_records r on r.row = l.row
        left join (select number, count(*) as versions, bool_or(state in ('open', 'same', 'different')) as stands
            from {QUESTIONS} group by number) asked on asked.number = r.record_id
        left join versions own on own.number = r.record_id
        where {"l.outcome = 'review'" if kind else "false"} and r.operation <> 'void' and l.reason <> '{_NOT_ASKED}'
            and r.row not in (select row from {NOTES} where code not in ('unlinked', 'id_conflict'))
            and (r.operation = 'correct' or not coalesce(asked.stands, false))
            and not exists (select 1 from {QUESTIONS} q where q.number = r.record_id and q.person = l.person
                and q.state = 'different')
            and r.row not in (select row from linked where outcome = 'link')
            and not exists (select 1 from undo u where u.number = r.record_id and u.row > r.row and u.own_row <> r.row)
        qualify row_number() over (partition by r.record_id order by l.weight desc, l.person) = 1;
        update {NOTES} set code = 'asked' where code = 'unlinked' and row in (select row from questions)"""
    )


def _make_withdrawn(database: duckdb.DuckDBPyConnection) -> None:
    """Make ``WITHDRAWN``: open questions that no one needs to answer any more."""
    database.execute(
        f"""create or replace temp table {WITHDRAWN} as
        select distinct q.external_id from {QUESTIONS} q where q.state = 'open' and (
            q.number in (select number from undo) or q.number in (select number from fresh))"""
    )


def _make_outcomes(database: duckdb.DuckDBPyConnection) -> None:
    """Make ``OUTCOMES``: how each record of the file ended."""
    database.execute(
        f"""create or replace temp table {OUTCOMES} as
        select r.row, r.record_id as number,
            case when r.operation = 'void' then 'taken_back' when f.row is not null then 'linked'
                when n.code in ('asked', 'asked_before') then 'asked'
                when n.code in ('known', 'taken_back') then 'known' when n.code = 'changed' then 'changed'
                else 'unlinked' end as outcome,
            case when r.operation = 'void' then case when exists (select 1 from {EARLY} e
                    where e.external_id = r.record_id and e.operation = 'void') then 'waits' end
                when f.row is not null then f.stage
                when n.code = 'asked' then a.reason
                else nullif(n.code, 'unlinked') end as reason
        from given_records r
        left join (select row, any_value(stage) as stage from fresh group by row) f on f.row = r.row
        left join (select row, min(code) filter (code <> 'id_conflict') as plain, min(code) as code_any
            from {NOTES} group by row) m on m.row = r.row
        left join lateral (select case when m.code_any = 'id_conflict' and coalesce(m.plain, 'unlinked') = 'unlinked'
            then 'id_conflict' else m.plain end as code) n on true
        left join questions a on a.row = r.row"""
    )


def _collect(database: duckdb.DuckDBPyConnection, feed: Feed, ids: _Ids, chunks: int) -> None:
    fact = "sign" if feed.adverse_kind is None else "adverse"
    database.execute(
        f"""create or replace temp table more as
        select 'void' as fact, person, external_id, event_on, null as what, target, null as stage,
            null as weight, null as levels, null as reason, null as record, null as event_from from undone
        union all
        select 'question', person, external_id, event_on, what, null, stage, weight, levels, reason,
            cast(record as varchar), null from questions;
        create or replace temp table {FACTS} as
        select chunk, id, '{fact}' as fact, person, external_id, event_on, what,
            cast(null as varchar) as target, stage, weight, levels, cast(null as varchar) as reason,
            cast(null as varchar) as record, event_from from fresh;
        insert into {FACTS} by name
        select {ids.sql("place + (select count(*) from fresh)")} as id, * exclude (place) from (
            select {_chunk(chunks)} as chunk, row_number() over (order by external_id) as place, * from more
        );
        drop table fresh; drop table more; drop table linked; drop table told"""
    )
