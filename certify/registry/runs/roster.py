"""The people of the fund and the records of a feed, as linking wants them: ids as keyed hashes on both sides."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa
from sqlalchemy.orm import Session

from certify.registry.feeds.description import Feed
from certify.registry.normalise import Layout
from certify.registry.normalise.ids import HASHED, HOLDS_BIRTH_DATE, check_ids, compact_ids
from certify.registry.runs.hashing import hashed_id_sql
from certify.storage.copy import copy_out

_PEOPLE = """
    select id, encode(national_id_hash, 'hex'), name, birth_date, sex, region from beneficiaries
    where erased_at is null
"""
_PEOPLE_COLUMNS = {
    "person": pa.string(),
    "id_hash": pa.string(),
    "name": pa.string(),
    "birth_date": pa.date32(),
    "sex": pa.string(),
    "region": pa.string(),
}


def read_people(db: Session, feed: Feed) -> tuple[pa.Table, Layout]:
    """Return everybody who is enrolled, and what the columns mean."""
    layout = Layout(
        key="person",
        id="id_hash",
        name=("name",),
        birth="birth_date",
        sex="sex",
        region="region",
        id_format=HASHED,
        id_holds_birth=feed.national_id_format in HOLDS_BIRTH_DATE,
    )
    return copy_out(db, _PEOPLE, _PEOPLE_COLUMNS), layout


def hash_records(feed: Feed, batches: Iterable[pa.Table], key: bytes) -> tuple[pa.Table, Layout]:
    """Return a feed's records with their usable ids hashed, and what the columns mean.

    ``key`` is the one of ``Vault.lookup_hash``.
    """
    expression = hashed_id_sql(key, "national_id", "usable_id")
    made = []
    with duckdb.connect(config={"threads": 2}) as database:
        for batch in batches:
            text = compact_ids(batch["national_id"].combine_chunks().cast(pa.string()))
            usable, _ = check_ids(text, feed.national_id_format)
            database.register("batch", batch.append_column("usable_id", usable))
            query = f"select * exclude (usable_id, national_id), {expression} as id_hash, national_id from batch"
            made.append(database.sql(query).to_arrow_table())
    layout = Layout(
        key="row",
        id="id_hash",
        id_text="national_id",
        name=("name",),
        birth="birth_date",
        sex="sex",
        region="region",
        id_format=HASHED,
        id_holds_birth=feed.national_id_format in HOLDS_BIRTH_DATE,
        date_order="mdy" if feed.dates.order == "mdy" else "dmy",
        era=feed.dates.calendar,
    )
    return pa.concat_tables(made), layout
