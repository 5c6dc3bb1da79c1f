"""What integration tests stand on: one embedded PostgreSQL a session, one fresh migrated database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from certify.config import Settings
from certify.policies import load_policies
from certify.queue import NoQueue, Queue
from certify.service import Service
from certify.storage.database import Database
from certify.storage.embedded import PostgresServer, embedded_url, start_embedded
from certify.storage.keys import FileMasterKey
from certify.storage.migrate import upgrade
from certify.storage.vault import Vault

if TYPE_CHECKING:
    from models.pipeline import FaceEngine

# How long one example takes says nothing on a busy machine.
hypothesis_settings.register_profile("certify", hypothesis_settings(), deadline=None)
hypothesis_settings.load_profile("certify")

_TEMPLATE = "template_certify"
_names = itertools.count()


_PRIORITY = 10
"""Of tests that can wait, on Unix's scale from -20 (first) to 19 (last)."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what plays in real time begin at once in one process, and put into the others what belongs together.

    Two films at once on two cores stutter as no phone's camera does, and are judged so. One waits more than it
    computes, so there may be one process more than cores.
    """
    items.sort(key=lambda item: (not _plays(item), item.get_closest_marker("e2e") is None))  # then what takes longest
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """Name what one process runs: the films, all that uses Spark (which takes long to start), or a file."""
    file = item.nodeid.partition("::")[0]
    if _plays(item):
        return "films"
    return "linking" if "/linking/" in file else file


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let whatever can wait give way to the films of the other process, for good: films come first."""
    if "PYTEST_XDIST_WORKER" in os.environ and not _plays(item) and os.nice(0) < _PRIORITY:
        os.nice(_PRIORITY - os.nice(0))


def _plays(item: pytest.Item) -> bool:
    return item.get_closest_marker("film") is not None


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
    """One PostgreSQL for all tests. It forgets everything with them, so it need not wait for the disk."""
    # Not in pytest's own folder: that is closed to the other user as whom the server runs under root.
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
    """A migrated database, to be copied: copying takes milliseconds, migrating does not."""
    database = Database(embedded_url(embedded_server, _TEMPLATE))
    upgrade(database)
    database.close()
    return _TEMPLATE


@pytest.fixture
def database_url(embedded_server: PostgresServer, template_database: str) -> Iterator[str]:
    """The address of a database of the test's own."""
    name = f"test_{next(_names)}"
    with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template_database}"')
        yield embedded_url(embedded_server, name)
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for tests, whatever the environment of the developer says."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CERTIFY_{name.upper()}", raising=False)
    return Settings(data_dir=tmp_path, rate_limit="none", issuer_name="Test Pension Fund")


@pytest.fixture
def queue() -> Queue:
    """Jobs are not queued; tests do the work. Tests about jobs override this with a DatabaseQueue."""
    return NoQueue()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh migrated database of the test's own, closed afterwards."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def service(database: Database, settings: Settings, queue: Queue, clock: Clock) -> Service:
    """A service on a fresh database, with a clock that tests move. ``dataclasses.replace`` makes a second one of it."""
    return Service(
        settings=settings,
        database=database,
        vault=Vault(FileMasterKey(settings.key_file)),
        policies=load_policies(),
        queue=queue,
        clock=clock,
    )


@pytest.fixture(scope="session")
def engine() -> FaceEngine:
    """The face models, loaded once. Skips loudly where they could not be prepared."""
    from models.errors import ModelsError  # noqa: PLC0415 - unit tests need not load them
    from models.packs import PackStore, default_cache_dir  # noqa: PLC0415
    from models.pipeline import FaceEngine  # noqa: PLC0415

    try:
        return FaceEngine.load(PackStore(default_cache_dir()))
    except ModelsError as error:
        pytest.skip(f"MODELS ARE MISSING, run 'certify models prepare': {error}")
