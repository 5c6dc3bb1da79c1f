"""The certificate as a PDF of one A4 page, which a pensioner keeps and shows at a counter.

The page shows the signed content, but only its QR code proves anything. The text of the certificate is also stored
uncompressed in the document's XMP metadata (ISO 16684-1), so a verifier finds it without a PDF reader. The same
certificate, date and fonts give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from fpdf import FPDF, Align, XPos, YPos
from fpdf.enums import TextDirection

from certify.certificates.assurance import assessed
from certify.certificates.fonts import CannotPrint, FontChoice, bold_of, choose_fonts, find_fonts
from certify.certificates.lines import broken
from certify.certificates.payload import Certificate
from certify.certificates.qr import QUIET_ZONE, qr_code, qr_png, to_text
from certify.certificates.sheet_words import SheetWords

_TITLE = "Proof of life"
# Neutral inks on paper; all pass WCAG 2.2 contrast AA (4.5:1) on their ground.
_INK = (28, 36, 43)
_QUIET = (84, 96, 105)
_ACCENT = (17, 94, 89)
_PANEL = (238, 245, 243)
_RULE = (205, 216, 213)
_LEFT, _WIDTH = 24.0, 162.0  # millimetres; A4 is 210 wide
_QR_SIDE = 68.0
_COLUMN = _WIDTH - _QR_SIDE - 10


def certificate_pdf(
    certificate: Certificate,
    cose: bytes,
    *,
    words: SheetWords,
    created_at: dt.datetime,
    fonts: Sequence[Path] | None = None,
) -> bytes:
    """Return the PDF of a signed certificate. A name that no font can print is replaced by a hint at the QR code.

    Args:
        certificate: the content.
        cose: the signed bytes of the same certificate; the caller must make sure of that.
        words: the texts, in the language of the document.
        created_at: date of the document; timezone-aware.
        fonts: font files in order of preference; by default those that `find_fonts` finds.

    Returns:
        The bytes of the PDF.

    Raises:
        ValueError: ``created_at`` has no time zone.
        CannotPrint: the fonts cannot print the language; they always can in languages with Latin letters.
    """
    if created_at.utcoffset() is None:
        raise ValueError("created_at must be aware")
    sheet = _Sheet(tuple(find_fonts() if fonts is None else fonts), words)
    if not sheet.prints("".join((*words.says.values(), *words.assurance.values()))):
        raise CannotPrint(words.language)
    text = to_text(cose)
    _describe(sheet.pdf, certificate, text, created_at, words)
    sheet.pdf.add_page()
    y = _head(sheet, certificate)
    y = _columns(sheet, certificate, text, y)
    _for_payers(sheet, max(y, 192.0))
    _foot(sheet, certificate)
    return bytes(sheet.pdf.output())


@dataclass(slots=True)
class _Sheet:
    """The page, with functions that FPDF lacks: print text in a font that has its characters, from either side.

    Positions are given for languages written from left to right; for the others the page is mirrored.
    """

    fonts: tuple[Path, ...]
    words: SheetWords
    pdf: FPDF = field(default_factory=lambda: FPDF(unit="mm", format="A4"))

    def line(
        self,
        text: str,
        x: float,
        y: float,
        *,
        size: float,
        width: float,
        ink: tuple[int, int, int] = _INK,
        bold: bool = False,
        mask: str = "masked",
        end: bool = False,
    ) -> float:
        """Print one line, smaller if it would not fit in the width, and return the y below it. Sizes are points.

        A line that the fonts cannot print is replaced by the sentence ``mask``. With ``end``, it stands at the end of
        the width.
        """
        if not self._use(text, bold):
            text = self.words.says[mask]
            self._use(text, bold)
        self.pdf.set_font_size(size)
        actual = self.pdf.get_string_width(text)
        if actual > width:
            size = size * width / actual * 0.995
            self.pdf.set_font_size(size)
        height = size * 0.3528 * 1.3  # a point is 0.3528 mm; leading 1.3
        self.pdf.set_text_color(*ink)
        self.pdf.set_xy(self.place(x, width), y)
        align = Align.R if self.words.right_to_left != end else Align.L
        self.pdf.cell(width, height, text, align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)
        return y + height

    def balanced(self, text: str, *, size: float, width: float) -> tuple[str, ...]:
        """Return a text as one line, or as two lines of similar length if one line would have to shrink a lot."""
        printable = self._use(text, bold=True)
        self.pdf.set_font_size(size)
        if not printable or " " not in text or self.pdf.get_string_width(text) <= 1.4 * width:
            return (text,)
        spaces = [place for place, character in enumerate(text) if character == " "]
        middle = min(spaces, key=lambda place: abs(place - len(text) // 2))
        return text[:middle], text[middle + 1 :]

    def paragraph(
        self, text: str, x: float, y: float, *, size: float, width: float, ink: tuple[int, int, int]
    ) -> float:
        """Print our own text over as many lines as needed, and return the y below it."""
        self._use(text, bold=False)
        self.pdf.set_font_size(size)
        self.pdf.set_text_color(*ink)
        self.pdf.set_xy(self.place(x, width), y)
        lines = text if self.words.spaced else broken(text, width, self.pdf.get_string_width)
        align = Align.R if self.words.right_to_left else Align.L
        self.pdf.multi_cell(width, size * 0.3528 * 1.42, lines, align=align)
        return float(self.pdf.get_y())

    def place(self, x: float, width: float) -> float:
        """Return the left edge of a thing that lies at ``x`` from the side at which lines start."""
        return 210 - x - width if self.words.right_to_left else x

    def prints(self, text: str) -> bool:
        """Tell whether the fonts, or those that every PDF reader has, print all of a text."""
        return choose_fonts(text, self.fonts) is not None or _is_core(text)

    def rule(self, y: float) -> None:
        """Draw a thin line across the text width."""
        self.pdf.set_draw_color(*_RULE)
        self.pdf.set_line_width(0.25)
        self.pdf.line(_LEFT, y, _LEFT + _WIDTH, y)

    def _use(self, text: str, bold: bool) -> bool:
        """Select fonts for a text; tell whether all of it can be printed."""
        self.pdf.set_text_shaping(use_shaping_engine=False)
        choice = choose_fonts(text, self.fonts)
        if choice is None:
            self.pdf.set_font("helvetica", "B" if bold else "")
            return _is_core(text)
        families = [self._family(bold_of(path, text) if bold else path) for path in choice.paths]
        self.pdf.set_fallback_fonts(families[1:])
        self.pdf.set_font(families[0])
        self._shape(choice)
        return True

    def _shape(self, choice: FontChoice) -> None:
        if choice.shaped:
            direction = TextDirection.RTL if self.words.right_to_left else None
            self.pdf.set_text_shaping(use_shaping_engine=True, direction=direction)

    def _family(self, path: Path) -> str:
        family = f"f{path.stem}".lower().replace(" ", "")
        if family not in self.pdf.fonts:
            self.pdf.add_font(family, fname=path)
        return family


def _is_core(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _describe(pdf: FPDF, certificate: Certificate, text: str, created_at: dt.datetime, words: SheetWords) -> None:
    title = escape(f"{words.says['title']} {certificate.number}")
    pdf.set_auto_page_break(auto=False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.set_title(f"{words.says['title']} {certificate.number}")
    pdf.set_lang(words.language)
    pdf.set_author(certificate.issuer)
    pdf.set_subject(words.says["title"])
    pdf.set_creator("certify")
    pdf.set_producer("certify")
    pdf.set_creation_date(created_at)
    pdf.core_fonts_encoding = "cp1252"
    pdf.set_xmp_metadata(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cpl="urn:certify:pl:1">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt>'
        f"</dc:title><cpl:certificate>{text}</cpl:certificate></rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def _head(sheet: _Sheet, certificate: Certificate) -> float:
    pdf, words = sheet.pdf, sheet.words
    says = words.says
    pdf.set_fill_color(*_ACCENT)
    pdf.rect(0, 0, 210, 5, style="F")
    sheet.line(certificate.issuer, _LEFT, 20, size=10.5, width=100, ink=_QUIET)
    sheet.line(certificate.number, _LEFT + 100, 20, size=10.5, width=62, ink=_QUIET, end=True)
    pdf.start_section(says["title"])
    y = sheet.line(says["title"], _LEFT, 31, size=19, width=_WIDTH, ink=_ACCENT, bold=True)
    if words.language != "en":  # so that an office abroad knows what it holds
        sheet.line(_TITLE, _LEFT + 81, 33.4, size=12, width=81, ink=_QUIET, end=True)
    y += 6
    for part in sheet.balanced(certificate.name, size=33, width=_WIDTH):
        y = sheet.line(part, _LEFT, y, size=33, width=_WIDTH, bold=True, mask="masked_name")
    year = certificate.birth_year
    born = says["born"].format(year=year) if year else says["born_unknown"]
    person = says["person"].format(born=born, tail=certificate.id_tail)
    person = person if sheet.prints(person) else born
    y = sheet.line(person, _LEFT, y + 1, size=12, width=_WIDTH, ink=_QUIET)
    y += 9
    pdf.set_fill_color(*_PANEL)
    pdf.rect(_LEFT, y, _WIDTH, 27, style="F", round_corners=True, corner_radius=3)
    until = says["until"].format(date=words.day(certificate.valid_until))
    sheet.line(until, _LEFT + 9, y + 5.6, size=22, width=_WIDTH - 18, ink=_ACCENT, bold=True)
    start = words.day(certificate.valid_from.astimezone(ZoneInfo(certificate.time_zone)).date())
    last = says["valid"].format(date=start, zone=certificate.time_zone)
    sheet.line(last, _LEFT + 9, y + 16.6, size=10.5, width=_WIDTH - 18, ink=_QUIET)
    return y + 27 + 11


def _columns(sheet: _Sheet, certificate: Certificate, text: str, y: float) -> float:
    words, says = sheet.words, sheet.words.says
    left = sheet.line(says["pensions"], _LEFT, y, size=10, width=_COLUMN, ink=_ACCENT, bold=True) + 1.5
    crowded = len(certificate.entitlements) > 6
    for item in certificate.entitlements:
        name, until = words.schemes.get(item.scheme, item.scheme), says["item"].format(date=words.day(item.valid_until))
        if crowded:  # up to twelve pensions must fit the page, with one line each
            line = name if item.valid_until == certificate.valid_until else f"{name}, {until}"
            left = sheet.line(line, _LEFT, left, size=10, width=_COLUMN) + 0.4
        else:
            left = sheet.line(name, _LEFT, left, size=12, width=_COLUMN) - 0.4
            left = sheet.line(until, _LEFT, left, size=9, width=_COLUMN, ink=_QUIET) + 1.8
    left = sheet.line(says["proven"], _LEFT, left + 4, size=10, width=_COLUMN, ink=_ACCENT, bold=True) + 1.5
    left = sheet.line(says[certificate.method.value], _LEFT, left, size=12, width=_COLUMN)
    what = assessed(certificate.assurance, words.assurance)
    what = what if words.spaced else what.replace("。 ", "。")
    left = sheet.paragraph(what, _LEFT, left + 0.8, size=9, width=_COLUMN, ink=_QUIET)
    x = _LEFT + _WIDTH - _QR_SIDE
    # The quiet zone is white like the paper, so the visible code is aligned with the text around it.
    quiet = _QR_SIDE * QUIET_ZONE / qr_code(text).symbol_size(border=QUIET_ZONE)[0]
    sheet.pdf.image(
        io.BytesIO(qr_png(text)),
        x=sheet.place(x + quiet, _QR_SIDE),
        y=y - quiet,
        w=_QR_SIDE,
        h=_QR_SIDE,
        title=says["scan"],
        alt_text=says["alt"].format(number=certificate.number),
    )
    right = sheet.line(
        says["scan"], x + quiet, y + _QR_SIDE - quiet, size=9, width=_QR_SIDE - quiet, ink=_QUIET, end=True
    )
    return max(left, right) + 9


def _for_payers(sheet: _Sheet, y: float) -> None:
    says = sheet.words.says
    sheet.rule(y)
    y = sheet.line(says["payer"], _LEFT, y + 6, size=10, width=_WIDTH, ink=_ACCENT, bold=True) + 1.8
    for number in range(1, 4):
        sheet.line(str(number), _LEFT, y, size=10.5, width=6, ink=_ACCENT, bold=True)
        y = sheet.paragraph(says[f"step{number}"], _LEFT + 7, y, size=10.5, width=_WIDTH - 7, ink=_INK) + 1.4


def _foot(sheet: _Sheet, certificate: Certificate) -> None:
    says = sheet.words.says
    sheet.rule(272)
    issued = sheet.words.day(certificate.issued_at.astimezone(ZoneInfo(certificate.time_zone)).date())
    line = says["issued"].format(date=issued, key=certificate.key_id)
    sheet.line(line, _LEFT, 275.5, size=8.5, width=_WIDTH, ink=_QUIET)
    sheet.line(says["proof"], _LEFT, 280, size=8.5, width=_WIDTH, ink=_QUIET)
