"""``/ready``: what it sees, and that asking often costs nothing; SQLSTATE in logs; no telemetry of FastAPI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from starlette.requests import Request

import api.readiness
from api.app import create_app
from api.errors import _on_database_error, _on_unexpected
from api.readiness import FRESH_S, WRITE_EVERY_S, Readiness, free_bytes
from certify.errors import Unavailable
from certify.service import Service
from certify.storage.database import Database, sqlstate
from certify.storage.health import require_room

pytestmark = pytest.mark.integration


class Watch:
    """A clock of a process, moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def readiness(service: Service, watch: Watch) -> Readiness:
    return Readiness(service, clock=watch)


@pytest.fixture
def full_disk(database: Database, owner: psycopg.Connection) -> Iterator[None]:
    """A database that can write no temporary file, as when its disk is full (SQLSTATE class 53)."""
    owner.execute(f'alter database "{owner.info.dbname}" set temp_file_limit = 0')
    database.close()  # a new connection has the new limit
    yield
    owner.execute(f'alter database "{owner.info.dbname}" reset temp_file_limit')
    database.close()


def _code(readiness: Readiness) -> str:
    with pytest.raises(Unavailable) as refused:
        asyncio.run(readiness.check())
    return refused.value.code


def _is_ready(readiness: Readiness) -> bool:
    asyncio.run(readiness.check())
    return True


def test_over_http(client: TestClient) -> None:
    answer = client.get("/ready")
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "schema": "current", "disk": "ok"}}


def test_attack_asking_often_costs_no_query(
    readiness: Readiness, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    for name in ("require_current_schema", "require_room"):
        monkeypatch.setattr(api.readiness, name, lambda _database, name=name: looked.append(name))

    async def ask() -> None:
        await asyncio.gather(*(readiness.check() for _ in range(100)))
        for _ in range(100):
            await readiness.check()

    asyncio.run(ask())
    assert looked == ["require_current_schema", "require_room"]
    watch.now += FRESH_S + 0.1
    asyncio.run(ask())
    assert looked[2:] == ["require_current_schema"], "the disk is tried less often"
    watch.now += WRITE_EVERY_S
    asyncio.run(ask())
    assert looked[3:] == ["require_current_schema", "require_room"]


def test_an_old_schema_is_seen_and_its_repair_too(
    readiness: Readiness, watch: Watch, database: Database, owner: psycopg.Connection
) -> None:
    def move(number: str) -> None:
        owner.execute("update alembic_version set version_num = %s", [number])

    with database.engine.connect() as connection:
        current = connection.scalar(text("select version_num from alembic_version"))
    move("0001")
    try:
        assert _code(readiness) == "schema_old"
    finally:
        move(str(current))
    assert _code(readiness) == "schema_old", "for two seconds"
    watch.now += FRESH_S + 0.1
    assert _is_ready(readiness)


def test_attack_a_full_disk_of_the_database_is_not_ready(
    readiness: Readiness, full_disk: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert _code(readiness) == "disk_full"
    assert "SQLSTATE 53" in caplog.records[-1].__dict__["reason"]


def test_a_full_disk_of_the_data_folder_is_not_ready(
    readiness: Readiness, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.readiness, "MIN_FREE_BYTES", 10**18)
    assert _code(readiness) == "disk_full"
    watch.now += FRESH_S + 0.1
    monkeypatch.setattr(api.readiness, "free_bytes", lambda _folder: None)
    assert _is_ready(readiness)
    assert free_bytes(readiness._service.settings.data_dir / "missing") is None


@pytest.mark.enable_socket
def test_a_database_that_is_away_is_not_ready(service: Service, watch: Watch) -> None:
    away = Database("postgresql+psycopg://certify@127.0.0.1:1/certify")
    assert _code(Readiness(replace(service, database=away), clock=watch)) == "database_unavailable"


def test_attack_a_database_error_is_logged_with_its_sqlstate(
    database: Database, full_disk: None, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unavailable) as refused:
        require_room(database)
    error = refused.value.__cause__
    assert isinstance(error, Exception)
    assert sqlstate(error) == "53400"
    request = Request({"type": "http"})
    for handler in (_on_database_error, _on_unexpected):
        with caplog.at_level(logging.ERROR):
            asyncio.run(handler(request, error))
        assert caplog.records[-1].__dict__["sqlstate"] == "53400"
    assert sqlstate(ValueError("no database")) is None


def test_attack_variables_of_the_environment_switch_on_no_telemetry(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI would send addresses of requests, with the ids in them, to the address in the variable."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    application = create_app(service=service)
    with TestClient(application) as client:
        assert client.get("/health").status_code == 200
    assert not application._native_telemetry.enabled()
    assert not any(application._telemetry[name] for name in ("auto_configure", "tracing", "metrics", "logs"))
