"""History cannot be changed, and the ledger stays complete when many processes write at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from certify.audit.checkpoints import publish_checkpoint
from certify.certificates import merkle
from certify.decision.record import NewRecord, record
from certify.domain.ledger_events import LedgerEvent
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.service import Service
from certify.storage.ledger import NodeTable, leaves, ledger_root, ledger_size
from certify.storage.tables.service import LedgerNodeRow
from tests.certify.certificates.memory_nodes import MemoryNodes

pytestmark = pytest.mark.integration

HISTORY = ("evidence", "determinations", "policies", "ledger_leaves", "ledger_nodes", "ledger_checkpoints")


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("statement", ["delete from {}", "truncate {} cascade", "update {} set {} = {}"])
def test_history_is_append_only(service: Service, owner: psycopg.Connection, table: str, statement: str) -> None:
    column = {"policies": "scheme", "ledger_leaves": "entry", "ledger_nodes": "hash", "ledger_checkpoints": "note"}
    name = column.get(table, "id")
    with service.unit("feed:hospital") as unit:
        # The trigger of an update looks at rows: an erasure may change some.
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary("LEDGER01", "Ana", pension, birth_date=date(1950, 1, 2)))
        stay = NewRecord(source="hospital", record_id="S1", event_at=unit.now - timedelta(days=9), act="hospital_stay")
        record(unit, person, stay)
        unit.finish()
        publish_checkpoint(unit)
    # Names of our own tables; nothing here comes from a caller. The running service has no right to try.
    with pytest.raises(ProgrammingError, match="permission denied"), service.unit() as unit:
        unit.db.execute(text(statement.format(table, name, name)))
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):  # the owner is stopped by the trigger
        owner.execute(statement.format(table, name, name))


def test_many_writers_leave_no_gap_and_a_correct_root(service: Service) -> None:
    def write(number: int) -> None:
        with service.unit() as unit:
            unit.ledger(LedgerEvent.PERSON_ENROLLED, uuid4(), number=number)
            unit.ledger(LedgerEvent.PERSON_ENROLLED, uuid4(), number=-number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with service.unit() as unit:
        size = ledger_size(unit.db)
        assert size == 80
        nodes = MemoryNodes()
        for row in leaves(unit.db, 0, size):
            merkle.append(nodes, row.index, merkle.leaf_hash(row.entry))
        for partial in range(size + 1):
            assert ledger_root(unit.db, partial) == merkle.root(nodes, partial)


def test_a_rolled_back_change_leaves_no_entry(service: Service) -> None:
    class Stop(Exception):
        pass

    def fail() -> None:
        with service.unit() as unit:
            unit.ledger(LedgerEvent.PERSON_ENROLLED, None)
            unit.finish()
            raise Stop

    with pytest.raises(Stop):
        fail()
    with service.unit() as unit:
        assert ledger_size(unit.db) == 0


def test_entries_are_canonical_json(service: Service) -> None:
    with service.unit() as unit:
        unit.ledger(LedgerEvent.PERSON_ENROLLED, None, b=1, a="ä")
    with service.unit() as unit:
        entry = leaves(unit.db, 0, 1)[0].entry
    assert entry == json.dumps(json.loads(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_appending_reads_only_the_right_edge(service: Service) -> None:
    """The last complete subtree of each level must be read; a wrong one would give a wrong root."""
    size = 0
    for step in (1, 2, 4, 1, 7, 3, 13):
        with service.unit() as unit:
            for number in range(step):
                unit.ledger(LedgerEvent.PERSON_ENROLLED, None, number=number)
        size += step
        with service.unit() as unit:
            table = NodeTable(unit.db)
            assert table.load_edge() == size
            edge = {(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level}
            assert set(table._known) == edge
            for (level, index), value in table._known.items():
                stored = unit.db.get(LedgerNodeRow, (level, index))
                assert stored is not None
                assert stored.hash == value
