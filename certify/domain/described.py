"""Enumerations whose members carry one sentence, so that the documents about them can be generated."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Described(StrEnum):
    """A text with a meaning: ``NAME = "value", "What it means."``.

    Attributes:
        meaning: one sentence for people; it stands in the generated documents.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """Make a member that equals its value. A lookup by the value alone returns the member with its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member
