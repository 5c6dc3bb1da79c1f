"""A person's own pages: who may open them, contact, consent, and erasure of what the person entered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from api.auth import DEVICE_HEADER
from certify.approvals.erase import erase
from certify.issuers.tokens import Role
from certify.people.access import new_link
from certify.people.consent import KEPT_AFTER_WITHDRAWAL, purge_withdrawn, set_consent
from certify.people.contact import Contact, contact_of, set_contact
from certify.service import Service
from certify.storage.people import references_of
from certify.storage.tables.people import AccessCodeRow
from certify.storage.tables.service import IdempotencyRow
from fixtures import faces
from tests.api.conftest import World
from tests.api.own_pages import BORN, PHONE, post
from tests.conftest import Clock

pytestmark = pytest.mark.integration


@pytest.fixture
def person(world: World, collins: Any) -> UUID:
    return UUID(world.enrol(faces.encode(collins)))


_turn = iter(range(10**6))


def test_erasure_deletes_stored_answers_and_codes(pages: TestClient, service: Service, person: UUID) -> None:
    with service.unit() as unit:
        secret = new_link(unit, person, timedelta(days=1))
    post(pages, "/v1/knock/links/redeem", {"secret": secret, "birth_date": BORN, "device_id": PHONE})
    answer = post(pages, "/v1/me/contact", {"phone": "+8613800138000", "language": "hi"})
    assert answer.json()["phone"] == "+8613800138000"
    with service.unit() as unit:
        assert [row for row in unit.db.scalars(select(IdempotencyRow)) if str(person) in row.principal]
        erase(unit, person)
    with service.reading() as unit:
        assert [row for row in unit.db.scalars(select(IdempotencyRow)) if str(person) in row.principal] == []
        assert unit.db.scalars(select(AccessCodeRow)).all() == []
    assert pages.get("/v1/me", headers={DEVICE_HEADER: PHONE}).status_code == 401


def test_changing_the_telephone_keeps_the_time_zone(pages: TestClient, service: Service, person: UUID) -> None:
    with service.unit() as unit:
        set_contact(unit, person, Contact(timezone="Asia/Kolkata"))
        secret = new_link(unit, person, timedelta(days=1))
    post(pages, "/v1/knock/links/redeem", {"secret": secret, "birth_date": BORN, "device_id": PHONE})
    assert post(pages, "/v1/me/contact", {"phone": "+8613800138000"}).status_code == 200
    with service.reading() as unit:
        stored = contact_of(unit, person)
    assert (stored.phone, stored.timezone) == ("+8613800138000", "Asia/Kolkata")


def test_references_are_deleted_some_time_after_consent_is_withdrawn(
    pages: TestClient, service: Service, person: UUID, clock: Clock
) -> None:
    with service.unit() as unit:
        set_consent(unit, person, given=False)
    with service.unit() as unit:
        assert purge_withdrawn(unit) == 0
    clock.advance(KEPT_AFTER_WITHDRAWAL)
    with service.unit() as unit:
        assert purge_withdrawn(unit) == 1
        assert references_of(unit.db, person) == []
        assert purge_withdrawn(unit) == 0


def test_no_role_of_other_issuers_opens_own_pages(call: Callable[[Role], Any]) -> None:
    for role in (Role.OFFICER, Role.REGISTRY, Role.AGENT, Role.AUDITOR):
        assert call(role).get("/v1/me").status_code == 403
