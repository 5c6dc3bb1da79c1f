"""A second linking of a run's file with its stored parameters, to check that its records find the same people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.checking import RECORDS, check_records
from certify.registry.feeds.reading import read_feed
from certify.registry.linking import Parameters, link, load_people, open_engine
from certify.registry.runs.importing import feed_of
from certify.registry.runs.roster import hashed_records, read_people
from certify.registry.workspace import open_workspace
from certify.service import Service
from certify.storage.runs import get_run, links_of_run


@dataclass(frozen=True, slots=True)
class Relinked:
    """The stored links of a run, compared with the links that its file gives today.

    People may have been enrolled, corrected or erased meanwhile, so a difference is not always an error.

    Attributes:
        same: number of records that are linked with the same person.
        missing: number of records that are linked with no person today.
        other: number of records that are linked with another person.
    """

    same: int
    missing: int
    other: int

    @property
    def identical(self) -> bool:
        """Return whether all links are the same."""
        return not self.missing and not self.other


def relink(service: Service, run_id: UUID, path: Path) -> Relinked:
    """Read and link a file again.

    Args:
        service: the service.
        run_id: id of the run.
        path: the file of the run.

    Returns:
        The comparison.

    Raises:
        NotFound: there is no such run (``run_not_found``).
        Invalid: it is not the file of this run (``run_file``).
    """
    with service.reading() as unit:
        row = get_run(unit.db, run_id)
    feed = feed_of(row)
    stored = dict((row.parameters or {}).get("linking", {}))
    with open_workspace() as database:
        read = read_feed(feed, path, database)
        if read.sha256 != row.sha256:
            raise Invalid(f"{path} is not the file of this run.", code=ErrorCode.RUN_FILE)
        check_records(feed, database, today=row.started_at.date())
        records = database.sql(f"select * from {RECORDS} where operation <> 'void' order by row").to_arrow_table()
    engine = open_engine("duckdb", memory="4GB", threads=2)
    try:
        with service.unit() as unit:
            before = links_of_run(unit.db, run_id)
            people = read_people(unit.db, feed)
            load_people(engine, people)
            key = service.vault.lookup_key(unit.db)
        hashed = hashed_records(feed, [records], key)
        after = link(engine, people, hashed, Parameters(**stored), people_loaded=True).links("outcome = 'link'")
    finally:
        engine.close()
    with open_workspace() as database:
        for name, table in (("before", before), ("after", after), ("records", records)):
            database.register(name, table)
        # Corrected versions of a record have a number of their own; see facts.py.
        counted = database.execute(
            """with now as (
                select r.record_id as number, a.person from after a join records r on r.row = cast(a.record as bigint)
            ), then_ as (select regexp_replace(external_id, ':c[0-9]$', '') as number, person from before)
            select count(*) filter (n.person = t.person), count(*) filter (n.person is null),
                count(*) filter (n.person <> t.person)
            from then_ t left join now n using (number)"""
        ).fetchall()[0]
    return Relinked(*counted)
