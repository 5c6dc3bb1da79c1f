"""Names of months, in the languages of certify and as English files shorten them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from babel import Locale

_LANGUAGES = ("ar", "en", "es", "fr", "hi", "pt", "zh_Hans")
_MORE = {"sept": 9, "set": 9, "fev": 2, "ene": 1, "dez": 12, "ago": 8, "out": 10, "abr": 4, "avr": 4, "mai": 5}
"""Forms that registries write, and CLDR does not have."""


@lru_cache(maxsize=1)
def _names() -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for language in _LANGUAGES:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    found.setdefault(_fold(name), set()).add(number)
    for name, number in _MORE.items():
        found.setdefault(name, set()).add(number)
    # A name that means another month in another language proves nothing.
    return {name: min(numbers) for name, numbers in found.items() if len(numbers) == 1 and not name.isdigit() and name}


def month_of(name: str) -> int | None:
    """Return the number of the month with this name, in any of the languages; None if it is no name of one."""
    return _names().get(_fold(name))


def _fold(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name.casefold())
    # Accents of Latin letters may be missing; the vowel signs of Hindi are letters of their own.
    plain = "".join(c for c in parts if not ("\u0300" <= c <= "\u036f"))
    return re.sub(r"[\s.]+", "", plain)
