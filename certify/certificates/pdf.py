"""The certificate as a PDF of one A4 page, which a pensioner keeps and shows at a counter.

The page shows the signed content, but only its QR code proves anything. The text of the certificate is also stored
uncompressed in the document's XMP metadata (ISO 16684-1), so a verifier finds it without a PDF reader. The same
certificate, date and fonts give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from fpdf import FPDF, Align, XPos, YPos

from certify.certificates.assurance import assessed
from certify.certificates.fonts import FontChoice, bold_of, choose_fonts, find_fonts
from certify.certificates.payload import Certificate
from certify.certificates.qr import QUIET_ZONE, qr_code, qr_png, to_text

MASKED_NAME = "name as in the QR code"
_MASKED = "as in the QR code"
# Neutral inks on paper; all pass WCAG 2.2 contrast AA (4.5:1) on their ground.
_INK = (28, 36, 43)
_QUIET = (84, 96, 105)
_ACCENT = (17, 94, 89)
_PANEL = (238, 245, 243)
_RULE = (205, 216, 213)
_LEFT, _WIDTH = 24.0, 162.0  # millimetres; A4 is 210 wide
_QR_SIDE = 68.0
_COLUMN = _WIDTH - _QR_SIDE - 10
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_STEPS = (
    "Scan the QR code with your proof-of-life checker. It works without a network.",
    "Accept it only if it says “valid” and name, birth year and id ending fit your payee.",
    "With a network, let the checker also ask whether the certificate was revoked.",
)


def long_date(day: dt.date) -> str:
    """Return a date as a person writes it in English, like ``14 March 2027``."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def certificate_pdf(
    certificate: Certificate,
    cose: bytes,
    *,
    created_at: dt.datetime,
    scheme_names: Mapping[str, str] | None = None,
    fonts: Sequence[Path] | None = None,
) -> bytes:
    """Return the PDF of a signed certificate. A name that no font can print is replaced by `MASKED_NAME`.

    Args:
        certificate: the content.
        cose: the signed bytes of the same certificate; the caller must make sure of that.
        created_at: date of the document; timezone-aware.
        scheme_names: names of pensions by scheme code; a code without a name is printed itself.
        fonts: font files in order of preference; by default those that `find_fonts` finds.

    Returns:
        The bytes of the PDF.

    Raises:
        ValueError: ``created_at`` has no time zone.
    """
    if created_at.utcoffset() is None:
        raise ValueError("created_at must be aware")
    sheet = _Sheet(tuple(find_fonts() if fonts is None else fonts))
    text = to_text(cose)
    _describe(sheet.pdf, certificate, text, created_at)
    sheet.pdf.add_page()
    y = _head(sheet, certificate)
    y = _columns(sheet, certificate, text, scheme_names or {}, y)
    _for_payers(sheet, max(y, 192.0))
    _foot(sheet, certificate)
    return bytes(sheet.pdf.output())


@dataclass(slots=True)
class _Sheet:
    """The page, with a function that FPDF lacks: print a line of text in a font that has its characters."""

    fonts: tuple[Path, ...]
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
        mask: str = _MASKED,
        align: Align = Align.L,
    ) -> float:
        """Print one line, smaller if it would not fit in the width, and return the y below it. Sizes are points."""
        if not self._use(text, bold):
            text = mask
            self._use(text, bold)
        self.pdf.set_font_size(size)
        actual = self.pdf.get_string_width(text)
        if actual > width:
            size = size * width / actual * 0.995
            self.pdf.set_font_size(size)
        height = size * 0.3528 * 1.3  # a point is 0.3528 mm; leading 1.3
        self.pdf.set_text_color(*ink)
        self.pdf.set_xy(x, y)
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
        """Print our own Latin-1 text over as many lines as needed, and return the y below it."""
        self._use(text, bold=False)
        self.pdf.set_font_size(size)
        self.pdf.set_text_color(*ink)
        self.pdf.set_xy(x, y)
        self.pdf.multi_cell(width, size * 0.3528 * 1.42, text, align=Align.L)
        return float(self.pdf.get_y())

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
            self.pdf.set_text_shaping(use_shaping_engine=True)

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


def _describe(pdf: FPDF, certificate: Certificate, text: str, created_at: dt.datetime) -> None:
    pdf.set_auto_page_break(auto=False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.set_title(f"Proof of life {certificate.number}")
    pdf.set_lang("en-GB")
    pdf.set_author(certificate.issuer)
    pdf.set_subject("Proof-of-life certificate")
    pdf.set_creator("certify")
    pdf.set_producer("certify")
    pdf.set_creation_date(created_at)
    pdf.core_fonts_encoding = "cp1252"
    pdf.set_xmp_metadata(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cpl="urn:certify:pl:1">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Proof of life {certificate.number}</rdf:li></rdf:Alt>'
        f"</dc:title><cpl:certificate>{text}</cpl:certificate></rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def _head(sheet: _Sheet, certificate: Certificate) -> float:
    pdf = sheet.pdf
    pdf.set_fill_color(*_ACCENT)
    pdf.rect(0, 0, 210, 5, style="F")
    sheet.line(certificate.issuer, _LEFT, 20, size=10.5, width=100, ink=_QUIET, mask="issuer " + _MASKED)
    sheet.line(certificate.number, _LEFT + 100, 20, size=10.5, width=62, ink=_QUIET, align=Align.R)
    pdf.start_section("Proof of life")
    y = sheet.line("Proof of life", _LEFT, 31, size=19, width=_WIDTH, ink=_ACCENT, bold=True)
    y += 6
    for part in sheet.balanced(certificate.name, size=33, width=_WIDTH):
        y = sheet.line(part, _LEFT, y, size=33, width=_WIDTH, bold=True, mask=MASKED_NAME)
    born = f"Born {certificate.birth_year}" if certificate.birth_year else "Year of birth unknown"
    person = f"{born}   ·   national id ends with {certificate.id_tail}"
    y = sheet.line(person, _LEFT, y + 1, size=12, width=_WIDTH, ink=_QUIET, mask=born)
    y += 9
    pdf.set_fill_color(*_PANEL)
    pdf.rect(_LEFT, y, _WIDTH, 27, style="F", round_corners=True, corner_radius=3)
    until = f"Certified until {long_date(certificate.valid_until)}"
    sheet.line(until, _LEFT + 9, y + 5.6, size=22, width=_WIDTH - 18, ink=_ACCENT, bold=True)
    start = long_date(certificate.valid_from.astimezone(ZoneInfo(certificate.time_zone)).date())
    last = f"Valid from {start} to the end of the last day, {certificate.time_zone} time."
    sheet.line(last, _LEFT + 9, y + 16.6, size=10.5, width=_WIDTH - 18, ink=_QUIET)
    return y + 27 + 11


def _columns(sheet: _Sheet, certificate: Certificate, text: str, names: Mapping[str, str], y: float) -> float:
    left = sheet.line("Pensions covered", _LEFT, y, size=10, width=_COLUMN, ink=_ACCENT, bold=True) + 1.5
    crowded = len(certificate.entitlements) > 6
    for item in certificate.entitlements:
        name, until = names.get(item.scheme, item.scheme), f"until {long_date(item.valid_until)}"
        mask = "pension " + _MASKED
        if crowded:  # up to twelve pensions must fit the page, with one line each
            line = name if item.valid_until == certificate.valid_until else f"{name}, {until}"
            left = sheet.line(line, _LEFT, left, size=10, width=_COLUMN, mask=mask) + 0.4
        else:
            left = sheet.line(name, _LEFT, left, size=12, width=_COLUMN, mask=mask) - 0.4
            left = sheet.line(until, _LEFT, left, size=9, width=_COLUMN, ink=_QUIET) + 1.8
    left = sheet.line("How it was proven", _LEFT, left + 4, size=10, width=_COLUMN, ink=_ACCENT, bold=True) + 1.5
    left = sheet.line(certificate.method.label, _LEFT, left, size=12, width=_COLUMN)
    left = _assessed(sheet, certificate.assurance, left)
    x = _LEFT + _WIDTH - _QR_SIDE
    # The quiet zone is white like the paper, so the visible code is aligned with the text around it.
    quiet = _QR_SIDE * QUIET_ZONE / qr_code(text).symbol_size(border=QUIET_ZONE)[0]
    sheet.pdf.image(
        io.BytesIO(qr_png(text)),
        x=x + quiet,
        y=y - quiet,
        w=_QR_SIDE,
        h=_QR_SIDE,
        title="QR code of the signed certificate",
        alt_text=f"QR code with the signed certificate {certificate.number}. Scan it to verify.",
    )
    right = sheet.line(
        "Scan to verify",
        x + quiet,
        y + _QR_SIDE - quiet,
        size=9,
        width=_QR_SIDE - quiet,
        ink=_QUIET,
        align=Align.R,
    )
    return max(left, right) + 9


def _assessed(sheet: _Sheet, assurance: str, y: float) -> float:
    return sheet.paragraph(assessed(assurance), _LEFT, y + 0.8, size=9, width=_COLUMN, ink=_QUIET)


def _for_payers(sheet: _Sheet, y: float) -> None:
    sheet.rule(y)
    y = sheet.line("If you pay this pension", _LEFT, y + 6, size=10, width=_WIDTH, ink=_ACCENT, bold=True) + 1.8
    for number, step in enumerate(_STEPS, start=1):
        sheet.line(str(number), _LEFT, y, size=10.5, width=6, ink=_ACCENT, bold=True)
        y = sheet.paragraph(step, _LEFT + 7, y, size=10.5, width=_WIDTH - 7, ink=_INK) + 1.4


def _foot(sheet: _Sheet, certificate: Certificate) -> None:
    sheet.rule(272)
    issued = long_date(certificate.issued_at.astimezone(ZoneInfo(certificate.time_zone)).date())
    sheet.line(
        f"Issued on {issued}   ·   signing key {certificate.key_id}", _LEFT, 275.5, size=8.5, width=_WIDTH, ink=_QUIET
    )
    proof = "The print alone proves nothing: the signed QR code does. Keep it flat, clean and out of the sun."
    sheet.line(proof, _LEFT, 280, size=8.5, width=_WIDTH, ink=_QUIET)
