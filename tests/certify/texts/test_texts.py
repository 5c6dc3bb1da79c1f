"""The texts of all languages have the same placeholders, and text messages fit into one SMS."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest

from certify.texts import KINDS, LANGUAGES, NEWS, catalogue

LINK = "https://life.fund.example/#l=" + "x" * 27
PARAMS = {
    "fund": "Pension Fund",
    "date": "2027-09-28",
    "link": LINK,
    "code": "123456",
    "minutes": "15",
    "contact": "+55 11 5525-6325",
    "how": "remote",
}
ONE_SMS = 160
APP = Path(__file__).parents[3] / "api/web/phone/locales"
# The default alphabet of 3GPP TS 23.038. With any other letter, a text message has 70 characters instead of 160.
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@each_language
def test_nothing_is_missing(language: str) -> None:
    ours, english = catalogue(language), catalogue("en")
    assert set(ours.common) == set(english.common)
    for name, sentence in english.common.items():
        assert _placeholders(ours.common[name]) == _placeholders(sentence), name
    assert set(ours.how) == set(english.how)
    for kind in KINDS:
        text = ours.texts[kind]
        assert text.subject
        for part in ("short", "long", "subject"):
            assert _placeholders(getattr(text, part)) == _placeholders(getattr(english.texts[kind], part)), kind
        wanted = {"code": {"fund", "code", "minutes"}, "attempt": {"fund", "date"}}.get(kind, {"fund", "date", "link"})
        if kind in NEWS:
            wanted = _placeholders(text.short)
            assert {"fund", "contact"} <= wanted <= {"fund", "contact", "date", "how"}, kind
        assert _placeholders(text.short) == wanted, kind
        assert _placeholders(text.long) == wanted - {"fund", "link", "contact"}, kind
        assert _placeholders(text.subject) <= wanted
        # A warning carries no link: people learn not to open links in warnings.
        assert text.short.endswith("{link}") == (kind not in ("code", "attempt", *NEWS))


@each_language
@pytest.mark.parametrize("how", catalogue("en").how)
def test_each_way_of_proof_fits_into_the_receipt(language: str, how: str) -> None:
    short = catalogue(language).fill("certified", PARAMS | {"how": how}).short
    assert catalogue(language).how[how] in short
    assert len(short) <= ONE_SMS


@each_language
def test_a_fund_without_a_telephone_number_leaves_no_gap(language: str) -> None:
    words = catalogue(language)
    for kind in NEWS:
        assert words.common["us"] in words.fill(kind, PARAMS | {"contact": ""}).short


@each_language
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_message_is_short(language: str, kind: str) -> None:
    short = catalogue(language).fill(kind, PARAMS).short
    assert len(short) <= ONE_SMS
    assert "{" not in short
    if language in ("en", "pt", "es", "fr"):  # the letters of the other languages are not in the default alphabet
        assert set(short) <= GSM


def test_dates_are_written_as_each_language_does() -> None:
    subjects = {language: catalogue(language).fill("reminder_90", PARAMS).subject for language in LANGUAGES}
    assert "28 September 2027" in subjects["en"]
    assert "2027年9月28日" in subjects["zh-Hans"]
    assert "28 de setembro de 2027" in subjects["pt"]
    assert "28 septembre 2027" in subjects["fr"]
    assert "28 de septiembre de 2027" in subjects["es"]
    assert "28 सितंबर 2027" in subjects["hi"]
    assert "28 سبتمبر 2027" in subjects["ar"]
    assert catalogue("pt").fill("reminder_90", PARAMS).short.count("28/09/2027") == 1


def test_unknown_kinds_and_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match="no text"):
        catalogue("en").fill("birthday", PARAMS)
    with pytest.raises(KeyError):
        catalogue("en").fill("code", {"fund": "x"})
    with pytest.raises(ValueError, match="isoformat"):
        catalogue("en").fill("reminder_7", PARAMS | {"date": "tomorrow"})


def test_braces_in_a_value_are_never_taken_for_a_placeholder() -> None:
    short = catalogue("en").fill("code", PARAMS | {"fund": "{link} {0}"}).short
    assert short.startswith("{link} {0}:")


@each_language
def test_pensions_are_named_as_in_the_app(language: str) -> None:
    app = json.loads((APP / f"{language}.json").read_text("utf-8"))
    names = {key.removeprefix("scheme."): name for key, name in app.items() if key.startswith("scheme.")}
    assert dict(catalogue(language).schemes) == names
