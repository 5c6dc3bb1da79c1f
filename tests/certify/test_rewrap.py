"""Rotating the master key: everything is wrapped again, a kill loses nothing, and both keys open until the end."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from certify.certificates.keys import Algorithm
from certify.errors import Unavailable
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.identifiers import look_up, open_identifiers
from certify.rewrap import Rewrapped, rewrap
from certify.service import Service
from certify.storage.idempotency import claim_key, store_answer
from certify.storage.keys import FileMasterKey, begin_move, end_move
from certify.storage.ledger import leaves, ledger_size
from certify.storage.people import get_beneficiary
from certify.storage.signing import active_key, rotate_key
from certify.storage.tables.people import DataKeyRow
from certify.storage.tables.service import IdempotencyRow, SecretRow
from certify.storage.vault import Vault

PURPOSES = ("certificate", "ledger", "session")


def _enrol(service: Service, number: int) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return add_beneficiary(unit, NewBeneficiary(f"MOVE{number:06}", f"Person {number}", pension))


def _fill(service: Service, people: int) -> list[UUID]:
    enrolled = [_enrol(service, number) for number in range(people)]
    with service.unit() as unit:
        for purpose in PURPOSES:
            active_key(unit.db, service.vault, purpose, unit.now)
        rotate_key(unit.db, service.vault, "certificate", Algorithm.ES256, unit.service.clock)
    for number in range(3):
        with service.unit() as unit:
            claim_key(unit.db, principal=f"i|{number}", key="once-0001", request_sha256="x", now=unit.now)
            body = service.vault.seal_secret(f"answer:i|{number}:once-0001", b"answer")
            store_answer(unit.db, principal=f"i|{number}", key="once-0001", status=201, body=body)
    with service.unit() as unit:  # a request in progress has no answer yet
        claim_key(unit.db, principal="i|waits", key="once-0001", request_sha256="x", now=unit.now)
    return enrolled


def _reads_everything(service: Service, key: Path, people: list[UUID]) -> None:
    """Open everything with only the given key file."""
    other = replace(service, vault=Vault(FileMasterKey(key)))
    with other.unit() as unit:
        for number, person in enumerate(people):
            assert open_identifiers(unit, get_beneficiary(unit.db, person))[0] == f"MOVE{number:06}"
            assert look_up(unit, national_id=f"MOVE{number:06}") == person
        for purpose in PURPOSES:
            active_key(unit.db, other.vault, purpose, unit.now)
        for row in unit.db.scalars(select(IdempotencyRow).where(IdempotencyRow.body.is_not(None))):
            assert other.vault.open_secret(f"answer:{row.principal}:{row.key}", row.body or b"") == b"answer"


def _under(service: Service, key_id: str) -> int:
    with service.reading() as unit:
        return sum(
            unit.db.scalar(select(func.count()).select_from(table).where(table.master_key_id == key_id)) or 0
            for table in (DataKeyRow, SecretRow)
        )


def test_a_new_key_file_unwraps_both_keys_until_the_rotation_ends(tmp_path: Path) -> None:
    old, new = FileMasterKey(tmp_path / "old"), tmp_path / "new"
    wrapped = old.wrap(b"secret", b"context")
    moving = begin_move(new, tmp_path / "old")
    assert (moving.id != old.id, moving.old_ids) == (True, [old.id])
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert moving.unwrap(wrapped, b"context") == b"secret"
    again = moving.wrap(b"secret", b"context")
    with pytest.raises(Unavailable):
        old.unwrap(again, b"context")
    with pytest.raises(Unavailable):
        moving.unwrap(again, b"another context")
    # If it is begun again after a crash, it is the same key, and no key is added.
    assert begin_move(new, tmp_path / "old").id == moving.id
    assert begin_move(new, new).old_ids == [old.id]
    ended = end_move(new)
    assert (ended.id, ended.old_ids) == (moving.id, [])
    assert ended.unwrap(again, b"context") == b"secret"
    with pytest.raises(Unavailable):
        ended.unwrap(wrapped, b"context")
    assert end_move(new).id == moving.id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_a_key_made_elsewhere_is_accepted_and_another_file_is_not(tmp_path: Path) -> None:
    FileMasterKey(tmp_path / "old")
    (tmp_path / "new").write_bytes(os.urandom(32))
    key = FileMasterKey(tmp_path / "new")
    assert begin_move(tmp_path / "new", tmp_path / "old").id == key.id
    for content in (b"", b"x" * 31, b"x" * 33, b"x" * 160):
        (tmp_path / "text").write_bytes(content)
        with pytest.raises(Unavailable) as refused:
            begin_move(tmp_path / "text", tmp_path / "old")
        assert refused.value.code == "master_key_damaged"
        assert (tmp_path / "text").read_bytes() == content


def test_rotations_that_never_ended_lose_no_key(tmp_path: Path) -> None:
    FileMasterKey(tmp_path / "0")
    for number in range(1, 4):
        begin_move(tmp_path / str(number), tmp_path / str(number - 1))
    with pytest.raises(Unavailable) as refused:
        begin_move(tmp_path / "4", tmp_path / "3")
    assert refused.value.code == "too_many_master_keys"
    assert len(FileMasterKey(tmp_path / "3").old_ids) == 3


@pytest.mark.integration
def test_everything_is_wrapped_again_and_the_old_key_opens_nothing(service: Service, tmp_path: Path) -> None:
    people = _fill(service, 25)
    old, new = service.settings.key_file, tmp_path / "new.key"
    key = begin_move(new, old)
    progress: list[tuple[int, int]] = []
    counts = rewrap(service, key, chunk=10, progress=lambda done, total: progress.append((done, total)))
    assert counts == Rewrapped(data_keys=25, secrets=3, signing_keys=4, answers=3, left=0)
    assert progress[0] == (0, 31)
    assert progress[-1] == (31, 31)
    assert progress == sorted(progress)
    end_move(new)
    _reads_everything(service, new, people)
    assert _under(service, key.id) == 28
    for some in (people[:1], []):  # a person's data, and the service's own keys
        with pytest.raises(Unavailable):
            _reads_everything(service, old, some)
    with service.reading() as unit:
        last = leaves(unit.db, 0, ledger_size(unit.db))[-1].entry.decode()
    assert '"event":"master_key_changed"' in last
    assert key.id in last
    # A second run has nothing to do.
    assert rewrap(service, FileMasterKey(new)).data_keys == 0
    _reads_everything(service, new, people)


@pytest.mark.integration
def test_an_interrupted_rotation_opens_with_the_new_file_and_a_second_run_finishes(
    service: Service, tmp_path: Path
) -> None:
    people = _fill(service, 25)
    old, new = service.settings.key_file, tmp_path / "new.key"
    key = begin_move(new, old)

    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap(service, key, chunk=10, progress=stop)
    assert _under(service, key.id) == 10
    _reads_everything(service, new, people)
    # A service with both keys can work meanwhile: the person it enrols now is under the new key.
    people.append(_enrol(replace(service, vault=Vault(FileMasterKey(new))), 25))
    with service.unit() as unit:
        row = unit.db.get(DataKeyRow, people[-1])
        assert row is not None
        assert row.master_key_id == key.id
    assert rewrap(service, begin_move(new, old), chunk=10).data_keys == 15
    end_move(new)
    _reads_everything(service, new, people)


@pytest.mark.integration
def test_a_row_that_no_key_opens_is_counted_and_holds_up_no_other(service: Service, tmp_path: Path) -> None:
    people = _fill(service, 3)
    with service.unit() as unit:
        row = unit.db.get(DataKeyRow, people[1])
        assert row is not None
        row.wrapped = bytes(60)
    key = begin_move(tmp_path / "new.key", service.settings.key_file)
    counts = rewrap(service, key, chunk=1)
    assert (counts.data_keys, counts.left) == (2, 1)
    _reads_everything(service, tmp_path / "new.key", people[:1])
    with service.reading() as unit:
        events = [row.entry for row in leaves(unit.db, 0, ledger_size(unit.db))]
    assert not any(b"master_key_changed" in event for event in events)


_MOVE = """
import sys
from pathlib import Path
from pydantic import SecretStr
from certify.config import Settings
from certify.queue import NoQueue
from certify.rewrap import rewrap
from certify.service import build_service
from certify.storage.keys import begin_move, end_move
folder = Path(sys.argv[1])
service = build_service(Settings(data_dir=folder, database_url=SecretStr(sys.argv[2])), queue=NoQueue())
key = begin_move(folder / "new.key", folder / "master.key")
print("ready", flush=True)
rewrap(service, key, chunk=5)
end_move(folder / "new.key")
"""


@pytest.mark.integration
@pytest.mark.slow
def test_a_rotation_that_is_killed_several_times_finishes(service: Service, tmp_path: Path) -> None:
    people = _fill(service, 3)
    with service.unit() as unit:  # many more, quickly
        for _ in range(3000):
            person = uuid4()
            unit.db.execute(
                text(
                    "insert into beneficiaries (id, national_id_hash, national_id_masked, created_at)"
                    " values (:id, :hash, 'x', now())"
                ),
                {"id": person, "hash": person.bytes},
            )
            unit.db.add(DataKeyRow(**service.vault.new_key(person)[0]))
    command = [sys.executable, "-c", _MOVE, str(tmp_path), service.database.url]
    killed = 0
    for attempt in range(12):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            if attempt < 4:
                time.sleep(0.15)
                process.send_signal(signal.SIGKILL)
            process.wait(120)
        if process.returncode == 0:
            break
        killed += 1
        _reads_everything(service, tmp_path / "new.key", people)
        assert FileMasterKey(tmp_path / "new.key").old_ids
    assert killed >= 2, "the rotation was over before it could be killed"
    assert _under(service, FileMasterKey(tmp_path / "new.key").id) == 3006
    assert FileMasterKey(tmp_path / "new.key").old_ids == []
    _reads_everything(service, tmp_path / "new.key", people)
