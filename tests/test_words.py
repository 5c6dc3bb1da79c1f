"""The word list of STYLE.md: its left column stands nowhere in code, comments, documents or commands.

Not checked: texts for people in the catalogues (their translators decide), and the names of things that stay.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STYLE = ROOT / "STYLE.md"
CHECKED = {".css", ".html", ".js", ".md", ".mako", ".py", ".toml", ".yaml", ".yml", ""}
CATALOGUES = ("certify/texts/", "api/web/phone/locales/", "api/web/tablet/locales/")
LISTS = ("STYLE.md", "tests/test_words.py", "requirements.lock", "LICENSE")
"""The list itself, this test of it, and what others wrote."""


def _listed() -> list[str]:
    """Return the left column of the table under "Words"."""
    table = STYLE.read_text("utf-8").split("\n## Words\n")[1].split("\n\n")
    rows = next(part for part in table if part.startswith("| do not write"))
    return [line.split("|")[1].strip() for line in rows.splitlines()[2:]]


def _pattern() -> re.Pattern[str]:
    return re.compile(
        r"\b(" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in _listed()) + r")\b", re.IGNORECASE
    )


def _files(folder: str) -> list[Path]:
    found = (ROOT / folder).rglob("*") if folder else ROOT.glob("*")
    names = [path.relative_to(ROOT).as_posix() for path in sorted(found) if path.is_file() and path.suffix in CHECKED]
    return [ROOT / name for name in names if name not in LISTS and not name.startswith((*CATALOGUES, "."))]


def _found(text: str) -> list[str]:
    plain = re.sub(r"\n\s*(#|//|\*)? *", lambda gap: "\n" * gap[0].count("\n"), text)  # a term may go over two lines
    return [f"{plain.count(chr(10), 0, hit.start()) + 1}: {hit[0]!r}" for hit in _pattern().finditer(plain)]


def test_the_list_is_read() -> None:
    assert len(_listed()) >= 10
    assert _found("Nobody came.\n# It was put\n#   by for later.") == ["1: 'Nobody'", "2: 'put\\nby'"]
    assert _found("The input by hand; nobody_else; anewer.") == []


@pytest.mark.parametrize("folder", ["", "api", "bench", "certify", "docs", "fixtures", "models", "tests"])
def test_no_listed_word_stands_anywhere(folder: str) -> None:
    inside = _files(folder)
    assert inside
    found = [f"{path.relative_to(ROOT)}:{hit}" for path in inside for hit in _found(path.read_text("utf-8"))]
    assert found == [], f"{len(found)} words that STYLE.md replaces"
