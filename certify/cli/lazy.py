"""Commands that are loaded when they are called, so that one command does not wait for what the others need."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["LazyGroup", "LightGroup"]

COMMANDS: Mapping[str, str] = {
    "serve": "run",
    "worker": "run",
    "guide": "run",
    "demo": "demo",
    "check": "check",
    "verify": "verify",
    "replay": "replay",
    "simulate": "simulate",
    "enrol": "enrol",
    "remind": "messages",
    "letter": "messages",
    "token": "keys",
}
"""Which module of this package adds a command (``register``), in the order of the help."""

GROUPS: Mapping[str, str] = {
    "config": "configuration",
    "db": "database",
    "models": "models",
    "beneficiary": "people",
    "reference": "references",
    "contact": "contacts",
    "messages": "messages",
    "record": "records",
    "case": "cases",
    "proposal": "proposals",
    "feed": "feeds",
    "run": "runs",
    "audit": "audits",
    "ledger": "ledger",
    "visit": "visits",
    "agent": "agents",
    "evaluate": "evaluate",
    "keys": "keys",
}
"""Which module holds a group of commands (``app``), in the order of the help."""


class _Commands(MutableMapping[str, Any]):
    """The commands of the tables. Their names are known; each command is loaded when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _load(name)

    def __setitem__(self, name: str, command: Any) -> None:
        raise TypeError("a command stands in the tables")

    def __delitem__(self, name: str) -> None:
        raise TypeError("a command stands in the tables")

    def __iter__(self) -> Iterator[str]:
        return iter((*COMMANDS, *GROUPS))

    def __len__(self) -> int:
        return len(COMMANDS) + len(GROUPS)


class LightGroup(TyperGroup):
    """A group of commands whose help text does not load pydantic."""

    def get_params(self, ctx: Any) -> Any:
        """Return the options of the group.

        Args:
            ctx: the context of Typer.

        Returns:
            Flags that were not given are False. Typer has None there, and loads pydantic to make a flag of it.
        """
        found = super().get_params(ctx)
        for parameter in found:
            if parameter.default is None and getattr(parameter, "is_bool_flag", False):
                parameter.default = False
        return found


class LazyGroup(LightGroup):
    """The root of the program."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()


@cache
def _load(name: str) -> Any:
    """Return a command or a group.

    Args:
        name: its name in the tables.

    Returns:
        What Typer makes of it.

    Raises:
        KeyError: the tables have no such name.
    """
    root = typer.Typer(rich_markup_mode=None)
    if name in GROUPS:
        root.add_typer(importlib.import_module(f"certify.cli.{GROUPS[name]}").app, name=name)
    else:
        importlib.import_module(f"certify.cli.{COMMANDS[name]}").register(root)
    return get_group(root).commands[name]
