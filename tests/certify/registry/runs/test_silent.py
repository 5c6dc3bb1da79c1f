"""The SQL of silent certification against ``decide``: the same result for each person, or none at all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest

from certify.domain.channels import Channel
from certify.domain.decide import Determination, Entitlement, Standing, decide
from certify.domain.evidence import (
    AdverseRecord,
    Capture,
    Check,
    Evidence,
    SignOfLife,
)
from certify.domain.passage import next_change
from certify.domain.policy import Policy, SilentRule
from certify.domain.schedule import local_date
from certify.domain.states import Possession
from certify.domain.terms import MonthlyAmount, Payee, Terms, read_terms, write_terms
from certify.policies import load_policies
from certify.registry.runs.silent import EVIDENCE, PENSIONS, SilentDecisions, find_passes

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICIES = {name: document.policy for name, document in load_policies().items()}
PLAIN = sorted(name for name, policy in POLICIES.items() if not policy.entitlement.by_date)
_AMOUNT = write_terms(Terms((MonthlyAmount(date(2015, 1, 1), Decimal("812.50")),), "EUR", payee=Payee.GUARDIAN))
_ENDED = write_terms(Terms(ends_on=date(2026, 2, 28)))
_ACTS = [*POLICIES["employee"].signs, "something_unknown"]
# Thresholds at which each rule of addition matters: one needs little weight, another two body-present acts.
_SILENT = {"employee": SilentRule(0.3, 1), "resident": SilentRule(1.9, 2), "personal_pension": SilentRule(2.0, 1)}
STRANGE = {name: replace(policy, silent=_SILENT.get(name, policy.silent)) for name, policy in POLICIES.items()}


@dataclass(frozen=True)
class Person:
    """A person with pensions, earlier evidence, and new evidence."""

    number: int
    birth: date | None
    schemes: tuple[str, ...]
    starts: date
    last_proof: date | None
    before: tuple[Evidence, ...]
    new: tuple[Evidence, ...]
    first_due: date | None = None
    terms: str | None = None

    @property
    def id(self) -> str:
        return str(UUID(int=self.number))

    def entitlement(self, scheme: str) -> Entitlement:
        return Entitlement(
            f"{self.number}/{scheme}",
            scheme,
            self.starts,
            self.birth,
            self.last_proof,
            self.first_due,
            read_terms(self.terms),
        )


def _sign(number: int, act: str, source: str, at: datetime, trust: float) -> SignOfLife:
    return SignOfLife(id=str(UUID(int=number)), source=source, event_at=at, recorded_at=NOW, act=act, trust=trust)


def _kind(fact: Evidence) -> str:
    """Return the kind as the query of a chunk does (certify/storage/bulk.py)."""
    if isinstance(fact, Capture):
        short = fact.possession is Possession.MISSING
        photo = fact.possession is Possession.SHOWN and not fact.filmed
        return "capture_apart" if short or photo else "capture"
    return {SignOfLife: "sign_of_life", AdverseRecord: "adverse"}[type(fact)]


def _found(people: Sequence[Person], policies: dict[str, Policy] = POLICIES) -> SilentDecisions:
    facts = [(person, fact) for person in people for fact in (*person.before, *person.new)]
    evidence = {
        "id": [fact.id for _, fact in facts],
        "person": [person.id for person, _ in facts],
        "kind": [_kind(fact) for _, fact in facts],
        "source": [fact.source for _, fact in facts],
        "event_at": [fact.event_at for _, fact in facts],
        "act": [getattr(fact, "act", None) for _, fact in facts],
        "trust": [getattr(fact, "trust", None) for _, fact in facts],
    }
    rows = []
    for person in people:
        for scheme in person.schemes:
            known = _decided(person, scheme, person.before, policies)
            rows.append(
                {
                    "id": f"{person.number}/{scheme}",
                    "person": person.id,
                    "scheme": scheme,
                    "starts_on": person.starts,
                    "birth_date": person.birth,
                    "last_proof_on": person.last_proof,
                    "first_due_on": person.first_due,
                    "terms": person.terms,
                    "standing": known.standing.name.lower(),
                    "payment": known.payment.value,
                    "proven_on": known.proven_on,
                    "questions": known.review,
                }
            )
    with duckdb.connect() as database:
        database.register("evidence", pa.table(evidence, schema=pa.schema(list(EVIDENCE.items()))))
        database.register("pensions", pa.Table.from_pylist(rows, schema=pa.schema(list(PENSIONS.items()))))
        return find_passes(database, policies.values(), NOW, pa.table({"person": [p.id for p in people]}))


def _decided(person: Person, scheme: str, facts: Sequence[Evidence], policies: dict[str, Policy]) -> Determination:
    policy = policies[scheme]
    return decide(person.entitlement(scheme), policy, facts, local_date(NOW, policy.timezone))


def _chance_people(seed: int, count: int) -> list[Person]:
    """Make people of all kinds, near the limits of each rule."""
    chance = random.Random(seed)  # noqa: S311 - repeatable chance is what the test needs
    numbers = iter(range(1, 100 * count))

    def moment() -> datetime:
        if chance.random() < 0.1:  # around the window of attempts, the midnight of the zone, and tomorrow
            return NOW - timedelta(days=chance.choice([-1, 0, 1, 29, 30, 31, 32]), hours=chance.randrange(24))
        if chance.random() < 0.5:  # several on one day
            return NOW - timedelta(days=chance.choice([40, 41, 270, 290]), hours=chance.randrange(24))
        return NOW - timedelta(days=chance.randrange(450), hours=chance.randrange(24))

    def day(first: date, last: date) -> date:
        return first + timedelta(days=chance.randrange((last - first).days))

    found = []
    for number in range(1, count + 1):
        acts = chance.sample(_ACTS, 4)
        signs = [
            _sign(next(numbers), chance.choice(acts), chance.choice("ab"), moment(), chance.choice([1.0, 0.7, 0.1]))
            for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 9]))
        ]
        split = chance.randint(0, len(signs))
        captures: list[Evidence] = []
        if chance.random() < 0.3:
            captures.append(
                Capture(
                    id=str(UUID(int=next(numbers))),
                    source="certify",
                    event_at=moment(),
                    recorded_at=NOW,
                    session_id="s",
                    channel=Channel.REMOTE,
                    acquired=Check.PASS,
                    llr=chance.choice([5.0, 0.1]),
                    embedders=2,
                    liveness=chance.choice([Check.PASS, Check.NOT_ASSESSED]),
                    filmed=chance.random() < 0.7,
                    possession=chance.choices(list(Possession), [1, 1, 8])[0],
                )
            )
        birth = chance.choice([None, date(1946, 3, 2), date(1936, 2, 29), day(date(1925, 1, 1), date(1966, 1, 1))])
        found.append(
            Person(
                number,
                birth,
                tuple(
                    sorted(chance.sample(chance.choice([PLAIN] * 19 + [sorted(POLICIES)]), chance.choice([1, 1, 2])))
                ),
                chance.choice([date(2015, 1, 1), date(2025, 9, 1), date(2024, 2, 29)]),
                chance.choice([None, day(date(2024, 6, 1), date(2026, 3, 1)), day(date(2026, 3, 1), date(2026, 3, 5))]),
                (*captures, *signs[:split]),
                tuple(signs[split:]),
                chance.choice([None, None, day(date(2026, 1, 1), date(2027, 6, 1))]),
                chance.choice([None] * 9 + [_AMOUNT, _AMOUNT, _ENDED]),
            )
        )
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_passes_equal_the_determinations_of_decide(seed: int) -> None:
    people = _chance_people(seed, 4_000)
    found = _found(people, STRANGE)
    passes = {row["entitlement_id"]: row for row in found.passes.to_pylist()}
    assert len(passes) > 200
    assert len(found.hard) < 2_000
    for person in people:
        if person.id in found.hard:
            assert not any(f"{person.number}/{scheme}" in passes for scheme in person.schemes)
            continue
        for scheme in person.schemes:
            before = _decided(person, scheme, person.before, STRANGE)
            after = _decided(person, scheme, (*person.before, *person.new), STRANGE)
            row = passes.get(f"{person.number}/{scheme}")
            if row is None:
                # No one is missed: each person with a later proof is either here or among the hard ones.
                assert (after.standing, after.valid_until) == (before.standing, before.valid_until)
                continue
            assert after.standing is Standing.CERTIFIED
            assert after.method is Channel.DATA
            assert (row["proven_on"], row["valid_until"]) == (after.proven_on, after.valid_until)
            assert row["due_on"] == after.timetable.due_on
            assert row["next_step"] == after.next_step.value
            assert row["next_change_on"] == next_change(person.entitlement(scheme), STRANGE[scheme], after)
            assert row["evidence"].strip("{}").split(",") == sorted(f.id for f in (*person.before, *person.new))


def _plain(**changes: object) -> Person:
    stay = _sign(1, "hospital_stay", "hospital", NOW - timedelta(days=10), 1.0)
    person = Person(1, date(1950, 5, 5), ("employee",), date(2015, 1, 1), date(2025, 6, 1), (), (stay,))
    return replace(person, **changes)  # type: ignore[arg-type]


def test_a_hospital_stay_proves_life() -> None:
    (row,) = _found([_plain()]).passes.to_pylist()
    assert row["valid_until"] == date(2027, 2, 20)


def test_trust_in_the_feed_scales_the_weight() -> None:
    weak = _sign(1, "hospital_stay", "hospital", NOW - timedelta(days=10), 0.5)
    assert _found([_plain(new=(weak,))]).passes.num_rows == 0
    second = _sign(2, "vaccination", "hospital", NOW - timedelta(days=20), 0.7)
    (row,) = _found([_plain(new=(weak, second))]).passes.to_pylist()
    assert row["proven_on"] == date(2026, 2, 10)


@pytest.mark.parametrize("kind", ["death", "prison", "unheard_of"])
def test_people_with_adverse_records_are_left_to_decide(kind: str) -> None:
    record = AdverseRecord(id=str(UUID(int=9)), source="r", event_at=NOW, recorded_at=NOW, kind=kind)
    found = _found([_plain(before=(record,))])
    assert found.passes.num_rows == 0
    assert found.hard == [_plain().id]


def test_one_doubtful_pension_leaves_all_pensions_of_a_person_to_decide() -> None:
    """For a person of 75 with a subsidy from 80 on, the other pension is not decided separately."""
    found = _found([_plain(schemes=("elderly_subsidy", "employee"))])
    assert found.passes.num_rows == 0
    assert len(found.hard) == 1


def test_only_people_with_new_facts_are_decided() -> None:
    with duckdb.connect() as database:
        database.register("evidence", pa.table({n: pa.array([], t) for n, t in EVIDENCE.items()}))
        database.register("pensions", pa.table({n: pa.array([], t) for n, t in PENSIONS.items()}))
        found = find_passes(database, POLICIES.values(), NOW, pa.table({"person": pa.array([], pa.string())}))
    assert found.passes.num_rows == 0
    assert found.hard == []


def test_an_amount_is_no_reason_to_decide_one_by_one_and_an_end_or_a_review_is() -> None:
    amount, ended = (replace(_plain(), terms=terms) for terms in (_AMOUNT, _ENDED))
    assert _found([amount]).hard == []
    assert _found([ended]).hard == [ended.id]
    for scheme in sorted(set(POLICIES) - set(PLAIN)):
        dated = _plain(schemes=(scheme,))
        assert _found([dated]).hard == [dated.id], scheme
