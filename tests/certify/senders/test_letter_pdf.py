"""Letters: one page that people and telephones can read, in every language that a font prints."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

from certify.certificates.fonts import CannotPrint, choose_fonts, find_fonts
from certify.senders import Outgoing
from certify.senders.letter import LetterTable
from certify.senders.letter_pdf import letter_pdf
from certify.senders.table import Setup
from certify.texts import LANGUAGES, catalogue
from tests.certify.messages.servers import LINK, MESSAGE_ID, PERSON, code_of, outgoing

NAMES = {"ar": "فاطمة الزهراء", "zh-Hans": "王小明", "hi": "सीता देवी"}


def _letter(language: str, *, name: str | None = None, kind: str = "reminder_after") -> Outgoing:
    text = catalogue(language).fill(kind, {"date": "2027-09-28", "fund": "Fund", "link": LINK})
    name = name if name is not None else NAMES.get(language, "Maria José Silva")
    return outgoing(
        "letter", language=language, name=name, subject=text.subject, text=text.long, phone=None, email=None
    )


def _pdf(message: Outgoing) -> bytes:
    return letter_pdf(message, "Test Fund", "https://life.fund.example", "0800 123 456")


def _printable(language: str) -> bool:
    words = catalogue(language)
    everything = "".join([*words.common.values(), *(text.long for text in words.texts.values())])
    return choose_fonts(everything.replace("\n", ""), find_fonts()) is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_page_with_a_code_that_opens_the_link(language: str) -> None:
    if not _printable(language):
        pytest.skip(f"NO FONT on this machine prints {language}; install fonts-noto-core")
    page, *others = pypdf.PdfReader(io.BytesIO(_pdf(_letter(language)))).pages
    assert not others
    (image,) = page.images
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image.data)).convert("L"))
    assert code.text == LINK


def test_the_content_of_a_letter() -> None:
    text = pypdf.PdfReader(io.BytesIO(_pdf(_letter("en")))).pages[0].extract_text().replace("\u00a0", " ")
    for words in (
        "Dear Maria José Silva,",
        "28 September 2027",
        "Your pension has not been stopped",
        "https://life.fund.example",
        "0800 123 456",
        str(MESSAGE_ID)[:8].upper(),
        "1 September 2027",
    ):
        assert words in text
    # The secret is only in the code, so that no one can read it over a shoulder or be asked for it on the telephone.
    assert "#l=" not in text


def test_the_space_of_the_address_stays_empty() -> None:
    places: list[tuple[float, float]] = []

    def note(text: str, _cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if text.strip():
            places.append((tm[4] / 72 * 25.4, 297 - tm[5] / 72 * 25.4))

    pypdf.PdfReader(io.BytesIO(_pdf(_letter("en")))).pages[0].extract_text(visitor_text=note)
    assert places
    assert not [place for place in places if place[0] < 110 and 42 < place[1] < 93]


def test_a_name_that_no_font_prints_is_left_out() -> None:
    fonts = [path for path in find_fonts() if path.name == "DejaVuSans.ttf"]
    pdf = letter_pdf(_letter("en", name="王小明"), "Fund", "https://x.example", None, fonts=fonts)
    text = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert "Dear" not in text
    assert "Your pension has not been stopped" in text


def test_a_language_that_no_font_prints_is_refused() -> None:
    with pytest.raises(CannotPrint):
        letter_pdf(_letter("zh-Hans"), "Fund", "https://x.example", None, fonts=[])
    with pytest.raises(CannotPrint):
        letter_pdf(_letter("ar"), "Fund", "https://x.example", None, fonts=[])
    # The built-in fonts of PDF are enough for western Europe.
    assert letter_pdf(_letter("pt"), "Fund", "https://x.example", None, fonts=[]).startswith(b"%PDF")


def test_very_long_words_do_not_break_the_page() -> None:
    long = outgoing("letter", language="en", name="X" * 300, text="y" * 500 + "\n\n" + "z " * 100)
    assert len(pypdf.PdfReader(io.BytesIO(_pdf(long))).pages) == 1


def test_the_folder_for_the_print_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup(tmp_path, tmp_path / "data", "Fund", "https://x.example", None)
    sender = LetterTable(kind="pdf").build(setup)
    with sender.connected() as write:
        write(_letter("en"))
        write(_letter("en"))  # repeated after a crash: the same file
        monkeypatch.setattr("certify.senders.letter_pdf.find_fonts", lambda: ())
        assert code_of(lambda: write(_letter("hi"))) == ("no_font", False)
    (file,) = (tmp_path / "data" / "letters").iterdir()
    assert file.name == f"{PERSON}-{MESSAGE_ID}.pdf"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with LetterTable(kind="pdf", folder=blocked).build(setup).connected() as write:
        monkeypatch.undo()
        assert code_of(lambda: write(_letter("en"))) == ("not_written", False)
