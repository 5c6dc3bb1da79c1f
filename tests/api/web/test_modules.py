"""Imports between the scripts of the apps: every file exists, each app stands alone, and there is no circle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import PurePosixPath
from posixpath import normpath

import pytest

from api.web.pages import APPS, SHARED

_WEB = SHARED.parent
FOLDERS = [SHARED.name, *(app.folder.name for app in APPS)]
_EVERY_APP = pytest.mark.parametrize("app", FOLDERS[1:])

_STRING_OR_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_IMPORTS = (
    re.compile(r'^(?:import|export)\b[^;"]*\bfrom "([^"]+)"', re.MULTILINE),
    re.compile(r'^import "([^"]+)"', re.MULTILINE),
    re.compile(r'\bimport\("([^"]+)"\)'),
)
_WORDS = re.compile(r"^import\s|^export [*{][^;=]*\bfrom\b|\bimport\(", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)(?: = (?:async )?)?(\()?", re.MULTILINE)


def _scripts(folder: str) -> dict[str, str]:
    """Scripts of one folder, by the path under which they are served."""
    root = _WEB / folder
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*.js"))}


def _code(text: str) -> str:
    return _STRING_OR_COMMENT.sub(lambda found: found[1] or "", text)


def _imports(name: str, text: str) -> Iterator[str]:
    """Paths of what a script imports, at its top or when it needs it, as the browser resolves them."""
    code = _code(text)
    for pattern in _IMPORTS:
        for found in pattern.findall(code):
            assert found.startswith(("./", "../")), f"{name} imports {found}: paths are relative"
            yield normpath(PurePosixPath(name).parent / found)


SCRIPTS = {folder: _scripts(folder) for folder in FOLDERS}
IMPORTS = {
    folder: {name: sorted(set(_imports(name, text))) for name, text in scripts.items()}
    for folder, scripts in SCRIPTS.items()
}


def test_all_imports_are_read() -> None:
    """What the patterns above do not read is not checked: they must find as many imports as there are."""
    for scripts in SCRIPTS.values():
        for name, text in scripts.items():
            code = _code(text)
            assert sum(len(pattern.findall(code)) for pattern in _IMPORTS) == len(_WORDS.findall(code)), name
    assert sum(len(imports) for folder in IMPORTS.values() for imports in folder.values()) > 150


@_EVERY_APP
def test_every_import_exists_in_the_app_or_in_shared(app: str) -> None:
    """Each app is served with what is shared: nothing of another app is there."""
    served = SCRIPTS[SHARED.name].keys() | SCRIPTS[app].keys()
    missing = {name: set(imports) - served for name, imports in IMPORTS[app].items() if set(imports) - served}
    assert missing == {}


def test_shared_scripts_import_shared_scripts_only() -> None:
    shared = SCRIPTS[SHARED.name].keys()
    assert {name: found for name, imports in IMPORTS[SHARED.name].items() if (found := set(imports) - shared)} == {}


@_EVERY_APP
def test_no_script_of_an_app_hides_a_shared_one(app: str) -> None:
    assert SCRIPTS[app].keys() & SCRIPTS[SHARED.name].keys() == set()


@_EVERY_APP
def test_there_is_no_circle(app: str) -> None:
    """Reading a module must not need the module itself; imports inside functions count too."""
    order = TopologicalSorter(IMPORTS[SHARED.name] | IMPORTS[app])
    assert len(list(order.static_order())) == len(SCRIPTS[SHARED.name]) + len(SCRIPTS[app])


@_EVERY_APP
def test_no_view_names_the_script_that_starts_the_app(app: str) -> None:
    """Not even for a type: views take the frame from pages.js and what they share from the app's own modules."""
    views = {name: text for name, text in SCRIPTS[app].items() if name.startswith("js/views/")}
    assert len(views) > 5
    assert [name for name, text in views.items() if "main.js" in text] == []


@_EVERY_APP
def test_every_export_is_described(app: str) -> None:
    """By a JSDoc comment right before it, which names the parameters of a function."""
    bare = []
    for name, text in (SCRIPTS[SHARED.name] | SCRIPTS[app]).items():
        for export in _EXPORT.finditer(text):
            before = text[: export.start()].rstrip()
            takes = export[2] is not None and text[export.end()] != ")"
            comment = before[before.rfind("/**") :]
            if not before.endswith("*/") or (takes and "@param" not in comment):
                bare.append(f"{name}: {export[1]}")
    assert bare == []
