"""Measure the rows a second of ``certify beneficiary import``, for new people and for a file that was imported before.

    python -m bench.import_people --rows 20000

Every new person gets a data key, a determination and ledger entries. A third have an earlier proof; for the others a
case is opened too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from certify.config import Settings
from certify.files.people_file import import_people
from certify.service import build_service
from certify.storage.migrate import upgrade_embedded


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "people.csv"
        lines = (
            f"ID{number:08},Person {number},{'employee' if number % 2 else 'resident'},2015-01-01,CARD{number:08},"
            f"1950-03-04,110105,{'' if number % 3 else '2026-05-01'}"
            for number in range(rows)
        )
        header = "national_id,name,scheme,starts_on,card_number,birth_date,region,last_proof_on"
        file.write_text("\n".join([header, *lines]), "utf-8")
        service = build_service(Settings(data_dir=Path(folder)))
        upgrade_embedded(service.settings)
        for title in ("new", "in already"):
            start = time.perf_counter()
            report = import_people(service, file)
            seconds = time.perf_counter() - start
            print(f"{title:10} {rows / seconds:8,.0f} rows/s ({report.people_added:,} people added)")
        service.database.close()


if __name__ == "__main__":
    main()
