"""Fill an embedded PostgreSQL with a synthetic nation whose pensions all have an earlier proof, as after a migration.

python -m bench.nation_database --people 1000000 --out FOLDER

People are written directly into the tables: an import of ten million takes hours, and bench/import_people.py measures
it. Sealed ids are left out, because runs never open them. Registry files go to the same folder, with the national ids
as the registries write them.
"""

from __future__ import annotations

import argparse
import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from sqlalchemy import text

from certify.config import Settings
from certify.registry.runs.hashing import hashed_id_sql
from certify.service import Service, build_service
from certify.storage.bulk_macs import macs_in_text
from certify.storage.copy import copy_in
from certify.storage.database import open_as_owner
from certify.storage.migrate import upgrade_embedded
from certify.storage.row_macs import RowKind
from fixtures.nation.feeds import deaths, register
from fixtures.nation.people import Nation, make_nation

AS_OF = date(2026, 11, 1)
_PIECE = 500_000


def main() -> None:
    """Make the database and the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flavour", choices=["chinese", "latin"], default="chinese")
    options = parser.parse_args()
    console = Console()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    os.environ["CERTIFY_DATA_DIR"] = str(options.out)
    with console.status("people"):
        nation = make_nation(options.people, seed=options.seed, flavour=options.flavour, as_of=AS_OF)
    service = build_service(Settings())
    upgrade_embedded(service.settings)
    with console.status("people into PostgreSQL"):
        _fill(service, nation, options.seed)
    console.print(f"{options.people:,} people in PostgreSQL")
    with console.status("registry files"):
        for name, feed in (
            ("visits", register(nation, seed=options.seed + 20)),
            ("deaths", deaths(nation, seed=options.seed + 10)),
        ):
            pq.write_table(feed.table, options.out / f"{name}.parquet", compression="zstd")
            pq.write_table(feed.truth, options.out / f"{name}_truth.parquet", compression="zstd")
            console.print(f"{name}.parquet: {feed.table.num_rows:,} rows")
    service.database.close()


def _fill(service: Service, nation: Nation, seed: int) -> None:
    chance = np.random.default_rng(seed + 99)
    people = nation.table()
    with service.unit() as unit:
        hashed = hashed_id_sql(service.vault.lookup_key(unit.db), "national_id", "national_id")
    with duckdb.connect(config={"threads": 2}) as database:
        for start in range(0, len(nation), _PIECE):
            piece = people.slice(start, _PIECE)
            proven = nation.day - chance.integers(20, 300, piece.num_rows)
            database.register("piece", piece.append_column("proven", pa.array(proven)))
            database.execute(
                f"""create or replace temp table rows as
                select uuid() as id, {hashed} as hash, national_id, name, sex, birth_date, region, proven,
                    cast(proven + interval 12 month as date) as valid from piece"""  # noqa: S608 - our own words
            )
            with service.unit() as unit:
                copy_in(
                    unit.db,
                    "beneficiaries",
                    database.sql(
                        f"""select cast(id as varchar) as id, '\\x' || hash as national_id_hash,
                            '•••• ' || right(national_id, 4) as national_id_masked, name, birth_date, region, sex,
                            timestamptz '{datetime(2026, 1, 1, tzinfo=UTC)}' as created_at from rows order by id"""  # noqa: S608
                    ).to_arrow_table(),
                )
                ids = database.sql("select id from rows order by id").fetchall()
                keys = [service.vault.new_key(person)[0] for (person,) in ids]
                copy_in(
                    unit.db,
                    "data_keys",
                    pa.table(
                        {
                            "beneficiary_id": [str(key["beneficiary_id"]) for key in keys],
                            "wrapped": [f"\\x{key['wrapped'].hex()}" for key in keys],
                            "master_key_id": [key["master_key_id"] for key in keys],
                        }
                    ),
                )
                pensions = database.sql(
                    """select cast(uuid() as varchar) as id, cast(id as varchar) as beneficiary_id,
                        'employee' as scheme, date '2015-01-01' as starts_on, proven as last_proof_on,
                        'certified' as standing, 'continue' as payment, 'nothing' as next_step,
                        valid as valid_until, valid as due_on, valid - 90 as next_change_on, proven as proven_on
                    from rows order by id"""
                ).to_arrow_table()
                macs = macs_in_text(unit.service.macs, unit.db, RowKind.STANDING, pensions)
                copy_in(unit.db, "entitlements", pensions.append_column("mac", macs))
    owner = open_as_owner(service.settings)
    with owner.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze beneficiaries, entitlements"))


if __name__ == "__main__":
    main()
