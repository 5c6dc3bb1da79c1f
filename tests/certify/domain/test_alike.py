"""Pensions without evidence that count as alike have the same determination, and change on the same day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from certify.decision.first import FirstDecisions
from certify.domain.codec import determination_digest
from certify.domain.decide import Entitlement, decide
from certify.domain.passage import next_change
from certify.domain.policy import Policy
from certify.domain.terms import NO_TERMS, MonthlyAmount, Terms
from certify.policies import load_policies
from tests.certify.domain.strategies import SHIPPED, policies

_TODAY = date(2026, 3, 1)
_NEAR = st.integers(-1200, 400).map(lambda days: _TODAY + timedelta(days=days))
_DAYS = st.one_of(_NEAR, st.sampled_from([date.min, date(1960, 2, 29), date(2024, 2, 29), date.max]))
_BIRTHS = st.one_of(
    st.none(),
    st.integers(0, 110 * 366).map(lambda days: _TODAY - timedelta(days=days)),
    st.sampled_from([date(1961, 3, 1), date(1961, 3, 2), date(1960, 2, 29), date(1966, 2, 28), date(2027, 1, 1)]),
)
_TERMS = st.one_of(
    st.just(NO_TERMS),
    st.builds(
        Terms,
        amounts=st.sampled_from([(), (MonthlyAmount(date(2020, 1, 1), Decimal("1250.00")),)]),
        ends_on=st.one_of(st.none(), _NEAR),
        review_on=st.one_of(st.none(), _NEAR),
        permanent=st.booleans(),
        residence=st.sampled_from(["", "ES"]),
    ),
)
_PENSIONS = st.builds(
    Entitlement,
    id=st.just("5c1f0a52-6d3b-4a53-9a3b-0d8a3f7f9f10"),
    scheme=st.just("employee"),
    starts_on=_DAYS,
    birth_date=_BIRTHS,
    last_proof_on=st.one_of(st.none(), _DAYS),
    first_due_on=st.one_of(st.none(), _DAYS),
    terms=_TERMS,
)
_AS_OF = st.one_of(st.just(_TODAY), st.sampled_from([date(2024, 2, 29), date(2026, 12, 31)]))
_DOCUMENT = load_policies()["employee"]


@given(st.one_of(policies(), st.sampled_from(list(SHIPPED.values()))), st.lists(_PENSIONS, min_size=1), _AS_OF)
def test_each_pension_is_decided_as_if_it_were_the_only_one(
    policy: Policy, pensions: list[Entitlement], as_of: date
) -> None:
    document = replace(_DOCUMENT, policy=replace(policy, scheme="employee"))
    decisions = FirstDecisions()
    for pension in pensions:
        first, change = decisions.decide(pension, document, as_of)
        whole = decide(pension, document.policy, (), as_of)
        assert replace(first.determination, entitlement=pension.id) == whole
        assert first.digest(pension.id) == determination_digest(whole).hex()
        assert change == next_change(pension, document.policy, whole)
