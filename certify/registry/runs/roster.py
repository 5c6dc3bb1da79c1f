"""The people of the fund and the records of a feed as input of linking, with ids as keyed hashes on both sides.

Both are streams, because ten million rows of either are gigabytes, which no step needs at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import duckdb
import pyarrow as pa

from certify.registry.feeds.description import Feed
from certify.registry.linking import Source
from certify.registry.normalise import Layout
from certify.registry.normalise.ids import HAS_CHECK_DIGIT, HASHED, HOLDS_BIRTH_DATE, check_ids, compact_ids
from certify.registry.runs.hashing import hashed_id_sql
from certify.storage.copy import copy_out_batches
from certify.storage.database import Session

_HEX = 32
"""Characters of a hash that are compared: 128 bits. Two of 10^8 ids have the same by chance in one of 10^22 nations."""
_LAYOUT = Layout(
    key="person", id="id_hash", name=("name",), birth="birth_date", sex="sex", region="region", id_format=HASHED
)
_PEOPLE = f"""
    select id, left(encode(national_id_hash, 'hex'), {_HEX}), name, birth_date, sex, region from beneficiaries
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


def _layout(feed: Feed) -> Layout:
    form = feed.national_id_format
    return replace(_LAYOUT, id_holds_birth=form in HOLDS_BIRTH_DATE, id_checked=form in HAS_CHECK_DIGIT)


def read_people(db: Session, feed: Feed) -> Source:
    """Return all enrolled people as a stream, which is read while the transaction of ``db`` is open."""
    layout = _layout(feed)
    batches = copy_out_batches(db, _PEOPLE, _PEOPLE_COLUMNS)
    return Source(pa.RecordBatchReader.from_batches(pa.schema(list(_PEOPLE_COLUMNS.items())), batches), layout)


def hashed_records(feed: Feed, tables: Iterable[pa.Table], key: bytes) -> Source:
    """Return the records of a feed with their usable ids hashed, without voids.

    Args:
        feed: the description of the feed.
        tables: its records.
        key: the key of ``Vault.lookup_hash``.

    Returns:
        The records as a stream, for linking.
    """
    layout = replace(_layout(feed), key="row", id_text="national_id")
    schema = pa.schema([(name, pa.int64() if name == "row" else pa.string()) for name in layout.columns()])
    return Source(pa.RecordBatchReader.from_batches(schema, _hashed(feed, tables, key, schema)), layout)


def _hashed(feed: Feed, tables: Iterable[pa.Table], key: bytes, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    wanted = ", ".join(f"left({hashed_id_sql(key, 'national_id', 'usable_id')}, {_HEX}) as id_hash"
                       if name == "id_hash" else name for name in schema.names)  # fmt: skip
    with duckdb.connect(config={"threads": 1}) as database:
        for table in tables:
            text = compact_ids(table["national_id"].combine_chunks().cast(pa.string()))
            usable, _ = check_ids(text, feed.national_id_format)
            database.register("arrived", table.append_column("usable_id", usable))
            query = f"select {wanted} from arrived where operation <> 'void'"
            yield from database.sql(query).to_arrow_table().cast(schema).to_batches()
            database.unregister("arrived")
