"""The certificate as PDF: all texts on one page, a QR code that can be read back, and names in any script."""

from __future__ import annotations

import datetime as dt
import io
import string
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from certify.certificates import (
    CertifiedEntitlement,
    KeySet,
    Method,
    SigningKey,
    State,
    read_qr,
    sign,
    to_text,
    verify_any,
)
from certify.certificates import fonts as font_module
from certify.certificates.assurance import assessed
from certify.certificates.fonts import CannotPrint, FontChoice, bold_of, choose_fonts, find_fonts
from certify.certificates.pdf import certificate_pdf
from certify.texts import LANGUAGES, Language
from certify.texts.sheet import sheet_words

from .conftest import NOW, build

_POINTS = 72 / 25.4  # a millimetre in points
CREATED = dt.datetime(2026, 3, 15, 9, tzinfo=dt.UTC)
ENGLISH = sheet_words("en", {})
MASKED_NAME = ENGLISH.says["masked_name"]


def render(key: SigningKey, fonts: tuple[Path, ...] | None = None, **changes: object) -> bytes:
    certificate = build(key, **changes)
    return certificate_pdf(certificate, sign(certificate, key), words=ENGLISH, created_at=CREATED, fonts=fonts)


def words(pdf: bytes) -> str:
    return PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


@pytest.mark.parametrize("fonts", [None, ()], ids=["system", "built-in"])
def test_the_sheet_has_all_required_texts(key: SigningKey, fonts: tuple[Path, ...] | None) -> None:
    certificate = build(key)
    pdf = certificate_pdf(
        certificate,
        sign(certificate, key),
        words=replace(ENGLISH, schemes={"employee": "Basic pension for employees"}),
        created_at=CREATED,
        fonts=fonts,
    )
    text = words(pdf)
    for expected in (
        "Proof of life",
        "José Müller-Ortega",
        "Born 1949",
        "002X",
        "Certified until 14 March 2027",
        "Asia/Shanghai",
        "Basic pension for employees",
        Method.REMOTE_FACE.label,
        certificate.number,
        "Social Insurance Service",
        "Scan the QR code",
        key.kid,
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("assurance", "sentences"),
    [
        ("face", ("The face matched the enrolled photo.", "Liveness was not assessed:")),
        ("face+liveness", ("The face matched the enrolled photo.", "Liveness was assessed too:")),
        ("records", ("Neither face nor liveness was assessed.",)),
        ("officer", ("An officer confirmed it.", "Neither face nor liveness was assessed by a machine for this.")),
        ("iris", ("Assurance: iris",)),
    ],
)
@pytest.mark.parametrize("fonts", [None, ()], ids=["system", "built-in"])
def test_the_sheet_says_in_words_what_was_assessed(
    key: SigningKey, fonts: tuple[Path, ...] | None, assurance: str, sentences: tuple[str, ...]
) -> None:
    text = " ".join(words(render(key, fonts=fonts, assurance=assurance)).split())
    for sentence in sentences:
        assert sentence in text
    claimed = "Liveness was assessed" in text or "living person was before" in text
    assert claimed == (assurance == "face+liveness")


def test_an_unknown_year_of_birth(key: SigningKey) -> None:
    assert "Year of birth unknown" in words(render(key, birth_year=None))


def test_one_page_with_metadata(key: SigningKey) -> None:
    reader = PdfReader(io.BytesIO(render(key)))
    assert len(reader.pages) == 1
    assert reader.metadata is not None
    assert reader.metadata.title == f"Proof of life {build(key).number}"
    assert reader.metadata.creation_date == CREATED
    assert reader.root_object.get("/Lang") == "en"
    assert b"/Alt" in render(key)


def test_the_qr_code_in_the_sheet_is_read_back(key: SigningKey, keys: KeySet) -> None:
    certificate = build(key)
    cose = sign(certificate, key)
    pdf = certificate_pdf(certificate, cose, words=ENGLISH, created_at=CREATED)
    image = PdfReader(io.BytesIO(pdf)).pages[0].images[0].image
    assert image is not None
    out = io.BytesIO()
    image.save(out, "PNG")
    assert read_qr(out.getvalue()) == to_text(cose)
    assert verify_any(pdf, keys, NOW).state is State.VALID


def test_the_same_input_gives_the_same_bytes(key: SigningKey) -> None:
    assert render(key) == render(key)
    certificate = build(key)
    later = certificate_pdf(certificate, sign(certificate, key), words=ENGLISH, created_at=NOW)
    assert later != render(key)


@pytest.mark.parametrize("name", ["王秀英", "محمد عبد الله", "सीता देवी", "Ώ\U000f0000 ".strip()[:1] + "王"])
def test_a_name_no_font_can_print_is_masked(key: SigningKey, name: str) -> None:
    text = words(render(key, fonts=(), name=name))
    assert MASKED_NAME in text
    assert "14 March 2027" in text


def test_other_texts_no_font_can_print_are_masked(key: SigningKey) -> None:
    certificate = build(key, issuer="社会保险", national_id="王秀英英")
    pdf = certificate_pdf(
        certificate,
        sign(certificate, key),
        words=replace(ENGLISH, schemes={"employee": "养老金"}),
        created_at=CREATED,
        fonts=(),
    )
    text = words(pdf)
    assert text.count(ENGLISH.says["masked"]) == 2
    assert "Born 1949" in text


def test_a_name_beyond_latin_1_is_printed_where_a_font_has_it(key: SigningKey) -> None:
    if not find_fonts():
        pytest.skip("no Unicode font on this machine")
    assert "Łukasz Żółć" in words(render(key, name="Łukasz Żółć"))


@pytest.mark.parametrize("count", [1, 6, 12])
@pytest.mark.parametrize("assurance", ["face", "face+liveness"])
def test_long_content_stays_on_one_page(key: SigningKey, count: int, assurance: str) -> None:
    entitlements = [
        CertifiedEntitlement(f"a-scheme-with-a-rather-long-code-no-{i}", dt.date(2027, 1, 1)) for i in range(count)
    ]
    pdf = render(
        key, name="Wolfeschlegelsteinhausen " * 4 + "the Third", entitlements=entitlements, assurance=assurance
    )
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 1
    text = words(pdf)
    assert f"no-{count - 1}" in text
    assert "1 January 2027" in text
    assert _lowest_of(pdf, "revoked") > _POINTS * (297 - 272), "the steps for payers end above the foot"


def _lowest_of(pdf: bytes, words: str) -> float:
    """Return how far above the lower edge, in points, the lowest text with these words stands, above the foot."""
    found: list[float] = []

    def look(text: str, _cm: object, matrix: list[float], _font: object, _size: object) -> None:
        if words in text and text.strip():
            found.append(matrix[5])

    PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_text=look)
    return min(found)


def test_a_file_that_is_no_font_is_skipped(key: SigningKey, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    assert MASKED_NAME in words(render(key, fonts=(broken, tmp_path / "absent.ttf"), name="王秀英"))


def test_created_at_must_be_aware(key: SigningKey) -> None:
    certificate = build(key)
    with pytest.raises(ValueError, match="aware"):
        certificate_pdf(certificate, b"", words=ENGLISH, created_at=dt.datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("assurance", ["face", "face+liveness+possession+data", "records"])
def test_each_language_prints_its_own_sheet(key: SigningKey, keys: KeySet, language: Language, assurance: str) -> None:
    spoken = sheet_words(language, {})
    certificate = build(key, name="王秀英", assurance=assurance)
    cose = sign(certificate, key)
    try:
        pdf = certificate_pdf(certificate, cose, words=spoken, created_at=CREATED)
    except CannotPrint:
        pytest.skip(f"no font on this machine prints {language}")
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    assert reader.root_object.get("/Lang") == language
    assert reader.metadata is not None
    assert str(reader.metadata.title).startswith(spoken.says["title"])
    if language not in ("ar", "hi"):  # a reader gives shaped text back in another order
        text = "".join(reader.pages[0].extract_text().replace("\0", "").split())
        for part in (
            spoken.day(certificate.valid_until),
            spoken.schemes["employee"],
            assessed(assurance, spoken.assurance),
        ):
            assert "".join(part.split()) in text
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert all("/DescendantFonts" in font or not find_fonts() for font in fonts), "all fonts are embedded"
    assert verify_any(pdf, keys, NOW).state is State.VALID


def test_a_language_that_no_font_prints_is_refused(key: SigningKey) -> None:
    certificate = build(key)
    unprintable: tuple[Language, ...] = ("zh-Hans", "ar", "hi")
    for language in unprintable:
        words = sheet_words(language, {})
        with pytest.raises(CannotPrint):
            certificate_pdf(certificate, sign(certificate, key), words=words, created_at=CREATED, fonts=())


def test_all_languages_have_the_same_sentences() -> None:
    for language in LANGUAGES:
        spoken = sheet_words(language, {})
        for ours, english in (
            (spoken.says, ENGLISH.says),
            (spoken.assurance, ENGLISH.assurance),
            (spoken.schemes, ENGLISH.schemes),
        ):
            assert set(ours) == set(english)
            for name, sentence in english.items():
                assert _placeholders(ours[name]) == _placeholders(sentence), (language, name)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


class TestChoice:
    @pytest.fixture(autouse=True)
    def coverage(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.latin, self.han, self.both = (tmp_path / name for name in ("Latin-Regular.ttf", "Han.ttf", "Both.ttf"))
        self.arabic = tmp_path / "Arabic.ttf"
        table = {self.latin: "abc ", self.han: "王秀", self.both: "abc 王秀", self.arabic: "ابج"}
        monkeypatch.setattr(font_module, "_code_points", lambda path: frozenset(map(ord, table.get(path, ""))))

    def test_one_font_is_preferred(self) -> None:
        assert choose_fonts("a王", [self.latin, self.han, self.both]) == FontChoice((self.both,), shaped=False)

    def test_a_mixture_where_needed(self) -> None:
        assert choose_fonts("ab王", [self.han, self.latin]) == FontChoice((self.latin, self.han), shaped=False)
        # One that adds nothing is not loaded.
        others = [self.latin, self.arabic, self.latin, self.han]
        assert choose_fonts("ab王", others) == FontChoice((self.latin, self.han), shaped=False)

    def test_nothing_covers(self) -> None:
        assert choose_fonts("é", [self.latin, self.han]) is None
        assert choose_fonts("é", []) is None

    @pytest.mark.parametrize("shaper", [True, False])
    def test_joined_scripts_need_the_shaper(self, monkeypatch: pytest.MonkeyPatch, *, shaper: bool) -> None:
        monkeypatch.setattr(font_module, "can_shape", lambda: shaper)
        expected = FontChoice((self.arabic,), shaped=True) if shaper else None
        assert choose_fonts("ابج", [self.arabic]) == expected

    def test_no_bold_sibling(self) -> None:
        assert bold_of(self.latin, "abc") == self.latin
