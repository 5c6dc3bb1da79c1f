"""Amounts: nothing is guessed, nothing is a float, and shares add up to the smallest coin."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.money import digits_of, read_amount, read_currency, share_of

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "CNY"])


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        "0",
        "0.00",
        "-5",
        "+5",
        "1,250.00",
        "1.250,00",
        "1 250",
        "1.2E3",
        "1e3",
        "NaN",
        "Infinity",
        "€5",
        "5 EUR",
        "12.345",
        "1.",
        ".5",
        "\u0665\u0660",
        "5\n",
        "0x10",
        "1_000",
        "9" * 13,
        "=1+1",
    ],
)
def test_attack_rubbish_is_no_amount(rubbish: str) -> None:
    with pytest.raises(ValueError, match="an amount"):
        read_amount(rubbish, "EUR")


def test_amounts_by_currency() -> None:
    assert read_amount("1250.00", "EUR") == Decimal("1250.00")
    assert read_amount("65000", "JPY") == 65000
    assert read_amount("400.125", "KWD") == Decimal("400.125")
    with pytest.raises(ValueError, match="at most 0 digits"):
        read_amount("65000.5", "JPY")
    for text in ("eur", "EU", "EURO", "€", "12A", ""):
        with pytest.raises(ValueError, match="three capital letters"):
            read_currency(text)


@given(CURRENCIES, st.integers(1, 10**9), st.fractions(0, 1, max_denominator=400))
def test_a_share_is_exact_to_half_a_coin_and_never_more_than_the_whole(
    currency: str, coins: int, share: Fraction
) -> None:
    amount = Decimal(coins).scaleb(-digits_of(currency))
    part = share_of(amount, share, currency)
    assert 0 <= part <= amount
    assert abs(Fraction(part) - Fraction(amount) * share) <= Fraction(1, 2 * 10 ** digits_of(currency))
    assert share_of(amount, Fraction(1), currency) == amount
    assert part == part.quantize(Decimal(1).scaleb(-digits_of(currency)))
