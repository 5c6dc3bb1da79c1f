"""What messages say, one file a language: plain words for people who are old, tired or afraid."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, get_args

from babel.dates import format_date

Language = Literal["zh-Hans", "en", "pt", "hi", "fr", "es", "ar"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""In the order in which they are offered; the pages of ``api/web`` and the interface take the list from here."""
KINDS = ("code", "reminder_90", "reminder_30", "reminder_7", "reminder_after", "visited")


@dataclass(frozen=True, slots=True)
class Text:
    """One kind of message: as subject, as text message, and at length for e-mail and letter, with its placeholders."""

    subject: str
    short: str
    long: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All texts of one language. ``common`` are sentences around them; ``direction`` is ltr or rtl."""

    language: str
    locale: str
    direction: str
    short_date: str
    common: Mapping[str, str]
    texts: Mapping[str, Text]

    def day(self, day: date, *, short: bool) -> str:
        """Write a date as people of this language do."""
        return format_date(day, self.short_date if short else "long", locale=self.locale)

    def fill(self, kind: str, params: Mapping[str, str]) -> Text:
        """Return a text with its placeholders filled; ``date`` is given as ISO 8601, and written out here.

        Raises ValueError for a kind that does not exist, KeyError when something the text needs is not given.
        """
        if kind not in self.texts:
            raise ValueError(f"there is no text '{kind}'")
        text, short, long = self.texts[kind], dict(params), dict(params)
        if "date" in params:
            day = date.fromisoformat(params["date"])
            short["date"], long["date"] = self.day(day, short=True), self.day(day, short=False)
        return Text(text.subject.format_map(long), text.short.format_map(short), text.long.format_map(long))


@cache
def catalogue(language: str) -> Catalogue:
    """Return the texts of one of the ``LANGUAGES``."""
    data = tomllib.loads(files(__name__).joinpath(f"{language}.toml").read_text("utf-8"))
    return Catalogue(
        language,
        data["locale"],
        data["direction"],
        data["short_date"],
        MappingProxyType(data["common"]),
        MappingProxyType({kind: Text(**{k: v.strip() for k, v in data[kind].items()}) for kind in KINDS}),
    )
