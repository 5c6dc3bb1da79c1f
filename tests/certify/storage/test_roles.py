"""The running service is not the owner of its database: it can neither change history nor the tables themselves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from certify.config import Settings
from certify.service import Service
from certify.storage.database import Database, open_as_owner, open_database, runtime_role
from certify.storage.embedded import PostgresServer, embedded_url, start_embedded
from certify.storage.journal import forget_reads
from certify.storage.migrate import upgrade, upgrade_embedded
from certify.storage.roles import APPEND_ONLY, RUNTIME, grant

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "statement",
    [
        *(f"update {table} set {column} = {column}" for table, column in (
            ("evidence", "kind"), ("determinations", "digest"), ("silent_passes", "chunk"), ("ledger_leaves", "entry"),
            ("ledger_nodes", "hash"), ("ledger_checkpoints", "note"), ("access_journal", "subject"),
        )),
        *(f"delete from {table}" for table in APPEND_ONLY),
        *(f"truncate {table} cascade" for table in ("evidence", "entitlements", "access_journal")),
        "alter table evidence disable trigger append_only",
        "alter table entitlements disable trigger all",
        "alter table certificates add column more text",
        "drop trigger append_only on ledger_leaves",
        "create table more (id integer)",
        "create function more() returns integer language sql as 'select 1'",
        "drop table evidence",
        "create or replace function certify_append_only() returns trigger language plpgsql as $$ begin end $$",
        "set session_replication_role = replica",
        "create role another superuser",
        "update alembic_version set version_num = '0001'",
        "set role postgres",
    ],
)  # fmt: skip
def test_the_run_time_role_cannot(service: Service, statement: str) -> None:
    with pytest.raises(DBAPIError) as refused, service.database.transaction() as db:
        db.execute(text(statement))
    assert refused.value.orig is not None
    assert getattr(refused.value.orig, "sqlstate", "") == "42501"


def test_tests_and_services_connect_as_the_run_time_role(service: Service) -> None:
    with service.database.reading() as db:
        role, may = db.execute(
            text("select current_user, (select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls from pg_roles"
                 " where rolname = current_user)")
        ).one()  # fmt: skip
        owned = db.scalar(
            text("select count(*) from pg_tables where tableowner = current_user and schemaname = 'public'")
        )
    assert (role, may, owned) == (RUNTIME, False, 0)


def test_every_table_with_an_append_only_trigger_is_closed_to_the_run_time_role(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "select tgrelid::regclass::text from pg_trigger where tgname = 'append_only' order by 1"
    ).fetchall()
    assert {table for (table,) in rows} <= set(APPEND_ONLY)


def test_the_journal_forgets_only_what_is_old(service: Service, owner: psycopg.Connection) -> None:
    for age in ("1 day", "29 days", "31 days", "400 days"):
        owner.execute(
            f"""insert into access_journal (at, subject, issuer, role, request_id, route, target, status, people)
            values (now() - interval '{age}', 's', 'i', 'officer', 'r', 'GET /', '', 200, '{{}}')"""
        )
    ages = "select count(*) from access_journal"
    with service.unit() as unit:
        (now,) = owner.execute("select now()").fetchone() or (None,)
        forget_reads(unit.db, now - timedelta(days=100))
    assert owner.execute(ages).fetchone() == (3,)
    with service.unit() as unit:
        forget_reads(unit.db, now + timedelta(days=1))  # whatever the service asks for
    assert owner.execute(ages).fetchone() == (2,)


def test_an_embedded_database_of_an_earlier_release_gets_both_roles(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    upgrade_embedded(settings)
    upgrade_embedded(settings)
    database, owner = open_database(settings), open_as_owner(settings)
    try:
        names = []
        for opened in (database, owner):
            with opened.reading() as db:
                names.append(db.scalar(text("select current_user")))
        assert names == [RUNTIME, "postgres"] == [runtime_role(settings), "postgres"]
    finally:
        database.close()
        owner.close()
        start_embedded(tmp_path).cleanup()


def test_a_role_of_another_name_gets_the_rights(embedded_server: PostgresServer) -> None:
    """In a database of your own, the run-time role is the user of CERTIFY_DATABASE_URL."""
    owner = Database(embedded_url(embedded_server, "other_role", owner=True), pool_size=1)
    try:
        with owner.engine.begin() as connection:
            connection.execute(text("create role fund_service login"))
        upgrade(owner, runtime="fund_service")
        with owner.engine.begin() as connection:
            grant(connection, "no_such_role")
            rights = connection.execute(
                text("select has_table_privilege('fund_service', 'evidence', 'insert'),"
                     " has_table_privilege('fund_service', 'evidence', 'delete'),"
                     " has_table_privilege('fund_service', 'entitlements', 'update')")
            ).one()  # fmt: skip
        assert tuple(rights) == (True, False, True)
    finally:
        owner.close()
        with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
            connection.execute("drop database other_role with (force)")
            connection.execute("drop role fund_service")
