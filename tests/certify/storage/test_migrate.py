"""Migrations run up and down, and lead to the schema that the tables define."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from sqlalchemy import text

from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url
from certify.storage.migrate import _config, downgrade, is_current, upgrade

pytestmark = pytest.mark.integration


@pytest.fixture
def empty(embedded_server: PostgresServer) -> Iterator[Database]:
    database = Database(embedded_url(embedded_server, "migrations"))
    yield database
    database.close()
    with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
        connection.execute("drop database migrations with (force)")


def _tables(database: Database) -> set[tuple[str, str]]:
    with database.engine.connect() as connection:
        query = (
            "select table_schema, table_name from information_schema.tables where table_schema in ('public', 'jobs')"
        )
        return {(row[0], row[1]) for row in connection.execute(text(query))}


def test_up_down_and_up_again(empty: Database) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    tables = _tables(empty)
    assert ("public", "beneficiaries") in tables
    assert ("jobs", "procrastinate_jobs") in tables
    downgrade(empty, "base")
    assert _tables(empty) == {("public", "alembic_version")}
    upgrade(empty)
    assert _tables(empty) == tables


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    assert is_current(empty)


def test_earlier_visits_are_migrated(empty: Database) -> None:
    """Up to 0008, a visit where no one was found stayed open under its id, and no visit named its bundle."""
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0008")
        connection.execute(text(_BEFORE_0009))
    upgrade(empty)
    with empty.engine.connect() as connection:
        visits = "select reason, id::text, bundle_id::text from visits order by reason"
        (audit, made, tried) = connection.execute(text(visits)).all()
    assert tuple(made) == ("fund", _id(11), _id(21))
    assert tuple(audit) == ("audit", _id(12), None)
    assert tried.reason == "overdue"
    assert tried.id != _id(13)
    with empty.engine.begin() as connection:
        connection.execute(text("update visits set state = 'missed' where reason = 'audit'"))
        command.downgrade(_config(connection), "0008")
        states = connection.execute(text("select state from visits order by reason")).scalars().all()
    assert states == ["cancelled", "made", "asked"]


def test_audits_of_earlier_releases_are_of_silent_passes(empty: Database) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0010")
        connection.execute(text(_BEFORE_0015))
    upgrade(empty)
    with empty.engine.begin() as connection:
        assert connection.execute(text("select cause from audits")).scalars().all() == ["silent"]
        film = "insert into audits (pass_id, beneficiary_id, drawn_at, cause) values (:id, :person, now(), :cause)"
        connection.execute(text(film), {"id": _id(14), "person": _id(1), "cause": "no_possession"})
        command.downgrade(_config(connection), "0010")
        assert connection.execute(text("select count(*) from audits")).scalar() == 1


def _id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


_BEFORE_0009 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at) values
 ('{_id(1)}', '\\x01', 'x', now()), ('{_id(2)}', '\\x02', 'x', now()), ('{_id(3)}', '\\x03', 'x', now());
insert into agents (id, badge, name, area, capacity, state, created_at)
 values ('{_id(4)}', 'A-1', 'Li', '', 3, 'active', now());
insert into tablets (id, agent_id, state, invited_by, invited_at, invite_expires_at)
 values ('{_id(5)}', '{_id(4)}', 'active', 'o', now(), now());
insert into bundles
 (id, sha256, tablet_id, agent_id, seq, previous, visit_id, state, size, received_at, result, opened_at)
 values ('{_id(21)}', '\\x01', '{_id(5)}', '{_id(4)}', 1, '\\x00', '{_id(11)}', 'opened', 1, now(), 'face', now()),
        ('{_id(22)}', '\\x02', '{_id(5)}', '{_id(4)}', 2, '\\x00', '{_id(13)}', 'opened', 1, now(), 'not_found', now());
insert into visits (id, beneficiary_id, state, reason, asked_at, tries) values
 ('{_id(11)}', '{_id(1)}', 'made', 'fund', now(), 0), ('{_id(12)}', '{_id(2)}', 'asked', 'audit', now(), 0),
 ('{_id(13)}', '{_id(3)}', 'asked', 'overdue', now(), 1);
"""


_BEFORE_0015 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at)
 values ('{_id(1)}', '\\x01', 'x', now());
insert into runs (id, feed, source, kind, state, sha256, description, shape, departures, started_at)
 values ('{_id(5)}', 'f', 's', 'life_events', 'done', 'x', '{{}}', '{{}}', '[]', now());
insert into silent_passes
 (id, run_id, chunk, entitlement_id, beneficiary_id, scheme, as_of, starts_on, proven_on, valid_until, evidence)
 values ('{_id(13)}', '{_id(5)}', 0, '{_id(23)}', '{_id(1)}', 'c', now(), now(), now(), now(), '{{}}');
insert into audits (pass_id, run_id, beneficiary_id, drawn_at) values ('{_id(13)}', '{_id(5)}', '{_id(1)}', now());
"""


def test_migrations_and_tables_agree(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        command.check(_config(connection))


def test_evidence_and_references_from_before_claims_were_stored_are_migrated(empty: Database) -> None:
    """Up to 0010, a fact had no institution and no principal, and a reference had no provenance."""
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0010")
        connection.execute(text(_BEFORE_0011))
    upgrade(empty)
    with empty.engine.connect() as connection:
        facts = connection.execute(text("select source, institution, principal from evidence")).all()
        references = connection.execute(text("select provenance, provenance_of, added_by from face_references")).all()
        triggers = "select count(*) from pg_trigger where tgrelid = 'evidence'::regclass and tgenabled = 'D'"
        assert connection.execute(text(triggers)).scalar_one() == 0, "evidence is append-only again"
    assert [tuple(row) for row in facts] == [("civil-registry", "civil-registry", "civil-registry")]
    assert [tuple(row) for row in references] == [("unknown", None, "unknown")]


_BEFORE_0011 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at)
 values ('{_id(1)}', '\\x01', 'x', now());
insert into evidence (id, beneficiary_id, kind, source, external_id, event_at, recorded_at, body)
 values ('{_id(2)}', '{_id(1)}', 'adverse', 'civil-registry', 'D-1', now(), now(), '{{}}');
insert into face_references (id, beneficiary_id, state, media_sha256, created_at)
 values ('{_id(3)}', '{_id(1)}', 'active', 'x', now());
"""
