"""The documents hold together: links and anchors resolve, files and functions named exist, every page can be found."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
INDEX = DOCS / "index.md"
DECISIONS = DOCS / "decisions"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
NAMING_FILES = [DOCS / "architecture.md", DOCS / "sources.md", ROOT / "CONTRIBUTING.md"]
"""Documents whose use is that they name files: each path in backticks must exist."""

_CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_IMAGE = re.compile(r'<img src="([^"]+)"')
_TOP = "api|bench|certify|docs|fixtures|models|tests"
_PATH = re.compile(
    rf"`((?:{_TOP})/[^`\s]*|[\w.-]+\.(?:md|toml|lock|yaml)|Makefile|Dockerfile|\.importlinter|\.ci/run)`"
)
_NAMED = re.compile(r"`(\w+)` \(`([\w./-]+\.(?:py|js))`\)")
_READ = frozenset({".py", ".toml", ".js", ".md"})
"""Files in which documents are cited."""


@cache
def _text(document: Path) -> str:
    return document.read_text("utf-8")


@cache
def _anchors(document: Path) -> frozenset[str]:
    """Anchors of the headings of a document, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", _CODE.sub("", _text(document)), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", heading).strip().lower() for heading in headings]
    return frozenset(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain)


def _targets(document: Path) -> list[tuple[str, Path, str]]:
    """Local targets of a document: as written, the file meant, and the anchor in it."""
    text = _CODE.sub("", _text(document))
    written = [target for target in (*_LINK.findall(text), *_IMAGE.findall(text)) if "://" not in target]
    found = []
    for target in written:
        path, _, anchor = target.partition("#")
        found.append((target, (document.parent / path).resolve() if path else document, anchor))
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_resolves(document: Path) -> None:
    for target, path, anchor in _targets(document):
        assert path.exists(), target
        assert path.is_relative_to(ROOT), target
        assert not anchor or anchor in _anchors(path), target


@pytest.mark.parametrize("document", NAMING_FILES, ids=lambda path: path.name)
def test_every_path_named_exists(document: Path) -> None:
    named = _PATH.findall(_text(document))
    assert len(named) > 20
    gone = [path for path in named if not _exists(path)]
    assert gone == []


def _exists(path: str) -> bool:
    pattern = path.replace("LANGUAGE", "en").rstrip("/")
    return any(ROOT.glob(pattern)) if "*" in pattern else (ROOT / pattern).exists()


@pytest.mark.parametrize("document", NAMING_FILES, ids=lambda path: path.name)
def test_every_function_named_is_in_its_file(document: Path) -> None:
    gone = []
    for name, path in _NAMED.findall(_text(document)):
        file = ROOT / path
        defined = rf"(?m)^\s*(?:export )?(?:async )?(?:def|class|function|const|let) {name}\b|^{name}\b.*="
        if not file.exists() or not re.search(defined, _text(file)):
            gone.append(f"{name} in {path}")
    assert gone == []


def test_every_document_is_found_from_the_index() -> None:
    found, waiting = set(), [INDEX]
    while waiting:
        document = waiting.pop()
        if document not in found:
            found.add(document)
            waiting += [path for _, path, _ in _targets(document) if path.suffix == ".md" and path.exists()]
    assert [path.relative_to(ROOT).as_posix() for path in DOCUMENTS if path not in found] == []


def test_the_index_names_every_page() -> None:
    linked = {path for _, path, _ in _targets(INDEX)}
    pages = {*DOCS.glob("*.md"), DECISIONS / "index.md"} - {INDEX}
    assert {path.name for path in pages - linked} == set()


def test_every_picture_is_shown() -> None:
    shown = {path for document in DOCUMENTS for _, path, _ in _targets(document)}
    assert {path.name for path in DOCS.rglob("*.png")} - {path.name for path in shown} == set()


def test_every_document_that_is_cited_exists() -> None:
    folders = [ROOT / folder for folder in _TOP.split("|")]
    sources = [*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*") if path.suffix in _READ)]
    gone = [f"{source.relative_to(ROOT)}: {cited}" for source in sources for cited in _gone(_text(source))]
    assert gone == []


def _gone(text: str) -> list[str]:
    """Documents that a text cites by their path, with an anchor or not, and that are not there."""
    pages = re.findall(r"\b(docs/[\w/-]+\.md)(?:#([\w-]+))?", text)
    gone = [
        f"{page}#{anchor}"
        for page, anchor in pages
        if not (ROOT / page).exists() or (anchor and anchor not in _anchors(ROOT / page))
    ]
    numbers = re.findall(r"docs/decisions/(\d{4})\b", text)
    return gone + [f"decision {number}" for number in numbers if not list(DECISIONS.glob(f"{number}-*.md"))]


def _decisions() -> list[Path]:
    return sorted(DECISIONS.glob("[0-9]*.md"))


def test_every_decision_has_a_status_and_a_date_and_stands_in_the_index() -> None:
    rows = []
    for number, path in enumerate(_decisions(), 1):
        head = re.match(
            r"# (?P<number>\d+)\. (?P<title>.+)\n\n"
            r"Status: (?P<status>proposed|accepted|superseded by \d+)\n"
            r"Date: (?P<date>\d{4}-\d{2}-\d{2})\n",
            _text(path),
        )
        assert head, path.name
        assert (int(head["number"]), path.name[:4]) == (number, f"{number:04}")
        rows.append((head["number"], head["title"], path.name, head["status"], head["date"]))
    row = re.compile(r"^\| (\d+) \| \[(.+?)\]\(([\w-]+\.md)\) \| (.+?) \| (.+?) \| .{10,}\|$", re.MULTILINE)
    assert row.findall(_text(DECISIONS / "index.md")) == rows


def test_the_readme_is_short() -> None:
    assert len(_text(ROOT / "README.md").splitlines()) <= 130
