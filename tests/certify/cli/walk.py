"""All commands of the program, by walking its tree."""

from __future__ import annotations

from functools import cache
from typing import Any

import typer

from certify.cli import app


@cache
def all_commands() -> dict[str, Any]:
    """Commands by full name, such as "models check"."""
    return {name: command for name, command in _tree().items() if not hasattr(command, "commands")}


@cache
def groups() -> dict[str, Any]:
    """Groups of commands by name."""
    return {name: command for name, command in _tree().items() if name and hasattr(command, "commands")}


@cache
def _tree() -> dict[str, Any]:
    found: dict[str, Any] = {}

    def walk(name: str, command: Any) -> None:
        found[name] = command
        for child, inner in getattr(command, "commands", {}).items():
            walk(f"{name} {child}".strip(), inner)

    walk("", typer.main.get_command(app))
    return found
