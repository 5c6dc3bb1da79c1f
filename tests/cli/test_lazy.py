"""The table of commands is what the modules hold, and a command does not load what only others need."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest
import typer
from typer.main import get_group
from typer.testing import CliRunner

import certify.cli
from certify.cli.lazy import COMMANDS, GROUPS


def test_every_module_is_in_the_table_with_all_it_adds() -> None:
    for found in pkgutil.iter_modules(certify.cli.__path__):
        module = importlib.import_module(f"certify.cli.{found.name}")
        if found.name in ("supervise", "evaluate_linkage"):
            continue  # they add to groups
        added = set()
        if hasattr(module, "register"):
            root = typer.Typer()
            module.register(root)
            added = set(get_group(root).commands)
        assert added == {name for name, where in COMMANDS.items() if where == found.name}, found.name
        assert hasattr(module, "app") == (found.name in GROUPS.values()), found.name


def test_a_wrong_word_is_told_and_a_near_one_suggested() -> None:
    said = CliRunner().invoke(certify.cli.app, ["agnt"])
    assert said.exit_code == 2
    assert "No such command 'agnt'. Did you mean 'agent'?" in said.output


@pytest.mark.parametrize("name", ["agent", "case", "verify"])
def test_linking_is_not_loaded_for_other_commands(name: str) -> None:
    code = f"import sys; from certify.cli.lazy import _load; _load({name!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert f"certify.cli.{GROUPS.get(name, name)}" in loaded
    assert {"pandas", "pypinyin", "duckdb", "onnxruntime"}.isdisjoint(loaded)
