"""Run the command within this process: faster than a new process, and with the same output and exit code."""

from __future__ import annotations

import io
import logging
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from certify.cli import main
from certify.cli.exit_codes import ExitCode


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def ended(
    folder: Path, *words: str | Path, typed: str = "", environment: dict[str, str] | None = None, columns: int = 200
) -> Ended:
    """Run the command in a folder whose ``data`` it uses."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    before, root = Path.cwd(), logging.getLogger()
    handlers, level = root.handlers[:], root.level  # the service sets up logs of its own
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        settings = {"CERTIFY_DATA_DIR": str(folder / "data"), "COLUMNS": str(columns), **(environment or {})}
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["certify", *map(str, words)])
        patch.setattr(sys, "stdin", io.StringIO(typed))
        os.chdir(folder)
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            os.chdir(before)
            root.handlers[:] = handlers
            root.setLevel(level)
    return Ended(code, out.getvalue(), err.getvalue())


def here(
    folder: Path,
    *words: str | Path,
    code: ExitCode = ExitCode.OK,
    typed: str = "",
    environment: dict[str, str] | None = None,
) -> str:
    """Run the command in a folder whose ``data`` it uses, and check its exit code.

    Returns what it printed: with ``--json`` only what programs read, and what people read on standard error too when
    it failed or something was ``typed``.
    """
    done = ended(folder, *words, typed=typed, environment=environment)
    assert done.code == code, f"{words}: exit code {done.code}\n{done.out}\n{done.err}"
    return done.out if "--json" in words or not (code or typed) else done.out + done.err
