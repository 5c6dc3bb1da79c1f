"""Erasure deletes stored answers that name the person, whichever caller they were for; those of others stay."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from certify.approvals.erase import erase
from certify.decision.determine import determine
from certify.domain.evidence import OfficerRuling, Ruling
from certify.domain.schedule import latest_date
from certify.doorstep.homes import Home, set_homes
from certify.doorstep.visits import ask_for_visit
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service, Unit
from certify.storage.certificates import certificate_in_force
from certify.storage.facts import add_evidence
from certify.storage.idempotency import answer_label, claim_key, forget_answers, store_answer
from certify.storage.tables.doorstep import HomeRow
from certify.storage.tables.service import IdempotencyRow
from certify.storage.visits import visit_of

pytestmark = pytest.mark.integration


def test_answers_that_name_the_person_are_deleted(service: Service) -> None:
    ana, bob = _certified(service, "ERASE001"), _certified(service, "ERASE002")
    with service.unit() as unit:
        numbers = {}
        for person in (ana, bob):
            certificate = certificate_in_force(unit.db, person)
            assert certificate is not None
            numbers[person] = certificate.number
            _answer(unit, "officer", f"enrolled-{person}", {"id": str(person), "name": "Ana"})
            _answer(unit, f"session|{person}", "by number only", {"number": numbers[person]})
        claim_key(unit.db, principal="officer", key="under way", request_sha256="x", now=unit.now)
        _answer(unit, "officer", "unreadable", {"id": str(ana)}, label="another")
    with service.unit() as unit:
        erase(unit, ana)
    assert _keys(service) == {
        ("officer", f"enrolled-{bob}"),
        (f"session|{bob}", "by number only"),
        ("officer", "under way"),
        ("officer", "unreadable"),  # no key opens it; it is deleted after its two days
    }


def test_home_and_visit_are_deleted(service: Service) -> None:
    ana, bob = _certified(service, "ERASE001"), _certified(service, "ERASE002")
    with service.unit() as unit:
        for person in (ana, bob):
            set_homes(unit, {person: Home("1 Road", "blue door")})
            ask_for_visit(unit, person, on=latest_date(unit.now) + timedelta(days=5), part="morning")
    with service.unit() as unit:
        erase(unit, ana)
        erase(unit, ana)
    with service.reading() as unit:
        assert unit.db.scalars(select(HomeRow.beneficiary_id)).all() == [bob]
        assert visit_of(unit.db, ana) is None, "no agent is sent to them"
        assert visit_of(unit.db, bob) is not None


def test_all_chunks_are_searched(service: Service) -> None:
    person = str(uuid4())
    with service.unit() as unit:
        for number in range(23):
            _answer(unit, "agent", f"key-{number:02}", {"id": person if number % 2 else "somebody else"})
        assert forget_answers(unit.db, service.vault, [person], chunk=4) == 11
    assert {key for _, key in _keys(service)} == {f"key-{number:02}" for number in range(0, 23, 2)}


def _certified(service: Service, number: str) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary(number, "Ana", pension))
        now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        seen = OfficerRuling(
            id=str(uuid4()),
            source="officer:o",
            event_at=now,
            recorded_at=now,
            ruling=Ruling.CONFIRM_ALIVE,
            dismisses=(),
        )
        add_evidence(unit.db, person, seen, external_id=number)
        determine(unit, person)
    return person


def _answer(unit: Unit, principal: str, key: str, content: dict[str, str], *, label: str = "") -> None:
    claim_key(unit.db, principal=principal, key=key, request_sha256="x", now=unit.now)
    body = unit.service.vault.seal_secret(label or answer_label(principal, key), json.dumps(content).encode())
    store_answer(unit.db, principal=principal, key=key, status=201, body=body)


def _keys(service: Service) -> set[tuple[str, str]]:
    with service.unit() as unit:
        return {(row.principal, row.key) for row in unit.db.scalars(select(IdempotencyRow))}
