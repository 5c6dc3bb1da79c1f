"""README, docs and the program agree: commands, options, settings, exit codes."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import typer

from certify.cli import app
from certify.cli.exit_codes import ExitCode
from certify.config import Settings

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")


@cache
def _commands() -> dict[str, Any]:
    """All commands by full name, such as "models check"."""
    found: dict[str, Any] = {}

    def walk(name: str, command: Any) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found[name] = command
        else:
            for child, inner in children.items():
                walk(f"{name} {child}".strip(), inner)

    walk("", typer.main.get_command(app))
    return found


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("-")} | {"--help"}


def _first_sentence(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def test_the_command_table_is_what_help_says() -> None:
    rows = dict(re.findall(r"^\| `certify ([a-z -]+)` \| (.+?) \|$", COMMANDS, re.MULTILINE))
    assert rows == {name: _first_sentence(command.help or "") for name, command in _commands().items()}


def test_every_example_names_commands_and_options_that_exist() -> None:
    documents = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    examples = 0
    for document in documents:
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.search(r"(?:^|\s|\()(?:\.venv/bin/)?certify ([^|>#)]+)", line)
                if not found or (
                    "=" in line.split("certify ")[0] and not line.strip().startswith(("CERTIFY", "$ CERTIFY", "TOKEN"))
                ):
                    continue
                words = shlex.split(found[1])
                name = next((n for n in (" ".join(words[:2]), words[0]) if n in _commands()), None)
                assert name is not None, f"{document.name}: there is no command in '{line}'"
                for word in words:
                    if word.startswith("--"):
                        assert word.split("=")[0] in _options(_commands()[name]), f"{document.name}: {word} in '{line}'"
                examples += 1
    assert examples >= 10


def test_every_command_and_option_says_what_it_does() -> None:
    for name, command in _commands().items():
        assert len(command.help or "") > 40, name
        for parameter in command.params:
            if not getattr(parameter, "hidden", False) and parameter.opts[0] not in (
                "--help",
                "--birth-date",
                "--hours",
            ):
                assert parameter.help, f"{name} {parameter.opts}"


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    documented = dict(re.findall(r"^\| `(CERTIFY_[A-Z_]+)` \| .+? \| (.+?) \|$", text, re.MULTILINE))
    # Two are read by the face side itself.
    for name in ("CERTIFY_MODEL_CACHE", "CERTIFY_MODEL_PACKS"):
        documented.pop(name)
    settings = {f"CERTIFY_{name.upper()}": field.description for name, field in Settings.model_fields.items()}
    assert documented == settings


def test_the_exit_codes_are_explained() -> None:
    explained = re.findall(r"^\| (\d) \| .+ \|$", COMMANDS, re.MULTILINE)
    assert [int(code) for code in explained] == [code.value for code in ExitCode]


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for target in re.findall(r"^make ([a-z]+)|`make ([a-z]+)", README + contributing, re.MULTILINE):
        name = "".join(target)
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name
    assert "make demo" in README
    assert "make test" in README
