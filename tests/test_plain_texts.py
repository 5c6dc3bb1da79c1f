"""Texts for people are plain in all languages: short sentences, easy words, and the same word for the same thing."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from certify.texts import LANGUAGES, catalogue

ROOT = Path(__file__).parents[1]
TERMS = tomllib.loads((ROOT / "docs/terms.toml").read_text("utf-8"))
MOST_WORDS = 22
"""Words in a sentence. GOV.UK asks for 25 at most (Content design: writing for GOV.UK), for readers of all ages."""
MOST_CHARACTERS = 50
"""Characters in a Chinese sentence."""
EASY = {"en": 25.0, "es": 34.0, "fr": 35.0, "pt": 33.0}
"""Most of LIX, words in a sentence plus the percentage of words longer than six letters (Björnsson 1968). Below 25 are
books for children; 24 to 27 is the fourth grade, the age of nine (Anderson 1983, for English). Words of the Romance
languages are longer: the same texts have 8 to 12 more there."""
PAPER = ("certificate", "assurance")
"""Tables for those who pay, on the printed certificate. They are long, and name what was assessed."""

_ENDS = "\u3002\uff01\uff1f\uff1b\u0964\u061f"
"""Ends of sentences in Chinese, Hindi and Arabic."""

each_language = pytest.mark.parametrize("language", LANGUAGES)


def _texts(language: str) -> Iterator[tuple[str, str]]:
    """Yield each text that a pensioner or an agent reads, with where it stands."""
    for app in ("phone", "tablet"):
        file = ROOT / f"api/web/{app}/locales/{language}.json"
        yield from ((f"{app} {key}", text) for key, text in json.loads(file.read_text("utf-8")).items())
    words = catalogue(language)
    yield from ((f"texts common.{key}", text) for key, text in words.common.items())
    for kind, text in words.texts.items():
        yield from ((f"texts {kind}.{part}", getattr(text, part)) for part in ("subject", "short", "long"))


def _sentences(text: str) -> list[str]:
    bare = re.sub(r"\{[a-z_]+\}", "seven", text)
    return [part for part in re.split(rf"(?<=[.!?:;…])\s+|\n+|[{_ENDS}]", bare) if part.strip()]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*", text)


@each_language
def test_sentences_are_short(language: str) -> None:
    long = []
    for where, text in _texts(language):
        for sentence in _sentences(text):
            size = len(sentence) if language.startswith("zh") else len(sentence.split())
            if size > (MOST_CHARACTERS if language.startswith("zh") else MOST_WORDS):
                long.append(f"{where}: {size}: {sentence}")
    assert long == []


@pytest.mark.parametrize("language", EASY)
@pytest.mark.parametrize("place", ["phone", "tablet", "texts"])
def test_words_are_easy(language: str, place: str) -> None:
    texts = [text for where, text in _texts(language) if where.startswith(place) and len(text.split()) >= 6]
    words = [word for text in texts for word in _words(re.sub(r"\{[a-z_]+\}", "seven", text))]
    sentences = sum(len(_sentences(text)) for text in texts)
    lix = len(words) / sentences + 100 * sum(len(word) > 6 for word in words) / len(words)
    assert lix <= EASY[language]


@each_language
def test_the_same_word_stands_for_the_same_thing(language: str) -> None:
    wrong = []
    for name, term in TERMS.items():
        for never in term["never"].get(language, ()):
            # Whole words in languages that separate them; endings may follow a word that is given without one.
            spaced = not language.startswith("zh")
            pattern = (r"(?<!\w)" if spaced else "") + re.escape(never)
            wrong += [
                f"{where}: '{never}' ({name}: {term['use'][language]})"
                for where, text in _texts(language)
                if re.search(pattern, text, re.IGNORECASE)
            ]
    assert wrong == []


def test_each_term_has_a_word_in_each_language() -> None:
    for name, term in TERMS.items():
        assert set(term["use"]) == set(LANGUAGES), name
        assert set(term["never"]) <= set(LANGUAGES), name
        assert term["meaning"], name


@each_language
def test_the_words_are_those_that_people_read(language: str) -> None:
    everything = " ".join(text for _, text in _texts(language)).lower()
    unused = [
        name
        for name, term in TERMS.items()
        if name not in ("words_of_machines", "certified") and term["use"][language].lower() not in everything
    ]
    assert unused == []
