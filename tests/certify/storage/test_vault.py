"""Keys: data sealed for one person and purpose opens for no other, and not at all after the key is deleted."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from certify.config import Settings
from certify.errors import Gone, Unavailable
from certify.service import Service, build_service
from certify.storage.keys import FileMasterKey, seal, unseal
from certify.storage.tables.people import BeneficiaryRow, DataKeyRow
from certify.storage.vault import Sealer, Vault


@given(st.binary(max_size=200), st.binary(max_size=20), st.data())
def test_sealed_bytes_open_only_unchanged_and_in_their_context(
    plain: bytes, context: bytes, data: st.DataObject
) -> None:
    key = b"k" * 32
    sealed = seal(key, plain, context)
    assert unseal(key, sealed, context) == plain
    position = data.draw(st.integers(0, len(sealed) - 1))
    altered = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
    for wrong in ((key, altered, context), (b"x" * 32, sealed, context), (key, sealed, context + b"!")):
        with pytest.raises(Unavailable) as refused:
            unseal(*wrong)
        assert refused.value.code == "decryption_failed"


def test_truncated_sealed_bytes_are_refused() -> None:
    for length in (0, 5, 12, 27):
        with pytest.raises(Unavailable):
            unseal(b"k" * 32, seal(b"k" * 32, b"", b"")[:length], b"")


def test_a_sealer_serves_one_person_and_one_purpose() -> None:
    key, anna, bela = b"k" * 32, uuid4(), uuid4()
    sealed = Sealer(key, anna).seal(b"face", "template:1")
    assert Sealer(key, anna).open(sealed, "template:1") == b"face"
    for other in (Sealer(key, bela), Sealer(key, anna)):
        with pytest.raises(Unavailable):
            other.open(sealed, "template:2")


def test_the_key_file_is_private_and_created_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "master.key"
    with ThreadPoolExecutor(8) as pool:
        ids = {key.id for key in pool.map(lambda _: FileMasterKey(path), range(16))}
    assert len(ids) == 1, "processes that start together must end with one key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_damaged_key_file_is_refused_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(b"short")
    with pytest.raises(Unavailable) as refused:
        FileMasterKey(path)
    assert refused.value.code == "master_key_damaged"
    assert path.read_bytes() == b"short"


@pytest.mark.integration
def test_destroying_the_data_key_erases(service: Service) -> None:
    person = uuid4()
    with service.unit() as unit:
        row = BeneficiaryRow(
            id=person, national_id_hash=b"h", national_id_masked="m", needs=[], created_at=service.clock()
        )
        unit.db.add(row)
        unit.db.flush()
        unit.db.add(DataKeyRow(**service.vault.new_key(person)[0]))
    with service.unit() as unit:
        sealed = service.vault.sealer(unit.db, person).seal(b"face", "x")
    with service.unit() as unit:
        assert service.vault.sealer(unit.db, person).open(sealed, "x") == b"face"
        service.vault.destroy_key(unit.db, person)
    with service.unit() as unit, pytest.raises(Gone):
        service.vault.sealer(unit.db, person)


@pytest.mark.integration
def test_ids_are_found_by_a_keyed_hash_that_another_master_key_cannot_make(service: Service, tmp_path: Path) -> None:
    with service.unit() as unit:
        first = service.vault.lookup_hash(unit.db, "national_id", "A1")
        assert first == Vault(FileMasterKey(tmp_path / "master.key")).lookup_hash(unit.db, "national_id", "A1")
        assert first != service.vault.lookup_hash(unit.db, "card", "A1")
        assert first != service.vault.lookup_hash(unit.db, "national_id", "A2")
        with pytest.raises(Unavailable):
            Vault(FileMasterKey(tmp_path / "other.key")).lookup_hash(unit.db, "national_id", "A1")


@pytest.mark.integration
def test_a_lost_master_key_is_never_replaced_silently(database_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(database_url))
    first = build_service(settings)  # nothing is wrapped yet, so a new key is created
    with first.unit() as unit:
        first.vault.lookup_hash(unit.db, "national_id", "A1")
    first.database.close()
    key = settings.key_file
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(Unavailable) as refused:
        build_service(settings)
    assert refused.value.code == "master_key_missing"
    assert not key.exists()
    key.write_bytes(kept)
    build_service(settings).database.close()


def test_the_lookup_key_survives_a_transaction_that_is_rolled_back(service: Service) -> None:
    """The transaction of the very first hash fails, and the next process must still find the same people."""
    with suppress(ZeroDivisionError), service.unit() as unit:
        first = service.vault.lookup_hash(unit.db, "national_id", "A1")
        raise ZeroDivisionError
    with service.unit() as unit:
        assert service.vault.lookup_hash(unit.db, "national_id", "A1") == first
        assert Vault(FileMasterKey(service.settings.key_file)).lookup_hash(unit.db, "national_id", "A1") == first
