"""Many people are determined at once as they are one by one, and each waits for the transaction that holds them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from certify.audit.replay import replay
from certify.certificates.verify import verify_any
from certify.decision.determine import determine, determine_many
from certify.decision.issue import key_set
from certify.domain.evidence import AdverseRecord, OfficerRuling, Ruling
from certify.errors import NotFound
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.service import Service, Unit
from certify.storage.certificates import certificate_in_force, certificates_of
from certify.storage.direct import run
from certify.storage.facts import add_evidence, determinations_of, evidence_of
from certify.storage.ledger import leaves, ledger_size
from certify.storage.people import entitlements_of, get_beneficiary
from certify.storage.reviews import open_cases_of
from certify.storage.tables.decisions import DeterminationRow, ReviewCaseRow
from certify.storage.tables.people import EntitlementRow

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_many_people_at_once_give_the_same_as_one_by_one(service: Service) -> None:
    """Certified by an officer, dead by one source, proven before, never proven: the same rows and ledger entries."""
    alone, together = _population(service, "A"), _population(service, "B")
    for person in alone:
        with service.unit() as unit:
            determine(unit, person)
    with service.unit() as unit:
        determined = determine_many(unit, together)
    assert list(determined) == together
    assert [_seen(service, person) for person in alone] == [_seen(service, person) for person in together]
    standings = [_seen(service, person)["pensions"][0][0] for person in together]
    assert standings == ["certified", "paused", "certified", "overdue"]
    assert [result.certificate is not None for result in determined.values()] == [True, False, False, False]
    with service.unit() as unit:
        row = certificate_in_force(unit.db, together[0])
        assert row is not None
        assert verify_any(row.cose, key_set(unit), unit.now).state == "valid"
        for person in together:
            stored = determinations_of(unit.db, beneficiary_id=person)
            assert [row.id for row in stored] == determined[person].ids
            assert all(replay(unit, row.id).identical for row in stored)


def test_many_people_need_as_many_statements_as_one(service: Service) -> None:
    """Of people who all get a certificate: lock, read, the signing key, their data keys, write."""
    people = [_population(service, f"N{number}")[0] for number in range(12)]
    with service.unit() as unit:
        determine(unit, people.pop())  # from now on policies and the signing key are stored
    counts = []
    for batch in (people[:1], people[1:]):
        with service.unit() as unit:
            sent = _count_statements(unit)
            determined = determine_many(unit, batch)
            assert all(result.certificate for result in determined.values())
            counts.append(len(sent))
    assert counts == [5, 5]


def _count_statements(unit: Unit) -> list[object]:
    sent: list[object] = []
    connection: Any = unit.db.connection().connection.driver_connection
    execute = connection.execute

    def counted(query: object, *parameters: object, **more: object) -> object:
        sent.append(query)
        return execute(query, *parameters, **more)

    connection.execute = counted
    return sent


def test_facts_of_the_transaction_that_held_the_lock_are_read(service: Service) -> None:
    """Facts are read after the lock is taken: a determination that waited must read what the other one stored."""
    person = _population(service, "W")[2]
    with service.unit() as unit:
        determine(unit, person)

    def determine_meanwhile() -> None:
        with service.unit() as unit:
            determine(unit, person)

    with ThreadPoolExecutor(1) as pool:
        with service.unit() as unit:
            get_beneficiary(unit.db, person, lock=True)
            waiting = pool.submit(determine_meanwhile)
            time.sleep(0.5)
            assert not waiting.done()
            _died(unit, person, "W-1")
        waiting.result()
    with service.unit() as unit:
        assert entitlements_of(unit.db, person)[0].standing == "paused"


def test_rows_read_before_are_refreshed(service: Service) -> None:
    person = _population(service, "R")[1]
    with service.unit() as unit:
        before = entitlements_of(unit.db, person)[0]
        standings = [before.standing]
        determine(unit, person)
        standings.append(before.standing)
        case = open_cases_of(unit.db, person)[0]
        _officer(unit, person, Ruling.CONFIRM_ALIVE, "seen", NOW, dismisses=True)
        determine(unit, person)
        assert [*standings, before.standing] == [None, "paused", "certified"]
        assert (case.state, case.resolution) == ("closed", "cause_gone")


def test_an_unknown_person_stops_the_batch(service: Service) -> None:
    people = _population(service, "U")
    with pytest.raises(NotFound), service.unit() as unit:
        determine_many(unit, [*people, uuid4()])
    with service.unit() as unit:
        assert unit.db.scalars(select(DeterminationRow)).all() == []
        assert unit.db.scalars(select(ReviewCaseRow)).all() == []
        assert {row.standing for row in unit.db.scalars(select(EntitlementRow))} == {None}


def test_a_refused_statement_raises_an_error_of_sqlalchemy_without_values(service: Service) -> None:
    with pytest.raises(IntegrityError) as refused, service.unit() as unit:
        run(unit.db, b"insert into data_keys values (%(a)s, %(b)s, 'k')", {"a": uuid4(), "b": b"do not show"})
    assert "do not show" not in str(refused.value)


def _population(service: Service, prefix: str) -> list[UUID]:
    people = []
    with service.unit() as unit:
        for number, proof in enumerate([None, date(2025, 12, 1), date(2025, 12, 1), None]):
            pension = (NewEntitlement("employee", date(2015, 1, 1), proof),)
            new = NewBeneficiary(f"{prefix}00000{number}", "Mae", pension, birth_date=date(1950, 5, 5))
            people.append(add_beneficiary(unit, new))
        _officer(unit, people[0], Ruling.CONFIRM_ALIVE, f"{prefix}-seen", NOW)
        _died(unit, people[1], f"{prefix}-D")
    return people


def _officer(unit: Unit, person: UUID, ruling: Ruling, number: str, at: datetime, *, dismisses: bool = False) -> None:
    named = tuple(fact.id for fact in evidence_of(unit.db, person)) if dismisses else ()
    fact = OfficerRuling(
        id=str(uuid4()), source="officer:o", event_at=at, recorded_at=at, ruling=ruling, dismisses=named
    )
    assert add_evidence(unit.db, person, fact, external_id=number)


def _died(unit: Unit, person: UUID, number: str) -> None:
    fact = AdverseRecord(id=str(uuid4()), source="civil-registry", event_at=NOW, recorded_at=NOW, kind="death")
    assert add_evidence(unit.db, person, fact, external_id=number)


def _seen(service: Service, person: UUID) -> dict[str, Any]:
    """Return everything about a person except the ids."""
    with service.unit() as unit:
        pensions = entitlements_of(unit.db, person)
        entries = [json.loads(leaf.entry) for leaf in leaves(unit.db, 0, ledger_size(unit.db))]
        return {
            "pensions": [
                (p.standing, p.payment, p.next_step, p.valid_until, p.due_on, p.next_change_on) for p in pensions
            ],
            "cases": [(case.kind, case.state) for case in open_cases_of(unit.db, person)],
            "certificates": [(c.state, c.valid_until, c.kid) for c in certificates_of(unit.db, person)],
            "ledger": [entry["event"] for entry in entries if entry["subject"] == str(person)],
        }
