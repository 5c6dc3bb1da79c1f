"""The MAC of a row: one canonical form in Python, SQL and Arrow, unambiguous, under keyed BLAKE2b."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from certify.service import Service
from certify.storage.bulk_macs import checked_table, guard_columns, guarded_sql, macs_in_text
from certify.storage.copy import copy_in, copy_out
from certify.storage.direct import fetch
from certify.storage.mac_form import MAC_BYTES, RowMac, message
from certify.storage.row_macs import COLUMNS, ENTITIES, UNBOUND, RowAltered, RowKind, checked_row, macs_of, row_sql
from certify.storage.tables.decisions import EvidenceRow

_TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=4)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_it_is_keyed_blake2b(key: bytes, content: bytes) -> None:
    expected = hashlib.blake2b(content, key=key, digest_size=MAC_BYTES).digest()
    assert RowMac(key)(content) == expected
    assert (
        RowMac(key).each(memoryview(b"x" + content + content), [1, 1 + len(content), 1 + 2 * len(content)])
        == 2 * expected
    )


@given(st.lists(st.none() | _TEXT, min_size=3, max_size=3), st.lists(st.none() | _TEXT, min_size=3, max_size=3))
def test_two_rows_have_one_form_only_if_they_are_equal(one: list[Any], other: list[Any]) -> None:
    assert (message(one) == message(other)) == (one == other)


def test_every_column_is_bound() -> None:
    """A column that is added to one of these tables is added to COLUMNS as well."""
    for kind, entity in ENTITIES.items():
        bound = {*COLUMNS[kind], "mac"} | UNBOUND.get(kind, frozenset())
        assert bound == {column.name for column in inspect(entity).columns}, kind


def _fact(**changes: Any) -> dict[str, Any]:
    fact = {
        "id": uuid4(),
        "beneficiary_id": uuid4(),
        "kind": "sign_of_life",
        "source": "registry",
        "external_id": "R,\"'\n-1\u00e9",
        "event_at": datetime(2026, 3, 1, 12, 0, 0, 120000, tzinfo=UTC),
        "recorded_at": datetime(2026, 3, 2, tzinfo=UTC),
        "body": {"b": 1.5, "a": "\u00e9\x01"},
        "run_id": uuid4(),
        "link_stage": "",
        "link_weight": -0.1,
        "link_levels": None,
        "institution": "registry",
        "principal": "issuer|registry-1",
    }
    return fact | changes


@pytest.mark.integration
def test_python_sql_and_arrow_write_the_same_form(service: Service) -> None:
    fact = _fact()
    with service.unit() as unit:
        macs = macs_of(unit.db)
        unit.db.add(EvidenceRow(**fact))
        unit.db.flush()
        (stored,) = fetch(unit.db, f"select {row_sql(RowKind.EVIDENCE, 'e')} from evidence e".encode())[0]
        assert checked_row(macs, unit.db, RowKind.EVIDENCE, stored)["external_id"] == fact["external_id"]
        unit.db.expire_all()
        unit.db.scalars(select(EvidenceRow)).one()  # checked when it is loaded
        # As a run writes and reads it.
        other = {
            name: str(value) if isinstance(value, UUID) else value for name, value in _fact(external_id="R-2").items()
        }
        other |= {"body": '{"a":"\u00e9\\u0001","b":1.5}', "event_at": "2026-03-01T12:00:00+00:00"}
        rows = pa.table({name: [value] for name, value in other.items()})
        copy_in(unit.db, "evidence", rows.append_column("mac", macs_in_text(macs, unit.db, RowKind.EVIDENCE, rows)))
        assert len(unit.db.scalars(select(EvidenceRow)).all()) == 2
        assert _read(unit.db).num_rows == 2


@pytest.mark.integration
def test_a_column_of_a_later_release_is_bound_where_it_is_given(service: Service) -> None:
    """Rows with it, rows without it, and both in one table get the MAC that each row gets alone."""
    pension: dict[str, str | None] = {
        "id": str(uuid4()),
        "beneficiary_id": str(uuid4()),
        "scheme": "employee",
        "payment": "continue",
    }
    terms = '{"currency":"EUR"}'
    given = (("2027-03-04", None), (None, None), ("2027-03-05", terms), (None, terms), (None, None))
    rows = [pension | {"first_due_on": day, "terms": text} for day, text in given]
    with service.unit() as unit:
        macs = macs_of(unit.db)
        alone = [macs.mac(unit.db, RowKind.STANDING, row) for row in rows]
        for some in (rows, rows[0::2], rows[1::2], []):
            table = pa.Table.from_pylist(some, schema=pa.schema([(name, pa.string()) for name in rows[0]]))
            found = macs_in_text(macs, unit.db, RowKind.STANDING, table).to_pylist()
            assert found == [f"\\x{alone[rows.index(row)].hex()}" for row in some]
        without = macs.mac(unit.db, RowKind.STANDING, pension)
        assert alone[1] == without, "rows of earlier releases keep their MAC"
        assert len({alone[0], alone[1], alone[2], alone[3]}) == 4
        assert alone[0] != without


@pytest.mark.integration
@pytest.mark.parametrize("change", ["source = 'x'", "link_weight = 1", "body = '{}'", "mac = null"])
def test_reading_many_rows_refuses_an_altered_one(service: Service, owner: Any, change: str) -> None:
    with service.unit() as unit:
        for _ in range(3):
            unit.db.add(EvidenceRow(**_fact(external_id=str(uuid4()))))
    owner.execute("set session_replication_role = replica")
    owner.execute(f"update evidence set {change} where id = (select max(id::text)::uuid from evidence)")
    with pytest.raises(RowAltered), service.unit() as unit:
        _read(unit.db)


def _read(db: Session) -> pa.Table:
    query = f"select e.kind, {guarded_sql(RowKind.EVIDENCE, 'e')} from evidence e"
    table = copy_out(db, query, {"kind": pa.string(), **guard_columns(RowKind.EVIDENCE)})
    return checked_table(macs_of(db), db, RowKind.EVIDENCE, table)


@pytest.mark.parametrize("value", [date(2026, 3, 1), 17, 0.1, -0.0, b"bytes", {"b": [1], "a": None}, [uuid4()], True])
def test_each_kind_of_value_has_a_form(value: object) -> None:
    assert message([value]) != message([None])
