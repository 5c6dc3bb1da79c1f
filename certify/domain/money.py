"""Amounts of money: a decimal number with a currency, rounded to the smallest coin. No amount is ever a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

MAX_AMOUNT = Decimal(10) ** 12
"""No monthly pension reaches it in any currency; a larger number is two cells that ran together."""

_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
"""Digits after the point that differ from two (ISO 4217, list one)."""
_EXCEPTIONS = {code: digits for digits, codes in _DIGITS.items() for code in codes.split()}

_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,3})?", re.ASCII)


def digits_of(currency: str) -> int:
    """Return how many digits after the point a currency has."""
    return _EXCEPTIONS.get(currency, 2)


def read_currency(text: str) -> str:
    """Read a currency code of three capital letters (ISO 4217).

    Raises:
        ValueError: it is none.
    """
    if not _CURRENCY.fullmatch(text):
        raise ValueError("a currency is three capital letters, such as EUR")
    return text


def read_amount(text: str, currency: str) -> Decimal:
    """Read an amount such as ``1250.00``: digits, and a point before the last digits.

    Commas, spaces, signs, exponents and currency signs are refused: ``1.234`` and ``1,234`` mean different amounts in
    different countries, and no one may guess.

    Args:
        text: the amount.
        currency: its currency, which says how many digits may follow the point.

    Raises:
        ValueError: it is no amount, more precise than the currency, zero, or too large.
    """
    if not _AMOUNT.fullmatch(text):
        raise ValueError("an amount is digits with a point, such as 1250.00")
    amount = Decimal(text)
    # 1.234 in a currency of two digits is a thousand somewhere.
    if "." in text and len(text.rpartition(".")[2]) > digits_of(currency):
        raise ValueError(f"an amount in {currency} has at most {digits_of(currency)} digits after the point")
    if not 0 < amount < MAX_AMOUNT:
        raise ValueError("an amount is more than zero and less than a million millions")
    return amount


def share_of(amount: Decimal, share: Fraction, currency: str) -> Decimal:
    """Return a share of an amount, rounded half up to the smallest coin of the currency."""
    with localcontext() as context:
        context.prec = 40
        exact = amount * share.numerator / share.denominator
        return exact.quantize(Decimal(1).scaleb(-digits_of(currency)), rounding=ROUND_HALF_UP)
