"""Hold the texts of messages to people, one TOML file for each language.

The texts use plain words, for readers who may be old, tired or afraid. Other rooms take the supported ``LANGUAGES``
from here, and call ``catalogue`` for the texts of one language.
"""

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

Language = Literal["zh-Hans", "zh-Hant", "en", "pt", "hi", "fr", "es", "ar"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""In the order in which they are offered; the pages of ``api/web`` and the interface take the list from here."""
NOTICES = ("contact_change", "consent_withdrawn", "record_denied", "appeal_opened", "erasure_asked", "erasure_waits")
"""Kinds that tell a person on every known channel what was done in their name, so that they can object."""
REMINDERS = ("reminder_90", "reminder_30", "reminder_7", "reminder_after")
"""Kinds that ask for a proof of life. They are of no use once the person need not act."""
RECEIPTS = ("certified", "certified_silently", "case_decided")
"""Kinds that confirm what is well. They go to the telephone or else by e-mail, never by letter."""
DECISIONS = (
    *("death_reported", "death_stopped", "pension_paused", "pension_stopped", "pension_resumed"),
    *("appeal_granted", "appeal_denied", "visit_planned", "visit_moved"),
)
"""Kinds that a person must learn of: they go out on every known channel, also to people who want no reminders."""
NEWS = (*RECEIPTS, *DECISIONS)
"""What became of a person's pension. No link: people learn not to open links in messages that they did not expect."""
DATED = ("ends_soon", "review_due")
"""Kinds about a date of the entitlement: its end, or a review of the condition behind it."""
KINDS = ("code", *REMINDERS, "visited", "attempt", *NOTICES, *NEWS, *DATED)


@dataclass(frozen=True, slots=True)
class Text:
    """The texts of one kind of message, with placeholders.

    Attributes:
        subject: subject of an e-mail or letter.
        short: text message.
        long: body of an e-mail or letter.
    """

    subject: str
    short: str
    long: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All texts of one language.

    Attributes:
        language: one of ``LANGUAGES``.
        locale: name of the locale that formats dates.
        direction: ``ltr`` or ``rtl``.
        short_date: date pattern for text messages.
        common: sentences that surround the texts, such as the greeting.
        how: in which way life was proven, by a word of the program such as ``remote``.
        schemes: names of the shipped pensions, as the app names them.
        certificate: sentences of the printed certificate; the methods of proof by their code, except in English.
        assurance: what a certificate says was assessed; empty in English (certify/certificates/assurance.py has it).
        texts: the texts by kind, one for each of ``KINDS``.
    """

    language: str
    locale: str
    direction: str
    short_date: str
    common: Mapping[str, str]
    how: Mapping[str, str]
    schemes: Mapping[str, str]
    certificate: Mapping[str, str]
    assurance: Mapping[str, str]
    texts: Mapping[str, Text]

    def day(self, day: date, *, short: bool) -> str:
        """Return a date as this language writes it."""
        return format_date(day, self.short_date if short else "long", locale=self.locale)

    def fill(self, kind: str, params: Mapping[str, str]) -> Text:
        """Return a text with its placeholders filled.

        Args:
            kind: one of ``KINDS``.
            params: values of the placeholders. ``date`` is given as ISO 8601 and is formatted for the language; ``how``
                is one of the words of the table ``how``; an empty ``contact`` becomes a request to ask.

        Raises:
            ValueError: there is no text of this kind.
            KeyError: the value of a placeholder is missing.
        """
        if kind not in self.texts:
            raise ValueError(f"there is no text '{kind}'")
        text, short, long = self.texts[kind], dict(params), dict(params)
        if "date" in params:
            day = date.fromisoformat(params["date"])
            short["date"], long["date"] = self.day(day, short=True), self.day(day, short=False)
        for filled in (short, long):
            if "how" in filled:
                filled["how"] = self.how[filled["how"]]
            filled["contact"] = filled.get("contact") or self.common["us"]
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
        MappingProxyType(data["how"]),
        MappingProxyType(data["schemes"]),
        MappingProxyType(data["certificate"]),
        MappingProxyType(data.get("assurance", {})),
        MappingProxyType({kind: Text(**{k: v.strip() for k, v in data[kind].items()}) for kind in KINDS}),
    )
