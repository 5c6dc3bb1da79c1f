"""What was paid for later days than the pension is owed: the lines add up, and months are counted as the law says."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from certify.domain.entitled import Part
from certify.domain.entitlement_rules import PaidIn, PartMonth, PayRule
from certify.domain.overpaid import Overpayment, last_pay_day, overpayment
from certify.domain.terms import MonthlyAmount, Terms

START = date(2015, 1, 1)
SAME = PayRule(15, PaidIn.SAME, PartMonth.DAYS)
EUR = Terms((MonthlyAmount(START, Decimal("1250.00")),), "EUR")
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
RULES = st.builds(PayRule, st.integers(1, 31), st.sampled_from(PaidIn), st.sampled_from(PartMonth))
PARTS = st.lists(
    st.builds(
        lambda since, days, over: Part("prison", Fraction(1, over), since, since + timedelta(days=days)),
        DAYS,
        st.integers(0, 400),
        st.integers(2, 4),
    ),
    max_size=2,
)


def found(
    owed_until: date,
    paid_until: date,
    rule: PayRule = SAME,
    terms: Terms = EUR,
    parts: tuple[Part, ...] = (),
    starts_on: date = START,
) -> Overpayment:
    return overpayment(rule, terms, parts, starts_on=starts_on, owed_until=owed_until, paid_until=paid_until)


def test_the_month_of_the_death_kept_or_not() -> None:
    kept = found(date(2026, 2, 28), date(2026, 5, 15))
    assert [(f"{line.month:%Y-%m}", line.overpaid) for line in kept.lines] == [
        ("2026-03", Decimal("1250.00")),
        ("2026-04", Decimal("1250.00")),
        ("2026-05", Decimal("1250.00")),
    ]
    assert (kept.total, kept.months) == (Decimal("3750.00"), Fraction(3))
    by_day = found(date(2026, 2, 10), date(2026, 5, 15))
    assert by_day.lines[0].owed == Decimal("446.43"), "10 of 28 days"
    assert by_day.lines[0].notes == ("last_month",)
    assert by_day.total == Decimal("4553.57")
    assert by_day.months == 3 + Fraction(18, 28)


def test_thirtieths_and_whole_months() -> None:
    thirtieths = PayRule(15, PaidIn.SAME, PartMonth.THIRTIETHS)
    assert found(date(2026, 3, 10), date(2026, 3, 15), thirtieths).lines[0].owed == Decimal("416.67")
    whole = PayRule(15, PaidIn.SAME, PartMonth.WHOLE)
    assert found(date(2026, 3, 10), date(2026, 4, 15), whole).total == Decimal("1250.00")
    assert found(date(2026, 3, 10), date(2026, 3, 15), whole).total == 0


def test_in_advance_and_in_arrears() -> None:
    advance = PayRule(31, PaidIn.BEFORE, PartMonth.DAYS)
    assert advance.pay_day(date(2026, 3, 1)) == date(2026, 2, 28)
    assert found(date(2026, 2, 28), date(2026, 2, 28), advance).total == Decimal("1250.00"), "March was paid already"
    arrears = PayRule(3, PaidIn.AFTER, PartMonth.DAYS)
    assert found(date(2026, 2, 28), date(2026, 4, 2), arrears).lines == (), "March is paid on 3 April"
    assert found(date(2026, 2, 28), date(2026, 4, 3), arrears).months == 1
    assert last_pay_day(advance, date(2026, 3, 1)) == date(2026, 2, 28)
    assert last_pay_day(SAME, date(2026, 3, 15)) == date(2026, 2, 15), "on the pay day itself the payer knew"


def test_a_rise_and_half_pay_stand_in_the_lines() -> None:
    terms = Terms(
        (MonthlyAmount(START, Decimal("1200.00")), MonthlyAmount(date(2026, 4, 1), Decimal("1250.00"))), "EUR"
    )
    half = Part("prison", Fraction(1, 2), date(2026, 3, 1), date(2026, 3, 31))
    lines = found(date(2026, 2, 28), date(2026, 4, 15), terms=terms, parts=(half,)).lines
    assert [(line.paid, line.notes) for line in lines] == [
        (Decimal("600.00"), ("part:prison",)),
        (Decimal("1250.00"), ("amount_changed",)),
    ]


def test_without_an_amount_only_months_are_told() -> None:
    months = found(date(2026, 2, 28), date(2026, 5, 15), terms=Terms())
    assert (months.total, months.months, months.currency) == (None, Fraction(3), "")
    later = Terms((MonthlyAmount(date(2026, 4, 1), Decimal(5)),), "JPY")
    assert found(date(2026, 2, 28), date(2026, 5, 15), terms=later).total is None, "one month has no amount"


def test_a_death_before_the_first_day_owes_nothing() -> None:
    all_of_it = found(date(2014, 12, 3), date(2015, 3, 15))
    assert all_of_it.months == 3
    assert all(line.owed == 0 for line in all_of_it.lines)


@given(DAYS, DAYS, RULES, PARTS)
def test_the_lines_add_up_and_a_later_last_day_owes_no_less(
    owed_until: date, paid_until: date, rule: PayRule, parts: list[Part]
) -> None:
    first = found(owed_until, paid_until, rule, parts=tuple(parts))
    assert first.total == sum((line.overpaid or 0 for line in first.lines), Decimal(0))
    for line in first.lines:
        assert 0 <= line.owed_share <= line.paid_share <= 1
        assert line.paid is not None
        assert line.owed is not None
        assert line.overpaid == line.paid - line.owed
        assert line.paid_on <= paid_until
        assert line.overpaid == line.overpaid.quantize(Decimal("0.01"))
    later = found(owed_until + timedelta(days=1), paid_until, rule, parts=tuple(parts))
    assert (later.total or 0) <= (first.total or 0)
    assert later.months <= first.months
    longer = found(owed_until, paid_until + timedelta(days=31), rule, parts=tuple(parts))
    assert (longer.total or 0) >= (first.total or 0)


@given(RULES, st.dates(date.min, date.max), st.dates(date.min, date.max), st.dates(date.min, date.max))
def test_no_date_breaks_it(rule: PayRule, owed_until: date, paid_until: date, starts_on: date) -> None:
    result = found(owed_until, paid_until, rule, starts_on=starts_on)
    assert len(result.lines) <= 1200
