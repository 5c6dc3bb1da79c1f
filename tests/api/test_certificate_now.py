"""The signature of a certificate is checked once, and erasure leaves no content of it in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from api import certificate_now, views
from certify.approvals.erase import erase
from certify.certificates.errors import BadSignature
from certify.issuers.tokens import Role
from certify.service import Service
from certify.storage.certificates import certificate_in_force
from certify.storage.tables.decisions import CertificateRow
from tests.api.conftest import WHY, Caller

pytestmark = pytest.mark.integration

NAME = "Ottilie Unmistakable-Placeholder"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Empty the cache of the process, which all tests share."""
    certificate_now._genuine.clear()
    yield
    certificate_now._genuine.clear()


@pytest.fixture
def issued(call: Callable[..., Caller], service: Service) -> tuple[str, str]:
    """Return person and certificate number of a person certified by an officer, which needs no face models."""
    enrolled = call(Role.ENROLLER).post(
        "/v1/beneficiaries",
        {
            "national_id": "VIEW0001",
            "name": NAME,
            "birth_date": "1950-11-19",
            "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01"}],
        },
    )
    person: str = enrolled.json()["id"]
    case = call(Role.OFFICER).post("/v1/review-cases", {"beneficiary_id": person, "kind": "proof_in_person"}).json()
    colleague = call(Role.OFFICER, "test-colleague")
    ruled = colleague.post(f"/v1/review-cases/{case['id']}/ruling", {"ruling": "confirm_alive"} | WHY)
    assert ruled.status_code == 200, ruled.text
    with service.reading() as unit:
        row = certificate_in_force(unit.db, UUID(person))
        assert row is not None
        return person, row.number


def _states_the_name(held: dict[Any, Any]) -> bool:
    """Tell whether this is the content of the certificate. (The collector does not list its innermost parts.)"""
    name = held.get("name")
    return isinstance(name, dict) and name.get("value") == NAME


@contextmanager
def _statements(service: Service) -> Iterator[list[str]]:
    """Record the statements that are sent to this service's database meanwhile, through any engine."""
    seen: list[str] = []
    ours = service.database.engine.url

    def note(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if connection.engine.url == ours:  # other threads of this process may use other databases
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_the_second_request_reads_no_keys_and_gets_the_same_answer(
    call: Callable[[Role], Caller], service: Service, issued: tuple[str, str]
) -> None:
    officer, path = call(Role.OFFICER), f"/v1/certificates/{issued[1]}"
    with _statements(service) as first:
        answer = officer.get(path)
    with _statements(service) as second:
        again = officer.get(path)
    assert answer.status_code == 200
    assert answer.json() == again.json()
    assert answer.json()["content"]["name"]["value"] == NAME
    keys = [sum("signing_key" in statement for statement in seen) for seen in (first, second)]
    assert keys == [1, 0]
    assert len(second) < len(first)


def test_the_cache_holds_hashes_only(call: Callable[[Role], Caller], issued: tuple[str, str]) -> None:
    assert call(Role.OFFICER).get(f"/v1/certificates/{issued[1]}").status_code == 200
    kept = dict(certificate_now._genuine)
    assert [(len(key), value) for key, value in kept.items()] == [(32, None)]


def test_erasure_by_another_process_counts_after_an_earlier_request(
    call: Callable[[Role], Caller], service: Service, issued: tuple[str, str]
) -> None:
    person, number = issued
    officer, path = call(Role.OFFICER), f"/v1/certificates/{number}"
    assert officer.get(path).status_code == 200
    with service.unit() as unit:
        erase(unit, UUID(person))
    for form in ("", "/pdf", "/qr"):
        answer = officer.get(path + form)
        assert (answer.status_code, answer.json()["code"]) == (410, "person_erased"), form
        assert NAME not in answer.text
    gc.collect()
    holders = [held for held in gc.get_objects() if isinstance(held, dict) and _states_the_name(held)]
    assert holders == [], "no content of the certificate is left in memory"


def test_altered_bytes_are_refused_and_not_cached(service: Service, issued: tuple[str, str]) -> None:
    with service.reading() as unit:
        row = unit.db.get(CertificateRow, issued[1])
        assert row is not None
        certificate_now.require_genuine(unit, row)
        assert certificate_now.known_genuine(row)
        assert views.certificate(row, unit.now).content["name"]["value"] == NAME
        forged = row.cose.replace(NAME.encode(), NAME.swapcase().encode())
        assert forged != row.cose
        row.cose = forged
        for _ in range(2):  # a refusal is not cached either
            with pytest.raises(BadSignature):
                certificate_now.require_genuine(unit, row)
            assert not certificate_now.known_genuine(row)
        unit.db.rollback()
