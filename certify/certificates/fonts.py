"""Choose fonts that can print a name, and report if no font on this machine can.

The built-in fonts of PDF cover Latin-1 only. Other text needs font files that cover every character. A script whose
letters join or reorder (Arabic, Devanagari, Thai …) must also be shaped, which needs the optional package uharfbuzz.
Without shaping the name would be misspelt, so it counts as not printable.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]

# Where Debian, Fedora, Alpine and macOS put fonts.
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts/Supplemental")
# In order of preference; the CJK collections come last because they are large.
_FILES = (
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansTelugu-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansSC-Regular.otf",
    "NotoSansCJK-Regular.ttc",
    "DroidSansFallbackFull.ttf",
    "wqy-microhei.ttc",
    "Arial Unicode.ttf",
)
# First and last code points of scripts that cannot be read without shaping (Unicode blocks).
_SHAPED = (
    (0x0600, 0x08FF),  # Arabic, Syriac, Thaana, N'Ko and their supplements
    (0x0900, 0x0EFF),  # the Indic scripts, Thai, Lao
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1100, 0x11FF),  # conjoining Hangul
    (0x1780, 0x18AF),  # Khmer, Mongolian
    (0x200C, 0x200D),  # joiners, which only a shaper understands
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFE),
)


class CannotPrint(Exception):
    """No font on this machine has all letters of the language."""


@dataclass(frozen=True, slots=True)
class FontChoice:
    """Font files that print a text together.

    Attributes:
        paths: the files, the main one first.
        shaped: whether the text shaper must be on.
    """

    paths: tuple[Path, ...]
    shaped: bool


def find_fonts() -> tuple[Path, ...]:
    """Return the known Unicode fonts on this machine, best first; empty when there are none."""
    return _search(tuple(Path(folder) for folder in _FOLDERS) + _packaged())


def choose_fonts(text: str, fonts: Sequence[Path]) -> FontChoice | None:
    """Return the fonts that print every character of a text.

    One font that covers everything is preferred over several. Files that are no fonts are skipped.

    Args:
        text: the text to print.
        fonts: font files in order of preference.

    Returns:
        The fonts, or None when some character cannot be printed.
    """
    shaped = any(first <= ord(character) <= last for character in text for first, last in _SHAPED)
    if shaped and not can_shape():
        return None
    wanted = {ord(character) for character in text}
    covered = [(path, wanted & _code_points(path)) for path in fonts]
    for path, points in covered:
        if points == wanted:
            return FontChoice((path,), shaped)
    useful = [(path, points) for path, points in covered if points]
    if set().union(*(points for _, points in useful)) != wanted:
        return None
    useful.sort(key=lambda item: -len(item[1]))
    chosen = []
    for path, points in useful:
        if points & wanted:  # skip a font that adds no character: loading it takes a tenth of a second
            chosen.append(path)
            wanted -= points
    return FontChoice(tuple(chosen), shaped)


def bold_of(path: Path, text: str) -> Path:
    """Return the bold version of a font file, or the file itself when there is none that covers as much of the text."""
    stem = path.stem.replace("-Regular", "") + "-Bold"
    sibling = path.with_name(stem + path.suffix)
    wanted = {ord(character) for character in text} & _code_points(path)
    return sibling if sibling.is_file() and wanted <= _code_points(sibling) else path


def can_shape() -> bool:
    """Tell whether the text shaper is installed."""
    return importlib.util.find_spec("uharfbuzz") is not None


@functools.lru_cache(maxsize=1)
def _search(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    found: dict[str, Path] = {}
    for path in _font_files(folders):
        if path.name in _FILES:
            found.setdefault(path.name, path)
    return tuple(found[name] for name in _FILES if name in found)


def _font_files(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(folder.rglob("*.tt[fc]"))
            yield from sorted(folder.rglob("*.otf"))


def _packaged() -> tuple[Path, ...]:
    """Return the folder of DejaVu inside an installed matplotlib, without importing it."""
    spec = importlib.util.find_spec("matplotlib")
    origin = spec.origin if spec else None
    return (Path(origin).parent / "mpl-data" / "fonts" / "ttf",) if origin else ()


@functools.lru_cache(maxsize=64)
def _code_points(path: Path) -> frozenset[int]:
    try:
        with path.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as font:
            return frozenset(font.getBestCmap() or {})
    except (OSError, TTLibError, AssertionError, ValueError, KeyError):
        return frozenset()
