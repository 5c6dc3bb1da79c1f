"""Measure a run of one registry file against a nation in PostgreSQL: seconds and memory until the last standing.

python -m bench.nation_database --people 10000000 --out FOLDER
python -m bench.registry_run --folder FOLDER --feed visits
python -m bench.registry_run --folder FOLDER --feed deaths --rows 30000

``visits`` has as many rows as the nation has people, each a sign of life; ``deaths`` with ``--rows`` is a daily delta.
The last lines are the time of the run without and with the MACs of rows: the processor time of this process, that of
PostgreSQL as well, and the time by the clock. PostgreSQL's own part in the MACs (writing the columns that a MAC binds
as text, 17 bytes more in each row) is not told apart. The time by the clock is shared out among the threads that apply
chunks, so it is what the MACs cost at most.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb
from rich.console import Console

from bench.mac_time import MacTime
from bench.nation_database import AS_OF
from certify.config import Settings
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.importing import decide_held, import_file
from certify.service import build_service
from certify.sources import parse_sources

_SOURCES = parse_sources(
    {
        "institutions": {"visits-office": "Counters of the bench", "deaths-office": "Civil registry of the bench"},
        "sources": {
            "visits-registry": {
                "institution": "visits-office",
                "principals": ["feed:visits"],
                "acts": ["hospital_stay"],
            },
            "deaths-registry": {"institution": "deaths-office", "principals": ["feed:deaths"], "kinds": ["death"]},
        },
    }
)
"""The bench's own registry of sources, so that it runs whatever file of sources the machine has."""
_COLUMNS = ("record_id", "national_id", "name", "birth_date", "sex", "region", "event_date", "recorded_on")
_KINDS: dict[str, dict[str, Any]] = {
    "visits": {"kind": "life_events", "acts": {"stay": "hospital_stay"}},
    "deaths": {"kind": "deaths"},
}


def main() -> None:
    """Import a file, carry the run out, and print time and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="folder that bench.nation_database made")
    parser.add_argument("--feed", choices=sorted(_KINDS), required=True)
    parser.add_argument("--rows", type=int, help="only so many records")
    parser.add_argument("--memory", default="4GB")
    options = parser.parse_args()
    os.environ["CERTIFY_DATA_DIR"] = str(options.folder)
    console = Console()
    now = datetime(AS_OF.year, AS_OF.month, AS_OF.day + 1, 9, tzinfo=UTC)
    service = replace(build_service(Settings()), clock=lambda: now, sources=_SOURCES)
    macs, machine = MacTime(), Machine(memory=options.memory)
    macs.watch()
    with tempfile.TemporaryDirectory() as folder:
        path = _file(options.folder / f"{options.feed}.parquet", Path(folder), options.rows)
        start, spent, database = perf_counter(), process_time(), postgresql_s(options.folder)
        imported = import_file(service, _feed(options.feed), path, quarantine=Path(folder) / "bad.csv")
        console.print(f"{perf_counter() - start:7.1f} s  imported, {imported.shape.rows:,} records, {imported.state}")
        if imported.state == "held":
            with service.unit() as unit:
                decide_held(unit, imported.run_id, officer="bench", accept=True)

        def tell(what: str, done: int, total: int) -> None:
            if done in (0, total):
                console.print(f"{perf_counter() - start:7.1f} s  {what}", highlight=False)

        row = carry_out(service, imported.run_id, machine=machine, progress=tell)
    wall_s, processor_s = perf_counter() - start, process_time() - spent
    database_s = postgresql_s(options.folder) - database
    console.print(f"{wall_s:7.1f} s  {row.state}")
    console.print(row.counts["applied"], row.counts["notes"], row.seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    console.print(f"peak memory of this process {peak:.2f} GB; PostgreSQL's buffers come on top")
    _tell_macs(console, macs, (processor_s, database_s, wall_s), machine.workers)
    service.database.close()


def _tell_macs(console: Console, macs: MacTime, spent: tuple[float, float, float], workers: int) -> None:
    processor_s, database_s, wall_s = spent
    for what, whole, part in (
        ("processor of this process", processor_s, macs.processor_s),
        ("processor with PostgreSQL's", processor_s + database_s, macs.processor_s),
        ("clock", wall_s, macs.wall_s / workers),
    ):
        console.print(
            f"{what}: {whole - part:.2f} s without MACs, {whole:.2f} s with them, {part / whole:.1%} of the run",
            highlight=False,
        )
    console.print(f"MACs: {macs.calls:,} calls, {macs.processor_s:.3f} s of processor time", highlight=False)


def postgresql_s(folder: Path) -> float:
    """Return the seconds of processor time of the embedded PostgreSQL so far, ended processes included."""
    (started,) = folder.rglob("postmaster.pid")
    postmaster = int(started.read_text().split()[0])
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_and_rest = stat.read_text()
        except OSError:  # it has just ended
            continue
        # proc(5): after the name come state, parent (4), ..., utime (14), stime (15), and those of ended children.
        fields = name_and_rest.rpartition(")")[2].split()
        if int(stat.parent.name) == postmaster:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _file(whole: Path, folder: Path, rows: int | None) -> Path:
    """Return the file, or a sample of it with every event up to the day before the run."""
    if rows is None:
        return whole
    path = folder / "delta.parquet"
    duckdb.sql(
        f"""copy (
            select * replace (least(event_date, date '{AS_OF}') as event_date,
                least(recorded_on, date '{AS_OF}') as recorded_on)
            from '{whole}' where operation = 'notify' order by hash(record_id) limit {rows}
        ) to '{path}'"""  # noqa: S608 - our own paths
    )
    return path


def _feed(name: str) -> Feed:
    return parse_feed(
        {
            "name": name,
            "source": f"{name}-registry",
            "national_id_format": "cn",
            "fresh_days": 400,
            "file": {"format": "parquet"},
            "columns": {column: column for column in _COLUMNS},
            "evidence": {"weight": 1.0, "justification": "a register of the state"},
            **_KINDS[name],
        }
    )


if __name__ == "__main__":
    main()
