"""Print a letter on one sheet of A4, in large type, with a QR code that opens the person's own pages once.

The space of the address stays empty for the print service: a window at the left, 45 to 90 mm from the top
(DIN 5008, ISO 269).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import segno
from fpdf import FPDF, Align
from fpdf.enums import TextDirection

from certify.certificates.fonts import CannotPrint, bold_of, choose_fonts, find_fonts
from certify.certificates.lines import broken
from certify.senders import Outgoing
from certify.texts import Catalogue, catalogue

_INK, _QUIET, _ACCENT = (28, 36, 43), (84, 96, 105), (17, 94, 89)
_LEFT, _WIDTH = 25.0, 160.0  # millimetres; A4 is 210 wide
_QR_SIDE = 48.0
_QUIET_ZONE = 4  # modules, ISO/IEC 18004
_GAP = 8.0
_BODY_FROM = 98.0
_TEXT, _SMALL = 12.5, 10.5  # points; large, for readers of eighty years
_POINT = 0.3528  # millimetres
_CORE = "helvetica"
"""A font that every PDF reader has, with the letters of western Europe."""
_LEADING = 1.45
_IN_NUMBER = re.compile(r"(?<=\d) (?=\d)")


def letter_pdf(
    message: Outgoing,
    fund: str,
    address: str,
    contact: str | None,
    *,
    fonts: Sequence[Path] | None = None,
) -> bytes:
    """Return a letter as PDF.

    Args:
        message: the message; its text goes between the greeting and the QR code.
        fund: name of the fund.
        address: address of the service, for people who cannot scan the code.
        contact: where people can ask, or None.
        fonts: font files in order of preference; by default those that ``find_fonts`` returns. If they cannot print
            the person's name, the greeting is left out.

    Raises:
        CannotPrint: the fonts cannot print the text.
    """
    words = catalogue(message.language)
    available = tuple(find_fonts() if fonts is None else fonts)
    name = message.name if choose_fonts(message.name, available) is not None else ""
    parts = _parts(words, message, contact, address, name)
    sheet = _Sheet(words, fund + "".join(parts.values()), available)
    sheet.head(fund, message, words.day(message.day, short=False))
    y = sheet.text(parts["subject"], _BODY_FROM, size=15, bold=True, ink=_ACCENT) + 3
    for paragraph in (parts["greeting"], *parts["text"].split("\n\n")):
        y = sheet.text(paragraph, y, size=_TEXT) + 3 if paragraph else y
    if message.link is not None:
        y = sheet.beside_code(message.link, parts["scan"], parts["other"], y + 3)
    small = "\n".join(parts[part] for part in ("help", "safe", "opt_out") if parts[part])
    y = sheet.text(small, y + 5, size=_SMALL, ink=_QUIET)
    sheet.text(fund, y + 5, size=_TEXT, bold=True)
    return bytes(sheet.pdf.output())


def _parts(words: Catalogue, message: Outgoing, contact: str | None, address: str, name: str) -> dict[str, str]:
    common = words.common
    return {
        "subject": message.subject,
        "greeting": common["greeting"].format(name=name) if name else "",
        "text": message.text,
        "scan": common["scan"],
        "other": common["other"].format(address=address),
        # Non-breaking spaces keep a telephone number on one line, and in order in languages written right to left.
        "help": common["help"].format(contact=_IN_NUMBER.sub("\u00a0", contact)) if contact else "",
        "safe": common["safe"],
        "opt_out": common["opt_out"],
    }


class _Sheet:
    """The page. Text starts at the side where the language starts."""

    def __init__(self, words: Catalogue, everything: str, fonts: Sequence[Path]) -> None:
        self.pdf = pdf = FPDF(unit="mm", format="A4")
        self._right_to_left = words.direction == "rtl"
        self._spaced = not words.language.startswith("zh")
        self._regular, self._bold = _families(pdf, everything, fonts, shaped=self._right_to_left)
        if self._right_to_left:
            pdf.set_text_shaping(use_shaping_engine=True, direction=TextDirection.RTL)
        pdf.set_auto_page_break(auto=False)
        pdf.set_margin(0)
        pdf.c_margin = 0
        pdf.set_lang(words.language)
        pdf.set_creator("certify")
        pdf.set_producer("certify")
        pdf.add_page()

    def text(
        self,
        text: str,
        y: float,
        *,
        size: float,
        bold: bool = False,
        ink: tuple[int, int, int] = _INK,
        x: float = _LEFT,
        width: float = _WIDTH,
    ) -> float:
        """Print paragraphs at a position in millimetres; return the y below them."""
        families = self._bold if bold else self._regular
        self.pdf.set_fallback_fonts(list(families[1:]))
        self.pdf.set_font(families[0], "B" if bold and families[0] == _CORE else "", size)
        self.pdf.set_text_color(*ink)
        self.pdf.set_xy(x, y)
        align = Align.R if self._right_to_left else Align.L
        lines = text if self._spaced else broken(text, width, self.pdf.get_string_width)
        self.pdf.multi_cell(width, size * _POINT * _LEADING, lines, align=align)
        return float(self.pdf.get_y())

    def head(self, fund: str, message: Outgoing, day: str) -> None:
        """Print the name of the fund and, beside the space for the address, the date and the number of the message."""
        self.pdf.set_title(fund)
        self.text(fund, 18, size=12, bold=True, ink=_ACCENT)
        self.text(day, 45, size=_SMALL, ink=_QUIET, x=120, width=65)
        self.text(str(message.id)[:8].upper(), 51, size=_SMALL, ink=_QUIET, x=120, width=65)

    def beside_code(self, link: str, first: str, second: str, y: float) -> float:
        """Print the QR code of a link, and two paragraphs beside it; return the y below both."""
        png = io.BytesIO()
        code = segno.make_qr(link, error="q")
        code.save(png, kind="png", scale=8, border=_QUIET_ZONE, dark="#000", light="#fff")
        # At the side where the language starts. The quiet zone is white, so the visible code aligns with the text.
        quiet = _QR_SIDE * _QUIET_ZONE / code.symbol_size(border=_QUIET_ZONE)[0]
        code_x = _LEFT + _WIDTH - _QR_SIDE + quiet if self._right_to_left else _LEFT - quiet
        text_x = _LEFT if self._right_to_left else _LEFT + _QR_SIDE + _GAP
        self.pdf.image(png, x=code_x, y=y, w=_QR_SIDE, h=_QR_SIDE, alt_text="QR code of the address to open.")
        width = _WIDTH - _QR_SIDE - _GAP
        below = self.text(first, y + 2, size=_TEXT, x=text_x, width=width)
        below = self.text(second, below + 2.5, size=_TEXT, x=text_x, width=width)
        return max(below, y + _QR_SIDE)


def _families(
    pdf: FPDF, everything: str, fonts: Sequence[Path], *, shaped: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Add the fonts that can print a text; return their names, regular and bold, the main font first."""
    choice = choose_fonts(everything.replace("\n", ""), fonts)
    if choice is None:
        try:
            everything.encode("cp1252")
        except UnicodeEncodeError:
            raise CannotPrint from None
        pdf.core_fonts_encoding = "cp1252"
        return (_CORE,), (_CORE,)
    pdf.set_text_shaping(use_shaping_engine=choice.shaped or shaped)
    names: dict[bool, list[str]] = {False: [], True: []}
    for path in choice.paths:
        for bold in (False, True):
            file = bold_of(path, everything) if bold else path
            family = f"f{file.stem}".lower().replace(" ", "")
            if family not in pdf.fonts:
                pdf.add_font(family, fname=file)
            names[bold].append(family)
    return tuple(names[False]), tuple(names[True])
