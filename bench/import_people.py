"""Measure the rows a second of ``certify beneficiary import``.

    python -m bench.import_people --rows 200000

Four files: new people, the same file again, the same file with one row in a hundred changed (half of these rows are
people who are new, half are further pensions of people who are known), and a check of a file of other new people. Of
the people a third have an earlier proof that is valid, one in fifty has one that has lapsed (a case opens), and the
others are asked for their first proof within a year. Dates are drawn, so no two people need be alike.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from bench.registry_run import postgresql_s
from certify.config import Settings
from certify.files.people_file import import_people
from certify.service import build_service
from certify.storage.migrate import upgrade_embedded

_HEADER = "national_id,name,scheme,starts_on,card_number,birth_date,region,last_proof_on"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    gc.set_threshold(50_000)  # as the command line does
    with tempfile.TemporaryDirectory() as folder:
        service = build_service(Settings(data_dir=Path(folder)))
        upgrade_embedded(service.settings)
        first = list(_people(0, rows))
        more = rows // 200
        changed = [
            *first[more:],
            *_people(rows, more),
            *(line.replace("employee", "resident") for line in first[:more]),
        ]
        changed += first[:more]
        for title, lines, check in (
            ("new", first, False),
            ("the same again", first, False),
            ("1 % changed", changed, False),
            ("check of new ones", list(_people(2 * rows, rows)), True),
        ):
            file = Path(folder) / "people.csv"
            file.write_text("\n".join([_HEADER, *lines]), "utf-8")
            start, used, database = time.perf_counter(), time.process_time(), postgresql_s(Path(folder))
            report = import_people(service, file, check=check)
            seconds, used = time.perf_counter() - start, time.process_time() - used
            database = postgresql_s(Path(folder)) - database
            own, theirs = (value / len(lines) * 1e6 for value in (used, database))
            print(
                f"{title:18} {len(lines) / seconds:9,.0f} rows/s; processor time a row {own:.1f} µs of its own and "
                f"{theirs:.1f} µs of PostgreSQL; {report.people_added:,} people and {report.entitlements_added:,} "
                f"pensions added, {report.overdue:,} overdue, {report.quarantined:,} bad"
            )
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
        service.database.close()


def _people(start: int, count: int) -> Iterator[str]:
    chance = random.Random(start)  # noqa: S311 - invented people
    today = date.today()  # noqa: DTZ011 - a day more or less does not matter
    for number in range(start, start + count):
        born = date(1935, 1, 1) + timedelta(days=chance.randrange(31 * 365))
        begins = date(2000, 1, 1) + timedelta(days=chance.randrange(25 * 365))
        kind, proof = chance.random(), ""
        if kind < 1 / 3:
            proof = (today - timedelta(days=chance.randrange(20, 300))).isoformat()
        elif kind < 1 / 3 + 1 / 50:
            proof = (today - timedelta(days=chance.randrange(600, 900))).isoformat()
        region = f"11{chance.randrange(100):04}"
        yield f"ID{number:09},Person {number},employee,{begins},CARD{number:09},{born},{region},{proof}"


if __name__ == "__main__":
    main()
