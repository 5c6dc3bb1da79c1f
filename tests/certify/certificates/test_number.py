"""Certificate numbers: read back in any spelling, and mistyped ones are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.certificates import CertificateMalformed, new_number, parse_number
from certify.certificates.number import ALPHABET, is_number

randoms = st.binary(min_size=7, max_size=7)


@given(st.integers(1000, 9999), randoms)
def test_a_number_is_read_back_however_it_is_typed(year: int, random: bytes) -> None:
    number = new_number(year, random)
    assert is_number(number)
    assert parse_number(number) == number
    typed = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert parse_number(typed) == number


@given(randoms, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_caught(random: bytes, place: int, wrong: str) -> None:
    number = new_number(2026, random)
    compact = list(number.replace("-", ""))
    if compact[6 + place] == wrong:
        return
    compact[6 + place] = wrong
    with pytest.raises(CertificateMalformed):
        parse_number("".join(compact))


def test_a_wrong_year_is_caught_too() -> None:
    with pytest.raises(CertificateMalformed):
        parse_number(new_number(2026, bytes(7)).replace("2026", "2027"))


def test_55_bits_are_used() -> None:
    assert new_number(2026, b"\xff" * 7) == new_number(2026, b"\x7f" + b"\xff" * 6)
    assert new_number(2026, bytes(6) + b"\x01") != new_number(2026, bytes(7))


@pytest.mark.parametrize("text", ["", "PL", "PL-2026-0000-0000-000", "XX-2026-0000-0000-0000", "9" * 10_000, "PL-²026"])
def test_rubbish_is_no_number(text: str) -> None:
    with pytest.raises(CertificateMalformed):
        parse_number(text)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="random bytes"):
        new_number(2026, bytes(6))
    with pytest.raises(ValueError, match="four digits"):
        new_number(26, bytes(7))
