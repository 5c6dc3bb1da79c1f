"""The words of the printed certificate, in the language of the person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SheetWords:
    """All texts of the sheet in one language.

    Attributes:
        language: language of the document, a tag of BCP 47.
        right_to_left: whether lines start at the right.
        spaced: whether words are separated by spaces, at which lines break.
        day: writes a date in full.
        says: sentences by name, with placeholders (certify/texts/en.toml, table ``certificate``); the methods of proof
            by their code.
        assurance: sentences on what was assessed (certify/certificates/assurance.py).
        schemes: names of pensions by scheme code; a code without a name is printed itself.
    """

    language: str
    right_to_left: bool
    spaced: bool
    day: Callable[[dt.date], str]
    says: Mapping[str, str]
    assurance: Mapping[str, str]
    schemes: Mapping[str, str]
