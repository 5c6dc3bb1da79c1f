"""Measure how long files of a feed take to be read and checked: processor time and time by the clock.

python -m bench.feed_reading --rows 1000000

The rows are invented: seven columns, 80 bytes a line. ``broken`` has one line with a stray quotation mark, so that the
file is read line by line.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter, process_time

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from certify.registry.feeds.checking import check_records
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.feeds.reading import read_feed

_TODAY = date(2026, 12, 1)
_COLUMNS = ("record_id", "national_id", "name", "birth_date", "sex", "region", "event_date")


def main() -> None:
    """Write each form of the file, read it, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("plain", "quoted", "broken", "broken quoted", "parquet"):
            path = Path(folder) / name
            _write(path, name, options.rows)
            with duckdb.connect(config={"memory_limit": "3GB"}) as database:
                clock, spent = perf_counter(), process_time()
                read = read_feed(_feed("parquet" if name == "parquet" else "csv"), path, database)
                read_s, read_cpu = perf_counter() - clock, process_time() - spent
                shape = check_records(_feed("csv"), database, today=_TODAY)
            print(
                f"{name}: {shape.rows:,} rows, {read.bad} bad; read in {read_s:.1f} s (processor {read_cpu:.1f} s), "
                f"read and checked in {perf_counter() - clock:.1f} s (processor {process_time() - spent:.1f} s)"
            )
            path.unlink()


def _feed(form: str) -> Feed:
    return parse_feed(
        {
            "name": "bench",
            "source": "bench",
            "kind": "deaths",
            "file": {"format": form},
            "columns": {name: name for name in _COLUMNS},
            "evidence": {"weight": 1.0, "justification": "invented by the bench"},
        }
    )


def _row(number: int) -> tuple[str, ...]:
    born = f"19{number % 60 + 20}-0{number % 9 + 1}-1{number % 9}"
    return (
        f"D{number}",
        f"11010119{number % 90 + 10}0101{number % 10_000:04d}",
        f"Person{number} Family{number % 5_000}",
        born,
        "F",
        f"R{number % 40}",
        f"2026-11-{number % 20 + 10}",
    )


def _write(path: Path, name: str, rows: int) -> None:
    if name == "parquet":
        columns = list(zip(*map(_row, range(rows)), strict=True))
        pq.write_table(pa.table([pa.array(column) for column in columns], names=list(_COLUMNS)), path)
        return
    mark = '"' if "quoted" in name else ""
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(_COLUMNS) + "\n")
        if "broken" in name:
            file.write('B,1,"open,1940-01-01,F,R1,2026-11-20\n')
        for number in range(rows):
            file.write(",".join(f"{mark}{cell}{mark}" for cell in _row(number)) + "\n")


if __name__ == "__main__":
    main()
