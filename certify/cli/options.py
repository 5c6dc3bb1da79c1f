"""Options that several commands share, and the checks that come before any work."""

from __future__ import annotations

import math
import os
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from certify.cli.lazy import LightGroup
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

_MEMORY = re.compile(r"[1-9]\d{0,5}(\.\d+)?\s*([KMGT]i?B)", re.IGNORECASE)
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_OFFICER = 100
"""Characters that the name of an officer may have."""


def command_group(what: str) -> typer.Typer:
    """Make a group of commands.

    Args:
        what: help text of the group.

    Returns:
        The group, which commands are added to; called without a command it prints its help.
    """
    group = typer.Typer(cls=LightGroup, help=what, no_args_is_help=True, rich_markup_mode=None)
    group.callback(help=what)(lambda: None)  # makes it a group even with a single command
    return group


def output_file(what: str, *, private: bool = False, name: str | None = None) -> Any:
    """Declare an option that names a file to write. The command is refused at once when it cannot be written.

    Args:
        what: help text of the option.
        private: the command writes the file with ``write_private``, which makes missing folders.
        name: name of the option, where it is not that of the parameter.

    Returns:
        The option, to stand in ``Annotated``.
    """
    check = require_writable_private if private else require_writable
    return typer.Option(*([name] if name else []), help=what, callback=check)


def require_writable(path: Path | None) -> Path | None:
    """Return the path of a file to write, after making sure that it can be written.

    Args:
        path: the file; None when none was asked for.

    Returns:
        The same path.

    Raises:
        Invalid: it names a folder, its folder does not exist, or the system forbids it (``file_unwritable``).
    """
    return _require(path, makes_folder=False)


def require_writable_private(path: Path | None) -> Path | None:
    """Return the path of a file to write, whose missing folders the command makes.

    Args:
        path: the file; None when none was asked for.

    Returns:
        The same path.

    Raises:
        Invalid: it names a folder, or the system forbids to write there (``file_unwritable``).
    """
    return _require(path, makes_folder=True)


def require_finite(number: float | None) -> float | None:
    """Refuse "nan" and "inf", which pass every comparison with a bound.

    Args:
        number: value of an option.

    Returns:
        The same number.

    Raises:
        BadParameter: it is not a finite number.
    """
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter("it must be a finite number.")
    return number


def require_day(day: datetime | None) -> datetime | None:
    """Refuse days that are too far away for our calendar arithmetic.

    Args:
        day: value of an option.

    Returns:
        The same day.

    Raises:
        BadParameter: it lies before 1900 or after 2200.
    """
    if day is not None and not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise typer.BadParameter(f"it must lie between {_FIRST_YEAR} and {_LAST_YEAR}.")
    return day


def day_option(what: str, name: str | None = None) -> Any:
    """Declare an option that names a day, such as 2026-10-02.

    Args:
        what: help text of the option.
        name: name of the option, where it is not that of the parameter.

    Returns:
        The option, to stand in ``Annotated``.
    """
    return typer.Option(*([name] if name else []), formats=["%Y-%m-%d"], help=what, callback=require_day)


def require_memory(text: str) -> str:
    """Refuse a text that DuckDB cannot read as an amount of memory.

    Args:
        text: value of an option, such as "4GB".

    Returns:
        The same text.

    Raises:
        BadParameter: it is not an amount of memory.
    """
    if _MEMORY.fullmatch(text.strip()) is None:
        raise typer.BadParameter("write an amount of memory such as 500MB or 4GB.")
    return text.strip()


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Token = Annotated[
    Path | None,
    typer.Option(
        help="File with the access token of the officer who decides; by default you decide as this machine's user.",
        dir_okay=False,
    ),
]
EngineName = Annotated[
    Literal["duckdb", "spark"],
    typer.Option(help="Where linking runs. spark needs the package extra 'spark' and Java 17."),
]
Memory = Annotated[
    str,
    typer.Option(help="Memory that DuckDB may use before it writes to disk, such as 4GB.", callback=require_memory),
]
Workers = Annotated[int, typer.Option(min=1, max=32, help="Chunks of people that are worked on at the same time.")]
Encoding = Annotated[str, typer.Option(help="Encoding of a CSV file, such as utf-8 or gb18030.")]
Quarantine = Annotated[
    Path | None,
    output_file("File for rows that cannot be used, with their reasons. Default: beside the input file."),
]


def _require(path: Path | None, *, makes_folder: bool) -> Path | None:
    """Return the path of a file to write.

    Args:
        path: the file; None when none was asked for.
        makes_folder: missing folders will be made.

    Returns:
        The same path.

    Raises:
        Invalid: it cannot be written (``file_unwritable``).
    """
    if path is None:
        return None
    try:
        _check(path, makes_folder=makes_folder)
    except OSError as error:
        raise Invalid(
            f"{path} cannot be written: {error.strerror}.", hint="Name another file.", code=ErrorCode.FILE_UNWRITABLE
        ) from error
    return path


def _check(path: Path, *, makes_folder: bool) -> None:
    """Find out by trying: permissions alone do not tell about read-only disks. Nothing is left behind.

    Args:
        path: the file.
        makes_folder: missing folders will be made.

    Raises:
        Invalid: it names a folder, or its folder does not exist (``file_unwritable``).
        OSError: the system forbids to write there.
    """
    if path.is_dir():
        raise Invalid(f"{path} is a folder.", hint="Name a file in it.", code=ErrorCode.FILE_UNWRITABLE)
    folder = path.parent
    while makes_folder and not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise Invalid(
            f"There is no folder {folder}.", hint="Make it first, or name another.", code=ErrorCode.FILE_UNWRITABLE
        )
    if path.is_file() and not makes_folder:
        os.close(os.open(path, os.O_WRONLY))
    elif not path.exists() or makes_folder:
        tempfile.TemporaryFile(dir=folder).close()
