"""Showing a certificate: the signature is checked once, and nothing about the person outlives an erasure."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event

from api import certificate_now, views
from api.app import create_app
from certify.certificates.errors import BadSignature
from certify.service import Service
from certify.storage.certificates import certificate_in_force
from certify.storage.tables.decisions import CertificateRow
from certify.tokens import Role
from tests.api.conftest import Caller

pytestmark = pytest.mark.integration

NAME = "Ottilie Unmistakable-Placeholder"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """The cache is the process's own; tests must not see one another's."""
    certificate_now._genuine.clear()
    yield
    certificate_now._genuine.clear()


@pytest.fixture
def issued(call: Callable[[Role], Caller], service: Service) -> tuple[str, str]:
    """Somebody certified by an officer, so that no face models are needed: person and certificate number."""
    enrolled = call(Role.MACHINE).post(
        "/v1/beneficiaries",
        {
            "national_id": "VIEW0001",
            "name": NAME,
            "birth_date": "1950-11-19",
            "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01"}],
        },
    )
    person: str = enrolled.json()["id"]
    case = call(Role.AGENT).post("/v1/review-cases", {"beneficiary_id": person, "kind": "proof_in_person"}).json()
    ruled = call(Role.OFFICER).post(f"/v1/review-cases/{case['id']}/ruling", {"ruling": "confirm_alive"})
    assert ruled.status_code == 200, ruled.text
    with service.reading() as unit:
        row = certificate_in_force(unit.db, UUID(person))
        assert row is not None
        return person, row.number


def _states_the_name(found: dict[Any, Any]) -> bool:
    """Tell whether this is what views show of the certificate. (Its innermost parts are not known to the collector.)"""
    name = found.get("name")
    return isinstance(name, dict) and name.get("value") == NAME


@contextmanager
def _statements(service: Service) -> Iterator[list[str]]:
    """Note what is asked of this service's database meanwhile, through whichever engine."""
    seen: list[str] = []
    ours = service.database.engine.url

    def note(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if connection.engine.url == ours:  # other threads of this process may ask others
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_the_second_look_asks_for_no_keys_and_says_the_same(
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


def test_what_is_kept_says_nothing_about_anybody(call: Callable[[Role], Caller], issued: tuple[str, str]) -> None:
    assert call(Role.OFFICER).get(f"/v1/certificates/{issued[1]}").status_code == 200
    kept = dict(certificate_now._genuine)
    assert [(len(key), value) for key, value in kept.items()] == [(32, None)]


def test_erasure_by_another_process_wins_over_what_was_seen_before(
    call: Callable[[Role], Caller], service: Service, issued: tuple[str, str]
) -> None:
    person, number = issued
    officer, path = call(Role.OFFICER), f"/v1/certificates/{number}"
    assert officer.get(path).status_code == 200
    with TestClient(create_app(service=service)) as elsewhere:
        assert Caller(elsewhere, officer.token).post(f"/v1/beneficiaries/{person}/erasure").status_code == 200
    for form in ("", "/pdf", "/qr"):
        answer = officer.get(path + form)
        assert (answer.status_code, answer.json()["code"]) == (410, "person_erased"), form
        assert NAME not in answer.text
    gc.collect()
    holders = [found for found in gc.get_objects() if isinstance(found, dict) and _states_the_name(found)]
    assert holders == [], "no content of the certificate is left in memory"


def test_bytes_that_nobody_signed_are_never_shown(service: Service, issued: tuple[str, str]) -> None:
    with service.reading() as unit:
        row = unit.db.get(CertificateRow, issued[1])
        assert row is not None
        certificate_now.require_genuine(unit, row)
        assert certificate_now.known_genuine(row)
        assert views.certificate(row, unit.now).content["name"]["value"] == NAME
        forged = row.cose.replace(NAME.encode(), NAME.swapcase().encode())
        assert forged != row.cose
        row.cose = forged
        for _ in range(2):  # a refusal is not kept either
            with pytest.raises(BadSignature):
                certificate_now.require_genuine(unit, row)
            assert not certificate_now.known_genuine(row)
        unit.db.rollback()
