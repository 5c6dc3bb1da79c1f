"""The certificate as PDF: all texts on one page, a QR code that can be read back, and names in any script."""

from __future__ import annotations

import datetime as dt
import io
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
from certify.certificates.fonts import FontChoice, bold_of, choose_fonts, find_fonts
from certify.certificates.pdf import MASKED_NAME, certificate_pdf, long_date

from .conftest import NOW, build

_POINTS = 72 / 25.4  # a millimetre in points
CREATED = dt.datetime(2026, 3, 15, 9, tzinfo=dt.UTC)


def render(key: SigningKey, fonts: tuple[Path, ...] | None = None, **changes: object) -> bytes:
    certificate = build(key, **changes)
    return certificate_pdf(certificate, sign(certificate, key), created_at=CREATED, fonts=fonts)


def words(pdf: bytes) -> str:
    return PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


@pytest.mark.parametrize("fonts", [None, ()], ids=["system", "built-in"])
def test_the_sheet_has_all_required_texts(key: SigningKey, fonts: tuple[Path, ...] | None) -> None:
    certificate = build(key)
    pdf = certificate_pdf(
        certificate,
        sign(certificate, key),
        created_at=CREATED,
        scheme_names={"employee": "Basic pension for employees"},
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
    assert reader.root_object.get("/Lang") == "en-GB"
    assert b"/Alt" in render(key)


def test_the_qr_code_in_the_sheet_is_read_back(key: SigningKey, keys: KeySet) -> None:
    certificate = build(key)
    cose = sign(certificate, key)
    pdf = certificate_pdf(certificate, cose, created_at=CREATED)
    image = PdfReader(io.BytesIO(pdf)).pages[0].images[0].image
    assert image is not None
    out = io.BytesIO()
    image.save(out, "PNG")
    assert read_qr(out.getvalue()) == to_text(cose)
    assert verify_any(pdf, keys, NOW).state is State.VALID


def test_the_same_input_gives_the_same_bytes(key: SigningKey) -> None:
    assert render(key) == render(key)
    certificate = build(key)
    later = certificate_pdf(certificate, sign(certificate, key), created_at=NOW)
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
        created_at=CREATED,
        scheme_names={"employee": "养老金"},
        fonts=(),
    )
    text = words(pdf)
    assert "issuer as in the QR code" in text
    assert "pension as in the QR code" in text
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
    assert _lowest_of_the_steps(pdf) > _POINTS * (297 - 272), "the steps for payers end above the foot"


def _lowest_of_the_steps(pdf: bytes) -> float:
    """Return how far above the lower edge, in points, the last step for payers stands."""
    found: list[float] = []

    def look(text: str, _cm: object, matrix: list[float], _font: object, _size: object) -> None:
        if "revoked" in text:
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
        certificate_pdf(certificate, sign(certificate, key), created_at=dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_long_date() -> None:
    assert long_date(dt.date(2028, 2, 29)) == "29 February 2028"


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
