"""Print lines, JSON and progress: the one place, with ``certify.cli.tables``, that writes to the terminal.

Names, ids and file names come from people and files. They are printed as they are: nothing in them is read as markup,
and control characters are made visible, so that a name can neither colour the terminal nor forge a line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from certify.cli.exit_codes import ExitCode

if TYPE_CHECKING:  # rich takes a quarter of a second to load, and a help text does without
    from rich.progress import Progress

_CONTROLS = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
} | {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
"""Control characters of terminals, line separators, and those that turn the direction of the text around."""

_CONTROLS_IN_JSON = {code: f"\\u{code:04x}" for code in _CONTROLS if code >= 0x7F}


class Ink(NamedTuple):
    """Text with a style: "bold", "dim", a colour, or several of them with spaces between."""

    text: str
    style: str


Part = str | Ink


def plain(value: object) -> str:
    r"""Return a value as text of one line in which nothing controls the terminal.

    Args:
        value: anything that has a text form.

    Returns:
        The text; control characters and bytes that are no UTF-8 are written as ``\x1b`` or ``\udcff``.
    """
    return str(value).translate(_CONTROLS).encode("utf-8", "backslashreplace").decode("utf-8")


def say(*parts: Part) -> None:
    """Print one line on standard output.

    Args:
        parts: the line, in pieces; those that are ``Ink`` are painted when a terminal reads them.
    """
    typer.echo(_line(parts))


def complain(message: str, hint: str) -> None:
    """Print on standard error what happened, and what to do next.

    Args:
        message: what happened, one sentence.
        hint: what to do next, one sentence; empty when there is nothing to do.
    """
    typer.echo(_line((Ink("✗", "bold red"), f" {message}")), err=True)
    if hint:
        typer.echo(_line((f"  {hint}",)), err=True)


def warn(message: str) -> None:
    """Print on standard error what the reader should know; the command goes on.

    Args:
        message: one sentence.
    """
    typer.echo(_line((Ink("!", "bold yellow"), f" {message}")), err=True)


def agreed(question: str) -> None:
    """Ask before a step that cannot be undone.

    Args:
        question: what is about to happen, as a question.

    Raises:
        Exit: the answer was no; the command ends with ``ExitCode.NO``.
    """
    if not typer.confirm(plain(question), err=True):
        complain("Nothing was done.", "")
        raise typer.Exit(ExitCode.NO)


def print_json(value: Any) -> None:
    """Print plain values as JSON.

    Args:
        value: what to print; paths and ids become text, numbers of numpy become numbers.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_jsonable).translate(_CONTROLS_IN_JSON)
    typer.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def prepare_streams() -> None:
    """Let standard output and standard error print every text, also if the terminal lacks a letter."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def progress_bar() -> Progress:
    """Return a progress bar on standard error; it shows nothing where no terminal would move it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


@contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error that something is under way.

    Args:
        text: what is under way.

    Yields:
        A function that changes the text.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with console.status(Text(plain(text))) as status:
        yield lambda now: status.update(Text(plain(now)))


def _line(parts: tuple[Part, ...]) -> str:
    return "".join(_painted(part) for part in parts)


def _painted(part: Part) -> str:
    if isinstance(part, str):
        return plain(part)
    words = part.style.split()
    colour = next((word for word in words if word not in ("bold", "dim")), None)
    if "NO_COLOR" in os.environ or not words:
        return plain(part.text)
    # Where no terminal reads, ``typer.echo`` takes the colours out again.
    return typer.style(plain(part.text), fg=colour, bold="bold" in words or None, dim="dim" in words or None)


def _jsonable(value: Any) -> Any:
    numpy = sys.modules.get("numpy")  # a number of numpy exists only where numpy is loaded
    return value.item() if numpy is not None and isinstance(value, numpy.generic) else str(value)
