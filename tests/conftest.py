"""Fixtures of integration tests: one embedded PostgreSQL for all, and a fresh migrated database for each test."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

from certify.config import Settings
from certify.policies import PolicyDocument, load_policies
from certify.queue import NoQueue, Queue
from certify.service import Service
from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url, start_embedded
from certify.storage.keys import FileMasterKey
from certify.storage.migrate import upgrade
from certify.storage.roles import RUNTIME
from certify.storage.vault import Vault
from tests.photo_policies import photo_policies
from tests.shared_data import skipped_for_it
from tests.sources import sources_for_tests

if TYPE_CHECKING:
    from models.pipeline import FaceEngine

gc.disable()
"""While tests are collected, all that is made stays: modules, classes, schemas. Looking for garbage among them took a
sixth of the time. It is switched on again, and leaves them out, when the first test runs."""

# On a busy machine, the time of one example has no meaning.
hypothesis_settings.register_profile("certify", hypothesis_settings(), deadline=None)
hypothesis_settings.load_profile("certify")

_TEMPLATE = "template_certify"
_names = itertools.count()


FILMS = frozenset(
    f"tests/{name}.py" for name in ("e2e/test_capture", "e2e/test_capture_refused", "e2e/test_speed", "api/test_live")
)
"""Tests that play a film in real time. Two films at once on two cores stutter as no camera of a phone does, and are
judged so. Therefore one process plays all of them, and the other processes give way. A film waits more than it
computes, so there may be one process more than cores."""

_PRIORITY = 10
"""Priority of the tests that give way, on the scale of Unix from -20 (first) to 19 (last)."""


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Decides what one process runs: the films, or all tests with Spark (which starts slowly), or one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        if file in FILMS:
            return "films"
        return "linking" if "/linking/" in file or "spark" in file.rpartition("/")[2] else file


@pytest.hookimpl(optionalhook=True)  # exists only when tests run in several processes
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    return TogetherScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run films first, then other browser tests, then other slow tests: the longest tests must not start last."""
    marked = {name: {_file(item.nodeid) for item in items if item.get_closest_marker(name)} for name in ("e2e", "slow")}
    order = (FILMS, marked["e2e"], marked["slow"])
    items.sort(key=lambda item: next((n for n, files in enumerate(order) if _file(item.nodeid) in files), len(order)))


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but not among what was made while tests were collected."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Lower the priority of a process that plays no films, permanently, so that films come first."""
    if "PYTEST_XDIST_WORKER" in os.environ and _file(item.nodeid) not in FILMS and os.nice(0) < _PRIORITY:
        os.nice(_PRIORITY - os.nice(0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped because data that cannot be published are not there."""
    if skipped := skipped_for_it(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(
            f"!! {skipped} tests were SKIPPED: they need real films and faces in ../shared/data", red=True
        )


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests. Its data is deleted afterwards, so it need not wait for the disk."""
    # Not in the folder of pytest: under root, the server runs as another user, who cannot read that folder.
    folder = Path(tempfile.mkdtemp(prefix="certify-tests-"))
    server = start_embedded(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(embedded_server: PostgresServer) -> str:
    """A migrated database that is copied for tests, because migrating takes longer."""
    database = Database(embedded_url(embedded_server, _TEMPLATE, owner=True))
    upgrade(database)
    database.close()
    return _TEMPLATE


class Databases:
    """Gives each test an empty migrated database.

    Copying the template takes a hundred times as long as emptying a used database, and a thousand tests need one. So a
    database is emptied and given out again. After some tests it is replaced, because dead rows make it slower.
    """

    _MAX_USES = 40

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._home = self._connect("postgres")
        self._now: tuple[str, psycopg.Connection, str] | None = None
        self._engines: dict[str, Database] = {}
        self._given_out = 0
        with self._connect(template) as connection:
            self._tables = _tables_of(connection)

    def give(self) -> str:
        """Return the address of an empty database."""
        if self._now is None:
            name = f"test_{next(_names)}"
            self._home.execute(f'create database "{name}" template "{self._template}"')
            self._now, self._given_out = (name, self._connect(name), embedded_url(self._server, name)), 0
        self._given_out += 1
        return self._now[2]

    def engine(self, url: str) -> Database:
        """Return the engine of a given-out database. It is kept, because it keeps the statements that it compiled."""
        if url not in self._engines:
            self._engines = {url: Database(url)}
        return self._engines[url]

    def take_back(self) -> None:
        """End all other connections to the given-out database, and empty or drop it."""
        assert self._now is not None
        name, connection, _ = self._now
        connection.execute(_DISCONNECT_OTHERS)
        if self._given_out < self._MAX_USES and _tables_of(connection) == self._tables:
            connection.execute(_EMPTY)
        else:
            connection.close()
            self._home.execute(f'drop database "{name}" with (force)')
            self._now = None

    def close(self) -> None:
        """Close the connections to the server."""
        self._home.close()
        if self._now is not None:
            self._now[1].close()

    def _connect(self, name: str) -> psycopg.Connection:
        return psycopg.connect(embedded_url(self._server, name, owner=True).replace("+psycopg", ""), autocommit=True)


def _tables_of(connection: psycopg.Connection) -> list[Any]:
    return connection.execute("select schemaname, tablename from pg_tables order by 1, 2").fetchall()


_DISCONNECT_OTHERS = """
do $$ begin
    loop
        perform pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend';
        exit when not found;
        perform pg_sleep(0.002), pg_stat_clear_snapshot();
    end loop;
end $$
"""
_EMPTY = """
do $$ declare found record; begin
    set local session_replication_role = replica;  -- without triggers, because some tables are append-only
    for found in
        select schemaname, tablename from pg_tables
        where schemaname in ('public', 'jobs') and tablename <> 'alembic_version'
    loop execute format('delete from %I.%I', found.schemaname, found.tablename); end loop;
    for found in select schemaname, sequencename from pg_sequences where last_value is not null
    loop execute format('alter sequence %I.%I restart', found.schemaname, found.sequencename); end loop;
end $$
"""


@pytest.fixture(scope="session")
def databases(embedded_server: PostgresServer, template_database: str) -> Iterator[Databases]:
    """The databases of this process."""
    databases = Databases(embedded_server, template_database)
    yield databases
    databases.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The address of an empty migrated database."""
    yield databases.give()
    databases.take_back()


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection as the owner of the database: someone who can change every row, and has no key of the service."""
    address = database_url.replace("+psycopg", "").replace(f"//{RUNTIME}@", "//postgres@")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for tests, independent of the developer's environment."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CERTIFY_{name.upper()}", raising=False)
    return Settings(data_dir=tmp_path, rate_limit="none", issuer_name="Test Pension Fund")


@pytest.fixture
def queue() -> Queue:
    """A queue without jobs; tests do the work themselves. Tests about jobs override it with a DatabaseQueue."""
    return NoQueue()


@pytest.fixture
def database(databases: Databases, database_url: str) -> Iterator[Database]:
    """An empty migrated database for one test. Its connections are closed afterwards."""
    database = databases.engine(database_url)
    database.macs = None
    yield database
    database.close()


@pytest.fixture
def policies(request: pytest.FixtureRequest) -> dict[str, PolicyDocument]:
    """The shipped policies; in tests with the mark ``photos_certify``, those under which a still photo certifies."""
    return dict(photo_policies() if request.node.get_closest_marker("photos_certify") else _shipped_policies())


@cache
def _shipped_policies() -> Mapping[str, PolicyDocument]:
    return load_policies()


@pytest.fixture
def service(
    database: Database, settings: Settings, queue: Queue, clock: Clock, policies: dict[str, PolicyDocument]
) -> Service:
    """A service on an empty database, with a clock that tests move. ``dataclasses.replace`` returns a changed copy."""
    return Service(
        settings=settings,
        database=database,
        vault=Vault(FileMasterKey(settings.key_file)),
        policies=policies,
        sources=sources_for_tests(),
        queue=queue,
        clock=clock,
    )


@pytest.fixture(scope="session")
def engine() -> FaceEngine:
    """The face models, loaded once, which remember their results. Tests of the models themselves have another engine.

    If the models could not be prepared, tests are skipped with a message.
    """
    from models.errors import ModelsError  # noqa: PLC0415 - unit tests need not load them
    from models.weights.packs import PackStore, default_cache_dir  # noqa: PLC0415
    from tests.remembered import RememberingEngine  # noqa: PLC0415

    try:
        return RememberingEngine.load(PackStore(default_cache_dir()))
    except ModelsError as error:
        pytest.skip(f"MODELS ARE MISSING, run 'certify models prepare': {error}")
