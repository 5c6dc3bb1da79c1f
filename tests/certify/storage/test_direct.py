"""Rows that are read without the ORM behave as if the ORM had read them."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service
from certify.storage.direct import load
from certify.storage.people import get_beneficiary
from certify.storage.sessions import get_session
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow

pytestmark = pytest.mark.integration


@pytest.fixture
def person(service: Service) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return add_beneficiary(unit, NewBeneficiary("DIRECT01", "Mae", pension, needs=("low_vision",)))


def test_a_loaded_row_is_the_one_the_session_knows_and_is_written_when_changed(service: Service, person: UUID) -> None:
    with service.unit() as unit:
        row = get_beneficiary(unit.db, person, lock=True)
        assert (row.name, row.needs, row.erased_at) == ("Mae", ["low_vision"], None)
        row.name = "Grace"
        assert get_beneficiary(unit.db, person) is row
        assert unit.db.get(BeneficiaryRow, person) is row
    with service.unit() as unit:
        assert get_beneficiary(unit.db, person).name == "Grace"
        assert load(unit.db, BeneficiaryRow, b"id = %(id)s", {"id": uuid4()}) is None


def test_a_session_is_loaded_with_its_source_and_without_its_report(service: Service, person: UUID) -> None:
    with service.unit() as unit:
        session_id = service.new_id()
        session = SessionRow(
            id=session_id,
            beneficiary_id=person,
            channel="remote",
            state="open",
            nonce=b"n",
            created_at=unit.now,
            expires_at=unit.now + timedelta(minutes=5),
            source={"way": "upload"},
            report={"large": True},
        )
        unit.db.add(session)
    with service.unit() as unit:
        row = get_session(unit.db, session_id)
        sent: list[str] = []
        event.listen(unit.db.connection(), "before_cursor_execute", lambda *call: sent.append(call[2]))
        assert row.source == {"way": "upload"}
        assert sent == []
        assert row.report == {"large": True}
        assert len(sent) == 1
