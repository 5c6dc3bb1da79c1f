"""Certificate numbers that a person can read over the telephone: ``PL-2026-7KQ4-M9XD-2B8C``.

Eleven random Crockford base32 characters (55 bits) and a check character. Eight characters would be unique enough
within one country's year, but then one guess in a few thousand would find a certificate on a public check page. With 55
bits and ten million certificates it is one guess in 3.6 thousand million.
"""

from __future__ import annotations

import re

from stdnum import luhn

from certify.certificates.errors import CertificateMalformed

# https://www.crockford.com/base32.html: without I, L, O and U, which are easily misread.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BYTES = 7
_RANDOM_CHARACTERS = 11
_PATTERN = re.compile(rf"PL-(\d{{4}})-([{ALPHABET}]{{4}})-([{ALPHABET}]{{4}})-([{ALPHABET}]{{4}})")
_MISREAD = str.maketrans("OIL", "011")  # what Crockford's decoder accepts for 0 and 1


def new_number(year: int, random_bytes: bytes) -> str:
    """Return a new certificate number.

    The check character is Luhn mod 32 (the scheme of ISO/IEC 7812-1 Annex B over 32 symbols) over the year and the
    random part. It catches every single wrong character and nearly every swap of neighbours, and it is always in the
    alphabet, unlike Crockford's own mod-37 check character.

    Args:
        year: the calendar year, 1000 to 9999.
        random_bytes: `RANDOM_BYTES` bytes from a cryptographic source, of which 55 bits are used.

    Returns:
        The number.

    Raises:
        ValueError: the year or the number of bytes is wrong.
    """
    if not 1000 <= year <= 9999:
        raise ValueError("the year of a certificate number has four digits")
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"a certificate number needs {RANDOM_BYTES} random bytes")
    bits = int.from_bytes(random_bytes, "big")
    body = "".join(ALPHABET[bits >> (5 * place) & 31] for place in range(_RANDOM_CHARACTERS))
    body += luhn.calc_check_digit(f"{year}{body}", ALPHABET)
    return f"PL-{year}-{body[:4]}-{body[4:8]}-{body[8:]}"


def parse_number(text: str) -> str:
    """Return the number as issued from what a person typed: any case, spaces or dashes, O for 0, I or L for 1.

    Args:
        text: what the person typed.

    Returns:
        The number in its issued form.

    Raises:
        CertificateMalformed: it is not a number, or the check character does not fit (``malformed``).
    """
    if len(text) > 64:
        raise CertificateMalformed("too long for a certificate number")
    compact = re.sub(r"[\s\-\u2010-\u2015]", "", text).upper()
    if not compact.startswith("PL"):
        raise CertificateMalformed("a certificate number begins with PL")
    compact = compact[2:].translate(_MISREAD)
    number = f"PL-{compact[:4]}-{compact[4:8]}-{compact[8:12]}-{compact[12:]}"
    if not is_number(number):
        raise CertificateMalformed("not a certificate number, or mistyped")
    return number


def is_number(number: str) -> bool:
    """Tell whether a text is a certificate number exactly as issued, with its check character."""
    match = _PATTERN.fullmatch(number)
    return match is not None and number.isascii() and luhn.is_valid("".join(match.groups()), ALPHABET)
